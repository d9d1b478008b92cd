/** What travels between the desk and the server; see docs/api/desk.md. */

import type { Author, Source } from "../widget/protocol";

export type { Author, Source };
export type ListName = "waiting" | "mine" | "open" | "callback" | "closed";
export type Owner = "bot" | "queue" | "operator";
export type Status = "open" | "snoozed" | "closed";

export interface Person {
  id: number;
  name: string;
}

export interface Operator extends Person {
  on_duty: boolean;
  open: number;
}

export interface Looker extends Person {
  typing: boolean;
}

export interface Reply {
  id: number;
  shortcut: string;
  text: string;
  inbox?: number | null; // the only one that it is for
}

export interface Counts {
  waiting: number;
  mine: number;
  callback: number;
  /** Messages in mine that I have not read. */
  unread: number;
  /** The conversation that waits longest of those I am called to; null: I am off duty, or have enough to do. */
  offer: number | null;
}

export interface Card {
  id: number;
  inbox: number;
  contact: { id: number; name: string; shown: string };
  status: Status;
  owner: Owner;
  operator: Person | null;
  owner_version: number;
  episode: number;
  last_seq: number;
  unread: number;
  last: { seq: number; author: Author; text: string; created_at: string } | null;
  active_at: string;
  waiting_since: string | null;
  reason: string | null;
  stage: number;
  snoozed_until: string | null;
  callback_at: string | null;
}

export interface Contact {
  id: number;
  name: string;
  email: string;
  phone: string;
  shown: string;
  kinds: string[];
  created_at: string;
}

export interface Episode {
  number: number;
  after_seq: number;
  upto_seq: number | null;
  closed_at: string | null;
  closed_by: string | null;
}

export interface Note {
  id: number;
  after_seq: number;
  operator: Person | null;
  text: string;
  created_at: string;
}

export interface Attached {
  name: string;
  media_type: string;
  size: number;
  url: string;
  key?: string;
}

export interface Message {
  seq: number;
  author: Author;
  text: string;
  client_id: string | null;
  created_at: string;
  operator?: Person | null;
  edits?: number | null;
  file?: Attached | null;
  sources?: Source[];
  choices?: string[];
  payload?: { event?: string; reason?: string; by?: string | Person; to?: string | Person | null };
}

export interface Found {
  card: Card;
  seq: number;
  author: Author;
  text: string;
  created_at: string;
  marks: [number, number][];
}

/** A refusal. `owner` says who answers now, where that was the reason. */
export interface Problem {
  code: string;
  status: number;
  title?: string;
  detail?: string;
  owner?: string | Person | null;
  retry_after?: number;
  card?: Card;
}

export interface Opened {
  card: Card;
  contact: Contact;
  episodes: Episode[];
  notes: Note[];
  people: Looker[];
  messages: Message[];
  first_seq: number;
  read_seq?: number;
}

export interface Ready {
  me: Person & { is_supervisor: boolean };
  on_duty: boolean;
  capacity: number;
  operators: Operator[];
  inboxes: { id: number; name: string }[];
  replies: Reply[];
  counts: Counts;
}

export interface Listed {
  list: ListName;
  inbox: number | null;
  order: number[];
  cards: Card[];
  more: boolean;
}

/** The answer to a command: each has what its command promises, and nothing else. */
export interface Done {
  id: string;
  seq?: number;
  card?: Card;
  note?: Note;
  contact?: Contact;
  cards?: Card[];
  more?: boolean;
  messages?: Message[];
  found?: Found[];
  next?: unknown;
}

export type Frame =
  | ({ type: "ready" } & Ready)
  | ({ type: "done" } & Done)
  | ({ type: "error"; id?: string } & Problem)
  | { type: "counts"; counts: Counts }
  | { type: "staff"; operators: Operator[]; on_duty: boolean; capacity: number }
  | ({ type: "list" } & Listed)
  | ({ type: "message"; conversation: number } & Message)
  | { type: "card"; card: Card }
  | { type: "note"; conversation: number; note: Note }
  | { type: "contact"; conversation: number; contact: Contact }
  | { type: "read"; conversation: number; seq: number }
  | { type: "typing"; conversation: number; author: Author }
  | { type: "presence"; conversation: number; people: Looker[] }
  | { type: "pong" };

/** A command; the line gives it its id. */
export type Command = { type: string; [field: string]: unknown };

/** Why the server will not talk to us at all. */
export type End = "signed_out" | "not_at_desk" | "not_allowed";
