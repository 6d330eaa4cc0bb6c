"""Pictures over HTTP: who sees which, no look without its line, originals by two persons, review and figures."""

from __future__ import annotations

from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from gateway import links
from gateway.evidence.keep import Keeper
from gateway.evidence.rows import DAY_MS, CameraEvent
from tests.gateway.api.house import LINK_KEY, House
from tests.gateway.evidence.seen import event, frames

API = "/api/v1"
CAMERA = "a:yard"


def keep(house: House, **more: Any) -> CameraEvent:
    """A camera of building 1 saw something; three pictures are kept."""
    facts: dict[str, Any] = {"at": house.now(), "camera": CAMERA, "place": "a-1", "site": "site-a"} | more
    seen = event(**facts)
    keeper = Keeper(house.evidence.pictures, house.evidence.key, free_min=0)
    assert keeper.keep(seen, frames(seen.at), None, None, (), house.now()).reason in ("", "off")
    return seen


async def browser(
    house: House, name: str, grant: tuple[str, str] = ("operator", "site-a")
) -> httpx.AsyncClient:
    """Somebody who has signed in; writes carry the token of the session."""
    user = house.auth.users.add(name, [grant], who="t", now=house.now())
    client = house.client()
    said = await client.post(
        f"{API}/session", json={"token": house.auth.make_token(user.id, now=house.now())}
    )
    client.headers["X-CSRF"] = said.json()["csrf"]
    return client


def looked(house: House) -> list[str]:
    """The kinds of lines in the log of looks."""
    assert house.evidence.looks.broken_at() is None
    return [line.kind for line in house.evidence.looks.lines()]


async def test_an_incident_shows_what_cameras_saw(house: House) -> None:
    """What was kept for it and what its own cameras saw around it, in order; no picture is in the answer itself."""
    incident = await house.fire()
    pulled = keep(house, type="pulled", incident=incident, priority=1)
    own = keep(house, camera="a:hall", at=house.now() - 60_000)
    keep(house, at=house.now() - 60_000)  # another camera's own affair
    keep(house, camera="a:hall", at=house.now() - 600_000)  # long before
    said = (await house.client("operator").get(f"{API}/evidence", params={"incident": incident})).json()
    assert [item["id"] for item in said["items"]] == [own.id, pulled.id]
    item = said["items"][1]
    assert [p["moment"] for p in item["pictures"]] == ["before", "onset", "now"]
    assert (item["mode"], item["purpose"], item["verdict"]) == ("live", "public_safety", None)
    assert [p["original"] for p in item["pictures"]] == [True] * 3
    assert looked(house) == []


@pytest.mark.parametrize(
    ("role", "status"),
    [("admin", 200), ("operator", 200), ("grid_staff", 200), ("viewer", 404), ("stranger", 404), (None, 401)],
)
async def test_pictures_are_for_those_who_look_after_the_place(
    house: House, role: str | None, status: int
) -> None:
    """Rights follow the place: not a viewer's, not another site's, nobody's without a sign-in."""
    seen = keep(house)
    answer = await house.client(role).post(f"{API}/evidence/{seen.id}-onset/link", json={})
    assert answer.status_code == status


async def test_a_list_leaves_out_what_one_may_not_see(house: House) -> None:
    """Each sees the events of their places, page by page, newest first."""
    mine = [keep(house, at=house.now() - n) for n in range(3)]
    keep(house, place="b-1", site="site-b", camera="b:yard")
    client = house.client("grid_staff")
    first = (await client.get(f"{API}/camera-events", params={"limit": 2})).json()
    rest = (await client.get(f"{API}/camera-events", params={"limit": 2, "cursor": first["next"]})).json()
    assert [i["id"] for i in first["items"] + rest["items"]] == [e.id for e in mine]
    assert rest["next"] is None
    assert (await house.client("viewer").get(f"{API}/camera-events")).json()["items"] == []
    all_of = (await house.client("admin").get(f"{API}/camera-events", params={"camera": "b:yard"})).json()
    assert len(all_of["items"]) == 1


async def test_a_link_shows_the_masked_picture_once_written_down(house: House) -> None:
    """Without a sign-in, for less than a quarter of an hour; each look says who, which unit, why, what and when."""
    seen = keep(house, incident="20251122-0001")
    operator = house.client("operator")
    said = (await operator.post(f"{API}/evidence/{seen.id}-onset/link", json={"unit": "物业中心"})).json()
    shown = await house.client().get(said["url"])
    assert (shown.status_code, shown.headers["content-type"]) == (200, "image/jpeg")
    assert shown.headers["cache-control"] == "no-store"
    picture = cv2.imdecode(np.frombuffer(shown.content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (90, 160, 3)
    log = (await operator.get(f"{API}/looks")).json()
    assert log["code"] == "forbidden"
    log = (await house.client("admin").get(f"{API}/looks")).json()
    assert [one["kind"] for one in log["items"]] == ["link", "look"]
    body = log["items"][1]["body"]
    assert (body["who"], body["unit"], body["why"], body["what"], body["camera"]) == (
        said["recipient"], "物业中心", "incident 20251122-0001", f"{seen.id}-onset", CAMERA,
    )  # fmt: skip
    assert log["broken_at"] is None
    house.clock.advance(15 * 60_000)
    assert (await house.client().get(said["url"])).json()["code"] == "wrong"
    assert looked(house) == ["link", "look"]


async def test_a_link_of_one_kind_opens_nothing_of_another(house: House) -> None:
    """A personal page's token shows no picture, a picture's token opens no page, a changed one neither."""
    seen = keep(house)
    url = (await house.client("admin").post(f"{API}/evidence/{seen.id}-onset/link", json={})).json()["url"]
    token = url.rpartition("/")[2]
    nobody = house.client()
    page = await nobody.get(f"/n/{token}")
    assert page.status_code in (401, 403, 404, 410)
    personal = links.make(LINK_KEY, f"{seen.id}-onset", "p-duty", "1", house.now() + 60_000)
    for wrong in (personal, token[:-2] + "AA", "x", "%00"):
        assert (await nobody.get(f"{API}/evidence/links/{wrong}")).status_code == 401
    assert looked(house) == ["link"]


async def test_a_link_is_not_opened_without_end(house: House) -> None:
    """Thirty looks a minute of one link: the log grows no faster than that."""
    seen = keep(house)
    url = (await house.client("admin").post(f"{API}/evidence/{seen.id}-now/link", json={})).json()["url"]
    nobody = house.client()
    codes = [(await nobody.get(url)).status_code for _ in range(32)]
    assert (codes.count(200), codes.count(429)) == (30, 2)


async def test_what_cannot_be_written_down_is_not_shown(house: House) -> None:
    """The log of looks is gone: no link, no picture, no original; a picture that was changed is not shown either."""
    seen = keep(house)
    client = house.client("admin")
    url = (await client.post(f"{API}/evidence/{seen.id}-onset/link", json={})).json()["url"]
    row = house.evidence.pictures.picture(f"{seen.id}-onset")
    assert row is not None
    path = house.evidence.pictures.path_of(row, sealed=False)
    stored = path.read_bytes()
    path.write_bytes(stored + b"x")
    assert (await client.get(url)).json()["code"] == "no_evidence"
    path.write_bytes(stored)
    house.evidence.looks.close()
    for answer in (
        await client.get(url), await client.post(f"{API}/evidence/{seen.id}-onset/link", json={}),
        await client.get(f"{API}/looks"),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (503, "no_evidence")
    house.parts.evidence = None
    assert (await client.get(f"{API}/camera-events")).json()["code"] == "no_evidence"


async def test_an_original_takes_two_persons(house: House) -> None:
    """One asks and says why, another who may lets them, then the first may look for a while, and nobody else."""
    seen = keep(house, priority=1)
    picture = f"{seen.id}-onset"
    li, wang = await browser(house, "li"), await browser(house, "wang")
    asked = (
        await li.post(f"{API}/evidence/{picture}/original", json={"unit": "物业中心", "reason": "查火源"})
    ).json()
    one = f"{API}/evidence/{picture}/original/{asked['id']}"
    assert (await li.get(one)).json()["code"] == "not_granted"
    assert (await li.post(f"{one}/grant")).json()["code"] == "second_person"
    assert (
        await (await browser(house, "zhao", ("grid_staff", "grid-1"))).post(f"{one}/grant")
    ).status_code == 403
    assert (await (await browser(house, "qian", ("admin", "site-b"))).post(f"{one}/grant")).status_code == 404
    granted = (await wang.post(f"{one}/grant")).json()
    assert (granted["asked_by"], granted["reason"]) == (asked["asked_by"], "查火源")
    assert granted["granted_by"] not in (None, asked["asked_by"])
    assert (await wang.get(one)).json()["code"] == "forbidden"
    shown = await li.get(one)
    assert shown.headers["content-type"] == "image/jpeg"
    original = cv2.imdecode(np.frombuffer(shown.content, np.uint8), cv2.IMREAD_COLOR)
    expected = frames(seen.at)[1][1]
    assert original is not None
    assert np.abs(original.astype(int) - expected).mean() < np.abs(255 - expected.astype(int)).mean() / 2
    house.clock.advance(15 * 60_000)
    assert (await li.get(one)).json()["code"] == "not_granted"
    assert looked(house) == ["asked", "granted", "original"]


async def test_a_key_is_no_person(house: House) -> None:
    """Whoever makes keys would be both persons: a key neither asks, nor grants, nor looks."""
    seen = keep(house, priority=1)
    li = await browser(house, "li")
    address = f"{API}/evidence/{seen.id}-onset/original"
    asked = (await li.post(address, json={"unit": "物业", "reason": "查火源"})).json()
    key = house.client("admin")
    for answer in (
        await key.post(address, json={"unit": "物业", "reason": "查火源"}),
        await key.post(f"{address}/{asked['id']}/grant"),
        await key.get(f"{address}/{asked['id']}"),
    ):  # fmt: skip
        assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


async def test_there_is_no_original_of_what_is_not_p1(house: House) -> None:
    """A P3 has none, a request needs words, an old request is let through no more, and a sealed file stays sealed."""
    plain, grave = keep(house), keep(house, priority=1, at=house.now() - 1)
    li, wang = await browser(house, "li"), await browser(house, "wang")
    words = {"unit": "物业", "reason": "查火源"}
    assert (await li.post(f"{API}/evidence/{plain.id}-onset/original", json=words)).status_code == 404
    address = f"{API}/evidence/{grave.id}-onset/original"
    assert (await li.post(address, json={"unit": "物业", "reason": "  "})).status_code == 422
    asked = (await li.post(address, json=words)).json()
    assert (await wang.post(f"{API}/evidence/{grave.id}-now/original/{asked['id']}/grant")).status_code == 404
    row = house.evidence.pictures.picture(f"{grave.id}-onset")
    assert row is not None
    await wang.post(f"{address}/{asked['id']}/grant")
    path = house.evidence.pictures.path_of(row, sealed=True)
    path.write_bytes(path.read_bytes()[:-1] + b"\0")
    assert (await li.get(f"{address}/{asked['id']}")).json()["code"] == "no_evidence"
    later = (await li.post(address, json=words)).json()
    house.clock.advance(DAY_MS)
    answers = [
        await client.post(f"{address}/{later['id']}/grant") for client in (await browser(house, "sun"),)
    ]
    assert [answer.json()["code"] for answer in answers] == ["not_granted"]


async def test_a_review_is_the_last_word_and_shortens_a_false_alarm(house: House) -> None:
    """True, false or unknown by anybody who looks after the place; a false alarm's pictures go after seven days."""
    seen = keep(house)
    client = house.client("grid_staff")
    for verdict, days in (("false", 7), ("unknown", 30), ("true", 30), ("false", 7)):
        said = (await client.post(f"{API}/camera-events/{seen.id}/review", json={"verdict": verdict})).json()
        assert said["verdict"] == verdict
        (row, *_) = house.evidence.pictures.pictures([seen.id])
        assert row.expires == house.now() + days * DAY_MS
    assert said["reviewed_at"] is not None
    assert (
        await client.post(f"{API}/camera-events/{seen.id}/review", json={"verdict": "maybe"})
    ).status_code == 422
    for role, status in (("viewer", 404), ("stranger", 404)):
        answer = await house.client(role).post(
            f"{API}/camera-events/{seen.id}/review", json={"verdict": "true"}
        )
        assert answer.status_code == status


async def test_figures_say_how_often_a_camera_was_wrong(house: House) -> None:
    """Day by day in the place's own time, with what nobody judged beside it; the camera's name holds slashes."""
    camera = "a:yard/lane"
    client = house.client("admin")
    week = ((1, "false"), (1, "false"), (1, None), (2, "true"), (0, "false"), (9, "false"))
    for n, (days_ago, verdict) in enumerate(week):
        seen = keep(house, camera=camera, at=house.now() - days_ago * DAY_MS + n)
        if verdict is not None:
            await client.post(f"{API}/camera-events/{seen.id}/review", json={"verdict": verdict})
    said = (await client.get(f"{API}/cameras/{camera}/figures", params={"days": 4})).json()
    assert said["camera"] == camera
    assert [day["false"] for day in said["days"]] == [0, 0, 0, 2, 1]
    assert [day["true"] for day in said["days"]] == [0, 0, 1, 0, 0]
    assert (said["false_per_day"], said["unreviewed"]) == (0.5, 1)
    assert (await house.client("stranger").get(f"{API}/cameras/{camera}/figures")).status_code == 403


async def test_metrics_tell_what_is_kept_and_what_was_not(house: House) -> None:
    """Events, pictures, bytes, what nobody judged, and why pictures were lost."""
    keep(house)
    keep(house, shared=False, at=house.now() - 1)
    house.evidence.pictures.count("masking")
    said = (await house.client("admin").get("/metrics")).text
    for line in (
        "csg_evidence_events 2.0", "csg_evidence_pictures 3.0", "csg_evidence_unreviewed 2.0",
        'csg_evidence_lost_total{why="masking"} 1.0',
    ):  # fmt: skip
        assert line in said


async def test_a_hold_is_an_administrators_and_is_written_down(house: House) -> None:
    """A case number keeps the pictures until it is taken away; both leave a line."""
    seen = keep(house)
    admin, operator = house.client("admin"), house.client("operator")
    address = f"{API}/camera-events/{seen.id}/hold"
    assert (await operator.post(address, json={"case": "2025-0815"})).status_code == 403
    assert (await admin.post(address, json={"case": "2025-0815"})).json()["held"] == "2025-0815"
    assert house.evidence.sweeping.sweep(house.now() + 60 * DAY_MS) == 0
    assert (await admin.post(address, json={"case": None})).json()["held"] is None
    assert looked(house) == ["hold", "hold_ended"]
    assert house.evidence.sweeping.sweep(house.now() + 60 * DAY_MS) == 3
    deleted = (await admin.get(f"{API}/deletions")).json()["items"]
    assert [line["body"]["store"] for line in deleted] == ["evidence"]
