/** The windows over the desk: to whom, until when, which keys, how it should be. */

import { useState } from "preact/hooks";

import * as attention from "./attention";
import type { Desk } from "./desk";
import { Face, Icon, Modal } from "./parts";
import type { Card } from "./protocol";
import { openCard, type State } from "./store";
import { local, tomorrowAtNine } from "./times";

const HOUR_MS = 3_600_000;

interface Props {
  desk: Desk;
  state: State;
}

export function Dialogs({ desk, state }: Props) {
  const { words } = desk;
  const close = (): void => desk.change({ ...desk.state, dialog: null });
  const card = openCard(state);
  switch (state.dialog) {
    case "transfer":
      return card ? <Transfer desk={desk} state={state} card={card} close={close} /> : null;
    case "snooze":
      return card ? <Snooze desk={desk} card={card} close={close} /> : null;
    case "settings":
      return <Settings desk={desk} close={close} />;
    case "help":
      return (
        <Modal title={words.keys} close={close}>
          <dl class="keys" tabIndex={0}>
            {words.help.map(([keys, meaning]) => (
              <div key={keys}>
                <dt>
                  {keys?.split(", ").map((one) => (
                    <kbd key={one}>{one}</kbd>
                  ))}
                </dt>
                <dd>{meaning}</dd>
              </div>
            ))}
          </dl>
          <Leave label={words.keysOff} />
        </Modal>
      );
    case null:
      return null;
  }
}

const Leave = ({ label }: { label: string }) => (
  <form method="dialog" class="row end">
    <button class="quiet">{label}</button>
  </form>
);

function Transfer({ desk, state, card, close }: Props & { card: Card; close(): void }) {
  const { words } = desk;
  const to = (id: number | null): void => {
    close();
    void desk.alter(card.id, "transfer", { to: id });
  };
  const others = state.operators
    .filter((one) => one.id !== card.operator?.id)
    .sort((one, other) => Number(other.on_duty) - Number(one.on_duty) || one.open - other.open);
  return (
    <Modal title={words.transferTo} close={close}>
      <div class="choice-list">
        {card.owner !== "queue" && (
          <button type="button" data-part="to-queue" onClick={() => to(null)}>
            <span class="face queue">
              <Icon d="waiting" />
            </span>
            <span>
              <b>{words.toQueue}</b>
              <small>{words.toQueueHint}</small>
            </span>
          </button>
        )}
        {others.map((one) => (
          <button type="button" key={one.id} data-part="to-operator" onClick={() => to(one.id)}>
            <Face name={one.name} id={one.id} />
            <span>
              <b>
                {one.name}
                {one.id === state.me.id && ` (${words.you})`}
              </b>
              <small>
                <i class={one.on_duty ? "dot on" : "dot"} />
                {one.on_duty ? words.onDuty : words.offDuty} · {words.isOpen(one.open)}
              </small>
            </span>
          </button>
        ))}
      </div>
      <Leave label={words.cancel} />
    </Modal>
  );
}

function Snooze({ desk, card, close }: { desk: Desk; card: Card; close(): void }) {
  const { words } = desk;
  const [at, setAt] = useState(() => local(new Date(Date.now() + 2 * HOUR_MS)));
  const until = (when: Date): void => {
    close();
    void desk.alter(card.id, "snooze", { until: when.toISOString() });
  };
  const chosen = new Date(at);
  return (
    <Modal title={words.snooze} close={close}>
      <p class="soft">{words.snoozeHint}</p>
      <div class="choice-list">
        <button type="button" data-part="snooze-hour" onClick={() => until(new Date(Date.now() + HOUR_MS))}>
          <Icon d="snooze" />
          <b>{words.onHour}</b>
        </button>
        <button type="button" data-part="snooze-morning" onClick={() => until(tomorrowAtNine(Date.now()))}>
          <Icon d="waiting" />
          <b>{words.onMorning}</b>
        </button>
      </div>
      <form
        class="row"
        onSubmit={(event) => {
          event.preventDefault();
          until(chosen);
        }}
      >
        <label class="grow">
          <span class="soft">{words.onMoment}</span>
          <input type="datetime-local" value={at} min={local(new Date())} required onInput={(event) => setAt(event.currentTarget.value)} />
        </label>
        <button type="submit" class="strong" disabled={!(chosen.getTime() > Date.now())}>
          {words.snooze}
        </button>
      </form>
      <Leave label={words.cancel} />
    </Modal>
  );
}

function Settings({ desk, close }: { desk: Desk; close(): void }) {
  const { words } = desk;
  const [, redraw] = useState(0);
  const again = (): void => redraw((times) => times + 1);
  const permission = attention.permission();
  return (
    <Modal title={words.settings} close={close}>
      <div class="settings">
        <label>
          <span>{words.theme}</span>
          <select data-part="theme" value={attention.theme()} onChange={(event) => (attention.setTheme(event.currentTarget.value as attention.Theme), again())}>
            {attention.THEMES.map((theme) => (
              <option key={theme} value={theme}>
                {words.themes[theme]}
              </option>
            ))}
          </select>
        </label>
        <label>
          <span>{words.sound}</span>
          <input
            type="checkbox"
            data-part="sound"
            checked={attention.soundOn()}
            onChange={(event) => {
              attention.setSound(event.currentTarget.checked);
              attention.beep();
              again();
            }}
          />
        </label>
        <div class="line">
          <span>{words.notify}</span>
          {permission === "default" ? (
            <button type="button" class="quiet" data-part="notify" onClick={() => void attention.askPermission().then(again)}>
              {words.notifyOn}
            </button>
          ) : (
            <span class="soft">{permission === "granted" ? words.notifyGranted : words.notifyBlocked}</span>
          )}
        </div>
        <div class="row links">
          <button type="button" class="quiet" onClick={() => desk.change({ ...desk.state, dialog: "help" })}>
            {words.keys}
          </button>
          <a class="quiet" href="/admin/">
            {words.admin}
          </a>
          <a class="quiet" href={desk.language === "ru" ? "?lang=en" : "?lang=ru"} lang={desk.language === "ru" ? "en" : "ru"}>
            {desk.language === "ru" ? "English" : "Русский"}
          </a>
          <form method="post" action="/auth/logout/">
            <input type="hidden" name="csrfmiddlewaretoken" value={document.querySelector<HTMLMetaElement>("meta[name=csrf]")?.content ?? ""} />
            <button class="quiet" data-part="sign-out">
              {words.signOut}
            </button>
          </form>
        </div>
      </div>
      <Leave label={words.keysOff} />
    </Modal>
  );
}
