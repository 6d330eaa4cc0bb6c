/** Reading something once for a page, with what to show while it comes and when it does not. */
import { onMounted, ref, shallowRef, type Ref, type ShallowRef } from "vue";

import { Refused } from "../api/client";
import { i18n } from "../i18n";
import { reason } from "../i18n/say";
import { useClock } from "./clock";

export interface Reading<T> {
  data: ShallowRef<T | null>;
  /** Why it could not be read; empty when it could. */
  failed: Ref<string>;
  busy: Ref<boolean>;
  /** Server time when `data` was read. */
  at: Ref<number | null>;
  read: () => Promise<void>;
}

/** Reads when the page opens and whenever asked; what was read before stays while reading again fails. */
export function useReading<T>(from: () => Promise<T>): Reading<T> {
  const clock = useClock();
  const data = shallowRef<T | null>(null);
  const failed = ref("");
  const busy = ref(false);
  const at = ref<number | null>(null);

  async function read(): Promise<void> {
    if (busy.value) return;
    busy.value = true;
    try {
      data.value = await from();
      at.value = clock.now;
      failed.value = "";
    } catch (error) {
      failed.value =
        error instanceof Refused ? reason(error.code, error.message) : i18n.global.t("signin.unreachable");
    } finally {
      busy.value = false;
    }
  }
  onMounted(() => void read());
  return { data, failed, busy, at, read };
}
