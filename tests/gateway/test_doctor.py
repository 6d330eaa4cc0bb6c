"""`csg doctor` finds who would not be reached before the night that shows it."""

from __future__ import annotations

from pathlib import Path

from gateway.config.settings import Settings, SourceSettings
from gateway.doctor import examine
from gateway.registry import Registry


def _people(tmp_path: Path, *addresses: tuple[str, str]) -> list[str]:
    """What it says of a duty operator with these addresses."""
    registry = Registry.open(tmp_path / "registry.sqlite")
    places = [{"id": "home", "level": "site", "name": "Home"}]
    people = [
        {"id": "p1", "name": "Wang", "roles": [["duty_operator", "home"]], "addresses": list(addresses)}
    ]
    registry.import_catalogue({"places": places, "people": people}, who="test", now=1)
    registry.close()
    settings = Settings(
        data=str(tmp_path),
        sources=(SourceSettings("local", "home"),),
        channels={"recording": {"kind": "recording"}, "chat": {"kind": "apprise"}},
    )
    return [found.text for found in examine(settings) if found.part == "p1" and found.level == "mend"]


def test_an_address_that_reaches_nobody_is_named(tmp_path: Path) -> None:
    """A schema that is not allowed, or a robot without its key: said with the channel, without the address itself."""
    for address, why in (
        ("json://192.0.2.1/x", "json is no schema"),
        ("wecombot://", "no complete wecombot"),
    ):
        (said,) = _people(tmp_path, ("chat", address))
        assert why in said
        assert "192.0.2.1" not in said
    assert _people(tmp_path, ("chat", "wecombot://0000-1111-2222")) == []


def test_who_is_only_recorded_is_not_told(tmp_path: Path) -> None:
    """Beside real devices the recording channel alone is nobody's phone."""
    (said,) = _people(tmp_path, ("recording", "1"))
    assert "rings nowhere" in said
    assert _people(tmp_path, ("recording", "1"), ("chat", "wecombot://0000-1111-2222")) == []


def test_a_damaged_registry_is_a_finding(tmp_path: Path) -> None:
    """Not a traceback."""
    (tmp_path / "registry.sqlite").write_bytes(b"no database" * 100)
    found = examine(Settings(data=str(tmp_path), sources=(SourceSettings("local", "home"),)))
    assert any(one.part == "registry" and "not a database" in one.text for one in found)
