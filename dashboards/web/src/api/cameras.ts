/** Cameras as the API shapes them: their state, their record in the register, and the picture of this moment. Times UTC ms. */
import { all, call, inPath, picture } from "./client";
import type { Bilingual, Known, Shapes } from "./types";

export type CameraState = Shapes["CameraShape"]["state"];
export type ZoneKind = Shapes["ZoneShape"]["kind"];
/** x and y as parts of the picture, 0 to 1 from its upper left corner. */
export type Point = readonly [number, number];

/** `name` is a part of its point's id and never changes once it is saved. */
export type Zone = Readonly<Omit<Known<Shapes["ZoneShape"]>, "points">> & { points: readonly Point[] };

/** Minutes of the local day, past midnight if `end` <= `start`; `days` from 0, Monday. */
export type ArmedHours = Readonly<Omit<Known<Shapes["ArmedShape"]>, "days">> & { days: readonly number[] };

type Recorded = Required<Known<Shapes["CameraRecordShape"]>>;
/** One row of the register, sent and read whole. */
export type CameraRecord = Omit<Recorded, "zones" | "armed" | "analytics" | "pictures" | "thresholds"> & {
  zones: readonly Zone[];
  armed: readonly ArmedHours[];
  analytics: readonly string[];
  pictures: readonly string[];
  thresholds: Readonly<Record<string, number>>;
};

export type CameraLimits = Omit<Known<Shapes["CameraLimits"]>, "thresholds"> & {
  thresholds: Record<string, [number, number]>;
};

/** `limits` only of one camera, not in the list. */
export type Camera = Omit<Known<Shapes["CameraShape"]>, "record"> & { record: CameraRecord; limits?: CameraLimits };

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
