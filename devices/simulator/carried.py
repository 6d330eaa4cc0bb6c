"""A simulated site in real time without a broker: each message posted over HTTP, or frames on one connection."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol
from urllib.parse import unquote, urlsplit

from devices.simulator.dialects import Dialect
from devices.simulator.line import BACKOFF_S, IN_FLIGHT
from devices.simulator.world import Sent

if TYPE_CHECKING:
    import httpx

ANSWER_S: Final = 10.0
"""A receiver that answers nothing for so long is taken for gone."""

_READ_MAX: Final = 65_536
_NOT_HERE: Final = frozenset((401, 403, 404, 405))
_LATER: Final = frozenset((408, 425, 429))


class Line(Protocol):
    """A way to a receiver that answers each message; raises OSError when it is gone."""

    async def open(self) -> None: ...

    async def send(self, batch: Sequence[Sent]) -> int:
        """Send in order; gives how many from the front of the batch were answered, at least one."""
        ...

    async def close(self) -> None: ...


def line_to(url: str, dialect: Dialect) -> Line:
    """The line for a dialect that no broker carries. ValueError, without its secret, for an address it cannot use."""
    parts = urlsplit(url)
    if dialect.carrier == "http" and parts.scheme in ("http", "https") and parts.hostname:
        port = f":{parts.port}" if parts.port else ""
        secret = unquote(parts.password or "") or parts.path.rstrip("/").rpartition("/")[2]
        return Posts(f"{parts.scheme}://{parts.hostname}{port}{parts.path.rstrip('/')}", secret, dialect)
    if dialect.carrier == "tcp" and parts.scheme == "tcp" and parts.hostname and parts.port:
        return Frames(parts.hostname, parts.port, dialect)
    wanted = "http[s]://[:secret@]host[:port]/path" if dialect.carrier == "http" else "tcp://host:port"
    raise ValueError(f"this dialect wants an address of the kind {wanted}")


class Posts:
    """Each message as a request of its own, the next after the answer; what is refused for good is not sent again."""

    def __init__(self, base: str, secret: str, dialect: Dialect) -> None:
        self._base, self._secret, self._dialect = base, secret, dialect
        self._client: httpx.AsyncClient | None = None

    async def open(self) -> None:
        import httpx

        self._client = httpx.AsyncClient(timeout=ANSWER_S, trust_env=False)

    async def send(self, batch: Sequence[Sent]) -> int:
        """Raises ValueError where the receiver knows no such address, or not this sender."""
        for done, message in enumerate(batch):
            status = await self._post(message)
            if status in _NOT_HERE:
                raise ValueError(f"the receiver answers {status}: wrong address or wrong secret")
            if status >= 500 or status in _LATER:
                if done:
                    return done
                raise OSError(f"the receiver answers {status}")
        return len(batch)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()

    async def _post(self, message: Sent) -> int:
        import httpx

        assert self._client is not None
        push = self._dialect.push(message.topic, message.payload, self._secret)
        url = f"{self._base}/{push.path}" if push.path else self._base
        try:
            answer = await self._client.request(
                push.method, url, params=dict(push.query), headers=dict(push.headers), content=push.body
            )
        except httpx.TransportError as error:
            raise OSError(f"no answer: {error!r}") from error
        return answer.status_code


class Frames:
    """One connection; a frame counts when the receiver has confirmed or denied it."""

    def __init__(self, host: str, port: int, dialect: Dialect) -> None:
        self._host, self._port, self._dialect = host, port, dialect
        self._received = bytearray()
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def open(self) -> None:
        self._streams = await asyncio.open_connection(self._host, self._port)

    async def send(self, batch: Sequence[Sent]) -> int:
        assert self._streams is not None
        reader, writer = self._streams
        waiting = set()
        for message in batch:
            writer.write(message.payload)
            ticket = self._dialect.ticket(message.payload)
            if ticket is not None:
                waiting.add(ticket)
        await writer.drain()
        try:
            async with asyncio.timeout(ANSWER_S):
                while waiting:
                    received = await reader.read(_READ_MAX)
                    if not received:
                        raise OSError("the receiver hung up")
                    self._received += received
                    waiting.difference_update(self._dialect.tickets(self._received))
        except TimeoutError:
            raise OSError(f"nothing confirmed within {ANSWER_S:g} s") from None
        return len(batch)

    async def close(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            with contextlib.suppress(OSError):
                await self._streams[1].wait_closed()
            self._received.clear()


class Life(Protocol):
    """What carrying needs of a site that lives in real time (`live`)."""

    pending: list[Sent]
    sent: int
    told: Callable[[str], None]

    def live(self) -> None: ...

    def over(self) -> bool: ...

    def late(self) -> bool: ...

    async def pause(self, most_s: float | None = None) -> None: ...


async def carry(life: Life, line: Line) -> int:
    """Send what the site says until it is over, over as many connections as it takes; gives how much was answered."""
    failures = 0
    while not life.over():
        try:
            await line.open()
            life.told("connected")
            while not life.over():
                life.live()
                while life.pending and not life.late():
                    done = await line.send(life.pending[:IN_FLIGHT])
                    del life.pending[:done]
                    life.sent += done
                    failures = 0
                await life.pause()
        except OSError as error:
            life.told(f"connection lost: {error}")
            await life.pause(BACKOFF_S[min(failures, len(BACKOFF_S) - 1)])
            failures += 1
        finally:
            await line.close()
    return life.sent
