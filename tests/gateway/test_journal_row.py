"""A row's bytes: nothing is lost on the way to disk and back, and no changed byte goes unseen."""

from __future__ import annotations

from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.event import FORMAT, Clocked, Event, Ticked
from gateway.errors import JournalNewer, RowDamaged
from gateway.journal.row import Packer, Row, after, offset_after, walk
from tests.gateway.journals import KINDS, START, measured, row, rows

HERE = Path("x.sqlite")


def test_the_strategies_know_every_event() -> None:
    """An event added to the journal's alphabet is added to these tests."""
    assert frozenset(get_args(Event)) == KINDS


@given(rows())
def test_what_is_packed_comes_back_equal(a_row: Row) -> None:
    """Every event of every kind comes back equal, at its time and in its place."""
    packer = Packer()
    assert packer.unpack(HERE, packer.pack(a_row)) == a_row


@given(rows(), st.data())
def test_no_changed_byte_goes_unseen(a_row: Row, data: st.DataObject) -> None:
    """A blob with one byte changed, or cut at any place, is damaged, never another row."""
    packer = Packer()
    first, last, stamp, offset_ms, fmt, blob = packer.pack(a_row)
    at = data.draw(st.integers(0, len(blob) - 1))
    changed = bytearray(blob)
    changed[at] ^= data.draw(st.integers(1, 255))
    for wrong in (bytes(changed), blob[:at]):
        # The first byte only says how the rest is packed; taking it for the other way fails to decode.
        with pytest.raises(RowDamaged):
            packer.unpack(HERE, (first, last, stamp, offset_ms, fmt, wrong))


@pytest.mark.parametrize("column", [0, 1, 2, 3])
@pytest.mark.parametrize("wrong", [1, None, "x", 1.5])
def test_no_changed_column_goes_unseen(column: int, wrong: Any) -> None:
    """Seqs, time and offset beside the blob are under its checksum; other types than integers are damage, too."""
    packer = Packer()
    stored: list[Any] = list(packer.pack(row(5)))
    stored[column] = stored[column] + 1 if wrong == 1 else wrong
    with pytest.raises(RowDamaged):
        packer.unpack(HERE, tuple(stored))


def test_a_later_format_is_refused_not_guessed() -> None:
    """A row of a newer release stops us with both numbers, and is not called damaged."""
    packer = Packer()
    with pytest.raises(JournalNewer) as refused:
        packer.unpack(HERE, packer.pack(msgspec.structs.replace(row(1), format=FORMAT + 1)))
    assert (refused.value.found, refused.value.known) == (FORMAT + 1, FORMAT)


def test_telemetry_takes_about_fifteen_bytes_a_reading() -> None:
    """Twenty messages of five readings, each from another device, take at most fifteen bytes a reading."""
    many = row(1, [measured(n * 7919, 5) for n in range(20)])
    assert len(Packer().pack(many)[5]) / 100 <= 15


def test_a_clock_correction_counts_from_its_own_event() -> None:
    """UTC in a row is by the old offset before a Clocked, and by its offset from it on."""
    a_row = row(7, [Ticked(), Clocked(5000, "utc_ahead"), Ticked()], offset_ms=100)
    assert [(seq, utc) for seq, _, utc, _ in walk(a_row)] == [
        (7, START + 100),
        (8, START + 1 + 5000),
        (9, START + 2 + 5000),
    ]
    assert offset_after(a_row) == 5000


@given(rows(), st.data())
def test_a_cut_row_tells_the_same_times(a_row: Row, data: st.DataObject) -> None:
    """What is left behind a cursor has the seqs, times, results and offset it had in the whole row."""
    seq = data.draw(st.integers(a_row.first - 2, a_row.last - 1))
    rest = after(a_row, seq)
    assert list(walk(rest)) == [w for w in walk(a_row) if w[0] > seq]
    assert rest.happened == [h for h in a_row.happened if h.seq > seq]
    assert (rest.last, offset_after(rest)) == (a_row.last, offset_after(a_row))
