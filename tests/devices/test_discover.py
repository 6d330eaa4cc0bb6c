"""Plug-ins are found by lying in a folder, and one without its library stays listed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from devices.discover import PluginMissing, PluginUnknown, discover

PARTS = {
    "__init__.py": "",
    "beta.py": "VALUE = 2",
    "alpha/__init__.py": "VALUE = 1",
    "_helper.py": "raise SystemExit",
    "bare.py": "import no_such_library.part",
    "told.py": 'INSTALL = "apt install told"\nimport no_such_library',
    "asks.py": 'REQUIRES: tuple[str, ...] = ("no_such_library", "sys")\nraise SystemExit',
    "asks_told.py": 'REQUIRES = ("no_such_library",)\nINSTALL = "pip install asked"\nraise SystemExit',
    "broken.py": "import plug_ins_of_a_test.no_such_module",
}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A package of plug-ins, some of which cannot be imported."""
    for name, text in PARTS.items():
        path = tmp_path / "plug_ins_of_a_test" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    yield "plug_ins_of_a_test"
    for name in [n for n in sys.modules if n.startswith("plug_ins_of_a_test")]:
        del sys.modules[name]


def test_plug_ins_are_listed_in_order_and_loaded_on_demand(package: str) -> None:
    """All are listed, helpers are not, and none is imported before it is asked for."""
    found = discover(package)
    assert list(found) == ["alpha", "asks", "asks_told", "bare", "beta", "broken", "told"]
    assert len(found) == 7
    assert "beta" in found
    assert "_helper" not in found
    assert f"{package}.beta" not in sys.modules
    assert (found["beta"].VALUE, found["alpha"].VALUE) == (2, 1)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("bare", "pip install no_such_library"),
        ("told", "apt install told"),
        ("asks", "pip install no-such-library"),
        ("asks_told", "pip install asked"),
    ],
)
def test_a_missing_library_names_the_line_to_run(package: str, name: str, line: str) -> None:
    """Whoever asks for such a plug-in is told what to install."""
    with pytest.raises(PluginMissing) as error:
        discover(package)[name]
    assert error.value.install == line
    assert line in str(error.value)


def test_what_is_missing_is_known_without_importing(package: str) -> None:
    """The lines can be listed up front for those that say what they require."""
    assert discover(package).missing() == {
        "asks": "pip install no-such-library",
        "asks_told": "pip install asked",
    }
    assert discover(package).install("beta") is None


def test_available_leaves_out_only_what_lacks_a_library(package: str) -> None:
    """What can be loaded is loaded; a mistake of our own is not taken for a missing library."""
    with pytest.raises(ModuleNotFoundError, match="no_such_module"):
        list(discover(package).available())
    Path(sys.path[0], package, "broken.py").unlink()
    assert [name for name, _ in discover(package).available()] == ["alpha", "beta"]


def test_an_unknown_name_says_which_one_was_meant(package: str) -> None:
    """A typing mistake is answered with the nearest name."""
    with pytest.raises(PluginUnknown) as error:
        discover(package)["betta"]
    assert error.value.nearest == "beta"
    assert str(error.value) == f"{package} has no betta; did you mean beta?"
    with pytest.raises(KeyError):
        discover(package).install("zzz")


def test_the_codecs_are_plug_ins() -> None:
    """The house's own codecs are found this way."""
    assert {"native", "zigbee2mqtt"} <= set(discover("devices.codecs"))
