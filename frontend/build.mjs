// Three bundles: the loader, which every page pays for; the chat, which is fetched when somebody opens it; and the
// operators' desk with its style.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { minifySync } from "rolldown/utils";
import { build } from "vite";

const out = fileURLToPath(new URL("../src/besedka/web/static/besedka/", import.meta.url));

async function bundle(entry, format, file, define, emptyOutDir) {
  await build({
    configFile: false,
    logLevel: "warn",
    root: fileURLToPath(new URL(".", import.meta.url)),
    define,
    oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
    build: {
      target: "es2022",
      outDir: out,
      emptyOutDir,
      copyPublicDir: false,
      lib: { entry, formats: [format], name: "BesedkaWidget", fileName: () => file, cssFileName: "desk" },
    },
  });
}

await bundle("widget/chat.tsx", "es", "chat.js", {}, true);
// Vite leaves the spaces in a library that is a module: it cannot know that nobody bundles it again.
const { code } = minifySync("chat.js", readFileSync(out + "chat.js", "utf8"), { module: true, compress: true, mangle: { toplevel: true } });
writeFileSync(out + "chat.js", code);
const version = createHash("sha256").update(readFileSync(out + "chat.js")).digest("hex").slice(0, 12);
await bundle("widget/loader.ts", "iife", "widget.js", { __CHAT__: JSON.stringify(`/static/besedka/chat.js?v=${version}`) }, false);
await bundle("desk/main.tsx", "iife", "desk.js", {}, false);
