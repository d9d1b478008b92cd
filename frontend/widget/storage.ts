/** What survives a reload: the visitor's token and what was not sent yet. Without local storage it lives in memory. */

import type { Kept } from "./protocol";

export interface Pending {
  client_id: string;
  text: string;
  at: number;
  file?: Kept;
  failed?: boolean; // refused by the server
  stored?: boolean; // on the server, and on its way back; never kept here
}

const TOKEN = /^[!-~]{8,100}$/; // what the server takes
const memory = new Map<string, string>();

function read(key: string): string | null {
  try {
    return memory.get(key) ?? localStorage.getItem(key);
  } catch {
    return null;
  }
}

function write(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
    memory.delete(key);
  } catch {
    memory.set(key, value);
  }
}

/** 128 random bits, as hex. */
export function random(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** The visitor's token for an inbox, made at the first call and the same in every tab. */
export function token(inbox: string): string {
  const key = `besedka:${inbox}`;
  const known = read(key);
  if (known !== null && TOKEN.test(known)) return known;
  const made = random();
  write(key, made);
  return read(key) ?? made;
}

/** Whether somebody has written here before. */
export function isKnown(inbox: string): boolean {
  return read(`besedka:${inbox}`) !== null;
}

const isPending = (found: Partial<Pending> | null): found is Pending =>
  typeof found?.client_id === "string" && typeof found.text === "string";

/** What waits to be sent. */
export function outbox(inbox: string): Pending[] {
  try {
    const found: unknown = JSON.parse(read(`besedka:${inbox}:outbox`) ?? "[]");
    return Array.isArray(found) ? found.filter(isPending) : [];
  } catch {
    return [];
  }
}

/** Keep one pending message, whatever other tabs keep meanwhile. */
export function keep(inbox: string, pending: Pending): void {
  const others = outbox(inbox).filter((one) => one.client_id !== pending.client_id);
  write(`besedka:${inbox}:outbox`, JSON.stringify([...others, pending]));
}

/** Forget a message that is on the server. */
export function forget(inbox: string, clientId: string): void {
  const waiting = outbox(inbox);
  const left = waiting.filter((one) => one.client_id !== clientId);
  if (left.length !== waiting.length) write(`besedka:${inbox}:outbox`, JSON.stringify(left));
}
