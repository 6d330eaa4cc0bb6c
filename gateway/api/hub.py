"""Fans news out to everybody who watches: bounded queues, a ring to resume from, and who waits for which seq."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from gateway.core.effect import AlarmDoc, CommandDoc, IncidentDoc
from gateway.views import Change

RING: Final = 4_000  # changes kept to resume from: an hour of a bad night
QUEUE: Final = 256  # events a client may be behind before it is told to read everything anew
CLIENTS_MAX: Final = 500
EACH_MAX: Final = 50  # streams of one user or key, so that one cannot take everybody's places


class News(msgspec.Struct, frozen=True):
    """One event of the stream. `last`: no other event of the same seq follows, so a client may resume behind it."""

    seq: int
    kind: str  # incident alarm command device health reset
    doc: IncidentDoc | AlarmDoc | CommandDoc | None
    data: bytes = b""
    last: bool = True


class Client:
    """One open stream. `wants` decides what it may see; a client that does not read keeps QUEUE events and a reset."""

    def __init__(self, wants: Callable[[News], bool], who: str = "") -> None:
        self.wants, self.who = wants, who
        self.waiting: deque[News] = deque()
        self.woken = asyncio.Event()
        self.closed = False

    def put(self, news: News) -> None:
        if not self.wants(news):
            return
        if len(self.waiting) >= QUEUE:
            self.waiting.clear()
            self.waiting.append(News(news.seq, "reset", None))
        else:
            self.waiting.append(news)
        self.woken.set()

    async def take(self, within_s: float) -> list[News]:
        """What has come, at most after `within_s`; nothing when nothing came."""
        if not self.waiting and not self.closed:
            try:
                async with asyncio.timeout(within_s):
                    await self.woken.wait()
            except TimeoutError:
                return []
        self.woken.clear()
        taken = list(self.waiting)
        self.waiting.clear()
        return taken


class Hub:
    """Lives on the API's loop; `applied` is called there with what the follower did."""

    def __init__(self, seq: int) -> None:
        """`seq` is how far the views reached when we began: whoever saw that much has missed nothing."""
        self.seq = seq
        self._floor = seq
        self._ring: deque[News] = deque()
        self.clients: set[Client] = set()
        self.frames: OrderedDict[tuple[int, str, str, bool], bytes] = OrderedDict()
        self._waiters: list[tuple[int, asyncio.Future[None]]] = []

    def applied(self, seq: int, changes: Sequence[Change]) -> None:
        """The views hold everything up to `seq`, and this is what changed."""
        self.seq = max(self.seq, seq)
        for news in _news(changes):
            self._ring.append(news)
            if len(self._ring) > RING:
                self._floor = self._ring.popleft().seq
            self._spread(news)
        if self._waiters:
            self._waiters = [w for w in self._waiters if not self._done(w)]

    def tell(self, kind: str, data: bytes) -> None:
        """Something of the moment, which is not resumed: `health`."""
        self._spread(News(self.seq, kind, None, data, last=False))

    def full(self, who: str) -> bool:
        """Whether there is no place for another stream of that user or key."""
        return len(self.clients) >= CLIENTS_MAX or sum(c.who == who for c in self.clients) >= EACH_MAX

    def join(self, wants: Callable[[News], bool], last_id: int | None, who: str = "") -> Client:
        """A new client of the user or key `who`; with the id of the last event it saw it gets what came since, or
        `reset` if that is unknown.
        """
        client = Client(wants, who)
        if last_id is not None:
            if last_id < self._floor or last_id > self.seq:
                client.put(News(self.seq, "reset", None))
            else:
                for news in self._ring:
                    if news.seq > last_id:
                        client.put(news)
        self.clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        self.clients.discard(client)

    def close(self) -> None:
        """End every stream."""
        for client in self.clients:
            client.closed = True
            client.woken.set()

    async def reached(self, seq: int, within_s: float = 2.0) -> bool:
        """Wait until the views hold `seq`; False when they did not in time."""
        if self.seq >= seq:
            return True
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiter = (seq, future)
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(within_s):
                await future
        except TimeoutError:
            return False
        finally:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
        return True

    def _done(self, waiter: tuple[int, asyncio.Future[None]]) -> bool:
        seq, future = waiter
        if seq > self.seq:
            return False
        if not future.done():
            future.set_result(None)
        return True

    def _spread(self, news: News) -> None:
        for client in self.clients:
            client.put(news)


def _news(changes: Sequence[Change]) -> list[News]:
    """Changes as events; a device that went silent or came back is an event of its own beside its alarm."""
    found: list[tuple[int, str, IncidentDoc | AlarmDoc | CommandDoc]] = []
    for change in changes:
        if not isinstance(change.doc, AlarmDoc):
            kind = "incident" if isinstance(change.doc, IncidentDoc) else "command"
            found.append((change.seq, kind, change.doc))
            continue
        found.append((change.seq, "alarm", change.doc))
        if change.doc.metric == "online" and change.doc.subject == change.doc.device:
            found.append((change.seq, "device", change.doc))
    last = {seq: i for i, (seq, _, _) in enumerate(found)}
    return [News(seq, kind, doc, last=last[seq] == i) for i, (seq, kind, doc) in enumerate(found)]
