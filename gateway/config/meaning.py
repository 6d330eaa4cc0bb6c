"""What the types cannot say: names that must exist, sources that must not mix, chains that must reach somebody."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from gateway.config.document import Document, Problem
from gateway.config.listening import doubled, listening
from gateway.config.plugins import codecs
from gateway.config.settings import (
    EMBEDDED,
    OWN_SOURCE,
    RECORDING,
    Settings,
    SourceSettings,
    channel_configs,
    target_names,
)
from gateway.config.shipped import LAST_RESORT, shipped
from gateway.core.plan import Policy, Route
from gateway.mqtt.settings import is_filter, parse_broker_url
from gateway.notify.webhook import secret_bytes
from gateway.roles import ROLES
from gateway.shape import Path as KeyPath
from gateway.shape import found, nearest, one_of

REPEAT_MIN_S: Final = (
    30  # a chain that starts again faster than anybody can answer only trains people to ignore it
)

Check = Iterator[Problem]


def errors(settings: Settings, document: Document, policies: Mapping[str, Policy], base: Path) -> Check:
    """Everything that stops a start. `policies` are the shipped ones with those of the file over them."""
    yield from _sources(settings, document, base)
    yield from _channels(settings, document)
    yield from _webhooks(settings, document)
    yield from _policies(settings, document)
    yield from _keeping(settings, document)
    yield from _evidence(settings, document)
    targets = target_names(settings)
    sites = settings.sites
    for i, route in enumerate(settings.routes):
        yield from _route(route, document, ("routes", i), policies, targets, sites)
    for i, route in enumerate(settings.routes):
        yield from _p1(route, document, ("routes", i), policies, None)


def warnings(settings: Settings, document: Document) -> Check:
    """What starts but is probably not meant."""
    web = settings.web
    if web.host not in ("127.0.0.1", "localhost", "::1") and not (web.url or "").startswith("https://"):
        yield document.problem(
            ("web", "host"),
            "web.url with https:// when other machines can reach the console",
            "passwords that cross the network in clear text",
        )
    for i, source in enumerate(settings.sources):
        if source.tls is not None and source.tls.insecure:
            yield document.problem(
                ("sources", i, "tls", "insecure"),
                "false outside a bench",
                "true: anybody on the way can read and answer",
            )


def _sources(settings: Settings, document: Document, base: Path) -> Check:
    if not settings.sources:
        yield document.problem(("sources",), "at least one source", "none")
    first: dict[str, int] = {}
    for i, source in enumerate(settings.sources):
        at: KeyPath = ("sources", i)
        if source.name in first:
            yield document.problem(
                (*at, "name"),
                "each source's name once",
                f"{found(source.name)} again (first in sources[{first[source.name]}])",
            )
        first.setdefault(source.name, i)
        if source.name == OWN_SOURCE:
            yield document.problem(
                (*at, "name"), "another name: this one is the gateway's own", found(source.name)
            )
        if source.listen:
            yield from listening(source, document, at)
        else:
            yield from _broker(source, document, at, base)
            if source.key is not None:
                yield document.problem((*at, "key"), "listen beside it", "a source that reads a broker")
        for j, pattern in enumerate(source.filters):
            if not is_filter(pattern) or len(pattern.encode()) > 65_535:
                yield document.problem(
                    (*at, "filters", j),
                    "an MQTT topic filter: # alone at the end, + alone in its level",
                    found(pattern),
                )
        for j, codec in enumerate(source.codecs):
            if codec not in codecs():
                yield document.problem(
                    (*at, "codecs", j), one_of(codecs()), found(codec), nearest(codec, codecs())
                )
        if not _is_zone(source.time_zone):
            zones = sorted(available_timezones())
            yield document.problem(
                (*at, "time_zone"),
                "a time zone such as Asia/Shanghai",
                found(source.time_zone),
                nearest(source.time_zone, zones),
            )
    yield from _mixed(settings.sources, document)
    yield from doubled(settings.sources, document)


def _broker(source: SourceSettings, document: Document, at: KeyPath, base: Path) -> Check:
    if source.broker == EMBEDDED:
        for key in ("tls", "username", "password"):
            if getattr(source, key) is not None:
                yield document.problem(
                    (*at, key), "nothing beside broker: embedded, which makes its own", f"{key}"
                )
        return
    try:
        address = parse_broker_url(source.broker)
    except ValueError:
        yield document.problem(
            (*at, "broker"),
            "embedded, mqtt://host[:port] or mqtts://host[:port]",
            found(source.broker),
            _near_broker(source.broker),
        )
        return
    if source.tls is not None and not address.tls:
        yield document.problem(
            (*at, "broker"),
            "mqtts:// beside tls",
            found(source.broker),
            source.broker.replace("mqtt:", "mqtts:", 1),
        )
    if source.password is not None and source.username is None:
        yield document.problem(at, "username beside password (MQTT 3.1.1, 3.1.2.9)", "a password alone")
    if source.tls is not None:
        if (source.tls.cert is None) != (source.tls.key is None):
            yield document.problem((*at, "tls"), "cert and key together, or neither", "one of them")
        for key in ("ca", "cert", "key"):
            name = getattr(source.tls, key)
            if name is not None and not (base / name).is_file():
                yield document.problem((*at, "tls", key), "a PEM file that exists", f"no file {base / name}")


def _near_broker(written: str) -> str | None:
    """What was probably meant: the scheme of another protocol, or none at all."""
    if nearest(written, [EMBEDDED]):
        return EMBEDDED
    parts = urlsplit(written if "://" in written else f"mqtt://{written}")
    if not parts.netloc or " " in written:
        return None
    secure = parts.scheme in ("mqtts", "ssl", "tls", "https", "wss") or parts.netloc.endswith(":8883")
    near = f"{'mqtts' if secure else 'mqtt'}://{parts.netloc}"
    try:
        parse_broker_url(near)
    except ValueError:
        return None
    return near


def _mixed(sources: tuple[SourceSettings, ...], document: Document) -> Check:
    """Two sources of one broker must not read the same topic: the message would count twice.

    Where one of them is simulated it is worse: what it simulates would be called out as real through the other.
    """
    for i, one in enumerate(sources):
        for j, other in enumerate(sources[:i]):
            if one.listen or other.listen or one.broker != other.broker or one.name == other.name:
                continue
            pair = next(((a, b) for a in one.filters for b in other.filters if overlap(a, b)), None)
            if pair is not None:
                why = (
                    "a simulation would call real people"
                    if one.simulated != other.simulated
                    else "all counts twice"
                )
                yield document.problem(
                    ("sources", i, "filters"),
                    f"filters that share no topic with those of sources[{j}] ({other.name})",
                    f"{found(pair[0])} and {found(pair[1])} do; {why}",
                )


def overlap(one: str, other: str) -> bool:
    """Whether some topic fits both MQTT filters."""
    a, b = one.split("/"), other.split("/")
    for i in range(max(len(a), len(b)) + 1):
        x, y = a[i] if i < len(a) else None, b[i] if i < len(b) else None
        if x == "#" or y == "#":  # also stands for no level at all (MQTT 3.1.1, 4.7.1.2)
            return True
        if x is None or y is None:
            return x is y
        if x != y and "+" not in (x, y):
            return False
    return True


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # ZoneInfoNotFoundError is a KeyError
        return False
    return True


def _channels(settings: Settings, document: Document) -> Check:
    kind = settings.channels[RECORDING]["kind"]
    if kind != RECORDING:
        yield document.problem(
            ("channels", RECORDING, "kind"), "recording; the name is kept for it", found(kind), RECORDING
        )
    for target, channel in settings.targets.items():
        if channel not in settings.channels:
            yield document.problem(
                ("targets", target),
                one_of(settings.channels) if settings.channels else "a channel of this file",
                found(channel),
                nearest(channel, settings.channels),
            )


def _keeping(settings: Settings, document: Document) -> Check:
    """The store that is asked must be one of ours, and what is more private is not kept longer."""
    if settings.history is not None and settings.history not in settings.stores:
        near = nearest(settings.history, settings.stores)
        yield document.problem(("history",), one_of(settings.stores), found(settings.history), near)
    kept, most = settings.retention, settings.retention.history_days
    for key, least in (("household_days", most), ("personal_days", min(most, kept.household_days))):
        days = getattr(kept, key)
        written = ("retention", key) in document.keys
        if written and days > least:
            at: KeyPath = ("retention", key)
            yield document.problem(
                at, f"at most {least}: less private readings go then", found(days), str(least)
            )


def _evidence(settings: Settings, document: Document) -> Check:
    faces = settings.evidence.faces
    if faces is not None and not Path(faces).is_file():
        yield document.problem(("evidence", "faces"), "a face model that exists", f"no file {faces}")


def _policies(settings: Settings, document: Document) -> Check:
    for name, policy in settings.policies.items():
        at: KeyPath = ("policies", name)
        before = 0
        if not policy.steps and name in _p1_names():
            yield document.problem(
                (*at, "steps"), "at least one step: this is the chain of P1 alarms", "none"
            )
        for i, step in enumerate(policy.steps):
            if not step.to:
                yield document.problem((*at, "steps", i, "to"), "at least one role", "none")
            yield from _roles(step.to, document, (*at, "steps", i, "to"))
            if i == 0 and step.after_s != 0:
                yield document.problem(
                    (*at, "steps", i, "after_s"),
                    "0 in the first step: somebody is told at once",
                    found(step.after_s),
                    "0",
                )
            elif step.after_s < before:
                yield document.problem(
                    (*at, "steps", i, "after_s"), f"{before} or more, the steps in order", found(step.after_s)
                )
            before = max(before, step.after_s)
        yield from _roles(policy.confirmed, document, (*at, "confirmed"))
        for key in ("repeat_s", "give_back_s"):
            if (value := getattr(policy, key)) < REPEAT_MIN_S:
                yield document.problem((*at, key), f"{REPEAT_MIN_S} or more", found(value), str(REPEAT_MIN_S))


def _webhooks(settings: Settings, document: Document) -> Check:
    """What would otherwise fail only when the channel is opened, which is in the engine and too late."""
    for name, config in channel_configs(settings).items():
        ca = getattr(config, "ca", None)
        if ca is not None and not Path(ca).is_file():
            yield document.problem(("channels", name, "ca"), "a PEM file that exists", f"no file {ca}")
        if settings.channels[name]["kind"] != "webhook":
            continue
        if config.url.startswith("http://") and not config.allow_http:
            near = config.url.replace("http", "https", 1)
            yield document.problem(
                ("channels", name, "url"), "https://, or allow_http: true beside it", "http://", near
            )
        for i, secret in enumerate(config.secrets):
            try:
                secret_bytes(secret)
            except ValueError:
                wanted = "a secret of whsec_ and the base64 of 24 to 64 random bytes"
                yield document.problem(("channels", name, "secrets", i), wanted, "another text")


def _roles(roles: tuple[str, ...], document: Document, at: KeyPath) -> Check:
    """A role nobody can hold is a call that never happens."""
    for j, role in enumerate(roles):
        if role not in ROLES:
            yield document.problem((*at, j), one_of(ROLES), found(role), nearest(role, ROLES))


def _p1_names() -> set[str]:
    """The shipped chains of P1 alarms."""
    return {LAST_RESORT, *(r.policy for r in shipped().routes if r.policy and 1 in r.priority)}


def _route(
    route: Route,
    document: Document,
    at: KeyPath,
    policies: Mapping[str, Policy],
    targets: Mapping[str, str],
    sites: tuple[str, ...],
) -> Check:
    if route.policy is not None and route.policy not in policies:
        yield document.problem(
            (*at, "policy"), one_of(policies), found(route.policy), nearest(route.policy, policies)
        )
    for j, target in enumerate(route.targets or ()):
        if target not in targets:
            yield document.problem(
                (*at, "targets", j),
                one_of(targets) if targets else "a name of targets",
                found(target),
                nearest(target, targets),
            )
    for j, priority in enumerate(route.priority):
        if not 1 <= priority <= 4:
            yield document.problem((*at, "priority", j), "1, 2, 3 or 4", found(priority))
    for j, site in enumerate(route.site):
        if site not in sites:
            yield document.problem((*at, "site", j), one_of(sites), found(site), nearest(site, sites))
    for j, child in enumerate(route.routes):
        yield from _route(child, document, (*at, "routes", j), policies, targets, sites)


def _p1(
    route: Route, document: Document, at: KeyPath, policies: Mapping[str, Policy], policy: str | None
) -> Check:
    """A route that takes a P1 must end in a chain that tells somebody: no configuration may silence one.

    A route without a policy keeps the shipped chain.
    """
    if route.priority and 1 not in route.priority:
        return
    policy = route.policy or policy
    for j, child in enumerate(route.routes):
        yield from _p1(child, document, (*at, "routes", j), policies, policy)
    known = policies.get(policy or "")
    if known is not None and not known.steps:
        yield document.problem(
            (*at, "policy") if route.policy else at,
            "a policy with steps, since this route takes P1 alarms",
            f"{found(policy)}, which tells nobody",
        )
