import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Connection, type Listener } from "./connection";
import type { Pending } from "./storage";

/** A server's end of the wire. */
class Wire {
  static readonly OPEN = 1;
  static all: Wire[] = [];
  readyState = 1;
  sent: { type: string; [key: string]: unknown }[] = [];
  onopen: () => void = () => undefined;
  onmessage: (event: { data: string }) => void = () => undefined;
  onclose: (event: { code: number }) => void = () => undefined;

  constructor(readonly url: string) {
    Wire.all.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  say(frame: object): void {
    this.onmessage({ data: JSON.stringify(frame) });
  }
  close(code = 1006): void {
    this.onclose({ code });
  }
}

const ready = { type: "ready", owner: "bot", status: "open", last_seq: 0, read_seq: 0 };
let heard: string[];
let waiting: Pending[];
let after: number;

function connect(): Connection {
  const listener: Listener = {
    online: (online) => heard.push(online ? "online" : "offline"),
    message: (message) => heard.push(`message ${message.seq}`),
    owner: () => undefined,
    read: () => undefined,
    typing: (author) => heard.push(`typing ${author}`),
    sent: (id) => heard.push(`sent ${id}`),
    refused: (problem) => heard.push(`refused ${problem.code}`),
    ended: () => heard.push("ended"),
    after: () => after,
    pending: () => waiting,
  };
  const connection = new Connection("http://chat.example", "pk_1", "token-12345", listener);
  connection.start();
  return connection;
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Wire);
  Wire.all = [];
  heard = [];
  waiting = [];
  after = 0;
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("the token is said in the first frame, never in the address", () => {
  connect();
  Wire.all[0]?.onopen();

  expect(Wire.all[0]?.url).toBe("ws://chat.example/ws/visitor?inbox=pk_1");
  expect(Wire.all[0]?.sent).toEqual([{ type: "hello", token: "token-12345", after: 0 }]);
});

test("what could not be sent goes out as soon as the server is ready", () => {
  waiting = [{ client_id: "a", text: "hi", at: 0 }];
  connect();

  Wire.all[0]?.onopen();
  Wire.all[0]?.say(ready);

  expect(Wire.all[0]?.sent.at(-1)).toEqual({ type: "send", client_id: "a", text: "hi" });
});

test("a lost line comes back and resumes after the last message", () => {
  connect();
  Wire.all[0]?.onopen();
  Wire.all[0]?.say(ready);
  after = 7;

  Wire.all[0]?.close(1012);
  vi.advanceTimersByTime(1_000);
  Wire.all[1]?.onopen();

  expect(Wire.all[1]?.sent[0]).toMatchObject({ type: "hello", after: 7 });
});

test.each([4401, 4403, 4404])("a refusal with %d is final", (code) => {
  connect();

  Wire.all[0]?.close(code);
  vi.advanceTimersByTime(60_000);

  expect(Wire.all).toHaveLength(1);
  expect(heard).toContain("ended");
});

test("a line without an answer to a ping is given up", () => {
  connect();
  Wire.all[0]?.onopen();
  Wire.all[0]?.say(ready);

  vi.advanceTimersByTime(45_000);

  expect(heard).toContain("offline");
  expect(Wire.all.length).toBeGreaterThan(1);
});

test("too fast means: the same message again, when the server says so", () => {
  waiting = [{ client_id: "a", text: "hi", at: 0 }];
  const connection = connect();
  Wire.all[0]?.say(ready);
  connection.send(waiting[0] as Pending);
  const before = Wire.all[0]?.sent.length ?? 0;

  Wire.all[0]?.say({ type: "error", code: "rate_limited", status: 429, detail: "", client_id: "a", retry_after: 3 });
  vi.advanceTimersByTime(2_900);
  expect(Wire.all[0]?.sent).toHaveLength(before);
  vi.advanceTimersByTime(200);

  expect(Wire.all[0]?.sent.at(-1)).toEqual({ type: "send", client_id: "a", text: "hi" });
});

test("without WebSockets the chat reads by long polling", async () => {
  const asked: string[] = [];
  const answer = { messages: [{ seq: 1, author: "bot", text: "hi", client_id: null, created_at: "" }] };
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    if (asked.length > 3) return new Promise(() => undefined);
    return new Response(JSON.stringify(url.includes("/messages") ? answer : { owner: "bot", read_seq: 0 }));
  });
  connect();

  for (let i = 0; i < 3; i++) {
    Wire.all.at(-1)?.close(1006);
    await vi.advanceTimersByTimeAsync(15_000);
  }

  expect(asked[0]).toContain("/api/v1/conversation/messages?inbox=pk_1&after=0&wait=25");
  expect(heard).toContain("message 1");
});
