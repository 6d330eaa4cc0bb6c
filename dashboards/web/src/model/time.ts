/** Times as the operator reads them: the digits of the place where it happened, and ages in words. */

/** RFC 3339 to UTC ms; NaN for what is no time. */
export const ms = (iso: string): number => Date.parse(iso);

/** Minutes east of UTC that an RFC 3339 time was written with; null when it has none. */
export function offsetOf(iso: string): number | null {
  const found = /(?:([+-])(\d{2}):(\d{2})|(Z))$/.exec(iso);
  if (!found) return null;
  if (found[4]) return 0;
  return (found[1] === "-" ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3]));
}

/** UTC ms as the wall clock `offset` minutes east of UTC shows it. */
export function wallTime(at: number, offset: number): string {
  if (!Number.isFinite(at)) return "--:--:--";
  return new Date(at + offset * 60_000).toISOString().slice(11, 19);
}

export function wallDay(at: number, offset: number): string {
  if (!Number.isFinite(at)) return "----------";
  return new Date(at + offset * 60_000).toISOString().slice(0, 10);
}

/** "03:12:07": the wall clock at the place, whatever zone this screen is set to. */
export function clockOf(iso: string): string {
  return wallTime(ms(iso), offsetOf(iso) ?? 0);
}

/** "03:12:07" today, "11-20 03:12:07" on another day than `now` at that place: an old time must not look new. */
export const stampOf = (iso: string, now: number): string => stampAt(ms(iso), now, offsetOf(iso) ?? 0);

/** The same of UTC ms, as the wall clock `offset` minutes east of UTC shows it. */
export function stampAt(at: number, now: number, offset: number): string {
  const day = wallDay(at, offset);
  const time = wallTime(at, offset);
  return day === wallDay(now, offset) ? time : `${day.slice(5)} ${time}`;
}

export interface Age {
  /** Key under `age.` */
  key: "seconds" | "minutes" | "hours" | "days";
  a: number;
  b: number;
}

/** How long ago in two units: an age is said with units so that nobody reads it as a time of day. Never negative. */
export function ageOf(durationMs: number): Age {
  const s = Math.max(0, Math.floor((Number.isFinite(durationMs) ? durationMs : 0) / 1000));
  if (s < 60) return { key: "seconds", a: s, b: 0 };
  if (s < 3600) return { key: "minutes", a: Math.floor(s / 60), b: s % 60 };
  if (s < 86_400) return { key: "hours", a: Math.floor(s / 3600), b: Math.floor((s % 3600) / 60) };
  return { key: "days", a: Math.floor(s / 86_400), b: Math.floor((s % 86_400) / 3600) };
}

/** Whole seconds until `at`, at least 0, rounded up so that "1" is still ahead. */
export function secondsUntil(at: number, now: number): number {
  return Math.max(0, Math.ceil((at - now) / 1000)) || 0;
}
