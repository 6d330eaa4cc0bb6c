"""What simulated devices do when they are told something, as real ones do: a moment later, and they say so."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final, NamedTuple

from devices.simulator.dialects import Heard
from devices.simulator.truth import What
from devices.simulator.unit import Unit
from devices.simulator.world import World


class Deed(NamedTuple):
    """What a command comes to: a level of the device, after so many milliseconds."""

    metric: str
    value: bool
    after_ms: int = 300


DEEDS: Final[dict[tuple[str, str], Deed]] = {
    ("siren", "siren_on"): Deed("buzzer", True),
    ("siren", "siren_off"): Deed("buzzer", False),
    ("valve", "valve_close"): Deed("valve_open", False, 1500),  # a motor turns
    ("meter", "relay_off"): Deed("relay", False),
    **{(kind, "mute"): Deed("muted", True) for kind in ("smoke", "heat", "gas", "co")},
    **{(kind, "self_test"): Deed("test", True) for kind in ("smoke", "heat", "gas", "co")},
}
"""What which kind of device does; anything else it refuses. Nothing here opens a valve."""


class Obeying:
    """The part of a site's verbs that is about being told."""

    world: World

    def disobey(self, who: str | Iterable[str], *, on: bool = True) -> tuple[str, ...]:
        """The devices hear what they are told and do nothing, as with a stuck motor; `on` false mends them."""
        names = (who,) if isinstance(who, str) else tuple(who)
        for name in names:
            self.world.unit(name).deaf = on
        return names

    def hear(self, topic: str, payload: bytes) -> Heard | None:
        """A message came to the site; gives the command in it, which the device obeys a moment later."""
        heard = self.world.dialect.hear(topic, payload)
        unit = self.world.units.get(heard.name) if heard is not None else None
        if heard is None or unit is None or unit.cut or unit.dead or unit.deaf:
            return None
        deed = DEEDS.get((unit.kind.name, heard.command))
        answer = self.world.dialect.result(heard, deed is not None)
        if answer is not None:
            self.world.send(unit, answer, What.STATUS, heard.command)
        if deed is not None:
            self.world.after(deed.after_ms, lambda: self._obey(unit, heard.command, deed))
        return heard

    def _obey(self, unit: Unit, command: str, deed: Deed) -> None:
        verbs: Any = self
        if deed.metric == "muted":
            verbs.hush(unit.name)
        elif deed.metric == "test":
            verbs.press_test(unit.name)
        else:
            unit.put(deed.metric, deed.value)
        self.world.report(unit, command)
