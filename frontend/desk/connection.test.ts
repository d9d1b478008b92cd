import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Connection, Refused } from "./connection";
import { ready } from "./made";
import type { Frame } from "./protocol";

/** A server's end of the wire. */
class Wire {
  static readonly OPEN = 1;
  static all: Wire[] = [];
  readyState = 1;
  sent: { type: string; id?: string }[] = [];
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
  say(frame: object): void {
    this.onmessage?.({ data: JSON.stringify(frame) });
  }
  greet(): void {
    this.say({ type: "ready", ...ready() });
  }
  hangUp(code: number): void {
    this.onclose?.({ code });
  }
}

const wire = (at = -1): Wire => Wire.all.at(at) as Wire;
const types = (one = wire()): string[] => one.sent.map((frame) => frame.type);
const pass = (ms: number): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);
let heard: string[];
let tickets: Response[];

beforeEach(() => {
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(1);
  vi.stubGlobal("WebSocket", Wire);
  vi.stubGlobal("fetch", async () => tickets.shift() ?? new Response(JSON.stringify({ uuid: "t" })));
  Wire.all = [];
  heard = [];
  tickets = [];
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

async function connect(): Promise<Connection> {
  const connection = new Connection({
    line: (line) => heard.push(line),
    hear: (frame: Frame) => heard.push(frame.type),
    ended: (why) => heard.push(`ended ${why}`),
  });
  await connection.start();
  return connection;
}

test("a ticket opens one line, and commands wait for the greeting", async () => {
  const connection = await connect();
  void connection.ask({ type: "claim" });

  expect(wire().url).toMatch(/\/ws\/desk\?uuid=t$/);
  expect(types()).toEqual([]);
  wire().greet();
  expect(types()).toEqual(["claim"]);
  expect(heard).toEqual(["ready", "online"]);
});

test("an answer resolves its command, a refusal rejects it", async () => {
  const connection = await connect();
  wire().greet();
  const [done, refused] = [connection.ask({ type: "send" }, { id: "a" }), connection.ask({ type: "claim" }, { id: "b" })];
  const failure = refused.catch((error: Refused) => error.problem.code);

  wire().say({ type: "error", id: "b", code: "taken", status: 409 });
  wire().say({ type: "done", id: "a", seq: 7 });

  expect((await done).seq).toBe(7);
  expect(await failure).toBe("taken");
});

test("what was not answered is asked again with the same id on the next line, in its order", async () => {
  const connection = await connect();
  wire().greet();
  void connection.ask({ type: "send" }, { id: "a" });
  void connection.ask({ type: "note" }, { id: "b" });

  wire().hangUp(1006);
  await pass(500);
  wire().greet();

  expect(wire().sent.map((frame) => frame.id)).toEqual(["a", "b"]);
  expect(heard).toEqual(["ready", "online", "lost", "ready", "online"]);
});

test("what is only to be shown is not asked again: whoever wants it asks from what is known then", async () => {
  const connection = await connect();
  wire().greet();
  const lost = connection.ask({ type: "open" }, { again: false }).catch((error: Refused) => error.problem.code);

  wire().hangUp(1006);

  expect(await lost).toBe("lost");
  expect(await connection.ask({ type: "open" }, { again: false }).catch((error: Refused) => error.problem.code)).toBe("lost");
});

test("what is asked because the line is there is posted once", async () => {
  const connection: Connection = new Connection({
    line: (line) => line === "online" && void connection.ask({ type: "watch" }),
    hear: () => undefined,
    ended: () => undefined,
  });
  await connection.start();
  wire().greet();

  expect(types()).toEqual(["watch"]);
});

test("pauses grow from half a second to fifteen, and shrink after a good line", async () => {
  await connect();
  const pauses: number[] = [];
  for (let loss = 0; loss < 7; loss++) {
    const before = Wire.all.length;
    wire().hangUp(1006);
    let waited = 0;
    while (Wire.all.length === before) {
      await pass(500);
      waited += 500;
    }
    pauses.push(waited);
  }

  expect(pauses).toEqual([500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000]);
  wire().greet();
  await pass(6_000);
  wire().hangUp(1006);
  await pass(500);
  expect(Wire.all).toHaveLength(9);
});

test("a line on which nothing is heard for forty seconds is dead", async () => {
  await connect();
  wire().greet();
  await pass(20_000);
  expect(types()).toEqual(["ping"]);
  wire().say({ type: "pong" });
  await pass(20_000);
  expect(heard).not.toContain("lost");

  await pass(40_000);

  expect(heard).toContain("lost");
});

test("a command that a living server does not answer is asked on another line", async () => {
  const connection = await connect();
  wire().greet();
  void connection.ask({ type: "send" }, { id: "a" });
  for (let beat = 0; beat < 4; beat++) {
    await pass(10_000);
    wire().say({ type: "pong" });
  }
  await pass(1_000);
  wire().greet();

  expect(Wire.all.length).toBeGreaterThan(1);
  expect(wire().sent.map((frame) => frame.id)).toEqual(["a"]);
});

test("too fast is a matter of waiting", async () => {
  const connection = await connect();
  wire().greet();
  void connection.ask({ type: "send" }, { id: "a" });

  wire().say({ type: "error", id: "a", code: "rate_limited", status: 429, retry_after: 2 });
  await pass(2_000);

  expect(wire().sent.map((frame) => frame.id)).toEqual(["a", "a"]);
});

test("one ticket that came too late is forgiven, two are the end", async () => {
  await connect();
  wire().hangUp(4401);
  await pass(1_000);
  expect(Wire.all).toHaveLength(2);

  wire().hangUp(4401);
  await pass(60_000);

  expect(heard.at(-1)).toBe("ended not_at_desk");
  expect(Wire.all).toHaveLength(2);
});

test("whoever is signed out is told so and not connected again", async () => {
  tickets = [new Response("{}", { status: 401 })];
  await connect();
  await pass(60_000);

  expect([heard, Wire.all.length]).toEqual([["ended signed_out"], 0]);
});

test("without a network the ticket is asked for again", async () => {
  tickets = [new Response("", { status: 502 })];
  await connect();
  expect(heard).toEqual(["lost"]);

  await pass(500);

  expect(Wire.all).toHaveLength(1);
});

test("what the line does not answer for may be lost", async () => {
  const connection = await connect();
  connection.tell({ type: "typing" });
  wire().greet();
  connection.tell({ type: "typing" });

  expect(types()).toEqual(["typing"]);
});
