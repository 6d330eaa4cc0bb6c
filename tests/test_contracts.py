"""The import contracts stop what they are meant to stop, and plug-ins are as light as they promise."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PLUGIN_FOLDERS = (
    "devices/codecs",
    "devices/vision",
    "rules/kinds",
    "gateway/notify",
    "gateway/store",
    "gateway/city",
)
PURE = ("devices", "rules", "gateway/core")

# What a plug-in may import when it is loaded; anything else waits until it is opened (start time, memory).
LIGHT = {"msgspec", "devices", "rules", "gateway"} | sys.stdlib_module_names

# A module of the house for each name the contracts speak of, so that a contract can be broken on purpose.
SKELETON = (
    "devices/__init__.py",
    "devices/reading.py",
    "devices/codecs/__init__.py",
    "devices/codecs/one.py",
    "devices/codecs/two.py",
    "devices/vision/__init__.py",
    "devices/simulator/__init__.py",
    "devices/simulator/fake.py",
    "rules/__init__.py",
    "rules/kinds/__init__.py",
    "gateway/__init__.py",
    "gateway/core/__init__.py",
    "gateway/core/step.py",
    "gateway/engine.py",
    "gateway/deliver.py",
    "gateway/journal.py",
    "gateway/clock.py",
    "gateway/notify/__init__.py",
    "gateway/notify/one.py",
    "gateway/store/__init__.py",
    "gateway/city/__init__.py",
)
ALLOWED = {
    "devices/simulator/fake.py": "import asyncio, random, socket\nimport devices.simulator",
    "gateway/clock.py": "import time",
    "gateway/deliver.py": "import asyncio\nimport gateway.notify.one\nimport devices.simulator",
}
BROKEN = [
    ("devices/reading.py", "import rules", "devices <- rules <- gateway"),
    ("rules/kinds/one.py", "from gateway import core", "devices <- rules <- gateway"),
    ("gateway/core/step.py", "import gateway.journal", "Inside the gateway"),
    ("gateway/journal.py", "from gateway.engine import x", "Inside the gateway"),
    ("devices/codecs/one.py", "import time", "touch no clock"),
    ("rules/kinds/one.py", "def f():\n    import random", "touch no clock"),
    ("gateway/core/step.py", "from sqlite3 import connect", "touch no clock"),
    ("devices/reading.py", "import devices.simulator.fake", "use the simulator"),
    ("devices/codecs/two.py", "import devices.codecs.one", "Plug-ins of one kind"),
]


def lint(folder: Path) -> str:
    """What import-linter says of a tree under this project's contracts."""
    return subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as c; c()", "--no-cache"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"},
        capture_output=True,
        check=False,
        text=True,
    ).stdout


@pytest.fixture
def skeleton(tmp_path: Path) -> Path:
    """A small house with our contracts, in which everything is as it should be."""
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    for name in SKELETON:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(ALLOWED.get(name, ""))
    return tmp_path


def test_contracts_allow_what_the_design_allows(skeleton: Path) -> None:
    """The shell may use clocks, sockets and plug-ins, and fake hardware may talk to brokers."""
    said = lint(skeleton)
    assert "BROKEN" not in said
    assert "5 kept, 0 broken" in said, said


@pytest.mark.parametrize(("file", "line", "contract"), BROKEN)
def test_contracts_stop_what_they_are_meant_to_stop(
    skeleton: Path, file: str, line: str, contract: str
) -> None:
    """Each forbidden import is reported under the name of its contract."""
    (skeleton / file).write_text(f"{line}\n")
    broken = [text for text in lint(skeleton).splitlines() if " BROKEN" in text]
    assert any(contract in text for text in broken), broken


def imports(body: list[ast.stmt]) -> Iterator[tuple[int, str]]:
    """The top-level names imported when a module is loaded, with their lines (no `if TYPE_CHECKING`)."""
    for node in body:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.lineno, node.module.split(".")[0]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" not in ast.unparse(node.test):
            yield from imports(node.body + node.orelse)
        elif isinstance(node, ast.Try):
            yield from imports(node.body + [s for h in node.handlers for s in h.body] + node.orelse)


def plug_ins(folder: str) -> list[Path]:
    """The modules that a registry loads: files and packages directly below the folder, not their inner parts."""
    return sorted([*(ROOT / folder).glob("[!_]*.py"), *(ROOT / folder).glob("[!_]*/__init__.py")])


def test_plug_ins_are_light() -> None:
    """Loading a plug-in loads nothing but the standard library, msgspec (numpy and cv2 in vision) and the house."""
    wrong = [
        f"{path.relative_to(ROOT)}:{line} imports {top}"
        for folder in PLUGIN_FOLDERS
        for path in plug_ins(folder)
        for line, top in imports(ast.parse(path.read_bytes()).body)
        if top not in LIGHT | ({"numpy", "cv2"} if folder == "devices/vision" else set())
    ]
    assert not wrong, f"import it inside the function that needs it: {wrong}"


def test_plug_ins_stay_light_through_what_they_import() -> None:
    """The same holds for everything that a plug-in's own imports load, seen in a fresh interpreter."""
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for folder in PLUGIN_FOLDERS
        if folder != "devices/vision"
        for path in plug_ins(folder)
    ]
    program = (
        "import importlib, sys\n"
        "before = set(sys.modules)\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "tops = {m.split('.')[0] for m in set(sys.modules) - before}\n"
        "print(*sorted(tops))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    allowed = LIGHT | {"typing_extensions"}  # msgspec's own
    assert [top for top in done.stdout.split() if top not in allowed] == []


def test_pure_code_asks_nothing_of_the_machine() -> None:
    """Pure code opens nothing and depends on no address and no hash seed; what it needs is an argument."""
    instead = {
        "open": "bytes as an argument",
        "id": "a field",
        "hash": "zlib.crc32",
        "input": "",
        "globals": "",
    }
    wrong = [
        f"{path.relative_to(ROOT)}:{node.lineno} calls {node.func.id}() (instead: {instead[node.func.id]})"
        for folder in PURE
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "simulator" not in path.parts
        for node in ast.walk(ast.parse(path.read_bytes()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in instead
    ]
    assert not wrong, wrong
