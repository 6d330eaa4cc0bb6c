/** Cameras as the API shapes them: their state, their record in the register, and the picture of this moment. Times UTC ms. */
import { all, call, inPath, picture } from "./client";
import type { Bilingual } from "./types";

export type CameraState = "looking" | "lost" | "slow" | "tampered" | "apart" | "starting" | "unregistered" | "unknown";
export type ZoneKind = "fire_lane" | "exit" | "charging_shed" | "watch" | "mask";
/** x and y as parts of the picture, 0 to 1 from its upper left corner. */
export type Point = readonly [number, number];

/** `name` is a part of its point's id and never changes once it is saved. */
export interface Zone {
  name: string;
  kind: ZoneKind;
  points: readonly Point[];
}

/** Minutes of the local day, past midnight if `end` <= `start`; `days` from 0, Monday. */
export interface ArmedHours {
  start: number;
  end: number;
  days: readonly number[];
}

/** One row of the register, sent and read whole. */
export interface CameraRecord {
  purpose: string;
  sees: string;
  notice: string;
  assessed_on: string | null;
  zones: readonly Zone[];
  analytics: readonly string[];
  thresholds: Readonly<Record<string, number>>;
  armed: readonly ArmedHours[];
  snoozed_until: number | null;
  shared: boolean;
  pictures: readonly string[];
}

export interface CameraLimits {
  thresholds: Record<string, [number, number]>;
  zones_max: number;
  snooze_max_ms: number;
  kinds: ZoneKind[];
  analytics: string[];
  /** Types of events that may keep pictures; those that a sensor's alarm asks for are kept beside them. */
  pictures: string[];
}

export interface Camera {
  id: string;
  name: string;
  site: string;
  place: string | null;
  place_name: string;
  simulated: boolean;
  configured: boolean;
  state: CameraState;
  since: number | null;
  told_at: number | null;
  /** What holds now; `since` null where no alarm stands for it. */
  standing: { metric: string; channel: string; since: number | null }[];
  missing: string[];
  record: CameraRecord;
  version: number;
  /** Only of one camera, not in the list. */
  limits?: CameraLimits;
}

/** One wrong field of a record that was refused, e.g. `thresholds.dwell_s`. */
export interface WrongField {
  field: string;
  expected: string;
  found: string;
  /** The same for people. */
  said?: { expected: Bilingual; found: Bilingual };
}

export interface Preview {
  /** A data: address; the page's content security policy allows no other made here. */
  url: string;
  takenAt: number;
  learning: boolean;
}

/** The camera's process answers within 2 s or not at all; the rest is the way. */
const PREVIEW_MS = 4_000;

const at = (id: string): string => `/cameras/${inPath(id)}`;

export const cameras = (): Promise<Camera[]> => all("/cameras?limit=500");
export const camera = (id: string): Promise<Camera> => call("GET", at(id));
export const saveCamera = (id: string, record: CameraRecord, version: number): Promise<Camera> =>
  call("PUT", at(id), { body: record, version });
export const snooze = (id: string, minutes: number): Promise<Camera> =>
  call("POST", `${at(id)}/snooze`, { body: { minutes } });
export const endSnooze = (id: string): Promise<Camera> => call("DELETE", `${at(id)}/snooze`);

/** The newest picture, masked. Each look is written down. Raises as `call`. */
export async function preview(id: string): Promise<Preview> {
  const { data, headers } = await picture(`${at(id)}/preview`, PREVIEW_MS);
  return {
    url: await asAddress(data),
    takenAt: Number(headers.get("CSG-Taken-At") ?? NaN),
    learning: headers.get("CSG-View") === "learning",
  };
}

async function asAddress(data: Blob): Promise<string> {
  const bytes = new Uint8Array(await data.arrayBuffer());
  return `data:image/jpeg;base64,${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}`;
}
