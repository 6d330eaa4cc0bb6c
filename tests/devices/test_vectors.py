"""Payloads of real device models, where the collection of vectors lies beside the project."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from devices.decode import CODECS
from devices.decode_lines import decode_lines
from devices.reading import METRICS
from devices.units import convert, symbol

FOLDER = Path(__file__).parents[3] / "shared" / "vectors"
FORMATS = [name.replace("_", "-") for name in CODECS]


@cache
def records(name: str) -> list[dict[str, Any]]:
    """The records of a format, none where the collection is absent."""
    path = FOLDER / f"{name}.jsonl"
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def agrees(wanted: dict[str, Any], got: dict[str, Any]) -> bool:
    """Whether a reading says what was expected: value in our unit, class, alarm, channel and flags."""
    value, unit = wanted["value"], METRICS[wanted["metric"]].unit
    if isinstance(value, int | float) and not isinstance(value, bool):
        if unit and wanted["unit"]:
            value = convert(value, wanted["unit"], unit)
        same = type(got["value"]) in {int, float} and got["value"] == pytest.approx(value)
    else:
        same = got["value"] == value and type(got["value"]) is type(value)
    return (
        same
        and got["unit"] == symbol(unit)
        and (got["class"], got["alarm"]) == (wanted["class"], wanted["alarm"])
        and got["channel"] == wanted.get("channel")
        and (got["invalid"], got["historical"])
        == (wanted.get("invalid", False), wanted.get("historical", False))
    )


@pytest.mark.skipif(not FOLDER.exists(), reason="the vectors are not beside the project (../shared/vectors)")
@pytest.mark.parametrize("name", FORMATS)
def test_documented_payloads_mean_what_their_makers_say(name: str) -> None:
    """Every expectation is met, none raises an alarm it should not, and none that means something is set aside."""
    if not records(name):
        pytest.skip(f"no vectors of {name} in the collection")
    wrong = []
    out = [json.loads(line) for line in decode_lines(json.dumps(r) for r in records(name))]
    assert len(out) == len(records(name))
    for record, got in zip(records(name), out, strict=True):
        for wanted in record["expect"]:
            if wanted["metric"] == "face":
                continue  # whose face it is, is not kept anywhere: docs/security.md
            found = [
                r
                for r in got["readings"]
                if (r["metric"], r["channel"]) == (wanted["metric"], wanted.get("channel"))
                and r["historical"]
                == wanted.get("historical", False)  # a batch also holds what it supersedes
            ]
            if len(found) != 1 or not agrees(wanted, found[0]):
                wrong.append((record["id"], wanted, found))
        expected = {w["metric"] for w in record["expect"] if w["alarm"]}
        raised = {r["metric"] for r in got["readings"] if r["alarm"]}
        # What no codec of its server decoded says only that the device lives; it is kept aside for a person to see.
        aside = got["quarantine"] and any(w["metric"] != "heartbeat" for w in record["expect"])
        if aside or raised != expected or (not record["expect"] and got["readings"]):
            wrong.append((record["id"], raised, got["quarantine"]))
    assert not wrong
