"""Pictures as a camera's HTTP stream (multipart JPEG), in real time, on a port of this machine."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import cv2
import numpy as np

from devices.picture.frame import Pixels
from devices.simulator.scenes.scene import Scene

BOUNDARY: Final = "frame"
VIEWERS_MAX: Final = 8  # a camera's own limit is about as high
LOOK_S: Final = 0.1  # how soon the end is noticed

Pictures = Callable[[], Iterator[tuple[float, bytes]]]
"""For each who connects: seconds since they did, and the JPEG that is due then."""


@contextmanager
def streamed(scene: Scene, stop_after_s: float | None = None) -> Iterator[str]:
    """Serve the scene at the address given: each who connects sees it from its beginning, at its own frame rate.

    After `stop_after_s` the connection stays open and brings nothing more, as a camera does that hangs.
    """

    def pictures() -> Iterator[tuple[float, bytes]]:
        for at, picture in scene.frames():
            yield at / 1000 - scene.from_s, jpeg_of(picture)

    with served(pictures, stop_after_s=stop_after_s) as address:
        yield address


@contextmanager
def served(
    pictures: Pictures, listener: socket.socket | None = None, *, stop_after_s: float | None = None
) -> Iterator[str]:
    """Serve pictures at the address given, on `listener` where there is one (it is closed at the end), until the block
    ends; `stop_after_s` as in `streamed`."""
    ended = threading.Event()
    room = threading.BoundedSemaphore(VIEWERS_MAX)

    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if not room.acquire(blocking=False):
                self.send_error(503)
                return
            try:
                self._show()
            except (BrokenPipeError, ConnectionResetError):
                return  # the viewer has seen enough
            finally:
                room.release()

        def _show(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
            self.end_headers()
            began = time.monotonic()
            for at, jpeg in pictures():
                if ended.wait(max(0.0, began + at - time.monotonic())):
                    return
                if stop_after_s is not None and at >= stop_after_s:
                    ended.wait()
                    return
                head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                self.wfile.write(head.encode() + jpeg + b"\r\n")

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it so
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera, bind_and_activate=listener is None)
    if listener is not None:
        server.socket.close()
        server.socket = listener
        server.server_address = listener.getsockname()
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(LOOK_S,), name="scene.stream", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/stream.mjpg"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()


def jpeg_of(picture: Pixels) -> bytes:
    """The picture (uint8 BGR) as a camera sends it."""
    return np.asarray(cv2.imencode(".jpg", picture)[1]).tobytes()
