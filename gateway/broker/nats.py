"""nats-server as the embedded broker: its configuration, its access rules and what its log tells.

Seen with nats-server 2.15: MQTT 3.1.1 only; a topic with a space or a control character, or a message over
`max_payload`, disconnects the publisher; unacknowledged messages come again after `ack_wait`, behind newer ones.
MQTT topics are NATS subjects: `/` becomes `.`, `+` becomes `*`, `#` becomes `>`.
"""

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from gateway.broker.accounts import Access, DeviceAccount, write_private
from gateway.broker.kind import PACKET_BYTES_MAX, Trouble

PROGRAM = "nats-server"
STORE = STORE_DAMAGED = ""
PORT_BUSY = "address already in use"

ACK_WAIT = "3s"
# Unacknowledged messages per subscription. nats-server refuses a subscription that would bring the sum of a session
# over 65 535, and a filter that ends with /# counts twice (seen with 2.15), so 2 000 leaves room for 16 of those.
ACK_PENDING_MAX = 2_000
STORE_BYTES_MAX = 4 * 1024**3

# NATS keeps its own controls in the space of topics: without these a device could publish to
# "$JS/API/STREAM/DELETE/$MQTT_msgs" and delete every queued message (seen with 2.15).
_CONTROLS = ["$JS.>", "$SYS.>", "$MQTT.>", "$KV.>", "$O.>", "$NRG.>", "_INBOX.>"]
_OURS = ["gateway", "gateway.>"]
_COMMANDS = "community.*.*.command"
# What the server subscribes to in a session's name to deliver QoS 1 and 2.
_DELIVERY = ["$MQTT.sub.>", "$MQTT.deliver.pubrel.>"]

_CLIENT_LINE = re.compile(r'\[ERR\] \S+ - mid:\d+ - "((?:[^"\\]|\\.)*)" - (.+)$')
_OWN_LINE = re.compile(r"\[(?:FTL|ERR)\] (.+)$")
_REASONS = (
    (re.compile(r"character not supported for MQTT topics"), "topic with a space or control character"),
    (
        re.compile(r"maximum payload exceeded: (\d+) vs \d+"),
        rf"message of \1 bytes; at most {PACKET_BYTES_MAX}",
    ),
    (re.compile(r"invalid character in client ID .*"), "client id with a space, '.', '*' or '>'"),
    (re.compile(r"(unable to connect: )?authentication error.*"), "wrong user name or password"),
    (re.compile(r'Publish Violation - Subject (".*")'), r"publish refused by the access rules: \1"),
    (
        re.compile(r'Subscription Violation - Subject (".*"), SID .*'),
        r"subscription refused by the access rules: \1",
    ),
    (
        re.compile(r"unacceptable protocol version of (\d+)"),
        r"protocol version \1; this broker speaks MQTT 3.1.1 only",
    ),
)


def arguments(folder: Path) -> list[str]:
    """See Kind."""
    return ["-c", str(folder / "nats.conf")]


def write_files(folder: Path, host: str, port: int, access: Access) -> None:
    """See Kind. The configuration language is a superset of JSON."""
    accounts, bridges = access.accounts, [*_OURS, _COMMANDS, *_CONTROLS]
    users: list[dict[str, Any]] = [
        {"user": accounts.gateway.user, "password": accounts.gateway.password},
        {
            "user": accounts.bridges.user,
            "password": accounts.bridges.password,
            "permissions": {"publish": {"deny": bridges}, "subscribe": {"deny": [*_OURS, _COMMANDS]}},
        },
    ]
    if access.shared:
        # One command topic a client cannot be told here: the rules know accounts, not client ids.
        may: dict[str, Any] = {
            "publish": {"deny": _OURS + _CONTROLS},
            "subscribe": {"allow": [_COMMANDS, *_DELIVERY]},
        }
        users.append(
            {"user": accounts.devices.user, "password": accounts.devices.password, "permissions": may}
        )
    users += device_users(access.devices)
    shown = f"[{host}]" if ":" in host else host
    config: dict[str, Any] = {
        "server_name": "community-safety-gateway",
        "listen": "127.0.0.1:-1",  # NATS's own protocol, which nobody uses here: any free port
        "max_payload": PACKET_BYTES_MAX,
        # Every message is on disk before its PUBACK; the default acknowledges up to two minutes earlier.
        "jetstream": {
            "store_dir": str(folder / "jetstream"),
            "sync_interval": "always",
            "max_file_store": STORE_BYTES_MAX,
        },
        "mqtt": {"listen": f"{shown}:{port}", "ack_wait": ACK_WAIT, "max_ack_pending": ACK_PENDING_MAX},
        "authorization": {"users": users},
    }
    write_private(folder / "nats.conf", json.dumps(config, indent=1).encode())


def device_users(devices: Iterable[DeviceAccount]) -> list[dict[str, Any]]:
    """The users of an `authorization` block that speak as themselves and hear their own commands, and nothing else."""
    users: list[dict[str, Any]] = []
    for one in devices:
        speaks, hears = [_subject(topic) for topic in one.speaks], [_subject(one.hears), *_DELIVERY]
        may: dict[str, Any] = {"publish": {"allow": speaks}, "subscribe": {"allow": hears}}
        users.append({"user": one.account.user, "password": one.password, "permissions": may})
    return users


def _subject(topic: str) -> str:
    """The NATS subject of an MQTT topic: slashes and full stops change places, a full stop becomes two slashes."""
    return topic.translate({ord("/"): ".", ord("."): "//"})


def trouble(line: str) -> Trouble | None:
    """See Kind."""
    if found := _CLIENT_LINE.search(line):
        client, text = found[1], found[2]
        for pattern, reason in _REASONS:
            if meant := pattern.fullmatch(text):
                return Trouble(client or "?", meant.expand(reason))
        return Trouble(client or "?", text)
    if found := _OWN_LINE.search(line):
        return Trouble("", found[1])
    return None
