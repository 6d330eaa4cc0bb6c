/** The live data: incidents by id, kept true by the event stream, with an honest age. */
import { defineStore } from "pinia";
import { computed, ref, shallowReactive, shallowRef } from "vue";

import type { AlarmRow, Command, Health, Incident, Ping } from "../api/types";
import { Refused, all, authLost, call } from "../api/client";
import { openStream } from "../api/stream";
import { type Behind, type LinkEvent, freshness, idle, next } from "../model/connection";
import { closedToday, openOnes } from "../model/order";
import { chimes } from "../model/sound";
import { useClock } from "./clock";

const CLOSED_MAX = 200; // closed incidents kept on the page
const WHERE_MAX = 5_000;
const SNAPSHOT_RETRY_MS = 3_000;

export const useFeed = defineStore("feed", () => {
  const clock = useClock();
  const incidents = shallowReactive(new Map<string, Incident>());
  const link = shallowRef(idle());
  const startedAt = ref(clock.mono());
  /** A whole list has been read since the last `reset`; until then an empty page means nothing. */
  const loaded = ref(false);
  /** Server time of the last message. */
  const heardAt = ref<number | null>(null);
  const behind = shallowRef<Behind | null>(null);
  /** Parts of the gateway that are not well. */
  const ailing = shallowRef<Health["parts"]>([]);
  /** Where each standing alarm is, in people's words: an incident of several points names only what they share. */
  const where = shallowReactive(new Map<string, string>());
  const listeners = new Set<(incident: Incident) => void>();
  const told = new Set<(command: Command) => void>();

  let drop: (() => void) | null = null;
  let lastId = "";
  let touched: Set<string> | null = null;
  let snapshotDueAt = Infinity;

  const open = computed(() => openOnes(incidents.values()));
  const closed = computed(() => closedToday(incidents.values(), clock.now));
  const fresh = computed(() => freshness(link.value, startedAt.value, clock.tickAt, behind.value));
  const stale = computed(() => fresh.value.state === "stale");

  function apply(event: LinkEvent): void {
    const [after, ask] = next(link.value, event);
    link.value = after;
    if (ask === null) return;
    drop?.();
    drop = ask === "connect" ? connect() : null;
  }

  function connect(): () => void {
    let opened = false;
    return openStream(lastId, {
      heard: () => {
        apply({ kind: "heard", at: clock.mono() });
        heardAt.value = clock.base.server + (clock.mono() - clock.base.mono);
        if (!opened) {
          opened = true;
          // With an id to resume from the gateway sends what we missed, or `reset`; without one we read the list.
          if (!lastId || !loaded.value) void snapshot();
          void examine();
        }
      },
      event: ({ id, type, data }) => {
        if (id) lastId = id;
        if (type === "incident") put(JSON.parse(data) as Incident);
        else if (type === "alarm") placed(JSON.parse(data) as AlarmRow);
        else if (type === "command") for (const heard of told) heard(JSON.parse(data) as Command);
        else if (type === "reset") void snapshot();
        else if (type === "ping") pinged(JSON.parse(data) as Ping);
        else if (type === "health") examined(JSON.parse(data) as Health);
      },
      ended: (status) => {
        if (status === 401) authLost();
        apply({ kind: "failed", at: clock.mono(), spread: Math.random() });
      },
    });
  }

  /** A ping carries the gateway's time and the age of its data. */
  function pinged(ping: Ping): void {
    clock.heardTime(ping.at);
    behind.value = { ageMs: ping.age_ms, at: clock.mono() };
  }

  function examined(report: Health): void {
    ailing.value = report.parts.filter((p) => !p.ok);
    behind.value = { ageMs: report.data_age_ms, at: clock.mono() };
  }

  /** How the parts are; news of them comes by the stream, to those who may see it. */
  async function examine(): Promise<void> {
    try {
      examined(await call<Health>("GET", "/health"));
    } catch {
      // A gateway that does not answer is shown by the silent stream.
    }
  }

  function put(incident: Incident): void {
    const before = incidents.get(incident.id);
    if (before && before.rev > incident.rev) return;
    touched?.add(incident.id);
    // The stream's copy lacks what only the incident's own address tells: advice lasts, `acts` are of one revision.
    incidents.set(incident.id, incident);
    clock.noteZone(incident.opened_at);
    if (before && chimes(before, incident)) for (const heard of listeners) heard(incident);
    if (incidents.size > CLOSED_MAX * 2) trim();
  }

  function placed(alarm: AlarmRow): void {
    if (where.size > WHERE_MAX) where.clear();
    where.set(alarm.id, alarm.place.text);
  }

  function trim(): void {
    const keep = new Set([...open.value, ...closed.value.slice(0, CLOSED_MAX)].map((i) => i.id));
    for (const id of incidents.keys()) if (!keep.has(id)) incidents.delete(id);
  }

  /** Reads everything anew. What the stream brings meanwhile wins where it is newer. */
  async function snapshot(): Promise<void> {
    const mine = new Set<string>();
    touched = mine;
    snapshotDueAt = Infinity;
    try {
      const [stillOpen, recent] = await Promise.all([
        all<Incident>("/incidents?state=open&limit=200"),
        all<Incident>("/incidents?state=closed&limit=100", 1),
      ]);
      if (touched !== mine) return; // a later one is under way
      const read = new Set([...stillOpen, ...recent].map((i) => i.id));
      for (const id of [...incidents.keys()]) if (!read.has(id) && !mine.has(id)) incidents.delete(id);
      for (const i of [...recent, ...stillOpen]) put(i);
      loaded.value = true;
      for (const alarm of await all<AlarmRow>("/alarms?limit=500", 4)) placed(alarm);
    } catch (error) {
      if (touched !== mine) return;
      if (!(error instanceof Refused && error.status === 401)) snapshotDueAt = clock.mono() + SNAPSHOT_RETRY_MS;
    } finally {
      if (touched === mine) touched = null;
    }
  }

  /** One incident with what only its own address tells (acts, advice). Failures are left to the stream to show. */
  async function refresh(id: string, minSeq?: number): Promise<void> {
    try {
      put(await call<Incident>("GET", `/incidents/${encodeURIComponent(id)}${minSeq ? `?min_seq=${minSeq}` : ""}`));
    } catch {
      // The stream brings the change anyway; a dead stream is shown as such.
    }
  }

  function start(): void {
    startedAt.value = clock.mono();
    apply({ kind: "start", at: clock.mono() });
  }

  /** `keep`: what was last known stays, and so does its ringing. */
  function stop(keep = false): void {
    apply({ kind: "stop", at: clock.mono() });
    if (keep) return;
    incidents.clear();
    lastId = "";
    loaded.value = false;
    heardAt.value = null;
    behind.value = null;
    ailing.value = [];
    where.clear();
  }

  function tick(): void {
    apply({ kind: "tick", at: clock.mono() });
    if (clock.mono() >= snapshotDueAt) void snapshot();
  }

  /** Called with an incident that somebody has and that alarmed again. */
  function onChime(heard: (incident: Incident) => void): void {
    listeners.add(heard);
  }

  /** Called with every news of a command to a device. */
  function onCommand(heard: (command: Command) => void): void {
    told.add(heard);
  }

  return { incidents, link, loaded, heardAt, ailing, where, open, closed, fresh, stale, start, stop, tick, put, refresh, onChime, onCommand };
});
