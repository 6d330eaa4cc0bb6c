"""A documented example of a rule kind: what it is asked, what happens, what it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from devices.reading import Value


class Example(msgspec.Struct, frozen=True):
    """Run as a test and printed in the reference pages.

    `when` is the question as a rule file writes it. `steps` are `(seconds, "device/metric/channel", value)`; with ""
    for a point only time passes. `expect` lists `(seconds, subject, "alarm"|"normal")` for every change of verdict.
    `places` gives the place path of each device, `period_s` how often devices report, where the kind asks for it.
    """

    title: str
    when: Mapping[str, Any]
    steps: Sequence[tuple[float, str, Value]]
    expect: Sequence[tuple[float, str, str]]
    places: Mapping[str, Sequence[tuple[str, str]]] = {}
    period_s: float | None = None
