"""Stories told as small scripts: at which second which verb happens to whom."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import count
from typing import Any, Final, NamedTuple, Protocol


class Step(NamedTuple):
    """`verb(who, **args)` at `at_s` seconds after the story began."""

    at_s: float
    verb: str
    who: Any
    args: Mapping[str, Any] = {}


class Stage(Protocol):
    """What a story must know of its site."""

    def find(self, kind: str | None = None, place: str = "", count: int | None = None) -> tuple[str, ...]: ...


Story = Callable[[Stage], Iterator[Step]]


def _one(site: Stage, kind: str, *places: str) -> str:
    """The first device of the kind in the first of the places that has one, else anywhere. ValueError if none."""
    for place in (*places, ""):
        if found := site.find(kind, place, 1):
            return found[0]
    raise ValueError(f"the story needs a device of kind {kind}")


def _floor(name: str) -> str:
    """What the names of all devices of a floor begin with."""
    return "-".join(name.split("-")[:3])


def _kitchen(site: Stage, kind: str = "smoke") -> str:
    return _one(site, kind, "b1-u1-f05-502-kitchen", "-kitchen")


def _neighbour(site: Stage, kitchen: str) -> str | None:
    floor = _floor(kitchen)
    near = [n for n in site.find("smoke", floor) if n != kitchen and n.startswith(floor)]
    return next((n for n in near if "corridor" in n), near[0] if near else None)


def calm(site: Stage) -> Iterator[Step]:
    """Reports by the clock and nothing else."""
    return iter(())


def kitchen_fire(site: Stage) -> Iterator[Step]:
    """A kitchen detector alarms at 8 s, the corridor's at 16 s; it is out after three minutes."""
    kitchen = _kitchen(site)
    yield Step(3, "smoke", kitchen, {"ramp_s": 5})
    corridor = _neighbour(site, kitchen)
    if corridor:
        yield Step(11, "smoke", corridor, {"ramp_s": 5})
    yield Step(180, "clear", kitchen, {"over_s": 20})
    if corridor:
        yield Step(190, "clear", corridor, {"over_s": 20})


def gas_leak(site: Stage) -> Iterator[Step]:
    """Gas climbs past pre-alarm and alarm towards 30 %LEL; the valve is shut after two minutes."""
    kitchen = _kitchen(site, "gas")
    yield Step(2, "gas", kitchen, {"ramp_s": 30, "peak": 30})
    yield Step(150, "clear", kitchen, {"over_s": 60})


def hydrant_theft(site: Stage) -> Iterator[Step]:
    """A tanker fills itself from a hydrant for five minutes."""
    yield Step(2, "draw_water", _one(site, "hydrant"), {"flow": 700, "seconds": 300})


def detector_dies(site: Stage) -> Iterator[Step]:
    """A gas detector is unplugged and never heard of again."""
    yield Step(2, "die", _kitchen(site, "gas"))


def uplink_lost(site: Stage) -> Iterator[Step]:
    """A building is cut off for ten minutes; a detector alarms meanwhile, and all of it comes late."""
    kitchen = _kitchen(site)
    building = kitchen.split("-")[0]
    cut = site.find(None, f"{building}-")
    yield Step(2, "cut_uplink", cut)
    yield Step(120, "smoke", kitchen)
    yield Step(240, "clear", kitchen)
    yield Step(602, "restore_uplink", cut)


def false_alarm(site: Stage) -> Iterator[Step]:
    """Somebody burns the dinner: smoke, the button on the detector, fresh air."""
    kitchen = _kitchen(site)
    yield Step(2, "smoke", kitchen)
    yield Step(40, "hush", kitchen)
    yield Step(75, "clear", kitchen, {"over_s": 30})


def chattering(site: Stage) -> Iterator[Step]:
    """A leak sensor on a wet floor says wet and dry twenty times in two minutes."""
    leak = _one(site, "water_leak")
    for n in range(20):
        yield Step(2 + 6 * n, "alarm", leak, {"metric": "water_leak"})
        yield Step(5 + 6 * n, "clear", leak, {"over_s": 0})


def press_test(site: Stage) -> Iterator[Step]:
    """The monthly test of five detectors, one after the other."""
    for n, name in enumerate(site.find("smoke", "", 5)):
        yield Step(2 + 10 * n, "press_test", name)


def sos(site: Stage) -> Iterator[Step]:
    """An old person presses the button, and again half a minute later."""
    button = _one(site, "sos")
    yield Step(2, "sos", button)
    yield Step(32, "sos", button)


def storm(site: Stage) -> Iterator[Step]:
    """Everything at once: fire on a floor, gas, water, a flooding device, garbage, duplicates, wrong clocks."""
    kitchen = _kitchen(site)
    smokes = site.find("smoke", "", 12)
    yield Step(1, "skew_clock", smokes[-1])
    for n, name in enumerate(dict.fromkeys((kitchen, *smokes))):
        yield Step(2 + n, "smoke", name, {"ramp_s": 5})
        yield Step(9 + n, "duplicate", name, {"times": 2})
    for kind, verb in (
        ("gas", "gas"),
        ("hydrant", "draw_water"),
        ("sos", "sos"),
        ("call_point", "call_point"),
    ):
        for name in site.find(kind, "", 2):
            yield Step(20, verb, name)
    yield Step(25, "flood", kitchen, {"per_s": 20, "seconds": 10})
    yield Step(26, "garbage", smokes[0])
    for name in dict.fromkeys((kitchen, *smokes)):
        yield Step(120, "clear", name)


def demo(site: Stage) -> Iterator[Step]:
    """What a newcomer sees: the kitchen fire, then an ordinary evening for ever, with no further call-out."""
    yield from kitchen_fire(site)
    yield from _evening(site, 240)


def demo_loop(site: Stage) -> Iterator[Step]:
    """The demo with a call-out of another kind every five minutes."""
    yield from kitchen_fire(site)
    needs = ((gas_leak, "gas"), (sos, "sos"), (kitchen_fire, "smoke"))
    stories = [story for story, kind in needs if site.find(kind, "", 1)]  # not every dialect has them all
    for n in count(1):
        yield from _later(300 * n, stories[(n - 1) % len(stories)](site))


def _later(by_s: float, steps: Iterator[Step]) -> Iterator[Step]:
    return (step._replace(at_s=step.at_s + by_s) for step in steps)


def _evening(site: Stage, from_s: float) -> Iterator[Step]:
    """One small thing a minute: a test, an empty battery and a new one, a hydrant, a car in the lane, a loose cover."""
    smokes = [n for n in site.find("smoke") if n != _kitchen(site)]
    hydrants, cameras = site.find("hydrant"), site.find("camera", "lane")
    for n in count() if smokes else ():
        at = from_s + 300 * n
        tested, empty, loose = (smokes[(7 * n + k) % len(smokes)] for k in (0, 2, 5))
        yield Step(at, "press_test", tested)
        yield Step(at + 60, "low_battery", empty, {"percent": 8})
        if hydrants:
            yield Step(at + 120, "draw_water", hydrants[n % len(hydrants)], {"flow": 420, "seconds": 40})
        if cameras:
            yield Step(at + 180, "park", cameras[n % len(cameras)])
            yield Step(at + 230, "clear", cameras[n % len(cameras)])
        yield Step(at + 240, "tamper", loose, {"restore_s": 30})
        yield Step(at + 250, "new_battery", empty)


SCENARIOS: Final[dict[str, Story]] = {
    story.__name__: story
    for story in (
        calm, kitchen_fire, gas_leak, hydrant_theft, detector_dies, uplink_lost, false_alarm, chattering, press_test,
        sos, storm, demo, demo_loop,
    )
}  # fmt: skip
"""Every story by its name."""
