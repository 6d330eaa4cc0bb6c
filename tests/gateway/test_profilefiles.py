"""A site's profile files: what `csg check` says of them, which profiles apply, and how one is tried."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from devices.profile import Case, Clock, Field, Inside, Match, Profile, Records, Where
from gateway.cli import app
from gateway.config import check_text
from gateway.config.profilefiles import site_profiles

GOOD = """
profiles:
  - name: hall
    match: {topic: factory/+/smoke}
    fields:
      - at: /st
        values: {0: {smoke: false}, 1: {smoke: true}, 2: {test: true}}
    cases:
      - name: smoke
        json: {st: 1}
        readings: {smoke: true}
"""


def problems(folder: Path, *texts: str) -> list[str]:
    """What is said of these files, with their names alone."""
    paths = []
    for n, text in enumerate(texts):
        paths.append(folder / f"p{n}.yaml")
        paths[-1].write_text(text, "utf-8")
    return [str(p).replace(f"{folder}/", "") for p in site_profiles(paths)[1]]


def test_a_sites_profiles_stand_before_the_shipped_ones(tmp_path: Path) -> None:
    """A right file has no problems; its profiles come first, and one with a shipped name replaces that one."""
    path = tmp_path / "p.yaml"
    path.write_text(
        f"{GOOD}  - {{name: lian-smoke, fields: [{{at: /x, metric: smoke}}], match: {{product: 7}}}}\n"
    )
    profiles, wrong = site_profiles([path])
    assert wrong == []
    names = [p.name for p in profiles.all]
    assert sorted(names[:2]) == ["hall", "lian-smoke"]
    assert names.count("lian-smoke") == 1
    assert "huaqiang-w308" in names


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            GOOD.replace("smoke: true}, 2", "smok: true}, 2"),
            "p0.yaml:7:47: profiles[0].fields[0].values.1.smok: expected a metric of ",
        ),
        (
            GOOD.replace("json: {st: 1}", "json: {st: 2}"),
            "p0.yaml:11:19: profiles[0].cases[0].readings: expected {'test': True}, found {'smoke': True}",
        ),
        (
            GOOD.replace("fields:", "feilds:"),
            "p0.yaml:5:5: profiles[0].feilds: expected ",
        ),
        (
            GOOD.replace("at: /st", "at: st"),
            "p0.yaml:6:13: profiles[0].fields[0].at: expected a JSON pointer, which starts with /, found 'st'",
        ),
        (
            GOOD.replace("    match", "    like: lian-smok\n    match"),
            "p0.yaml:4:11: profiles[0].like: expected one of ",
        ),
        (GOOD.replace("profiles:", "profile:"), "p0.yaml:2:1: profile: expected "),
        ("- a\n", "p0.yaml:1:1: the file: expected a mapping"),
        ("profiles: {a: 1}\n", "p0.yaml:1:11: profiles: expected a list"),
        ("profiles: [\n", "p0.yaml:"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_file_line_and_the_nearest_word(tmp_path: Path, text: str, said: str) -> None:
    """Where it is, what would be right, and what was probably meant."""
    (problem,) = problems(tmp_path, text)
    assert problem.startswith(said)


def test_the_nearest_words_of_keys_and_names(tmp_path: Path) -> None:
    """A mistyped key and a mistyped profile's name are guessed."""
    assert problems(tmp_path, GOOD.replace("fields:", "feilds:"))[0].endswith("nearest: fields")
    like = GOOD.replace("    match", "    like: lian-smok\n    match")
    assert problems(tmp_path, like)[0].endswith("nearest: lian-smoke")


def test_a_name_is_given_once(tmp_path: Path) -> None:
    """Two profiles of one name, in one file or in two, are a problem of the later one."""
    (problem,) = problems(tmp_path, GOOD, GOOD)
    assert problem.startswith("p1.yaml:3:11: profiles[0].name: expected each profile's name once, found ")


def test_one_wrong_profile_costs_itself_alone(tmp_path: Path) -> None:
    """A gateway whose file was spoilt while it ran keeps all other profiles."""
    path = tmp_path / "p.yaml"
    path.write_text(GOOD + "  - {name: bad, fields: [{at: /x, metric: nothing}]}\n")
    profiles, wrong = site_profiles([path, tmp_path / "gone.yaml"])
    assert len(wrong) == 2
    assert "hall" in {p.name for p in profiles.all}
    assert "bad" not in {p.name for p in profiles.all}


def test_a_profile_may_be_like_one_of_an_earlier_file(tmp_path: Path) -> None:
    """And like a shipped one; it then says what that one says, of its own product."""
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text(GOOD)
    second.write_text(
        "profiles:\n"
        "  - {name: two, like: hall, match: {topic: f/+}}\n"
        "  - {name: three, like: siterwell-smoke, match: {codec: ctwing, product: 15045240}}\n"
    )
    profiles, wrong = site_profiles([first, second])
    assert wrong == []
    by_name = {p.name: p for p in profiles.all}
    assert by_name["two"].fields[0].at == "/st"
    assert next(c.profile.name for c in profiles.of_product("ctwing", "15045240")) == "three"


def test_csg_yaml_names_profile_files(tmp_path: Path) -> None:
    """`profiles:` is checked with the rest, paths start at the file's folder, and a wrong profile refuses the start."""
    (tmp_path / "mine.yaml").write_text(GOOD)
    text = b"profiles: [mine.yaml]\n"
    report = check_text("csg.yaml", text, tmp_path, {})
    assert report.text() == ""
    assert report.settings is not None
    assert report.settings.profiles == (str(tmp_path / "mine.yaml"),)
    (tmp_path / "mine.yaml").write_text(GOOD.replace("smoke: true", "smok: true"))
    report = check_text("csg.yaml", text, tmp_path, {})
    assert report.settings is None
    assert {(Path(p.file).name, p.line) for p in report.errors} == {("mine.yaml", 7)}
    gone = check_text("csg.yaml", b"profiles: [gone.yaml]\n", tmp_path, {})
    assert [(Path(p.file).name, p.found) for p in gone.errors] == [("gone.yaml", "No such file or directory")]


def decode(line: str, *arguments: str) -> tuple[int, str]:
    """What `csg decode` says of one line."""
    result = CliRunner().invoke(app, ["decode", *arguments], input=line)
    return result.exit_code, result.output


def test_a_profile_is_tried_with_csg_decode(tmp_path: Path) -> None:
    """`--profile` reads messages by the file; a wrong file is told instead and ends with 2."""
    path = tmp_path / "p.yaml"
    path.write_text(GOOD)
    line = json.dumps({"topic": "factory/hall/smoke", "payload": '{"st":1}'}) + "\n"
    code, said = decode(line, "--profile", str(path))
    (reading,) = json.loads(said)["readings"]
    assert (code, reading["device"], reading["metric"], reading["value"], reading["alarm"]) == (
        0, "hall", "smoke", True, True,
    )  # fmt: skip
    assert json.loads(decode(line)[1])["readings"] == []
    path.write_text(GOOD.replace("json: {st: 1}", "json: {st: 2}"))
    code, said = decode(line, "--profile", str(path))
    assert code == 2
    assert "profiles[0].cases[0].readings: expected {'test': True}, found {'smoke': True}" in said


PAGE = Path(__file__).parent.parent.parent / "docs" / "profiles.md"
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)
SHOWN = [block for block in BLOCKS if "name:" in block]


def test_the_page_shows_profiles_that_work(tmp_path: Path) -> None:
    """Every profile on the page can be used as it stands, and its cases come true."""
    assert len(SHOWN) >= 6
    assert problems(tmp_path, *SHOWN) == []


def test_the_page_names_every_key() -> None:
    """No key of a profile or a field is left unexplained."""
    page = PAGE.read_text("utf-8")
    keys = {
        name
        for kind in (Profile, Field, Match, Records, Clock, Where, Inside, Case)
        for name in (f.encode_name for f in msgspec.structs.fields(kind))
    }
    assert sorted(k for k in keys if f"`{k}" not in page and f".{k}`" not in page) == []
