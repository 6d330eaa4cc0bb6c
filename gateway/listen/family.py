"""One source that listens, with the one codec that understands what it is pushed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final, cast

import structlog

from devices.codec import Codec, Frame, Message, Push, Reply
from devices.decode import CODECS, OWN, PAYLOAD_MAX, Decoder, urgent
from devices.profile import Profiles
from gateway.config.settings import SourceSettings

PUSH_MAX: Final = 8 * 1024 * 1024  # bytes of a request, whatever a codec asks for

REFUSED: Final = Reply(500)
"""What is answered where a codec's own code raised; the log says why."""

log = structlog.get_logger(__name__)


class Family:
    """What the listener asks of a source's codec (`codec`: the module, where it is not one of ours); no call raises."""

    def __init__(
        self, source: SourceSettings, codec: Any = None, *, profiles: Profiles | None = None
    ) -> None:
        (name,) = source.codecs
        module: Any = CODECS[name] if codec is None else codec
        self.name, self.key = source.name, source.key or ""
        self.signed: bool = getattr(module, "SIGNED", False)
        self.taken: Reply = getattr(module, "TAKEN", Reply())
        limits: dict[str, int] = getattr(module, "LIMITS", {})
        self.push_max = min(int(getattr(module, "PUSH_MAX", max([PAYLOAD_MAX, *limits.values()]))), PUSH_MAX)
        self._admit: Callable[[Push, str], Reply | tuple[str, bytes]] | None = getattr(module, "admit", None)
        self._frames: Callable[[bytearray, int], Iterator[Frame]] | None = getattr(module, "frames", None)
        self._tell: Callable[[bytes, bytes, int, int], bytes] | None = getattr(module, "tell", None)
        self._decoder = Decoder({}, {name: (name,)}, {name: cast("Codec", module)}, profiles)
        self._codec = name

    def admit(self, push: Push) -> Reply | tuple[str, bytes]:
        """What to answer at once, or the topic and payload to take. 405 where only POST and PUT are taken."""
        if self._admit is not None:
            try:
                admitted = self._admit(push, self.key)
            except Exception as error:  # noqa: BLE001 - codec isolation: one bad request must not end the listener
                log.error("codec raised", source=self.name, at="admit", error=repr(error)[:200])
                return REFUSED
        elif push.method in ("POST", "PUT"):
            admitted = (push.path, push.body)
        else:
            return Reply(405)
        if not isinstance(admitted, Reply) and admitted[0].startswith(OWN):
            return Reply(404)  # our own output is never read back, so nothing may be promised about it
        return admitted

    def frames(self, buffer: bytearray, now: int) -> list[Frame] | None:
        """Every whole frame of the buffer, which keeps an incomplete tail; None where the codec raised."""
        assert self._frames is not None
        try:
            return list(self._frames(buffer, now))
        except Exception as error:  # noqa: BLE001 - codec isolation: one bad peer must not end the others
            log.error("codec raised", source=self.name, at="frames", error=repr(error)[:200])
            return None

    def tell(self, order: bytes, heard: bytes, serial: int, now: int) -> bytes | None:
        """The frame of an order (see `Codec`); None where the family tells nothing so, or the codec raised."""
        if self._tell is None:
            return None
        try:
            return self._tell(order, heard, serial, now)
        except Exception as error:  # noqa: BLE001 - codec isolation: one bad order must not end the listener
            log.error("codec raised", source=self.name, at="tell", error=repr(error)[:200])
            return None

    def hot(self, topic: str, payload: bytes) -> bool:
        """Whether this is a live alarm as far as can be told without what the codec has learned."""
        try:
            return urgent(self._decoder.decode(Message(self._codec, topic, payload)))
        except Exception:  # noqa: BLE001 - codec isolation: the engine will say what is wrong with it
            return False
