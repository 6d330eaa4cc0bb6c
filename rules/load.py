"""Parsed rule files in, rules with their cases out: what is wrong is said with its place, all of it at once."""

from __future__ import annotations

import functools
import re
import typing
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import msgspec

from rules.check import check_case, check_rule, weaker
from rules.kinds import kinds
from rules.packs import paths
from rules.problem import Path, Problem, nearest, unknown
from rules.rule import Case, Pack, Rule

S = TypeVar("S", bound=msgspec.Struct)

TAG: Final = "kind"
"""The key that says which kind of question `when` asks."""


class Loaded(msgspec.Struct, frozen=True):
    """What one rule file says: `rules` and `cases` that are free of problems, and the shipped rules it disables."""

    rules: tuple[Rule, ...] = ()
    cases: tuple[Case, ...] = ()
    disable: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()


class _SiteFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a site's own file may hold besides a pack: ids of shipped rules it does not want."""

    rules: Sequence[Rule] = ()
    cases: Sequence[Case] = ()
    disable: Sequence[str] = ()


def load(
    data: object, *, shipped: Mapping[str, Rule] | None = None, taken: Mapping[str, str] | None = None
) -> Loaded:
    """Understand one parsed YAML document.

    Without `shipped` it is a pack. With `shipped` (rules by id, see `shipped()`) it is a site's file: it may add rules,
    replace a shipped rule by one with its id, and `disable` shipped ones, but never so that a device's own fire, gas,
    CO, call-point or SOS alarm becomes less. `taken` are ids of other files of the site with the file's name.
    """
    problems: list[Problem] = []
    if data is None and shipped is not None:
        return Loaded()  # an empty file
    if not isinstance(data, Mapping):
        return Loaded(problems=(Problem((), "not a rule file", "a mapping with the key rules"),))
    own = _keys(data, Pack if shipped is None else _SiteFile, (), problems)
    rules: dict[str, Rule] = {}
    for i, item in enumerate(_list(own.get("rules", ()), ("rules",), problems)):
        found = _rule(item)
        if isinstance(found, Rule):
            rule, wrong = found, check_rule(found)
            if rule.id in rules:
                wrong.append(Problem(("id",), f"{rule.id} is defined twice in this file", "an id of its own"))
            if (other := (taken or {}).get(rule.id)) is not None:
                wrong.append(Problem(("id",), f"{rule.id} is already defined in {other}", "an id of its own"))
            if (before := (shipped or {}).get(rule.id)) is not None:
                wrong += weaker(before, rule)
            if not wrong:
                rules[rule.id] = rule
        else:
            wrong = found
        problems += (p.under("rules", i) for p in wrong)
    known = {**(shipped or {}), **rules}
    # A case of a rule that is here but wrong is not wrong itself.
    defined = {str(item.get("id")) for item in _dicts(own.get("rules"))}
    cases: list[Case] = []
    for i, item in enumerate(_list(own.get("cases", ()), ("cases",), problems)):
        wrong = []
        case = _build(Case, item, (), wrong)
        if case is not None:
            if case.rule in known:
                wrong += check_case(case, known[case.rule])
            elif case.rule not in defined:
                wrong.append(unknown(("rule",), "rule", case.rule, known))
            if not wrong and case.rule in known:
                cases.append(case)
        problems += (p.under("cases", i) for p in wrong)
    disable = _disable(own.get("disable", ()), shipped or {}, problems)
    return Loaded(tuple(rules.values()), tuple(cases), disable, tuple(problems))


@functools.lru_cache(maxsize=1)
def shipped() -> Loaded:
    """All packs that come with the house, in one; their ids are distinct and they have no problems."""
    rules: list[Rule] = []
    cases: list[Case] = []
    problems: list[Problem] = []
    for path in paths():
        pack = load(msgspec.yaml.decode(path.read_bytes()))
        known = {rule.id for rule in rules}
        problems += (Problem((path.name,), f"{r.id} is in two packs") for r in pack.rules if r.id in known)
        problems += (p.under(path.name) for p in pack.problems)
        rules += pack.rules
        cases += pack.cases
    return Loaded(tuple(rules), tuple(cases), (), tuple(problems))


def merge(base: Iterable[Rule], sites: Iterable[Loaded]) -> tuple[Rule, ...]:
    """The rules that apply: `base`, replaced and disabled as the site's (problem-free) files say, and their own."""
    rules = {rule.id: rule for rule in base}
    for site in sites:
        for name in site.disable:
            rules.pop(name, None)
        rules.update((rule.id, rule) for rule in site.rules)
    return tuple(rules.values())


def thaw(rules: Iterable[Rule]) -> tuple[Rule, ...]:
    """Rules decoded from a stored plan, whose `when` is still plain data, with their kinds back in place.

    Raises msgspec.ValidationError for a kind or field this version does not know.
    """
    return tuple(
        msgspec.structs.replace(rule, when=_kind_of(rule.when)) if isinstance(rule.when, Mapping) else rule
        for rule in rules
    )


def _kind_of(when: Mapping[str, Any]) -> Any:
    if (kind := kinds().get(str(when.get(TAG)))) is None:
        raise msgspec.ValidationError(f"unknown rule kind {when.get(TAG)!r}")
    return msgspec.convert(when, kind)


def _rule(item: object) -> Rule | list[Problem]:
    """One rule, or everything that is wrong with its shape."""
    problems: list[Problem] = []
    rule = _build(Rule, item, (), problems)
    when = item.get("when") if isinstance(item, Mapping) else None
    if when is None:
        return problems
    if not isinstance(when, Mapping):
        problems.append(Problem(("when",), "not a question", f"a mapping with the key {TAG}"))
        return problems
    path = ("when", TAG)
    if TAG not in when:
        problems.append(
            Problem(path, "says no kind", f"one of {', '.join(kinds())}", nearest(TAG, map(str, when)))
        )
        return problems
    if (kind := kinds().get(str(when[TAG]))) is None:
        problems.append(unknown(path, "kind", when[TAG], kinds()))
        return problems
    built = _build(kind, {key: value for key, value in when.items() if key != TAG}, ("when",), problems)
    if rule is None or built is None or problems:
        return problems
    return msgspec.structs.replace(rule, when=built)


def _build(struct: type[S], data: object, path: Path, problems: list[Problem]) -> S | None:
    """`data` as `struct`, field by field so that every error is found, not only the first. None if there was one."""
    if not isinstance(data, Mapping):
        problems.append(Problem(path, "not a mapping", f"keys like {', '.join(_names(struct))}"))
        return None
    before = len(problems)
    given = _keys(data, struct, path, problems)
    values: dict[str, Any] = {}
    for field in _fields(struct):
        at = (*path, field.encode_name)
        if field.encode_name not in given:
            if field.required:
                problems.append(Problem(at, f"{field.encode_name} is missing"))
        else:
            values[field.name] = _convert(given[field.encode_name], field.type, at, problems)
    return struct(**values) if len(problems) == before else None


def _convert(value: object, type_: Any, path: Path, problems: list[Problem]) -> Any:
    inner = typing.get_args(type_)[:1]
    if isinstance(type_, type) and issubclass(type_, msgspec.Struct):
        return _build(type_, value, path, problems)
    if inner and isinstance(inner[0], type) and issubclass(inner[0], msgspec.Struct):
        return [
            _build(inner[0], item, (*path, i), problems)
            for i, item in enumerate(_list(value, path, problems))
        ]
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        problems.append(_said(str(error), path, type_))
        return None


def _said(error: str, path: Path, type_: Any) -> Problem:
    """msgspec's words (`Expected `int`, got `str` - at `$[2]``) as a problem with its full path."""
    message, _, where = error.partition(" - at `")
    inside = [int(i) if i else key for i, key in re.findall(r"\[(\d+)\]|\.(\w+)", where)]
    at = (*path, *inside)
    if (enum := re.fullmatch(r"Invalid enum value '?(.*?)'?", message)) is not None:
        words = [str(getattr(word, "value", word)) for word in _words(type_)]
        return unknown(at, "word", enum[1], words)
    expected, _, got = message.removeprefix("Expected ").partition(", got ")
    return Problem(at, f"is {got.strip('`')}", expected.replace("`", "")) if got else Problem(at, message)


def _words(type_: Any) -> Iterable[Any]:
    """The words of an enum, a Literal, or a union that holds one."""
    if isinstance(type_, type):
        return list(getattr(type_, "__members__", {}).values())
    return [
        word for arg in typing.get_args(type_) for word in ([arg] if isinstance(arg, str) else _words(arg))
    ]


def _keys(
    data: Mapping[Any, Any], struct: type[msgspec.Struct], path: Path, problems: list[Problem]
) -> dict[str, Any]:
    """The entries of `data` that `struct` has; the others are problems."""
    names = _names(struct)
    problems += (unknown((*path, str(key)), "key", key, names) for key in data if key not in names)
    return {key: value for key, value in data.items() if key in names}


@functools.cache  # the few structs of rule files; working them out anew costs 0.3 ms each time
def _fields(struct: type[msgspec.Struct]) -> tuple[msgspec.structs.FieldInfo, ...]:
    return msgspec.structs.fields(struct)


def _names(struct: type[msgspec.Struct]) -> list[str]:
    return [field.encode_name for field in _fields(struct)]


def _list(value: object, path: Path, problems: list[Problem]) -> Sequence[Any]:
    if isinstance(value, list | tuple):
        return value
    problems.append(Problem(path, f"is {type(value).__name__}", "a list"))
    return ()


def _dicts(value: object) -> list[Mapping[Any, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _disable(value: object, known: Mapping[str, Rule], problems: list[Problem]) -> tuple[str, ...]:
    names: list[str] = []
    for i, name in enumerate(_list(value, ("disable",), problems)):
        path = ("disable", i)
        if (rule := known.get(str(name))) is None:
            problems.append(unknown(path, "rule", name, known))
        elif rule.device_alarm:
            text = f"{rule.id} hands on a device's own {rule.hazard} alarm: no site may turn it off"
            problems.append(Problem(path, text, "take a faulty device out of service instead"))
        else:
            names.append(rule.id)
    return tuple(names)
