"""What `csg.yaml` may say, as typed values with their defaults.

Without a file everything has a default that works: the embedded broker, one source `local` of one site `home`, the
recording channel, DuckDB history, the shipped rules and call chains.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta

from devices.catalogue import Source
from devices.codec import COMMANDS, Access
from devices.reading import Privacy
from gateway.cameras.settings import CameraSettings
from gateway.config.plugins import CHANNELS, STORES, configs
from gateway.core.plan import Policy, Route
from gateway.listen.address import CAMERAS, Address, parse_listen
from gateway.mqtt.settings import TlsSettings, parse_broker_url

EMBEDDED: Final = "embedded"
RECORDING: Final = "recording"
"""The channel that is always there and the only one a simulated incident may use."""

OWN_SOURCE: Final = "gateway"
"""The gateway is itself a device of a source of this name; no configured source may have it."""
MACHINE_KINDS: Final = ("webhook", "mqtt")
"""Kinds of channels that speak to machines: without `targets` they hear of every incident."""

Name = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
        description="a name of letters, digits, . _ - (at most 64)",
    ),
]
CommandName = Annotated[
    str, Meta(pattern=f"^({'|'.join(sorted(COMMANDS))})$", description="a command's name")
]
Days = Annotated[int, Meta(ge=1, le=36_500)]


class WebSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the console and the API listen. Port 0 takes any free one.

    `url` is how people reach it from outside (`https://safety.example.cn`): it starts the links in notifications.
    """

    host: Annotated[str, Meta(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8080
    url: (
        Annotated[
            str,
            Meta(
                pattern=r"^https?://[^/\s]+(/\S*)?$", description="an address like https://safety.example.cn"
            ),
        ]
        | None
    ) = None


class BrokerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The embedded broker. A busy port means the next free one. `host` 0.0.0.0 lets devices of the network in.

    `shared_account`: whether devices may come in with the one account they share (`csg devices credential` gives them
    accounts of their own).
    """

    host: Annotated[str, Meta(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=1, le=65_535)] = 1883
    prefer: Literal["auto", "mosquitto", "nats"] = "auto"
    shared_account: bool = True


class ListenerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where sources that listen over HTTP are pushed to. A busy port means the next free one; 0 takes any."""

    host: Annotated[str, Meta(min_length=1, max_length=255)] = "127.0.0.1"
    port: Annotated[int, Meta(ge=0, le=65_535)] = 8090


class PlatformSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A carrier's platform that tells the devices of a source what we ask (`devices.codec.Access`).

    `key`: the product's secret. `app` and `secret`: CTWing's application. `url`: of a platform that is not the public
    one. Of Huawei IoTDA `app` is the id of the access key and `key` its secret; `project` and `url` are needed,
    `instance` is the instance's id, and `region` is named for the standard and enterprise editions, whose signature
    depends on it. `commands`: what the product's model calls each of our commands.
    """

    product: Annotated[str, Meta(min_length=1, max_length=64)]
    key: Annotated[str, Meta(min_length=1, max_length=256)]
    app: str = ""
    secret: str = ""
    url: Annotated[str, Meta(pattern=r"^(https?://[^\s/?#@]+)?$")] = ""
    project: Annotated[str, Meta(max_length=64)] = ""
    instance: Annotated[str, Meta(max_length=64)] = ""
    region: Annotated[str, Meta(pattern=r"^[a-z0-9-]{0,32}$")] = ""
    commands: Mapping[CommandName, Mapping[str, Any]] = {}

    def __repr__(self) -> str:
        return f"PlatformSettings({self.product})"  # never a key

    @property
    def access(self) -> Access:
        """As codecs take it."""
        return Access(
            self.product, self.key, self.url, self.app, self.secret, self.project, self.instance, self.region,
            self.commands,
        )  # fmt: skip


class SourceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One broker connection, or something that listens.

    `broker`: `embedded`, or `mqtt://host[:port]`, or `mqtts://host[:port]` (TLS). `filters`: the MQTT topic filters to
    read. `codecs`: names of device families; empty means all. `simulated` binds everything the source says to the
    recording channel.

    `listen`, instead of a broker: `http`, `tcp://host:port` or `udp://host:port`, or a list of them; then there is one
    codec. `key`: the secret in an http source's address, and what its codec checks signatures with. `platform`: how
    its devices are told something.
    """

    name: Name
    site: Name
    broker: str = EMBEDDED
    tls: TlsSettings | None = None
    protocol: Literal["auto", 5, 311] = "auto"
    username: str | None = None
    password: str | None = None
    codecs: tuple[str, ...] = ()
    filters: Annotated[tuple[str, ...], Meta(min_length=1, max_length=64)] = ("#",)
    simulated: bool = False
    time_zone: str = "Asia/Shanghai"
    keepalive_s: Annotated[int, Meta(ge=5, le=3600)] = 30
    in_flight: Annotated[int, Meta(ge=20, le=65_535)] = 1000  # MQTT 5 receive maximum
    listen: str | tuple[str, ...] = ""
    key: str | None = None
    platform: PlatformSettings | None = None

    def __repr__(self) -> str:
        where = self.listen or self.broker
        return f"SourceSettings({self.name}, {self.site}, {where})"  # never the password or the key

    @property
    def embedded(self) -> bool:
        """Whether it is read from the embedded broker."""
        return not self.listen and self.broker == EMBEDDED

    @property
    def pushed(self) -> bool:
        """Whether the listener opens a way in to it; cameras are looked at by processes of their own."""
        return bool(self.listen) and self.listen != CAMERAS

    @property
    def listens(self) -> tuple[Address, ...]:
        """Where it listens; empty for a broker's. Raises ValueError for what `csg check` refuses."""
        if self.listen == CAMERAS:
            return (Address(CAMERAS),)
        written = (self.listen,) if isinstance(self.listen, str) else self.listen
        return tuple(parse_listen(text) for text in written if text)

    def source(self) -> Source:
        """Its row in the catalogue: no address, no secret."""
        return Source(self.name, self.site, self.simulated, self.time_zone, self.codecs)


class JournalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The journal is bounded by size; what an external store still needs beyond it comes from the embedded store."""

    bound_gb: Annotated[float, Meta(ge=0.1, le=100_000)] = 20.0

    @property
    def bound_bytes(self) -> int:
        return round(self.bound_gb * 1_000_000_000)


class EvidenceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Pictures of camera events, bounded by size. `faces`: a file with the operator's own face model (ONNX of the YuNet
    kind), which hides faces beside everything else that is hidden.
    """

    bound_gb: Annotated[float, Meta(ge=0.01, le=100_000)] = 2.0
    faces: Annotated[str, Meta(min_length=1, max_length=1024)] | None = None

    @property
    def bound_bytes(self) -> int:
        return round(self.bound_gb * 1_000_000_000)


class RetentionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the view keeps things. The audit table and the proofs of deletions are never deleted.

    `history_days`: stored readings of any kind, 400 so that a year can be compared with the last. `rollup_days`: what
    they were rolled up to, where a store keeps that longer; never shorter than the readings. `household_days` and
    `personal_days`: those whose metric says something of life in a home, or of one person (`devices.reading.Privacy`);
    180 and 30, the shortest that serve their purpose (PIPL art. 19 names no number: these are ours). `incidents_days`:
    closed incidents and who was told, 1100 days, just over three years (records of handling are kept at least three).
    """

    history_days: Days = 400
    rollup_days: Days = 1100
    household_days: Days = 180
    personal_days: Days = 30
    incidents_days: Days = 1100

    def days_of(self, privacy: Privacy) -> int:
        """How long readings of that class are kept: never longer than those of any kind."""
        days = {Privacy.HOUSEHOLD: self.household_days, Privacy.PERSONAL: self.personal_days}
        return min(days.get(privacy, self.history_days), self.history_days)


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of `csg.yaml`. Its secrets are resolved: pass it to parts, never to a log or into the plan.

    `channels` and `stores` hold plain settings with their `kind`: see `channel_configs` and `store_configs`. `targets`
    are machine receivers (name -> channel). `history` names the store that answers questions; None is the embedded one,
    else the first that can be asked.
    `routes` are tried before the shipped ones; `policies` with a shipped name replace that one. `rules` and `profiles`
    are files. Paths are absolute. `cameras` bring sources of their own: see `gateway.config.cameras`.
    """

    data: str = "data"
    web: WebSettings = WebSettings()
    broker: BrokerSettings = BrokerSettings()
    sources: tuple[SourceSettings, ...] = (SourceSettings("local", "home"),)
    channels: Mapping[Name, Mapping[str, Any]] = {}
    targets: Mapping[Name, str] = {}
    routes: tuple[Route, ...] = ()
    policies: Mapping[Name, Policy] = {}
    rules: tuple[str, ...] = ()
    stores: Mapping[Name, Mapping[str, Any]] = {}
    journal: JournalSettings = JournalSettings()
    retention: RetentionSettings = RetentionSettings()
    evidence: EvidenceSettings = EvidenceSettings()
    listener: ListenerSettings = ListenerSettings()
    profiles: tuple[str, ...] = ()
    cameras: Annotated[tuple[CameraSettings, ...], Meta(max_length=256)] = ()
    history: str | None = None

    def __repr__(self) -> str:
        kinds = {name: entry.get("kind") for name, entry in {**self.channels, **self.stores}.items()}
        return f"Settings({self.data}, {self.sources}, {kinds})"  # the rest may hold secrets

    @property
    def data_path(self) -> Path:
        return Path(self.data)

    @property
    def sites(self) -> tuple[str, ...]:
        """The sites of the sources, each once, in the order of the file."""
        return tuple(dict.fromkeys(s.site for s in self.sources))


def with_broker(settings: Settings, url: str) -> Settings:
    """The settings with every embedded source on `url` instead (`csg run --broker mqtt://user:password@host`).

    Raises ValueError for what is no broker address; the message never repeats a password.
    """
    address = parse_broker_url(url)
    bare = f"{'mqtts' if address.tls else 'mqtt'}://{_host(address.host)}:{address.port}"
    return msgspec.structs.replace(
        settings,
        sources=tuple(
            msgspec.structs.replace(s, broker=bare, username=address.username, password=address.password)
            if s.embedded
            else s
            for s in settings.sources
        ),
    )


def channel_configs(settings: Settings) -> dict[str, Any]:
    """Each channel's name with its plug-in's `Config`."""
    return configs(CHANNELS, settings.channels)


def store_configs(settings: Settings) -> dict[str, Any]:
    """Each store's name with its plug-in's `Config`."""
    return configs(STORES, settings.stores)


def target_names(settings: Settings) -> dict[str, str]:
    """Machine receivers and their channels; where none are written, every webhook and MQTT channel by its name."""
    if settings.targets:
        return dict(settings.targets)
    return {name: name for name, entry in settings.channels.items() if entry["kind"] in MACHINE_KINDS}


def _host(host: str) -> str:
    return f"[{host}]" if ":" in host else host
