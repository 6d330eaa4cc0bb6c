/** Both languages say everything, with the same gaps to fill, in the words of the glossary. */
import { describe, expect, it } from "vitest";

import wordsEn from "../../../gateway/locales/en.json";
import wordsZh from "../../../gateway/locales/zh-CN.json";
import en from "../src/i18n/en.json";
import zh from "../src/i18n/zh-CN.json";

const sources = import.meta.glob("../src/**/*.{ts,vue}", { query: "?raw", import: "default", eager: true }) as Record<string, string>;

function flat(tree: object, above = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [key, value] of Object.entries(tree)) {
    if (typeof value === "string") found.set(above + key, value);
    else for (const [k, v] of flat(value as object, `${above}${key}.`)) found.set(k, v);
  }
  return found;
}

const gaps = (text: string): string[] => [...text.matchAll(/\{(\w+)\}/g)].map((m) => m[1] ?? "").sort();
const ours = { zh: flat(zh), en: flat(en) };

describe("the two languages", () => {
  it.each([["the page", zh, en], ["the gateway's words", wordsZh, wordsEn]])("%s: same keys, same gaps", (_, a, b) => {
    const left = flat(a);
    const right = flat(b);
    expect([...left.keys()].sort()).toEqual([...right.keys()].sort());
    for (const [key, text] of left) expect([key, gaps(text)]).toEqual([key, gaps(right.get(key) ?? "")]);
  });

  it("leaves nothing empty", () => {
    for (const [key, text] of [...ours.zh, ...ours.en]) expect([key, text.trim()]).not.toEqual([key, ""]);
  });

  it("uses no sign that the message format reads as its own", () => {
    for (const tree of [zh, en, wordsZh, wordsEn]) {
      for (const [key, text] of flat(tree)) expect([key, /[@|]/.test(text)]).toEqual([key, false]);
    }
  });
});

describe("the words", () => {
  const said = Object.entries(sources).map(([file, text]) => [file, text] as const);

  it("every key that the source names exists, and every key is named", () => {
    const named = new Set<string>();
    const families = new Set<string>();
    for (const [, text] of said) {
      for (const m of text.matchAll(/(?<!=)["'`]([a-z]+(?:\.[a-z_0-9]+)+)["'`]/g)) named.add(m[1] ?? "");
      for (const m of text.matchAll(/`([a-z]+)\.\$\{/g)) families.add(m[1] ?? "");
    }
    const missing = [...named].filter((k) => k.split(".")[0]! in zh && !ours.zh.has(k) && !k.endsWith(".json"));
    expect(missing).toEqual([]);
    const unused = [...ours.zh.keys()].filter((k) => !named.has(k) && !families.has(k.split(".")[0]!));
    expect(unused).toEqual([]);
  });

  it("no key is called 确认 alone, and the keys have the glossary's names", () => {
    for (const text of ours.zh.values()) expect(text).not.toMatch(/确认/);
    expect([zh.key.take, zh.key.mute, zh.key.real, zh.key.false, zh.key.reset, zh.key.close]).toEqual([
      "接警", "消音", "核实属实", "核实误报", "复位", "办结",
    ]);
  });

  it("no text for people stands in the source", () => {
    for (const [file, text] of said) {
      if (!file.endsWith(".vue")) continue;
      const template = (/<template>([\s\S]*)<\/template>/.exec(text)?.[1] ?? "").replace(/<!--[\s\S]*?-->/g, "");
      expect([file, /[\u4e00-\u9fff]/.test(template)]).toEqual([file, false]);
    }
  });
});
