/** The operators' desk: mounted on the page `/desk/`. */

import { render } from "preact";

import * as attention from "./attention";
import { ContactPane } from "./contact";
import "./desk.css";
import { Desk } from "./desk";
import { Dialogs } from "./dialogs";
import { type Act, reader } from "./keys";
import { Lists, Rail } from "./lists";
import { isMine, mayChange, type State, unread } from "./store";
import { Conversation } from "./conversation";
import { en } from "./words.en";
import { ru } from "./words.ru";

const place = document.getElementById("desk") as HTMLElement;
const language = document.documentElement.lang === "ru" ? "ru" : "en";
const words = language === "ru" ? ru : en;
let scheduled = false;

/** Draw once for whatever changes within one turn of the browser. */
const desk: Desk = new Desk(words, language, () => {
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(() => {
    scheduled = false;
    draw();
  });
});

function draw(): void {
  attention.title(`${words.desk} · Besedka`, Math.max(unread(desk.state), desk.state.counts.unread) + (desk.state.onDuty ? desk.state.counts.waiting : 0));
  render(<App state={desk.state} />, place);
}

function App({ state }: { state: State }) {
  return (
    <div class="desk" data-pane={state.pane} data-line={state.line} data-open={state.open !== null} data-part="desk">
      <Banner state={state} />
      <Rail desk={desk} state={state} />
      <Lists desk={desk} state={state} />
      <main>
        <Conversation desk={desk} state={state} />
      </main>
      <ContactPane desk={desk} state={state} />
      <Dialogs desk={desk} state={state} />
      <div class="toasts" role="status" aria-live="polite" data-part="toasts">
        {state.toasts.map((toast) => (
          <p key={toast.id} class={toast.bad ? "toast bad" : "toast"}>
            {toast.text}
          </p>
        ))}
      </div>
    </div>
  );
}

function Banner({ state }: { state: State }) {
  if (state.ended !== null)
    return (
      <p class="banner bad" role="alert" data-part="banner">
        {words[state.ended]} <a href={`/admin/login/?next=${encodeURIComponent(location.pathname)}`}>{words.signIn}</a>
      </p>
    );
  if (state.line === "lost")
    return (
      <p class="banner" role="status" data-part="banner">
        {state.ready ? words.lost : words.connecting}
      </p>
    );
  return null;
}

const field = (part: string): HTMLElement | null => document.querySelector<HTMLElement>(`[data-part=${part}]`);

/** Once what was just done has been drawn: at once, so that the next key already goes where it should. */
function afterwards(act: () => void): void {
  draw();
  act();
}

function write(note: boolean): void {
  const { state } = desk;
  if (state.open === null) return;
  desk.change({ ...state, note });
  afterwards(() => field("composer")?.focus());
}

/** What the keyboard stands on, opened; null where that is nothing. */
function current(): number | null {
  const id = desk.state.chosen ?? desk.state.open;
  if (id !== null) desk.open(id);
  return id;
}

function act(what: Act): void {
  if (typeof what === "object") {
    desk.choose(what.go);
    afterwards(() => field("cards")?.focus());
    return;
  }
  switch (what) {
    case "next":
      return desk.step(1);
    case "previous":
      return desk.step(-1);
    case "search":
      desk.change({ ...desk.state, pane: "list" });
      return afterwards(() => field("search")?.focus());
    case "help":
      return desk.change({ ...desk.state, dialog: "help" });
    case "escape":
      return escape();
    default:
      return actOn(what);
  }
}

/** What is done with one conversation. */
function actOn(what: "open" | "claim" | "reply" | "note" | "bot" | "close" | "transfer" | "snooze"): void {
  const id = current();
  const card = id === null ? undefined : desk.state.cards.get(id);
  if (id === null || card === undefined) return;
  const closed = card.status === "closed";
  if (what === "open") return afterwards(() => field("talk")?.focus());
  if (what === "reply") return write(false);
  if (what === "note") return write(true);
  if (what === "claim" && !closed) {
    if (!isMine(desk.state, card)) void desk.alter(id, "claim");
  } else if (!mayChange(desk.state, card)) desk.say(words.answersAlready(card.operator?.name ?? words.operator), true);
  else if (what === "close") void desk.alter(id, closed ? "reopen" : "close");
  else if (closed || what === "claim") return;
  else if (what === "bot") {
    if (card.owner !== "bot") void desk.alter(id, "return");
  } else desk.change({ ...desk.state, dialog: what });
}

/** Out of a field, then back to the list. */
function escape(): void {
  const focused = document.activeElement;
  if (focused instanceof HTMLTextAreaElement) return field("talk")?.focus();
  if (focused instanceof HTMLInputElement && focused.type === "search") {
    desk.search("");
    return afterwards(() => field("cards")?.focus());
  }
  if (desk.state.pane === "contact") return desk.change({ ...desk.state, pane: "talk" });
  if (desk.state.search !== null) desk.search("");
  desk.change({ ...desk.state, pane: "list" });
  afterwards(() => field("cards")?.focus());
}

const read = reader();
document.addEventListener("keydown", (event) => {
  const target = event.target instanceof Element ? event.target : document.body;
  if (event.isComposing || desk.state.dialog !== null || target.closest("dialog")) return;
  if (event.key === "Enter" && target.closest("button, a, select, [role=option]")) return;
  const found = read(event, target.matches("input, textarea, select"), Date.now());
  if (found === null) return;
  event.preventDefault();
  act(found);
});

attention.setTheme(attention.theme());
desk.start();
draw();
