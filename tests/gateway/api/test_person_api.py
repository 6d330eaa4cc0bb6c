"""The personal page behind a notification's link, as a phone opens it."""

from __future__ import annotations

import re

from gateway import links
from gateway.core.effect import Notify
from gateway.linkpage import PAGE_BYTES_MAX
from tests.gateway.api.house import LINK_KEY, House


def link(house: House, person: str, life_ms: int = links.LIFE_MS) -> str:
    """The address in the newest message to that person."""
    told = next(e for e in reversed(house.sent) if isinstance(e, Notify) and e.person == person)
    return f"/n/{links.make(LINK_KEY, told.id, person, told.incident, house.now() + life_ms)}"


def form(page: str, act: str) -> dict[str, str]:
    """The hidden fields of one form of the page."""
    for one in page.split("<form")[1:]:
        fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', one))
        if fields.get("act") == act:
            return {k: v for k, v in fields.items() if k in ("act", "csrf", "once", "version")}
    raise AssertionError(f"no form for {act}")


async def test_looking_changes_nothing_and_taking_takes(house: House) -> None:
    """GET as often as one likes; the button takes it in the person's own name and role; pressing twice is once."""
    name = await house.fire()
    client, address = house.client(), link(house, "p-duty")
    seq = house.engine.state.seq
    for _ in range(3):
        shown = await client.get(address)
        assert shown.status_code == 200
        assert "1号楼 101" in shown.text
        assert len(shown.content) <= PAGE_BYTES_MAX
        assert shown.headers["cache-control"] == "no-store"
        assert "set-cookie" not in shown.headers
    assert house.engine.state.seq == seq
    fields = form(shown.text, "take")
    done = await client.post(address, data=fields)
    assert done.status_code == 200
    assert 'role="status"' in done.text
    incident = house.engine.state.incidents[name]
    assert (incident.handling, incident.taken_by, incident.taken_role) == ("taken", "p-duty", "duty_operator")
    rev = incident.rev
    await client.post(address, data=fields)
    assert house.engine.state.incidents[name].rev == rev


async def test_a_household_writes_notes_and_gives_no_verdict(house: House) -> None:
    """The people in the flat see other advice and no verdict keys; a forged verdict is refused by the core."""
    name = await house.fire()
    client, address = house.client(), link(house, "p-home")
    shown = (await client.get(address)).text
    assert 'value="verdict"' not in shown
    note = form(shown, "note")
    assert (await client.post(address, data={**note, "note": "锅烧干了，没有着火"})).status_code == 200
    assert [n.text for n in house.parts.notes.of(name)] == ["锅烧干了，没有着火"]
    forged = await client.post(address, data={**note, "act": "verdict", "verdict": "false"})
    assert 'role="alert"' in forged.text
    assert house.engine.state.incidents[name].verdict == "unverified"


async def test_a_report_on_scene_is_a_verdict_with_its_cause_and_note(house: House) -> None:
    """Grid staff, in English, report a false alarm: verdict, cause and note arrive."""
    name = await house.fire()
    for _ in range(3):  # the chain reaches the grid's staff at a later step
        house.clock.advance(61_000)
        house.engine.tick()
        house.settle()
    await house.level()
    client, address = house.client(), link(house, "p-grid")
    shown = (await client.get(address)).text
    assert "I take it" in shown
    fields = form(shown, "verdict")
    done = await client.post(
        address, data={**fields, "verdict": "false", "cause": "cooking", "note": "burnt rice"}
    )
    assert 'role="status"' in done.text
    incident = house.engine.state.incidents[name]
    assert (incident.verdict, incident.cause) == ("false", "cooking")
    assert [n.text for n in house.parts.notes.of(name)] == ["burnt rice"]


async def test_links_that_open_nothing_say_why(house: House) -> None:
    """Expired, forged, of somebody removed, of no incident: a page in the browser's language, and no act."""
    name = await house.fire()
    client = house.client()
    good = link(house, "p-duty")
    fields = form((await client.get(good)).text, "take")
    wrong = links.make(b"x" * 32, "1.0", "p-duty", name, house.now() + 1000)
    gone = links.make(LINK_KEY, "1.0", "p-nobody", name, house.now() + 60_000)
    none = links.make(LINK_KEY, "1.0", "p-duty", "20250101-0001", house.now() + 60_000)
    for token, status in (
        (wrong, 404),
        (gone, 404),
        (none, 404),
        ("nonsense", 404),
        ("%00", 404),
        ("x" * 3000, 404),
    ):
        for answer in (await client.get(f"/n/{token}"), await client.post(f"/n/{token}", data=fields)):
            assert answer.status_code == status, token
            assert "101" not in answer.text
    house.clock.advance(links.LIFE_MS + 60_000)
    old = await client.post(good, data=fields, headers={"Accept-Language": "en-GB"})
    assert old.status_code == 410
    assert "expired" in old.text
    assert house.engine.state.incidents[name].handling == "open"


async def test_a_form_from_elsewhere_or_of_another_link_does_nothing(house: House) -> None:
    """Every form carries the value of its own link; without it nothing is done."""
    name = await house.fire()
    client, address = house.client(), link(house, "p-duty")
    fields = form((await client.get(address)).text, "take")
    for bad in (
        {**fields, "csrf": ""},
        {**fields, "csrf": "AAAA"},
        {**fields, "once": "x"},
        {"act": "close"},
        {},
    ):
        answer = await client.post(address, data=bad)
        assert 'role="alert"' in answer.text
    assert house.engine.state.incidents[name].handling == "open"


async def test_a_closed_incident_shows_so_and_takes_no_act(house: House) -> None:
    """A link may outlive its incident: the page says that nothing is left to do."""
    name = await house.fire()
    address = link(house, "p-duty")
    fields = form((await house.client().get(address)).text, "take")
    for step, (verb, args) in enumerate(
        (
            ("verdict", {"verdict": "false"}),
            ("reset", {"gone": True}),
            ("reset", {}),
            ("close", {}),
        )
    ):
        await house.client("operator").post(
            f"/api/v1/incidents/{name}/acts",
            json={"verb": verb, "args": args},
            headers={"Idempotency-Key": str(step)},
        )
    await house.level()
    assert house.engine.state.incidents[name].handling == "closed"
    assert "<form" not in (await house.client().get(address)).text
    assert 'role="alert"' in (await house.client().post(address, data=fields)).text


async def test_without_an_engine_the_page_says_phone(house: House) -> None:
    """Nothing was noted, and the page says so instead of pretending."""
    await house.fire()
    address = link(house, "p-duty")
    fields = form((await house.client().get(address)).text, "take")
    await house.server.stop()
    answer = await house.client().post(address, data=fields)
    assert answer.status_code == 200
    assert 'role="alert"' in answer.text


async def test_too_many_tries_from_one_address_wait(house: House) -> None:
    """Guessing tokens is slowed down; a minute later the address may look again."""
    client = house.client()
    answers = [(await client.get(f"/n/guess{n}")).status_code for n in range(125)]
    assert answers[0] == 404
    assert answers[-1] == 429
    house.clock.advance(60_001)
    assert (await client.get("/n/guess")).status_code == 404


async def test_the_person_acts_with_their_own_roles_only(house: House) -> None:
    """What a link may do follows from the roles its holder has now, not from the link."""
    name = await house.fire()
    client, address = house.client(), link(house, "p-duty")
    fields = form((await client.get(address)).text, "take")
    row = {"id": "p-duty", "name": "王值班", "staff": True, "roles": [], "addresses": [["recording", "1"]]}
    house.registry.put("people", row, who="t", now=house.now())
    await house._replan()
    await house._replanned()
    answer = await client.post(address, data=fields)
    assert 'role="alert"' in answer.text
    assert house.engine.state.incidents[name].handling == "open"
