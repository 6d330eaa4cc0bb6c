"""What a session's settings accept, and how long it waits between attempts."""

import random
import ssl
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.mqtt import BrokerAddress, TlsSettings, parse_broker_url, tls_context
from gateway.mqtt.backoff import ALONE_S, CEILING_S, STABLE_S, Backoff
from gateway.mqtt.settings import is_filter
from tests.gateway.mqtt_helpers import settings

URLS = (
    ("mqtt://h", BrokerAddress("h", 1883, False, None, None)),
    ("mqtts://h", BrokerAddress("h", 8883, True, None, None)),
    ("mqtt://u:p@h:1884/", BrokerAddress("h", 1884, False, "u", "p")),
    ("mqtt://u@h", BrokerAddress("h", 1883, False, "u", None)),
    ("mqtt://a%40b:p%3A%2Fw@h", BrokerAddress("h", 1883, False, "a@b", "p:/w")),
    ("mqtts://[::1]:9", BrokerAddress("::1", 9, True, None, None)),
)


@pytest.mark.parametrize(("url", "address"), URLS)
def test_broker_urls(url: str, address: BrokerAddress) -> None:
    """mqtt:// and mqtts:// with their ports, accounts and percent signs."""
    assert parse_broker_url(url) == address


@pytest.mark.parametrize(
    "url", ["", "h:1883", "http://h", "mqtt://", "mqtt://u:secret@h:port", "mqtt://u:secret@h:99999", "mqtt://h/topic", "mqtt://h?x=1"]
)  # fmt: skip
def test_bad_broker_urls_say_what_is_expected(url: str) -> None:
    """A wrong address is refused with a sentence that repeats no password."""
    with pytest.raises(ValueError, match="broker address") as caught:
        parse_broker_url(url)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"host": ""}, {"client_id": ""}, {"filters": ()}, {"filters": ("a/#/b",)}, {"filters": ("a+",)},
        {"filters": ("",)}, {"filters": ("a\0",)}, {"client_id": "x" * 65_536}, {"password": "p"},
        {"port": 0}, {"port": 65_536}, {"keepalive_s": 0}, {"receive_maximum": 0}, {"receive_maximum": 65_536},
        {"maximum_packet_size": 1}, {"announced_packet_size": 1000}, {"connect_timeout_s": 0},
        {"session_expiry_s": -1},
    ],
)  # fmt: skip
def test_settings_no_broker_could_accept_are_refused(change: dict[str, object]) -> None:
    """A wrong setting is a ValueError when it is made, not a surprise on the wire."""
    with pytest.raises(ValueError):
        settings(**{"port": 1883, **change})  # type: ignore[arg-type]  # wrong values are the point


def test_a_session_is_named_by_source_and_role() -> None:
    """Source and role where there is a source, else the client id."""
    assert settings(1883, role="alarm").name == "s1.alarm"
    assert settings(1883, source="").name == "gateway-under-test"


@pytest.mark.parametrize("pattern", ["#", "+", "a/+/b/#", "/", "a//b", "小区/+", "$SYS/#"])
def test_filters(pattern: str) -> None:
    """What clause 4.7.1 allows."""
    assert is_filter(pattern)


def test_tls_verifies_unless_told_not_to(tmp_path: Path) -> None:
    """The server's certificate and name are checked by default, TLS 1.2 is the least, a missing file is an OSError."""
    context = tls_context(TlsSettings())
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert tls_context(TlsSettings(insecure=True)).verify_mode is ssl.CERT_NONE
    with pytest.raises(OSError):
        tls_context(TlsSettings(ca=str(tmp_path / "absent.pem")))


@given(
    st.integers(), st.lists(st.tuples(st.floats(0, STABLE_S - 0.1), st.booleans()), min_size=1, max_size=30)
)
def test_waiting_grows_and_stays_below_its_ceiling(seed: int, history: list[tuple[float, bool]]) -> None:
    """The n-th wait after a failure is at most 2**n s and never over 60 s; after a take-over at least half of that."""
    backoff = Backoff(random.Random(seed))
    failures = take_overs = 0
    for lived_s, taken_over in history:
        wait = backoff.after(lived_s, taken_over=taken_over)
        if taken_over:
            ceiling = min(CEILING_S, 4 * 2.0**take_overs)
            take_overs += 1
            assert ceiling / 2 <= wait <= ceiling
        else:
            assert 0 <= wait <= min(CEILING_S, 2.0**failures)
            failures += 1


class Longest(random.Random):
    """Chance that always waits the longest."""

    def uniform(self, _a: float, b: float) -> float:
        return b


def test_a_stable_connection_starts_again_from_one_second() -> None:
    """1, 2, 4, 8, 16, 32, 60, 60 s while it fails, and 1 s after ten good seconds."""
    backoff = Backoff(Longest())
    waits = [backoff.after(0.0, taken_over=False) for _ in range(8)]
    assert waits == [1, 2, 4, 8, 16, 32, 60, 60]
    assert backoff.after(STABLE_S, taken_over=False) == 1


def test_two_gateways_with_one_client_id_do_not_fight_at_full_speed() -> None:
    """Take-overs wait longer and longer even when the connections between lived as long as the waits."""
    backoff = Backoff(Longest())
    assert [backoff.after(59.0, taken_over=True) for _ in range(6)] == [4, 8, 16, 32, 60, 60]
    assert backoff.after(ALONE_S, taken_over=True) == 4
