import { expect, test } from "vitest";

import { answer, message, messages, note } from "./made";
import { earlierCame, hasEarlier, lastSeq, opened, readUpTo, received, rows, type Talk, typed, unknown, writer } from "./talk";

const talk = (...these: ReturnType<typeof message>[]): Talk => ({ ...unknown, loaded: true, messages: these });
const seqs = (its: Talk): number[] => its.messages.map((one) => one.seq);
const kinds = (its: Talk): string[] => rows(its).map((row) => (row.kind === "message" ? row.text : row.kind));

test("a message that comes twice stands once", () => {
  const once = received(talk(...messages(1, 3)), message(4));

  expect(received(once, message(4))).toBe(once);
  expect(seqs(once)).toEqual([1, 2, 3, 4]);
});

test("a message behind a hole is not shown but fetched with what is before it", () => {
  const holed = received(talk(...messages(1, 3)), message(6));

  expect([seqs(holed), holed.hole]).toEqual([[1, 2, 3], true]);
  const whole = opened(holed, answer({ messages: messages(4, 6) }));
  expect([seqs(whole), whole.hole]).toEqual([[1, 2, 3, 4, 5, 6], false]);
});

test("after a lost line what came meanwhile joins, whether the stream or the answer was faster", () => {
  const before = received(talk(...messages(1, 3)), message(4));

  expect(seqs(opened(before, answer({ messages: messages(4, 5) })))).toEqual([1, 2, 3, 4, 5]);
  expect(seqs(opened(before, answer({ messages: [] })))).toEqual([1, 2, 3, 4]);
});

test("an answer that does not join what was kept takes its place", () => {
  expect(seqs(opened(talk(...messages(1, 3)), answer({ messages: messages(50, 60) })))).toEqual(seqs(talk(...messages(50, 60))));
});

test("earlier messages stand before the others, and only where they join", () => {
  expect(seqs(earlierCame(talk(...messages(5, 6)), messages(2, 5)))).toEqual([2, 3, 4, 5, 6]);
  expect(seqs(earlierCame(talk(...messages(9, 9)), messages(2, 5)))).toEqual([9]);
});

test("of a conversation that is erased nothing is kept but the word that it is", () => {
  const its = received(talk(...messages(1, 9)), message(10, { author: "system", payload: { event: "erased", by: "Anna" } }));

  expect([seqs(its), its.notes, its.contact, hasEarlier(its)]).toEqual([[10], [], null, false]);
});

test("an edit is shown in the place of what it replaces, and an edit of it too", () => {
  const by = { author: "operator", operator: { id: 3, name: "Anna" } } as const;
  const its = talk(message(1, { ...by, text: "helo" }), message(2), message(3, { ...by, text: "hallo", edits: 1 }), message(4, { ...by, text: "hello", edits: 3 }));

  expect(kinds(its)).toEqual(["day", "hello", "text 2"]);
  expect(rows(its)[1]).toMatchObject({ edited: true });
});

test("nobody can edit what somebody else has said", () => {
  const its = talk(message(1, { author: "operator", text: "100 roubles" }), message(2, { author: "contact", text: "1 rouble", edits: 1 }));

  expect(kinds(its)).toContain("100 roubles");
  expect(kinds(its)).not.toContain("1 rouble");
});

test("an edit of what is not here is shown by itself", () => {
  expect(kinds(talk(message(7, { edits: 3, text: "mended" })))).toEqual(["day", "mended"]);
});

test("notes stand where they were made, days and episodes before what belongs to them", () => {
  const its: Talk = {
    ...talk(...messages(1, 2), message(3, { created_at: "2026-02-02T10:00:00.000000Z" })),
    notes: [note(2, 3), note(1, 1)],
    episodes: [
      { number: 2, after_seq: 2, upto_seq: null, closed_at: null, closed_by: null },
      { number: 1, after_seq: 0, upto_seq: 2, closed_at: "", closed_by: "Anna" },
    ],
  };

  expect(kinds(its)).toEqual(["day", "text 1", "note", "text 2", "episode", "day", "text 3", "day", "note"]);
});

test("notes of a time whose messages are not here yet wait for them", () => {
  expect(kinds({ ...talk(...messages(50, 51)), notes: [note(1, 3), note(2, 50)] })).toEqual(["day", "text 50", "note", "text 51"]);
});

test("messages of one author within minutes are one group, of two operators never", () => {
  const by = (id: number) => ({ author: "operator", operator: { id, name: `${id}` } }) as const;
  const its = rows(talk(message(1, by(3)), message(2, by(3)), message(3, by(4))));

  expect(its.flatMap((row) => (row.kind === "message" ? [[row.first, row.last]] : []))).toEqual([[true, false], [false, true], [true, true]]);
});

test("whoever has answered has read what stood before", () => {
  const its = talk(message(1, { author: "operator" }), message(2), message(3, { author: "operator" }));

  expect(readUpTo(its)).toBe(2);
  expect(readUpTo({ ...its, readSeq: 3 })).toBe(3);
});

test("writing fades by itself, and ends with the message", () => {
  const writing = typed(talk(message(1)), "contact", 1_000);

  expect([writer(writing, 6_900), writer(writing, 7_100)]).toEqual(["contact", null]);
  expect(writer(received(writing, message(2)), 1_100)).toBeNull();
  expect(lastSeq(writing)).toBe(1);
});
