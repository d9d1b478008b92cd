/** Texts of messages. All of them are text: nothing that somebody wrote is ever taken for HTML. */

import { pieces } from "../widget/links";
import { type Block, blocks, type Mark } from "../widget/markdown";
import { Icon } from "./parts";
import type { Attached, Source } from "./protocol";
import type { Words } from "./words.en";

const Link = ({ href, host, text }: { href: string; host: string | undefined; text: string }) => (
  <a href={href} title={host} target="_blank" rel="noopener nofollow noreferrer">
    {text}
  </a>
);

export const Plain = ({ text }: { text: string }) => (
  <div class="text" dir="auto">
    {pieces(text).map((piece) => (piece.href === undefined ? piece.text : <Link href={piece.href} host={piece.host} text={piece.text} />))}
  </div>
);

/** A bot's text: the part of Markdown that the contact sees too. */
export const Formatted = ({ text }: { text: string }) => (
  <div class="text marked" dir="auto">
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

export function Sources({ sources, words }: { sources: Source[]; words: Words }) {
  return (
    <small class="sources">
      {words.source}:{" "}
      {sources.map(({ title, url }, at) => {
        const [piece, more] = pieces(url);
        const leads = piece?.href !== undefined && more === undefined;
        return [at > 0 && ", ", leads ? <Link href={piece.href ?? ""} host={piece.host} text={`${title} (${piece.host})`} /> : title];
      })}
    </small>
  );
}

/** The address of a file of ours; null for what leads to somebody else's server, or is no address of the web. */
function ours(url: string): string | null {
  const its = URL.canParse(url, location.origin) ? new URL(url, location.origin) : null;
  return its !== null && its.origin === location.origin ? its.href : null;
}

/** A file. Pictures and voices of ours are shown; nothing is fetched from elsewhere by itself. */
export function File({ file, words }: { file: Attached; words: Words }) {
  const href = ours(file.url);
  const [elsewhere] = href === null ? pieces(file.url) : [];
  const about = `${file.name}, ${words.size(file.size)}`;
  if (href !== null && /^image\/(png|jpe?g|gif|webp)$/.test(file.media_type))
    return (
      <a class="picture" href={href} target="_blank" rel="noopener nofollow noreferrer" title={about}>
        <img src={href} alt={`${words.picture}: ${file.name}`} loading="lazy" />
      </a>
    );
  if (href !== null && file.media_type.startsWith("audio/")) return <audio controls preload="none" src={href} aria-label={file.name} />;
  const inside = (
    <>
      <Icon d="file" />
      <span class="cut" dir="auto">
        {file.name}
      </span>
      <small>{words.size(file.size)}</small>
    </>
  );
  const leads = href ?? elsewhere?.href;
  return leads === undefined ? (
    <span class="file">{inside}</span>
  ) : (
    <a class="file" href={leads} target="_blank" rel="noopener nofollow noreferrer" title={elsewhere?.host}>
      {inside}
    </a>
  );
}
