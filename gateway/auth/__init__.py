"""Who somebody is and what they may do: grants, passwords, sessions, one-time tokens and API keys."""

from gateway.auth.grants import EVERYWHERE, Action, Grant, Scope, allows, may_grant, second_person_ok
from gateway.auth.keys import ApiKey, Keys
from gateway.auth.passwords import Busy
from gateway.auth.signin import Auth, Principal, SessionInfo, SignedIn, SignInRefused, csrf, csrf_ok
from gateway.auth.throttle import Throttle
from gateway.auth.users import User, Users

__all__ = [
    "EVERYWHERE",
    "Action",
    "ApiKey",
    "Auth",
    "Busy",
    "Grant",
    "Keys",
    "Principal",
    "Scope",
    "SessionInfo",
    "SignInRefused",
    "SignedIn",
    "Throttle",
    "User",
    "Users",
    "allows",
    "csrf",
    "csrf_ok",
    "may_grant",
    "second_person_ok",
]
