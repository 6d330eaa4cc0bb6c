/** Incidents and cameras for tests: a fresh P1 fire and a registered camera unless told otherwise. */
import type { Camera, CameraRecord } from "../src/api/cameras";
import type { Alarm, Incident } from "../src/api/types";

export function incident(over: Partial<Incident> = {}): Incident {
  return {
    schema: "incident/1",
    id: "20261121-0001",
    rev: 1,
    mode: "live",
    site: "sunshine",
    hazard: "fire",
    priority: 1,
    handling: "open",
    verdict: "unverified",
    sound: "ringing",
    title: { "zh-CN": "火警 待核实", en: "Fire alarm unverified" },
    place: { path: ["阳光花园", "3号楼"], text: "3号楼 502 厨房", grid: null },
    opened_at: "2026-11-21T03:12:07.000+08:00",
    measured_at: null,
    updated_at: "2026-11-21T03:12:07.000+08:00",
    alarms: [alarm()],
    taken_by: null,
    next: null,
    told: [],
    sound_until: null,
    give_back_at: null,
    late_ms: 0,
    cause: "",
    advice: { "zh-CN": "先打电话。", en: "Call first." },
    ...over,
  } as Incident;
}

export function alarm(over: Partial<Alarm> = {}): Alarm {
  return {
    id: "a1",
    device: "demo:sunshine/d1",
    metric: "smoke",
    state: "UNACK",
    since: "2026-11-21T03:12:07.000+08:00",
    value: true,
    unit: null,
    ...over,
  };
}

export function record(over: Partial<CameraRecord> = {}): CameraRecord {
  return {
    purpose: "消防车通道", sees: "北门", notice: "北门立柱", assessed_on: "2026-10-01", zones: [], analytics: ["tamper", "motion"],
    thresholds: {}, armed: [], snoozed_until: null, shared: false, pictures: [], ...over,
  };
}

export function camera(over: Partial<Camera> = {}): Camera {
  return {
    id: "cameras-home:home/gate", name: "gate", site: "home", place: null, place_name: "", simulated: false, configured: true,
    state: "looking", since: null, told_at: null, standing: [], missing: [], record: record(), version: 1, ...over,
  };
}
