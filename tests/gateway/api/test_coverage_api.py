"""Coverage and the health of devices as people ask for them: what is missing and why, the worst first."""

from __future__ import annotations

from typing import Any

import httpx

from devices.reading import Reading
from gateway.core.event import Measured
from tests.gateway.api.house import DETECTOR, OTHER, House

HOUR = 3_600_000


async def ask(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(f"/api/v1{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def fail(house: House, device: str, fault: bool = True) -> None:
    """A detector says that it is faulty, and everybody has had time to see it."""
    await house.measure(device, "fault", fault)
    house.clock.advance(2_000)


async def test_coverage_says_what_is_missing_and_why(house: House) -> None:
    """A place with its only detector faulty is at 0 %, first, with the device and the alarm that impairs it."""
    client = house.client("admin")
    whole = await ask(client, "/coverage")
    assert [(c["class"], c["installed"], c["percent"]) for c in whole["classes"]] == [("fire", 2, 100.0)]
    await fail(house, DETECTOR)
    told = await ask(client, "/coverage")
    first = told["items"][0]
    assert (first["place"]["id"], first["class"], first["working"], first["percent"]) == (
        "a-1",
        "fire",
        0,
        0.0,
    )
    (missing,) = first["missing"]
    assert (missing["id"], missing["place"]["id"]) == (DETECTOR, "a-1-101")
    assert missing["causes"][0]["rule"] == "health-fault-safety"
    assert missing["causes"][0]["title"]["zh-CN"] == "安全设备故障"
    assert [c["percent"] for c in told["classes"]] == [50.0]
    await fail(house, DETECTOR, False)
    assert (await ask(client, "/coverage"))["items"][0]["percent"] == 100.0


async def test_everybody_sees_their_own_places(house: House) -> None:
    """Coverage, troubles and what is due are filtered by grants and by the place asked for, figures included."""
    await fail(house, DETECTOR)
    await fail(house, OTHER)
    for role, places, percent in (
        ("admin", {"a-1", "b-1"}, 0.0), ("viewer", {"a-1"}, 0.0), ("stranger", {"b-1"}, 0.0),
    ):  # fmt: skip
        client = house.client(role)
        told = await ask(client, "/coverage")
        assert {i["place"]["id"] for i in told["items"]} == places
        assert {c["percent"] for c in told["classes"]} == {percent}
        devices = await ask(client, "/health/devices")
        assert {
            d["place"]["id"].partition("-1")[0] for d in devices["items"] if d["problems"][0] == "impaired"
        } == {p[0] for p in places}
    client = house.client("admin")
    assert {i["place"]["id"] for i in (await ask(client, "/coverage", place="site-b"))["items"]} == {"b-1"}
    assert (await house.client().get("/api/v1/coverage")).status_code == 401


async def test_who_needs_help_is_not_for_everybody(house: House) -> None:
    """A household that is guarded because somebody there needs help is listed to those who may know people only."""
    places = [{"id": "a-1-101", "level": "household", "name": "101", "parent": "a-1", "needs_help": True}]
    house.registry.import_catalogue({"places": places}, who="test", now=house.now())
    await house._replan()
    await house._replanned()
    for role, seen in (("operator", {"a-1", "a-1-101"}), ("grid_staff", {"a-1"}), ("viewer", {"a-1"})):
        told = await ask(house.client(role), "/coverage")
        assert {(i["place"]["id"]) for i in told["items"]} == seen
        assert {i["place"]["id"] for i in told["items"] if i["marked"]} == seen - {"a-1"}


async def test_coverage_is_paged_in_one_order(house: House) -> None:
    """Page after page gives every place once, the worst first."""
    await fail(house, OTHER)
    client = house.client("admin")
    seen, cursor = [], None
    while True:
        told = await ask(client, "/coverage", limit=1, **({"cursor": cursor} if cursor else {}))
        seen += [(i["place"]["id"], i["percent"]) for i in told["items"]]
        cursor = told["next"]
        if cursor is None:
            break
    assert seen == [("b-1", 0.0), ("a-1", 100.0)]
    assert (await client.get("/api/v1/coverage", params={"cursor": "nonsense"})).status_code == 422


async def test_devices_with_troubles_come_worst_first(house: House) -> None:
    """Silent, faulty, never heard, weak: each with its problems, causes and figures; one kind can be asked for."""
    for n in range(8):
        await house.measure("a:door", "battery", 14)
        house.clock.advance(HOUR if n < 7 else 0)
    await fail(house, DETECTOR)
    client = house.client("admin")
    told = await ask(client, "/health/devices")
    assert [(d["id"], d["problems"]) for d in told["items"]] == [
        (DETECTOR, ["impaired"]), (OTHER, ["never"]), ("a:door", ["battery"]),
    ]  # fmt: skip
    assert (told["counts"]["impaired"], told["counts"]["never"], told["counts"]["lost"]) == (1, 1, 0)
    door = told["items"][2]["health"]
    assert door["battery"] == {"percent": 14.0, "per_month": None, "days_left": 0}
    assert (door["learned_period_s"], door["steady"]) == (3600, True)
    assert told["items"][1]["health"] is None
    some = await ask(client, "/health/devices", problem="battery")
    assert [d["id"] for d in some["items"]] == ["a:door"]
    first = await ask(client, "/health/devices", limit=2)
    rest = await ask(client, "/health/devices", limit=2, cursor=first["next"])
    assert ([d["id"] for d in first["items"] + rest["items"]], rest["next"]) == (
        [DETECTOR, OTHER, "a:door"],
        None,
    )
    house.clock.advance(24 * HOUR)
    later = await ask(client, "/health/devices")
    assert "overdue" in next(d for d in later["items"] if d["id"] == DETECTOR)["problems"]


async def test_a_device_shows_what_was_learned_of_it(house: House) -> None:
    """The device's own page holds its figures; a device never heard has none."""
    client = house.client("viewer")
    assert (await ask(client, f"/devices/{DETECTOR}"))["health"] is None
    await house.happen(
        Measured("a", [Reading(f"{DETECTOR}/linkquality/", 77), Reading(f"{DETECTOR}/smoke/", False)])
    )
    known = (await ask(client, f"/devices/{DETECTOR}"))["health"]
    assert known["link"] == {
        "metric": "linkquality",
        "unit": None,
        "min": 77,
        "median": 77,
        "recent": 77,
        "usual": 77,
    }
    assert (known["messages_today"], known["learned_period_s"]) == (1, None)


async def test_a_learned_period_is_adopted_by_a_person_only(house: House) -> None:
    """It is offered, needs an administrator and the version they saw, and then stands in the catalogue and the plan."""
    for _ in range(8):
        await house.measure("a:door", "door_open", False)
        house.clock.advance(600_000)
    path = "/api/v1/devices/a:door/adopt-period"
    client = house.client("admin")
    detail = await client.get("/api/v1/devices/a:door")
    assert (detail.json()["report_period_s"], detail.json()["health"]["learned_period_s"]) == (None, 600)
    assert (await client.post(path)).status_code == 428
    assert (await client.post(path, headers={"If-Match": '"0"'})).status_code == 412
    seen = {"If-Match": detail.headers["ETag"]}
    assert (await house.client("operator").post(path, headers=seen)).status_code == 403
    done = await client.post(path, headers=seen)
    assert (done.status_code, done.json()["report_period_s"], done.json()["planned"]) == (200, 600, True)
    assert (await ask(client, "/devices/a:door"))["report_period_s"] == 600
    assert house.engine.plan.period_s("a:door") == 600
    refused = await client.post(f"/api/v1/devices/{OTHER}/adopt-period", headers={"If-Match": '"1"'})
    assert (refused.status_code, refused.json()["code"]) == (409, "nothing_learned")
    assert (await client.post("/api/v1/devices/x:y/adopt-period", headers=seen)).status_code == 404


async def test_what_is_due_is_listed_by_its_day(house: House) -> None:
    """Devices past or near the end of their life, their calibration or test, the earliest first."""
    rows = [
        {"id": DETECTOR, "place": "a-1-101", "kind": "smoke", "expires_on": "2026-01-31"},
        {"id": OTHER, "place": "b-1", "kind": "smoke", "test_due": "2026-12-01"},
    ]
    house.registry.import_catalogue({"devices": rows}, who="test", now=house.now())
    client = house.client("admin")
    told = await ask(client, "/devices/due", within_days=30)
    assert [(d["device"], d["what"], d["day"], d["overdue"]) for d in told["items"]] == [
        (DETECTOR, "expired", "2026-01-31", True), (OTHER, "test", "2026-12-01", False),
    ]  # fmt: skip
    assert [d["device"] for d in (await ask(house.client("stranger"), "/devices/due"))["items"]] == [OTHER]
    first = await ask(client, "/devices/due", limit=1)
    assert [d["device"] for d in (await ask(client, "/devices/due", cursor=first["next"]))["items"]] == [
        OTHER
    ]


async def test_prometheus_sees_coverage_and_troubles(house: House) -> None:
    """A share by class and devices by their worst problem; every word always there, so that a rule can be written."""
    await fail(house, DETECTOR)
    text = (await house.client("admin").get("/metrics")).text
    assert 'csg_coverage_ratio{class="fire"} 0.5' in text
    assert 'csg_devices{health="impaired"} 1.0' in text
    assert 'csg_devices{health="lost"} 0.0' in text
