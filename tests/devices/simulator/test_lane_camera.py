"""The demo's camera: the same for everybody, at its own pace, and cheap from the second time on."""

from __future__ import annotations

import socket
import time
import urllib.error
import urllib.request
from contextlib import ExitStack

import cv2
import msgspec
import numpy as np
import pytest

from devices.picture.frame import Pixels
from devices.simulator.lane_camera import FPS, LOOP_S, PARKS_S, ROUND_S, YARD, LaneCamera
from devices.simulator.streaming import VIEWERS_MAX, served
from gateway import demo_camera

SMALL = msgspec.structs.replace(YARD, width=160, people=0.0, cars=0.0)


def decoded(jpeg: bytes) -> Pixels:
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)


def parked(camera: LaneCamera, at_s: float) -> bool:
    """Whether a light car stands where the lane was dark."""
    picture = decoded(camera.jpeg(round(at_s * FPS)))
    tall, wide = picture.shape[:2]
    return (
        float(picture[int(0.74 * tall) : int(0.78 * tall), int(0.16 * wide) : int(0.28 * wide)].mean()) > 140
    )


def test_a_car_parks_for_a_while_in_every_round() -> None:
    """From the 45th second to the 135th, and in the next round again: long enough for the zone's dwell time."""
    camera = LaneCamera(SMALL)
    first, last = PARKS_S
    times = (0, first - 1, first, last - 1, last, ROUND_S - 1, ROUND_S + first, ROUND_S + last)
    assert [parked(camera, at) for at in times] == [False, False, True, True, False, False, True, False]
    assert last - first > demo_camera.RECORD.thresholds["dwell_s"] + 30


def test_a_picture_is_rendered_once() -> None:
    """The minute comes round again as the very bytes it was; no picture is kept twice."""
    camera = LaneCamera(SMALL)
    assert camera.jpeg(3) is camera.jpeg(3 + round(LOOP_S * FPS) * 4)
    assert camera.jpeg(3) != camera.jpeg(4), "a living camera has noise"


def test_who_comes_later_sees_the_present() -> None:
    """The show goes on without a viewer: nobody begins it anew."""
    camera = LaneCamera(SMALL)
    camera._began = time.monotonic() - 50
    at, jpeg = next(camera.pictures())
    assert at == 0
    assert jpeg in {camera.jpeg(n) for n in range(round(49 * FPS), round(60 * FPS))}


def test_the_gateway_knows_the_camera_as_it_is() -> None:
    """Its zone is the rendered lane, its pace the rendered one, and its record is whole and says what it is."""
    assert YARD.lane.points == demo_camera.LANE
    assert YARD.fps == demo_camera.FPS
    assert demo_camera.RECORD.missing == ()
    assert "模拟" in demo_camera.RECORD.sees


def test_a_stream_on_a_given_port_for_so_many_viewers() -> None:
    """It takes the listening socket it is handed; one viewer too many is told so, and has a place when one leaves."""
    listener = socket.create_server(("127.0.0.1", 0))
    address = f"http://127.0.0.1:{listener.getsockname()[1]}/stream.mjpg"
    with served(LaneCamera(SMALL).pictures, listener) as url, ExitStack() as viewers:
        assert url == address
        seen = [viewers.enter_context(urllib.request.urlopen(url, timeout=10)) for _ in range(VIEWERS_MAX)]
        assert all(b"--frame" in viewer.readline() for viewer in seen)
        with pytest.raises(urllib.error.HTTPError) as refused:
            urllib.request.urlopen(url, timeout=10)
        assert refused.value.code == 503
        refused.value.close()
