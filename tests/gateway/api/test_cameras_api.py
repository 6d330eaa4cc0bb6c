"""Cameras over HTTP: who sees which and how it is, the register with its versions, snoozes, and a look through one."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from devices.reading import Reading
from gateway.api.camera_shapes import EXAMPLE
from gateway.api.previewing import LOOKS_A_MINUTE
from gateway.cameras.door import Door, Shown
from gateway.cameras.lastwords import Culprit
from gateway.cameras.roster import Roster
from gateway.cameras.settings import CameraSettings
from gateway.cameras.state import SILENT_MS
from gateway.core.event import Measured
from gateway.registry.cameras import SNOOZE_MAX_MS, CameraRecord, camera, put_camera, read_cameras
from tests.gateway.api.house import House

API = "/api/v1"
GATE = "cameras-site-a:site-a/gate"
CAMERAS = (CameraSettings("gate", "site-a", "rtsp://192.0.2.1/"),)
HERE = f"{API}/cameras/{GATE.replace('/', '%2F')}"


@pytest_asyncio.fixture
async def house(tmp_path: Path, furnished: tuple[Path, dict[str, str]]) -> AsyncIterator[House]:
    """A gateway with a camera of its own."""
    registry, keys = furnished
    shutil.copy(registry, tmp_path / "registry.sqlite")
    made = House(tmp_path, keys, CAMERAS)
    await made.start()
    yield made
    await made.stop()


async def put(house: House, record: dict[str, Any], version: int = 0, role: str = "admin") -> Any:
    """What the API says to this record."""
    return await house.client(role).put(HERE, json=record, headers={"If-Match": f'"{version}"'})


async def place(house: House, where: str = "a-1") -> None:
    said = await house.client("admin").put(
        f"{API}/devices/{GATE}",
        json={"place": where, "kind": "camera", "name": "北门"},
        headers={"If-Match": "0"},
    )
    assert said.status_code == 200


async def one(house: House, role: str = "admin") -> dict[str, Any]:
    said = await house.client(role).get(HERE)
    assert said.status_code == 200
    found: dict[str, Any] = said.json()
    return found


async def test_a_camera_nobody_registered_is_shown_with_what_it_lacks(house: House) -> None:
    """csg.yaml alone makes it known: it has version 0, no place, and its address is told to nobody."""
    said = await house.client("admin").get(HERE)
    assert said.headers["ETag"] == '"0"'
    body = said.json()
    assert (body["id"], body["name"], body["site"], body["place"], body["place_name"]) == (
        GATE, "gate", "site-a", None, "",
    )  # fmt: skip
    assert (body["state"], body["configured"], body["simulated"], body["version"]) == (
        "unregistered", True, False, 0,
    )  # fmt: skip
    assert body["missing"] == ["purpose", "sees", "notice", "assessed_on"]
    assert (body["since"], body["told_at"], body["standing"]) == (None, None, [])
    assert body["limits"]["thresholds"]["dwell_s"] == [1, 86_400]
    assert body["limits"]["snooze_max_ms"] == SNOOZE_MAX_MS
    assert "192.0.2.1" not in said.text


async def test_the_record_is_written_with_the_version_one_saw(house: House) -> None:
    """Without a version 428, with an older one 412 that brings what stands there now; the edit names who."""
    client = house.client("admin")
    assert (await client.put(HERE, json=EXAMPLE)).status_code == 428
    first = await put(house, EXAMPLE)
    assert (first.status_code, first.json()["record"], first.json()["missing"]) == (200, EXAMPLE, [])
    version = first.json()["version"]
    assert first.headers["ETag"] == f'"{version}"'
    stale = await put(house, {**EXAMPLE, "purpose": "别的"})
    assert (stale.status_code, stale.json()["code"]) == (412, "precondition_failed")
    assert stale.json()["current"]["version"] == version
    assert stale.json()["current"]["record"] == EXAMPLE
    second = await put(house, {**EXAMPLE, "purpose": "别的"}, version)
    assert second.json()["version"] > version
    assert camera(house.registry.database, GATE)[0].purpose == "别的"
    edits = house.registry.edits(what="camera.put")
    assert [e.who.startswith("key:") for e in edits] == [True, True]


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"purpose": 5}, "purpose"),
        ({"purpose": "\ud800"}, "purpose"),
        ({"colour": "red"}, "colour"),
        ({"\ud800": 1}, "\\ud800"),
        ({"assessed_on": "soon"}, "assessed_on"),
        ({"zones": [{**EXAMPLE["zones"][0], "points": [[0, 0], [1, 1]]}]}, "zones[0].points"),
        ({"zones": [{**EXAMPLE["zones"][0], "points": [[0, 0], [1, 1.5], [0, 1]]}]}, "zones[0].points[1]"),
        ({"zones": [*EXAMPLE["zones"], *EXAMPLE["zones"]]}, "zones[1].name"),
        ({"thresholds": {"dwell_s": 0}}, "thresholds.dwell_s"),
        ({"thresholds": {"magic": 1}}, "thresholds"),
        ({"analytics": ["faces"]}, "analytics[0]"),
        ({"analytics": ["tamper", "tamper"]}, "analytics"),
        ({"armed": [{"start": 0, "end": 1441}]}, "armed[0].end"),
        ({"snoozed_until": -(10**30)}, "snoozed_until"),
        ({"snoozed_until": 2**61}, "snoozed_until"),
    ],
)
async def test_what_is_wrong_is_told_at_its_field(house: House, wrong: dict[str, Any], field: str) -> None:
    """Where, what would be right and what stands there, in both languages; nothing is written."""
    said = await house.client("admin").put(
        HERE, content=json.dumps({**EXAMPLE, **wrong}),
        headers={"If-Match": "0", "Content-Type": "application/json"},
    )  # fmt: skip
    assert (said.status_code, said.json()["code"]) == (422, "invalid")
    (error,) = said.json()["errors"]
    assert error["field"] == field
    assert error["expected"]
    assert set(error["said"]["expected"]) == {"zh-CN", "en"}
    assert read_cameras(house.registry.path) == {}


async def test_all_that_is_wrong_is_told_at_once(house: House) -> None:
    """A person mends everything in one go; what is no record at all is refused as plainly."""
    said = await put(house, {**EXAMPLE, "purpose": 5, "sees": 6, "thresholds": {"dwell_s": "x"}})
    assert [e["field"] for e in said.json()["errors"]] == ["purpose", "sees", "thresholds.dwell_s"]
    for nonsense in ("[]", "5", "null", "{"):
        said = await house.client("admin").put(
            HERE, content=nonsense, headers={"If-Match": "0", "Content-Type": "application/json"}
        )
        assert said.status_code == 422


@pytest.mark.parametrize(
    ("role", "placed", "seen", "changed"),
    [
        ("admin", True, 200, 200), ("operator", True, 200, 200), ("grid_staff", True, 200, 403),
        ("viewer", True, 200, 403), ("stranger", True, 404, 404), (None, True, 401, 401),
        ("admin", False, 200, 200), ("operator", False, 200, 403), ("viewer", False, 404, 404),
    ],
)  # fmt: skip
async def test_rights_follow_the_cameras_place(
    house: House, role: str | None, placed: bool, seen: int, changed: int
) -> None:
    """Whoever may read the place sees the camera; its administrators and operators change it; one without a place,
    which may look anywhere, only the administrators of everything."""
    if placed:
        await place(house)
    client = house.client(role)
    assert (await client.get(HERE)).status_code == seen
    listed = await client.get(f"{API}/cameras")
    assert listed.status_code == (401 if role is None else 200)
    if role is not None:
        assert [c["id"] for c in listed.json()["items"]] == ([GATE] if seen == 200 else [])
    put_camera(
        house.registry.database, GATE, CameraRecord("a", "b", "c", "2026-10-01"), who="t", now=0, expected=0
    )
    version = camera(house.registry.database, GATE)[1]
    asked = await client.put(HERE, json=EXAMPLE, headers={"If-Match": str(version)})
    assert asked.status_code == changed
    assert (await client.post(f"{HERE}/snooze", json={"minutes": 5})).status_code == changed
    assert (await client.delete(f"{HERE}/snooze")).status_code == changed


async def test_a_camera_that_nobody_knows_is_not_made(house: House) -> None:
    """Neither read, written nor silenced."""
    client = house.client("admin")
    for name in ("x:y", "cameras-site-a:site-a/other"):
        assert (await client.get(f"{API}/cameras/{name}")).status_code == 404
        said = await client.put(f"{API}/cameras/{name}", json=EXAMPLE, headers={"If-Match": "0"})
        assert said.status_code == 404
        assert (await client.post(f"{API}/cameras/{name}/snooze", json={"minutes": 5})).status_code == 404


async def test_the_list_goes_on_where_the_page_before_ended(house: House) -> None:
    """Cameras of the register that csg.yaml has no longer are listed too, as unknown."""
    for n in range(4):
        put_camera(house.registry.database, f"old:{n}", CameraRecord(), who="t", now=0)
    client, names, cursor = house.client("admin"), [], None
    while True:
        page = (
            await client.get(f"{API}/cameras", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        ).json()
        names += [(item["id"], item["state"], item["configured"]) for item in page["items"]]
        if (cursor := page["next"]) is None:
            break
    assert names == [(GATE, "unregistered", True), *((f"old:{n}", "unknown", False) for n in range(4))]


async def test_the_state_is_what_the_camera_said_last(house: House) -> None:
    """From the first word to the last: unknown, starting, looking, tampered with since when, lost, silent for long."""

    async def says(metric: str, value: Any) -> dict[str, Any]:
        name, _, channel = metric.partition("/")
        await house.happen(Measured("cameras-site-a", [Reading(f"{GATE}/{name}/{channel}", value)]))
        return await one(house)

    await place(house)
    await put(house, EXAMPLE)
    assert (await one(house))["state"] == "unknown"
    assert (await says("camera_registered", True))["state"] == "starting"
    body = await says("camera_online", True)
    assert (body["state"], body["told_at"], body["place_name"], body["name"]) == (
        "looking", house.now(), "1号楼", "北门",
    )  # fmt: skip
    assert (await says("stream_slow", True))["state"] == "slow"
    house.clock.advance(1_000)
    body = await says("camera_tamper/covered", True)
    assert (body["state"], body["since"]) == ("tampered", house.now())
    body = await says("obstruction/lane", True)
    assert body["standing"] == [
        {"metric": "camera_tamper", "channel": "covered", "since": house.now()},
        {"metric": "obstruction", "channel": "lane", "since": house.now()},
    ]
    body = await says("camera_tamper/covered", False)
    assert [s["metric"] for s in body["standing"]] == ["obstruction"]
    assert (await says("camera_online", False))["state"] == "lost"
    house.clock.advance(SILENT_MS + 1)
    assert (await one(house))["state"] == "unknown"
    assert (await says("camera_registered", True))[
        "state"
    ] == "starting"  # what it said of its stream is too old


async def test_a_camera_that_killed_its_process_is_kept_apart(house: House, tmp_path: Path) -> None:
    """It says so, and since when; afterwards it is like any other."""
    await put(house, EXAMPLE)
    folder = tmp_path / "cameras"
    folder.mkdir()
    house.parts.cameras = Roster(house.settings.cameras, folder)
    until = house.now() + 60_000
    (folder / "cameras-1.apart").write_bytes(
        msgspec.json.encode({GATE: Culprit(1, house.now() - 5_000, until), "else": Culprit(1, 0, until)})
    )
    body = await one(house)
    assert (body["state"], body["since"]) == ("apart", house.now() - 5_000)
    house.clock.advance(60_000)
    assert (await one(house))["state"] == "unknown"
    (folder / "cameras-1.apart").write_bytes(b"{")
    assert (await one(house))["state"] == "unknown"


async def test_a_snooze_has_an_end(house: House) -> None:
    """Minutes from now, a day at most; it leaves the rest of the record alone, and is taken back."""
    client = house.client("admin")
    unregistered = await client.post(f"{HERE}/snooze", json={"minutes": 5})
    assert (unregistered.status_code, unregistered.json()["code"]) == (409, "not_now")
    await put(house, EXAMPLE)
    said = await client.post(f"{HERE}/snooze", json={"minutes": 90})
    assert said.json()["record"] == {**EXAMPLE, "snoozed_until": house.now() + 90 * 60_000}
    assert said.headers["ETag"] == f'"{said.json()["version"]}"'
    for wrong in (0, 1441, 2.5, None):
        assert (await client.post(f"{HERE}/snooze", json={"minutes": wrong})).status_code == 422
    ended = await client.delete(f"{HERE}/snooze")
    assert ended.json()["record"] == EXAMPLE
    again = await client.delete(f"{HERE}/snooze")
    assert again.json()["version"] == ended.json()["version"]


# -- looking through one ---------------------------------------------------------------------------------------


@asynccontextmanager
async def process(house: House, *said: Shown | str) -> AsyncIterator[None]:
    """A camera's process behind its door, which says these things one after the other and then the last again."""
    left = list(said)

    async def show(native: str) -> Shown | str:
        assert native == "site-a/gate"
        return left.pop(0) if len(left) > 1 else left[0]

    folder = house.folder / "cameras"
    folder.mkdir()
    door = Door(folder / "cameras-1.sock", lambda native, order: "", show)
    await door.open()
    yield
    await door.close()


async def test_a_look_is_written_down_once_a_minute_before_it_is_shown(house: House) -> None:
    """The JPEG as the camera's process masked it, kept by nobody, with its time; who looked stands in the log."""
    await place(house)
    client = house.client("operator")
    taken = house.now() - 400
    async with process(house, Shown(taken, b"\xff\xd8one", False), Shown(taken, b"\xff\xd8two", True)):
        first = await client.get(f"{HERE}/preview")
        assert (first.status_code, first.content) == (200, b"\xff\xd8one")
        assert {k: first.headers[k] for k in ("content-type", "cache-control", "csg-taken-at", "csg-view")} == {
            "content-type": "image/jpeg", "cache-control": "no-store", "csg-taken-at": str(taken),
            "csg-view": "learning",
        }  # fmt: skip
        house.clock.advance(2_000)
        assert (await client.get(f"{HERE}/preview")).headers["csg-view"] == "learned"
        (await house.client("admin").get(f"{HERE}/preview")).raise_for_status()
        house.clock.advance(60_000)
        (await client.get(f"{HERE}/preview")).raise_for_status()
    log = [line for line in house.evidence.looks.lines() if line.kind == "preview"]
    bodies = [json.loads(line.body) for line in log]
    assert [(b["who"].partition(":")[0], b["camera"], b["place"]) for b in bodies] == [
        ("key", GATE, "a-1")
    ] * 3
    assert [b["unit"] for b in bodies] == ["operator site-a", "admin", "operator site-a"]


async def test_who_may_not_change_a_camera_does_not_look_through_it(house: House) -> None:
    """The same table as that of writing; nothing is asked of the camera and nothing written down."""
    await place(house)
    for role, status in (("grid_staff", 403), ("viewer", 403), ("stranger", 404), (None, 401)):
        assert (await house.client(role).get(f"{HERE}/preview")).status_code == status
    assert (await house.client("admin").get(f"{API}/cameras/x:y/preview")).status_code == 404
    assert house.evidence.looks.lines() == []


async def test_no_picture_and_no_process_are_told_apart(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """409 while the camera shows nothing, 503 while its process is gone, busy or does not answer in time."""
    client = house.client("admin")

    async def said() -> tuple[int, str, int]:
        found = await client.get(f"{HERE}/preview")
        return found.status_code, found.json()["code"], int(found.headers.get("Retry-After", 0))

    assert await said() == (503, "camera_gone", 2)
    async with process(house, "no-picture", "busy"):
        assert await said() == (409, "no-picture", 0)
        assert await said() == (503, "camera_gone", 2)
    put_camera(house.registry.database, "old:1", CameraRecord(), who="t", now=0)
    old = await client.get(f"{API}/cameras/old:1/preview")
    assert (old.status_code, old.json()["code"]) == (409, "no-picture")
    assert house.evidence.looks.lines() == []


async def test_what_cannot_be_written_down_is_not_shown(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither where there is no evidence room nor where its log refuses, however soon after a look that was written."""
    client = house.client("admin")

    def refuses(*_: Any) -> None:
        raise sqlite3.OperationalError("disk full")

    async with process(house, Shown(house.now(), b"\xff\xd8", True)):
        with monkeypatch.context() as full:
            full.setattr(house.evidence.looks, "add", refuses)
            for _ in range(2):
                assert (await client.get(f"{HERE}/preview")).json()["code"] == "no_evidence"
        (await client.get(f"{HERE}/preview")).raise_for_status()
        house.parts.evidence = None
        assert (await client.get(f"{HERE}/preview")).json()["code"] == "no_evidence"


async def test_nobody_looks_faster_than_a_page_does(house: House) -> None:
    """Two looks a second of one person through one camera; another person is not held up."""
    async with process(house, Shown(house.now(), b"\xff\xd8", True)):
        client = house.client("admin")
        codes = [(await client.get(f"{HERE}/preview")).status_code for _ in range(LOOKS_A_MINUTE + 2)]
    assert (codes.count(200), codes.count(429)) == (LOOKS_A_MINUTE, 2)
