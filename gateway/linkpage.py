"""The page behind a personal link: what, where, since when, what to do, and four big buttons. HTML without scripts.

It opens in the browsers inside WeCom and DingTalk and in old WebViews, so: one file, no script, no outside address,
plain forms. Reading changes nothing; every act is a POST that carries the CSRF value of its own link. Pure functions:
the API fetches the incident, checks the link and performs what `asked` gives.
"""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

import msgspec

from gateway import text
from gateway.links import Link

PAGE_BYTES_MAX: Final = 30_000  # what a phone with one bar loads in a few seconds
NOTE_MAX: Final = 200  # characters of a note
CAUSES: Final = (
    "cooking", "steam", "smoking", "dust", "incense", "insect", "hand", "device", "maintenance", "other",
)  # fmt: skip
"""Causes of a false alarm a person may name; words under `cause.` in the locales."""

Act = Literal["take", "decline", "on_scene", "verdict", "note"]

_FIELD_MAX: Final = 120  # characters of a name or a place on the page
_ALARMS_MAX: Final = 6
_ACTS: Final[Mapping[str, Act]] = {
    "take": "take", "decline": "decline", "on_scene": "on_scene", "verdict": "verdict", "note": "note",
}  # fmt: skip
_VERDICTS: Final[Mapping[str, Literal["real", "false"]]] = {"real": "real", "false": "false"}
_UNTAKEN: Final = ("open", "reopened")
_INVISIBLE: Final = re.compile("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")

_CSS: Final = re.sub(
    r"\s*\n\s*",
    "",
    """
* { box-sizing: border-box }
body { margin: 0; font: 18px/1.5 -apple-system, 'PingFang SC', 'Microsoft YaHei', 'Noto Sans CJK SC', sans-serif;
  color: #111; background: #f2f3f5 }
main, header { max-width: 640px; margin: 0 auto; padding: 12px 16px }
header { background: #b3261e; color: #fff }
header.p2 { background: #8a4b00 }
header.p3, header.p4 { background: #37474f }
header.sim { background: #4a3a8c }
header.done { background: #2e5a36 }
h1 { margin: 0; font-size: 26px; line-height: 1.3 }
.place { margin: 4px 0 0; font-size: 28px; font-weight: 700; line-height: 1.3 }
.site { margin: 0; opacity: .9 }
.since { margin: 6px 0 0; font-size: 22px }
.since b { font-size: 30px }
.card { background: #fff; border-radius: 10px; padding: 10px 14px; margin: 0 0 12px }
.card h2 { margin: 0; font-size: 15px; font-weight: 400; color: #555 }
.card p { margin: 0 }
.flash { font-weight: 700; border-left: 8px solid #2e7d32 }
.flash.bad { border-color: #b3261e }
.flash.warn { border-color: #c77700 }
button, summary { display: block; width: 100%; min-height: 64px; margin: 0 0 12px; padding: 12px; border: 0;
  border-radius: 12px; font: inherit; font-size: 24px; font-weight: 700; text-align: center; color: #fff;
  background: #37474f }
button.go { min-height: 84px; font-size: 30px; background: #1b5e20 }
button.no, summary { color: #111; background: #fff; border: 2px solid #78909c }
button.real { background: #b3261e }
summary { line-height: 36px }
label { display: block; margin: 0 0 12px }
select, textarea { display: block; width: 100%; margin-top: 4px; padding: 12px; font: inherit;
  border: 1px solid #78909c; border-radius: 8px; background: #fff }
form { margin: 0 }
footer { max-width: 640px; margin: 0 auto; padding: 0 16px 32px; color: #555; font-size: 15px }
footer a { color: #0b57d0; font-size: 20px }
footer p { margin: 8px 0 0 }
""",
)
_CSS_HASH: Final = base64.b64encode(hashlib.sha256(_CSS.encode()).digest()).decode()

_POLICY: Final = (
    f"default-src 'none'; style-src 'unsafe-inline' 'sha256-{_CSS_HASH}'; form-action 'self'; base-uri 'none'"
)
# Browsers that know the hash ignore 'unsafe-inline' (CSP 2, 6.7.2.3); the oldest WebViews know only the latter.

HEADERS: Final[Mapping[str, str]] = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": f"{_POLICY}; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",  # the address of the page is the key to it
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
}
"""Headers every answer with this page must carry."""


class Answer(msgspec.Struct, frozen=True):
    """What became of the act just posted: `act` is take, decline, on_scene, real, false or note.

    `code` is the core's word; `engine_gone` and `bad_request` are the API's own.
    """

    act: str
    ok: bool
    code: str = "ok"
    durable: bool = True


class State(msgspec.Struct, frozen=True):
    """How the page is being looked at. `now` is UTC ms.

    `status` "expired" and "invalid" show nothing of any incident. `mine`: this person has taken it (for residents
    incident/1 does not say who did). `may_verdict`: false for a household, which may only write a note.
    """

    now: int
    status: Literal["ready", "expired", "invalid"] = "ready"
    mine: bool = False
    may_verdict: bool = True
    answer: Answer | None = None


class Asked(msgspec.Struct, frozen=True):
    """A form of this page, read and bounded. `once` makes an idempotency key: the same for a double press, new for a
    new page. `version` is the revision the person saw, or None.
    """

    act: Act
    csrf: str
    once: str
    version: int | None = None
    verdict: Literal["real", "false"] | None = None
    cause: str = ""
    note: str = ""


def page(
    incident1: Mapping[str, Any] | None,
    link: Link | None,
    language: str,
    state: State,
    csrf: str,
    *,
    advice: str = "",
) -> str:
    """The whole page, at most `PAGE_BYTES_MAX` bytes of UTF-8. Escapes everything it is given; never raises for any
    incident/1. `advice` is what to do first in that language. Without an incident or a link it says why.
    """
    language = text.known_language(language)
    if incident1 is None or link is None or state.status != "ready":
        return _dead_end(language, "expired" if state.status == "expired" else "invalid")
    return _Page(incident1, link, language, state, csrf, advice).html()


def asked(fields: Mapping[str, str]) -> Asked | None:
    """What a posted form asks for, or None when it is none of ours. Long text is cut, an unknown cause is "other"."""
    act = _ACTS.get(fields.get("act", ""))
    once, version, cause = fields.get("once", ""), fields.get("version", ""), fields.get("cause", "")
    if act is None or not re.fullmatch("[0-9]{1,16}", once):
        return None
    verdict = _VERDICTS.get(fields.get("verdict", "")) if act == "verdict" else None
    note = (
        _INVISIBLE.sub(" ", fields.get("note", "")).strip()[:NOTE_MAX] if act in ("verdict", "note") else ""
    )
    if (act == "verdict" and verdict is None) or (act == "note" and not note):
        return None
    if verdict != "false":
        cause = ""
    elif cause not in CAUSES:
        cause = "other"
    seen = int(version) if re.fullmatch("[0-9]{1,9}", version) else None
    return Asked(act, fields.get("csrf", "")[:64], once, seen, verdict, cause, note)


class _Page:
    """One page being put together."""

    def __init__(
        self, incident: Mapping[str, Any], link: Link, language: str, state: State, csrf: str, advice: str
    ) -> None:
        self.i, self.link, self.language, self.state, self.csrf = incident, link, language, state, csrf
        self.advice = advice
        self.opened = datetime.fromisoformat(str(incident["opened_at"]))
        self.handling = str(incident["handling"])
        self.closed = self.handling == "closed"
        taken = incident["taken_by"]
        self.who = "" if taken is None else self._who(taken)

    def html(self) -> str:
        title = str(self.i["title"].get(self.language, ""))
        head = "done" if self.closed else "sim" if self.i["mode"] != "live" else f"p{int(self.i['priority'])}"
        body = [
            f'<header class="{head}"><h1>{_esc(title)}</h1>',
            f'<p class="place">{_esc(self.i["place"]["text"])}</p>',
            f'<p class="site">{_esc(self._site())}</p>',
            f'<p class="since"><b>{_esc(self._clock(self.opened))}</b> {_esc(self._age())}</p></header><main>',
            self._flash(),
        ]
        if self.closed:
            body.append(self._card("page.closed_title", self._say("page.closed")))
        else:
            body += [self._first(), self._status(), *self._forms()]
        body += [self._alarms(), "</main>", self._footer()]
        return _document(self.language, title, "".join(body))

    def _first(self) -> str:
        return self._card("page.first", self.advice) if self.advice else ""

    def _forms(self) -> list[str]:
        """The buttons that make sense now, the most wanted one first and largest."""
        mine, untaken = self.state.mine, self.handling in _UNTAKEN
        forms: list[str] = []
        if untaken:
            forms += [self._button("take", "go"), self._button("decline", "no"), self._button("on_scene", "")]
        elif self.handling in ("taken", "dispatched"):
            forms.append(self._button("on_scene", "go" if mine else ""))
            if mine:
                forms.append(self._button("decline", "no"))
        arrived = self.handling in ("on_scene", "under_control")
        forms.append(f"<details{' open' if arrived else ''}><summary>{_esc(self._say('page.report'))}</summary>"
                     f"{self._report()}</details>")  # fmt: skip
        return forms

    def _report(self) -> str:
        note = (
            f"<label>{_esc(self._say('page.note' if self.state.may_verdict else 'page.note_only'))}"
            f'<textarea name="note" rows="3" maxlength="{NOTE_MAX}"></textarea></label>'
        )
        if not self.state.may_verdict:
            return self._form("note", f"{note}<button>{_esc(self._say('page.send_note'))}</button>")
        causes = "".join(
            f'<option value="{c}">{_esc(text.word(self.language, "cause", c))}</option>' for c in CAUSES
        )
        return self._form(
            "verdict",
            f'{note}<button class="real" name="verdict" value="real">{_esc(self._say("page.real"))}</button>'
            f'<label>{_esc(self._say("page.cause"))}<select name="cause">{causes}</select></label>'
            f'<button name="verdict" value="false">{_esc(self._say("page.false"))}</button>',
        )

    def _button(self, act: str, kind: str) -> str:
        return self._form(act, f'<button class="{kind}">{_esc(self._say(f"page.{act}"))}</button>')

    def _form(self, act: str, inside: str) -> str:
        hidden = {
            "act": act,
            "csrf": self.csrf,
            "once": str(max(self.state.now, 0)),
            "version": str(self.i["rev"]),
        }
        fields = "".join(f'<input type="hidden" name="{k}" value="{_esc(v)}">' for k, v in hidden.items())
        return f'<form method="post" autocomplete="off">{fields}{inside}</form>'

    def _status(self) -> str:
        """Who is on it, and whom the call chain asks next."""
        if not self.who and not self.state.mine:
            said = self._say("page.nobody")
        elif self.handling == "on_scene":
            said = (
                self._say("page.you_arrived") if self.state.mine else self._say("page.arrived", who=self.who)
            )
        else:
            said = self._say("page.you_have_it") if self.state.mine else self._say("page.on_it", who=self.who)
        upcoming = self.i["next"]
        if upcoming is not None and upcoming["step"]:
            roles = [text.word(self.language, "role", r) for r in str(upcoming["step"]).split(",")[:6]]
            joined = ("、" if self.language == "zh-CN" else ", ").join(roles)
            time = self._clock(datetime.fromisoformat(str(upcoming["at"])))
            said = f"{said}\n{self._say('page.next_step', time=time, who=joined)}"
        return self._card("page.who", said)

    def _flash(self) -> str:
        answer = self.state.answer
        if answer is None:
            return ""
        if not answer.ok:
            key = "page.unreachable" if answer.code == "engine_gone" else "page.refused"
            why = text.word(self.language, "code", answer.code) if text.has(f"code.{answer.code}") else self._say(
                "code.unknown", code=answer.code)  # fmt: skip
            return f'<div class="card flash bad"><p role="alert">{_esc(self._say(key, why=why))}</p></div>'
        done = (
            self._say(f"page.done_{answer.act}")
            if text.has(f"page.done_{answer.act}")
            else self._say("code.ok")
        )
        if not answer.durable:
            done = f"{done}\n{self._say('page.not_durable')}"
        kind = "flash" if answer.durable else "flash warn"
        return f'<div class="card {kind}"><p role="status">{_lines(done)}</p></div>'

    def _alarms(self) -> str:
        rows: Sequence[Mapping[str, Any]] = self.i["alarms"][:_ALARMS_MAX]
        if not rows:
            return ""
        lines = [self._alarm(row) for row in rows]
        total = int(self.i.get("alarms_total") or len(self.i["alarms"]))
        return self._card(
            "page.alarms", "\n".join([*lines, *(["…"] if total > len(rows) else [])]), f" ({total})"
        )

    def _alarm(self, row: Mapping[str, Any]) -> str:
        since = self._clock(datetime.fromisoformat(str(row["since"])))
        metric = text.word(self.language, "metric", str(row["metric"]))
        return f"{since} {metric} · {text.word(self.language, 'alarm_state', str(row['state']))}"

    def _footer(self) -> str:
        until = self._clock(
            datetime.fromtimestamp(self.link.expires_at / 1000, UTC).astimezone(self.opened.tzinfo)
        )
        now = self._clock(self._now())
        said = (
            f'<p><a href="">{_esc(self._say("page.refresh"))}</a></p><p>{_esc(self._say("page.as_of", time=now))} · '
            f"{_esc(self.i['id'])}</p><p>{_esc(self._say('page.valid_until', time=until))}</p>"
            f"<p>{_esc(self._say('page.not_119'))}</p>"
        )
        return f"<footer>{said}</footer>"

    def _card(self, key: str, said: str, more: str = "") -> str:
        return f'<div class="card"><h2>{_esc(self._say(key) + more)}</h2><p>{_lines(said)}</p></div>'

    def _site(self) -> str:
        path = self.i["place"]["path"]
        return " · ".join(str(p) for p in (path[0] if path else self.i["site"], self.i["place"]["grid"]) if p)

    def _who(self, taken: Mapping[str, Any]) -> str:
        role = text.word(self.language, "role", str(taken["role"])) if taken["role"] else ""
        name = str(taken["name"] or "")
        if name and role:
            return self._say("message.who", name=name, role=role)
        return name or role or text.word(self.language, "role", "resident")

    def _now(self) -> datetime:
        return datetime.fromtimestamp(max(self.state.now, 0) / 1000, UTC).astimezone(self.opened.tzinfo)

    def _age(self) -> str:
        return text.age(self.language, self.state.now - round(self.opened.timestamp() * 1000))

    def _clock(self, at: datetime) -> str:
        return f"{at:%H:%M:%S}" if at.date() == self._now().date() else f"{at:%m-%d %H:%M:%S}"

    def _say(self, key: str, **params: object) -> str:
        return text.say(self.language, key, **params)


def _dead_end(language: str, why: str) -> str:
    title = text.say(language, f"page.{why}_title")
    said = text.say(language, f"page.{why}") + "\n" + text.say(language, "page.not_119")
    head = f'<header class="p3"><h1>{_esc(title)}</h1></header>'
    return _document(language, title, f'{head}<main><div class="card"><p>{_lines(said)}</p></div></main>')


def _document(language: str, title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        '<meta name="referrer" content="no-referrer">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f"<title>{_esc(title)}</title><style>{_CSS}</style></head><body>{body}</body></html>"
    )


def _lines(said: str) -> str:
    return "<br>".join(_esc(line, 400) for line in said.split("\n"))


def _esc(value: object, length_max: int = _FIELD_MAX) -> str:
    """Text safe between tags and in quoted attributes: cut, without control and direction-override characters."""
    return html.escape(text.shorten(_INVISIBLE.sub(" ", str(value)), length_max), quote=True)
