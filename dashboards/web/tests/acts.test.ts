/** Keys are shut with a reason, two-step keys take two presses, and nothing is pressed on what just changed. */
import { describe, expect, it } from "vitest";

import type { Handling, Incident, Verb } from "../src/api/types";
import { ARM_MAX_MS, ARM_MIN_MS, SETTLE_MS, gate, secondPress, settled } from "../src/model/acts";
import { alarm, incident } from "./make";

const desk = ["operator"];
const VERBS: Verb[] = ["take", "release", "dispatch", "on_scene", "control"];

describe("the handling keys", () => {
  const table: [Handling, Verb[]][] = [
    ["open", ["take", "dispatch", "on_scene", "control"]],
    ["reopened", ["take", "dispatch", "on_scene", "control"]],
    ["taken", ["release", "dispatch", "on_scene", "control"]],
    ["dispatched", ["take", "release", "on_scene", "control"]],
    ["on_scene", ["release", "control"]],
    ["under_control", ["on_scene"]],
    ["closed", []],
    ["merged", []],
  ];
  it.each(table)("%s allows exactly %s", (handling, open) => {
    const found = VERBS.filter((v) => gate(incident({ handling }), v, desk).open);
    expect(found.sort()).toEqual([...open].sort());
  });
});

describe("three different things", () => {
  it("taking does not need or shut the verdict, and muting needs only a ringing sound", () => {
    const taken = incident({ handling: "taken", sound: "silent" });
    expect(gate(taken, "verdict", desk).open).toBe(true);
    expect(gate(taken, "mute", desk)).toEqual({ open: false, why: "silent" });
    expect(gate(incident({ handling: "taken", sound: "ringing" }), "mute", desk).open).toBe(true);
    expect(gate(incident({ sound: "muted" }), "take", desk).open).toBe(true);
  });
});

describe("the end of an incident", () => {
  const judged = (over: Partial<Incident>): Incident => incident({ handling: "taken", verdict: "false", ...over });
  it.each([
    ["a P1 without a person's verdict", incident({ verdict: "confirmed_by_devices", alarms: [alarm({ state: "NORM" })] }), "no_verdict"],
    ["an alarm that is still there", judged({ alarms: [alarm({ state: "ACKED" })] }), "active"],
    ["a latched alarm", judged({ alarms: [alarm({ state: "LATCHED_ACKED" })] }), "not_reset"],
    ["nothing in the way", judged({ alarms: [alarm({ state: "NORM" })] }), ""],
    ["a P2, without a verdict", judged({ priority: 2, verdict: "unverified", alarms: [] }), ""],
  ])("closing with %s", (_, i, why) => expect(gate(i, "close", desk)).toEqual({ open: why === "", why }));

  it.each([
    ["UNACK", "unverified", "active"],
    ["ACKED", "real", ""],
    ["LATCHED_ACKED", "unverified", ""],
    ["LATCHED_UNACK", "unverified", "not_taken"],
    ["NORM", "false", "nothing_to_reset"],
  ] as const)("resetting %s with verdict %s", (state, verdict, why) => {
    expect(gate(incident({ verdict, alarms: [alarm({ state })] }), "reset", desk)).toEqual({ open: why === "", why });
  });

  it("reopens only what is closed", () => {
    expect(gate(incident({ handling: "closed" }), "reopen", desk).open).toBe(true);
    expect(gate(incident(), "reopen", desk).open).toBe(false);
  });
});

describe("roles", () => {
  it("a viewer presses nothing, grid staff no desk keys", () => {
    for (const verb of [...VERBS, "mute", "verdict", "reset", "close"] as Verb[]) {
      expect(gate(incident(), verb, ["viewer"])).toEqual({ open: false, why: "role" });
    }
    expect(gate(incident(), "take", ["grid_staff"]).open).toBe(true);
    expect(gate(incident(), "mute", ["grid_staff"]).open).toBe(false);
  });
});

describe("presses", () => {
  it("do not count on a panel that has just changed", () => {
    expect(settled(SETTLE_MS - 1)).toBe(false);
    expect(settled(SETTLE_MS)).toBe(true);
  });

  it.each([
    [null, 0, "arm"], [0, ARM_MIN_MS - 1, "wait"], [0, ARM_MIN_MS, "act"], [0, ARM_MAX_MS, "act"], [0, ARM_MAX_MS + 1, "arm"],
  ] as const)("armed at %s, pressed at %s: %s", (armed, now, does) => expect(secondPress(armed, now)).toBe(does));
});
