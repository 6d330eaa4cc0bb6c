"""Finds the plug-ins of a package: one module or sub-package each, listed by name, loaded when asked for.

A plug-in that needs a library beyond the house's own may say so in two module-level constants, which are read without
importing it: `REQUIRES = ("influxdb_client",)` names what must be importable, `INSTALL = "pip install ..."` the line
that makes it so. It stays listed either way.
"""

from __future__ import annotations

import ast
import difflib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import import_module
from importlib.abc import InspectLoader
from importlib.util import find_spec
from types import ModuleType


class PluginUnknown(KeyError):
    """No plug-in goes by this name. `nearest` is the name most like it, or None."""

    def __init__(self, package: str, name: str, nearest: str | None) -> None:
        super().__init__(name)
        self.package, self.name, self.nearest = package, name, nearest

    def __str__(self) -> str:
        hint = f"; did you mean {self.nearest}?" if self.nearest else ""
        return f"{self.package} has no {self.name}{hint}"


class PluginMissing(ImportError):
    """The plug-in is there but a library it needs is not; `install` is the line to run."""

    def __init__(self, package: str, name: str, install: str) -> None:
        super().__init__(f"{package}.{name} needs a library that is not installed: {install}")
        self.plugin, self.install = name, install


class Plugins(Mapping[str, ModuleType]):
    """The plug-ins of one package by name, in sorted order. `plugins[name]` imports the module.

    Raises PluginUnknown for a name that is not there, PluginMissing where a library is not installed. Names that begin
    with an underscore are helpers, not plug-ins.
    """

    def __init__(self, package: str) -> None:
        self.package = package

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All names, importable or not."""
        path = import_module(self.package).__path__
        return tuple(sorted(m.name for m in pkgutil.iter_modules(path) if not m.name.startswith("_")))

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self.names)

    def __contains__(self, name: object) -> bool:
        return name in self.names

    def __getitem__(self, name: str) -> ModuleType:
        install = self.install(name)
        if install is not None:
            raise PluginMissing(self.package, name, install)
        try:
            return import_module(f"{self.package}.{name}")
        except ModuleNotFoundError as error:
            absent = error.name or ""
            if absent.split(".")[0] == self.package.split(".")[0]:
                raise  # a module of the house: our own mistake, no missing library
            line = self._said(name).get("INSTALL") or f"pip install {absent.split('.')[0]}"
            raise PluginMissing(self.package, name, str(line)) from error

    def install(self, name: str) -> str | None:
        """The line that installs what the plug-in says it requires; None if nothing it names is missing."""
        if name not in self.names:
            raise PluginUnknown(
                self.package, name, next(iter(difflib.get_close_matches(name, self.names, 1)), None)
            )
        said = self._said(name)
        required = said.get("REQUIRES", ())
        names = [r for r in required if isinstance(r, str)] if isinstance(required, tuple | list) else []
        absent = [r for r in names if find_spec(r.split(".")[0]) is None]
        if not absent:
            return None
        return str(said.get("INSTALL") or f"pip install {' '.join(r.replace('_', '-') for r in absent)}")

    def available(self) -> Iterator[tuple[str, ModuleType]]:
        """Name and module of every plug-in whose libraries are there, each loaded as it is reached."""
        for name in self.names:
            try:
                yield name, self[name]
            except PluginMissing:
                continue

    def missing(self) -> dict[str, str]:
        """Every plug-in that cannot be used here, with the line that would change that; imports nothing."""
        lines = {name: self.install(name) for name in self.names}
        return {name: line for name, line in lines.items() if line is not None}

    def _said(self, name: str) -> dict[str, object]:
        """The constants INSTALL and REQUIRES of a module that may not be importable, read from its source."""
        spec = find_spec(f"{self.package}.{name}")
        loader = spec.loader if spec is not None else None
        source = loader.get_source(f"{self.package}.{name}") if isinstance(loader, InspectLoader) else None
        said: dict[str, object] = {}
        for node in ast.parse(source or "").body:
            target = (
                node.target
                if isinstance(node, ast.AnnAssign)
                else node.targets[0]
                if isinstance(node, ast.Assign)
                else None
            )
            value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
            if isinstance(target, ast.Name) and target.id in {"INSTALL", "REQUIRES"} and value is not None:
                said[target.id] = ast.literal_eval(value)
        return said


def discover(package: str) -> Plugins:
    """The plug-ins of a package named by its dotted path, such as `devices.codecs`."""
    return Plugins(package)
