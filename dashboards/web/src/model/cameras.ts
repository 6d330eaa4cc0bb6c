/** What the cameras page thinks: order, the form of one record, whose edits meet whose, and what is wrong where. */
import type { ArmedHours, Camera, CameraLimits, CameraRecord, CameraState, WrongField, Zone } from "../api/cameras";
import type { Bilingual } from "../api/types";
import { faultOf } from "./polygon";

/** Worst first. */
const STATES: readonly CameraState[] = ["lost", "apart", "tampered", "slow", "unregistered", "unknown", "starting", "looking"];

/** How a state looks: a sign, so that colour is not all, and a colour as elsewhere. */
export const LOOKS: Readonly<Record<CameraState, { mark: string; css: string }>> = {
  lost: { mark: "✖", css: "bad" }, apart: { mark: "✖", css: "bad" }, tampered: { mark: "✖", css: "bad" },
  slow: { mark: "▲", css: "warn" }, unregistered: { mark: "▲", css: "warn" }, unknown: { mark: "◌", css: "dim" },
  starting: { mark: "◌", css: "dim" }, looking: { mark: "✔", css: "good" },
};

export function sorted(rows: readonly Camera[]): Camera[] {
  const rank = (row: Camera): number => STATES.indexOf(row.state) + (row.standing.some((one) => one.since !== null) ? 0 : STATES.length);
  return [...rows].sort((a, b) => rank(a) - rank(b) || a.id.localeCompare(b.id, "zh", { numeric: true }));
}

export const NAME = /^[a-z0-9][a-z0-9_-]{0,31}$/;
const ZONE_NAMES = { fire_lane: "lane", exit: "exit", charging_shed: "shed", watch: "watch", mask: "mask" } as const;

/** The first name of the kind that no zone has and none that was saved had. */
export function freshName(kind: Zone["kind"], taken: readonly string[]): string {
  const stem = ZONE_NAMES[kind];
  for (let n = 1; ; n++) {
    const name = n === 1 ? stem : `${stem}-${n}`;
    if (!taken.includes(name)) return name;
  }
}

/** A record as a form holds it: numbers and days as they are typed. The snooze has keys of its own. */
export type Draft = Omit<CameraRecord, "assessed_on" | "thresholds" | "snoozed_until"> & {
  assessed_on: string;
  thresholds: Record<string, string>;
};
export type Field = keyof Draft;
export const FIELDS: readonly Field[] = [
  "purpose", "sees", "notice", "assessed_on", "zones", "analytics", "thresholds", "armed", "shared", "pictures",
];

/** Thresholds that are parts of the picture are read and typed in percent, the others in seconds. */
const PARTS: readonly string[] = ["size_min"];
export const unitOf = (name: string): "percent" | "seconds" => (PARTS.includes(name) ? "percent" : "seconds");
const factor = (name: string): number => (PARTS.includes(name) ? 100 : 1);
export const shownThreshold = (name: string, value: number): string => String(Number((value * factor(name)).toPrecision(9)));

export function draftOf(record: CameraRecord): Draft {
  const { snoozed_until: _, assessed_on, thresholds, ...rest } = record;
  const typed = Object.entries(thresholds).map(([name, value]) => [name, shownThreshold(name, value)]);
  // A copy: the form must never write into what was read.
  return structuredCloned({ ...rest, assessed_on: assessed_on ?? "", thresholds: Object.fromEntries(typed) as Record<string, string> });
}

/** Reactive objects cannot be cloned by the browser; what is plain JSON can go through text. */
const structuredCloned = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

/** The row to send. Call it only where `faultsOf` finds nothing. */
export function recordOf(draft: Draft, snoozed_until: number | null): CameraRecord {
  const { assessed_on, thresholds, ...rest } = draft;
  const set = Object.entries(thresholds).filter(([, text]) => text.trim() !== "");
  const numbers = set.map(([name, text]) => [name, Number((Number(text) / factor(name)).toPrecision(9))]);
  return { ...rest, assessed_on: assessed_on || null, thresholds: Object.fromEntries(numbers) as Record<string, number>, snoozed_until };
}

export const differing = (a: Draft, b: Draft): Field[] => FIELDS.filter((field) => text(a[field]) !== text(b[field]));

/** An empty threshold is one that is not set, and order of names means nothing. */
function text(value: unknown): string {
  if (Array.isArray(value) || typeof value !== "object" || value === null) return JSON.stringify(value ?? null);
  return JSON.stringify(Object.entries(value).filter(([, one]) => one !== "").sort());
}

/** Two people edited the same row: each field as the one who changed it has it, mine where both did, and which those are. */
export function merged(base: Draft, mine: Draft, theirs: Draft): { draft: Draft; both: Field[]; taken: Field[] } {
  const [ours, others] = [differing(base, mine), differing(base, theirs)];
  const taken = others.filter((field) => !ours.includes(field));
  const draft = structuredCloned(mine);
  for (const field of taken) take(draft, structuredCloned(theirs), field);
  const clash = differing(mine, theirs);
  return { draft, taken, both: others.filter((field) => ours.includes(field) && clash.includes(field)) };
}

/** Put one field of another draft into this one. */
export function take<F extends Field>(into: Draft, from: Draft, field: F): void {
  into[field] = from[field];
}

/** One thing that is wrong. `at` names the input: `purpose`, `thresholds.dwell_s`, `zones.2`. */
export interface Wrong {
  at: string;
  /** Key under `wrong.`, with its gaps; null where the gateway said it. */
  key: string | null;
  args: Record<string, string | number>;
  said?: { expected: Bilingual; found: Bilingual };
}

/** What may not be sent, said before anybody is asked. An empty purpose is allowed: such a camera does not start. */
export function faultsOf(draft: Draft, limits: CameraLimits): Wrong[] {
  const found: Wrong[] = [];
  for (const [name, typed] of Object.entries(draft.thresholds)) {
    const [low = 0, high = 0] = limits.thresholds[name] ?? [];
    const value = Number(typed) / factor(name);
    const args = { low: shownThreshold(name, low), high: shownThreshold(name, high) };
    if (typed.trim() !== "" && !(value >= low && value <= high)) found.push({ at: `thresholds.${name}`, key: "range", args });
  }
  draft.armed.forEach((hours, n) => {
    if (!hours.days.length) found.push({ at: `armed.${n}`, key: "no_days", args: {} });
  });
  draft.zones.forEach((zone, n) => {
    const twice = draft.zones.some((other, m) => m !== n && other.name === zone.name);
    const fault = faultOf(zone.points);
    if (!NAME.test(zone.name)) found.push({ at: `zones.${n}`, key: "name", args: {} });
    else if (twice) found.push({ at: `zones.${n}`, key: "twice", args: { name: zone.name } });
    if (fault !== null) found.push({ at: `zones.${n}`, key: fault, args: {} });
  });
  return found;
}

/** Fields whose parts have inputs, or lines, of their own. */
const PARTED: readonly string[] = ["zones", "armed", "thresholds"];

/** The gateway's errors at the inputs they are of: `zones[1].points[0]` is of `zones.1`. */
export function wrongOf(errors: readonly unknown[]): Wrong[] {
  return errors.filter(isWrongField).map(({ field, expected, found, said }) => {
    const path = field.replace(/\[(\d+)\]/g, ".$1").split(".");
    const depth = PARTED.includes(path[0] ?? "") ? 2 : 1;
    const plain = (text: string): Bilingual => ({ "zh-CN": text, en: text });
    return { at: path.slice(0, depth).join("."), key: null, args: {}, said: said ?? { expected: plain(expected), found: plain(found) } };
  });
}

function isWrongField(error: unknown): error is WrongField {
  return typeof error === "object" && error !== null && typeof (error as WrongField).field === "string";
}

/** "22:30"; 24:00 is shown as the midnight it is. */
export function timeText(minutes: number): string {
  const inDay = minutes % 1440;
  return `${String(Math.floor(inDay / 60)).padStart(2, "0")}:${String(inDay % 60).padStart(2, "0")}`;
}

/** Minutes of the day; null for what is no time. */
export function minutesOf(typed: string): number | null {
  const found = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(typed.slice(0, 5));
  return found ? Number(found[1]) * 60 + Number(found[2]) : null;
}

export const pastMidnight = ({ start, end }: ArmedHours): boolean => end <= start;
