/** Moments and stretches of time in words. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** How long ago, as short as a card needs it: `now`, `5 m`, `3 h`, `2 d`. */
export function ago(since: string, now: number, units: { now: string; m: string; h: string; d: string }): string {
  const passed = Math.max(0, now - Date.parse(since));
  if (passed < MINUTE) return units.now;
  if (passed < HOUR) return `${Math.floor(passed / MINUTE)} ${units.m}`;
  if (passed < DAY) return `${Math.floor(passed / HOUR)} ${units.h}`;
  return `${Math.floor(passed / DAY)} ${units.d}`;
}

/** A stretch that ticks: `0:07`, `12:30`, `1:02:03`; from a day on, days. */
export function ticking(since: string, now: number, days: string): string {
  const seconds = Math.max(0, Math.floor((now - Date.parse(since)) / 1_000));
  if (seconds >= 86_400) return `${Math.floor(seconds / 86_400)} ${days}`;
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number): string => String(n).padStart(2, "0");
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

export const clock = (at: string, language: string): string =>
  new Date(at).toLocaleTimeString(language, { hour: "2-digit", minute: "2-digit" });

/** A day: today, yesterday, or its date; with the year when it is another one. */
export function day(at: string, now: number, words: { today: string; yesterday: string }, language: string): string {
  const its = new Date(at);
  if (its.toDateString() === new Date(now).toDateString()) return words.today;
  if (its.toDateString() === new Date(now - DAY).toDateString()) return words.yesterday;
  const year = its.getFullYear() === new Date(now).getFullYear() ? {} : ({ year: "numeric" } as const);
  return its.toLocaleDateString(language, { day: "numeric", month: "long", ...year });
}

/** A day and a time, for what lies ahead or far behind. */
export const moment = (at: string, language: string): string =>
  new Date(at).toLocaleString(language, { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" });

/** Tomorrow at nine, where the operator is. */
export function tomorrowAtNine(now: number): Date {
  const at = new Date(now);
  at.setDate(at.getDate() + 1);
  at.setHours(9, 0, 0, 0);
  return at;
}

/** A moment as `<input type="datetime-local">` takes it. */
export function local(at: Date): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}T${two(at.getHours())}:${two(at.getMinutes())}`;
}
