"""Mosquitto as the embedded broker: its configuration, its access rules and what its log tells.

Options checked against mosquitto 2.0.11 (mosquitto.conf(5)); all of them exist since 1.6.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from gateway.broker.accounts import Access, DeviceAccount, mosquitto_password_line, write_private
from gateway.broker.kind import PACKET_BYTES_MAX, Trouble

PROGRAM = "mosquitto"
STORE, STORE_DAMAGED = "mosquitto.db", "Couldn't open database"  # seen with 2.0.11 on rubbish in the file
PORT_BUSY = "Address already in use"

# The settings that decide whether alarms survive our absence; doctor.py asks a foreign configuration for the same
# and deploy/mosquitto/gateway.conf recommends them.
AUTOSAVE_S = 5
INFLIGHT_MAX = 1000
QUEUED_BYTES_MAX = 268_435_456

_CONFIG = """\
# Written by the gateway at each start; edit deploy/mosquitto/gateway.conf for a broker of your own.
{user}listener {port} {host}
allow_anonymous false
password_file {folder}/mosquitto.passwd
acl_file {folder}/mosquitto.acl
persistence true
persistence_location {folder}/
autosave_interval {autosave}
autosave_on_changes false
max_inflight_messages {inflight}
max_queued_messages 0
max_queued_bytes {queued}
max_packet_size {packet}
max_keepalive 600
persistent_client_expiration 14d
set_tcp_nodelay true
sys_interval 0
log_dest stderr
log_type error
log_type warning
log_type notice
"""

# `deny` lines are looked at first (mosquitto.conf(5), acl_file). A pattern applies to every account; %c is the
# client id, which an honest device sets to its name. All devices of the shared account have one password, so this keeps
# mistakes apart, not attackers.
_SHARED_ACL = """\
pattern read community/+/%c/command

user devices
topic deny gateway/#
topic write #

"""

_ACL = """\
user gateway
topic readwrite #
topic read $SYS/#

user bridges
topic deny gateway/#
topic deny community/+/+/command
topic readwrite #
"""

# Seen with 2.0.11 by provoking each. A publish that the access rules refuse ends a 3.1.1 connection with the last.
_TROUBLES = (
    (
        re.compile(r"Client (.*) disconnected due to oversize packet\.$"),
        f"message over {PACKET_BYTES_MAX} bytes",
    ),
    (re.compile(r"Client (.*) disconnected due to (protocol error|malformed packet)\.$"), r"\2"),
    (re.compile(r"Client (.*) disconnected, not authorised\.$"), "wrong user name or password"),
    (re.compile(r"Client (.*) already connected, closing old connection\.$"), "client id used twice"),
    (re.compile(r"Outgoing messages are being dropped for client (.*)\.$"), "queue full, messages dropped"),
    (
        re.compile(r"Bad socket read/write on client (.*): Unknown error\.$"),
        "publish refused by the access rules",
    ),
)
_OWN_TROUBLES = re.compile(r"(Error saving in-memory database.*|Out of memory.*|Error: .*)")
_TIMESTAMP = re.compile(r"^\d+: ")


def arguments(folder: Path) -> list[str]:
    """See Kind."""
    return ["-c", str(folder / "mosquitto.conf")]


def write_files(folder: Path, host: str, port: int, access: Access) -> None:
    """See Kind."""
    lines = [mosquitto_password_line(each) for each in access.all]
    write_private(folder / "mosquitto.passwd", "\n".join((*lines, "")).encode())
    rules = (_SHARED_ACL if access.shared else "") + _ACL + device_rules(access.devices)
    write_private(folder / "mosquitto.acl", rules.encode())
    # Started by root, mosquitto would change to its own user, who cannot write here.
    user = "user root\n" if os.geteuid() == 0 else ""
    config = _CONFIG.format(
        user=user, host=host, port=port, folder=folder, autosave=AUTOSAVE_S, inflight=INFLIGHT_MAX,
        queued=QUEUED_BYTES_MAX, packet=PACKET_BYTES_MAX,
    )  # fmt: skip
    write_private(folder / "mosquitto.conf", config.encode())


def device_rules(devices: Iterable[DeviceAccount]) -> str:
    """The part of an acl_file that lets each device speak as itself and hear its own commands, and nothing else."""
    lines: list[str] = []
    for one in devices:
        lines += ["", f"user {one.account.user}", *(f"topic write {topic}" for topic in one.speaks)]
        lines.append(f"topic read {one.hears}")
    return "".join(f"{line}\n" for line in lines)


def trouble(line: str) -> Trouble | None:
    """See Kind."""
    text = _TIMESTAMP.sub("", line)
    for pattern, reason in _TROUBLES:
        if found := pattern.fullmatch(text):
            client = found[1] if found[1] != "<unknown>" else "?"
            return Trouble(client, found.expand(reason))
    if found := _OWN_TROUBLES.match(text):
        return Trouble("", found[1])
    return None
