/** A camera's newest picture, asked for again and again while somebody can see it, and at no other time. */
import { onBeforeUnmount, onMounted, ref, shallowRef, watch, type Ref, type ShallowRef } from "vue";

import { type Preview, preview } from "../api/cameras";
import { Refused } from "../api/client";

export const EVERY_MS = 2_000;
const BACK_OFF_MS = 10_000; // where none may be had, asking so often only fills logs

export interface Previewing {
  /** The last one that came; it stays while newer ones fail. */
  picture: ShallowRef<Preview | null>;
  /** Why the newest try brought none: a code of the gateway, `unreachable`, or empty. */
  failed: Ref<string>;
}

/** `box`: what must be in the window. `state`: when it changes there may be a picture again. Of another camera: another component. */
export function usePreview(id: string, box: Ref<HTMLElement | undefined>, state: () => string): Previewing {
  const picture = shallowRef<Preview | null>(null);
  const failed = ref("");
  let inWindow = true;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let asking = false;
  let over = false;
  let watcher: IntersectionObserver | undefined;

  async function ask(): Promise<void> {
    clearTimeout(timer);
    if (asking || over || !inWindow || document.visibilityState !== "visible") return;
    asking = true;
    let pause = EVERY_MS;
    try {
      picture.value = await preview(id);
      failed.value = "";
    } catch (error) {
      failed.value = error instanceof Refused ? error.code : "unreachable";
      if (error instanceof Refused && error.status < 500) pause = BACK_OFF_MS;
    } finally {
      asking = false;
    }
    if (!over) timer = setTimeout(() => void ask(), pause);
  }

  const seen = (): void => void ask();
  watch(state, seen);
  onMounted(() => {
    document.addEventListener("visibilitychange", seen);
    if (box.value && "IntersectionObserver" in window) {
      watcher = new IntersectionObserver((entries) => {
        inWindow = entries.some((entry) => entry.isIntersecting);
        void ask();
      });
      watcher.observe(box.value);
    }
    void ask();
  });
  onBeforeUnmount(() => {
    over = true;
    clearTimeout(timer);
    watcher?.disconnect();
    document.removeEventListener("visibilitychange", seen);
  });
  return { picture, failed };
}
