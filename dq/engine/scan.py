"""The fused scan: all measures of a dataset in as few aggregates as Spark compiles, each over only its columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dq.engine.measures import Measure, MeasureKind, Value
from dq.engine.reasons import is_about_values, reason

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

# Above 100 buffer fields Spark leaves whole-stage code generation (110 measures took 3.5 times as long as 85); the rest
# of the hundred is room for what Spark adds by itself.
MAX_FIELDS = 85
# Two or three expressions that fail on a row are found among 85 within it; a frame that fails by itself ends soon.
MAX_RETRIES = 32


@dataclass(kw_only=True)
class Scanned:
    """The values of measures, and the reason for each one that could not be computed."""

    values: dict[Measure, Value] = field(default_factory=dict)
    errors: dict[Measure, str] = field(default_factory=dict)


def batches(measures: Iterable[Measure]) -> list[list[Measure]]:
    """The measures split into aggregates of at most ``MAX_FIELDS`` buffer fields.

    Measures that share a column stay together where they fit, so that no column is decoded twice.
    """
    groups: list[tuple[set[str], list[Measure]]] = []
    for measure in sorted(set(measures), key=str):
        columns, members = set(measure.columns), [measure]
        apart = []
        for group in groups:
            if group[0] & columns:
                columns |= group[0]
                members = group[1] + members
            else:
                apart.append(group)
        groups = [*apart, (columns, members)]
    packed: list[list[Measure]] = []
    for _, members in sorted(groups, key=lambda group: -_fields(group[1])):
        for chunk in _chunks(members):
            room = next((batch for batch in packed if _fields(batch) + _fields(chunk) <= MAX_FIELDS), None)
            if room is None:
                packed.append(chunk)
            else:
                room += chunk
    return packed


def _fields(measures: Iterable[Measure]) -> int:
    return sum(measure.fields for measure in measures)


def _chunks(measures: Sequence[Measure]) -> list[list[Measure]]:
    chunks: list[list[Measure]] = [[]]
    for measure in sorted(measures, key=lambda item: (sorted(item.columns), str(item))):
        if _fields([*chunks[-1], measure]) > MAX_FIELDS:
            chunks.append([])
        chunks[-1].append(measure)
    return chunks


def scan(frame: DataFrame, measures: Iterable[Measure]) -> Scanned:
    """The values of measures over a frame: one Spark action per batch, none for no measures.

    An expression that Spark refuses, or that fails on a row, takes only its own measure down: the batch is cut until
    the expression is alone, at most ``MAX_RETRIES`` times. A scan that dies for any other reason takes its batch down.
    """
    scanned = Scanned()
    waiting = batches(measures)
    retries = MAX_RETRIES
    while waiting:
        batch = waiting.pop()
        halves = _run(frame, batch, scanned, may_halve=retries > 0)
        retries -= len(halves)
        waiting += halves
    return scanned


def _run(frame: DataFrame, batch: Sequence[Measure], scanned: Scanned, *, may_halve: bool) -> list[list[Measure]]:
    """Compute one batch; the halves to try next, where one expression failed on a row and it is not known which."""
    usable = list(batch)
    try:
        aggregated = frame.agg(*_built(usable))
    except Exception:
        usable = [measure for measure in batch if _analysed(frame, measure, scanned)]
        if not usable:
            return []
        aggregated = frame.agg(*_built(usable))
    try:
        row = aggregated.collect()[0]
    except Exception as error:
        if may_halve and len(usable) > 1 and is_about_values(error):
            return _halves(usable)
        scanned.errors.update(dict.fromkeys(usable, reason(error)))
        return []
    for position, measure in enumerate(usable):
        scanned.values[measure] = measure.read(row[position])
    return []


def _halves(batch: list[Measure]) -> list[list[Measure]]:
    """A batch in two, the second of which is tried first: totals of custom checks cost the others no retries."""
    totals = [measure for measure in batch if measure.kind is MeasureKind.TOTAL]
    if totals and len(totals) < len(batch):
        return [totals, [measure for measure in batch if measure.kind is not MeasureKind.TOTAL]]
    half = len(batch) // 2
    return [batch[:half], batch[half:]]


def _analysed(frame: DataFrame, measure: Measure, scanned: Scanned) -> bool:
    try:
        frame.agg(*_built([measure]))
    except Exception as error:
        scanned.errors[measure] = reason(error)
        return False
    return True


def _built(measures: Sequence[Measure]) -> list[Column]:
    return [measure.build().alias(f"m{position}") for position, measure in enumerate(measures)]
