"""The part of Home Assistant's templates that discovery configs use, compiled to functions; anything else is refused.

Understood: text around `{{ expression }}`, `{% if %}` with `elif` and `else`; `value`, `value_json` and what lies in it
(`.x`, `['x']`, `[0]`, `.get('x')`), literals, arithmetic, comparisons, `and`, `or`, `not`, `in`, `x if y else z`,
`iif`, tests (`is defined`, `is none`) and the filters and text methods listed below. No loops, variables, states or
times. Two things are stricter than Jinja, since absence must never read as a state: an expression that needs something
absent says nothing (Undefined), also where Jinja would take the `else` or a constant `default`; and a text that is no
number is None under `float` or `int`, whatever their default.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Final

from devices.codecs.ha_discovery.expressions import DEPTH_MAX, expression
from devices.codecs.ha_discovery.nodes import Constant, Node, NotUnderstood, chosen, together

TEMPLATE_MAX: Final = 1024
"""Characters of a template; the longest that known bridges publish has about 300."""

_PIECES: Final = re.compile(r"(\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\})", re.DOTALL)


@lru_cache(maxsize=4096)
def compiled(template: str) -> Node | None:
    """The template as a function; None if it is not understood. Literal text alone is refused: it says nothing."""
    if len(template) > TEMPLATE_MAX or "{" not in template:
        return None
    try:
        pieces = [p for p in _PIECES.split(template) if p and not p.startswith("{#")]
        nodes, rest = _block(pieces, 0, 0)
    except NotUnderstood:
        return None
    if rest != len(pieces):
        return None
    return nodes[0] if len(nodes) == 1 else together(nodes)


def _block(pieces: list[str], at: int, depth: int) -> tuple[list[Node], int]:
    """Nodes up to the end or the statement that closes this block, and where that stands."""
    nodes: list[Node] = []
    while at < len(pieces):
        piece = pieces[at]
        if piece.startswith("{{"):
            nodes.append(expression(piece[2:-2].strip("-+")))
        elif piece.startswith("{%"):
            word, condition = _statement(piece)
            if word != "if":
                return nodes, at
            if depth > DEPTH_MAX:
                raise NotUnderstood
            node, at = _if(pieces, at, condition, depth)
            nodes.append(node)
        elif piece.strip():
            nodes.append(Constant(piece.strip() if len(pieces) > 1 else piece))
        at += 1
    return nodes, at


def _statement(piece: str) -> tuple[str, str]:
    word, _, rest = piece[2:-2].strip("-+").strip().partition(" ")
    if word not in {"if", "elif", "else", "endif"}:
        raise NotUnderstood
    return word, rest


def _if(pieces: list[str], at: int, condition: str, depth: int) -> tuple[Node, int]:
    """An if statement that begins here, and where its endif stands."""
    branches: list[tuple[Node, Node]] = []
    otherwise: Node = Constant("")
    test: Node | None = expression(condition)
    while True:
        nodes, at = _block(pieces, at + 1, depth + 1)
        body = nodes[0] if len(nodes) == 1 else together(nodes)
        if test is None:
            otherwise = body
        else:
            branches.append((test, body))
        if at >= len(pieces):
            raise NotUnderstood
        word, rest = _statement(pieces[at])
        if word == "endif":
            break
        if test is None:
            raise NotUnderstood  # nothing may follow else
        test = expression(rest) if word == "elif" else None

    def choose(v: str, j: Any) -> Any:
        answer: Any = False
        for asked, said in branches:
            answer = asked(v, j)
            if answer:
                return said(v, j)
        return chosen(answer, otherwise, v, j)

    return choose, at
