"""Parsed profile files in, profiles out: what is wrong is said with its place, and every case must come true."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec

from devices.profile import Profile, Profiles
from devices.profile_check import Wrong, wrong_with
from devices.profiles import paths


class ProfileFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole of a profile file. `like` in its profiles is already resolved when it is read through `load`."""

    profiles: tuple[Profile, ...] = ()


class ProfileWrong(ValueError):
    """A profile that cannot be used; `wrongs` says everything that is wrong with it."""

    def __init__(self, wrongs: Iterable[Wrong]) -> None:
        self.wrongs = tuple(wrongs)
        super().__init__("; ".join(str(w) for w in self.wrongs))


def compile_profile(data: Any, base: Mapping[str, Any] | None = None) -> Profile:
    """One profile from plain data. `base` are other profiles' data by name, for `like`.

    Raises msgspec.ValidationError for what has the wrong shape, ProfileWrong for what has not the right meaning.
    """
    profile = msgspec.convert(resolved(data, base or {}), Profile)
    wrongs = list(wrong_with(profile))
    if wrongs:
        raise ProfileWrong(wrongs)
    return profile


def resolved(data: Any, base: Mapping[str, Any]) -> Any:
    """A profile's data with what it takes from the one it is `like`: each of its own keys replaces that one's key.

    Cases are not taken: they are the other's. Data of no shape and unknown names are given back for others to judge.
    """
    like = base.get(data["like"]) if isinstance(data, Mapping) and isinstance(data.get("like"), str) else None
    if like is None:
        return data
    return {k: v for k, v in like.items() if k not in {"cases", "match"}} | dict(data)


@lru_cache(maxsize=1)
def shipped() -> Profiles:
    """All profiles that come with the house. They have no problems: a test sees to that."""
    return Profiles(shipped_profiles())


@lru_cache(maxsize=1)
def shipped_profiles() -> tuple[Profile, ...]:
    """The shipped profiles in the order of their files."""
    return tuple(compile_profile(data, shipped_data()) for data in shipped_data().values())


@lru_cache(maxsize=1)
def shipped_data() -> dict[str, Any]:
    """The shipped profiles' plain data by name."""
    files = (msgspec.yaml.decode(path.read_bytes()) for path in paths())
    return {data["name"]: texted(data) for file in files for data in file["profiles"]}


def texted(data: Any) -> Any:
    """Plain data with every key as text: YAML reads the `1:` of a value list as a number."""
    if isinstance(data, Mapping):
        return {_key(k): texted(v) for k, v in data.items()}
    return [texted(v) for v in data] if isinstance(data, list) else data


def _key(key: Any) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)
