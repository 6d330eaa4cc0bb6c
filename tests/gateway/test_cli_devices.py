"""`csg devices`: what a person at the terminal is told, and what the files hold then."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner

from gateway.broker.accounts import load_devices
from gateway.cli import app


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
