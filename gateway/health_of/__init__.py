"""How each device itself is: what it was learned to do, where it is going, and which places it leaves unguarded."""

from gateway.health_of.figures import Figures, figures, period
from gateway.health_of.keeper import HealthOf
from gateway.health_of.overview import PROBLEMS, Ailing, Overview, WardState, Why, overview

__all__ = [
    "PROBLEMS",
    "Ailing",
    "Figures",
    "HealthOf",
    "Overview",
    "WardState",
    "Why",
    "figures",
    "overview",
    "period",
]
