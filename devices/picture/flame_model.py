"""The weights that possible flame ships with, and what they were fitted on.

Fires: house6 of the FURG fire data set (CC0; four renderings: plain, 8 pictures a second, JPEG 30, half size) and 80
drawn fires. Not fires: Intel's car and bottle clips (CC-BY 4.0) and the motorway of DVR-Scan in the same renderings,
and 192 drawn look-alikes of eleven kinds (`devices.picture.lookalikes`). Fitted by `devices.picture.teaching`, a real
clip counting as much as four drawn ones.

Each clip judged by weights fitted without it and without its other renderings: house6 found 4 of 4 times, after 5.6 to
5.8 s; 73 of 80 drawn fires found within 8 s (95 %: 83 to 96 %); nothing false in the 192 drawn look-alikes (0.43 h; 95
%: below 8.6 an hour) nor in the real clips without fire (0.12 h). On drawn clips made later, 9 of 12 fires were found
within 8 s and 2 of 68 look-alikes were called flames (swaying lanterns, somebody in orange). That is far too little to
promise a rate of false alarms.
"""

from __future__ import annotations

from typing import Final

from devices.picture.logistic import Model

_ROWS: Final = (  # name, mean, scale, weight
    ("flicker", 0.2497, 0.1229, -2.3757),
    ("alone", 0.5624, 0.2331, -3.5411),
    ("outline", 0.7931, 0.2812, 0.056),
    ("restless", 0.8011, 0.2897, -0.7445),
    ("drift", 0.3067, 0.335, -0.7593),
    ("breadth", 0.9053, 0.314, 1.5864),
    ("pulse", 0.4127, 0.4062, -2.4612),
    ("growth", 0.0625, 0.9417, -0.358),
    ("glow", 0.2553, 0.2601, 0.4023),
    ("red", 0.851, 0.3113, -0.2651),
    ("range", 0.308, 0.1204, 2.5011),
    ("reversal", 0.3691, 0.1294, 1.8798),
    ("regular", 0.4974, 0.2613, -0.7336),
    ("modes", 0.2777, 0.153, 1.2698),
)
SHIPPED: Final = Model(
    tuple(row[0] for row in _ROWS),
    tuple(row[1] for row in _ROWS),
    tuple(row[2] for row in _ROWS),
    tuple(row[3] for row in _ROWS),
    -0.1645,
    (
        "FURG house6",
        "Intel car-detection",
        "Intel bottle-detection",
        "DVR-Scan traffic_camera",
        "272 drawn clips",
    ),
)
