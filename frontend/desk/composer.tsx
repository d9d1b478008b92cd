/** Where one writes: to the contact, or a note to colleagues. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import { length } from "../widget/store";
import type { Desk } from "./desk";
import { draft, keepDraft } from "./drafts";
import { Icon } from "./parts";
import type { Card, Reply } from "./protocol";
import { asked, filled, fitting } from "./replies";
import { MAX_LENGTH, mayAnswer, type State, talkOf } from "./store";
import { rows } from "./talk";

const TALLEST_PX = 220;

interface Props {
  desk: Desk;
  state: State;
  card: Card;
}

/** My last message in it, as it reads now. */
function ownLast(state: State, id: number): { version: number; text: string } | null {
  const own = rows(talkOf(state, id)).findLast((row) => row.kind === "message" && row.message.author === "operator" && row.message.operator?.id === state.me.id);
  return own?.kind === "message" ? own : null;
}

export function Composer({ desk, state, card }: Props) {
  const { words } = desk;
  const [text, setText] = useState(() => draft(card.id).text);
  const [editing, setEditing] = useState<number | null>(null);
  const [picked, setPicked] = useState(0);
  const [choosing, setChoosing] = useState(false);
  const [uploading, setUploading] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const contact = talkOf(state, card.id).contact;
  const note = state.note;
  const allowed = note || (mayAnswer(state, card) && card.status !== "closed");
  const sought = note ? null : choosing ? (asked(text) ?? "") : asked(text);
  const canned = state.replies.filter((reply) => (reply.inbox ?? card.inbox) === card.inbox);
  const replies = sought === null || editing !== null ? [] : fitting(canned, sought);
  const menu = sought !== null && editing === null && canned.length > 0;
  const used = length(text);
  const blank = text.trim() === "";

  useEffect(() => {
    if (editing === null) keepDraft(card.id, { text, note });
  }, [text, note, editing]);
  useLayoutEffect(() => {
    const area = field.current;
    if (!area) return;
    area.style.height = "auto"; // browsers without field-sizing
    area.style.height = `${Math.min(area.scrollHeight + 2, TALLEST_PX)}px`;
  }, [text, allowed]);
  useEffect(() => setPicked(0), [sought]);

  const write = (changed: string): void => {
    setText(changed);
    if (!note && changed !== "") desk.typing();
  };
  const stopEditing = (): void => {
    setEditing(null);
    setText("");
  };
  const take = (reply: Reply): void => {
    write(filled(reply.text, contact?.name ?? card.contact.name));
    setChoosing(false);
    field.current?.focus();
  };
  const attach = async (files: FileList | null | undefined): Promise<void> => {
    const [file] = files ?? [];
    if (!file || uploading) return;
    setUploading(true);
    if (await desk.attach(card.id, file, text.trim())) setText("");
    setUploading(false);
    field.current?.focus();
  };
  const send = (): void => {
    if (blank || used > MAX_LENGTH || !allowed) return;
    desk.write(card.id, note ? "note" : "message", text.trim(), note ? null : editing);
    setEditing(null);
    setText("");
    field.current?.focus();
  };

  const pressed = (event: KeyboardEvent): void => {
    if (event.isComposing) return;
    const { key } = event;
    if (menu && (key === "ArrowDown" || key === "ArrowUp") && replies.length > 0) {
      setPicked((picked + (key === "ArrowDown" ? 1 : replies.length - 1)) % replies.length);
    } else if (menu && (key === "Enter" || key === "Tab") && !event.shiftKey && replies[picked]) {
      take(replies[picked]);
    } else if (key === "Enter" && !event.shiftKey) {
      send();
    } else if (key === "ArrowUp" && text === "" && !note) {
      const own = ownLast(state, card.id);
      if (own === null) return;
      setEditing(own.version);
      setText(own.text);
    } else if (key === "Escape" && (menu || editing !== null)) {
      if (editing !== null) stopEditing();
      else if (choosing) setChoosing(false);
      else setText("");
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };

  const mode = (to: boolean): void => {
    desk.change({ ...desk.state, note: to });
    if (editing !== null) stopEditing();
    field.current?.focus();
  };
  return (
    <form
      class={note ? "composer as-note" : "composer"}
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <div class="modes" role="group" aria-label={words.write}>
        <button type="button" aria-pressed={!note} data-part="mode-reply" onClick={() => mode(false)}>
          <Icon d="reply" />
          {words.reply}
        </button>
        <button type="button" aria-pressed={note} data-part="mode-note" onClick={() => mode(true)}>
          <Icon d="note" />
          {words.note}
        </button>
        {!note && allowed && canned.length > 0 && (
          <button type="button" class="templates" aria-expanded={menu} onClick={() => (setChoosing(!choosing), field.current?.focus())}>
            <Icon d="templates" />
            {words.templates}
          </button>
        )}
        {used > MAX_LENGTH - 500 && (
          <span class={used > MAX_LENGTH ? "left over" : "left"} role="status">
            {used > MAX_LENGTH ? words.tooLong : words.left(MAX_LENGTH - used)}
          </span>
        )}
      </div>
      {editing !== null && (
        <p class="hint" role="status">
          <Icon d="pen" />
          {words.editing}
          <button type="button" onClick={stopEditing}>
            {words.cancel}
          </button>
        </p>
      )}
      <Standing desk={desk} state={state} card={card} />
      {menu && (
        <ul class="replies" role="listbox" id="replies" aria-label={words.templates}>
          {replies.map((reply, at) => (
            <li
              key={reply.id}
              role="option"
              id={`reply-${reply.id}`}
              aria-selected={at === picked}
              data-part="reply"
              onMouseDown={(event) => {
                event.preventDefault(); // the field keeps the focus
                take(reply);
              }}
            >
              <b>/{reply.shortcut}</b>
              <span class="cut">{filled(reply.text, contact?.name ?? card.contact.name)}</span>
            </li>
          ))}
          {replies.length === 0 && (
            <li role="option" aria-selected="false" aria-disabled="true" class="none">
              {words.noTemplates}
            </li>
          )}
        </ul>
      )}
      {allowed && (
        <div class="field">
          <textarea
            ref={field}
            rows={1}
            data-part="composer"
            aria-label={note ? words.writeNote : words.write}
            placeholder={note ? words.writeNote : words.write}
            aria-controls={menu ? "replies" : undefined}
            aria-activedescendant={menu && replies[picked] ? `reply-${replies[picked].id}` : undefined}
            dir="auto"
            value={text}
            onInput={(event) => write(event.currentTarget.value)}
            onKeyDown={pressed}
            onPaste={(event) => {
              if (note || editing !== null || !event.clipboardData?.files.length) return;
              event.preventDefault();
              void attach(event.clipboardData.files);
            }}
          />
          {!note && editing === null && (
            <label class="attach plain" title={words.attach} aria-busy={uploading}>
              <Icon d="file" />
              <input
                type="file"
                class="unseen"
                data-part="attach"
                aria-label={words.attach}
                disabled={uploading || used > MAX_LENGTH}
                onChange={(event) => {
                  const input = event.currentTarget;
                  void attach(input.files).then(() => (input.value = "")); // the same file may be chosen again
                }}
              />
            </label>
          )}
          <button type="submit" class="send" aria-label={words.send} title={words.send} data-part="send" disabled={blank || used > MAX_LENGTH}>
            <Icon d="send" />
          </button>
        </div>
      )}
    </form>
  );
}

/** Why I cannot answer, or what happens if I do. */
function Standing({ desk, state, card }: Props) {
  const { words } = desk;
  if (state.note) return null;
  if (card.status === "closed")
    return (
      <p class="hint closed" data-part="standing">
        {words.closedHere}
        <button type="button" onClick={() => void desk.alter(card.id, "reopen")}>
          {words.reopen}
        </button>
      </p>
    );
  if (!mayAnswer(state, card))
    return (
      <p class="hint held" data-part="standing">
        {words.othersAnswer(card.operator?.name ?? words.operator)}
        {state.me.is_supervisor && (
          <button type="button" data-part="take-over" onClick={() => void desk.alter(card.id, "transfer", { to: state.me.id })}>
            {words.takeOver}
          </button>
        )}
      </p>
    );
  if (card.owner === "operator") return null;
  return (
    <p class="hint soft" data-part="standing">
      {card.owner === "bot" ? words.botHere : words.waitsHere}
    </p>
  );
}
