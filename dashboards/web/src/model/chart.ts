/** Stored readings as what a chart draws: lines that break where reports were owed, and the numbers beside them. */
import type { History } from "../api/types";
import { ms } from "./time";

type Series = History["series"][number];

export interface Dot {
  at: number;
  /** Least and greatest of the step; both are `value` for a raw reading. */
  low: number;
  high: number;
  value: number;
}

const number = (v: unknown): number | null =>
  typeof v === "number" ? v : typeof v === "boolean" ? Number(v) : null;

/** Rows that are numbers or levels: `[at, value]`, or `[at, min, max, mean, last, count]` in steps. */
export function dots(series: Series, stepped: boolean): Dot[] {
  const found: Dot[] = [];
  for (const row of series.rows) {
    const at = ms(String(row[0]));
    const [low, high, value] = stepped ? [number(row[1]), number(row[2]), number(row[3])] : [number(row[1]), number(row[1]), number(row[1])];
    if (low !== null && high !== null && value !== null) found.push({ at, low, high, value });
  }
  return found;
}

/** The dots as lines: none goes across a time in which nothing was heard. */
export function lines(all: readonly Dot[], gaps: readonly (readonly string[])[]): Dot[][] {
  const breaks = gaps.map(([from]) => ms(from ?? "")).sort((a, b) => a - b);
  const found: Dot[][] = [];
  let next = 0;
  for (const dot of all) {
    const line = found[found.length - 1];
    const before = line?.[line.length - 1];
    while (next < breaks.length && before && (breaks[next] ?? 0) < before.at) next++;
    if (!line || (breaks[next] ?? Infinity) <= dot.at) found.push([dot]);
    else line.push(dot);
  }
  return found;
}

/** Least and greatest with some room; a level line is in the middle. */
export function range(all: readonly Dot[]): [number, number] {
  let low = Infinity;
  let high = -Infinity;
  for (const dot of all) {
    low = Math.min(low, dot.low);
    high = Math.max(high, dot.high);
  }
  if (low > high) return [0, 1];
  const room = low === high ? Math.max(Math.abs(low) * 0.1, 0.5) : (high - low) * 0.06;
  return [low - room, high + room];
}

/** At most `most` round numbers between two numbers. */
export function ticks(low: number, high: number, most: number): number[] {
  const rough = (high - low) / most;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5, 10].find((n) => n * power >= rough) ?? 10) * power;
  const found: number[] = [];
  for (let n = Math.ceil(low / step); n * step <= high; n++) found.push(Number((n * step).toPrecision(12)));
  return found;
}

const HOUR = 3_600_000;
const HOURS = [1, 2, 3, 4, 6, 12, 24, 48, 120, 168, 360, 720, 1440] as const;

/** At most `most` times between two, at round hours or midnights of the wall clock `offset` minutes east of UTC. */
export function hourTicks(since: number, until: number, offset: number, most: number): number[] {
  const step = (HOURS.find((h) => (until - since) / (h * HOUR) <= most) ?? 8760) * HOUR;
  const east = offset * 60_000;
  const found: number[] = [];
  for (let at = Math.ceil((since + east) / step) * step - east; at < until; at += step) found.push(at);
  return found.slice(0, most);
}
