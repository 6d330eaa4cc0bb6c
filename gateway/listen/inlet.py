"""The engine's side of the listener: what is pushed goes the way of every message and is answered once it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from gateway.config.settings import SourceSettings
from gateway.ingest import Ingest
from gateway.listen.address import link_name

NOT_YET: Final = "not open yet"
NOT_OPEN: Final = "no listener has opened it"
STOPPED: Final = "the listener was stopped"
GONE: Final = "the listener is gone"
EXPECTED_S: Final = 10.0  # for a listener to come up, or to come back to a new engine; it takes a second


class Door:
    """What `Ingest` takes for a session: one source of one listener's connection; a message's id is its packet id."""

    role: Final = "rest"
    epoch: Final = 1

    def __init__(self, source: str, answer: Callable[[Sequence[int]], None]) -> None:
        self.name, self.source, self._answer = link_name(source, "listen"), source, answer
        self.paused = False

    def acknowledge(self, _epoch: int, packet_ids: Sequence[int]) -> None:
        """They are on disk."""
        self._answer(packet_ids)

    def pause(self) -> None:
        """Nothing to stop: the listener sends no more than its bound of unanswered messages anyway."""
        self.paused = True

    def resume(self) -> None:
        """Read on."""
        self.paused = False


class Inlets:
    """All listeners' connections (there is one but for a moment at its restart) and what they say of themselves."""

    def __init__(self, ingest: Ingest, sources: Sequence[SourceSettings]) -> None:
        self.ingest = ingest
        self.sources = {s.name: s for s in sources if s.listen}
        self.figures: Mapping[str, Mapping[str, int]] = {}
        self.owners: dict[str, Inlet] = {}

    def expect(self) -> None:
        """At the start: a listener that does not come in time is told like a lost broker."""
        links = [(s.name, link_name(s.name, a.kind)) for s in self.sources.values() for a in s.listens]
        for source, link in links:
            self.ingest.listening(source, link, NOT_YET, quiet=True)
        asyncio.get_running_loop().call_later(EXPECTED_S, self._overdue, links)

    def _overdue(self, links: Sequence[tuple[str, str]]) -> None:
        for source, link in links:
            if self.ingest.links[link] == NOT_YET:
                self.ingest.listening(source, link, NOT_OPEN)

    def open(self, answer: Callable[[Sequence[int]], None]) -> Inlet:
        """A client of the control socket that brings messages; `answer` tells it which of them are kept."""
        return Inlet(self, answer)


class Inlet:
    """One listener's connection."""

    def __init__(self, all_: Inlets, answer: Callable[[Sequence[int]], None]) -> None:
        self._all = all_
        self._doors = {name: Door(name, answer) for name in all_.sources}

    def receive(self, name: int, message: Mapping[str, Any]) -> str | None:
        """One message, numbered `name`; the answer comes after its commit. A refusal is returned at once."""
        door = self._doors.get(message["source"])
        if door is None:
            return "no-source"
        ingest, retained = self._all.ingest, bool(message.get("retained"))
        ingest.received(door, message["topic"], message["payload"], name, retained, False)
        ingest.drained(door)
        return None

    def listening(self, message: Mapping[str, Any]) -> None:
        """How each way in is, and what was counted. One that is named no more was closed in order: no news."""
        owners = self._all.owners
        for link in [
            link for link, owner in owners.items() if owner is self and link not in message["links"]
        ]:
            del owners[link]
            self._all.ingest.listening(link.rpartition(".")[0], link, STOPPED, quiet=True)
        for link, state in message["links"].items():
            source = link.rpartition(".")[0]
            if source in self._doors:
                owners[link] = self
                self._all.ingest.listening(source, link, str(state)[:200])
        self._all.figures = message["figures"]

    def gone(self) -> None:
        """The connection ended: what it held open is open no more, unless another has taken it over."""
        owners = self._all.owners
        for link in [link for link, owner in owners.items() if owner is self]:
            del owners[link]
            self._all.ingest.listening(link.rpartition(".")[0], link, GONE)
