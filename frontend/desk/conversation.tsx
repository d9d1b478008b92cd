/** The middle: one conversation, who answers in it, and what can be done with it. */

import { useState } from "preact/hooks";

import { Composer } from "./composer";
import type { Desk } from "./desk";
import { Log } from "./log";
import { Face, Icon, nameOf, type PATHS, reasonOf, Ticking } from "./parts";
import type { Card } from "./protocol";
import { type Change, isMine, mayChange, type State, talkOf } from "./store";
import { moment } from "./times";

interface Props {
  desk: Desk;
  state: State;
}

export function Conversation({ desk, state }: Props) {
  const { words } = desk;
  const card = state.open === null ? undefined : state.cards.get(state.open);
  if (state.open === null || card === undefined)
    return (
      <section class="talk" aria-label={words.conversation} data-part="talk" tabIndex={-1}>
        {state.open === null && (
          <div class="nothing">
            <Icon d="open" />
            <b>{words.choose}</b>
            <p>{words.chooseHint}</p>
          </div>
        )}
      </section>
    );
  return (
    <section class="talk" aria-label={`${words.conversation}: ${nameOf(card.contact)}`} data-part="talk" data-conversation={card.id} tabIndex={-1}>
      <Head desk={desk} state={state} card={card} />
      <Log key={card.id} desk={desk} state={state} id={card.id} />
      <Composer key={`c${card.id}`} desk={desk} state={state} card={card} />
    </section>
  );
}

function Head({ desk, state, card }: Props & { card: Card }) {
  const { words } = desk;
  const mine = isMine(state, card);
  const talk = talkOf(state, card.id);
  const others = talk.people.filter((person) => person.id !== state.me.id);
  const open = card.status !== "closed";
  const held = card.owner === "operator";
  const may = open && mayChange(state, card);
  return (
    <div class="head">
      <button type="button" class="plain only-phone" aria-label={words.back} data-part="back" onClick={() => desk.change({ ...state, pane: "list" })}>
        <Icon d="back" />
      </button>
      <Face name={nameOf(card.contact)} id={card.contact.id} />
      <div class="who-line">
        <h2 class="cut" dir="auto">
          {nameOf(card.contact)}
        </h2>
        <p class={`owner ${card.owner}`} data-part="owner">
          <Owner desk={desk} state={state} card={card} />
          {others.length > 0 && <span class="presence">{others.map((person) => (person.typing ? words.isWriting(person.name) : words.looking(person.name))).join(", ")}</span>}
        </p>
      </div>
      <div class="actions" role="toolbar" aria-label={words.actions}>
        {open && !held && <Action desk={desk} card={card} act="claim" icon="hand" label={words.claim} strong />}
        {may && held && !mine && <Action desk={desk} card={card} act="transfer" more={{ to: state.me.id }} icon="hand" label={words.takeOver} />}
        {may && <Opens desk={desk} state={state} dialog="transfer" icon="transfer" label={words.transfer} />}
        {may && card.owner !== "bot" && <Action desk={desk} card={card} act="return" icon="bot" label={words.toBot} />}
        {may && <Opens desk={desk} state={state} dialog="snooze" icon="snooze" label={words.snooze} />}
        {may && <Action desk={desk} card={card} act="close" icon="closed" label={words.close} />}
        {!open && <Action desk={desk} card={card} act="reopen" icon="reopen" label={words.reopen} strong />}
        <button
          type="button"
          class="plain only-narrow"
          aria-label={words.contactCard}
          title={words.contactCard}
          data-part="contact-card"
          onClick={() => desk.change({ ...state, pane: state.pane === "contact" ? "talk" : "contact" })}
        >
          <Icon d="card" />
        </button>
      </div>
    </div>
  );
}

function Owner({ desk, state, card }: Props & { card: Card }) {
  const { words, language } = desk;
  if (card.status === "closed") return <span>{words.closedHere}</span>;
  const snoozed = card.status === "snoozed" && card.snoozed_until ? ` · ${words.snoozed} ${words.snoozedUntil(moment(card.snoozed_until, language))}` : "";
  if (card.owner === "bot") return <span>{words.botAnswers + snoozed}</span>;
  if (card.owner === "operator") return <span>{(isMine(state, card) ? words.youAnswer : words.answers(card.operator?.name ?? words.operator)) + snoozed}</span>;
  const why = [reasonOf(card.reason, words), words.stage[card.stage] ?? ""].filter(Boolean).join(" · ");
  return (
    <span>
      {words.queueLong}{" "}
      {card.waiting_since && <Ticking since={card.waiting_since} words={words} />}
      {why && ` · ${why}`}
      {snoozed}
    </span>
  );
}

interface ButtonProps {
  desk: Desk;
  icon: keyof typeof PATHS;
  label: string;
  strong?: boolean;
}

function Action({ desk, card, act, icon, label, strong, more }: ButtonProps & { card: Card; act: Change; more?: { to: number } }) {
  const [busy, setBusy] = useState(false);
  const does = async (): Promise<void> => {
    setBusy(true);
    await desk.alter(card.id, act, more);
    setBusy(false);
  };
  return (
    <button type="button" class={strong ? "strong" : "plain"} title={label} aria-label={label} data-part={`act-${act}`} disabled={busy} onClick={() => void does()}>
      <Icon d={icon} />
      <span class="label">{label}</span>
    </button>
  );
}

const Opens = ({ desk, state, dialog, icon, label }: ButtonProps & { state: State; dialog: "transfer" | "snooze" }) => (
  <button type="button" class="plain" title={label} aria-label={label} aria-haspopup="dialog" data-part={`act-${dialog}`} onClick={() => desk.change({ ...state, dialog })}>
    <Icon d={icon} />
    <span class="label">{label}</span>
  </button>
);
