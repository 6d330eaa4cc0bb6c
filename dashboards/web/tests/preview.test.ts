/** The live picture: asked for while it can be seen and never twice at once; old and missing ones say so. */
import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import CameraPreview from "../src/components/CameraPreview.vue";
import { i18n } from "../src/i18n";
import { useClock } from "../src/store/clock";
import { EVERY_MS } from "../src/store/previewing";

let asked: number;
let answer: () => Promise<Response>;
let page: VueWrapper;
let visible: DocumentVisibilityState;

const shown = (view: string, ageMs = 0) => (): Promise<Response> =>
  Promise.resolve(new Response("jpeg", { headers: { "CSG-Taken-At": String(useClock().now - ageMs), "CSG-View": view } }));

async function wait(ms: number): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
  useClock().tick();
  await flushPromises();
}
async function open(): Promise<void> {
  page = mount(CameraPreview, { props: { id: "cameras-home:home/gate", name: "北门", state: "looking" }, global: { plugins: [i18n] }, attachTo: document.body });
  await wait(100);
}

beforeEach(() => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  asked = 0;
  visible = "visible";
  vi.spyOn(document, "visibilityState", "get").mockImplementation(() => visible);
  vi.stubGlobal("IntersectionObserver", undefined);
  Reflect.deleteProperty(window, "IntersectionObserver");
  vi.stubGlobal("fetch", () => {
    asked += 1;
    return answer();
  });
});
afterEach(() => {
  page.unmount();
  vi.useRealTimers();
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
});

describe("the live picture", () => {
  it("is renewed while the page is seen, not while it is hidden, and at once when it is seen again", async () => {
    answer = shown("learned");
    await open();
    expect(page.find("img").attributes("src")).toMatch(/^data:/);
    await wait(EVERY_MS);
    expect(asked).toBe(2);
    visible = "hidden";
    await wait(10 * EVERY_MS);
    expect(asked).toBeLessThanOrEqual(3);
    const before = asked;
    visible = "visible";
    document.dispatchEvent(new Event("visibilitychange"));
    await wait(1);
    expect(asked).toBe(before + 1);
    page.unmount();
    await wait(10 * EVERY_MS);
    expect(asked).toBe(before + 1);
  });

  it("is not asked for again while no answer has come", async () => {
    answer = () => new Promise(() => undefined);
    await open();
    document.dispatchEvent(new Event("visibilitychange"));
    await wait(EVERY_MS + 500);
    expect(asked).toBe(1);
  });

  it("greys out and says its age when it is old, and says why there is no newer one", async () => {
    answer = shown("learned");
    await open();
    expect(page.find("[data-test=live]").exists()).toBe(true);
    answer = () => Promise.resolve(new Response(JSON.stringify({ type: "urn:csg:problem:no_picture", title: "no" }), { status: 409 }));
    await wait(15_000);
    expect(page.find(".old img").exists()).toBe(true);
    expect(page.find("[data-test=old]").text()).toContain("画面已旧：1");
    expect(page.text()).not.toContain("每 2 秒更新");
  });

  it("says while the view is learned, and that people are hidden on purpose", async () => {
    answer = shown("learning");
    await open();
    expect(page.text()).toContain("正在学习画面");
    expect(page.text()).toContain("人和移动的物体有意打码");
  });
});
