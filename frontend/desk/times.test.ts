import { expect, test } from "vitest";

import { ago, local, ticking, tomorrowAtNine } from "./times";
import { en } from "./words.en";

const units = en.units;
const since = (ms: number): string => new Date(1_000_000_000_000 - ms).toISOString();

test("time passes in words", () => {
  const now = 1_000_000_000_000;

  expect([30_000, 300_000, 7_200_000, 200_000_000].map((ms) => ago(since(ms), now, units))).toEqual(["now", "5 min", "2 h", "2 d"]);
  expect([7_000, 750_000, 3_723_000, 90_000_000, -5].map((ms) => ticking(since(ms), now, "d"))).toEqual(["0:07", "12:30", "1:02:03", "1 d", "0:00"]);
});

test("tomorrow at nine is tomorrow at nine, also at the end of a month", () => {
  expect(local(tomorrowAtNine(new Date(2026, 0, 31, 23, 30).getTime()))).toBe("2026-02-01T09:00");
});
