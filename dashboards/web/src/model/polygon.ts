/** Polygons as people draw them: what is wrong with one, and whether one more point may be added. Coordinates 0 to 1. */
import type { Point } from "../api/cameras";

/** "few" points, edges "crossing", "small" to nothing, too "many" points. */
export type Fault = "few" | "crossing" | "small" | "many";

export const POINTS_MIN = 3;
export const POINTS_MAX = 64;
const AREA_MIN = 0.0004; // of the picture: some ten by ten pixels of 640x360
const SAME = 0.004; // two presses closer than this are one
const DIGITS = 10_000;

const within = (part: number): number => Math.round(Math.min(1, Math.max(0, part)) * DIGITS) / DIGITS;

/** Inside the picture, to a ten thousandth of it. */
export const kept = ([x, y]: Point): Point => [within(x), within(y)];

export const same = (a: Point, b: Point): boolean => Math.abs(a[0] - b[0]) < SAME && Math.abs(a[1] - b[1]) < SAME;

export const middle = (a: Point, b: Point): Point => kept([(a[0] + b[0]) / 2, (a[1] + b[1]) / 2]);

/** What keeps these points from being a zone; null where nothing does. */
export function faultOf(points: readonly Point[]): Fault | null {
  if (points.length < POINTS_MIN) return "few";
  if (points.length > POINTS_MAX) return "many";
  if (crossing(edges(points, true), true)) return "crossing";
  return area(points) < AREA_MIN ? "small" : null;
}

/** What keeps one more point from being added to an open line; null where nothing does. */
export function faultOfNext(line: readonly Point[], next: Point): Fault | null {
  if (line.length >= POINTS_MAX) return "many";
  return crossing(edges([...line, next], false), false) ? "crossing" : null;
}

/** Half the sum of the cross products. */
export function area(points: readonly Point[]): number {
  return Math.abs(edges(points, true).reduce((sum, [a, b]) => sum + a[0] * b[1] - b[0] * a[1], 0)) / 2;
}

type Edge = readonly [Point, Point];

function edges(points: readonly Point[], closed: boolean): Edge[] {
  const made = points.slice(1).map((to, n): Edge => [points[n] as Point, to]);
  const [first, last] = [points[0], points[points.length - 1]];
  return closed && first && last ? [...made, [last, first]] : made;
}

function crossing(all: readonly Edge[], closed: boolean): boolean {
  for (let i = 0; i < all.length; i++) {
    for (let j = i + 1; j < all.length; j++) {
      const [one, other] = [all[i] as Edge, all[j] as Edge];
      const follows = j === i + 1;
      const leads = closed && i === 0 && j === all.length - 1;
      // Neighbours share a point by right; they must not run back along each other.
      if (follows || leads ? back(...(follows ? [one, other] as const : [other, one] as const)) : touch(one, other)) return true;
    }
  }
  return false;
}

const turn = (a: Point, b: Point, c: Point): number => (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
const EVEN = 1e-12;
const sign = (value: number): number => (Math.abs(value) < EVEN ? 0 : Math.sign(value));

function back([a, b]: Edge, [, c]: Edge): boolean {
  return sign(turn(a, b, c)) === 0 && (a[0] - b[0]) * (c[0] - b[0]) + (a[1] - b[1]) * (c[1] - b[1]) > 0;
}

function touch([a, b]: Edge, [c, d]: Edge): boolean {
  const [t1, t2, t3, t4] = [sign(turn(a, b, c)), sign(turn(a, b, d)), sign(turn(c, d, a)), sign(turn(c, d, b))];
  if (t1 !== t2 && t3 !== t4) return true;
  return (t1 === 0 && on(a, b, c)) || (t2 === 0 && on(a, b, d)) || (t3 === 0 && on(c, d, a)) || (t4 === 0 && on(c, d, b));
}

/** Whether `p`, known to lie on the line through them, lies between `a` and `b`. */
function on(a: Point, b: Point, p: Point): boolean {
  return (
    Math.min(a[0], b[0]) <= p[0] && p[0] <= Math.max(a[0], b[0]) && Math.min(a[1], b[1]) <= p[1] && p[1] <= Math.max(a[1], b[1])
  );
}
