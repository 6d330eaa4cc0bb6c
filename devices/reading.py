"""The vocabulary everything else imports: readings, points, flags and the metric table."""

from __future__ import annotations

from enum import IntFlag, StrEnum
from typing import Final

import msgspec

Value = bool | int | float | str | None
"""A level, a number in the metric's canonical unit, a short text (at most 255 characters), or no reading."""

TEXT_MAX: Final = 255


class Flag(IntFlag):
    """What is known about one reading beside its value; stored with every reading."""

    INVALID = 1  # the device really sent it but it cannot be true; kept, never judged
    HISTORICAL = 2  # the protocol says it is stored data sent late; recorded, never a live alarm
    RETAINED = 4  # the broker replayed its last value; recorded, never a live alarm
    SIMULATED = 8  # from a simulated source; set by the gateway from the source, never by a codec
    COALESCED = 16  # stands for several readings of this point (their minimum, maximum or last)
    CLOCK_BAD = 32  # measured_at comes from a clock known or seen to be wrong; received time orders
    LATE = 64  # measured_at was more than a minute old when it arrived; set by the gateway


class MetricClass(StrEnum):
    """What kind of statement a metric makes (the classes of the payload vectors)."""

    ALARM = "alarm"  # life safety or security: True = active, False = explicitly normal
    FAULT = "fault"  # battery, tamper, sensor or mains trouble
    TEST = "test"
    STATUS = "status"
    MEASUREMENT = "measurement"


class Condition(StrEnum):
    """The conditions a device can report; different things, never one "triggered"."""

    ALARM = "alarm"
    PREALARM = "prealarm"
    FAULT = "fault"
    SUPERVISORY = "supervisory"
    TEST = "test"
    HUSH = "hush"
    LOW_BATTERY = "low_battery"
    TAMPER = "tamper"
    END_OF_LIFE = "end_of_life"


class Hazard(StrEnum):
    """What threatens people or things; with the place, the identity of an incident."""

    FIRE = "fire"
    GAS = "gas"
    CO = "co"
    WATER = "water"
    INTRUSION = "intrusion"
    SOS = "sos"
    OBSTRUCTION = "obstruction"
    EQUIPMENT = "equipment"
    COVERAGE = "coverage"


class Privacy(StrEnum):
    """Who a value speaks about; decides retention and who may see it."""

    PUBLIC = "public"  # shared facilities
    HOUSEHOLD = "household"  # says something about life inside a home
    PERSONAL = "personal"  # says something about one person


class Metric(msgspec.Struct, frozen=True, gc=False):
    """One row of the metric table: a canonical name and everything that follows from it.

    `pulse` marks metrics whose every True is a new event (an SOS press), not a level.
    """

    name: str
    klass: MetricClass
    unit: str | None = None
    condition: Condition | None = None
    hazard: Hazard | None = None
    privacy: Privacy = Privacy.PUBLIC
    pulse: bool = False


def _table() -> dict[str, Metric]:
    home, person = Privacy.HOUSEHOLD, Privacy.PERSONAL
    alarm, fault = MetricClass.ALARM, MetricClass.FAULT
    status, measurement = MetricClass.STATUS, MetricClass.MEASUREMENT
    rows: list[Metric] = []

    def add(
        names: str,
        klass: MetricClass,
        *,
        unit: str | None = None,
        condition: Condition | None = None,
        hazard: Hazard | None = None,
        privacy: Privacy = Privacy.PUBLIC,
        pulse: bool = False,
    ) -> None:
        rows.extend(Metric(n, klass, unit, condition, hazard, privacy, pulse) for n in names.split())

    on = Condition.ALARM
    add("smoke smoke_remote heat fire_detected", alarm, condition=on, hazard=Hazard.FIRE, privacy=home)
    add("smoke_detected_visual", alarm, condition=on, hazard=Hazard.FIRE)
    add("call_point", alarm, condition=on, hazard=Hazard.FIRE)
    add("gas", alarm, condition=on, hazard=Hazard.GAS, privacy=home)
    add("co", alarm, condition=on, hazard=Hazard.CO, privacy=home)
    add("water_leak", alarm, condition=on, hazard=Hazard.WATER, privacy=home)
    add(
        "water_level_alarm pressure_low hydrant_open hydrant_tilt hydrant_hit",
        alarm,
        condition=on,
        hazard=Hazard.WATER,
    )
    add("sos", alarm, condition=on, hazard=Hazard.SOS, privacy=person, pulse=True)
    add(
        "intrusion loitering door_forced door_held_open alarm_input audio_alarm",
        alarm,
        condition=on,
        hazard=Hazard.INTRUSION,
    )
    # Cameras say that a line was crossed, and never that it no longer is: each time is news, and over as it happens.
    add("line_crossing", alarm, condition=on, hazard=Hazard.INTRUSION, pulse=True)
    add("camera_tamper", alarm, condition=Condition.TAMPER, hazard=Hazard.INTRUSION)
    add(
        "alarm_unspecified", alarm, condition=on, hazard=Hazard.FIRE, privacy=home
    )  # a device's alarm, no word of what
    add("obstruction", alarm, condition=on, hazard=Hazard.OBSTRUCTION)
    add("equipment_alarm", alarm, condition=on, hazard=Hazard.EQUIPMENT)
    add(
        "overtemp temperature_alarm temperature_high overcurrent overpower current_threshold",
        alarm,
        condition=on,
        hazard=Hazard.EQUIPMENT,
    )
    add("prealarm", fault, condition=Condition.PREALARM)
    add("supervisory", fault, condition=Condition.SUPERVISORY)
    add("battery_low washer_liquid_low", fault, condition=Condition.LOW_BATTERY)
    add("tamper", fault, condition=Condition.TAMPER)
    add("end_of_life", fault, condition=Condition.END_OF_LIFE)
    add(
        "fault battery_defect backflow mains_fault obstructed storage_fault video_loss panel_power_fault"
        " stream_slow",
        fault,
        condition=Condition.FAULT,
    )
    add("test", MetricClass.TEST, condition=Condition.TEST)
    add("muted", status, condition=Condition.HUSH)
    add("access_denied access_event access_granted operator snapshot_ref", status, privacy=person)
    add("person_detected presence motion occupied plate zone geofence", status, privacy=home)
    add(
        "alarm_flag audio_detected availability button buzzer camera_online camera_registered cap_open classification"
        " contact_state command_result detection_enabled device_announce device_joined device_left digital_input"
        " door_open duty_answered ebike_detected event_phase gas_level gateway_availability heartbeat inventory"
        " mains_power mounted object_class object_removed online possible_flame power_low reason relay review_severity"
        " self_test self_test_result sensor_valid switch_state tilt trigger valve_open vehicle_detected vibration"
        " view_reliable wakeup_reason warmup water_level_state"
        " discovery restart",
        status,
    )
    for names, unit in (
        ("acceleration", "m/s2"), ("angle latitude longitude", "deg"), ("audio_level", "dBFS"),
        ("battery flood_level humidity water_level_percent", "%"),
        ("battery_voltage voltage supply_voltage", "V"),
        ("co2_ppm co_ppm gas_ppm h2s_ppm nh3_ppm no2_ppm smoke_concentration", "ppm"),
        ("current current_max leakage_current loop_current neutral_current", "mA"),
        ("device_temperature temperature", "degC"), ("distance water_level", "mm"), ("energy", "kWh"),
        ("flow", "L/min"), ("gas_lel gas_concentration", "%LEL"), ("illuminance", "lx"),
        ("life_remaining", "month"), ("link_margin", "dB"), ("pm2_5", "ug/m3"), ("power", "W"),
        ("pressure pressure_barometric", "kPa"), ("reactive_power", "VAR"), ("rssi", "dBm"),
        ("smoke_obscuration", "dB/m"), ("volume", "m3"), ("water_level_depth", "m"), ("age disk_free_bytes", None),
        ("audio_rms confidence linkquality object_count_active person_count pulse_count smoke_density", None),
        ("vaping_index vehicle_count volume_index uptime", None),
    ):  # fmt: skip
        add(names, measurement, unit=unit)
    # The gateway is itself a device (design section 3): these are its own points.
    add("broker_link broker_trouble subscription process_alive alarm_unread", status)
    add("journal_ok registry_ok clock_ok rule_ok ingest_ok channel_ok store_ok", status)
    add("quarantined dropped coalesced disk_free_percent store_lag_s coverage", measurement)
    # Once a minute, of the last day: alarm management (EEMUA 191) by site, devices by what is wrong with them.
    add(
        "alarms_10min alarm_rate_10min alarm_peak_10min alarms_raised alarms_chattering alarms_fleeting alarms_standing"
        " alarms_stale alarms_shelved alarms_out_of_service escalations_unanswered false_alarms devices_by_health",
        measurement,
    )
    add("flood_percent top_alarms_percent answer_late_percent false_alarm_percent", measurement, unit="%")
    add("coverage_percent", measurement, unit="%")
    add("answer_median_s answer_p95_s", measurement, unit="s")
    return {m.name: m for m in rows}


METRICS: Final[dict[str, Metric]] = _table()
"""Every canonical metric by name. Units are one canonical unit each; codecs convert at the edge."""

GRAVE: Final = frozenset(
    m.name for m in METRICS.values() if m.klass in {MetricClass.ALARM, MetricClass.FAULT}
)
"""Alarms and faults: where one message speaks twice of such a thing, the yes counts."""


class Reading(msgspec.Struct, frozen=True, gc=False, array_like=True):
    """One value of one point.

    `point` is `device/metric/channel` (see `point_id`); `measured_at` is the device's word in UTC milliseconds or None
    when it said nothing; `flags` are `Flag` bits. The time of arrival is the stamp of the event that holds it.
    """

    point: str
    value: Value
    measured_at: int | None = None
    flags: int = 0


def device_id(source: str, native: str) -> str:
    """The stable id of a device: its source and the name the hardware gives itself. `native` may hold any text."""
    return f"{source}:{native}"


def point_id(device: str, metric: str, channel: str = "") -> str:
    """The id of one measured quantity. Neither `metric` nor `channel` may hold a slash; the device's name may."""
    return f"{device}/{metric}/{channel}"


def split_point(point: str) -> tuple[str, str, str]:
    """`(device, metric, channel)` of a point id."""
    device, metric, channel = point.rsplit("/", 2)
    return device, metric, channel


def is_pulse(point: str) -> bool:
    """Whether each True of this point is an event of its own."""
    known = METRICS.get(split_point(point)[1])
    return known is not None and known.pulse


def source_of(device: str) -> str:
    """The source part of a device id (source names hold no colon)."""
    return device.partition(":")[0]
