/** The most urgent stands on top, and the keys never slide to another incident unseen. */
import { describe, expect, it } from "vitest";

import { closedToday, focusOf, hiddenUrgent, openOnes } from "../src/model/order";
import { incident } from "./make";

const at = (time: string): string => `2026-11-21T${time}.000+08:00`;
const old = incident({ id: "1", opened_at: at("01:00:00") });
const recent = incident({ id: "2", opened_at: at("03:00:00") });
const lesser = incident({ id: "3", priority: 2, opened_at: at("03:30:00") });
const ended = incident({ id: "4", handling: "closed", opened_at: at("03:40:00") });

describe("the list", () => {
  it("puts priority before time and the newest of a priority first", () => {
    expect(openOnes([lesser, ended, old, recent]).map((i) => i.id)).toEqual(["2", "1", "3"]);
  });

  it("compares instants, not digits: other zones do not change the order", () => {
    const west = incident({ id: "5", opened_at: "2026-11-20T19:30:00.000+00:00" }); // 03:30 in +08:00
    expect(openOnes([recent, west]).map((i) => i.id)).toEqual(["5", "2"]);
  });

  it("keeps one order for equal times", () => {
    const twin = incident({ id: "9", opened_at: recent.opened_at });
    expect(openOnes([recent, twin])).toEqual(openOnes([twin, recent]));
  });

  it("shows as closed today what was closed on the place's own day", () => {
    const now = Date.parse(at("12:00:00"));
    const before = incident({ id: "6", handling: "closed", updated_at: "2026-11-20T23:59:59.000+08:00" });
    const after = incident({ id: "7", handling: "closed", updated_at: "2026-11-21T00:00:01.000+08:00" });
    expect(closedToday([before, after, recent], now).map((i) => i.id)).toEqual(["7"]);
  });
});

describe("the panel", () => {
  it("follows the most urgent while nobody chose", () => {
    expect(focusOf([recent, old, lesser], null)?.id).toBe("2");
    expect(focusOf([], null)).toBeNull();
  });

  it("keeps a chosen P1 when another P1 comes, and says that there is another", () => {
    expect(focusOf([recent, old], "1")?.id).toBe("1");
    expect(hiddenUrgent([recent, old], old)?.id).toBe("2");
  });

  it("leaves a chosen lesser one for an untaken P1", () => {
    expect(focusOf([recent, lesser], "3")?.id).toBe("2");
  });

  it("stays with a chosen lesser one while somebody has the P1", () => {
    const taken = incident({ id: "8", handling: "taken", sound: "silent" });
    expect(focusOf([taken, lesser], "3")?.id).toBe("3");
    expect(hiddenUrgent([taken, lesser], lesser)).toBeNull();
  });

  it("goes back to the top when the chosen one is no longer open", () => {
    expect(focusOf([recent], "4")?.id).toBe("2");
  });
});
