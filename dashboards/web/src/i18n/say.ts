/** Small sentences that several parts of the page say the same way. */
import type { Bilingual, Incident, Told } from "../api/types";
import { ageOf } from "../model/time";
import { i18n, language, word } from "./index";

/** "2分31秒" */
export function age(durationMs: number): string {
  const { key, a, b } = ageOf(durationMs);
  return i18n.global.t(`age.${key}`, { a, b });
}

export const bilingual = (text: Bilingual | null | undefined): string => text?.[language()] ?? text?.["zh-CN"] ?? "";

/** The title without the handling in brackets at its end, which stands elsewhere: "【模拟】火警 待核实". */
export function headline(incident: Incident): string {
  return bilingual(incident.title).replace(/\s*[（(][^（()）]*[)）]$/, "");
}

/** Role codes separated by commas, as words: "micro_station,building_lead". */
export function roles(codes: string | null): string {
  return (codes ?? "")
    .split(",")
    .map((c) => word("role", c.trim()))
    .filter(Boolean)
    .join(language() === "en" ? ", " : "、");
}

/** A resident has no name here: only that it is one. */
export function person(told: Told): string {
  return told.person.name || word("role", told.role) || i18n.global.t("chain.resident");
}

/** What a refusal code means, else what the gateway wrote. */
export function reason(code: string, said: string): string {
  const known = `words.code.${code}`;
  if (i18n.global.te(known, "zh-CN")) return i18n.global.t(known);
  return said || i18n.global.t("words.code.unknown", { code });
}

/** A measured value with its unit; booleans as words. */
export function value(v: boolean | number | string | null, unit: string | null): string {
  if (v === null) return "";
  if (typeof v === "boolean") return i18n.global.t(v ? "devices.yes" : "devices.no");
  const shown = typeof v === "number" ? String(Math.round(v * 1000) / 1000) : v;
  return unit ? `${shown} ${unit === "degC" ? "℃" : unit}` : shown;
}
