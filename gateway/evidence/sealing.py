"""Originals at rest: AES-256-GCM under the evidence key, bound to the picture they belong to.

Layout of a file: 1 byte version, 12 bytes nonce, ciphertext with its 16-byte tag (NIST SP 800-38D: a 96-bit nonce never
repeats under a key; random ones stay far below its bound of 2^32 messages). The picture's id is authenticated with it,
so one original cannot be passed off as another.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.links import load_key

KEY_NAME: Final = "evidence-key"
_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12


class Unsealable(Exception):
    """Another key, another picture's, or not what was written: nothing of it can be shown."""


def evidence_key(data: Path) -> bytes:
    """The installation's key in `secrets/evidence-key` (mode 0600), made at first use. Raises OSError, ValueError.

    Whoever loses it loses the originals; masked pictures need no key.
    """
    return load_key(data / "secrets" / KEY_NAME)


def seal(key: bytes, picture: str, original: bytes) -> bytes:
    """The original as it is stored."""
    nonce = os.urandom(_NONCE_BYTES)
    return _VERSION + nonce + AESGCM(key).encrypt(nonce, original, _about(picture))


def unseal(key: bytes, picture: str, stored: bytes) -> bytes:
    """The original again. Raises Unsealable."""
    head = len(_VERSION) + _NONCE_BYTES
    if stored[:1] != _VERSION or len(stored) <= head:
        raise Unsealable("not a sealed original of this version")
    try:
        return AESGCM(key).decrypt(stored[1:head], stored[head:], _about(picture))
    except InvalidTag as error:
        raise Unsealable("the key is another one, or the file was changed") from error


def _about(picture: str) -> bytes:
    return b"csg original 1\0" + picture.encode()
