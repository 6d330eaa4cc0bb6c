"""Contact ID as Hikvision alarm panels send it: event codes to what they say.

Sources: SIA DC-05-1999.09 (Ademco Contact ID), codes 100 to 699; Hikvision AX Pro, own codes above 700 and below. The
qualifier, the first of four digits, is 1 for new, 3 for restored, 6 for a state reported again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_CODES: Final[Mapping[str, str]] = {
    "sos": "100 101 102 120 121 122 123 129",
    "fire_detected": "110 112 113 117",
    "smoke": "111 116",
    "heat": "114",
    "call_point": "115",
    "prealarm": "118",
    "tamper": "137 144 145 383",
    "fault": "141 142 143 147",
    "alarm_input": "150",
    "gas": "151",
    "water_leak": "154",
    "temperature_high": "158",
    "temperature_alarm": "152 153 159",
    "co": "162",
    "water_level_alarm": "163",
    "mains_fault": "301",
    "battery_low": "302 384",
    "battery_defect": "309 311",
    "restart": "305",
    "test": "601 604 605 606 607",
    "heartbeat": "602",
}
_OWN: Final[Mapping[str, str]] = {
    "intrusion": "103 750 761 812",
    "fire_detected": "780 811",
    "tamper": "148 341 343 344 346",
    "obstructed": "149",
    "temperature_high": "753 783",
    "temperature_alarm": "754 784",
    "prealarm": "781",
    "sos": "810 847 863",
    "battery_low": "337 347 915 919 925",
    "mains_fault": "339 349",
}
_STANDARD: Final = {int(code): metric for metric, codes in _CODES.items() for code in codes.split()}
_HIKVISION: Final = _STANDARD | {
    int(code): metric for metric, codes in _OWN.items() for code in codes.split()
}
_GROUPS: Final = {10: "sos", 11: "fire_detected", 12: "sos", 13: "intrusion"}


def told(code: int, standard: bool) -> tuple[str, bool] | None:
    """`(metric, state)` of a code with its qualifier (1110: fire, new); None for one that says nothing to us.

    `standard` is whether the code is said to be one of the standard, where Hikvision's own do not count. An alarm code
    nobody lists is an alarm of its group; a restore of a pulse (a panic button) ends it.
    """
    if not 1000 <= code <= 9999:
        return None
    qualifier, event = divmod(code, 1000)
    metric = (_STANDARD if standard else _HIKVISION).get(event)
    if metric is None:
        metric = _GROUPS.get(event // 10, "alarm_input") if event < 200 else "fault" if event < 400 else ""
    if qualifier not in (1, 3, 6) or not metric or event < 100:
        return None
    if metric in ("heartbeat", "restart", "test"):
        return (metric, True) if qualifier != 3 else None
    return metric, qualifier != 3
