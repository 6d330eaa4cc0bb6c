"""The parts of a camera's process, one by one: what is lost, slow, said, remembered, and who is to blame."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from devices.picture.analytic import Sight
from devices.vision import motion, occupation, tamper
from gateway.cameras.capture import BACKOFF_S, OPEN_MS, Capture
from gateway.cameras.lastwords import APART_S, LastWords
from gateway.cameras.liveness import Liveness
from gateway.cameras.pictures import BYTES_MAX, KEPT_MS, Pictures, decoded
from gateway.cameras.settings import SHARE, CameraSettings, shares
from gateway.cameras.told import Message, Told
from tests.parts import until

NOW = 1_790_000_000_000


def _looked(live: Liveness, start: float, seconds: int, picture: bool, rate: float) -> float | None:
    """Look each second; gives after how many seconds the camera was lost, None if it was not."""
    last = None if not picture else start
    for second in range(seconds):
        now = start + second
        live.look(now, now if picture else last, rate if picture else 0.0)
        if live.online is False:
            return second
    return None


def test_a_camera_is_lost_within_ten_seconds_and_back_at_once() -> None:
    """Ten seconds without a picture are a lost camera, whether it ever gave one or not; the next picture brings it
    back."""
    live = Liveness(0.0)
    assert live.online is None
    assert _looked(live, 0.0, 30, picture=False, rate=0) is not None
    live.look(31.0, 31.0, 10.0)
    assert live.online is True
    for second in range(40, 42):
        live.look(second, 31.0, 0.0)
    assert live.online is False


def test_no_retry_waits_longer_than_a_minute() -> None:
    """The longest wait with its jitter and one opening stays within the minute in which a camera must be back."""
    assert max(BACKOFF_S) * 1.33 + OPEN_MS / 1000 < 60


def test_a_slow_stream_is_told_after_half_a_minute_and_its_rate_is_not_learned() -> None:
    """Fewer than half of the usual pictures for half a minute is slow, however long it goes on; the usual rate ends
    it."""
    live = Liveness(0.0)
    _looked(live, 0.0, 120, picture=True, rate=25.0)
    assert not live.slow
    _looked(live, 120.0, 20, picture=True, rate=10.0)
    assert not live.slow
    _looked(live, 140.0, 3600, picture=True, rate=10.0)
    assert live.slow
    _looked(live, 3740.0, 2, picture=True, rate=24.0)
    assert not live.slow


def _bodies(messages: list[Message]) -> list[tuple[str, str, str]]:
    return [
        (m.body["type"], m.body["data"]["hazard"], m.body["data"]["channel"])
        if m.kind == "event"
        else ("telemetry", str({k: v for k, v in m.body.items() if k not in ("v", "ts")}), "")
        for m in messages
    ]


def test_sights_become_native_messages() -> None:
    """An alarm begins and clears with its zone or kind; two objects in one zone are one level; a status stands while
    any zone says so."""
    told = Told("cameras-home:home/gate")
    say = [
        *told.sight(occupation, Sight("occupied", 10, zone="lane"), NOW),
        *told.sight(occupation, Sight("occupied", 20, zone="lane"), NOW),
        *told.sight(occupation, Sight("occupied", 10, 50, zone="lane"), NOW),
        *told.sight(occupation, Sight("occupied", 20, 60, zone="lane"), NOW),
        *told.sight(tamper, Sight("covered", 70), NOW),
        *told.sight(motion, Sight("motion", 80, zone="yard"), NOW),
        *told.sight(motion, Sight("motion", 81, zone="door"), NOW),
        *told.sight(motion, Sight("motion", 80, 90, zone="yard"), NOW),
        *told.sight(motion, Sight("motion", 81, 91, zone="door"), NOW),
    ]
    assert _bodies(say) == [
        ("alarm", "obstruction", "lane"),
        ("alarm_clear", "obstruction", "lane"),
        ("alarm", "camera_tamper", "covered"),
        ("telemetry", "{'motion': True}", ""),
        ("telemetry", "{'motion': True}", ""),
        ("telemetry", "{'motion': True}", ""),
        ("telemetry", "{'motion': False}", ""),
    ]
    assert _bodies(list(told.restate(NOW))) == [("alarm", "camera_tamper", "covered")]


def test_a_snooze_silences_what_is_seen_but_never_a_blind_camera() -> None:
    """While snoozed, nothing of the zones is told and what stood ends; tamper goes on; afterwards what stands is told
    again."""
    told = Told("d")
    list(told.sight(occupation, Sight("occupied", 10, zone="lane"), NOW))
    assert _bodies(list(told.snooze(on=True, now=NOW))) == [("alarm_clear", "obstruction", "lane")]
    assert list(told.sight(occupation, Sight("occupied", 20, zone="exit"), NOW)) == []
    assert _bodies(list(told.sight(tamper, Sight("black", 30), NOW))) == [("alarm", "camera_tamper", "black")]
    again = _bodies(list(told.snooze(on=False, now=NOW)))
    assert again == [("alarm", "obstruction", "exit"), ("alarm", "obstruction", "lane")]


def test_what_stood_at_a_restart_ends_only_after_a_good_look() -> None:
    """A level of the process before stands until the camera was seen well long enough without it; a blind view proves
    nothing, and a sight of the same level takes it over."""
    level = ("obstruction", "lane")
    told = Told("d", frozenset({level}))
    told.settles(10_000)
    now = NOW
    for _ in range(60):
        now += 1000
        assert list(told.seen(usable=False, now=now)) == []
    said: list[Message] = []
    for _ in range(11):
        now += 1000
        said += told.seen(usable=True, now=now)
    assert _bodies(said) == [("alarm_clear", "obstruction", "lane")]
    taken = Told("d", frozenset({level}))
    assert list(taken.sight(occupation, Sight("occupied", 5, zone="lane"), NOW)) == []
    assert taken.standing == {level}


def test_other_zones_or_no_register_leave_nothing_standing_for_ever() -> None:
    """Analytics that begin anew end what stood before, once they have looked long enough; a camera that is taken out
    of use ends it at once, and says no more that it is online."""
    told = Told("d")
    told.settles(5_000)
    list(told.sight(occupation, Sight("occupied", 10, zone="lane"), NOW))
    told.renewed()
    assert list(told.seen(usable=True, now=NOW)) == []
    said = [m for n in range(1, 10) for m in told.seen(usable=True, now=NOW + n * 1000)]
    assert _bodies(said) == [("alarm_clear", "obstruction", "lane")]
    list(told.status({"camera_online": True}, NOW))
    list(told.sight(tamper, Sight("covered", 20), NOW))
    assert _bodies(list(told.stopped(NOW))) == [
        ("alarm_clear", "camera_tamper", "covered"),
        ("telemetry", "{'camera_online': None}", ""),
    ]


_DYING = """
import sys, threading, time, ctypes
from pathlib import Path
from gateway.cameras.lastwords import LastWords
words = LastWords(Path(sys.argv[1]), "cameras-1")
words.listen()
def live(name):
    words.entered(name)
    time.sleep(60)
def die(name):
    words.entered(name)
    time.sleep(0.2)
    ctypes.CDLL(None).abort()
for name in ("a", "c"):
    threading.Thread(target=live, args=(name,), daemon=True).start()
threading.Thread(target=die, args=("b",), daemon=True).start()
time.sleep(60)
"""


def test_the_camera_whose_thread_aborts_is_named_and_kept_apart(tmp_path: Path) -> None:
    """An abort inside a library names the camera whose thread it was, not its neighbours; each death in a row keeps it
    apart longer, and an ordinary end blames nobody."""
    for death in range(2):
        done = subprocess.run(
            [sys.executable, "-c", _DYING, str(tmp_path)], check=False, stderr=subprocess.DEVNULL
        )
        assert done.returncode < 0
        words = LastWords(tmp_path, "cameras-1")
        assert words.culprit() == "b"
        apart = words.sentence(NOW)
        assert list(apart) == ["b"]
        assert apart["b"].until == NOW + APART_S[death] * 1000
    words.listen()
    words.close()
    assert words.culprit() is None
    assert LastWords(tmp_path, "cameras-1").sentence(NOW)["b"].deaths == 2


def test_a_capture_writes_down_whose_thread_it_is() -> None:
    """By the device id, which is what the next process asks for: two sites may both have a camera named gate."""
    camera, entered = CameraSettings("gate", "home", "nothing.mp4"), list[str]()
    capture = Capture(camera, lambda: NOW, lambda: None, entered.append)
    capture.start()
    until(lambda: bool(entered), "the thread to say whose it is")
    capture.stop()
    assert entered == [camera.device]


def test_a_hung_call_is_blamed(tmp_path: Path) -> None:
    """A process that ended itself because of a call that never came back names that camera."""
    words = LastWords(tmp_path, "cameras-1")
    words.listen()
    words.hung("cameras-home:home/gate")
    assert LastWords(tmp_path, "cameras-1").culprit() == "cameras-home:home/gate"
    words.close()


def test_the_last_minutes_of_pictures_are_kept_and_no_more() -> None:
    """One picture a second for half a minute, one in ten before that, so many bytes in all; before, onset and now are
    three of them."""
    ring = Pictures()
    assert ring.newest() is None
    assert ring.three(NOW) == []
    rng = np.random.default_rng(1)
    for n in range(400):
        ring.add(NOW + n * 200, np.full((36, 64, 3), n % 250, np.uint8))
    newest = ring.newest()
    assert newest is not None
    assert newest.at == NOW + 79_000
    onset = NOW + 70_000
    before, at, now = ring.three(onset)
    assert (before.at, at.at, now.at) == (onset - 5_000, onset, NOW + 79_000)
    before, at, _ = ring.three(NOW + 24_000)
    assert (before.at, at.at) == (NOW + 10_000, NOW + 20_000), "older ones are ten seconds apart"
    for n in range(200):
        ring.add(NOW + 100_000 + n * 1000, np.full((36, 64, 3), n, np.uint8))
    assert 0 <= ring.three(NOW)[0].at - (NOW + 299_000 - KEPT_MS) <= 10_000
    for n in range(40):  # pure noise is the largest picture there is
        ring.add(NOW + 300_000 + n * 1000, rng.integers(0, 255, (360, 640, 3), dtype=np.uint8))
        assert ring.size <= BYTES_MAX
    picture = decoded(newest.jpeg)
    assert picture is not None
    assert picture.shape == (36, 64, 3)
    assert decoded(b"no picture") is None


def test_six_cameras_share_a_process() -> None:
    """Cameras are dealt out in the order of the file, at most six to a process."""
    cameras = [CameraSettings(f"c{n}", "home", "rtsp://192.0.2.1/") for n in range(SHARE + 2)]
    dealt = shares(cameras)
    assert [len(share) for share in dealt.values()] == [SHARE, 2]
    assert [c for share in dealt.values() for c in share] == cameras


@pytest.mark.parametrize(
    ("url", "expected"),
    [("rtsp://h:554/x?a=1", "rtsp://u:p%40%3A@h:554/x?a=1"), ("film.mp4", "film.mp4")],
)
def test_the_password_is_only_in_the_address_that_is_opened(url: str, expected: str) -> None:
    """User and password are put into a stream's address, quoted; neither shows when the settings are printed."""
    camera = CameraSettings("gate", "home", url, username="u", password="p@:")
    assert camera.address == expected
    assert "p@" not in repr(camera)
    assert url not in repr(camera)


def test_names_of_opencv_that_are_used_exist() -> None:
    """The names the capture relies on; the version pin admits 4.14 and 5.0."""
    for name in (
        "CAP_PROP_OPEN_TIMEOUT_MSEC",
        "CAP_PROP_READ_TIMEOUT_MSEC",
        "CAP_PROP_N_THREADS",
        "CAP_FFMPEG",
    ):
        assert hasattr(cv2, name)
