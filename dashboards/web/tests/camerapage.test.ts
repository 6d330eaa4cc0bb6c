/** The cameras page by role: who only views sees how cameras are, plainly, and no key to what they see. */
import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import { i18n } from "../src/i18n";
import CamerasPage from "../src/pages/CamerasPage.vue";
import { addressOf } from "../src/routes";
import { useSession } from "../src/store/session";
import { camera } from "./make";

const ROWS = [
  camera({ id: "cameras-home:home/a", name: "后门", state: "unregistered", missing: ["purpose", "notice"] }),
  camera({ id: "simulated-cameras-home:home/b", name: "演示", simulated: true, standing: [{ metric: "camera_tamper", channel: "covered", since: 1 }], state: "tampered" }),
];
let asked: string[];
let page: VueWrapper;

async function open(role: string): Promise<void> {
  useSession().user = { id: "u", name: "甲", language: "zh-CN", grants: [{ role, place: "" }] };
  page = mount(CamerasPage, { global: { plugins: [i18n] }, attachTo: document.body });
  await flushPromises();
}

beforeEach(() => {
  location.hash = "";
  setActivePinia(createPinia());
  asked = [];
  vi.stubGlobal("fetch", (path: string) => {
    asked.push(path.replace("/api/v1", ""));
    const body = path.includes("/figures") ? { camera: "", days: [], false_per_day: 0, unreviewed: 0 } : { items: path.includes("/cameras?") ? ROWS : [], next: null };
    return Promise.resolve(new Response(JSON.stringify(body)));
  });
});
afterEach(() => {
  page.unmount();
  vi.unstubAllGlobals();
});

describe("the list", () => {
  it("says what is wrong, what is missing and what is simulated, the worst first; a viewer gets no key", async () => {
    await open("viewer");
    const [first, second] = page.findAll("[data-test=cameras] li").map((row) => row.text());
    expect(first).toMatch(/演示.*【模拟】.*遮挡或移位.*镜头被遮挡/s);
    expect(second).toMatch(/后门.*没有启动.*未完成登记：缺用途、告示位置/s);
    expect(page.findAll("[data-test=cameras] button")).toEqual([]);
  });
});

describe("a link", () => {
  it("opens its camera, for who may look, and leads back to the list", async () => {
    location.hash = addressOf("cameras", ROWS[0]?.id);
    await open("grid_staff");
    expect(page.find("[data-test=events]").exists()).toBe(true);
    location.hash = addressOf("cameras");
    await vi.waitFor(() => expect(page.find("[data-test=events]").exists()).toBe(false));
    expect(document.activeElement?.textContent).toBe("后门");
    page.unmount();
    location.hash = addressOf("cameras", ROWS[0]?.id);
    await open("viewer");
    expect(page.find("[data-test=events]").exists()).toBe(false);
  });
});

describe("grid staff", () => {
  it("judge what a camera told, and are not shown what it sees now", async () => {
    await open("grid_staff");
    await page.find("[data-test=cameras] button").trigger("click");
    await vi.waitFor(() => expect(page.find("[data-test=events]").exists()).toBe(true));
    expect(page.find("[data-test=preview]").exists()).toBe(false);
    expect(asked.some((path) => path.includes("preview"))).toBe(false);
  });
});
