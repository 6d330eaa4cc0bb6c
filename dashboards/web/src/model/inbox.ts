/** What the inbox page thinks: order of devices, and their own names. */
import type { Newcomer } from "../api/types";

/** The name a device gives itself, without its source. */
export const nativeOf = (device: string): string => device.slice(device.indexOf(":") + 1);

/** Those that alarm first, then the newest. */
export function sorted(rows: readonly Newcomer[]): Newcomer[] {
  const urgent = (row: Newcomer): number => Math.min(9, ...row.alarms.map((a) => a.priority));
  return [...new Map(rows.map((row) => [row.device, row])).values()].sort(
    (a, b) => urgent(a) - urgent(b) || (b.first_at ?? "").localeCompare(a.first_at ?? "") || a.device.localeCompare(b.device, "zh", { numeric: true }),
  );
}

export function found(rows: readonly Newcomer[], typed: string): Newcomer[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => words.every((w) => `${row.device} ${row.place.text}`.toLowerCase().includes(w)));
}

/** The gateway takes so many at once; more are sent one lot after the other. */
const LOT = 200;

export function lots<T>(items: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(items.length / LOT) }, (_, n) => items.slice(n * LOT, (n + 1) * LOT));
}
