"""Alarms of other makers' cameras are rows for review, each once, whatever is read again; nothing else is."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from devices.catalogue import Catalogue, Device, Source
from gateway.core.effect import AlarmChanged, AlarmDoc, Happened
from gateway.core.event import FORMAT, Ticked
from gateway.evidence.rows import PULLED
from gateway.evidence.sightings import DAY_MAX, Sightings
from gateway.evidence.store import Evidence
from gateway.follow import Follower
from gateway.journal import Journal, Row
from gateway.latest import Latest
from gateway.views import Views
from tests.gateway.evidence.seen import NOW, event, keep

OWN = "cameras-home"
CATALOGUE = Catalogue(
    devices={"nvr:yard": Device("nvr:yard", "b1", "camera"), "hall:door": Device("hall:door", "b1", "door")},
    sources={"nvr": Source("nvr", "home"), "show": Source("show", "home", simulated=True)},
)


@pytest.fixture
def evidence(tmp_path: Path) -> Iterator[Evidence]:
    made = Evidence(tmp_path / "evidence")
    yield made
    made.close()


def row(seq: int, **more: Any) -> Row:
    """An intrusion that a camera of the catalogue raised, P3."""
    facts: dict[str, Any] = {
        "id": f"r|{seq}", "site": "home", "rule": "r", "subject": "s", "device": "nvr:yard", "metric": "intrusion",
        "channel": "fence", "place": "b1", "hazard": "intrusion", "priority": 3, "state": "UNACK", "since": NOW + seq,
        "value": True, "unit": None, "incident": "i1",
    }  # fmt: skip
    return Row(
        FORMAT, seq, 0, [(NOW + seq, Ticked())], [Happened(seq, AlarmChanged(AlarmDoc(**(facts | more))))]
    )


def test_the_journal_brings_them_and_brings_them_once(tmp_path: Path, evidence: Evidence) -> None:
    """Followed from the start, again after a restart without views: one row an alarm, to be judged like any other."""
    journal = Journal(tmp_path / "journal")
    journal.open()
    journal.append(row(1))
    journal.append(row(2, state="ACKED", since=NOW + 1))
    journal.append(row(3, state="NORM", since=NOW + 1))
    journal.append(row(4))
    journal.close()
    for n in range(2):
        views = Views(tmp_path / f"views{n}.sqlite")
        sightings = Sightings(evidence, lambda: CATALOGUE, {OWN})
        follower = Follower(
            tmp_path / "journal", views, Latest(), [], lambda *_: None, lambda _: None, sightings=sightings
        )
        assert follower.catch_up() == 4
        follower.stop()
        views.close()
    found = evidence.events()
    assert [(e.at - NOW, e.camera, e.type, e.zone, e.place, e.priority, e.incident) for e in found] == [
        (4, "nvr:yard", "intrusion", "fence", "b1", 3, "i1"), (1, "nvr:yard", "intrusion", "fence", "b1", 3, "i1")
    ]  # fmt: skip
    assert evidence.judged("nvr:yard", NOW, NOW + 10) == {"unreviewed": 2}
    assert evidence.pictures([e.id for e in found]) == []


@pytest.mark.parametrize(
    ("more", "kept"),
    [
        ({"device": "hall:door"}, 0),
        ({"device": "nvr:new"}, 0),
        ({"device": "nvr:new", "metric": "line_crossing"}, 1),
        ({"metric": "alarm_input"}, 0),
        ({"metric": "camera_online"}, 0),
        ({"device": ""}, 0),
        ({"state": "SHELVED"}, 0),
        ({"device": f"{OWN}:home/gate", "metric": "obstruction"}, 0),
        ({"device": f"{OWN}:home/gate", "metric": "camera_tamper", "channel": "covered"}, 1),
    ],
)
def test_only_what_cameras_see_is_kept(evidence: Evidence, more: dict[str, Any], kept: int) -> None:
    """A door's intrusion, a camera's alarm input or lost picture are none; nor is what our own processes keep."""
    Sightings(evidence, lambda: CATALOGUE, {OWN}).apply([row(1, **more)])
    assert len(evidence.events()) == kept


def test_a_simulated_camera_is_marked_so(evidence: Evidence) -> None:
    """By its source."""
    Sightings(evidence, lambda: CATALOGUE, ()).apply([row(1, device="show:cam", metric="loitering")])
    assert evidence.events()[0].simulated


def test_a_camera_that_cries_all_day_fills_nothing(evidence: Evidence) -> None:
    """Its rows end at the day's bound, other cameras' go on, and so do its own the day after."""
    sightings = Sightings(evidence, lambda: CATALOGUE, ())
    sightings.apply([row(n) for n in range(1, DAY_MAX + 50)])
    sightings.apply([row(9_000, device="show:cam", metric="loitering"), row(86_400_000 + DAY_MAX)])
    assert evidence.figures()["events"] == DAY_MAX + 2


def test_pulled_pictures_are_no_word_of_the_cameras(evidence: Evidence) -> None:
    """They wait for nobody's judgement and count in no figure."""
    said = keep(evidence, event(type=PULLED, priority=1, incident="i1"))
    assert evidence.judged(event().camera, NOW, NOW + 1) == {}
    assert (evidence.events(unreviewed=True), evidence.figures()["unreviewed"]) == ([], 0)
    assert evidence.event(said.event) is not None


def test_a_disk_that_refuses_costs_the_row_alone(evidence: Evidence) -> None:
    """The journal is followed on."""
    evidence.close()
    Sightings(evidence, lambda: CATALOGUE, ()).apply([row(1), row(2)])
