/** Cameras: what a zone must be, what drawing refuses and undoes, whose edits meet whose, and what is wrong where. */
import { describe, expect, it } from "vitest";
import { ref } from "vue";

import type { CameraLimits, Point, Zone } from "../src/api/cameras";
import {
  differing, draftOf, faultsOf, freshName, merged, minutesOf, pastMidnight, recordOf, sorted, timeText, wrongOf,
} from "../src/model/cameras";
import { faultOf, faultOfNext, kept } from "../src/model/polygon";
import { useZoning } from "../src/store/zoning";
import { camera, record } from "./make";

const SQUARE: Point[] = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5], [0.1, 0.5]];
const BOW: Point[] = [[0.1, 0.1], [0.5, 0.5], [0.5, 0.1], [0.1, 0.5]];
const LIMITS: CameraLimits = {
  thresholds: { dwell_s: [1, 86_400], size_min: [0.0005, 0.5] }, zones_max: 2, points_max: 64, snooze_max_ms: 86_400_000,
  kinds: ["fire_lane", "mask"], analytics: ["tamper", "motion"], pictures: ["occupied"],
};

describe("a polygon", () => {
  it.each<[string, Point[], string | null]>([
    ["a square", SQUARE, null],
    ["a triangle", SQUARE.slice(0, 3), null],
    ["a bow tie", BOW, "crossing"],
    ["two points", SQUARE.slice(0, 2), "few"],
    ["a line there and back", [[0.1, 0.1], [0.5, 0.1], [0.3, 0.1]], "crossing"],
    ["a corner that touches an edge", [[0, 0], [0.8, 0], [0.8, 0.8], [0.4, 0], [0, 0.8]], "crossing"],
    ["next to nothing", [[0.1, 0.1], [0.11, 0.1], [0.11, 0.11]], "small"],
    ["65 points", Array.from({ length: 65 }, (_, n): Point => [0.5 + 0.4 * Math.cos(n / 11), 0.5 + 0.4 * Math.sin(n / 11)]), "many"],
  ])("%s", (_, points, fault) => expect(faultOf(points)).toBe(fault));

  it("may be drawn on only where its line stays clear of itself", () => {
    const line: Point[] = [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]];
    expect(faultOfNext(line, [0.1, 0.5])).toBeNull();
    expect(faultOfNext(line, [0.3, 0])).toBe("crossing");
    expect(faultOfNext(line, [0.5, 0.3])).toBe("crossing");
  });

  it("stays in the picture", () => expect(kept([-0.2, 1.00004])).toEqual([0, 1]));
});

describe("drawing", () => {
  function begun(zones: Zone[] = []): ReturnType<typeof useZoning> {
    return useZoning(ref<readonly Zone[]>(zones), () => ["lane"]);
  }
  const drawn = (points: Point[]): ReturnType<typeof useZoning> => {
    const zoning = begun();
    zoning.begin("fire_lane");
    points.forEach(zoning.add);
    return zoning;
  };

  it("makes a zone when its first point is pressed again, by a name that no saved zone has", () => {
    const zoning = drawn([...SQUARE, [0.101, 0.1]]);
    expect(zoning.zones.value).toEqual([{ name: "lane-2", kind: "fire_lane", points: SQUARE }]);
    expect([zoning.chosen.value, zoning.line.value]).toEqual([0, null]);
  });

  it("refuses what is no zone, says why, and goes on", () => {
    const zoning = drawn([[0.1, 0.1], [0.5, 0.5], [0.5, 0.1]]);
    zoning.add([0.1, 0.5]);
    expect([zoning.refused.value, zoning.line.value?.length]).toEqual(["crossing", 3]);
    zoning.undo();
    zoning.finish();
    expect([zoning.refused.value, zoning.zones.value.length]).toEqual(["few", 0]);
    zoning.add([0.5, 0.1]);
    zoning.finish();
    expect(zoning.zones.value).toHaveLength(1);
  });

  it("undoes step by step: points, shapes, names, whole zones", () => {
    const zoning = begun([{ name: "a", kind: "mask", points: SQUARE }]);
    zoning.chosen.value = 0;
    zoning.move(0, [0.2, 0.2]);
    zoning.insert(0);
    zoning.change(0, { name: "b" });
    zoning.remove(0);
    expect(zoning.zones.value).toEqual([]);
    zoning.undo();
    expect(zoning.zones.value[0]).toMatchObject({ name: "b", points: { length: 5 } });
    for (let n = 0; n < 3; n++) zoning.undo();
    expect([zoning.zones.value[0]?.points, zoning.undoable.value]).toEqual([SQUARE, false]);
  });

  it("lets a point be dragged anywhere but leaves it nowhere where the zone would be none", () => {
    const zoning = begun([{ name: "a", kind: "mask", points: SQUARE }]);
    zoning.chosen.value = 0;
    zoning.drag(0, [0.9, 0.3]);
    zoning.drag(0, [0.9, 0.4]);
    zoning.drop();
    expect([zoning.zones.value[0]?.points, zoning.refused.value, zoning.undoable.value]).toEqual([SQUARE, "crossing", false]);
    zoning.drag(0, [0.2, 0.2]);
    zoning.drag(0, [0.05, 0.05]);
    zoning.drop();
    expect(zoning.zones.value[0]?.points[0]).toEqual([0.05, 0.05]);
    zoning.undo();
    expect(zoning.zones.value[0]?.points).toEqual(SQUARE);
    zoning.dropPoint(0);
    zoning.chosen.value = 0;
    zoning.dropPoint(0);
    expect([zoning.refused.value, zoning.zones.value[0]?.points.length]).toEqual(["few", 3]);
  });
});

describe("a record in its form", () => {
  it("comes out as it went in, thresholds as people read them in between", () => {
    const one = record({ thresholds: { dwell_s: 120, size_min: 0.003 }, assessed_on: null, snoozed_until: 5 });
    expect(draftOf(one).thresholds).toEqual({ dwell_s: "120", size_min: "0.3" });
    expect(recordOf(draftOf(one), 5)).toEqual(one);
    expect(recordOf({ ...draftOf(one), thresholds: { dwell_s: " ", size_min: "0.05" } }, null).thresholds).toEqual({ size_min: 0.0005 });
  });

  it("is as before when a threshold was typed and emptied again", () => {
    const draft = draftOf(record());
    expect(differing(draft, { ...draft, thresholds: { dwell_s: "" } })).toEqual([]);
    expect(differing(draft, { ...draft, purpose: "x", shared: true })).toEqual(["purpose", "shared"]);
  });

  it("meets another person's edit field by field and loses nothing of either", () => {
    const base = draftOf(record());
    const mine = { ...base, purpose: "mine", sees: "mine", shared: true };
    const theirs = { ...base, purpose: "theirs", notice: "theirs", shared: true };
    const met = merged(base, mine, theirs);
    expect(met.draft).toEqual({ ...base, purpose: "mine", sees: "mine", notice: "theirs", shared: true });
    expect([met.both, met.taken]).toEqual([["purpose"], ["notice"]]);
  });

  it("is refused at the fields that are wrong, before anybody is asked and after", () => {
    const zones: Zone[] = [{ name: "A b", kind: "mask", points: BOW }, { name: "a", kind: "mask", points: SQUARE }, { name: "a", kind: "mask", points: SQUARE }];
    const draft = { ...draftOf(record()), zones, thresholds: { dwell_s: "0", size_min: "51" }, armed: [{ start: 0, end: 0, days: [] }] };
    expect(faultsOf(draft, LIMITS).map((one) => `${one.at} ${one.key}`)).toEqual([
      "thresholds.dwell_s range", "thresholds.size_min range", "armed.0 no_days", "zones.0 name", "zones.0 crossing", "zones.1 twice", "zones.2 twice",
    ]);
    expect(faultsOf({ ...draft, zones: [], armed: [], thresholds: { size_min: "x" } }, LIMITS)[0]?.args).toEqual({ low: "0.05", high: "50" });
    const said = wrongOf([{ field: "zones[1].points[0]", expected: "0 to 1", found: "2" }, { field: "pictures[0]", expected: "a", found: "b" }, { field: "thresholds.dwell_s", expected: "a", found: "b" }, "?", null]);
    expect(said.map((one) => one.at)).toEqual(["zones.1", "pictures", "thresholds.dwell_s"]);
  });
});

describe("the list", () => {
  it("has what stands on top, then what is worst", () => {
    const rows = [
      camera({ id: "a:ok" }), camera({ id: "a:lost", state: "lost" }), camera({ id: "a:new", state: "unregistered" }),
      camera({ id: "a:lane", standing: [{ metric: "obstruction", channel: "lane", since: 1 }] }),
    ];
    rows.push(camera({ id: "a:zz", standing: [{ metric: "motion", channel: "", since: null }] }));
    expect(sorted(rows).map((row) => row.id)).toEqual(["a:lane", "a:lost", "a:new", "a:ok", "a:zz"]);
  });

  it("names a new zone after its kind", () => expect(freshName("charging_shed", ["shed", "shed-2"])).toBe("shed-3"));
});

describe("armed hours", () => {
  it("are typed as times of the day; midnight at the end is 24:00", () => {
    expect([timeText(1350), timeText(1440), minutesOf("22:30"), minutesOf("24:00"), minutesOf("")]).toEqual(["22:30", "00:00", 1350, null, null]);
    expect([pastMidnight({ start: 60, end: 60, days: [0] }), pastMidnight({ start: 60, end: 61, days: [0] })]).toEqual([true, false]);
  });
});
