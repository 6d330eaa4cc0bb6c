"""What the tests of telling people share: a small estate, documents, people, channels by hand, a real HTTP server."""

from __future__ import annotations

import asyncio
import random
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
from hypothesis import strategies as st

from devices.catalogue import Catalogue, Datum, Device, Geo, Level, Place, Source
from devices.reading import METRICS, Hazard
from gateway.clock import ManualClock
from gateway.core.effect import AlarmDoc, IncidentDoc, Mode, Notify, Publish
from gateway.core.event import Delivered
from gateway.core.plan import Grid, Plan
from gateway.deliver import Deliverer
from gateway.notice import SENT, ChannelInstance, House, Notice, SendOutcome, Sent
from gateway.wording import Composer

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # of the Standard Webhooks test vector
OPENED = 1_795_201_927_125  # 2026-11-21T03:12:07.125+08:00
KEY = bytes(range(32))
BASE = "https://gw.example.cn"

PLACES = {
    p.id: p
    for p in (
        Place(
            "s",
            Level.SITE,
            "阳光花园",
            None,
            "community",
            {"area_code": "330106"},
            Geo(30.24, 120.14, Datum.GCJ02),
        ),
        Place("b3", Level.BUILDING, "3号楼", "s", "grid-2", {"house_code": "B3"}),
        Place("u1", Level.UNIT, "1单元", "b3"),
        Place("f5", Level.FLOOR, "5层", "u1"),
        Place("h502", Level.HOUSEHOLD, "502", "f5", external_ids={"house_code": "B3-502"}),
        Place("k", Level.ZONE, "厨房", "h502"),
    )
}
CATALOGUE = Catalogue(
    PLACES,
    {"demo:s/smoke": Device("demo:s/smoke", "k", "smoke", "独立式感烟火灾探测报警器")},
    {"demo": Source("demo", "s", simulated=True), "west": Source("west", "w", time_zone="Asia/Urumqi")},
)
GRIDS = {"grid-2": Grid("grid-2", "第二网格", "community"), "community": Grid("community", "阳光社区")}
PLAN = Plan(catalogue=CATALOGUE, grids=GRIDS)

ALARM = AlarmDoc(
    "a1", "s", "fire.smoke", "demo:s/smoke/smoke/", "demo:s/smoke", "smoke", "", "k", "fire", 1, "UNACK", OPENED, True,
    None, "20261121-0007",
)  # fmt: skip
DOC = IncidentDoc(
    "20261121-0007", 4, "live", "s", "fire", 1, "open", "unverified", "ringing", "k", ["k"], OPENED, None, OPENED,
    [ALARM], title="fire.smoke",
)  # fmt: skip


def doc(**changes: Any) -> IncidentDoc:
    """The kitchen fire with changes; a new `priority` also holds for its alarm."""
    alarms = changes.pop("alarms", None)
    if alarms is None:
        alarms = [msgspec.structs.replace(ALARM, priority=changes.get("priority", 1))]
    return msgspec.structs.replace(DOC, alarms=alarms, **changes)


def notify(effect: str = "81234.0", *, person: str = "grid", channel: str = "chat", reason: str = "called",
           role: str = "grid_staff", **changes: Any) -> Notify:  # fmt: skip
    """A call about the kitchen fire; `changes` go to its document."""
    d = doc(**changes)
    return Notify(effect, d.id, d.rev, person, role, channel, reason, d.priority, d.mode, d.site, 0, True, d)


def publish(
    effect: str = "81234.1", *, target: str = "city", topic: str = "incident.opened", **changes: Any
) -> Publish:
    """The kitchen fire for a machine."""
    d = doc(**changes)
    return Publish(effect, target, topic, d.mode, d.site, d.updated_at, d)


class People:
    """A directory: everybody has an address everywhere unless listed in `without`."""

    def __init__(self, without: tuple[str, ...] = ()) -> None:
        self.without = without

    def address(self, person: str, channel: str) -> str | None:
        return None if person in self.without else f"json://127.0.0.1/{person}"

    def name(self, person: str) -> str:
        return {"grid": "张三", "home": "李四（住户）"}.get(person, "")

    def language(self, person: str) -> str:
        return "en" if person == "guest" else "zh-CN"


def composer(plan: Plan = PLAN, base_url: str | None = BASE) -> Composer:
    return Composer(plan, People(), key=KEY, base_url=base_url)


def house(tmp_path: Path, clock: ManualClock | None = None, **more: Any) -> House:
    clock = clock or ManualClock(OPENED)
    return House(tmp_path, "test-gw", clock.utc_ms, clock.monotonic_ms, **more)


class Hand:
    """A channel's client that answers what the test says: an outcome, an exception, or nothing until it is told."""

    def __init__(self, *answers: SendOutcome | Exception | None) -> None:
        self.answers = list(answers)
        self.notices: list[Notice] = []
        self.held: list[tuple[Notice, asyncio.Future[SendOutcome]]] = []
        self.served = self.closed = 0

    async def serve(self) -> None:
        self.served += 1

    async def close(self) -> None:
        self.closed += 1

    async def send(self, notice: Notice) -> SendOutcome:
        self.notices.append(notice)
        answer = self.answers.pop(0) if self.answers else SENT
        if isinstance(answer, Exception):
            raise answer
        if answer is not None:
            return answer
        future: asyncio.Future[SendOutcome] = asyncio.get_running_loop().create_future()
        self.held.append((notice, future))
        return await future

    def release(self, outcome: SendOutcome = SENT) -> None:
        """Let the oldest held try end."""
        self.held.pop(0)[1].set_result(outcome)

    @property
    def effects(self) -> list[str]:
        return [n.effect for n in self.notices]


def by_hand(name: str, hand: Hand, kind: str = "hand", **more: Any) -> ChannelInstance:
    async def sender(client: Hand, notice: Notice) -> SendOutcome:
        return await client.send(notice)

    return ChannelInstance(name, kind, hand, sender, **more)


class Desk:
    """A deliverer under a manual clock, with everything it reported."""

    def __init__(self, *channels: ChannelInstance, people: People | None = None, render: Any = None,
                 targets: Mapping[str, str] | None = None, together_max: int = 64) -> None:  # fmt: skip
        self.clock = ManualClock(OPENED)
        self.reports: list[Delivered] = []
        self.deliverer = Deliverer(
            {c.name: c for c in channels}, targets or {}, people or People(), self.reports.append,
            render or composer(), clock=self.clock, rng=_NoJitter(), sleep=_never, together_max=together_max,
        )  # fmt: skip

    async def look(self) -> None:
        """Let everything happen that can at the clock's present time, with tries held by the test still open."""
        self.deliverer.look()
        for _ in range(20):  # a try, its end, the report and the next try take a handful of turns of the loop
            await asyncio.sleep(0)

    async def after(self, ms: int) -> None:
        self.clock.advance(ms)
        await self.look()

    def ends(self) -> dict[str, tuple[str, str, int]]:
        return {r.effect: (r.outcome.value, r.detail, r.tries) for r in self.reports}


class _NoJitter(random.Random):
    def random(self) -> float:
        return 0.0


async def _never(_: int) -> None:
    await asyncio.Event().wait()


@asynccontextmanager
async def running(desk: Desk) -> AsyncIterator[Desk]:
    task = asyncio.create_task(desk.deliverer.run())
    try:
        yield desk
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def told(address: str, **changes: Any) -> Notice:
    """A call about the kitchen fire to an address."""
    return composer().notice(notify(**changes), address, OPENED)


def machine(**changes: Any) -> Notice:
    """The kitchen fire for a machine."""
    return composer().notice(publish(**changes), None, OPENED)


async def attempt(channel: ChannelInstance, notice: Notice, limit_s: float = 20.0) -> SendOutcome:
    """One try as the deliverer makes it: past the limit it is cancelled and counts as failed."""
    try:
        async with asyncio.timeout(limit_s):
            return await channel.send(notice)
    except TimeoutError:
        return SendOutcome(Sent.RETRY, "time-limit")


@asynccontextmanager
async def opened(channel: ChannelInstance) -> AsyncIterator[ChannelInstance]:
    """With its background task running, as under the deliverer."""
    task = asyncio.create_task(channel.client.serve())
    try:
        yield channel
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await channel.client.close()


Answer = Callable[[str, dict[str, str], bytes], Awaitable[bytes] | bytes]


@asynccontextmanager
async def http_server(
    answer: Answer, tls: ssl.SSLContext | None = None
) -> AsyncIterator[tuple[int, list[tuple[str, dict[str, str], bytes]]]]:
    """A real HTTP/1.1 server on 127.0.0.1: its port, and what it was sent as `(path, headers, body)`.

    `answer` gives the raw bytes of the response; the connection is closed after them.
    """
    got: list[tuple[str, dict[str, str], bytes]] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = head[0].split(" ")[1]
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in head[1:] if line)}
            body = await reader.readexactly(int(headers.get("content-length", 0)))
            got.append((path, headers, body))
            made = answer(path, headers, body)
            writer.write(made if isinstance(made, bytes) else await made)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client went away, which some tests want
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    async with server:
        yield server.sockets[0].getsockname()[1], got


async def hang(*_: Any) -> bytes:
    """An answer that never comes."""
    await asyncio.sleep(60)
    return b""


def reply(status: int, body: bytes = b"", *headers: str) -> bytes:
    """A raw response that ends with the connection."""
    lines = [f"HTTP/1.1 {status} X", "connection: close", f"content-length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


NASTY = st.text(max_size=40) | st.sampled_from(
    [
        "",
        "<script>alert(1)</script>",
        '"onload="x',
        "a'b&c",
        "\u202eevil",
        "x" * 5000,
        "\x00\x1b[2J",
        "楼" * 3000,
        "😀",
    ]
)
_MS = st.integers(-(2**40), 2**45)


@st.composite
def docs(draw: st.DrawFn) -> IncidentDoc:
    """Documents as wild as the types allow: unknown words, unknown places, any time, any text."""
    words = st.sampled_from
    alarms = draw(
        st.lists(
            st.builds(
                AlarmDoc, NASTY, NASTY, NASTY, NASTY, words(["demo:s/smoke", "x", "west:a/b"]) | NASTY,
                words(sorted(METRICS)) | NASTY, NASTY, words(["k", "b3", "s", ""]) | NASTY,
                words([h.value for h in Hazard]), st.integers(1, 4),
                words(["NORM", "UNACK", "LATCHED_ACKED", "x"]), _MS,
                st.none() | st.booleans() | st.floats() | NASTY, st.none() | words(["degC", "kPa", "month"]) | NASTY,
                st.none(),
            ),
            max_size=4,
        )
    )  # fmt: skip
    return IncidentDoc(
        draw(words(["20261121-0007", "20261121-00071", "x"])), draw(st.integers(1, 10**6)), draw(words(list(Mode))),
        draw(NASTY), draw(words([h.value for h in Hazard])), draw(st.integers(1, 4)),
        draw(words(["open", "taken", "dispatched", "on_scene", "under_control", "closed", "reopened"])),
        draw(words(["unverified", "confirmed_by_devices", "real", "false", "test", "drill"])),
        draw(words(["ringing", "muted", "silent"])), draw(words(["k", "b3", "s", "", "gone"])), [], draw(_MS),
        draw(st.none() | _MS), draw(_MS), alarms, cause=draw(NASTY), late_ms=draw(st.integers(0, 10**12)),
        taken_by=draw(st.none() | words(["grid", "home"]) | NASTY),
        taken_role=draw(words(["grid_staff", "household", ""])),
        next_at=draw(st.none() | _MS), next_step=draw(st.none() | words(["household,grid_staff"]) | NASTY),
        cases=draw(st.lists(st.just({"partner": "city", "number": "1"}), max_size=2)),
        title=draw(words(["fire.smoke", "gone", ""])),
    )  # fmt: skip
