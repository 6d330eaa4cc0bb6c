"""The console's built files, and a plain page that says how to build them where they are missing."""

from __future__ import annotations

import mimetypes
import re
from pathlib import Path
from typing import Final

from fastapi import APIRouter
from starlette.responses import FileResponse, PlainTextResponse, Response

from gateway.api.asking import House
from gateway.api.problems import Problem

HASHED: Final = re.compile(r"[-.][A-Za-z0-9_-]{8,}\.[a-z0-9]+$")
"""File names that carry a hash of their content may be kept for good."""

UNBUILT: Final = (
    "The console is not built yet: run `make setup` (or `npm ci && npm run build` in dashboards/web) "
    "and load this page again. The API answers under /api/v1.\n"
    "值班页面尚未构建：请运行 make setup，然后刷新。接口在 /api/v1。\n"
)

router: Final = APIRouter(include_in_schema=False)


def default_web() -> Path:
    """Where the built files are, from a checkout and from an installed wheel alike."""
    import gateway

    return Path(gateway.__file__).parent.parent / "dashboards" / "web" / "dist"


@router.get("/{path:path}")
def console(path: str, house: House) -> Response:
    """A file of the console; any other address is a view of it (its router lives in the browser)."""
    root = house.web
    if path.startswith(("api/", "n/")):
        raise Problem("no_route")
    if root is None or not (root / "index.html").is_file():
        return PlainTextResponse(UNBUILT, 503, {"Cache-Control": "no-store", "Retry-After": "10"})
    found = _file(root, path)
    if found is None:
        if "." in path.rsplit("/", 1)[-1]:
            raise Problem(
                "no_route"
            )  # a missing file is missing; the page itself would only confuse its loader
        found = root / "index.html"
    keep = HASHED.search(found.name) is not None and found.parent != root
    headers = {"Cache-Control": "public, max-age=31536000, immutable" if keep else "no-cache"}
    return FileResponse(found, headers=headers, media_type=mimetypes.guess_type(found.name)[0])


def _file(root: Path, path: str) -> Path | None:
    """The file below `root`, or None; nothing outside it however the path is written."""
    if not path or "\0" in path:
        return None
    try:
        found = (root / path).resolve()
        return found if found.is_relative_to(root.resolve()) and found.is_file() else None
    except OSError:  # a name too long for the file system
        return None
