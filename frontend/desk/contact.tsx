/** The right: who the contact is, and what was before. */

import { useEffect, useState } from "preact/hooks";

import type { Desk } from "./desk";
import { Face, Icon, nameOf } from "./parts";
import type { Contact } from "./protocol";
import { type State, talkOf } from "./store";
import { moment } from "./times";

const FIELDS = ["name", "email", "phone"] as const;
const KEYBOARDS = { name: "text", email: "email", phone: "tel" } as const;
const LONGEST = { name: 200, email: 254, phone: 32 };

interface Props {
  desk: Desk;
  state: State;
}

export function ContactPane({ desk, state }: Props) {
  const { words, language } = desk;
  const card = state.open === null ? undefined : state.cards.get(state.open);
  const talk = state.open === null ? undefined : talkOf(state, state.open);
  if (!card || !talk) return null;
  const { contact, episodes } = talk;
  return (
    <aside class="person" aria-label={words.contactCard} data-part="contact">
      <button type="button" class="plain only-narrow leave" aria-label={words.closeCard} onClick={() => desk.change({ ...state, pane: "talk" })}>
        <Icon d="cross" />
      </button>
      <div class="whom">
        <Face name={nameOf(card.contact)} id={card.contact.id} big />
        <h2 dir="auto">{contact?.name || card.contact.name || words.nobody}</h2>
        <code>{contact?.shown ?? card.contact.shown}</code>
      </div>
      {contact && <Fields key={`${card.id}`} desk={desk} id={card.id} contact={contact} />}
      {contact && (
        <dl>
          <dt>{words.since}</dt>
          <dd>{new Date(contact.created_at).toLocaleDateString(language, { day: "numeric", month: "long", year: "numeric" })}</dd>
          {contact.kinds.length > 0 && (
            <>
              <dt>{words.knownAs}</dt>
              <dd>{contact.kinds.map((kind) => words.kinds[kind] ?? kind).join(", ")}</dd>
            </>
          )}
          <dt>{words.inbox}</dt>
          <dd dir="auto">{state.inboxes.find((one) => one.id === card.inbox)?.name ?? card.inbox}</dd>
        </dl>
      )}
      {episodes.length > 0 && (
        <section>
          <h3>{words.episodes}</h3>
          <ol class="episodes">
            {episodes.map((episode) => (
              <li key={episode.number}>
                <button type="button" data-part="episode" onClick={() => void desk.goTo(card.id, episode.after_seq + 1)}>
                  <b>{words.episode(episode.number)}</b>
                  <span>
                    {episode.closed_at ? moment(episode.closed_at, language) : words.episodeNow}
                    {episode.closed_by && ` · ${words.closedBy(episode.closed_by)}`}
                  </span>
                </button>
              </li>
            ))}
          </ol>
        </section>
      )}
    </aside>
  );
}

/** What is known of the contact. What a colleague changes meanwhile is shown, unless I am writing there myself. */
function Fields({ desk, id, contact }: { desk: Desk; id: number; contact: Contact }) {
  const { words } = desk;
  const { name, email, phone } = contact;
  const [typed, setTyped] = useState<Partial<Record<(typeof FIELDS)[number], string>>>({});
  const [problem, setProblem] = useState("");
  useEffect(() => setProblem(""), [name, email, phone]);
  const changed = FIELDS.some((field) => typed[field] !== undefined && typed[field] !== contact[field]);
  const save = async (): Promise<void> => {
    const refused = await desk.describe(id, { name, email, phone, ...typed });
    setProblem(refused ? desk.worded(refused) : "");
    if (!refused) setTyped({});
  };
  return (
    <form
      class="fields"
      onSubmit={(event) => {
        event.preventDefault();
        void save();
      }}
    >
      {FIELDS.map((field) => (
        <label key={field}>
          <span>{words[field]}</span>
          <input
            type="text"
            inputMode={KEYBOARDS[field]}
            data-part={`contact-${field}`}
            autoComplete="off"
            dir="auto"
            maxLength={LONGEST[field]}
            value={typed[field] ?? contact[field]}
            onInput={(event) => setTyped({ ...typed, [field]: event.currentTarget.value })}
          />
        </label>
      ))}
      {problem && (
        <p class="unsent" role="alert">
          {problem}
        </p>
      )}
      {changed && (
        <div class="row">
          <button type="submit" class="strong" data-part="contact-save">
            {words.save}
          </button>
          <button type="button" class="quiet" onClick={() => setTyped({})}>
            {words.cancel}
          </button>
        </div>
      )}
    </form>
  );
}
