"""How soon a fire panel's frame is confirmed: GB/T 26875.3-2011 asks for a second, we answer after the commit."""

from __future__ import annotations

import asyncio
from typing import Final

from bench.alarms import percentile
from bench.rig import Kind, Load, gateway, say
from devices.codecs.gb26875.frame import CONFIRM, SEND, Packet, encode, parse, to_bytes
from devices.codecs.gb26875.unit import PartState, write
from gateway.clock import SystemClock
from gateway.config import SourceSettings

PANELS: Final = 40
PORT: Final = 18_990
EVERY_S: Final = 0.25  # a panel sends; hundreds of times as often as a real one
RATE: Final = 1000.0  # MQTT messages a second beside them
_FRAME_BYTES: Final = 30  # of a confirmation
_SYSTEM, _PANEL, _SMOKE_DETECTOR = 1, 1, 40


async def measure_confirm(kind: Kind, seconds: float) -> None:
    """Panels that send the state of a detector, each waiting for its confirmation; every tenth state is a fire."""
    panels = SourceSettings("panels", "home", listen=f"tcp://127.0.0.1:{PORT}", codecs=("gb26875",))
    async with gateway(kind, sources=(panels,)) as supervisor:
        assert supervisor.broker is not None
        load = Load(supervisor.broker, round(RATE * (seconds + 2)), 1, RATE)
        await load.ready()
        load.go()
        await asyncio.sleep(1)
        async with asyncio.TaskGroup() as group:
            runs = [group.create_task(_panel(n, seconds)) for n in range(PANELS)]
        await load.done()
    took = [one for run in runs for one in run.result()]
    say(
        f"frames of {PANELS} fire panels beside {RATE:,.0f} msg/s: {len(took):,} confirmed after the commit, "
        f"p50 {percentile(took, 50):.0f} ms, p99 {percentile(took, 99):.0f} ms, slowest {max(took):.0f} ms"
    )


async def _panel(number: int, seconds: float) -> list[float]:
    """One transmission device on a line of its own; gives the milliseconds to each confirmation."""
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    loop = asyncio.get_running_loop()
    took: list[float] = []
    await asyncio.sleep(EVERY_S * number / PANELS)
    for serial in range(1, round(seconds / EVERY_S) + 1):
        began = loop.time()
        writer.write(_frame(number, serial, fire=serial % 10 == 0))
        while True:
            answer = parse(await reader.readexactly(_FRAME_BYTES))
            if answer.command == CONFIRM and answer.serial == serial:
                break
        took.append((loop.time() - began) * 1000)
        await asyncio.sleep(max(0.0, EVERY_S - (loop.time() - began)))
    writer.close()
    return took


def _frame(panel: int, serial: int, *, fire: bool) -> bytes:
    """The state of one smoke detector: bit 0 says that it runs, bit 1 fire."""
    now = to_bytes(SystemClock().utc_ms())
    said = PartState((_SYSTEM, _PANEL), _SMOKE_DETECTOR, panel, 3 if fire else 1, time=now)
    return encode(Packet(serial, 1, 1, now, 0x1000 + panel, 0, SEND, write([said])))
