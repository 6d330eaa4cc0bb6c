/** Which incident stands where: priority first, then the newest; and which one the keys work on. */
import type { Incident } from "../api/types";
import { ms, offsetOf, wallDay } from "./time";

export const isClosed = (i: Incident): boolean => i.handling === "closed" || i.handling === "merged";

/** Nobody has it: somebody must still come. */
export const isUntaken = (i: Incident): boolean => i.handling === "open" || i.handling === "reopened";

/** Highest priority first, then newest, then the higher id, so that equal times do not flicker. */
export function byUrgency(a: Incident, b: Incident): number {
  return a.priority - b.priority || ms(b.opened_at) - ms(a.opened_at) || (a.id < b.id ? 1 : a.id > b.id ? -1 : 0);
}

export function openOnes(all: Iterable<Incident>): Incident[] {
  return [...all].filter((i) => !isClosed(i)).sort(byUrgency);
}

/** Closed today at the place, the last closed first. */
export function closedToday(all: Iterable<Incident>, now: number): Incident[] {
  return [...all]
    .filter((i) => {
      const offset = offsetOf(i.updated_at) ?? 0;
      return isClosed(i) && wallDay(ms(i.updated_at), offset) === wallDay(now, offset);
    })
    .sort((a, b) => ms(b.updated_at) - ms(a.updated_at) || (a.id < b.id ? 1 : -1));
}

/**
 * The incident in the large panel. A person's own choice stays while it is open, except that a new P1 takes the panel
 * from anything less; without a choice the top of the list is shown.
 */
export function focusOf(open: readonly Incident[], pinned: string | null): Incident | null {
  const top = open[0] ?? null;
  const chosen = pinned === null ? undefined : open.find((i) => i.id === pinned);
  if (!chosen || !top) return top;
  return top.priority === 1 && chosen.priority > 1 && isUntaken(top) ? top : chosen;
}

/** The most urgent untaken P1 that the panel does not show, for the "another one" bar. */
export function hiddenUrgent(open: readonly Incident[], shown: Incident | null): Incident | null {
  return open.find((i) => i.priority === 1 && isUntaken(i) && i.id !== shown?.id) ?? null;
}
