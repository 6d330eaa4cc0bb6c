"""A rendered scene as a camera's HTTP stream (multipart JPEG), in real time, on a port of this machine."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Final

import cv2

from devices.simulator.scenes.scene import Scene

BOUNDARY: Final = "frame"


@contextmanager
def streamed(scene: Scene, stop_after_s: float | None = None) -> Iterator[str]:
    """Serve the scene at the address given: each who connects sees it from its beginning, at its own frame rate.

    After `stop_after_s` the connection stays open and brings nothing more, as a camera does that hangs.
    """
    ended = threading.Event()

    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={BOUNDARY}")
            self.end_headers()
            began = time.monotonic()
            try:
                for at, picture in scene.frames():
                    if ended.wait(max(0.0, began + at / 1000 - scene.from_s - time.monotonic())):
                        return
                    if stop_after_s is not None and at / 1000 - scene.from_s >= stop_after_s:
                        ended.wait()
                        return
                    jpeg = cv2.imencode(".jpg", picture)[1].tobytes()
                    head = f"--{BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                    self.wfile.write(head.encode() + jpeg + b"\r\n")
            except (BrokenPipeError, ConnectionResetError):
                return  # the viewer has seen enough

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  the base class names it so
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Camera)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="scene.stream", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/stream.mjpg"
    finally:
        ended.set()
        server.shutdown()
        server.server_close()
        thread.join()
