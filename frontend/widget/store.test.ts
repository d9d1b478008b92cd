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

describe("the log on screen", () => {
  test("a message that comes twice is shown once", () => {
    const once = store.received(store.initial, message(1));

    expect(store.received(once, message(1)).messages).toHaveLength(1);
  });

  test("what was sent is shown as pending until it comes back in the log", () => {
    const waiting = store.queued(store.initial, { client_id: "a", text: "hi", at: 0 });

    const stored = store.received(waiting, message(1, { author: "contact", client_id: "a" }));

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
});

describe("unread", () => {
  test("counts what others said after the last look", () => {
    let state = store.received(store.initial, message(1, { author: "contact" }));
    state = store.received(state, message(2));
    state = store.received(state, message(3, { author: "operator" }));

    expect(store.unread(state)).toBe(2);
    expect(store.unread(store.seen(state, 2))).toBe(1);
  });

  test("never grows by an old cursor", () => {
    expect(store.seen(store.seen(store.initial, 5), 3).readSeq).toBe(5);
  });
});

describe("dots", () => {
  const asked = store.ownerChanged(store.received(store.initial, message(1, { author: "contact" })), "bot");
  const then = Date.parse("2026-01-01T10:00:00Z");

  test("show while the bot owes an answer, for a minute at most", () => {
    expect(store.writer(asked, then + 1_000)).toBe("bot");
    expect(store.writer(asked, then + 61_000)).toBeNull();
  });

  test("end when the answer is there", () => {
    expect(store.writer(store.received(asked, message(2)), then + 1_000)).toBeNull();
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
