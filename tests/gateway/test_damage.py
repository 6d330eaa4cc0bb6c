"""A damaged file costs what was in it, never the alarms: the engine starts, and what it lost is said and kept aside."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
import typer

from gateway import cli, links
from gateway.api.notes import Notes
from gateway.app.brokers import installation
from gateway.app.channels import link_key
from gateway.app.plans import Plans
from gateway.broker import BrokerFailed, EmbeddedBroker
from gateway.chain import mended
from gateway.clock import Stamper, SystemClock
from gateway.config.settings import Settings, SourceSettings
from gateway.engine import Engine
from gateway.inprocess import thaw_plan
from gateway.journal.lock import FolderLock
from gateway.proofs import Proofs
from gateway.registry.errors import RegistryError
from gateway.registry.reader import Directory
from tests.gateway.broker_helpers import TOLD, broker
from tests.gateway.telling import Desk, Hand, by_hand, notify, running
from tests.gateway.test_pump import House

RUBBISH = b"this is not what was written here " * 200


async def test_without_a_registry_the_last_plan_stays_in_force(tmp_path: Path) -> None:
    """The engine starts all the same, decides as before, and says why; where there never was a plan, by a bare one."""
    (tmp_path / "registry.sqlite").write_bytes(RUBBISH)
    plans = Plans(Settings(sources=(SourceSettings("sim", "est"),)), tmp_path)
    assert plans.first() is None
    assert "registry.sqlite" in plans.trouble
    before = House()
    again = Engine(before.journal, Stamper(SystemClock()), before, thaw_plan, "boot2")
    again.start(plans.first())
    assert again.plan.digest == again.state.plan == before.engine.plan.digest
    bare = plans.bare()
    assert {"p1_fire", "p1_gas"} <= set(bare.policies)
    assert any(rule.id == "fire-detected" for rule in bare.rules)


async def test_a_registry_that_cannot_be_read_holds_up_no_call() -> None:
    """Locked or damaged while we run: the call is tried by its schedule instead of ending the engine or the call."""

    class Locked:
        asked = 0

        def address(self, person: str, channel: str) -> str | None:
            self.asked += 1
            if self.asked < 3:
                raise RegistryError(Path("registry.sqlite"), "database is locked")
            return "json://127.0.0.1/grid"

    hand = Hand()
    desk = Desk(by_hand("chat", hand))
    desk.deliverer._directory = Locked()  # type: ignore[assignment]  # a directory that fails as its file does
    async with running(desk):
        desk.deliverer.submit([notify()])
        await desk.look()
        desk.clock.advance(2_500)
        await desk.look()
        assert desk.ends()["81234.0"][0] == "sent"


def test_a_number_known_a_moment_ago_is_still_known(tmp_path: Path) -> None:
    """The directory answers from memory while its file does not."""
    directory = Directory(tmp_path / "registry.sqlite")
    directory._connection = sqlite3.connect(tmp_path / "other.sqlite")  # no table of ours is in it
    directory._cards["p1"] = None
    assert directory.card("p1") is None
    with pytest.raises(RegistryError):
        directory.card("p2")
    directory.close()


def test_a_damaged_link_key_is_replaced_by_the_engine_alone(tmp_path: Path) -> None:
    """Links that were sent open nothing any more; alarms go on. The view waits for the engine's new key."""
    key = link_key(tmp_path)
    path = tmp_path / "secrets" / "link.key"
    path.write_bytes(b"")
    with pytest.raises(ValueError, match="holds 0 bytes"):
        link_key(tmp_path)
    made = link_key(tmp_path, mend=True)
    assert len(made) == links.KEY_BYTES
    assert made == link_key(tmp_path) != key
    assert path.with_name("link.key.damaged").exists()


def test_a_file_beside_the_journal_begins_anew(tmp_path: Path) -> None:
    """Notes and proofs that are damaged are kept under another name, and the page starts without them."""
    kept: dict[str, Callable[[Path], None]] = {
        "notes.sqlite": lambda path: mended(path, Notes).close(),
        "proofs.sqlite": lambda path: mended(path, Proofs).close(),
    }
    for name, opened_and_closed in kept.items():
        (tmp_path / name).write_bytes(RUBBISH)
        opened_and_closed(tmp_path / name)
        assert next(tmp_path.glob(f"{name}.damaged-*")).read_bytes() == RUBBISH
    (tmp_path / "folder").mkdir()
    with pytest.raises(sqlite3.OperationalError):  # a disk that refuses is no damage
        mended(tmp_path / "folder", Notes)


def test_an_empty_installation_name_is_made_anew(tmp_path: Path) -> None:
    """Without one two gateways would throw each other off a broker."""
    (tmp_path / "installation").touch()
    name = installation(tmp_path)
    assert len(name) == 12
    assert installation(tmp_path) == name


async def test_mosquitto_starts_without_its_damaged_queues(tmp_path: Path) -> None:
    """What was queued is lost and said; devices reach the broker."""
    (tmp_path / "mosquitto.db").write_bytes(RUBBISH)
    async with broker(tmp_path, "mosquitto") as one:
        assert one.pid is not None
        assert any("set aside" in trouble.reason for trouble in TOLD[one])
    assert (tmp_path / "mosquitto.db.damaged").read_bytes() == RUBBISH


def test_damaged_accounts_are_never_replaced(tmp_path: Path) -> None:
    """New passwords would lock every device out without a word: a person decides."""
    (tmp_path / "accounts.json").write_bytes(b"{")
    with pytest.raises(BrokerFailed, match=r"accounts\.json is damaged"):
        EmbeddedBroker(tmp_path)
    assert (tmp_path / "accounts.json").read_bytes() == b"{"


def test_a_folder_that_cannot_be_had_is_told_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In use by another gateway, no folder at all: no traceback, and nothing is started."""
    monkeypatch.setattr(
        "gateway.app.child.configure_logs", lambda: None
    )  # for good, and to a captured stderr
    held = FolderLock(tmp_path)
    (tmp_path / "file").touch()
    for data, said in ((tmp_path, "another gateway runs on"), (tmp_path / "file", "Cannot start: ")):
        with pytest.raises(typer.Exit):
            cli._start(Settings(data=str(data)), None)
        assert said in capsys.readouterr().err
    held.release()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "lock"]
