"""What the embedded broker's log lines mean, how its log is kept, and what is wrong with a mosquitto.conf."""

from pathlib import Path

import pytest

from gateway.broker import EmbeddedBroker, doctor_mosquitto, mosquitto, nats
from gateway.broker.accounts import Access
from gateway.broker.kind import Trouble
from gateway.broker.logfile import LINE_BYTES_MAX, BoundedLog, Lines

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        ("1795299049: Client d disconnected due to protocol error.", Trouble("d", "protocol error")),
        ("1795299049: Client d disconnected due to malformed packet.", Trouble("d", "malformed packet")),
        (
            "1795299049: Outgoing messages are being dropped for client d.",
            Trouble("d", "queue full, messages dropped"),
        ),
        (
            "1795299050: Error saving in-memory database, unable to open /x/mosquitto.db.new for writing.",
            Trouble("", "Error saving in-memory database, unable to open /x/mosquitto.db.new for writing."),
        ),
        ("1795299049: Client d disconnected.", None),
        ("1795299049: Client d closed its connection.", None),
        ("1795299049: New connection from 127.0.0.1:40765 on port 21884.", None),
        ("", None),
    ],
)
def test_lines_of_mosquitto(line: str, trouble: Trouble | None) -> None:
    """Lines seen in its log, and what they mean."""
    assert mosquitto.trouble(line) == trouble


@pytest.mark.parametrize(
    ("line", "trouble"),
    [
        (
            '[7] 2026/11/21 22:10:07.887332 [ERR] 127.0.0.1:35735 - mid:22 - "d \\"x\\"" - something new',
            Trouble('d \\"x\\"', "something new"),
        ),
        (
            '[7] 2026/11/21 22:25:09 [ERR] 127.0.0.1:3 - mid:29 - "d3" - Subscription Violation - Subject ">", SID >',
            Trouble("d3", 'subscription refused by the access rules: ">"'),
        ),
        (
            "[7] 2026/11/21 22:10:07.887332 [FTL] Error listening on port",
            Trouble("", "Error listening on port"),
        ),
        ("[7] 2026/11/21 22:10:07.887332 [INF] Server is ready", None),
        ("", None),
    ],
)
def test_lines_of_nats(line: str, trouble: Trouble | None) -> None:
    """Lines seen in its log, and what they mean."""
    assert nats.trouble(line) == trouble


# --------------------------------------------------------------------------------------------------------- log


def test_the_log_is_bounded(tmp_path: Path) -> None:
    """However much the broker says, the log and its predecessor hold at most twice the bound, the newest last."""
    path = tmp_path / "broker.log"
    log = BoundedLog(path, bytes_max=1000)
    for number in range(500):
        log.write(b"line %d\n" % number)
    log.close()
    assert sorted(each.name for each in tmp_path.iterdir()) == ["broker.log", "broker.log.1"]
    assert sum(each.stat().st_size for each in tmp_path.iterdir()) <= 2000
    assert path.read_bytes().endswith(b"line 499\n")
    again = BoundedLog(path, bytes_max=1000)
    again.write(b"more\n")
    again.close()
    assert path.read_bytes().endswith(b"line 499\nmore\n")


def test_lines_in_any_cut_and_of_any_length() -> None:
    """Lines are whole however the bytes come; an endless one costs at most its bound."""
    lines = Lines()
    assert lines.feed(b"one\ntw") == ["one"]
    assert lines.feed(b"o\n\xff\n") == ["two", "\\xff"]
    for _ in range(100):
        assert lines.feed(b"x" * 10_000) == []
    assert len(lines._rest) <= LINE_BYTES_MAX
    (long,) = lines.feed(b"\n")
    assert len(long) == LINE_BYTES_MAX


# ------------------------------------------------------------------------------------------------------ doctor


def test_mosquittos_defaults_are_found_wanting() -> None:
    """An empty configuration has all four weaknesses, each told with what to write instead."""
    findings = doctor_mosquitto("")
    assert len(findings) == 4
    for option in ("max_queued_messages", "max_queued_bytes", "persistence", "max_inflight_messages"):
        assert sum(finding.startswith(option) for finding in findings) == 1


def test_what_we_ship_passes(tmp_path: Path) -> None:
    """The configuration we recommend and the one we write for our own broker have no finding, and name all options."""
    shipped = (ROOT / "deploy" / "mosquitto" / "gateway.conf").read_text()
    assert doctor_mosquitto(shipped) == []
    one = EmbeddedBroker(tmp_path)
    mosquitto.write_files(tmp_path, "127.0.0.1", 1883, Access(one._accounts))
    written = (tmp_path / "mosquitto.conf").read_text()
    assert doctor_mosquitto(written) == []
    for line in written.splitlines():
        name = line.partition(" ")[0]
        if name.startswith(("max_", "autosave", "persistence ", "persistent_", "allow_")):
            assert line in shipped.splitlines(), (
                f"deploy/mosquitto/gateway.conf says something else than: {line}"
            )


GOOD = """\
max_queued_messages 0
max_queued_bytes 1000000
persistence true
autosave_interval 5
max_inflight_messages 1000
"""


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("", None),
        ("# persistence false", None),
        ("max_inflight_messages 0", None),
        ("max_queued_messages 100000", "max_queued_messages is 100000"),
        ("max_queued_bytes 0", "max_queued_bytes is not set"),
        ("persistence false", "persistence is off"),
        ("autosave_interval 1800", "autosave_interval is 1800:"),
        ("autosave_interval 0", "autosave_interval is 0:"),
        ("autosave_on_changes true", "autosave_on_changes is on"),
        ("autosave_interval soon", "autosave_interval is soon:"),
        ("max_inflight_messages 20", "max_inflight_messages is 20"),
        ("include_dir /etc/mosquitto/conf.d", "include_dir /etc/mosquitto/conf.d"),
    ],
)
def test_each_weakness_is_found_alone(change: str, told: str | None) -> None:
    """One wrong setting gives one finding that begins with it; the last line of an option counts."""
    findings = doctor_mosquitto(GOOD + change + "\n")
    if told is None:
        assert findings == []
    else:
        (finding,) = findings
        assert finding.startswith(told)
