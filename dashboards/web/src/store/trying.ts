/** One thing a person asked for: under way, refused with a reason, or done. */
import { ref, type Ref } from "vue";

import { Refused } from "../api/client";
import { i18n } from "../i18n";
import { reason } from "../i18n/say";

export interface Trying {
  busy: Ref<boolean>;
  failed: Ref<string>;
  /** Does it once at a time; null when it failed, and then `failed` says why. `refused` sees what the gateway said. */
  run: <T>(work: () => Promise<T>, refused?: (error: Refused) => void) => Promise<T | null>;
}

export function useTrying(): Trying {
  const busy = ref(false);
  const failed = ref("");

  async function run<T>(work: () => Promise<T>, refused?: (error: Refused) => void): Promise<T | null> {
    if (busy.value) return null;
    busy.value = true;
    failed.value = "";
    try {
      return await work();
    } catch (error) {
      if (error instanceof Refused) {
        failed.value = reason(error.code, error.message);
        refused?.(error);
      } else failed.value = i18n.global.t("signin.unreachable");
      return null;
    } finally {
      busy.value = false;
    }
  }
  return { busy, failed, run };
}
