/** The line to the server: a WebSocket that comes back by itself, or long polling where there is none. */

import type { Frame, Message, Owner, Problem } from "./protocol";
import type { Pending } from "./storage";

const PING_MS = 20_000;
const PONG_MS = 10_000;
const BACK_OFF_MS = [500, 1_000, 2_000, 4_000, 8_000, 15_000];
const TRIES_BEFORE_POLLING = 3;
const TERMINAL = new Set([4401, 4403, 4404]);
const POLL_S = 25;

export interface Listener {
  online(online: boolean): void;
  message(message: Message): void;
  owner(owner: Owner): void;
  read(seq: number): void;
  typing(author: "bot" | "operator"): void;
  sent(clientId: string): void;
  refused(problem: Problem): void;
  ended(): void;
  after(): number;
  pending(): Pending[];
}

export class Connection {
  private socket: WebSocket | null = null;
  private ready = false;
  private failures = 0;
  private stopped = false;
  private polling = false;
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
    this.later(PING_MS, () => this.ping(socket));
  }

  /** Send a message of ours, now or when the line is back. Sending it twice stores it once. */
  send(pending: Pending): void {
    if (this.ready) this.post({ type: "send", client_id: pending.client_id, text: pending.text });
    else if (this.polling) void this.upload(pending);
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
        this.ready = true;
        this.failures = 0;
        this.polling = false;
        this.listener.online(true);
        this.listener.owner(frame.owner);
        this.listener.read(frame.read_seq);
        for (const pending of this.listener.pending()) this.send(pending);
        break;
      case "message":
        this.listener.message(frame);
        break;
      case "sent":
        this.listener.sent(frame.client_id);
        break;
      case "state":
        this.listener.owner(frame.owner);
        break;
      case "typing":
        if (frame.author === "bot" || frame.author === "operator") this.listener.typing(frame.author);
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
    }
  }

  /** Too fast is only a matter of waiting; anything else is told. */
  private refuse(problem: Problem): void {
    this.listener.refused(problem);
    if (problem.status !== 429 && problem.status !== 503) return;
    this.later((problem.retry_after ?? 2) * 1000, () => {
      for (const pending of this.listener.pending()) {
        if (pending.client_id === problem.client_id) this.send(pending);
      }
    });
  }

  private closed(code: number): void {
    this.socket = null;
    this.ready = false;
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
    this.pong = null;
    if (TERMINAL.has(code)) {
      this.stopped = true;
      this.listener.ended();
      return;
    }
    this.failures += 1;
    if (!this.polling) this.listener.online(false);
    if (this.failures === TRIES_BEFORE_POLLING) void this.poll();
    const pause = BACK_OFF_MS[Math.min(this.failures, BACK_OFF_MS.length) - 1] ?? 15_000;
    this.later(pause * (0.5 + Math.random() / 2), () => this.start());
  }

  private hurry(): void {
    if (this.socket === null && !this.stopped) {
      this.failures = 0;
      this.start();
    }
  }

  private ping(socket: WebSocket): void {
    if (socket !== this.socket) return;
    if (this.ready) {
      this.post({ type: "ping" });
      this.pong = this.later(PONG_MS, () => socket.close());
    }
    this.later(PING_MS, () => this.ping(socket));
  }

  /** Read by HTTP as long as no socket is ready. */
  private async poll(): Promise<void> {
    this.polling = true;
    while (this.polling && !this.stopped) {
      const answer = await this.call(`messages`, {}, `&after=${this.listener.after()}&wait=${POLL_S}`);
      if (!this.polling) return;
      if (answer === null) {
        this.listener.online(false);
        await new Promise((resolve) => setTimeout(resolve, 3_000));
        continue;
      }
      this.listener.online(true);
      for (const message of (answer as { messages: Message[] }).messages) this.listener.message(message);
      const state = (await this.call("", {})) as { owner: Owner; read_seq: number } | null;
      if (state !== null) this.listener.owner(state.owner);
      for (const pending of this.listener.pending()) await this.upload(pending);
    }
  }

  private async upload(pending: Pending): Promise<void> {
    const body = JSON.stringify({ text: pending.text, client_id: pending.client_id });
    const headers = { "content-type": "application/json" };
    const message = (await this.call("messages", { method: "POST", body, headers })) as Message | null;
    if (message !== null) this.listener.sent(pending.client_id);
  }

  private async call(what: string, init: RequestInit, query = ""): Promise<unknown> {
    const path = what === "" ? "conversation" : `conversation/${what}`;
    try {
      const url = `${this.origin}/api/v1/${path}?inbox=${encodeURIComponent(this.inbox)}${query}`;
      const response = await fetch(url, { ...init, headers: { ...init.headers, "chat-token": this.token } });
      const body: unknown = await response.json();
      if (response.ok) return body;
      this.listener.refused(body as Problem);
    } catch {
      // no network: the caller tries again
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
