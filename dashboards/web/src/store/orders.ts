/** What devices near an incident may be told, how each press stands, and what the devices say. */
import { defineStore } from "pinia";
import { ref, shallowReactive, shallowRef } from "vue";

import type { ActAnswer, Command, DeviceCommands } from "../api/types";
import { Refused, Unreachable, call, freshKey, inPath } from "../api/client";
import { ARM_MIN_MS } from "../model/acts";
import type { Result } from "./acts";
import { useClock } from "./clock";
import { useFeed } from "./feed";

/** The gateway takes a second press for so long after the first (gateway/core/command.py). */
export const CONFIRM_MS = 30_000;
/** Refusals that a person may overrule: the device may obey all the same. */
export const DOUBTS = ["silent", "state_unknown", "already"];
const COMMANDS_MAX = 500;
const RETRY_AFTER_MS = 700;

interface Armed {
  at: number;
  anyway: boolean;
}

export const useOrders = defineStore("orders", () => {
  const clock = useClock();
  const feed = useFeed();
  const near = shallowRef<DeviceCommands[]>([]);
  const about = ref("");
  const results = shallowReactive(new Map<string, Result>());
  const armed = shallowReactive(new Map<string, Armed>());
  /** The last word on each command, by its id. */
  const commands = shallowReactive(new Map<string, Command>());

  const nameOf = (device: string, name: string): string => `${device} ${name}`;

  function heard(command: Command): void {
    if (commands.size > COMMANDS_MAX) commands.clear();
    commands.set(command.id, command);
  }
  feed.onCommand((command) => heard(command));

  /** What may be told near this incident. A failure leaves what was known; the stream shows that it is dead. */
  async function read(incident: string): Promise<void> {
    if (about.value !== incident) near.value = [];
    about.value = incident;
    try {
      const found = await call<{ items: DeviceCommands[] }>("GET", `/incidents/${encodeURIComponent(incident)}/commands`);
      if (about.value !== incident) return;
      for (const device of found.items) for (const command of device.items) heard(command);
      near.value = found.items;
    } catch {
      // The next change of the incident reads it again.
    }
  }

  /** What one device may be told. Raises `Refused` or `Unreachable`. */
  async function readDevice(device: string): Promise<DeviceCommands> {
    const found = await call<DeviceCommands>("GET", `/devices/${inPath(device)}/commands`);
    for (const command of found.items) heard(command);
    return found;
  }

  /** The newest command of that name to the device, if any. */
  function last(device: string, name: string): Command | undefined {
    return [...commands.values()]
      .filter((c) => c.device === device && c.name === name)
      .sort((a, b) => (a.asked_at < b.asked_at ? 1 : -1))[0];
  }

  const isArmed = (device: string, name: string): boolean => {
    const found = armed.get(nameOf(device, name));
    return found !== undefined && clock.tickAt - found.at < CONFIRM_MS;
  };

  /** `anyway` says that the person has read why it may come to nothing. */
  async function press(device: string, name: string, anyway = false): Promise<void> {
    const key = nameOf(device, name);
    if (results.get(key)?.phase === "sending") return;
    const first = armed.get(key);
    const second = first !== undefined && clock.mono() - first.at < CONFIRM_MS;
    if (second && clock.mono() - first.at < ARM_MIN_MS) return; // a key that bounced confirms nothing
    armed.delete(key);
    const body = { name, confirm: second, anyway: anyway || (second && first.anyway) };
    show(key, "sending");
    try {
      const path = `/devices/${inPath(device)}/commands`;
      const answer = await sent(path, body, freshKey());
      show(key, answer.durable === false ? "undurable" : "done", answer.code);
    } catch (error) {
      if (error instanceof Refused && error.code === "confirm") {
        armed.set(key, { at: clock.mono(), anyway: body.anyway });
        results.delete(key);
      } else if (error instanceof Refused) show(key, "failed", error.code, error.message);
      else show(key, "failed", "engine_gone");
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

  const resultOf = (device: string, name: string): Result | undefined => results.get(nameOf(device, name));

  function show(key: string, phase: Result["phase"], code = "", said = ""): void {
    if (results.size > COMMANDS_MAX) results.clear();
    results.set(key, { phase, code, said, at: clock.mono() });
  }

  return { near, about, read, readDevice, last, isArmed, press, resultOf };
});
