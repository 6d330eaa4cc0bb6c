"""Personal links: a short signed token that says who was told of what, and until when it opens the page.

A token carries everything, so the page opens even while the registry is busy; nothing is stored. It is signed with
HMAC-SHA256 cut to 96 bits (RFC 2104 section 5 allows 80 and more; RFC 4868 and IPsec use such cuts), for an attacker
can only guess online and the token dies within hours. Closing the incident revokes it: the caller looks at the
incident before it acts on a link.

Layout, base64url without padding: flags(1) expiry(3, minutes since 2024, big-endian) effect incident person mac(12).
Ids of our own usual shapes (`81234.0`, `20261121-0007`) are packed as numbers, others as length and text.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import re
import secrets
from datetime import date, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

import msgspec

LIFE_MS: Final = 4 * 3_600_000
"""How long a link opens: call, way, look, report and the second call chain fit into four hours even at night, each
reminder brings a fresh one, and a phone lost today opens nothing tomorrow."""

TOKEN_MAX: Final = 512  # characters looked at; ours have about 45
KEY_BYTES: Final = 32

_MAC_BYTES: Final = 12
_EPOCH_MINUTES: Final = 1_704_067_200 // 60  # 2024-01-01T00:00Z
_MINUTES_MAX: Final = (1 << 24) - 1  # the year 2055
_DAY_ZERO: Final = date(2024, 1, 1)
_EFFECT: Final = re.compile(r"(0|[1-9][0-9]{0,18})\.(0|[1-9][0-9]{0,8})", re.ASCII)
_INCIDENT: Final = re.compile(r"(20[2-9][0-9])([01][0-9])([0-3][0-9])-([0-9]{4,9})", re.ASCII)
_PACKED_EFFECT: Final = 1
_PACKED_INCIDENT: Final = 2
_VERSION: Final = 0x10


class Link(msgspec.Struct, frozen=True):
    """What a valid token says. `expires_at` is UTC ms, rounded up to the minute."""

    effect: str
    person: str
    incident: str
    expires_at: int


class LinkRefused(StrEnum):
    """Why a token opens nothing. An expired one is told apart only when its signature is ours."""

    INVALID = "invalid"
    EXPIRED = "expired"


def make(key: bytes, effect_id: str, person: str, incident: str, expires_at: int) -> str:
    """The token for one person and one effect. The same arguments give the same token.

    Raises ValueError for ids over 120 bytes or an expiry outside 2024 to 2055: such ids are not ours.
    """
    minutes = -(-expires_at // 60_000) - _EPOCH_MINUTES
    if not 0 <= minutes <= _MINUTES_MAX:
        raise ValueError(f"expiry {expires_at} is not between 2024 and 2055")
    flags = _VERSION
    packed_effect, packed_incident = _pack_effect(effect_id), _pack_incident(incident)
    if packed_effect is not None:
        flags |= _PACKED_EFFECT
    if packed_incident is not None:
        flags |= _PACKED_INCIDENT
    payload = (
        bytes([flags])
        + minutes.to_bytes(3, "big")
        + (packed_effect if packed_effect is not None else _text(effect_id))
        + (packed_incident if packed_incident is not None else _text(incident))
        + _text(person)[1:]
    )
    return _b64(payload + _mac(key, b"csg link 1\0" + payload))


def read(key: bytes, token: str, now: int) -> Link | LinkRefused:
    """What the token says, or why it opens nothing. Compares in constant time; never raises, whatever came in."""
    raw = _unb64(token)
    if raw is None or len(raw) < 4 + _MAC_BYTES:
        return LinkRefused.INVALID
    payload, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
    if not hmac.compare_digest(mac, _mac(key, b"csg link 1\0" + payload)):
        return LinkRefused.INVALID
    # From here on the bytes are our own; only the version may be another release's.
    flags, minutes = payload[0], int.from_bytes(payload[1:4], "big")
    if flags & ~3 != _VERSION:
        return LinkRefused.INVALID
    effect, at = _read_effect(payload, 4) if flags & _PACKED_EFFECT else _read_text(payload, 4)
    incident, at = _read_incident(payload, at) if flags & _PACKED_INCIDENT else _read_text(payload, at)
    expires_at = (minutes + _EPOCH_MINUTES) * 60_000
    if now >= expires_at:
        return LinkRefused.EXPIRED
    return Link(effect, payload[at:].decode(), incident, expires_at)


def csrf(key: bytes, token: str) -> str:
    """The value every form of this link's page must send back: bound to the link, useless for any other."""
    return _b64(_mac(key, b"csg csrf 1\0" + token.encode("utf-8", "replace")))


def csrf_ok(key: bytes, token: str, given: str) -> bool:
    """Whether a form came from this link's own page. Constant time."""
    return hmac.compare_digest(csrf(key, token).encode(), given.encode("utf-8", "replace"))


def load_key(path: Path) -> bytes:
    """The installation's link key, made at first use (32 random bytes, file mode 0600).

    Safe when two processes start at once: the one that comes second takes the other's key. Raises OSError when the
    folder cannot be written, ValueError when the file does not hold 32 bytes.
    """
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_bytes(KEY_BYTES))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, path)
            except FileExistsError:
                pass  # the other process was first; its key counts
        finally:
            draft.unlink()
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise ValueError(
            f"{path} holds {len(key)} bytes, a link key has {KEY_BYTES}; remove it to make a new one"
        )
    return key


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.new(key, message, hashlib.sha256).digest()[:_MAC_BYTES]


def _pack_effect(effect: str) -> bytes | None:
    found = _EFFECT.fullmatch(effect)
    return _number(int(found[1])) + _number(int(found[2])) if found else None


def _pack_incident(incident: str) -> bytes | None:
    found = _INCIDENT.fullmatch(incident)
    if found is None:
        return None
    try:
        day = date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        return None
    number, days = int(found[4]), (day - _DAY_ZERO).days
    # Only what comes back as the same text is packed: 0007 does, 00007 would not.
    return _number(days) + _number(number) if days >= 0 and f"{number:04d}" == found[4] else None


def _read_effect(payload: bytes, at: int) -> tuple[str, int]:
    seq, at = _read_number(payload, at)
    n, at = _read_number(payload, at)
    return f"{seq}.{n}", at


def _read_incident(payload: bytes, at: int) -> tuple[str, int]:
    days, at = _read_number(payload, at)
    number, at = _read_number(payload, at)
    return f"{_DAY_ZERO + timedelta(days=days):%Y%m%d}-{number:04d}", at


def _number(value: int) -> bytes:
    """LEB128: seven bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _read_number(payload: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while payload[at] & 0x80:
        value |= (payload[at] & 0x7F) << shift
        shift, at = shift + 7, at + 1
    return value | payload[at] << shift, at + 1


def _text(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > 120:
        raise ValueError(f"id of {len(raw)} bytes does not fit into a link")
    return bytes([len(raw)]) + raw


def _read_text(payload: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + payload[at]
    return payload[at + 1 : end].decode(), end


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _unb64(token: str) -> bytes | None:
    if not token.isascii() or not 0 < len(token) <= TOKEN_MAX:
        return None
    try:
        raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except ValueError:
        return None
    return raw if _b64(raw) == token else None  # one token, one spelling
