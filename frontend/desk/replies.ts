/** Canned replies: found while one types after a slash, filled with the contact's name. */

import type { Reply } from "./protocol";

/** What stands after the slash that a text begins with; null where it begins with none, or goes on after a line. */
export function asked(text: string): string | null {
  return text.startsWith("/") && !/\s/.test(text) ? text.slice(1) : null;
}

/** The replies that fit, those whose shortcut begins so first. */
export function fitting(replies: Reply[], q: string): Reply[] {
  const sought = q.toLocaleLowerCase();
  const rank = ({ shortcut, text }: Reply): number => {
    const name = shortcut.toLocaleLowerCase();
    return name.startsWith(sought) ? 0 : name.includes(sought) ? 1 : text.toLocaleLowerCase().includes(sought) ? 2 : 3;
  };
  return replies
    .map((reply) => ({ reply, rank: rank(reply) }))
    .filter((one) => one.rank < 3)
    .sort((one, other) => one.rank - other.rank || one.reply.shortcut.localeCompare(other.reply.shortcut))
    .map((one) => one.reply);
}

/** The text with the name in it, once. Without a name it goes, with the comma or the space that belonged to it. */
export function filled(text: string, name: string): string {
  if (name.trim() !== "") return text.replaceAll("{name}", () => name.trim());
  return text.replace(/,?[ \t]*\{name\}(,[ \t]*)?/g, (_, after) => (after ? " " : "")).trimStart();
}
