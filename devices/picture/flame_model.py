"""The weights that possible flame ships with, and what they were fitted on.

Fires: house6 of the FURG fire data set (CC0; three renderings: plain, JPEG 30 at 5 pictures a second, half size), its
flames cut out and laid elsewhere (16 clips), 72 computed fires (half of them held by hand) and 24 drawn ones. Not
fires: Intel's car and bottle clips (CC-BY 4.0) and the motorway of DVR-Scan in the same renderings, 84 drawn
look-alikes of fourteen kinds (`devices.picture.lookalikes`, half of them held by hand), 40 pieces of these clips' own
motion in a flame's colours. All of it laid over these clips (`bench.vision_fires`, seed 100), fitted by
`devices.picture.teaching`.

What it does on clips it was not fitted on is in docs/vision-analytics.md. Fitted without house6 and its flames, it
finds house6 in all three renderings after 6.4 to 8 s, and its flames elsewhere in 26 of 32 clips. One real fire is far
too little to promise a rate of anything.
"""

from __future__ import annotations

from typing import Final

from devices.picture.logistic import Model

_ROWS: Final = (  # name, mean, scale, weight
    ("flicker", 0.2304, 0.1622, -0.5182),
    ("alone", 0.5443, 0.243, -0.3898),
    ("outline", 0.6571, 0.2942, 0.0177),
    ("restless", 0.7305, 0.2902, -0.0702),
    ("drift", 0.3298, 0.3124, 0.1),
    ("breadth", 0.8357, 0.3445, 0.5168),
    ("pulse", 0.4835, 0.4515, -0.3777),
    ("growth", 0.0423, 1.0444, 0.4283),
    ("glow", 0.2518, 0.2463, 0.6906),
    ("red", 0.7136, 0.2564, 0.2845),
    ("range", 0.253, 0.1112, -0.1872),
    ("reversal", 0.3437, 0.1233, 1.3845),
    ("regular", 0.3756, 0.233, 0.0685),
    ("modes", 0.2952, 0.1721, 0.4444),
)
_PRODUCTS: Final = (  # of a feature with itself and with each after it
    (-0.311, 0.019, -0.057, 0.166, -0.161, -0.073, 0.177, -0.102, 0.261, -0.198, 0.47, 0.175, -0.148, -0.661),
    (-0.502, -0.049, -0.091, 0.051, 0.118, 0.004, 0.128, 0.186, -0.132, 0.039, -0.006, 0.07, -0.143),
    (-0.319, 0.551, -0.058, 0.079, -0.077, -0.159, -0.092, 0.385, 0.057, -0.381, 0.036, -0.016),
    (-0.391, 0.059, 0.419, -0.189, 0.145, -0.277, -0.156, -0.414, 0.367, 0.046, 0.185),
    (0.078, -0.104, 0.019, -0.125, 0.133, -0.036, 0.05, -0.2, 0.056, 0.06),
    (-0.283, 0.051, 0.013, 0.333, 0.69, 0.22, 0.143, 0.119, -0.675),
    (0.146, -0.013, -0.13, -0.212, -0.239, 0.164, 0.082, -0.224),
    (-0.015, 0.062, 0.17, 0.048, 0.086, -0.026, -0.204),
    (0.104, 0.774, -0.433, 0.486, 0.161, 0.371),
    (-0.356, 0.745, -0.1, 0.077, -0.104),
    (-0.785, 0.281, -0.048, -0.126),
    (-0.606, -0.168, 0.479),
    (-0.006, -0.014),
    (-0.256,),
)  # fmt: skip
SHIPPED: Final = Model(
    tuple(row[0] for row in _ROWS),
    tuple(row[1] for row in _ROWS),
    tuple(row[2] for row in _ROWS),
    (*(row[3] for row in _ROWS), *(weight for row in _PRODUCTS for weight in row)),
    1.774,
    (
        "FURG house6",
        "Intel car-detection",
        "Intel bottle-detection",
        "DVR-Scan traffic_camera",
        "236 clips laid over these",
    ),
)
