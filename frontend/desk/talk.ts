/** One conversation as it is known here, and the transitions that change it. Pure. */

import type { Author, Contact, Episode, Looker, Message, Note, Opened } from "./protocol";

export const TYPING_MS = 6_000;

export interface Talk {
  loaded: boolean;
  hole: boolean; // a message came that does not join what we have: what is between is to be fetched
  fetching: boolean; // earlier messages are on their way
  contact: Contact | null;
  episodes: Episode[];
  notes: Note[];
  people: Looker[];
  messages: Message[]; // by seq, without a hole
  readSeq: number; // how far the contact has read
  typing: { author: Author; until: number } | null;
}

export const unknown: Talk = {
  loaded: false,
  hole: false,
  fetching: false,
  contact: null,
  episodes: [],
  notes: [],
  people: [],
  messages: [],
  readSeq: 0,
  typing: null,
};

export const firstSeq = (talk: Talk): number => talk.messages[0]?.seq ?? 0;
export const lastSeq = (talk: Talk): number => talk.messages.at(-1)?.seq ?? 0;

/** Whether there are messages before those that are here. */
export const hasEarlier = (talk: Talk): boolean => firstSeq(talk) > 1 && talk.messages[0]?.payload?.event !== "erased";

/** What `open` answered: what was missing, or, at first, the end of the log. */
export function opened(talk: Talk, answer: Opened): Talk {
  const joins = talk.messages.length > 0 && (answer.messages[0]?.seq ?? lastSeq(talk) + 1) <= lastSeq(talk) + 1;
  const base = { ...talk, messages: joins ? talk.messages : [], loaded: true, hole: false };
  const { contact, episodes, people } = answer;
  const merged = answer.notes.reduce(noted, answer.messages.reduce(received, base));
  return { ...merged, contact, episodes, people, readSeq: Math.max(talk.readSeq, answer.read_seq ?? 0) };
}

/** A message of the log: once, in its place. One that leaves a hole before it is not taken: it is fetched with the rest. */
export function received(talk: Talk, message: Message): Talk {
  const last = lastSeq(talk);
  if (message.seq <= last) return talk;
  if (message.payload?.event === "erased") return { ...unknown, loaded: true, messages: [message] };
  if (last > 0 && message.seq > last + 1) return { ...talk, hole: true };
  const theirs = message.author === "contact" || message.author === "bot";
  return { ...talk, messages: [...talk.messages, message], typing: theirs && talk.typing?.author === message.author ? null : talk.typing };
}

/** Messages that stand before ours, as far as they join them. */
export function earlierCame(talk: Talk, messages: Message[]): Talk {
  const first = firstSeq(talk);
  const older = messages.filter((message) => message.seq < first);
  const joins = older.at(-1)?.seq === first - 1;
  return { ...talk, fetching: false, messages: joins ? [...older, ...talk.messages] : talk.messages };
}

export const noted = (talk: Talk, note: Note): Talk =>
  talk.notes.some((one) => one.id === note.id) ? talk : { ...talk, notes: [...talk.notes, note] };

export const contactRead = (talk: Talk, seq: number): Talk => (seq > talk.readSeq ? { ...talk, readSeq: seq } : talk);

export const typed = (talk: Talk, author: Author, now: number): Talk => ({ ...talk, typing: { author, until: now + TYPING_MS } });

/** Who writes right now, the contact or the bot. */
export const writer = (talk: Talk, now: number): Author | null => (talk.typing && talk.typing.until > now ? talk.typing.author : null);

/** How far the contact has read: whoever wrote has seen what stood before it. */
export function readUpTo(talk: Talk): number {
  const answered = talk.messages.findLast((message) => message.author === "contact");
  return Math.max(talk.readSeq, answered?.seq ?? 0);
}

export type Row =
  | { kind: "day"; key: string; at: string }
  | { kind: "episode"; key: string; number: number }
  | { kind: "message"; key: string; message: Message; text: string; version: number; edited: boolean; first: boolean; last: boolean }
  | { kind: "event"; key: string; message: Message }
  | { kind: "note"; key: string; note: Note };

const TOGETHER_MS = 300_000; // messages of one author within it are one group

/** What is shown, in its order: days, borders of episodes, messages with their edits in place, notes where they were made. */
export function rows(talk: Talk): Row[] {
  const edits = lastEdits(talk.messages);
  const here = new Set(talk.messages.map((message) => message.seq));
  const shown = talk.messages.filter((message) => !message.edits || !here.has(message.edits));
  const borders = new Map(talk.episodes.flatMap(({ number, after_seq, upto_seq }) => [[after_seq, number], ...(upto_seq === null ? [] : [[upto_seq, number + 1]])] as [number, number][]));
  const notes = [...talk.notes].sort((one, other) => one.after_seq - other.after_seq || Date.parse(one.created_at) - Date.parse(other.created_at));
  const found: Row[] = [];
  let day = "";
  let note = notes.findIndex((one) => !hasEarlier(talk) || one.after_seq >= firstSeq(talk));
  if (note < 0) note = notes.length;
  const dated = (at: string): void => {
    const its = new Date(at).toDateString();
    if (its !== day) found.push({ kind: "day", key: `d${at}`, at });
    day = its;
  };
  const notesBefore = (seq: number): void => {
    for (let one = notes[note]; one !== undefined && one.after_seq < seq; one = notes[++note]) {
      dated(one.created_at);
      found.push({ kind: "note", key: `n${one.id}`, note: one });
    }
  };
  let border = firstSeq(talk) > 1 ? firstSeq(talk) - 1 : 0;
  for (const message of shown) {
    notesBefore(message.seq);
    for (; border < message.seq; border++) {
      const number = borders.get(border);
      if (number !== undefined && number > 1) found.push({ kind: "episode", key: `e${number}`, number });
    }
    dated(message.created_at);
    const key = String(message.seq);
    if (message.author === "system") {
      found.push({ kind: "event", key, message });
      continue;
    }
    const before = found.at(-1);
    const follows = before?.kind === "message" && together(before.message, message);
    if (follows && before.kind === "message") before.last = false;
    const edit = edits.get(message.seq);
    found.push({ kind: "message", key, message, text: edit?.text ?? message.text, version: edit?.seq ?? message.seq, edited: edit !== undefined || !!message.edits, first: !follows, last: true });
  }
  notesBefore(Infinity);
  return found;
}

const together = (one: Message, other: Message): boolean =>
  one.author === other.author &&
  one.operator?.id === other.operator?.id &&
  Date.parse(other.created_at) - Date.parse(one.created_at) < TOGETHER_MS;

/** The last edit of each message. Only who wrote it can have edited it; an edit of an edit is one of the first. */
function lastEdits(messages: Message[]): Map<number, Message> {
  const bySeq = new Map(messages.map((message) => [message.seq, message]));
  const root = new Map<number, number>();
  const found = new Map<number, Message>();
  for (const message of messages) {
    if (!message.edits) continue;
    const of = root.get(message.edits) ?? message.edits;
    root.set(message.seq, of);
    if (bySeq.get(of)?.author === message.author) found.set(of, message);
  }
  return found;
}
