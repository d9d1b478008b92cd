/** What every page pays for: the button. The chat itself is fetched when somebody is about to open it. */

import { inkOn } from "./ink";
import { isKnown } from "./storage";
import { open as openEn } from "./words.en";
import { open as openRu } from "./words.ru";

declare const __CHAT__: string;

export interface Host {
  origin: string;
  inbox: string;
  language: "ru" | "en";
  root: ShadowRoot;
  button: HTMLButtonElement;
  badge: HTMLElement;
}

export interface Chat {
  toggle(open?: boolean): void;
}

const STYLE = `
:host { all: initial; --accent: #1d6b4f; --on-accent: #fff; position: fixed; right: 20px; bottom: 20px; z-index: 2147483000; color-scheme: light dark; }
button.launcher { width: 60px; height: 60px; border: 0; border-radius: 50%; background: var(--accent); color: var(--on-accent); cursor: pointer; display: grid; place-items: center; box-shadow: 0 8px 24px rgb(0 0 0 / .28); transition: transform .15s; position: relative; }
button.launcher:hover { transform: scale(1.05); }
button.launcher:focus-visible { outline: 3px solid #e9a23b; outline-offset: 3px; }
button.launcher svg { width: 28px; height: 28px; }
.badge { position: absolute; top: -2px; right: -2px; min-width: 20px; height: 20px; padding: 0 5px; box-sizing: border-box; border-radius: 10px; background: #c62828; color: #fff; font: 600 12px/20px system-ui, sans-serif; }
.badge[hidden] { display: none; }
@media (prefers-reduced-motion: reduce) { button.launcher { transition: none; } }
`;
const ICON = "M4 5.5A2.5 2.5 0 0 1 6.5 3h15A2.5 2.5 0 0 1 24 5.5v11a2.5 2.5 0 0 1-2.5 2.5H13l-6 5v-5h-.5A2.5 2.5 0 0 1 4 16.5z";

function draw(script: HTMLScriptElement): void {
  if (document.querySelector("besedka-widget")) return; // a page that puts its scripts in again wants no second button
  const inbox = script.dataset.inbox ?? "";
  const asked = script.dataset.lang ?? document.documentElement.lang.slice(0, 2);
  const language = asked === "ru" || asked === "en" ? asked : navigator.language.startsWith("ru") ? "ru" : "en";

  const element = document.createElement("besedka-widget");
  const root = element.attachShadow({ mode: "open" });
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(STYLE);
  root.adoptedStyleSheets = [sheet];

  const button = document.createElement("button");
  button.className = "launcher";
  button.type = "button";
  button.dataset.part = "launcher";
  button.setAttribute("aria-label", language === "ru" ? openRu : openEn);
  button.setAttribute("aria-expanded", "false");
  const icon = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  icon.setAttribute("viewBox", "0 0 28 28");
  icon.setAttribute("aria-hidden", "true");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("fill", "currentColor");
  path.setAttribute("d", ICON);
  icon.append(path);
  const badge = document.createElement("span");
  badge.className = "badge";
  badge.dataset.part = "badge";
  badge.hidden = true;
  button.append(icon, badge);
  root.append(button);
  document.body.append(element);
  const color = script.dataset.color ?? "";
  if (CSS.supports("color", color)) {
    element.style.setProperty("--accent", color);
    element.style.setProperty("--on-accent", inkOn(getComputedStyle(button).backgroundColor));
  }

  const origin = new URL(script.src).origin;
  const host: Host = { origin, inbox, language, root, button, badge };
  let chat: Promise<Chat | null> | null = null;
  let failures = 0;
  const load = (): Promise<Chat | null> => {
    const again = failures ? `&again=${failures}` : ""; // browsers remember that an address failed
    chat ??= import(/* @vite-ignore */ origin + __CHAT__ + again)
      .then((module: { mount(host: Host): Chat }) => module.mount(host))
      .catch(() => {
        failures += 1;
        chat = null; // no network: the next press tries again
        return null;
      });
    return chat;
  };
  button.addEventListener("click", () => void load().then((one) => one?.toggle()));
  button.addEventListener("pointerenter", () => void load(), { once: true });
  if (script.dataset.open !== undefined) void load().then((one) => one?.toggle(true));
  else if (isKnown(inbox)) (globalThis.requestIdleCallback ?? setTimeout)(() => void load());
}

const script = document.currentScript;
if (script instanceof HTMLScriptElement && script.dataset.inbox) {
  if (document.body) draw(script);
  else addEventListener("DOMContentLoaded", () => draw(script));
}
