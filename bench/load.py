"""The load as its own process: `python -m bench.load` reads its orders as JSON and says when it began and ended."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Sequence
from typing import overload

import uvloop

from bench.wire import open_wire, publish, send


class Streamed(Sequence[bytes]):
    """The messages `packets` makes, each part when it is asked for."""

    def __init__(self, count: int, qos: int, first: int, devices: int) -> None:
        self._count, self._qos, self._first, self._devices = count, qos, first, devices

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, at: int) -> bytes: ...
    @overload
    def __getitem__(self, at: slice) -> list[bytes]: ...
    def __getitem__(self, at: int | slice) -> bytes | list[bytes]:
        if isinstance(at, int):
            return self[at : at + 1][0]
        begin, end, _ = at.indices(self._count)
        return packets(end - begin, self._qos, self._first + begin, self._devices)


def packets(count: int, qos: int, first: int, devices: int) -> list[bytes]:
    """Five readings a message from so many devices on 125 sites, about 85 bytes of JSON."""
    made = []
    for n in range(first, first + count):
        body = (
            f'{{"v":1,"temperature":{18 + n % 60 / 10:.1f},"humidity":{40 + n % 30},"battery":{90 - n % 7},'
            f'"gas_lel":{n % 4 * 0.5:.1f},"pressure":{300 + n % 20}.0}}'
        )
        made.append(
            publish(f"community/s{n % 125}/d{n % devices}/telemetry", body.encode(), qos, n % 65_535 + 1)
        )
    return made


async def main() -> None:
    orders = json.loads(sys.stdin.readline())
    wire = await open_wire(orders["host"], orders["port"], orders["name"], orders["user"], orders["password"])
    make = Streamed if orders["streamed"] else packets
    ready = make(orders["count"], orders["qos"], orders["first"], orders["devices"])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    used = time.process_time()
    took = await send(wire, ready, orders.get("rate"))
    while orders["qos"] and wire.acked < len(ready):  # noqa: ASYNC110 - cheaper than an event for each of 100 000 PUBACKs
        await asyncio.sleep(0.01)
    done = {"took": took, "acked": wire.acked, "cpu_s": time.process_time() - used}
    sys.stdout.write(json.dumps(done) + "\n")
    sys.stdout.flush()
    await asyncio.sleep(0.2)
    wire.close()


if __name__ == "__main__":
    uvloop.run(main())
