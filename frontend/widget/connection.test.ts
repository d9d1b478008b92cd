import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Connection, type Listener } from "./connection";
import type { Pending } from "./storage";

/** A server's end of the wire. Like a browser's, it says nothing of its end when it is left. */
class Wire {
  static readonly OPEN = 1;
  static all: Wire[] = [];
  readyState = 1;
  sent: { type: string; [key: string]: unknown }[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;

  constructor(readonly url: string) {
    Wire.all.push(this);
  }
  send(text: string): void {
    this.sent.push(JSON.parse(text));
  }
  close(): void {
    this.readyState = 2;
  }
  open(): void {
    this.onopen?.();
    this.say({ type: "ready", owner: "bot", status: "open", last_seq: after, read_seq: 0 });
  }
  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  hangUp(code: number): void {
    this.onclose?.({ code });
  }
  frames(type: string): object[] {
    return this.sent.filter((frame) => frame.type === type);
  }
}

const message = (id: string): Pending => ({ client_id: id, text: `text ${id}`, at: 0 });
const sent = (id: string): object => ({ type: "sent", client_id: id, seq: 1, created_at: "" });
const wire = (index = -1): Wire => Wire.all.at(index) as Wire;
const problem = (status: number, code: string): Response => new Response(JSON.stringify({ status, code, detail: "" }), { status });

let heard: string[];
let waiting: Pending[];
let after: number;
let seen: number;

function connect(): Connection {
  const done = (id: string | undefined): void => void (waiting = waiting.filter((one) => one.client_id !== id));
  const listener: Listener = {
    online: (online) => heard.push(online ? "online" : "offline"),
    message: (one) => heard.push(`message ${one.seq}`),
    owner: () => undefined,
    read: (seq) => heard.push(`read ${seq}`),
    typing: (author) => heard.push(`typing ${author}`),
    spoken: (turn, text) => heard.push(`spoken ${turn} ${text}`),
    silenced: (turn) => turn !== null && heard.push(`silenced ${turn}`),
    sent: (id) => {
      heard.push(`sent ${id}`);
      done(id);
    },
    refused: (refusal) => {
      heard.push(`refused ${refusal.code}`);
      if (refusal.status < 429) done(refusal.client_id);
    },
    ended: (why) => heard.push(`ended ${why}`),
    erased: () => heard.push("erased"),
    after: () => after,
    seen: () => seen,
    pending: () => waiting,
  };
  const connection = new Connection("http://chat.example", "pk_1", "token-12345", listener);
  connection.start();
  return connection;
}

/** Lose the line as often as it takes to fall back to HTTP. */
async function loseWebSockets(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    wire().hangUp(1006);
    await vi.advanceTimersByTimeAsync(i < 2 ? 15_000 : 0);
  }
}

beforeEach(() => {
  vi.useFakeTimers();
  vi.stubGlobal("WebSocket", Wire);
  vi.stubGlobal("fetch", () => new Promise(() => undefined));
  Wire.all = [];
  heard = [];
  waiting = [];
  after = 0;
  seen = 0;
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test("the token is said in the first frame, never in the address", () => {
  connect();
  wire().onopen?.();

  expect(wire().url).toBe("ws://chat.example/ws/visitor?inbox=pk_1");
  expect(wire().sent).toEqual([{ type: "hello", token: "token-12345", after: 0 }]);
});

test("what could not be sent goes out as soon as the server is ready", () => {
  waiting = [message("a")];
  connect();

  wire().open();

  expect(wire().sent.at(-1)).toEqual({ type: "send", client_id: "a", text: "text a" });
});

const file = { key: "k".repeat(32), name: "a.pdf", media_type: "application/pdf", size: 1, url: "/files/k" };

test("a message with a file names its key, and needs no text", () => {
  waiting = [{ ...message("a"), text: "", file }];
  connect();

  wire().open();

  expect(wire().sent.at(-1)).toEqual({ type: "send", client_id: "a", text: "", file: file.key });
});

test("a lost line comes back and resumes after the last message", () => {
  connect();
  wire().open();
  after = 7;

  wire().hangUp(1012);
  vi.advanceTimersByTime(1_000);
  wire(1).onopen?.();

  expect(wire(1).sent[0]).toMatchObject({ type: "hello", after: 7 });
});

test("what was seen while the line was away is told when it is back", () => {
  seen = 4;
  connect();

  wire().open();

  expect(wire().frames("read")).toEqual([{ type: "read", seq: 4 }]);
});

test("a log that ends before what we have was erased, and begins anew", () => {
  after = 57;
  connect();
  wire().open();
  expect(heard).not.toContain("erased");

  wire().hangUp(4409);
  vi.advanceTimersByTime(60_000);
  wire().say({ type: "ready", owner: null, status: "open", last_seq: 0, read_seq: 0 });

  expect(heard).toContain("erased");
});

test.each([
  [4401, "token_invalid"],
  [4403, "origin_not_allowed"],
  [4404, "inbox_unknown"],
])("a refusal with %d is final", (code, why) => {
  connect();

  wire().hangUp(code);
  vi.advanceTimersByTime(60_000);

  expect(Wire.all).toHaveLength(1);
  expect(heard).toEqual([`ended ${why}`]);
});

test("a refusal that is said before the line closes is told once", () => {
  connect();

  wire().say({ type: "error", code: "origin_not_allowed", status: 403, detail: "" });
  wire().hangUp(4403);
  vi.advanceTimersByTime(60_000);

  expect(heard.filter((word) => word.startsWith("ended"))).toEqual(["ended origin_not_allowed"]);
  expect(Wire.all).toHaveLength(1);
});

test("a dead line is given up within 45 seconds, although it never says goodbye", () => {
  connect();
  wire().open();

  vi.advanceTimersByTime(45_000);

  expect(heard).toContain("offline");
  expect(Wire.all.length).toBeGreaterThan(1);
});

test("a line that opens and stays silent is given up too", () => {
  connect();
  wire().onopen?.();

  vi.advanceTimersByTime(16_000);

  expect(Wire.all.length).toBeGreaterThan(1);
});

test("a line that answers every ping is kept", () => {
  connect();
  wire().open();

  for (let i = 0; i < 6; i++) {
    vi.advanceTimersByTime(20_000);
    wire().say({ type: "pong" });
  }

  expect(Wire.all).toHaveLength(1);
  expect(heard).not.toContain("offline");
});

test("a network that was away for a moment leaves no banner behind", () => {
  connect();
  wire().open();

  dispatchEvent(new Event("offline"));
  dispatchEvent(new Event("online"));
  const asked = wire().frames("ping");
  wire().say({ type: "pong" });

  expect(asked).toHaveLength(1);
  expect(heard.slice(-2)).toEqual(["offline", "online"]);
  expect(Wire.all).toHaveLength(1);
});

test("messages go out one after the other", () => {
  waiting = [message("a"), message("b")];
  connect();
  wire().open();
  const first = wire().frames("send");

  wire().say(sent("a"));

  expect(first).toEqual([{ type: "send", client_id: "a", text: "text a" }]);
  expect(wire().frames("send")).toHaveLength(2);
});

test("a message that is refused does not hold up the next", () => {
  waiting = [message("a"), message("b")];
  connect();
  wire().open();

  wire().say({ type: "error", code: "too_long", status: 400, detail: "", client_id: "a" });

  expect(wire().sent.at(-1)).toMatchObject({ type: "send", client_id: "b" });
});

test("a message that nothing is heard of is sent again", () => {
  waiting = [message("a")];
  connect();
  wire().open();

  vi.advanceTimersByTime(11_000);

  expect(wire().frames("send")).toHaveLength(2);
});

test.each([{ client_id: "a" }, {}])("too fast means: the same message again, when the server says so", (about) => {
  waiting = [message("a"), message("b")];
  const connection = connect();
  wire().open();

  wire().say({ type: "error", code: "rate_limited", status: 429, detail: "", retry_after: 3, ...about });
  connection.flush();
  vi.advanceTimersByTime(2_900);
  const before = wire().frames("send").length;
  vi.advanceTimersByTime(200);

  expect(before).toBe(1);
  expect(wire().frames("send")).toHaveLength(2);
  expect(wire().sent.at(-1)).toMatchObject({ client_id: "a" });
});

test("a server that asks for a pause and hangs up gets its pause", () => {
  connect();
  wire().say({ type: "error", code: "rate_limited", status: 429, detail: "", retry_after: 9 });

  wire().hangUp(4429);
  vi.advanceTimersByTime(8_900);
  const before = Wire.all.length;
  vi.advanceTimersByTime(200);

  expect([before, Wire.all.length]).toEqual([1, 2]);
});

test("without WebSockets the chat reads by long polling", async () => {
  const asked: string[] = [];
  const answer = { messages: [{ seq: 1, author: "bot", text: "hi", client_id: null, created_at: "" }] };
  vi.stubGlobal("fetch", async (url: string) => {
    asked.push(url);
    if (asked.length > 2) return new Promise(() => undefined);
    return new Response(JSON.stringify(url.includes("/messages") ? answer : { owner: "bot", read_seq: 1 }));
  });
  connect();

  await loseWebSockets();

  expect(asked[0]).toContain("/api/v1/conversation/messages?inbox=pk_1&after=0&wait=25");
  expect(heard).toContain("message 1");
  expect(heard).toContain("read 1");
});

test("however often the line is lost, one poll reads at a time", async () => {
  let reading = 0;
  vi.stubGlobal("fetch", () => {
    reading += 1;
    return new Promise(() => undefined);
  });
  const connection = connect();

  await loseWebSockets();
  connection.hurry();
  await loseWebSockets();

  expect(reading).toBe(1);
});

test("what waits is sent before the first long poll ends", async () => {
  waiting = [message("a")];
  vi.stubGlobal("fetch", (_: string, init: RequestInit) =>
    init.method === "POST" ? Promise.resolve(new Response("{}", { status: 201 })) : new Promise(() => undefined),
  );
  connect();

  await loseWebSockets();

  expect(heard).toContain("sent a");
});

test("by HTTP, too, a refused message is told and the next one goes", async () => {
  waiting = [message("a"), message("b")];
  const posted: string[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    if (init.method !== "POST") {
      const reads = url.includes("/messages");
      return reads && posted.length ? new Promise(() => undefined) : new Response(JSON.stringify({ messages: [] }));
    }
    const { client_id } = JSON.parse(String(init.body)) as Pending;
    posted.push(client_id);
    return client_id === "a" ? problem(400, "too_long") : new Response("{}", { status: 201 });
  });
  connect();

  await loseWebSockets();

  expect(posted).toEqual(["a", "b"]);
  expect(heard).toContain("refused too_long");
  expect(heard).toContain("sent b");
});

test("by HTTP, too, a message carries its file", async () => {
  const bodies: unknown[] = [];
  vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
    if (init.method !== "POST") return new Promise<Response>(() => undefined);
    bodies.push(JSON.parse(String(init.body)));
    return Promise.resolve(new Response("{}", { status: 201 }));
  });
  waiting = [{ ...message("a"), file }];
  connect();

  await loseWebSockets();
  await vi.advanceTimersByTimeAsync(0);

  expect(bodies).toEqual([{ client_id: "a", text: "text a", file: file.key }]);
});

test("by HTTP, too, a refusal of the page is final", async () => {
  let asked = 0;
  vi.stubGlobal("fetch", async () => {
    asked += 1;
    return problem(403, "origin_not_allowed");
  });
  connect();

  await loseWebSockets();
  await vi.advanceTimersByTimeAsync(120_000);

  expect(heard.at(-1)).toBe("ended origin_not_allowed");
  expect(asked).toBe(1);
});

test("polling ends when the socket is back", async () => {
  let asked = 0;
  vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
    asked += 1;
    return new Promise((_resolve, reject) => init.signal?.addEventListener("abort", () => reject(new Error("aborted"))));
  });
  connect();
  await loseWebSockets();
  await vi.advanceTimersByTimeAsync(15_000);

  wire().open();
  await vi.advanceTimersByTimeAsync(10_000);

  expect(asked).toBe(1);
  expect(heard.at(-1)).not.toBe("offline");
});
