"""The estate of the demo: 阳光花园, three buildings, about 150 devices, and invented people who can only be recorded.

`demo_community()` is a catalogue document as `gateway.registry.import_catalogue` takes it. Everything in it belongs to
the simulated source `demo`, so nothing it says can leave the recording channel.

A device is named after its place and what it is: `b3-u1-f05-502-kitchen-smoke` is the smoke detector in the kitchen of
flat 502, floor 5, unit 1, building 3. On MQTT it speaks on `community/sunshine/<name>/...`; its id is
`demo:sunshine/<name>`; its place id is `sunshine-<name without the last part>`. The last part, the suffix, says which
instruments the device has (`KINDS`); some places hold several devices, then a digit follows it (`hydrant2`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

DEMO_SITE: Final = "sunshine"
DEMO_SOURCE: Final = "demo"
RECORDING: Final = "recording"

KINDS: Final[dict[str, tuple[str, str, str, int, bool]]] = {
    # suffix: kind, name, model, seconds between reports, mains. The demo reports faster than battery devices really do,
    # so that a newcomer sees every device within a minute.
    "smoke": ("smoke", "独立式感烟火灾探测报警器", "DEMO-SD1", 60, False),
    "heat": ("heat", "独立式感温火灾探测报警器", "DEMO-HD1", 60, False),
    "gas": ("gas", "可燃气体探测器", "DEMO-GD1", 30, True),
    "co": ("co", "一氧化碳探测器", "DEMO-CO1", 60, False),
    "callpoint": ("call_point", "手动火灾报警按钮", "DEMO-CP1", 60, True),
    "sos": ("sos", "一键求助按钮", "DEMO-SOS1", 60, False),
    "hydrant": ("hydrant", "消火栓压力监测", "DEMO-HY1", 15, False),
    "pipe": ("pressure", "消防管网压力监测", "DEMO-PP1", 15, True),
    "panel": ("panel", "火灾报警控制器", "DEMO-FP1", 30, True),
    "flood": ("water_level", "积水监测", "DEMO-WL1", 60, True),
    "leak": ("water_leak", "漏水探测器", "DEMO-LK1", 60, False),
    "camera": ("camera", "视频监控", "DEMO-CAM1", 30, True),
    "access": ("access", "门禁", "DEMO-AC1", 60, True),
    "meter": ("meter", "充电回路监测", "DEMO-EM1", 30, True),
    "siren": ("siren", "声光警报器", "DEMO-SR1", 30, True),
    "valve": ("valve", "户内燃气紧急切断阀", "DEMO-GV1", 30, True),
}

_BUILDINGS: Final = (
    # number, units, floors, grid, grid coordinates (GCJ-02; a point in a lake, so nobody lives there)
    (1, 2, 6, "grid-sunshine-1", (30.2441, 120.1401)),
    (2, 1, 11, "grid-sunshine-2", (30.2446, 120.1406)),
    (3, 1, 6, "grid-sunshine-2", (30.2451, 120.1411)),
)
_NEEDS_HELP: Final = {"b1-u2-f03-301", "b3-u1-f02-202", "b2-u1-f04-402"}
_VALVES: Final = {"b1-u1-f05-502"}  # flats whose gas can be cut off
_SIRENS: Final = {"b1-u1-f05"}  # floors with a siren of their own
_CO: Final = {"b1-u1-f02-201", "b3-u1-f04-402"}
_HIGH_RISE_FLOORS: Final = (4, 7, 10)  # of building 2 only these floors have detectors inside the flats


def demo_community() -> dict[str, Any]:
    """The whole document: `grids`, `places`, `devices`, `people`. The same on every call."""
    places: list[dict[str, Any]] = []
    devices: list[dict[str, Any]] = []
    people: list[dict[str, Any]] = []

    def place(key: str, level: str, name: str, parent: str | None, **more: Any) -> str:
        identity = f"{DEMO_SITE}-{key}" if key else DEMO_SITE
        places.append({"id": identity, "level": level, "name": name, "parent": parent, **more})
        return identity

    def device(key: str, suffix: str, number: int = 0) -> None:
        kind, name, model, period_s, mains = KINDS[suffix]
        devices.append({
            "id": f"{DEMO_SOURCE}:{DEMO_SITE}/{key}-{suffix}{number or ''}",
            "place": f"{DEMO_SITE}-{key}", "kind": kind, "name": f"{name}{number or ''}", "model": model,
            "report_period_s": period_s, "mains": mains,
        })  # fmt: skip

    def person(identity: str, name: str, *roles: tuple[str, str], staff: bool = True) -> None:
        people.append({
            "id": identity, "name": name, "language": "zh-CN", "staff": staff,
            "roles": [list(role) for role in roles], "addresses": [[RECORDING, f"demo:{identity}"]],
        })  # fmt: skip

    site = place(
        "",
        "site",
        "阳光花园",
        None,
        grid="community-sunshine",
        geo=_geo(30.2446, 120.1406),
        external_ids={"area_code": "DEMO-000000", "standard_address": "演示市演示区演示街道阳光花园"},
    )
    _staff(person, site)
    for number, units, floors, grid, (lat, lon) in _BUILDINGS:
        b = f"b{number}"
        building = place(
            b,
            "building",
            f"{number}号楼",
            site,
            grid=grid,
            geo=_geo(lat, lon),
            external_ids={"house_code": f"DEMO-{number:03}"},
        )
        person(f"p-lead-{b}", f"楼栋长{'甲乙丙'[number - 1]}（示例）", ("building_lead", building))
        for u in range(1, units + 1):
            unit = place(f"{b}-u{u}", "unit", f"{u}单元", building)
            for f in range(1, floors + 1):
                fl = f"{b}-u{u}-f{f:02}"
                floor = place(fl, "floor", f"{f}层", unit)
                place(f"{fl}-corridor", "zone", "公共走道", floor, escape_route=True)
                device(f"{fl}-corridor", "smoke")
                if fl in _SIRENS:
                    device(f"{fl}-corridor", "siren")
                if number == 2 and f % 2:
                    device(f"{fl}-corridor", "callpoint")
                if number != 2 or f in _HIGH_RISE_FLOORS:
                    for home in (f"{fl}-{f}01", f"{fl}-{f}02"):
                        _home(home, floor, f"{f}0{home[-1]}", place, device, person)
    for key, name, suffixes in _COMMON:
        place(key, "zone", name, site, grid="grid-sunshine-1")
        for suffix, count in suffixes:
            for n in range(1, count + 1):
                device(key, suffix, n if count > 1 else 0)
    return {"grids": [dict(g) for g in _GRIDS], "places": places, "devices": devices, "people": people}


def demo_devices() -> Iterator[tuple[str, str]]:
    """`(name on MQTT, kind)` of every device of the demo, in the order of the document."""
    prefix = f"{DEMO_SOURCE}:{DEMO_SITE}/"
    for row in demo_community()["devices"]:
        yield row["id"].removeprefix(prefix), row["kind"]


def _home(key: str, floor: str, number: str, place: Any, device: Any, person: Any) -> None:
    """One flat: a kitchen with smoke and gas detectors, more where somebody needs help, one resident."""
    home = place(
        key,
        "household",
        number,
        floor,
        needs_help=key in _NEEDS_HELP,
        external_ids={"house_code": f"DEMO-{key.upper()}"},
    )
    place(f"{key}-kitchen", "zone", "厨房", home)
    device(f"{key}-kitchen", "smoke")
    device(f"{key}-kitchen", "gas")
    if key in _VALVES:
        device(f"{key}-kitchen", "valve")
    if key in _CO:
        device(f"{key}-kitchen", "co")
    if key in _NEEDS_HELP:
        place(f"{key}-bedroom", "zone", "卧室", home)
        device(f"{key}-bedroom", "sos")
        device(f"{key}-bedroom", "smoke")
    person(
        f"p-home-{key}",
        f"住户{key[1]}-{key.split('-')[1][1]}-{number}（示例）",
        ("household", home),
        staff=False,
    )


def _staff(person: Any, site: str) -> None:
    """Everybody who comes: property, micro fire station, grid, community. The names say that they are invented."""
    person("p-duty-1", "值班员甲（示例）", ("duty_operator", site))
    person("p-duty-2", "值班员乙（示例）", ("duty_operator", site))
    person("p-station-lead", "站长（示例）", ("micro_station_lead", site))
    for n, word in enumerate("甲乙丙", 1):
        person(f"p-station-{n}", f"队员{word}（示例）", ("micro_station", site))
    person("p-property", "物业经理（示例）", ("property_manager", site))
    person("p-fire-manager", "消防安全管理人（示例）", ("fire_safety_manager", site))
    person("p-fire-responsible", "消防安全责任人（示例）", ("fire_safety_responsible", site))
    person("p-contractor", "维保人员（示例）", ("contractor", site))
    person("p-volunteer-1", "志愿者甲（示例）", ("volunteer", site))
    person("p-grid-1", "网格员甲（示例）", ("grid_staff", "grid-sunshine-1"))
    person("p-grid-2", "网格员乙（示例）", ("grid_staff", "grid-sunshine-2"))
    person("p-grid-lead", "网格长（示例）", ("grid_lead", "community-sunshine"))


def _geo(lat: float, lon: float) -> dict[str, Any]:
    return {"lat": lat, "lon": lon, "datum": "GCJ-02"}


_GRIDS: Final[tuple[dict[str, Any], ...]] = (
    {"id": "street-demo", "name": "演示街道", "parent": None},
    {"id": "community-sunshine", "name": "阳光社区", "parent": "street-demo"},
    {"id": "grid-sunshine-1", "name": "第一网格", "parent": "community-sunshine"},
    {"id": "grid-sunshine-2", "name": "第二网格", "parent": "community-sunshine"},
)

_COMMON: Final = (
    ("control", "消防控制室", (("panel", 1),)),
    ("pump", "消防泵房", (("pipe", 2), ("flood", 1))),
    ("yard", "室外", (("hydrant", 6),)),
    ("lane", "消防车通道", (("camera", 2),)),
    ("shed", "电动自行车充电棚", (("smoke", 2), ("heat", 1), ("meter", 2), ("camera", 1))),
    ("garage", "地下车库", (("smoke", 2), ("co", 1), ("flood", 1))),
    ("gate", "出入口", (("access", 2), ("camera", 1))),
    ("substation", "配电间", (("smoke", 1), ("leak", 1))),
)
