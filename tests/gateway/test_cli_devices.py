"""`csg devices`: what a person at the terminal is told, and what the files hold then."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from devices.reading import Reading
from gateway.batch import batch_of
from gateway.broker.accounts import load_devices
from gateway.cli import app
from gateway.core.event import FORMAT, Measured
from gateway.health_of import HealthOf
from gateway.journal import Row
from gateway.registry import Registry


def csg(data: Path, *arguments: str) -> tuple[int, str]:
    """The exit code and all that was said."""
    result = CliRunner().invoke(app, ["devices", *arguments, "--data", str(data)])
    return result.exit_code, result.output


def test_an_account_is_made_shown_listed_and_taken_away(tmp_path: Path) -> None:
    """Adding says user, password and topics; listing says no password; revoking twice says that there was none."""
    code, said = csg(tmp_path, "credential", "add", "home", "kitchen-1", "--json")
    made = json.loads(said)
    (kept,) = load_devices(tmp_path / "broker")
    assert (code, made["user"], made["password"]) == (0, "kitchen-1@home", kept.password)
    assert made["reads"] == "community/home/kitchen-1/command"
    assert csg(tmp_path, "credential", "list") == (0, "kitchen-1@home\n")
    code, said = csg(tmp_path, "credential", "add", "home", "kitchen-1")
    assert code == 0
    assert kept.password not in said
    assert csg(tmp_path, "credential", "revoke", "home", "kitchen-1") == (0, "revoked\n")
    assert csg(tmp_path, "credential", "revoke", "home", "kitchen-1") == (1, "it had no account\n")
    assert load_devices(tmp_path / "broker") == ()


def test_rules_for_a_broker_of_ones_own(tmp_path: Path) -> None:
    """The printed rules hold no password but where a password file or nats users were asked for."""
    csg(tmp_path, "credential", "add", "home", "k.1")
    (kept,) = load_devices(tmp_path / "broker")
    _, rules = csg(tmp_path, "acl")
    assert "user k.1@home" in rules
    assert "topic write community/home/k.1/telemetry" in rules
    assert "topic read community/home/k.1/command" in rules
    assert kept.password not in rules
    assert csg(tmp_path, "acl", "--passwords")[1].startswith("k.1@home:$7$")
    (user,) = json.loads(csg(tmp_path, "acl", "--for", "nats")[1])
    assert user["permissions"]["publish"]["allow"][0] == "community.home.k//1.telemetry"
    assert csg(tmp_path, "acl", "--for", "emqx")[0] == 2


def test_wrong_names_and_damaged_files_are_said(tmp_path: Path) -> None:
    """A name that would open other topics, and a file nobody can read, end with 2 and the reason."""
    code, said = csg(tmp_path, "credential", "add", "home", "a/b")
    assert code == 2
    assert "no name" in said
    (tmp_path / "broker").mkdir(exist_ok=True)
    (tmp_path / "broker" / "devices.json").write_text("{")
    for arguments in (
        ("credential", "list"),
        ("credential", "add", "s", "d"),
        ("credential", "revoke", "s", "d"),
        ("acl",),
    ):
        assert csg(tmp_path, *arguments)[0] == 2


def test_learned_periods_are_listed_and_adopted_where_none_is_known(tmp_path: Path) -> None:
    """Only devices that keep a period are listed; adopting writes it where the catalogue names none."""
    registry = Registry.open(tmp_path / "registry.sqlite")
    devices = [
        {"id": "s:a", "place": "x"},
        {"id": "s:b", "place": "x", "report_period_s": 60},
        {"id": "s:c", "place": "x"},
    ]
    places = [{"id": "x", "level": "site", "name": "X"}]
    registry.import_catalogue({"places": places, "devices": devices}, who="test", now=1)
    health = HealthOf(tmp_path / "health.sqlite")
    for n in range(1, 9):
        readings = [Reading(f"s:{name}/smoke/", False) for name in ("a", "b")]
        row = Row(FORMAT, n, 0, [(n * 600_000, Measured("s", readings))], [])
        health.apply([row], batch_of([row], n - 1))
    health.close()
    code, said = csg(tmp_path, "periods", "--json")
    assert (code, [(r["device"], r["learned_s"], r["catalogue_s"]) for r in json.loads(said)]) == (
        0, [("s:a", 600, None), ("s:b", 600, 60)],
    )  # fmt: skip
    assert registry.get("devices", "s:a")[0].get("report_period_s") is None
    code, said = csg(tmp_path, "periods", "--adopt")
    assert (code, said.count("adopted")) == (0, 1)
    assert [registry.get("devices", d)[0].get("report_period_s") for d in ("s:a", "s:b", "s:c")] == [
        600,
        60,
        None,
    ]
    registry.close()
