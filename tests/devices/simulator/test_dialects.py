"""Every dialect's bytes mean what its labels say, read as a gateway reads them."""

from __future__ import annotations

import contextlib
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.codec import Codec, Message, Reply
from devices.decode import CODECS, Decoder, urgent
from devices.reading import METRICS, MetricClass, Reading, split_point
from devices.simulator import SCENARIOS, Label, Sent, SimulatedSite, What
from devices.simulator.dialects import DIALECTS, Unspoken, dialect, kinds_of
from devices.simulator.hardware import KINDS
from tests.devices.simulator.hearing import near

SOURCE = "sim"
SECRET = "a-secret-of-the-source"
OTHERS = [name for name in DIALECTS if name != "native"]
WORDS = {"test": "press_test", "muted": "hush", "tamper": "tamper", "battery_low": "low_battery"}


class Ear:
    """Takes what a site sends off the wire as a gateway does, and decodes it with what it has learned."""

    def __init__(self, site: SimulatedSite, family: str) -> None:
        self.site, self.family = site, family
        self.codec: Any = CODECS[family]
        self.contexts: dict[tuple[str, str], dict[str, Any]] = {}
        alone = site.world.dialect.carrier != "mqtt"
        self.decoder = Decoder(self.contexts, {SOURCE: (family,)} if alone else {})

    def messages(self, sent: Sent) -> list[tuple[str, bytes]]:
        """Topic and payload of everything one send brings; empty where the door refuses it."""
        carrier = self.site.world.dialect.carrier
        if carrier == "mqtt":
            return [(sent.topic, sent.payload)]
        if carrier == "tcp":
            return [(f.topic, f.data) for f in self.codec.frames(bytearray(sent.payload), sent.at) if f.topic]
        request = self.site.world.dialect.push(sent.topic, sent.payload, SECRET)
        taken = (
            self.codec.admit(request, SECRET)
            if hasattr(self.codec, "admit")
            else (request.path, request.body)
        )
        return [] if isinstance(taken, Reply) else [taken]

    def hear(self, sent: Sent) -> tuple[list[Reading], str | None, bool]:
        """Readings, the reason it was set aside, and whether it calls people out."""
        found: list[Reading] = []
        taken = self.messages(sent)
        problem = None if taken else "refused at the door"
        calls = False
        for topic, payload in taken:
            codec, decoded = self.decoder.answer(Message(SOURCE, topic, payload, False, sent.at))
            context = self.contexts.setdefault((codec, SOURCE), {})
            for learned in decoded.learned:
                context[learned.key] = learned.value
            found += decoded.readings
            problem = problem or decoded.quarantine
            calls = calls or urgent(decoded)
        return found, problem, calls


def agree(site: SimulatedSite, family: str, messages: list[Sent]) -> dict[What, int]:
    """Assert that everything sent is understood and raises exactly the alarms the labels say; what there was."""
    ear = Ear(site, family)
    counts: dict[What, int] = {}
    for label, sent in zip(site.truth, messages, strict=True):
        one(site, label, sent, *ear.hear(sent))
        counts[label.what] = counts.get(label.what, 0) + 1
    return counts


def one(
    site: SimulatedSite, label: Label, sent: Sent, found: list[Reading], problem: str | None, calls: bool
) -> None:
    """Assert that one message means at least what its label says, and no alarm beyond."""
    about = (label, sent.payload[:400], problem, found)
    if label.what is What.GARBAGE:
        assert problem is not None, about
        assert not calls, about
        return
    assert problem is None, about
    device = site.device_id(label.device, SOURCE) if label.device else ""
    wanted = {m: v for _, fields in label.rows for m, v in fields.items()} or dict(label.readings or {})
    alarms = {m for m, v in wanted.items() if v is True and METRICS[m].klass is MetricClass.ALARM}
    rang = set()
    for reading in found:
        owner, metric, _ = split_point(reading.point)
        if reading.value is True and (m := METRICS.get(metric)) and m.klass is MetricClass.ALARM:
            assert owner == device, about
            rang.add(metric)
    assert rang == alarms, about
    if label.what is not What.LATE:
        assert calls == bool(alarms), about
    moments = [(at, dict(fields)) for at, fields in label.rows] or [(label.measured_at, wanted)]
    for at, fields in moments:
        said = [
            (split_point(r.point)[1], r.value)
            for r in found
            if (not device or split_point(r.point)[0] == device) and (not label.rows or r.measured_at == at)
        ]
        for metric, value in fields.items():
            assert (metric, near(value)) in said, (metric, value, about)
    if label.what in (What.REPORT, What.ALARM, What.CLEAR, What.REPEAT) and wanted:
        times = {r.measured_at for r in found if split_point(r.point)[1] in wanted}
        assert label.measured_at in times, about


def everything(seed: int, family: str, devices: int = 60) -> tuple[SimulatedSite, list[Sent]]:
    """A site whose devices do all that their dialect can say."""
    site = SimulatedSite(seed, dialect=family, devices=devices)
    sent = site.advance(3)
    for hardware in site.devices:
        kind, name = KINDS[hardware.kind], hardware.name
        speaks = site.world.dialect.can
        for metric in kind.onsets:
            if speaks(kind.name, metric):
                site.alarm(name, metric, ramp_s=5)
        for metric, verb in WORDS.items():
            if speaks(kind.name, metric) and not (verb == "low_battery" and kind.mains):
                getattr(site, verb)(name)
        sent += site.advance(0.5)
    sent += site.advance(130)
    for hardware in site.devices:
        site.clear(hardware.name)
    first = site.devices[0].name
    site.duplicate(first)
    sent += site.advance(60)
    site.garbage(first)
    site.cut_uplink(seconds=100)
    return site, sent + site.advance(300)


@pytest.mark.parametrize("family", OTHERS)
def test_everything_a_dialect_says_is_understood(family: str) -> None:
    """No message but garbage is set aside, and alarms are exactly where the truth says."""
    site, sent = everything(3, family)
    counts = agree(site, family, sent)
    assert counts == dict(site.truth.counts)
    assert counts[What.ALARM] >= 2
    assert counts[What.CLEAR] >= 1 or family == "rtl_433"
    assert counts[What.GARBAGE] >= 1


@given(st.integers(0, 2**64 - 1), st.sampled_from(OTHERS), st.sampled_from(sorted(SCENARIOS)))
@settings(max_examples=30, deadline=None)
def test_that_holds_for_any_seed_and_story(seed: int, family: str, scenario: str) -> None:
    """Stories can be played in every dialect that has the hardware for them; what it has no words for stays unsaid."""
    site = SimulatedSite(seed, dialect=family, devices=60)
    sent = site.advance(3)
    with contextlib.suppress(ValueError):  # the story needs hardware that the dialect has not
        site.play(scenario)
    agree(site, family, sent + site.advance(130))


@pytest.mark.parametrize("family", OTHERS)
def test_the_same_seed_sends_the_same_bytes(family: str) -> None:
    """A failure seen once can be seen again."""
    assert everything(7, family, 20)[1] == everything(7, family, 20)[1]


@pytest.mark.parametrize("family", OTHERS)
def test_hardware_that_has_no_word_for_it_says_so(family: str) -> None:
    """A verb that the dialect cannot say is refused, and the error names dialect and metric."""
    spoken = dialect(family, "s", ())
    verbs = {"muted": "hush", "test": "press_test", "tamper": "tamper"}
    for kind in kinds_of(family) or KINDS:
        site = SimulatedSite(1, dialect=family, devices=[(f"b1-{kind}", kind)])
        for metric, verb in verbs.items():
            if not spoken.can(kind, metric):
                with pytest.raises(Unspoken, match=f"{family} a {kind} has no word for {metric}"):
                    getattr(site, verb)(f"b1-{kind}")


@pytest.mark.parametrize("family", OTHERS)
def test_a_dialect_is_a_codec_of_the_house(family: str) -> None:
    """What is simulated can be decoded: the names are the same."""
    assert cast("Codec", CODECS[family]).TOPICS
