"""Looks for what would lose or delay an alarm, and says what to do about it."""

from __future__ import annotations

import importlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.broker.doctor import doctor_mosquitto
from gateway.broker.embedded import find_program
from gateway.clock import UTC_FLOOR_MS, SystemClock
from gateway.config import Settings, channel_configs
from gateway.core.plan import Plan
from gateway.notify.recording import Config as Recording
from gateway.planning import PlanRefused, build_plan, findings
from gateway.registry.errors import RegistryError
from gateway.registry.reader import Directory, RegistryReader

FREE_BYTES_MIN: Final = 2_000_000_000
LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")


class Finding(msgspec.Struct, frozen=True):
    """`level` is mend (an alarm can be lost or reach nobody) or know (works, with a limit to be aware of)."""

    level: str
    part: str
    text: str


def examine(settings: Settings, mosquitto: Path | None = None) -> list[Finding]:
    """Everything found, the worst first. Starts nothing and changes nothing."""
    found = [*_brokers(settings, mosquitto), *_listeners(settings), *_machine(settings), *_people(settings)]
    return sorted(found, key=lambda f: (f.level != "mend", f.part))


def _brokers(settings: Settings, mosquitto: Path | None) -> list[Finding]:
    found: list[Finding] = []
    if mosquitto is not None:
        try:
            text = mosquitto.read_text(errors="replace")
        except OSError as error:
            return [Finding("mend", str(mosquitto), str(error))]
        found += [Finding("mend", str(mosquitto), said) for said in doctor_mosquitto(text)]
    if any(s.embedded for s in settings.sources) and find_program("mosquitto") is None:
        text = (
            "mosquitto is not installed, so nats-server stands in: MQTT 3.1.1 only; a client that publishes to a topic "
            "with a space, or more than the size limit, is disconnected (an alarm of ours names it); unacknowledged "
            "messages come again after newer ones. Install mosquitto for a site (make system-deps)."
        )
        found.append(Finding("know", "broker", text))
    return found


def _listeners(settings: Settings) -> list[Finding]:
    """Ways in for pushes: who may reach them, and what crosses the network readable."""
    found: list[Finding] = []
    for source in settings.sources:
        for address in source.listens if source.pushed else ():
            part = f"source {source.name}"
            host = settings.listener.host if address.kind == "http" else address.host
            if host in LOOPBACK:
                key = "listener.host" if address.kind == "http" else "listen"
                text = f"{address} hears this machine only: {key} says so"
            elif address.kind == "http":
                text = "the key in the address crosses the network readable: put a reverse proxy with TLS before it"
            else:
                text = (
                    f"{address} takes frames from whoever reaches it, for the protocol knows no password: "
                    "keep it inside the network of the panels"
                )
            found.append(Finding("know", part, text))
    return found


def _machine(settings: Settings) -> list[Finding]:
    found: list[Finding] = []
    folder: Any = Path(settings.data)
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    if free < FREE_BYTES_MIN + settings.journal.bound_bytes // 10:
        found.append(Finding("mend", "disk", f"{free // 1_000_000} MB free for a journal of up to "
                             f"{settings.journal.bound_bytes // 1_000_000} MB"))  # fmt: skip
    if SystemClock().utc_ms() < UTC_FLOOR_MS:
        found.append(Finding("mend", "clock", "the system clock was never set: enable NTP"))
    return found


def _people(settings: Settings) -> list[Finding]:
    try:
        plan = build_plan(settings, RegistryReader(Path(settings.data) / "registry.sqlite"))
        level = {"nobody": "mend", "no_channel": "mend"}
        found = [Finding(level.get(f.code, "know"), f.where, f.text) for f in findings(settings, plan)]
        return found + list(_addresses(settings, plan))
    except (RegistryError, PlanRefused) as error:
        return [
            Finding(
                "mend", "registry", f"{error}: the engine goes by its last plan, and reaches nobody by name"
            )
        ]


def _addresses(settings: Settings, plan: Plan) -> Iterator[Finding]:
    """Who would not be reached although an address is there. What an address looks like, its channel's module knows."""
    channels = channel_configs(settings)
    directory = Directory(Path(settings.data) / "registry.sqlite")
    live = any(not source.simulated for source in settings.sources)
    for person in plan.people.values():
        if not person.roles:
            continue
        known = [channels[name] for name in person.channels if name in channels]
        if live and known and all(isinstance(config, Recording) for config in known):
            yield Finding("mend", person.id, "is told on the recording channel only, which rings nowhere")
        for name in person.channels:
            config, address = channels.get(name), directory.address(person.id, name)
            unfit = getattr(importlib.import_module(type(config).__module__), "unfit", None)
            if unfit is not None and address and (why := unfit(config, address)):
                yield Finding("mend", person.id, f"the address on {name} reaches nobody: {why}")
    directory.close()
