"""Every word people see, in every language: keys and parameters in, text out.

The words live in `locales/<language>.json`, two levels deep (`group.key`); `{name}` stands for a parameter. The web
console imports the same files. They hold no `@` and no `|`, which its library reads as commands.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

DEFAULT: Final = "zh-CN"
LANGUAGES: Final = ("zh-CN", "en")
MISSING_MAX: Final = (
    500  # keys counted by name; a key may hold a device's own word, so their number has no end
)

_HERE: Final = Path(__file__).parent / "locales"
_PARAMETER: Final = re.compile(r"\{(\w+)\}")

UNITS: Final = {
    "degC": "℃", "deg": "°", "m3": "m³", "m/s2": "m/s²", "ug/m3": "µg/m³", "kWh": "kWh", "month": "unit.month",
}  # fmt: skip
"""How canonical units are written for people where that differs; a value with a dot is a key."""


def _load(language: str) -> dict[str, str]:
    groups = json.loads((_HERE / f"{language}.json").read_text(encoding="utf-8"))
    return {f"{group}.{key}": text for group, words in groups.items() for key, text in words.items()}


_TEXTS: Final[dict[str, dict[str, str]]] = {language: _load(language) for language in LANGUAGES}
_missing: Final[dict[str, int]] = {}


def say(language: str, key: str, **params: object) -> str:
    """The text of `key` in `language` with its parameters filled in. Never raises.

    A language or key we do not have is taken from the other language, and a key nobody has is said as it is; both are
    counted in `missing()`. A parameter that was not given is left out.
    """
    text = _TEXTS.get(language, {}).get(key)
    if text is None:
        _count(f"{language}/{key}")
        text = next((texts[key] for texts in _TEXTS.values() if key in texts), key)
    if "{" not in text:
        return text
    return _PARAMETER.sub(lambda found: str(params.get(found[1], "")), text)


def word(language: str, group: str, code: str) -> str:
    """The word for a code of a set (`hazard`, `role`, `metric`, ...); an unknown code is said as it is."""
    if (known := _TEXTS.get(language, _TEXTS[DEFAULT]).get(f"{group}.{code}")) is not None:
        return known
    if code:
        _count(f"{language}/{group}.{code}")
    return code


def has(key: str) -> bool:
    """Whether every language has the key."""
    return all(key in texts for texts in _TEXTS.values())


def keys(language: str) -> Iterator[tuple[str, str]]:
    """Every `(key, text)` of one language, in the order of its file."""
    yield from _TEXTS[language].items()


def group(language: str, name: str) -> dict[str, str]:
    """Every code of a set with its word."""
    start = f"{name}."
    return {key[len(start) :]: word for key, word in _TEXTS[language].items() if key.startswith(start)}


def missing() -> dict[str, int]:
    """How often each `language/key` was asked for and not found since the start; for `/metrics`."""
    return dict(_missing)


def known_language(language: str) -> str:
    """A language we speak: the asked one, one of the same family (`en-GB` -> `en`), or the default."""
    if language in _TEXTS:
        return language
    family = language.partition("-")[0].lower()
    return next((have for have in LANGUAGES if have.partition("-")[0].lower() == family), DEFAULT)


def parameters(text: str) -> set[str]:
    """The names of the parameters a text takes."""
    return set(_PARAMETER.findall(text))


def age(language: str, elapsed_ms: int) -> str:
    """ "2 分钟前": how long ago, in the largest whole unit; under five seconds, and the future, are "just now"."""
    if elapsed_ms < 5_000:
        return say(language, "age.now")
    number, unit = _largest(elapsed_ms)
    return say(language, f"age.{unit}", n=number)


def duration(language: str, length_ms: int) -> str:
    """ "12分钟": a length of time in its largest whole unit."""
    number, unit = _largest(max(length_ms, 0))
    return say(language, f"duration.{unit}", n=number)


def quantity(language: str, value: object, unit: str | None) -> str:
    """A measured value for people: at most four significant decimals and the unit as people write it."""
    shown = f"{value:.4g}" if isinstance(value, float) else str(value)
    if unit is None:
        return shown
    written = UNITS.get(unit, unit)
    return f"{shown} {say(language, written) if '.' in written else written}"


def shorten(text: str, length_max: int) -> str:
    """The text, or its beginning and end with "…" between: of a place both the building and the room matter."""
    if len(text) <= length_max:
        return text
    if length_max <= 1:
        return "…"[:length_max]
    tail = (length_max - 1) // 2
    return text[: length_max - 1 - tail] + "…" + (text[-tail:] if tail else "")


def _largest(length_ms: int) -> tuple[int, str]:
    seconds = length_ms // 1000
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= size:
            return seconds // size, unit
    return seconds, "seconds"


def _count(key: str) -> None:
    if key in _missing or len(_missing) < MISSING_MAX:
        _missing[key] = _missing.get(key, 0) + 1
