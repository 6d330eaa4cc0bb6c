"""Reads a site's own profile files and says what is wrong with them by file and line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from devices.profile import Profile, Profiles
from devices.profile_check import wrong_with
from devices.profile_load import ProfileFile, resolved, shipped_data, shipped_profiles
from gateway.config.document import Document, Problem, read
from gateway.config.rulefiles import file_bytes
from gateway.shape import faults, found, nearest, one_of


def site_profiles(paths: Iterable[Path]) -> tuple[Profiles, list[Problem]]:
    """The profiles that apply, the site's before the shipped ones, and every problem of all files.

    A site's profile with a shipped one's name stands in its place. Unreadable files are problems too; a profile with
    problems is left out.
    """
    known: dict[str, Any] = dict(shipped_data())
    own: dict[str, Profile] = {}
    problems: list[Problem] = []
    for path in paths:
        text = file_bytes(path)
        if isinstance(text, Problem):
            problems.append(text)
            continue
        document, wrong = read(str(path), text)
        problems += wrong
        if document is None or document.data is None:
            continue
        problems += _file(document, known, own)
    kept = (p for p in shipped_profiles() if p.name not in own)
    return Profiles(kept, own.values()), problems


def _file(document: Document, known: dict[str, Any], own: dict[str, Profile]) -> list[Problem]:
    """Take the profiles of one file into `own` and, for others to be `like`, into `known`."""
    data = document.data
    listed = data.get("profiles") if isinstance(data, Mapping) else None
    if not isinstance(listed, list):
        return [
            document.problem(f.path, f.expected, f.found, f.nearest, key=f.key)
            for f in faults(data, ProfileFile)
        ] or [document.problem((), "a mapping with the key profiles", found(data))]
    problems: list[Problem] = []
    for i, item in enumerate(listed):
        like = item.get("like") if isinstance(item, Mapping) else None
        if like is not None and like not in known:
            path = ("profiles", i, "like")
            problems.append(document.problem(path, one_of(known), found(like), nearest(like, known)))
            continue
        whole = {**data, "profiles": [*([{"name": "x"}] * i), resolved(item, known)]}
        shape = faults(whole, ProfileFile)
        if shape:
            problems += (document.problem(f.path, f.expected, f.found, f.nearest, key=f.key) for f in shape)
            continue
        profile = msgspec.convert(whole["profiles"][i], Profile)
        if profile.name in own:
            path = ("profiles", i, "name")
            problems.append(
                document.problem(path, "each profile's name once", f"{found(profile.name)} again")
            )
            continue
        wrong = [
            document.problem(("profiles", i, *w.path), w.expected, w.found, w.nearest)
            for w in wrong_with(profile)
        ]
        problems += wrong
        known[profile.name] = whole["profiles"][i]
        if not wrong:
            own[profile.name] = profile
    return problems
