import { expect, test } from "vitest";

import { pieces } from "./links";

test("web addresses become links, without the full stop behind them", () => {
  expect(pieces("See https://shop.example/a?b=1. Bye")).toEqual([
    { text: "See " },
    { text: "https://shop.example/a?b=1", href: "https://shop.example/a?b=1", host: "shop.example" },
    { text: ". Bye" },
  ]);
});

test.each(["javascript:alert(1)", "data:text/html,x", "tg://resolve?domain=x", "<img src=x onerror=alert(1)>"])(
  "%s stays text",
  (text) => {
    expect(pieces(text)).toEqual([{ text }]);
  },
);

test("an address that hides its host behind a user stays text", () => {
  expect(pieces("https://bank.example@evil.example/").some((piece) => piece.href !== undefined)).toBe(false);
});

test("a host that only looks like another is named in ASCII", () => {
  expect(pieces("https://b\u0430nk.example/")[0]?.host).toBe("xn--bnk-6cd.example");
});

test.each(["\u202e", "\u200b", "\u2066", "\ufeff"])("an address ends where a character turns or hides the rest", (hidden) => {
  expect(pieces(`https://a.example/${hidden}x`).map((piece) => piece.text)).toEqual(["https://a.example/", `${hidden}x`]);
});

test("nothing is lost, whatever is written", () => {
  const text = "a https://x.example b http://y.example/й c";

  expect(
    pieces(text)
      .map((piece) => piece.text)
      .join(""),
  ).toBe(text);
});
