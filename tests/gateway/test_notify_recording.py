"""The channel that sends nothing: kept, bounded, readable by another process."""

from __future__ import annotations

import os
from pathlib import Path
from typing import cast

from gateway.notice import (
    Sent,
    open_channel,
)
from gateway.notify import recording
from tests.gateway.telling import (
    OPENED,
    house,
    told,
)


async def test_recorded_and_read_by_another_process(tmp_path: Path) -> None:
    """What was recorded is read from the file, newest first, without addresses."""
    channel = open_channel("recording", recording.Config(keep=2), house(tmp_path))
    for n in range(3):
        assert (
            await channel.send(told("secret-address", effect=f"{n}.0", mode="simulated"))
        ).result is Sent.SENT
    assert [r.effect for r in recording.recent(tmp_path)] == ["2.0", "1.0", "0.0"]
    assert [r.effect for r in recording.recent(tmp_path, 1)] == ["2.0"]
    assert [r.effect for r in cast(recording.RecordingClient, channel.client).recent(9)] == ["2.0", "1.0"]
    row = recording.recent(tmp_path, 1)[0]
    assert (row.person, row.incident, row.rev, row.at) == ("grid", "20261121-0007", 4, OPENED)
    assert row.title.startswith("【模拟】")
    assert b"secret-address" not in (tmp_path / "recorded.jsonl").read_bytes()


async def test_the_file_is_bounded_and_survives_damage(tmp_path: Path) -> None:
    """At its size the file starts anew and one old one is kept; a line cut by a crash is skipped."""
    channel = open_channel("recording", recording.Config(file_bytes_max=5_000), house(tmp_path))
    for n in range(50):
        await channel.send(told("a", effect=f"{n}.0"))
    files = [tmp_path / "recorded.1.jsonl", tmp_path / "recorded.jsonl"]
    assert all(0 < p.stat().st_size < 8_000 for p in files)
    assert {p.name for p in files} == set(os.listdir(tmp_path))
    with (tmp_path / "recorded.jsonl").open("ab") as file:
        file.write(b'{"at":1,"effe')
    assert [r.effect for r in recording.recent(tmp_path, 2)] == ["49.0", "48.0"]


async def test_a_full_disk_does_not_stop_the_recording(tmp_path: Path) -> None:
    """A folder that cannot be written costs the line in the file and nothing else."""
    (tmp_path / "file").write_text("not a folder")
    channel = open_channel("recording", recording.Config(), house(tmp_path / "file"))
    assert (await channel.send(told("a"))).result is Sent.SENT
    client = cast(recording.RecordingClient, channel.client)
    assert client.unwritten == 1
    assert [r.effect for r in client.recent()] == ["81234.0"]
