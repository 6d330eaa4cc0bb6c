"""House rules that no linter knows: each ban names what to do instead."""

from __future__ import annotations

import ast
import io
import json
import re
import subprocess
import tokenize
import tomllib
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("devices", "rules", "gateway")

# Look hard at a module of 400 lines. One that may be longer stands here with its length, which may only fall.
LINES_MAX = 400
TEST_LINES_MAX = 600  # a list of promises is read one at a time
RATCHET: dict[str, int] = {}

# The only places where catching everything is right; the comment beside such an except names which it is.
BOUNDARIES = ("rule isolation", "codec isolation", "task supervisor", "API boundary")

# Plug-in packages and the names each of their modules must define at its top level.
PLUGINS = {
    "devices/codecs": ("TOPICS", "decode", "EXAMPLES"),
    "devices/vision": ("Config", "METRICS", "start", "EXAMPLES"),
    "rules/kinds": ("EXAMPLES",),
    "gateway/notify": ("Config", "send", "EXAMPLES"),
    "gateway/store": ("Config",),
}


@cache
def files() -> tuple[Path, ...]:
    """Every text file that is or may be committed."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            check=True,
            text=True,
        ).stdout.split("\0")
    except (OSError, subprocess.CalledProcessError):  # a source archive without git
        hidden = {".git", ".venv", ".cache", ".hypothesis", "node_modules", "dist", "data", "__pycache__"}
        listed = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if not hidden & set(p.parts)]
    found = sorted(ROOT / name for name in listed if name)
    return tuple(p for p in found if p.is_file() and b"\0" not in p.read_bytes()[:8192])


def name(path: Path) -> str:
    """The path as people write it."""
    return path.relative_to(ROOT).as_posix()


def python(*under: str) -> Iterator[tuple[Path, ast.Module]]:
    """The Python files below the given folders (all, without any), parsed."""
    for path in files():
        if path.suffix == ".py" and (not under or name(path).startswith(tuple(f"{u}/" for u in under))):
            yield path, ast.parse(path.read_bytes())


def comments(path: Path) -> dict[int, str]:
    """The comment of each line that has one."""
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline)
    return {t.start[0]: t.string for t in tokens if t.type == tokenize.COMMENT}


def none(wrong: Iterable[str], instead: str) -> None:
    """Fail with every offending place and what to do about it."""
    places = list(wrong)
    if places:
        pytest.fail("\n  ".join([f"{instead}:", *places]), pytrace=False)


def test_modules_open_with_one_sentence() -> None:
    """Every module says in its first line what it is."""
    none(
        (
            name(path)
            for path, tree in python()
            if tree.body
            and not ((ast.get_docstring(tree) or "").split("\n\n")[0]).rstrip().endswith((".", "`."))
        ),
        "open the module with a docstring whose first paragraph is a sentence, with its full stop",
    )


def test_modules_stay_readable() -> None:
    """No module grows past 400 lines unseen, and one that once did only shrinks."""
    counted = {
        name(p): p.read_text("utf-8").count("\n")
        for p in files()
        if p.suffix in {".py", ".ts", ".vue"}
        and name(p).split("/")[0] in {*PACKAGES, "tests", "bench", "dashboards"}
        and not name(p).endswith((".gen.ts", ".d.ts"))
    }
    none(
        (
            f"{n}: {c} lines"
            for n, c in counted.items()
            if c > RATCHET.get(n, TEST_LINES_MAX if n.startswith("tests/") else LINES_MAX)
        ),
        "split the module where its sentence has an 'and'",
    )
    none(
        (f"{n}: now {counted.get(n, 0)}" for n, c in RATCHET.items() if counted.get(n, 0) < c),
        "it got shorter: lower its number in RATCHET, or take it out at 400",
    )


def test_broad_excepts_stand_at_named_boundaries() -> None:
    """An error is caught by its name, except where isolating everything is the point."""

    def broad(node: ast.expr | None) -> bool:
        kinds = node.elts if isinstance(node, ast.Tuple) else [node]
        return any(
            k is None or (isinstance(k, ast.Name) and k.id in {"Exception", "BaseException"}) for k in kinds
        )

    def wrong() -> Iterator[str]:
        for path, tree in python(*PACKAGES):
            beside = comments(path)
            for node in ast.walk(tree):
                if not isinstance(node, ast.ExceptHandler) or not broad(node.type):
                    continue
                if any(isinstance(inner, ast.Raise) and inner.exc is None for inner in ast.walk(node)):
                    continue  # it lets go of what it does not know
                said = " ".join(beside.get(n, "") for n in range(node.lineno, node.body[0].lineno)).lower()
                if not any(boundary.lower() in said for boundary in BOUNDARIES):
                    yield f"{name(path)}:{node.lineno}"

    none(wrong(), f"catch the narrowest error, or name the boundary in a comment on the line {BOUNDARIES}")


def test_every_ignore_has_its_reason() -> None:
    """Whoever silences a checker says why, on the same line."""
    code = re.compile(
        r"#\s*(noqa(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*)?|type:\s*ignore(\[[\w, -]+\])?|pragma:\s*no \w+)"
    )
    none(
        (
            f"{name(path)}:{line}: {comment}"
            for path, _ in python()
            for line, comment in comments(path).items()
            if code.search(comment) and not re.search(r"[^\W\d_]{2}", code.sub("", comment))
        ),
        "say why beside the ignore: `# noqa: S310  the address is our own`",
    )


def test_allowed_unused_names_have_their_reason() -> None:
    """Vulture's allow-list says who uses each name."""
    lines = (ROOT / "tests" / "unused_allowed.py").read_text("utf-8").splitlines()[1:]
    none(
        (line for line in lines if line.strip() and not re.fullmatch(r"(# .*|[\w.]+  # \S.*)", line)),
        "write one name a line with its user: `_.on_message  # paho calls it`",
    )


def test_nothing_is_left_for_later() -> None:
    """What is missing is an issue, not a note in the code; what is there works."""
    marks = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X)\b")
    none(
        (
            f"{name(path)}:{number}: {line.strip()[:80]}"
            for path in files()
            if path.suffix not in {".svg", ".json", ".txt"}
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
            if marks.search(line)
        ),
        "do it, or open an issue",
    )
    none(
        (
            f"{name(path)}:{node.lineno}"
            for path, tree in python(*PACKAGES)
            for node in ast.walk(tree)
            if isinstance(node, ast.Name) and node.id == "NotImplementedError"
        ),
        "write it, or leave the function out",
    )


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    """Paths are relative to the project or named by the user."""
    homes = re.compile(r"(?<![\w.])/(root|home/\w+|Users/\w+)/")
    none(
        (
            f"{name(path)}:{number}: {line.strip()[:80]}"
            for path in files()
            if path.name not in {"package-lock.json", Path(__file__).name}
            for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
            if homes.search(line)
        ),
        "take the path as a setting or from tmp_path",
    )


def test_locks_name_no_registry() -> None:
    """A lock pins what is installed by its hash and leaves to each site where it comes from."""
    address = re.compile(
        r"https?://|file:|^\s*(-i|-f|--index|--extra-index|--find-links|--trusted-host)", re.MULTILINE
    )
    locks = sorted((ROOT / "requirements").glob("*.txt"))
    assert {p.name for p in locks} >= {"run.txt", "dev.txt", "node.txt"}
    none((name(p) for p in locks if address.search(p.read_text("utf-8"))), "run `make lock`")
    none(
        (
            f"{name(p)}: {line}"
            for p in locks
            for line in p.read_text("utf-8").replace("\\\n", "").splitlines()
            if "--hash=sha256:" not in line
        ),
        "run `make lock`, every line has its hashes",
    )


def test_npm_locks_hold_on_every_machine() -> None:
    """An npm lock names no registry, has a hash for each package and knows every platform's variant."""

    def wrong() -> Iterator[str]:
        for path in files():
            if path.name != "package-lock.json":
                continue
            packages: dict[str, dict[str, Any]] = json.loads(path.read_text("utf-8"))["packages"]
            present = {key.rpartition("node_modules/")[2] for key in packages}
            for key, entry in packages.items():
                if "://" in str(entry.get("resolved", "")):
                    yield f"{name(path)}: {key} is pinned to a registry's address"
                if key and "integrity" not in entry and "link" not in entry:
                    yield f"{name(path)}: {key} has no integrity hash"
                for variant in entry.get("optionalDependencies", {}):
                    if variant not in present:
                        yield f"{name(path)}: {key} wants {variant}, which `npm ci` misses"

    none(
        wrong(),
        "lock again with `npm config set omit-lockfile-registry-resolved true` and from a registry that has all",
    )


def test_plug_ins_are_whole() -> None:
    """Each plug-in defines what its kind promises; its examples are its tests and its documentation."""

    def defined(tree: ast.Module) -> set[str]:
        names = set()
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                names.add(node.name)
            elif isinstance(node, ast.Assign):
                names |= {t.id for t in node.targets if isinstance(t, ast.Name)}
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                names.add(node.target.id)
            elif isinstance(node, ast.ImportFrom):
                names |= {a.asname or a.name for a in node.names}
        return names

    def wrong() -> Iterator[str]:
        for folder, wanted in PLUGINS.items():
            for path, tree in python(folder):
                inside = path.relative_to(ROOT / folder).parts
                if path.name == "__init__.py" and len(inside) == 1:
                    continue  # the registry
                if len(inside) > 1 and path.name != "__init__.py":
                    continue  # a part of a plug-in that is a package
                missing = [w for w in wanted if w not in defined(tree)]
                if missing:
                    yield f"{name(path)} lacks {', '.join(missing)}"

    none(
        wrong(),
        "define it at the module's top level; helpers that several plug-ins share live outside their folder",
    )


def test_dependencies_are_the_imports() -> None:
    """What the code imports is named in pyproject.toml, not had by luck through something else."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    named = {re.split(r"[^\w.-]", d)[0].lower() for d in project["dependencies"]}
    providers = packages_distributions()
    imported: dict[str, str] = {}
    for path, tree in python(*PACKAGES):
        if path.name == "pytest_plugin.py":
            continue  # loaded by pytest alone
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                modules = (
                    [node.module or ""] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
                )
                for provider in (p for m in modules for p in providers.get(m.split(".")[0], ())):
                    imported.setdefault(provider.lower(), f"{name(path)}:{node.lineno}")
    imported.pop(project["name"], None)
    none(
        (
            f"{where}: {dist}"
            for dist, where in sorted(imported.items())
            if dist.replace("_", "-") not in named
        ),
        "name the distribution in pyproject.toml, then `make lock`",
    )
