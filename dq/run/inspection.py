"""What a run computed, published or held: its totals beside what readers see, and the keys of failing rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from dq import sources, store
from dq.base.errors import DqError, SourceError, UsageError, near
from dq.base.model import Check, CheckResult, Json, Outcome, RunRecord, Window
from dq.base.periods import Grain, days_of
from dq.declare.project import Project
from dq.declare.registry import Registry
from dq.engine.native import prepare, supports
from dq.engine.native_demand import Requirement
from dq.engine.samples import failing_rows
from dq.spark import named_files, session

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

KEYS_SHOWN = 20


def figures(warehouse: store.Warehouse, registry: Registry, record: RunRecord) -> str:
    """The totals a run computed, and beside them those that readers see for the same period."""
    published = registry.pipeline(record.pipeline).publishes
    if not record.totals:
        return "figures: none were computed"
    commit = warehouse.table(record.pipeline).current()
    entries = [commit.entries[one] for one in commit.entries if one.startswith(record.period)] if commit else []
    of_readers = store.summed(entries)
    totals, seen = (published.former.by_column(one) for one in (record.totals, of_readers))
    said = f"in {record.currency}" if record.currency else ""
    lines = [f"figures   {said:<8}{'computed':>14}  {'readers see':>22}"]
    for name in published.totals:
        lines.append(f"  {name:<18} {_amount(totals.get(name)):>12}  {_amount(seen.get(name)):>22}".rstrip())
    return "\n".join(lines)


def _amount(value: Json) -> str:
    if value is None:
        return "-"
    try:
        return f"{Decimal(str(value)):,}"
    except InvalidOperation:
        return str(value)


def failing_keys(warehouse: store.Warehouse, project: Project, record: RunRecord, check_id: str) -> str:
    """The failing cells of one check: what the run kept of them, else the keys of the rows, found again in its input.

    Keys are data values: they go to the terminal of the person who asked, and are stored nowhere.
    """
    result = next((r for r in record.results if r.check == check_id), None)
    if result is None:
        likely = near(check_id, [r.check for r in record.results], f"dq explain {record.pipeline} lists its checks")
        raise UsageError(f"the run has no check {check_id!r}", do=likely)
    head = f"{result.check}: {result.outcome.value.replace('_', ' ')}; {result.observed or result.reason}"
    if result.outcome is not Outcome.FAILED:
        return head
    if result.rows:
        return "\n".join([head, *_table([dict(row) for row in result.rows])])
    bound = project.pipeline(record.pipeline)
    check = next((c for c in bound.all_checks if c.check == check_id), None)
    if check is None or not supports(check):
        return f"{head}\nits rows are counted, not kept; only checks on single rows find theirs again"
    spark = session.session("dq show", project.root / "spark-conf")
    frame, keys = _rows_of(spark, warehouse, project, record, result)
    return "\n".join([head, *_keys(frame, check, keys)])


def _rows_of(
    spark: SparkSession, warehouse: store.Warehouse, project: Project, record: RunRecord, result: CheckResult
) -> tuple[DataFrame, Sequence[str]]:
    """The frame a check was judged on, as it was: staged or published bytes, or the source's pinned files."""
    bound = project.pipeline(record.pipeline)
    if result.dataset == record.pipeline:
        manifest = warehouse.table(record.pipeline).sealed(record.run)
        if manifest is None:
            raise DqError(
                f"the staged figures of {record.run} are gone", do="dq gc removed them; run the pipeline again"
            )
        from pyspark.sql.types import StructType

        schema = StructType.fromJson(_json(manifest.schema_json))
        frame = named_files.read(spark, "parquet", manifest.absolute_paths, schema=schema)
        return frame, bound.pipeline.publishes.key
    if result.dataset in bound.pipeline.upstream:
        raise UsageError(
            f"{check_name(result)} was judged on the published {result.dataset}", do=f"dq show {result.dataset}"
        )
    window = _window(record, project.registry.pipeline(record.pipeline).grain)
    pin = sources.pin(bound.sources, result.dataset, window)
    pinned = next((item.fingerprint for item in record.inputs if item.name == result.dataset), "")
    if pin.fingerprint != pinned:
        raise SourceError(
            f"{result.dataset} has changed since the run read it", do="run the pipeline again and show that run"
        )
    frame = sources.read(spark, bound.sources, result.dataset, pin, window).frame
    return frame, list(bound.sources.contract(result.dataset).key)


def check_name(result: CheckResult) -> str:
    """A check's id as it stands in a sentence."""
    return f"the check {result.check}"


def _json(text: str) -> dict[str, object]:
    import json

    loaded = json.loads(text)
    return loaded if isinstance(loaded, dict) else {}


def _window(record: RunRecord, grain: Grain) -> Window:
    start, end = days_of(record.period, grain)
    return Window(
        period=record.period,
        start=start,
        end=end,
        data_through=record.data_through,
        as_of=record.as_of,
        kind=record.kind,
    )


def _keys(frame: DataFrame, check: Check, keys: Sequence[str]) -> list[str]:
    """The keys of the first failing rows of a row-wise check, with the columns it looks at."""
    item = prepare(check, frame.schema, house=True)
    if not isinstance(item, Requirement) or item.unexpected is None:
        return ["this check judges the dataset as a whole; it has no failing rows of its own"]
    looked_at = [name for name in item.columns if name not in keys and name in frame.columns]
    found = failing_rows(frame, item.unexpected).select(*keys, *looked_at).limit(KEYS_SHOWN + 1).collect()
    rows = [
        {name: str(value) if value is not None else "NULL" for name, value in row.asDict().items()} for row in found
    ]
    lines = _table(rows[:KEYS_SHOWN])
    if len(rows) > KEYS_SHOWN:
        lines.append(f"and more; the first {KEYS_SHOWN} are shown")
    return lines


def _table(rows: Sequence[Mapping[str, Json]]) -> list[str]:
    """Rows as aligned text, control characters taken out."""
    if not rows:
        return []
    names = list(rows[0])
    cells = [[_plain(row.get(name)) for name in names] for row in rows]
    widths = [max(len(name), *(len(line[n]) for line in cells)) for n, name in enumerate(names)]
    lines = [names, *cells]
    return ["  " + "  ".join(cell.ljust(widths[n]) for n, cell in enumerate(line)).rstrip() for line in lines]


def _plain(value: Json) -> str:
    text = "NULL" if value is None else str(value)
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text[:60])
