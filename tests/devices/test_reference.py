"""The published reference is what the code says, and its examples are what they claim to be."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from devices.codec import Example
from devices.codecs import native
from devices.reference import NATIVE_EXAMPLES, main, native_schemas, pages
from tests.devices.reading_rows import said

FOLDER = Path(__file__).parents[2] / "docs" / "reference"
jsonschema = pytest.importorskip("jsonschema")


@pytest.mark.parametrize("name", sorted(pages()))
def test_the_committed_page_is_the_generated_one(name: str) -> None:
    """Whoever changes a codec, a metric or the contract publishes it: `python -m devices.reference docs/reference`."""
    assert (FOLDER / name).read_text("utf-8") == pages()[name]


def test_no_page_is_left_of_what_is_gone() -> None:
    """The folders this reference owns hold nothing else."""
    owned = {
        p.relative_to(FOLDER).as_posix()
        for d in ("codecs", "native")
        for p in (FOLDER / d).rglob("*")
        if p.is_file()
    }
    assert owned <= set(pages())


def test_the_reference_can_be_written_anywhere(tmp_path: Path) -> None:
    """The command writes every page below the folder it is given."""
    main(str(tmp_path))
    assert {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()} == set(pages())


@pytest.mark.parametrize("name", sorted(NATIVE_EXAMPLES))
def test_schemas_tell_good_from_bad(name: str) -> None:
    """Each schema is one, accepts its good example and refuses its bad one."""
    schema = native_schemas()[name]
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    good, bad = NATIVE_EXAMPLES[name]
    assert validator.is_valid(good)
    assert not validator.is_valid(bad)


@pytest.mark.parametrize("name", ["telemetry", "event", "status"])
def test_the_codec_agrees_with_the_schema(name: str) -> None:
    """The codec understands the good example whole and sets the bad one aside."""
    good, bad = (said(native, f"community/a/b/{name}", json.dumps(e)) for e in NATIVE_EXAMPLES[name])
    assert good.quarantine is None
    assert good.readings
    assert bad.quarantine


@pytest.mark.parametrize(
    "example", [e for e in native.EXAMPLES if e.quarantine is None], ids=lambda e: e.title
)
def test_examples_follow_the_schemas(example: Example) -> None:
    """Every example that is understood whole follows its published schema."""
    kind = example.topic.split("/")[-1]
    try:
        body = json.loads(example.payload)
    except ValueError:
        body = example.payload.decode()
    if "kept and flagged invalid" not in example.title:
        jsonschema.Draft202012Validator(native_schemas()[kind]).validate(body)
