/** It sounds until it is muted or taken; taking is not muting; when in doubt it sounds. */
import { describe, expect, it } from "vitest";

import { chimes, toneFor } from "../src/model/sound";
import { PATTERNS, samples } from "../src/sound/patterns";
import { alarm, incident } from "./make";

const quiet = { stale: false, hushedUntil: 0, now: 1_000 };

describe("the tone", () => {
  it("is that of the most urgent ringing incident", () => {
    const p2 = incident({ id: "2", priority: 2 });
    expect(toneFor({ incidents: [p2, incident()], ...quiet })).toBe("p1");
    expect(toneFor({ incidents: [p2, incident({ sound: "muted" })], ...quiet })).toBe("p2");
  });

  it.each(["muted", "silent"] as const)("stops when the incident is %s", (sound) => {
    expect(toneFor({ incidents: [incident({ sound })], ...quiet })).toBe("none");
  });

  it("follows the sound and nothing else: a verdict by devices or a taker does not stop it by itself", () => {
    expect(toneFor({ incidents: [incident({ handling: "taken", verdict: "confirmed_by_devices" })], ...quiet })).toBe("p1");
  });

  it("is silent for a closed incident", () => {
    expect(toneFor({ incidents: [incident({ handling: "closed" })], ...quiet })).toBe("none");
  });

  it("sounds for a priority it does not know", () => {
    expect(toneFor({ incidents: [incident({ priority: 5 })], ...quiet })).toBe("p3");
  });

  it("goes on ringing, or warns softly, when the data is old", () => {
    expect(toneFor({ incidents: [incident()], ...quiet, stale: true })).toBe("p1");
    expect(toneFor({ incidents: [], ...quiet, stale: true })).toBe("stale");
  });

  it("is hushed by this screen only while the data is old, and only for a time", () => {
    expect(toneFor({ incidents: [incident()], stale: true, hushedUntil: 2_000, now: 1_000 })).toBe("none");
    expect(toneFor({ incidents: [incident()], stale: true, hushedUntil: 2_000, now: 2_000 })).toBe("p1");
    expect(toneFor({ incidents: [incident()], stale: false, hushedUntil: 2_000, now: 1_000 })).toBe("p1");
  });
});

describe("the chime", () => {
  const taken = incident({ handling: "taken", sound: "silent", rev: 5, alarms: [alarm({ state: "ACKED" })] });

  it("sounds once when a point of a taken incident alarms again", () => {
    expect(chimes(taken, { ...taken, rev: 6, alarms: [alarm({ state: "UNACK" })] })).toBe(true);
    expect(chimes(taken, { ...taken, rev: 6, alarms: [alarm({ state: "ACKED" }), alarm({ id: "a2" })] })).toBe(true);
  });

  it("keeps still for a delivery, a repeat of the same revision, and while it rings anyway", () => {
    expect(chimes(taken, { ...taken, rev: 6 })).toBe(false);
    expect(chimes(taken, { ...taken, alarms: [alarm()] })).toBe(false);
    expect(chimes(taken, { ...taken, rev: 6, sound: "ringing", alarms: [alarm()] })).toBe(false);
    expect(chimes(undefined, taken)).toBe(false);
  });
});

describe("the samples", () => {
  it.each(Object.keys(PATTERNS) as (keyof typeof PATTERNS)[])("%s stays within range, begins and ends in silence", (name) => {
    const wave = samples(name, 8_000);
    expect(wave.length).toBe(Math.round(PATTERNS[name].seconds * 8_000));
    expect(Math.max(...wave)).toBeGreaterThan(0.1);
    expect(Math.max(...wave.map(Math.abs))).toBeLessThanOrEqual(1);
    expect(Math.abs(wave[0] ?? 1)).toBeLessThan(0.01);
    expect(Math.abs(wave[wave.length - 1] ?? 1)).toBeLessThan(0.05);
  });

  it("P1 never pauses for longer than its edges", () => {
    const wave = samples("p1", 8_000);
    let still = 0;
    for (const x of wave) {
      still = Math.abs(x) < 0.02 ? still + 1 : 0;
      expect(still).toBeLessThan(8_000 * 0.05);
    }
  });
});
