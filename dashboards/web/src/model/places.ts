/** Places as people pick them: one line each, from the site inwards, the id only where two lines would be the same. */
import type { Place } from "../api/types";

const SHOWN_MAX = 60;

export interface Choice {
  id: string;
  label: string;
}

export function choicesOf(places: readonly Pick<Place, "id" | "path">[]): Choice[] {
  const count = new Map<string, number>();
  const named = places.map((p) => ({ id: p.id, label: p.path.join(" ") || p.id }));
  for (const { label } of named) count.set(label, (count.get(label) ?? 0) + 1);
  return named
    .map(({ id, label }) => ({ id, label: count.get(label) === 1 ? label : `${label} (${id})` }))
    .sort((a, b) => a.label.localeCompare(b.label, "zh", { numeric: true }));
}

/** Those that hold every word typed, in any order; a browser's list of thousands would freeze it. */
export function fitting(choices: readonly Choice[], typed: string): Choice[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  return choices
    .filter((c) => words.every((w) => c.label.toLowerCase().includes(w) || c.id.toLowerCase().includes(w)))
    .slice(0, SHOWN_MAX);
}

/** What was typed or picked as an id: a label, or the id itself; null for neither. */
export function idOf(choices: readonly Choice[], typed: string): string | null {
  const wanted = typed.trim();
  return choices.find((c) => c.label === wanted || c.id === wanted)?.id ?? null;
}
