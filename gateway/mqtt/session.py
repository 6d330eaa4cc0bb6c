"""One persistent MQTT session: keeps a connection up, passes messages on, acknowledges when it is told to."""

import asyncio
import random
import time
from collections.abc import Callable, Sequence
from typing import Literal

from gateway.mqtt import packets5, packets311
from gateway.mqtt.answers import Accepted, Granted
from gateway.mqtt.backoff import ALONE_S, Backoff
from gateway.mqtt.events import (
    Connected,
    LinkEvent,
    Listener,
    Lost,
    LostReason,
    Refused,
    SubscriptionRefused,
)
from gateway.mqtt.link import Dialect, Ending, Link
from gateway.mqtt.settings import SessionSettings, tls_context

# A 3.1.1 broker says nothing to the client whose id another one uses, and mosquitto 2.0.11 not even in MQTT 5: it
# closes. So many working connections in a row closed in order, the broker being there all the time, are told as
# TAKEN_OVER.
_CLOSED_SUSPICIOUS = 3
_HANG_UPS_MAX = 2  # connections closed instead of answered, after which the other protocol version is tried

_DIALECTS: dict[int, Dialect] = {5: packets5, 311: packets311}


class Session:
    """Reads at QoS 1 and acknowledges nothing by itself except what it cannot take (see FaultReason).

    `epoch` grows by one with each accepted connection; a message is acknowledged in the epoch it came in.
    `protocol` is the version in use (5 or 311). All methods run on the event loop.
    """

    def __init__(
        self,
        settings: SessionSettings,
        listener: Listener,
        *,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random,
    ) -> None:
        """`clock` gives seconds that never go back; `rng` the jitter of reconnecting."""
        self.settings = settings
        self.name = settings.name
        self.source = settings.source
        self.role: Literal["alarm", "rest"] = settings.role
        self.epoch = 0
        self.paused = False
        self.protocol: Literal[5, 311] = 5 if settings.protocol == "auto" else settings.protocol
        self.ready = asyncio.Event()  # set while every filter has its answer
        self._listener = listener
        self._clock = clock
        self._backoff = Backoff(rng)
        self._link: Link | None = None
        self._ready_at: float | None = None
        self._proved = False  # a CONNACK in this protocol version: no other is tried again
        self._hang_ups = 0
        self._closed = 0  # working connections in a row that the broker closed in order

    @property
    def in_flight(self) -> int:
        """QoS 1 messages received in this epoch and not acknowledged."""
        return 0 if self._link is None else self._link.in_flight

    def acknowledge(self, epoch: int, packet_ids: Sequence[int]) -> None:
        """Write the PUBACKs of these messages at once; those of an older epoch are dropped.

        The broker sends what an older epoch left unacknowledged again, so nothing is lost by dropping.
        """
        if epoch == self.epoch and self._link is not None:
            self._link.acknowledge(packet_ids)

    def pause(self) -> None:
        """Stop reading, for back-pressure: the window fills and the broker queues. Survives reconnects."""
        self.paused = True
        if self._link is not None and self.ready.is_set():
            self._link.pause()

    def resume(self) -> None:
        """Read on."""
        self.paused = False
        if self._link is not None:
            self._link.resume()

    def reconnect(self) -> None:
        """Begin a new epoch, so that the broker sends again whatever was not acknowledged (MQTT 4.4).

        Does nothing while nothing is unacknowledged.
        """
        if self._link is not None and self._link.in_flight:
            self._link.end(Lost(LostReason.CLOSED, "by us, to have messages sent again"))

    async def run(self) -> None:
        """Connect, subscribe, read, reconnect, until cancelled; then say goodbye to the broker."""
        while True:
            self._ready_at = None
            ending = await self._connect()
            lived_s = 0.0 if self._ready_at is None else self._clock() - self._ready_at
            event = self._suspect(ending, lived_s)
            self.tell(event)
            if self._other_version(ending):
                continue
            taken_over = isinstance(event, Lost) and event.reason is LostReason.TAKEN_OVER
            await asyncio.sleep(self._backoff.after(lived_s, taken_over=taken_over))

    def tell(self, event: LinkEvent) -> None:
        """Pass an event on (called by the link)."""
        self._listener.link(self, event)

    def accepted(self, answer: Accepted) -> None:
        """CONNACK came (called by the link): from here on messages belong to a new epoch."""
        self._proved = True
        self._hang_ups = 0
        self.epoch += 1
        self.tell(Connected(answer.session_present, self.protocol, answer.session_expiry_s))

    def granted(self, answer: Granted) -> None:
        """SUBACK came (called by the link)."""
        for pattern, code in zip(self.settings.filters, answer.codes, strict=True):
            if code not in (1, 2):
                self.tell(SubscriptionRefused(pattern, code))
        self._ready_at = self._clock()
        self.ready.set()
        if self.paused and self._link is not None:
            self._link.pause()

    async def _connect(self) -> Ending:
        """One connection from the name look-up to its end."""
        settings = self.settings
        properties = self.protocol == 5
        link = Link(self, self._listener, _DIALECTS[self.protocol], properties=properties)
        try:
            async with asyncio.timeout(settings.connect_timeout_s):
                # In a thread: reading the system's authorities takes tens of milliseconds.
                tls = None if settings.tls is None else await asyncio.to_thread(tls_context, settings.tls)
                self._link = link
                await asyncio.get_running_loop().create_connection(
                    lambda: link,
                    settings.host,
                    settings.port,
                    ssl=tls,
                    server_hostname=None if tls is None else settings.host,
                )
                await asyncio.shield(link.opened)
            return await link.closed
        except TimeoutError:
            waited = f"after {settings.connect_timeout_s:g} s"
            if link.transport is None:
                return Ending(Lost(LostReason.UNREACHABLE, f"no connection {waited}"))
            link.end(Lost(LostReason.TIMED_OUT, f"no answer to CONNECT or SUBSCRIBE {waited}"))
            return await link.closed
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name that no name system could hold
            return Ending(Lost(LostReason.UNREACHABLE, str(error) or type(error).__name__))
        finally:
            link.leave()
            self._link = None
            self.ready.clear()

    def _suspect(self, ending: Ending, lived_s: float) -> Lost | Refused:
        """The ending's event, or that somebody uses our client id where the history looks like it."""
        if not ending.in_order or self._ready_at is None or lived_s >= ALONE_S:
            self._closed = 0
            return ending.event
        self._closed += 1
        if self._closed < _CLOSED_SUSPICIOUS:
            return ending.event
        name = self.settings.client_id
        return Lost(
            LostReason.TAKEN_OVER,
            f"closed {self._closed} times in a row while the broker was there; does another client call itself {name}?",
        )

    def _other_version(self, ending: Ending) -> bool:
        """In `auto`, change the protocol version where the broker seems to want it; True: try at once."""
        if self.settings.protocol != "auto" or self._proved:
            return False
        if ending.other_version:
            self.protocol = 311 if self.protocol == 5 else 5
            return self.protocol == 311
        if not ending.greeted and isinstance(ending.event, Lost) and ending.event.reason is LostReason.CLOSED:
            self._hang_ups += 1
            if self._hang_ups % _HANG_UPS_MAX == 0:
                self.protocol = 311 if self.protocol == 5 else 5
        return False
