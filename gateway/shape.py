"""Compares plain data with a msgspec type and names every fault, not only the first.

msgspec itself stops at the first wrong value. People correct a file in one go when they see all of them, with what was
expected, what was found and the nearest valid word.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final

import msgspec
from msgspec import inspect

Path = tuple[str | int, ...]

_FOUND_MAX: Final = (
    60  # characters of a wrong value repeated in a message: enough to find it, too few to flood a log
)
_WORDS_MAX: Final = 12  # valid words listed in a message before "...": one line of a terminal


class Fault(msgspec.Struct, frozen=True, order=True):
    """One thing wrong at `path` (keys and indices from the top). `nearest` is the closest valid word, or None.

    `key` says that the key itself is wrong (unknown, doubled), not its value.
    """

    path: tuple[Any, ...]
    expected: str
    found: str
    nearest: str | None = None
    key: bool = False


def faults(data: Any, wanted: Any) -> list[Fault]:
    """Every fault of `data` (what YAML, JSON or a table gave) against the type `wanted`, in the order of the data.

    Empty means `msgspec.convert(data, wanted)` succeeds. Never raises for any plain data.
    """
    try:
        msgspec.convert(data, wanted)
    except (
        msgspec.ValidationError,
        UnicodeEncodeError,
    ) as error:  # half a character in a key is no text of msgspec's
        told = list(_walk(data, _info(wanted), ()))
        if told:
            return told
        message, _, where = str(error).partition(
            " - at `$"
        )  # only the type itself knew, in its __post_init__
        return [Fault(_path(where.rstrip("`")), message[:1].lower() + message[1:], "something else")]
    return []


def nearest(word: object, valid: Iterable[object]) -> str | None:
    """The valid word most like `word`, or None when nothing is near."""
    words = [str(v) for v in valid]
    close = difflib.get_close_matches(str(word), words, n=1, cutoff=0.6)
    if not close:
        folded = {w.casefold().replace("-", "_"): w for w in reversed(words)}
        close = [
            folded[w]
            for w in difflib.get_close_matches(
                str(word).casefold().replace("-", "_"), list(folded), n=1, cutoff=0.6
            )
        ]
    return close[0] if close else None


def one_of(words: Iterable[object]) -> str:
    """`one of a, b, c` with an end."""
    listed = [str(w) for w in words]
    if len(listed) == 1:
        return listed[0]
    more = ", ..." if len(listed) > _WORDS_MAX else ""
    return f"one of {', '.join(listed[:_WORDS_MAX])}{more}"


def found(value: Any) -> str:
    """How a wrong value is repeated: short, on one line, with its kind visible."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return f"a mapping ({', '.join(str(k) for k in list(value)[:3])})" if value else "an empty mapping"
    if isinstance(value, (list, tuple)):
        return f"a list of {len(value)}"
    if isinstance(value, str) and type(value) is not str:
        return repr(value)  # a text that must not be shown shows itself as it wants
    if isinstance(value, str):
        text = msgspec.json.encode(value[:200].encode("utf-8", "backslashreplace").decode()).decode()
    else:
        text = str(value)
    return text if len(text) <= _FOUND_MAX else text[: _FOUND_MAX - 3] + "..."


def written(path: Sequence[str | int]) -> str:
    """`sources[0].broker` for `("sources", 0, "broker")`; the top is `the file`."""
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the file"


@lru_cache(maxsize=256)
def _info(wanted: Any) -> inspect.Type:
    return inspect.type_info(wanted)


def _walk(data: Any, info: inspect.Type, path: Path) -> Iterator[Fault]:
    described: str | None = None
    while isinstance(info, inspect.Metadata):
        described = (info.extra_json_schema or {}).get("description", described)
        info = info.type
    if isinstance(info, inspect.StructType):
        yield from _struct(data, info, path)
    elif isinstance(info, inspect.UnionType):
        yield from _union(data, info, path, described)
    elif isinstance(info, inspect.DictType):
        yield from _mapping(data, info, path, described)
    elif isinstance(info, (inspect.VarTupleType, inspect.ListType)):
        yield from _sequence(data, info, path, described)
    elif not _fits(data, info):
        yield Fault(path, described or _expected(info), found(data), _nearest_value(data, info))


def _struct(data: Any, info: inspect.StructType, path: Path) -> Iterator[Fault]:
    fields = {f.encode_name: f for f in info.fields}
    known = [*([info.tag_field] if info.tag_field else []), *fields]
    if not isinstance(data, Mapping):
        yield Fault(path, f"a mapping with {one_of(known).removeprefix('one of ')}", found(data))
        return
    for key, value in data.items():
        if key == info.tag_field:
            if value != info.tag:
                yield Fault((*path, key), str(info.tag), found(value), str(info.tag))
        elif key in fields:
            yield from _walk(value, fields[key].type, (*path, key))
        elif info.forbid_unknown_fields:
            yield Fault(
                (*path, key), one_of(known), f"the unknown key {found(key)}", nearest(key, known), key=True
            )
    for name, field in fields.items():
        if field.required and name not in data:
            likely = nearest(name, [k for k in data if k not in known])
            yield Fault(path, f"the key {name} ({describe(field.type)})", "no such key", likely)


def _union(data: Any, info: inspect.UnionType, path: Path, described: str | None) -> Iterator[Fault]:
    tagged = {t.tag: t for t in info.types if isinstance(t, inspect.StructType) and t.tag is not None}
    if data is None and any(isinstance(t, inspect.NoneType) for t in info.types):
        return
    if tagged and isinstance(data, Mapping):
        field = next(iter(tagged.values())).tag_field
        if field not in data:
            yield Fault(path, f"the key {field} ({one_of(tagged)})", "no such key")
        elif data[field] in tagged:
            yield from _struct(data, tagged[data[field]], path)
        else:
            yield Fault(
                (*path, field or ""), one_of(tagged), found(data[field]), nearest(data[field], tagged)
            )
        return
    # The branch of the same make (a list for a list) tells most; without one, all that would have been right.
    best: list[Fault] | None = None
    for branch in info.types:
        wrong = list(_walk(data, branch, path))
        if not wrong:
            return
        if any(f.path != path for f in wrong) and (best is None or len(wrong) < len(best)):
            best = wrong
    if best is not None:
        yield from best
        return
    wanted = [t for t in info.types if not isinstance(t, inspect.NoneType)]
    near = next((n for t in wanted if (n := _nearest_value(data, t)) is not None), None)
    yield Fault(path, described or " or ".join(describe(t) for t in wanted), found(data), near)


def _mapping(data: Any, info: inspect.DictType, path: Path, described: str | None) -> Iterator[Fault]:
    if not isinstance(data, Mapping):
        yield Fault(path, described or "a mapping", found(data))
        return
    for key, value in data.items():
        for fault in _walk(key, info.key_type, (*path, key)):
            yield msgspec.structs.replace(fault, key=True)
        yield from _walk(value, info.value_type, (*path, key))


def _sequence(
    data: Any, info: inspect.VarTupleType | inspect.ListType, path: Path, described: str | None
) -> Iterator[Fault]:
    if not isinstance(data, (list, tuple)):
        yield Fault(path, described or describe(info), found(data))
        return
    least, most = info.min_length or 0, info.max_length
    if len(data) < least or (most is not None and len(data) > most):
        yield Fault(path, described or describe(info), found(data))
    for index, item in enumerate(data):
        yield from _walk(item, info.item_type, (*path, index))


def _fits(data: Any, info: inspect.Type) -> bool:
    """Whether a leaf is right, by the same strict rules as `msgspec.convert`."""
    match info:
        case inspect.AnyType() | inspect.RawType():
            return True
        case inspect.NoneType():
            return data is None
        case inspect.BoolType():
            return isinstance(data, bool)
        case inspect.StrType():
            return isinstance(data, str) and _converts(data, info)
        case inspect.IntType():
            return isinstance(data, int) and not isinstance(data, bool) and _converts(data, info)
        case inspect.FloatType():
            return isinstance(data, (int, float)) and not isinstance(data, bool) and _converts(data, info)
        case inspect.EnumType():
            return not isinstance(data, bool) and any(data == member.value for member in info.cls)
        case inspect.LiteralType():
            return any(data == v and type(data) is type(v) for v in info.values)
        case inspect.TupleType():
            return (
                isinstance(data, (list, tuple))
                and len(data) == len(info.item_types)
                and all(not list(_walk(d, t, ())) for d, t in zip(data, info.item_types, strict=True))
            )
        case _:
            return True  # left to msgspec.convert, which `faults` calls at the end


def _converts(data: Any, info: inspect.StrType | inspect.IntType | inspect.FloatType) -> bool:
    """Bounds, length and pattern of a text or number."""
    if isinstance(info, inspect.StrType):
        limits: dict[str, Any] = {
            "min_length": info.min_length,
            "max_length": info.max_length,
            "pattern": info.pattern,
        }
        kind: type = str
    else:
        limits = {n: getattr(info, n) for n in ("gt", "ge", "lt", "le", "multiple_of")}
        kind = int if isinstance(info, inspect.IntType) else float
    try:
        msgspec.convert(data, _limited(kind, tuple(limits.items())))
    except msgspec.ValidationError:
        return False
    return True


@lru_cache(maxsize=256)
def _limited(kind: type, limits: tuple[tuple[str, Any], ...]) -> Any:
    return Annotated[kind, msgspec.Meta(**{k: v for k, v in limits if v is not None})]


def describe(info: inspect.Type) -> str:
    """A type in words: what a person should write there."""
    if isinstance(info, inspect.Metadata):
        return (info.extra_json_schema or {}).get("description") or describe(info.type)
    if isinstance(info, inspect.UnionType):
        return " or ".join(describe(t) for t in info.types if not isinstance(t, inspect.NoneType))
    if isinstance(info, (inspect.VarTupleType, inspect.ListType)):
        least = f" of at least {info.min_length}" if info.min_length else ""
        return f"a list{least}, each {describe(info.item_type)}"
    if isinstance(info, inspect.StructType):
        return "a mapping"
    if isinstance(info, inspect.DictType):
        return "a mapping"
    return _expected(info)


def _expected(info: inspect.Type) -> str:
    match info:
        case inspect.BoolType():
            return "true or false"
        case inspect.StrType():
            return "a text" + _between(info.min_length, info.max_length, " of ", " characters")
        case inspect.IntType() | inspect.FloatType():
            name = "a whole number" if isinstance(info, inspect.IntType) else "a number"
            above = f" above {info.gt}" if info.gt is not None else ""
            return name + above + _between(info.ge, info.le, " from ", "")
        case inspect.EnumType():
            return one_of(member.value for member in info.cls)
        case inspect.LiteralType():
            return one_of(info.values)
        case inspect.TupleType():
            return f"a list of {len(info.item_types)} ({', '.join(describe(t) for t in info.item_types)})"
        case inspect.NoneType():
            return "nothing"
        case _:
            return "a value"


def _between(least: float | None, most: float | None, before: str, after: str) -> str:
    if least is not None and most is not None:
        return f"{before}{least} to {most}{after}"
    if least is not None:
        return f"{before}{least} or more{after}"
    return f"{before}at most {most}{after}" if most is not None else ""


_YAML_1_1: Final = {"yes": "true", "on": "true", "y": "true", "no": "false", "off": "false", "n": "false"}


def _nearest_value(data: Any, info: inspect.Type) -> str | None:
    while isinstance(info, inspect.Metadata):
        info = info.type
    match info:
        case inspect.EnumType():
            return nearest(data, [member.value for member in info.cls])
        case inspect.LiteralType():
            return nearest(data, info.values)
        case inspect.BoolType():
            return _YAML_1_1.get(str(data).casefold())
        case inspect.IntType() | inspect.FloatType() if isinstance(data, str):
            try:
                number = int(data)
            except ValueError:  # also more digits than Python converts
                return None
            return str(number) if _fits(number, info) else None
        case _:
            return None


def _path(dotted: str) -> Path:
    """msgspec's `.a[0].b` as a path; `[...]`, which stands for any key, ends it."""
    path: list[str | int] = []
    for part in dotted.replace("[", ".[").split("."):
        if part.startswith("["):
            if not part.strip("[]").isdigit():
                break
            path.append(int(part.strip("[]")))
        elif part:
            path.append(part)
    return tuple(path)
