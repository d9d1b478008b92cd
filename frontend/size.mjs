// What a page pays, and what the desk does, gzipped. Fails when it is more than was promised.
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const folder = new URL("../src/besedka/web/static/besedka/", import.meta.url);
const size = (file) => gzipSync(readFileSync(new URL(file, folder)), { level: 9 }).length;
const loader = size("widget.js");
const opened = loader + size("chat.js");
const kib = (bytes) => (bytes / 1024).toFixed(2);
console.log(`widget: loader ${kib(loader)} KiB of 6, opened ${kib(opened)} KiB of 20, gzipped`);
const desk = size("desk.js") + size("desk.css");
console.log(`desk: ${kib(desk)} KiB of 40, gzipped`);
if (loader > 6 * 1024 || opened > 20 * 1024 || desk > 40 * 1024) process.exit(1);
