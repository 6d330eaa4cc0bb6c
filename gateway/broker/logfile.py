"""A log file that never grows beyond two times its bound, and lines out of a child's output."""

from pathlib import Path

LOG_BYTES_MAX = 1_048_576
LINE_BYTES_MAX = 4_096  # a topic in a line may be 64 KiB; the beginning tells enough


class BoundedLog:
    """Appends to `path`; when that holds LOG_BYTES_MAX it becomes `<path>.1` and a new one begins."""

    def __init__(self, path: Path, bytes_max: int = LOG_BYTES_MAX) -> None:
        self._path = path
        self._bytes_max = bytes_max
        self._file = path.open("ab")
        self._size = self._file.tell()

    def write(self, data: bytes) -> None:
        """Append; the disk's errors (OSError) are the caller's."""
        if self._size + len(data) > self._bytes_max and self._size:
            self._file.close()
            self._path.replace(self._path.with_name(f"{self._path.name}.1"))
            self._file = self._path.open("ab")
            self._size = 0
        self._file.write(data)
        self._file.flush()
        self._size += len(data)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class Lines:
    """Cuts a byte stream into lines, each at most LINE_BYTES_MAX long (the rest of a longer one is dropped)."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """The lines that end in `data`, without their ends; bytes that are no UTF-8 are escaped."""
        *whole, self._rest = (self._rest + data).split(b"\n")
        self._rest = self._rest[:LINE_BYTES_MAX]
        return [line[:LINE_BYTES_MAX].decode("utf-8", "backslashreplace") for line in whole]
