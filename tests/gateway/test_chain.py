"""Chains of hashed lines: what nobody may change unseen."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from gateway.chain import Chain, open_beside


def chain(path: Path) -> Chain:
    """The chain in a file, opened anew."""
    return Chain(open_beside(path), threading.Lock(), "lines")


def of_five(path: Path) -> Chain:
    """Five lines."""
    made = chain(path)
    for n in range(1, 6):
        made.add("kind", f'{{"n":{n}}}', 1_000 * n)
    return made


def test_lines_are_kept_in_order_and_go_on_after_a_restart(tmp_path: Path) -> None:
    """What was added stands in order, and the next start goes on behind it."""
    of_five(tmp_path / "a.sqlite")
    again = chain(tmp_path / "a.sqlite")
    assert again.seq == 5
    again.add("kind", "{}", 6_000)
    assert [line.seq for line in again.lines(2)] == [3, 4, 5, 6]
    assert again.broken_at(from_first=True) is None
    assert again.broken_at(from_first=False) is None


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ("UPDATE lines SET body = '{\"n\":9}' WHERE seq = 3", 3),
        ("UPDATE lines SET utc = utc + 1 WHERE seq = 3", 3),
        ("UPDATE lines SET kind = 'other' WHERE seq = 3", 3),
        ("UPDATE lines SET hash = zeroblob(32) WHERE seq = 3", 3),
        ("UPDATE lines SET previous = zeroblob(32) WHERE seq = 3", 3),
        ("DELETE FROM lines WHERE seq = 3", 4),
    ],
)
@pytest.mark.parametrize("from_first", [True, False])
def test_a_line_changed_or_taken_out_is_found(
    tmp_path: Path, change: str, where: int, from_first: bool
) -> None:
    """Whatever is done to a line in the middle is seen, and where."""
    whole = of_five(tmp_path / "a.sqlite")
    open_beside(tmp_path / "a.sqlite").execute(change)
    assert whole.broken_at(from_first=from_first) == where


def test_only_a_chain_that_ages_may_lose_its_oldest(tmp_path: Path) -> None:
    """Where lines go by age the oldest kept is believed; where none may go their absence is seen."""
    whole = of_five(tmp_path / "a.sqlite")
    open_beside(tmp_path / "a.sqlite").execute("DELETE FROM lines WHERE seq < 3")
    assert whole.broken_at(from_first=False) is None
    assert whole.broken_at(from_first=True) == 3
