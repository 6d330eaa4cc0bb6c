"""Bytes that a LoRaWAN server decoded nothing of: a profile of the house reads them, whose product the server names."""

from __future__ import annotations

import json
from base64 import b64encode
from types import ModuleType
from typing import Any

import pytest

from devices.codec import Decoded
from devices.codecs import chirpstack, ttn
from devices.profile import PROFILES, Profile, Profiles
from devices.profile_load import compile_profile
from tests.devices.reading_rows import INVALID, RETAINED, code, flags, rows, said

EUI = "24e124136b502a19"
UP = f"application/a/device/{EUI}/event/up"
V3 = f"v3/estate@ttn/devices/{EUI}/up"
SMOKE = b64encode(b"\x01\x64").decode()
READ = [(EUI, "smoke", "", True), (EUI, "battery", "", 100)]
ALIVE = [(EUI, "heartbeat", "", True)]


def profile(**match: Any) -> Profile:
    """Two bytes: smoke, and the battery in per cent."""
    fields = [{"at": 0, "metric": "smoke"}, {"at": 1, "metric": "battery"}]
    cases = [{"name": "smoke", "hex": "0164", "readings": {"smoke": True, "battery": 100}}]
    return compile_profile({"name": "acme", "match": match, "fields": fields, "cases": cases})


def uplink(
    codec: ModuleType, one: Profile, *, topic: str = "", retained: bool = False, **body: Any
) -> Decoded:
    """An uplink where this profile alone is there."""
    known = {PROFILES: Profiles(own=[one])}
    topic = topic or (UP if codec is chirpstack else V3)
    return said(codec, topic, json.dumps(body), known, retained=retained)


def chirped(one: Profile, *, data: Any = SMOKE, port: int = 10, **info: Any) -> Decoded:
    """ChirpStack v4, without an object."""
    return uplink(chirpstack, one, deviceInfo={"devEui": EUI, **info}, fPort=port, data=data)


def stacked(one: Profile, *, data: Any = SMOKE, port: int = 10, app: str = "estate", **more: Any) -> Decoded:
    """The Things Stack v3, without a decoded payload."""
    ids = {"device_id": "x", "dev_eui": EUI, "application_ids": {"application_id": app}}
    version = {"brand_id": "acme", "model_id": "s1"}
    heard = {"f_port": port, "frm_payload": data, "version_ids": version}
    return uplink(ttn, one, end_device_ids=ids, uplink_message=heard, **more)


@pytest.mark.parametrize(
    "match",
    [
        {"codec": "chirpstack", "product": "Acme S1"},
        {"product": ["other", "Acme S1"]},
        {"codec": "chirpstack", "product": "7"},
        {"codec": "chirpstack", "product": "7", "service": 10},
        {"codec": "chirpstack", "starts": "01", "size": 2},
    ],
)
def test_chirpstack_names_the_product(match: dict[str, Any]) -> None:
    """By its device profile's name, else by the application's id; the port is the service."""
    got = chirped(profile(**match), deviceProfileName="Acme S1", applicationId="7")
    assert (rows(got), got.quarantine) == (READ, None)


def test_chirpstack_v3_names_it_likewise() -> None:
    """The names stand at the top there, and the id is written otherwise."""
    for name, given in (("deviceProfileName", "Acme S1"), ("applicationID", "7")):
        body: dict[str, Any] = {"devEUI": EUI, "fPort": 10, "data": SMOKE, name: given}
        assert rows(uplink(chirpstack, profile(codec="chirpstack", product=given), **body)) == READ


@pytest.mark.parametrize(
    "match",
    [
        {"codec": "ttn", "product": "acme/s1"},
        {"codec": "ttn", "product": "estate"},
        {"codec": "ttn", "product": "acme/s1", "service": "10"},
    ],
)
def test_the_things_stack_names_the_product(match: dict[str, Any]) -> None:
    """By brand and model of its device repository, else by the application's id."""
    assert rows(stacked(profile(**match))) == READ


def test_the_things_network_v2_names_the_application() -> None:
    """Which is all it knows of a product."""
    body: dict[str, Any] = {
        "app_id": "estate",
        "dev_id": "x",
        "hardware_serial": EUI,
        "port": 10,
        "payload_raw": SMOKE,
    }
    got = uplink(ttn, profile(codec="ttn", product="estate"), topic="estate/devices/x/up", **body)
    assert rows(got) == READ


@pytest.mark.parametrize(
    "match",
    [
        {"codec": "chirpstack", "product": "Acme S2"},
        {"codec": "ttn", "product": "Acme S1"},
        {"codec": "chirpstack", "product": "Acme S1", "service": "11"},
    ],
)
def test_another_products_profile(match: dict[str, Any]) -> None:
    """It does not read these bytes: the device is alive, and its bytes are set aside and shown."""
    got = chirped(profile(**match), deviceProfileName="Acme S1")
    assert (rows(got), code(got)) == (ALIVE, "no-codec")
    assert got.quarantine is not None
    assert got.quarantine.endswith("0164")


def test_what_the_server_decoded_is_the_servers_word() -> None:
    """A profile reads bytes only where the server has no object of them."""
    one = profile(codec="chirpstack", product="Acme S1")
    info = {"devEui": EUI, "deviceProfileName": "Acme S1"}
    got = uplink(chirpstack, one, deviceInfo=info, fPort=10, data=SMOKE, object={"smoke": "normal"})
    assert rows(got) == [(EUI, "smoke", "", False)]


@pytest.mark.parametrize(
    ("data", "problem"),
    [(b64encode(b"\x02\x64").decode(), "unknown-value"), (b64encode(b"\x01").decode(), "too-short")],
)
def test_bytes_a_profile_does_not_list(data: str, problem: str) -> None:
    """They are set aside, and an alarm that could stand there is not read as normal."""
    for got in (
        chirped(profile(codec="chirpstack", product="Acme S1"), data=data, deviceProfileName="Acme S1"),
        stacked(profile(codec="ttn", product="acme/s1"), data=data),
    ):
        assert code(got) == problem
        assert (EUI, "smoke", "", False) not in rows(got)


@pytest.mark.parametrize(("data", "port"), [("", 10), (SMOKE, 0), (None, 10), (5, 10)])
def test_frames_without_bytes_of_the_device(data: Any, port: int) -> None:
    """Nothing, or the network's own port: the device lives, and there is nothing to set aside."""
    got = chirped(
        profile(codec="chirpstack", product="Acme S1"), data=data, port=port, deviceProfileName="Acme S1"
    )
    assert (rows(got), got.quarantine) == (ALIVE, None)


def test_text_that_is_no_base64_is_set_aside() -> None:
    """What cannot be bytes is nobody's."""
    assert code(chirped(profile(codec="chirpstack", product="other"), data="AQ!")) == "no-codec"


def test_what_is_replayed_or_written_at_the_console() -> None:
    """Retained stays retained, and a simulated uplink stays invalid, whoever read the bytes."""
    one = profile(codec="ttn", product="acme/s1")
    assert flags(stacked(one, retained=True)) == {RETAINED}
    got = stacked(one, simulated=True)
    assert (flags(got), code(got)) == ({INVALID}, "simulated")
