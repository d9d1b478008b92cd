/** Small things that several parts of the desk are made of. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";

import type { Card } from "./protocol";
import { ticking } from "./times";
import type { Words } from "./words.en";

export const PATHS = {
  waiting: "M12 7v5l3 2M21 12a9 9 0 1 1-18 0 9 9 0 0 1 18 0",
  mine: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21c0-4 4-7 8-7s8 3 8 7",
  open: "M4 5h16v11H9l-5 4z",
  callback: "M5 4h4l2 5-2.5 1.5a11 11 0 0 0 5 5L15 13l5 2v4a2 2 0 0 1-2 2A16 16 0 0 1 3 6a2 2 0 0 1 2-2",
  closed: "M4 12l5 5L20 6",
  bot: "M7 9h10a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H7a2 2 0 0 1-2-2v-6c0-1 1-2 2-2M12 9V5M9 14h.01M15 14h.01",
  search: "M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14M20 20l-4-4",
  cross: "M6 6l12 12M18 6L6 18",
  back: "M15 5l-7 7 7 7",
  send: "M4 12l16-8-6 16-3-7z",
  transfer: "M4 8h14l-4-4M20 16H6l4 4",
  snooze: "M12 8v5l3 2M5 4L2 7M19 4l3 3M20 13a8 8 0 1 1-16 0 8 8 0 0 1 16 0",
  reopen: "M4 12a8 8 0 1 0 3-6L4 8M4 3v5h5",
  card: "M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8M4 21c0-4 4-7 8-7s8 3 8 7",
  settings: "M4 7h10M18 7h2M4 17h2M10 17h10M16 4v6M8 14v6",
  file: "M14 3H6v18h12V7zM14 3v4h4",
  note: "M5 4h14v11l-5 5H5zM14 20v-5h5",
  down: "M12 5v14M6 13l6 6 6-6",
  reply: "M4 5h16v11H9l-5 4z",
  pen: "M4 20l4-1L19 8l-3-3L5 16z",
  templates: "M5 5h14M5 10h14M5 15h8",
  hand: "M8 12V6a1.5 1.5 0 0 1 3 0v5-7a1.5 1.5 0 0 1 3 0v7-5a1.5 1.5 0 0 1 3 0v8c0 4-2 7-6 7-3 0-5-2-7-6l-1-3c1-1 2-1 3 0z",
};

export const Icon = ({ d }: { d: keyof typeof PATHS }) => (
  <svg class="icon" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="1.8" stroke-linecap="round" stroke-linejoin="round" aria-hidden="true">
    <path d={PATHS[d]} />
  </svg>
);

const clocks = new Set<(now: number) => void>();
setInterval(() => {
  const now = Date.now();
  for (const clock of clocks) clock(now);
}, 1_000);

/** The time, every second; one timer for all who want to know. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    clocks.add(setNow);
    return () => void clocks.delete(setNow);
  }, []);
  return now;
}

export const Ticking = ({ since, words }: { since: string; words: Words }) => <>{ticking(since, useNow(), words.units.d)}</>;

/** What a contact is called; it may be anything, so it never decides how something looks. */
export const nameOf = (contact: { name: string; shown: string }): string => contact.name.trim() || contact.shown;

export const reasonOf = (reason: string | null | undefined, words: Words): string => (reason ? (words.reasons[reason] ?? reason) : "");

export function Face({ name, id, big }: { name: string; id: number; big?: boolean }) {
  const letter = [...name.trim()].find((one) => /[\p{L}\p{N}]/u.test(one)) ?? "·";
  return (
    <span class={`face tint-${id % 6}${big ? " big" : ""}`} aria-hidden="true">
      {letter.toLocaleUpperCase()}
    </span>
  );
}

/** Who answers in it, as a mark. */
export function OwnerMark({ card, me, words }: { card: Card; me: number; words: Words }) {
  if (card.status === "closed")
    return (
      <span class="mark closed">
        <Icon d="closed" />
        {words.isClosed}
      </span>
    );
  if (card.owner === "bot")
    return (
      <span class="mark bot">
        <Icon d="bot" />
        {words.bot}
      </span>
    );
  if (card.owner === "queue")
    return (
      <span class={`mark queue stage-${card.stage}`}>
        <Icon d="waiting" />
        {card.waiting_since ? (
          <span>
            {words.waits} <Ticking since={card.waiting_since} words={words} />
          </span>
        ) : (
          words.queue
        )}
      </span>
    );
  return (
    <span class={card.operator?.id === me ? "mark me" : "mark operator"}>
      <Icon d="mine" />
      <span class="cut">{card.operator?.id === me ? words.you : card.operator?.name}</span>
    </span>
  );
}

/** A window over the desk. The browser keeps the focus inside, and gives it back. */
export function Modal({ title, close, children }: { title: string; close(): void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    box.current?.showModal();
  }, []);
  return (
    <dialog
      ref={box}
      aria-label={title}
      onClose={close}
      onClick={(event) => {
        if (event.target === box.current) box.current?.close();
      }}
    >
      <div class="inside">
        <h2>{title}</h2>
        {children}
      </div>
    </dialog>
  );
}
