"""What `csg.yaml` says of one camera: where its pictures come from. What people edit about it is in the registry."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Final
from urllib.parse import quote, urlsplit, urlunsplit

import msgspec
from msgspec import Meta

STREAMS: Final = ("rtsp", "rtsps", "http", "https")
SHARE: Final = 6  # cameras in one process: what one core carries with all analytics, with room to spare
NAME_MAX: Final = 32  # of a site with cameras: its source's name holds it

Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$",
        description="a name of letters, digits, . _ - (at most 32)",
    ),
]


class CameraSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One camera. `url`: rtsp://, rtsps://, http://, https:// (MJPEG or anything ffmpeg reads) or a file, which is
    played again and again. `username` and `password` beside it are put into the address where it is opened and nowhere
    else. `fps` pictures a second are analysed. `simulated`: everything it tells is marked so.
    """

    name: Name
    site: Name
    url: Annotated[str, Meta(min_length=1, max_length=2048)]
    username: str | None = None
    password: str | None = None
    fps: Annotated[float, Meta(ge=1, le=25)] = 5.0
    simulated: bool = False

    def __repr__(self) -> str:
        return f"CameraSettings({self.name}, {self.site})"  # never the address, which may hold a secret

    @property
    def live(self) -> bool:
        """Whether it is a stream and no file."""
        return urlsplit(self.url).scheme in STREAMS

    @property
    def address(self) -> str:
        """What OpenCV opens; holds the password."""
        if self.username is None or not self.live:
            return self.url
        parts = urlsplit(self.url)
        user = quote(self.username, safe="") + (f":{quote(self.password, safe='')}" if self.password else "")
        return urlunsplit(parts._replace(netloc=f"{user}@{parts.netloc.rpartition('@')[2]}"))

    @property
    def source(self) -> str:
        """The source its readings come from: one a site, and another one for simulated cameras."""
        return f"simulated-cameras-{self.site}" if self.simulated else f"cameras-{self.site}"

    @property
    def native(self) -> str:
        """The name it has in its source."""
        return f"{self.site}/{self.name}"

    @property
    def device(self) -> str:
        """Its device id in the catalogue, the register and every reading."""
        return f"{self.source}:{self.native}"


def shares(cameras: Sequence[CameraSettings]) -> Mapping[str, tuple[CameraSettings, ...]]:
    """Which process (`cameras-1`, `cameras-2`, ...) has which cameras, in the order of the file."""
    return {f"cameras-{n // SHARE + 1}": tuple(cameras[n : n + SHARE]) for n in range(0, len(cameras), SHARE)}
