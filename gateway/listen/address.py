"""Where a source listens: `http` on the port all of them share, or a TCP or UDP port of its own."""

from __future__ import annotations

from typing import Final, Literal, cast
from urllib.parse import urlsplit

import msgspec

KINDS: Final = ("http", "tcp", "udp")
CAMERAS: Final = "cameras"
"""The way in of the cameras we look at ourselves; no setting writes it, it follows from the section `cameras`."""


class Address(msgspec.Struct, frozen=True):
    """One way in. `host` and `port` are empty for http, whose port is set for all sources at once."""

    kind: Literal["http", "tcp", "udp", "cameras"]
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.kind if not self.port else f"{self.kind}://{host}:{self.port}"


def parse_listen(text: str) -> Address:
    """`http`, `tcp://host:port` or `udp://host:port`. Raises ValueError for anything else."""
    if text == "http":
        return Address("http")
    parts = urlsplit(text)
    if parts.scheme not in ("tcp", "udp") or not parts.hostname or not parts.port:
        raise ValueError(f"{text!r} is none of http, tcp://host:port, udp://host:port")
    if parts.path or parts.query or parts.fragment or "@" in parts.netloc:
        raise ValueError(f"{text!r} has something beside host and port")
    return Address(cast("Literal['tcp', 'udp']", parts.scheme), parts.hostname, parts.port)


def link_name(source: str, kind: str) -> str:
    """How health, metrics and the `broker_link` reading call it; a broker's sessions end in .alarm and .rest."""
    return f"{source}.{kind}"


def is_listener(link: str) -> bool:
    """Whether a link's name is a listening source's, not a broker session's."""
    return link.rpartition(".")[2] in (*KINDS, CAMERAS)
