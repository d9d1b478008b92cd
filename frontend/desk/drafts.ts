/** What survives a reload of this tab: what was begun to be written, and what was not sent yet. */

import type { Pending } from "./store";

const OUTBOX = "besedka:desk:outbox";
const DRAFTS = "besedka:desk:drafts";
const KEPT = 50; // drafts; the oldest go

export interface Draft {
  text: string;
  note: boolean;
}

function read<T>(key: string, otherwise: T): T {
  try {
    return (JSON.parse(sessionStorage.getItem(key) ?? "null") as T | null) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function write(key: string, value: unknown): void {
  try {
    sessionStorage.setItem(key, JSON.stringify(value));
  } catch {
    // it lives as long as the page
  }
}

const drafts = new Map<number, Draft>(read<[number, Draft][]>(DRAFTS, []));

export const draft = (conversation: number): Draft => drafts.get(conversation) ?? { text: "", note: false };

export function keepDraft(conversation: number, its: Draft): void {
  drafts.delete(conversation);
  if (its.text !== "") drafts.set(conversation, its);
  for (const old of drafts.keys()) if (drafts.size > KEPT) drafts.delete(old);
  write(DRAFTS, [...drafts]);
}

/** What was not sent when the page went. It belongs to one operator: somebody else at the same tab sends none of it. */
export function outbox(me: number): Pending[] {
  const kept = read<{ me: number; pending: Pending[] }>(OUTBOX, { me: 0, pending: [] });
  return kept.me === me ? kept.pending : [];
}

export const keepOutbox = (me: number, pending: Pending[]): void => write(OUTBOX, { me, pending: pending.filter((one) => one.seq === null) });
