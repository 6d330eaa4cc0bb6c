/** The unmasked picture: asked for with unit and reason, let through by a key, shown for a while, and only to who may. */
import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { CameraPicture, OriginalRequest } from "../src/api/types";
import OriginalKeys from "../src/components/OriginalKeys.vue";
import { i18n } from "../src/i18n";
import { useSession } from "../src/store/session";

const request = (over: Partial<OriginalRequest> = {}): OriginalRequest =>
  ({ id: "r1", at: "2026-11-22T08:00:00+08:00", asked_by: "p-1", unit: "派出所", reason: "案件", granted_by: null, until: null, ...over }) as OriginalRequest;

let sent: { path: string; body: unknown }[];
let answer: () => Response;
let page: VueWrapper;

function open(requests: OriginalRequest[], role = "operator"): void {
  useSession().user = { id: "u", name: "甲", language: "zh-CN", grants: [{ role, place: "" }] };
  const picture = { id: "pic", original: true, requests } as unknown as CameraPicture;
  page = mount(OriginalKeys, { props: { picture }, global: { plugins: [i18n] } });
}
const press = async (words: string): Promise<void> => {
  await page.findAll("button").find((key) => key.text().includes(words))!.trigger("click");
  await flushPromises();
};

beforeEach(() => {
  setActivePinia(createPinia());
  sent = [];
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    sent.push({ path, body: init.body === undefined ? null : JSON.parse(String(init.body)) });
    return Promise.resolve(answer());
  });
});
afterEach(() => {
  page.unmount();
  vi.unstubAllGlobals();
});

describe("an original", () => {
  it("is asked for only with where one belongs and why, and then waits for another person", async () => {
    answer = () => new Response(JSON.stringify(request()));
    open([]);
    await press("申请查看原图");
    await page.find("form").trigger("submit");
    expect(sent).toEqual([]);
    const [unit, reason] = page.findAll("input");
    await unit!.setValue("派出所");
    await reason!.setValue("案件");
    await page.find("form").trigger("submit");
    await flushPromises();
    expect(sent).toEqual([{ path: "/api/v1/evidence/pic/original", body: { unit: "派出所", reason: "案件" } }]);
    expect(page.text()).toContain("p-1（派出所）申请：案件");
    expect(page.find("img").exists()).toBe(false);
  });

  it("is let through by a key, says why not where it may not be, and opens until its time is over", async () => {
    answer = () => new Response(JSON.stringify({ type: "urn:csg:problem:second_person", detail: "another must" }), { status: 409 });
    open([request()]);
    await press("同意");
    expect(page.find("[role=alert]").text()).toContain("没有成功");
    answer = () => new Response(JSON.stringify(request({ granted_by: "p-2", until: new Date(Date.now() + 60_000).toISOString() })));
    await press("同意");
    expect(sent.map((one) => one.path)).toEqual(Array(2).fill("/api/v1/evidence/pic/original/r1/grant"));
    await press("查看原图（");
    expect(page.find("img").attributes("src")).toBe("/api/v1/evidence/pic/original/r1");
    page.unmount();
    open([request({ granted_by: "p-2", until: "2020-01-01T00:00:00Z" })]);
    expect(page.text()).toContain("已过查看时间");
  });

  it("is none of a grid worker's keys", () => {
    open([request()], "grid_staff");
    expect(page.find("button").exists()).toBe(false);
  });
});
