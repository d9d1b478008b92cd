/** The open chat, drawn from the state. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { Attached, Bubble, Entry, Marked, name } from "./entry";
import type { Pending } from "./storage";
import { choices, isOver, length, MAX_LENGTH, type State, shown, writer } from "./store";
import type { Words } from "./words.en";

const AT_THE_END_PX = 80; // whoever scrolled up further reads something older, and is left there

interface Props {
  state: State;
  words: Words;
  language: string;
  now: number;
  origin: string;
  say(text: string): void;
  attach(files: Iterable<File>): void;
  detach(id: string): void;
  ask(question: string): void;
  retry(pending: Pending): void;
  typing(): void;
  person(): void;
  close(): void;
}

const Icon = ({ d }: { d: string }) => (
  <svg viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
    <path d={d} />
  </svg>
);

export function Panel(props: Props) {
  const { state, words } = props;
  const waiting = state.owner === "queue";
  const line = !state.online
    ? words.connecting
    : waiting
      ? state.place === null
        ? words.waiting
        : words.place(state.place)
      : state.owner === "operator"
        ? words.personAnswers
        : state.look?.bot !== false
          ? words.botAnswers
          : words.peopleAnswer;
  const [over, setOver] = useState(false);
  const strip = !state.online && !isOver(state) ? words.offline : state.notice && words[state.notice];
  return (
    <section
      class="panel"
      role="dialog"
      aria-label={state.look?.title || words.chat}
      data-part="panel"
      tabIndex={-1}
      hidden={!state.open}
      onDragOver={(event) => {
        if (!event.dataTransfer?.types.includes("Files") || isOver(state)) return;
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={(event) => {
        if (!event.currentTarget.contains(event.relatedTarget as Node | null)) setOver(false);
      }}
      onDrop={(event) => {
        event.preventDefault();
        setOver(false);
        props.attach(event.dataTransfer?.files ?? []);
      }}
    >
      <header>
        <div>
          <h2 dir="auto">{state.look?.title || words.chat}</h2>
          <p class={!state.online ? "away" : waiting ? "waiting" : ""}>{line}</p>
        </div>
        {state.owner !== "queue" && state.owner !== "operator" && !isOver(state) && (
          <button type="button" data-part="person" title={words.person} aria-label={words.person} onClick={props.person}>
            <Icon d="M9 11a4 4 0 1 0 0-8 4 4 0 0 0 0 8M2 21c0-4 3-7 7-7s7 3 7 7M19 8v6M16 11h6" />
          </button>
        )}
        <button type="button" data-part="close" title={words.close} aria-label={words.close} onClick={props.close}>
          <Icon d="M6 6l12 12M18 6 6 18" />
        </button>
      </header>
      {strip !== null && (
        <p class="strip" role="status" data-part="banner">
          {strip}
        </p>
      )}
      <Log {...props} />
      <Composer {...props} />
      {over && (
        <p class="drop" data-part="drop">
          {words.drop}
        </p>
      )}
    </section>
  );
}

function Log({ state, words, language, now, origin, ask, retry }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const dots = writer(state, now);
  const atTheEnd = useRef(true);
  const written = state.pending.at(-1)?.client_id;
  const count = state.messages.length + state.pending.length;
  const offered = choices(state);
  const said = state.draft?.text.length;
  const messages = shown(state.messages);
  const toTheEnd = (): void => {
    if (box.current && atTheEnd.current) box.current.scrollTop = box.current.scrollHeight;
  };
  useLayoutEffect(() => {
    atTheEnd.current = true;
  }, [written, state.open]);
  useLayoutEffect(toTheEnd, [count, dots, said, state.open, state.uploads.length]);
  if (count === 0) return <Empty state={state} words={words} ask={ask} />;
  return (
    <div
      class="log"
      role="log"
      aria-live="polite"
      data-part="log"
      tabIndex={0}
      ref={box}
      onLoadCapture={toTheEnd} // a picture has its height only now
      onScroll={({ currentTarget: log }) => {
        atTheEnd.current = log.scrollHeight - log.scrollTop - log.clientHeight < AT_THE_END_PX;
      }}
    >
      {messages.map((message, index) => (
        <Entry
          key={message.seq}
          message={message}
          before={messages[index - 1]}
          after={messages[index + 1]}
          origin={origin}
          words={words}
          language={language}
          now={now}
        />
      ))}
      {state.pending.map((pending) => (
        <div class="message contact" key={pending.client_id}>
          {pending.file && <Attached file={pending.file} origin={origin} words={words} />}
          {pending.text && <Bubble text={pending.text} />}
          {pending.failed ? (
            <span class="unsent">
              {words.unsent} <button onClick={() => retry(pending)}>{words.retry}</button>
            </span>
          ) : (
            <small>{!pending.stored && words.sending}</small>
          )}
        </div>
      ))}
      {offered.length > 0 && (
        <div class="choices" role="group" aria-label={words.choose}>
          {offered.map((choice) => (
            <button type="button" key={choice} data-part="choice" dir="auto" onClick={() => ask(choice)}>
              {choice}
            </button>
          ))}
        </div>
      )}
      {state.draft !== null && (
        <div class="message bot draft" data-part="draft" aria-live="off">
          {state.messages.at(-1)?.author !== "bot" && <span class="who">{words.bot}</span>}
          <Marked text={state.draft.text} />
        </div>
      )}
      {dots !== null && (
        <div class={`message ${dots}`}>
          <div class="bubble dots" aria-hidden="true">
            <i /> <i /> <i />
          </div>
          <span class="away-text">{`${name(dots, words)} ${words.isTyping}`}</span>
        </div>
      )}
    </div>
  );
}

function Empty({ state, words, ask }: Pick<Props, "state" | "words" | "ask">) {
  return (
    <div class="log" data-part="log">
      <div class="empty">
        {state.look?.greeting && (
          <p class="greeting" dir="auto">
            {state.look.greeting}
          </p>
        )}
        {!!state.look?.popular_questions.length && <p class="often">{words.questions}</p>}
        {state.look?.popular_questions.map((question) => (
          <button type="button" key={question} data-part="question" dir="auto" onClick={() => ask(question)}>
            {question}
          </button>
        ))}
      </div>
    </div>
  );
}

function Composer({ state, words, say, attach, detach, typing }: Props) {
  const [text, setText] = useState("");
  const field = useRef<HTMLTextAreaElement>(null);
  const used = length(text);
  const over = used > MAX_LENGTH;
  const picker = useRef<HTMLInputElement>(null);
  const ready = state.uploads.some((one) => one.file);
  const underway = state.uploads.some((one) => !one.file && !one.fault);
  const blank = (text.trim() === "" && !ready) || underway;
  const send = (): void => {
    if (blank || over) return;
    say(text);
    setText("");
    field.current?.focus();
  };
  useEffect(() => {
    const area = field.current;
    if (!area) return;
    area.style.height = "auto"; // browsers without field-sizing
    area.style.height = `${Math.min(area.scrollHeight + 2, 132)}px`;
  }, [text, state.open]);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {used > MAX_LENGTH - 300 && (
        <span class={over ? "count over" : "count"} role="status">
          {over ? words.tooLong : words.left(MAX_LENGTH - used)}
        </span>
      )}
      {state.uploads.length > 0 && (
        <ul class="uploads">
          {state.uploads.map(({ id, name, share, file, fault }) => (
            <li key={id} data-part="upload" class={fault && "bad"}>
              <bdi>{name}</bdi>
              {fault ? <span role="alert">{words[fault]}</span> : !file && <progress value={share} aria-label={name} />}
              <button type="button" data-part="detach" title={words.remove} aria-label={`${words.remove}: ${name}`} onClick={() => detach(id)}>
                ×
              </button>
            </li>
          ))}
        </ul>
      )}
      <input
        ref={picker}
        type="file"
        multiple
        hidden
        data-part="picker"
        onChange={({ currentTarget: input }) => {
          attach([...(input.files ?? [])]);
          input.value = "";
        }}
      />
      <button type="button" class="attach" data-part="attach" aria-label={words.attach} title={words.attach} disabled={isOver(state)} onClick={() => picker.current?.click()}>
        <Icon d="M20 11l-8.5 8.5a5 5 0 0 1-7-7L13 4a3.3 3.3 0 0 1 4.7 4.7l-8.5 8.5a1.7 1.7 0 0 1-2.4-2.4L14.5 7" />
      </button>
      <textarea
        ref={field}
        rows={1}
        data-part="composer"
        aria-label={words.write}
        placeholder={words.write}
        dir="auto"
        disabled={isOver(state)}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          typing();
        }}
        onPaste={(event) => {
          const files = [...(event.clipboardData?.files ?? [])];
          if (!files.length) return;
          event.preventDefault();
          attach(files);
        }}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
            event.preventDefault();
            send();
          }
        }}
      />
      <button type="submit" data-part="send" aria-label={words.send} title={words.send} disabled={blank || over}>
        <Icon d="M4 12l16-8-6 16-3-7z" />
      </button>
    </form>
  );
}
