import { expect, test } from "vitest";

import { card, message, pending, ready, state } from "./made";
import type { Card, Listed } from "./protocol";
import * as store from "./store";
import { unknown } from "./talk";

const frame = (cards: Card[], fields: Partial<Listed> = {}): Listed => ({ list: "waiting", inbox: null, order: cards.map((one) => one.id), cards, more: false, ...fields });
const range = (from: number, upto: number): Card[] => Array.from({ length: upto - from + 1 }, (_, at) => card(from + at, { waiting_since: `2026-01-01T00:00:${String(from + at).padStart(2, "0")}Z` }));
const talking = (id: number, fields = {}): store.State => store.talkOpened(store.carded(state(fields), card(id)), id);

test("a list is shown in the order that the server says", () => {
  const listed = store.listed(state(), frame([card(7), card(4)]));

  expect(store.shown(listed)).toEqual([7, 4]);
});

test("a list frame brings only cards that changed; the others are known", () => {
  const before = store.listed(state(), frame([card(7), card(4)]));
  const after = store.listed(before, frame([card(9)], { order: [9, 7, 4] }));

  expect(store.shown(after)).toEqual([9, 7, 4]);
  expect(after.cards.get(4)).toBe(before.cards.get(4));
});

test("pages stand behind the beginning, each conversation once", () => {
  const before = store.listed(state(), frame(range(1, 3), { more: true }));
  const after = store.paged(before, "waiting", null, range(3, 5), true);

  expect(store.shown(after)).toEqual([1, 2, 3, 4, 5]);
  expect(store.current(after).more).toBe(true);
  expect(store.current(store.paged(after, "waiting", null, range(6, 6), false)).more).toBe(false);
});

test("what the beginning pushes out is not lost to whoever has scrolled, and what it takes in stands there only", () => {
  const scrolled = store.paged(store.listed(state(), frame(range(1, 3), { more: true })), "waiting", null, range(4, 6), true);
  const first = card(9, { waiting_since: "2026-01-01T00:00:00Z" });
  const after = store.listed(scrolled, frame([first], { order: [9, 1, 2], more: true }));

  expect(store.shown(after)).toEqual([9, 1, 2, 3, 4, 5, 6]);
});

test("what does not belong into a list any more does not stay in its tail", () => {
  const scrolled = store.paged(store.listed(state(), frame(range(1, 2), { more: true })), "waiting", null, range(3, 4), true);
  const after = store.listed(scrolled, frame([card(3, { owner: "operator", operator: { id: 4, name: "Boris" }, owner_version: 2 })], { order: [1, 2], more: true }));

  expect(store.shown(after)).toEqual([1, 2, 4]);
});

test("an older card never takes the place of a later one", () => {
  const now = store.carded(state(), card(1, { owner_version: 3, owner: "operator", operator: { id: 4, name: "Boris" } }));

  expect(store.carded(now, card(1, { owner_version: 2 }))).toBe(now);
});

test("one comes back to a list as one left it, while it is fetched anew", () => {
  const waiting = store.listed(state(), frame(range(1, 3)));
  const mine = store.listChosen(waiting, "mine", null);

  expect(store.shown(mine)).toEqual([]);
  expect(store.shown(store.listChosen(mine, "waiting", null))).toEqual([1, 2, 3]);
});

test("a chosen card that left the list stays chosen, and the next step goes to what took its place", () => {
  const chosen = store.stepped(store.stepped(store.listed(state(), frame(range(1, 4))), 1), 1);
  const left = store.listed(chosen, frame([], { order: [1, 3, 4] }));

  expect([chosen.chosen, left.chosen]).toEqual([2, 2]);
  expect(store.stepped(left, 1).chosen).toBe(3);
  expect(store.stepped(left, -1).chosen).toBe(1);
});

test("steps end at the ends of the list", () => {
  const listed = store.listed(state(), frame(range(1, 2)));

  expect(store.stepped(store.stepped(store.stepped(listed, 1), 1), 1).chosen).toBe(2);
  expect(store.stepped(store.stepped(listed, -1), -5).chosen).toBe(1);
  expect(store.stepped(state(), 1).chosen).toBeNull();
});

test("what I send is pending until it is in the log, whichever word comes first", () => {
  const written = store.queued(talking(1), pending("a"));
  const own = message(1, { author: "operator", client_id: "a" });

  expect(store.received(written, 1, own).outbox).toEqual([]);
  const told = store.sent(written, "a", { id: "a", seq: 1 });
  expect(told.outbox).toMatchObject([{ seq: 1 }]);
  expect(store.received(told, 1, message(1, { author: "operator" })).outbox).toEqual([]);
});

test("a refused message is kept and can be tried again or dropped", () => {
  const refused = store.failed(store.queued(state(), pending("a")), "a", "stale_owner");

  expect(store.sendable(refused, new Set())).toEqual([]);
  expect(store.sendable(store.retried(refused, "a"), new Set())).toMatchObject([{ id: "a", failed: null }]);
  expect(store.dropped(refused, "a").outbox).toEqual([]);
});

test("messages of a conversation are sent one after the other, of several beside each other", () => {
  const written = [pending("a"), pending("b"), pending("c", { conversation: 2 })].reduce(store.queued, state());
  const ids = (underway: string[]): string[] => store.sendable(written, new Set(underway)).map((one) => one.id);

  expect(ids([])).toEqual(["a", "c"]);
  expect(ids(["a"])).toEqual(["c"]);
});

test("a note is pending until it is noted", () => {
  const written = store.queued(talking(1), pending("a", { kind: "note" }));

  expect(store.sent(written, "a", { id: "a", note: { id: 1, after_seq: 0, operator: null, text: "", created_at: "" } }).outbox).toEqual([]);
});

test("a message shows on the card at once, and counts as unread until it is looked at", () => {
  const after = store.received(talking(1), 1, message(1, { text: "x".repeat(200) }));

  expect(after.cards.get(1)).toMatchObject({ last_seq: 1, unread: 1, last: { text: "x".repeat(140) } });
  expect(store.lookedAt(after, 1).cards.get(1)?.unread).toBe(0);
});

test("what the house says is not what a card shows", () => {
  const after = store.received(store.received(talking(1), 1, message(1)), 1, message(2, { author: "system" }));

  expect(after.cards.get(1)).toMatchObject({ last_seq: 2, last: { seq: 1, text: "text 1" } });
});

test("only conversations of mine count in the title", () => {
  const mine = { owner: "operator", operator: { id: 3, name: "Anna" }, unread: 2 } as const;

  expect(store.unread(store.carded(state(), card(1, mine), card(2, { unread: 5 }), card(3, { ...mine, operator: { id: 4, name: "Boris" } })))).toBe(2);
});

test("whoever is not the operator of a held conversation may not answer in it", () => {
  const held = (id: number): Card => card(1, { owner: "operator", operator: { id, name: "" } });

  expect([card(1), held(3), held(4)].map((one) => store.mayAnswer(state(), one))).toEqual([true, true, false]);
});

test("what a colleague has only a supervisor changes", () => {
  const theirs = card(1, { owner: "operator", operator: { id: 4, name: "Boris" } });

  expect(store.mayChange(state(), theirs)).toBe(false);
  expect(store.mayChange(state({ me: { id: 3, name: "Anna", is_supervisor: true } }), theirs)).toBe(true);
});

test("only some conversations are kept, the one opened longest ago goes first", () => {
  const many = Array.from({ length: 31 }, (_, at) => at + 1).reduce((one, id) => store.talkOpened(one, id), state());

  expect([many.talks.has(1), many.talks.has(2), many.talks.size]).toEqual([false, true, 30]);
  expect(store.talkOf(many, 1)).toBe(unknown);
});

test("results of words that are not sought any more are not shown", () => {
  const typing = store.searching(store.searching(state(), "off"), "offer");

  expect(store.foundMore(typing, "off", [], null)).toBe(typing);
  expect(store.foundMore(typing, "offer", [], null).search).toMatchObject({ busy: false });
});

test("a greeting after a lost line changes who is there, not what is looked at", () => {
  const before = store.stepped(store.listed(talking(1, { line: "lost" }), frame(range(1, 2))), 1);
  const after = store.greeted(before, ready({ on_duty: true }));

  expect(after).toMatchObject({ line: "online", onDuty: true, open: 1, chosen: before.chosen });
});

test("the same words are not said twice at once, and no more than three", () => {
  const said = ["a", "a", "b", "c", "d"].reduce((one, text) => store.toasted(one, text), state());

  expect(said.toasts.map((toast) => toast.text)).toEqual(["b", "c", "d"]);
});
