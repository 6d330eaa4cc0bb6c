/** A double press sends once, a lost answer is asked for with the same key, and every failure is shown. */
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { useActs } from "../src/store/acts";
import { useFeed } from "../src/store/feed";
import { incident } from "./make";

interface Sent {
  path: string;
  key: string | null;
  body: { verb: string; version: number; args: object };
}

const one = incident({ rev: 4 });
let sent: Sent[];
let answers: (() => Promise<Response>)[];

const json = (status: number, body: unknown) => () =>
  Promise.resolve(new Response(JSON.stringify(body), { status, headers: { "Content-Type": "application/json" } }));
const ok = (over: object = {}) => json(200, { ok: true, code: "ok", rev: 5, seq: 9, durable: true, ...over });
const lost = (): Promise<Response> => Promise.reject(new TypeError("network"));

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  sent = [];
  answers = [];
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    if (init.method === "GET") return json(200, { ...one, rev: 5, handling: "taken" })();
    sent.push({ path, key: new Headers(init.headers).get("Idempotency-Key"), body: JSON.parse(String(init.body)) });
    return (answers.shift() ?? lost)();
  });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function press(...args: Parameters<ReturnType<typeof useActs>["press"]>): Promise<boolean> {
  const done = useActs().press(...args);
  await vi.runAllTimersAsync();
  return done;
}

describe("a press", () => {
  it("carries the verb, the version the person saw and a key of its own, and brings the new state", async () => {
    answers = [ok(), ok()];
    expect(await press(one, "take", "take")).toBe(true);
    expect(await press(one, "mute", "mute")).toBe(true);
    expect(sent[0]).toMatchObject({ path: `/api/v1/incidents/${one.id}/acts`, body: { verb: "take", version: 4, args: {} } });
    expect(sent[0]?.key).toMatch(/^[0-9a-f]{32}$/);
    expect(sent[1]?.key).not.toBe(sent[0]?.key);
    expect(useFeed().incidents.get(one.id)?.handling).toBe("taken");
  });

  it("twice at once sends once", async () => {
    answers = [ok(), ok()];
    const acts = useActs();
    const both = Promise.all([acts.press(one, "take", "take"), acts.press(one, "take", "take")]);
    await vi.runAllTimersAsync();
    expect(await both).toEqual([true, false]);
    expect(sent).toHaveLength(1);
  });

  it("asks again with the same key when no answer came", async () => {
    answers = [lost, ok()];
    expect(await press(one, "take", "take")).toBe(true);
    expect(sent).toHaveLength(2);
    expect(sent[1]?.key).toBe(sent[0]?.key);
  });

  it("says so when none came twice, and the next press still uses that key: it may have been done", async () => {
    answers = [lost, lost, ok(), ok()];
    expect(await press(one, "take", "take")).toBe(false);
    expect(useActs().resultOf(one.id, "take")).toMatchObject({ phase: "failed", code: "engine_gone" });
    await press(one, "take", "take");
    await press(one, "take", "take");
    expect(new Set(sent.slice(0, 3).map((s) => s.key)).size).toBe(1);
    expect(sent[3]?.key).not.toBe(sent[0]?.key);
  });

  it("shows a refusal with its code, and does not repeat it by itself", async () => {
    answers = [json(409, { type: "urn:csg:problem:changed", title: "Changed", detail: "look" })];
    expect(await press(one, "real", "verdict", { verdict: "real" })).toBe(false);
    expect(sent).toHaveLength(1);
    expect(useActs().resultOf(one.id, "real")).toMatchObject({ phase: "failed", code: "changed" });
    expect(useActs().resultOf(one.id, "take")).toBeUndefined();
  });

  it("that counts but is not on disk is not called done", async () => {
    answers = [ok({ durable: false })];
    await press(one, "take", "take");
    expect(useActs().resultOf(one.id, "take")?.phase).toBe("undurable");
  });

  it("goes through with a new token when another tab signed in anew", async () => {
    answers = [json(403, { type: "urn:csg:problem:csrf", title: "no" }), ok()];
    expect(await press(one, "take", "take")).toBe(true);
    expect(sent[1]?.key).toBe(sent[0]?.key);
  });
});
