"""A snapshot's bytes and a plan's digest: how they are made must not show."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from gateway.core.plan import digest
from gateway.core.state import CHUNK, DeviceState, PointState, State, freeze, thaw
from tests.core.community import estate


@pytest.mark.parametrize("points", [0, 1, 15, 16, CHUNK - 1, CHUNK, CHUNK + 1, 65_535, 65_536])
def test_points_frozen_in_parts_are_one_list(points: int) -> None:
    """However many points there are, the bytes are those of one array, whole and in order."""
    device = DeviceState("s:d", 5)
    state = State(seq=7, at=9, plan="p", devices={device.id: device})
    for n in range(points):
        name = f"s:d/m{n}/"
        state.points[name] = PointState(name, device, float(n) if n % 3 else None, n if n % 2 else None)
    frozen = freeze(state)
    rows: list[Any] = msgspec.msgpack.decode(frozen)
    assert msgspec.msgpack.encode(rows) == frozen
    assert rows[6] == [[p.id, p.value, p.measured_at] for p in state.points.values()]
    assert freeze(thaw(frozen)) == frozen


def test_the_order_of_a_catalogue_is_no_part_of_a_plan() -> None:
    """The same places, devices and people in another order are the same plan; one device less is another."""
    plan = estate(gas=True)
    known = plan.catalogue
    turned = replace(
        plan,
        catalogue=replace(
            known,
            places=dict(reversed(known.places.items())),
            devices=dict(reversed(known.devices.items())),
        ),
        people=dict(reversed(list(plan.people.items()))),
    )
    assert digest(turned) == digest(plan)
    assert digest(estate()) != digest(plan)
