/** A camera's record while it is edited: kept when an alarm calls one away, and never lost to somebody else's edit. */
import { defineStore } from "pinia";
import { computed, onBeforeUnmount, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from "vue";

import { type Camera, camera, saveCamera } from "../api/cameras";
import type { Refused } from "../api/client";
import { type Draft, type Field, type Wrong, differing, draftOf, faultsOf, merged, recordOf, take, wrongOf } from "../model/cameras";
import { useSession } from "./session";
import { useTrying } from "./trying";

interface Kept {
  base: Camera;
  draft: Draft;
}

/** Unsaved edits by person and camera, as long as the page is open. */
export const useDrafts = defineStore("drafts", () => {
  const all = new Map<string, Kept>();
  return { all };
});

/** Somebody else saved meanwhile. `taken`: what came from them; `both`: what both changed, where mine stands. */
export interface Conflict {
  version: number;
  taken: Field[];
  both: Field[];
  theirs: Draft;
}

export interface Drafting {
  /** As it was last read or saved, with its limits; null until then. */
  base: ShallowRef<Camera | null>;
  draft: Ref<Draft | null>;
  dirty: ComputedRef<boolean>;
  wrong: Ref<Wrong[]>;
  conflict: ShallowRef<Conflict | null>;
  saved: Ref<boolean>;
  busy: Ref<boolean>;
  failed: Ref<string>;
  read: () => Promise<void>;
  /** A newer word on the camera (of a snooze, say): what was typed stays. */
  adopt: (next: Camera) => void;
  save: () => Promise<void>;
  discard: () => void;
  takeTheirs: (field: Field) => void;
}

/** Of one camera; of another one: another component. `replaced` is told when the zones are no longer those drawn on. */
export function useDraft(id: string, replaced: () => void): Drafting {
  const store = useDrafts();
  const key = `${useSession().user?.id ?? ""} ${id}`;
  const base = shallowRef<Camera | null>(null);
  const draft = ref<Draft | null>(null);
  const wrong = ref<Wrong[]>([]);
  const conflict = shallowRef<Conflict | null>(null);
  const saved = ref(false);
  const { busy, failed, run } = useTrying();
  const dirty = computed(() => base.value !== null && draft.value !== null && differing(draftOf(base.value.record), draft.value).length > 0);

  function adopt(next: Camera): void {
    const [before, mine, typed] = [base.value, draft.value, dirty.value];
    const limits = next.limits ?? before?.limits;
    base.value = limits ? { ...next, limits } : next;
    const theirs = draftOf(next.record);
    if (before === null || mine === null) {
      draft.value = theirs;
      replaced();
      return;
    }
    const met = merged(draftOf(before.record), mine, theirs);
    if (typed && met.taken.length + met.both.length) conflict.value = { version: next.version, taken: met.taken, both: met.both, theirs };
    const redrawn = differing(mine, met.draft).includes("zones");
    draft.value = met.draft;
    if (redrawn) replaced();
  }

  async function read(): Promise<void> {
    const next = await run(() => camera(id));
    const kept = store.all.get(key);
    if (next === null) return;
    if (base.value === null && kept) {
      base.value = kept.base;
      draft.value = kept.draft;
    }
    adopt(next);
  }

  async function save(again = true): Promise<void> {
    const [from, mine] = [base.value, draft.value];
    if (from === null || mine === null || from.limits === undefined || busy.value) return;
    saved.value = false;
    wrong.value = faultsOf(mine, from.limits);
    if (wrong.value.length) return;
    const sent = recordOf(mine, from.record.snoozed_until);
    let stale = false;
    const next = await run(
      () => saveCamera(id, sent, from.version),
      (error: Refused) => {
        stale = error.status === 412;
        wrong.value = wrongOf(error.errors);
      },
    );
    if (stale) {
      await read();
      // Where the other edit was none of the record's fields (a snooze), there is nothing for a person to decide.
      if (again && failed.value === "" && conflict.value === null) await save(false);
      return;
    }
    if (next === null) return;
    base.value = { ...from, record: sent }; // what was typed while it travelled stays unsaved
    adopt(next);
    conflict.value = null;
    saved.value = true;
  }

  function discard(): void {
    if (base.value === null) return;
    draft.value = draftOf(base.value.record);
    wrong.value = [];
    conflict.value = null;
    replaced();
  }

  function takeTheirs(field: Field): void {
    const met = conflict.value;
    if (met === null || draft.value === null) return;
    take(draft.value, met.theirs, field);
    conflict.value = { ...met, both: met.both.filter((one) => one !== field), taken: [...met.taken, field] };
    if (field === "zones") replaced();
  }

  onBeforeUnmount(() => {
    if (dirty.value && base.value && draft.value) store.all.set(key, { base: base.value, draft: draft.value });
    else store.all.delete(key);
  });
  return { base, draft, dirty, wrong, conflict, saved, busy, failed, read, adopt, save: () => save(), discard, takeTheirs };
}
