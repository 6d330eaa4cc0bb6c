"""The call chains and routes that ship with the house, and how a site's own go before them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Final

import msgspec

from gateway.core.plan import Policy, Route

LAST_RESORT: Final = "p1_other"
"""The chain of what no route fits (a priority a newer rule may bring): somebody is told."""


class Shipped(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The content of `gateway/defaults/policies.yaml`."""

    policies: Mapping[str, Policy]
    routes: tuple[Route, ...]


@lru_cache(maxsize=1)
def shipped() -> Shipped:
    """As shipped."""
    return msgspec.yaml.decode(files("gateway.defaults").joinpath("policies.yaml").read_bytes(), type=Shipped)


def route(own: tuple[Route, ...], targets: tuple[str, ...]) -> Route:
    """The routing tree: the site's routes, then the shipped ones. `targets` hear of everything not routed elsewhere.

    A site's route that names no policy (it only adds a target, say) keeps the shipped chain for what it takes.
    """
    rest = shipped().routes
    return Route(policy=LAST_RESORT, targets=targets, routes=(*(_completed(r, rest) for r in own), *rest))


def _completed(own: Route, rest: tuple[Route, ...]) -> Route:
    if own.policy is not None:
        return own
    return msgspec.structs.replace(own, routes=(*(_completed(r, rest) for r in own.routes), *rest))
