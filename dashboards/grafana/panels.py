"""A panel in few words, and the JSON that Grafana 9 and later make of it for either kind of store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

SCHEMA: Final = 36
"""The dashboard schema of Grafana 9; later releases bring it up to their own when they load it."""

COLUMNS: Final = 24
AGE: Final = "距今"
PLAIN: Final = [{"color": "text", "value": None}]
Store = Literal["influxdb", "victoriametrics"]
STORES: Final[tuple[Store, ...]] = ("influxdb", "victoriametrics")
Kind = Literal["timeseries", "stat", "gauge", "bargauge", "table"]
Steps = Sequence[tuple[float | None, str]]
"""Colours from a value on; the first has None."""

SOURCES: Final = {
    "influxdb": {"type": "influxdb", "uid": "csg-influxdb"},
    "victoriametrics": {"type": "prometheus", "uid": "csg-victoriametrics"},
}


class Query(NamedTuple):
    """One question: the text and how its series are named (`$tag_device` of InfluxDB, `{{device}}` of Prometheus)."""

    text: str
    legend: str = ""


class Panel(NamedTuple):
    """`influx` or `prom` is empty where a store cannot answer; the panel is then on the other's board alone.

    `gap_ms`: a line ends where nothing came for longer. `step`: the least time between two points, as `5m`.
    """

    title: str
    description: str
    kind: Kind
    influx: Sequence[Query] = ()
    prom: Sequence[Query] = ()
    unit: str = "short"
    steps: Steps = ((None, "green"),)
    width: int = 12
    height: int = 8
    low: float | None = None
    high: float | None = None
    decimals: int | None = None
    gap_ms: int = 900_000
    step: str = ""
    words: Sequence[tuple[str, str, str]] = ()  # value, text, colour


class Board(NamedTuple):
    """`by_place`: whether its panels look at the variables for site and device."""

    name: str
    title: str
    description: str
    panels: Sequence[Panel]
    span: str = "now-24h"
    by_place: bool = True


def dashboard(board: Board, store: Store) -> dict[str, Any]:
    """The document to provision. Panels flow from left to right, as text does."""
    panels = [p for p in board.panels if queries(p, store)]
    places = _flow(panels)
    return {
        "annotations": {"list": []},
        "description": board.description,
        "editable": False,
        "fiscalYearStartMonth": 0,
        "graphTooltip": 1,
        "id": None,
        "links": [
            {"asDropdown": True, "icon": "dashboard", "includeVars": True, "keepTime": True, "tags": ["csg", store],
             "targetBlank": False, "title": "看板", "tooltip": "Other boards", "type": "dashboards", "url": ""}
        ],
        "panels": [
            _panel(number, panel, place, store)
            for number, (panel, place) in enumerate(zip(panels, places, strict=True), 1)
        ],
        "refresh": "1m",
        "schemaVersion": SCHEMA,
        "tags": ["csg", store],
        "templating": {"list": _variables(store) if board.by_place else []},
        "time": {"from": board.span, "to": "now"},
        "timepicker": {},
        "timezone": "",
        "title": board.title,
        "uid": f"csg-{board.name}-{store}",
        "version": 1,
        "weekStart": "monday",
    }  # fmt: skip


def queries(panel: Panel, store: Store) -> Sequence[Query]:
    """What the panel asks of that store."""
    return panel.influx if store == "influxdb" else panel.prom


def _flow(panels: Iterable[Panel]) -> Iterator[dict[str, int]]:
    x = y = row = 0
    for panel in panels:
        if x + panel.width > COLUMNS:
            x, y, row = 0, y + row, 0
        yield {"h": panel.height, "w": panel.width, "x": x, "y": y}
        x, row = x + panel.width, max(row, panel.height)


def _panel(number: int, panel: Panel, place: dict[str, int], store: Store) -> dict[str, Any]:
    found: dict[str, Any] = {
        "datasource": SOURCES[store],
        "description": panel.description,
        "fieldConfig": {"defaults": _defaults(panel), "overrides": _overrides(panel)},
        "gridPos": place,
        "id": number,
        "options": _options(panel),
        "targets": [
            _target(panel, query, store, chr(ord("A") + index))
            for index, query in enumerate(queries(panel, store))
        ],
        "title": panel.title,
        "type": panel.kind,
    }
    if panel.step:
        found["interval"] = panel.step
    if panel.kind == "table" and store == "victoriametrics":
        # Two answers side by side: what it said last, and how old that is. The time column is that of the question.
        found["transformations"] = [
            {"id": "merge", "options": {}},
            {
                "id": "filterFieldsByName",
                "options": {"include": {"names": ["device", "Value #A", "Value #B"]}},
            },
            {"id": "organize", "options": {"renameByName": {"Value #A": "Value", "Value #B": AGE}}},
        ]
    return found


def _overrides(panel: Panel) -> list[dict[str, Any]]:
    if panel.kind != "table":
        return []
    plain = [
        {"id": "unit", "value": "s"},
        {"id": "thresholds", "value": {"mode": "absolute", "steps": PLAIN}},
    ]
    return [{"matcher": {"id": "byName", "options": AGE}, "properties": plain}]


def _defaults(panel: Panel) -> dict[str, Any]:
    steps = [{"color": colour, "value": value} for value, colour in panel.steps]
    found: dict[str, Any] = {
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
        "mappings": [],
        "noValue": "—",
        "thresholds": {"mode": "absolute", "steps": steps},
        "unit": panel.unit,
    }
    if panel.words:
        options = {
            v: {"color": colour, "index": n, "text": said} for n, (v, said, colour) in enumerate(panel.words)
        }
        found["mappings"] = [{"options": options, "type": "value"}]
    bounds = {"min": panel.low, "max": panel.high, "decimals": panel.decimals}
    found.update({name: value for name, value in bounds.items() if value is not None})
    if panel.kind == "table":
        found["custom"] = {"displayMode": "color-text"}
    if panel.kind == "timeseries":
        found["custom"] = {
            "drawStyle": "line", "fillOpacity": 5, "lineInterpolation": "stepAfter", "lineWidth": 1, "pointSize": 4,
            "showPoints": "auto", "spanNulls": panel.gap_ms,
            "thresholdsStyle": {"mode": "line" if len(panel.steps) > 1 else "off"},
        }  # fmt: skip
    return found


def _options(panel: Panel) -> dict[str, Any]:
    reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    match panel.kind:
        case "timeseries":
            legend = {
                "calcs": ["lastNotNull"],
                "displayMode": "list",
                "placement": "bottom",
                "showLegend": True,
            }
            return {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
        case "stat":
            return {"colorMode": "value", "graphMode": "none", "justifyMode": "auto", "orientation": "auto",
                    "reduceOptions": reduce, "textMode": "auto"}  # fmt: skip
        case "gauge":
            return {"orientation": "auto", "reduceOptions": reduce, "showThresholdLabels": False,
                    "showThresholdMarkers": True}  # fmt: skip
        case "bargauge":
            return {"displayMode": "basic", "orientation": "horizontal", "reduceOptions": reduce,
                    "showUnfilled": True}  # fmt: skip
    return {"showHeader": True}


def _target(panel: Panel, query: Query, store: Store, name: str) -> dict[str, Any]:
    table = panel.kind == "table"
    if store == "influxdb":
        return {
            "alias": query.legend, "datasource": SOURCES[store], "query": query.text, "rawQuery": True, "refId": name,
            "resultFormat": "table" if table else "time_series",
        }  # fmt: skip
    now = panel.kind != "timeseries"
    return {
        "datasource": SOURCES[store], "editorMode": "code", "expr": query.text,
        "format": "table" if table else "time_series", "instant": now, "legendFormat": query.legend,
        "range": not now, "refId": name,
    }  # fmt: skip


def _variables(store: Store) -> list[dict[str, Any]]:
    """The site, and a part of the device's id: stores know no buildings, but ids mostly name them."""
    asked = 'SHOW TAG VALUES FROM "reading" WITH KEY = "site"'
    question: Any = asked
    if store == "victoriametrics":
        asked = "label_values(reading_value, site)"
        question = {"query": asked, "refId": "site"}
    every = {"selected": True, "text": ["All"], "value": ["$__all"]}
    return [
        {"allValue": ".*", "current": every, "datasource": SOURCES[store], "definition": asked,
         "description": "Site", "hide": 0, "includeAll": True, "label": "小区", "multi": True, "name": "site",
         "options": [], "query": question, "refresh": 2, "regex": "", "skipUrlSync": False, "sort": 1,
         "type": "query"},
        {"current": {"selected": False, "text": "", "value": ""},
         "description": "A part of the device id, as b1- for building 1; a regular expression.", "hide": 0,
         "label": "楼栋（设备编号含）", "name": "building", "options": [{"selected": True, "text": "", "value": ""}],
         "query": "", "skipUrlSync": False, "type": "textbox"},
    ]  # fmt: skip
