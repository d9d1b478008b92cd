import { expect, test } from "vitest";

import { type Act, reader } from "./keys";

const press = (key: string, code = "", shiftKey = false) => ({ key, code, shiftKey, ctrlKey: false, metaKey: false, altKey: false });

test("keys work on a Russian layout by their place", () => {
  const read = reader();

  expect(read(press("о", "KeyJ"), false, 0)).toBe("next");
  expect(read(press("с", "KeyC"), false, 0)).toBe("claim");
  expect(read(press(".", "Slash"), false, 0)).toBe("search");
  expect(read(press(",", "Slash", true), false, 0)).toBe("help");
});

test("on another Latin layout a letter is what it says", () => {
  expect(reader()(press("j", "KeyC"), false, 0)).toBe("next");
});

test("whoever types types; only Escape leaves", () => {
  const read = reader();

  expect([read(press("j", "KeyJ"), true, 0), read(press("Escape"), true, 0)]).toEqual([null, "escape"]);
});

test("g and a letter goes to a list, unless one waits too long", () => {
  const read = reader();
  const go = (second: string, after: number): Act | null => (read(press("g", "KeyG"), false, 0), read(press(second), false, after));

  expect(go("m", 500)).toEqual({ go: "mine" });
  expect(go("c", 5_000)).toBe("claim");
  expect(go("z", 500)).toBe("snooze");
});

test("a key with Control or Command is the browser's", () => {
  expect(reader()({ ...press("c", "KeyC"), metaKey: true }, false, 0)).toBeNull();
});
