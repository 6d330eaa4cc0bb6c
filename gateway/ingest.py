"""From a broker's message to an event: decode, classify, coalesce under load, quarantine what nobody understands."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any, Final, Protocol
from zlib import crc32

import msgspec
import structlog

from devices.catalogue import Source
from devices.codec import Decoded, Message
from devices.decode import OWN, Decoder, has_pulse, urgent
from devices.reading import METRICS, Flag, MetricClass, Reading, split_point
from devices.topics import matches
from gateway.core.effect import Ask
from gateway.core.event import Learned, Measured, Quarantined
from gateway.engine import Engine
from gateway.guard import Guard
from gateway.mqtt import Session
from gateway.mqtt.events import Connected, LinkEvent, Lost, ProtocolFault, Refused, SubscriptionRefused
from gateway.unread import may_alarm

QUARANTINE_PAYLOAD_MAX: Final = 16_384  # bytes of a bad message kept with it
QUARANTINE_PER_MINUTE: Final = 600  # kept whole per source; past it they are only counted
UNREAD_MS: Final = 600_000  # what may have been an alarm and nobody could read is told for so long
POINTS_MAX: Final = 4_000_000  # a city has three million; past it made-up names are set aside
ALARMS_MAX: Final = 50_000
"""Alarms past which a device that nobody placed and nobody heard before gets none of its own (past twice as many no
device without a place): the message is set aside and somebody is called to look. Placed devices always go on."""

WAITING_MAX: Final = 50_000  # devices with a coalescing message; past it reading pauses

FAMILIES_MAX: Final = 131_072  # devices whose family is remembered; of the others every family is asked
LANES_MAX: Final = 131_072  # topics remembered of one source; the others cost a microsecond more each time
REST, OURS, ALARM_LANE = 0, 1, 2

log = structlog.get_logger(__name__)


class Sender(Protocol):
    """What the stream needs of whoever brings messages: a broker's session, or the door of a listening source."""

    @property
    def name(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def role(self) -> str: ...
    @property
    def epoch(self) -> int: ...
    @property
    def paused(self) -> bool: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...


class Ingest:
    """The listener of every session. Runs on the engine's loop and never raises.

    `tell` reports facts about ourselves as readings of the gateway's own device; `behind` says that writing does not
    keep up, so that measurements coalesce until it does. `guard` is there for the first messages after an unclean exit.
    """

    def __init__(
        self,
        engine: Engine,
        decoder: Decoder,
        sources: Mapping[str, Source],
        kick: Callable[[], None],
        behind: Callable[[], bool],
        tell: Callable[[str, str, Any], None],
        guard: Guard | None = None,
    ) -> None:
        self.engine, self.decoder, self.sources = engine, decoder, sources
        self._kick, self._behind, self._tell, self.guard = kick, behind, tell, guard
        self.alarm_sessions: dict[str, Session] = {}
        self.links: dict[str, str] = {}  # session name -> up, or why not
        self.lost_at: dict[str, int] = {}
        self.messages = 0
        self._at: int | None = None
        self._lanes: dict[str, dict[str, int]] = {name: {} for name in sources}
        self.families: dict[str, str] = {}  # device -> the codec that understood it first, for commands to it
        self._crowded = decoder.crowded()
        self.counts = {"quarantined": 0, "coalesced": 0, "codec_faults": 0, "faces_dropped": 0}
        self.waiting: dict[str, Waiting] = {}
        self._paused: list[Sender] = []
        self._unread_at: dict[str, int] = {}  # source -> when it last sent what may have been an alarm
        self._simulated = {name for name, s in sources.items() if s.simulated}
        self._budget: dict[str, tuple[int, int]] = {}
        self.alarm_filters = {
            name: tuple(t.filter for t in decoder.topics(name) if t.alarm_only) for name in sources
        }
        self._alarm_tails = {name: tuple(map(_tail, filters)) for name, filters in self.alarm_filters.items()}

    # -- the stream -------------------------------------------------------------------------------------------

    def received(
        self, session: Sender, topic: str, payload: bytes, packet_id: int, retain: bool, dup: bool
    ) -> None:
        """One message, in order of arrival. Whatever it is, its acknowledgement follows what became of it."""
        engine = self.engine
        token = (session, session.epoch, packet_id) if packet_id else None
        source = session.source
        self.messages += 1
        lane = self._lanes[source].get(topic)
        fresh = lane is None
        if lane is None:
            lane = self._lane(source, topic)
        if lane and (lane == OURS or (session.role == "rest" and self._alarm_session_is_up(source))):
            if token is not None:
                engine.attach(token)
            return
        at = self._at
        if at is None:  # one look at the clock for all the messages that came in together
            at = self._at = engine.stamper.at()
        message = Message(source, topic, payload, retain, at + engine.state.offset_ms)
        guard = self.guard
        if guard is None:
            self._understand(session, message, token, dup, at, fresh)
        elif guard.accuses(source, topic, payload):
            self._quarantine(source, topic, "killer: the gateway died twice on this message", payload, token)
        else:
            self._understand(session, message, token, dup, at, fresh)
            guard.passed()
            if guard.done:
                self.guard = None

    def _understand(
        self, session: Sender, message: Message, token: Any, dup: bool, at: int, fresh: bool
    ) -> None:
        """Decode and submit. What nobody understands is set aside with the reason, and what was understood goes on."""
        engine, source, topic, payload = self.engine, message.source, message.topic, message.payload
        try:
            codec, decoded = self.decoder.answer(message)
            decoded = decoded if codec == "native" else _storable(decoded)  # native gives no such number
        except Exception as error:  # noqa: BLE001 - codec isolation: one broken codec must not stop the stream
            self.counts["codec_faults"] += 1
            log.error("codec raised", source=source, topic=topic[:200], error=repr(error)[:200])
            self._unread(message, "codec-fault")
            self._quarantine(source, topic, f"codec-fault: {type(error).__name__}", payload, token)
            return
        if decoded.faces:
            self.counts["faces_dropped"] += decoded.faces
        for learned in decoded.learned:
            engine.submit(Learned(codec, source, learned.key, learned.value), None)
        for ask in decoded.asks:
            engine.outlet.ask(Ask("", source, ask.topic, ask.payload))
        hot = urgent(decoded)
        if hot or len(engine.state.points) >= POINTS_MAX:
            decoded = self._room(source, decoded, hot)
        readings = decoded.readings
        if decoded.quarantine is not None:
            if not readings:
                self._unread(message, decoded.quarantine)
            self._quarantine(source, topic, decoded.quarantine, payload, None if readings else token)
        elif not readings and token is not None:
            engine.attach(token)
        if not readings:
            return
        if fresh or codec in self._crowded:
            self._remember(codec, readings)
        if source in self._simulated:
            readings = [Reading(r.point, r.value, r.measured_at, r.flags | Flag.SIMULATED) for r in readings]
        digest = crc32(payload, crc32(topic.encode())) if hot and has_pulse(decoded) else 0
        event = Measured(source, readings, decoded.sequence, digest, dup)
        if self.waiting or self._behind():
            devices = dict.fromkeys(split_point(r.point)[0] for r in readings)
            if not hot and len(devices) == 1:
                self._wait(session, next(iter(devices)), event, token)
                return
            for (
                device
            ) in devices:  # an alarm may overtake other devices' measurements, never its own device's
                self._let_go(self.waiting.pop(device, None))
        engine.submit(event, token, hot, at)

    def _room(self, source: str, decoded: Decoded, hot: bool) -> Decoded:
        """What there is room for: names made up without end fill no memory. Placed devices always have some."""
        state, placed = self.engine.state, self.engine.plan.catalogue.devices
        reason = f"too-many: {POINTS_MAX} points are known, and this brings more"
        points: Container[str] = state.points
        if hot:
            if len(state.alarms) < ALARMS_MAX:
                return decoded
            reason = "too-many-alarms: nobody placed this device, and its alarm is one too many"
            points = state.points if len(state.alarms) < 2 * ALARMS_MAX else ()
        kept = [r for r in decoded.readings if r.point in points or split_point(r.point)[0] in placed]
        if len(kept) == len(decoded.readings):
            return decoded
        if hot:
            self._unread_alarm(source)
        return msgspec.structs.replace(decoded, readings=kept, quarantine=decoded.quarantine or reason)

    def _unread(self, message: Message, reason: str) -> None:
        """It may have been a fire: somebody is told to look. What is whole and only of an unknown kind is no alarm."""
        told = message.payload and not message.retained and not reason.startswith("unknown-event")
        broken = reason.startswith("not-json") and may_alarm(message.payload)
        if told and (broken or self._lane(message.source, message.topic) == ALARM_LANE):
            self._unread_alarm(message.source)

    def _unread_alarm(self, source: str) -> None:
        self._unread_at[source] = self.engine.stamper.at()
        self._tell("alarm_unread", source, True)

    def settle(self) -> None:
        """Call now and then: an unread alarm message is no news after UNREAD_MS."""
        now = self.engine.stamper.at()
        for source in [s for s, at in self._unread_at.items() if now - at > UNREAD_MS]:
            del self._unread_at[source]
            self._tell("alarm_unread", source, False)

    def _remember(self, codec: str, readings: Sequence[Reading]) -> None:
        """Whose devices these are. Asked of a topic's first message only, where one device speaks on it: which family
        speaks there does not change.
        """
        if len(self.families) >= FAMILIES_MAX:
            return
        for reading in readings:
            device = split_point(reading.point)[0]
            if device not in self.families and len(self.families) < FAMILIES_MAX:
                self.families[device] = codec

    def drained(self, session: Sender) -> None:
        """The chunk is used up: let the pump decide whether to write now."""
        self._at = None
        if self.waiting and not self._behind():
            self.release()
        self._kick()

    def release(self) -> None:
        """Step what coalesced: one event a device, in order of first arrival."""
        waiting, self.waiting = self.waiting, {}
        for held in waiting.values():
            self._let_go(held)
        paused, self._paused = self._paused, []
        for session in paused:
            session.resume()

    def _let_go(self, held: Waiting | None) -> None:
        """Step a merged message; its acknowledgements follow in their order."""
        if held is not None:
            self.engine.submit(held.event(), None)
            for token in held.tokens:
                self.engine.attach(token)

    def _lane(self, source: str, topic: str) -> int:
        """Where a topic belongs, found once: ours (ignored), the alarm lane, or everything else."""
        lanes = self._lanes[source]
        alarm = topic.endswith(self._alarm_tails[source]) and any(
            matches(pattern, topic) for pattern in self.alarm_filters[source]
        )
        lane = OURS if topic.startswith(OWN) else ALARM_LANE if alarm else REST
        if len(lanes) < LANES_MAX:
            lanes[topic] = lane
        return lane

    def _alarm_session_is_up(self, source: str) -> bool:
        """Whether what comes over the rest session also comes, sooner, over the source's alarm session."""
        alarm = self.alarm_sessions.get(source)
        return alarm is not None and alarm.ready.is_set()

    def _wait(self, session: Sender, device: str, event: Measured, token: Any) -> None:
        """Measurements of one device merge while the disk or we are behind; alarm levels that differ never do."""
        held = self.waiting.get(device)
        if held is not None and held.merge(event, token):
            self.counts["coalesced"] += 1
            return
        self._let_go(held)
        self.waiting[device] = Waiting(event, token)
        if len(self.waiting) > WAITING_MAX and not session.paused:
            session.pause()
            self._paused.append(session)

    def _quarantine(self, source: str, topic: str, reason: str, payload: bytes, token: Any) -> None:
        self.counts["quarantined"] += 1
        minute = self.engine.state.at // 60_000
        since, kept = self._budget.get(source, (minute, 0))
        kept = kept + 1 if since == minute else 1
        self._budget[source] = (minute, kept)
        if kept > QUARANTINE_PER_MINUTE:
            if token is not None:
                self.engine.attach(token)
            return
        cut = payload[:QUARANTINE_PAYLOAD_MAX]
        self.engine.submit(Quarantined(source, topic[:1024], reason[:200], cut, len(payload)), token)

    # -- the links --------------------------------------------------------------------------------------------

    def link(self, session: Session, event: LinkEvent) -> None:
        """Links are readings of our own device: no second path for system alarms."""
        name = session.name
        match event:
            case Connected():
                self.links[name] = "up"
                self._tell("broker_link", name, True)
                log.info(
                    "broker connected", session=name, protocol=event.protocol, present=event.session_present
                )
            case Lost() | Refused():
                reason = str(event.reason) if isinstance(event, Lost) else f"refused: {event.text}"
                if self.links.get(name) == "up" or name not in self.links:
                    self.lost_at[session.source] = self.engine.state.at
                    log.warning("broker lost", session=name, reason=reason)
                self.links[name] = reason
                self._tell("broker_link", name, False)
            case SubscriptionRefused():
                log.error("subscription refused", session=name, filter=event.filter, code=event.code)
                self._tell("subscription", name, False)
            case ProtocolFault():
                reason = f"{event.reason}: {event.detail}"[:200]
                self._quarantine(session.source, event.topic or "", reason, b"", None)
        self._kick()

    def listening(self, source: str, name: str, state: str, *, quiet: bool = False) -> None:
        """A way in to a source that listens is `up`, or why not. As with a broker's link: closed, it loses alarms.

        `quiet`: a start or an orderly stop, which is nobody's concern.
        """
        was, self.links[name] = self.links.get(name), state
        if was == state or quiet:
            return
        if was == "up":
            self.lost_at[source] = self.engine.state.at
        log.info("listening", link=name, state=state)
        self._tell("broker_link", name, state == "up")


class Waiting:
    """Messages of one device merged: per point the minimum, maximum and last word since the first."""

    __slots__ = ("first", "rows", "tokens")

    def __init__(self, event: Measured, token: Any) -> None:
        self.first = event
        self.tokens: list[Any] = [token] if token is not None else []
        self.rows: dict[str, tuple[Reading, Reading, Reading]] | None = None

    def merge(self, event: Measured, token: Any) -> bool:
        """Take another message in; False when an alarm level in it differs, or when it has a sequence of its own."""
        rows = self.rows or {r.point: (r, r, r) for r in self.first.readings}
        for reading in event.readings:
            known = rows.get(reading.point)
            if known is not None and known[2].value != reading.value and _is_alarm(reading.point):
                return False
        for reading in event.readings:
            known = rows.get(reading.point)
            if known is None:
                rows[reading.point] = (reading, reading, reading)
                continue
            low, high, _ = known
            if _number(reading.value) and _number(low.value) and _number(high.value):
                low = reading if reading.value < low.value else low  # type: ignore[operator]  # numbers, checked
                high = reading if reading.value > high.value else high  # type: ignore[operator]  # as above
            rows[reading.point] = (low, high, reading)
        self.rows = rows
        if token is not None:
            self.tokens.append(token)
        return True

    def event(self) -> Measured:
        """The merged message: extremes first, the last word last, so that a rule sees both."""
        if self.rows is None:
            return self.first
        readings: list[Reading] = []
        for low, high, last in self.rows.values():
            kept = [r for i, r in enumerate((low, high, last)) if r is not last or i == 2]
            kept = [r for i, r in enumerate(kept) if all(r is not other for other in kept[:i])]
            readings.extend(msgspec.structs.replace(r, flags=r.flags | Flag.COALESCED) for r in kept)
        return msgspec.structs.replace(self.first, readings=readings, sequence=None)


def _tail(pattern: str) -> str:
    """How every topic ends that a filter matches; finding out costs a tenth of matching."""
    last = pattern.rpartition("/")[2]
    return "" if last in ("+", "#") else last


def _is_alarm(point: str) -> bool:
    metric = METRICS.get(split_point(point)[1])
    return metric is not None and metric.klass is MetricClass.ALARM


def _storable(decoded: Decoded) -> Decoded:
    """Without numbers beyond 64 bits. No codec should give one; where one does, it would stop the journal."""
    kept = [r for r in decoded.readings if type(r.value) is not int or -(1 << 63) <= r.value < 1 << 63]
    if len(kept) == len(decoded.readings):
        return decoded
    reason = decoded.quarantine or "wrong-value: a number of more than 64 bits"
    return msgspec.structs.replace(decoded, readings=kept, quarantine=reason)


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
