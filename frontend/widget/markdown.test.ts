import { describe, expect, it } from "vitest";

import { blocks, type Mark } from "./markdown";

const line = (text: string): Mark[] => blocks(text)[0]?.lines[0] ?? [];
const kinds = (text: string): string[] => line(text).map((mark) => `${mark.kind}:${mark.text}`);

describe("a bot's text", () => {
  it("has paragraphs, lists and code as blocks", () => {
    const found = blocks("Hello\nthere\n\n- one\n- two\n3. three\n4. four\n\n```\nlet x = **1**\n```\nbye");

    expect(found.map((block) => [block.kind, block.lines.length])).toEqual([
      ["paragraph", 2],
      ["bullets", 2],
      ["numbers", 2],
      ["code", 1],
      ["paragraph", 1],
    ]);
    expect(found[2]?.start).toBe(3);
    expect(found[3]?.lines[0]).toEqual([{ kind: "text", text: "let x = **1**" }]);
  });

  it("has bold, italic and code within a line", () => {
    expect(kinds("a **b** and *c* and `d`")).toEqual(["text:a ", "bold:b", "text: and ", "italic:c", "text: and ", "code:d"]);
  });

  it.each(["**half", "2 * 3 * 4", "a_b_c", "[text](", "`", "* ", "5*x*y"])("keeps %s as it is", (text) => {
    expect(blocks(text).flatMap((block) => block.lines.flat().map((mark) => mark.text)).join("")).toBe(text);
  });

  it("shows where a link leads", () => {
    expect(line("see [our shop](https://shop.example/a?b=1)")[1]).toMatchObject({
      kind: "link",
      text: "our shop (shop.example)",
      href: "https://shop.example/a?b=1",
    });
  });

  it("shows where a link leads although its text says otherwise", () => {
    expect(line("[bank.example](https://evil.example/)")[0]?.text).toBe("bank.example (evil.example)");
    expect(line("[shop.example evil.example](https://evil.example/)")[0]?.text).toBe("shop.example evil.example (evil.example)");
  });

  it("makes no picture of a picture", () => {
    const found = line("![x](https://evil.example/?d=1)");

    expect(found).toHaveLength(1);
    expect(found[0]).toMatchObject({ kind: "link", text: "x (evil.example)" });
  });

  it.each(["javascript:alert(1)", "data:text/html,x", "tg://resolve?domain=x", "//evil.example", "https://u:p@evil.example"])(
    "leaves [x](%s) as text",
    (address) => {
      expect(line(`[x](${address})`).every((mark) => mark.href === undefined || mark.host !== "x")).toBe(true);
      expect(line(`[x](${address})`)[0]?.text.startsWith("[x](")).toBe(true);
    },
  );

  it("leaves HTML as text", () => {
    expect(kinds("<img src=x onerror=alert(1)><script>1</script>")).toEqual(["text:<img src=x onerror=alert(1)><script>1</script>"]);
  });

  it.each(["[", "*", "**", "`", "![", "[a](", "__", "- ", "1. ", "_*", "(("])("takes no long time over ten kilobytes of %s", (part) => {
    const text = part.repeat(10_000 / part.length);
    const began = performance.now();
    blocks(text);
    blocks(text.replaceAll(/.{50}/g, "$&\n"));
    expect(performance.now() - began).toBeLessThan(100);
  });
});
