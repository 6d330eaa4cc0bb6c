"""Multipart bodies as cameras push them: the parts that tell an event, without the pictures."""

from __future__ import annotations

import re
from typing import Final

import msgspec

PARTS_MAX: Final = 32
"""Parts looked at; a push with an event and every picture it can have holds about ten."""

_BOUNDARY: Final = re.compile(r'boundary="?([^";]{1,100})"?', re.IGNORECASE)
_HEADERS_MAX: Final = 2048
_BLANK: Final = re.compile(rb"\r?\n\r?\n")


class Part(msgspec.Struct, frozen=True):
    """One part: its headers as sent, lower-case, and its body."""

    headers: str
    body: bytes

    @property
    def picture(self) -> bool:
        """Whether it is an image, a sound or a film, by its headers or its first bytes."""
        kinds = ("content-type: image/", "content-type: video/", "content-type: audio/")
        return any(kind in self.headers for kind in kinds) or self.body.startswith(
            (b"\xff\xd8\xff", b"\x89PNG")
        )


def boundary_of(content_type: str) -> str:
    """The boundary a `Content-Type` header names, empty if it names none."""
    found = _BOUNDARY.search(content_type[:512])
    return found[1].strip() if found else ""


def parts(body: bytes, boundary: str = "") -> list[Part]:
    """Up to `PARTS_MAX` parts of a body, whose first line is the boundary if none is given.

    A body without the boundary is one part; a part without headers is all body. RFC 2046; line ends may be bare.
    """
    start = body.lstrip()
    mark = b"--" + boundary.encode("utf-8", "replace") if boundary else start.split(b"\n", 1)[0].strip()[:104]
    if len(mark) < 3 or not mark.startswith(b"--") or mark not in body:
        return [_part(body)] if start else []
    pieces = body.split(mark, PARTS_MAX + 1)[: PARTS_MAX + 1]
    return [_part(piece) for piece in pieces if piece.strip() and not piece.startswith(b"--")][:PARTS_MAX]


def _part(piece: bytes) -> Part:
    piece = piece.lstrip(b"\r\n")
    end = _BLANK.search(piece, 0, _HEADERS_MAX)
    if end is None or b":" not in piece[: end.start()] or not piece[:1].isalpha():
        return Part("", piece.strip(b"\r\n"))
    head = piece[: end.start()]
    if not all(b":" in line for line in head.splitlines()):
        return Part("", piece.strip(b"\r\n"))
    return Part(head.decode("latin-1").lower(), piece[end.end() :].strip(b"\r\n"))
