"""Devices, places, history and records over HTTP."""

from __future__ import annotations

from gateway.core.event import Quarantined
from tests.gateway.api.house import CATALOGUE, DETECTOR, House


async def test_two_people_never_overwrite_each_other(house: House) -> None:
    """An edit names the version it saw; the second of two gets 412 and reads again; the engine takes the first on."""
    client = house.client("admin")
    read = await client.get(f"/api/v1/devices/{DETECTOR}")
    tag = read.headers["etag"]
    row = {"place": "a-2", "kind": "smoke", "name": "新名字"}
    bare = await client.put(f"/api/v1/devices/{DETECTOR}", json=row)
    assert (bare.status_code, bare.json()["code"]) == (428, "precondition_required")
    done = await client.put(f"/api/v1/devices/{DETECTOR}", json=row, headers={"If-Match": tag})
    assert (done.status_code, done.json()["planned"]) == (200, True)
    late = await client.put(f"/api/v1/devices/{DETECTOR}", json=row, headers={"If-Match": tag})
    assert (late.status_code, late.json()["code"]) == (412, "precondition_failed")
    again = (await client.get(f"/api/v1/devices/{DETECTOR}")).json()
    assert (again["name"], again["place"]["text"], again["version"]) == (
        "新名字",
        "2号楼",
        done.json()["version"],
    )
    assert house.replans == 1
    assert house.engine.plan.catalogue.devices[DETECTOR].place == "a-2"


async def test_only_administrators_of_the_place_edit_it(house: House) -> None:
    """Neither an operator nor a wrong row changes anything; what is wrong is told by cell."""
    row = {"place": "a-2"}
    answer = await house.client("operator").put(
        f"/api/v1/devices/{DETECTOR}", json=row, headers={"If-Match": '"1"'}
    )
    assert answer.status_code == 403
    wrong = await house.client("admin").put(
        "/api/v1/devices/a:new", json={"place": "nowhere"}, headers={"If-Match": '"0"'}
    )
    assert (wrong.status_code, wrong.json()["code"]) == (422, "invalid")
    assert wrong.json()["errors"][0]["column"] == "place"
    new = await house.client("admin").put("/api/v1/devices/a:new", json=row, headers={"If-Match": '"0"'})
    assert new.status_code == 200
    assert (await house.client("operator").get("/api/v1/devices/a:new")).json()["placed"] is True


async def test_an_import_is_all_or_nothing_and_says_what_it_would_do(house: House) -> None:
    """A dry run changes nothing, a wrong cell refuses the whole, a repeat finds nothing to change."""
    client = house.client("admin")
    version = house.registry.version()
    more = {"places": [{"id": "a-3", "level": "building", "name": "3号楼", "parent": "site-a"}]}
    tried = (await client.post("/api/v1/catalogue?dry_run=true", json=more)).json()
    assert (tried["added"]["places"], tried["dry_run"]) == (1, True)
    assert house.registry.version() == version
    bad = await client.post(
        "/api/v1/catalogue", json={"places": [*more["places"], {"id": "x", "level": "moon"}]}
    )
    assert bad.status_code == 422
    assert {e["column"] for e in bad.json()["errors"]} == {"level", ""}  # "": the row lacks its name
    assert house.registry.version() == version
    assert (await client.post("/api/v1/catalogue", content=b"{")).json()["code"] == "invalid"
    assert (await client.post("/api/v1/catalogue", json=more)).json()["planned"] is True
    same = (await client.post("/api/v1/catalogue", json=CATALOGUE)).json()
    assert not any(same["added"].values())
    assert "a-3" in str((await house.client("operator").get("/api/v1/places")).json())
    assert (await house.client("operator").post("/api/v1/catalogue", json=more)).status_code == 403


async def test_latest_values_and_history_agree(house: House) -> None:
    """What is shown now is the last row of the history; the unit is the canonical one; a gap is no row."""
    for number in range(5):
        house.clock.advance(60_000)
        await house.measure(DETECTOR, "temperature", 20.5 + number)
    client = house.client("operator")
    (now,) = (await client.get(f"/api/v1/points?device={DETECTOR}")).json()["items"]
    assert (now["value"], now["unit"], now["stale"], now["flags"]) == (24.5, "degC", False, [])
    point = f"{DETECTOR}/temperature/"
    (series,) = (await client.get("/api/v1/history", params={"point": point})).json()["series"]
    assert [v for _, v in series["rows"]] == [20.5, 21.5, 22.5, 23.5, 24.5]
    assert series["rows"][-1][0] == now["at"]
    house.clock.advance(4 * 3_600_000)
    (old,) = (await client.get(f"/api/v1/points?device={DETECTOR}")).json()["items"]
    assert old["stale"] is True


async def test_a_question_the_history_cannot_answer_says_why(house: House) -> None:
    """Reversed times, times without offset, too many points, unknown points."""
    client = house.client("operator")
    point = f"{DETECTOR}/smoke/"
    for params, status, code in (
        (
            {"point": point, "since": "2026-11-22T00:00:00Z", "until": "2026-11-21T00:00:00Z"},
            422,
            "bad_query",
        ),
        ({"point": point, "since": "2026-11-22T00:00:00"}, 422, "invalid"),
        ({"point": point, "since": "0001-01-01T00:00:00+14:00"}, 422, "bad_query"),
        ({"point": [point] * 60}, 422, "invalid"),
        ({"point": "a"}, 404, "not_found"),
        ({"point": point, "step": 1, "limit": 10}, 422, "bad_query"),
        ({}, 422, "invalid"),
    ):
        answer = await client.get("/api/v1/history", params=params)  # type: ignore[arg-type]  # lists and numbers
        assert (answer.status_code, answer.json()["code"]) == (status, code), params
    house.parts.history = None
    assert (await client.get("/api/v1/history", params={"point": point})).status_code == 503


async def test_what_nobody_understood_is_shown_to_operators_of_that_site(house: House) -> None:
    """With the reason and its beginning as text, whatever bytes it held."""
    await house.happen(Quarantined("a", "x/y", "unknown-topic", b"\xff\x00<b>", 4))
    await house.happen(Quarantined("b", "x/z", "unknown-topic", b"b", 1))
    (row,) = (await house.client("operator").get("/api/v1/quarantine")).json()["items"]
    assert (row["topic"], row["payload"], row["size"], row["site"]) == ("x/y", "\\xff\x00<b>", 4, "site-a")
    assert len((await house.client("admin").get("/api/v1/quarantine")).json()["items"]) == 2


async def test_deliveries_follow_the_incident(house: House) -> None:
    """Who was told, over what, with its outcome; residents without a name; filtered by incident."""
    name = await house.fire()
    rows = (await house.client("operator").get(f"/api/v1/deliveries?incident={name}")).json()["items"]
    assert {row["outcome"] for row in rows} == {"sent"}
    assert {row["person"]["name"] for row in rows if row["role"] == "household"} == {None}
    assert (await house.client("operator").get("/api/v1/deliveries?incident=none")).json()["items"] == []


async def test_a_place_is_marked_as_a_business(house: House) -> None:
    """By an admin, with the version seen; the gas detector there then lives three years, which its page says."""
    admin = house.client("admin")
    edit = {"place": "a-1-101", "kind": "gas", "installed_on": "2025-01-31"}
    device = "/api/v1/devices/a:gas"
    assert (await admin.put(device, json=edit, headers={"If-Match": "0"})).status_code == 200
    await house.level()
    assert (await admin.get(device)).json()["ends_on"] == "2030-01-31"
    place = "/api/v1/places/a-1"
    seen = await admin.get(place)
    assert (seen.json()["business"], seen.json()["name"]) == (False, "1号楼")
    tag = {"If-Match": seen.headers["etag"]}
    assert (
        await house.client("operator").put(place, json={"business": True}, headers=tag)
    ).status_code == 403
    assert (await admin.put(place, json={"business": True}, headers=tag)).status_code == 200
    stale = await admin.put(place, json={"business": False}, headers=tag)
    assert stale.json()["code"] == "precondition_failed"
    await house.level()
    assert (await admin.get(device)).json()["ends_on"] == "2028-01-31"
    assert [
        p["business"] for p in (await admin.get("/api/v1/places")).json()["items"] if p["id"] == "a-1"
    ] == [True]
    nowhere = await admin.get("/api/v1/places/ghost")
    assert nowhere.json()["code"] == "not_found"
