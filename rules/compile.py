"""Which rules look at which point, found quickly: the index the engine asks for every point it meets."""

from __future__ import annotations

from collections.abc import Iterable

from devices.catalogue import Catalogue, Device
from rules.rule import Match, Rule

Rules = tuple[Rule, ...]


class RuleIndex:
    """Rules by what they match, for one plan; rebuilt from scratch at a re-plan, which costs one pass over the rules.

    Answers keep the order of `rules`. They are memoised by what rules distinguish and by nothing else, so the memory is
    bounded by the words in the rules and the number of places, whatever devices send. A device that is not in the
    catalogue is of no kind and in no place: it matches every rule that restricts neither. Rules that hand on a device's
    own alarm to life match by metric alone, whatever else they say: fail towards the alarm.
    """

    def __init__(self, rules: Iterable[Rule], catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        everything = tuple(rules)
        self._judging = tuple(rule for rule in everything if not rule.when.ABSENCE)
        self._absence = tuple(rule for rule in everything if rule.when.ABSENCE)
        matches = [rule.match for rule in everything]
        self._metrics = frozenset(name for match in matches for name in match.metric)
        self._channels = frozenset(name for match in matches for name in match.channel)
        self._kinds = frozenset(name for match in matches for name in (*match.kind, *match.not_kind))
        self._sources = frozenset(name for match in matches for name in match.source)
        self._places = frozenset(name for match in matches for name in match.under)
        self._asks_mains = any(match.mains is not None for match in matches)
        self._under: dict[str, tuple[str, ...]] = {}
        self._found: dict[tuple[object, ...], Rules] = {}

    def rules_for(self, device: Device | None, metric: str, channel: str, source: str) -> Rules:
        """The rules that judge readings of this point (all kinds but the absence ones)."""
        kind, under, mains = self._facts(device)
        key = (
            kind if kind in self._kinds else None,
            under,
            mains if self._asks_mains else None,
            metric if metric in self._metrics else None,
            channel if channel in self._channels else None,
            source if source in self._sources else None,
        )
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = tuple(
                rule
                for rule in self._judging
                if (not rule.match.metric or metric in rule.match.metric)
                and (
                    rule.device_alarm
                    or (
                        (not rule.match.channel or channel in rule.match.channel)
                        and _belongs(rule.match, kind, under, mains, source)
                    )
                )
            )
        return found

    def absence_for(self, device: Device | None, source: str) -> Rules:
        """The absence rules that watch this device, whatever it says or has never said."""
        kind, under, mains = self._facts(device)
        return tuple(rule for rule in self._absence if _belongs(rule.match, kind, under, mains, source))

    def _facts(self, device: Device | None) -> tuple[str, tuple[str, ...], bool | None]:
        """Kind, those of its places that rules name, and mains power, of a device or of nobody."""
        if device is None:
            return "", (), None
        under = self._under.get(device.place)
        if under is None:
            above = (place.id for place in self._catalogue.path(device.place))
            under = tuple(name for name in above if name in self._places)
            if device.place in self._catalogue.places:  # made-up place ids must not fill the memo
                self._under[device.place] = under
        return device.kind, under, device.mains


def _belongs(match: Match, kind: str, under: tuple[str, ...], mains: bool | None, source: str) -> bool:
    """Whether a device of this kind, place and source is among those the rule is about."""
    return (
        (not match.kind or kind in match.kind)
        and kind not in match.not_kind
        and (not match.under or any(place in match.under for place in under))
        and (match.mains is None or mains is match.mains)
        and (not match.source or source in match.source)
    )
