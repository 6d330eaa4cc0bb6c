/** Texts of the page in both languages; the gateway's own words (hazards, roles, states) come from its locale files. */
import { createI18n } from "vue-i18n";

import wordsEn from "../../../../gateway/locales/en.json";
import wordsZh from "../../../../gateway/locales/zh-CN.json";
import en from "./en.json";
import zh from "./zh-CN.json";

export type Language = "zh-CN" | "en";

const KEPT_AS = "csg.language";

export const i18n = createI18n({
  legacy: false,
  locale: remembered() ?? "zh-CN",
  fallbackLocale: "zh-CN",
  missingWarn: false,
  fallbackWarn: false,
  messages: { "zh-CN": { ...zh, words: wordsZh }, en: { ...en, words: wordsEn } },
});

export function language(): Language {
  return i18n.global.locale.value === "en" ? "en" : "zh-CN";
}

export function setLanguage(to: Language, remember = true): void {
  i18n.global.locale.value = to;
  document.documentElement.lang = to;
  if (!remember) return;
  try {
    localStorage.setItem(KEPT_AS, to);
  } catch {
    // A browser that keeps nothing starts in Chinese again.
  }
}

/** The language this browser was last switched to. */
export function remembered(): Language | null {
  try {
    const kept = localStorage.getItem(KEPT_AS);
    return kept === "en" || kept === "zh-CN" ? kept : null;
  } catch {
    return null;
  }
}

/** The gateway's word for a code, e.g. ("hazard", "fire"); a code we have no word for is shown as it is. */
export function word(group: string, code: string | number | null | undefined): string {
  if (code === null || code === undefined || code === "") return "";
  const key = `words.${group}.${code}`;
  return i18n.global.te(key) || i18n.global.te(key, "zh-CN") ? i18n.global.t(key) : String(code);
}
