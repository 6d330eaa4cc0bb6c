"""Devices without a place: live at once, shown, placed one by one or by name; and broken ones changed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from devices.reading import Flag, Reading
from gateway.core.event import Measured
from gateway.newcomers import WHO, Newcomers
from tests.gateway.api.house import DETECTOR, House

ROOMS = ("smoke-1-101", "smoke-2-201", "smoke-9-901")


async def heard(house: House, *names: str, metric: str = "smoke", value: Any = False) -> None:
    """Devices of source `a` that nobody has placed say something."""
    for name in names:
        await house.measure(f"a:{name}", metric, value)


async def waiting(house: House, role: str = "admin", **params: Any) -> list[str]:
    """Who waits in the inbox."""
    answer = await house.client(role).get("/api/v1/inbox", params=params)
    assert answer.status_code == 200, answer.text
    return [row["device"] for row in answer.json()["items"]]


async def test_an_unplaced_devices_smoke_is_a_p1_that_says_so_and_the_next_one_says_where(
    house: House,
) -> None:
    """At its source's site, in both languages and with its own name; after placing, the next alarm has its place."""
    await heard(house, "stranger", value=True)
    client = house.client("admin")
    (incident,) = (await client.get("/api/v1/incidents?state=open")).json()["items"]
    assert (incident["priority"], incident["site"], incident["hazard"]) == (1, "site-a", "fire")
    assert incident["title"] == {
        "zh-CN": "火警 待核实 位置未登记",
        "en": "Fire alarm, unverified, place not registered",
    }
    assert incident["place"]["text"] == "阳光花园 stranger"
    told = [effect for effect in house.sent if getattr(effect, "incident", "") == incident["id"]]
    assert told, "nobody was called"
    said = house.parts.world.composer.notice(told[0], "1", house.now())
    assert "位置未登记" in said.short
    assert "stranger" in said.short
    (row,) = (await client.get("/api/v1/inbox")).json()["items"]
    assert [(a["metric"], a["priority"], a["state"]) for a in row["alarms"]] == [("smoke", 1, "UNACK")]
    placed = await client.post("/api/v1/inbox/place", json={"devices": ["a:stranger"], "place": "a-1-101"})
    assert (placed.json()["placed"], placed.json()["planned"]) == (1, True)
    assert await waiting(house) == []
    known = (await client.get(f"/api/v1/incidents/{incident['id']}")).json()
    assert (known["place"]["text"], known["title"]["zh-CN"]) == ("1号楼 101", "火警 待核实")
    await house.measure("a:stranger", "gas", True)
    (newest,) = (await client.get("/api/v1/incidents?state=open&hazard=gas")).json()["items"]
    assert (newest["place"]["text"], newest["place"]["path"]) == ("1号楼 101", ["阳光花园", "1号楼", "101"])


async def test_the_inbox_shows_what_a_device_said_and_what_it_seems_to_be(house: House) -> None:
    """Name, source, times, values and a kind by its metrics; placed devices and the gateway's own are not in it."""
    await heard(house, "kitchen/x", metric="gas_lel", value=3.5)
    await heard(house, "kitchen/x", metric="battery", value=80)
    await house.measure(DETECTOR, "smoke", False)
    await house.measure("gateway:engine", "journal_ok", True)
    (row,) = (await house.client("admin").get("/api/v1/inbox")).json()["items"]
    assert (row["device"], row["source"], row["native"]) == ("a:kitchen/x", "a", "kitchen/x")
    assert (row["site"], row["simulated"], row["suggested_kind"]) == ("site-a", False, "gas")
    assert {p["metric"]: p["value"] for p in row["points"]} == {"gas_lel": 3.5, "battery": 80}
    assert row["last_at"] is not None


async def test_those_that_alarm_come_first_and_pages_lose_nobody(house: House) -> None:
    """The newest of thirty devices alarms: it is on top of the first page, and each other one is on one page."""
    names = [f"d{n:02}" for n in range(30)]
    await heard(house, *names, metric="battery", value=50)
    await heard(house, "d29", value=True)
    client = house.client("admin")
    rows: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 7, **({"cursor": cursor} if cursor else {})}
        page = (await client.get("/api/v1/inbox", params=params)).json()  # type: ignore[arg-type]  # a number and a text
        rows += [row["device"] for row in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert rows[0] == "a:d29"
    assert sorted(rows) == [f"a:{name}" for name in names]


async def test_only_who_may_place_them_sees_them(house: House) -> None:
    """An administrator of another site sees none of these, others get 403, and nobody places for others."""
    await heard(house, "x")
    for role in ("operator", "viewer", "stranger"):
        assert (await house.client(role).get("/api/v1/inbox")).status_code == 403
        answer = await house.client(role).post(
            "/api/v1/inbox/place", json={"devices": ["a:x"], "place": "a-1"}
        )
        assert answer.status_code == 403
    _, house.keys["admin-b"] = house.auth.keys.add("b", [("admin", "site-b")], who="test", now=house.now())
    assert await waiting(house, "admin-b") == []
    client = house.client("admin-b")
    for body in (
        {"devices": ["a:x"], "place": "b-1"},
        {"devices": ["b:y"], "place": "a-1"},
        {"pattern": "{x}", "place": "b-1", "save": True},
    ):
        assert (await client.post("/api/v1/inbox/place", json=body)).status_code == 403, body
    by_name = await client.post("/api/v1/inbox/place", json={"pattern": "{x}", "place": "b-1"})
    assert by_name.json()["placed"] == 0
    assert (await client.get("/api/v1/placements")).status_code == 403


async def test_many_are_placed_by_their_names_and_missing_places_are_named(house: House) -> None:
    """A dry run shows each match with its place and changes nothing; then those with a place go there, others wait."""
    await heard(house, *ROOMS, "other")
    client = house.client("admin")
    ask: dict[str, Any] = {"pattern": "smoke-{b}-{r}", "place": "a-{b}", "dry_run": True}
    version = house.registry.version()
    tried = (await client.post("/api/v1/inbox/place", json=ask)).json()
    assert [(m["device"], m["place"]["id"], m["kind"], m["outcome"]) for m in tried["matches"]] == [
        ("a:smoke-9-901", "a-9", "smoke", "missing"),
        ("a:smoke-1-101", "a-1", "smoke", "placed"),
        ("a:smoke-2-201", "a-2", "smoke", "placed"),
    ]
    assert tried["matches"][1]["place"]["text"] == "1号楼"
    assert tried["missing"] == [{"place": "a-9", "devices": 1}]
    assert (tried["placed"], tried["saved"], house.registry.version(), house.replans) == (
        2,
        False,
        version,
        0,
    )
    done = (await client.post("/api/v1/inbox/place", json={**ask, "dry_run": False})).json()
    assert (done["placed"], done["planned"], done["matches"]) == (2, True, tried["matches"])
    assert house.engine.plan.catalogue.devices["a:smoke-2-201"].place == "a-2"
    assert await waiting(house) == ["a:smoke-9-901", "a:other"]
    again = (await client.post("/api/v1/inbox/place", json={**ask, "dry_run": False})).json()
    assert (again["placed"], again["planned"]) == (0, False)


async def test_a_device_with_a_place_is_never_moved_by_the_inbox(house: House) -> None:
    """It is told as known; an id no catalogue can hold is told as refused and holds up nobody."""
    odd = "a:" + "x" * 300
    await house.happen(Measured("a", [Reading(f"{odd}/smoke/", False)]))
    body = {"devices": [DETECTOR, odd, "a:new", "a:new"], "place": "a-2", "kind": "heat"}
    done = (await house.client("admin").post("/api/v1/inbox/place", json=body)).json()
    assert {m["device"]: m["outcome"] for m in done["matches"]} == {
        DETECTOR: "known",
        odd: "refused",
        "a:new": "placed",
    }
    assert (done["placed"], done["known"], done["refused"]) == (1, 1, 1)
    devices = house.engine.plan.catalogue.devices
    assert (devices[DETECTOR].place, devices["a:new"].place, devices["a:new"].kind) == (
        "a-1-101",
        "a-2",
        "heat",
    )


@pytest.mark.parametrize(
    "body",
    [
        {"place": "a-1"},
        {"devices": ["a:x"], "pattern": "{x}", "place": "a-1"},
        {"devices": [], "place": "a-1"},
        {"devices": ["a:x"], "place": "a-1", "save": True},
        {"pattern": "no gap", "place": "a-1"},
        {"pattern": "{a}{b}", "place": "a-1"},
        {"pattern": "{a}", "place": "a-{b}"},
    ],
)
async def test_a_wish_that_cannot_be_understood_says_why(house: House, body: dict[str, Any]) -> None:
    """422 with what is wrong, and nothing changed."""
    version = house.registry.version()
    answer = await house.client("admin").post("/api/v1/inbox/place", json=body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid")
    assert answer.json()["detail"]
    assert house.registry.version() == version


async def test_a_saved_pattern_places_newcomers_by_itself(house: House) -> None:
    """The rule is listed, the next device of that name goes to its place in the rule's name; it can be removed."""
    client = house.client("admin")
    await heard(house, "smoke-1-101")
    body = {"pattern": "smoke-{b}-{r}", "place": "a-{b}", "save": True}
    assert (await client.post("/api/v1/inbox/place", json=body)).json()["saved"] is True
    rules = (await client.get("/api/v1/placements")).json()["items"]
    assert rules == [{"pattern": "smoke-{b}-{r}", "place": "a-{b}", "kind": ""}]
    await heard(house, "smoke-2-202")
    newcomers = Newcomers(house.parts.latest, house.registry, house.clock)
    newcomers.due()
    house.clock.advance(3_000)
    assert newcomers.due()
    assert newcomers.place() == 1
    (edit,) = house.registry.edits(row="a:smoke-2-202")
    assert (edit.who, edit.what) == (WHO, "device.put")
    rule = {"pattern": "{x}-{y}", "place": "a-1", "kind": "smoke"}
    assert (await client.put("/api/v1/placements", json=rule)).json() == rule
    assert (await client.put("/api/v1/placements", json={**rule, "pattern": "x"})).status_code == 422
    for _, status in ((1, 204), (2, 404)):
        answer = await client.delete("/api/v1/placements", params={"pattern": "{x}-{y}"})
        assert answer.status_code == status
    assert len((await client.get("/api/v1/placements")).json()["items"]) == 1


async def test_a_changed_device_keeps_its_history_and_leaves_the_inbox(house: House) -> None:
    """The new one takes place and name; its past is the old one's, up to the change and shown as such; the old one is
    seen again only if it is heard again."""
    await house.measure(DETECTOR, "temperature", 20.0)
    house.clock.advance(60_000)
    await heard(house, "new", metric="temperature", value=5.0)
    client = house.client("admin")
    answer = await client.post(f"/api/v1/devices/{DETECTOR}/replace", json={"by": "a:new", "model": "SD2"})
    assert (answer.status_code, answer.json()["id"], answer.json()["planned"]) == (200, "a:new", True)
    changed_at = house.now()
    house.clock.advance(60_000)
    await heard(house, "new", metric="temperature", value=21.0)
    detail = (await client.get("/api/v1/devices/a:new")).json()
    assert (detail["name"], detail["model"], detail["place"]["id"]) == ("厅", "SD2", "a-1-101")
    assert [p["id"] for p in detail["predecessors"]] == [DETECTOR]
    params = {"point": "a:new/temperature/"}
    own, before = (await client.get("/api/v1/history", params=params)).json()["series"]
    assert (own["stands_for"], [v for _, v in own["rows"]]) == (None, [5.0, 21.0])
    assert (before["point"], before["stands_for"]) == (f"{DETECTOR}/temperature/", "a:new/temperature/")
    assert [v for _, v in before["rows"]] == [20.0]
    assert before["until"] == detail["predecessors"][0]["changed_at"]
    both = (await client.get("/api/v1/points?device=a:new&predecessors=true")).json()["items"]
    assert [(p["device"], p["value"], p["stale"]) for p in both] == [
        ("a:new", 21.0, False),
        (DETECTOR, 20.0, True),
    ]
    assert len((await client.get("/api/v1/points?device=a:new")).json()["items"]) == 1
    assert await waiting(house) == []
    assert house.now() > changed_at
    await house.measure(DETECTOR, "temperature", 22.0)
    (row,) = (await client.get("/api/v1/inbox")).json()["items"]
    assert (row["device"], row["taken_out_at"]) == (DETECTOR, before["until"])


async def test_a_change_that_cannot_be_is_refused(house: House) -> None:
    """No such device, a new id that is taken or none at all, and no right: nothing changes."""
    client = house.client("admin")
    version = house.registry.version()
    for device, by, status in (
        ("a:none", "a:new", 404),
        (DETECTOR, "a:door", 422),
        (DETECTOR, "no source", 422),
        (DETECTOR, DETECTOR, 422),
    ):
        answer = await client.post(f"/api/v1/devices/{device}/replace", json={"by": by})
        assert answer.status_code == status, answer.text
    answer = await house.client("operator").post(f"/api/v1/devices/{DETECTOR}/replace", json={"by": "a:new"})
    assert answer.status_code == 403
    assert house.registry.version() == version


async def test_stored_data_of_a_device_changed_long_ago_brings_it_back_nowhere(house: House) -> None:
    """Readings a retired device sends late as history are no sign of life."""
    await house.client("admin").post(f"/api/v1/devices/{DETECTOR}/replace", json={"by": "a:new"})
    house.clock.advance(1_000)
    await house.happen(Measured("a", [Reading(f"{DETECTOR}/smoke/", False, None, int(Flag.HISTORICAL))]))
    assert await waiting(house) == []


async def test_a_chain_of_changes_shows_each_up_to_its_own(house: House) -> None:
    """Three devices at one post: each past ends where the next begins; a window behind a change leaves it out."""
    client = house.client("admin")
    start = house.now()
    names = [DETECTOR, "a:second", "a:third"]
    for n, name in enumerate(names):
        if n:
            house.clock.advance(1_000)
            await client.post(f"/api/v1/devices/{names[n - 1]}/replace", json={"by": name})
        for value in (n + 0.1, n + 0.2):
            house.clock.advance(60_000)
            await house.measure(name, "temperature", value)
    await house.measure(DETECTOR, "temperature", 99.0)  # lies on a desk and still sends

    async def rows(**params: Any) -> list[tuple[str, list[float]]]:
        ask = {"point": "a:third/temperature/", **params}
        series = (await client.get("/api/v1/history", params=ask)).json()["series"]
        return [(one["point"].split("/")[0], [v for _, v in one["rows"]]) for one in series]

    assert await rows() == [("a:third", [2.1, 2.2]), ("a:second", [1.1, 1.2]), (DETECTOR, [0.1, 0.2])]
    since = datetime.fromtimestamp((start + 150_000) / 1000, UTC).isoformat()
    assert await rows(since=since) == [("a:third", [2.1, 2.2]), ("a:second", [1.1, 1.2])]
