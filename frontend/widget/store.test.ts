import { describe, expect, test } from "vitest";

import type { Message } from "./protocol";
import * as store from "./store";

const message = (seq: number, fields: Partial<Message> = {}): Message => ({
  seq,
  author: "bot",
  text: `text ${seq}`,
  client_id: null,
  created_at: "2026-01-01T10:00:00.000000Z",
  ...fields,
});

const then = Date.parse("2026-01-01T10:00:00Z");
const received = (state: store.State, next: Message): store.State => store.received(state, next, then);

describe("the log on screen", () => {
  test("a message that comes twice is shown once", () => {
    const once = received(store.initial, message(1));

    expect(received(once, message(1)).messages).toHaveLength(1);
  });

  test("what was sent is shown as pending until it comes back in the log", () => {
    const waiting = store.queued(store.initial, { client_id: "a", text: "hi", at: 0 });

    const stored = received(waiting, message(1, { author: "contact", client_id: "a" }));

    expect(waiting.pending).toHaveLength(1);
    expect(stored.pending).toHaveLength(0);
    expect(stored.messages).toHaveLength(1);
  });

  test("sending again what failed keeps one pending message", () => {
    const failed = store.refused(store.queued(store.initial, { client_id: "a", text: "hi", at: 0 }), {
      code: "too_long",
      status: 400,
      detail: "",
      client_id: "a",
    });

    const again = store.queued(failed, { client_id: "a", text: "hi", at: 1 });

    expect(failed.pending[0]?.failed).toBe(true);
    expect(again.pending).toEqual([{ client_id: "a", text: "hi", at: 1 }]);
  });

  test("too many messages at once fail nothing: they are only sent later", () => {
    const waiting = store.queued(store.initial, { client_id: "a", text: "hi", at: 0 });

    const slow = store.refused(waiting, { code: "rate_limited", status: 429, detail: "", client_id: "a" });

    expect(slow.pending[0]?.failed).toBeUndefined();
    expect(slow.notice).toBe("slow");
  });

  test("a server in trouble refuses nothing", () => {
    const waiting = store.queued(store.initial, { client_id: "a", text: "hi", at: 0 });

    const asked = store.refused(waiting, { code: "unavailable", status: 503, detail: "", client_id: "a" });

    expect(store.unsent(asked)).toHaveLength(1);
  });

  test("what the server has is shown, but not sent again", () => {
    const waiting = store.queued(store.initial, { client_id: "a", text: "hi", at: 0 });

    const stored = store.stored(waiting, "a");

    expect(stored.pending).toHaveLength(1);
    expect(store.unsent(stored)).toEqual([]);
  });
});

describe("unread", () => {
  test("counts what others said after the last look", () => {
    let state = received(store.initial, message(1, { author: "contact" }));
    state = received(state, message(2));
    state = received(state, message(3, { author: "operator" }));

    expect(store.unread(state)).toBe(2);
    expect(store.unread(store.seen(state, 2))).toBe(1);
  });

  test("never grows by an old cursor", () => {
    expect(store.seen(store.seen(store.initial, 5), 3).readSeq).toBe(5);
  });
});

describe("dots", () => {
  const asked = store.ownerChanged(received(store.initial, message(1, { author: "contact" })), "bot");

  test("show while the bot owes an answer, for a minute at most", () => {
    expect(store.writer(asked, then + 1_000)).toBe("bot");
    expect(store.writer(asked, then + 61_000)).toBeNull();
  });

  test.each([
    ["an hour slow", -3_600_000],
    ["right", 0],
  ])("last a minute at most, with a clock that is %s", (_, error) => {
    const message1 = message(1, { author: "contact" });
    const state = store.ownerChanged(store.received(store.initial, message1, then + error), "bot");

    expect(store.writer(state, then + error + 59_000)).toBe("bot");
    expect(store.writer(state, then + error + 61_000)).toBeNull();
  });

  test("do not show for a question of yesterday that is only read again", () => {
    const state = store.ownerChanged(store.received(store.initial, message(1, { author: "contact" }), then + 86_400_000), "bot");

    expect(store.writer(state, then + 86_401_000)).toBeNull();
  });

  test("end when the answer is there", () => {
    expect(store.writer(received(asked, message(2)), then + 1_000)).toBeNull();
  });

  test("do not show while a person is waited for", () => {
    expect(store.writer(store.ownerChanged(asked, "queue"), then + 1_000)).toBeNull();
  });

  test("of a person end by themselves", () => {
    const typing = store.typed(store.initial, "operator", then);

    expect(store.writer(typing, then + 5_000)).toBe("operator");
    expect(store.writer(typing, then + 7_000)).toBeNull();
  });
});

test("length counts what people see, as the server does", () => {
  expect(store.length("🐈🐈")).toBe(2);
});

describe("what the bot is saying", () => {
  const asked = received({ ...store.initial, owner: "bot" }, message(1, { author: "contact" }));
  const half = store.spoken(store.spoken(asked, "t1", "Two"), "t1", " days");

  test("it grows, in the place of the dots, and is nothing that waits to be read", () => {
    expect(half.draft?.text).toBe("Two days");
    expect(store.writer(asked, then)).toBe("bot");
    expect(store.writer(half, then)).toBeNull();
    expect(store.unread(half)).toBe(0);
  });

  test("a new turn begins anew", () => {
    expect(store.spoken(half, "t2", "Three").draft).toEqual({ turn: "t2", text: "Three" });
  });

  test("it ends with the message in the log, with the word to take it back, and with the line", () => {
    expect(received(half, message(2)).draft).toBeNull();
    expect(store.silenced(half, "t1").draft).toBeNull();
    expect(store.silenced(half, null).draft).toBeNull();
    expect(store.silenced(half, "t0").draft).not.toBeNull();
  });
});

describe("choices", () => {
  const offered = received(store.initial, message(1, { choices: ["a", "b"] }));

  test("the newest message's are offered", () => {
    expect(store.choices(offered)).toEqual(["a", "b"]);
  });

  test("they are gone when one was taken, or anything newer stands there", () => {
    expect(store.choices(store.queued(offered, { client_id: "x", text: "a", at: 0 }))).toEqual([]);
    expect(store.choices(received(offered, message(2)))).toEqual([]);
  });
});

describe("edits", () => {
  const edited = (...messages: Message[]): string[] => store.shown(messages).map((one) => `${one.text}${one.edited ? " (edited)" : ""}`);

  test("an edit stands in the place of what it replaces", () => {
    expect(edited(message(1, { text: "one" }), message(2, { text: "two" }), message(3, { text: "won", edits: 1 }))).toEqual(["won (edited)", "two"]);
  });

  test("of two edits the later one counts", () => {
    expect(edited(message(1), message(2, { text: "b", edits: 1 }), message(3, { text: "c", edits: 1 }))).toEqual(["c (edited)"]);
  });

  test("nobody edits what another one wrote, nor what is not there", () => {
    expect(edited(message(1), message(2, { author: "operator", edits: 1 }), message(3, { edits: 9 }))).toEqual(["text 1", "text 2", "text 3"]);
  });

  test("an edit is nothing unread, and the log goes on after it", () => {
    const state = [message(1), message(2, { edits: 1 })].reduce(received, { ...store.initial, readSeq: 1 });

    expect(store.unread(state)).toBe(0);
    expect(store.lastSeq(state)).toBe(2);
  });

  test("the file of an edited message stays", () => {
    const file = { key: "k", name: "a.pdf", media_type: "application/pdf", size: 1, url: "/files/k" };

    expect(store.shown([message(1, { file }), message(2, { edits: 1 })])[0]?.file).toBe(file);
  });
});

describe("files at the composer", () => {
  const file = { key: "k", name: "a.pdf", media_type: "application/pdf", size: 1, url: "/files/k" };
  const two = ["a", "b"].reduce((state, id) => store.attached(state, { id, name: `${id}.pdf`, share: 0 }), store.initial);

  test("each has its own news", () => {
    const state = store.heardOf(store.heardOf(two, "a", { share: 1, file }), "b", { share: 0, fault: "file_empty" });

    expect(state.uploads).toEqual([
      { id: "a", name: "a.pdf", share: 1, file },
      { id: "b", name: "b.pdf", share: 0, fault: "file_empty" },
    ]);
  });

  test("one that was taken away is gone, whatever is heard of it later", () => {
    const state = store.heardOf(store.detached(two, ["a"]), "a", { share: 1, file });

    expect(state.uploads.map((one) => one.id)).toEqual(["b"]);
  });
});

test("who waits has a place, and who is answered has none", () => {
  const waiting = store.ownerChanged(store.initial, "queue", 3);

  expect(waiting.place).toBe(3);
  expect(store.ownerChanged(waiting, "operator", 3).place).toBeNull();
});
