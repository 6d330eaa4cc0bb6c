"""The relational views: incidents, alarms, deliveries and quarantine, folded from the journal for people to ask."""

from gateway.views.applying import Change
from gateway.views.asking import (
    Delivery,
    Handled,
    IncidentFilter,
    Occurrence,
    Quarantine,
    Standing,
    Unanswered,
)
from gateway.views.tables import ViewsNewer
from gateway.views.views import Views

__all__ = [
    "Change",
    "Delivery",
    "Handled",
    "IncidentFilter",
    "Occurrence",
    "Quarantine",
    "Standing",
    "Unanswered",
    "Views",
    "ViewsNewer",
]
