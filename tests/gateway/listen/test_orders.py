"""What devices are told over their own connection: on the right line, once, and always with an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway.listen import orders
from gateway.listen.frames import Datagrams
from gateway.listen.orders import Order, order_of
from tests.gateway.listen.rig import family, framed
from tests.gateway.listen.test_frames import Ends, Port, said
from tests.parts import async_until

NOW = 1_795_276_800_000


def order(n: int = 1, what: bytes = b"ring", command: str = "c1", expires_at: int = NOW + 60_000) -> Order:
    return Order(f"{n}.0", command, "s", "framed/x", what, expires_at)


@asynccontextmanager
async def spoken(folder: Path) -> AsyncIterator[tuple[Port, Ends, list[tuple[str, bool, str]]]]:
    """A device that said `fire`, and what is told of orders to it."""
    async with Port(folder) as port, port.peer() as (reader, writer):
        told: list[tuple[str, bool, str]] = []
        port.streams.lines.told = lambda *end: told.append(end)
        writer.write(b"fire\n")
        assert await said(reader) == b"ok fire\n"
        yield port, (reader, writer), told


async def test_an_order_goes_over_the_devices_line_and_its_answer_ends_it(tmp_path: Path) -> None:
    """The codec makes the frame from what the device said last; its confirm, and only its confirm, is the end."""
    async with spoken(tmp_path) as (port, (reader, writer), told):
        port.streams.lines.send(order())
        assert await said(reader) == b"do ring after fire 1\n"
        writer.write(b"took 7\nhello\n")
        assert (await said(reader)).startswith(b"hello")
        assert told == []
        writer.write(b"took 1\ntook 1\n")
        await async_until(lambda: told, "it is told")
        assert told == [("1.0", True, "")]
        port.streams.lines.send(order(2, command="c2"))
        assert await said(reader) == b"do ring after fire 2\n"
        writer.write(b"denied 2\n")
        await async_until(lambda: len(told) == 2, "the refusal is told")
        assert told[1][:2] == ("2.0", False)
        assert told[1][2].startswith("denied")


async def test_a_second_try_is_the_same_exchange(tmp_path: Path) -> None:
    """The same serial number again (GB/T 26875.3-2011, 6.5.5): an answer to the first try ends the second."""
    async with spoken(tmp_path) as (port, (reader, writer), told):
        port.streams.lines.send(order(1))
        port.streams.lines.send(order(2))
        assert [await said(reader), await said(reader)] == [b"do ring after fire 1\n"] * 2
        writer.write(b"took 1\n")
        await async_until(lambda: len(told) == 2, "both are told")
        assert told == [("1.0", False, "replaced: asked again"), ("2.0", True, "")]


async def test_another_connections_answer_counts_nothing(tmp_path: Path) -> None:
    """Whoever else is on the port cannot confirm for a device."""
    async with spoken(tmp_path) as (port, (reader, writer), told), port.peer() as (_, stranger):
        port.streams.lines.send(order())
        await said(reader)
        stranger.write(b"took 1\n")
        await async_until(lambda: port.figures.counts["s"]["answered"] == 1, "the stranger was heard")
        assert told == []
        writer.write(b"took 1\n")
        await async_until(lambda: told, "the device was heard")
        assert told == [("1.0", True, "")]


async def test_silence_is_told(tmp_path: Path) -> None:
    """A device that does not answer in its time did not take it."""
    async with spoken(tmp_path) as (port, _, told):
        port.streams.lines._confirm_s = 0.01
        port.streams.lines.send(order())
        await async_until(lambda: told, "the silence is told")
        assert told[0][2].startswith("silent")


@pytest.mark.parametrize(("wanted", "why"), [
    (order(expires_at=NOW), "expired"), (order(what=b"burst"), "not-taken"),
    (Order("1.0", "c1", "s", "framed/y", b"ring", NOW + 1), "unreachable"),
])  # fmt: skip
async def test_what_cannot_be_told_is_said_at_once(tmp_path: Path, wanted: Order, why: str) -> None:
    """Too late, a codec's bug, a device that never spoke."""
    async with spoken(tmp_path) as (port, _, told):
        port.streams.lines.send(wanted)
        assert [end[2].partition(":")[0] for end in told] == [why]


async def test_a_line_that_is_gone_is_said(tmp_path: Path) -> None:
    """After the device hung up there is no way to it, until it comes back."""
    async with Port(tmp_path) as port:
        told: list[Any] = []
        port.streams.lines.told = lambda *end: told.append(end)
        async with port.peer() as (reader, writer):
            writer.write(b"fire\n")
            await said(reader)
        await async_until(lambda: not port.streams.peers, "it has gone")
        assert not port.streams.lines.has("framed/x")
        port.streams.lines.send(order())
        assert told[0][2].startswith("unreachable")


async def test_too_many_at_once_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exchanges are bounded, and so are the devices whose line is remembered."""
    monkeypatch.setattr(orders, "EXCHANGES_MAX", 1)
    monkeypatch.setattr(orders, "LINES_MAX", 1)
    async with spoken(tmp_path) as (port, (reader, _), told):
        port.streams.lines.send(order(1, command="c1"))
        await said(reader)
        port.streams.lines.send(order(2, command="c2"))
        assert told == [("2.0", False, "busy: too much is asked at once")]


async def test_a_device_of_datagrams_is_told_at_its_last_address(tmp_path: Path) -> None:
    """UDP has no connection: the order goes where the last frame came from."""
    async with Port(tmp_path) as port:
        door = Datagrams(family(framed), port.uplink, port.figures, lambda: NOW)
        told: list[Any] = []
        door.lines.told = lambda *end: told.append(end)
        number = await door.open("127.0.0.1", 0)
        heard: asyncio.Queue[bytes] = asyncio.Queue()

        class Device(asyncio.DatagramProtocol):
            def datagram_received(self, data: bytes, addr: object) -> None:
                heard.put_nowait(data)

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            Device, remote_addr=("127.0.0.1", number)
        )
        try:
            async with asyncio.timeout(20):
                transport.sendto(b"fire\n")
                assert await heard.get() == b"ok fire\n"
                door.lines.send(order())
                assert await heard.get() == b"do ring after fire 1\n"
            transport.sendto(b"took 1\n")
            await async_until(lambda: told, "it is told")
            assert told == [("1.0", True, "")]
        finally:
            transport.close()
            door.close()


async def test_the_engines_word_reaches_the_listener_and_back(tmp_path: Path) -> None:
    """Over the control socket both ways, beside the messages."""
    async with Port(tmp_path) as port:
        got: list[Order] = []
        port.uplink._ordered = lambda message: got.append(order_of(message))
        wanted = order()
        fields = {name: getattr(wanted, name) for name in Order.__struct_fields__}
        port.engine.say({"do": "order", **fields})
        await async_until(lambda: got, "the order arrived")
        assert got == [wanted]
        port.uplink.told("1.0", False, "silent: nobody")
        await async_until(lambda: port.engine.told, "its end arrived")
        assert port.engine.told == [("1.0", False, "silent: nobody")]
