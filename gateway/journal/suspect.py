"""The message under suspicion: its digest in a file during its step, so that the next start knows what killed us.

After an unclean exit the first messages run one at a time: `note`, step, `clear`. A process that finds a note follows
one that died in that step; the second with the same digest names the killer. What a killed process wrote the kernel
keeps, so nothing is synced: a power cut may lose the note, and no message brings that about. A note that was synced,
or stood until the next message came, would accuse whatever an alarm's commit was waiting for when the power flickers.
"""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path
from typing import Final, NamedTuple

from gateway.journal.disk import refused

SUMMARY_MAX: Final = 200  # bytes of UTF-8: a topic and a length, for the person who reads the alarm

_RECORD: Final = 512  # one sector, which disks write whole or not at all
_NOBODY: Final = bytes(_RECORD)
_HEAD: Final = struct.Struct(">IHBB")  # CRC-32 of the rest, deaths, lengths of digest and summary


class Accused(NamedTuple):
    """The digest that stood on disk when a process died, of how many processes by now, and what it was."""

    digest: bytes
    deaths: int
    summary: str


class Suspect:
    """One small file in the journal's folder. Every method raises JournalError where the disk refuses."""

    def __init__(self, folder: Path) -> None:
        self._path = Path(folder) / "suspect"
        self._fd: int | None = None
        self._found = self._read()

    def previous(self) -> Accused | None:
        """Whom the last process died on; None after an exit outside a noted step."""
        return self._found

    def note(self, digest: bytes, summary: str) -> None:
        """We are about to step this message. `digest` has at most 64 bytes."""
        if not 0 < len(digest) <= 64:
            raise ValueError("a digest has 1 to 64 bytes")
        deaths = self._found.deaths if self._found is not None and self._found.digest == digest else 0
        text = summary.encode(errors="replace")[:SUMMARY_MAX]
        rest = struct.pack(">HBB", min(deaths, 0xFFFF), len(digest), len(text)) + digest + text
        self._write((struct.pack(">I", zlib.crc32(rest)) + rest).ljust(_RECORD, b"\0"))

    def clear(self) -> None:
        """The step has ended. `previous` still tells what this start found."""
        self._write(_NOBODY)

    def close(self) -> None:
        """Let go of the file."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _read(self) -> Accused | None:
        try:
            record = self._path.read_bytes()[:_RECORD]
        except FileNotFoundError:
            return None
        except OSError as error:
            raise refused(error) from error
        if len(record) < _RECORD:
            return None  # the file's first write never ended, so no step followed it
        crc, deaths, digest_len, text_len = _HEAD.unpack_from(record)
        end = _HEAD.size + digest_len + text_len
        if not digest_len or end > _RECORD or zlib.crc32(record[4:end]) != crc:
            return None
        digest = record[_HEAD.size : _HEAD.size + digest_len]
        return Accused(digest, deaths + 1, record[_HEAD.size + digest_len : end].decode(errors="replace"))

    def _write(self, record: bytes) -> None:
        try:
            if self._fd is None:
                self._fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
            os.pwrite(self._fd, record, 0)
        except OSError as error:
            self.close()
            raise refused(error) from error
