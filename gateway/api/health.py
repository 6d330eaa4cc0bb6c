"""How the parts are, in words a duty operator understands, in both languages."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from fastapi import APIRouter, Request
from starlette.responses import PlainTextResponse, Response

from gateway.api import listings
from gateway.api.asking import House, Who, answer
from gateway.api.metrics import LINK_UP, exposition
from gateway.api.parts import Parts
from gateway.api.problems import Problem
from gateway.auth import Action, Grant
from gateway.auth.grants import ROLES_FOR
from gateway.listen.address import is_listener
from gateway.render import rfc3339

ENGINE_SILENT_MS: Final = 6_000  # three questions unanswered
VIEW_LAG_MS: Final = 10_000
STORE_LAG: Final = 100_000  # events; ten seconds of a whole city
LOCAL: Final = ("127.0.0.1", "::1")

WORDS: Final[Mapping[str, tuple[str, str]]] = {
    "engine_ok": ("报警处理正常", "Alarms are being handled."),
    "engine_gone": (
        "报警处理程序没有应答，正在自动重启；期间请电话联系并加强巡查。",
        "The engine does not answer and is being started again; phone and patrol meanwhile.",
    ),
    "engine_undurable": (
        "磁盘已满或故障：报警照常通知到人，但本页不显示新的警情。请看手机。",
        "The disk is full or broken: people are told of alarms, but this page shows no new ones. Watch the phones.",
    ),
    "view_ok": ("页面数据是最新的", "What the pages show is up to date."),
    "view_behind": ("页面数据有延迟，正在追赶。", "What the pages show is behind and catching up."),
    "link_ok": ("设备连接正常", "Devices are connected."),
    "link_lost": (
        "与设备消息服务器的连接中断，正在重连。", "The connection to the devices' broker is lost; reconnecting.",
    ),
    "listen_ok": ("推送接收正常", "Devices can push to us."),
    "listen_closed": (
        "推送接收端口未打开，正在重试；期间收不到该来源的报警。",
        "The port that devices push to is not open and being tried again; no alarm of this source arrives meanwhile.",
    ),
    "channel_ok": ("通知渠道正常", "Notifications go out."),
    "channel_failing": (
        "通知渠道发送失败，系统改用下一渠道。", "This channel fails; people are told by their next one.",
    ),
    "store_ok": ("历史数据正常", "History is being stored."),
    "store_behind": ("历史数据有延迟，正在补写。", "History is behind and being filled in."),
    "store_filling": ("历史数据有缺，正在从另一个数据库补齐。", "History is being filled from another store."),
    "store_hole": (
        "历史数据正常；有一段已无法补齐，详见运行指标。", "History is being stored; a part of it is lost.",
    ),
    "store_failing": ("历史数据写入失败；报警不受影响。", "History cannot be written; alarms are not affected."),
    "journal_damaged": ("部分旧记录损坏，已跳过。", "Some old records are damaged and were passed over."),
}  # fmt: skip
"""State -> what is said of it, (zh-CN, en)."""

LINK_WORDS: Final = ("mqtt", "link_ok", "link_lost")

router: Final = APIRouter(tags=["health"])


@router.get("/health", response_model=listings.Health)
def health(who: Who, house: House) -> Response:
    """Every part with whether it is well. Details of the house are for those who run it."""
    return answer(report(house, detailed(who.grants)))


def detailed(grants: tuple[Grant, ...]) -> bool:
    """Whether somebody may see how each part is; others only whether what they see can be trusted."""
    return any(role in ROLES_FOR[Action.AUDIT] for role, _ in grants)


def report(house: Parts, full: bool) -> dict[str, Any]:
    """The whole answer."""
    parts = list(_parts(house)) if full else list(_first(house))
    return {
        "ok": all(p["ok"] for p in parts), "at": rfc3339(house.now(), house.world.zone("")), "seq": house.hub.seq,
        "data_age_ms": house.age_ms(), "parts": parts,
    }  # fmt: skip


def fingerprint(house: Parts) -> bytes:
    """What of the report is news when it changes: which part is in which state."""
    return msgspec.json.encode([(p["name"], p["ok"], p["text"]["en"]) for p in _parts(house)])


def _parts(house: Parts) -> Iterator[dict[str, Any]]:
    yield from _first(house)
    status = house.pulse.status
    links = status.get("links")
    for name, up in sorted(links.items()) if isinstance(links, Mapping) else ():
        part, well, ill = ("listen", "listen_ok", "listen_closed") if is_listener(name) else LINK_WORDS
        yield _part(f"{part}.{name}", up == LINK_UP, well if up == LINK_UP else ill)
    delivery = status.get("delivery")
    channels = delivery.get("channels") if isinstance(delivery, Mapping) else None
    for name, row in sorted(channels.items()) if isinstance(channels, Mapping) else ():
        ok = not isinstance(row, Mapping) or row.get("failing_since") is None
        yield _part(f"channel.{name}", ok, "channel_ok" if ok else "channel_failing")
    for feeder in house.feeders:
        said = feeder.health()
        behind = feeder.lag > STORE_LAG
        if not said["ok"]:
            state = "store_failing"
        elif said["filling"]:
            state = "store_filling"
        else:
            state = "store_behind" if behind else "store_hole" if said["lost"] else "store_ok"
        # What is lost stays so whatever anybody does: it is said, and it is no state that asks for anybody.
        yield _part(f"store.{feeder.name}", state in ("store_ok", "store_hole"), state, feeder.lag)
    for name in sorted(house.unopened):
        yield _part(f"store.{name}", False, "store_failing")
    if house.follower is not None and house.follower.skipped:
        yield _part("journal", False, "journal_damaged")


def _first(house: Parts) -> Iterator[dict[str, Any]]:
    now, heard = house.clock.monotonic_ms(), house.pulse.heard_at
    if heard is None or now - heard > ENGINE_SILENT_MS:
        yield _part("engine", False, "engine_gone")
    else:
        durable = house.pulse.status.get("durable", True)
        yield _part("engine", bool(durable), "engine_ok" if durable else "engine_undurable")
    lag = house.follower.lag if house.follower is not None else 0
    age = house.age_ms()
    behind = age is None or age > VIEW_LAG_MS
    yield _part("view", not behind, "view_behind" if behind else "view_ok", lag)


def _part(name: str, ok: bool, words: str, lag: int | None = None) -> dict[str, Any]:
    zh, en = WORDS[words]
    return {"name": name, "ok": ok, "lag": lag, "text": {"zh-CN": zh, "en": en}}


outside: Final = APIRouter(tags=["health"])


@outside.get("/healthz", response_class=PlainTextResponse)
async def alive() -> Response:
    """Whether this process answers; nothing else."""
    return PlainTextResponse("ok\n", headers={"Cache-Control": "no-store"})


@outside.get("/metrics", response_class=PlainTextResponse)
def metrics(request: Request, house: House) -> Response:
    """For Prometheus: from this machine without a key, from elsewhere with one that may read everything."""
    address = request.client.host if request.client else ""
    if address not in LOCAL:
        words = request.headers.get("Authorization", "").split(" ", 1)
        key = (
            house.auth.key(words[1], house.now())
            if len(words) == 2 and words[0].lower() == "bearer"
            else None
        )
        if key is None:
            raise Problem("signed_out")
        if not house.world.scope(key.grants).everything:
            raise Problem("forbidden")
    body = exposition(request.app.state.registry)
    return Response(
        body, headers={"Cache-Control": "no-store"}, media_type="text/plain; version=0.0.4; charset=utf-8"
    )
