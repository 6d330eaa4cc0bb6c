"""Who may push: OneNET's address check and its signature over every message."""

from __future__ import annotations

import hashlib
import hmac
from base64 import b64encode
from typing import Final

import msgspec

from devices.codec import Push, Reply
from devices.codecs.onenet.secure import opened

_REFUSED: Final = Reply(401, b"signature")
_json: Final = msgspec.json.Decoder()


class _Body(msgspec.Struct):
    """A push before its message is read: the signature is over the message as it was written."""

    msg: msgspec.Raw = msgspec.Raw(b"")
    enc_msg: str = ""
    nonce: str = ""
    signature: str = ""
    msg_signature: str = ""


_body: Final = msgspec.json.Decoder(_Body)


def admit(request: Push, secret: str) -> Reply | tuple[str, bytes]:
    """The answer to an address check, a refusal, or the push to take, opened where it is in secure mode.

    `secret` is the address's token, and after a space its AES key where the platform pushes in secure mode. A push that
    this key does not open is taken as it came, for a person to see: it is signed, and it may be an alarm.
    """
    token, _, key = secret.rpartition(" ")
    tokens = (secret, token) if token else (secret,)
    if request.method == "GET":
        query = request.query
        msg, nonce, given = query.get("msg", ""), query.get("nonce", ""), query.get("signature", "")
        if any(_signed(one, nonce, msg.encode(), given) for one in tokens):
            return Reply(200, msg.encode())
        return _REFUSED
    if request.method != "POST":
        return Reply(405)
    try:
        body = _body.decode(request.body)
        raw = bytes(body.msg)
        texts = [_json.decode(raw).encode()] if raw[:1] == b'"' else [raw, _compact(raw)]
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return Reply(400, b"not a push")
    given = body.signature or body.msg_signature
    texts += [body.enc_msg.encode()] if body.enc_msg else []
    if not any(_signed(one, body.nonce, text, given) for one in tokens for text in texts):
        return _REFUSED
    plain = opened(request.body, key) if token else None
    return f"onenet/{request.path}" if request.path else "onenet", plain or request.body


def _compact(raw: bytes) -> bytes:
    return msgspec.json.encode(_json.decode(raw)) if raw else raw


def _signed(token: str, nonce: str, msg: bytes, signature: str) -> bool:
    digest = hashlib.md5(token.encode() + nonce.encode() + msg, usedforsecurity=False).digest()
    wanted = b64encode(digest).decode()
    # The platform's guide compares after URL decoding, in which a plus sign may have become a space.
    return bool(token) and hmac.compare_digest(wanted.encode(), signature.replace(" ", "+").encode())
