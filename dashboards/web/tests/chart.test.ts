/** What a chart draws of stored readings: no line across silence, numbers only, round ticks. */
import { describe, expect, it } from "vitest";

import { dots, hourTicks, lines, range, ticks } from "../src/model/chart";

const at = (minute: number): string => new Date(Date.UTC(2026, 10, 22, 3, minute)).toISOString();
const series = (rows: unknown[][]) => ({ point: "a:x/m/", unit: null, stands_for: null, until: null, more: false, stale_since: null, gaps: [], rows });

describe("a chart", () => {
  it("draws raw numbers and levels, and no texts", () => {
    const found = dots(series([[at(0), 1.5], [at(1), true], [at(2), "text"], [at(3), null]]), false);
    expect(found.map((d) => d.value)).toEqual([1.5, 1]);
  });

  it("draws steps by their mean between their least and greatest", () => {
    expect(dots(series([[at(0), 1, 5, 2, 4, 9], [at(1), null, null, null, "text", 3]]), true)).toEqual([
      { at: Date.parse(at(0)), low: 1, high: 5, value: 2 },
    ]);
  });

  it("breaks the line at each gap and nowhere else", () => {
    const all = dots(series([0, 1, 2, 10, 11, 30].map((m) => [at(m), m])), false);
    const gaps = [[at(3), at(10)], [at(12), at(30)], [at(31), at(40)]];
    expect(lines(all, gaps).map((l) => l.map((d) => d.value))).toEqual([[0, 1, 2], [10, 11], [30]]);
    expect(lines(all, []).length).toBe(1);
    expect(lines([], gaps)).toEqual([]);
  });

  it("has round numbers beside it, whatever the values", () => {
    expect(ticks(19.4, 23.1, 5)).toEqual([20, 21, 22, 23]);
    expect(ticks(0, 0.5, 5)).toEqual([0, 0.1, 0.2, 0.3, 0.4, 0.5]);
    expect(range([])).toEqual([0, 1]);
    expect(range([{ at: 0, low: 5, high: 5, value: 5 }])).toEqual([4.5, 5.5]);
  });

  it("has whole hours and midnights of the place below it", () => {
    const since = Date.UTC(2026, 10, 21, 8, 35);
    const hours = (until: number, offset: number): string[] =>
      hourTicks(since, until, offset, 8).map((t) => new Date(t + offset * 60_000).toISOString().slice(5, 16));
    expect(hours(since + 24 * 3_600_000, 480)).toEqual(
      ["11-21T18:00", "11-21T21:00", "11-22T00:00", "11-22T03:00", "11-22T06:00", "11-22T09:00", "11-22T12:00", "11-22T15:00"],
    );
    expect(hours(since + 7 * 86_400_000, 330)[0]).toBe("11-22T00:00");
    expect(hours(since + 30 * 86_400_000, 480).length).toBeLessThanOrEqual(8);
    expect(hourTicks(since, since + 40 * 365 * 86_400_000, 0, 8)).toHaveLength(8);
    expect(hourTicks(NaN, NaN, 0, 8)).toEqual([]);
  });
});
