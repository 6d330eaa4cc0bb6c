"""What `csg.yaml` may say, and what holds where it says nothing."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from devices.topics import matches
from gateway.config import (
    EMBEDDED,
    Settings,
    SourceSettings,
    channel_configs,
    check,
    check_text,
    store_configs,
    target_names,
    with_broker,
)
from gateway.config.document import DEPTH_MAX, read
from gateway.config.meaning import overlap
from gateway.config.shipped import LAST_RESORT, route, shipped
from gateway.core.plan import Route
from gateway.roles import ROLES

FULL = """
data: run
web: {host: 0.0.0.0, port: 8443, url: https://safety.example.cn}
broker: {host: 0.0.0.0, port: 1884, prefer: mosquitto}
sources:
  - name: hall
    site: home
    broker: mqtts://broker.example.cn:8884
    tls: {ca: ca.pem}
    protocol: 5
    username: gateway
    password: ${HALL_PASSWORD}
    codecs: [native]
    filters: ["community/#"]
    time_zone: Asia/Urumqi
  - {name: drill, site: home, simulated: true}
channels:
  city:
    kind: webhook
    url: https://city.example.cn/hook
    secrets: ["file:secrets/city", "${CITY_OLD}"]
  bus: {kind: mqtt}
targets: {platform: city}
routes:
  - {site: [home], hazard: [fire], targets: [platform]}
policies:
  night:
    steps:
      - {after_s: 0, to: [duty_operator]}
rules: [site.yaml]
journal: {bound_gb: 5}
retention: {history_days: 30}
evidence: {bound_gb: 0.5, faces: faces.onnx}
"""
RULES = """
rules:
  - id: site.pump
    title: {zh-CN: 泵房水位高, en: High water in the pump room}
    hazard: water
    priority: 2
    match: {metric: [water_level], kind: [water_level]}
    when: {kind: threshold, above: 300}
"""
ENVIRON = {"HALL_PASSWORD": "correct horse", "CITY_OLD": "whsec_b2xkb2xkb2xkb2xkb2xkb2xkb2xkb2xk"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "csg.yaml").write_text(FULL)
    (tmp_path / "site.yaml").write_text(RULES, "utf-8")
    (tmp_path / "ca.pem").touch()
    (tmp_path / "faces.onnx").touch()
    (tmp_path / "secrets").mkdir()
    secret = tmp_path / "secrets" / "city"
    secret.write_text("whsec_bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3\n")
    secret.chmod(0o600)
    return tmp_path


def test_a_start_without_a_file_works() -> None:
    """The defaults are the embedded broker, one source of the site home, the recording channel and DuckDB."""
    report = check(None, {})
    assert report.ok, report.text()
    settings = report.settings
    assert settings is not None
    assert [(s.name, s.site, s.broker, s.simulated) for s in settings.sources] == [
        ("local", "home", EMBEDDED, False)
    ]
    assert settings.channels == {"recording": {"kind": "recording"}}
    assert settings.stores == {"history": {"kind": "duckdb"}}
    assert target_names(settings) == {}
    assert report.rules


def test_a_whole_file_is_understood(folder: Path) -> None:
    """Every section arrives typed, with paths made absolute, secrets resolved and the recording channel beside."""
    report = check(folder / "csg.yaml", ENVIRON)
    assert report.errors == ()
    settings = report.settings
    assert settings is not None
    assert settings.data_path == folder / "run"
    assert settings.sites == ("home",)
    hall = settings.sources[0]
    assert (hall.password, hall.protocol, hall.time_zone) == ("correct horse", 5, "Asia/Urumqi")
    assert hall.tls is not None
    assert hall.tls.ca == str(folder / "ca.pem")
    assert settings.journal.bound_bytes == 5_000_000_000
    assert (settings.evidence.bound_bytes, settings.evidence.faces) == (
        500_000_000,
        str(folder / "faces.onnx"),
    )
    channels = channel_configs(settings)
    assert list(channels) == ["recording", "city", "bus"]
    assert channels["city"].secrets == ("whsec_bmV3bmV3bmV3bmV3bmV3bmV3bmV3bmV3", ENVIRON["CITY_OLD"])
    assert list(store_configs(settings)) == ["history"]
    assert target_names(settings) == {"platform": "city"}
    assert report.rules is not None
    assert "site.pump" in {rule.id for rule in report.rules}


def test_the_example_file_is_right(tmp_path: Path) -> None:
    """The documented file passes the check as it stands, names every section, and repeats the defaults it states."""
    text = files("gateway.defaults").joinpath("csg.example.yaml").read_bytes()
    secrets = {
        "CSG_HALL_PASSWORD": "x", "CSG_CITY_SECRET": ENVIRON["CITY_OLD"], "CSG_SHOP_KEY": "correct-horse-16",
        "CSG_GATE_PASSWORD": "x",
    }  # fmt: skip
    report = check_text("csg.example.yaml", text, tmp_path, secrets)
    assert report.text() == ""
    settings, defaults = report.settings, check(None, {}).settings
    assert settings is not None
    assert defaults is not None
    assert set(yaml.safe_load(text)) == {field.name for field in msgspec.structs.fields(Settings)}
    assert settings.broker == defaults.broker
    assert settings.listener == defaults.listener
    assert settings.journal == defaults.journal
    assert settings.retention == defaults.retention
    assert settings.stores == defaults.stores


def test_settings_travel_to_the_children(folder: Path) -> None:
    """A child process that gets the settings as msgpack understands exactly the same."""
    settings = check(folder / "csg.yaml", ENVIRON).settings
    assert settings is not None
    arrived = msgspec.msgpack.decode(msgspec.msgpack.encode(settings), type=Settings)
    assert arrived == settings
    assert channel_configs(arrived) == channel_configs(settings)


def test_secrets_do_not_show(folder: Path) -> None:
    """Printing the settings shows no password and no signing secret."""
    settings = check(folder / "csg.yaml", ENVIRON).settings
    assert settings is not None
    shown = repr(settings)
    assert "hall" in shown
    assert "correct horse" not in shown
    assert "whsec_" not in shown


def test_a_secret_others_can_read_is_a_warning(folder: Path) -> None:
    """The start goes on, and says which file to protect."""
    (folder / "secrets" / "city").chmod(0o644)
    report = check(folder / "csg.yaml", ENVIRON)
    assert report.ok
    assert [(p.key, p.expected) for p in report.warnings] == [
        ("channels.city.secrets[0]", "a file only its owner can read (chmod 600)")
    ]


def test_a_secret_of_the_wrong_form_is_not_shown(tmp_path: Path) -> None:
    """A reference to a secret that the channel cannot use is told without the secret's text."""
    text = b"channels:\n  bus: {kind: mqtt, broker: '${ADDRESS}', password: '${ADDRESS}'}\n"
    report = check_text("csg.yaml", text, tmp_path, {"ADDRESS": "hunter2"})
    assert [(p.key, p.found) for p in report.errors] == [("channels.bus.broker", "***")]


def test_what_is_risky_is_a_warning(tmp_path: Path) -> None:
    """A console open to the network without TLS, and TLS without verification, start but are said."""
    text = (
        b"web: {host: 0.0.0.0}\nsources:\n"
        b"  - {name: a, site: x, broker: 'mqtts://b', tls: {insecure: true}}\n"
    )
    report = check_text("csg.yaml", text, tmp_path, {})
    assert report.ok
    assert [p.key for p in report.warnings] == ["web.host", "sources[0].tls.insecure"]


def test_a_rule_file_is_checked_by_line(folder: Path) -> None:
    """A mistake in a site's rule file is told with that file's name and line."""
    (folder / "site.yaml").write_text(RULES.replace("above", "abov"), "utf-8")
    report = check(folder / "csg.yaml", ENVIRON)
    problems = [(Path(p.file).name, p.line, p.key) for p in report.errors]
    assert ("site.yaml", 8, "rules[0].when.abov") in problems
    assert report.settings is None


def test_a_site_cannot_turn_off_a_fire_alarm(folder: Path) -> None:
    """A rule file that disables a device's own fire alarm refuses the start."""
    (folder / "site.yaml").write_text("disable: [fire-smoke]\n", "utf-8")
    report = check(folder / "csg.yaml", ENVIRON)
    assert [p.key for p in report.errors] == ["disable[0]"]


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    """Naming a file that is not there is one clear error."""
    report = check(tmp_path / "csg.yaml", {})
    assert [p.found for p in report.errors] == ["No such file or directory"]


def test_another_broker_from_the_command_line() -> None:
    """`--broker` puts every embedded source there, with user and password out of the address, and no other one."""
    elsewhere = SourceSettings("far", "home", "mqtt://far:1883")
    settings = Settings(sources=(SourceSettings("local", "home"), elsewhere))
    moved = with_broker(settings, "mqtts://me:p%40ss@[::1]")
    assert [(s.broker, s.username, s.password) for s in moved.sources] == [
        ("mqtts://[::1]:8883", "me", "p@ss"),
        ("mqtt://far:1883", None, None),
    ]
    with pytest.raises(ValueError, match="expected mqtt"):
        with_broker(settings, "http://me:secret@host")


# -- routes ---------------------------------------------------------------------------------------------------------


def policies_of(
    tree: Route, hazard: str, priority: int, site: str = "home"
) -> tuple[str | None, tuple[str, ...]]:
    """The walk of Alertmanager, as the core does it, for routes without `proceed`."""
    policy, targets = tree.policy, tree.targets or ()
    for child in tree.routes:
        fits = (
            (not child.hazard or hazard in child.hazard)
            and (not child.priority or priority in child.priority)
            and (not child.site or site in child.site)
        )
        if fits:
            below, more = policies_of(child, hazard, priority, site)
            return below or policy, more if child.targets is not None or more else targets
    return policy, targets


@pytest.mark.parametrize("hazard", ["fire", "gas", "co", "sos", "water", "intrusion"])
def test_every_p1_has_a_shipped_chain_that_begins_at_once(hazard: str) -> None:
    """Whatever the hazard, a P1 tells somebody at second 0 and again within four minutes, for ever."""
    name, _ = policies_of(route((), ()), hazard, 1)
    policy = shipped().policies[name or ""]
    assert policy.steps[0].after_s == 0
    assert policy.steps[0].urgent
    assert policy.steps[-1].after_s + policy.repeat_s <= 420
    assert 30 <= policy.repeat_s <= 240
    assert policy.give_back_s == 180


def test_shipped_chains_are_in_order_and_name_known_roles() -> None:
    """Steps ascend, P1 chains call, nobody is called who cannot exist."""
    for name, policy in shipped().policies.items():
        times = [step.after_s for step in policy.steps]
        assert times == sorted(times)
        assert {role for step in policy.steps for role in step.to} <= set(ROLES)
        assert set(policy.confirmed) <= set(ROLES)
        if name.startswith("p1"):
            assert all(step.urgent for step in policy.steps)
            assert policy.confirmed


def test_the_household_is_called_first() -> None:
    """The people in the flat are in the first step of every hazard to life."""
    for name in ("p1_fire", "p1_gas", "p1_co", "p1_sos"):
        assert "household" in shipped().policies[name].steps[0].to


def test_low_priorities_call_nobody_out_of_bed() -> None:
    """P3 makes no calls; P4 tells nobody and stands on a list."""
    assert not any(step.urgent for step in shipped().policies["p3_breach"].steps)
    assert shipped().policies["p4_list"].steps == ()
    assert policies_of(route((), ()), "water", 4)[0] == "p4_list"


def test_a_priority_nobody_thought_of_still_calls() -> None:
    """What no route fits goes to the chain of last resort."""
    assert policies_of(route((), ()), "water", 9)[0] == LAST_RESORT


def test_a_sites_route_that_only_adds_a_target_keeps_the_shipped_chain() -> None:
    """Routing a site's incidents to the city platform must not change who is called."""
    own = (Route(site=("home",), targets=("platform",)),)
    tree = route(own, ("all",))
    for hazard, priority in (("fire", 1), ("gas", 1), ("water", 2), ("equipment", 4)):
        before = policies_of(route((), ("all",)), hazard, priority)
        assert before[1] == ("all",)
        assert policies_of(tree, hazard, priority) == (before[0], ("platform",))
        assert policies_of(tree, hazard, priority, "elsewhere") == before


# -- properties -----------------------------------------------------------------------------------------------------

# The YAML library writes by YAML 1.1, where 1E5 without a dot is a text; we read by 1.2, where it is a number.
TEXT = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=20).filter(
    lambda text: not re.fullmatch(r"[-+]?[0-9]+[eE][-+]?[0-9]+", text)
)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**17), 10**17) | TEXT
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=20,
)  # fmt: skip


@given(PLAIN)
def test_what_yaml_writes_is_read_back(data: object) -> None:
    """Plain data dumped by the standard YAML library comes back equal, with a place for every value."""
    text = yaml.safe_dump(data, allow_unicode=True)
    document, problems = read("f", text.encode())
    assert problems == []
    assert document is not None
    assert document.data == data or (data == "" and document.data is None)
    assert () in document.values


@given(st.binary(max_size=200) | st.text(alphabet="[]{}:,-'\"|>&*!%@#\n\t ab1", max_size=80).map(str.encode))
def test_no_bytes_make_the_check_fail(text: bytes) -> None:
    """Whatever is in the file, the answer is a report, and settings come only without errors."""
    report = check_text("f", text, Path("/nonexistent"), {})
    assert (report.settings is None) == bool(report.errors)


@given(PLAIN)
def test_any_data_is_compared_not_crashed_on(data: object) -> None:
    """Any YAML value under any section gives a report."""
    for section in ("sources", "channels", "routes", "policies", "web", "stores", "targets", "rules"):
        text = yaml.safe_dump({section: data}, allow_unicode=True)
        report = check_text("f", text.encode(), Path("/nonexistent"), {})
        assert (report.settings is None) == bool(report.errors)


def test_depth_is_bounded() -> None:
    """The deepest allowed level is read, one more is refused, and neither recurses further."""
    fine, _ = read("f", b"[" * DEPTH_MAX + b"]" * DEPTH_MAX)
    assert fine is not None
    deep, problems = read("f", b"[" * (DEPTH_MAX + 1) + b"]" * (DEPTH_MAX + 1))
    assert deep is None
    assert problems


LEVEL = st.sampled_from(["a", "b", "+"])
FILTER = st.builds(
    lambda levels, tail: "/".join([*levels, *tail]), st.lists(LEVEL, min_size=1, max_size=3),
    st.sampled_from([[], ["#"]]),
)  # fmt: skip


@given(FILTER, FILTER, st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=5))
def test_filters_that_share_a_topic_overlap(one: str, other: str, levels: list[str]) -> None:
    """No topic fits two filters that are said not to overlap."""
    topic = "/".join(levels)
    if matches(one, topic) and matches(other, topic):
        assert overlap(one, other)
    assert overlap(one, other) == overlap(other, one)
