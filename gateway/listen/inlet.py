"""The engine's side of the listener: what is pushed goes the way of every message and is answered once it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from devices.codec import LINE, Ask
from gateway.config.settings import SourceSettings
from gateway.control import Kept, Say
from gateway.core.commanding import TAKEN
from gateway.core.effect import Command
from gateway.core.event import Delivered, Outcome
from gateway.ingest import Ingest
from gateway.listen.address import link_name

NOT_YET: Final = "not open yet"
NOT_OPEN: Final = "no listener has opened it"
STOPPED: Final = "the listener was stopped"
GONE: Final = "the listener is gone"
ORDERS_MAX: Final = 1_000
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
        self.report: Callable[[Delivered], None] = _nobody

    def order(self, command: Command, asks: Sequence[Ask]) -> None:
        """Have a device of a listening source told something; how it ended is reported, if only by the core's timer."""
        source = self.sources[command.source]
        owner = next(
            (o for a in source.listens if (o := self.owners.get(link_name(source.name, a.kind)))), None
        )
        if not asks or not asks[0].topic.startswith(LINE):
            self.failed(command.id, "not-taken: this family's devices hold no line to us")
        elif owner is None:
            self.failed(command.id, "unreachable: the listener is away")
        else:
            owner.order(command, asks[0])

    def failed(self, effect: str, why: str) -> None:
        """Report that the device was not told."""
        self.report(Delivered(effect, Outcome.FAILED, why[:200]))

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

    def open(self, answer: Kept, say: Say) -> Inlet:
        """A client of the control socket that brings messages; `answer` tells it which are kept, `say` the rest."""
        return Inlet(self, answer, say)


class Inlet:
    """One listener's connection."""

    def __init__(self, all_: Inlets, answer: Kept, say: Say) -> None:
        self._all, self._say = all_, say
        self._orders: dict[str, None] = {}  # effects without an answer yet
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

    def order(self, command: Command, ask: Ask) -> None:
        """Hand it on, unless more is under way than a site has devices to ask."""
        if len(self._orders) >= ORDERS_MAX:
            self._all.failed(command.id, "busy: too much is asked at once")
            return
        self._orders[command.id] = None
        self._say({
            "do": "order", "effect": command.id, "command": command.command, "source": command.source,
            "topic": ask.topic.removeprefix(LINE), "payload": ask.payload, "expires_at": command.expires_at,
        })  # fmt: skip

    def told(self, message: Mapping[str, Any]) -> None:
        """What became of an order."""
        effect = str(message["effect"])
        if effect not in self._orders:
            return
        del self._orders[effect]
        if message["took"]:
            self._all.report(Delivered(effect, Outcome.SENT, TAKEN))
        else:
            self._all.failed(effect, str(message["why"]))

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
        orders, self._orders = self._orders, {}
        for effect in orders:
            self._all.failed(effect, "unreachable: the listener is gone")


def _nobody(_delivered: Delivered) -> None:
    return None
