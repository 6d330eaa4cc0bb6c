/** Silence is seen within 15 seconds, reconnecting never ends, and old data is never called fresh. */
import { describe, expect, it } from "vitest";

import { type Link, type LinkAsk, type LinkEvent, SILENT_MS, freshness, idle, next } from "../src/model/connection";

function run(...events: LinkEvent[]): [Link, LinkAsk[]] {
  let link = idle();
  const asks: LinkAsk[] = [];
  for (const event of events) {
    const [after, ask] = next(link, event);
    link = after;
    if (ask) asks.push(ask);
  }
  return [link, asks];
}

describe("the stream", () => {
  it("opens, and stays while anything is heard", () => {
    const [link, asks] = run(
      { kind: "start", at: 0 }, { kind: "heard", at: 50 }, { kind: "tick", at: 10_000 }, { kind: "heard", at: 10_050 },
      { kind: "tick", at: 25_000 },
    );
    expect(link.state).toBe("open");
    expect(asks).toEqual(["connect"]);
  });

  it("is opened anew after a silence, even though the socket looks open", () => {
    const [link, asks] = run({ kind: "start", at: 0 }, { kind: "heard", at: 0 }, { kind: "tick", at: SILENT_MS + 1 });
    expect(link.state).toBe("connecting");
    expect(asks).toEqual(["connect", "connect"]);
  });

  it("waits longer after each failure, up to ten seconds, and never gives up", () => {
    let link = next(idle(), { kind: "start", at: 0 })[0];
    let at = 0;
    const waits: number[] = [];
    for (let n = 0; n < 12; n++) {
      link = next(link, { kind: "failed", at, spread: 1 })[0];
      expect(link.state).toBe("waiting");
      waits.push(link.retryAt - at);
      at = link.retryAt;
      const [after, ask] = next(link, { kind: "tick", at });
      expect(ask).toBe("connect");
      link = after;
    }
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(Math.max(...waits)).toBeLessThanOrEqual(10_000);
    link = next(link, { kind: "heard", at })[0];
    expect(next(link, { kind: "failed", at, spread: 0 })[0].retryAt - at).toBeLessThan(1_000);
  });

  it("gives up an attempt that hangs", () => {
    const [link, asks] = run({ kind: "start", at: 0 }, { kind: "tick", at: 9_000 }, { kind: "tick", at: 10_001 });
    expect(link.attempt).toBe(2);
    expect(asks).toEqual(["connect", "connect"]);
  });

  it("hears nothing of a stream it has dropped", () => {
    const [link] = run({ kind: "start", at: 0 }, { kind: "failed", at: 10, spread: 0 }, { kind: "heard", at: 20 });
    expect(link.state).toBe("waiting");
    expect(link.heardAt).toBeNull();
  });

  it("is dropped for good by stop", () => {
    const [link, asks] = run({ kind: "start", at: 0 }, { kind: "stop", at: 1 }, { kind: "tick", at: 99_999 }, { kind: "failed", at: 99_999, spread: 0 });
    expect(link.state).toBe("idle");
    expect(asks).toEqual(["connect", "drop"]);
  });
});

describe("the age of the data", () => {
  const open: Link = { ...idle(), state: "open", heardAt: 1_000 };

  it("is fresh up to 15 s of silence and stale after, with its age", () => {
    expect(freshness(open, 0, 16_000)).toEqual({ state: "fresh", ageMs: 15_000 });
    expect(freshness(open, 0, 16_001)).toEqual({ state: "stale", ageMs: 15_001 });
  });

  it("is starting, then stale, when nothing was ever heard", () => {
    expect(freshness(idle(), 0, 5_000).state).toBe("starting");
    expect(freshness(idle(), 0, 15_001).state).toBe("stale");
  });

  it("is stale when the gateway itself lags or has lost its engine, however lively the stream is", () => {
    const lively = { ...open, heardAt: 60_000 };
    expect(freshness(lively, 0, 60_000, { ageMs: 4_000, at: 59_000 }).state).toBe("fresh");
    expect(freshness(lively, 0, 60_000, { ageMs: 20_000, at: 59_000 })).toEqual({ state: "stale", ageMs: 21_000 });
    expect(freshness(lively, 0, 60_000, { ageMs: null, at: 59_000 }).state).toBe("stale");
  });
});
