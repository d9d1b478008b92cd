/** A bot's text as blocks and marks: a small safe part of Markdown. No pictures, no HTML: what is not known stays text. */

import { type Piece, pieces } from "./links";

export type Mark = Piece & { kind: "text" | "link" | "bold" | "italic" | "code" };
export type Block = { kind: "paragraph" | "bullets" | "numbers" | "code"; lines: Mark[][]; start?: number };

const FENCE = /^\s{0,3}```/;
const BULLET = /^\s{0,6}[-*•]\s+(\S.*)$/;
const NUMBER = /^\s{0,6}(\d{1,4})[.)]\s+(\S.*)$/;
const HEADING = /^#{1,6}\s+(.*)$/;
const MARKED = /`([^`\n]+)`|\*\*([^*\n]+)\*\*|__([^_\n]+)__|(?<![\w*])\*([^*\s][^*\n]*)\*(?![\w*])|(!?)\[([^[\]\n]{0,300})\]\(([^()\s]{1,500})\)/g;
const MAX_LINE = 4_000; // characters of a line that are looked at for marks; what is longer is shown as it is

/** The blocks of a text, in their order. Takes time in proportion to its length, whatever stands in it. */
export function blocks(text: string): Block[] {
  const found: Block[] = [];
  let fenced: Block | null = null;
  for (const line of text.split("\n")) {
    if (FENCE.test(line)) {
      if (fenced === null) found.push((fenced = { kind: "code", lines: [] }));
      else fenced = null;
      continue;
    }
    if (fenced !== null) {
      fenced.lines.push([{ kind: "text", text: line }]);
      continue;
    }
    const number = NUMBER.exec(line);
    const item = number?.[2] ?? BULLET.exec(line)?.[1];
    const kind = number !== null ? "numbers" : item !== undefined ? "bullets" : "paragraph";
    const heading = kind === "paragraph" ? HEADING.exec(line)?.[1] : undefined;
    let last = found.at(-1);
    if (line.trim() === "") {
      if (last?.kind === "paragraph") found.push({ kind: "paragraph", lines: [] });
      continue;
    }
    if (last?.kind !== kind || heading !== undefined) {
      last = number !== null ? { kind, lines: [], start: Number(number[1]) } : { kind, lines: [] };
      found.push(last);
    }
    last.lines.push(heading !== undefined ? [{ kind: "bold", text: heading }] : marks(item ?? line));
  }
  return found.filter((block) => block.lines.length > 0);
}

/** One line with its marks. A picture is its description and, as a link, its address: nothing is fetched by itself. */
function marks(line: string): Mark[] {
  if (line.length > MAX_LINE) return [{ kind: "text", text: line }];
  const found: Mark[] = [];
  let at = 0;
  for (const match of line.matchAll(MARKED)) {
    const [whole, code, stars, lines, italic, picture, shown, address] = match;
    const mark = address === undefined ? plain(code, stars ?? lines, italic) : link(picture === "!" ? `${shown} ` : (shown ?? ""), address);
    if (mark === null) continue;
    found.push(...linked(line.slice(at, match.index)), ...mark);
    at = match.index + whole.length;
  }
  return [...found, ...linked(line.slice(at))];
}

function plain(code?: string, bold?: string, italic?: string): Mark[] | null {
  if (code !== undefined) return [{ kind: "code", text: code }];
  if (bold !== undefined) return [{ kind: "bold", text: bold }];
  return italic === undefined ? null : [{ kind: "italic", text: italic }];
}

/** A link shows the host that it leads to, unless its own text does. What leads elsewhere than to the web is text. */
function link(shown: string, address: string): Mark[] | null {
  const [piece, more] = pieces(address);
  if (piece?.href === undefined || piece.host === undefined || more !== undefined) return null;
  const text = shown.trim() === "" ? piece.text : shown.trim();
  const named = text.includes(piece.host) && !/\s/.test(text) ? text : `${text} (${piece.host})`;
  return [{ ...piece, kind: "link", text: named }];
}

const linked = (text: string): Mark[] =>
  pieces(text).map((piece) => ({ ...piece, kind: piece.href === undefined ? "text" : "link" }));
