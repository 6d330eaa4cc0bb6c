"""A small estate for stories about the core: one building, two floors, and somebody for every role."""

from __future__ import annotations

from devices.catalogue import Catalogue, Device, Level, Place, Source
from gateway.core.plan import Person, Plan, Policy, Route, Step
from rules.load import shipped
from rules.rule import Rule

PLACES = (
    Place("est", Level.SITE, "阳光花园", grid="g1"),
    Place("b1", Level.BUILDING, "1号楼", "est"),
    Place("u1", Level.UNIT, "1单元", "b1"),
    Place("f5", Level.FLOOR, "5层", "u1"),
    Place("f6", Level.FLOOR, "6层", "u1"),
    Place("h502", Level.HOUSEHOLD, "502", "f5"),
    Place("h601", Level.HOUSEHOLD, "601", "f6"),
    Place("b2", Level.BUILDING, "2号楼", "est"),
)
DEVICES = (
    Device("sim:kitchen", "h502", "smoke"),
    Device("sim:corridor", "f5", "smoke"),
    Device("sim:upstairs", "h601", "smoke"),
    Device("sim:sos", "h601", "sos"),
    Device("sim:hydrant", "b2", "hydrant"),
    Device("sim:other", "b2", "smoke"),
)
GAS = Device("sim:gas", "h502", "gas", mains=True, report_period_s=60)
CHAIN = Policy(
    steps=(
        Step(0, ("household", "duty_operator")),
        Step(30, ("building_lead",)),
        Step(60, ("grid_staff",)),
        Step(120, ("grid_lead",)),
    ),
    repeat_s=180,
    confirmed=("micro_station",),
    give_back_s=180,
)
PEOPLE = {
    p.id: p
    for p in (
        Person("li", (("household", "h502"),), ("sms",)),
        Person("wang", (("duty_operator", "est"),), ("wecom", "sms")),
        Person("zhao", (("building_lead", "b1"),), ("wecom",)),
        Person("sun", (("grid_staff", "g1"),), ("wecom", "sms")),
        Person("qian", (("grid_lead", "g1"),), ("wecom",)),
        Person("zhou", (("micro_station", "est"),), ("wecom",)),
    )
}


def estate(
    *,
    simulated: bool = False,
    targets: tuple[str, ...] = ("mqtt",),
    rules: tuple[Rule, ...] = (),
    gas: bool = False,
) -> Plan:
    """The plan: shipped rules (or the ones given), the chain for P1, the desk alone for P2.

    `gas` adds a mains gas detector, whose silence is an alarm within minutes.
    """
    source = Source("sim", "est", simulated)
    return Plan(
        rules=rules or shipped().rules,
        catalogue=Catalogue(
            {p.id: p for p in PLACES},
            {d.id: d for d in (*DEVICES, *((GAS,) if gas else ()))},
            {"sim": source},
        ),
        policies={"p1": CHAIN, "p2": Policy(steps=(Step(0, ("duty_operator",), False),), repeat_s=900)},
        route=Route(
            targets=targets,
            routes=(Route(priority=(1,), policy="p1"), Route(priority=(2,), policy="p2")),
        ),
        people=PEOPLE,
    )
