"""A small logistic regression over features and their products: fitted by Newton's method, judged on unseen clips.

The products let a feature have a best value instead of a best direction (a flame flickers more than a wall and less
than a lamp that blinks), and let one feature mean something else where another is high.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec
import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

RIDGE: Final = 15.0  # keeps weights small where examples are few; in units of examples
ROUNDS: Final = 60  # Newton needs about eight
FAR: Final = 3.0  # standard deviations: what lies farther out than ever seen counts no more than this


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Weights of named features that are centred and scaled first, and of the products of each two of them (each with
    itself too, in the order of `wide`). `sources` says what it was fitted on.
    """

    features: tuple[str, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[float, ...]
    bias: float
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        count = len(self.features)
        if {len(self.mean), len(self.scale)} != {count} or len(self.weights) != count + count * (
            count + 1
        ) // 2:
            raise ValueError(
                "a model has a mean and a scale for each feature, a weight for each and for each two"
            )
        numbers = np.array([*self.mean, *self.scale, *self.weights, self.bias])
        if not np.isfinite(numbers).all() or min(self.scale, default=1.0) <= 0:
            raise ValueError("the numbers of a model are finite, and its scales above 0")

    def probability(self, features: Numbers) -> float:
        """How sure the model is, 0..1, of one example."""
        centred = wide(((features - np.array(self.mean)) / np.array(self.scale))[None])[0]
        return float(1 / (1 + np.exp(-np.clip(centred @ np.array(self.weights) + self.bias, -30, 30))))


def wide(centred: Numbers) -> Numbers:
    """Rows of centred features, cut off at FAR, followed by their products: 0 with 0, 0 with 1, ..., 1 with 1, ..."""
    near = np.clip(centred, -FAR, FAR)
    one, other = np.triu_indices(near.shape[1])
    return np.hstack([near, near[:, one] * near[:, other]])


def fit(names: Sequence[str], examples: Numbers, labels: NDArray[np.bool_], shares: Numbers) -> Model:
    """The model of examples (rows) with labels; `shares` says how much each counts.

    Both labels count the same in all, so the bias favours neither. Raises ValueError when one of them is missing.
    """
    if labels.all() or not labels.any():
        raise ValueError("a model needs examples of both kinds")
    share = shares.copy()
    for kind in (labels, ~labels):
        share[kind] *= len(labels) / 2 / share[kind].sum()
    mean = np.average(examples, axis=0, weights=share)
    scale = np.sqrt(np.average((examples - mean) ** 2, axis=0, weights=share)) + 1e-6
    centred = wide((examples - mean) / scale)
    columns = np.hstack([centred, np.ones((len(centred), 1))])
    penalty = np.diag([RIDGE] * centred.shape[1] + [0.0])
    weights = np.zeros(columns.shape[1])
    for _ in range(ROUNDS):
        likely = 1 / (1 + np.exp(-np.clip(columns @ weights, -30, 30)))
        slope = columns.T @ (share * (labels - likely)) - penalty @ weights
        curve = (columns * (share * likely * (1 - likely) + 1e-9)[:, None]).T @ columns + penalty
        step = np.linalg.solve(curve, slope)
        weights += np.clip(step, -2, 2)
        if float(np.abs(step).max()) < 1e-6:
            break
    rounded = [tuple(round(float(value), 4) for value in part) for part in (mean, scale, weights[:-1])]
    return Model(tuple(names), rounded[0], rounded[1], rounded[2], round(float(weights[-1]), 4))


def wilson(hits: int, of: int) -> tuple[float, float]:
    """The 95 % interval of a part seen as `hits` `of` so many (Wilson 1927); (0, 1) of nothing."""
    if of == 0:
        return 0.0, 1.0
    z, part = 1.96, hits / of
    middle = (part + z * z / (2 * of)) / (1 + z * z / of)
    half = z / (1 + z * z / of) * np.sqrt(part * (1 - part) / of + z * z / (4 * of * of))
    return max(0.0, float(middle - half)), min(1.0, float(middle + half))


def poisson(count: int, hours: float) -> tuple[float, float]:
    """The 95 % interval of a rate an hour of which so many were counted (Byar's approximation); (0, inf) of no time."""
    if hours <= 0:
        return 0.0, float("inf")
    low = count * (1 - 1 / (9 * count) - 1.96 / (3 * count**0.5)) ** 3 if count else 0.0
    more = count + 1
    high = more * (1 - 1 / (9 * more) + 1.96 / (3 * more**0.5)) ** 3
    return max(low, 0.0) / hours, high / hours
