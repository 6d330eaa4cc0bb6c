"""Effects into messages: what one person, or a group, reads. Short: what, where, since when, what to do, a link."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from gateway import links, render, text
from gateway.core.effect import AlarmDoc, IncidentDoc, Notify, Publish
from gateway.core.plan import Plan
from gateway.notice import Notice

SHORT_MAX: Final = {"zh-CN": 70, "en": 134}
"""Characters of one SMS in UCS-2, and of two joined ones for English (3GPP TS 23.038, 23.040); without the link."""
ALARM_LINES_MAX: Final = 5
PLACE_MIN: Final = 12  # characters a place is never cut below: 3号楼…502 厨房
ASKING: Final = ("called", "reminded", "confirmed", "given_back", "spread", "verify")
"""Reasons that want somebody to come: their link says "I take it"."""

HOME_ROLES: Final = ("household", "resident")

_DATE_AFTER_MS: Final = 12 * 3_600_000  # older than this, a time of day alone could be yesterday's


class Directory(Protocol):
    """Who people are, for the edge only. Answers from memory; never waits."""

    def address(self, person: str, channel: str) -> str | None: ...
    def name(self, person: str, /) -> str | None: ...
    def language(self, person: str) -> str: ...


class Composer:
    """Makes notices. `base_url` starts the links people open (None: no links); `language` is for group receivers.

    `key` signs personal links (`gateway.links`). `replan` follows plan changes; everything else is fixed.
    """

    def __init__(
        self,
        plan: Plan,
        directory: Directory,
        *,
        key: bytes,
        base_url: str | None,
        language: str = text.DEFAULT,
    ) -> None:
        self._directory, self._key, self._language = directory, key, text.known_language(language)
        self._base_url = base_url.rstrip("/") if base_url else None
        self.replan(plan)

    def replan(self, plan: Plan) -> None:
        self._plan = plan
        self._titles = render.rule_titles(plan)
        self._advice: dict[str, Mapping[str, str]] = {
            rule.id: rule.advice for rule in plan.rules if rule.advice
        }

    def incident(self, doc: IncidentDoc) -> dict[str, Any]:
        """incident/1 of a document, with the name of the member of staff who took it."""
        names = {doc.taken_by: self._directory.name(doc.taken_by)} if doc.taken_by else {}
        return render.incident_1(
            doc, self._plan.catalogue, {k: v for k, v in names.items() if v},
            grids=self._plan.grids, titles=self._titles, base_url=self._base_url or "",
        )  # fmt: skip

    def advice(self, doc: IncidentDoc, language: str, role: str) -> str:
        """What to do first, for somebody told in that role: the people in the flat do other things than staff."""
        if role in HOME_ROLES:
            return text.word(language, "advice_home", doc.hazard)
        return self._advice.get(doc.title, {}).get(language, "") or text.word(language, "advice", doc.hazard)

    def notice(self, effect: Notify | Publish, address: str | None, now: int) -> Notice:
        """The notice for an effect; `now` is UTC ms and starts the link's life."""
        if isinstance(effect, Publish):
            return self._publish(effect, now)
        language = text.known_language(self._directory.language(effect.person))
        reason = effect.reason
        mode = "test" if reason == "test" and effect.mode == "live" else effect.mode
        link = None if reason == "test" else self._link(effect, now)
        said = _Saying(self, effect.doc, language, mode, reason, now, effect.role)
        return Notice(
            effect.id, f"notice.{reason}", effect.mode, effect.site, effect.priority, now, said.title(),
            said.body(link), said.short(), language, effect.urgent, reason, effect.person, address, link,
            self.incident(effect.doc),
        )  # fmt: skip

    def _link(self, effect: Notify, now: int) -> str | None:
        if self._base_url is None:
            return None
        try:
            token = links.make(self._key, effect.id, effect.person, effect.incident, now + links.LIFE_MS)
        except (
            ValueError
        ):  # our clock was never set: the words must go out, a link could not be judged anyway
            return None
        return f"{self._base_url}/n/{token}"

    def _publish(self, effect: Publish, now: int) -> Notice:
        doc = effect.doc
        if doc is None:
            mark = render.mark(effect.mode, self._language)
            what = text.word(self._language, "topic", effect.topic.replace(".", "_"))
            subject = str(effect.data.get("device") or effect.data.get("place") or effect.site)
            title = text.say(self._language, "message.system", mark=mark, what=what, subject=subject)
            return Notice(
                effect.id, effect.topic, effect.mode, effect.site, 4, effect.at, title, title,
                text.shorten(title, SHORT_MAX[self._language]), self._language, data=effect.data,
            )  # fmt: skip
        reason = _REASON_OF_TOPIC.get(effect.topic, "called")
        said = _Saying(self, doc, self._language, effect.mode, reason, now)
        return Notice(
            effect.id, effect.topic, effect.mode, effect.site, doc.priority, effect.at, said.title(),
            said.body(None), said.short(), self._language, reason=reason, incident=self.incident(doc), data=effect.data,
        )  # fmt: skip

    def saying_parts(self, doc: IncidentDoc, language: str) -> tuple[str, Callable[[AlarmDoc], str], str]:
        """For one incident: where it is, what an alarm of it says, and the name of whoever took it."""
        catalogue = self._plan.catalogue
        where = render.where_text(doc, catalogue)
        who = ""
        if doc.taken_by is not None:
            role = text.word(language, "role", doc.taken_role)
            name = "" if doc.taken_role in render.RESIDENT_ROLES else self._directory.name(doc.taken_by)
            who = text.say(language, "message.who" if name else "message.who_role", name=name, role=role)
        return where, lambda alarm: render.statement(alarm, language, self._titles), who

    def clock(self, at: int, doc: IncidentDoc, now: int) -> str:
        """03:12:07 in the place's own time, with the date when that is not plain."""
        local = datetime.fromtimestamp(max(at, 0) / 1000, UTC).astimezone(
            render.zone_of(doc, self._plan.catalogue)
        )
        return f"{local:%H:%M:%S}" if abs(now - at) < _DATE_AFTER_MS else f"{local:%m-%d %H:%M:%S}"

    def alarm_place(self, alarm: AlarmDoc) -> str:
        where = render.place_text(self._plan.catalogue, alarm.place)
        native = render.unplaced_name(alarm, self._plan.catalogue)
        return f"{where} {native}" if where and native else where or alarm.device

    def headline(self, doc: IncidentDoc, language: str) -> str:
        return render.headline(doc, language, self._titles, render.unplaced(doc, self._plan.catalogue))


_REASON_OF_TOPIC: Final = {
    "incident.taken": "taken", "incident.closed": "closed", "incident.reopened": "reminded",
}  # fmt: skip


def bare(effect: Notify | Publish, address: str | None, now: int) -> Notice:
    """The facts without places, names or words, for when making the real notice fails. Needs nothing but the effect."""
    doc = effect.doc
    mark = render.mark(effect.mode, text.DEFAULT)
    facts = (
        [f"P{doc.priority}", doc.hazard, doc.verdict, doc.place, doc.id] if doc is not None else [effect.site]
    )
    said = mark + " ".join(facts)
    if isinstance(effect, Publish):
        kind, priority = effect.topic, doc.priority if doc is not None else 4
        return Notice(effect.id, kind, effect.mode, effect.site, priority, now, said, said,
                      text.shorten(said, SHORT_MAX[text.DEFAULT]), text.DEFAULT, data=effect.data)  # fmt: skip
    return Notice(
        effect.id, f"notice.{effect.reason}", effect.mode, effect.site, effect.priority, now, said, said,
        text.shorten(said, SHORT_MAX[text.DEFAULT]), text.DEFAULT, effect.urgent, effect.reason, effect.person, address,
    )  # fmt: skip


class _Saying:
    """One incident being said to one receiver."""

    def __init__(
        self, composer: Composer, doc: IncidentDoc, language: str, mode: str, reason: str, now: int, role: str = ""
    ) -> None:  # fmt: skip
        self.composer, self.doc, self.language = composer, doc, language
        self.reason, self.role = reason, role
        self.mark = render.mark(mode, language)
        self.headline = composer.headline(doc, language)
        self.place, self.statement, self.who = composer.saying_parts(doc, language)
        self.alarms = sorted(doc.alarms, key=lambda a: (a.priority, a.state == "NORM", a.since, a.id))
        self.now = now

    def title(self) -> str:
        return self._say("message.subject", mark=self.mark, headline=self.headline, place=self.place)

    def time(self) -> str:
        said = self.composer.clock(self.doc.opened_at, self.doc, self.now)
        if not self.doc.late_ms:
            return said
        return self._say("message.late", time=said, duration=text.duration(self.language, self.doc.late_ms))

    def what(self) -> str:
        """The first alarm's words and how many there are; "" when the headline already says just that."""
        if not self.alarms:
            return ""
        said = self.statement(self.alarms[0])
        if len(self.alarms) > 1:
            return self._say("message.what_more", what=said, n=self.doc.alarms_total or len(self.alarms))
        return "" if self.headline.startswith(said) else said

    def short(self) -> str:
        """At most `SHORT_MAX` characters: first the alarm's words go, then the middle of the place."""
        length_max, place = SHORT_MAX[self.language], render.compact(self.place)
        for what in (self.what(), ""):
            whole = self._short(place, what)
            if len(whole) <= length_max:
                return whole
        cut = text.shorten(place, max(len(place) - (len(whole) - length_max), PLACE_MIN))
        return text.shorten(self._short(cut, ""), length_max)

    def _short(self, place: str, what: str) -> str:
        if self.reason == "taken" and self.who:
            who = self._say("message.taken_who", who=self.who)
            return self._say("message.taken", mark=self.mark, who=who, headline=self.headline, place=place,
                             time=self.time())  # fmt: skip
        headline = self.headline
        if self.reason == "closed":
            headline = self._say("message.titled", title=headline,
                                 handling=text.word(self.language, "handling", "closed"))  # fmt: skip
        return self._say(
            "message.short", mark=self.mark, lead=text.word(self.language, "lead", self.reason), headline=headline,
            place=place, what=self._say("message.what", what=what) if what else "", time=self.time(),
        )  # fmt: skip

    def body(self, link: str | None) -> str:
        """The longer text for chat and e-mail: the short one with its whole place, then one fact a line."""
        lines = [self._short(render.compact(self.place), self.what())]
        if link is not None:
            asks = self.reason in ASKING and self.doc.handling in ("open", "reopened")
            lines.append(self._say("message.take_link" if asks else "message.see_link", link=link))
        if self.reason in ASKING:
            lines.append(
                self._say(
                    "message.line_advice", advice=self.composer.advice(self.doc, self.language, self.role)
                )
            )
        if len(self.alarms) > 1:
            lines += [self._alarm_line(alarm) for alarm in self.alarms[:ALARM_LINES_MAX]]
        elif self.alarms and self.alarms[0].unit and not isinstance(self.alarms[0].value, bool | None):
            shown = text.quantity(self.language, self.alarms[0].value, self.alarms[0].unit)
            lines.append(self._say("message.line_value", value=shown))
        if self.reason not in ("taken", "test"):
            lines.append(self._say("message.line_taken", who=self.who or self._say("message.nobody")))
        if self.doc.cause:
            lines.append(
                self._say("message.line_cause", cause=text.word(self.language, "cause", self.doc.cause))
            )
        lines.append(self._say("message.line_number", id=self.doc.id))
        return "\n".join(lines)

    def _alarm_line(self, alarm: AlarmDoc) -> str:
        time = self.composer.clock(alarm.since, self.doc, self.now)
        return f"- {self.composer.alarm_place(alarm)} {self.statement(alarm)} {time}"

    def _say(self, key: str, **params: object) -> str:
        return text.say(self.language, key, **params)
