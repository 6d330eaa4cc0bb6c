"""What the pages say of the code is still so: tables, tests, files and commands they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from docs import diagrams
from gateway.core.compiled import BUILT_IN

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "docs" / "adr").glob("*.md")])
NAMES = [page.relative_to(ROOT).as_posix() for page in PAGES]


def fenced(text: str) -> list[str]:
    """The commands of a page, in order."""
    return re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def test_tables_are_drawn_from_the_code() -> None:
    """The pages show the state machines and rights that the code has; after a change run `python -m docs.diagrams`."""
    stale = [path.name for path, said, wanted in diagrams.pages() if said != wanted]
    assert stale == []


def test_every_table_is_shown() -> None:
    """Nothing is drawn that no page shows."""
    shown = {name for _, said, _ in diagrams.pages() for name in re.findall(r"<!-- drawn: (\w+) -->", said)}
    assert shown == set(diagrams.DRAWN)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link and picture within the project is there."""

    def gone() -> Iterator[str]:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            if not re.match(r"[a-z]+:|#", target) and not (page.parent / target.split("#")[0]).exists():
                yield target

    assert list(gone()) == []


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_named_files_and_tests_exist(page: Path) -> None:
    """A file of the tree, or a test, that a page names is there under that name."""

    def gone() -> Iterator[str]:
        said = re.findall(
            r"`((?:devices|rules|gateway|tests|deploy|dashboards|bench)/[\w./]*\w\.\w+)(?:::(\w+))?`",
            page.read_text("utf-8"),
        )
        for name, test in said:
            path = ROOT / name
            if not (path.exists() or path.with_suffix("").is_dir()):  # a module may be a package
                yield name
            elif test and f"def {test}(" not in path.read_text("utf-8"):
                yield f"{name}::{test}"

    assert list(gone()) == []


def test_both_readmes_say_the_same() -> None:
    """The Chinese page has the same commands, the same tests and as many sections as the English one."""
    english, chinese = ((ROOT / name).read_text("utf-8") for name in ("README.md", "README.zh-CN.md"))
    assert fenced(english) == fenced(chinese)
    assert re.findall(r"`(tests/[^`]+)`", english) == re.findall(r"`(tests/[^`]+)`", chinese)
    assert re.findall(r"^(#+) ", english, re.MULTILINE) == re.findall(r"^(#+) ", chinese, re.MULTILINE)


def test_every_alarm_of_the_gateway_itself_is_explained() -> None:
    """Whoever is woken by a system alarm finds what it means and what to do."""
    pack = msgspec.yaml.decode((ROOT / "rules" / "packs" / "gateway.yaml").read_bytes())
    wanted = {*(rule["id"] for rule in pack["rules"]), *BUILT_IN}
    page = (ROOT / "docs" / "operations.md").read_text("utf-8")
    assert sorted(name for name in wanted if f"`{name}`" not in page) == []
