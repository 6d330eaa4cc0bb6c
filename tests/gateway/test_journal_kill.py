"""Kill -9 at any instant: every seq that was told is there afterwards, once, and the chain holds."""

from __future__ import annotations

import random
import subprocess
import sys
from itertools import islice
from pathlib import Path

from gateway.journal import Journal, JournalReader, walk
from tests.gateway.journal_child import BOUND_BYTES, at, event

ROOT = Path(__file__).parent.parent.parent
ROUNDS = 12
# The child forks beside a thread on purpose: what it runs in the fork takes no lock that the thread can hold.
PYTHON = (sys.executable, "-W", "ignore::DeprecationWarning")


def test_what_was_told_survives_kill_at_any_instant(tmp_path: Path, seed: int) -> None:
    """A process that appends, snapshots in children and sweeps in a thread is killed again and again."""
    dice = random.Random(seed)
    told = 0
    for _ in range(ROUNDS):
        command = [
            *PYTHON,
            "-m",
            "tests.gateway.journal_child",
            str(tmp_path),
            str(dice.getrandbits(32)),
        ]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stderr is not None
            for line in islice(child.stdout, dice.choice([1, 10, 100, 300])):
                told = int(line)
            child.kill()
            rest = child.stdout.read().split(b"\n")[:-1]  # what it told before it noticed
            told = int(rest[-1]) if rest else told
            assert child.stderr.read() == b""
        journal = Journal(tmp_path, bound_bytes=BOUND_BYTES)
        found = journal.open()
        assert (found.clean, found.damaged, found.holes) == (False, [], [])
        assert found.last_seq >= told
        assert found.snapshot is None or found.snapshot == b"%d " % found.snapshot_seq * 50_000
        oldest = JournalReader(tmp_path).oldest_seq()
        kept = [stamp for row in journal.rows_after(0) for stamp in walk(row)]
        assert kept == [(n, at(n), at(n), event(n)) for n in range(oldest, found.last_seq + 1)]
        assert found.last_at == kept[-1][1]
        check = JournalReader(tmp_path).verify_audit()
        assert check.ok, check
        assert check.rows == found.last_seq // 7
        journal.close()
    assert oldest > 1, "the sweep never unlinked an hour"
