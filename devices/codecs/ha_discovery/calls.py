"""The filters, methods and tests that templates may call, each bounded and without side effects."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from devices.vocabulary import HUGE, number_in

TEXT_MAX: Final = 4096
"""Characters of a text that a template makes."""


class Undefined(Exception):
    """Something the expression needs is absent, or is not of the kind it needs: nothing is said."""


def written(value: Any) -> str:
    """A value as Jinja writes it into text, which is how Python writes it."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | int | float):
        return str(value)
    raise Undefined


def joined(values: Sequence[Any]) -> str:
    """Texts and values side by side."""
    text = "".join(written(v) for v in values)
    if len(text) > TEXT_MAX:
        raise Undefined
    return text


def number_of(value: Any) -> float:
    """The value as a number to reckon with."""
    if (type(value) is int or type(value) is float or type(value) is bool) and -HUGE < value < HUGE:
        return value
    raise Undefined


def _float(value: Any, _default: Any = None) -> float | None:
    number = value if isinstance(value, int | float) else number_in(str(value).strip()) if value else None
    return float(number) if number is not None and -HUGE < number < HUGE else None


def _int(value: Any, _default: Any = None, base: Any = 10) -> int | None:
    if isinstance(value, str) and base in {0, 2, 8, 16}:
        return int(value[:18], base)
    number = _float(value)
    return None if number is None else int(number)


def _round(value: Any, digits: Any = 0, method: Any = "common", _default: Any = None) -> Any:
    number = _float(value)
    if number is None:
        return None
    if type(digits) is not int or not 0 <= digits <= 12:
        raise Undefined
    if method in {"floor", "ceil"}:
        power = 10**digits
        number = (math.floor if method == "floor" else math.ceil)(number * power) / power
    rounded = round(number, digits)
    return rounded if digits else int(rounded)


def _bool(value: Any, _default: Any = None) -> Any:
    if isinstance(value, bool):
        return value
    known = {"true": True, "yes": True, "on": True, "enable": True, "1": True}
    known |= {"false": False, "no": False, "off": False, "disable": False, "0": False}
    return known.get(written(value).casefold())


def _iif(value: Any, then: Any = True, otherwise: Any = False, absent: Any = False) -> Any:
    return absent if value is None else then if value else otherwise


def _same(value: Any) -> Any:
    return value


def _get(holder: Any, key: Any, default: Any = None) -> Any:
    """`.get('x')`: what is absent says nothing, whatever stands in its place."""
    if not isinstance(holder, Mapping) or isinstance(key, list | dict) or key not in holder:
        raise Undefined
    return holder[key]


def _split(text: Any, by: Any = None) -> list[str]:
    return written(text).split(None if by is None else written(by) or None)


def _replace(text: Any, old: Any, new: Any) -> str:
    old = written(old)
    return written(text).replace(old, written(new))[:TEXT_MAX] if old else written(text)


def _bits(value: Any, other: Any) -> int:
    if type(value) is not int or type(other) is not int:
        raise Undefined
    return value & other


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "float": _float,
    "int": _int,
    "round": _round,
    "bool": _bool,
    "iif": _iif,
    "is_defined": _same,
    "abs": lambda value: abs(number_of(value)),
    "string": written,
    "lower": lambda value: written(value).lower(),
    "upper": lambda value: written(value).upper(),
    "trim": lambda value: written(value).strip(),
    "replace": _replace,
    "bitwise_and": _bits,
    "length": len,
    "first": lambda value: value[0],
    "last": lambda value: value[-1],
}

METHODS: Final[Mapping[str, Callable[..., Any]]] = {
    "get": _get,
    "split": _split,
    "lower": FILTERS["lower"],
    "upper": FILTERS["upper"],
    "strip": FILTERS["trim"],
    "replace": _replace,
    "startswith": lambda text, start: written(text).startswith(written(start)),
    "endswith": lambda text, end: written(text).endswith(written(end)),
}

TESTS: Final[Mapping[str, Callable[[Any], bool]]] = {
    "none": lambda value: value is None,
    "number": lambda value: isinstance(value, int | float),
    "string": lambda value: isinstance(value, str),
    "mapping": lambda value: isinstance(value, Mapping),
    "true": lambda value: value is True,
    "false": lambda value: value is False,
}
