"""The log of looks: who of which unit saw which picture, when and why; a chain of hashes, kept three years.

State Council Order 799, article 16: a log of every look-up with reason, content, person and unit. Network Data Security
Regulations, article 12: records of passing personal data on are kept at least three years. The lines are a
`gateway.chain.Chain`, and the file itself refuses changes: they only go from the oldest end, once they are three years
older than the newest.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import Final, Literal

import msgspec

from gateway.chain import Chain, open_beside
from gateway.journal.audit import AuditRow

KEPT_MS: Final = 3 * 366 * 86_400_000
AGAIN_MS: Final = 60_000  # a live preview asks every second or two: one line a minute says as much
GOING_MAX: Final = 1_000  # looks that go on, remembered; one forgotten costs one more line

Kind = Literal["link", "look", "preview", "asked", "granted", "original", "hold", "hold_ended"]

_GUARDS: Final = f"""
CREATE TRIGGER IF NOT EXISTS unchanged BEFORE UPDATE ON looks
BEGIN SELECT RAISE(ABORT, 'a look is never changed'); END;
CREATE TRIGGER IF NOT EXISTS three_years BEFORE DELETE ON looks
WHEN old.utc > (SELECT max(utc) FROM looks) - {KEPT_MS}
BEGIN SELECT RAISE(ABORT, 'a look is kept three years'); END;
"""  # noqa: S608  made of a constant
_encode: Final = msgspec.json.Encoder(order="sorted").encode


class Look(msgspec.Struct, frozen=True):
    """What is written of one look. `who` and `by` are actors (a person or a key), `by` who let them where another did.

    `what` is a picture's or an event's id; `preview` of a look through the camera itself.
    """

    who: str
    unit: str
    why: str
    what: str
    camera: str
    place: str
    by: str = ""
    case: str = ""


class Looks:
    """Safe from several threads; every line is on disk when `add` returns. Raises sqlite3.Error: then show nothing."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self._connection = open_beside(path)
        self._chain = Chain(self._connection, self._lock, "looks")
        self._connection.executescript(_GUARDS)
        path.chmod(0o600)
        self._going: OrderedDict[tuple[Kind, str, str], int] = OrderedDict()

    def add(self, kind: Kind, look: Look, now: int) -> AuditRow:
        """Write it down, before anything is shown."""
        return self._chain.add(kind, _encode(look).decode(), now)

    def going_on(self, kind: Kind, look: Look, now: int) -> None:
        """The same for a look that goes on: one line a minute for one person and camera."""
        key = (kind, look.who, look.camera)
        last = self._going.get(key)
        if last is not None and 0 <= now - last < AGAIN_MS:
            return
        self.add(kind, look, now)
        with self._lock:
            self._going[key] = now
            self._going.move_to_end(key)
            while len(self._going) > GOING_MAX:
                self._going.popitem(last=False)

    def lines(self, after: int = 0, limit: int = 1_000) -> list[AuditRow]:
        """Lines behind the seq `after`, in order."""
        return self._chain.lines(after, limit)

    def line(self, seq: int) -> AuditRow | None:
        """One line; None where it is none or gone."""
        found = self.lines(seq - 1, 1)
        return found[0] if found and found[0].seq == seq else None

    def broken_at(self) -> int | None:
        """The seq of the first line that does not follow; None where the chain holds. The oldest kept is believed."""
        return self._chain.broken_at(from_first=False)

    def sweep(self, now: int) -> int:
        """Lines older than three years go, save the newest; gives how many went."""
        with self._lock, self._connection:
            query = (
                "DELETE FROM looks WHERE seq < (SELECT coalesce(min(seq), 0) FROM looks WHERE utc >= min(?, "
                "(SELECT max(utc) FROM looks)) - ?)"
            )
            return self._connection.execute(query, (now, KEPT_MS)).rowcount

    def close(self) -> None:
        with self._lock:
            self._connection.close()
