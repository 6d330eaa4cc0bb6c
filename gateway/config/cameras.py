"""What must be so of `cameras:`, and the sources that follow from them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import msgspec

from gateway.cameras.settings import STREAMS
from gateway.config.document import Document, Problem
from gateway.config.settings import Settings, SourceSettings
from gateway.listen.address import CAMERAS
from gateway.shape import found, nearest, one_of

DIALECT: Final = "native"
RESERVED: Final = ("figures", "preview", "snooze")
"""What stands behind a camera's id in addresses of the API: a camera of such a name could not be told from it."""


def cameras(settings: Settings, document: Document) -> Iterator[Problem]:
    """Everything wrong with the cameras of a file. An address is never repeated: it may hold a password."""
    taken: dict[str, int] = {}
    names = {s.name for s in settings.sources}
    for i, camera in enumerate(settings.cameras):
        at = ("cameras", i)
        if camera.native in taken:
            yield document.problem(
                (*at, "name"), "each camera of a site once",
                f"{found(camera.name)} again (first in cameras[{taken[camera.native]}])",
            )  # fmt: skip
        taken.setdefault(camera.native, i)
        if camera.name in RESERVED:
            yield document.problem(
                (*at, "name"), f"a name that is none of {', '.join(RESERVED)}", found(camera.name)
            )
        if camera.source in names:
            yield document.problem(
                (*at, "site"), f"no source named {camera.source} beside it: cameras have that one", "one"
            )
        scheme = urlsplit(camera.url).scheme
        if "://" in camera.url and scheme not in STREAMS:
            yield document.problem(
                (*at, "url"), f"{one_of(STREAMS)}, or a file", found(scheme), nearest(scheme, STREAMS)
            )
        elif not camera.live and not Path(camera.url).is_file():
            yield document.problem((*at, "url"), "a film that exists, or rtsp:// or http://", "no such file")
        if camera.password is not None and camera.username is None:
            yield document.problem((*at, "password"), "username beside it", "a password alone")


def with_cameras(settings: Settings) -> Settings:
    """The settings with the sources that the cameras speak through: one a site, another for simulated ones."""
    zones = {s.site: s.time_zone for s in reversed(settings.sources)}
    made = {
        camera.source: SourceSettings(
            camera.source, camera.site, listen=CAMERAS, codecs=(DIALECT,), simulated=camera.simulated,
            time_zone=zones.get(camera.site, "Asia/Shanghai"),
        )
        for camera in settings.cameras
    }  # fmt: skip
    return msgspec.structs.replace(settings, sources=(*settings.sources, *made.values()))
