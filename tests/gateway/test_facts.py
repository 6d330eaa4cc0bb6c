"""What machines are told beside incidents: every such event has its published shape."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema_rs

from gateway import facts1
from gateway.core.effect import Publish
from gateway.inprocess import Gateway
from tests.core.community import estate

SCHEMA = Path(__file__).parent.parent.parent / "docs" / "reference" / "events-1.schema.json"
MINUTE = 60


def facts(home: Gateway) -> list[tuple[str, dict[str, Any]]]:
    """Type and data of every event that is no incident's; each is as published."""
    found = [(e.topic, dict(e.data)) for e in home.released if isinstance(e, Publish) and e.doc is None]
    valid = jsonschema_rs.Draft202012Validator(facts1.schema())
    for topic, data in found:
        assert topic in facts1.FACTS
        valid.validate({topic: data})
    return found


def test_the_published_schema_is_the_code() -> None:
    """docs/reference holds what the code says; CSG_WRITE_REFERENCE=1 writes it."""
    wanted = json.dumps(facts1.schema(), ensure_ascii=False, indent=2) + "\n"
    if os.environ.get("CSG_WRITE_REFERENCE") == "1":
        SCHEMA.write_text(wanted, "utf-8")
    assert SCHEMA.read_text("utf-8") == wanted, "run this test with CSG_WRITE_REFERENCE=1 and commit the file"


def test_a_lost_device_and_its_return_are_as_published() -> None:
    """Partners hear of both, in the published shape."""
    home = Gateway(estate(gas=True))
    home.advance(4 * MINUTE)
    home.measure("gas", "gas_lel", 1.0)
    assert {"device.lost", "device.returned"} <= {topic for topic, _ in facts(home)}


def test_what_guards_nothing_any_more_is_as_published() -> None:
    """The other fact of the core has its published shape."""
    home = Gateway(estate())
    home.measure("upstairs", "fault", True)
    assert [topic for topic, _ in facts(home)] == ["coverage.changed"]
