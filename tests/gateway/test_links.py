"""Personal links: short, signed, bound to one person and one effect, dead after four hours."""

from __future__ import annotations

import base64
import stat
import string
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import links
from gateway.links import Link, LinkRefused

KEY = bytes(range(32))
NOW = 1_795_201_927_125
UNTIL = NOW + links.LIFE_MS
IDS = st.text(max_size=30)
EFFECTS = st.builds("{}.{}".format, st.integers(0, 2**62), st.integers(0, 10**6)) | IDS
INCIDENTS = (
    st.builds(
        "{:%Y%m%d}-{:04d}".format,
        st.dates(min_value=date(2024, 1, 1)),
        st.integers(0, 10**8),
    )
    | IDS
)


@given(EFFECTS, IDS, INCIDENTS, st.integers(NOW, NOW + 10**11))
def test_round_trip(effect: str, person: str, incident: str, until: int) -> None:
    """Whatever was put in comes out again, URL-safe, until the minute after it expires."""
    token = links.make(KEY, effect, person, incident, until)
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")
    link = links.read(KEY, token, until - 1)
    assert isinstance(link, Link)
    assert (link.effect, link.person, link.incident) == (effect, person, incident)
    assert 0 <= link.expires_at - until < 60_000
    assert links.read(KEY, token, link.expires_at - 1) == link
    assert links.read(KEY, token, link.expires_at) is LinkRefused.EXPIRED


def test_short_enough_for_an_sms() -> None:
    """Ids of our own shapes make a token of about 50 characters."""
    assert len(links.make(KEY, "812345678.12", "p-station-lead", "20261121-0007", UNTIL)) == 52
    assert len(links.make(KEY, "81234.0", "p-grid-1", "20261121-0007", UNTIL)) == 42


@given(st.integers(0, 41), st.sampled_from(string.ascii_letters + string.digits + "-_"))
def test_a_changed_character_opens_nothing(at: int, other: str) -> None:
    """Every character counts."""
    token = links.make(KEY, "81234.0", "p-grid-1", "20261121-0007", UNTIL)
    changed = token[:at] + other + token[at + 1 :]
    assert changed == token or links.read(KEY, changed, NOW) is LinkRefused.INVALID


def test_every_cut_opens_nothing() -> None:
    """A link that a chat program cut short is invalid, not an error."""
    token = links.make(KEY, "81234.0", "p-grid-1", "20261121-0007", UNTIL)
    assert {links.read(KEY, token[:n], NOW) for n in range(len(token))} == {LinkRefused.INVALID}
    assert links.read(KEY, token + "A", NOW) is LinkRefused.INVALID
    assert links.read(KEY, token + "=", NOW) is LinkRefused.INVALID


@given(st.text(max_size=600) | st.binary(max_size=300).map(lambda b: base64.urlsafe_b64encode(b).decode()))
def test_garbage_opens_nothing(token: str) -> None:
    """Whatever comes as a token, the answer is a refusal."""
    assert links.read(KEY, token, NOW) is LinkRefused.INVALID


def test_another_installation_s_link_opens_nothing() -> None:
    """A signature is only good under the key that made it, expired or not."""
    token = links.make(bytes(32), "81234.0", "p", "20261121-0007", UNTIL)
    assert links.read(KEY, token, NOW) is LinkRefused.INVALID
    assert links.read(KEY, token, UNTIL + 10**9) is LinkRefused.INVALID


def test_same_link_on_every_try() -> None:
    """The token follows from its arguments alone."""
    assert links.make(KEY, "1.0", "p", "i", UNTIL) == links.make(KEY, "1.0", "p", "i", UNTIL)
    assert links.make(KEY, "1.0", "p", "i", UNTIL) != links.make(KEY, "1.0", "q", "i", UNTIL)


@pytest.mark.parametrize(
    "args",
    [
        ("e" * 121, "p", "i", UNTIL),
        ("1.0", "p" * 121, "i", UNTIL),
        ("1.0", "p", "i", 0),
        ("1.0", "p", "i", 2**44),
    ],
)
def test_what_cannot_be_ours_is_refused(args: tuple[str, str, str, int]) -> None:
    """Ids and times that we never make are a ValueError, not a broken link."""
    with pytest.raises(ValueError, match=r"fit into a link|not between"):
        links.make(KEY, *args)


def test_csrf_is_bound_to_the_link() -> None:
    """A value from one link's page is worth nothing on another's, nor under another key."""
    one, two = (links.make(KEY, e, "p", "20261121-0007", UNTIL) for e in ("1.0", "2.0"))
    assert links.csrf_ok(KEY, one, links.csrf(KEY, one))
    assert not links.csrf_ok(KEY, two, links.csrf(KEY, one))
    assert not links.csrf_ok(bytes(32), one, links.csrf(KEY, one))
    assert not links.csrf_ok(KEY, one, "")
    assert not links.csrf_ok(KEY, one, "\ud800楼")
    assert links.csrf(KEY, one) not in one


def test_key_is_made_once_and_private(tmp_path: Path) -> None:
    """The first start makes the key, 0600; ten processes at once end with the same one."""
    path = tmp_path / "secrets" / "link.key"
    with ThreadPoolExecutor(10) as pool:
        keys = set(pool.map(links.load_key, [path] * 50))
    assert len(keys) == 1
    assert len(keys.pop()) == 32
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [p.name for p in path.parent.iterdir()] == ["link.key"]


def test_a_damaged_key_is_told(tmp_path: Path) -> None:
    """A key file of the wrong size is an error that says what to do."""
    path = tmp_path / "link.key"
    path.write_bytes(b"short")
    with pytest.raises(ValueError, match="remove it to make a new one"):
        links.load_key(path)
