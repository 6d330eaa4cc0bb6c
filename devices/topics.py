"""MQTT topic names and topic filters: what matches what, as MQTT 5 section 4.7 says."""

from __future__ import annotations


def matches(topic_filter: str, topic: str) -> bool:
    """Whether a valid filter matches a topic name.

    `+` stands for one level, `#` for the parent and all below it; neither matches a first level that begins with `$`
    (MQTT 5, 4.7.2).
    """
    wanted, given = topic_filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in {"+", "#"}:
        return False
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index >= len(given) or level not in ("+", given[index]):
            return False
    return len(given) == len(wanted)


def valid_filter(topic_filter: str) -> bool:
    """Whether a text is a topic filter a broker must accept: wildcards stand alone in their level, `#` only last."""
    levels = topic_filter.split("/")
    return 0 < len(topic_filter.encode("utf-8", "replace")) <= 65_535 and all(
        level in {"+", "#"} or not ({"+", "#", "\0"} & set(level)) for level in levels
    ) and "#" not in levels[:-1]  # fmt: skip


def specificity(topic_filter: str) -> tuple[int, int]:
    """A sort key: of two filters that match one topic, the one that names more levels comes out greater."""
    levels = topic_filter.split("/")
    return sum(level not in {"+", "#"} for level in levels), -levels.count("#")
