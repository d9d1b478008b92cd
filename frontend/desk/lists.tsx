/** The left: which lists there are, who I am, and the cards of the list that is looked at. */

import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";

import type { Desk } from "./desk";
import { Face, Icon, nameOf, OwnerMark, reasonOf } from "./parts";
import type { Card, Found, ListName } from "./protocol";
import { belongs, current, isMine, type Search, shown, type State } from "./store";
import { ago, moment } from "./times";
import { useNow } from "./parts";

const LISTS: ListName[] = ["waiting", "mine", "open", "callback", "closed"];
const CARD_PX = 96; // as in desk.css
const BEYOND = 6; // cards that are drawn above and below what is seen

interface Props {
  desk: Desk;
  state: State;
}

export function Rail({ desk, state }: Props) {
  const { words } = desk;
  return (
    <header class="rail">
      <p class="brand">
        <svg viewBox="0 0 32 32" aria-hidden="true">
          <path class="roof" d="M16 2 2 12h28z" />
          <path class="post" d="M5 13h3v13H5zm19 0h3v13h-3z" />
          <path class="words" d="M11 15h10a2 2 0 0 1 2 2v5a2 2 0 0 1-2 2h-5l-4 4v-4h-1a2 2 0 0 1-2-2v-5a2 2 0 0 1 2-2z" />
          <path class="roof" d="M3 27h26v3H3z" />
        </svg>
        <span>Besedka</span>
      </p>
      <button
        type="button"
        role="switch"
        class="duty"
        data-part="duty"
        aria-checked={state.onDuty}
        aria-label={words.onDuty}
        title={words.dutyHint}
        disabled={!state.ready}
        onClick={() => void desk.duty(!state.onDuty)}
      >
        <i />
        <span>{state.onDuty ? words.onDuty : words.offDuty}</span>
      </button>
      <nav aria-label={words.lists}>
        {LISTS.map((list) => {
          const count = list === "waiting" || list === "mine" || list === "callback" ? state.counts[list] : 0;
          return (
            <button
              type="button"
              key={list}
              data-part={`list-${list}`}
              title={words[list]}
              aria-current={state.list === list && state.search === null ? "page" : undefined}
              onClick={() => desk.choose(list)}
            >
              <Icon d={list} />
              <span class="label">{words[list]}</span>
              {count > 0 && <b class={list === "waiting" ? "count urgent" : "count"}>{count > 999 ? "999+" : count}</b>}
            </button>
          );
        })}
      </nav>
      <button type="button" class="who" data-part="settings" title={words.settings} onClick={() => desk.change({ ...state, dialog: "settings" })}>
        <Face name={state.me.name || "·"} id={state.me.id} />
        <span class="cut">{state.me.name}</span>
        <span class="unseen">{words.settings}</span>
        <Icon d="settings" />
      </button>
    </header>
  );
}

export function Lists({ desk, state }: Props) {
  const { words } = desk;
  return (
    <section class="lists" aria-label={words.conversations}>
      <div class="sought" role="search">
        <Icon d="search" />
        <input
          type="search"
          data-part="search"
          aria-label={words.search}
          placeholder={words.search}
          value={state.search?.q ?? ""}
          onInput={(event) => desk.search(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "ArrowDown" || event.key === "Enter") {
              event.preventDefault();
              document.querySelector<HTMLElement>("[role=listbox]")?.focus();
              if (state.chosen === null) desk.step(1);
            }
          }}
        />
        {state.search !== null && (
          <button type="button" class="plain" aria-label={words.clear} onClick={() => desk.search("")}>
            <Icon d="cross" />
          </button>
        )}
      </div>
      <div class="over">
        <h1>{state.search ? words.search : words[state.list]}</h1>
        {state.inboxes.length > 1 && state.search === null && (
          <select
            aria-label={words.inbox}
            data-part="inbox"
            value={state.inbox ?? ""}
            onChange={(event) => desk.choose(state.list, Number(event.currentTarget.value) || null)}
          >
            <option value="">{words.allInboxes}</option>
            {state.inboxes.map((inbox) => (
              <option key={inbox.id} value={inbox.id}>
                {inbox.name}
              </option>
            ))}
          </select>
        )}
      </div>
      {state.search ? <Results desk={desk} state={state} search={state.search} /> : <Cards key={`${state.list}${state.inbox}`} desk={desk} state={state} />}
    </section>
  );
}

/** Moving with the arrows in a list, as a listbox does. */
function moves(desk: Desk, open: () => void): (event: KeyboardEvent) => void {
  return (event) => {
    const by = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8, Home: -1e9, End: 1e9 }[event.key];
    if (by !== undefined) desk.step(by);
    else if (event.key === "Enter" || event.key === " ") open();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
}

/** The cards in sight, and some around them: ten thousand cost no more than ten. */
function Cards({ desk, state }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const [sight, setSight] = useState({ top: 0, height: 800 });
  const ids = shown(state);
  const { loaded, more } = current(state);
  const from = Math.max(0, Math.floor(sight.top / CARD_PX) - BEYOND);
  const upto = Math.min(ids.length, Math.ceil((sight.top + sight.height) / CARD_PX) + BEYOND);
  const at = state.chosen === null ? -1 : ids.indexOf(state.chosen);

  useEffect(() => {
    const place = box.current;
    if (!place) return;
    const watcher = new ResizeObserver(() => setSight({ top: place.scrollTop, height: place.clientHeight }));
    watcher.observe(place);
    return () => watcher.disconnect();
  }, []);
  useLayoutEffect(() => {
    const place = box.current;
    if (!place || at < 0) return;
    if (at * CARD_PX < place.scrollTop) place.scrollTop = at * CARD_PX;
    else if ((at + 1) * CARD_PX > place.scrollTop + place.clientHeight) place.scrollTop = (at + 1) * CARD_PX - place.clientHeight;
  }, [state.chosen]);
  useEffect(() => {
    if (more && upto >= ids.length - BEYOND) void desk.more();
  }, [upto, ids.length, more]);

  if (!loaded) return <Skeleton />;
  if (ids.length === 0) return <Nothing lines={desk.words.empty[state.list]} />;
  return (
    <div
      class="cards"
      role="listbox"
      tabIndex={0}
      data-part="cards"
      aria-label={desk.words[state.list]}
      aria-activedescendant={at >= from && at < upto ? `card-${state.chosen}` : undefined}
      ref={box}
      onScroll={({ currentTarget: { scrollTop: top, clientHeight: height } }) => setSight({ top, height })}
      onKeyDown={moves(desk, () => state.chosen !== null && desk.open(state.chosen))}
    >
      <div role="presentation" class="before" style={{ height: `${from * CARD_PX}px` }} />
      {ids.slice(from, upto).map((id, index) => {
        const card = state.cards.get(id);
        return card && <CardView key={id} desk={desk} state={state} card={card} place={from + index + 1} of={more ? -1 : ids.length} />;
      })}
      <div role="presentation" style={{ height: `${(ids.length - upto) * CARD_PX}px` }} />
    </div>
  );
}

function CardView({ desk, state, card, place, of }: Props & { card: Card; place: number; of: number }) {
  const { words, language } = desk;
  const inbox = state.inboxes.find((one) => one.id === card.inbox)?.name;
  const name = nameOf(card.contact);
  const gone = !belongs(state, card, state.list, state.inbox);
  const said = card.last && { contact: "", bot: `${words.bot}: `, operator: isMine(state, card) ? `${words.you}: ` : `${words.operator}: `, system: "" }[card.last.author];
  const snoozed = card.status === "snoozed" && card.snoozed_until;
  const classes = ["card", card.id === state.chosen && "chosen", card.id === state.open && "opened", card.unread > 0 && "unread", gone && "gone"];
  return (
    <div
      role="option"
      id={`card-${card.id}`}
      class={classes.filter(Boolean).join(" ")}
      data-part="card"
      data-conversation={card.id}
      data-owner={card.owner}
      aria-selected={card.id === state.open}
      aria-setsize={of}
      aria-posinset={place}
      onClick={() => desk.open(card.id)}
    >
      <Face name={name} id={card.contact.id} />
      <div class="about">
        <div class="top">
          <b class="cut" dir="auto">
            {name}
          </b>
          <Ago since={card.active_at} desk={desk} />
        </div>
        <div class="line">
          <span class="cut" dir="auto">
            {said}
            {card.last && (card.last.text || words.aFile)}
          </span>
          {card.unread > 0 && (
            <b class="badge" aria-label={words.unread(card.unread > 99 ? "99+" : String(card.unread))}>
              {card.unread > 99 ? "99+" : card.unread}
            </b>
          )}
        </div>
        <div class="marks">
          <OwnerMark card={card} me={state.me.id} words={words} />
          {snoozed && (
            <span class="mark snoozed">
              <Icon d="snooze" />
              {words.snoozedUntil(moment(snoozed, language))}
            </span>
          )}
          {card.callback_at && card.status !== "closed" && (
            <span class="mark callback" role="img" aria-label={words.called} title={words.called}>
              <Icon d="callback" />
            </span>
          )}
          {card.owner === "queue" && card.status === "open" && card.reason ? (
            <span class="mark why cut">{reasonOf(card.reason, words)}</span>
          ) : (
            inbox && state.inboxes.length > 1 && <span class="mark inbox cut">{inbox}</span>
          )}
        </div>
      </div>
    </div>
  );
}

function Ago({ since, desk }: { since: string; desk: Desk }) {
  return <time dateTime={since}>{ago(since, useNow(), desk.words.units)}</time>;
}

function Results({ desk, state, search }: Props & { search: Search }) {
  const { words } = desk;
  const { found, busy, next } = search;
  useEffect(() => {
    if (state.chosen !== null) document.querySelector(".results .chosen")?.scrollIntoView({ block: "nearest" });
  }, [state.chosen]);
  if (busy && found.length === 0) return <Skeleton />;
  if (found.length === 0) return <Nothing lines={[words.nothingFound, words.nothingFoundHint]} />;
  const open = (one: Found): void => void desk.goTo(one.card.id, one.seq);
  return (
    <div class="cards results" aria-busy={busy}>
      <div
        role="listbox"
        tabIndex={0}
        aria-label={words.search}
        onKeyDown={moves(desk, () => {
          const one = found.find((hit) => hit.card.id === state.chosen);
          if (one) open(one);
        })}
      >
        {found.map((one) => (
          <div
            role="option"
            key={`${one.card.id}-${one.seq}`}
            class={one.card.id === state.chosen ? "card found chosen" : "card found"}
            data-part="found"
            aria-selected={one.card.id === state.open}
            onClick={() => open(one)}
          >
            <Face name={nameOf(one.card.contact)} id={one.card.contact.id} />
            <div class="about">
              <div class="top">
                <b class="cut" dir="auto">
                  {nameOf(one.card.contact)}
                </b>
                <time dateTime={one.created_at}>{moment(one.created_at, desk.language)}</time>
              </div>
              <p dir="auto">
                {one.author === "bot" ? `${words.bot}: ` : one.author === "operator" ? `${words.operator}: ` : ""}
                <Marked text={one.text} marks={one.marks} />
              </p>
            </div>
          </div>
        ))}
      </div>
      {next !== null && (
        <button type="button" class="quiet wide" disabled={busy} onClick={() => void desk.searchOn()}>
          {busy ? words.searching : words.more}
        </button>
      )}
    </div>
  );
}

/** A text with what was found in it; the places are counted in characters, as the server counts them. */
function Marked({ text, marks }: { text: string; marks: [number, number][] }) {
  const signs = [...text];
  let at = 0;
  const parts = [...marks]
    .sort((one, other) => one[0] - other[0])
    .filter(([from, to]) => from < to)
    .flatMap(([from, to]) => {
      const before = signs.slice(at, Math.max(at, from)).join("");
      const its = signs.slice(Math.max(at, from), to).join("");
      at = Math.max(at, to);
      return [before, its && <mark>{its}</mark>];
    });
  return (
    <>
      {parts}
      {signs.slice(at).join("")}
    </>
  );
}

const Nothing = ({ lines }: { lines: string[] }) => (
  <div class="nothing" data-part="nothing">
    <Icon d="closed" />
    <b>{lines[0]}</b>
    <p>{lines[1]}</p>
  </div>
);

const Skeleton = () => (
  <div class="cards skeleton" aria-busy="true">
    {[0, 1, 2, 3, 4, 5].map((one) => (
      <div class="card" key={one}>
        <span class="face" />
        <div class="about">
          <i />
          <i />
          <i />
        </div>
      </div>
    ))}
  </div>
);
