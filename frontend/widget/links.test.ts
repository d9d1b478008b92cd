import { expect, test } from "vitest";

import { pieces } from "./links";

test("web addresses become links, without the full stop behind them", () => {
  expect(pieces("See https://shop.example/a?b=1. Bye")).toEqual([
    { text: "See " },
    { text: "https://shop.example/a?b=1", href: "https://shop.example/a?b=1" },
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

test("nothing is lost, whatever is written", () => {
  const text = "a https://x.example b http://y.example/й c";

  expect(
    pieces(text)
      .map((piece) => piece.text)
      .join(""),
  ).toBe(text);
});
