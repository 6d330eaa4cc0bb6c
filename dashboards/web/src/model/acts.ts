/** Which keys a person may press now, and why not. The gateway decides again; this only keeps hands off wrong keys. */
import type { Alarm, Handling, Incident, Verb } from "../api/types";

/** A panel that changed under the hand takes no press for this long: the press was meant for what stood there before. */
export const SETTLE_MS = 800;
/** The second press of a two-step key counts between these times after the first. */
export const ARM_MIN_MS = 400;
export const ARM_MAX_MS = 6_000;

/** Handling by act, as the gateway's own table has it (gateway/core/incident.py). */
const HANDLING: Record<Handling, readonly Verb[]> = {
  open: ["take", "dispatch", "on_scene", "control"],
  reopened: ["take", "dispatch", "on_scene", "control"],
  taken: ["release", "dispatch", "on_scene", "control"],
  dispatched: ["release", "take", "on_scene", "control"],
  on_scene: ["control", "release"],
  under_control: ["on_scene"],
  closed: ["reopen"],
  merged: [],
};

const BY_PERSON = ["real", "false", "test", "drill"];
const ROLES: Record<Verb, readonly string[]> = {
  take: ["admin", "operator", "grid_staff"],
  release: ["admin", "operator", "grid_staff"],
  on_scene: ["admin", "operator", "grid_staff"],
  control: ["admin", "operator", "grid_staff"],
  verdict: ["admin", "operator", "grid_staff"],
  dispatch: ["admin", "operator"],
  mute: ["admin", "operator"],
  reset: ["admin", "operator"],
  close: ["admin", "operator"],
  reopen: ["admin", "operator"],
};

export interface Gate {
  open: boolean;
  /** Key under `why.` when it is shut. */
  why: string;
}

const OPEN: Gate = { open: true, why: "" };
const shut = (why: string): Gate => ({ open: false, why });

/** The condition is still there. */
export const isActive = (a: Alarm): boolean => a.state === "UNACK" || a.state === "ACKED";
/** The condition is gone, and the alarm stays until somebody resets it. */
export const isLatched = (a: Alarm): boolean => a.state.startsWith("LATCHED");
export const hasVerdict = (i: Incident): boolean => BY_PERSON.includes(i.verdict);

/** Whether `verb` makes sense on this incident for somebody with these roles, with the reason when it does not. */
export function gate(incident: Incident, verb: Verb, roles: readonly string[]): Gate {
  if (!roles.some((r) => ROLES[verb].includes(r))) return shut("role");
  if (verb === "reopen") return incident.handling === "closed" ? OPEN : shut("not_closed");
  if (incident.handling === "closed" || incident.handling === "merged") return shut("closed");
  switch (verb) {
    case "mute":
      if (incident.sound === "ringing") return OPEN;
      return shut(incident.sound === "muted" ? "muted" : "silent");
    case "verdict":
      return OPEN;
    case "reset":
      if (incident.alarms.some(isActive)) return hasVerdict(incident) ? OPEN : shut("active");
      if (incident.alarms.some((a) => a.state === "LATCHED_ACKED")) return OPEN;
      return shut(incident.alarms.some(isLatched) ? "not_taken" : "nothing_to_reset");
    case "close":
      if (incident.priority === 1 && !hasVerdict(incident)) return shut("no_verdict");
      if (incident.alarms.some(isActive)) return shut("active");
      return incident.alarms.some(isLatched) ? shut("not_reset") : OPEN;
    default:
      if (HANDLING[incident.handling].includes(verb)) return OPEN;
      return shut(verb === "take" ? "taken" : "not_now");
  }
}

/** Whether a press counts that came `sinceShownMs` after this incident took the panel. */
export const settled = (sinceShownMs: number): boolean => sinceShownMs >= SETTLE_MS;

/** What the second press of a two-step key does: "act", or "arm" when it came too late (or is the first), "wait" too soon. */
export function secondPress(armedAt: number | null, now: number): "arm" | "wait" | "act" {
  if (armedAt === null || now - armedAt > ARM_MAX_MS) return "arm";
  return now - armedAt < ARM_MIN_MS ? "wait" : "act";
}
