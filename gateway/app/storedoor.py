"""The view's own door: a socket for this user only, by which `csg store` asks the process that holds the stores.

Only one process may open the embedded store, so what is to be done with it while the gateway runs is done by the view.
Whoever may open the data folder may do all of it: there are no other rights here. A connection asks one question.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from gateway.api.problems import Problem
from gateway.app.stores import Stores
from gateway.control import frame, listen_privately, read_frame
from gateway.proofs import Why
from gateway.retention import REASONS, Outcome
from gateway.series import StoreError

SOCKET: Final = "view.sock"
LOCAL: Final = "local"
"""The actor in proofs: somebody with the account the gateway runs under."""

log = structlog.get_logger(__name__)

Meant = Callable[[list[str], str | None, str | None], list[str]]
"""The points that are meant by points, a device and a place."""


class Refusal(Exception):
    """It is not done; the text says why and what to do."""


class Work:
    """What can be asked. `meant` finds points, `erase` erases them everywhere."""

    def __init__(
        self, stores: Stores, meant: Meant, erase: Callable[[list[str], Why], list[Outcome]]
    ) -> None:
        self._stores, self._meant, self._erase_points = stores, meant, erase

    def do(self, asked: Mapping[str, Any]) -> Any:
        """The answer, as plain data. Raises Refusal, StoreError, OSError, sqlite3.Error; blocks as long as it takes."""
        match asked.get("do"):
            case "status":
                return self._status()
            case "export" | "import" | "backup" as verb:
                return self._files(verb, asked)
            case "erase":
                return self._erase(asked)
            case "proofs":
                proofs = self._stores.proofs
                lines = msgspec.to_builtins(proofs.lines(int(asked.get("after", 0))))
                return {"broken_at": proofs.broken_at(), "lines": lines}
            case other:
                raise Refusal(f"unknown: {other}")

    def _status(self) -> list[dict[str, Any]]:
        asked = self._stores.history()
        rows = [
            {"store": f.name, "history": f.store is asked, **msgspec.to_builtins(f.health())}
            for f in self._stores.feeders
        ]
        return [
            *rows,
            *({"store": n, "ok": False, "failing": why} for n, why in self._stores.unopened.items()),
        ]

    def _files(self, verb: str, asked: Mapping[str, Any]) -> Any:
        name = asked.get("store")
        store = self._stores.nearest() if name is None else self._stores.opened().get(name)
        method = getattr(store, {"import": "import_"}.get(verb, verb), None)
        if method is None:
            raise Refusal(f"store {name or '(none)'} is not open or knows no {verb}; the embedded one does")
        folder = Path(str(asked["folder"]))
        if verb == "export":
            points = asked.get("points") or None
            return msgspec.to_builtins(method(folder, int(asked["since"]), int(asked["until"]), points))
        return msgspec.to_builtins(method(folder))

    def _erase(self, asked: Mapping[str, Any]) -> Any:
        if asked["reason"] not in REASONS:
            raise Refusal(f"reason: one of {', '.join(REASONS)}")
        points = self._meant(list(asked.get("points") or ()), asked.get("device"), asked.get("place"))
        why = Why(LOCAL, str(asked["reason"]), str(asked.get("case", "")))
        done = self._erase_points(points, why)
        return {"points": len(points), "stores": msgspec.to_builtins(done)}


class StoreDoor:
    """Serves `Work` on the socket, each question in a thread of its own."""

    def __init__(self, path: Path, work: Work) -> None:
        self._path, self._work = path, work
        self._server: asyncio.AbstractServer | None = None

    async def start(self) -> None:
        """Listen. A socket left by a dead view is replaced. Raises OSError."""
        self._server = await listen_privately(self._path, self._serve)

    def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            asked = await read_frame(reader)
            writer.write(frame(await asyncio.to_thread(self._answer, asked)))
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, ValueError, msgspec.DecodeError) as error:
            log.warning("store client dropped", reason=str(error)[:200])
        finally:
            writer.close()

    def _answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return {"ok": True, "result": self._work.do(asked)}
        except Problem as problem:
            return {"ok": False, "error": problem.detail or problem.code}
        except (Refusal, StoreError, OSError, sqlite3.Error, KeyError, ValueError) as error:
            return {"ok": False, "error": str(error)[:500] or type(error).__name__}


async def ask(path: Path, question: Mapping[str, Any]) -> dict[str, Any]:
    """The running view's answer. Raises OSError where none runs, Refusal where it says no."""
    reader, writer = await asyncio.open_unix_connection(str(path))
    try:
        writer.write(frame(question))
        try:
            answer = await read_frame(reader)
        except (asyncio.IncompleteReadError, ValueError) as error:
            raise Refusal("the gateway ended before it answered; look at its log, then try again") from error
    finally:
        writer.close()
    if not answer.get("ok"):
        raise Refusal(str(answer.get("error", "no reason given")))
    return answer
