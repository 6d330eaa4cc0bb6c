/** Pressing keys: one press is one request, and what became of it stands beside the key until the next press. */
import { defineStore } from "pinia";
import { shallowReactive } from "vue";

import type { ActAnswer, Incident, Verb } from "../api/types";
import { Refused, Unreachable, call, freshKey } from "../api/client";
import { useClock } from "./clock";
import { useFeed } from "./feed";

/** What became of the last press. `code` is a key under `words.code`; `said` the gateway's own sentence. */
export interface Result {
  phase: "sending" | "done" | "undurable" | "failed";
  code: string;
  said: string;
  at: number;
}

const DONE_SHOWN_MS = 8_000;
const RETRY_AFTER_MS = 700;

export const useActs = defineStore("acts", () => {
  const clock = useClock();
  const feed = useFeed();
  const results = shallowReactive(new Map<string, Result>());
  /** Keys of presses that may or may not have arrived; the next press of the same thing uses the same one. */
  const unsure = new Map<string, string>();

  const nameOf = (incident: string, what: string): string => `${incident} ${what}`;

  function resultOf(incident: string, what: string): Result | undefined {
    const found = results.get(nameOf(incident, what));
    return found?.phase === "done" && clock.tickAt - found.at > DONE_SHOWN_MS ? undefined : found;
  }

  /** `what` names the key pressed (a verb, or a verdict). A second press while the first is under way does nothing. */
  async function press(
    incident: Incident, what: string, verb: Verb, args: Record<string, unknown> = {},
  ): Promise<boolean> {
    const name = nameOf(incident.id, what);
    if (results.get(name)?.phase === "sending") return false;
    const body = { verb, version: incident.rev, args };
    const asked = `${name} ${JSON.stringify(args)}`;
    const key = unsure.get(asked) ?? freshKey();
    show(name, "sending");
    try {
      const answer = await sent(`/incidents/${encodeURIComponent(incident.id)}/acts`, body, key);
      unsure.delete(asked);
      if (!answer.ok) show(name, "failed", answer.code);
      else show(name, answer.durable === false ? "undurable" : "done", answer.code);
      void feed.refresh(incident.id, answer.seq);
      return answer.ok;
    } catch (error) {
      if (error instanceof Refused) {
        unsure.delete(asked);
        show(name, "failed", error.code, error.message);
        void feed.refresh(incident.id);
      } else {
        if (unsure.size > 100) unsure.clear();
        unsure.set(asked, key);
        show(name, "failed", "engine_gone");
      }
      return false;
    }
  }

  /** Once more by itself when no answer came: with the same key the gateway does it only once. */
  async function sent(path: string, body: unknown, key: string): Promise<ActAnswer> {
    try {
      return await call<ActAnswer>("POST", path, { body, key });
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_AFTER_MS));
      return await call<ActAnswer>("POST", path, { body, key });
    }
  }

  function show(name: string, phase: Result["phase"], code = "", said = ""): void {
    if (results.size > 500) results.clear();
    results.set(name, { phase, code, said, at: clock.mono() });
  }

  return { press, resultOf };
});
