/** Everything the chat shows, and the named transitions that change it. Pure: the same state and event, the same state. */

import type { Author, Look, Message, Owner, Problem } from "./protocol";
import type { Pending } from "./storage";

export const MAX_LENGTH = 4000;
const BOT_THINKS_MS = 60_000;
const TYPING_MS = 6_000;

export interface State {
  look: Look | null;
  messages: Message[];
  pending: Pending[];
  owner: Owner;
  readSeq: number;
  open: boolean;
  online: boolean;
  typing: { author: Author; until: number } | null;
  notice: "slow" | "refused" | null;
}

export const initial: State = {
  look: null,
  messages: [],
  pending: [],
  owner: null,
  readSeq: 0,
  open: false,
  online: true,
  typing: null,
  notice: null,
};

/** The seq of the newest message that is here without a hole before it. */
export const lastSeq = (state: State): number => state.messages.at(-1)?.seq ?? 0;

/** Messages of others that nobody has looked at. */
export const unread = (state: State): number =>
  state.messages.filter((message) => message.author !== "contact" && message.seq > state.readSeq).length;

/** A message of the log: shown once, in its place; its pending twin is gone. */
export function received(state: State, message: Message): State {
  if (message.seq <= lastSeq(state)) return state;
  return {
    ...state,
    messages: [...state.messages, message],
    pending: state.pending.filter((one) => one.client_id !== message.client_id),
    typing: message.author === "contact" ? state.typing : null,
  };
}

/** Something of ours that is to be sent. */
export const queued = (state: State, pending: Pending): State => ({
  ...state,
  pending: [...state.pending.filter((one) => one.client_id !== pending.client_id), pending],
});

/** A refusal: of one message, or of the whole connection. */
export function refused(state: State, problem: Problem): State {
  if (problem.status === 429) return { ...state, notice: "slow" };
  if (problem.client_id === undefined) return state;
  const failed = (one: Pending): Pending => (one.client_id === problem.client_id ? { ...one, failed: true } : one);
  return { ...state, pending: state.pending.map(failed) };
}

/** Who answers now. */
export const ownerChanged = (state: State, owner: Owner): State => ({ ...state, owner, typing: null });

/** Somebody writes. */
export const typed = (state: State, author: Author, now: number): State => ({
  ...state,
  typing: { author, until: now + TYPING_MS },
});

/** Everything up to `seq` has been seen, here or on another device. */
export const seen = (state: State, seq: number): State => ({ ...state, readSeq: Math.max(state.readSeq, seq) });

/** Who is shown as writing now: who said so, or the bot as long as it owes an answer. */
export function writer(state: State, now: number): Author | null {
  if (state.typing !== null && state.typing.until > now) return state.typing.author;
  const last = state.messages.at(-1);
  const waits = state.owner === "bot" && last?.author === "contact" && state.online;
  return waits && now - Date.parse(last.created_at) < BOT_THINKS_MS ? "bot" : null;
}

/** Unicode code points, as the server counts them. */
export const length = (text: string): number => [...text].length;
