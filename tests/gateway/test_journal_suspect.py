"""The message under suspicion: the second death with one digest names the killer, and nobody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import JournalError
from gateway.journal import Accused, Suspect
from gateway.journal.suspect import SUMMARY_MAX


def test_without_a_death_nobody_is_accused(tmp_path: Path) -> None:
    """No note, or a note that was cleared, accuses nobody at the next start."""
    suspect = Suspect(tmp_path)
    assert suspect.previous() is None
    suspect.note(b"a", "topic a")
    suspect.clear()
    suspect.close()
    assert Suspect(tmp_path).previous() is None


def test_dying_on_a_message_names_it_and_counts(tmp_path: Path) -> None:
    """Each process that dies on the same message adds one; another message begins at one again."""
    for deaths in (1, 2, 3):
        suspect = Suspect(tmp_path)
        suspect.note(b"killer", "s/t, 12 bytes")
        suspect.close()
        assert Suspect(tmp_path).previous() == Accused(b"killer", deaths, "s/t, 12 bytes")
    suspect = Suspect(tmp_path)
    suspect.note(b"innocent", "x")
    suspect.clear()
    suspect.note(b"other", "y")
    suspect.close()
    assert Suspect(tmp_path).previous() == Accused(b"other", 1, "y")


def test_clearing_does_not_forget_what_this_start_found(tmp_path: Path) -> None:
    """Messages run one after another until the accused comes round; its earlier deaths still count then."""
    first = Suspect(tmp_path)
    first.note(b"killer", "k")
    first.close()
    second = Suspect(tmp_path)
    second.note(b"other", "o")
    second.clear()
    assert second.previous() == Accused(b"killer", 1, "k")
    second.note(b"killer", "k")
    second.close()
    assert Suspect(tmp_path).previous() == Accused(b"killer", 2, "k")


@given(st.binary(min_size=1, max_size=64), st.text(), st.integers(0, 511), st.integers(1, 255))
def test_a_changed_or_cut_note_accuses_nobody_wrongly(
    tmp_path_factory: pytest.TempPathFactory, digest: bytes, summary: str, at: int, flip: int
) -> None:
    """A note reads back whole, or, torn, not at all."""
    folder = tmp_path_factory.mktemp("suspect")
    suspect = Suspect(folder)
    suspect.note(digest, summary)
    suspect.close()
    found = Suspect(folder).previous()
    assert found is not None
    assert found.digest == digest
    assert len(found.summary.encode()) <= SUMMARY_MAX + 3  # the last character may be cut to a replacement
    path = folder / "suspect"
    record = bytearray(path.read_bytes())
    record[at] ^= flip
    path.write_bytes(record)
    assert Suspect(folder).previous() in {None, found}
    path.write_bytes(record[:at])
    assert Suspect(folder).previous() is None


@pytest.mark.parametrize("digest", [b"", b"x" * 65])
def test_a_digest_has_a_sensible_length(tmp_path: Path, digest: bytes) -> None:
    """Nothing else fits the record."""
    with pytest.raises(ValueError, match="64"):
        Suspect(tmp_path).note(digest, "x")


def test_a_disk_that_refuses_is_said(tmp_path: Path) -> None:
    """Without its folder a note raises JournalError, and the next try starts over."""
    suspect = Suspect(tmp_path / "gone")
    with pytest.raises(JournalError, match="missing"):
        suspect.note(b"a", "b")
    (tmp_path / "gone").mkdir()
    suspect.note(b"a", "b")
    suspect.close()
    (tmp_path / "suspect").mkdir()
    with pytest.raises(JournalError):
        Suspect(tmp_path)
