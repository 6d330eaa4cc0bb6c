/** Editing a camera's record: sent with the version that was read, met with others' edits, kept when one is called away. */
import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { defineComponent, h } from "vue";

import type { Camera, CameraRecord } from "../src/api/cameras";
import { type Drafting, useDraft } from "../src/store/drafts";
import { camera, record } from "./make";

const LIMITS = { thresholds: { dwell_s: [1, 9] as [number, number] }, points_max: 64, zones_max: 2, snooze_max_ms: 1, kinds: [], analytics: [], pictures: [] };
const json = (status: number, body: unknown): Promise<Response> => Promise.resolve(new Response(JSON.stringify(body), { status }));

let stored: Camera;
let puts: { version: string | null; record: CameraRecord }[];
let replaced: number;
let page: VueWrapper;

async function opened(): Promise<Drafting> {
  let drafting!: Drafting;
  page = mount(defineComponent({ setup: () => ((drafting = useDraft(stored.id, () => (replaced += 1))), () => h("p")) }));
  await drafting.read();
  return drafting;
}
/** Somebody else saved. */
const edited = (over: Partial<CameraRecord>): void => void (stored = { ...stored, version: stored.version + 1, record: { ...stored.record, ...over } });

beforeEach(() => {
  setActivePinia(createPinia());
  stored = camera({ version: 4, limits: LIMITS });
  puts = [];
  replaced = 0;
  vi.stubGlobal("fetch", (_: string, init: RequestInit) => {
    if (init.method === "GET") return json(200, stored);
    const version = new Headers(init.headers).get("If-Match");
    const sent = JSON.parse(String(init.body)) as CameraRecord;
    puts.push({ version, record: sent });
    if (version !== `"${stored.version}"`) return json(412, { type: "urn:csg:problem:precondition_failed", title: "Stale" });
    if (sent.purpose === "?") return json(422, { type: "urn:csg:problem:invalid", title: "No", errors: [{ field: "purpose", expected: "words", found: "?" }] });
    edited(sent);
    return json(200, stored);
  });
});
afterEach(() => {
  page.unmount();
  vi.unstubAllGlobals();
});

describe("saving", () => {
  it("names the version that was read, and the next save the one that came back", async () => {
    const it = await opened();
    it.draft.value!.purpose = "a";
    await it.save();
    expect([it.saved.value, it.dirty.value]).toEqual([true, false]);
    it.draft.value!.purpose = "b";
    await it.save();
    expect(puts.map((put) => put.version)).toEqual(['"4"', '"5"']);
  });

  it("sends nothing that cannot be right, and shows what the gateway refused at its field", async () => {
    const it = await opened();
    it.draft.value!.thresholds = { dwell_s: "10" };
    await it.save();
    expect([puts.length, it.wrong.value[0]?.at]).toEqual([0, "thresholds.dwell_s"]);
    Object.assign(it.draft.value!, { thresholds: {}, purpose: "?" });
    await it.save();
    expect([it.wrong.value[0]?.at, it.dirty.value]).toEqual(["purpose", true]);
  });

  it("loses nothing when somebody else was first: theirs comes in, mine stays, and the person decides what both changed", async () => {
    const it = await opened();
    Object.assign(it.draft.value!, { purpose: "mine", sees: "mine" });
    edited({ purpose: "theirs", notice: "theirs" });
    await it.save();
    expect(it.conflict.value).toMatchObject({ version: 5, taken: ["notice"], both: ["purpose"] });
    expect(it.draft.value).toMatchObject({ purpose: "mine", sees: "mine", notice: "theirs" });
    it.takeTheirs("purpose");
    await it.save();
    expect(stored.record).toMatchObject({ purpose: "theirs", sees: "mine", notice: "theirs" });
    expect([it.conflict.value, it.dirty.value]).toEqual([null, false]);
  });

  it("goes through by itself when only a snooze came between, and keeps the snooze", async () => {
    const it = await opened();
    it.draft.value!.purpose = "mine";
    edited({ snoozed_until: 99 });
    await it.save();
    expect([stored.record.purpose, stored.record.snoozed_until, it.saved.value]).toEqual(["mine", 99, true]);
  });
});

describe("a newer word on the camera", () => {
  it("is taken on while nothing is typed, and zones drawn elsewhere end what could be undone", async () => {
    const it = await opened();
    replaced = 0;
    edited({ zones: [{ name: "a", kind: "mask", points: [[0, 0], [1, 0], [1, 1]] }] });
    it.adopt(stored);
    expect([it.draft.value!.zones.length, it.conflict.value, it.dirty.value, replaced]).toEqual([1, null, false, 1]);
  });
});

describe("called away", () => {
  it("one finds on return what was typed, merged with what was saved meanwhile", async () => {
    const before = await opened();
    before.draft.value!.purpose = "mine";
    page.unmount();
    edited({ notice: "theirs" });
    const after = await opened();
    expect(after.draft.value).toMatchObject({ purpose: "mine", notice: "theirs" });
    after.discard();
    page.unmount();
    expect((await opened()).draft.value).toMatchObject({ purpose: record().purpose, notice: "theirs" });
    await flushPromises();
  });
});
