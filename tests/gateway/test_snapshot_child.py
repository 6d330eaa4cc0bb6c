"""The child that writes a snapshot: it must not hide that its engine is dead."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
ENGINE = """
from types import SimpleNamespace
from gateway.app.snapshots import Snapshots
from gateway.core.state import State
engine, never = SimpleNamespace(state=State(seq=1)), SimpleNamespace(last_seq=0)
snapshots = Snapshots(engine, never, 0.0)
engine.state.seq = 2
snapshots.look(1e9)
print(snapshots._pid, flush=True)
"""


def test_an_engine_that_dies_while_its_snapshot_is_written_is_seen_dead() -> None:
    """Its pipe ends with it, though the child still waits for the disk; so the supervisor starts another at once."""
    ended = subprocess.run(
        [sys.executable, "-c", ENGINE], stdout=subprocess.PIPE, cwd=ROOT, timeout=20, check=True
    )
    os.kill(int(ended.stdout), signal.SIGKILL)  # it would have waited ten seconds more
