"""Reads `csg.yaml` whole and says everything that is wrong with it; `csg check` prints it, a start refuses on it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from gateway.config.cameras import cameras, with_cameras
from gateway.config.document import Document, Problem, read
from gateway.config.meaning import errors, warnings
from gateway.config.plugins import CHANNELS, STORES, comparable, plugins
from gateway.config.profilefiles import site_profiles
from gateway.config.rulefiles import file_bytes, merged, site_rules
from gateway.config.secrets import Resolver, revealed
from gateway.config.settings import RECORDING, Settings, SourceSettings
from gateway.config.shipped import shipped
from gateway.shape import Path as KeyPath
from gateway.shape import faults, found, nearest, one_of
from rules.rule import Rule

PLUGIN_SECTIONS: Final = {"channels": CHANNELS, "stores": STORES}
DEFAULT_STORES: Final[Mapping[str, Any]] = {"history": {"kind": "duckdb"}}
DEFAULT_CHANNELS: Final[Mapping[str, Any]] = {RECORDING: {"kind": RECORDING}}


class Report(msgspec.Struct, frozen=True):
    """What a check found. `settings` and `rules` are None unless there are no errors; warnings stop nothing.

    `rules` are those that apply: the shipped ones with the site's files over them.
    """

    file: str
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...] = ()
    settings: Settings | None = None
    rules: tuple[Rule, ...] | None = None

    @property
    def ok(self) -> bool:
        return not self.errors

    def text(self) -> str:
        """One line a problem, in the order of the file, as compilers write them."""
        return "\n".join([*(f"{p}" for p in self.errors), *(f"{p} (warning)" for p in self.warnings)])


def check(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Report:
    """Check the file, its rule files and everything they name. Without a file the defaults hold. Never raises."""
    environ = os.environ if environ is None else environ
    if path is None:
        return check_text("csg.yaml", b"", Path.cwd(), environ)
    text = file_bytes(path)
    if isinstance(text, Problem):
        return Report(str(path), (text,))
    return check_text(str(path), text, path.resolve().parent, environ)


def check_text(file: str, text: bytes, base: Path, environ: Mapping[str, str]) -> Report:
    """The same for text already read; relative paths in it start at `base`."""
    document, problems = read(file, text)
    if document is None:
        return Report(file, tuple(problems))
    data = document.data if document.data is not None else {}
    if not isinstance(data, dict):
        return Report(file, (*problems, document.problem((), "a mapping of sections", found(data))))
    resolver = Resolver(document, base, environ)
    data = _resolved(data, resolver)
    problems += resolver.problems
    problems += _shape(document, data)
    data, wrong = _plugins(document, data)
    problems += wrong
    if problems:
        return Report(file, tuple(sorted(set(problems))), tuple(resolver.warnings))
    settings = _absolute(msgspec.convert(revealed(data), Settings), base)
    policies = {**shipped().policies, **settings.policies}
    problems += errors(settings, document, policies, base)
    problems += cameras(settings, document)
    loaded, in_rules = site_rules(Path(name) for name in settings.rules)
    problems += in_rules
    problems += site_profiles(Path(name) for name in settings.profiles)[1]
    told = (*resolver.warnings, *warnings(settings, document))
    if problems:
        return Report(file, tuple(sorted(set(problems))), told)
    return Report(file, (), told, with_cameras(settings), merged(loaded))


def _resolved(data: dict[str, Any], resolver: Resolver) -> dict[str, Any]:
    """Secrets of the sections that may hold any."""
    resolved = dict(data)
    for section in ("sources", "cameras", *PLUGIN_SECTIONS):
        if section in data:
            resolved[section] = resolver.resolved(data[section], (section,))
    return resolved


def _shape(document: Document, data: dict[str, Any]) -> list[Problem]:
    return [
        document.problem(f.path, f.expected, f.found, f.nearest, key=f.key) for f in faults(data, Settings)
    ]


def _plugins(document: Document, data: dict[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """Channels and stores, each compared with its plug-in's own `Config`; the defaults where nothing is written."""
    problems: list[Problem] = []
    completed = dict(data)
    for section, package in PLUGIN_SECTIONS.items():
        default = DEFAULT_CHANNELS if section == "channels" else DEFAULT_STORES
        written = data.get(section)
        if not isinstance(written, dict):
            written = {}  # absent, or of a wrong shape and already told
        if section == "channels" or not written:
            written = {**default, **written}
        completed[section] = written
        for name, entry in written.items():
            problems += _plugin(document, (section, name), entry, package)
    return completed, problems


def _plugin(document: Document, path: KeyPath, entry: Any, package: str) -> list[Problem]:
    known = plugins(package)
    if not isinstance(entry, dict):
        return []  # its shape is told already
    if "kind" not in entry:
        return [
            document.problem(path, f"the key kind ({one_of(known)})", "no such key", nearest("kind", entry))
        ]
    kind = entry["kind"]
    plugin = known.get(kind) if isinstance(kind, str) else None
    if plugin is None:
        return [document.problem((*path, "kind"), one_of(known), found(kind), nearest(kind, known))]
    if plugin.config is None:
        return [
            document.problem(
                (*path, "kind"),
                "a kind whose libraries are installed",
                f"{found(kind)}; install it with: {plugin.install}",
            )
        ]
    return [
        document.problem((*path, *f.path), f.expected, f.found, f.nearest, key=f.key)
        for f in faults(*comparable(plugin, entry))
    ]


def _absolute(settings: Settings, base: Path) -> Settings:
    """Paths as the process will open them, wherever it was started."""
    return msgspec.structs.replace(
        settings,
        data=str(base / settings.data),
        rules=tuple(str(base / name) for name in settings.rules),
        profiles=tuple(str(base / name) for name in settings.profiles),
        sources=tuple(_absolute_tls(s, base) for s in settings.sources),
        channels={name: _absolute_ca(entry, base) for name, entry in settings.channels.items()},
        evidence=settings.evidence
        if settings.evidence.faces is None
        else msgspec.structs.replace(settings.evidence, faces=str(base / settings.evidence.faces)),
        cameras=tuple(
            c if "://" in c.url else msgspec.structs.replace(c, url=str(base / c.url))
            for c in settings.cameras
        ),
    )


def _absolute_ca(entry: Mapping[str, Any], base: Path) -> Mapping[str, Any]:
    """Of a channel only `ca` is a path."""
    return {k: str(base / v) if k == "ca" and isinstance(v, str) else v for k, v in entry.items()}


def _absolute_tls(source: SourceSettings, base: Path) -> SourceSettings:
    if source.tls is None:
        return source
    paths = {k: str(base / v) for k in ("ca", "cert", "key") if (v := getattr(source.tls, k)) is not None}
    return msgspec.structs.replace(source, tls=msgspec.structs.replace(source.tls, **paths))
