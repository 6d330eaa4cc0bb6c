/** A time of day is the place's own, an age has units and never runs backwards. */
import { describe, expect, it } from "vitest";

import { ageOf, clockOf, offsetOf, secondsUntil, stampOf, wallTime } from "../src/model/time";

describe("times", () => {
  it("shows the digits of the place, whatever the zone of the screen", () => {
    expect(clockOf("2026-11-21T03:12:07.125+08:00")).toBe("03:12:07");
    expect(clockOf("2026-11-20T19:12:07Z")).toBe("19:12:07");
    expect(wallTime(Date.parse("2026-11-20T19:12:07Z"), 480)).toBe("03:12:07");
  });

  it.each([["2026-11-21T03:12:07+08:00", 480], ["2026-11-21T03:12:07-03:30", -210], ["2026-11-21T03:12:07Z", 0], ["x", null]])(
    "reads the offset of %s", (iso, minutes) => expect(offsetOf(iso)).toBe(minutes),
  );

  it("names the day of a time that is not today", () => {
    const now = Date.parse("2026-11-21T00:10:00+08:00");
    expect(stampOf("2026-11-21T00:05:00.000+08:00", now)).toBe("00:05:00");
    expect(stampOf("2026-11-20T23:55:00.000+08:00", now)).toBe("11-20 23:55:00");
  });

  it("shows dashes for what is no time", () => expect(clockOf("nonsense")).toBe("--:--:--"));
});

describe("ages", () => {
  it.each([
    [-5_000, "seconds", 0, 0], [59_999, "seconds", 59, 0], [60_000, "minutes", 1, 0], [151_000, "minutes", 2, 31],
    [3_600_000, "hours", 1, 0], [90_000_000, "days", 1, 1], [NaN, "seconds", 0, 0],
  ])("%d ms is %s %d %d", (ms, key, a, b) => expect(ageOf(ms)).toEqual({ key, a, b }));

  it("counts down to zero and stops there", () => {
    expect(secondsUntil(10_000, 8_900)).toBe(2);
    expect(secondsUntil(10_000, 10_000)).toBe(0);
    expect(secondsUntil(10_000, 99_000)).toBe(0);
    expect(secondsUntil(NaN, 0)).toBe(0);
  });
});
