/** What the loudspeaker does, decided from data alone. When in doubt it sounds. */
import type { Incident } from "../api/types";
import { isClosed } from "./order";

export type Tone = "none" | "p1" | "p2" | "p3" | "stale";

export interface Heard {
  incidents: Iterable<Incident>;
  /** Nothing was heard from the gateway for too long, or the session is gone. */
  stale: boolean;
  /** The person at this screen asked for quiet while the gateway cannot be reached; mono ms. */
  hushedUntil: number;
  now: number;
}

/**
 * The tone of the most urgent ringing incident. Without fresh data the last known ringing goes on; with none known the
 * soft "no data" tone. Only without data can this screen hush itself: otherwise muting is the gateway's to answer.
 */
export function toneFor({ incidents, stale, hushedUntil, now }: Heard): Tone {
  if (stale && now < hushedUntil) return "none";
  let highest = 9;
  for (const i of incidents) {
    if (i.sound === "ringing" && !isClosed(i)) highest = Math.min(highest, i.priority);
  }
  if (highest === 1) return "p1";
  if (highest === 2) return "p2";
  if (highest < 9) return "p3";
  return stale ? "stale" : "none";
}

/** A re-alarm in an incident that somebody already has: one chime at the desk. A ringing one needs none. */
export function chimes(before: Incident | undefined, after: Incident): boolean {
  if (!before || after.rev <= before.rev || after.sound === "ringing" || isClosed(after)) return false;
  const known = new Map(before.alarms.map((a) => [a.id, a]));
  return after.alarms.some((a) => {
    const old = known.get(a.id);
    return a.state === "UNACK" && (!old || old.state !== "UNACK" || old.since !== a.since);
  });
}
