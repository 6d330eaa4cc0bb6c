"""What is owed to devices, where newcomers go, and what becomes of those that were changed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inprocess import Gateway
from gateway.registry import Invalid, NotFound, Registry
from gateway.registry.lives import expiry
from gateway.registry.placing import BadPattern, Fitter, Placement
from tests.core.community import estate
from tests.gateway.test_registry import DOCUMENT, NOW, WHO


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    with closing(Registry.open(tmp_path / "registry.sqlite")) as opened:
        opened.import_catalogue(DOCUMENT, who=WHO, now=NOW)
        yield opened


# -- dates ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "installed", "written", "business", "ends"),
    [
        ("gas", "2021-11-22", None, False, "2026-11-22"),
        ("gas", "2021-11-22", None, True, "2024-11-22"),
        ("gas", "2024-02-29", None, False, "2029-02-28"),
        ("gas", "2021-11-22", "2027-01-01", False, "2027-01-01"),
        ("smoke", "2021-11-22", None, False, None),
        ("smoke", None, "2030-01-01", False, "2030-01-01"),
        ("gas", None, None, False, None),
    ],
)
def test_a_life_ends_as_written_or_by_its_kind(
    kind: str, installed: str | None, written: str | None, business: bool, ends: str | None
) -> None:
    """Gas detectors live five years at home and three in business; what the label says outranks it."""
    assert expiry(kind, installed, written, business) == ends


def test_what_is_due_is_listed_earliest_first(registry: Registry) -> None:
    """Ends, calibrations and tests until the day asked for; what is due later is not in it."""
    row, _ = registry.get("devices", "hall:s/k2")
    row |= {"installed_on": "2021-11-30", "calibration_due": "2026-10-01", "test_due": "2027-10-01"}
    registry.put("devices", row, who=WHO, now=NOW)
    assert [(d.day, d.what) for d in registry.due("2026-11-22", 30)] == [
        ("2026-10-01", "calibration"),
        ("2026-11-30", "expired"),
    ]
    assert [d.what for d in registry.due("2026-11-22", 0)] == ["calibration"]
    assert registry.get("devices", "hall:s/k2")[0] == row


def test_a_business_changes_its_gas_detectors_sooner(registry: Registry) -> None:
    """A mark on a place counts for all below it, in what is due and on the device; taken off, it is a home again."""
    device, _ = registry.get("devices", "hall:s/k2")
    device |= {"kind": "gas", "installed_on": "2023-11-30"}
    registry.put("devices", device, who=WHO, now=NOW)
    building, _ = registry.get("places", "s-b1")
    for marked, due in ((False, []), (True, [("2026-11-30", "expired")])):
        registry.put("places", {**building, "business": marked}, who=WHO, now=NOW)
        assert [(d.day, d.what) for d in registry.due("2026-11-22", 30)] == due
        assert registry.ends_on(device) == ("2026-11-30" if marked else "2028-11-30")
    assert registry.snapshot().catalogue.places["s-b1"].business
    assert not registry.snapshot().catalogue.places["s-b1-101"].business


def test_a_day_must_be_one_of_the_calendar(registry: Registry) -> None:
    """The 30th of February and words are refused with the column."""
    row, _ = registry.get("devices", "hall:s/k2")
    for day in ("2026-02-30", "tomorrow", "2026-2-1"):
        with pytest.raises(Invalid, match="test_due: expected a day"):
            registry.put("devices", {**row, "test_due": day}, who=WHO, now=NOW)


# -- replacement ------------------------------------------------------------------------------------------------------


def test_history_goes_on_over_replacements(registry: Registry) -> None:
    """The newest device knows all it stands for; a detector that comes back into use is nobody's past."""
    registry.replace_device("hall:s/k1", "hall:s/k3", who=WHO, now=NOW)
    registry.replace_device("hall:s/k3", "hall:s/k4", who=WHO, now=NOW + 1)
    assert registry.predecessors("hall:s/k4") == [("hall:s/k3", NOW + 1), ("hall:s/k1", NOW)]
    assert registry.snapshot().retired == ("hall:s/k1", "hall:s/k3")
    registry.replace_device("hall:s/k4", "hall:s/k1", who=WHO, now=NOW + 2)
    assert registry.predecessors("hall:s/k1") == [("hall:s/k4", NOW + 2), ("hall:s/k3", NOW + 1)]
    assert registry.snapshot().retired == ("hall:s/k3", "hall:s/k4")


def test_dates_belong_to_the_hardware(registry: Registry) -> None:
    """A new device does not inherit the old one's age."""
    row, _ = registry.get("devices", "hall:s/k2")
    registry.put(
        "devices", {**row, "installed_on": "2020-01-01", "expires_on": "2025-01-01"}, who=WHO, now=NOW
    )
    registry.replace_device("hall:s/k2", "hall:s/k9", who=WHO, now=NOW)
    assert registry.get("devices", "hall:s/k9")[0] == {**row, "id": "hall:s/k9"}


def test_nothing_is_expected_of_a_retired_device() -> None:
    """Its silence is no alarm and ends the one there is; should it speak of fire all the same, that counts."""
    from msgspec.structs import replace

    home = Gateway(estate())
    home.measure("upstairs", "smoke", False)
    home.advance(26 * 3600)

    def lost() -> set[str]:
        return {
            a.device for a in home.alarms.values() if a.rule == "health-device-silent" and a.state != "NORM"
        }

    assert "sim:upstairs" in lost()
    plan = estate()
    fewer = replace(
        plan.catalogue, devices={k: d for k, d in plan.catalogue.devices.items() if k != "sim:upstairs"}
    )
    home.engine.replan(replace(plan, catalogue=fewer, retired=("sim:upstairs",)))
    home.measure("corridor", "smoke", False)
    assert "sim:upstairs" not in lost()
    home.advance(8 * 86_400)
    assert "sim:upstairs" not in lost()
    home.measure("upstairs", "smoke", True)
    assert any(d.priority == 1 and d.hazard == "fire" for d in home.docs.values())


# -- placing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pattern", "place", "device", "goes"),
    [
        ("smoke-{b}-{f}-{r}", "s-b{b}-f{f}-{r}", "lora:smoke-3-5-502", "s-b3-f5-502"),
        ("smoke-{b}-{f}-{r}", "s-b{b}", "lora:smoke-3-5", None),
        ("smoke-{b}-{f}-{r}", "s-b{b}", "lora:smoke-3-5-5-2", None),
        ("lora:k{room}", "s-{room}", "lora:k502", "s-502"),
        ("lora:k{room}", "s-{room}", "zb:k502", None),
        ("{b:2}{f:2}{r:2}", "s-{b}-{f}-{r}", "x:030502", "s-03-05-02"),
        ("{b:2}{f:2}{r:2}", "s-{b}-{f}-{r}", "x:0305021", None),
        ("{b}号楼/{f}层", "s-{b}-{f}", "z:3号楼/5层", "s-3-5"),
        ("a.b-{x}", "s", "z:aXb-1", None),
        ("k{x}", "s", "z:k", None),
        ("k{x}", "s", "z:k1 2", None),
    ],
)
def test_names_say_where_devices_are(pattern: str, place: str, device: str, goes: str | None) -> None:
    """Gaps take words without separators, or so many signs; everything else stands for itself."""
    assert Fitter(Placement(pattern, place)).place(device) == goes


@pytest.mark.parametrize(
    ("pattern", "place", "why"),
    [
        ("smoke-1", "s", "1 to 8 gaps"),
        ("", "s", "1 to 200"),
        ("x" * 300, "s", "1 to 200"),
        ("{a}{b}", "s", "must stand between"),
        ("{a}-{a}", "s", "stands twice"),
        ("{A}", "s", "is written"),
        ("{a", "s", "is written|gaps"),
        ("{a}", "s-{b}", "which the pattern does not have"),
        ("-".join(f"{{g{n}}}" for n in range(9)), "s", "1 to 8"),
    ],
)
def test_patterns_that_cannot_be_are_refused(pattern: str, place: str, why: str) -> None:
    """Each with the reason, before anything is kept."""
    with pytest.raises(BadPattern, match=why):
        Fitter(Placement(pattern, place))


@given(st.text("{}ab:2-._/ 楼\\d+*(", max_size=40), st.text(max_size=60))
def test_no_pattern_raises_anything_else(pattern: str, device: str) -> None:
    """Whatever a person types is a pattern or a refusal, and fits or does not."""
    try:
        fitter = Fitter(Placement(pattern, "s"))
    except BadPattern:
        return
    assert fitter.place(device) in (None, "s")


def test_placement_rules_are_kept_and_journalled(registry: Registry) -> None:
    """A rule is changed by its pattern, listed in order, and each edit stands in the journal of edits."""
    one, two = Placement("k{r}", "s-b1-{r}", "smoke"), Placement("g{r}", "s-b1", "gas")
    registry.put_placement(one, who=WHO, now=NOW)
    registry.put_placement(two, who=WHO, now=NOW)
    registry.put_placement(Placement("k{r}", "s-b1", "heat"), who=WHO, now=NOW)
    assert registry.placements() == [two, Placement("k{r}", "s-b1", "heat")]
    registry.remove_placement("k{r}", who=WHO, now=NOW)
    with pytest.raises(NotFound):
        registry.remove_placement("k{r}", who=WHO, now=NOW)
    with pytest.raises(Invalid):
        registry.put_placement(Placement("k", "s"), who=WHO, now=NOW)
    said = [e.what for e in registry.edits(after=9) if e.what.startswith("placement")]
    assert said == ["placement.put", "placement.put", "placement.put", "placement.remove"]
