"""Whether a message that nobody could read may have been an alarm: then somebody is called to look."""

from __future__ import annotations

import re
from itertools import islice
from typing import Final

from devices.reading import METRICS, MetricClass
from devices.vocabulary import sense, understand

READ_MAX: Final = 16_384  # bytes looked at; what is broken further on is rarely a device's state
PAIRS_MAX: Final = 64

_PAIR: Final = re.compile(rb'"([^"\\\r\n]{1,64})"\s{0,8}:\s{0,8}(?:(true)|(1)(?![\d.])|"([^"\\\r\n]{1,32})")')


def may_alarm(payload: bytes) -> bool:
    """Whether broken JSON holds a key and a value that would be an alarm in whole JSON: `{"smoke":true,"t":NaN}`."""
    for key, yes, one, word in islice(_PAIR.findall(payload[:READ_MAX]), PAIRS_MAX):
        meant = sense(key.decode("utf-8", "replace"))
        if meant is None:
            continue
        value = True if yes else 1 if one else word.decode("utf-8", "replace")
        if any(
            m.value is True and METRICS[m.metric].klass is MetricClass.ALARM for m in understand(meant, value)
        ):
            return True
    return False
