"""Simulated devices do what they are told, say so, and refuse what they do not know."""

from __future__ import annotations

import json

import pytest

from devices.codec import Message
from devices.decode import Decoder
from devices.reading import split_point
from devices.simulator import SimulatedSite

DEVICES = [
    ("b1-valve", "valve"),
    ("b1-siren", "siren"),
    ("b1-shed-meter", "meter"),
    ("b1-u1-f01-101-gas", "gas"),
]


def told(site: SimulatedSite, decoder: Decoder, device: str, command: str) -> dict[str, object]:
    """What the site says within three seconds of a command that the device's family encoded, as decoded."""
    native = site.world.dialect.native(device)
    asks = decoder.command("sim", native, command, "c1", site.world.utc() + 60_000)
    assert not isinstance(asks, str), asks
    for ask in asks:
        site.hear(ask.topic, ask.payload)
    found: dict[str, object] = {}
    for sent in site.advance(3):
        for reading in decoder.decode(Message("sim", sent.topic, sent.payload)).readings:
            name, metric, _ = split_point(reading.point)
            if name == f"sim:{native}":
                found.setdefault(metric, reading.value)
                found[metric] = reading.value
    return found


@pytest.mark.parametrize("dialect", ["native", "zigbee2mqtt"])
def test_each_command_is_obeyed_and_told(dialect: str) -> None:
    """Encoded by the codec, heard by the device, reported in the dialect, decoded again: the state has changed."""
    site = SimulatedSite(1, site="sim", dialect=dialect, devices=DEVICES)
    contexts: dict[tuple[str, str], dict[str, object]] = {(dialect, "sim"): {}}
    decoder = Decoder(contexts, {"sim": (dialect,)})
    for sent in site.advance(5):
        for learned in decoder.decode(Message("sim", sent.topic, sent.payload)).learned:
            contexts[dialect, "sim"][learned.key] = learned.value
    sounds = "buzzer" if dialect == "native" else "alarm_flag"
    assert told(site, decoder, "b1-siren", "siren_on")[sounds] is True
    assert told(site, decoder, "b1-siren", "siren_off")[sounds] is False
    assert told(site, decoder, "b1-valve", "valve_close")["valve_open"] is False
    off = told(site, decoder, "b1-shed-meter", "relay_off")
    assert (off.get("relay"), off.get("switch_state")) in ((False, None), (None, "OFF"))
    assert told(site, decoder, "b1-u1-f01-101-gas", "mute")["muted"] is True
    assert told(site, decoder, "b1-u1-f01-101-gas", "self_test")["test"] is True


def test_a_device_that_disobeys_says_nothing() -> None:
    """Stuck, it stays as it was until somebody mends it."""
    site = SimulatedSite(1, site="sim", devices=DEVICES)
    decoder = Decoder({}, {"sim": ("native",)})
    site.advance(5)
    site.disobey("b1-valve")
    assert told(site, decoder, "b1-valve", "valve_close").get("valve_open", True) is True
    site.disobey("b1-valve", on=False)
    assert told(site, decoder, "b1-valve", "valve_close")["valve_open"] is False


def test_what_a_device_does_not_know_it_refuses() -> None:
    """The answer names the command's id; nothing else happens, and garbage is no command."""
    site = SimulatedSite(1, site="sim", devices=DEVICES)
    site.advance(5)
    site.hear("community/sim/b1-siren/command", b'{"id":"c9","name":"valve_close","args":{},"expires":1}')
    (answer,) = [s for s in site.advance(0.5) if s.topic.endswith("/result")]
    assert json.loads(answer.payload) == {
        "id": "c9",
        "ok": False,
        "error": "this device knows no valve_close",
    }
    for payload in (b"", b"{", b"[]", b'{"id":1}', b"\xff"):
        assert site.hear("community/sim/b1-siren/command", payload) is None
