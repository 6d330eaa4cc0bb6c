"""The parts that compiled templates are made of: functions of the payload's text and its JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from devices.codecs.ha_discovery.calls import FILTERS, TESTS, Undefined, joined, number_of

ABSENT: Final = object()
"""What `value_json` is when the payload is no JSON."""

Node = Callable[[str, Any], Any]
"""A compiled expression: the payload's text and its JSON in, a value out; raises Undefined for what is absent."""


class NotUnderstood(Exception):
    """A template beyond what is understood."""


class Constant:
    """A literal: the same whatever the message."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, v: str, j: Any) -> Any:
        return self.value


class Missing:
    """The no of `x is defined`: false, and it must not decide for a constant."""

    def __bool__(self) -> bool:
        return False


MISSING: Final = Missing()


def chosen(answer: Any, node: Node, v: str, j: Any) -> Any:
    """What the else branch says; a constant in place of what is absent says nothing."""
    if answer is MISSING and isinstance(node, Constant):
        raise Undefined
    return node(v, j)


def together(nodes: list[Node]) -> Node:
    return lambda v, j: joined([n(v, j) for n in nodes])


def json_of(v: str, j: Any) -> Any:
    if j is ABSENT:
        raise Undefined
    return j


def any_of(parts: list[Node], v: str, j: Any) -> Any:
    result: Any = False
    for part in parts:
        result = part(v, j)
        if result:
            return result
    return result


def all_of(parts: list[Node], v: str, j: Any) -> Any:
    result: Any = True
    for part in parts:
        result = part(v, j)
        if not result:
            return result
    return result


def hashable(value: Any) -> Any:
    if isinstance(value, list | dict):
        raise Undefined
    return value


def inner(node: Node, key: Node) -> Node:
    def get(v: str, j: Any) -> Any:
        holder, wanted = node(v, j), key(v, j)
        if isinstance(holder, Mapping) and not isinstance(wanted, list | dict) and wanted in holder:
            return holder[wanted]
        if isinstance(holder, list | str) and type(wanted) is int and -len(holder) <= wanted < len(holder):
            return holder[wanted]
        raise Undefined

    return get


def compared(sign: str, left: Node, right: Node) -> Node:
    def compare(v: str, j: Any) -> Any:
        a, b = left(v, j), right(v, j)
        if sign in {"==", "!="}:
            return (a == b) == (sign == "==")
        if sign in {"in", "not in"}:
            if not isinstance(b, list | dict | str) or (isinstance(b, str) and not isinstance(a, str)):
                raise Undefined
            a = hashable(a) if isinstance(b, dict) else a
            if isinstance(b, dict) and sign == "in" and a not in b:
                return MISSING
            return (a in b) == (sign == "in")
        texts = isinstance(a, str) and isinstance(b, str)
        a, b = (a, b) if texts else (number_of(a), number_of(b))
        return {"<": a < b, "<=": a <= b, ">": a > b, ">=": a >= b}[sign]

    return compare


def reckoned(sign: str, left: Node, right: Node) -> Node:
    def reckon(v: str, j: Any) -> Any:
        a, b = left(v, j), right(v, j)
        if sign == "+" and isinstance(a, str) and isinstance(b, str):
            return joined([a, b])
        a, b = number_of(a), number_of(b)
        if sign in {"/", "//", "%"} and b == 0:
            return None
        if sign == "+":
            return a + b
        if sign == "-":
            return a - b
        if sign == "*":
            return a * b
        return a / b if sign == "/" else a // b if sign == "//" else a % b

    return reckon


def applied(function: Callable[..., Any], arguments: list[Node]) -> Node:
    def apply(v: str, j: Any) -> Any:
        try:
            return function(*[n(v, j) for n in arguments])
        except (TypeError, ValueError, LookupError, OverflowError) as error:
            raise Undefined from error

    return apply


def called(name: str, arguments: list[Node]) -> Node:
    if name in {"default", "d"}:
        return _defaulted(arguments)
    if name not in FILTERS:
        raise NotUnderstood
    return applied(FILTERS[name], arguments)


def _defaulted(arguments: list[Node]) -> Node:
    """`default` gives way to other data of the message; a constant in place of what is absent says nothing."""
    first, *others = arguments

    def get(v: str, j: Any) -> Any:
        try:
            return first(v, j)
        except Undefined:
            if not others or j is ABSENT:
                raise
            other = others[0]
            try:
                other("", {})  # a constant does not mind that nothing is there
            except Undefined:
                return other(v, j)
            raise

    return get


def tested(name: str, node: Node, denied: bool) -> Node:
    if name in {"defined", "undefined"}:
        wanted = (name == "defined") != denied

        def present(v: str, j: Any) -> Any:
            try:
                node(v, j)
            except Undefined:
                return MISSING if wanted else True
            return wanted

        return present
    if name not in TESTS:
        raise NotUnderstood
    test = TESTS[name]
    return lambda v, j: bool(test(node(v, j))) != denied
