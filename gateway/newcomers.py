"""Newly heard devices: which of them have no place, and placing those whose name a saved rule knows."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

import structlog

from devices.reading import source_of, split_point
from gateway.clock import Clock
from gateway.latest import Latest
from gateway.registry import Registry
from gateway.registry.newcomers import Wish, suggested_kind
from gateway.registry.placing import BadPattern, Fitter, Placement

OWN_SOURCE: Final = "gateway"
"""`gateway.config.settings.OWN_SOURCE`, which stands above the API: the gateway's own parts are never newcomers."""

WHO: Final = "placement-rule"
"""Who stands in the journal of edits for what a rule did."""

QUIET_MS: Final = 2_000  # devices come in crowds: they are placed together when no other came for this long,
PATIENCE_MS: Final = 10_000  # or the first has waited for this long
HEARD_MS: Final = (
    7 * 86_400_000
)  # one silent for longer is no newcomer, even where the history still knows it
AT_ONCE: Final = 2_000  # devices of one edit: a quarter of a second
CHUNK: Final = 5_000  # names read at once
WAITING_MAX: Final = (
    50_000  # devices that fit a rule whose place is not there yet; later ones wait for a restart
)

log = structlog.get_logger(__name__)


def unplaced(
    latest: Latest, placed: Container[str], retired: Mapping[str, int], start: int = 0
) -> Iterator[tuple[int, str]]:
    """Devices that were heard and have no place, in the order they were first heard, each with where to go on.

    One that was changed for another or taken out (`retired`, with the UTC ms of it) counts again once it is heard
    after that. The gateway's own parts never do.
    """
    following: int | None = start
    while following is not None:
        at = following
        names, following = latest.devices(at, CHUNK)
        for place, name in enumerate(names, at + 1):
            if name in placed or source_of(name) == OWN_SOURCE:
                continue
            if name in retired and (latest.device_last_at(name) or 0) <= retired[name]:
                continue
            yield place, name


def kind_of(latest: Latest, device: str) -> str:
    """The kind its metrics tell; empty for unknown."""
    return suggested_kind(split_point(last.point)[1] for last in latest.of_device(device))


class Newcomers:
    """Places newcomers by the saved rules. `due` is asked often and costs nothing; `place` blocks: call in a thread."""

    def __init__(self, latest: Latest, registry: Registry, clock: Clock) -> None:
        self.latest, self.registry, self.clock = latest, registry, clock
        self._points = -1
        self._version = -1
        self._since: int | None = None  # when the first of those that wait came
        self._changed_at = 0
        self._rules: Sequence[Placement] = ()
        self._cursor = 0
        self._homeless: dict[str, None] = {}

    def due(self) -> bool:
        """Whether it is time to look: something new was heard or the registry was edited, and no more came since."""
        now = self.clock.monotonic_ms()
        points, version = len(self.latest), self.registry.version()
        if (points, version) != (self._points, self._version):
            self._points, self._version, self._changed_at = points, version, now
            self._since = now if self._since is None else self._since
        if self._since is None:
            return False
        return now - self._changed_at >= QUIET_MS or now - self._since >= PATIENCE_MS

    def place(self) -> int:
        """Place what can be placed now; gives how many. Raises RegistryError, and then it is tried again."""
        rules = self.registry.placements()
        if rules != self._rules:
            self._rules, self._cursor, self._homeless = rules, 0, {}
        fitters = list(_fitters(rules))
        done, left = self._round(fitters) if fitters else (0, False)
        if not left:
            self._since = None
        return done

    def _round(self, fitters: Sequence[Fitter]) -> tuple[int, bool]:
        """Up to AT_ONCE of them: how many were placed, and whether some are left. What failed counts as not seen."""
        snapshot = self.registry.snapshot()
        catalogue, now, left = snapshot.catalogue, self.clock.utc_ms(), False
        has_place: Container[str] = {**catalogue.devices, **dict.fromkeys(snapshot.retired)}
        ready: list[Wish] = []
        homeless: dict[str, None] = {}
        cursor = self._cursor
        for following, device in chain(
            ((cursor, device) for device in self._homeless), unplaced(self.latest, has_place, {}, cursor)
        ):
            if len(ready) >= AT_ONCE:
                left = True
                if following == self._cursor:
                    homeless[device] = None
                    continue
                break
            cursor = following
            wish = self._wish(fitters, device, now) if device not in has_place else None
            if wish is not None and wish.place in catalogue.places:
                ready.append(wish)
            elif wish is not None and len(homeless) < WAITING_MAX:
                homeless[device] = None
        placed = 0
        if ready:
            settled = self.registry.settle(ready, who=WHO, now=now)
            placed = len(settled.placed)
            log.info("newcomers placed by rule", devices=placed, homeless=len(homeless))
        self._cursor, self._homeless = cursor, homeless
        return placed, left

    def _wish(self, fitters: Sequence[Fitter], device: str, now: int) -> Wish | None:
        """What the first rule that fits wishes for it. What a person took out or changed is not put back by a rule."""
        heard_at = self.latest.device_last_at(device)
        if heard_at is None or now - heard_at > HEARD_MS:
            return None
        for fitter in fitters:
            place = fitter.place(device)
            if place is not None:
                return Wish(device, place, fitter.placement.kind or kind_of(self.latest, device))
        return None


def _fitters(rules: Sequence[Placement]) -> Iterator[Fitter]:
    for rule in rules:
        try:
            yield Fitter(rule)
        except BadPattern as error:  # saved by another release
            log.error("a placement rule cannot be used", pattern=rule.pattern, reason=str(error))
