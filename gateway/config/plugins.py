"""Which channels, stores and codecs exist, and the settings type of each."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

import msgspec

from devices.discover import PluginMissing, discover

CHANNELS: Final = "gateway.notify"
STORES: Final = "gateway.store"


class Plugin(msgspec.Struct, frozen=True):
    """One file of `gateway/notify` or `gateway/store`. `config` is None where `install` says what is missing."""

    kind: str
    config: type[msgspec.Struct] | None
    install: str | None = None


@lru_cache(maxsize=8)
def plugins(package: str) -> dict[str, Plugin]:
    """The plug-ins of a package by kind: the tag of their `Config`, or the file's name. Modules without one are none.

    A plug-in imports only the standard library, msgspec and the house at module level, so looking costs little.
    """
    listed = discover(package)
    found: dict[str, Plugin] = {}
    for name in listed:
        try:
            config = getattr(listed[name], "Config", None)
        except PluginMissing as error:
            found[_kind(name)] = Plugin(_kind(name), None, error.install)
            continue
        if isinstance(config, type) and issubclass(config, msgspec.Struct):
            tag = config.__struct_config__.tag
            kind = tag if isinstance(tag, str) else _kind(name)
            found[kind] = Plugin(kind, config)
    return found


def codecs() -> tuple[str, ...]:
    """The names of the device families, which are the names of their files."""
    return discover("devices.codecs").names


def comparable(plugin: Plugin, written: Mapping[str, Any]) -> tuple[Any, Any]:
    """`(data, type)` to compare and convert: without `kind` where the `Config` knows no such tag."""
    assert plugin.config is not None
    tagged = plugin.config.__struct_config__.tag_field == "kind"
    return (written if tagged else {k: v for k, v in written.items() if k != "kind"}), plugin.config


def configs(package: str, written: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Each entry of checked settings as its plug-in's own `Config`."""
    return {
        name: msgspec.convert(*comparable(plugins(package)[entry["kind"]], entry))
        for name, entry in written.items()
    }


def _kind(name: str) -> str:
    """A file whose name would hide its library's ends in an underscore."""
    return name.rstrip("_")
