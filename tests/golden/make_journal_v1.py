"""Writes the golden journal of format 1: `python -m tests.golden.make_journal_v1 FOLDER`.

What it wrote once is committed as journal-v1/ and never again; every later release must read it. A new format
gets a new script and a new folder beside this one.
"""

from __future__ import annotations

import sys
from pathlib import Path

from devices.reading import Reading
from gateway.core.effect import (
    AlarmChanged,
    AlarmDoc,
    Answered,
    Ask,
    Happened,
    IncidentChanged,
    IncidentDoc,
    Notify,
    Publish,
    Told,
    Withdrawn,
)
from gateway.core.event import (
    Acted,
    Clocked,
    Delivered,
    Event,
    Gap,
    Learned,
    Measured,
    Outcome,
    Quarantined,
    Replanned,
    Ticked,
    Verb,
)
from gateway.journal import Journal, JournalReader, Row

START = 1_795_266_000_000  # 2026-11-21T13:00:00Z
HOUR = 3_600_000
PLAN = "00112233445566778899aabbccddeeff"
SNAPSHOT = b"the state as it was after seq 6"

ALARM = AlarmDoc(
    "a1",
    "sim",
    "smoke",
    "s:k1/smoke/",
    "s:k1",
    "smoke",
    "",
    "b3/f7/701",
    "fire",
    1,
    "UNACK",
    START,
    True,
    None,
    "i1",
)
INCIDENT = IncidentDoc(
    "20261121-0001",
    1,
    "simulated",
    "sim",
    "fire",
    1,
    "open",
    "unverified",
    "ringing",
    "b3",
    ["b3/f7/701"],
    START,
    None,
    START,
    [ALARM],
    [Told("5.0", "li", "duty", "recording", START, 0)],
)


def rows() -> list[Row]:
    """One of every event and result, over two hours, with plain and compressed blobs and a correction of UTC."""
    call = Notify(
        "5.0",
        "20261121-0001",
        1,
        "li",
        "duty",
        "recording",
        "called",
        1,
        "simulated",
        "sim",
        0,
        True,
        INCIDENT,
    )
    post = Publish("5.1", "mqtt", "incident.opened", "simulated", "sim", START, INCIDENT)
    telemetry: list[tuple[int, Event]] = [
        (
            START + 1000 + n,
            Measured(
                "s",
                [
                    Reading(f"s:dev{n}/temperature/", 20.0 + n / 10, START + n, 8),
                    Reading(f"s:dev{n}/battery_low/", n % 2 == 0, None, 8),
                    Reading(f"s:dev{n}/online/", None if n % 3 else "在线", START, 10),
                    Reading(f"s:dev{n}/rssi/", -60 - n),
                ],
                f"m{n}",
            ),
        )
        for n in range(20)
    ]
    act = Acted("k1", "li", [("operator", "sim")], Verb.TAKE, "20261121-0001", 1, {"note": "n1"})
    return [
        Row(1, 1, 0, [(START, Replanned(PLAN))], []),
        Row(1, 2, 0, [(START + 1, Ticked())], []),
        Row(
            1,
            3,
            0,
            [
                (START + 2, Learned("c", "s", "aliases", {"1": ["a", 2, 0.5, None, True, b"\x00"]})),
                (START + 3, Quarantined("s", "t/u", "json: cut short", b"\xff{", 5000)),
                (
                    START + 4,
                    Measured("s", [Reading("s:k1/smoke/", True, START - 5, 8)], "77", 0xDEADBEEF, True),
                ),
                (START + 5, Gap("s", START - 9, START - 1, "link")),
            ],
            [
                Happened(5, AlarmChanged(ALARM)),
                Happened(5, IncidentChanged(INCIDENT, "incident.opened")),
                Happened(5, call),
                Happened(5, post),
                Happened(3, Ask("3.0", "s", "t/rebirth", b"\x01")),
            ],
        ),
        Row(1, 7, 0, telemetry, []),
        Row(
            1,
            27,
            0,
            [
                (START + HOUR, act),
                (START + HOUR + 1, Clocked(-250, "utc_behind")),
                (START + HOUR + 2, Delivered("5.0", Outcome.SENT, "recorded", 1)),
            ],
            [Happened(27, Answered("k1", True, "ok", 2)), Happened(27, Withdrawn(["5.2"]))],
        ),
        Row(1, 30, -250, [(START + HOUR + 3, Gap(None, START, START + 1, "not running"))], []),
    ]


def main(folder: Path) -> None:
    """Write it all, with a snapshot, a plan, a sealed first hour and a clean end."""
    journal = Journal(folder)
    journal.open()
    journal.put_plan(PLAN, b"a plan")
    for row in rows():
        journal.append(row)
        if row.last == 6:
            journal.save_snapshot(6, SNAPSHOT)
    (folder / "audit-tip").write_text(JournalReader(folder).verify_audit().tip + "\n")
    journal.sweep(0)
    journal.mark_clean()
    journal.close()
    (folder / "lock").unlink()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
