"""The six boards: what each panel asks of InfluxDB (InfluxQL) and of VictoriaMetrics or Prometheus (PromQL).

Titles are Chinese, descriptions (the "i" of a panel) English with the number's source. Limits are those of the rules
and their standards: GB 55036-2022 3.0.3 for hydrants, the shipped set points for gas, EEMUA 191 for alarms.
"""

from __future__ import annotations

from typing import Final

from dashboards.grafana.panels import Board, Panel, Query, Steps

ALARM_METRICS: Final = (
    "smoke|heat|fire_detected|call_point|gas|co|sos|pressure_low|hydrant_open|hydrant_tilt|hydrant_hit|water_leak|"
    "water_level_alarm|obstruction|intrusion|door_forced|overcurrent"
)
GOOD: Final[Steps] = ((None, "green"),)
ANY_BAD: Final[Steps] = ((None, "green"), (1, "red"))
COVER: Final[Steps] = ((None, "red"), (90, "orange"), (100, "green"))
PRESSURE: Final[Steps] = ((None, "red"), (0.10, "orange"), (0.14, "green"))
"""GB 55036-2022 3.0.3: at least 0.14 MPa in normal use and 0.10 MPa while supplying."""

LEL: Final[Steps] = ((None, "green"), (5, "yellow"), (10, "orange"), (25, "red"))
"""The shipped rules: pre-alarm at 5 %LEL, alarm at 10, evacuate from 25."""

CO: Final[Steps] = ((None, "green"), (150, "red"))
"""Household CO detectors are set in the order of 150 to 300 ppm."""

LEVEL: Final = (("0", "异常", "red"), ("1", "正常", "green"))
HOUR: Final = 3_600_000


def tags(metric: str) -> str:
    """InfluxQL: readings of a metric (a regular expression) at the chosen site and devices."""
    return f'"metric" =~ /^({metric})$/ AND "site" =~ /^$site$/ AND "device" =~ /.*$building/ AND $timeFilter'


def labels(metric: str, name: str = "reading_value") -> str:
    """PromQL: the same."""
    return f'{name}{{metric=~"{metric}",site=~"$site",device=~".*$building.*"}}'


def lines(metric: str, of: str = "mean", *, by: str = "device", scale: str = "", prom: str = "avg") -> tuple[
    tuple[Query], tuple[Query]
]:  # fmt: skip
    """A line for each device (or metric): the mean, or what `of` and `prom` say, of each step."""
    grouped = f'GROUP BY time($__interval), "{by}" fill(none)'
    influx = f'SELECT {of}("value"){scale} FROM "reading" WHERE {tags(metric)} {grouped}'
    expr = f"{prom} by ({by}) ({prom}_over_time({labels(metric)}[$__interval])){scale}"
    return (Query(influx, f"$tag_{by}"),), (Query(expr, f"{{{{{by}}}}}"),)


def newest(metric: str, *, scale: str = "", since: str = "1d") -> tuple[tuple[Query, ...], tuple[Query, ...]]:
    """The last value of each device, and how old it is (InfluxDB: when it came)."""
    influx = f'SELECT last("value"){scale} AS "Value" FROM "reading" WHERE {tags(metric)} GROUP BY "device"'
    value = f"max by (device) (last_over_time({labels(metric)}[{since}])){scale}"
    age = f"time() - max by (device) (tlast_over_time({labels(metric)}[{since}]))"
    return (Query(influx, "$tag_device"),), (Query(value), Query(age))


def own(metric: str, *, channel: str = "$site", old: bool = False) -> Query:
    """InfluxQL: what the gateway said of itself in the last five minutes; with `old` however long ago, for what it says
    only when it changes."""
    where = f'"device" = \'gateway:engine\' AND "metric" = \'{metric}\' AND "channel" =~ /^{channel}$/'
    since = "" if old else "time > ${__to}ms - 5m AND "
    asked = f'SELECT last("value") FROM "reading" WHERE {where} AND {since}time <= ${{__to}}ms'
    return Query(f'{asked} GROUP BY "channel"', "$tag_channel")


def own_lines(metric: str, *, channel: str = "$site", legend: str = "$tag_channel") -> Query:
    """InfluxQL: what the gateway itself said of it, over time."""
    where = f'"device" = \'gateway:engine\' AND "metric" = \'{metric}\' AND "channel" =~ /^{channel}$/ AND $timeFilter'
    return Query(
        f'SELECT max("value") FROM "reading" WHERE {where} GROUP BY time($__interval), "channel" fill(none)',
        legend,
    )


def figure(
    metric: str, title: str, about: str, unit: str = "short", steps: Steps = GOOD, width: int = 4
) -> Panel:
    """A figure of the last day, one number a site."""
    prom = Query(f'csg_{metric}{{site=~"$site"}}', "{{site}}")
    return Panel(title, about, "stat", (own(metric),), (prom,), unit, steps, width, 5)


def over_time(metric: str, title: str, about: str, unit: str = "short", steps: Steps = GOOD) -> Panel:
    """The same figure as a line."""
    prom = Query(f'csg_{metric}{{site=~"$site"}}', "{{site}}")
    return Panel(title, about, "timeseries", (own_lines(metric),), (prom,), unit, steps, step="1m")


def counted(metric: str, below: float, since: str) -> tuple[tuple[Query], tuple[Query]]:
    """How many devices last said less than that; nothing where there are none."""
    inner = f'SELECT last("value") AS "v" FROM "reading" WHERE {tags(metric)} GROUP BY "device"'
    influx = f'SELECT count("v") FROM ({inner}) WHERE "v" < {below:g}'
    expr = f"count(max by (device) (last_over_time({labels(metric)}[{since}])) < {below:g})"
    return (Query(influx),), (Query(expr),)


def active(metric: str) -> tuple[tuple[Query], tuple[Query]]:
    """How many points of each metric were in alarm in a step."""
    inner = (
        f'SELECT max("value") AS "v" FROM "reading" WHERE {tags(metric)} '
        'GROUP BY time($__interval), "device", "metric" fill(none)'
    )
    influx = (
        f'SELECT sum("v") FROM ({inner}) WHERE $timeFilter GROUP BY time($__interval), "metric" fill(none)'
    )
    expr = f"sum by (metric) (max_over_time({labels(metric)}[$__interval]))"
    return (Query(influx, "$tag_metric"),), (Query(expr, "{{metric}}"),)


RECEIVED: Final = (
    'SELECT count("value") FROM "reading" WHERE "site" =~ /^$site$/ AND "device" =~ /.*$building/ AND $timeFilter '
    "GROUP BY time($__interval) fill(0)"
)
HEARD: Final = (
    'SELECT count("v") FROM (SELECT count("value") AS "v" FROM "reading" WHERE "site" =~ /^$site$/ '
    'AND "device" =~ /.*$building/ AND $timeFilter GROUP BY time($__interval), "device" fill(none)) '
    "WHERE $timeFilter GROUP BY time($__interval) fill(0)"
)
PLACED: Final = '{site=~"$site",device=~".*$building.*"}'
SIMULATED: Final = (
    'SELECT count("flags") FROM "reading" WHERE "flags" & 8 = 8 AND "site" =~ /^$site$/ AND $timeFilter'
)

STANDING = figure("alarms_standing", "当前报警", "Alarms whose condition is there now.", steps=ANY_BAD)
LAST_TEN = figure(
    "alarms_10min", "近10分钟报警", "P1 to P3 in the last ten minutes; more than 10 is a flood (EEMUA 191).",
    steps=((None, "green"), (2, "orange"), (11, "red")),
)  # fmt: skip
LATE = figure(
    "answer_late_percent", "接警超时占比", "P1 and P2 of the last day not answered within 90 s.", "percent",
    ((None, "green"), (1, "orange"), (10, "red")),
)  # fmt: skip
COVERAGE = Panel(
    "探测覆盖率", "Detectors that can raise an alarm now, by what they guard against.", "bargauge",
    (own("coverage_percent", channel=".*"),), (Query("100 * csg_coverage_ratio", "{{class}}"),), "percent", COVER,
    8, 5, 0, 100, 1,
)  # fmt: skip
HEALTH = Panel(
    "各状态设备数", "Devices by the worst that is wrong with them.", "bargauge",
    (own("devices_by_health", channel=".*"),), (Query("csg_devices", "{{health}}"),), steps=GOOD, width=12, low=0,
)  # fmt: skip
RAISED = Panel(
    "近一日报警次数（按级别）", "By priority. About 5 % high, 15 % middle, 80 % low is usual (EEMUA 191).", "bargauge",
    (own("alarms_raised", channel="$site P[1-4]"),),
    (Query('csg_alarms_raised{site=~"$site"}', "{{site}} {{priority}}"),), width=12, low=0,
)  # fmt: skip

OVERVIEW = Board("overview", "社区总览", "Community overview", (
    STANDING, LAST_TEN, LATE, COVERAGE,
    Panel("【模拟】数据条数", "Simulated readings in this window (InfluxDB) or simulated points of the last hour: "
          "what is shown here is then not all real. A dash is none.", "stat", (Query(SIMULATED),),
          (Query('count(floor(last_over_time(reading_flags{site=~"$site"}[1h]) / 8) % 2 == 1)'),),
          steps=((None, "green"), (1, "orange")), width=4, height=5),
    Panel("触发中的报警点", "Points in alarm, by metric. A step without any reading is a gap.", "timeseries",
          *active(ALARM_METRICS), width=12, step="1m", gap_ms=2 * HOUR),
    RAISED,
    Panel("收到读数", "Readings stored in each step.", "timeseries", (Query(RECEIVED, "readings"),),
          (Query(f"sum(count_over_time(reading_value{PLACED}[$__interval]))", "readings"),), step="1m"),
    Panel("有上报的设备", "Devices heard in each step.", "timeseries", (Query(HEARD, "devices"),),
          (Query(f"count(count by (device) (count_over_time(reading_value{PLACED}[$__interval])))", "devices"),),
          step="1h"),
))  # fmt: skip

HYDRANTS = Board("hydrants", "消火栓与水压", "Hydrants and pressure", (
    Panel("低于 0.14 MPa 的设备", "Devices whose last pressure is below normal (GB 55036-2022 3.0.3); a dash "
          "is none, or no reading.", "stat",
          *counted("pressure", 140, "2h"), steps=((None, "green"), (1, "orange")), width=6, height=5),
    Panel("低于 0.10 MPa 的设备", "Devices whose last pressure does not suffice to supply (GB 55036-2022 3.0.3); "
          "a dash is none, or no reading.", "stat", *counted("pressure", 100, "2h"), steps=ANY_BAD, width=6, height=5),
    Panel("最低水压", "The lowest pressure in this window, by site.", "stat",
          (Query(f'SELECT min("value") / 1000 FROM "reading" WHERE {tags("pressure")} GROUP BY "site"', "$tag_site"),),
          (Query(f"min by (site) (min_over_time({labels('pressure')}[$__range])) / 1000", "{{site}}"),),
          "suffix:MPa", PRESSURE, 12, 5, decimals=3),
    Panel("水压", "Mean of each step; limits 0.10 and 0.14 MPa (GB 55036-2022 3.0.3). A gap is a device that said "
          "nothing for half an hour.", "timeseries", *lines("pressure", scale=" / 1000"), "suffix:MPa", PRESSURE, 24,
          10, 0, decimals=3, gap_ms=HOUR // 2, step="5m"),
    Panel("用水流量", "Flow; drawn without an incident or work order it may be theft.", "timeseries",
          *lines("flow", "max", prom="max"), "suffix:L/min", low=0, gap_ms=HOUR // 2, step="5m"),
    Panel("放水、倾斜、撞击", "Devices that say so: hydrant open, tilted, hit, pressure low.", "timeseries",
          *active("hydrant_open|hydrant_tilt|hydrant_hit|pressure_low"), low=0, gap_ms=HOUR // 2, step="5m"),
    Panel("各设备水压", "The last pressure of each device.", "table", *newest("pressure", scale=" / 1000"),
          "suffix:MPa", PRESSURE, 24, 10, decimals=3),
))  # fmt: skip

GAS = Board("gas", "燃气与一氧化碳", "Gas and carbon monoxide", (
    Panel("最高燃气浓度", "The highest in this window, by site: 5 pre-alarm, 10 alarm, 25 %LEL evacuate.", "stat",
          (Query(f'SELECT max("value") FROM "reading" WHERE {tags("gas_lel|gas_concentration")} GROUP BY "site"',
                 "$tag_site"),),
          (Query(f"max by (site) (max_over_time({labels('gas_lel|gas_concentration')}[$__range]))", "{{site}}"),),
          "suffix:%LEL", LEL, 12, 5, decimals=1),
    Panel("最高一氧化碳浓度", "The highest in this window, by site.", "stat",
          (Query(f'SELECT max("value") FROM "reading" WHERE {tags("co_ppm")} GROUP BY "site"', "$tag_site"),),
          (Query(f"max by (site) (max_over_time({labels('co_ppm')}[$__range]))", "{{site}}"),),
          "suffix:ppm", CO, 12, 5, decimals=0),
    Panel("燃气浓度", "The highest of each step and device.", "timeseries",
          *lines("gas_lel|gas_concentration", "max", prom="max"), "suffix:%LEL", LEL, 24, 10, 0, gap_ms=HOUR // 4,
          step="1m"),
    Panel("一氧化碳浓度", "The highest of each step and device; most detectors report once a day.", "timeseries",
          *lines("co_ppm", "max", prom="max"), "suffix:ppm", CO, low=0, gap_ms=25 * HOUR, step="1m"),
    Panel("探测器自身报警", "Detectors whose own alarm bit is set: it counts whatever the number says.", "timeseries",
          *active("gas|co"), low=0, gap_ms=HOUR // 4, step="1m"),
    Panel("各设备燃气浓度", "The last value of each detector.", "table", *newest("gas_lel|gas_concentration"),
          "suffix:%LEL", LEL, 24, 10, decimals=1),
))  # fmt: skip

DETECTORS = Board("detectors", "探测器状态与覆盖率", "Detector health and coverage", (
    COVERAGE._replace(width=12, height=8), HEALTH,
    Panel("覆盖率变化", "Percent of detectors that can raise an alarm.", "timeseries",
          (own_lines("coverage_percent", channel=".*"),), (Query("100 * csg_coverage_ratio", "{{class}}"),), "percent",
          COVER, low=0, high=100, step="1m"),
    Panel("状态变化", "Devices by the worst that is wrong with them.", "timeseries",
          (own_lines("devices_by_health", channel=".*"),), (Query("csg_devices", "{{health}}"),), low=0, step="1m"),
    Panel("低电量设备（≤15%）", "Devices whose last battery level asks for a new one; a dash is none, or no reading.",
          "stat",
          *counted("battery", 15.5, "2d"), steps=((None, "green"), (1, "orange")), width=6, height=5),
    Panel("报告电池欠压的设备", "Devices that say so themselves, in each step.", "timeseries",
          *active("battery_low|battery_defect"), low=0, width=18, height=5, gap_ms=25 * HOUR, step="1h"),
    Panel("电量", "The last level of each device.", "table", *newest("battery", since="2d"), "percent",
          ((None, "red"), (15.5, "green")), 12, 10),
    Panel("信号强度", "The last level of each device.", "table", *newest("rssi", since="2d"), "dBm",
          ((None, "red"), (-110, "orange"), (-100, "green")), 12, 10),
), span="now-2d")  # fmt: skip

ALARMS = Board("alarms", "报警管理（EEMUA 191）", "Alarm management: figures of the last day, by site. Limits are "
               "those of EEMUA 191 and ISA-18.2; a site's control room is one operating position.", (
    figure("alarm_rate_10min", "每10分钟平均报警", "P1 to P3: 1 is manageable, 2 the limit (EEMUA 191).",
           steps=((None, "green"), (1, "orange"), (2, "red"))),
    figure("alarm_peak_10min", "10分钟峰值", "The most P1 to P3 in any ten minutes; more than 10 is a flood.",
           steps=((None, "green"), (6, "orange"), (11, "red"))),
    figure("flood_percent", "报警泛滥时间占比",
           "From more than 10 in ten minutes to fewer than 5; the aim is below 1 %.", "percent",
           ((None, "green"), (1, "red"))),
    LAST_TEN, STANDING,
    figure("alarms_stale", "陈旧报警", "Standing for more than 24 h; 0 is the aim, below 5 acceptable.",
           steps=((None, "green"), (1, "orange"), (5, "red"))),
    figure("answer_median_s", "接警用时中位数", "Until a P1 or P2 was taken, gone to or judged.", "s",
           ((None, "green"), (60, "orange"), (90, "red"))),
    figure("answer_p95_s", "接警用时95分位", "The same, 95 % were faster; the target is 90 s.", "s",
           ((None, "green"), (60, "orange"), (90, "red"))),
    LATE,
    figure("false_alarm_percent", "误报率", "False of those a person judged.", "percent",
           ((None, "green"), (20, "orange"), (50, "red"))),
    figure("escalations_unanswered", "逐级上报到头无人接警", "Call chains that came to their end and began anew.",
           steps=ANY_BAD),
    figure("top_alarms_percent", "前十位报警占比", "Share of the ten most frequent; below 5 % is the aim in a large "
           "system. The list: GET /api/v1/figures/alarms.", "percent"),
    figure("alarms_chattering", "抖动报警", "Alarms that came three times within a minute.", steps=ANY_BAD, width=6),
    figure("alarms_fleeting", "瞬时报警", "Over within 10 s, of alarms that do not chatter.", width=6),
    figure("alarms_shelved", "搁置", "Alarms shelved now.", width=6),
    figure("alarms_out_of_service", "停用（屏蔽）", "Alarms out of service now.", width=6),
    over_time("alarms_10min", "近10分钟报警数变化", "The line is where a flood begins.",
              steps=((None, "green"), (11, "red"))),
    over_time("alarms_standing", "当前报警数变化", "Alarms whose condition was there."),
    RAISED,
    Panel("误报原因", "False alarms of the last day by cause.", "bargauge",
          (own("false_alarms", channel="$site .*"),),
          (Query('csg_false_alarms{site=~"$site"}', "{{site}} {{cause}}"),), width=12, low=0),
))  # fmt: skip


def level(metric: str, title: str, about: str, prom: str, legend: str) -> Panel:
    """Whether parts of the gateway are well."""
    said = (own(metric, channel=".*", old=True),)
    return Panel(title, f"{about} As last said.", "stat", said, (Query(prom, legend),),
                 steps=((None, "red"), (1, "green")), width=6, height=5, words=LEVEL)  # fmt: skip


def inside(expr: str, title: str, about: str, legend: str = "", unit: str = "short") -> Panel:
    """What `/metrics` alone tells."""
    return Panel(title, about, "timeseries", prom=(Query(expr, legend),), unit=unit, low=0, step="1m")


INTERNALS = Board("internals", "网关运行状况", "Gateway internals", (
    level("broker_link", "消息服务器连接", "Broker sessions.", "csg_mqtt_link", "{{session}}"),
    level("channel_ok", "通知通道", "Whether the last send worked.", "csg_channel_ok", "{{channel}}"),
    level("store_ok", "历史库", "Whether a store takes what comes.", "csg_store_ok", "{{store}}"),
    level("journal_ok", "事件日志", "Whether the journal takes what comes.", "csg_engine_durable", "journal"),
    Panel("历史库落后", "How much older a store's newest reading is.", "timeseries",
          (own_lines("store_lag_s", channel=".*"),), (Query("csg_store_lag_seconds", "{{store}}"),), "s",
          ((None, "green"), (60, "red")), low=0, step="1m"),
    Panel("磁盘剩余", "Free disk; said when it changes.", "timeseries",
          (own_lines("disk_free_percent", channel=".*", legend="disk"),),
          (Query('reading_value{device="gateway:engine",metric="disk_free_percent"}', "disk"),), "percent",
          ((None, "red"), (10, "green")), low=0, high=100, gap_ms=25 * HOUR, step="1m"),
    Panel("隔离消息", "Messages nobody understood, since the journal began.", "timeseries",
          (own_lines("quarantined", channel=".*", legend="quarantined"),),
          (Query("csg_engine_quarantined", "quarantined"),), low=0, gap_ms=25 * HOUR, step="1m"),
    Panel("合并消息", "Measurements merged under overload, since the start.", "timeseries",
          (own_lines("coalesced", channel=".*", legend="coalesced"),),
          (Query('csg_ingest_total{what="coalesced"}', "coalesced"),), low=0, gap_ms=25 * HOUR, step="1m"),
    inside('rate(csg_ingest_total{what="messages"}[5m])', "消息速率", "Messages a second.", "messages"),
    inside("rate(csg_store_readings_total[5m])", "写入速率", "Readings written a second.", "{{store}}"),
    inside("csg_engine_pending", "待落盘事件", "Events not yet on disk.", "pending"),
    inside("csg_view_lag_events", "视图落后事件", "Events in the journal and not yet in the views.", "events"),
    inside("rate(csg_engine_cpu_s[5m])", "引擎 CPU", "Cores the engine uses.", "cores"),
    inside("csg_engine_rss_bytes", "引擎内存", "Largest resident memory of the engine.", "rss", "bytes"),
    inside("sum by (status) (rate(csg_http_requests_total[5m]))", "HTTP 请求", "Requests a second.", "{{status}}"),
    inside("histogram_quantile(0.95, sum by (le) (rate(csg_http_seconds_bucket[5m])))", "HTTP 95分位用时",
           "95 % are answered faster.", "p95", "s"),
), by_place=False)  # fmt: skip

BOARDS: Final = (OVERVIEW, HYDRANTS, GAS, DETECTORS, ALARMS, INTERNALS)
