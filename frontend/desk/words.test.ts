import { expect, test } from "vitest";

import { en } from "./words.en";
import { ru } from "./words.ru";

test("both languages know the same words, reasons, events and keys", () => {
  for (const part of ["reasons", "events", "problems", "done", "themes"] as const) expect(Object.keys(ru[part])).toEqual(Object.keys(en[part]));
  expect(ru.help.map(([keys]) => keys)).toEqual(en.help.map(([keys]) => keys));
  expect(Object.keys(ru).sort()).toEqual(Object.keys(en).sort());
});
