import { expect, test } from "vitest";

import { asked, filled, fitting } from "./replies";

test("a slash asks for replies as long as it is one word", () => {
  expect([asked("/"), asked("/hi"), asked("/hi there"), asked("a/b"), asked("")]).toEqual(["", "hi", null, null, null]);
});

test("replies that begin so come first, then those that contain it", () => {
  const replies = [
    { id: 1, shortcut: "thanks", text: "Thank you" },
    { id: 2, shortcut: "hi", text: "Hello" },
    { id: 3, shortcut: "bye", text: "This was a pleasure" },
  ];

  expect(fitting(replies, "Hi").map((one) => one.shortcut)).toEqual(["hi", "bye"]);
  expect(fitting(replies, "")).toHaveLength(3);
});

test("the name is filled in once, as it is, and leaves no gap where there is none", () => {
  expect(filled("Hello, {name}!", "{name} $& <b>")).toBe("Hello, {name} $& <b>!");
  expect(filled("Здравствуйте, {name}! Чем помочь?", "")).toBe("Здравствуйте! Чем помочь?");
  expect(filled("{name}, добрый день", " ")).toBe("добрый день");
});
