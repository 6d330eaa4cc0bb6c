"""What became of a command, in the one form in which every family tells it: the value of `command_result`."""

from __future__ import annotations

from devices.vocabulary import short


def result(identity: str | int, failed: str | None = None, state: str = "") -> str:
    """`<id> ok <state>`, or `<id> failed <why>` where `failed` is given; at most 255 printable characters.

    `identity` is our id of the command, a platform's own, or the number that stands for ours (`codec.number_of`).
    """
    name = f"#{identity}" if isinstance(identity, int) else identity
    return short(f"{name} ok {state}" if failed is None else f"{name} failed {failed}").strip()
