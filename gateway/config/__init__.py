"""Configuration: `csg.yaml` in, typed settings out, and every mistake said with its line and what would be right."""

from gateway.config.check import Report, check, check_text
from gateway.config.document import Problem
from gateway.config.settings import (
    EMBEDDED,
    OWN_SOURCE,
    RECORDING,
    BrokerSettings,
    JournalSettings,
    ListenerSettings,
    RetentionSettings,
    Settings,
    SourceSettings,
    WebSettings,
    channel_configs,
    store_configs,
    target_names,
    with_broker,
)

__all__ = [
    "EMBEDDED",
    "OWN_SOURCE",
    "RECORDING",
    "BrokerSettings",
    "JournalSettings",
    "ListenerSettings",
    "Problem",
    "Report",
    "RetentionSettings",
    "Settings",
    "SourceSettings",
    "WebSettings",
    "channel_configs",
    "check",
    "check_text",
    "store_configs",
    "target_names",
    "with_broker",
]
