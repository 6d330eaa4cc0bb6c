/** The shapes of the HTTP contract that the page reads. Times are RFC 3339 with the offset of the place. */

export type Mode = "live" | "drill" | "test" | "simulated";
export type Handling =
  | "open" | "taken" | "dispatched" | "on_scene" | "under_control" | "closed" | "reopened" | "merged";
export type Verdict = "unverified" | "confirmed_by_devices" | "real" | "false" | "test" | "drill";
export type Sound = "ringing" | "muted" | "silent";
export type Verb =
  | "take" | "release" | "mute" | "verdict" | "dispatch" | "on_scene" | "control" | "reset" | "close" | "reopen";

export interface Bilingual {
  "zh-CN": string;
  en: string;
}

export interface Alarm {
  id: string;
  device: string;
  metric: string;
  /** NORM UNACK ACKED RTNUN LATCHED_UNACK LATCHED_ACKED */
  state: string;
  since: string;
  value: boolean | number | string | null;
  unit: string | null;
}

export interface Told {
  /** Both null for a resident. */
  person: { id: string | null; name: string | null };
  role: string;
  channel: string;
  at: string;
  step: number;
  /** pending sent failed refused */
  outcome: string;
  /** "" take decline on_scene */
  answer: string;
}

/** incident/1 with the call chain and what the desk needs beside it. `rev` only grows. */
export interface Incident {
  schema: "incident/1";
  id: string;
  rev: number;
  mode: Mode;
  site: string;
  hazard: string;
  priority: number;
  handling: Handling;
  verdict: Verdict;
  sound: Sound;
  title: Bilingual;
  place: { path: string[]; text: string; grid: string | null };
  opened_at: string;
  measured_at: string | null;
  updated_at: string;
  alarms: Alarm[];
  alarms_total?: number;
  taken_by: { id: string | null; name: string | null; role: string } | null;
  next: { at: string; step: string | null } | null;
  told?: Told[];
  /** When the mute ends. */
  sound_until?: string | null;
  late_ms?: number;
  advice?: Bilingual | null;
  cause?: string;
}

export interface Page<T> {
  items: T[];
  next: string | null;
  seq: number;
}

export interface User {
  id: string;
  name: string;
  language: string;
  grants: { role: string; place: string }[];
}

export interface Session {
  user: User;
  csrf: string;
  set_password?: boolean;
}

export interface ActAnswer {
  ok: boolean;
  code: string;
  rev: number | null;
  seq: number;
  durable?: boolean;
}

export interface Where {
  id: string;
  path: string[];
  text: string;
}

export interface Device {
  id: string;
  placed: boolean;
  site: string;
  place: Where;
  kind: string;
  name: string;
  model: string;
  last_at: string | null;
  lost: boolean;
}

export interface Point {
  point: string;
  device: string;
  metric: string;
  channel: string;
  value: boolean | number | string | null;
  unit: string | null;
  at: string;
  measured_at: string | null;
  flags: string[];
  stale: boolean;
}

export interface Place {
  id: string;
  name: string;
  level: string;
  parent: string | null;
}

/** Event `ping`. */
export interface Ping {
  at: string;
  seq: number;
  /** How old the gateway's own data is; null until it has heard of its engine. */
  age_ms: number | null;
}

export interface Health {
  ok: boolean;
  data_age_ms: number | null;
  parts: { name: string; ok: boolean; lag?: number | null; text: Bilingual }[];
}

export interface RecordedNotice {
  effect: string;
  at: string;
  person: { id: string | null; name: string | null };
  reason: string;
  title: string;
  body: string;
}
