/** An alarm is seen on every page: whoever looks at devices with the sound off must not miss a fire. */
import { mount } from "@vue/test-utils";
import { createPinia, setActivePinia } from "pinia";
import { beforeEach, expect, it } from "vitest";

import AlarmBar from "../src/components/AlarmBar.vue";
import { i18n } from "../src/i18n";
import { useFeed } from "../src/store/feed";
import { incident } from "./make";

beforeEach(() => setActivePinia(createPinia()));

const shown = () => mount(AlarmBar, { global: { plugins: [i18n] } });

it("says the most urgent one that nobody has taken, how many more there are, and leads to the duty page", () => {
  const { incidents } = useFeed();
  for (const one of [
    incident({ id: "1", priority: 3, title: { "zh-CN": "燃气泄漏", en: "Gas" } }),
    incident({ id: "2", sound: "muted" }),
    incident({ id: "3", handling: "taken", place: { ...incident().place, text: "9号楼" } }),
  ]) incidents.set(one.id, one);
  const bar = shown();
  expect(bar.text()).toMatch(/火警.*3号楼 502 厨房.*尚无人接警.*另有 1 起/s);
  expect(bar.text()).not.toContain("9号楼");
  expect(bar.find("a").attributes("href")).toBe("#/duty");
});

it("is away once everything is taken or closed", () => {
  const { incidents } = useFeed();
  incidents.set("1", incident({ handling: "taken" }));
  incidents.set("2", incident({ id: "2", handling: "closed" }));
  expect(shown().find("[data-test=alarm-bar]").exists()).toBe(false);
});
