"""After an unclean exit: which message did it, found by noting each one for the length of its step."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import blake2b
from typing import Final

import structlog

from gateway.errors import JournalError
from gateway.journal import Suspect

GUARDED_MESSAGES: Final = 200  # what was unacknowledged at the death comes first

log = structlog.get_logger(__name__)


class Guard:
    """`accuses` each message before its step and `passed` behind it, until `done`; `found` hears of a killer."""

    def __init__(self, suspect: Suspect, found: Callable[[str], None]) -> None:
        self._suspect, self._left, self._found = suspect, GUARDED_MESSAGES, found
        accused = suspect.previous()
        self._killer = accused.digest if accused is not None and accused.deaths >= 2 else None

    @property
    def done(self) -> bool:
        return self._left <= 0

    def accuses(self, source: str, topic: str, payload: bytes) -> bool:
        """Whether two processes died in this message's step, so that it is not to have a third."""
        digest = blake2b(topic.encode() + b"\0" + payload, digest_size=16).digest()
        summary = f"{source} {topic}"[:200]
        if digest == self._killer:
            self._found(summary)
            return True
        try:
            self._suspect.note(digest, summary)
        except JournalError as error:
            log.warning("cannot note the message under suspicion", reason=str(error))
        return False

    def passed(self) -> None:
        """The step has ended, and we live."""
        self._left -= 1
        try:
            self._suspect.clear()
        except JournalError as error:
            log.warning("cannot clear the message under suspicion", reason=str(error))
        if self.done:
            self._suspect.close()
