"""What partners hear of a device that is silent or says it is gone: once that it is lost, once that it has returned."""

from __future__ import annotations

from typing import Final

from devices.reading import source_of
from gateway.core.compiled import Compiled
from gateway.core.effect import Mode
from gateway.core.state import Alarm, Lost, State
from gateway.core.turn import Turn

BRIDGE: Final = "gateway_availability"
METRICS: Final = ("online", "availability", BRIDGE)
"""What the alarms stand on that mean "lost": silence (`online`), a will, and a bridge with everything behind it."""

SETTLE_MS: Final = 3_600_000  # so long after its bridge a device may take until it speaks of its own accord


def follow(turn: Turn) -> None:
    """What this step's alarms mean for whether their devices are lost; bridges first, for they speak for the others."""
    found = [a for a in turn.changed.values() if a.metric in METRICS and not a.device.startswith("gateway:")]
    for alarm in sorted(found, key=lambda a: a.metric != BRIDGE):
        _alarm(turn, alarm)


def settled(turn: Turn, source: str) -> None:
    """The time after a bridge's return is over: what is still lost behind it is lost on its own account."""
    if turn.state.source(source).bridges:
        return  # told when that one has returned
    for device, lost in turn.state.lost.items():
        if not lost.told and source_of(device) == source:
            _tell(turn, "device.lost", turn.state.alarms[lost.alarms[0]], lost)


def replanned(state: State, plan: Compiled) -> None:
    """A retired device is neither lost nor does it return."""
    for name in [n for n in state.lost if n in plan.retired]:
        del state.lost[name]
        source = state.source(source_of(name))
        source.bridges = tuple(b for b in source.bridges if b != name)


def _alarm(turn: Turn, alarm: Alarm) -> None:
    """One alarm on one device. While a bridge is out its loss stands for that of everything behind it.

    Which devices those are nobody says, so it holds for all of its source; their alarms are raised all the same.
    """
    state, device = turn.state, alarm.device
    source = state.source(source_of(device))
    lost = state.lost.get(device)
    if alarm.active:
        if device in turn.plan.retired or (lost is not None and alarm.id in lost.alarms):
            return
        if lost is None:
            lost = state.lost[device] = Lost([])
        lost.alarms.append(alarm.id)
        if alarm.metric == BRIDGE and device not in source.bridges:
            source.bridges = (*source.bridges, device)
        if not lost.told and (device in source.bridges or not source.bridges):
            _tell(turn, "device.lost", alarm, lost)
        return
    if lost is None or alarm.id not in lost.alarms:
        return
    lost.alarms.remove(alarm.id)
    if alarm.metric == BRIDGE:
        source.bridges = tuple(b for b in source.bridges if b != device)
        state.set_timer(f"lost:{source_of(device)}", turn.at + SETTLE_MS)
    if not lost.alarms:
        del state.lost[device]
        if lost.told:
            _tell(turn, "device.returned", alarm, lost)


def _tell(turn: Turn, topic: str, alarm: Alarm, lost: Lost) -> None:
    """`gateway.facts1.DeviceFact`, to whom such an alarm there would go; nobody hears of simulated hardware."""
    lost.told = True
    plan, device = turn.plan, turn.state.devices.get(alarm.device)
    if plan.mode(alarm.device) is Mode.SIMULATED:
        return
    known = plan.catalogue.devices.get(alarm.device)
    spoke = device is not None and device.seen
    data = {
        "device": alarm.device,
        "place": alarm.place,
        "kind": known.kind if known else "",
        "bridge": alarm.metric == BRIDGE,
        "heard_at": turn.state.utc(device.last_at) if device is not None and spoke else None,
    }
    turn.publish(topic, alarm, alarm.site, alarm.place, data)
