"""History over HTTP: gaps, staleness, steps, what people did meanwhile, answers that are kept, files, latest values."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest

from devices.reading import Flag, Reading
from gateway.api import downloading, newest
from gateway.clock import ManualClock
from gateway.core.effect import AlarmChanged, AlarmDoc, Happened
from gateway.core.event import FORMAT, Gap, Measured, Ticked
from gateway.journal import Row
from gateway.marks import Marks
from gateway.series import Query, Series
from tests.gateway.api.house import DETECTOR, OTHER, House
from tests.gateway.api.shelf import Shelf

HOUR = 3_600_000
POINT = f"{DETECTOR}/temperature/"


def stamp(at: int) -> str:
    """UTC ms as the API is asked."""
    return datetime.fromtimestamp(at / 1000, UTC).isoformat()


async def report(house: House, *hours: float, point: str = POINT) -> None:
    """One reading at each of these hours after the last one."""
    for step in hours:
        house.clock.advance(round(step * HOUR))
        device, metric, _ = point.rsplit("/", 2)
        await house.measure(device, metric, 20.0 + step)


async def asked(house: House, role: str = "operator", **params: Any) -> dict[str, Any]:
    """The answer, which must be one."""
    found = await house.client(role).get("/api/v1/history", params={"point": POINT, **params})
    assert found.status_code == 200, found.text
    body: dict[str, Any] = found.json()
    return body


async def test_a_gap_is_where_reports_were_owed(house: House) -> None:
    """The detector reports hourly: five silent hours are a gap with its ends, two are none; nothing is filled in."""
    start = house.now()
    await report(house, 1, 1, 2, 6, 1)
    body = await asked(house, since=stamp(start), until=stamp(house.now() + 1))
    (series,) = body["series"]
    assert len(series["rows"]) == 5
    ((since, until),) = series["gaps"]
    assert series["rows"][2][0] < since < until <= series["rows"][3][0]
    assert (datetime.fromisoformat(until) - datetime.fromisoformat(since)).total_seconds() > 5.4 * 3600
    assert series["stale_since"] is None
    assert body["step_s"] is None


async def test_a_device_that_says_something_else_is_no_gap(house: House) -> None:
    """It owes reports, not changes: a point that did not change while its device spoke has no gap."""
    start = house.now()
    await report(house, 1)
    await report(house, *[1.0] * 7, point=f"{DETECTOR}/battery/")
    await report(house, 1)
    (series,) = (await asked(house, since=stamp(start), until=stamp(house.now() + 1)))["series"]
    assert series["gaps"] == []


async def test_what_is_old_is_said_to_be_old(house: House) -> None:
    """Three reports missed: from then on the last value is stale, and the time since it is a gap up to now."""
    start = house.now()
    await report(house, 1)
    house.clock.advance(5 * HOUR)
    (series,) = (await asked(house, since=stamp(start)))["series"]
    heard = datetime.fromisoformat(series["rows"][0][0])
    stale = datetime.fromisoformat(series["stale_since"])
    assert 3 * 3600 <= (stale - heard).total_seconds() <= 3 * 3600 + 300
    assert datetime.fromisoformat(series["gaps"][-1][1]).timestamp() * 1000 == pytest.approx(
        house.now(), abs=2
    )


async def test_steps_are_chosen_for_a_chart(house: House) -> None:
    """Few readings come raw; many, and long windows, in the finest step that gives at most so many rows."""
    start = house.now()
    await report(house, *[0.5] * 30)
    window = {"since": stamp(start), "until": stamp(house.now() + 1)}
    assert (await asked(house, **window, max_points=100))["step_s"] is None
    some = await asked(house, **window, max_points=20)
    assert some["step_s"] == 3600
    assert len(some["series"][0]["rows"]) <= 20
    assert len(some["series"][0]["rows"][0]) == 6
    year = {"since": stamp(start - 365 * 24 * HOUR), "until": window["until"]}
    assert (await asked(house, **year, max_points=1000))["step_s"] == 86_400
    assert (await asked(house, **year, max_points=10))["step_s"] > 31 * 86_400


async def test_incidents_and_blind_times_stand_beside(house: House) -> None:
    """What was open in the window at the point's place or of its device, and when we heard nothing; nobody else's."""
    start = house.now()
    await report(house, 1)
    fire = await house.fire()
    await house.fire(OTHER)
    stamped = house.engine.state.at
    await house.happen(Gap("a", stamped - 60_000, stamped - 1, "link"))
    body = await asked(house, since=stamp(start), until=stamp(house.now() + 1))
    found = {(a["kind"], a["id"]): a for a in body["annotations"]}
    assert set(found) == {("incident", fire), ("blind", "a")}
    assert found["incident", fire]["until"] is None
    assert found["incident", fire]["priority"] == 1
    assert found["blind", "a"]["title"]["en"] == "The gateway received nothing"
    before = await asked(house, since=stamp(start - HOUR), until=stamp(start))
    assert before["annotations"] == []


def alarm(
    seq: int, at: int, shelved_until: int | None = None, out_of_service_until: int | None = None
) -> Row:
    """A row that leaves an alarm shelved or out of service until then, or neither."""
    doc = AlarmDoc(
        "r|d", "site-a", "r", "d", DETECTOR, "battery", "", "a-1-101", "equipment", 4, "UNACK", 0, 1, None, None,
        shelved_until=shelved_until, out_of_service_until=out_of_service_until,
    )  # fmt: skip
    return Row(FORMAT, seq, 0, [(at, Ticked())], [Happened(seq, AlarmChanged(doc))])


def test_what_is_suspended_is_marked_from_when_to_when(tmp_path: Path) -> None:
    """Planned until then; prolonged; ended early; a second time is a second mark; read again, nothing doubles."""
    marks = Marks(tmp_path / "marks.sqlite")
    rows = [
        alarm(1, 100), alarm(2, 200, shelved_until=900), alarm(3, 300, shelved_until=1000), alarm(4, 400),
        alarm(5, 500, out_of_service_until=700), alarm(6, 2000, out_of_service_until=3000),
    ]  # fmt: skip
    for row in rows:
        marks.apply([row])
    marks.apply(rows[3:])
    marks.close()
    again = Marks(tmp_path / "marks.sqlite")
    assert [(m.kind, m.since, m.until, m.detail) for m in again.within(0, 10_000)] == [
        ("shelved", 200, 400, DETECTOR), ("out_of_service", 500, 700, DETECTOR),
        ("out_of_service", 2000, 3000, DETECTOR),
    ]  # fmt: skip
    assert [m.since for m in again.within(400, 600)] == [500]
    again.sweep(1000)
    assert [m.since for m in again.within(0, 10_000)] == [2000]
    again.close()


async def test_an_answer_that_is_still_so_is_not_sent_again(house: House) -> None:
    """A window that is over has a strong tag that stays; news, an erasure or other rights make another."""
    start = house.now()
    await report(house, 1, 1)
    client = house.client("operator")
    over = {"point": POINT, "since": stamp(start), "until": stamp(start + HOUR + 60_000)}
    house.clock.advance(HOUR)
    first = await client.get("/api/v1/history", params=over)
    tag = first.headers["etag"]
    assert not tag.startswith("W/")
    await report(house, 1)
    same = await client.get("/api/v1/history", params=over, headers={"If-None-Match": f'"x", {tag}'})
    assert (same.status_code, same.content) == (304, b"")
    assert (await client.get("/api/v1/history", params={**over, "step": 60})).headers["etag"] != tag
    open_ = {"point": POINT, "since": stamp(start)}
    moving = (await client.get("/api/v1/history", params=open_)).headers["etag"]
    assert moving.startswith("W/")
    assert (
        await client.get("/api/v1/history", params=open_, headers={"If-None-Match": moving})
    ).status_code == 304
    await report(house, 0.01)
    assert (
        await client.get("/api/v1/history", params=open_, headers={"If-None-Match": moving})
    ).status_code == 200
    body = {"points": [POINT], "reason": "request"}
    assert (await house.client("admin").post("/api/v1/erasures", json=body)).status_code == 200
    gone = await client.get("/api/v1/history", params=over, headers={"If-None-Match": tag})
    assert (gone.status_code, gone.json()["series"][0]["rows"]) == (200, [])


async def test_a_file_holds_all_of_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """More rows than any page, several in one millisecond, in both languages and formats; formulas are defused."""
    monkeypatch.setattr(downloading, "PAGE_ROWS", 4)
    start = house.now()
    await report(house, 1, 20)
    same = [Reading(POINT, float(n), None, int(Flag.INVALID) if n == 3 else 0) for n in range(9)]
    await house.happen(Measured("a", same))
    await house.happen(Measured("a", [Reading(f"{DETECTOR}/reason/", '=cmd|"x",1', house.now() - 5, 0)]))
    asked = {"point": [POINT, f"{DETECTOR}/reason/"], "since": stamp(start), "until": stamp(house.now() + 1)}
    client = house.client("operator")
    answer = await client.get("/api/v1/history/download", params=asked)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/csv")
    assert answer.headers["content-disposition"].startswith('attachment; filename="history-2')
    assert answer.content.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert rows[0] == ["时间", "测点", "数值", "单位", "设备时间", "标记"]
    assert [row[2] for row in rows[1:]] == ["21.0", "40.0", *(f"{n}.0" for n in range(9)), '\'=cmd|"x",1']
    assert rows[1][3] == "degC"
    assert rows[6][5] == "invalid"
    assert b"\r\n" in answer.content
    plain = await client.get("/api/v1/history/download", params={**asked, "language": "en"})
    assert plain.content.startswith(b"time,point,value,unit,measured at,flags\r\n")
    steps = await client.get("/api/v1/history/download", params={**asked, "language": "en", "step": 3600})
    assert len(steps.content.splitlines()) == 1 + 3
    parquet = await client.get("/api/v1/history/download", params={**asked, "format": "parquet"})
    (house.folder / "got.parquet").write_bytes(parquet.content)
    got = duckdb.execute(f"SELECT point, number, text FROM '{house.folder / 'got.parquet'}'").fetchall()
    assert [row[1] for row in got[:-1]] == [21.0, 40.0, *map(float, range(9))]
    assert got[-1] == (f"{DETECTOR}/reason/", None, '=cmd|"x",1')
    rolled = await client.get("/api/v1/history/download", params={**asked, "format": "parquet", "step": 3600})
    (house.folder / "got.parquet").write_bytes(rolled.content)
    query = (
        f"SELECT min, max, last_number, last_text, count FROM '{house.folder / 'got.parquet'}' ORDER BY at_ms"
    )
    assert duckdb.execute(query).fetchall()[0] == (21.0, 21.0, 21.0, None, 1)
    assert list(house.folder.glob("download-*")) == []


async def test_a_window_of_eight_thousand_years_costs_few_questions(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Raw and in seconds: empty years are leapt over, and what is in between is all there."""
    await report(house, 1, 20)
    house.clock.advance(400 * 86_400_000)
    await house.happen(Measured("a", [Reading(POINT, 99.0, house.now())]))
    asked: list[Query] = []
    read = house.store.read

    def counted(query: Query) -> list[Series]:
        asked.append(query)
        return read(query)

    monkeypatch.setattr(house.store, "read", counted)
    window = {"point": POINT, "since": "1970-01-02T00:00:00Z", "until": "9999-12-31T00:00:00Z"}
    path, client = "/api/v1/history/download", house.client("operator")
    for more in ({}, {"step": 1}):
        asked.clear()
        answer = await client.get(path, params={**window, **more})
        assert [line.split(b",")[2] for line in answer.content.splitlines()[1:]] == [
            b"21.0",
            b"40.0",
            b"99.0",
        ]
        assert len(asked) < 100
    before = {**window, "since": "1969-01-01T00:00:00Z"}
    assert (await client.get(path, params=before)).json()["code"] == "bad_query"


async def test_a_file_is_nobody_elses(house: House) -> None:
    """Rights are those of the place; without a store, or with a window upside down, the problem says so."""
    path = "/api/v1/history/download"
    assert (await house.client("stranger").get(path, params={"point": POINT})).status_code == 404
    client = house.client("operator")
    upside = {"point": POINT, "since": stamp(house.now()), "until": stamp(house.now() - 1)}
    assert (await client.get(path, params=upside)).json()["code"] == "bad_query"
    house.parts.history = None
    assert (await client.get(path, params={"point": POINT})).json()["code"] == "no_history"


async def test_every_latest_value_in_one_call(house: House) -> None:
    """Values with their kinds, old ones said to be old, only what one may see, and not twice what one has."""
    await house.measure(DETECTOR, "smoke", False)
    await house.measure(DETECTOR, "temperature", 21.5)
    await house.measure(DETECTOR, "reason", "测试")
    await house.measure(OTHER, "battery", 90)
    client = house.client("operator")
    got = await client.get("/api/v1/latest")
    body = got.json()
    rows = [dict(zip(body["fields"], row, strict=True)) for row in body["rows"]]
    assert [(r["point"], r["value"], r["stale"]) for r in rows] == [
        (f"{DETECTOR}/smoke/", False, False), (POINT, 21.5, False), (f"{DETECTOR}/reason/", "测试", False),
    ]  # fmt: skip
    assert rows[1]["at_ms"] == house.now()
    assert body["units"]["temperature"] == "degC"
    tag = got.headers["etag"]
    assert (await client.get("/api/v1/latest", headers={"If-None-Match": tag})).status_code == 304
    house.clock.advance(3 * HOUR + 1000)
    old = await client.get("/api/v1/latest", headers={"If-None-Match": tag})
    assert (old.status_code, [row[-1] for row in old.json()["rows"]]) == (200, [True] * 3)
    everybody = (await house.client("admin").get("/api/v1/latest")).json()["rows"]
    assert [row[0] for row in everybody][-1] == f"{OTHER}/battery/"
    assert len((await house.client("admin").get("/api/v1/latest?place=b-1")).json()["rows"]) == 1


async def test_a_city_is_asked_in_parts(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """More points than an answer holds are refused with what to do; a part of them is answered."""
    monkeypatch.setattr(newest, "POINTS_MAX", 2)
    for metric in ("smoke", "temperature"):
        await house.measure(DETECTOR, metric, 1)
    await house.measure(OTHER, "battery", 90)
    client = house.client("admin")
    assert (await client.get("/api/v1/latest")).json()["code"] == "too_many"
    assert len((await client.get("/api/v1/latest?site=site-a")).json()["rows"]) == 2


async def test_a_household_is_erased_and_stays_erased(house: House) -> None:
    """Only by an administrator of the place; everywhere, with a proof that names no value; news counts again."""
    await house.measure(DETECTOR, "temperature", 21.5)
    await house.measure(OTHER, "battery", 90)
    body = {"place": "a-1-101", "reason": "moved_out", "case": "2026-17"}
    for role, status in (("operator", 403), ("stranger", 403), ("admin", 200)):
        answer = await house.client(role).post("/api/v1/erasures", json=body)
        assert answer.status_code == status
    (said,) = answer.json()["stores"]
    assert (said["store"], said["result"], said["rows"], said["proof"]) == ("history", "deleted", 1, 1)
    assert [point for point, _ in house.store.rows.values()] == [f"{OTHER}/battery/"]
    assert (await house.client("admin").get("/api/v1/latest")).json()["rows"][0][0] == f"{OTHER}/battery/"
    assert (await house.client("admin").get(f"/api/v1/points?device={DETECTOR}")).json()["items"] == []
    page = (await house.client("admin").get("/api/v1/deletions")).json()
    (line,) = page["items"]
    assert page["broken_at"] is None
    assert line["body"]["by"].startswith("key:")
    assert (line["body"]["reason"], line["body"]["case"], line["body"]["points"]) == (
        "moved_out",
        "2026-17",
        [POINT],
    )
    assert "21.5" not in str(line)
    house.store.last = 0  # as after damage: everything is read from the journal again
    house.clock.advance(1)
    await house.measure(DETECTOR, "temperature", 22.5)
    assert sorted((p, s[1]) for p, s in house.store.rows.values()) == [
        (POINT, 22.5),
        (f"{OTHER}/battery/", 90),
    ]
    assert (await house.client("admin").get(f"/api/v1/points?device={DETECTOR}")).json()["items"][0][
        "value"
    ] == 22.5
    nobody = await house.client("admin").post("/api/v1/erasures", json={"place": "site-z", "reason": "wrong"})
    assert nobody.status_code == 404
    assert (await house.client("viewer").get("/api/v1/deletions")).status_code == 403


def test_the_shelf_of_the_tests_stands_for_a_store(tmp_path: Path) -> None:
    """Paging a file asks with a clock of no importance: a page cut inside one millisecond goes on there."""
    del tmp_path
    shelf, clock = Shelf(), ManualClock()
    for n in range(11):
        shelf.rows[n, 0] = (POINT, (clock.utc_ms(), float(n), None, 0, n, 0))
    wanted = downloading.Wanted((POINT,), clock.utc_ms(), clock.utc_ms() + 1, None, UTC, "en", False)  # type: ignore[arg-type]  # any zone
    rows = [row for _, row in downloading._rows(shelf, wanted)]
    assert [row[4] for row in rows] == list(range(11))
