"""incident/1: exactly the published shape, marked, placed, timed in local time, without a resident's name."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.catalogue import Catalogue
from devices.reading import Hazard
from gateway import incident1, render, text
from gateway.core.effect import IncidentDoc, Mode
from rules.rule import Match, Rule
from tests.gateway.telling import ALARM, CATALOGUE, GRIDS, OPENED, PLAN, composer, doc, docs, notify, publish

SCHEMA = Path(__file__).parent.parent.parent / "docs" / "reference" / "incident-1.schema.json"
TITLES = {
    "fire.smoke": {"zh-CN": "感烟探测器报警", "en": "Smoke detector"},
    "w.low": {"zh-CN": "消火栓水压低", "en": "Hydrant low"},
}
NAMES = {"grid": "张三", "home": "李四"}


def made(d: IncidentDoc, **more: Any) -> dict[str, Any]:
    return render.incident_1(
        d, CATALOGUE, NAMES, grids=GRIDS, titles=TITLES, base_url="https://gw.example.cn/", **more
    )


def test_the_whole_shape() -> None:
    """A kitchen fire looks exactly like this."""
    cases = [{"partner": "12345", "number": "A1", "x": 1}]
    assert made(doc(next_at=OPENED + 30_000, next_step="grid_staff", cases=cases)) == {
        "schema": "incident/1", "id": "20261121-0007", "rev": 4, "mode": "live", "site": "s", "hazard": "fire",
        "priority": 1, "handling": "open", "verdict": "unverified", "sound": "ringing",
        "title": {"zh-CN": "火警 待核实", "en": "Fire alarm, unverified"},
        "place": {
            "path": ["阳光花园", "3号楼", "1单元", "5层", "502", "厨房"], "text": "3号楼 1单元 5层 502 厨房",
            "grid": "第二网格", "geo": {"lat": 30.24, "lon": 120.14, "datum": "GCJ-02"},
            "external_ids": {"area_code": "330106", "house_code": "B3-502"},
        },
        "opened_at": "2026-11-21T03:12:07.125+08:00", "measured_at": None,
        "updated_at": "2026-11-21T03:12:07.125+08:00",
        "alarms": [{
            "id": "a1", "device": "demo:s/smoke", "metric": "smoke", "state": "UNACK",
            "since": "2026-11-21T03:12:07.125+08:00", "value": True, "unit": None,
        }],
        "taken_by": None, "next": {"at": "2026-11-21T03:12:37.125+08:00", "step": "grid_staff"},
        "cases": [{"partner": "12345", "number": "A1", "stage": ""}],
        "links": {"self": "https://gw.example.cn/api/v1/incidents/20261121-0007"},
    }  # fmt: skip


def test_the_published_schema_is_the_code() -> None:
    """docs/reference holds what the code says; CSG_REGENERATE=1 writes it."""
    wanted = json.dumps(incident1.schema(), ensure_ascii=False, indent=2) + "\n"
    if os.environ.get("CSG_REGENERATE") == "1":
        SCHEMA.parent.mkdir(parents=True, exist_ok=True)
        SCHEMA.write_text(wanted, "utf-8")
    assert SCHEMA.read_text("utf-8") == wanted, "run this test with CSG_REGENERATE=1 and commit the file"


@settings(max_examples=200)
@given(docs())
def test_every_document_becomes_valid_incident_1(d: IncidentDoc) -> None:
    """Whatever the core can say, unknown places and rules included, is valid, marked, and the same JSON twice."""
    incident = made(d)
    jsonschema_rs.Draft202012Validator(incident1.schema()).validate(incident)
    json.dumps(incident, allow_nan=False)
    typed = msgspec.convert(incident, incident1.Incident1)
    assert typed.alarms_total is msgspec.UNSET
    assert [(c.partner, c.stage) for c in typed.cases] == [("city", "")] * len(d.cases)
    if d.mode != Mode.LIVE:
        mark = {"simulated": "【模拟】", "test": "【测试】", "drill": "【演练】"}[d.mode]
        assert all(title.startswith(mark) for title in incident["title"].values())
    assert made(d) == incident


@settings(max_examples=200)
@given(
    docs(),
    st.sampled_from(["called", "reminded", "taken", "closed", "verify", "spread", "test", "odd"]),
    st.sampled_from(["grid", "guest"]),
)
def test_every_message_can_be_said(d: IncidentDoc, reason: str, person: str) -> None:
    """Every document has a title, a body and a short text of one or two SMS, each with the mark of its mode first."""
    effect = msgspec.structs.replace(
        notify(person=person, reason=reason), doc=d, mode=d.mode, priority=d.priority
    )
    effect = msgspec.structs.replace(effect, incident="20261121-0007")
    notice = composer().notice(effect, "a", OPENED)
    assert len(notice.short) <= (70 if notice.language == "zh-CN" else 134)
    mode = "test" if reason == "test" and d.mode == "live" else d.mode
    for said in (notice.title, notice.body, notice.short):
        assert said.startswith(
            {"live": "", "simulated": "【模拟】", "test": "【测试】", "drill": "【演练】"}[mode]
        )
        assert said


def test_a_resident_is_never_named() -> None:
    """Whoever lives there appears as a role, whatever the directory knows; staff appear by name."""
    home = made(doc(handling="taken", taken_by="home", taken_role="household"))
    assert home["taken_by"] == {"id": None, "name": None, "role": "household"}
    assert "李四" not in json.dumps(home, ensure_ascii=False)
    said = composer().notice(
        notify(handling="taken", taken_by="home", taken_role="household", reason="taken"), "a", OPENED
    )
    assert "李四" not in said.short + said.body + said.title
    assert "住户已接警" in said.short
    unknown_role = made(doc(handling="taken", taken_by="home", taken_role=""))
    assert unknown_role["taken_by"]["name"] is None
    staff = made(doc(handling="taken", taken_by="grid", taken_role="grid_staff"))
    assert staff["taken_by"] == {"id": "grid", "name": "张三", "role": "grid_staff"}


@pytest.mark.parametrize(
    ("changes", "zh", "en"),
    [
        ({"mode": "simulated"}, "【模拟】火警 待核实", "【模拟】SIMULATED Fire alarm, unverified"),
        ({"verdict": "confirmed_by_devices", "handling": "taken"}, "火警 多点报警（已接警）",
         "Fire alarm, confirmed by devices (taken)"),
        ({"verdict": "false", "handling": "closed"}, "火警 误报（已办结）", "Fire alarm, false alarm (closed)"),
        ({"priority": 2, "hazard": "water", "title": "w.low"}, "消火栓水压低", "Hydrant low"),
        ({"priority": 2, "hazard": "water", "title": "w.low", "verdict": "real"}, "消火栓水压低 属实",
         "Hydrant low, real"),
        ({"priority": 4, "hazard": "equipment", "title": "gone"}, "设备故障", "Equipment fault"),
        ({"priority": 2, "hazard": "fire", "title": "gateway.verify"}, "旧报警待查看", "Old alarm, verify now"),
    ],
)  # fmt: skip
def test_titles(changes: dict[str, Any], zh: str, en: str) -> None:
    """P1 is called by its hazard and says whether it is verified; everything else by its rule."""
    titles = {**TITLES, "gateway.verify": {"zh-CN": "旧报警待查看", "en": "Old alarm, verify now"}}
    d = doc(**changes)
    assert (render.title(d, "zh-CN", titles), render.title(d, "en", titles)) == (zh, en)


@pytest.mark.parametrize(
    ("place", "said", "short"),
    [
        ("k", "3号楼 1单元 5层 502 厨房", "3号楼1单元5层502 厨房"),
        ("b3", "3号楼", "3号楼"),
        ("s", "阳光花园", "阳光花园"),
        ("gone", "", ""),
    ],
)
def test_places(place: str, said: str, short: str) -> None:
    """A place is said from the building inwards; the site alone by its name."""
    assert render.place_text(CATALOGUE, place) == said
    assert render.compact(said) == short


def test_latin_names_keep_their_spaces() -> None:
    """Only after a Chinese character is a space not needed."""
    assert render.compact("Building 3 Unit 1 5层 502") == "Building 3 Unit 1 5层502"


def test_an_unplaced_device_is_said_by_name() -> None:
    """Somebody may still find a device nobody has placed."""
    assert made(doc(place="gone"))["place"]["text"] == "独立式感烟火灾探测报警器"
    bare = render.incident_1(doc(place=""), Catalogue(), {})
    assert bare["place"] == {
        "path": [],
        "text": "demo:s/smoke",
        "grid": None,
        "geo": None,
        "external_ids": {},
    }
    assert bare["links"]["self"] == "/api/v1/incidents/20261121-0007"


def test_an_unplaced_device_of_a_known_site_is_said_to_have_no_place() -> None:
    """The site's name, the name the device gives itself, and in both languages that nobody knows more."""
    stranger = msgspec.structs.replace(ALARM, device="demo:s/stranger", place="s")
    incident = made(doc(place="s", alarms=[stranger]))
    assert incident["place"]["text"] == "阳光花园 s/stranger"
    assert "位置未登记" in incident["title"]["zh-CN"]
    assert "place not registered" in incident["title"]["en"]
    own = msgspec.structs.replace(ALARM, device="gateway:disk", place="s")
    assert made(doc(place="s", alarms=[own]))["place"]["text"] == "阳光花园"


def test_a_device_taken_out_since_had_its_place_when_it_alarmed() -> None:
    """Its old incidents read as they did."""
    gone = msgspec.structs.replace(ALARM, device="demo:s/gone")
    assert made(doc(alarms=[gone]))["place"] == made(doc())["place"]
    assert made(doc(alarms=[gone]))["title"] == made(doc())["title"]


def test_a_device_that_got_its_place_since_is_said_where_it_is() -> None:
    """An incident at the site whose one device was placed meanwhile names that place; of two places neither."""
    incident = made(doc(place="s", alarms=[ALARM]))
    assert incident["place"]["text"] == made(doc())["place"]["text"]
    assert "位置未登记" not in incident["title"]["zh-CN"]


def test_time_zone_of_the_source() -> None:
    """Times carry the offset of the source's own zone; of its site's when the source is unknown."""
    west = doc(site="w", alarms=[msgspec.structs.replace(ALARM, device="west:w/x")])
    assert made(west)["opened_at"] == "2026-11-21T01:12:07.125+06:00"
    assert made(doc(site="w", alarms=[]))["opened_at"].endswith("+06:00")
    assert made(doc(site="?", alarms=[]))["opened_at"].endswith("+08:00")


def test_a_storm_is_cut_to_what_matters() -> None:
    """Five hundred alarms list the most urgent fifty and say how many there are."""
    alarms = [
        msgspec.structs.replace(ALARM, id=f"a{n}", priority=1 + n % 3, since=OPENED + n) for n in range(500)
    ]
    incident = made(doc(alarms=alarms))
    assert len(incident["alarms"]) == incident1.ALARMS_MAX
    assert incident["alarms_total"] == 500
    assert incident["alarms"][1]["id"] == "a3"


# -- messages -------------------------------------------------------------------------------------------------------


def test_the_call() -> None:
    """What the phone shows at three in the morning."""
    notice = composer().notice(notify(), "addr", OPENED + 2_000)
    assert notice.short == "火警 待核实：3号楼1单元5层502 厨房 感烟报警，03:12:07。"
    assert notice.title == "火警 待核实：3号楼 1单元 5层 502 厨房"
    assert notice.link is not None
    assert notice.link.startswith("https://gw.example.cn/n/")
    assert notice.body.split("\n") == [
        "火警 待核实：3号楼1单元5层502 厨房 感烟报警，03:12:07。",
        f"我来接警：{notice.link}",
        f"先做：{text.say('zh-CN', 'advice.fire')}",
        "接警：尚无人接警",
        "编号：20261121-0007",
    ]
    assert (notice.address, notice.person, notice.urgent, notice.type) == (
        "addr",
        "grid",
        True,
        "notice.called",
    )


@pytest.mark.parametrize(
    ("reason", "changes", "short"),
    [
        ("reminded", {}, "仍无人接警！火警 待核实：3号楼1单元5层502 厨房 感烟报警，03:12:07。"),
        ("confirmed", {"verdict": "confirmed_by_devices"}, "火警 多点报警：3号楼1单元5层502 厨房 感烟报警，03:12:07。"),
        ("taken", {"taken_by": "grid", "taken_role": "grid_staff", "handling": "taken"},
         "张三（网格员）已接警：火警 待核实，3号楼1单元5层502 厨房，03:12:07。"),
        ("closed", {"verdict": "false", "handling": "closed"},
         "火警 误报（已办结）：3号楼1单元5层502 厨房 感烟报警，03:12:07。"),
        ("called", {"mode": "drill"}, "【演练】火警 待核实：3号楼1单元5层502 厨房 感烟报警，03:12:07。"),
        ("called", {"late_ms": 720_000}, "火警 待核实：3号楼1单元5层502 厨房 感烟报警，03:12:07（迟到12分钟）。"),
        ("test", {}, "【测试】通知测试，无需到场。火警 待核实：3号楼1单元5层502 厨房 感烟报警，03:12:07。"),
    ],
)  # fmt: skip
def test_short_texts(reason: str, changes: dict[str, Any], short: str) -> None:
    """Each reason says its own thing, and what and where always."""
    assert composer().notice(notify(reason=reason, **changes), "a", OPENED).short == short


def test_several_alarms_and_values() -> None:
    """More than one alarm is counted in the short text and listed in the long one; one measured value is said."""
    two = [ALARM, msgspec.structs.replace(ALARM, id="a2", metric="heat", since=OPENED + 40_000)]
    notice = composer().notice(notify(alarms=two), "a", OPENED)
    assert "感烟报警等2处" in notice.short
    assert "- 3号楼 1单元 5层 502 厨房 感温报警 03:12:47" in notice.body
    hot = [msgspec.structs.replace(ALARM, metric="temperature_high", value=61.25, unit="degC")]
    assert "数值：61.25 ℃" in composer().notice(notify(alarms=hot), "a", OPENED).body


def test_the_household_is_told_what_a_household_does() -> None:
    """People in the flat are told to look and leave, staff to come; a rule's own advice goes to staff."""
    rule = Rule(
        "fire.smoke",
        TITLES["fire.smoke"],
        Hazard.FIRE,
        1,
        Match(),
        None,
        advice={"zh-CN": "按预案处置。", "en": "By plan."},
    )
    speaker = composer(msgspec.structs.replace(PLAN, rules=(rule,)))
    assert "先做：按预案处置。" in speaker.notice(notify(), "a", OPENED).body
    assert text.say("zh-CN", "advice_home.fire") in speaker.notice(notify(role="household"), "a", OPENED).body


def test_yesterdays_fire_says_the_date() -> None:
    """A time of day alone would be read as today's."""
    assert "11-21 03:12:07" in composer().notice(notify(), "a", OPENED + 13 * 3_600_000).short


def test_without_a_public_address_there_is_no_link() -> None:
    """A gateway nobody can reach from outside offers no link, and the message is still whole."""
    notice = composer(base_url=None).notice(notify(), "a", OPENED)
    assert notice.link is None
    assert "http" not in notice.body


def test_a_gateway_with_an_unset_clock_still_tells() -> None:
    """Started in 1970, it says everything but offers no link whose end nobody could judge."""
    notice = composer().notice(notify(), "a", 60_000)
    assert notice.link is None
    assert "火警 待核实：3号楼1单元5层502 厨房 感烟报警" in notice.short


def test_a_machine_is_told_facts() -> None:
    """A publication carries incident/1 or its facts, no link and no person."""
    notice = composer().notice(publish(), None, OPENED)
    assert notice.incident is not None
    assert (notice.type, notice.incident["rev"], notice.link, notice.person) == (
        "incident.opened",
        4,
        None,
        None,
    )
    lost = msgspec.structs.replace(
        publish(topic="device.lost"), doc=None, data={"device": "d7"}, mode="simulated"
    )
    assert composer().notice(lost, None, OPENED).title == "【模拟】设备失联：d7"
