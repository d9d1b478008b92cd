import { afterEach, beforeEach, expect, test, vi } from "vitest";

import * as storage from "./storage";

beforeEach(() => localStorage.clear());
afterEach(() => vi.unstubAllGlobals());

test("the token has 128 random bits and stays the same", () => {
  const token = storage.token("pk_1");

  expect(token).toMatch(/^[0-9a-f]{32}$/);
  expect(storage.token("pk_1")).toBe(token);
  expect(storage.token("pk_2")).not.toBe(token);
});

test("what is to be sent survives a reload, and is forgotten when it is stored", () => {
  storage.keep("pk_1", { client_id: "a", text: "hi", at: 1 });
  storage.keep("pk_1", { client_id: "b", text: "there", at: 2 });

  storage.forget("pk_1", "a");

  expect(storage.outbox("pk_1").map((one) => one.client_id)).toEqual(["b"]);
});

test("an outbox that somebody else spoiled is an empty one", () => {
  localStorage.setItem("besedka:pk_1:outbox", "{");

  expect(storage.outbox("pk_1")).toEqual([]);
});

test.each(["null", "{}", "[1, null, {}]"])("an outbox of %s holds nothing to send", (spoiled) => {
  localStorage.setItem("besedka:pk_1:outbox", spoiled);

  expect(storage.outbox("pk_1")).toEqual([]);
});

test("a token that the server would not take is made anew", () => {
  localStorage.setItem("besedka:pk_1", "кот");

  expect(storage.token("pk_1")).toMatch(/^[0-9a-f]{32}$/);
});

test.each([
  ["denied", { getItem: deny, setItem: deny }],
  ["full", { getItem: () => null, setItem: deny }],
])("with a local storage that is %s, memory serves", (what, storageOf) => {
  vi.stubGlobal("localStorage", storageOf);
  const inbox = `pk_${what}`;
  storage.keep(inbox, { client_id: "a", text: "hi", at: 1 });

  const token = storage.token(inbox);

  expect(storage.token(inbox)).toBe(token);
  expect(storage.outbox(inbox)).toHaveLength(1);
});

function deny(): never {
  throw new DOMException("no", "SecurityError");
}
