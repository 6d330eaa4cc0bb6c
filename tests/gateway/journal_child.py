"""A process that writes a journal until it is killed: `python -m tests.gateway.journal_child FOLDER SEED`."""

from __future__ import annotations

import os
import random
import sys
import threading
from pathlib import Path

from devices.reading import Reading
from gateway.core.event import FORMAT, Event, Gap, Measured
from gateway.journal import Journal, Row
from tests.gateway.journals import HOUR, START

BOUND_BYTES = 200_000
HOUR_EVENTS = 80  # an hour has so many events, so that the journal turns to new files all the time


def event(seq: int) -> Event:
    """What happened at `seq`: whoever reads the journal can tell."""
    return Gap("s", seq, seq, "x") if seq % 7 == 0 else Measured("s", [Reading("s:d/n/", seq)] * (seq % 40))


def at(seq: int) -> int:
    """When."""
    return START + seq * HOUR // HOUR_EVENTS


def main(folder: Path, seed: int) -> None:
    """Append, snapshot in forked children, sweep in a thread; print the seq of each commit once it is durable."""
    dice = random.Random(seed)
    journal = Journal(folder, bound_bytes=BOUND_BYTES)
    found = journal.open()
    seq = found.last_seq

    def sweep() -> None:
        while True:
            journal.tidy()
            journal.sweep(seq)

    threading.Thread(target=sweep, daemon=True).start()
    while True:
        count = dice.randint(1, 9)
        stamped = [(at(n), event(n)) for n in range(seq + 1, seq + 1 + count)]
        journal.append(Row(FORMAT, seq + 1, 0, stamped, []))
        seq += count
        sys.stdout.write(f"{seq}\n")
        sys.stdout.flush()
        if dice.random() < 0.05:
            child = os.fork()
            if child == 0:
                try:
                    journal.save_snapshot(seq, b"%d " % seq * 50_000)
                finally:
                    os._exit(0)
            if dice.random() < 0.7:
                os.waitpid(child, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
