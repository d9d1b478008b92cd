/** The chat: joins store, connection and view, and is mounted by the loader. */

import { render } from "preact";

import css from "./chat.css?inline";
import { Connection } from "./connection";
import type { Chat, Host } from "./loader";
import type { Kept, Look, Message, Owner } from "./protocol";
import * as storage from "./storage";
import * as store from "./store";
import { Panel } from "./panel";
import { bring } from "./upload";
import { en } from "./words.en";
import { ru } from "./words.ru";

const TYPING_EVERY_MS = 3_000;
const MAX_FILES = 10; // at the composer

export function mount(host: Host): Chat {
  const words = host.language === "ru" ? ru : en;
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  host.root.adoptedStyleSheets = [...host.root.adoptedStyleSheets, sheet];
  const place = document.createElement("div");
  host.root.append(place);

  let state: store.State = { ...store.initial, pending: storage.outbox(host.inbox) };
  let scheduled = false;
  let typedAt = 0;

  const change = (next: store.State): void => {
    state = next;
    if (!scheduled) {
      scheduled = true;
      queueMicrotask(() => {
        scheduled = false;
        draw();
      });
    }
  };

  const token = storage.token(host.inbox);
  const connection = new Connection(host.origin, host.inbox, token, {
    online: (online) => change({ ...state, online, notice: online && state.notice === "slow" ? null : state.notice }),
    message: (message: Message) => {
      if (message.client_id !== null) storage.forget(host.inbox, message.client_id);
      change(store.received(state, message, Date.now()));
      look();
    },
    owner: (owner: Owner, place: number | null) => change(store.ownerChanged(state, owner, place)),
    read: (seq) => change(store.seen(state, seq)),
    typing: (author) => change(store.typed(state, author, Date.now())),
    spoken: (turn, text) => change(store.spoken(state, turn, text)),
    silenced: (turn) => change(store.silenced(state, turn)),
    sent: (clientId) => {
      storage.forget(host.inbox, clientId);
      change({ ...store.stored(state, clientId), notice: null });
    },
    refused: (problem) => {
      change(store.refused(state, problem));
      const failed = state.pending.find((one) => one.failed === true && one.client_id === problem.client_id);
      if (failed) storage.keep(host.inbox, failed);
    },
    ended: (why) => change({ ...state, online: true, notice: why }),
    erased: () => change(store.erased(state)),
    after: () => store.lastSeq(state),
    seen: () => state.readSeq,
    pending: () => store.unsent(state),
  });

  const look = (): void => {
    const last = store.lastSeq(state);
    if (state.open && document.visibilityState === "visible" && last > state.readSeq) {
      change(store.seen(state, last));
      connection.read(last);
    }
  };

  /** To where one goes on; on a phone not to the composer, whose keyboard would cover what is to be read. */
  const focus = (): void => {
    const part = matchMedia("(hover: hover)").matches ? "textarea" : "section";
    host.root.querySelector<HTMLElement>(part)?.focus();
  };

  /** A message; the text goes along with the first of the files, each other file is a message of its own. */
  const say = (text: string, files: Kept[] = []): void => {
    for (const [at, file] of files.length ? files.entries() : [[0, undefined] as const]) {
      const pending: storage.Pending = { client_id: storage.random(), text: at === 0 && text.trim() ? text : "", at: Date.now() };
      if (file) pending.file = file;
      storage.keep(host.inbox, pending);
      change(store.queued(state, pending));
    }
    connection.flush();
  };

  /** What stands at the composer is sent: the text and the files that are there. */
  const sendOff = (text: string): void => {
    const ready = state.uploads.filter((one) => one.file !== undefined);
    change(store.detached(state, ready.map((one) => one.id)));
    say(text, ready.flatMap((one) => one.file ?? []));
  };

  const leaving = new Map<string, () => void>(); // how an upload is given up

  const upload = (id: string, file: File): void => {
    change(store.attached(store.detached(state, [id]), { id, name: file.name, share: 0 }));
    const url = `${host.origin}/api/v1/conversation/files?inbox=${encodeURIComponent(host.inbox)}`;
    leaving.set(id, bring(url, token, file, (news) => change(store.heardOf(state, id, news))));
  };

  const attach = (files: Iterable<File>): void => {
    for (const file of files) if (state.uploads.length < MAX_FILES) upload(storage.random(), file);
    focus();
  };

  const detach = (id: string): void => {
    leaving.get(id)?.();
    leaving.delete(id);
    change(store.detached(state, [id]));
    focus();
  };

  const retry = (pending: storage.Pending): void => {
    const { failed: _, ...again } = pending;
    storage.keep(host.inbox, again);
    change(store.queued(state, again));
    connection.flush();
  };

  const typing = (): void => {
    if (Date.now() - typedAt > TYPING_EVERY_MS) {
      typedAt = Date.now();
      connection.typing();
    }
  };

  const toggle = (open = !state.open): void => {
    change({ ...state, open });
    draw();
    if (open) {
      focus();
      look();
    } else host.button.focus();
  };

  function draw(): void {
    const unread = state.open ? 0 : store.unread(state);
    host.badge.hidden = unread === 0;
    host.badge.textContent = unread > 9 ? "9+" : String(unread);
    const label = state.open ? words.close : words.open;
    host.button.setAttribute("aria-label", unread ? `${label}, ${words.unread(unread)}` : label);
    host.button.setAttribute("aria-expanded", String(state.open));
    render(
      <Panel
        state={state}
        words={words}
        language={host.language}
        now={Date.now()}
        origin={host.origin}
        say={sendOff}
        attach={attach}
        detach={detach}
        ask={(question) => {
          say(question);
          focus(); // the button that was pressed goes
        }}
        retry={retry}
        typing={typing}
        person={() => {
          connection.handoff();
          focus();
        }}
        close={() => toggle(false)}
      />,
      place,
    );
  }

  host.root.addEventListener("keydown", (event) => {
    if (event instanceof KeyboardEvent && event.key === "Escape" && state.open) toggle(false);
  });
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") connection.hurry();
    look();
  });
  setInterval(() => state.open && draw(), 2_000); // dots end by themselves, and days change
  void fetch(`${host.origin}/api/v1/widget?inbox=${encodeURIComponent(host.inbox)}`)
    .then((response) => (response.ok ? (response.json() as Promise<Look>) : null))
    .then((found) => found && change({ ...state, look: found }))
    .catch(() => undefined); // the chat works without its title
  connection.start();
  draw();
  return { toggle };
}
