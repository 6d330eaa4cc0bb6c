"""What is no news: a message that a device sent before, and a broker's copy of an alarm whose end we saw."""

from __future__ import annotations

from typing import Final

from devices.reading import Flag, Reading
from gateway.core.event import Measured
from gateway.core.state import SEQUENCES_MAX, DeviceState, PointState, State

DUP_MS: Final = 60_000  # a DUP-flagged byte-identical message within this time is a repeat
_CLOCK_BAD: Final = int(Flag.CLOCK_BAD)


def repeated(device: DeviceState, event: Measured, at: int) -> bool:
    """A message this device already sent, by its own sequence, or by DUP flag and digest."""
    if event.sequence is not None:
        if event.sequence in device.sequences:
            return True
        device.sequences = (*device.sequences[-(SEQUENCES_MAX - 1) :], event.sequence)
        return False
    recent = tuple((d, t) for d, t in device.pulses if at - t < DUP_MS)
    if event.dup and any(d == event.digest for d, _ in recent):
        return True
    device.pulses = (*recent[-(SEQUENCES_MAX - 1) :], (event.digest, at))
    return False


def unseen(state: State, point: PointState, reading: Reading) -> bool:
    """Whether a stored alarm may be one that we never saw end: none ended, or it is newer than all we heard live."""
    if point.id not in state.cleared:
        return True
    last, moment = point.measured_at, reading.measured_at
    return last is not None and moment is not None and moment > last and not reading.flags & _CLOCK_BAD
