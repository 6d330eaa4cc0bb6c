/** The life of the event stream as a table of states and events; it holds no clock and no socket. */

/** Without any message, ping included (every 10 s), for this long the data counts as old. */
export const SILENT_MS = 15_000;
/** An attempt that has not opened by then is given up. */
const CONNECT_MS = 10_000;
const RETRY_MS = [500, 1_000, 2_000, 4_000, 8_000] as const;

export interface Link {
  state: "idle" | "connecting" | "open" | "waiting";
  /** When anything was last heard; null before the first time. Monotonic ms, like every time here. */
  heardAt: number | null;
  /** Attempts since something was last heard. */
  attempt: number;
  since: number;
  retryAt: number;
}

export type LinkEvent =
  | { kind: "start"; at: number }
  | { kind: "heard"; at: number }
  /** `spread` 0..1 moves the next attempt, so that many screens do not all come at once. */
  | { kind: "failed"; at: number; spread: number }
  | { kind: "tick"; at: number }
  | { kind: "stop"; at: number };

export type LinkAsk = "connect" | "drop" | null;

export const idle = (): Link => ({ state: "idle", heardAt: null, attempt: 0, since: 0, retryAt: 0 });

/** The next state and what the shell must do: open a stream (dropping any other), or drop it. */
export function next(link: Link, event: LinkEvent): [Link, LinkAsk] {
  const { at } = event;
  switch (event.kind) {
    case "start":
      return link.state === "idle" ? [connect(link, at), "connect"] : [link, null];
    case "stop":
      return [idle(), "drop"];
    case "heard":
      if (link.state === "idle" || link.state === "waiting") return [link, null]; // of a stream given up
      return [{ ...link, state: "open", heardAt: at, attempt: 0 }, null];
    case "failed": {
      if (link.state === "idle" || link.state === "waiting") return [link, null];
      const wait = RETRY_MS[Math.min(link.attempt, RETRY_MS.length) - 1] ?? RETRY_MS[0];
      return [{ ...link, state: "waiting", retryAt: at + wait * (0.75 + 0.5 * event.spread) }, "drop"];
    }
    case "tick":
      if (link.state === "open" && at - (link.heardAt ?? at) > SILENT_MS) return [connect(link, at), "connect"];
      if (link.state === "connecting" && at - link.since > CONNECT_MS) return [connect(link, at), "connect"];
      if (link.state === "waiting" && at >= link.retryAt) return [connect(link, at), "connect"];
      return [link, null];
  }
}

function connect(link: Link, at: number): Link {
  return { ...link, state: "connecting", attempt: link.attempt + 1, since: at };
}

export interface Freshness {
  state: "starting" | "fresh" | "stale";
  ageMs: number;
}

/** What the gateway last said of the age of its own data; `ageMs` null while it has heard nothing of its engine. */
export interface Behind {
  ageMs: number | null;
  at: number;
}

/** From here on its own age counts; below it is the rhythm in which its parts talk to each other. */
const BEHIND_MS = 10_000;

/**
 * Whether what the screen shows may be believed: the stream must speak, and what it speaks of must be of now. Without a
 * first message it is "starting" for as long as it could be "fresh".
 */
export function freshness(link: Link, startedAt: number, at: number, behind: Behind | null = null): Freshness {
  const silentMs = at - (link.heardAt ?? startedAt);
  let behindMs = 0;
  if (behind?.ageMs === null) behindMs = at - startedAt;
  else if (behind && behind.ageMs > BEHIND_MS) behindMs = behind.ageMs + (at - behind.at);
  const ageMs = Math.max(0, silentMs, behindMs);
  if (ageMs > SILENT_MS) return { state: "stale", ageMs };
  return { state: link.heardAt === null ? "starting" : "fresh", ageMs };
}
