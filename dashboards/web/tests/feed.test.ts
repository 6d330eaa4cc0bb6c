/** What the page shows is what the gateway last said: newest revision wins, a reset reads anew, silence is seen. */
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { Incident } from "../src/api/types";
import { useClock } from "../src/store/clock";
import { useFeed } from "../src/store/feed";
import { incident } from "./make";

let open: Incident[];
let push: (text: string) => void;
let streams: { lastId: string | null }[];
let refuse: number | null;

const json = (body: unknown): Response => new Response(JSON.stringify(body));
const event = (type: string, data: unknown, id = ""): string => `${id && `id: ${id}\n`}event: ${type}\ndata: ${JSON.stringify(data)}\n\n`;
const ping = (age_ms: number | null = 1): string => event("ping", { at: "2026-11-21T03:12:07.000+08:00", seq: 1, age_ms });
const settle = (ms = 0): Promise<unknown> => vi.advanceTimersByTimeAsync(ms);

function tick(ms: number): Promise<unknown> {
  useClock().tick();
  useFeed().tick();
  return settle(ms);
}

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  open = [incident()];
  streams = [];
  refuse = null;
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    if (path.startsWith("/api/v1/stream")) {
      streams.push({ lastId: new Headers(init.headers).get("Last-Event-ID") });
      if (refuse !== null) return Promise.resolve(new Response("{}", { status: refuse }));
      const body = new ReadableStream<Uint8Array>({
        start(to) {
          push = (text) => to.enqueue(new TextEncoder().encode(text));
        },
      });
      return Promise.resolve(new Response(body));
    }
    if (path.includes("state=open")) return Promise.resolve(json({ items: open, next: null, seq: 1 }));
    if (path.startsWith("/api/v1/health")) return Promise.resolve(json({ ok: true, data_age_ms: 1, parts: [] }));
    return Promise.resolve(json({ items: [], next: null, seq: 1 }));
  });
});
afterEach(() => {
  useFeed().stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function begin(): Promise<ReturnType<typeof useFeed>> {
  const feed = useFeed();
  feed.start();
  await settle();
  push(ping());
  await settle(10);
  return feed;
}

describe("the feed", () => {
  it("reads the list once the stream speaks, then follows the stream", async () => {
    const feed = await begin();
    expect(feed.loaded).toBe(true);
    expect(feed.open.map((i) => i.id)).toEqual(["20261121-0001"]);
    push(event("incident", incident({ id: "20261121-0002", priority: 2 }), "7"));
    await settle(10);
    expect(feed.open.map((i) => i.id)).toEqual(["20261121-0001", "20261121-0002"]);
  });

  it("keeps the highest revision whatever comes later", async () => {
    const feed = await begin();
    push(event("incident", incident({ rev: 5, handling: "taken" }), "8"));
    push(event("incident", incident({ rev: 4, handling: "open" }), "9"));
    await settle(10);
    expect(feed.open[0]?.handling).toBe("taken");
  });

  it("reads everything anew on reset and forgets what is no longer there", async () => {
    const feed = await begin();
    open = [incident({ id: "20261121-0009" })];
    push(event("reset", { seq: 9 }, "9"));
    await settle(10);
    expect(feed.open.map((i) => i.id)).toEqual(["20261121-0009"]);
  });

  it("calls the data old after a silence, connects again and resumes behind the last event", async () => {
    const feed = await begin();
    push(event("alarm", { id: "a1", place: { text: "3号楼 502" } }, "12"));
    await settle(10);
    await settle(15_500);
    await tick(10);
    expect(feed.stale).toBe(true);
    expect(streams).toHaveLength(2);
    expect(streams[1]?.lastId).toBe("12");
    push(ping());
    await tick(10);
    await tick(0);
    expect(feed.stale).toBe(false);
  });

  it("calls the data old when the gateway itself says so", async () => {
    const feed = await begin();
    push(ping(60_000));
    await tick(10);
    await tick(0);
    expect(feed.stale).toBe(true);
  });

  it("sets the clock by the gateway's", async () => {
    await begin();
    expect(Math.abs(useClock().now - Date.parse("2026-11-21T03:12:07+08:00"))).toBeLessThan(1_000);
    expect(useClock().zone).toBe(480);
  });

  it("goes on trying after refusals", async () => {
    refuse = 503;
    const feed = useFeed();
    feed.start();
    for (let n = 0; n < 40; n++) await tick(1_000);
    expect(streams.length).toBeGreaterThan(4);
    expect(feed.stale).toBe(true);
    refuse = null;
    const refused = streams.length;
    for (let n = 0; n < 60 && streams.length === refused; n++) await tick(1_000);
    await settle(10);
    push(ping());
    await tick(10);
    await tick(0);
    expect(feed.stale).toBe(false);
  });
});

describe("the end of a session", () => {
  it("that nobody asked for keeps what was known, so that what rang rings on", async () => {
    const feed = await begin();
    feed.stop(true);
    expect(feed.open).toHaveLength(1);
    feed.stop();
    expect(feed.open).toHaveLength(0);
  });
});
