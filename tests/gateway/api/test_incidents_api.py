"""Incidents, alarms and acts over HTTP, on a real engine and a real journal."""

from __future__ import annotations

import pytest

from gateway.core.event import Verb
from tests.gateway.api.house import DETECTOR, OTHER, House
from tests.parts import async_until


async def act(
    house: House, role: str, incident: str, verb: str, key: str = "", **body: object
) -> tuple[int, dict[str, object]]:
    """One act; gives status and answer."""
    answer = await house.client(role).post(
        f"/api/v1/incidents/{incident}/acts",
        json={"verb": verb, **body},
        headers={"Idempotency-Key": key or verb},
    )
    return answer.status_code, answer.json()


async def test_a_fire_is_shown_with_its_place_and_who_was_told(house: House) -> None:
    """The operator sees what, where, since when, and the call chain with the names of staff and of no resident."""
    name = await house.fire()
    shown = (await house.client("operator").get("/api/v1/incidents")).json()
    (incident,) = shown["items"]
    assert incident["id"] == name
    assert incident["schema"] == "incident/1"
    assert incident["title"]["zh-CN"] == "火警 待核实"
    assert incident["place"]["text"] == "1号楼 101"
    told = {row["role"]: row["person"] for row in incident["told"]}
    assert told["duty_operator"] == {"id": "p-duty", "name": "王值班"}
    assert told["household"] == {"id": None, "name": None}
    assert "张住户" not in str(shown)
    assert incident["advice"]["zh-CN"]
    assert shown["seq"] >= house.engine.state.seq


async def test_taking_muting_and_a_verdict_are_three_things(house: House) -> None:
    """Mute changes only the sound, take only the handling, a verdict only the verdict; each is read back at its seq."""
    name = await house.fire()
    story: tuple[tuple[str, dict[str, object], tuple[str, str, str]], ...] = (
        ("mute", {}, ("open", "muted", "unverified")),
        ("take", {}, ("taken", "silent", "unverified")),
        ("verdict", {"verdict": "false", "cause": "cooking"}, ("taken", "silent", "false")),
    )
    for verb, args, want in story:
        status, said = await act(house, "operator", name, verb, args=args)
        assert (status, said["ok"], said["durable"]) == (200, True, True)
        read = (
            await house.client("operator").get(
                f"/api/v1/incidents/{name}", params={"min_seq": str(said["seq"])}
            )
        ).json()
        assert (read["handling"], read["sound"], read["verdict"]) == want
        assert read["rev"] == said["rev"]
    assert read["cause"] == "cooking"
    assert read["told"][0]["answer"] in ("", "take")


async def test_an_act_sent_twice_happens_once(house: House) -> None:
    """The same Idempotency-Key of the same user gives the same answer and changes nothing more."""
    name = await house.fire()
    first = await act(house, "operator", name, "take", key="once")
    again = await act(house, "operator", name, "take", key="once")
    assert first[1]["rev"] == again[1]["rev"]
    assert house.engine.state.incidents[name].rev == first[1]["rev"]
    assert (await act(house, "admin", name, "take", key="once"))[1]["code"] == "taken_by_other"


async def test_refusals_say_why(house: House) -> None:
    """Each refusal is a problem document with the core's word, and 409 unless it is about finding or right."""
    name = await house.fire()
    cases: tuple[tuple[str, str, str, dict[str, object], int, str], ...] = (
        ("operator", name, "close", {}, 409, "no_verdict"),
        ("operator", name, "verdict", {"args": {"verdict": "maybe"}}, 409, "bad_verdict"),
        ("operator", name, "shelve", {}, 409, "not_an_alarm"),
        ("operator", name, "fly", {}, 422, "invalid"),
        ("operator", name, "take", {"args": {"by": "me"}}, 422, "invalid"),
        ("operator", name, "verdict", {"args": {"verdict": "x" * 300}}, 422, "invalid"),
        ("operator", name, "take", {"hand": 1}, 422, "invalid"),
        ("viewer", name, "take", {}, 403, "forbidden"),
        ("stranger", name, "take", {}, 404, "not_found"),
        ("operator", "20200101-0001", "take", {}, 404, "not_found"),
    )  # fmt: skip
    for number, (role, incident, verb, body, status, code) in enumerate(cases):
        got, said = await act(house, role, incident, verb, key=f"k{number}", **body)
        assert (got, said["code"], said["type"]) == (status, code, f"urn:csg:problem:{code}"), (role, verb)
    bare = await house.client("operator").post(f"/api/v1/incidents/{name}/acts", json={"verb": "take"})
    assert (bare.status_code, bare.json()["code"]) == (400, "idempotency_key")


async def test_a_verdict_on_something_unseen_is_refused(house: House) -> None:
    """Whoever judges must have seen the newest alarm: an older `version` answers "changed"."""
    name = await house.fire()
    seen = house.engine.state.incidents[name].rev
    house.clock.advance(1000)
    await house.measure("a:new", "smoke", True)  # not placed: another incident
    await house.measure(DETECTOR, "heat", True)
    status, said = await act(house, "operator", name, "verdict", args={"verdict": "false"}, version=seen)
    assert (status, said["code"]) == (409, "changed")


async def test_without_an_engine_an_act_says_so_and_reading_goes_on(house: House) -> None:
    """503 with Retry-After for the act; the list is still there, and health says that the engine is gone."""
    name = await house.fire()
    await house.server.stop()
    await async_until(
        lambda: house.control._writer is None or house.control._writer.is_closing(), "the socket to close"
    )
    status, said = await act(house, "operator", name, "take")
    assert (status, said["code"]) == (503, "engine_gone")
    assert (await house.client("operator").get("/api/v1/incidents")).json()["items"]
    house.clock.advance(11_000)
    health = (await house.client("operator").get("/api/v1/health")).json()
    assert health["ok"] is False
    assert health["data_age_ms"] >= 10_000
    assert {"engine", "view"} <= {p["name"] for p in health["parts"] if not p["ok"]}


async def test_allowed_acts_are_what_the_engine_accepts(house: House) -> None:
    """`acts` of the detail is no promise of its own: along a whole incident the engine accepts exactly those verbs."""
    name = await house.fire()
    story: tuple[tuple[str, dict[str, object]], ...] = (
        ("take", {}), ("dispatch", {}), ("on_scene", {}), ("control", {}), ("verdict", {"verdict": "false"}),
        ("reset", {"gone": True}), ("reset", {}), ("close", {}), ("reopen", {}),
    )  # fmt: skip
    args: dict[str, dict[str, object]] = {
        "verdict": {"verdict": "real"},
        "note": {"text": "x"},
        "reset": {"gone": True},
    }
    for step, (verb, arguments) in enumerate(story):
        shown = (await house.client("operator").get(f"/api/v1/incidents/{name}")).json()["acts"]
        for other in ("close", "reopen", "mute", "control", "on_scene"):
            if other not in shown:
                got, said = await act(
                    house, "operator", name, other, key=f"{step}{other}", args=args.get(other, {})
                )
                assert got == 409, (verb, other, said)
        got, said = await act(house, "operator", name, verb, key=f"go{step}", args=arguments)
        assert (verb in shown) == (got == 200), (verb, shown, said)
        await house.level()


async def test_a_note_is_kept_beside_the_journal(house: House) -> None:
    """The detail shows the text; the journal holds only the note's id, so that the text can be deleted."""
    name = await house.fire()
    assert (await act(house, "grid_staff", name, "note", args={"text": "锅烧干了"}))[0] == 200
    (note,) = (await house.client("operator").get(f"/api/v1/incidents/{name}")).json()["notes"]
    assert (note["text"], note["role"]) == ("锅烧干了", "grid_staff")
    audit = (await house.client("admin").get("/api/v1/audit")).json()["items"]
    assert any(row["kind"] == "acted" for row in audit)
    assert "锅烧干了" not in str(audit)
    assert (await act(house, "operator", name, "note", key="n2"))[1]["code"] == "invalid"


async def test_lists_hold_only_what_one_may_see(house: House) -> None:
    """An operator of one estate, and a viewer of one building, see nothing of anything else, in no list."""
    await house.fire()
    await house.fire(OTHER)
    await house.measure("a:door", "temperature", 21.5)
    seen = {}
    for role in ("admin", "operator", "viewer", "stranger"):
        client = house.client(role)
        seen[role] = {
            path: str(
                (
                    await client.get(f"/api/v1{path}", params={"state": "all"} if "s?" in path else None)
                ).json()["items"]
            )
            for path in ("/incidents", "/alarms", "/points", "/devices", "/places", "/deliveries")
        }
    for path, text in seen["stranger"].items():
        assert "site-a" not in text, path
        assert "a:hall" not in text, path
    for path, text in seen["viewer"].items():
        assert "site-b" not in text, path
        assert "a:door" not in text, path
        assert path == "/places" or "a:hall" in text or path == "/deliveries", path
    assert "a:door" in seen["operator"]["/points"]
    assert "b:hall" in seen["admin"]["/points"]


async def test_pages_join_without_gap_or_double(house: House) -> None:
    """Walking by cursor gives every row once, whatever the size of the page."""
    for number in range(7):
        await house.measure(f"a:d{number}", "smoke", True)
    for path in ("/incidents", "/alarms", "/points", "/devices", "/deliveries", "/places"):
        client = house.client("admin")
        whole = [
            str(row) for row in (await client.get(f"/api/v1{path}", params={"limit": 500})).json()["items"]
        ]
        for size in (1, 3):
            found: list[str] = []
            cursor = None
            while True:
                page = (
                    await client.get(f"/api/v1{path}", params={"limit": size, "cursor": cursor or []})
                ).json()
                found += [str(row) for row in page["items"]]
                cursor = page["next"]
                if cursor is None:
                    break
            assert found == whole, (path, size)
        assert (await client.get(f"/api/v1{path}?cursor=nonsense!")).json()["code"] == "bad_cursor"


async def test_a_p1_point_out_of_service_needs_a_second_person_with_the_right(house: House) -> None:
    """Naming somebody is not enough: the second person must be another user who holds the right there."""
    await house.fire()
    alarm = next(iter(house.engine.state.alarms))
    second = house.auth.users.add("second", [("operator", "site-a")], who="t", now=house.now())
    visitor = house.auth.users.add("visitor", [("viewer", "")], who="t", now=house.now())
    until = house.now() + 3_600_000
    for who, status in (("nobody", 409), (visitor.id, 409), (second.id, 200)):
        answer = await house.client("operator").post(
            f"/api/v1/alarms/{alarm}/acts", headers={"Idempotency-Key": f"oos-{who}"},
            json={"verb": "out_of_service", "args": {"until_ms": until, "order": "W-1", "second": who}},
        )  # fmt: skip
        assert answer.status_code == status, (who, answer.text)
    await house.level()
    rows = {row["id"]: row for row in (await house.client("operator").get("/api/v1/alarms")).json()["items"]}
    assert rows.pop(alarm)["out_of_service_until"] is not None
    assert [row["rule"] for row in rows.values()] == [
        "gateway.unguarded"
    ]  # it was the only one of the building


@pytest.mark.parametrize("verb", list(Verb))
async def test_every_verb_is_answered(house: House, verb: Verb) -> None:
    """No verb of the core ends in a bug of ours, on an incident or on an alarm."""
    name = await house.fire()
    alarm = next(iter(house.engine.state.alarms))
    for target in (f"incidents/{name}", f"alarms/{alarm}"):
        answer = await house.client("admin").post(
            f"/api/v1/{target}/acts", json={"verb": verb}, headers={"Idempotency-Key": f"{verb}-{target[:3]}"}
        )
        assert answer.status_code in (200, 409, 422), answer.text
