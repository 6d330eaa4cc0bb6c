"""Writing to InfluxDB: what goes over the wire, and that trouble with the server loses and doubles nothing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lines import Lines
from gateway.linesink import LineSink
from gateway.series import StoreError
from gateway.store import influxdb
from tests.gateway.store.feeding import NOON, Happening, batch, expected, ordered
from tests.gateway.store.lineserver import Answer, LineServer, Request, line_server

A, B = "home:a/temperature/", "home:b/state/左"
EVENTS = [Happening(i, NOON + i // 3, [(A, i / 4, NOON, 0), (B, f"状态{i}", None, 8)]) for i in range(1, 41)]


@pytest.fixture
def server() -> Iterator[LineServer]:
    """A server of the v2 write path."""
    with line_server() as running:
        yield running


@pytest.fixture
def sink(server: LineServer, tmp_path: Path) -> Iterator[LineSink]:
    """A writer to it, ten lines a request."""
    made = opened(server, tmp_path)
    yield made
    made.close()


def opened(server: LineServer, folder: Path, bucket: str = "community") -> LineSink:
    config = influxdb.Config(server.url, bucket, org="街道", token="word", batch_lines=10, timeout_ms=2_000)
    return influxdb.open(config, folder, "city", lambda source: "幸福里")


def test_the_bytes_on_the_wire(sink: LineSink, server: LineServer) -> None:
    """A POST to the v2 write path: gzip, token, organisation, bucket, nanoseconds, one line a reading, tags sorted."""
    sink.write(
        batch([Happening(7, 1_763_712_000_000, [(A, 21.5, 1_763_711_999_980, 0), (B, 'a "b"\\', None, 9)])])
    )
    (request,) = server.requests
    assert request.path == "/api/v2/write"
    assert request.query == {"org": ["街道"], "bucket": ["community"], "precision": ["ns"]}
    assert request.headers["Content-Encoding"] == "gzip"
    assert request.headers["Authorization"] == "Token word"
    first, second = request.body.split("\n")
    assert first == (
        "reading,device=home:a,metric=temperature,site=幸福里 value=21.5,measured_at=1763711999980i,seq=7i"
        " 1763712000000007000"
    )
    assert second == (
        'reading,channel=左,device=home:b,metric=state,site=幸福里 invalid_text="a \\"b\\"\\\\",flags=9i,seq=7i'
        " 1763712000000007001"
    )


def test_requests_are_bounded_and_end_with_a_whole_message(sink: LineSink, server: LineServer) -> None:
    """A batch goes in several requests, none cutting a message in two, so that each confirms a cursor."""
    sink.write(batch(EVENTS))
    sizes = [len(r.body.split("\n")) for r in server.requests]
    assert sizes == [10] * 8
    assert sink.cursor() == 40


@pytest.mark.parametrize(
    ("answer", "least_ms", "most_ms"),
    [
        pytest.param(Answer(503, b"overloaded"), 1_000, 1_500, id="overloaded"),
        pytest.param(Answer(500), 1_000, 1_500, id="failing"),
        pytest.param(Answer(429, headers=(("Retry-After", "7"),)), 7_000, 7_000, id="asks for patience"),
        pytest.param(Answer(503, headers=(("Retry-After", "Wed"),)), 1_000, 1_500, id="asks in odd words"),
        pytest.param(Answer(401, b'{"code":"unauthorized"}'), 30_000, 30_000, id="wrong token"),
        pytest.param(Answer(404, b'{"message":"bucket not found"}'), 30_000, 30_000, id="no such bucket"),
        pytest.param(Answer(502, b"\xff\xfe"), 1_000, 1_500, id="no text"),
        pytest.param(Answer(0), 1_000, 1_500, id="dies"),
        pytest.param(Answer(302, headers=(("Location", "/login"),)), 1_000, 1_500, id="a login page"),
    ],
)
def test_a_server_in_trouble_loses_nothing(
    sink: LineSink, server: LineServer, answer: Answer, least_ms: int, most_ms: int
) -> None:
    """The write raises and says how long to wait; what was confirmed counts, the rest follows, nothing is twice."""
    server.answer = lambda lines: answer if len(server.requests) > 3 else Answer(204)
    with pytest.raises(StoreError) as trouble:
        sink.write(batch(EVENTS))
    assert least_ms <= trouble.value.retry_after_ms <= most_ms
    assert sink.cursor() == 15
    assert not sink.health()["ok"]
    server.answer = lambda lines: Answer(204)
    sink.write(batch(EVENTS))
    assert sink.cursor() == 40
    assert sink.health()["ok"]
    assert ordered(server.stored()) == expected(EVENTS)


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    """Nothing listens: the same patience."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    sink = influxdb.open(influxdb.Config(f"http://127.0.0.1:{port}", "b"), tmp_path, "city", str)
    with pytest.raises(StoreError):
        sink.write(batch(EVENTS))
    assert sink.cursor() == 0
    sink.close()


def test_an_answer_that_never_comes(tmp_path: Path) -> None:
    """A server that takes the request and says nothing is given up after the time set."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        config = influxdb.Config(f"http://127.0.0.1:{silent.getsockname()[1]}", "b", timeout_ms=100)
        sink = influxdb.open(config, tmp_path, "city", str)
        with pytest.raises(StoreError):
            sink.write(batch(EVENTS))
        sink.close()


def test_an_answer_lost_on_the_way_doubles_nothing(sink: LineSink, server: LineServer) -> None:
    """The server stored the lines and died before saying so: writing them again lands on the same times."""

    def keeps_and_dies(lines: list[str]) -> Answer:
        return Answer(0, keep=lines)

    server.answer = keeps_and_dies
    with pytest.raises(StoreError):
        sink.write(batch(EVENTS))
    server.answer = lambda lines: Answer(204)
    sink.write(batch(EVENTS))
    assert ordered(server.stored()) == expected(EVENTS)


@pytest.mark.parametrize("status", [400, 422])
@pytest.mark.parametrize("keeps_the_good", [True, False], ids=["partial", "all or nothing"])
def test_a_line_the_server_refuses_does_not_hold_up_the_rest(
    sink: LineSink, server: LineServer, tmp_path: Path, status: int, keeps_the_good: bool
) -> None:
    """Bad lines are found by halving, kept in a file with the reason, counted, and everything else is in."""

    def refuses_17_and_18(lines: list[str]) -> Answer:
        good = [line for line in lines if "seq=17i" not in line and not line.endswith("018001")]
        if len(good) == len(lines):
            return Answer(204)
        said = b'{"code":"invalid","message":"partial write: field type conflict dropped=1"}'
        return Answer(status, said, keep=good if keeps_the_good else [])

    server.answer = refuses_17_and_18
    sink.write(batch(EVENTS))
    assert sink.cursor() == 40
    left_out = [s for s in expected(EVENTS) if s.sample[4] == 17 or s.sample[4:] == (18, 1)]
    assert len(left_out) == 3
    assert ordered(server.stored()) == [s for s in expected(EVENTS) if s not in left_out]
    health = sink.health()
    assert (health["ok"], health["refused"]) == (False, 3)
    assert "field type conflict" in health["problems"][0]
    kept = (tmp_path / "cursors" / "influx-city.refused").read_text("utf-8").splitlines()
    assert [line.startswith("# ") for line in kept] == [True, False] * 3
    assert "seq=17i" in kept[1]


THREE = """{"error":"partial write of line protocol occurred","data":[
 {"original_line":"%s","line_number":%d,"error_message":"invalid column type for column 'value'"}]}"""
SERVERLESS = """{"code":"invalid","message":"failed to parse line protocol: errors encountered on line(s):\\n\
error parsing line %d (1-based): Unable to parse timestamp value\\n"}"""


@pytest.mark.parametrize("says", ["three", "serverless", "a lie"])
@pytest.mark.parametrize("keeps_the_good", [True, False], ids=["partial", "all or nothing"])
def test_a_line_that_the_server_names(
    sink: LineSink, server: LineServer, tmp_path: Path, says: str, keeps_the_good: bool
) -> None:
    """InfluxDB 3 says which lines it left out: they alone are set aside, without a search where it said the truth."""

    def refuses_17(lines: list[str]) -> Answer:
        bad = [i for i, line in enumerate(lines, 1) if "seq=17i" in line and line.endswith("000")]
        if not bad:
            return Answer(204)
        good = [line for line in lines if line not in (lines[i - 1] for i in bad)]
        named = bad[0] if says != "a lie" else bad[0] % len(lines) + 1
        said = SERVERLESS % named if says == "serverless" else THREE % (lines[bad[0] - 1][:40], named)
        return Answer(400, said.encode(), keep=good if keeps_the_good else [])

    server.answer = refuses_17
    sink.write(batch(EVENTS))
    assert (sink.cursor(), sink.health()["refused"], sink.health()["written"]) == (40, 1, 79)
    assert ordered(server.stored()) == [s for s in expected(EVENTS) if s.sample[4:] != (17, 0)]
    assert (len(server.requests) == 9) == (says != "a lie")
    assert "seq=17i" in (tmp_path / "cursors" / "influx-city.refused").read_text("utf-8")


def test_readings_older_than_the_server_keeps_are_not_searched(sink: LineSink, server: LineServer) -> None:
    """It dropped all of the request: each of its lines is a bad one."""
    said = b'{"error":"partial write: points beyond retention policy dropped=10"}'
    server.answer = lambda lines: Answer(400, said, keep=[])
    sink.write(batch(EVENTS))
    assert (len(server.requests), sink.health()["refused"]) == (8, 80)


def test_a_server_that_refuses_everything_is_not_asked_forever(server: LineServer, tmp_path: Path) -> None:
    """The search for bad lines is bounded; the lines are in the file, not lost."""
    server.answer = lambda lines: Answer(400, b"no")
    sink = influxdb.open(influxdb.Config(server.url, "b"), tmp_path, "city", str)
    sink.write(batch([Happening(i, NOON + i, [(A, 1.0, None, 0)] * 9) for i in range(1, 401)]))
    assert (sink.cursor(), sink.health()["refused"]) == (400, 3_600)
    assert len(server.requests) < 450
    assert (tmp_path / "cursors" / "influx-city.refused").read_text("utf-8").count("\nreading,") == 3_600
    sink.close()


def test_a_request_too_large_is_halved(sink: LineSink, server: LineServer) -> None:
    """A proxy with a small limit gets smaller requests."""
    server.answer = lambda lines: Answer(413) if len(lines) > 3 else Answer(204)
    sink.write(batch(EVENTS))
    assert ordered(server.stored()) == expected(EVENTS)
    assert sink.health()["ok"]


def test_another_server_or_bucket_begins_anew(sink: LineSink, server: LineServer, tmp_path: Path) -> None:
    """A cursor counts for the bucket it was confirmed by."""
    sink.write(batch(EVENTS))
    other = opened(server, tmp_path, "another")
    assert other.cursor() == 0
    other.close()


@pytest.mark.parametrize("harm", [b"", b"{", b'{"seq":"x","url":"","bucket":""}'])
def test_a_damaged_cursor_writes_everything_again(
    sink: LineSink, server: LineServer, tmp_path: Path, harm: bytes
) -> None:
    """Which changes nothing there."""
    sink.write(batch(EVENTS))
    (tmp_path / "cursors" / "influx-city.json").write_bytes(harm)
    again = opened(server, tmp_path)
    assert again.cursor() == 0
    again.write(batch(EVENTS))
    again.close()
    assert ordered(server.stored()) == expected(EVENTS)


def test_settings_do_not_show_their_token() -> None:
    """A log line with the settings is no leak."""
    assert "geheim" not in repr(influxdb.Config("http://x", "b", token="geheim"))


@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=12))
def test_any_name_of_a_device_makes_one_line(name: str) -> None:
    """Blanks, commas, equal signs, quotes, backslashes and any script stay inside their tag."""
    point = f"home:{name}/temperature/"
    (line,) = Lines("reading", lambda source: "").of(batch([Happening(1, NOON, [(point, 1.0, None, 0)])]))
    server = LineServer()
    server.take(Request("/api/v2/write", {}, {}, line))
    (stored,) = server.stored()
    assert stored.point == point
