/** How the desk calls its operator: a sound, a notification, the title. Each can be switched off. */

const SOUND = "besedka:desk:sound";
const THEME = "besedka:desk:theme";
export const THEMES = ["auto", "light", "dark"] as const;
export type Theme = (typeof THEMES)[number];

function kept(key: string): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(key: string, value: string): void {
  try {
    localStorage.setItem(key, value);
  } catch {
    // it holds until the page is left
  }
}

export const soundOn = (): boolean => kept(SOUND) !== "off";
export const setSound = (on: boolean): void => keep(SOUND, on ? "on" : "off");

export function theme(): Theme {
  const known = kept(THEME);
  return THEMES.find((one) => one === known) ?? "auto";
}

/** Show the page in this theme from now on, here and at the next visit. */
export function setTheme(chosen: Theme): void {
  keep(THEME, chosen);
  document.documentElement.dataset.theme = chosen;
}

let audio: AudioContext | null = null;

/** Two short soft tones. A page that nobody has touched yet may not sound: then it stays silent. */
export function beep(): void {
  if (!soundOn() || !("AudioContext" in window)) return;
  audio ??= new AudioContext();
  if (audio.state === "suspended") void audio.resume().catch(() => undefined);
  if (audio.state !== "running") return;
  for (const [at, hertz] of [
    [0, 660],
    [0.14, 880],
  ] as const) {
    const tone = audio.createOscillator();
    const loud = audio.createGain();
    const from = audio.currentTime + at;
    tone.frequency.value = hertz;
    loud.gain.setValueAtTime(0.0001, from);
    loud.gain.exponentialRampToValueAtTime(0.12, from + 0.02);
    loud.gain.exponentialRampToValueAtTime(0.0001, from + 0.13);
    tone.connect(loud).connect(audio.destination);
    tone.start(from);
    tone.stop(from + 0.14);
  }
}

export type Permission = "default" | "granted" | "denied" | "none";

export const permission = (): Permission => ("Notification" in window ? Notification.permission : "none");

/** Ask for notifications: only ever from a press of a button. */
export async function askPermission(): Promise<Permission> {
  return "Notification" in window ? await Notification.requestPermission() : "none";
}

/** A notification, while the page is not looked at; pressing it brings the page back and does `act`. */
export function notify(title: string, body: string, tag: string, act: () => void): void {
  if (permission() !== "granted" || !document.hidden) return;
  try {
    const one = new Notification(title, { body, tag, silent: true });
    one.onclick = () => {
      window.focus();
      one.close();
      act();
    };
  } catch {
    // a phone's browser wants a service worker for it: the sound has to do
  }
}

export function title(base: string, unread: number): void {
  const wanted = unread > 0 ? `(${unread > 99 ? "99+" : unread}) ${base}` : base;
  if (document.title !== wanted) document.title = wanted;
}
