"""Every way the API says no: RFC 9457 problem documents with a stable, documented list of codes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from starlette.responses import Response

PREFIX: Final = "urn:csg:problem:"
MEDIA_TYPE: Final = "application/problem+json"

PROBLEMS: Final[Mapping[str, tuple[int, str]]] = {
    # The request
    "invalid": (422, "Something in the request is not as it must be; `errors` say what."),
    "bad_cursor": (422, "The cursor is none of ours, or of another question."),
    "bad_query": (422, "The history cannot be asked like this; `detail` says why."),
    "too_many": (422, "That is more than one answer holds; ask for a part of it."),
    "too_large": (413, "The request is larger than this address takes."),
    "slow": (408, "The body did not come in time."),
    "not_found": (404, "There is nothing of that name that you may see."),
    "no_route": (404, "There is nothing at this address."),
    "method_not_allowed": (405, "This address does not know the method; see `Allow`."),
    "idempotency_key": (400, "An act needs the header `Idempotency-Key` (1 to 128 visible ASCII characters)."),
    "precondition_required": (428, "An edit needs the header `If-Match` with the version you saw."),
    "precondition_failed": (412, "Somebody else edited it since you read it; read it again."),
    # Who is asking
    "signed_out": (401, "Sign in first: a session cookie or an API key."),
    "wrong": (401, "Name, password or link is wrong; which of them is not said."),
    "wait": (429, "Too many wrong tries; `Retry-After` says how long to wait."),
    "busy": (503, "Too many sign-ins at once; try again in a second."),
    "csrf": (403, "A write from a browser needs the header `X-CSRF` with the token of GET /session."),
    "forbidden": (403, "You may not do this here."),
    "not_allowed": (403, "Your roles do not allow a session that stays."),
    "rate_limited": (429, "Too many requests; `Retry-After` says how long to wait."),
    # Acts refused by the core; the words of `Answered.code`
    "not_an_alarm": (409, "This act is for an alarm, not for an incident."),
    "closed": (409, "The incident is closed."),
    "taken_by_other": (409, "Somebody else has taken it."),
    "not_now": (409, "The act does not fit the state it is in."),
    "alarm_active": (409, "The alarm's condition is still there."),
    "not_acknowledged": (409, "Nobody has taken it yet."),
    "nothing_to_do": (409, "There is nothing left to do."),
    "bad_verdict": (409, "A verdict is real, false, test or drill."),
    "bad_args": (409, "The act needs other arguments."),
    "changed": (409, "A new alarm came in that you have not seen; look, then decide."),
    "no_verdict": (409, "A P1 incident needs a verdict before it is closed."),
    "not_reset": (409, "A latched alarm must be reset first."),
    "never_p1": (409, "A P1 alarm is never shelved."),
    "second_person": (409, "A second person with the right to do so must stand by."),
    "not_granted": (409, "Nobody else has let it through yet, or the time for looking is over."),
    "nothing_learned": (409, "The device keeps no report period that could be adopted, or too little was heard."),
    # Commands to devices
    "confirm": (409, "Nothing was sent: ask again with `confirm` within 30 s. It takes two presses."),
    "not_offered": (409, "This is never sent to this device."),
    "gas_zone": (409, "Gas may be there: nothing that switches a current is sent into it."),
    "no-picture": (409, "The camera shows nothing now: it is lost, starting, not registered or not in csg.yaml."),
    "no_incident": (409, "This is done only while there is a fire there."),
    "pending": (409, "The device was just asked for it and has not answered yet."),
    "silent": (409, "The device does not answer; ask again with `anyway` to try all the same."),
    "state_unknown": (409, "The device has not said how it stands; ask again with `anyway` to try all the same."),
    "already": (409, "The device says that it is so already; ask again with `anyway` to try all the same."),
    "refused": (409, "The gateway refused; `detail` says why."),
    # Us
    "engine_gone": (503, "The engine does not answer; nothing was done. It is being started again."),
    "camera_gone": (503, "The process of this camera does not answer; it is being started again."),
    "store_failed": (503, "The history cannot be read now."),
    "registry_failed": (503, "The registry cannot be read or written now."),
    "no_evidence": (503, "No pictures can be read or their log be written now, so none is shown."),
    "no_history": (503, "No store that can be asked is configured."),
    "internal": (500, "A bug of ours. It is in the log."),
}  # fmt: skip
"""Code -> (HTTP status, what it means). Codes are only ever added."""

RETRY_AFTER_S: Final = {
    "busy": 1,
    "engine_gone": 2,
    "camera_gone": 2,
    "store_failed": 5,
    "no_evidence": 5,
    "registry_failed": 5,
}


class Problem(Exception):
    """Raise it anywhere below a route. `more` goes into the document beside the standard members."""

    def __init__(self, code: str, detail: str = "", *, retry_after_s: int | None = None, **more: Any) -> None:
        super().__init__(code)
        if code not in PROBLEMS:
            code, detail = "refused", detail or code
        self.code, self.detail, self.more = code, detail, more
        self.retry_after_s = RETRY_AFTER_S.get(code) if retry_after_s is None else retry_after_s

    def response(self) -> Response:
        """The answer."""
        status, title = PROBLEMS[self.code]
        body = {"type": PREFIX + self.code, "title": title, "status": status, "code": self.code, **self.more}
        if self.detail:
            body["detail"] = self.detail
        headers = {"Cache-Control": "no-store"}
        if self.retry_after_s is not None:
            headers["Retry-After"] = str(self.retry_after_s)
        if status == 401:
            headers["WWW-Authenticate"] = 'Bearer realm="csg"'
        return Response(msgspec.json.encode(body), status, headers, MEDIA_TYPE)
