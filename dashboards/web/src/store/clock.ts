/** The time: the gateway's, carried on by this machine's monotonic clock between its words. */
import { defineStore } from "pinia";
import { computed, ref } from "vue";

import { ms, offsetOf } from "../model/time";

const ASLEEP_MS = 5_000; // a wall clock that runs ahead of the monotonic one by this much: the machine slept

export const useClock = defineStore("clock", () => {
  let slept = 0;
  let lastPerf = performance.now();
  let lastWall = Date.now();

  /** Monotonic ms that also count while the machine sleeps, which performance.now() need not. */
  function mono(): number {
    const perf = performance.now();
    const wall = Date.now();
    const ahead = wall - lastWall - (perf - lastPerf);
    if (ahead > ASLEEP_MS) slept += ahead;
    lastPerf = perf;
    lastWall = wall;
    return perf + slept;
  }

  const tickAt = ref(mono());
  const base = ref({ server: Date.now(), mono: tickAt.value });
  const synced = ref(false);
  const zone = ref(-new Date().getTimezoneOffset());

  /** The gateway's UTC ms as well as we know it. */
  const now = computed(() => base.value.server + (tickAt.value - base.value.mono));
  /** How far this machine's clock is off; only ever shown, never used. */
  const skewMs = computed(() => (synced.value ? base.value.server - base.value.mono - (Date.now() - mono()) : 0));

  function tick(): void {
    tickAt.value = mono();
  }

  /** The gateway said what time it is. */
  function heardTime(iso: string): void {
    const server = ms(iso);
    if (!Number.isFinite(server)) return;
    base.value = { server, mono: mono() };
    synced.value = true;
    noteZone(iso);
  }

  /** The clock at the top shows the same zone as the incidents. */
  function noteZone(iso: string): void {
    const offset = offsetOf(iso);
    if (offset !== null && !iso.endsWith("Z")) zone.value = offset;
  }

  return { tickAt, base, now, zone, skewMs, synced, mono, tick, heardTime, noteZone };
});
