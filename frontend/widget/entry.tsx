/** One message of the open chat: who, when, its text and what came along. */

import { useState } from "preact/hooks";

import { pieces } from "./links";
import { type Block, blocks, type Mark } from "./markdown";
import type { Author, Kept, Message, Source } from "./protocol";
import type { Shown } from "./store";
import type { Words } from "./words.en";

const TOGETHER_MS = 300_000; // messages of one author within it share their time

interface EntryProps {
  message: Shown;
  before: Message | undefined;
  after: Message | undefined;
  origin: string;
  words: Words;
  language: string;
  now: number;
}

/** Whether two neighbours in the log are one group: the same author, within minutes. */
const together = (one: Message | undefined, other: Message | undefined): boolean =>
  one?.author === other?.author && Math.abs(Date.parse(one?.created_at ?? "") - Date.parse(other?.created_at ?? "")) < TOGETHER_MS;

export function Entry({ message, before, after, origin, words, language, now }: EntryProps) {
  const at = new Date(message.created_at);
  const newDay = before === undefined || new Date(before.created_at).toDateString() !== at.toDateString();
  const first = newDay || !together(before, message);
  const time = at.toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });
  const named = message.author !== "contact" && message.author !== "system" && first;
  return (
    <>
      {newDay && <span class="day">{day(at, now, words, language)}</span>}
      <div class={`message ${message.author}`} data-author={message.author}>
        {named && <span class="who">{name(message.author, words)}</span>}
        {message.file && <Attached file={message.file} origin={origin} words={words} />}
        {message.author === "bot" ? <Marked text={message.text} /> : message.text && <Bubble text={message.text} />}
        {message.edited && <small data-part="edited">{words.edited}</small>}
        {message.sources !== undefined && <Sources sources={message.sources} words={words} />}
        {message.author !== "system" && !together(message, after) && <small>{time}</small>}
      </div>
    </>
  );
}

export const Marked = ({ text }: { text: string }) => (
  <div class="bubble marked" dir="auto">
    {blocks(text).map(shownBlock)}
  </div>
);

function shownBlock({ kind, lines, start }: Block) {
  if (kind === "code") return <pre>{lines.map((line) => line.map((mark) => mark.text).join("")).join("\n")}</pre>;
  if (kind === "paragraph") return <p>{lines.map((line, at) => [at > 0 && <br />, line.map(shownMark)])}</p>;
  const items = lines.map((line) => <li>{line.map(shownMark)}</li>);
  return kind === "numbers" ? <ol start={start}>{items}</ol> : <ul>{items}</ul>;
}

function shownMark({ kind, text, href, host }: Mark) {
  if (kind === "bold") return <b>{text}</b>;
  if (kind === "italic") return <i>{text}</i>;
  if (kind === "code") return <code>{text}</code>;
  return href === undefined ? text : <Link href={href} host={host} text={text} />;
}

const Link = ({ href, host, text }: { href: string; host: string | undefined; text: string }) => (
  <a href={href} title={host} target="_blank" rel="noopener nofollow noreferrer">
    {text}
  </a>
);

function Sources({ sources, words }: { sources: Source[]; words: Words }) {
  return (
    <small class="sources" data-part="sources">
      {words.source}:{" "}
      {sources.map(({ title, url }, at) => {
        const [piece, more] = pieces(url);
        const leads = piece?.href !== undefined && more === undefined;
        return [at > 0 && ", ", leads ? <Link href={piece.href ?? ""} host={piece.host} text={`${title} (${piece.host})`} /> : title];
      })}
    </small>
  );
}

export const Bubble = ({ text }: { text: string }) => (
  <div class="bubble" dir="auto">
    {pieces(text).map((piece) =>
      piece.href === undefined ? piece.text : <Link href={piece.href} host={piece.host} text={piece.text} />,
    )}
  </div>
);

/** A picture is shown, a voice can be heard, anything else can be fetched. */
export function Attached({ file, origin, words }: { file: Kept; origin: string; words: Words }) {
  const [broken, setBroken] = useState(false);
  const href = origin + file.url;
  const kind = broken ? "" : file.media_type.split("/")[0];
  return (
    <div class="bubble file">
      {kind === "audio" && <audio controls preload="none" src={href} aria-label={file.name} data-part="voice" onError={() => setBroken(true)} />}
      <a href={href} target="_blank" rel="noopener nofollow noreferrer" data-part="file">
        {kind === "image" ? (
          <img src={href} alt={file.name} data-part="picture" onError={() => setBroken(true)} />
        ) : (
          <>
            <bdi>{file.name}</bdi> <small>{words.size(file.size / 1024)}</small>
          </>
        )}
      </a>
    </div>
  );
}

export const name = (author: Author, words: Words): string => (author === "bot" ? words.bot : author === "operator" ? words.operator : "");

function day(at: Date, now: number, words: Words, language: string): string {
  if (at.toDateString() === new Date(now).toDateString()) return words.today;
  if (at.toDateString() === new Date(now - 86_400_000).toDateString()) return words.yesterday;
  return at.toLocaleDateString(language, { day: "numeric", month: "long" });
}
