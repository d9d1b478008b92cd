/** Everything the chat shows, and the named transitions that change it. Pure: the same state and event, the same state. */

import type { Author, Look, Message, Owner, Problem, Refusal } from "./protocol";
import type { Pending } from "./storage";
import type { News, Upload } from "./upload";

export const MAX_LENGTH = 4000;
const BOT_THINKS_MS = 60_000;
const TYPING_MS = 6_000;

export interface State {
  look: Look | null;
  messages: Message[];
  pending: Pending[];
  uploads: Upload[]; // files that stand at the composer
  owner: Owner;
  /** In the queue, from 1 on; null where nobody waits, or it is not known. */
  place: number | null;
  readSeq: number;
  open: boolean;
  online: boolean;
  typing: { author: Author; until: number } | null;
  draft: { turn: string; text: string } | null; // what the bot is saying right now
  askedAt: number; // when the newest message of the visitor reached us, by our own clock
  notice: "slow" | Refusal | null;
}

export const initial: State = {
  look: null,
  messages: [],
  pending: [],
  uploads: [],
  owner: null,
  place: null,
  readSeq: 0,
  open: false,
  online: true,
  typing: null,
  draft: null,
  askedAt: 0,
  notice: null,
};

/** Whether the server has turned us away for good. */
export const isOver = (state: State): boolean => state.notice !== null && state.notice !== "slow";

/** The seq of the newest message that is here without a hole before it. */
export const lastSeq = (state: State): number => state.messages.at(-1)?.seq ?? 0;

/** Messages of others that nobody has looked at. */
export const unread = (state: State): number =>
  state.messages.filter((message) => message.author !== "contact" && message.seq > state.readSeq && message.edits === undefined).length;

/** A message as it is shown. */
export type Shown = Message & { edited?: boolean };

/** The log with each edit in the place of what it replaces; only its author can have edited a message. */
export function shown(messages: Message[]): Shown[] {
  const bySeq = new Map<number, Shown>();
  for (const message of messages) {
    const before = bySeq.get(message.edits ?? 0);
    if (before?.author === message.author) bySeq.set(before.seq, { ...before, text: message.text, edited: true });
    else bySeq.set(message.seq, message);
  }
  return [...bySeq.values()];
}

/** A message of the log: shown once, in its place; its pending twin is gone. */
export function received(state: State, message: Message, now: number): State {
  if (message.seq <= lastSeq(state)) return state;
  const ours = message.author === "contact";
  return {
    ...state,
    messages: [...state.messages, message],
    pending: state.pending.filter((one) => one.client_id !== message.client_id),
    typing: ours ? state.typing : null,
    draft: message.author === "bot" ? null : state.draft,
    askedAt: ours ? now : state.askedAt,
  };
}

/** All that was said is gone; what we have not sent yet begins a new log. */
export const erased = (state: State): State => ({ ...state, messages: [], readSeq: 0, owner: null, place: null, draft: null });

/** Something of ours that is to be sent. */
export const queued = (state: State, pending: Pending): State => ({
  ...state,
  pending: [...state.pending.filter((one) => one.client_id !== pending.client_id), pending],
});

/** Something of ours that the server has: it comes back in the log at any moment. */
export const stored = (state: State, clientId: string): State => ({
  ...state,
  pending: state.pending.map((one) => (one.client_id === clientId ? { ...one, stored: true } : one)),
});

/** A file stands at the composer. */
export const attached = (state: State, upload: Upload): State => ({ ...state, uploads: [...state.uploads, upload] });

/** News of a file at the composer. */
export const heardOf = (state: State, id: string, news: News): State => ({
  ...state,
  uploads: state.uploads.map((one) => (one.id === id ? { id, name: one.name, ...news } : one)),
});

/** A file stands at the composer no more: taken away, or sent. */
export const detached = (state: State, ids: string[]): State => ({
  ...state,
  uploads: state.uploads.filter((one) => !ids.includes(one.id)),
});

/** What is to be sent yet, oldest first. */
export const unsent = (state: State): Pending[] => state.pending.filter((one) => !one.failed && !one.stored);

/** A refusal: of one message, or of the whole connection. A server in trouble refuses nothing: it is asked again. */
export function refused(state: State, problem: Problem): State {
  if (problem.status === 429) return { ...state, notice: "slow" };
  if (problem.client_id === undefined || problem.status >= 500) return state;
  const failed = (one: Pending): Pending => (one.client_id === problem.client_id ? { ...one, failed: true } : one);
  return { ...state, pending: state.pending.map(failed) };
}

/** Who answers now. */
export const ownerChanged = (state: State, owner: Owner, place: number | null = null): State => ({
  ...state,
  owner,
  place: owner === "queue" ? place : null,
  typing: null,
});

/** Somebody writes. */
export const typed = (state: State, author: Author, now: number): State => ({
  ...state,
  typing: { author, until: now + TYPING_MS },
});

/** The bot has said a little more; a new turn begins anew. */
export const spoken = (state: State, turn: string, text: string): State => ({
  ...state,
  draft: { turn, text: state.draft?.turn === turn ? state.draft.text + text : text },
});

/** What the bot was saying stands in the log now, or was taken back. */
export const silenced = (state: State, turn: string | null): State =>
  turn === null || state.draft?.turn === turn ? { ...state, draft: null } : state;

/** What may be answered to the newest message with one press. */
export const choices = (state: State): string[] =>
  state.pending.length === 0 && state.draft === null ? (state.messages.at(-1)?.choices ?? []) : [];

/** Everything up to `seq` has been seen, here or on another device. */
export const seen = (state: State, seq: number): State => ({ ...state, readSeq: Math.max(state.readSeq, seq) });

/** Who is shown as writing now: who said so, or the bot as long as it owes an answer, whatever the clock here says. */
export function writer(state: State, now: number): Author | null {
  if (state.draft !== null) return null;
  if (state.typing !== null && state.typing.until > now) return state.typing.author;
  const last = state.messages.at(-1);
  const waits = state.owner === "bot" && last?.author === "contact" && state.online;
  return waits && now - Math.min(state.askedAt, Date.parse(last.created_at)) < BOT_THINKS_MS ? "bot" : null;
}

/** Unicode code points, as the server counts them. */
export const length = (text: string): number => [...text].length;
