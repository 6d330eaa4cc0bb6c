"""The page behind a link: small, without scripts, everything escaped, only the buttons that make sense."""

from __future__ import annotations

import re
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import linkpage, links, render
from gateway.core.effect import IncidentDoc
from gateway.linkpage import HEADERS, PAGE_BYTES_MAX, Answer, Asked, State, asked, page
from tests.gateway.telling import CATALOGUE, GRIDS, NASTY, OPENED, doc, docs
from tests.parts import require

LINK = links.Link("81234.0", "grid", "20261121-0007", OPENED + links.LIFE_MS)
NOW = OPENED + 125_000
ADVICE = "带灭火器到场。"


def shape(d: IncidentDoc) -> dict[str, Any]:
    return render.incident_1(d, CATALOGUE, {"grid": "张三"}, grids=GRIDS)


def shown(language: str = "zh-CN", state: State | None = None, advice: str = ADVICE, **changes: Any) -> str:
    return page(shape(doc(**changes)), LINK, language, state or State(NOW), "csrf-value", advice=advice)


class Forms(HTMLParser):
    """Collects tags, the fields of each form, and the text between tags."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.forms: list[dict[str, list[str]]] = []
        self.text = ""
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        given = {k: v or "" for k, v in attrs}
        self.attributes += list(given.items())
        if tag == "form":
            assert given["method"] == "post"
            self.forms.append({})
        elif "name" in given and self.forms and tag != "meta":
            self.forms[-1].setdefault(given["name"], []).append(given.get("value", ""))

    def handle_data(self, data: str) -> None:
        self.text += data + "\n"

    def acts(self) -> list[str]:
        return [f["act"][0] for f in self.forms]


def test_an_open_incident() -> None:
    """What, where, since when and what to do come first; then: I take it, cannot come, on scene, report."""
    read = Forms(shown(next_at=NOW + 30_000, next_step="micro_station_lead,grid_staff"))
    for said in ("火警 待核实", "3号楼 1单元 5层 502 厨房", "阳光花园 · 第二网格", "03:12:07", "2 分钟前", ADVICE,
                 "还没有人接警", "03:14:42 将呼叫：微型消防站站长、网格员", "接警，我来", "来不了", "已到场",
                 "核实属实", "核实误报",
                 "本系统不代拨119、110、120"):  # fmt: skip
        assert said in read.text
    assert read.acts() == ["take", "decline", "on_scene", "verdict"]
    assert all(
        f["csrf"] == ["csrf-value"] and f["version"] == ["4"] and f["once"] == [str(NOW)] for f in read.forms
    )
    assert read.forms[3]["verdict"] == ["real", "false"]


def test_in_english() -> None:
    """The same page in the person's language."""
    read = Forms(shown("en-GB", advice="Go with an extinguisher."))
    for said in (
        "Fire alarm, unverified",
        "2 min ago",
        "I take it",
        "Cannot come",
        "I am on scene",
        "Nobody took it yet",
    ):
        assert said in read.text


@pytest.mark.parametrize(
    ("changes", "mine", "acts", "said"),
    [
        ({"handling": "taken", "taken_by": "grid", "taken_role": "grid_staff"}, True,
         ["on_scene", "decline", "verdict"],
         "您已接警"),
        ({"handling": "taken", "taken_by": "grid", "taken_role": "grid_staff"}, False, ["on_scene", "verdict"],
         "张三（网格员） 已接警"),
        ({"handling": "taken", "taken_by": "home", "taken_role": "household"}, False, ["on_scene", "verdict"],
         "住户 已接警"),
        ({"handling": "dispatched", "taken_by": "grid", "taken_role": "grid_staff"}, False,
         ["on_scene", "verdict"], "张三"),
        ({"handling": "on_scene", "taken_by": "grid", "taken_role": "grid_staff"}, True, ["verdict"], "您已到场"),
        ({"handling": "on_scene", "taken_by": "grid", "taken_role": "grid_staff"}, False, ["verdict"],
         "张三（网格员） 已到场"),
        ({"handling": "under_control", "taken_by": "grid", "taken_role": "grid_staff"}, True, ["verdict"], "已控制"),
        ({"handling": "reopened"}, False, ["take", "decline", "on_scene", "verdict"], "重新处置"),
        ({"handling": "closed", "verdict": "false"}, False, [], "不需要再做什么"),
    ],
)  # fmt: skip
def test_only_what_makes_sense_now(changes: dict[str, Any], mine: bool, acts: list[str], said: str) -> None:
    """Each stage offers its own acts and says who has it."""
    read = Forms(shown(state=State(NOW, mine=mine), **changes))
    assert read.acts() == acts
    assert said in read.text


def test_a_household_reports_but_gives_no_verdict() -> None:
    """People in the flat may say what they see; real or false is for staff."""
    read = Forms(shown(state=State(NOW, may_verdict=False)))
    assert read.acts() == ["take", "decline", "on_scene", "note"]
    assert "核实" not in read.text.replace("待核实", "")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Answer("take", True), "已接警，请尽快到场。"),
        (Answer("decline", True), "正在通知其他人"),
        (Answer("false", True), "已记录：核实误报。"),
        (Answer("on_scene", True, durable=False), "尚未写入硬盘，请同时电话告知值班室"),
        (Answer("take", False, "taken_by_other"), "没有记录：已由他人接警"),
        (Answer("real", False, "changed"), "又有新的报警"),
        (Answer("take", False, "engine_gone"), "请重试，并电话告知值班室"),
        (Answer("take", False, "brand_new"), "未被接受（brand_new）"),
    ],
)
def test_answers_are_said(answer: Answer, said: str) -> None:
    """After a press the page says what came of it: done, not durable, refused and why, or no answer."""
    assert said in Forms(shown(state=State(NOW, answer=answer))).text


@pytest.mark.parametrize(("status", "said"), [("expired", "链接已过期"), ("invalid", "链接无效")])
def test_dead_links_show_nothing(status: Any, said: str) -> None:
    """An expired or broken link says so, and nothing of any incident."""
    for incident in (None, shape(doc())):
        source = page(incident, None, "zh-CN", State(NOW, status=status), "")
        assert said in source
        assert "3号楼" not in source
        assert "<form" not in source


def test_modes_are_marked() -> None:
    """Whoever opens a simulated incident sees that at once."""
    assert "【模拟】火警" in shown(mode="simulated")
    assert '<header class="sim">' in shown(mode="drill")


@settings(max_examples=300)
@given(
    docs(), NASTY, NASTY, st.sampled_from(["zh-CN", "en", "fr"]), st.booleans(), st.integers(-(2**40), 2**45)
)
def test_everything_is_escaped_and_small(
    d: IncidentDoc, advice: str, csrf: str, language: str, mine: bool, now: int
) -> None:
    """Whatever names, words and times come in, the page is under 30 KB and has no foreign tag, attribute or script."""
    source = page(shape(d), LINK, language, State(now, mine=mine), csrf, advice=advice)
    assert len(source.encode()) <= PAGE_BYTES_MAX
    read = Forms(source)
    assert set(read.tags) <= {
        "html", "head", "meta", "title", "style", "body", "header", "main", "footer", "div", "h1", "h2", "p", "b", "br",
        "a", "form", "input", "button", "label", "textarea", "select", "option", "details", "summary",
    }  # fmt: skip
    assert not [k for k, _ in read.attributes if k.startswith("on")]
    assert {v for k, v in read.attributes if k in ("href", "src", "action", "formaction")} <= {""}
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", source)


def test_headers() -> None:
    """The address of the page is the key to it, so it leaks to nobody, and only our own style runs."""
    policy = HEADERS["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script" not in policy
    assert "frame-ancestors 'none'" in policy
    assert (HEADERS["Referrer-Policy"], HEADERS["Cache-Control"]) == ("no-referrer", "no-store")


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"act": "take", "once": "12", "csrf": "c", "version": "4"}, Asked("take", "c", "12", 4)),
        ({"act": "take", "once": "12", "csrf": "c", "version": "-4"}, Asked("take", "c", "12", None)),
        ({"act": "verdict", "once": "1", "verdict": "real", "cause": "steam", "note": " ok "},
         Asked("verdict", "", "1", None, "real", "", "ok")),
        ({"act": "verdict", "once": "1", "verdict": "false", "cause": "steam"},
         Asked("verdict", "", "1", None, "false", "steam")),
        ({"act": "verdict", "once": "1", "verdict": "false", "cause": "<b>"},
         Asked("verdict", "", "1", None, "false", "other")),
        ({"act": "note", "once": "1", "note": "x" * 999}, Asked("note", "", "1", note="x" * 200)),
        ({"act": "note", "once": "1", "note": "  "}, None),
        ({"act": "verdict", "once": "1"}, None),
        ({"act": "verdict", "once": "1", "verdict": "drill"}, None),
        ({"act": "reset", "once": "1"}, None),
        ({"act": "take"}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_forms_are_read_strictly(fields: dict[str, str], wanted: Asked | None) -> None:
    """Only the acts of the page, with bounded text and known causes, come through."""
    assert asked(fields) == wanted


@given(
    st.dictionaries(
        st.sampled_from(["act", "once", "csrf", "version", "verdict", "cause", "note"]), st.text()
    )
)
def test_any_form_is_read(fields: dict[str, str]) -> None:
    """No posted form raises; what comes through is bounded."""
    read = asked(fields)
    assert read is None or (len(read.note) <= linkpage.NOTE_MAX and len(read.csrf) <= 64)


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_a_real_browser_shows_it_without_scripts(language: str, tmp_path: Path) -> None:
    """Chromium at a phone's size renders the page to a picture and finds nothing its policy forbids."""
    source = tmp_path / "page.html"
    source.write_text(shown(language), "utf-8")
    done = subprocess.run(
        [require("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--window-size=390,844",
         "--enable-logging=stderr",
         f"--user-data-dir={tmp_path / 'profile'}", f"--screenshot={tmp_path / 'page.png'}", source.as_uri()],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert (tmp_path / "page.png").stat().st_size > 20_000
    assert "Content Security Policy" not in done.stderr
