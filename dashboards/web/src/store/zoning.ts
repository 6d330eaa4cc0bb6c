/** Zones while somebody draws them: every step can be undone, and none leaves a zone that cannot be. */
import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from "vue";

import type { Point, Zone, ZoneKind } from "../api/cameras";
import { freshName } from "../model/cameras";
import { type Fault, faultOf, faultOfNext, kept, middle, same } from "../model/polygon";

const STEPS_MAX = 50;

export interface Zoning {
  zones: Readonly<Ref<readonly Zone[]>>;
  /** Which one is edited; -1 for none. */
  chosen: Ref<number>;
  /** The open line of a zone that is being drawn; null while none is. */
  line: Readonly<ShallowRef<readonly Point[] | null>>;
  /** Why the last step was not done, until the next one is. */
  refused: Readonly<Ref<Fault | null>>;
  undoable: ComputedRef<boolean>;
  begin: (kind: ZoneKind) => void;
  add: (point: Point) => void;
  finish: () => void;
  giveUp: () => void;
  undo: () => void;
  /** Follows a pointer; `drop` says whether it may stay there. */
  drag: (n: number, to: Point) => void;
  drop: () => void;
  move: (n: number, to: Point) => void;
  insert: (after: number) => void;
  dropPoint: (n: number) => void;
  remove: (index: number) => void;
  change: (index: number, over: Partial<Pick<Zone, "name" | "kind">>) => void;
  /** Other zones came from elsewhere: what was done to the old ones cannot be undone any more. */
  forget: () => void;
}

/** `known`: names that were saved once, which a new zone does not get by itself. */
export function useZoning(zones: Ref<readonly Zone[]>, known: () => readonly string[]): Zoning {
  const past = shallowRef<(readonly Zone[])[]>([]);
  const chosen = ref(-1);
  const line = shallowRef<readonly Point[] | null>(null);
  const refused = ref<Fault | null>(null);
  let kind: ZoneKind = "fire_lane";
  let held: readonly Zone[] | null = null; // as it was when the drag began

  function step(next: readonly Zone[], from = zones.value): void {
    past.value = [...past.value, from].slice(-STEPS_MAX);
    zones.value = next;
    refused.value = null;
  }

  const withPoints = (points: readonly Point[]): Zone[] =>
    zones.value.map((zone, n) => (n === chosen.value ? { ...zone, points } : zone));

  /** The chosen zone gets these points, if they are a zone. */
  function reshape(points: readonly Point[]): void {
    const fault = faultOf(points);
    if (fault === null) step(withPoints(points));
    else refused.value = fault;
  }

  const points = (): readonly Point[] => zones.value[chosen.value]?.points ?? [];
  const moved = (n: number, to: Point): Point[] => points().map((point, m) => (m === n ? kept(to) : point));

  function begin(wanted: ZoneKind): void {
    kind = wanted;
    line.value = [];
    chosen.value = -1;
    refused.value = null;
  }

  function add(point: Point): void {
    const drawn = line.value;
    if (drawn === null) return;
    const next = kept(point);
    const [first, last] = [drawn[0], drawn[drawn.length - 1]];
    if (last && same(last, next)) return;
    if (first && drawn.length > 2 && same(first, next)) return finish();
    refused.value = faultOfNext(drawn, next);
    if (refused.value === null) line.value = [...drawn, next];
  }

  function finish(): void {
    const drawn = line.value;
    if (drawn === null) return;
    refused.value = faultOf(drawn);
    if (refused.value !== null) return;
    const name = freshName(kind, [...zones.value.map((zone) => zone.name), ...known()]);
    line.value = null;
    step([...zones.value, { name, kind, points: drawn }]);
    chosen.value = zones.value.length - 1;
  }

  function giveUp(): void {
    line.value = null;
    refused.value = null;
  }

  function undo(): void {
    refused.value = null;
    if (line.value !== null) {
      if (line.value.length) line.value = line.value.slice(0, -1);
      else giveUp();
      return;
    }
    const before = past.value[past.value.length - 1];
    if (before === undefined) return;
    past.value = past.value.slice(0, -1);
    zones.value = before;
    if (chosen.value >= before.length) chosen.value = before.length - 1;
  }

  function drag(n: number, to: Point): void {
    held ??= zones.value;
    zones.value = withPoints(moved(n, to));
  }

  function drop(): void {
    if (held === null) return;
    const [from, now] = [held, zones.value];
    held = null;
    refused.value = faultOf(points());
    if (refused.value === null) step(now, from);
    else zones.value = from;
  }

  function insert(after: number): void {
    const all = points();
    const [a, b] = [all[after], all[(after + 1) % all.length]];
    if (a && b) reshape([...all.slice(0, after + 1), middle(a, b), ...all.slice(after + 1)]);
  }

  function remove(index: number): void {
    step(zones.value.filter((_, n) => n !== index));
    chosen.value = -1;
  }

  return {
    zones, chosen, line, refused, begin, add, finish, giveUp, undo, drag, drop, insert, remove,
    undoable: computed(() => line.value !== null || past.value.length > 0),
    move: (n, to) => reshape(moved(n, to)),
    dropPoint: (n) => reshape(points().filter((_, m) => m !== n)),
    change: (index, over) => step(zones.value.map((zone, n) => (n === index ? { ...zone, ...over } : zone))),
    forget: () => {
      past.value = [];
      held = null;
      chosen.value = -1;
      giveUp();
    },
  };
}
