/** Telling a device something: two presses, doubts that a person may overrule, and the device's own last word. */
import { createPinia, setActivePinia } from "pinia";
import { beforeEach, describe, expect, it, vi } from "vitest";

import type { Command } from "../src/api/types";
import { useClock } from "../src/store/clock";
import { useOrders } from "../src/store/orders";

const DEVICE = "local:sunshine/b1-502-kitchen-valve";

function answer(status: number, body: object): Response {
  return new Response(JSON.stringify(body), { status });
}

const problem = (code: string): Response => answer(409, { type: `urn:csg:problem:${code}`, title: code, status: 409 });
const done = (): Response => answer(202, { ok: true, code: "ok", rev: null, seq: 7, durable: true });

function command(over: Partial<Command> = {}): Command {
  return {
    id: "c1", device: DEVICE, name: "valve_close", person: { id: "p1", name: "王值班" }, automatic: false,
    place: { id: "k", path: [], text: "502 厨房" }, site: "sunshine", mode: "live", state: "requested",
    asked_at: "2026-11-22T03:12:07.000+08:00", tries: 1, detail: "", ...over,
  };
}

describe("orders", () => {
  let asked: { url: string; body: Record<string, unknown>; key: string }[];
  let answers: Response[];
  let now: number;

  beforeEach(() => {
    setActivePinia(createPinia());
    asked = [];
    answers = [];
    now = 1_000;
    vi.spyOn(useClock(), "mono").mockImplementation(() => now);
    vi.stubGlobal("fetch", (url: string, init: RequestInit) => {
      const headers = init.headers as Record<string, string>;
      asked.push({ url, body: JSON.parse(String(init.body ?? "{}")), key: headers["Idempotency-Key"] ?? "" });
      return Promise.resolve(answers.shift() ?? done());
    });
  });

  it("a two-step press arms first and sends second, each under a key of its own", async () => {
    const orders = useOrders();
    answers = [problem("confirm"), done()];
    await orders.press(DEVICE, "valve_close");
    now += 1_000;
    await orders.press(DEVICE, "valve_close");
    expect(asked.map((a) => a.body["confirm"])).toEqual([false, true]);
    expect(new Set(asked.map((a) => a.key)).size).toBe(2);
    expect(asked[0]?.url).toBe("/api/v1/devices/local%3Asunshine/b1-502-kitchen-valve/commands");
    expect(orders.resultOf(DEVICE, "valve_close")?.phase).toBe("done");
  });

  it("a key that bounces confirms nothing, and a late second press arms anew", async () => {
    const orders = useOrders();
    answers = [problem("confirm"), problem("confirm")];
    await orders.press(DEVICE, "valve_close");
    now += 100;
    await orders.press(DEVICE, "valve_close");
    expect(asked).toHaveLength(1);
    now += 31_000;
    await orders.press(DEVICE, "valve_close");
    expect(asked.map((a) => a.body["confirm"])).toEqual([false, false]);
  });

  it("a doubt is shown, and overruled it stays overruled at the second press", async () => {
    const orders = useOrders();
    answers = [problem("state_unknown"), problem("confirm"), done()];
    await orders.press(DEVICE, "valve_close");
    expect(orders.resultOf(DEVICE, "valve_close")).toMatchObject({ phase: "failed", code: "state_unknown" });
    await orders.press(DEVICE, "valve_close", true);
    now += 1_000;
    await orders.press(DEVICE, "valve_close");
    expect(asked.map((a) => [a.body["confirm"], a.body["anyway"]])).toEqual([[false, false], [false, true], [true, true]]);
  });

  it("shows the newest command of a device", async () => {
    const orders = useOrders();
    const items = [command(), command({ id: "c2", state: "sent", asked_at: "2026-11-22T03:12:09.000+08:00" })];
    const near = { device: DEVICE, kind: "valve", name: "", place: command().place, offered: [], items };
    answers = [answer(200, { items: [near], seq: 1 })];
    await orders.read("20261122-0001");
    expect(orders.last(DEVICE, "valve_close")?.state).toBe("sent");
    expect(orders.last(DEVICE, "siren_on")).toBeUndefined();
  });
});
