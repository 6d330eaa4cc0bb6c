/** Choosing devices and places: order, search, and what a typed line stands for. */
import { describe, expect, it } from "vitest";

import type { Newcomer } from "../src/api/types";
import { found, lots, nativeOf, sorted } from "../src/model/inbox";
import { choicesOf, fitting, idOf } from "../src/model/places";
import { typeOf } from "../src/model/sheets";
import { pagesFor } from "../src/routes";

const row = (device: string, first_at: string | null, priority?: number): Newcomer =>
  ({ device, first_at, place: { id: "s", path: ["小区"], text: "小区" }, alarms: priority ? [{ priority }] : [] }) as unknown as Newcomer;

describe("the inbox", () => {
  it("has those that alarm on top, the most urgent first, then the newest, and each device once", () => {
    const rows = [row("a:1", "2026-01-01"), row("a:2", null), row("a:3", "2026-01-02"), row("a:4", null, 4), row("a:5", null, 1), row("a:5", null, 1)];
    expect(sorted(rows).map((r) => r.device)).toEqual(["a:5", "a:4", "a:3", "a:1", "a:2"]);
  });

  it("finds by every word typed", () => {
    const rows = [row("a:smoke-3-502", null), row("a:gas-3-502", null)];
    expect(found(rows, "502 SMOKE").map((r) => r.device)).toEqual(["a:smoke-3-502"]);
    expect(found(rows, " ")).toHaveLength(2);
  });

  it("calls a device as it calls itself, slashes, colons and all", () => {
    expect(nativeOf("local:home/a:b")).toBe("home/a:b");
  });

  it("sends no more at once than the gateway takes", () => {
    expect(lots(Array.from({ length: 401 }, (_, n) => n)).map((l) => l.length)).toEqual([200, 200, 1]);
    expect(lots([])).toEqual([]);
  });
});

describe("picking a place", () => {
  const choices = choicesOf([
    { id: "b10", path: ["小区", "10号楼"] }, { id: "b2", path: ["小区", "2号楼"] },
    { id: "x1", path: ["小区", "门厅"] }, { id: "x2", path: ["小区", "门厅"] }, { id: "bare", path: [] },
  ]);

  it("lists them as people count, and tells two of one name apart by their ids", () => {
    expect(choices.map((c) => c.label)).toEqual(expect.arrayContaining(["小区 门厅 (x1)", "小区 门厅 (x2)", "bare"]));
    expect(choices.findIndex((c) => c.id === "b2")).toBeLessThan(choices.findIndex((c) => c.id === "b10"));
  });

  it("takes a line of the list or an id, and nothing in between", () => {
    expect(idOf(choices, " 小区 2号楼 ")).toBe("b2");
    expect(idOf(choices, "x2")).toBe("x2");
    expect(idOf(choices, "2号楼")).toBeNull();
    expect(fitting(choices, "号楼 2").map((c) => c.id)).toEqual(["b2"]);
  });
});

describe("the catalogue page", () => {
  it("knows files by their endings", () => {
    expect(typeOf("设备.XLSX")).toContain("spreadsheetml");
    expect(typeOf("a.b.csv")).toBe("text/csv");
    expect(typeOf("a.doc")).toBeNull();
    expect(typeOf("xlsx.")).toBeNull();
  });

  it("is for administrators, as the inbox is", () => {
    expect(pagesFor(["operator"])).not.toContain("inbox");
    expect(pagesFor(["operator"])).not.toContain("catalogue");
    expect(pagesFor(["viewer", "admin"])).toEqual(expect.arrayContaining(["inbox", "catalogue", "duty"]));
  });
});
