"""OneNET: the address check and the signature, names, times, thing models, resources, events and secure mode."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.padding import PKCS7
from hypothesis import given
from hypothesis import strategies as st

from devices.codec import Decoded, Push, Reply
from devices.codecs import onenet
from devices.codecs.onenet import MESSAGES_MAX
from devices.profile import PROFILES, Profiles
from devices.profile_load import compile_profile
from tests.devices.reading_rows import INVALID, NOW, RETAINED, code, flags, rows, said

TOKEN = "Xw7dfg3k"
IMEI, DEVICE = "861931046156398", "p1/hall"
AT = NOW - 500


def signature(nonce: str, msg: str, token: str = TOKEN) -> str:
    """As the platform's guide has it: base64(md5(token + nonce + msg))."""
    return b64encode(hashlib.md5((token + nonce + msg).encode()).digest()).decode()  # noqa: S324  # the platform's own


def thing(params: Any, kind: str = "property", **more: Any) -> dict[str, Any]:
    """A message of a thing model."""
    return {
        "productId": "p1", "deviceName": "hall", "messageType": "notify", "notifyType": kind,
        "data": {"id": "1", "version": "1.0", "params": params}, **more,
    }  # fmt: skip


def point(stream: str, value: Any, **more: Any) -> dict[str, Any]:
    """A data point of the NB-IoT suite."""
    return {"at": AT, "imei": IMEI, "type": 1, "ds_id": stream, "value": value, "dev_id": 5, **more}


def tell(
    msg: Any, context: dict[str, Any] | None = None, *, unique: str | None = "77", **more: Any
) -> Decoded:
    """One push with the message as text, as it comes."""
    body = {
        "msg": json.dumps(msg, ensure_ascii=False),
        "nonce": "n",
        "signature": "s",
        "time": AT,
        "id": unique,
    }
    return said(onenet, "onenet", json.dumps(body, ensure_ascii=False), context, **more)


def properties(values: dict[str, Any], context: dict[str, Any] | None = None) -> Decoded:
    """A report of a thing model's properties, all at one time."""
    return tell(thing({k: {"value": v, "time": AT} for k, v in values.items()}), context)


def event(name: str, value: Any, kind: str = "alert") -> Decoded:
    """One event of a thing model."""
    return tell(thing({name: {"value": value, "time": AT, "eventType": kind}}, "event"))


# -- the sender ------------------------------------------------------------------------------------------------------


def test_the_address_check_is_answered_with_its_message() -> None:
    """The platform gets `msg` back, and only with the right signature; a plus sign may have become a space."""
    for n in range(80):
        nonce = f"nonce{n}"
        good = signature(nonce, "hello 你好")
        for sent in (good, good.replace("+", " ")):
            query = {"msg": "hello 你好", "nonce": nonce, "signature": sent}
            assert onenet.admit(Push("GET", "", query), TOKEN) == Reply(200, "hello 你好".encode())
    wrong = {"msg": "other", "nonce": "nonce1", "signature": signature("nonce1", "hello")}
    for query, token in ((wrong, TOKEN), ({}, TOKEN), ({"msg": "", "signature": signature("", "", "")}, "")):
        answer = onenet.admit(Push("GET", "", query), token)
        assert isinstance(answer, Reply)
        assert answer.status == 401


def signed(msg: Any, token: str = TOKEN, **more: Any) -> Push:
    """A push with a message as text or object, signed."""
    written = msg if isinstance(msg, str) else json.dumps(msg, separators=(",", ":"), ensure_ascii=False)
    body = {
        "msg": msg,
        "nonce": "n1",
        "signature": signature("n1", written, token),
        "time": AT,
        "id": "1",
        **more,
    }
    return Push("POST", more.pop("path", ""), body=json.dumps(body, ensure_ascii=False).encode())


@pytest.mark.parametrize(
    "msg", ['{"type":1}', '{"名":"烟"}', {"type": 2, "名": "烟"}, [{"type": 1}]], ids=str
)
def test_a_signed_push_is_taken(msg: Any) -> None:
    """The signature is over the message as text, or over the compact writing of an object."""
    request = signed(msg)
    assert onenet.admit(request, TOKEN) == ("onenet", request.body)


def test_either_name_of_the_signature_is_understood_and_the_path_is_the_topic() -> None:
    """OneNET Studio writes `signature`, the older suite `msg_signature`."""
    request = signed("{}", signature="", msg_signature=signature("n1", "{}"))
    assert onenet.admit(msgspec.structs.replace(request, path="b3"), TOKEN) == ("onenet/b3", request.body)


@pytest.mark.parametrize(
    "request_",
    [
        signed("{}", "another token"),
        signed("{}", signature=signature("n1", "{}") + "x"),
        signed("{}", signature=""),
        signed("{}", nonce="n2"),
        msgspec.structs.replace(signed("{}"), body=signed("{}").body.replace(b"{}", b"{ }")),
        Push("POST", "", body=b"{}"),
        Push("POST", "", body=b'{"msg":null}'),
    ],
)
def test_nothing_without_the_right_signature_is_taken(request_: Push) -> None:
    """A stranger who knows the address cannot send; what was changed on the way is refused."""
    answer = onenet.admit(request_, TOKEN)
    assert isinstance(answer, Reply)
    assert answer.status == 401


def test_an_empty_token_admits_nobody() -> None:
    """A source without its key refuses everything instead of believing everybody."""
    answer = onenet.admit(signed("{}", ""), "")
    assert isinstance(answer, Reply)
    assert answer.status == 401


@given(
    st.binary(max_size=64) | st.text(max_size=40).map(lambda t: json.dumps({"msg": t, "nonce": t}).encode())
)
def test_no_request_raises(body: bytes) -> None:
    """Whatever is posted is answered, and never taken."""
    for method in ("POST", "GET", "PUT", "HEAD"):
        answer = onenet.admit(Push(method, "a", {"msg": "x"}, {}, body), TOKEN)
        assert isinstance(answer, Reply)
        assert answer.status in {400, 401, 405}


# -- messages --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("msg", "device"),
    [
        (thing({"sos": {"value": True}}), "p1/hall"),
        (thing({"sos": {"value": True}}, productId=None, pid="p2"), "p2/hall"),
        (thing({"sos": {"value": True}}, productId=None), "hall"),
        (point("sos", 1), IMEI),
        (point("sos", 1, imei=None), "5"),
        (point("sos", 1, imei=None, dev_id="d5"), "d5"),
        (point("sos", 1, dev_name="hall", pid="p1"), "p1/hall"),
    ],
    ids=str,
)
def test_a_device_goes_by_its_name_in_its_product(msg: Any, device: str) -> None:
    """Names are unique within a product alone; the suite's devices have an IMEI, the oldest a number."""
    assert rows(tell(msg)) == [(device, "sos", "", True)]


def test_the_message_may_be_text_or_object() -> None:
    """Both ways of writing a push, and the message alone as a queue's subscriber hands it on, mean the same."""
    msg = thing({"smoke_alarm": {"value": 1, "time": AT}})
    bodies = [{"msg": json.dumps(msg), "nonce": "n"}, {"msg": msg, "nonce": "n"}, msg]
    got = [said(onenet, "onenet", json.dumps(b)) for b in bodies]
    assert [rows(g) for g in got] == [[(DEVICE, "smoke", "", True)]] * 3


def test_each_value_has_its_own_time() -> None:
    """Properties of one push that were measured at different times keep them."""
    got = tell(thing({"temperature": {"value": 20, "time": AT - 9000}, "humidity": {"value": 40, "time": AT},
                      "battery": {"value": 90}}))  # fmt: skip
    assert {r.point.split("/")[2]: r.measured_at for r in got.readings} == {
        "temperature": AT - 9000, "humidity": AT, "battery": None,
    }  # fmt: skip


def test_a_repetition_is_told_by_its_id() -> None:
    """The platform repeats for hours with the same id and bytes."""
    one, again = tell(thing({})), tell(thing({}))
    assert one.sequence == again.sequence
    assert one.sequence is not None
    assert tell(thing({}), unique="78").sequence != one.sequence
    assert tell(thing({}), unique=None).sequence is None


def test_a_push_of_many_messages_is_bounded_and_says_so() -> None:
    """More messages than are read set the push aside instead of being passed over."""
    got = tell([point("3303_0_5700", n, imei=str(n)) for n in range(MESSAGES_MAX + 1)])
    assert len(got.readings) == MESSAGES_MAX
    assert code(got) == "too-many"


def test_of_packed_messages_the_alarm_counts() -> None:
    """An alarm and its end within the seconds of one push are still an alarm."""
    got = tell([point("smoke_alarm", v) for v in (0, 1, 0)])
    assert rows(got) == [(IMEI, "smoke", "", True)]


@pytest.mark.parametrize(
    ("values", "wanted"),
    [
        ({"SmokeSensorState": 1, "BatteryPercentage": 40}, {"smoke": True, "battery": 40}),
        ({"gas_alarm": False, "gas_concentration": 3}, {"gas": False, "gas_concentration": 3}),
        ({"CO_alarm": 1}, {"co": True}),
        ({"flood_alarm": 1}, {"water_leak": True}),
        ({"TamperState": 1, "LowBattery": True}, {"tamper": True, "battery_low": True}),
        ({"$OneNET_LBS": [{"cid": 1}], "temperature": 3}, {"temperature": 3}),
        ({"smoke": {"state": 1, "density": 3}}, {"smoke": True}),
    ],
    ids=str,
)
def test_properties_of_public_thing_models(values: dict[str, Any], wanted: dict[str, Any]) -> None:
    """A thing model's own keys are understood by their words."""
    there = {m: v for _, m, _, v in rows(properties(values))}
    assert {m: there.get(m) for m in wanted} == wanted


def test_an_alarm_nobody_understands_is_never_normal() -> None:
    """A third code, an unknown word, an unknown key of danger: set aside, and nothing says "no"."""
    for values in ({"smoke_alarm": 3}, {"smoke_state": "wibble"}, {"danger_code": 9}):
        got = properties({**values, "battery": 80})
        assert code(got) == "no-profile"
        assert not [r for r in got.readings if r.value is False]


# -- events ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "value", "wanted"),
    [
        ("smoke_alarm", {}, {"smoke": True}),
        ("SmokeAlarm", {"level": 2}, {"smoke": True}),
        ("smoke_alarm", {"smoke_alarm": 0}, {"smoke": False}),
        ("gas_alarm", {"gas_concentration": 20}, {"gas": True, "gas_concentration": 20}),
        ("tamper_alarm", {}, {"tamper": True}),
        ("烟雾报警", {}, {"smoke": True}),
        ("low_battery", {}, {"battery_low": True}),
        ("alarm", {}, {"alarm_unspecified": True}),
    ],
    ids=str,
)
def test_an_event_is_what_it_is_called(name: str, value: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Happening states an alarm; only its own values can say that it is over."""
    got = event(name, value)
    assert {m: v for _, m, _, v in rows(got)} == wanted


@pytest.mark.parametrize(
    "name", ["heartbeat_report", "upgrade", "test_button", "smoke_threshold", "temperature"]
)
def test_other_events_raise_nothing(name: str) -> None:
    """A setting, a test or a report that happens is no alarm."""
    got = event(name, {"a": 1})
    assert not [
        r
        for r in got.readings
        if r.value is True and "/heartbeat/" not in r.point and "/test/" not in r.point
    ]


# -- resources -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stream", "value", "wanted"),
    [
        ("3303_0_5700", 21.5, [("temperature", "", 21.5)]),
        ("3304_0_5700", 60, [("humidity", "", 60)]),
        ("3_0_9", 64, [("battery", "", 64)]),
        ("3_0_20", 4, [("battery_low", "", True), ("battery_defect", "", False)]),
        ("3_0_20", 3, [("battery_low", "", False), ("battery_defect", "", True)]),
        ("3_0_20", 6, [("battery_low", "", None)]),
        ("3_0_20", "x", [("battery_low", "", None)]),
        ("9999_0_5700", 1, [("heartbeat", "", True)]),
    ],
)
def test_lwm2m_resources_mean_what_their_registry_says(stream: str, value: Any, wanted: list[Any]) -> None:
    """Objects of the OMA registry need no profile; battery status 4 is low, 3 damaged, 5 and 6 say nothing."""
    got = tell(point(stream, value))
    assert rows(got) == [(IMEI, *w) for w in wanted]


def test_a_devices_own_payload_in_a_resource_is_read_by_its_profile() -> None:
    """5750 holds whatever the maker sends: without a profile it is set aside with its bytes."""
    lone = tell(point("3200_0_5750", "7E01"))
    assert (rows(lone), code(lone)) == ([(IMEI, "heartbeat", "", True)], "no-profile")
    assert "7E01" in str(lone.quarantine)
    mine = compile_profile({
        "name": "own", "match": {"codec": "onenet", "where": [{"at": "/3200_0_5750", "starts": "7E"}]},
        "payload": {"at": "/3200_0_5750", "as": "hex"}, "fields": [{"at": 1, "metric": "smoke"}],
    })  # fmt: skip
    got = tell(point("3200_0_5750", "7E01"), {PROFILES: Profiles((), [mine])})
    assert (rows(got), got.quarantine) == ([(IMEI, "smoke", "", True)], None)


# -- what cannot be read ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [{"msg": "4Sf0aGVsbG8="}, {"enc_msg": "4Sf0"}, {"msg": ""}], ids=str)
def test_secure_mode_is_named_as_what_it_is(body: dict[str, Any]) -> None:
    """The reason says which mode to choose."""
    got = said(onenet, "onenet", json.dumps({**body, "nonce": "n"}))
    assert (rows(got), code(got)) == ([], "encrypted")
    assert "明文模式" in str(got.quarantine)


OLD_KEY = "5xmTBxxZb7sUKsOEX6t3mFRmzpTwn6SHs4Bt2cLmPRS"
OLD_PUSH = (
    "EOuuvSFSH/pgMeZ/EQK8Gy/N6G9wWmDBBiiBRpNUjuFOMda2As5wWrOmhpn03pxyle9ynPFigdLdo63TkLXa0c76/JD4355ImVIOafrkya5349rb"
    "aTORQEW7YV+LuQqxgDtlsgN8XB8ZWaj3E3EvsQ=="
)  # a push as a public receiver keeps it, with the key it was opened with
NEW_KEY = b64encode(b"0123456789abcdef").decode()


def sealed(text: bytes, key: bytes) -> str:
    """As the platform of 2020 seals a message: the key is its own vector."""
    pad = PKCS7(128).padder()
    sealer = Cipher(algorithms.AES(key), modes.CBC(key)).encryptor()
    return b64encode(sealer.update(pad.update(text) + pad.finalize()) + sealer.finalize()).decode()


def pushed(body: dict[str, Any], text: str) -> Push:
    """A push signed over its sealed text."""
    sign = b64encode(hashlib.md5(f"{TOKEN}abcdefgh{text}".encode(), usedforsecurity=False).digest()).decode()
    return Push("POST", "", {}, {}, json.dumps({**body, "nonce": "abcdefgh", "signature": sign}).encode())


def test_secure_mode_is_opened_with_its_key() -> None:
    """Both ways the platform seals; with another key the push is taken as it is, for a person to see."""
    for push, key, name in (
        (pushed({"enc_msg": OLD_PUSH}, OLD_PUSH), OLD_KEY, "5582580"),
        (pushed({"msg": (new := sealed(SMOKE, b"0123456789abcdef"))}, new), NEW_KEY, "pid/d"),
    ):
        taken = onenet.admit(push, f"{TOKEN} {key}")
        assert isinstance(taken, tuple)
        got = said(onenet, *taken)
        assert {r[0] for r in rows(got)} == {name}
        assert code(got) != "encrypted"
        for wrong in (TOKEN, f"{TOKEN} {b64encode(bytes(16)).decode()}", f"{TOKEN} AAAA", f"{TOKEN} é"):
            assert onenet.admit(push, wrong) == ("onenet", push.body)
    assert isinstance(onenet.admit(push, f"other {NEW_KEY}"), Reply)


SMOKE = json.dumps({
    "messageType": "notify", "notifyType": "property", "productId": "pid", "deviceName": "d",
    "data": {"params": {"smokeAlarm": {"value": True, "time": 1763760000000}}},
}).encode()  # fmt: skip


def test_a_status_nobody_documented_is_no_status() -> None:
    """The device lives; whether it is online is not guessed."""
    for msg in (
        {"type": 2, "dev_id": 5, "status": 2},
        thing({}, messageType="lifeCycle", data={"status": "zzz"}),
    ):
        got = tell(msg)
        assert [r[1:] for r in rows(got)] == [("heartbeat", "", True)]
        assert code(got) == "wrong-value"


def test_a_retained_message_is_marked() -> None:
    """What a bridge kept is no news, resources and events included."""
    for msg in (
        thing({"smoke_alarm": {"value": 1}}),
        point("3303_0_5700", 1),
        thing({"sos": {"value": {}}}, "event"),
    ):
        assert flags(tell(msg, retained=True)) == {RETAINED}


def test_a_code_that_is_not_normal_is_marked_invalid() -> None:
    """Its reading stands for "unknown"."""
    assert flags(properties({"gas_state": 4})) == {INVALID}


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=6),
        lambda x: (
            st.lists(x, max_size=3)
            | st.dictionaries(st.sampled_from(["value", "time", "smoke", "3_0_20", "报警"]), x)
        ),
    ),
    st.sampled_from(["property", "event"]),
)
def test_no_shape_of_parameters_raises(params: Any, kind: str) -> None:
    """Whatever a thing model holds can be journalled."""
    msgspec.msgpack.encode(tell(thing(params, kind)))
    msgspec.msgpack.encode(tell(point("smoke", params)))
    msgspec.msgpack.encode(tell(params))
