"""What must be so of a source that listens: no broker, one codec that can be pushed to, a secret, a port of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from types import ModuleType
from typing import Final

from devices.decode import CODECS
from devices.discover import PluginMissing
from gateway.config.document import Document, Problem
from gateway.config.plugins import codecs
from gateway.config.settings import SourceSettings
from gateway.listen.address import KINDS, Address, parse_listen
from gateway.shape import Path as KeyPath
from gateway.shape import found, nearest

BROKER_ONLY: Final = (
    "broker", "tls", "protocol", "username", "password", "filters", "keepalive_s", "in_flight",
)  # fmt: skip
SECRET: Final = re.compile(r"[A-Za-z0-9._~-]{16,128}")
"""A key that is a part of an address: RFC 3986's unreserved characters; 16 of them cannot be guessed over a network."""
SIGNING_MAX: Final = 256  # characters of a key that is only used for signatures; vendors make their own

Check = Iterator[Problem]


def listening(source: SourceSettings, document: Document, at: KeyPath) -> Check:
    """Everything wrong with one source that listens."""
    for key in BROKER_ONLY:
        if (*at, key) in document.keys:
            yield document.problem((*at, key), "nothing of a broker's beside listen", f"{key}", key=True)
    addresses = []
    seen: set[str] = set()
    for path, text in _written(source, at):
        try:
            address = parse_listen(text)
        except ValueError:
            yield document.problem(path, "http, tcp://host:port or udp://host:port", found(text), _near(text))
            continue
        if address.kind in seen:
            yield document.problem(path, f"{address.kind} once in a source", f"{found(text)} too")
        seen.add(address.kind)
        addresses.append(address)
    if len(source.codecs) != 1:
        what = f"{len(source.codecs)} of them" if source.codecs else "none"
        yield document.problem(
            (*at, "codecs"), "one codec: what is pushed has no topic that would tell", what
        )
    elif source.codecs[0] in codecs():
        yield from _able(source, addresses, document, at)


def _able(source: SourceSettings, addresses: list[Address], document: Document, at: KeyPath) -> Check:
    """Whether the codec can be pushed to in this way, and whether the key suits it."""
    try:
        codec = CODECS[source.codecs[0]]
    except PluginMissing as error:
        yield document.problem((*at, "codecs", 0), "a codec whose libraries are installed", f"{error}")
        return
    framed = [str(a) for a in addresses if a.kind != "http"]
    if framed and not callable(getattr(codec, "frames", None)):  # a part of a package may be called so, too
        able = [name for name in codecs() if _offers(name, "frames")]
        yield document.problem(
            (*at, "codecs", 0), f"a codec that reads frames ({', '.join(able) or 'none is installed'})",
            f"{found(source.codecs[0])} on {framed[0]}",
        )  # fmt: skip
    if source.platform is not None and not callable(getattr(codec, "request", None)):
        able = [name for name in codecs() if _offers(name, "request")]
        yield document.problem(
            (*at, "platform"), f"a platform only with {' or '.join(able)}", f"{source.codecs[0]}", key=True
        )
    elif source.platform is not None:
        for name in getattr(codec, "PLATFORM", ()):
            if not getattr(source.platform, name):
                yield document.problem(
                    (*at, "platform"), f"the key {name}, which {source.codecs[0]} needs", "no such key"
                )
    if any(a.kind == "http" for a in addresses):
        yield from _key(source, codec, document, at)
    elif source.key is not None and addresses:
        yield document.problem(
            (*at, "key"), "no key: frames carry none, so who may send is for the network to say", "one"
        )


def _key(source: SourceSettings, codec: ModuleType, document: Document, at: KeyPath) -> Check:
    if source.key is None:
        yield document.problem(
            at, "the key key (${NAME} or file:PATH), the secret of its address", "no such key"
        )
    elif getattr(codec, "SIGNED", False):
        if len(source.key) > SIGNING_MAX:
            yield document.problem((*at, "key"), f"at most {SIGNING_MAX} characters", f"{len(source.key)}")
    elif source.key != "-" and SECRET.fullmatch(source.key) is None:  # "-" stands for one that was not found
        yield document.problem(
            (*at, "key"), "16 to 128 letters, digits, . _ ~ - (it is a part of the address)", "another text"
        )


def doubled(sources: tuple[SourceSettings, ...], document: Document) -> Check:
    """Two sources cannot have one port."""
    taken: dict[tuple[str, int], str] = {}
    for i, source in enumerate(sources):
        for path, text in _written(source, ("sources", i)):
            try:
                address = parse_listen(text)
            except ValueError:
                continue  # told already
            place = (address.kind, address.port)
            if address.kind != "http" and taken.setdefault(place, source.name) != source.name:
                yield document.problem(
                    path, "a port of its own", f"{found(text)}, which {taken[place]} has already"
                )


def _written(source: SourceSettings, at: KeyPath) -> list[tuple[KeyPath, str]]:
    """Each address as it was written, with its place in the file."""
    if isinstance(source.listen, str):
        return [((*at, "listen"), source.listen)] if source.listen else []
    return [((*at, "listen", j), text) for j, text in enumerate(source.listen)]


def _near(text: str) -> str | None:
    scheme, _, rest = text.partition("://")
    if text.lower().startswith("http"):
        return "http"
    if not rest:
        host, _, port = text.rpartition(":")
        near = f"tcp://{text}" if host and port.isdigit() else nearest(text, KINDS[:1])
    else:
        near = f"{nearest(scheme, KINDS[1:]) or 'tcp'}://{rest}"
    try:
        return near if near and parse_listen(near) else None
    except ValueError:
        return None


def _offers(name: str, door: str) -> bool:
    try:
        return callable(getattr(CODECS[name], door, None))
    except PluginMissing:
        return False
