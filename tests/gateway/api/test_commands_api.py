"""Telling devices something over HTTP: what is offered, the two presses, and what became of it."""

from __future__ import annotations

from typing import Any

import httpx

from gateway.core.event import Delivered, Outcome
from tests.gateway.api.house import House
from tests.parts import async_until

VALVE, RISER, SIREN = "a:valve", "a:riser", "a:siren"
MORE = [(VALVE, "a-1-101", "valve"), (RISER, "a-1", "valve"), (SIREN, "a-1", "siren")]


async def furnished(house: House) -> None:
    """The building has valves and a siren, and both have spoken."""
    admin = house.client("admin")
    for device, place, kind in MORE:
        edit = {"place": place, "kind": kind}
        answer = await admin.put(f"/api/v1/devices/{device}", json=edit, headers={"If-Match": "0"})
        assert answer.status_code == 200, answer.text
    await house.measure(VALVE, "valve_open", True)
    await house.measure(SIREN, "buzzer", False)


async def tell(house: House, role: str, device: str, key: str, **body: Any) -> httpx.Response:
    headers = {"Idempotency-Key": key}
    answer = await house.client(role).post(f"/api/v1/devices/{device}/commands", json=body, headers=headers)
    await house.level()
    return answer


async def shown(house: House, device: str, role: str = "operator") -> dict[str, Any]:
    answer = await house.client(role).get(f"/api/v1/devices/{device}/commands")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def test_what_is_offered_follows_the_tables_and_the_roles(house: House) -> None:
    """A household's valve may be closed by an operator, a riser's by nobody; who only looks is told so."""
    await furnished(house)
    assert [(o["name"], o["press"], o["why"]) for o in (await shown(house, VALVE))["offered"]] == [
        ("valve_close", "two", None)
    ]
    assert [o["why"] for o in (await shown(house, RISER))["offered"]] == ["not_offered"]
    assert [o["why"] for o in (await shown(house, VALVE, "viewer"))["offered"]] == ["forbidden"]
    stranger = await house.client("stranger").get(f"/api/v1/devices/{VALVE}/commands")
    assert stranger.json()["code"] == "not_found"
    nobody = await house.client("operator").get("/api/v1/devices/a:ghost/commands")
    assert nobody.json()["code"] == "not_found"


async def test_two_presses_then_the_device_has_the_last_word(house: House) -> None:
    """The first press is a problem and sends nothing; the second is accepted; states follow to the history."""
    await furnished(house)
    first = await tell(house, "operator", VALVE, "k1", name="valve_close")
    assert (first.status_code, first.json()["code"]) == (409, "confirm")
    assert (await shown(house, VALVE))["items"] == []
    second = await tell(house, "operator", VALVE, "k2", name="valve_close", confirm=True)
    assert (second.status_code, second.json()["code"]) == (202, "ok")
    (item,) = (await shown(house, VALVE))["items"]
    assert (item["state"], item["tries"], item["automatic"], item["name"]) == (
        "requested",
        1,
        False,
        "valve_close",
    )
    assert (await shown(house, VALVE))["offered"][0]["why"] == "pending"
    (effect,) = house.told
    await house.happen(Delivered(effect.id, Outcome.SENT))
    assert (await shown(house, VALVE))["items"][0]["state"] == "sent"
    await house.measure(VALVE, "valve_open", False)
    assert (await shown(house, VALVE))["items"][0]["state"] == "confirmed"
    again = await tell(house, "operator", VALVE, "k3", name="valve_close")
    assert again.json()["code"] == "already"


async def test_refusals_are_problems(house: House) -> None:
    """What is never sent, to whom nobody may, without a key, and nonsense: each has its code, and nothing is sent."""
    await furnished(house)
    cases: list[tuple[str, str, dict[str, Any], int, str]] = [
        ("operator", RISER, {"name": "valve_close", "confirm": True, "anyway": True}, 409, "not_offered"),
        ("operator", VALVE, {"name": "valve_open"}, 409, "not_offered"),
        ("viewer", VALVE, {"name": "valve_close"}, 403, "forbidden"),
        ("stranger", VALVE, {"name": "valve_close"}, 404, "not_found"),
        ("operator", VALVE, {"name": "valve_close", "open": True}, 422, "invalid"),
        ("operator", VALVE, {"name": ""}, 422, "invalid"),
    ]
    for n, (role, device, body, status, code) in enumerate(cases):
        answer = await tell(house, role, device, f"r{n}", **body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), body
    keyless = await house.client("operator").post(
        f"/api/v1/devices/{VALVE}/commands", json={"name": "valve_close"}
    )
    assert keyless.json()["code"] == "idempotency_key"
    assert house.told == []


async def test_beside_an_incident_stand_the_devices_of_its_place(house: House) -> None:
    """In a gas leak the flat's valve is offered and the siren is not; the detector alone is muted where it alarms."""
    await furnished(house)
    await house.measure("a:hall", "gas", True)
    (incident,) = (await house.client("operator").get("/api/v1/incidents", params={"hazard": "gas"})).json()[
        "items"
    ]
    near = (await house.client("operator").get(f"/api/v1/incidents/{incident['id']}/commands")).json()[
        "items"
    ]
    offered = {row["device"]: {o["name"]: o["why"] for o in row["offered"]} for row in near}
    assert offered == {
        VALVE: {"valve_close": None},
        SIREN: {"siren_on": "gas_zone", "siren_off": "gas_zone"},
        "a:hall": {"mute": None},
    }
    hidden = await house.client("stranger").get(f"/api/v1/incidents/{incident['id']}/commands")
    assert hidden.json()["code"] == "not_found"


async def test_watchers_see_each_state(house: House) -> None:
    """Each step of a command is an event of the stream, for who may see the place and for nobody else."""
    await furnished(house)
    seen: list[str] = []
    async with house.served("operator") as client, client.stream("GET", "/api/v1/stream") as stream:
        lines = stream.aiter_lines()
        await anext(lines)
        await async_until(lambda: house.parts.hub.clients, "the stream is open")
        await tell(house, "operator", SIREN, "s1", name="siren_on")
        await house.measure(SIREN, "buzzer", True)
        async for line in lines:
            if line.startswith("data:") and '"siren_on"' in line:
                seen.append(line)
                if '"confirmed"' in line:
                    break
    assert '"requested"' in seen[0]


async def test_a_fire_sounds_by_itself_and_the_history_says_so(house: House) -> None:
    """What nobody pressed is `automatic` and names no person."""
    await furnished(house)
    await house.fire()
    await house.level()
    (item,) = (await shown(house, SIREN))["items"]
    assert (item["automatic"], item["person"]) == (True, {"id": None, "name": None})
