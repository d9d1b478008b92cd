import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { bring, MAX_BYTES, type News } from "./upload";

/** A request that does what the test says. */
class Wire {
  static last: Wire | null = null;
  upload: { onprogress: ((event: { loaded: number; total: number }) => void) | null } = { onprogress: null };
  headers: Record<string, string> = {};
  status = 0;
  response: unknown = null;
  url = "";
  sent: unknown = null;
  aborted = false;
  onload: (() => void) | null = null;
  onerror: (() => void) | null = null;

  open(_: string, url: string): void {
    Wire.last = this;
    this.url = url;
  }
  setRequestHeader(name: string, value: string): void {
    this.headers[name] = value;
  }
  send(body: unknown): void {
    this.sent = body;
  }
  abort(): void {
    this.aborted = true;
  }
  answer(status: number, response: unknown): void {
    this.status = status;
    this.response = response;
    this.onload?.();
  }
}

const kept = { key: "k", name: "a.pdf", media_type: "application/pdf", size: 3, url: "/files/k" };
const wire = (): Wire => Wire.last as Wire;
let news: News[];

const send = (file = new File(["abc"], "Счёт & Co.pdf", { type: "application/pdf" })): (() => void) =>
  bring("http://chat.example/files?inbox=pk_1", "token-12345", file, (one) => news.push(one));

beforeEach(() => {
  Wire.last = null;
  news = [];
  vi.stubGlobal("XMLHttpRequest", Wire);
});

afterEach(() => vi.unstubAllGlobals());

test("a file goes out with its name and type, and the token in a header", () => {
  send();

  expect(new URL(wire().url).searchParams.get("name")).toBe("Счёт & Co.pdf");
  expect(wire().url).not.toContain("token");
  expect(wire().headers).toEqual({ "chat-token": "token-12345", "content-type": "application/pdf" });
});

test("it is told how far it has come, and when it is there", () => {
  send();

  wire().upload.onprogress?.({ loaded: 1, total: 4 });
  wire().answer(201, kept);

  expect(news).toEqual([{ share: 0.25 }, { share: 1, file: kept }]);
});

test.each(["file_kind_refused", "image_invalid", "quota_exceeded"])("a refusal is told by its code: %s", (code) => {
  send();

  wire().answer(415, { code });

  expect(news).toEqual([{ share: 0, fault: code }]);
});

test("what may pass by itself is told as a failure", () => {
  for (const fail of [() => wire().answer(503, null), () => wire().answer(429, { code: "rate_limited" }), () => wire().onerror?.()]) {
    send();
    fail();
  }

  expect(news).toEqual(Array(3).fill({ share: 0, fault: "upload_failed" }));
});

test("what the server would refuse anyway is not sent", () => {
  send(new File([], "a"));
  send({ size: MAX_BYTES + 1, name: "a", type: "" } as File);

  expect(Wire.last).toBeNull();
  expect(news.map((one) => one.fault)).toEqual(["file_empty", "file_too_large"]);
});

test("a file that is taken away is given up", () => {
  send()();

  expect(wire().aborted).toBe(true);
});
