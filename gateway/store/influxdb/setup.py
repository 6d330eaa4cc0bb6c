"""What a server needs before it is written and asked: database or bucket, retention, mapping, roll-ups.

Nothing that exists is changed or removed: what is other than the settings want is said and left to a person. Done again
it finds everything and does nothing. Raw readings go to the bucket of the settings, roll-ups of its numbers (min, max,
mean, last, count; of what is not flagged invalid) beside it, by tasks of the server itself:

- 1.x: measurements `reading_1m`, `_15m`, `_1h` in the retention policy `csg_rollup`, by continuous queries;
- 2.x: the same measurements in the bucket `<bucket>_rollup`, by Flux tasks;
- 3.x: none, for it has neither; its processing engine is not ours to fill.
"""

# ruff: noqa: S608  names go into statements quoted, all else is our own words and whole numbers
from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from gateway.series import Keeping, StoreError
from gateway.store.influxdb.asking import Asking, name

if TYPE_CHECKING:
    from gateway.store.influxdb import Config

POLICY: Final = "csg_rollup"
_AGGREGATES: Final = ("min", "max", "mean", "last", "count")
_DAY_S: Final = 86_400
_CONFLICT: Final = "409"


class Rollup(NamedTuple):
    """Steps of `name`, made anew `every` so often for all that arrived `within`: readings that a store away for a
    shorter time gets late are still in."""

    name: str
    every: str
    within: str


ROLLUPS: Final = (Rollup("1m", "5m", "1h"), Rollup("15m", "15m", "1d"), Rollup("1h", "1h", "2d"))


def rollups_of(name: str) -> str:
    """The bucket or database of 2.x beside this one that holds its roll-ups."""
    return f"{name}_rollup"


def prepare(config: Config, keeping: Keeping) -> Iterator[str]:
    """Says each thing made, found or impossible. Raises StoreError."""
    asking = Asking(config)
    try:
        version = asking.version()
        yield f"{config.url} is InfluxDB {version or 'of an unknown version'}"
        major = version.partition(".")[0]
        if major == "1":
            yield from _one(config, asking, keeping)
        elif major == "2":
            yield from _two(config, asking, keeping)
        elif major == "3":
            yield from _three(asking, keeping)
        else:
            yield "nothing was made: only InfluxDB 1, 2 and 3 are known"
    finally:
        asking.close()


# ------------------------------------------------------------------------------------------------------ 1.x


def _one(config: Config, asking: Asking, keeping: Keeping) -> Iterator[str]:
    database = name(asking.database)
    known = {row[0] for row in asking.rows("SHOW DATABASES")}
    if asking.database not in known:
        first = asking.policy or "autogen"
        _do(
            asking,
            f"CREATE DATABASE {database} WITH DURATION {_days(keeping.days)} REPLICATION 1 NAME {name(first)}",
        )
        yield f"made the database {asking.database}, readings kept {_kept(keeping.days)}"
    else:
        yield f"found the database {asking.database}"
    policies = _policies(asking)
    raw = asking.policy or next((p for p, (_, default) in policies.items() if default), "autogen")
    for policy, days in ((raw, keeping.days), (POLICY, keeping.rollup_days)):
        if policy not in policies:
            _do(
                asking,
                f"CREATE RETENTION POLICY {name(policy)} ON {database} DURATION {_days(days)} REPLICATION 1",
            )
            yield f"made the retention policy {policy}, kept {_kept(days)}"
        elif (seconds := policies[policy][0]) != (days or 0) * _DAY_S:
            yield f"found the retention policy {policy} {_other(seconds, days)}"
        else:
            yield f"found the retention policy {policy}"
    queries = {
        row[0]
        for table in asking.ask("SHOW CONTINUOUS QUERIES")
        if table.name == asking.database
        for row in table.values
    }
    for rollup in ROLLUPS:
        query = f"csg_{config.measurement}_{rollup.name}"
        if query in queries:
            yield f"found the continuous query {query}"
            continue
        fields = ", ".join(f'{how}("value") AS "{how}"' for how in _AGGREGATES)
        source = f"{database}.{name(raw)}.{name(config.measurement)}"
        target = f"{database}.{name(POLICY)}.{name(f'{config.measurement}_{rollup.name}')}"
        _do(
            asking,
            f"CREATE CONTINUOUS QUERY {name(query)} ON {database} RESAMPLE EVERY {rollup.every} FOR {rollup.within}"
            f" BEGIN SELECT {fields} INTO {target} FROM {source} GROUP BY time({rollup.name}), * END",
        )
        yield f"made the continuous query {query}"


def _policies(asking: Asking) -> dict[str, tuple[int, bool]]:
    """Seconds kept (0: for good) and whether it is the default, by policy."""
    found: dict[str, tuple[int, bool]] = {}
    for table in asking.ask(f"SHOW RETENTION POLICIES ON {name(asking.database)}"):
        for row in table.values:
            cells = dict(zip(table.columns, row, strict=True))
            found[cells["name"]] = _seconds(cells["duration"]), bool(cells["default"])
    return found


def _seconds(duration: str) -> int:
    """What a duration of the server means, as "9600h0m0s"."""
    hours, _, rest = duration.rpartition("h")
    minutes, _, seconds = rest.rpartition("m")
    return int(hours or 0) * 3_600 + int(minutes or 0) * 60 + int(float(seconds.rstrip("s") or 0))


def _do(asking: Asking, statement: str) -> None:
    for _ in asking.ask(statement):
        pass


# ------------------------------------------------------------------------------------------------------ 2.x


def _two(config: Config, asking: Asking, keeping: Keeping) -> Iterator[str]:
    orgs = _json(asking, "GET", "/api/v2/orgs", {"org": config.org} if config.org else {})["orgs"]
    if not orgs:
        raise StoreError(f"{config.url} has no organisation {config.org}")
    org = orgs[0]
    rollups = rollups_of(config.bucket)
    ids = []
    for bucket, days in ((config.bucket, keeping.days), (rollups, keeping.rollup_days)):
        found = _json(asking, "GET", "/api/v2/buckets", {"orgID": org["id"], "name": bucket})["buckets"]
        if found:
            seconds = sum(rule.get("everySeconds", 0) for rule in found[0].get("retentionRules", []))
            same = seconds == (days or 0) * _DAY_S
            yield f"found the bucket {bucket}" + ("" if same else f" {_other(seconds, days)}")
            ids.append(found[0]["id"])
        else:
            rules = [{"type": "expire", "everySeconds": days * _DAY_S}] if days else []
            wanted = {"orgID": org["id"], "name": bucket, "retentionRules": rules}
            ids.append(_json(asking, "POST", "/api/v2/buckets", body=wanted)["id"])
            yield f"made the bucket {bucket}, kept {_kept(days)}"
    # InfluxQL knows databases and policies. That of the roll-ups is only there to be deleted from.
    names = ((asking.database, asking.policy or "autogen"), (rollups_of(asking.database), "autogen"))
    for bucket, bucket_id, (database, policy) in zip((config.bucket, rollups), ids, names, strict=True):
        where = {"orgID": org["id"], "bucketID": bucket_id}
        if _json(asking, "GET", "/api/v2/dbrps", where)["content"]:
            yield f"found the mapping of the bucket {bucket} to a database"
        else:
            mapping = {**where, "database": database, "retention_policy": policy, "default": True}
            _json(asking, "POST", "/api/v2/dbrps", body=mapping)
            yield f"mapped the bucket {bucket} to the database {database}, policy {policy}, for InfluxQL"
    for rollup in ROLLUPS:
        task = f"csg {config.bucket} {config.measurement} {rollup.name}"
        if _json(asking, "GET", "/api/v2/tasks", {"orgID": org["id"], "name": task})["tasks"]:
            yield f"found the task {task}"
            continue
        flux = _flux(config, rollup, task, org["name"], rollups)
        _json(asking, "POST", "/api/v2/tasks", body={"orgID": org["id"], "flux": flux, "status": "active"})
        yield f"made the task {task}"


def _flux(config: Config, rollup: Rollup, task: str, org: str, bucket: str) -> str:
    """A task that makes whole steps only: a range that began inside one would overwrite it with a part of itself."""
    head = (
        f'import "date"\noption task = {{name: {_quoted(task)}, every: {rollup.every}, offset: 30s}}\n'
        f"readings = from(bucket: {_quoted(config.bucket)})\n"
        f"  |> range(start: date.truncate(t: -{rollup.within}, unit: {rollup.name}),"
        f" stop: date.truncate(t: now(), unit: {rollup.name}))\n"
        f'  |> filter(fn: (r) => r._measurement == {_quoted(config.measurement)} and r._field == "value")\n'
    )
    each = (
        f'readings |> aggregateWindow(every: {rollup.name}, fn: {how}, createEmpty: false, timeSrc: "_start")'
        f' |> set(key: "_field", value: "{how}")'
        f' |> set(key: "_measurement", value: {_quoted(f"{config.measurement}_{rollup.name}")})'
        f" |> to(bucket: {_quoted(bucket)}, org: {_quoted(org)})\n"
        for how in _AGGREGATES
    )
    return head + "".join(each)


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("${", "\\${")
    return f'"{escaped}"'


# ------------------------------------------------------------------------------------------------------ 3.x


def _three(asking: Asking, keeping: Keeping) -> Iterator[str]:
    wanted: dict[str, Any] = {"db": asking.database}
    if keeping.days:
        wanted["retention_period"] = f"{keeping.days}d"
    try:
        _json(asking, "POST", "/api/v3/configure/database", body=wanted)
        yield f"made the database {asking.database}, kept {_kept(keeping.days)}"
    except StoreError as error:
        if _CONFLICT not in str(error):
            raise
        yield f"found the database {asking.database}; how long it keeps readings was not looked at"
    yield "made no roll-ups: InfluxDB 3 has neither tasks nor continuous queries"
    yield "InfluxDB 3 deletes no single readings: what a person asks to have erased stays until its retention ends"


# ------------------------------------------------------------------------------------------------- in common


def _json(
    asking: Asking, method: str, path: str, query: dict[str, str] | None = None, body: Any = None
) -> Any:
    """The answer's JSON, {} where it is empty. Raises StoreError."""
    what: dict[str, Any] = {"fields": query} if query else {}
    if body is not None:
        what["json"] = body
    response = asking.request(method, path, **what)
    try:
        return msgspec.json.decode(response.read() or b"{}")
    except msgspec.MsgspecError as error:
        raise StoreError(f"{path}: no JSON: {error}") from error


def _days(days: int | None) -> str:
    return f"{days}d" if days else "INF"


def _kept(days: int | None) -> str:
    return f"{days} days" if days else "for good"


def _other(seconds: int, days: int | None) -> str:
    found = f"{seconds / _DAY_S:g} days" if seconds else "for good"
    return f"kept {found} and left it: the settings say {_kept(days)}"
