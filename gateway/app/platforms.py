"""Commands through a carrier's platform: signed requests to its HTTP interface, a few at a time, each with an end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
import structlog

from devices.codec import CALL, Access, Ask, Request
from devices.decode import CODECS
from gateway.app.brokers import carriers
from gateway.app.child import Orders
from gateway.app.commands import Commander, Encode, Way
from gateway.cameras.door import written
from gateway.config.settings import Settings
from gateway.core.commanding import CARRIED_OUT, TICKET
from gateway.core.effect import Command
from gateway.core.event import Delivered, Outcome

if TYPE_CHECKING:
    import httpx

TIMEOUT_S: Final = 8.0  # less than the core waits before it asks again
AT_ONCE: Final = 8
WAITING_MAX: Final = 256  # as for a broker

log = structlog.get_logger(__name__)
_answer: Final = msgspec.json.Decoder()

Build = Callable[[Access, str, str, int, int], Request | str]
Report = Callable[[Delivered], None]


def every_way(
    settings: Settings,
    orders: Orders,
    encode: Encode,
    report: Report,
    now: Callable[[], int],
    ways: Mapping[str, Way],
) -> Commander:
    """The commander of all sources: brokers, the platforms that the settings name, and `ways` for the others."""
    brokers = carriers(settings, orders)
    found: dict[str, Platform] = {}
    for source in settings.sources:
        build: Build | None = getattr(CODECS[source.codecs[0]], "request", None) if source.codecs else None
        if source.platform is not None and build is not None:
            found[source.name] = Platform(source.platform.access, build, report, now)
    others = {
        name: way for name, way in ways.items() if name not in brokers
    }  # our cameras' processes carry, too
    told = {**others, **{name: platform.order for name, platform in found.items()}}
    own = {camera.device for camera in settings.cameras}

    def asks(command: Command) -> Sequence[Ask] | str:
        return written(command) if command.device in own else encode(command)

    return Commander(brokers, asks, report, now, told, [platform.close for platform in found.values()])


class Platform:
    """The way to the devices of one source: `order` never blocks, and every command ends in one `Delivered`.

    SENT once the platform has taken it. What a request says is never logged.
    """

    def __init__(
        self, access: Access, build: Build, report: Callable[[Delivered], None], now: Callable[[], int]
    ) -> None:
        self._access, self._build, self._report, self._now = access, build, report, now
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._http: httpx.AsyncClient | None = None

    def order(self, command: Command, asks: Sequence[Ask]) -> None:
        """Have the platform tell the device, soon."""
        topic = asks[0].topic if asks else ""
        if not topic.startswith(CALL):
            self._failed(command.id, "not-taken: this family is told nothing through its platform")
        elif len(self._tasks) >= WAITING_MAX:
            self._failed(command.id, "busy: too many commands wait for this platform")
        else:
            task = asyncio.create_task(self._send(command, topic.removeprefix(CALL)), name="platform.send")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Let go of everything; what is under way is asked again after the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._http is not None:
            await self._http.aclose()

    async def _send(self, command: Command, device: str) -> None:
        async with self._turn:
            now = self._now()
            if now >= command.expires_at:
                self._failed(command.id, "expired: nobody waits for it any more")
                return
            request = self._build(self._access, device, command.name, command.expires_at, now)
            why, said = (request, "") if isinstance(request, str) else await self._ask(request)
        if why:
            log.warning("command not sent", source=command.source, effect=command.id, reason=why[:200])
            self._failed(command.id, why)
        else:
            log.info("command sent", source=command.source, effect=command.id, name=command.name)
            self._report(Delivered(command.id, Outcome.SENT, said))

    async def _ask(self, request: Request) -> tuple[str, str]:
        """Why the platform did not take it, empty where it did; then what it said of it, for `Delivered.detail`."""
        import httpx

        if self._http is None:
            self._http = httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False)
        try:
            answer = await self._http.request(
                request.method, request.url, headers=dict(request.headers), content=request.body
            )
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            return f"unreachable: {type(error).__name__}", ""
        if not answer.is_success:
            return f"unreachable: the platform answered {answer.status_code}", ""
        try:
            said: Any = _answer.decode(answer.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            said = None
        answered: dict[str, Any] = said if isinstance(said, dict) else {}
        code = answered.get("code")
        if request.taken and not answered.get(request.taken):
            return f"refused: no {request.taken} in the answer", ""
        if not request.taken and (code != 0 or code is False):
            return f"refused: code {str(code)[:40]}", ""
        done = _at(answered, request.outcome)
        if type(done) is int:
            return (f"denied: the device answered {done}", "") if done else ("", CARRIED_OUT)
        ticket = _at(answered, request.ticket)
        return "", f"{TICKET}{ticket}" if type(ticket) in (str, int) and 0 < len(str(ticket)) <= 64 else ""

    def _failed(self, effect: str, why: str) -> None:
        self._report(Delivered(effect, Outcome.FAILED, why[:200]))


def _at(answer: dict[str, Any], path: Sequence[str]) -> Any:
    """What stands at the end of the path; None where there is none."""
    found: Any = answer if path else None
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return found
