"""Takes snapshots of the engine's state in a forked child, so that the engine never stops for one."""

from __future__ import annotations

import os
import select
import signal
from typing import Final

from gateway.core.state import State, freeze
from gateway.engine import Engine
from gateway.journal import Journal

SNAPSHOT_EVENTS: Final = 300_000  # replays in seconds; a snapshot sooner costs more than it saves
EVENTS_A_DEVICE: Final = (
    2  # likewise: what a snapshot costs grows with the devices, 4 s of CPU for a city's 625 000
)
SNAPSHOT_S: Final = 600.0
STUCK_S: Final = 120.0
_CAUGHT_UP_S: Final = 30.0


class Snapshots:
    """`look(now)` between two writes: forks when a snapshot is due. `seq` is how far the last one begun reaches.

    Forked only while no thread is in the journal, so that the child inherits no lock held by one. What it froze may
    be a moment ahead of the disk: it waits until the journal has caught up before the snapshot counts.
    """

    def __init__(self, engine: Engine, journal: Journal, now: float) -> None:
        self._engine, self._journal = engine, journal
        self.seq, self._at, self._pid = engine.state.seq, now, 0

    def look(self, now: float) -> None:
        """Reap a finished child, kill a stuck one, fork when it is time. `now` is monotonic seconds."""
        if self._pid:
            pid, _ = os.waitpid(self._pid, os.WNOHANG)
            if not pid:
                if now - self._at > STUCK_S:
                    os.kill(self._pid, signal.SIGKILL)
                return
            self._pid = 0
        events = self._engine.state.seq - self.seq
        enough = max(SNAPSHOT_EVENTS, EVENTS_A_DEVICE * len(self._engine.state.devices))
        if not events or (events < enough and now - self._at < SNAPSHOT_S):
            return
        self.seq, self._at = self._engine.state.seq, now
        pid = os.fork()
        if pid:
            self._pid = pid
            return
        code = 1
        try:
            _let_go_of_pipes()
            os.nice(10)
            code = _freeze_in_child(self._journal, self._engine.state)
        finally:
            os._exit(code)


def _let_go_of_pipes() -> None:
    """Or the supervisor, which waits for an engine's end and that of its pipes, would not see ours die before we do."""
    nothing = os.open(os.devnull, os.O_RDWR)
    os.dup2(nothing, 0)
    os.dup2(nothing, 1)


def _freeze_in_child(journal: Journal, state: State) -> int:
    """In the forked child: 0 when the snapshot is on disk and the journal reaches as far."""
    data = freeze(state)
    for _ in range(round(_CAUGHT_UP_S * 10)):
        if (
            journal.last_seq >= state.seq
        ):  # shared with the parent: SQLite itself must not be used after a fork
            journal.save_snapshot(state.seq, data)
            return 0
        select.select([], [], [], 0.1)  # this child is nothing but a wait for the disk
    return 1
