"""A valve is closed from the desk: two presses, a real broker, a valve that says so; one that does not; a crash."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from devices.simulator import SimulatedSite, run_live
from gateway.broker.accounts import load_or_make
from gateway.core.effect import Command
from tests.acceptance.running import Running, every, found, free_port, furnish
from tests.parts import require

HOME = "b1-u1-f05-502-kitchen"
VALVE, GAS, SIREN = f"{HOME}-valve", f"{HOME}-gas", "b1-u1-f05-corridor-siren"
DEVICES = [(VALVE, "valve", 1), (GAS, "gas", 1), (SIREN, "siren", 1)]
PLACES: dict[str, Any] = {
    "places": [
        {"id": "sunshine", "level": "site", "name": "阳光花园", "parent": None},
        {"id": "b1", "level": "building", "name": "1号楼", "parent": "sunshine"},
        {"id": "f5", "level": "floor", "name": "5层", "parent": "b1"},
        {"id": "h502", "level": "household", "name": "502", "parent": "f5"},
        {"id": "k502", "level": "zone", "name": "厨房", "parent": "h502"},
    ],
    "devices": [
        {"id": f"local:sunshine/{VALVE}", "place": "k502", "kind": "valve", "name": "燃气切断阀", "mains": True},
        {"id": f"local:sunshine/{GAS}", "place": "k502", "kind": "gas", "mains": True},
        {"id": f"local:sunshine/{SIREN}", "place": "f5", "kind": "siren", "mains": True},
    ],
    "people": [{"id": "p1", "name": "值班员", "staff": True, "roles": [["duty_operator", "sunshine"]],
                "addresses": [["recording", "p1"]]}],
}  # fmt: skip
CONFIG = """
broker: {{port: {port}, prefer: mosquitto}}
sources:
  - {{name: local, site: sunshine}}
channels:
  recording: {{kind: recording}}
"""
ADDRESS = f"/api/v1/devices/local:sunshine/{VALVE}/commands"


@asynccontextmanager
async def lived(gateway: Running) -> AsyncIterator[SimulatedSite]:
    """The flat's devices, alive on the gateway's broker."""
    accounts = load_or_make(gateway.data / "broker")
    speak, hear = (
        f"mqtt://{quote(a.user)}:{quote(a.password)}@127.0.0.1:{gateway.broker_port()}"
        for a in (accounts.devices, accounts.gateway)
    )
    site = SimulatedSite(1, site="sunshine", broker=speak, devices=DEVICES, spread_s=0.5)
    task = asyncio.create_task(run_live(site, "calm", ears=hear))
    yield site
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@asynccontextmanager
async def scene(data: Path) -> AsyncIterator[tuple[Running, httpx.AsyncClient, SimulatedSite]]:
    """A gateway, an administrator at its desk, and a flat with a gas valve that is known to be open."""
    furnish(data, PLACES)
    async with (
        Running("run", data, config=CONFIG.format(port=free_port())) as gateway,
        gateway.signed_in() as client,
    ):
        await gateway.listening()
        async with lived(gateway) as site:
            await known_open(client)
            yield gateway, client, site


async def press(client: httpx.AsyncClient, key: str, **body: Any) -> tuple[int, str]:
    """One request; gives status and code."""
    answer = await client.post(
        ADDRESS, json={"name": "valve_close", **body}, headers={"Idempotency-Key": key}
    )
    return answer.status_code, answer.json()["code"]


async def known_open(client: httpx.AsyncClient) -> None:
    """Return when the gateway has heard that the valve is open."""

    async def said() -> bool:
        points = await every(client, "/points", device=f"local:sunshine/{VALVE}")
        return any(p["metric"] == "valve_open" and p["value"] is True for p in points)

    await found(said, "the valve reports that it is open")


async def stands(client: httpx.AsyncClient, *states: str, within_s: float = 60) -> dict[str, Any]:
    """The newest command of the valve once it stands so."""

    async def look() -> dict[str, Any] | None:
        items: list[dict[str, Any]] = (await client.get(ADDRESS)).json()["items"]
        return items[0] if items and items[0]["state"] in states else None

    return await found(look, f"the command is {' or '.join(states)}", within_s)


async def test_a_household_valve_is_closed_in_a_gas_leak(tmp_path: Path) -> None:
    """Gas in a flat: two presses close its valve, which says so; a siren is refused there; the audit knows."""
    require("mosquitto")
    async with scene(tmp_path / "data") as (_, client, site):
        site.gas(GAS, ramp_s=0.2)
        (incident,) = await found(lambda: every(client, "/incidents", hazard="gas"), "an incident of gas")
        near = (await client.get(f"/api/v1/incidents/{incident['id']}/commands")).json()["items"]
        offered = {row["device"].rpartition("/")[2]: row["offered"] for row in near}
        assert [o["why"] for o in offered[VALVE]] == [None]
        assert {o["name"]: o["why"] for o in offered[SIREN]} == {
            "siren_on": "gas_zone",
            "siren_off": "gas_zone",
        }
        assert await press(client, "k1") == (409, "confirm")
        assert await press(client, "k1") == (409, "confirm")
        assert await press(client, "k2", confirm=True) == (202, "ok")
        done = await stands(client, "confirmed")
        assert (done["tries"], done["automatic"]) == (1, False)
        assert await press(client, "k3") == (409, "already")
        siren = await client.post(
            f"/api/v1/devices/local:sunshine/{SIREN}/commands", json={"name": "siren_on"},
            headers={"Idempotency-Key": "s1"},
        )  # fmt: skip
        assert siren.json()["code"] == "gas_zone"
        audit = await every(client, "/audit")
        acts = [row["body"] for row in audit if "command" in str(row["body"])]
        assert any("valve_close" in str(body) for body in acts)


async def test_a_valve_that_does_not_obey_calls_somebody(tmp_path: Path) -> None:
    """Three tries, then the alarm that a device did not obey stands at the flat and the duty operator is told."""
    require("mosquitto")
    async with scene(tmp_path / "data") as (gateway, client, site):
        site.disobey(VALVE)
        assert await press(client, "k1") == (409, "confirm")
        assert await press(client, "k2", confirm=True) == (202, "ok")
        failed = await stands(client, "failed", within_s=90)
        assert failed["tries"] == 3

        async def standing() -> list[dict[str, Any]]:
            alarms = await every(client, "/alarms")
            return [a for a in alarms if a["rule"] == "gateway.command_failed"]

        (alarm,) = await found(standing, "the alarm that nobody obeyed")
        assert (alarm["hazard"], alarm["place"]["id"], alarm["priority"]) == ("gas", "k502", 2)

        async def told() -> bool:
            return any(r.person == "p1" for r in gateway.recorded())

        await found(told, "the duty operator is told")


async def test_a_crash_between_press_and_answer_loses_nothing(tmp_path: Path) -> None:
    """The engine is killed once the press is acknowledged: the command is remembered, sent again, and confirmed."""
    require("mosquitto")
    async with scene(tmp_path / "data") as (gateway, client, site):
        site.disobey(VALVE)
        assert await press(client, "k1") == (409, "confirm")
        assert await press(client, "k2", confirm=True) == (202, "ok")
        engine = gateway.child("engine")
        assert engine is not None
        os.kill(engine, signal.SIGKILL)
        site.disobey(VALVE, on=False)
        done = await stands(client, "confirmed", within_s=90)
        assert done["tries"] >= 1
        told = {
            item.result.command
            for row in gateway.rows()
            for item in row.happened
            if isinstance(item.result, Command)
        }
        assert told == {done["id"]}
