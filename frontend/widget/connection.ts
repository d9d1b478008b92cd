/** The line to the server: a WebSocket that comes back by itself, or long polling where there is none. */

import type { Frame, Message, Owner, Problem, Refusal } from "./protocol";
import type { Pending } from "./storage";

const PING_MS = 20_000;
const PONG_MS = 10_000;
const READY_MS = 15_000; // a line that opens and stays silent is none
const STEADY_MS = 5_000; // a line that held so long is a good one: the next loss starts with a short pause again
const SENT_MS = 10_000; // no word about a message after that: it is sent again
const BACK_OFF_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];
const TRIES_BEFORE_POLLING = 3;
const POLL_S = 25;
const POLL_AGAIN_MS = 3_000;
const CALL_MS = 40_000;
const CLOSED_FOR_GOOD = new Map<number, Refusal>([
  [4401, "token_invalid"],
  [4403, "origin_not_allowed"],
  [4404, "inbox_unknown"],
]);
const FOR_GOOD = new Set<string>(CLOSED_FOR_GOOD.values());

/** A message as the server takes it. */
const body = ({ client_id, text, file }: Pending): object => ({ client_id, text, ...(file && { file: file.key }) });

export interface Listener {
  online(online: boolean): void;
  message(message: Message): void;
  owner(owner: Owner, place: number | null): void;
  read(seq: number): void;
  typing(author: "bot" | "operator"): void;
  spoken(turn: string, text: string): void;
  silenced(turn: string | null): void;
  sent(clientId: string): void;
  refused(problem: Problem): void;
  ended(why: Refusal): void;
  /** What was said is erased: the log begins anew. */
  erased(): void;
  after(): number;
  seen(): number;
  pending(): Pending[];
}

export class Connection {
  private socket: WebSocket | null = null;
  private ready = false;
  private failures = 0;
  private stopped = false;
  private polling: AbortController | null = null;
  private underway: string | null = null; // the client id of the message that we wait to hear of
  private notBefore = 0; // the server asked us to wait until then
  private timers = new Set<ReturnType<typeof setTimeout>>();
  private pong: ReturnType<typeof setTimeout> | null = null;

  constructor(
    private readonly origin: string,
    private readonly inbox: string,
    private readonly token: string,
    private readonly listener: Listener,
  ) {
    addEventListener("online", () => this.hurry());
    addEventListener("offline", () => this.listener.online(false));
  }

  /** Connect, and stay connected until the server refuses us for good. */
  start(): void {
    if (this.stopped || this.socket !== null) return;
    const socket = new WebSocket(`${this.origin.replace(/^http/, "ws")}/ws/visitor?inbox=${encodeURIComponent(this.inbox)}`);
    this.socket = socket;
    socket.onopen = () => this.post({ type: "hello", token: this.token, after: this.listener.after() });
    socket.onmessage = (event) => this.hear(JSON.parse(String(event.data)) as Frame);
    socket.onclose = (event) => this.closed(event.code);
    this.later(READY_MS, () => {
      if (!this.ready) this.drop(socket);
    });
    this.later(PING_MS, () => this.beat(socket));
  }

  /** Somebody came back to the page, or the network did: look at once whether the line stands. */
  hurry(): void {
    if (this.stopped) return;
    if (this.socket !== null) {
      this.check(this.socket);
      return;
    }
    this.failures = 0;
    this.start();
  }

  /** Send what waits, one after the other, so that the log keeps its order. Sending twice stores once. */
  flush(): void {
    if (this.stopped || this.underway !== null || Date.now() < this.notBefore) return;
    const next = this.listener.pending()[0];
    if (next === undefined || !(this.ready || this.polling)) return;
    this.underway = next.client_id;
    if (this.ready) {
      this.post({ type: "send", ...body(next) });
      this.later(SENT_MS, () => this.settle(next.client_id));
    } else void this.upload(next);
  }

  typing(): void {
    if (this.ready) this.post({ type: "typing" });
  }

  read(seq: number): void {
    if (this.ready) this.post({ type: "read", seq });
  }

  /** Ask for a person. */
  handoff(): void {
    if (this.ready) this.post({ type: "handoff" });
    else void this.call("handoff", { method: "POST" });
  }

  private hear(frame: Frame): void {
    switch (frame.type) {
      case "ready":
        if (frame.last_seq < this.listener.after()) this.listener.erased();
        this.greeted(frame.owner, frame.queue_place ?? null, frame.read_seq);
        break;
      case "message":
        this.listener.message(frame);
        break;
      case "sent":
        this.listener.sent(frame.client_id);
        this.settle(frame.client_id);
        break;
      case "state":
        this.listener.owner(frame.owner, frame.queue_place ?? null);
        break;
      case "typing":
        if (frame.author === "bot" || frame.author === "operator") this.listener.typing(frame.author);
        break;
      case "delta":
        this.listener.spoken(frame.turn, frame.text);
        break;
      case "delta_end":
        this.listener.silenced(frame.turn);
        break;
      case "read":
        if (frame.author === "contact") this.listener.read(frame.seq);
        break;
      case "error":
        this.refuse(frame);
        break;
      case "pong":
        if (this.pong !== null) clearTimeout(this.pong);
        this.pong = null;
        this.listener.online(true);
    }
  }

  private greeted(owner: Owner, place: number | null, readSeq: number): void {
    this.ready = true;
    this.polling?.abort();
    this.polling = null;
    this.underway = null;
    this.later(STEADY_MS, () => (this.failures = 0));
    this.listener.online(true);
    this.listener.owner(owner, place);
    if (this.listener.seen() > readSeq) this.read(this.listener.seen());
    else this.listener.read(readSeq);
    this.flush();
  }

  /** One message is done with, or not heard of: go on with the next that waits. */
  private settle(clientId: string): void {
    if (this.underway !== clientId) return;
    this.underway = null;
    this.flush();
  }

  /** Too fast, or a server in trouble, is only a matter of waiting; anything else is told. */
  private refuse(problem: Problem): void {
    this.listener.refused(problem);
    if (FOR_GOOD.has(problem.code)) {
      this.end(problem.code as Refusal);
    } else if (problem.status === 429 || problem.status >= 500) {
      const pause = (problem.retry_after ?? 3) * 1_000;
      this.underway = null;
      this.notBefore = Date.now() + pause;
      this.later(pause, () => {
        if (this.ready) this.listener.online(true);
        this.flush();
      });
    } else if (problem.client_id !== undefined) this.settle(problem.client_id);
  }

  private closed(code: number): void {
    this.socket = null;
    this.ready = false;
    this.underway = null;
    this.listener.silenced(null); // whoever comes back is told anew what the bot is saying
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.pong = null;
    if (this.stopped) return;
    const why = CLOSED_FOR_GOOD.get(code);
    if (why !== undefined) {
      this.end(why);
      return;
    }
    this.failures += 1;
    if (!this.polling) this.listener.online(false);
    if (this.failures >= TRIES_BEFORE_POLLING) void this.poll();
    const pause = BACK_OFF_MS[Math.min(this.failures, BACK_OFF_MS.length) - 1] ?? 15_000;
    this.later(Math.max(pause * (0.5 + Math.random() / 2), this.notBefore - Date.now()), () => this.start());
  }

  private end(why: Refusal): void {
    this.stopped = true;
    this.polling?.abort();
    this.socket?.close();
    this.listener.ended(why);
  }

  /** Leave a dead line at once: closing it in good form would wait a minute for the other end. */
  private drop(socket: WebSocket): void {
    if (socket !== this.socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.close();
    this.closed(1006);
  }

  private beat(socket: WebSocket): void {
    this.check(socket);
    this.later(PING_MS, () => this.beat(socket));
  }

  private check(socket: WebSocket): void {
    if (!this.ready || this.pong !== null) return;
    this.post({ type: "ping" });
    this.pong = this.later(PONG_MS, () => this.drop(socket));
  }

  /** Read by HTTP as long as no socket is ready. */
  private async poll(): Promise<void> {
    if (this.polling) return;
    const polling = new AbortController();
    this.polling = polling;
    this.flush(); // what waits does not wait for the first answer
    while (!polling.signal.aborted) {
      const query = `&after=${this.listener.after()}&wait=${POLL_S}`;
      const answer = (await this.call("messages", {}, query, polling.signal)) as { messages: Message[] } | null;
      if (polling.signal.aborted) return;
      if (answer === null) {
        const asked = this.notBefore - Date.now();
        if (asked <= 0) this.listener.online(false);
        await new Promise((resolve) => setTimeout(resolve, Math.max(POLL_AGAIN_MS, asked)));
        continue;
      }
      this.listener.online(true);
      for (const message of answer.messages) this.listener.message(message);
      this.flush();
      const now = (await this.call("", {}, "", polling.signal)) as { owner: Owner; queue_place?: number; read_seq: number } | null;
      if (now === null || polling.signal.aborted) continue;
      this.listener.owner(now.owner, now.queue_place ?? null);
      this.listener.read(now.read_seq);
    }
  }

  private async upload(pending: Pending): Promise<void> {
    const { client_id } = pending;
    const init = { method: "POST", body: JSON.stringify(body(pending)), headers: { "content-type": "application/json" } };
    const message = await this.call("messages", init, "", undefined, client_id);
    if (message !== null) {
      this.listener.sent(client_id);
      this.settle(client_id);
    } else if (this.underway === client_id) this.underway = null; // the next round of polling tries again
  }

  private async call(
    what: "" | "messages" | "handoff",
    init: RequestInit,
    query = "",
    until?: AbortSignal,
    client_id?: string,
  ): Promise<unknown> {
    const path = what === "" ? "conversation" : `conversation/${what}`;
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), CALL_MS);
    const leave = (): void => limit.abort();
    until?.addEventListener("abort", leave);
    try {
      const url = `${this.origin}/api/v1/${path}?inbox=${encodeURIComponent(this.inbox)}${query}`;
      const headers = { ...init.headers, "chat-token": this.token };
      const response = await fetch(url, { ...init, headers, signal: limit.signal });
      const body: unknown = await response.json();
      if (response.ok) return body;
      const problem = { ...(body as Problem), status: response.status };
      this.refuse(client_id === undefined ? problem : { ...problem, client_id });
    } catch {
      // no network: the caller tries again
    } finally {
      clearTimeout(timer);
      until?.removeEventListener("abort", leave);
    }
    return null;
  }

  private post(frame: object): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  private later(ms: number, act: () => void): ReturnType<typeof setTimeout> {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
    }, ms);
    this.timers.add(timer);
    return timer;
  }
}
