"""Places spelt out in a device's row (3号楼, 1单元, 7层, 701): found among the known ones, or made."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from devices.catalogue import Level
from gateway.registry.columns import PARTS

_SHORT: Final = {"building": "b", "unit": "u", "floor": "f", "household": "", "zone": ""}
_NAME: Final = {"building": "{}号楼", "unit": "{}单元", "floor": "{}层", "household": "{}", "zone": "{}"}
_NUMBERED: Final = re.compile(r"(?:第)?0*(-?\d+[A-Za-z]?)\s*(?:号楼|号|楼|栋|幢|座|单元|层|室|户|f|F)?")


class Spelt:
    """Finds or makes the places of rows. `places` are the known rows by id; `made` the new ones, parents first."""

    def __init__(self, places: Mapping[str, Mapping[str, Any]]) -> None:
        self.made: dict[str, dict[str, Any]] = {}
        self._ids = set(places)
        self._sites = {str(row["name"]): i for i, row in places.items() if str(row["level"]) == Level.SITE}
        self._sites |= {i: i for i, row in places.items() if str(row["level"]) == Level.SITE}
        self._known: dict[tuple[str, str, str], str] = {}
        for identity, row in places.items():
            if row.get("parent"):
                self._known.setdefault(
                    (str(row["parent"]), str(row["level"]), said(str(row["name"]))), identity
                )

    def place(self, parts: Mapping[str, str]) -> str | None:
        """The id of the innermost place the parts name; None where no site can be told.

        Without a site the only one there is is meant. Missing levels are left out: not every house has units.
        """
        site = parts.get("site", "")
        if site:
            parent = self._sites.get(site)
            if parent is None:
                parent = self._sites[site] = self._free(site)
                self._make(parent, "site", site, None)
        else:
            known = set(self._sites.values())
            if len(known) != 1:
                return None
            parent = next(iter(known))
        for level in PARTS[1:]:
            if name := parts.get(level, ""):
                key = (parent, level, said(name))
                identity = self._known.get(key)
                if identity is None:
                    identity = self._known[key] = self._free(f"{parent}-{_SHORT[level]}{said(name)}")
                    plain = said(name) == name
                    self._make(identity, level, _NAME[level].format(name) if plain else name, parent)
                parent = identity
        return parent

    def _free(self, identity: str) -> str:
        """An id nobody has: this one, or with a number behind it."""
        wanted, number = identity[:120], 2
        while wanted in self._ids:
            wanted, number = f"{identity[:116]}~{number}", number + 1
        return wanted

    def _make(self, identity: str, level: str, name: str, parent: str | None) -> None:
        self._ids.add(identity)
        self.made[identity] = {"id": identity, "level": level, "name": name, "parent": parent}


def said(name: str) -> str:
    """What a name comes down to: the number in `3号楼`, `03栋` or `3`, else the words."""
    found = _NUMBERED.fullmatch(name.strip())
    return found[1] if found else name.strip()
