/** Builders for tests: each makes one thing that is right, and names only what matters to the test. */

import type { Card, Contact, Message, Note, Opened, Ready } from "./protocol";
import { initial, type Pending, type State } from "./store";

const AT = "2026-01-31T10:00:00.000000Z";

export const card = (id: number, fields: Partial<Card> = {}): Card => ({
  id, inbox: 1, contact: { id, name: "", shown: `c${id}` }, status: "open", owner: "queue", operator: null, owner_version: 1, episode: 1,
  last_seq: 0, unread: 0, last: null, active_at: AT, waiting_since: AT, reason: "", stage: 0, snoozed_until: null, callback_at: null, ...fields,
});

export const message = (seq: number, fields: Partial<Message> = {}): Message => ({ seq, author: "contact", text: `text ${seq}`, client_id: null, created_at: AT, ...fields });

export const messages = (from: number, upto: number): Message[] => Array.from({ length: upto - from + 1 }, (_, at) => message(from + at));

export const note = (id: number, after_seq: number): Note => ({ id, after_seq, operator: { id: 3, name: "Anna" }, text: `note ${id}`, created_at: AT });

export const contact = (fields: Partial<Contact> = {}): Contact => ({ id: 1, name: "", email: "", phone: "", shown: "c1", kinds: ["token"], created_at: AT, ...fields });

export const answer = (fields: Partial<Opened> = {}): Opened => ({
  card: card(1), contact: contact(), episodes: [], notes: [], people: [], messages: [], first_seq: 1, ...fields,
});

export const ready = (fields: Partial<Ready> = {}): Ready => ({
  me: { id: 3, name: "Anna", is_supervisor: false }, on_duty: false, capacity: 5, operators: [], inboxes: [], replies: [], counts: { waiting: 0, mine: 0, callback: 0, unread: 0, offer: null }, ...fields,
});

export const pending = (id: string, fields: Partial<Pending> = {}): Pending => ({ id, conversation: 1, kind: "message", text: `text ${id}`, edits: null, file: null, version: 1, at: 0, failed: null, seq: null, ...fields });

export const state = (fields: Partial<State> = {}): State => ({ ...initial, me: { id: 3, name: "Anna", is_supervisor: false }, ready: true, line: "online", ...fields });
