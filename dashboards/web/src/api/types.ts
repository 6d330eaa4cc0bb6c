/**
 * The shapes of the HTTP contract that the page reads, taken from the published OpenAPI document (`npm run types`).
 * Times are RFC 3339 with the offset of the place. Where the document names a word list only in prose, the words stand here.
 */
import type { components } from "../../.generated/openapi";

export type Shapes = components["schemas"];
/** The members the document names; it allows more, which would make every misspelt one pass. */
export type Known<T> = { [K in keyof T as string extends K ? never : K]: T[K] };

export type Handling =
  | "open" | "taken" | "dispatched" | "on_scene" | "under_control" | "closed" | "reopened" | "merged";
export type Verdict = "unverified" | "confirmed_by_devices" | "real" | "false" | "test" | "drill";
export type Sound = "ringing" | "muted" | "silent";
/** The verbs that have a key here. */
export type Verb =
  | "take" | "release" | "mute" | "verdict" | "dispatch" | "on_scene" | "control" | "reset" | "close" | "reopen";

/** incident/1 with the call chain and what the desk needs beside it. `rev` only grows. */
export type Incident = Omit<Known<Shapes["Incident"]>, "handling" | "verdict" | "sound"> & {
  handling: Handling;
  verdict: Verdict;
  sound: Sound;
};
/** One alarm of an incident. `state`: NORM UNACK ACKED RTNUN LATCHED_UNACK LATCHED_ACKED. */
export type Alarm = Shapes["IncidentAlarm"];
/** Of GET /alarms and event `alarm`: what the page needs beside incident/1's own. */
export type AlarmRow = Pick<Shapes["Alarm"], "id" | "place">;
/** One person told. Id and name are null for a resident. */
export type Told = Shapes["ToldShape"];
export type Bilingual = Shapes["Bilingual"];
export type User = Shapes["UserShape"];
export type Session = Shapes["SessionShape"];
export type ActAnswer = Shapes["ActAnswerShape"];
/** What a device near an incident may be told, and what it was told. */
export type DeviceCommands = Shapes["DeviceCommands"];
/** One command to a device, also as event `command`. */
export type Command = Shapes["CommandShape"];
export type Device = Shapes["Device"];
/** One device with its dates, whom it stands for, and the version an edit must name. */
export type DeviceDetail = Shapes["DeviceDetail"];
export type PlaceDetail = Shapes["PlaceDetail"];
export type Point = Shapes["Point"];
export type History = Shapes["History"];
export type Place = Shapes["Place"];
export type Health = Shapes["Health"];
export type CoveragePage = Shapes["CoveragePage"];
export type AilingPage = Shapes["AilingPage"];
export type Ailing = Shapes["AilingDevice"];
export type Cause = Shapes["Cause"];
export type Due = Shapes["DueDevice"];
export type Newcomer = Shapes["Newcomer"];
/** What became of devices that were to be placed, or would. */
export type Settled = Shapes["Settled"];
export type Match = Shapes["Match"];
export type PlacementRule = Shapes["Placement"];
export type Imported = Shapes["Imported"];
/** One wrong cell of a sheet: `row` is the sheet's line; 0 where the whole table or file is meant. */
export interface WrongCell {
  table: string;
  row: number;
  column: string;
  expected: string;
  found: string;
  nearest: string | null;
  /** The same for people. */
  said: { expected: Bilingual; found: Bilingual };
}
export type RecordedNotice = Shapes["RecordedNotice"];

export interface Page<T> {
  items: T[];
  next: string | null;
  seq: number;
}

/** Event `ping`, which no document describes. */
export interface Ping {
  at: string;
  seq: number;
  /** How old the gateway's own data is; null until it has heard of its engine. */
  age_ms: number | null;
}

export type CameraVerdict = "true" | "false" | "unknown";
/** One masked picture of a camera event; a link shows it. */
export type CameraPicture = Shapes["Picture"];
/** Somebody wants to see the unmasked one. */
export type OriginalRequest = Shapes["OriginalRequest"];
/** What a camera saw, with the pictures that are kept of it. */
export type CameraEvent = Omit<Known<Shapes["CameraEventShape"]>, "place"> & { place: { text: string } };
/** What people said of a camera's events, day by day. */
export type CameraFigures = Shapes["CameraFigures"];
