/** The line to the server: a ticket, a socket, commands that are asked until they are answered. */

import { random } from "../widget/storage";
import type { Command, Done, End, Frame, Problem } from "./protocol";

export const PING_MS = 20_000;
export const DEAD_MS = 40_000; // nothing heard for so long: the line is dead, whatever the browser says
const READY_MS = 15_000;
const ANSWER_MS = 20_000; // a command without an answer for so long is asked again on a new line
const STEADY_MS = 5_000; // a line that held so long is a good one: the next loss starts with a short pause again
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const TICKET_MS = 15_000;

export interface Listener {
  line(state: "online" | "lost"): void;
  hear(frame: Frame): void;
  ended(why: End): void;
}

/** The command was refused, or (`lost`) the line went before an answer to what is not asked twice. */
export class Refused extends Error {
  constructor(readonly problem: Problem) {
    super(problem.code);
  }
}

interface Asked {
  frame: Command & { id: string };
  again: boolean;
  sentAt: number;
  resolve(done: Done): void;
  reject(refused: Refused): void;
}

export class Connection {
  private socket: WebSocket | null = null;
  private ready = false;
  private failures = 0;
  private turnedAway = 0; // closings in a row that said our ticket is none
  private stopped = false;
  private starting = false;
  private heardAt = 0;
  private asked = new Map<string, Asked>();
  private timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(private readonly listener: Listener) {
    addEventListener("online", () => this.hurry());
    addEventListener("offline", () => this.socket && this.drop(this.socket));
  }

  /** Connect, and stay connected until the server turns us away for good. */
  async start(): Promise<void> {
    if (this.stopped || this.starting || this.socket !== null) return;
    this.starting = true;
    const ticket = await this.ticket();
    this.starting = false;
    if (this.stopped) return;
    if (ticket === null) {
      this.lost(1006);
      return;
    }
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/ws/desk?uuid=${encodeURIComponent(ticket)}`);
    this.socket = socket;
    this.heardAt = Date.now();
    socket.onmessage = (event) => this.hear(JSON.parse(String(event.data)) as Frame);
    socket.onclose = (event) => this.lost(event.code);
    this.later(READY_MS, () => this.ready || this.drop(socket));
    this.later(PING_MS, () => this.beat(socket));
  }

  /** Somebody came back to the page, or the network did: look at once whether the line stands. */
  hurry(): void {
    if (this.stopped || this.starting) return;
    if (this.socket !== null) {
      if (this.ready) this.post({ type: "ping" });
      return;
    }
    this.failures = 0;
    this.forgetTimers();
    void this.start();
  }

  /**
   * The answer to a command. With `again` it is asked on every new line, with the same id, until it is answered;
   * without, it is refused as `lost` when the line goes: whoever asked asks anew from what is known then.
   */
  ask(frame: Command, { again = true, id = random() } = {}): Promise<Done> {
    return new Promise((resolve, reject) => {
      if (!again && !this.ready) {
        reject(new Refused({ code: "lost", status: 0 }));
        return;
      }
      const asked = { frame: { ...frame, id }, again, sentAt: Date.now(), resolve, reject };
      this.asked.set(id, asked);
      if (this.ready) this.post(asked.frame);
    });
  }

  /** Say what needs no answer. */
  tell(frame: Command): void {
    if (this.ready) this.post(frame);
  }

  private hear(frame: Frame): void {
    this.heardAt = Date.now();
    if (frame.type === "ready") {
      this.ready = true;
      this.turnedAway = 0;
      this.later(STEADY_MS, () => (this.failures = 0));
      for (const asked of this.asked.values()) {
        asked.sentAt = Date.now();
        this.post(asked.frame);
      }
      this.listener.hear(frame);
      this.listener.line("online"); // what is asked only now is posted by itself
    } else if (frame.type === "done") {
      this.settle(frame.id)?.resolve(frame);
    } else if (frame.type === "error") {
      this.refuse(frame.id, frame);
    } else this.listener.hear(frame);
  }

  /** Too fast, or a server in trouble, is only a matter of waiting; anything else is the answer. */
  private refuse(id: string | undefined, problem: Problem): void {
    const asked = id === undefined ? undefined : this.asked.get(id);
    if (!asked) return;
    if (asked.again && (problem.status === 429 || problem.status >= 500)) {
      asked.sentAt = Date.now() + (problem.retry_after ?? 3) * 1_000;
      this.later(asked.sentAt - Date.now(), () => this.asked.has(asked.frame.id) && this.post(asked.frame));
    } else this.settle(asked.frame.id)?.reject(new Refused(problem));
  }

  private settle(id: string): Asked | undefined {
    const asked = this.asked.get(id);
    this.asked.delete(id);
    return asked;
  }

  private async ticket(): Promise<string | null> {
    const limit = new AbortController();
    const timer = setTimeout(() => limit.abort(), TICKET_MS);
    try {
      const response = await fetch("/api/ws_token/", { headers: { accept: "application/json" }, signal: limit.signal });
      if (response.status === 401 || response.status === 403) this.end("signed_out");
      return response.ok ? ((await response.json()) as { uuid: string }).uuid : null;
    } catch {
      return null;
    } finally {
      clearTimeout(timer);
    }
  }

  private lost(code: number): void {
    this.socket = null;
    this.ready = false;
    this.forgetTimers();
    if (this.stopped) return;
    this.turnedAway = code === 4401 ? this.turnedAway + 1 : 0;
    if (code === 4403) return this.end("not_allowed");
    if (this.turnedAway > 1) return this.end("not_at_desk"); // once may be a ticket that came too late
    for (const asked of [...this.asked.values()]) {
      if (!asked.again) this.settle(asked.frame.id)?.reject(new Refused({ code: "lost", status: 0 }));
    }
    this.listener.line("lost");
    const pause = code === 4429 ? LONGEST_PAUSE_MS : Math.min(FIRST_PAUSE_MS * 2 ** this.failures, LONGEST_PAUSE_MS);
    this.failures += 1;
    this.later(pause * (0.5 + Math.random() / 2), () => void this.start());
  }

  private end(why: End): void {
    this.stopped = true;
    this.forgetTimers();
    this.socket?.close();
    this.listener.ended(why);
  }

  /** Leave a dead line at once: closing it in good form would wait a minute for the other end. */
  private drop(socket: WebSocket): void {
    if (socket !== this.socket) return;
    socket.onmessage = socket.onclose = null;
    socket.close();
    this.lost(1006);
  }

  private beat(socket: WebSocket): void {
    if (socket !== this.socket) return;
    const now = Date.now();
    const overdue = [...this.asked.values()].some((asked) => now - asked.sentAt > ANSWER_MS);
    if (now - this.heardAt >= DEAD_MS || (this.ready && overdue)) {
      this.drop(socket);
      return;
    }
    this.post({ type: "ping" });
    this.later(PING_MS, () => this.beat(socket));
  }

  private post(frame: Command): void {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  private later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      act();
    }, ms);
    this.timers.add(timer);
  }

  private forgetTimers(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }
}
