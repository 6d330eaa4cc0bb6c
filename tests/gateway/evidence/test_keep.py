"""What of a camera event is kept, and that nothing unmasked ever is outside the sealed original of a P1."""

from __future__ import annotations

import hashlib
import sqlite3
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from gateway.evidence.keep import Keeper, chosen
from gateway.evidence.sealing import Unsealable, evidence_key, seal, unseal
from gateway.evidence.store import Evidence
from tests.gateway.evidence.seen import KEY, NOW, event, files, frames, keep, keeper, picture


@pytest.fixture
def evidence(tmp_path: Path) -> Any:
    made = Evidence(tmp_path / "evidence")
    yield made
    made.close()


def test_an_event_has_three_masked_pictures(evidence: Evidence) -> None:
    """Before, onset and now are on disk with their sums, readable by us alone, for thirty days, and are blocks."""
    said = keep(evidence, event())
    rows = evidence.pictures([said.event])
    assert (said.pictures, said.reason, [r.moment for r in rows]) == (3, "", ["before", "onset", "now"])
    for row, (_, shown) in zip(rows, frames(), strict=True):
        path = evidence.path_of(row, sealed=False)
        assert hashlib.sha256(path.read_bytes()).hexdigest() == row.sha256
        assert path.stat().st_mode & 0o777 == 0o600
        assert row.expires == NOW + 30 * 86_400_000
        stored = cv2.imread(str(path))
        assert stored is not None
        corner = np.asarray(stored[8:16, 8:16], np.float32)
        assert corner.std() < 0.3 * shown[8:16, 8:16].std(), "the corner is one colour, give or take JPEG"
    assert not [name for name in files(evidence.folder) if name.endswith(".sealed")]


@pytest.mark.parametrize(
    "off",
    [{"priority": None}, {"priority": 4}, {"shared": False}, {"snapshot": False}],
)
def test_pictures_are_off_where_nobody_wants_them(evidence: Evidence, off: dict[str, Any]) -> None:
    """No rule, a P4, a private room or the rule's own no: the event is kept for its figures, no picture is."""
    said = keep(evidence, event(**off))
    assert (said.pictures, said.reason) == (0, "off")
    assert evidence.event(said.event) is not None
    assert files(evidence.folder) == []


def test_only_a_p1_has_originals_and_they_are_sealed(evidence: Evidence) -> None:
    """The original of a P1 comes back whole with its key and its own name, and with nothing else."""
    said = keep(evidence, event(priority=1))
    rows = evidence.pictures([said.event])
    onset = rows[1]
    stored = evidence.path_of(onset, sealed=True).read_bytes()
    assert b"JFIF" not in stored
    original = unseal(KEY, onset.id, stored)
    assert hashlib.sha256(original).hexdigest() == onset.original
    assert cv2.imdecode(np.frombuffer(original, np.uint8), cv2.IMREAD_COLOR).shape == (90, 160, 3)  # type: ignore[union-attr]  # a picture comes back
    for key, name, data in [
        (bytes(32), onset.id, stored), (KEY, rows[0].id, stored), (KEY, onset.id, stored[:-1]), (KEY, onset.id, b""),
        (KEY, onset.id, b"\x02" + stored[1:]),
    ]:  # fmt: skip
        with pytest.raises(Unsealable):
            unseal(key, name, data)
    assert seal(KEY, "x", b"same") != seal(KEY, "x", b"same"), "each nonce is new"


def test_without_a_key_there_is_no_original(evidence: Evidence) -> None:
    """A key that cannot be read costs the original, not the masked picture."""
    said = Keeper(evidence, None, free_min=0).keep(event(priority=1), frames(), None, None, (), NOW)
    assert said.pictures == 3
    assert all(name.endswith(".jpg") for name in files(evidence.folder))


def test_the_key_is_ours_alone_and_stays(tmp_path: Path) -> None:
    """Made once, 32 bytes, mode 0600, the same for every process."""
    key = evidence_key(tmp_path)
    path = tmp_path / "secrets" / "evidence-key"
    assert (len(key), path.stat().st_mode & 0o777) == (32, 0o600)
    assert evidence_key(tmp_path) == key


def test_what_cannot_be_masked_is_not_kept(evidence: Evidence) -> None:
    """A picture that is none, or a face model that fails: no file of any kind, and it is counted."""

    def broken(_: Any) -> Any:
        raise cv2.error("bad layer")

    said = keeper(evidence, faces=broken).keep(event(priority=1), frames(), None, None, (), NOW)
    assert (said.pictures, said.reason) == (0, "masking")
    grey = [(NOW, np.zeros((90, 160), np.uint8))]
    assert keeper(evidence).keep(event(NOW + 1), grey, None, None, (), NOW).reason == "masking"
    assert files(evidence.folder) == []
    assert evidence.figures()["lost_masking"] == 2


def test_a_thing_is_shown_in_small_blocks_and_a_person_not_at_all(evidence: Evidence) -> None:
    """The box of a flame is clear, of a parked car in small blocks, of a moving person as coarse as the rest."""
    spread: dict[str, float] = {}
    for kind in ("possible_flame", "occupied", "motion"):
        seen = event(type=kind)
        keeper(evidence).keep(seen, [(NOW, picture())], None, (0.2, 0.2, 0.6, 0.6), (), NOW)
        shown = cv2.imread(str(evidence.path_of(evidence.pictures([seen.id])[0], sealed=False)))
        assert shown is not None
        spread[kind] = float(np.abs(np.diff(shown[30:60, 50:110].astype(np.float32), axis=1)).mean())
    assert spread["possible_flame"] > spread["occupied"] > spread["motion"]


def test_an_event_told_twice_is_one(evidence: Evidence) -> None:
    """A restarted process tells what it told before: nothing changes."""
    first, second = keep(evidence, event()), keep(evidence, event(), NOW + 5_000)
    assert (second.event, second.pictures, second.reason) == (first.event, 0, "known")
    assert len(files(evidence.folder)) == 3


def test_a_full_store_or_disk_costs_pictures_and_nothing_else(tmp_path: Path) -> None:
    """No room: the event is kept without pictures and counted; a disk that refuses is an answer, not an error."""
    evidence = Evidence(tmp_path / "evidence", bytes_max=1)
    assert keep(evidence, event()).pictures == 3  # there was room for one byte
    assert keep(evidence, event(NOW + 1)).reason == "full"
    low = Keeper(evidence, KEY, free_min=1 << 62)
    assert low.keep(event(NOW + 2), frames(), None, None, (), NOW).reason == "disk"
    assert {"lost_full": 1, "lost_disk": 1}.items() <= evidence.figures().items()
    evidence.close()
    assert keep(evidence, event(NOW + 3)).reason == "disk"


def test_a_folder_that_takes_no_files_is_an_answer(evidence: Evidence, tmp_path: Path) -> None:
    """The day's folder cannot be made: the event stands without pictures."""
    (evidence.folder / "20251122").write_text("in the way")
    assert keep(evidence, event()).reason == "disk"
    assert evidence.event(event().id) is not None


@pytest.mark.parametrize(
    ("times", "moments"),
    [
        ([], []), ([5], ["onset"]), ([0, 5], ["before", "onset"]), ([5, 9], ["onset", "now"]),
        ([9, 0, 3, 5, 7], ["before", "onset", "now"]),
    ],
)  # fmt: skip
def test_three_frames_are_chosen_of_many(times: list[int], moments: list[str]) -> None:
    """The nearest to the onset, the first before it and the last after it, whatever order they come in."""
    found = chosen([(at, picture()) for at in times], 5)
    assert [moment for moment, _, _ in found] == moments
    assert [at for _, at, _ in found] == sorted({min(times), 5, max(times)} if times else [])


def test_rows_of_events_cannot_be_read_by_others(evidence: Evidence) -> None:
    """The file of rows is ours alone, and another process may use it at the same time."""
    assert (evidence.folder / "evidence.sqlite").stat().st_mode & 0o777 == 0o600
    other = Evidence(evidence.folder)
    keep(other, event())
    assert evidence.event(event().id) is not None
    other.close()
    with pytest.raises(sqlite3.Error):
        other.bytes()
