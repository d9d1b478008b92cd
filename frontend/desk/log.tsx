/** The log of a conversation, and what is on its way into it. */

import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Desk } from "./desk";
import { Icon, reasonOf, useNow } from "./parts";
import type { Message, Note, Person } from "./protocol";
import { type Pending, type State, talkOf } from "./store";
import { hasEarlier, readUpTo, type Row, rows, type Talk, writer } from "./talk";
import { File, Formatted, Plain, Sources } from "./texts";
import { clock, day } from "./times";

const AT_THE_END_PX = 80; // whoever scrolled up further reads something older, and is left there
const NEAR_THE_TOP_PX = 240;

interface Props {
  desk: Desk;
  state: State;
}

export function Log({ desk, state, id }: Props & { id: number }) {
  const { words } = desk;
  const talk = talkOf(state, id);
  const pending = state.outbox.filter((one) => one.conversation === id);
  const box = useRef<HTMLDivElement>(null);
  const atTheEnd = useRef(true);
  const height = useRef(0);
  const [behind, setBehind] = useState(false);
  const first = talk.messages[0]?.seq;
  const goal = state.goal?.conversation === id ? state.goal.seq : null;
  const count = talk.messages.length + talk.notes.length + pending.length;

  useLayoutEffect(() => {
    atTheEnd.current = true;
  }, [pending.at(-1)?.id]);
  useLayoutEffect(() => {
    const log = box.current;
    if (log && !atTheEnd.current && goal === null) log.scrollTop += log.scrollHeight - height.current; // what came before pushes nothing away
  }, [first]);
  useLayoutEffect(() => {
    const log = box.current;
    if (!log) return;
    if (atTheEnd.current && goal === null) log.scrollTop = log.scrollHeight;
    else if (!atTheEnd.current) setBehind(true);
    height.current = log.scrollHeight;
  }, [count, talk.loaded]);
  useEffect(() => {
    // What changes its height later, as the composer or a picture, leaves whoever is at the end there.
    const log = box.current;
    if (!log) return;
    const watcher = new ResizeObserver(() => atTheEnd.current && (log.scrollTop = log.scrollHeight));
    watcher.observe(log);
    return () => watcher.disconnect();
  }, [talk.loaded]);
  useEffect(() => {
    const sought = goal === null ? null : box.current?.querySelector(`[data-seq="${goal}"]`);
    if (!sought) return;
    atTheEnd.current = false;
    sought.scrollIntoView({ block: "center" });
    sought.classList.add("sought-for");
    setTimeout(() => sought.classList.remove("sought-for"), 2_500);
    desk.change({ ...desk.state, goal: null });
  }, [goal, first]);

  const read = readUpTo(talk);
  const shown = useMemo(() => rows(talk), [talk.messages, talk.notes, talk.episodes]);
  const drawn = useMemo(
    () => shown.map((row) => <RowView key={row.key} desk={desk} row={row} me={state.me.id} read={read} />),
    [shown, read, state.me.id, new Date().toDateString()],
  );
  if (!talk.loaded && talk.messages.length === 0) return <Loading words={words.loading} />;
  return (
    <div class="log-frame">
      <div
        class="log"
        role="log"
        aria-live="polite"
        aria-label={words.conversation}
        data-part="log"
        tabIndex={0}
        ref={box}
        onLoadCapture={() => atTheEnd.current && box.current && (box.current.scrollTop = box.current.scrollHeight)}
        onScroll={({ currentTarget: log }) => {
          atTheEnd.current = log.scrollHeight - log.scrollTop - log.clientHeight < AT_THE_END_PX;
          if (atTheEnd.current) setBehind(false);
          if (log.scrollTop < NEAR_THE_TOP_PX) void desk.earlier();
        }}
      >
        {hasEarlier(talk) && (
          <button type="button" class="quiet wide" disabled={talk.fetching} onClick={() => void desk.earlier()}>
            {talk.fetching ? words.loading : words.earlier}
          </button>
        )}
        {drawn}
        {pending.map((one) => (
          <Unsent key={one.id} desk={desk} pending={one} />
        ))}
        <Typing desk={desk} talk={talk} />
      </div>
      {behind && (
        <button
          type="button"
          class="to-the-end"
          onClick={() => {
            atTheEnd.current = true;
            box.current?.scrollTo({ top: box.current.scrollHeight });
            setBehind(false);
          }}
        >
          <Icon d="down" />
          {words.toTheEnd}
        </button>
      )}
    </div>
  );
}

const Loading = ({ words }: { words: string }) => (
  <div class="log skeleton" aria-busy="true" aria-label={words} role="status">
    {["contact", "bot", "contact", "operator"].map((author, at) => (
      <div class={`entry ${author}`} key={at}>
        <i />
      </div>
    ))}
  </div>
);

function RowView({ desk, row, me, read }: { desk: Desk; row: Row; me: number; read: number }) {
  const { words, language } = desk;
  switch (row.kind) {
    case "day":
      return (
        <div class="day" role="separator">
          <span>{day(row.at, Date.now(), words, language)}</span>
        </div>
      );
    case "episode":
      return (
        <div class="day episode" role="separator" data-episode={row.number}>
          <span>{words.episode(row.number)}</span>
        </div>
      );
    case "event":
      return <Event desk={desk} message={row.message} />;
    case "note":
      return <NoteView desk={desk} note={row.note} me={me} />;
    case "message":
      return <Entry desk={desk} row={row} me={me} read={read} />;
  }
}

const named = (who: string | Person | null | undefined): string => (typeof who === "string" ? who : (who?.name ?? ""));

function Event({ desk, message }: { desk: Desk; message: Message }) {
  const { words, language } = desk;
  const { event, reason, by, to } = message.payload ?? {};
  const told = event === undefined ? undefined : Object.hasOwn(words.events, event) ? words.events[event] : undefined;
  const line = told === undefined ? message.text : event === "handed_off" ? told(reasonOf(reason, words), "") : told(named(by ?? message.operator), named(to));
  return (
    <div class={`event ${told ? (event ?? "") : ""}`} data-seq={message.seq} data-author="system" dir="auto">
      <span>{line}</span> <time dateTime={message.created_at}>{clock(message.created_at, language)}</time>
    </div>
  );
}

const NoteView = ({ desk, note, me }: { desk: Desk; note: Note; me: number }) => (
  <div class="note" data-part="note">
    <p class="by">
      <Icon d="note" />
      <b>{note.operator?.id === me ? desk.words.you : note.operator?.name}</b> · {desk.words.note}, {desk.words.noteHint}
      <time dateTime={note.created_at}>{clock(note.created_at, desk.language)}</time>
    </p>
    <Plain text={note.text} />
  </div>
);

function Entry({ desk, row, me, read }: { desk: Desk; row: Extract<Row, { kind: "message" }>; me: number; read: number }) {
  const { words, language } = desk;
  const { message, text, edited, first, last } = row;
  const { author } = message;
  const who = author === "contact" ? words.contact : author === "bot" ? words.bot : message.operator?.id === me ? words.you : (message.operator?.name ?? words.operator);
  return (
    <div class={`entry ${author}${first ? " first" : ""}`} data-author={author} data-seq={message.seq}>
      {first && author !== "contact" ? (
        <span class="who">
          {author === "bot" && <Icon d="bot" />}
          {who}
        </span>
      ) : (
        <span class="unseen">{who}: </span>
      )}
      <div class="bubble">
        {message.file && <File file={message.file} words={words} />}
        {text !== "" && (author === "bot" ? <Formatted text={text} /> : <Plain text={text} />)}
        {message.choices && message.choices.length > 0 && (
          <div class="choices">
            {message.choices.map((choice) => (
              <span key={choice} dir="auto">
                {choice}
              </span>
            ))}
          </div>
        )}
      </div>
      {message.sources && message.sources.length > 0 && <Sources sources={message.sources} words={words} />}
      {(last || edited) && (
        <small class="meta">
          {edited && <span>{words.edited}</span>}
          <time dateTime={message.created_at}>{clock(message.created_at, language)}</time>
          {author !== "contact" && <Ticks read={message.seq <= read} words={words} />}
        </small>
      )}
    </div>
  );
}

const Ticks = ({ read, words }: { read: boolean; words: Desk["words"] }) => (
  <svg class={read ? "ticks read" : "ticks"} viewBox="0 0 20 12" role="img" aria-label={read ? words.read : words.sent} fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round">
    <path d={read ? "M1 6l4 4L12 2M9 9l1 1 7-8" : "M4 6l4 4 7-8"} />
  </svg>
);

function Unsent({ desk, pending }: { desk: Desk; pending: Pending }) {
  const { words } = desk;
  const { id, kind, text, file, failed, seq } = pending;
  return (
    <div class={`entry pending first ${kind === "note" ? "as-note" : "operator"}`} data-part="pending">
      <div class="bubble">
        {file && <File file={file} words={words} />}
        {text !== "" && <Plain text={text} />}
      </div>
      {failed === null ? (
        <small class="meta">{seq === null ? words.sending : <Ticks read={false} words={words} />}</small>
      ) : (
        <p class="unsent" role="alert">
          {words.unsent}: {words.problems[failed] ?? failed}.{" "}
          <button type="button" data-part="retry" onClick={() => desk.retry(id)}>
            {words.retry}
          </button>{" "}
          <button type="button" onClick={() => desk.discard(id)}>
            {words.discard}
          </button>
        </p>
      )}
    </div>
  );
}

/** Who writes right now. The place is kept free, so that nothing jumps. */
function Typing({ desk, talk }: { desk: Desk; talk: Talk }) {
  const who = writer(talk, useNow());
  return (
    <div class="typing" data-part="typing">
      {who && (
        <>
          <span class="dots" aria-hidden="true">
            <i />
            <i />
            <i />
          </span>
          {who === "bot" ? desk.words.botWrites : desk.words.contactWrites}
        </>
      )}
    </div>
  );
}
