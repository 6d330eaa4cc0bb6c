"""The expressions inside templates: a recursive descent with Jinja's precedence, into functions."""

from __future__ import annotations

import re
from typing import Any, Final

from devices.codecs.ha_discovery.calls import METHODS, number_of
from devices.codecs.ha_discovery.nodes import (
    Constant,
    Node,
    NotUnderstood,
    all_of,
    any_of,
    applied,
    called,
    chosen,
    compared,
    hashable,
    inner,
    json_of,
    reckoned,
    tested,
    together,
)

DEPTH_MAX: Final = 24
"""How deep an expression may nest."""

_TOKENS_MAX: Final = 400

_TOKEN: Final = re.compile(
    r"\s*(?:(\d+\.\d+|\d+)|('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")|([A-Za-z_]\w*)"
    r"|(==|!=|<=|>=|//|[-+*/%~<>()\[\]{}.,|:]))",
    re.DOTALL,
)
_ESCAPE: Final = re.compile(r"\\(.)", re.DOTALL)
_CONSTANTS: Final = {"true": True, "false": False, "none": None, "True": True, "False": False, "None": None}
_WORDS: Final = frozenset(("and", "or", "not", "in", "is", "if", "else"))


def expression(text: str) -> Node:
    parser = _Parser(text)
    node = parser.condition(0)
    if parser.at != len(parser.tokens):
        raise NotUnderstood
    return node


class _Parser:
    """A recursive descent over one expression, with Jinja's precedence."""

    def __init__(self, text: str) -> None:
        self.tokens: list[tuple[str, Any]] = []
        at, text = 0, text.strip()
        while at < len(text):
            match = _TOKEN.match(text, at)
            if match is None or len(self.tokens) > _TOKENS_MAX:
                raise NotUnderstood
            number, string, name, sign = match.groups()
            if number is not None:
                self.tokens.append(("value", float(number) if "." in number else int(number[:18])))
            elif string is not None:
                self.tokens.append(("value", _ESCAPE.sub(r"\1", string[1:-1])))
            else:
                self.tokens.append(("name", name) if name is not None else ("sign", sign))
            at = match.end()
        self.at = 0

    def taken(self, *words: str) -> str | None:
        """The next token if it is one of these signs or words, taken."""
        if self.at < len(self.tokens):
            kind, text = self.tokens[self.at]
            if kind != "value" and text in words:
                self.at += 1
                return str(text)
        return None

    def need(self, sign: str) -> None:
        """Take this sign or give up."""
        if self.taken(sign) is None:
            raise NotUnderstood

    def name(self) -> str:
        """Take a name or give up."""
        if self.at < len(self.tokens) and self.tokens[self.at][0] == "name":
            self.at += 1
            return str(self.tokens[self.at - 1][1])
        raise NotUnderstood

    def condition(self, depth: int) -> Node:
        """`x if y else z`, the loosest of all."""
        if depth > DEPTH_MAX:
            raise NotUnderstood
        node = self.disjunction(depth)
        while self.taken("if"):
            node = self._ternary(node, depth)
        return node

    def _ternary(self, then: Node, depth: int) -> Node:
        test = self.disjunction(depth)
        otherwise: Node = self.condition(depth + 1) if self.taken("else") else Constant("")

        def choose(v: str, j: Any) -> Any:
            answer = test(v, j)
            return then(v, j) if answer else chosen(answer, otherwise, v, j)

        return choose

    def disjunction(self, depth: int) -> Node:
        """`or`, of `and`, of `not`, of comparisons."""
        parts = [self._conjunction(depth)]
        while self.taken("or"):
            parts.append(self._conjunction(depth))
        return parts[0] if len(parts) == 1 else lambda v, j: any_of(parts, v, j)

    def _conjunction(self, depth: int) -> Node:
        parts = [self._negation(depth)]
        while self.taken("and"):
            parts.append(self._negation(depth))
        return parts[0] if len(parts) == 1 else lambda v, j: all_of(parts, v, j)

    def _negation(self, depth: int) -> Node:
        if self.taken("not"):
            if depth > DEPTH_MAX:
                raise NotUnderstood
            denied = self._negation(depth + 1)
            return lambda v, j: not denied(v, j)
        return self._comparison(depth)

    def _comparison(self, depth: int) -> Node:
        left = self._sum(depth)
        while sign := self.taken("==", "!=", "<", "<=", ">", ">=", "in", "not"):
            if sign == "not":
                self.need("in")
                sign = "not in"
            left = compared(sign, left, self._sum(depth))
        return left

    def _sum(self, depth: int) -> Node:
        left = self._concatenation(depth)
        while sign := self.taken("+", "-"):
            left = reckoned(sign, left, self._concatenation(depth))
        return left

    def _concatenation(self, depth: int) -> Node:
        parts = [self._product(depth)]
        while self.taken("~"):
            parts.append(self._product(depth))
        return parts[0] if len(parts) == 1 else together(parts)

    def _product(self, depth: int) -> Node:
        left = self._unary(depth)
        while sign := self.taken("*", "/", "//", "%"):
            left = reckoned(sign, left, self._unary(depth))
        return left

    def _unary(self, depth: int, filtered: bool = True) -> Node:
        if depth > DEPTH_MAX:
            raise NotUnderstood
        if self.taken("-"):
            negative = self._unary(depth + 1, False)
            node: Node = lambda v, j: -number_of(negative(v, j))  # noqa: E731 - named for its type
        else:
            node = self._trailed(self._primary(depth), depth)
        return self._filtered(node, depth) if filtered else node

    def _primary(self, depth: int) -> Node:
        if self.taken("("):
            node = self.condition(depth + 1)
            self.need(")")
            return node
        if self.taken("["):
            items = self._list("]", depth)
            return lambda v, j: [n(v, j) for n in items]
        if self.taken("{"):
            return self._mapping(depth)
        if self.at >= len(self.tokens):
            raise NotUnderstood
        kind, text = self.tokens[self.at]
        self.at += 1
        if kind == "value":
            return Constant(text)
        if kind == "sign" or text in _WORDS:
            raise NotUnderstood
        if text in _CONSTANTS:
            return Constant(_CONSTANTS[text])
        if text == "value":
            return lambda v, j: v
        if text == "value_json":
            return json_of
        if text == "iif" and self.taken("("):
            return called("iif", self._list(")", depth))
        raise NotUnderstood

    def _mapping(self, depth: int) -> Node:
        """A literal such as `{'0': 'OFF', '1': 'ON'}`."""
        pairs: list[tuple[Node, Node]] = []
        while not self.taken("}"):
            key = self.condition(depth + 1)
            self.need(":")
            pairs.append((key, self.condition(depth + 1)))
            if not self.taken(","):
                self.need("}")
                break
        return lambda v, j: {hashable(k(v, j)): n(v, j) for k, n in pairs}

    def _list(self, end: str, depth: int) -> list[Node]:
        items: list[Node] = []
        while not self.taken(end):
            items.append(self.condition(depth + 1))
            if not self.taken(","):
                self.need(end)
                break
        return items

    def _trailed(self, node: Node, depth: int) -> Node:
        """`.x`, `[0]`, and the methods of texts and objects."""
        while True:
            if self.taken("."):
                if self.at < len(self.tokens) and isinstance(self.tokens[self.at][1], int):
                    name: Any = self.tokens[self.at][1]  # value_json.0 is an item of a list
                    self.at += 1
                else:
                    name = self.name()
                if self.taken("("):
                    if name not in METHODS:
                        raise NotUnderstood
                    node = applied(METHODS[name], [node, *self._list(")", depth)])
                else:
                    node = inner(node, Constant(name))
            elif self.taken("["):
                node = inner(node, self.condition(depth + 1))
                self.need("]")
            else:
                return node

    def _filtered(self, node: Node, depth: int) -> Node:
        """`| float`, `is defined`."""
        while True:
            if self.taken("|"):
                name = self.name()
                arguments = self._list(")", depth) if self.taken("(") else []
                node = called(name, [node, *arguments])
            elif self.taken("is"):
                denied = self.taken("not") is not None
                node = tested(self.name(), node, denied)
            else:
                return node
