"""Every codec's worked examples are true."""

from __future__ import annotations

from typing import cast

import pytest

from devices.codec import Codec, Example, Message
from devices.decode import CODECS, DEPTH_MAX, PAYLOAD_MAX, Decoder, too_deep
from devices.topics import matches, valid_filter
from tests.devices.reading_rows import NOW, SOURCE, code, rows, said

ALL = [(name, example) for name, codec in CODECS.available() for example in codec.EXAMPLES]


@pytest.mark.parametrize(("name", "example"), ALL, ids=[f"{n}: {e.title}" for n, e in ALL])
def test_an_example_means_what_it_says(name: str, example: Example) -> None:
    """The codec gives exactly the readings an example lists, and its reason for setting a message aside."""
    got = said(
        cast("Codec", CODECS[name]),
        example.topic,
        example.payload,
        example.context,
        retained=example.retained,
    )
    assert sorted(rows(got), key=repr) == sorted((tuple(r) for r in example.readings), key=repr)
    assert code(got) == example.quarantine


@pytest.mark.parametrize(("name", "example"), ALL, ids=[f"{n}: {e.title}" for n, e in ALL])
def test_the_door_finds_the_same_codec(name: str, example: Example) -> None:
    """A message reaches by its topic alone the codec that wrote the example, and means the same there."""
    message = Message(SOURCE, example.topic, example.payload, example.retained, NOW)
    answered, got = Decoder({(name, SOURCE): example.context}).answer(message)
    if example.quarantine == "unknown-topic":
        assert code(got) == "unknown-topic"
        return
    assert answered == name
    assert sorted(rows(got), key=repr) == sorted((tuple(r) for r in example.readings), key=repr)


@pytest.mark.parametrize("name", list(CODECS))
def test_a_codec_is_documented_by_enough_examples(name: str) -> None:
    """Every codec says which topics it reads, and shows at least twenty messages within the limits of the door."""
    codec = cast("Codec", CODECS[name])
    assert codec.TOPICS
    assert all(valid_filter(t.filter) for t in codec.TOPICS)
    assert len(codec.EXAMPLES) >= 20
    assert len({e.title for e in codec.EXAMPLES}) == len(codec.EXAMPLES)
    for example in codec.EXAMPLES:
        claimed = any(matches(t.filter, example.topic) for t in codec.TOPICS)
        assert claimed or example.quarantine == "unknown-topic"
        assert len(example.payload) <= PAYLOAD_MAX
        assert not too_deep(example.payload), DEPTH_MAX
