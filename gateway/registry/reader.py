"""Reads the registry without SQLAlchemy: the engine's view of it, light to import and fast for 50 000 devices."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

import msgspec

from devices.catalogue import Catalogue
from gateway.core.plan import Grid, Person
from gateway.registry.documents import device_of, place_of
from gateway.registry.errors import RegistryError

BUSY_MS: Final = 5000
CARDS_MAX: Final = 10_000  # cards kept at once: some megabytes; one incident needs hundreds
DEFAULT_LANGUAGE: Final = "zh-CN"

_PLACE: Final = (
    "SELECT id, level, name, parent, grid, external_ids, lat, lon, datum, escape_route, needs_help, business "
    "FROM places"
)
_DEVICE: Final = "SELECT id, place, kind, name, model, report_period_s, mains, via FROM devices"
PLACES: Final = f"{_PLACE} ORDER BY id"
PLACE: Final = f"{_PLACE} WHERE id = ?"
DEVICES: Final = f"{_DEVICE} ORDER BY id"
DEVICE: Final = f"{_DEVICE} WHERE id = ?"

RETIRED: Final = (
    "SELECT row FROM edits WHERE what IN ('device.replaced', 'device.remove') "
    "AND row NOT IN (SELECT id FROM devices) GROUP BY row ORDER BY row"
)


class Snapshot(msgspec.Struct, frozen=True):
    """The registry at one version, without names and numbers of people. `catalogue.sources` is empty: see planning."""

    version: int = 0
    catalogue: Catalogue = Catalogue()
    people: Mapping[str, Person] = {}
    grids: Mapping[str, Grid] = {}
    retired: tuple[str, ...] = ()  # devices changed for others or taken out, sorted


class Card(msgspec.Struct, frozen=True):
    """What is known of one person, user or key by its id. A forgotten person has no card."""

    name: str
    language: str
    staff: bool
    addresses: tuple[tuple[str, str], ...] = ()  # (channel, address), preferred first


class RegistryReader:
    """Read-only, from any thread. A registry that is not there yet is an empty one, so the engine can start first."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def version(self) -> int:
        """The number of the last edit, 0 before the first."""
        with self._reading() as connection:
            return 0 if connection is None else _version(connection)

    def snapshot(self) -> Snapshot:
        """Everything the plan needs, in one consistent view. Raises RegistryError for a file that cannot be read."""
        with self._reading() as connection:
            if connection is None:
                return Snapshot()
            grids = connection.execute("SELECT id, name, parent FROM grids ORDER BY id")
            return Snapshot(
                _version(connection),
                Catalogue(
                    {row[0]: place_of(row) for row in connection.execute(PLACES)},
                    {row[0]: device_of(row) for row in connection.execute(DEVICES)},
                ),
                _people(connection),
                {row[0]: Grid(*row) for row in grids},
                tuple(row[0] for row in connection.execute(RETIRED)),
            )

    def around(self, device: str) -> Catalogue:
        """The device alone with the places above it; empty for one that has no place. Raises RegistryError."""
        found = Catalogue()
        with self._reading() as connection:
            row = connection.execute(DEVICE, (device,)).fetchone() if connection is not None else None
            if connection is None or row is None:
                return found
            known = found.devices[device] = device_of(row)
            place: str | None = known.place
            while place is not None and place not in found.places:
                row = connection.execute(PLACE, (place,)).fetchone()
                if row is None:
                    break
                node = found.places[place] = place_of(row)
                place = node.parent
        return found

    def card(self, identity: str) -> Card | None:
        """The card of a person, a user or a key (`key:<id>`)."""
        with self._reading() as connection:
            return None if connection is None else _card(connection, identity)

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        try:
            connection = connect(self.path)
            if connection is None:
                yield None
                return
            with closing(connection):
                connection.execute("BEGIN")
                yield connection
        except (
            sqlite3.Error,
            ValueError,
        ) as error:  # ValueError: a level or datum that no release ever wrote
            raise RegistryError(self.path, str(error)) from error


class Directory:
    """Names, languages and addresses for whoever tells people; safe from several threads.

    Cards are cached until the registry's version moves, so a changed number counts from the next message on.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._connection: sqlite3.Connection | None = None
        self._lock = threading.Lock()
        self._version = 0
        self._cards: dict[str, Card | None] = {}

    def address(self, person: str, channel: str) -> str | None:
        """The preferred address of the person on the channel, or None."""
        card = self.card(person)
        return next((a for c, a in card.addresses if c == channel), None) if card else None

    def name(self, identity: str) -> str | None:
        """What people call the person, user or key; None for one unknown or forgotten."""
        card = self.card(identity)
        return card.name if card else None

    def language(self, person: str) -> str:
        """`zh-CN` or `en`."""
        card = self.card(person)
        return card.language if card else DEFAULT_LANGUAGE

    def staff(self, identity: str) -> bool:
        """Whether the name may be shown to others: staff's may, a resident's never."""
        card = self.card(identity)
        return card is not None and card.staff

    def card(self, identity: str) -> Card | None:
        """All of it; the last card known where the file cannot be read. Raises RegistryError where none was."""
        with self._lock:
            try:
                self._connection = self._connection or connect(self.path)
                if self._connection is None:
                    return None
                version = _version(self._connection)
                if version != self._version or len(self._cards) > CARDS_MAX:
                    self._version, self._cards = version, {}
                if identity not in self._cards:
                    self._cards[identity] = _card(self._connection, identity)
                return self._cards[identity]
            except sqlite3.Error as error:
                if identity in self._cards:  # a number of a minute ago is better than none
                    return self._cards[identity]
                raise RegistryError(self.path, str(error)) from error

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None


def connect(path: Path) -> sqlite3.Connection | None:
    """A read-only connection, or None while there is no registry (or it is being made)."""
    if not path.exists():
        return None
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    connection.execute(f"PRAGMA busy_timeout = {BUSY_MS}")
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'edits'").fetchone():
        return connection
    connection.close()
    return None


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT max(version) FROM edits").fetchone()[0] or 0)


def _people(connection: sqlite3.Connection) -> dict[str, Person]:
    roles: dict[str, list[tuple[str, str]]] = {}
    for person, role, target in connection.execute("SELECT person, role, target FROM roles ORDER BY 1, 2, 3"):
        roles.setdefault(person, []).append((role, target))
    channels: dict[str, dict[str, None]] = {}
    for person, channel in connection.execute(
        "SELECT person, channel FROM addresses ORDER BY person, position"
    ):
        channels.setdefault(person, {})[channel] = None
    return {
        person: Person(person, tuple(roles.get(person, ())), tuple(channels.get(person, ())), language)
        for person, language in connection.execute(
            "SELECT id, language FROM people WHERE forgotten_at IS NULL ORDER BY id"
        )
    }


def _card(connection: sqlite3.Connection, identity: str) -> Card | None:
    row = connection.execute(
        "SELECT name, language, staff FROM people WHERE id = ? AND forgotten_at IS NULL", (identity,)
    ).fetchone()
    if row is not None:
        addresses = connection.execute(
            "SELECT channel, address FROM addresses WHERE person = ? ORDER BY position", (identity,)
        )
        return Card(row[0], row[1], row[2] != 0, tuple((c, a) for c, a in addresses))
    row = connection.execute("SELECT name, language FROM users WHERE id = ?", (identity,)).fetchone()
    if row is not None:
        return Card(row[0], row[1], True)
    row = connection.execute(
        "SELECT name FROM api_keys WHERE id = ?", (identity.removeprefix("key:"),)
    ).fetchone()
    return Card(row[0], DEFAULT_LANGUAGE, True) if row is not None and identity.startswith("key:") else None
