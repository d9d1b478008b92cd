/** Everything the desk shows, and the named transitions that change it. Pure: the same state and event, the same state. */

import type { Attached, Card, Counts, Done, End, Found, Listed, ListName, Message, Operator, Person, Ready, Reply } from "./protocol";
import { type Talk, received as talkReceived, lastSeq, unknown } from "./talk";

export const MAX_LENGTH = 4_000;
export const PAGE = 50;
const KEPT_TALKS = 30; // conversations that are shown at once when one comes back to them
const TOASTS = 3;

export interface Pending {
  id: string;
  conversation: number;
  kind: "message" | "note";
  text: string;
  edits: number | null;
  file: Attached | null;
  version: number; // the owner version that I saw when I wrote it: after a reload the card may not be known yet
  at: number;
  failed: string | null; // the code of the refusal
  seq: number | null; // it is in the log, and comes back at any moment
}

export interface List {
  order: number[]; // the beginning, as the server keeps it up to date
  tail: number[]; // what was paged in behind it
  more: boolean;
  loaded: boolean;
  paging: boolean;
}

export interface Search {
  q: string;
  found: Found[];
  next: unknown;
  busy: boolean;
}

export interface Toast {
  id: number;
  text: string;
  bad: boolean;
}

export type Dialog = "transfer" | "snooze" | "help" | "settings";
export type Pane = "list" | "talk" | "contact"; // which one a phone shows

export interface State {
  line: "connecting" | "online" | "lost";
  ended: End | null;
  ready: boolean;
  me: Person & { is_supervisor: boolean };
  onDuty: boolean;
  capacity: number;
  operators: Operator[];
  inboxes: Person[];
  replies: Reply[];
  counts: Counts;
  list: ListName;
  inbox: number | null;
  lists: Readonly<Record<string, List>>;
  cards: ReadonlyMap<number, Card>;
  chosen: number | null; // the card that the keyboard stands on, also when it has left the list meanwhile
  stood: number; // its place in the list, or the place where it was
  open: number | null; // the conversation that is shown
  talks: ReadonlyMap<number, Talk>;
  outbox: Pending[];
  search: Search | null;
  toasts: Toast[];
  dialog: Dialog | null;
  pane: Pane;
  goal: { conversation: number; seq: number } | null; // the message that is to be scrolled to
  note: boolean; // what I write is a note
}

export const initial: State = {
  line: "connecting",
  ended: null,
  ready: false,
  me: { id: 0, name: "", is_supervisor: false },
  onDuty: false,
  capacity: 0,
  operators: [],
  inboxes: [],
  replies: [],
  counts: { waiting: 0, mine: 0, callback: 0, unread: 0, offer: null },
  list: "waiting",
  inbox: null,
  lists: {},
  cards: new Map(),
  chosen: null,
  stood: -1,
  open: null,
  talks: new Map(),
  outbox: [],
  search: null,
  toasts: [],
  dialog: null,
  pane: "list",
  goal: null,
  note: false,
};

const EMPTY: List = { order: [], tail: [], more: false, loaded: false, paging: false };
const key = (list: ListName, inbox: number | null): string => `${list}:${inbox ?? ""}`;

/** The list that is looked at. */
export const current = (state: State): List => state.lists[key(state.list, state.inbox)] ?? EMPTY;

/** The conversations of the list that is looked at, in their order. */
export function shown(state: State): number[] {
  const { order, tail } = current(state);
  return tail.length === 0 ? order : [...order, ...tail];
}

export const talkOf = (state: State, id: number): Talk => state.talks.get(id) ?? unknown;
export const openCard = (state: State): Card | undefined => (state.open === null ? undefined : state.cards.get(state.open));
export const isMine = (state: State, card: Card): boolean => card.owner === "operator" && card.operator?.id === state.me.id;

/** Whether what I write goes to the contact: an open conversation that is mine, or nobody's. */
export const mayAnswer = (state: State, card: Card): boolean => card.owner !== "operator" || isMine(state, card);

/** Whether I may change who answers: what a colleague has is changed by that colleague or a supervisor. */
export const mayChange = (state: State, card: Card): boolean => mayAnswer(state, card) || state.me.is_supervisor;

/** Messages of contacts in conversations of mine that I have not looked at. */
export function unread(state: State): number {
  let sum = 0;
  for (const card of state.cards.values()) if (isMine(state, card) && card.status !== "closed") sum += card.unread;
  return sum;
}

/** Whether a conversation belongs into a list, as far as its card tells. */
export function belongs(state: State, card: Card, list: ListName, inbox: number | null): boolean {
  if (inbox !== null && card.inbox !== inbox) return false;
  switch (list) {
    case "waiting":
      return card.status === "open" && card.owner === "queue";
    case "mine":
      return card.status !== "closed" && isMine(state, card);
    case "open":
      return card.status !== "closed";
    case "callback":
      return card.callback_at !== null;
    case "closed":
      return card.status === "closed";
  }
}

// The line

export const greeted = (state: State, ready: Ready): State => ({
  ...state,
  line: "online",
  ready: true,
  me: ready.me,
  onDuty: ready.on_duty,
  capacity: ready.capacity,
  operators: ready.operators,
  inboxes: ready.inboxes,
  replies: ready.replies,
  counts: ready.counts,
});

export const ended = (state: State, why: End): State => ({ ...state, ended: why });
export const counted = (state: State, counts: Counts): State => ({ ...state, counts });
export const staffed = (state: State, operators: Operator[], onDuty: boolean, capacity: number): State => ({ ...state, operators, onDuty, capacity });

// Cards and lists

/** A card, unless we know a later one: answers may cross. */
export function carded(state: State, ...cards: Card[]): State {
  const fresh = cards.filter((card) => isLater(card, state.cards.get(card.id)));
  if (fresh.length === 0) return state;
  const known = new Map(state.cards);
  for (const card of fresh) known.set(card.id, card);
  return { ...state, cards: known };
}

const isLater = (card: Card, known: Card | undefined): boolean =>
  known === undefined || card.owner_version > known.owner_version || (card.owner_version === known.owner_version && card.last_seq >= known.last_seq);

/** Another list is looked at: what is known of it is shown at once. */
export const listChosen = (state: State, list: ListName, inbox: number | null): State => ({
  ...state,
  list,
  inbox,
  search: null,
  chosen: null,
  stood: -1,
  pane: "list",
});

/**
 * The beginning of a list as it is now. What it pushed out stands behind it, where somebody had scrolled that far;
 * what it took in does not stand there any more.
 */
export function listed(state: State, frame: Listed): State {
  const its = key(frame.list, frame.inbox);
  const before = state.lists[its] ?? EMPTY;
  const next = carded(state, ...frame.cards);
  const taken = new Set(frame.order);
  const behind = before.tail.length === 0 || !frame.more ? [] : [...before.order, ...before.tail];
  const tail = behind.filter((id) => {
    const card = next.cards.get(id);
    return !taken.has(id) && card !== undefined && belongs(next, card, frame.list, frame.inbox);
  });
  const list = { ...before, order: frame.order, tail: sorted(next, tail, frame.list), loaded: true, more: tail.length > 0 ? before.more : frame.more };
  return stand({ ...next, lists: { ...state.lists, [its]: list } });
}

function sorted(state: State, ids: number[], list: ListName): number[] {
  const card = (id: number): Card | undefined => state.cards.get(id);
  if (list === "waiting") return ids.sort((a, b) => (card(a)?.waiting_since ?? "").localeCompare(card(b)?.waiting_since ?? ""));
  return ids.sort((a, b) => (card(b)?.active_at ?? "").localeCompare(card(a)?.active_at ?? ""));
}

/**
 * Remember where the chosen card stands. One that left the list stays chosen, so that no key which was meant for it
 * meets the one that took its place.
 */
function stand(state: State): State {
  const at = state.chosen === null || state.search !== null ? -1 : shown(state).indexOf(state.chosen);
  return at < 0 || at === state.stood ? state : { ...state, stood: at };
}

export function paging(state: State, on: boolean): State {
  return { ...state, lists: { ...state.lists, [key(state.list, state.inbox)]: { ...current(state), paging: on } } };
}

/** A page of a list that stands behind what we have. */
export function paged(state: State, list: ListName, inbox: number | null, cards: Card[], more: boolean): State {
  const its = key(list, inbox);
  const before = state.lists[its] ?? EMPTY;
  const known = new Set([...before.order, ...before.tail]);
  const tail = [...before.tail, ...cards.map((card) => card.id).filter((id) => !known.has(id))];
  return { ...carded(state, ...cards), lists: { ...state.lists, [its]: { ...before, tail, paging: false, more } } };
}

/** Go some cards down (or up) from where one stands. */
export function stepped(state: State, by: number): State {
  const ids = state.search ? [...new Set(state.search.found.map((one) => one.card.id))] : shown(state);
  if (ids.length === 0) return state;
  const at = ids.indexOf(state.chosen ?? -1);
  const from = at >= 0 ? at : by > 0 ? state.stood - 1 : state.stood < 0 ? ids.length : state.stood; // what took its place comes first
  const to = Math.max(0, Math.min(ids.length - 1, from + by));
  return { ...state, chosen: ids[to] ?? null, stood: to };
}

// One conversation

export function talkOpened(state: State, id: number, note = false): State {
  const talks = new Map(state.talks);
  const its = talks.get(id) ?? unknown;
  talks.delete(id); // the one that was opened last is the last to go
  talks.set(id, { ...its, people: [], typing: null });
  for (const old of talks.keys()) if (talks.size > KEPT_TALKS) talks.delete(old);
  return stand({ ...state, open: id, chosen: id, talks, pane: "talk", goal: null, note });
}

export const left = (state: State): State => ({ ...state, open: null, pane: "list" });

/** Change what is known of one conversation. */
export function inTalk(state: State, id: number, change: (talk: Talk) => Talk): State {
  const before = state.talks.get(id);
  if (before === undefined) return state;
  const after = change(before);
  return after === before ? state : { ...state, talks: new Map(state.talks).set(id, after) };
}

/** A message of an open conversation: in its log, on its card; its pending twin is gone. */
export function received(state: State, id: number, message: Message): State {
  const next = inTalk(state, id, (talk) => talkReceived(talk, message));
  return settled(withLast(next, id, message), id);
}

function withLast(state: State, id: number, message: Message): State {
  const card = state.cards.get(id);
  if (card === undefined || message.seq <= card.last_seq) return state;
  const { seq, author, text, created_at } = message;
  if (author === "system") return { ...state, cards: new Map(state.cards).set(id, { ...card, last_seq: seq }) }; // the house says nothing new
  const last = { seq, author, text: text.slice(0, 140), created_at };
  const unread = author === "contact" ? Math.min(card.unread + 1, 100) : card.unread;
  return { ...state, cards: new Map(state.cards).set(id, { ...card, last, last_seq: seq, active_at: created_at, unread }) };
}

/** What is in the log of a conversation is pending no more. */
export function settled(state: State, id: number): State {
  const talk = talkOf(state, id);
  const last = lastSeq(talk);
  const ids = new Set(talk.messages.map((message) => message.client_id));
  const outbox = state.outbox.filter((one) => one.conversation !== id || !(ids.has(one.id) || (one.seq !== null && one.seq <= last)));
  return outbox.length === state.outbox.length ? state : { ...state, outbox };
}

/** I have looked at everything in it. */
export function lookedAt(state: State, id: number): State {
  const card = state.cards.get(id);
  return card === undefined || card.unread === 0 ? state : { ...state, cards: new Map(state.cards).set(id, { ...card, unread: 0 }) };
}

// What I write

export const queued = (state: State, pending: Pending): State => ({ ...state, outbox: [...state.outbox, pending] });

/** The server has it. */
export function sent(state: State, id: string, { seq, card, note }: Done): State {
  const pending = state.outbox.find((one) => one.id === id);
  if (pending === undefined) return card ? carded(state, card) : state;
  const outbox = note ? state.outbox.filter((one) => one.id !== id) : state.outbox.map((one) => (one.id === id ? { ...one, seq: seq ?? null } : one));
  const next = { ...state, outbox };
  return settled(card ? carded(next, card) : next, pending.conversation);
}

export const failed = (state: State, id: string, code: string): State => ({
  ...state,
  outbox: state.outbox.map((one) => (one.id === id ? { ...one, failed: code } : one)),
});

/** What was refused is tried again, behind what is under way. */
export function retried(state: State, id: string): State {
  const pending = state.outbox.find((one) => one.id === id);
  return pending ? { ...state, outbox: [...state.outbox.filter((one) => one.id !== id), { ...pending, failed: null }] } : state;
}

export const dropped = (state: State, id: string): State => ({ ...state, outbox: state.outbox.filter((one) => one.id !== id) });

/** What is to be sent next: one at a time of each conversation, so that the log keeps its order. */
export function sendable(state: State, underway: ReadonlySet<string>): Pending[] {
  const busy = new Set(state.outbox.filter((one) => underway.has(one.id)).map((one) => one.conversation));
  return state.outbox.filter((one) => {
    if (busy.has(one.conversation) || one.failed !== null || one.seq !== null) return false;
    busy.add(one.conversation);
    return true;
  });
}

// Search

export const searching = (state: State, q: string): State => ({
  ...state,
  chosen: null,
  stood: -1,
  search: { q, found: state.search?.q === q ? state.search.found : [], next: null, busy: true },
});

export function foundMore(state: State, q: string, found: Found[], next: unknown): State {
  if (state.search?.q !== q) return state; // somebody has typed on
  const cards = carded(state, ...found.map((one) => one.card));
  return { ...cards, search: { q, found: [...state.search.found, ...found], next: next ?? null, busy: false } };
}

// Words to the operator

let toasts = 0;

export const toasted = (state: State, text: string, bad = false): State => ({
  ...state,
  toasts: [...state.toasts.filter((toast) => toast.text !== text), { id: ++toasts, text, bad }].slice(-TOASTS),
});

export const untoasted = (state: State, id: number): State => ({ ...state, toasts: state.toasts.filter((toast) => toast.id !== id) });

export type Change = "claim" | "return" | "close" | "reopen" | "transfer" | "snooze";

/** Whether a conversation is as this change would have made it. */
export function stands(state: State, card: Card, change: Change, { to }: { to?: number | null }): boolean {
  switch (change) {
    case "close":
      return card.status === "closed";
    case "return":
      return card.owner === "bot";
    case "snooze":
      return card.status === "snoozed";
    case "transfer":
      return to == null ? card.owner === "queue" : card.operator?.id === to;
    default:
      return isMine(state, card);
  }
}
