"""Slows down whoever guesses passwords, without letting strangers lock anybody out."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict
from typing import Final

import msgspec

FREE_TRIES: Final = 4  # people mistype; the fifth wrong try in a row waits
FIRST_WAIT_MS: Final = 2_000  # then doubles
WAIT_MAX_MS: Final = 15 * 60_000
ADDRESS_FREE_TRIES: Final = 20  # an office shares one address
NAME_FREE_TRIES: Final = (
    20  # wrong tries at one name from anywhere: then each new address has one free try, not four
)
FORGET_MS: Final = 60 * 60_000  # an hour without a wrong try
KEPT_MAX: Final = 20_000  # counters: about 4 MB at most; the one longest unused goes first
KNOWN_MAX: Final = 5_000


class _Count(msgspec.Struct):
    failed: int = 0
    last_at: int = 0


class Throttle:
    """Counts wrong tries by name and address together, by address, and by name. In memory; a restart forgets.

    Strangers who guess at a name slow down themselves and their own address. From an address where the name's owner
    has signed in before, only wrong tries of this name count; from a new one the first try always goes ahead.
    """

    def __init__(self) -> None:
        self._counts: OrderedDict[tuple[str, str], _Count] = OrderedDict()
        self._known: OrderedDict[tuple[str, str], None] = OrderedDict()

    def wait_ms(self, name: str, address: str, now: int) -> int:
        """How long this try must wait, 0 to go ahead. A try refused for waiting is not counted."""
        pair, place, everywhere = _keys(name, address)
        if (_name(name), network(address)) in self._known:
            return self._wait(pair, FREE_TRIES, now)
        guessed = self._counts.get(everywhere, _Count()).failed > NAME_FREE_TRIES
        return max(
            self._wait(pair, 0 if guessed else FREE_TRIES, now), self._wait(place, ADDRESS_FREE_TRIES, now)
        )

    def failed(self, name: str, address: str, now: int) -> None:
        """A wrong password, or a name that does not exist: both count alike."""
        for key in _keys(name, address):
            count = self._counts.get(key)
            if count is None or now - count.last_at > FORGET_MS:
                count = self._counts[key] = _Count()
            count.failed += 1
            count.last_at = now
            self._counts.move_to_end(key)
        while len(self._counts) > KEPT_MAX:
            self._counts.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """The try counted last was right after all: this pair begins anew and is known, the others take it back."""
        pair, *others = _keys(name, address)
        self._counts.pop(pair, None)
        for key in others:
            if (count := self._counts.get(key)) is not None:
                count.failed -= 1
        known = (_name(name), network(address))
        self._known[known] = None
        self._known.move_to_end(known)
        while len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)

    def uncounted(self, name: str, address: str) -> None:
        """The try counted last was never looked at: it does not count."""
        for key in _keys(name, address):
            if (count := self._counts.get(key)) is not None:
                count.failed -= 1

    def _wait(self, key: tuple[str, str], free: int, now: int) -> int:
        count = self._counts.get(key)
        if count is None or count.failed <= free:
            return 0
        since = now - count.last_at
        if since < 0:  # the clock was set back: better to let somebody in early than to keep the operator out
            return 0
        return max(0, min(WAIT_MAX_MS, FIRST_WAIT_MS << min(count.failed - free - 1, 20)) - since)


def _keys(name: str, address: str) -> tuple[tuple[str, str], tuple[str, str], tuple[str, str]]:
    place = network(address)
    return ("pair", f"{_name(name)}\n{place}"), ("address", place), ("name", _name(name))


def network(address: str) -> str:
    """The address as throttling sees it: an IPv6 host owns a whole /64, so that is one address."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address[:64]
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped is not None:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def _name(name: str) -> str:
    return name.casefold()[:128]
