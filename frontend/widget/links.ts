/** Text with its web addresses found. Only http and https become links; everything else stays text. */

/** `host` is the one that the browser will ask, in ASCII: a name that only looks like another is seen for what it is. */

export type Piece = { text: string; href?: string; host?: string };

// An address ends where a character begins that turns or hides what stands beside it.
const ADDRESS = /\bhttps?:\/\/[^\s<>"'`{}|\\^\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+/gi;
const TRAILING = /[.,;:!?)\]»”]+$/;

export function pieces(text: string): Piece[] {
  const found: Piece[] = [];
  let at = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const shown = match[0].replace(TRAILING, "");
    const url = URL.canParse(shown) ? new URL(shown) : null;
    if (url === null || url.username !== "") continue;
    if (match.index > at) found.push({ text: text.slice(at, match.index) });
    found.push({ text: shown, href: url.href, host: url.host });
    at = match.index + shown.length;
  }
  if (at < text.length) found.push({ text: text.slice(at) });
  return found;
}
