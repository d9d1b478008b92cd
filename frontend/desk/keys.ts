/** Which key does what. Letters are found by their place where the layout has none of ours (й ц у к …). */

import type { ListName } from "./protocol";

export type Act =
  | "next" | "previous" | "open" | "claim" | "reply" | "note" | "bot" | "close" | "transfer" | "snooze" | "search" | "help" | "escape"
  | { go: ListName };

const ACTS: Record<string, Act> = {
  j: "next", k: "previous", o: "open", c: "claim", r: "reply", n: "note", b: "bot", x: "close", t: "transfer", z: "snooze",
};
const LISTS: Record<string, ListName> = { w: "waiting", m: "mine", o: "open", b: "callback", c: "closed" };
const GO_MS = 1_500; // after `g` the letter of a list is waited for

export interface Press {
  key: string;
  code: string;
  shiftKey: boolean;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
}

/** The Latin letter of a key, whatever the layout. */
function letter({ key, code }: Press): string {
  if (/^[a-z]$/i.test(key)) return key.toLowerCase();
  return key.length === 1 && key > "\u007f" && code.startsWith("Key") ? code.slice(3).toLowerCase() : "";
}

/** Reads presses one after the other. `typing` is whether they go into a field: then they are text. */
export function reader(): (press: Press, typing: boolean, now: number) => Act | null {
  let wentAt = -Infinity;
  return (press, typing, now) => {
    if (press.key === "Escape") return "escape";
    if (typing || press.ctrlKey || press.metaKey || press.altKey) return null;
    const pressed = letter(press);
    if (now - wentAt < GO_MS) {
      wentAt = -Infinity;
      const list = LISTS[pressed];
      if (list) return { go: list };
    }
    if (press.key === "?" || (press.shiftKey && press.code === "Slash" && press.key === ",")) return "help";
    if (press.key === "/" || (!press.shiftKey && press.code === "Slash" && press.key === ".")) return "search";
    if (press.key === "Enter") return "open";
    if (press.shiftKey) return null;
    if (pressed === "g") {
      wentAt = now;
      return null;
    }
    return ACTS[pressed] ?? null;
  };
}
