"""Devices that speak no dialect the house knows: an operator's profile says by their topic what they mean.

- The topics are those of the profiles (`match: {topic: "factory/+/smoke"}`); without such a profile this codec reads
  nothing. `docs/profiles.md` tells how one is written and tried.
- A device is named by what the profile's `device` points at, else by the levels its topic filter leaves open, else by
  the whole topic.
- Of several profiles for a topic the most specific filter comes first, then `starts`, `size` and `where` decide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from devices.codec import Decoded, Message, Topic
from devices.codecs.profiled.examples import EXAMPLES as EXAMPLES
from devices.inner import Origin, inner_by, parsed
from devices.profile import Profiles, profiles_of
from devices.profile_match import fits

TOPICS: Sequence[Topic] = (Topic("#"),)

PROFILED: Final = True
"""Wants the profiles in its context."""


def claims(profiles: Profiles) -> Sequence[Topic]:
    """The topics that are really read, once the profiles are known."""
    return tuple(Topic(f) for f in dict.fromkeys(p.match.topic for p in profiles.with_topic))


def decode(context: Mapping[str, Any], message: Message) -> Decoded:
    """Readings of one message, by the first profile of its topic that the payload fits."""
    listed = profiles_of(context).of_topic(message.topic)
    if not listed:
        return Decoded(quarantine="unknown-topic: no profile names it")
    payload = message.payload
    for profile in listed:
        looked = parsed(payload) if any(isinstance(w.at, str) for w in profile.match.where) else payload
        if fits(profile.match, looked):
            origin = Origin(
                context, message, "profiled", profile.name, native(profile.match.topic, message.topic)
            )
            found = inner_by(origin, profile, payload, None)
            return Decoded(found.readings, found.problem)
    return Decoded(quarantine="no-profile: none of its topic's profiles fits the payload")


def native(topic_filter: str, topic: str) -> str:
    """The device's name in a topic: the levels that stand for `+` and `#`; without any the whole topic."""
    names, levels = topic_filter.split("/"), topic.split("/")
    free: list[str] = []
    for index, name in enumerate(names):
        if name == "#":
            free += levels[index:]
        elif name == "+":
            free.append(levels[index])
    return "/".join(free)[:255] or topic[:255]
