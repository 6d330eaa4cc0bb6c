"""The environment of processes that use OpenCV: quiet, and RTSP over TCP. It is read when the library is loaded."""

from __future__ import annotations

from typing import Final

QUIET: Final = {
    "OPENCV_LOG_LEVEL": "SILENT",
    "OPENCV_FFMPEG_LOGLEVEL": "-8",
    # Over UDP the first lost packet breaks the picture until the next key frame.
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "rtsp_transport;tcp",
}
