"""Everything apprise can reach, an address being an apprise URL: e-mail, WeCom, DingTalk and Feishu robots, 100 more.

apprise blocks, so it runs in threads: as many as `concurrency` for P1, half as many for the rest, so that a hanging
mail server never holds up an alarm. A robot's limit is kept here; half of it is closed to everything but P1, and a P1
over the limit fails its try, so that the person's next channel takes over.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Annotated, Any, Final

import msgspec

from gateway import robots
from gateway.notice import SENT, Client, Example, House, Notice, SendOutcome, Sent, hush

if TYPE_CHECKING:
    import apprise

ROBOTS_MAX: Final = 1000  # robots whose last minute is remembered
ANSWER_BYTES_MAX: Final = 65_536  # of a robot's answer, which has about 40
SOCKET_LIMIT_S: Final = 4.0  # apprise's own default for connecting and for each read

_MINUTE_MS: Final = 60_000
_LEVELS: Final = {1: "failure", 2: "warning"}  # apprise's words for urgency; "info" for the rest


class Config(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="apprise"):
    """`schemas` are the kinds of apprise URL that may be used; generic ones (json, xml, form) reach any address, so
    they must be named. `url` is a group told of incidents when this channel is a target; it holds a key, so write it
    as `${NAME}`. `types` are the events a group hears of. `robot_per_minute` is each robot's limit.
    """

    url: str = ""
    schemas: tuple[str, ...] = (
        "mailto", "mailtos", "wecombot", "wechat", "dingtalk", "feishu", "lark", "schan", "pushplus", "wxpusher",
        "bark", "barks", "tgram", "twilio", "ses",
    )  # fmt: skip
    types: tuple[str, ...] = (
        "incident.opened", "incident.taken", "incident.verified", "incident.closed", "incident.reopened",
    )  # fmt: skip
    robot_per_minute: Annotated[int, msgspec.Meta(ge=2, le=1000)] = robots.PER_MINUTE
    concurrency: Annotated[int, msgspec.Meta(ge=2, le=32)] = 8
    try_limit_ms: Annotated[int, msgspec.Meta(ge=1000, le=60_000)] = 15_000

    def __repr__(self) -> str:
        return f"apprise.Config({self.url.partition(':')[0]})"


class AppriseClient:
    """Two thread pools and what each robot was sent in the last minute. `robot_urls` is for tests."""

    def __init__(self, config: Config, house: House, robot_urls: Mapping[str, str] = robots.URLS) -> None:
        self.config, self._house, self._robot_urls = config, house, robot_urls
        self._urgent = ThreadPoolExecutor(config.concurrency, "apprise-p1")
        self._rest = ThreadPoolExecutor(max(config.concurrency // 2, 1), "apprise")
        self._sent: OrderedDict[str, deque[int]] = OrderedDict()

    async def run(self, notice: Notice, address: str) -> SendOutcome:
        """One try in a thread; the caller's time limit ends the waiting, socket limits end the thread."""
        loop = asyncio.get_running_loop()
        pool = self._urgent if notice.priority == 1 else self._rest
        return await loop.run_in_executor(pool, self._send, notice, address)

    def limited(self, address: str, priority: int) -> SendOutcome | None:
        """Count one message to a robot, or say that it would be too many."""
        now = self._house.monotonic_ms()
        sent = self._sent.setdefault(address, deque())
        self._sent.move_to_end(address)
        while len(self._sent) > ROBOTS_MAX:
            self._sent.popitem(last=False)
        while sent and sent[0] <= now - _MINUTE_MS:
            sent.popleft()
        limit = self.config.robot_per_minute if priority == 1 else self.config.robot_per_minute // 2
        if len(sent) >= limit:
            result = Sent.RETRY if priority == 1 else Sent.LATER
            return SendOutcome(result, "robot-limit", sent[-limit] + _MINUTE_MS - now)
        sent.append(now)
        return None

    def _send(self, notice: Notice, address: str) -> SendOutcome:
        """In a thread: make the plug-in, then post to a robot or let apprise send."""
        plugin = _plugin(address, self.config.try_limit_ms)
        if plugin is None:
            return SendOutcome(Sent.FAILED, "bad-address")
        robot = _robot(plugin)
        if robot is not None:
            return self._post(robots.post(robot, notice.body, self._house.utc_ms(), self._robot_urls))
        import apprise

        title = notice.title if plugin.title_maxlen > 0 else ""  # without a subject the body says it already
        level = apprise.NotifyType(_LEVELS.get(notice.priority, "info"))
        done = plugin.notify(
            title=title, body=notice.body, notify_type=level, body_format=apprise.NotifyFormat.TEXT
        )
        return SENT if done else SendOutcome(Sent.RETRY, "apprise-failed")

    def _post(self, post: robots.Post) -> SendOutcome:
        import httpx

        try:
            with (
                httpx.Client(follow_redirects=False, timeout=SOCKET_LIMIT_S) as http,
                http.stream("POST", post.url, params=dict(post.params), json=dict(post.json)) as response,
            ):
                body = b""
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > ANSWER_BYTES_MAX:
                        return SendOutcome(Sent.RETRY, "answer-too-large")
                return robots.verdict(response.status_code, body)
        except httpx.HTTPError as error:
            return SendOutcome(Sent.RETRY, type(error).__name__)

    async def serve(self) -> None:
        """Load apprise now: 0.6 s that the first alarm need not wait for."""
        await asyncio.get_running_loop().run_in_executor(self._urgent, _plugin, "wecombot://warm-up", 1000)

    async def close(self) -> None:
        for pool in (self._urgent, self._rest):
            pool.shutdown(wait=False, cancel_futures=True)


def open(config: Config, house: House) -> Client:  # noqa: A001 -- the name every channel module gives it
    """The client."""
    hush("apprise", "urllib3", "httpx", "httpcore")
    return AppriseClient(config, house)


async def send(client: AppriseClient, notice: Notice) -> SendOutcome:
    """One try to a person's address, or to the configured group for a machine's notice."""
    address = (notice.address if notice.person is not None else client.config.url) or ""
    schema = schema_of(address)
    if schema not in client.config.schemas:
        return SendOutcome(Sent.FAILED, f"schema-not-allowed:{schema[:16]}" if schema else "no-address")
    if schema in robots.URLS and (limited := client.limited(address, notice.priority)) is not None:
        return limited
    return await client.run(notice, address)


def unfit(config: Config, address: str) -> str:
    """Why no message can ever reach this address, empty where one may. For `csg doctor`, which sends nothing."""
    schema = schema_of(address)
    if schema not in config.schemas:
        return f"{schema or 'no'} is no schema this channel may use ({', '.join(sorted(config.schemas)[:8])}, ...)"
    return (
        "" if _plugin(address, config.try_limit_ms) is not None else f"it is no complete {schema}:// address"
    )


def schema_of(address: str) -> str:
    """The kind of apprise URL. The address WeCom shows for a robot counts as `wecombot`; apprise knows it too."""
    if address.startswith("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?"):
        return "wecombot"
    schema, found, _ = address.partition("://")
    return schema.lower() if found else ""


def example(example: Example) -> Mapping[str, Any]:
    """What a robot would be posted, or title and body for everything else."""
    notice = example.notice
    plugin = _plugin(notice.address or example.config.url, example.config.try_limit_ms)
    assert plugin is not None
    robot = _robot(plugin)
    if robot is not None:
        made: dict[str, Any] = msgspec.to_builtins(robots.post(robot, notice.body, notice.at))
        return made
    return {"title": notice.title, "body": notice.body}


def _plugin(address: str, limit_ms: int) -> apprise.NotifyBase | None:
    """apprise's own object for a URL, or None for one it does not understand. Nothing is stored, no redirects."""
    import apprise

    asset = apprise.AppriseAsset(
        app_id="community-safety-gateway",
        storage_mode="memory",
        http_redirects=False,
        service_timeout=limit_ms / 1000,
    )
    plugin = apprise.Apprise.instantiate(address, asset=asset)
    return plugin if isinstance(plugin, apprise.NotifyBase) else None


def _robot(plugin: Any) -> robots.Robot | None:
    """The robot behind an apprise plug-in, or None for every other kind."""
    kind = plugin.secure_protocol
    if not isinstance(kind, str) or kind not in robots.URLS:
        return None
    if kind == "wecombot":
        return robots.Robot(kind, plugin.key)
    if kind == "dingtalk":
        return robots.Robot(kind, plugin.token, plugin.secret or "", tuple(plugin.targets or ()))
    return robots.Robot(kind, plugin.token)


EXAMPLES: Final = (
    Example(
        "A WeCom group robot",
        Config(),
        Notice(
            "81234.0", "notice.called", "live", "sunshine", 1, 1_795_115_529_000,
            "火警 待核实：3号楼 1单元 5层 502 厨房",
            "火警 待核实：3号楼1单元5层502 厨房 感烟报警，03:12:07。\n我来接警：https://gw.example.cn/n/ExcokdL6",
            "火警 待核实：3号楼1单元5层502 厨房 感烟报警，03:12:07。", "zh-CN", True, "called", "p-grid-1",
            "wecombot://0000-1111-2222",
        ),
        {
            "url": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send",
            "params": {"key": "0000-1111-2222"},
            "json": {
                "msgtype": "text",
                "text": {
                    "content": "火警 待核实：3号楼1单元5层502 厨房 感烟报警，03:12:07。\n"
                    "我来接警：https://gw.example.cn/n/ExcokdL6"
                },
            },
        },
    ),
    Example(
        "An e-mail",
        Config(),
        Notice(
            "81234.0", "notice.called", "drill", "sunshine", 1, 1_795_115_529_000, "【演练】火警 待核实：3号楼",
            "【演练】火警 待核实：3号楼 感烟报警，03:12:07。",
            "【演练】火警 待核实：3号楼 感烟报警，03:12:07。", "zh-CN", True, "called", "p-grid-1", "mailtos://user:pass@example.cn?to=grid@example.cn",
        ),
        {"title": "【演练】火警 待核实：3号楼", "body": "【演练】火警 待核实：3号楼 感烟报警，03:12:07。"},
    ),
)  # fmt: skip
