"""Rows of what other cameras raised alarms about, from the journal: for the figures of false alarms, without a picture.

Pictures of Frigate, ONVIF, Axis, Hikvision and Dahua cameras stay with them. Our own cameras' processes write their
rows themselves, beside the pictures, of all but a view that is covered or turned.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Collection, Sequence
from typing import Final

import structlog

from devices.catalogue import Catalogue
from devices.reading import source_of
from gateway.core.alarm import STANDING
from gateway.core.effect import AlarmChanged, AlarmDoc
from gateway.evidence.rows import CameraEvent
from gateway.evidence.store import Evidence
from gateway.journal import Row

CAMERA: Final = "camera"  # the kind of device
TAMPER: Final = "camera_tamper"
ONLY_CAMERAS: Final = frozenset(
    (TAMPER, "line_crossing", "loitering", "object_removed", "possible_flame", "smoke_detected_visual")
)
"""Metrics that nothing else has: who raises them is a camera though no catalogue says so."""
SEEN: Final = ONLY_CAMERAS | frozenset(
    ("ebike_detected", "fire_detected", "heat", "intrusion", "motion", "obstruction", "person_detected", "smoke",
     "vehicle_detected")
)  # fmt: skip
"""What cameras see; an alarm input, a lost picture or a full disk of theirs is none of it."""
DAY_MAX: Final = 500
"""Rows of one camera in 24 hours: that many false alarms are too many however many more there were."""

log = structlog.get_logger(__name__)


class Sightings:
    """`apply` from the thread that follows the journal; a row that comes twice changes nothing."""

    def __init__(self, evidence: Evidence, catalogue: Callable[[], Catalogue], own: Collection[str]) -> None:
        """`own`: the sources of the gateway's own cameras."""
        self._evidence, self._catalogue, self._own = evidence, catalogue, frozenset(own)
        self._failing = False

    def apply(self, rows: Sequence[Row]) -> None:
        """Keep what cameras raised in these rows; a disk that refuses costs them and nothing else."""
        for row in rows:
            for happened in row.happened:
                if type(happened.result) is AlarmChanged:
                    self._alarm(happened.result.doc)

    def _alarm(self, doc: AlarmDoc) -> None:
        if doc.metric not in SEEN or doc.state not in STANDING or not doc.device:
            return
        source = source_of(doc.device)
        if source in self._own and doc.metric != TAMPER:
            return
        catalogue = self._catalogue()
        device = catalogue.devices.get(doc.device)
        if doc.metric not in ONLY_CAMERAS and (device is None or device.kind != CAMERA):
            return
        known = catalogue.sources.get(source)
        event = CameraEvent(
            camera=doc.device, type=doc.metric, at=doc.since, place=doc.place, site=doc.site, zone=doc.channel,
            priority=doc.priority, incident=doc.incident, simulated=known is not None and known.simulated,
        )  # fmt: skip
        try:
            self._evidence.add_event(event, doc.since, day_max=DAY_MAX)
        except sqlite3.Error as error:
            if not self._failing:
                log.error("camera events of other makers are not kept", reason=str(error))
            self._failing = True
        else:
            self._failing = False
