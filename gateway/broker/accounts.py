"""The accounts of the embedded broker, kept in files only their owner can read.

Three are made once. `gateway` may do everything. `devices` is shared by all devices that speak for themselves: it
publishes anywhere but under `gateway/`, and reads its own command topic. `bridges` is for programs that speak for many
devices (zigbee2mqtt and the like): it also reads, but neither what the gateway publishes nor anybody's native commands.
Beside them a device may have an account of its own, which opens its own native topics and nothing else.
"""

import base64
import hashlib
import os
import re
import secrets
from pathlib import Path

import msgspec

FILE = "accounts.json"
DEVICES_FILE = "devices.json"

# Passwords of devices are typed in by hand: no letters that look like another, 4 x 4 of 31 signs are 79 bits.
_TYPABLE = "abcdefghijkmnpqrstuvwxyz23456789"
_SPEAKS = ("telemetry", "event", "status", "result")  # design section 5, native MQTT
_LEVEL = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)  # of a native topic: devices/codecs/native
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


class DeviceAccount(msgspec.Struct, frozen=True, order=True):
    """The account of one device. `site` and `device` are the levels of its native topics."""

    site: str
    device: str
    password: str

    @property
    def account(self) -> Account:
        return Account(f"{self.device}@{self.site}", self.password)

    @property
    def speaks(self) -> tuple[str, ...]:
        """The topics it may publish: all of the native dialect's but the commands to it."""
        return tuple(f"community/{self.site}/{self.device}/{last}" for last in _SPEAKS)

    @property
    def hears(self) -> str:
        """The topic of the commands to it."""
        return f"community/{self.site}/{self.device}/command"


class Access(msgspec.Struct, frozen=True):
    """Everybody a broker lets in. Without `shared` the account `devices` opens nothing."""

    accounts: Accounts
    devices: tuple[DeviceAccount, ...] = ()
    shared: bool = True

    @property
    def all(self) -> tuple[Account, ...]:
        three = self.accounts
        common = (
            (three.gateway, three.devices, three.bridges) if self.shared else (three.gateway, three.bridges)
        )
        return common + tuple(one.account for one in self.devices)


def load_devices(folder: Path) -> tuple[DeviceAccount, ...]:
    """The accounts of single devices, sorted; none without a file. Raises msgspec.DecodeError for a damaged one."""
    try:
        return msgspec.json.decode((folder / DEVICES_FILE).read_bytes(), type=tuple[DeviceAccount, ...])
    except FileNotFoundError:
        return ()


def add_device(folder: Path, site: str, device: str) -> DeviceAccount:
    """Give a device an account, or a new password where it has one.

    Raises ValueError for what cannot be a level of a native topic, OSError, msgspec.DecodeError.
    """
    for level in (site, device):
        if not _LEVEL.fullmatch(level):
            raise ValueError(f"{level!r} is no name of letters, digits, . _ - (at most 64)")
    made = DeviceAccount(site, device, _typable())
    _save_devices(folder, [*_others(folder, site, device), made])
    return made


def remove_device(folder: Path, site: str, device: str) -> bool:
    """Take a device's account away; whether it had one. Raises OSError, msgspec.DecodeError."""
    kept = _others(folder, site, device)
    had = len(kept) < len(load_devices(folder))
    if had:
        _save_devices(folder, kept)
    return had


def _others(folder: Path, site: str, device: str) -> list[DeviceAccount]:
    return [one for one in load_devices(folder) if (one.site, one.device) != (site, device)]


def _save_devices(folder: Path, devices: list[DeviceAccount]) -> None:
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_private(folder / DEVICES_FILE, msgspec.json.format(msgspec.json.encode(sorted(devices))) + b"\n")


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
