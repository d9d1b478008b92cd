import { expect, test } from "vitest";

import { inkOn } from "./ink";

test.each([
  ["rgb(29, 107, 79)", "#fff"],
  ["rgb(37, 99, 235)", "#fff"],
  ["rgb(255, 235, 59)", "#000"],
  ["rgb(255, 255, 255)", "#000"],
  ["oklch(0.7 0.1 150)", "#fff"],
])("on %s one writes in %s", (color, ink) => {
  expect(inkOn(color)).toBe(ink);
});
