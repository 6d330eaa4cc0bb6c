"""Every way to get `csg.yaml` wrong that we know of, and exactly what is said about it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config import Report, check_text
from gateway.config.plugins import CHANNELS, STORES, codecs, plugins
from gateway.roles import ROLES
from gateway.shape import one_of

ENVIRON = {"HALL_PASSWORD": "correct horse"}


def table() -> Iterator[tuple[str, bytes, list[str]]]:
    """`wrong_configs.txt`: a title after ###, the file's text, and what is said after >>>, line by line."""
    blocks = (Path(__file__).parent / "wrong_configs.txt").read_text("utf-8").split("### ")[1:]
    for block in blocks:
        title, _, rest = block.partition("\n")
        lines = rest.rstrip("\n").splitlines()
        text = [line for line in lines if not line.startswith(">>> ")]
        said = [line.removeprefix(">>> ") for line in lines if line.startswith(">>> ")]
        yield title, "".join(f"{line}\n" for line in text).encode(), said
    yield "a tab", b"web:\n\tport: 1\n", ["csg.yaml:2:1: the file: expected spaces before a key, found a tab"]
    yield (
        "no UTF-8",
        b"data: \xff\n",
        ["csg.yaml:1:7: the file: expected text in UTF-8, found the byte 0xff"],
    )
    yield (
        "brackets without end",
        b"routes: " + b"[" * 100_000,
        [f"csg.yaml:1:32: routes{'[0]' * 23}: expected at most 24 levels, found more"],
    )
    yield (
        "a file that is something else",
        b"# " + b"x" * 2_000_000,
        ["csg.yaml:1:1: the file: expected at most 1048576 bytes, found 2000002 bytes"],
    )


WRONG = list(table())
TITLES = [title for title, _, _ in WRONG]


def check(text: bytes, folder: Path) -> Report:
    (folder / "cert.pem").touch()
    return check_text("csg.yaml", text, folder, ENVIRON)


@pytest.mark.parametrize(("text", "said"), [row[1:] for row in WRONG], ids=TITLES)
def test_what_is_wrong_is_said_with_its_place_and_the_nearest_right_word(
    text: bytes, said: list[str], tmp_path: Path
) -> None:
    """A wrong file gives no settings, and every error names file, line, column, key, expectation and find."""
    report = check(text, tmp_path)
    # What grows with every plug-in is filled in.
    for mark, words in {
        "{channels}": one_of(plugins(CHANNELS)),
        "{stores}": one_of(plugins(STORES)),
        "{codecs}": one_of(codecs()),
        "{roles}": one_of(ROLES),
        "{base}": str(tmp_path),
    }.items():
        said = [line.replace(mark, words) for line in said]
    assert [str(p) for p in report.errors] == said
    assert report.settings is None
    assert report.rules is None
    assert not report.ok


@pytest.mark.parametrize("text", [text for _, text, _ in WRONG], ids=TITLES)
def test_no_report_repeats_a_secret(text: bytes, tmp_path: Path) -> None:
    """What is wrong with a secret is said without the secret."""
    said = check(text, tmp_path).text()
    for secret in ("hunter2", "12345", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "correct horse"):
        assert secret not in said


def test_the_table_is_whole() -> None:
    """At least forty different mistakes are pinned, each with what is said."""
    assert len(set(TITLES)) == len(WRONG) >= 40
    assert all(said for _, _, said in WRONG)
