"""The three accounts of the embedded broker, made once and kept in a file only its owner can read.

`gateway` may do everything. `devices` is shared by all devices that speak for themselves: it publishes anywhere
but under `gateway/`, and reads its own command topic. `bridges` is for programs that speak for many devices
(zigbee2mqtt and the like): it also reads, but neither what the gateway publishes nor anybody's native commands.
"""

import base64
import hashlib
import os
import secrets
from pathlib import Path

import msgspec

FILE = "accounts.json"

# Passwords of devices are typed in by hand: no letters that look like another, 4 x 4 of 31 signs are 79 bits.
_TYPABLE = "abcdefghijkmnpqrstuvwxyz23456789"
# mosquitto's own format and iteration count (mosquitto_passwd of 2.0); our passwords are random, so the count
# protects nothing that their length does not.
_ITERATIONS = 101


class Account(msgspec.Struct, frozen=True):
    """Who logs in."""

    user: str
    password: str


class Accounts(msgspec.Struct, frozen=True):
    """All of them, as the file holds them."""

    gateway: Account
    devices: Account
    bridges: Account


def load_or_make(folder: Path) -> Accounts:
    """The accounts kept in `folder`, made at the first call; raises msgspec.DecodeError for a damaged file."""
    path = folder / FILE
    try:
        return msgspec.json.decode(path.read_bytes(), type=Accounts)
    except FileNotFoundError:
        pass
    accounts = Accounts(
        gateway=Account("gateway", secrets.token_urlsafe(24)),
        devices=Account("devices", _typable()),
        bridges=Account("bridges", _typable()),
    )
    write_private(path, msgspec.json.format(msgspec.json.encode(accounts)) + b"\n")
    return accounts


def write_private(path: Path, data: bytes) -> None:
    """Write a file of mode 0600, whole or not at all."""
    new = path.with_name(f"{path.name}.new")
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)


def mosquitto_password_line(account: Account) -> str:
    """One line of mosquitto's password file: user, $7$ (PBKDF2 with SHA-512), iterations, salt, hash."""
    salt = secrets.token_bytes(12)
    digest = hashlib.pbkdf2_hmac("sha512", account.password.encode(), salt, _ITERATIONS)
    return f"{account.user}:$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def _typable() -> str:
    return "-".join("".join(secrets.choice(_TYPABLE) for _ in range(4)) for _ in range(4))
