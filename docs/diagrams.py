"""Draws the tables of the code into the pages of docs/, so that a page and the code cannot say different things.

`python -m docs.diagrams` rewrites what stands between `<!-- drawn: NAME -->` and `<!-- end -->`; a test fails when a
page is not what the tables say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from gateway.auth.grants import ROLES_FOR
from gateway.core.acts import PERMITS
from gateway.core.alarm import TABLE, Refusal
from gateway.core.command import MOVES, OFFERS, Offer
from gateway.core.incident import HANDLING
from gateway.roles import SIGN_IN_ROLES

DOCS: Final = Path(__file__).parent
PAGES: Final = ("architecture.md", "operations.md", "security.md")
_BLOCK: Final = re.compile(r"(<!-- drawn: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def alarm_diagram() -> str:
    """The alarm table as mermaid: every move that changes a state."""
    moves: dict[tuple[str, str], list[str]] = {}
    for state, row in TABLE.items():
        for what, after in row.items():
            if not isinstance(after, Refusal) and after is not state:
                moves.setdefault((str(state), str(after)), []).append(str(what))
    return _mermaid("NORM", moves)


def alarm_refusals() -> str:
    """What the alarm table refuses, as rows."""
    rows = [
        (str(state), str(what), str(after))
        for state, row in TABLE.items()
        for what, after in row.items()
        if isinstance(after, Refusal)
    ]
    return _table(("state", "move", "answer"), rows)


def handling_diagram() -> str:
    """The handling table as mermaid. Closing is in no row: it is allowed from every state, under conditions."""
    moves: dict[tuple[str, str], list[str]] = {}
    for state, row in HANDLING.items():
        for act, after in row.items():
            moves.setdefault((state, after), []).append(act)
        if state != "closed":
            moves.setdefault((state, "closed"), []).append("close")
    return _mermaid("open", moves)


def act_roles() -> str:
    """Which roles may do which acts on incidents and alarms, as rows; roles with the same acts share one."""
    acts: dict[str, list[str]] = {}
    for verb, roles in PERMITS.items():
        for role in roles:
            acts.setdefault(role, []).append(str(verb))
    alike: dict[tuple[str, ...], list[str]] = {}
    for role, verbs in acts.items():
        alike.setdefault(tuple(verbs), []).append(role)
    rows = [(", ".join(roles), ", ".join(verbs)) for verbs, roles in alike.items()]
    return _table(("roles", "acts"), rows)


def sign_in_roles() -> str:
    """What the sign-in roles may do beside acts, as rows."""
    rows = [
        (str(action), *("yes" if role in roles else "" for role in SIGN_IN_ROLES))
        for action, roles in ROLES_FOR.items()
    ]
    return _table(("action", *SIGN_IN_ROLES), rows)


def offers() -> str:
    """Which devices may be told what, as rows; kinds that are told the same share one."""
    rows: dict[tuple[str, str], list[str]] = {}
    for (kind, name), offer in OFFERS.items():
        rows.setdefault((name, _conditions(offer)), []).append(kind)
    table = [(f"`{name}`", ", ".join(kinds), conditions) for (name, conditions), kinds in rows.items()]
    return _table(("command", "kinds of devices", "how"), table)


def _conditions(offer: Offer) -> str:
    said = ["by itself in a fire, or one press" if offer.automatic else f"{offer.press} press"]
    said[0] += "es" if said[0] == "two press" else ""
    if offer.hazard is not None:
        said.append(f"only while a {offer.hazard} is open there")
    if offer.within is not None:
        said.append(f"only in a {offer.within}")
    if offer.electric:
        said.append("never where gas may be")
    if offer.families:
        said.append(f"only over {', '.join(offer.families)}, where the device answers on its own line")
    if offer.patience_ms:
        said.append(f"somebody has {offer.patience_ms // 60_000} minutes to press its key")
    elif not offer.families:
        said.append(
            "the device says that it was done" if offer.confirms else "no device says that it was done"
        )
    return "; ".join(said)


def command_diagram() -> str:
    """The table of commands as mermaid: every move that changes a state."""
    moves: dict[tuple[str, str], list[str]] = {}
    for state, row in MOVES.items():
        for what, after in row.items():
            if after is not state:
                moves.setdefault((str(state), str(after)), []).append(str(what))
    return _mermaid("requested", moves)


DRAWN: Final[Mapping[str, Callable[[], str]]] = {
    "alarm_diagram": alarm_diagram,
    "alarm_refusals": alarm_refusals,
    "handling_diagram": handling_diagram,
    "act_roles": act_roles,
    "sign_in_roles": sign_in_roles,
    "offers": offers,
    "command_diagram": command_diagram,
}


def drawn(page: str) -> str:
    """The page with every block drawn anew. Raises KeyError for a block nobody draws."""
    return _BLOCK.sub(lambda found: found[1] + DRAWN[found[2]]() + "\n" + found[3], page)


def pages() -> Iterator[tuple[Path, str, str]]:
    """Each page with what it says and what it should say."""
    for name in PAGES:
        path = DOCS / name
        said = path.read_text("utf-8")
        yield path, said, drawn(said)


def _mermaid(first: str, moves: Mapping[tuple[str, str], list[str]]) -> str:
    lines = [f"    {before} --> {after}: {', '.join(how)}" for (before, after), how in moves.items()]
    return "\n".join(("```mermaid", "stateDiagram-v2", f"    [*] --> {first}", *lines, "```"))


def _table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ("---",) * len(head), *rows))


if __name__ == "__main__":
    for where, _, wanted in pages():
        where.write_text(wanted, "utf-8")
