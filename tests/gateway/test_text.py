"""Words: every code anybody may see has a word in every language, and nothing asked for wrongly breaks anything."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devices.catalogue import Level
from devices.reading import METRICS, Condition, Flag, Hazard
from gateway import text
from gateway.core import acts
from gateway.core.alarm import AlarmState, Refusal
from gateway.core.effect import Mode
from gateway.core.event import Outcome, Verb
from gateway.core.incident import BY_PERSON, HANDLING
from gateway.demo_community import demo_community
from gateway.linkpage import CAUSES
from gateway.roles import ROLES, SIGN_IN_ROLES
from gateway.wording import ASKING

NEEDED: dict[str, list[str]] = {
    "hazard": list(Hazard),
    "headline": list(Hazard),
    "advice": list(Hazard),
    "advice_home": list(Hazard),
    "handling": [*HANDLING, "merged"],
    "verdict": ["unverified", "confirmed_by_devices", *BY_PERSON],
    "sound": ["ringing", "muted", "silent"],
    "priority": ["1", "2", "3", "4"],
    "mode": list(Mode),
    "mark": list(Mode),
    "alarm_state": list(AlarmState),
    "condition": list(Condition),
    "metric": list(METRICS),
    "level": [*Level, "grid", "community", "street"],
    "flag": [f.name.lower() for f in Flag if f.name],
    "role": [*ROLES, *SIGN_IN_ROLES],
    "kind": sorted({d["kind"] for d in demo_community()["devices"]}),
    "act": list(Verb),
    "code": [*Refusal, "ok", "not_found", "forbidden", "closed", "taken_by_other", "changed"],
    "reason": [*ASKING, "taken", "cleared", "closed", "test"],
    "lead": [*ASKING, "taken", "cleared", "closed", "test"],
    "outcome": [*Outcome, "pending"],
    "answer": ["take", "decline", "on_scene"],
    "cause": [*CAUSES, "cleared"],
    "channel": ["recording", "webhook", "mqtt", "apprise"],
}
EMPTY = {"mark.live", "lead.called", "lead.confirmed", "lead.taken", "lead.closed"}


@pytest.mark.parametrize("group", NEEDED)
def test_every_code_has_a_word(group: str) -> None:
    """Whatever code the house can say, zh-CN and en both have a word for it."""
    assert [code for code in NEEDED[group] if not text.has(f"{group}.{code}")] == []


def test_languages_have_the_same_keys_with_the_same_parameters() -> None:
    """A key of one language is in the other, takes the same parameters, and says something."""
    zh, en = (dict(text.keys(language)) for language in text.LANGUAGES)
    assert set(zh) == set(en)
    assert [k for k in zh if text.parameters(zh[k]) != text.parameters(en[k])] == []
    assert {k for k, said in (*zh.items(), *en.items()) if not said.strip()} == EMPTY


def test_words_are_safe_for_the_web_console() -> None:
    """No text holds what vue-i18n reads as a command; files are two levels of plain strings."""
    for language in text.LANGUAGES:
        path = Path(text.__file__).parent / "locales" / f"{language}.json"
        groups = json.loads(path.read_text("utf-8"))
        assert all(isinstance(said, str) for words in groups.values() for said in words.values())
        assert [k for k, said in text.keys(language) if set("@|") & set(said)] == []


def test_acknowledge_is_never_called_confirm() -> None:
    """确认 alone is on no key: in a control room it means "verified real", elsewhere "acknowledged"."""
    assert [k for k, said in text.keys("zh-CN") if "确认" in said] == []


@pytest.mark.parametrize(
    ("key", "word"),
    [("act.take", "接警"), ("act.mute", "消音"), ("act.real", "核实属实"), ("act.false", "核实误报"),
     ("act.reset", "复位"), ("handling.open", "待接警"), ("handling.closed", "已办结"),
     ("verdict.unverified", "待核实"), ("verdict.confirmed_by_devices", "多点报警"),
     ("priority.1", "一级（紧急）"), ("condition.prealarm", "预报警"),
     ("alarm_state.RTNUN", "已恢复待查看"), ("kind.hydrant", "消火栓"), ("role.micro_station_lead", "微型消防站站长"),
     ("mark.simulated", "【模拟】"), ("mark.test", "【测试】"), ("mark.drill", "【演练】"),
     ("hazard.co", "一氧化碳超标")],
)  # fmt: skip
def test_glossary(key: str, word: str) -> None:
    """The words of the glossary, to the letter."""
    assert text.say("zh-CN", key) == word


def test_marks_come_first_in_every_language() -> None:
    """Also an English title starts with the mark the rules of the house name."""
    for mode, mark in (("simulated", "【模拟】"), ("test", "【测试】"), ("drill", "【演练】")):
        assert text.say("en", f"mark.{mode}").startswith(mark)


def test_missing_keys_fall_back_and_are_counted() -> None:
    """A key nobody has is said as it is, a language nobody speaks is the default, and both are counted."""
    before = text.missing().get("xx/act.take", 0)
    assert text.say("xx", "act.take") == "接警"
    assert text.say("en", "no.such") == "no.such"
    assert text.word("en", "metric", "vendor_thing") == "vendor_thing"
    assert text.missing()["xx/act.take"] == before + 1
    for n in range(2 * text.MISSING_MAX):
        text.word("en", "metric", f"vendor_{n}")
    assert len(text.missing()) <= text.MISSING_MAX


@given(st.text(), st.text(), st.dictionaries(st.text(min_size=1), st.text(), max_size=3))
def test_say_never_raises(language: str, key: str, params: dict[str, str]) -> None:
    """Whatever is asked for, something is said."""
    params = {k: v for k, v in params.items() if k not in ("language", "key")}
    assert isinstance(text.say(language, key, **params), str)


def test_parameters_are_not_templates() -> None:
    """Braces in a value stay braces."""
    assert text.say("en", "message.see_link", link="{place}") == "See: {place}"


@pytest.mark.parametrize(
    ("elapsed_ms", "zh", "en"),
    [(-9, "刚刚", "just now"), (4_999, "刚刚", "just now"), (12_900, "12 秒前", "12 s ago"),
     (125_000, "2 分钟前", "2 min ago"),
     (3_600_000, "1 小时前", "1 h ago"), (3 * 86_400_000, "3 天前", "3 d ago")],
)  # fmt: skip
def test_ages(elapsed_ms: int, zh: str, en: str) -> None:
    """Ages are whole and in the largest unit; the future is now."""
    assert (text.age("zh-CN", elapsed_ms), text.age("en", elapsed_ms)) == (zh, en)


def test_quantities() -> None:
    """Values carry the unit as people write it."""
    assert text.quantity("zh-CN", 61.234567, "degC") == "61.23 ℃"
    assert text.quantity("zh-CN", 3, "month") == "3 个月"
    assert text.quantity("en", True, None) == "True"


@given(st.text(max_size=200), st.integers(0, 80))
def test_shorten(said: str, length_max: int) -> None:
    """Never longer than asked, unchanged when it fits, both ends kept otherwise."""
    short = text.shorten(said, length_max)
    assert len(short) <= length_max or short == said
    if len(said) > length_max >= 3:
        assert short[0] == said[0]
        assert short[-1] == said[-1]


def test_languages_of_a_family() -> None:
    """A browser's or a person's language finds its nearest one."""
    assert [text.known_language(x) for x in ("en-GB", "zh-TW", "zh-CN", "fr", "")] == ["en", "zh-CN", "zh-CN", "zh-CN",
                                                                                     "zh-CN"]  # fmt: skip


def test_answers_of_the_core_have_words() -> None:
    """Every refusal the core can answer an act with is explained."""
    source = Path(acts.__file__).read_text("utf-8")
    codes = set(
        re.findall(r'return "([a-z0-9_]+)"', source) + re.findall(r'act\.key, False, "([a-z0-9_]+)"', source)
    )
    assert {"forbidden", "changed"} <= codes
    assert {c for c in codes if not text.has(f"code.{c}")} == set()
