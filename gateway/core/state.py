"""Everything we remember: one mutable value with one writer, frozen to the same bytes on every replay."""

from __future__ import annotations

from heapq import heappush
from itertools import islice
from typing import Any, Final

import msgspec

from devices.reading import Value, source_of
from gateway.core.coverage import Impaired
from gateway.core.effect import Effect, Told
from gateway.core.event import FORMAT

CONTEXT_KEYS_MAX: Final = (
    20_000  # learned keys of one codec and source; the oldest is forgotten (and asked for again)
)
CLEARED_MAX: Final = (
    10_000  # points remembered whose last alarm ended; of others a stored copy asks for a look
)
SEQUENCES_MAX: Final = 8  # device message ids remembered for telling duplicates
CHUNK: Final = 10_000  # points frozen at once
ANSWER_KEEP_MS: Final = 24 * 3_600_000  # idempotency keys of acts (design section 3)


class SourceState(msgspec.Struct):
    """When we were blind to a source: absence timers must not count that time."""

    blind_ms: int = 0
    blind_since: int = 0
    blind_until: int = 0
    bridges: tuple[str, ...] = ()  # devices whose loss takes others with them, while they are lost


class DeviceState(msgspec.Struct, gc=False):
    """What we remember of one device. `absent` holds the ids of absence rules that have raised.

    Tuples, since an empty one costs nothing: three lists more a device are 100 MB in a city.
    """

    id: str
    last_at: int
    blind_ms: int = 0
    seen: bool = False
    absent: tuple[str, ...] = ()
    sequences: tuple[str, ...] = ()
    pulses: tuple[tuple[int, int], ...] = ()  # (digest, at) of recent messages with a pulse
    owes: bool = False  # it was asked for something and has not said yet that it obeyed


class PointState(msgspec.Struct, gc=False):
    """The last live word of one point, and what its rules remember (None while they are all fresh).

    `rules`, `device` and `next` are bindings, not memory: `freeze` leaves them out. `next` is the point that came after
    this one in a message, and mostly will again.
    """

    id: str
    device: DeviceState
    value: Value = None
    measured_at: int | None = None
    memory: dict[str, Any] | None = None
    rules: tuple[Any, ...] | None = None
    next: PointState | None = None


class Alarm(msgspec.Struct):
    """One rule on one subject that needs a response. `since` is stamp time, `opened_utc` what people are told."""

    id: str
    rule: str
    subject: str
    device: str
    metric: str
    channel: str
    place: str
    site: str
    mode: str
    hazard: str
    priority: int
    latch: bool
    state: str
    since: int
    opened_utc: int
    active: bool = False
    value: Any = None
    measured_at: int | None = None
    incident: str | None = None
    count: int = 0
    late_ms: int = 0
    shelved_until: int | None = None
    out_until: int | None = None


class Incident(msgspec.Struct):
    """The alarms people handle together. Times ending in `_at` are stamp time; `_utc` is what people are told."""

    id: str
    key: str
    mode: str
    site: str
    hazard: str
    priority: int
    group: str
    opened_at: int
    opened_utc: int
    rev: int = 0
    evidence_rev: int = 0  # the rev at which the last new alarm came in
    handling: str = "open"
    verdict: str = "unverified"
    cause: str = ""
    sound: str = "silent"
    muted_until: int | None = None
    alarms: list[str] = []
    places: list[str] = []
    told: list[Told] = []
    policy: str = ""
    targets: list[str] = []
    step: int = 0  # the next step of the policy
    round: int = 0
    next_at: int | None = None
    taken_by: str | None = None
    taken_role: str = ""
    give_back_at: int | None = None
    announced: bool = False
    beyond: int = 0  # alarms of a storm that `alarms` has no room for


class Commanded(msgspec.Struct):
    """A command to a device, from the moment somebody asked until it is forgotten. `until`: not sent after this.

    `incident` and `priority` as in `Command`.
    """

    id: str
    device: str
    kind: str
    name: str
    user: str
    place: str
    site: str
    mode: str
    state: str
    asked_at: int
    until: int
    tries: int = 0
    effect: str = ""  # the message under way
    detail: str = ""
    incident: str | None = None
    priority: int | None = None
    tickets: tuple[str, ...] = ()  # what a platform calls its tries


class Lost(msgspec.Struct):
    """A device that is lost: the alarms that say so, and whether partners were told."""

    alarms: list[str]
    told: bool = False


class State(msgspec.Struct):
    """A fold over the journal. Only `step` changes it."""

    seq: int = 0
    at: int = 0
    offset_ms: int = 0
    plan: str = ""
    points: dict[str, PointState] = {}
    devices: dict[str, DeviceState] = {}
    sources: dict[str, SourceState] = {}
    memory: dict[str, dict[str, Any]] = {}  # rule id -> subject -> memory, for place and device subjects
    alarms: dict[str, Alarm] = {}
    incidents: dict[str, Incident] = {}
    open: dict[str, str] = {}  # incident key -> incident id
    timers: dict[str, int] = {}
    heap: list[tuple[int, str]] = []
    outbox: dict[str, Effect] = {}
    context: dict[tuple[str, str], dict[str, Any]] = {}  # (codec, source) -> learned key -> value
    answers: dict[str, tuple[bool, str, int | None, int]] = {}
    faulted: dict[str, int] = {}
    numbers: dict[str, int] = {}  # local day -> incidents opened
    quarantined: int = 0
    verifying: dict[str, int] = {}  # points whose old alarm somebody should look at
    cleared: dict[str, None] = {}  # points whose last alarm we saw end: a stored copy of it is no news
    commands: dict[str, Commanded] = {}
    armed: dict[str, int] = {}  # user|device|command -> when its first press came
    lost: dict[str, Lost] = {}  # by device
    impaired: Impaired = msgspec.field(
        default_factory=Impaired
    )  # follows from alarms and plan; not in the snapshot

    def set_timer(self, key: str, due: int) -> None:
        """Fire `key` at `due`; a timer of that key is replaced."""
        if self.timers.get(key) != due:
            self.timers[key] = due
            heappush(self.heap, (due, key))

    def drop_timer(self, key: str) -> None:
        self.timers.pop(key, None)

    def device(self, device: str) -> DeviceState:
        """The device's state, met for the first time if need be: absence counts from now."""
        state = self.devices.get(device)
        if state is None:
            blind = self.source(source_of(device)).blind_ms
            state = self.devices[device] = DeviceState(device, self.at, blind)
        return state

    def source(self, name: str) -> SourceState:
        state = self.sources.get(name)
        if state is None:
            state = self.sources[name] = SourceState()
        return state

    def utc(self, at: int) -> int:
        return at + self.offset_ms


class _Frozen(msgspec.Struct, array_like=True):
    """The snapshot's shape: columns for what is many, plain structs for what is few. Fields are only added."""

    format: int
    seq: int
    at: int
    offset_ms: int
    plan: str
    devices: list[DeviceState]
    points: list[tuple[str, Value, int | None]]
    point_memory: list[tuple[str, dict[str, Any]]]
    sources: dict[str, SourceState]
    memory: dict[str, dict[str, Any]]
    alarms: list[Alarm]
    incidents: list[Incident]
    timers: dict[str, int]
    outbox: list[Effect]
    context: list[tuple[str, str, dict[str, Any]]]
    answers: dict[str, tuple[bool, str, int | None, int]]
    faulted: dict[str, int]
    numbers: dict[str, int]
    quarantined: int
    verifying: dict[str, int]
    commands: list[Commanded] = []
    armed: dict[str, int] = {}
    lost: dict[str, Lost] = {}
    cleared: list[str] = []


def freeze(state: State) -> bytes:
    """The state's bytes: identical for identical histories, whatever the hash seed.

    The same bytes as one `encode` of a `_Frozen`, without a second copy of three million points on the way.
    """
    points = ((p.id, p.value, p.measured_at) for p in state.points.values())
    frozen = _Frozen(
        FORMAT,
        state.seq,
        state.at,
        state.offset_ms,
        state.plan,
        list(state.devices.values()),
        [],
        [(p.id, p.memory) for p in state.points.values() if p.memory],
        state.sources,
        state.memory,
        list(state.alarms.values()),
        list(state.incidents.values()),
        state.timers,
        list(state.outbox.values()),
        [(codec, source, known) for (codec, source), known in state.context.items()],
        state.answers,
        state.faulted,
        state.numbers,
        state.quarantined,
        state.verifying,
        list(state.commands.values()),
        state.armed,
        state.lost,
        list(state.cleared),
    )
    names = _Frozen.__struct_fields__
    parts = [_array(len(names))]
    for name in names:
        if name == "points":
            parts.append(_array(len(state.points)))
            while chunk := list(islice(points, CHUNK)):
                parts.append(_encode(chunk)[len(_array(len(chunk))) :])
        else:
            parts.append(_encode(getattr(frozen, name)))
    return b"".join(parts)


_encode: Final = msgspec.msgpack.Encoder().encode


def _array(size: int) -> bytes:
    """The head of an array of so many (msgpack specification, "array format family")."""
    if size < 16:
        return bytes([0x90 | size])
    return b"\xdc" + size.to_bytes(2, "big") if size < 65_536 else b"\xdd" + size.to_bytes(4, "big")


def thaw(data: bytes) -> State:
    """The state again. Memories are plain data until `step.bind` gives them their types under a plan.

    Raises msgspec.DecodeError or ValidationError for bytes that are no snapshot of a format we know.
    """
    frozen = msgspec.msgpack.decode(data, type=_Frozen)
    state = State(frozen.seq, frozen.at, frozen.offset_ms, frozen.plan)
    state.sources = frozen.sources
    state.devices = {d.id: d for d in frozen.devices}
    for name, value, measured_at in frozen.points:
        device = name.rsplit("/", 2)[0]
        state.points[name] = PointState(name, state.devices[device], value, measured_at)
    for name, memory in frozen.point_memory:
        state.points[name].memory = memory
    state.memory = frozen.memory
    state.alarms = {a.id: a for a in frozen.alarms}
    state.incidents = {i.id: i for i in frozen.incidents}
    state.open = {i.key: i.id for i in frozen.incidents if i.handling != "closed"}
    state.timers = frozen.timers
    state.heap = sorted((due, key) for key, due in frozen.timers.items())
    state.outbox = {e.id: e for e in frozen.outbox}
    state.context = {(codec, source): known for codec, source, known in frozen.context}
    state.answers = frozen.answers
    state.faulted = frozen.faulted
    state.numbers = frozen.numbers
    state.quarantined = frozen.quarantined
    state.verifying = frozen.verifying
    state.commands = {c.id: c for c in frozen.commands}
    state.armed = frozen.armed
    state.lost = frozen.lost
    state.cleared = dict.fromkeys(frozen.cleared)
    return state
