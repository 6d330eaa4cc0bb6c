"""What the supervisor must know about a broker program; `mosquitto` and `nats` are the two kinds."""

from pathlib import Path
from typing import Protocol

import msgspec

from gateway.broker.accounts import Access

# Larger than any message of a device we know (native messages are at most 64 KiB) and small enough that a broken
# one cannot fill the memory. Above it either broker disconnects the sender and says so in its log.
PACKET_BYTES_MAX = 262_144


class Trouble(msgspec.Struct, frozen=True):
    """A line of the broker's log that somebody should hear of; `client` is "" where the broker itself is meant."""

    client: str
    reason: str


class Kind(Protocol):
    """How to run one broker program."""

    PROGRAM: str
    STORE: str  # the file of its queues, and what its log says where that is damaged; empty for one that mends itself
    STORE_DAMAGED: str
    PORT_BUSY: str  # what its log says when another process has the port

    def arguments(self, folder: Path) -> list[str]:
        """The command line after the program."""

    def write_files(self, folder: Path, host: str, port: int, access: Access) -> None:
        """Write all configuration files into `folder`."""

    def trouble(self, line: str) -> Trouble | None:
        """What a line of the log means to people, None for most."""
