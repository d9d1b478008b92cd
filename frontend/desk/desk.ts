/** Joins store and line: what the operator does becomes commands, what the server says becomes transitions. */

import { random } from "../widget/storage";
import * as attention from "./attention";
import { Connection, Refused } from "./connection";
import { draft, keepOutbox, outbox } from "./drafts";
import type { Attached, Card, Command, Contact, Done, End, Frame, ListName, Opened, Problem } from "./protocol";
import * as store from "./store";
import * as talk from "./talk";
import type { Words } from "./words.en";

const TYPING_EVERY_MS = 3_000;
const SEARCH_AFTER_MS = 250;
const TOAST_MS = 5_000;
const EARLIER_CALLS = 60; // a way back of 6,000 messages; whoever wants to go further searches

export class Desk {
  state: store.State = store.initial;
  private readonly line: Connection;
  private underway = new Set<string>();
  private typedAt = 0;
  private readAt = new Map<number, number>(); // the seq up to which the server knows that I have read
  private searchTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    readonly words: Words,
    readonly language: string,
    private readonly draw: () => void,
  ) {
    this.line = new Connection({
      line: (line) => this.lineChanged(line),
      hear: (frame) => this.hear(frame),
      ended: (why: End) => this.change(store.ended(this.state, why)),
    });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) return;
      this.line.hurry();
      this.look();
    });
    addEventListener("focus", () => this.look());
  }

  start(): void {
    void this.line.start();
  }

  change(next: store.State): void {
    if (next === this.state) return;
    if (next.outbox !== this.state.outbox && next.me.id) keepOutbox(next.me.id, next.outbox);
    this.state = next;
    this.draw();
  }

  // Lists

  choose(list: ListName, inbox: number | null = this.state.inbox): void {
    this.change(store.listChosen(this.state, list, inbox));
    this.watch();
  }

  step(by: number): void {
    this.change(store.stepped(this.state, by));
  }

  /** The next page of the list, once. */
  async more(): Promise<void> {
    const { list, inbox } = this.state;
    const its = store.current(this.state);
    const after = store.shown(this.state).at(-1);
    if (!its.more || its.paging || !its.loaded || after === undefined || this.state.line !== "online") return;
    this.change(store.paging(this.state, true));
    const done = await this.quiet({ type: "page", list, inbox, after, size: store.PAGE });
    this.change(done?.cards ? store.paged(this.state, list, inbox, done.cards, done.more ?? done.cards.length >= store.PAGE) : store.paging(this.state, false));
  }

  search(q: string): void {
    clearTimeout(this.searchTimer);
    if (q.trim() === "") return this.change({ ...this.state, search: null });
    this.change({ ...store.searching(this.state, q), pane: "list" });
    this.searchTimer = setTimeout(() => void this.searchOn(), SEARCH_AFTER_MS);
  }

  /** The first results of what is sought, or the next. */
  async searchOn(): Promise<void> {
    const { search } = this.state;
    if (search === null) return;
    const first = search.next === null;
    const done = await this.quiet({ type: "search", q: search.q.trim(), before: search.next });
    const now = this.state.search;
    if (now?.q !== search.q) return;
    const base = first ? { ...this.state, search: { ...now, found: [] } } : this.state;
    this.change(store.foundMore(base, search.q, done?.found ?? [], done?.next));
  }

  // One conversation

  open(id: number): void {
    const before = this.state.open;
    if (before === id) return this.change({ ...this.state, pane: "talk", chosen: id });
    if (before !== null) void this.quiet({ type: "leave", conversation: before });
    this.change(store.talkOpened(this.state, id, draft(id).note));
    void this.fetch(id);
  }

  /** Back to the list. */
  leave(): void {
    const { open } = this.state;
    if (open === null) return;
    void this.quiet({ type: "leave", conversation: open });
    this.change(store.left(this.state));
  }

  /** The messages before those that are here. */
  async earlier(): Promise<void> {
    const id = this.state.open;
    if (id === null) return;
    const its = store.talkOf(this.state, id);
    if (!its.loaded || its.fetching || !talk.hasEarlier(its) || this.state.line !== "online") return;
    this.change(store.inTalk(this.state, id, (one) => ({ ...one, fetching: true })));
    const done = await this.quiet({ type: "earlier", conversation: id, before: talk.firstSeq(its) });
    this.change(store.inTalk(this.state, id, (one) => talk.earlierCame(one, done?.messages ?? [])));
  }

  /** Show the message `seq` of a conversation, and fetch what lies between. */
  async goTo(id: number, seq: number): Promise<void> {
    this.open(id);
    const goal = { conversation: id, seq };
    this.change({ ...this.state, goal });
    for (let call = 0; call < EARLIER_CALLS && this.state.goal === goal; call++) {
      const its = store.talkOf(this.state, id);
      if (its.loaded && talk.firstSeq(its) <= seq) return;
      if (its.loaded && !its.fetching) await this.earlier();
      else await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Whatever is in sight has been read. */
  look(): void {
    const { open, line } = this.state;
    if (open === null || document.hidden || !document.hasFocus() || line !== "online") return;
    const last = talk.lastSeq(store.talkOf(this.state, open));
    if (last === 0 || (this.readAt.get(open) ?? 0) >= last) return;
    this.readAt.set(open, last);
    void this.quiet({ type: "read", conversation: open, seq: last });
    this.change(store.lookedAt(this.state, open));
  }

  typing(): void {
    if (this.state.open === null || Date.now() - this.typedAt < TYPING_EVERY_MS) return;
    this.typedAt = Date.now();
    this.line.tell({ type: "typing", conversation: this.state.open });
  }

  write(conversation: number, kind: "message" | "note", text: string, edits: number | null = null, file: Attached | null = null): void {
    const version = this.state.cards.get(conversation)?.owner_version ?? 0;
    const pending = { id: random(), conversation, kind, text, edits, file, version, at: Date.now(), failed: null, seq: null };
    this.change(store.queued(this.state, pending));
    this.flush();
  }

  /** A file goes up first, then a message takes it along; whether it did. */
  async attach(conversation: number, file: File, text: string): Promise<boolean> {
    try {
      const ticket = ((await (await fetch("/api/ws_token/")).json()) as { uuid: string }).uuid;
      const headers = { ticket, "content-type": file.type || "application/octet-stream" };
      const address = `/api/v1/desk/files?conversation=${conversation}&name=${encodeURIComponent(file.name)}`;
      const response = await fetch(address, { method: "POST", headers, body: file });
      const answer: unknown = await response.json();
      if (response.ok) this.write(conversation, "message", text, null, answer as Attached);
      else this.tell(answer as Problem);
      return response.ok;
    } catch {
      this.tell({ code: "lost", status: 0 });
      return false;
    }
  }

  retry(id: string): void {
    this.change(store.retried(this.state, id));
    this.flush();
  }

  discard(id: string): void {
    this.change(store.dropped(this.state, id));
  }

  /** Change who answers, or whether the conversation is open. */
  async alter(id: number, change: store.Change, more: { to?: number | null; until?: string } = {}): Promise<void> {
    const card = this.state.cards.get(id);
    if (card === undefined) return;
    try {
      const done = await this.line.ask({ type: change, conversation: id, owner_version: card.owner_version, ...more });
      if (done.card) this.change(store.carded(this.state, done.card));
      const told = this.words.done[change];
      if (told) this.say(told);
    } catch (error) {
      await this.alterRefused(id, change, more, (error as Refused).problem);
    }
  }

  async describe(id: number, fields: Pick<Contact, "name" | "email" | "phone">): Promise<Problem | null> {
    try {
      const { contact } = await this.line.ask({ type: "describe", conversation: id, ...fields });
      if (contact) this.change(store.inTalk(this.state, id, (one) => ({ ...one, contact })));
      this.say(this.words.saved);
      return null;
    } catch (error) {
      return (error as Refused).problem;
    }
  }

  async duty(on: boolean): Promise<void> {
    const before = this.state.onDuty;
    this.change({ ...this.state, onDuty: on });
    try {
      await this.line.ask({ type: "duty", on });
    } catch (error) {
      this.change({ ...this.state, onDuty: before });
      this.tell((error as Refused).problem);
    }
  }

  say(text: string, bad = false): void {
    this.change(store.toasted(this.state, text, bad));
    const id = this.state.toasts.at(-1)?.id ?? 0;
    setTimeout(() => this.change(store.untoasted(this.state, id)), TOAST_MS);
  }

  /** A problem in words. */
  worded(problem: Problem): string {
    return this.words.problem(this.words.problems[problem.code] ?? problem.title ?? problem.code);
  }

  private tell(problem: Problem): void {
    this.say(this.worded(problem), true);
  }

  // The line

  private lineChanged(line: "online" | "lost"): void {
    this.change({ ...this.state, line });
    if (line === "lost") return;
    this.watch();
    if (this.state.open !== null) void this.fetch(this.state.open);
    this.flush();
    this.look();
  }

  private hear(frame: Frame): void {
    const { state } = this;
    switch (frame.type) {
      case "ready": {
        const first = !state.ready;
        const next = store.greeted(state, frame);
        return this.change(first ? { ...next, outbox: [...next.outbox, ...outbox(frame.me.id)] } : next);
      }
      case "counts": {
        const { counts } = frame;
        const { offer } = counts;
        const more = counts.waiting > state.counts.waiting || offer !== state.counts.offer;
        if (offer !== null && more) this.call(this.words.newWaiting, "", "waiting", () => this.open(offer));
        if (counts.unread > Math.max(state.counts.unread, store.unread(state)) && document.hidden) {
          this.call(this.words.newUnread, "", "mine", () => this.choose("mine"));
        }
        return this.change(store.counted(state, counts));
      }
      case "staff":
        return this.change(store.staffed(state, frame.operators, frame.on_duty, frame.capacity));
      case "list":
        this.callForNews(frame.cards);
        return this.change(store.listed(this.state, frame));
      case "card":
        return this.change(store.carded(state, frame.card));
      case "message":
        return this.received(frame);
      case "note":
        return this.change(store.inTalk(state, frame.conversation, (one) => talk.noted(one, frame.note)));
      case "contact":
        return this.change(store.inTalk(state, frame.conversation, (one) => ({ ...one, contact: frame.contact })));
      case "read":
        return this.change(store.inTalk(state, frame.conversation, (one) => talk.contactRead(one, frame.seq)));
      case "typing":
        return this.change(store.inTalk(state, frame.conversation, (one) => talk.typed(one, frame.author, Date.now())));
      case "presence":
        return this.change(store.inTalk(state, frame.conversation, (one) => ({ ...one, people: frame.people })));
    }
  }

  private received(frame: Extract<Frame, { type: "message" }>): void {
    const { type: _, conversation, ...message } = frame;
    const card = this.state.cards.get(conversation);
    const fresh = message.seq > talk.lastSeq(store.talkOf(this.state, conversation));
    const news = fresh && message.author === "contact" && card !== undefined && store.isMine(this.state, card) && message.seq > card.last_seq;
    this.change(store.received(this.state, conversation, message));
    if (store.talkOf(this.state, conversation).hole) void this.fetch(conversation);
    this.look();
    if (news && card && (document.hidden || !document.hasFocus())) this.callTo(card, message.text);
  }

  /** Messages in conversations of mine that came while I looked at something else. */
  private callForNews(cards: Card[]): void {
    for (const card of cards) {
      const known = this.state.cards.get(card.id);
      const news = known !== undefined && card.last?.author === "contact" && card.last.seq > known.last_seq;
      if (news && store.isMine(this.state, card) && (card.id !== this.state.open || document.hidden)) this.callTo(card, card.last?.text ?? "");
    }
  }

  private callTo(card: Card, text: string): void {
    this.call(this.words.newMessage(card.contact.name || card.contact.shown), text, `conversation-${card.id}`, () => this.open(card.id));
  }

  private call(title: string, body: string, tag: string, act: () => void): void {
    attention.beep();
    attention.notify(title, body, tag, act);
  }

  private watch(): void {
    const { list, inbox, line } = this.state;
    if (line === "online") void this.quiet({ type: "watch", list, inbox, size: store.PAGE });
  }

  /** What came to a conversation since we last looked; and its stream from then on. */
  private async fetch(id: number): Promise<void> {
    const after = talk.lastSeq(store.talkOf(this.state, id));
    const done = (await this.quiet({ type: "open", conversation: id, ...(after > 0 && { after }) }, true)) as (Done & Opened) | null;
    if (done === null || this.state.open !== id) return;
    const next = store.carded(this.state, done.card);
    this.change(store.settled(store.inTalk(next, id, (one) => talk.opened(one, done)), id));
    this.look();
  }

  /** Send what waits, of each conversation one after the other: the first may change the version that the next has to name. */
  private flush(): void {
    if (this.state.line !== "online") return;
    for (const pending of store.sendable(this.state, this.underway)) void this.send(pending);
  }

  private async send({ id, conversation, kind, text, edits, file, version }: store.Pending): Promise<void> {
    this.underway.add(id);
    const owner_version = this.state.cards.get(conversation)?.owner_version ?? version;
    const frame: Command =
      kind === "note" ? { type: "note", conversation, text } : { type: "send", conversation, owner_version, text, edits, file: file?.key ?? null };
    try {
      const done = await this.line.ask(frame, { id });
      const noted = done.note ? store.inTalk(this.state, conversation, (one) => talk.noted(one, done.note as NonNullable<Done["note"]>)) : this.state;
      this.change(store.sent(noted, id, done));
    } catch (error) {
      const { problem } = error as Refused;
      this.change(store.failed(this.state, id, problem.code));
      this.refused(conversation, problem);
    } finally {
      this.underway.delete(id);
      this.flush();
    }
  }

  /** Asked again after a lost line, what I wanted may have happened: only the answer was lost. */
  private async alterRefused(id: number, change: store.Change, more: { to?: number | null }, problem: Problem): Promise<void> {
    const crossed = problem.code === "stale_owner" || problem.code === "taken";
    if (crossed && this.state.open === id) await this.fetch(id);
    const card = this.state.cards.get(id);
    if (!crossed || !card || !store.stands(this.state, card, change, more)) this.refused(id, problem);
  }

  /** Somebody was faster: say who, and show how it stands now. */
  private refused(id: number, problem: Problem): void {
    if (problem.card) this.change(store.carded(this.state, problem.card));
    if (problem.code !== "stale_owner" && problem.code !== "taken") return this.tell(problem);
    const owner = typeof problem.owner === "string" ? problem.owner : (problem.owner?.name ?? "");
    const { words } = this;
    if (owner === "queue" || owner === "bot") this.say(words.changed[owner] ?? "", true);
    else this.say(problem.code === "taken" ? words.answersAlready(owner || words.operator) : words.changedHands(owner || words.operator), true);
    if (this.state.open === id) void this.fetch(id);
  }

  /** Ask for what is only to be shown; null where the answer was a refusal. */
  private async quiet(frame: Command, tell = false): Promise<Done | null> {
    try {
      return await this.line.ask(frame, { again: false });
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      if (tell && error.problem.code !== "lost") this.tell(error.problem);
      return null;
    }
  }
}
