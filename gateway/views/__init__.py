"""The relational views: incidents, alarms, deliveries and quarantine, folded from the journal for people to ask."""

from gateway.views.applying import Change
from gateway.views.asking import Delivery, IncidentFilter, Quarantine, Standing
from gateway.views.tables import ViewsNewer
from gateway.views.views import Views

__all__ = ["Change", "Delivery", "IncidentFilter", "Quarantine", "Standing", "Views", "ViewsNewer"]
