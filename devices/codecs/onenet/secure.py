"""OneNET's secure mode (安全模式): a pushed message opened with the AES key that the platform made for the address.

Source: OneNET's own receivers in Java (`Util.decryptMsg`, of 2017 and of 2020). AES-CBC with PKCS#7 padding, base64:

- The older: `enc_msg`; the key is 43 characters of base64 without its padding, 32 bytes; the vector is its first 16;
  16 random bytes and the length of the message (4 bytes, big-endian) stand before the message.
- The newer: the text `msg`; the key is 16 bytes in base64, the vector is the key itself, the message stands alone.
"""

from __future__ import annotations

import binascii
from base64 import b64decode
from typing import Final

import msgspec

_HEAD: Final = 16 + 4  # random bytes, and the length
_json: Final = msgspec.json.Decoder()


def opened(body: bytes, key: str) -> bytes | None:
    """The push as plain mode would have sent it; None for another key, or what is no message in secure mode.

    What comes out was proved by the signature over the sealed text, which is for the caller to check before.
    """
    try:
        push = _json.decode(body)
        sealed = push.get("enc_msg") or push.get("msg")
        if not isinstance(sealed, str):
            return None
        text = _plain(b64decode(sealed, validate=True), b64decode(key + "=" * (-len(key) % 4), validate=True))
    except (msgspec.DecodeError, UnicodeError, RecursionError, AttributeError, binascii.Error, ValueError):
        return None  # ValueError: a key of another length, half a block, padding that no such key gave
    if text is None:
        return None
    kept = {k: v for k, v in push.items() if k != "enc_msg"}
    return msgspec.json.encode({**kept, "msg": text})


def _plain(sealed: bytes, key: bytes) -> str | None:
    # Loaded with the first sealed push: it is heavy, and all who read a catalogue of plug-ins would wait for it.
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
    from cryptography.hazmat.primitives.padding import PKCS7

    opener = Cipher(algorithms.AES(key), modes.CBC(key[:16])).decryptor()
    padding = PKCS7(128).unpadder()
    data = padding.update(opener.update(sealed) + opener.finalize()) + padding.finalize()
    if len(key) == 16:
        return data.decode()
    length = int.from_bytes(data[16:_HEAD], "big")
    return data[_HEAD:].decode() if length == len(data) - _HEAD else None
