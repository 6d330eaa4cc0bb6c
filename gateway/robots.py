"""Group robots of WeCom, DingTalk, Feishu and Lark: what to post, and whether the answer means it was taken.

All of them answer HTTP 200 to messages they drop (wrong key, over their limit, forbidden words) and say so only in the
JSON body, so success is `errcode` 0 (WeCom, DingTalk) or `code` 0 (Feishu, Lark), and nothing else is. apprise 2.2.0
looks at the HTTP status alone, which is why these four are posted here and not by it. The formats are those of its
`wecombot`, `dingtalk`, `feishu` and `lark` plug-ins.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from gateway.notice import SENT, SendOutcome, Sent

URLS: Final[Mapping[str, str]] = {
    "wecombot": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
    "dingtalk": "https://oapi.dingtalk.com/robot/send",
    "feishu": "https://open.feishu.cn/open-apis/bot/v2/hook/",
    "lark": "https://open.larksuite.com/open-apis/bot/v2/hook/",
}
"""Where each kind of robot listens, by the schema of its apprise URL."""

PER_MINUTE: Final = 20
"""Messages one robot takes in a minute: WeCom's and DingTalk's published limit (DingTalk then drops for ten minutes);
Feishu takes more."""

TEXT_BYTES_MAX: Final = 2_000  # WeCom: a text message holds 2048 bytes; the smallest limit of the four


class Robot(msgspec.Struct, frozen=True):
    """One robot: its kind (a key of `URLS`), its key or token, DingTalk's signing secret, phones DingTalk mentions."""

    kind: str
    token: str
    secret: str = ""
    mention: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Robot({self.kind})"


class Post(msgspec.Struct, frozen=True):
    """One HTTP POST of a JSON body."""

    url: str
    params: Mapping[str, str]
    json: Mapping[str, Any]


def post(robot: Robot, said: str, now: int, urls: Mapping[str, str] = URLS) -> Post:
    """The request that says `said`; `now` is UTC ms, which DingTalk's signature contains. Too long a text is cut."""
    url, content = urls[robot.kind], _cut(said)
    if robot.kind == "wecombot":
        return Post(url, {"key": robot.token}, {"msgtype": "text", "text": {"content": content}})
    if robot.kind == "dingtalk":
        params = {"access_token": robot.token}
        if robot.secret:
            signed = hmac.new(
                robot.secret.encode(), f"{now}\n{robot.secret}".encode(), hashlib.sha256
            ).digest()
            params |= {"timestamp": str(now), "sign": base64.b64encode(signed).decode()}
        at = {"atMobiles": list(robot.mention), "isAtAll": False}
        return Post(url, params, {"msgtype": "text", "text": {"content": content}, "at": at})
    return Post(url + robot.token, {}, {"msg_type": "text", "content": {"text": content}})


def verdict(status: int, body: bytes) -> SendOutcome:
    """What an answer means. Never raises; an answer that is no JSON object with a code is a failure."""
    try:
        answer = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        return SendOutcome(Sent.RETRY, f"http-{status}")
    code = next((answer[name] for name in ("errcode", "code", "StatusCode") if name in answer), None)
    if status == 200 and isinstance(code, int) and not isinstance(code, bool) and code == 0:
        return SENT
    return SendOutcome(Sent.RETRY, f"errcode-{code}" if isinstance(code, int) else f"http-{status}")


def _cut(said: str) -> str:
    """At most `TEXT_BYTES_MAX` bytes of UTF-8, never half a character."""
    raw = said.encode("utf-8", "replace")
    if len(raw) <= TEXT_BYTES_MAX:
        return said
    return raw[: TEXT_BYTES_MAX - 3].decode("utf-8", "ignore") + "…"
