"""What to change in a mosquitto.conf so that alarms survive the gateway's absence; text in, findings out.

Mosquitto's defaults lost 9 000 of 10 000 messages queued for an absent consumer in a trial: 20 in flight and 1 000
queued are kept, the rest is dropped without a word to publisher or consumer.
"""

from gateway.broker import mosquitto

_DEFAULT_QUEUED = 1000  # mosquitto.conf(5), 2.0
_DEFAULT_INFLIGHT = 20
_DEFAULT_AUTOSAVE_S = 1800
_AUTOSAVE_MAX_S = 60


def doctor_mosquitto(conf_text: str) -> list[str]:
    """One English sentence for each of the settings that would lose or delay messages; none: all is well.

    Knows mosquitto.conf(5) of 2.0. Files named by `include_dir` are not looked into, which is a finding itself.
    """
    settings = _settings(conf_text)
    findings = [
        *_queue(settings),
        *_persistence(settings),
        *_in_flight(settings),
    ]
    if "include_dir" in settings:
        findings.append(f"include_dir {settings['include_dir']}: settings in there were not looked at")
    return findings


def _queue(settings: dict[str, str]) -> list[str]:
    findings = []
    if _number(settings, "max_queued_messages", _DEFAULT_QUEUED) != 0:
        findings.append(
            f"max_queued_messages is {settings.get('max_queued_messages', '1000 (default)')}: while the gateway is "
            "away, messages beyond that are dropped without a word; set it to 0 and bound the queue by bytes"
        )
    if _number(settings, "max_queued_bytes", 0) == 0:
        findings.append(
            "max_queued_bytes is not set: without it one absent client can fill the broker's memory; "
            f"set it to {mosquitto.QUEUED_BYTES_MAX}"
        )
    return findings


def _persistence(settings: dict[str, str]) -> list[str]:
    if settings.get("persistence", "false").lower() != "true":
        return ["persistence is off: when the broker restarts, all queued messages are gone; set it to true"]
    if settings.get("autosave_on_changes", "false").lower() == "true":
        finding = (
            "autosave_on_changes is on: mosquitto writes its whole queue after so many messages; with 1 it took 180 "
            "messages a second in a trial, with many an alarm in a quiet hour stays unsaved; "
            f"set it to false and autosave_interval to {mosquitto.AUTOSAVE_S}"
        )
        return [finding]
    if not 0 < _number(settings, "autosave_interval", _DEFAULT_AUTOSAVE_S) <= _AUTOSAVE_MAX_S:
        finding = (
            f"autosave_interval is {settings.get('autosave_interval', '1800 (default)')}: what came in since the "
            f"last save is lost when the power goes; set it to {mosquitto.AUTOSAVE_S} (seconds)"
        )
        return [finding]
    return []


def _in_flight(settings: dict[str, str]) -> list[str]:
    window = _number(settings, "max_inflight_messages", _DEFAULT_INFLIGHT)
    if window == 0 or window >= mosquitto.INFLIGHT_MAX:
        return []
    finding = (
        f"max_inflight_messages is {settings.get('max_inflight_messages', '20 (default)')}: the gateway "
        "acknowledges after its disk, so few in flight make it slow and the queue long; "
        f"set it to {mosquitto.INFLIGHT_MAX}"
    )
    return [finding]


def _settings(conf_text: str) -> dict[str, str]:
    """The last value of each option; a line that starts with # is a comment."""
    settings: dict[str, str] = {}
    for line in conf_text.splitlines():
        name, _, value = line.strip().partition(" ")
        if name and not name.startswith("#"):
            settings[name] = value.strip()
    return settings


def _number(settings: dict[str, str], name: str, default: int) -> int:
    """The option as a number; what is none counts as mosquitto's default, which is never good enough."""
    try:
        return int(settings.get(name, default))
    except ValueError:
        return default
