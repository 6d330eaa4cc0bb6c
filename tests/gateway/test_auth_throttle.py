"""The throttle slows guessers down, is bounded, and lets nobody be locked out by strangers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.auth.throttle import FORGET_MS, FREE_TRIES, KEPT_MAX, KNOWN_MAX, WAIT_MAX_MS, Throttle, network

NOW = 1_795_276_800_000


def fail(throttle: Throttle, name: str, address: str, times: int, now: int = NOW) -> None:
    for _ in range(times):
        throttle.failed(name, address, now)


def test_waits_double_up_to_a_quarter_of_an_hour() -> None:
    """Four wrong tries are free, the fifth costs two seconds, each further one twice that."""
    throttle, waits = Throttle(), []
    for _ in range(16):
        throttle.failed("wang", "192.0.2.1", NOW)
        waits.append(throttle.wait_ms("wang", "192.0.2.1", NOW))
    assert waits[:8] == [0, 0, 0, 0, 2_000, 4_000, 8_000, 16_000]
    assert waits[-1] == WAIT_MAX_MS
    assert throttle.wait_ms("wang", "192.0.2.1", NOW + WAIT_MAX_MS) == 0


def test_a_right_password_begins_anew() -> None:
    """After signing in the pair has its free tries again, and the address is not charged for it."""
    throttle = Throttle()
    fail(throttle, "wang", "192.0.2.1", FREE_TRIES + 1)
    throttle.succeeded("wang", "192.0.2.1")
    assert throttle.wait_ms("wang", "192.0.2.1", NOW) == 0
    for n in range(1000):  # an office of people who sign in all day
        throttle.failed(f"user{n}", "192.0.2.9", NOW)
        throttle.succeeded(f"user{n}", "192.0.2.9")
    assert throttle.wait_ms("new", "192.0.2.9", NOW) == 0


def test_strangers_lock_nobody_out() -> None:
    """While ten thousand addresses guess at a name, its owner gets in at once, from a known address and a new one."""
    throttle = Throttle()
    throttle.failed("wang", "192.0.2.1", NOW)
    throttle.succeeded("wang", "192.0.2.1")
    for n in range(10_000):
        fail(throttle, "wang", f"198.51.{n // 256}.{n % 256}", 1)
    assert throttle.wait_ms("wang", "192.0.2.1", NOW) == 0
    assert throttle.wait_ms("wang", "203.0.113.5", NOW) == 0
    assert throttle.wait_ms("wang", "198.51.0.1", NOW) > 0


def test_a_known_address_is_not_slowed_by_its_neighbours() -> None:
    """Somebody who guesses at other names from the office's address does not keep the operator waiting."""
    throttle = Throttle()
    throttle.failed("wang", "192.0.2.1", NOW)
    throttle.succeeded("wang", "192.0.2.1")
    for n in range(200):
        throttle.failed(f"name{n}", "192.0.2.1", NOW)
    assert throttle.wait_ms("li", "192.0.2.1", NOW) == WAIT_MAX_MS
    assert throttle.wait_ms("wang", "192.0.2.1", NOW) == 0


def test_one_address_cannot_try_every_name() -> None:
    """Spraying one password over many names is slowed by address."""
    throttle = Throttle()
    for n in range(30):
        throttle.failed(f"name{n}", "192.0.2.1", NOW)
    assert throttle.wait_ms("name99", "192.0.2.1", NOW) > 0
    assert throttle.wait_ms("name99", "192.0.2.2", NOW) == 0


def test_an_hour_of_peace_is_forgiven() -> None:
    """Old mistakes do not add up with new ones."""
    throttle = Throttle()
    fail(throttle, "wang", "192.0.2.1", 10)
    throttle.failed("wang", "192.0.2.1", NOW + FORGET_MS + 1)
    assert throttle.wait_ms("wang", "192.0.2.1", NOW + FORGET_MS + 1) == 0


def test_a_clock_set_back_keeps_nobody_out() -> None:
    """A wait that would begin in the future is no wait."""
    throttle = Throttle()
    fail(throttle, "wang", "192.0.2.1", 10)
    assert throttle.wait_ms("wang", "192.0.2.1", NOW - 1) == 0


def test_memory_is_bounded() -> None:
    """A flood of names and addresses drops the counters longest unused and no more."""
    throttle = Throttle()
    for n in range(KEPT_MAX):
        name, address = f"name{n}", f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
        throttle.failed(name, address, NOW)
        throttle.succeeded(name, address)
    assert len(throttle._counts) <= KEPT_MAX
    assert len(throttle._known) <= KNOWN_MAX


@pytest.mark.parametrize(
    ("address", "seen_as"),
    [
        ("192.0.2.1", "192.0.2.1"), ("::ffff:192.0.2.1", "192.0.2.1"), ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"), ("unix", "unix"), ("x" * 1000, "x" * 64), ("", ""),
    ],
)  # fmt: skip
def test_an_ipv6_host_is_its_network(address: str, seen_as: str) -> None:
    """Whoever has a /64 has one address; anything that is none is kept short."""
    assert network(address) == seen_as


@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from(["1.1.1.1", "2.2.2.2"]), st.integers(0, 10**7),
                          st.booleans()), max_size=40))  # fmt: skip
def test_no_wait_is_longer_than_promised(tries: list[tuple[str, str, int, bool]]) -> None:
    """Whatever happened, nobody waits more than a quarter of an hour, and never a negative time."""
    throttle = Throttle()
    for name, address, at, right in tries:
        assert 0 <= throttle.wait_ms(name, address, NOW + at) <= WAIT_MAX_MS
        throttle.failed(name, address, NOW + at)
        if right:
            throttle.succeeded(name, address)
            assert throttle.wait_ms(name, address, NOW + at) == 0
