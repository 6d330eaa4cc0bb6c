/** Whether this screen can be heard, and what it plays. It never counts as armed before somebody has heard it. */
import { defineStore } from "pinia";
import { computed, ref } from "vue";

import { toneFor } from "../model/sound";
import { Player } from "../sound/player";
import { useClock } from "./clock";
import { useFeed } from "./feed";
import { useSession } from "./session";

const HUSH_MS = 120_000;

export const useSound = defineStore("sound", () => {
  const clock = useClock();
  const feed = useFeed();
  const session = useSession();
  const running = ref(false);
  const heard = ref(false);
  const asked = ref(false);
  const hushedUntil = ref(0);
  const player = new Player(() => (running.value = player.running));

  const armed = computed(() => running.value && heard.value);
  const blind = computed(() => session.lost || feed.stale);
  const hushed = computed(() => blind.value && clock.tickAt < hushedUntil.value);
  const tone = computed(() =>
    session.user || session.lost
      ? toneFor({
          incidents: feed.incidents.values(),
          stale: blind.value,
          hushedUntil: hushedUntil.value,
          now: clock.tickAt,
        })
      : "none",
  );
  const ringing = computed(() => tone.value === "p1" || tone.value === "p2" || tone.value === "p3");

  feed.onChime(() => player.once("chime"));

  /** Plays the test sound; the person then says whether they heard it. */
  async function test(): Promise<void> {
    await player.wake();
    asked.value = true;
    player.once("test");
  }

  function answer(yes: boolean): void {
    heard.value = yes;
    asked.value = false;
  }

  /** Any touch of the page is a chance to get the sound back that a browser has taken away. */
  function touched(): void {
    if (!running.value) void player.wake();
  }

  function hush(): void {
    hushedUntil.value = clock.mono() + HUSH_MS;
  }

  function tick(): void {
    player.loop(tone.value);
  }

  return { running, heard, asked, armed, tone, ringing, hushed, hushedUntil, test, answer, touched, hush, tick };
});
