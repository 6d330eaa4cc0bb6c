/** The keys as a person presses them: two steps for "real", a cause for "false", and nothing on a panel that just changed. */
import { flushPromises, mount, type VueWrapper } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { nextTick } from "vue";

import KeyGroups from "../src/components/KeyGroups.vue";
import { i18n } from "../src/i18n";
import { useClock } from "../src/store/clock";
import { useSession } from "../src/store/session";
import { alarm, incident } from "./make";

let sent: { verb: string; args: object; path: string }[];
let page: VueWrapper;

const press = (key: string, over: object = {}): boolean =>
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...over }));

async function wait(ms: number): Promise<void> {
  vi.advanceTimersByTime(ms);
  useClock().tick();
  await nextTick();
}

beforeEach(async () => {
  vi.useFakeTimers();
  setActivePinia(createPinia());
  sent = [];
  vi.stubGlobal("fetch", (path: string, init: RequestInit) => {
    if (init.method === "POST") sent.push({ path, ...JSON.parse(String(init.body)) });
    return Promise.resolve(new Response(JSON.stringify({ ok: true, code: "ok", rev: 2, seq: 3, durable: true })));
  });
  useSession().user = { id: "u", name: "甲", language: "zh-CN", grants: [{ role: "operator", place: "" }] };
  page = mount(KeyGroups, { props: { incident: incident() }, global: { plugins: [i18n] }, attachTo: document.body });
  await wait(2_000);
});
afterEach(() => {
  page.unmount();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe("the keyboard", () => {
  it("T and Enter take, M mutes; a key held down counts once, one with Ctrl not at all", async () => {
    press("T");
    press("t", { repeat: true });
    press("m", { ctrlKey: true });
    await flushPromises();
    expect(sent.map((s) => s.verb)).toEqual(["take"]);
    press("m");
    await flushPromises();
    expect(sent.map((s) => s.verb)).toEqual(["take", "mute"]);
  });

  it("does nothing while somebody types", () => {
    const field = document.body.appendChild(document.createElement("input"));
    field.dispatchEvent(new KeyboardEvent("keydown", { key: "t", bubbles: true }));
    field.remove();
    expect(sent).toEqual([]);
  });
});

describe("核实属实", () => {
  it("needs a second press, not too soon and not too late", async () => {
    press("r");
    press("r");
    expect(sent).toEqual([]);
    await wait(7_000);
    press("r");
    expect(sent).toEqual([]);
    await wait(500);
    press("r");
    await flushPromises();
    expect(sent).toMatchObject([{ verb: "verdict", args: { verdict: "real" } }]);
  });

  it("forgets the first press when another incident takes the panel", async () => {
    press("r");
    await page.setProps({ incident: incident({ id: "20261121-0002" }) });
    await wait(1_000);
    press("r");
    expect(sent).toEqual([]);
  });
});

describe("核实误报", () => {
  it("is sent with its cause, of the incident the list was opened for", async () => {
    press("f");
    await nextTick();
    await page.setProps({ incident: incident({ id: "20261121-0002" }) });
    const dialog = page.find("dialog");
    expect(dialog.text()).toContain("3号楼 502 厨房");
    await wait(500);
    await dialog.find("form").trigger("submit");
    expect(sent).toEqual([]); // no cause yet
    await dialog.trigger("keydown", { key: "1" });
    await dialog.find("form").trigger("submit");
    await flushPromises();
    expect(sent).toMatchObject([{ verb: "verdict", args: { verdict: "false", cause: "cooking" } }]);
    expect(sent[0]?.path).toContain("20261121-0001");
  });
});

describe("a panel that just changed", () => {
  it("passes no press on and says why", async () => {
    await page.setProps({ incident: incident({ id: "20261121-0002" }) });
    press("t");
    await nextTick();
    expect(sent).toEqual([]);
    expect(page.text()).toContain("刚换成新的报警");
    await wait(900);
    press("t");
    await flushPromises();
    expect(sent[0]?.path).toContain("20261121-0002");
  });
});

describe("复位", () => {
  it("of an alarm that never says it is over needs a verdict and two presses", async () => {
    const active = incident({ verdict: "false", handling: "taken", alarms: [alarm({ state: "ACKED" })] });
    await page.setProps({ incident: active });
    const key = page.find("[data-test=reset] button");
    await key.trigger("click");
    expect(sent).toEqual([]);
    expect(key.text()).toContain("再按一次");
    await wait(500);
    await key.trigger("click");
    await flushPromises();
    expect(sent).toMatchObject([{ verb: "reset", args: { gone: true } }]);
  });
});
