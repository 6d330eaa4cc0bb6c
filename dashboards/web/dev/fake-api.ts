/**
 * A tiny stand-in for the gateway's API, for work on the page and for its pictures. It is no part of the product and no
 * measure of the gateway: it tells one story (a kitchen fire among smaller troubles) and obeys the keys roughly.
 */
import type { IncomingMessage, ServerResponse } from "node:http";

import type { Plugin } from "vite";

type Row = Record<string, unknown>;
const OFFSET_MIN = 480;
const START = Date.now();
const MUTE_MS = 120_000;

function at(ms: number): string {
  return new Date(ms + OFFSET_MIN * 60_000).toISOString().replace("Z", "+08:00");
}

const ADVICE: Record<string, [string, string]> = {
  fire: [
    "先打电话问住户。带灭火器到场，见烟见火立即拨打119并敲门疏散。不乘电梯。",
    "Call the household. Go with an extinguisher; at smoke or flame dial 119 and knock on doors. No lifts.",
  ],
  water: ["到现场看水压、阀门和有无放水。查看消防泵和水箱，恢复前加强巡查。", "Check pressure, valves and whether water is being drawn."],
};
const VERDICTS: Record<string, [string, string]> = {
  unverified: ["待核实", "unverified"], confirmed_by_devices: ["多点报警", "confirmed by devices"],
  real: ["属实", "real"], false: ["误报", "false alarm"],
};

function incident(id: string, over: Row & { what: [string, string] }): Row {
  const { what, ...rest } = over;
  return {
    schema: "incident/1", id, rev: 1, mode: "simulated", site: "sim", hazard: "fire", priority: 1, handling: "open",
    verdict: "unverified", sound: "ringing", what, place: { path: ["阳光花园", "3号楼", "1单元", "5层", "502", "厨房"],
      text: "3号楼 1单元 5层 502 厨房", grid: "第三网格", geo: null, external_ids: {} },
    opened_at: at(Date.now()), measured_at: at(Date.now()), updated_at: at(Date.now()), alarms: [], taken_by: null,
    next: null, cases: [], links: { self: `/api/v1/incidents/${id}` }, told: [], sound_until: null, give_back_at: null, late_ms: 0, cause: "",
    advice: null, ...rest,
  };
}

const WHO: Record<string, [string, string][]> = {
  "0": [["", "household"], ["赵值班", "duty_operator"]],
  "1": [["钱站员", "micro_station"], ["孙楼长", "building_lead"]],
  "2": [["李格员", "grid_staff"], ["周站长", "micro_station_lead"]],
};

const CAMERA = {
  id: "cameras-sim:sim/gate", name: "北门", site: "sim", place: "b3", place_name: "阳光花园 北门", simulated: false, configured: true,
  state: "lost", since: START - 9e4, told_at: START, standing: [], missing: ["notice"], version: 1,
  record: {
    purpose: "消防车通道占用", sees: "北门车道", notice: "", assessed_on: "2026-10-01", analytics: ["tamper", "occupation"], thresholds: { dwell_s: 120 },
    zones: [{ name: "lane", kind: "fire_lane", points: [[0.1, 0.6], [0.9, 0.6], [0.9, 0.9]] }], armed: [], snoozed_until: null, shared: true, pictures: ["occupied"],
  } as Row,
  limits: {
    thresholds: { dwell_s: [1, 86_400], size_min: [0.0005, 0.5] }, zones_max: 32, snooze_max_ms: 864e5,
    kinds: ["fire_lane", "exit", "charging_shed", "watch", "mask"], analytics: ["tamper", "occupation", "motion", "flame"], pictures: ["occupied", "removed", "intrusion", "possible_flame"],
  },
};

export function fakeApi(): Plugin {
  const incidents = new Map<string, Row>();
  const streams = new Set<ServerResponse>();
  let seq = 100;
  let silent = false;
  let undurable = false;
  let ailing = false;

  const shaped = (i: Row): Row => {
    const [zh, en] = i["what"] as [string, string];
    const [vz, ve] = i["priority"] === 1 || i["verdict"] !== "unverified" ? (VERDICTS[String(i["verdict"])] ?? ["", ""]) : ["", ""];
    const mark = i["mode"] === "simulated" ? ["【模拟】", "【模拟】SIMULATED "] : ["", ""];
    const [az, ae] = ADVICE[String(i["hazard"])] ?? ["到场查看。", "Go and look."];
    return { ...i, title: { "zh-CN": `${mark[0]}${zh} ${vz}`.trim(), en: `${mark[1]}${en} ${ve}`.trim() }, advice: { "zh-CN": az, en: ae } };
  };
  const send = (text: string): void => {
    if (!silent) for (const s of streams) s.write(text);
  };
  const change = (i: Row, over: Row): void => {
    Object.assign(i, over, { rev: Number(i["rev"]) + 1, updated_at: at(Date.now()) });
    send(`id: ${++seq}\nevent: incident\ndata: ${JSON.stringify(shaped(i))}\n\n`);
  };
  const tell = (i: Row, step: number, outcome = "sent"): void => {
    const rows = (WHO[String(step)] ?? []).map(([name, role]) => ({
      person: { id: name ? `p-${name}` : null, name: name || null }, role, channel: "recording", at: at(Date.now()), step, outcome, answer: "",
    }));
    change(i, { told: [...(i["told"] as Row[]), ...rows], next: { at: at(Date.now() + 30_000), step: "grid_staff,micro_station_lead" } });
  };

  function story(): void {
    const old = (minutes: number): string => at(START - minutes * 60_000);
    incidents.set("20261121-0003", incident("20261121-0003", {
      what: ["消火栓水压低", "Hydrant pressure low"], hazard: "water", priority: 2, sound: "silent", handling: "taken",
      opened_at: old(42), taken_by: { id: "p-1", name: "赵值班", role: "operator" },
      place: { path: ["阳光花园", "2号楼", "地下室"], text: "2号楼 地下室 消火栓", grid: null, geo: null, external_ids: {} },
      alarms: [{ id: "w", device: "demo:sim/b2-hydrant-1", metric: "pressure_low", state: "ACKED", since: old(42), value: 0.06, unit: "MPa" }],
    }));
    incidents.set("20261121-0005", incident("20261121-0005", {
      what: ["占用消防车通道", "Fire lane blocked"], hazard: "obstruction", priority: 3, sound: "silent", opened_at: old(12),
      place: { path: ["阳光花园", "南门"], text: "南门 消防车通道", grid: null, geo: null, external_ids: {} },
    }));
    incidents.set("20261121-0004", incident("20261121-0004", {
      what: ["电池欠压", "Battery low"], hazard: "equipment", priority: 4, sound: "silent", opened_at: old(180),
      place: { path: ["阳光花园", "1号楼"], text: "1号楼 2单元 3层 301 客厅", grid: null, geo: null, external_ids: {} },
    }));
    incidents.set("20261121-0002", incident("20261121-0002", {
      what: ["火警", "Fire alarm"], sound: "silent", handling: "closed", verdict: "false", cause: "cooking", opened_at: old(200), updated_at: old(188),
      place: { path: ["阳光花园", "1号楼"], text: "1号楼 1单元 2层 202 厨房", grid: null, geo: null, external_ids: {} },
    }));
    const fire = incident("20261121-0007", {
      what: ["火警", "Fire alarm"],
      alarms: [{ id: "a1", device: "demo:sim/b3-u1-f05-502-kitchen-smoke", metric: "smoke", state: "UNACK", since: at(Date.now()), value: true, unit: null }],
    });
    incidents.set("20261121-0007", fire);
    tell(fire, 0);
    setTimeout(() => fire["handling"] === "open" && tell(fire, 1), 30_000);
  }

  function act(i: Row, verb: string, args: Row): [number, string] {
    const by = { id: "p-1", name: "值班员甲", role: "operator" };
    const states = (from: string, to: string): Row[] =>
      (i["alarms"] as Row[]).map((a) => (a["state"] === from ? { ...a, state: to } : a));
    if (verb === "take") {
      if (i["handling"] === "taken") return [409, "taken_by_other"];
      change(i, { handling: "taken", sound: "silent", taken_by: by, next: null, alarms: states("UNACK", "ACKED") });
    } else if (verb === "mute") {
      if (i["sound"] !== "ringing") return [409, "not_now"];
      change(i, { sound: "muted", sound_until: at(Date.now() + MUTE_MS) });
    } else if (verb === "verdict") {
      change(i, { verdict: args["verdict"], cause: args["cause"] ?? "", sound: "silent", handling: "taken", taken_by: by, next: null, alarms: states("UNACK", "ACKED") });
    } else if (verb === "reset") {
      if ((i["alarms"] as Row[]).some((a) => a["state"] === "ACKED") && args["gone"] !== true) return [409, "alarm_active"];
      change(i, { alarms: (i["alarms"] as Row[]).map((a) => ({ ...a, state: "NORM" })) });
    } else {
      const to: Record<string, string> = { dispatch: "dispatched", on_scene: "on_scene", control: "under_control", close: "closed", release: "open", reopen: "reopened" };
      change(i, { handling: to[verb] ?? i["handling"], ...(verb === "dispatch" && !i["taken_by"] ? { taken_by: by, sound: "silent", next: null } : {}) });
    }
    return [200, "ok"];
  }

  async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const url = new URL(req.url ?? "/", "http://x");
    const json = (status: number, body: unknown): void => {
      res.writeHead(status, { "Content-Type": "application/json" });
      res.end(JSON.stringify(body));
    };
    let raw = "";
    for await (const chunk of req) raw += String(chunk);
    const body = (raw ? JSON.parse(raw) : {}) as Row;
    const signed = (req.headers.cookie ?? "").includes("csg_session=fake");
    const session = { user: { id: "u1", name: "值班员甲", language: "zh-CN", grants: [{ role: "operator", place: "" }] }, csrf: "c", set_password: body["token"] !== undefined };
    const path = url.pathname.replace("/api/v1", "");
    if (path === "/fake") {
      // Orders for pictures and tries: ?do=silence|speak|second|rering|clear|undurable|story
      const what = url.searchParams.get("do");
      const fire = incidents.get("20261121-0007");
      if (what === "silence") silent = true;
      if (what === "drop") { silent = true; for (const s of streams) s.end(); }
      if (what === "speak") silent = false;
      if (what === "undurable") undurable = true;
      if (what === "ailing") ailing = true;
      if (what === "empty") incidents.clear();
      if (what === "story") { incidents.clear(); story(); send(`id: ${++seq}\nevent: reset\ndata: {}\n\n`); }
      if (what === "tell" && fire) tell(fire, Number(url.searchParams.get("step")), url.searchParams.get("outcome") ?? "sent");
      if (what === "second" && fire) change(fire, { verdict: "confirmed_by_devices", sound: "ringing", alarms: [...(fire["alarms"] as Row[]),
        { id: "a2", device: "demo:sim/b3-u1-f05-hall-smoke", metric: "smoke", state: "UNACK", since: at(Date.now()), value: true, unit: null }] });
      if (what === "clear" && fire) change(fire, { alarms: (fire["alarms"] as Row[]).map((a) => ({ ...a, state: "LATCHED_ACKED" })) });
      if (what === "another") {
        const gas = incident("20261121-0009", { what: ["燃气泄漏", "Gas leak"], hazard: "gas",
          place: { path: ["阳光花园"], text: "1号楼 2单元 8层 803 厨房", grid: null, geo: null, external_ids: {} },
          alarms: [{ id: "g1", device: "demo:sim/b1-u2-f08-803-gas", metric: "gas_lel", state: "UNACK", since: at(Date.now()), value: 12.5, unit: "%LEL" }] });
        incidents.set("20261121-0009", gas);
        change(gas, {});
      }
      return json(200, { ok: true });
    }
    if (path === "/session" && req.method === "POST") {
      if (body["password"] === "wrong" || body["token"] === "used") return json(401, { type: "urn:csg:problem:wrong", title: "no" });
      res.setHeader("Set-Cookie", "csg_session=fake; HttpOnly; SameSite=Strict; Path=/");
      return json(200, session);
    }
    if (path === "/session" && req.method === "DELETE") {
      res.setHeader("Set-Cookie", "csg_session=; Max-Age=0; Path=/");
      res.writeHead(204);
      return void res.end();
    }
    if (!signed) return json(401, { type: "urn:csg:problem:signed_out", title: "Sign in" });
    if (path === "/session") return json(200, session);
    if (path === "/session/password") { res.writeHead(204); return void res.end(); }
    if (path === "/stream") {
      res.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      res.flushHeaders();
      if (silent) return;
      streams.add(res);
      const ping = (): void => { if (!silent) res.write(`: ping\nevent: ping\ndata: ${JSON.stringify({ at: at(Date.now()), seq, age_ms: 5 })}\n\n`); };
      ping();
      const timer = setInterval(ping, 5_000);
      req.on("close", () => { clearInterval(timer); streams.delete(res); });
      return;
    }
    const acts = /^\/incidents\/([^/]+)\/acts$/.exec(path);
    if (acts) {
      const found = incidents.get(acts[1] ?? "");
      if (!found) return json(404, { type: "urn:csg:problem:not_found", title: "gone" });
      const [status, code] = act(found, String(body["verb"]), (body["args"] ?? {}) as Row);
      if (status !== 200) return json(status, { type: `urn:csg:problem:${code}`, title: code });
      return json(200, { ok: true, code: "ok", rev: found["rev"], seq, durable: !undurable });
    }
    const one = /^\/incidents\/([^/]+)$/.exec(path);
    if (one) return json(200, shaped(incidents.get(one[1] ?? "") ?? {}));
    if (path === "/incidents") {
      const closed = url.searchParams.get("state") === "closed";
      const items = [...incidents.values()].filter((i) => (i["handling"] === "closed") === closed).map(shaped);
      return json(200, { items, next: null, seq });
    }
    if (path === "/alarms") return json(200, { items: [{ id: "a1", place: { text: "3号楼 1单元 5层 502 厨房" } }], next: null, seq });
    const where = { id: "p", path: ["阳光花园", "3号楼"], text: "3号楼 1单元 5层 502 厨房" };
    if (path === "/places") return json(200, { items: [{ id: "b3", name: "3号楼", level: "building", parent: "sim" }], next: null, seq });
    if (path === "/devices") {
      const items = ["smoke", "gas", "hydrant"].map((kind, n) => ({ id: `demo:sim/d${n}`, placed: true, site: "sim", place: where, kind, name: "", model: "", last_at: at(Date.now() - n * 9e5), lost: n === 2 }));
      return json(200, { items, next: null, seq });
    }
    if (path === "/points") {
      const p = (device: string, metric: string, value: unknown, unit: string | null, stale: boolean): Row => ({ point: `${device}/${metric}/`, device, metric, channel: "", value, unit, at: at(Date.now() - (stale ? 9e5 : 3e3)), measured_at: null, flags: [], stale });
      return json(200, { items: [p("demo:sim/d0", "smoke", true, null, false), p("demo:sim/d0", "battery", 87, "%", false), p("demo:sim/d1", "gas_lel", 0.4, "%LEL", false), p("demo:sim/d2", "pressure", 0.31, "MPa", true)], next: null, seq });
    }
    if (path === "/coverage") {
      const causes = [{ rule: "health-fault-safety", title: { "zh-CN": "安全设备故障", en: "Safety device fault" }, since: at(Date.now() - 36e5), out_of_service_until: null }];
      const floor = { place: where, level: "floor", class: "fire", marked: false, installed: 3, working: 2, percent: 66.7, missing: [{ id: "demo:sim/d0", name: "", kind: "smoke", place: where, causes }] };
      return json(200, { at: at(Date.now()), classes: [{ class: "fire", installed: 3, working: 2, percent: 66.7 }], items: [floor], next: null, seq });
    }
    const camera = /^\/cameras\/(.+?)(\/snooze|\/preview|\/figures)?$/.exec(decodeURIComponent(path));
    if (path === "/cameras") return json(200, { items: [CAMERA], next: null, seq });
    if (path === "/camera-events") return json(200, { items: [], next: null, seq });
    if (camera?.[2] === "/preview") return json(409, { type: "urn:csg:problem:no_picture", title: "no picture" });
    if (camera?.[2] === "/figures") return json(200, { camera: CAMERA.id, days: [], false_per_day: 0, unreviewed: 0 });
    if (camera) {
      if (req.method === "PUT") Object.assign(CAMERA, { record: body, version: CAMERA.version + 1 });
      if (req.method === "POST") CAMERA.record["snoozed_until"] = Date.now() + Number(body["minutes"]) * 60_000;
      if (req.method === "DELETE") CAMERA.record["snoozed_until"] = null;
      return json(200, CAMERA);
    }
    if (path === "/health/devices") return json(200, { at: at(Date.now()), counts: { never: 1 }, items: [{ id: "demo:sim/d1", name: "", kind: "gas", model: "", site: "sim", place: where, report_period_s: 60, problems: ["never"], causes: [], health: null }], next: null, seq });
    if (path === "/devices/due") return json(200, { items: [{ device: "demo:sim/d1", name: "", kind: "gas", place: where, what: "expired", day: "2026-10-01", overdue: true }], next: null, seq });
    if (path === "/health") return json(200, { ok: !ailing, at: at(Date.now()), seq, data_age_ms: 4, parts: [{ name: "engine", ok: true, lag: 0, text: { "zh-CN": "引擎正常", en: "engine is well" } }, { name: "store.duckdb", ok: !ailing, lag: 900, text: { "zh-CN": "历史数据有延迟，正在补写。", en: "History is behind and being filled in." } }] });
    if (path === "/recorded") return json(200, { items: [{ effect: "1.0", at: at(Date.now() - 9e3), person: { id: "p-1", name: "赵值班" }, reason: "called", title: "【模拟】火警 待核实：3号楼 1单元 5层 502 厨房", body: "感烟报警，03:12:07。" }], next: null, seq });
    json(404, { type: "urn:csg:problem:no_route", title: "no route" });
  }

  return {
    name: "fake-api",
    apply: "serve",
    configureServer(server) {
      story();
      server.middlewares.use((req, res, pass) => {
        if (!req.url?.startsWith("/api/")) return pass();
        void answer(req, res);
      });
    },
  };
}
