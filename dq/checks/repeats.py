"""Rows that share a key: delivered again and dropped by the contract's rule, or in conflict with one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Context as Precision
from decimal import Decimal
from functools import reduce
from typing import TYPE_CHECKING

from dq.base.model import Evidence, Json, Outcome
from dq.checks.custom_check import Judge, Judged, Request
from dq.checks.fit_history import band_of_ratios, least_share, published
from dq.engine.dataset import RAW_PREFIX
from dq.engine.gather import column_types, decimal, shown, whole
from dq.engine.sums import counts
from dq.spark.hashes import Repeated, hashable

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_PAYLOAD = "__dq_payload"
_PRECISION = Precision(prec=15)


@dataclass(frozen=True, kw_only=True)
class _Repeats:
    """Readers of what repeats: rows with a key, rows delivered again, and rows and keys in conflict."""

    rows: Callable[[], int]
    dropped: Callable[[], object]
    conflicting: Callable[[], object]
    keys: Callable[[], object]


def repeated_keys_to_be_identical(request: Request) -> Judge:
    """Whether rows of one key are one row delivered again; two different rows cannot both be right."""
    found = _repeats(request)
    key = ", ".join(request.texts("columns"))

    def judge() -> Judged:
        rows, conflicting, keys = found.rows(), whole(found.conflicting()), whole(found.keys())
        measures: dict[str, Json] = {"element_count": rows, "unexpected_count": conflicting}
        if not conflicting:
            observed = f"no two different rows of {rows:,} share {key}"
            return Judged(outcome=Outcome.PASSED, observed=observed, measures=measures, evidence=Evidence.KEY_PASS)
        observed = f"{conflicting:,} different rows share {keys:,} values of {key}"
        return Judged(outcome=Outcome.FAILED, observed=observed, measures=measures, evidence=Evidence.KEY_PASS)

    return judge


def redeliveries_to_be_rare(request: Request) -> Judge:
    """How many rows are deliveries of a row that is there already, as a share and against earlier periods' shares."""
    found = _repeats(request)
    most, high = decimal(request.kwargs.get("max_share")), decimal(request.kwargs.get("high"))
    least = max(request.count("minimum_history", 3), 1)

    def judge() -> Judged:
        rows, dropped = found.rows(), whole(found.dropped())
        share = _PRECISION.divide(Decimal(dropped), Decimal(max(rows, 1)))
        measures: dict[str, Json] = {"element_count": rows, "dropped": dropped, "metric": str(share)}
        observed = f"{dropped:,} of {rows:,} rows were delivered again and dropped"

        def judged(outcome: Outcome, more: str) -> Judged:
            return Judged(outcome=outcome, observed=observed + more, measures=measures, evidence=Evidence.KEY_PASS)

        if most is not None:
            return judged(Outcome.FAILED if share > most else Outcome.PASSED, f" (allowed a share of {shown(most)})")
        past = published(request)
        measures["history"] = len(past)
        if len(past) < least:
            reason = f"not enough history: {len(past)} of {least} published periods"
            return Judged(outcome=Outcome.NOT_RUN, reason=reason, measures=measures, evidence=Evidence.KEY_PASS)
        band = band_of_ratios(past, None, high, least=least_share(rows))
        outcome = Outcome.PASSED if band.holds(share) else Outcome.FAILED
        return judged(outcome, f": a share of {shown(share)}, usual {band} (of {len(past)} published periods)")

    return judge


def _repeats(request: Request) -> _Repeats:
    """The repeated rows of a dataset, counted once for all checks that ask by the same columns."""
    from pyspark.sql import functions as F

    key, delivery = request.texts("columns"), request.texts("delivery")
    for name in (*key, *delivery):
        request.column(name)
    payload = [
        name for name in request.frame.columns if name not in {*key, *delivery} and not name.startswith(RAW_PREFIX)
    ]
    table = f"repeats of {key!r} but {delivery!r}"
    groups = request.gather.grouping(
        _Deliveries(
            key=table,
            rows=request.frame.where(_all_present(request, key)),
            columns=[request.column(name) for name in key],
            payload=[request.column(name) for name in payload],
            repeated=_known(request, key),
        )
    )

    def total(name: str, value: Column) -> Callable[[], object]:
        return request.gather.of_groups(groups, name, value)

    different = F.col("different")
    read_known = request.own_total(f"rows with {key!r}", F.count_if(_all_present(request, key)))

    def rows() -> int:
        known = whole(read_known())
        request.refuse_nothing(known, f"no row has a value of {', '.join(key)} to judge")
        return known

    return _Repeats(
        rows=rows,
        dropped=total("dropped", counts(F.col("n") - different)),
        conflicting=total("conflicting", counts(F.when(different > 1, different))),
        keys=total("keys", F.count_if(different > 1)),
    )


def _known(request: Request, key: Sequence[str]) -> Repeated | None:
    """The hashes that repeat, those found when the source was read where they are of this key; None: look at all."""
    read = request.dataset.repeated
    if read is not None and read.key == tuple(key):
        return read
    types = column_types(request.frame)
    return Repeated(request.frame, key) if all(hashable(types[name]) for name in key) else None


@dataclass(frozen=True, kw_only=True)
class _Deliveries:
    """The keys that repeat, one row each: ``n``, the rows that hold it, and ``different``, how many differ."""

    key: str
    rows: DataFrame
    columns: Sequence[Column]
    payload: Sequence[Column]
    repeated: Repeated | None

    def frame(self) -> DataFrame:
        """The rows behind the hashes that repeat, grouped by their values: two keys may share a hash."""
        from pyspark.sql import functions as F

        suspected = self.rows if self.repeated is None else self.repeated.among(self.rows)
        if suspected is None:
            return self.rows.sparkSession.range(0).selectExpr("id AS n", "id AS different")
        # Text keeps NULL apart from nothing and makes values of any type comparable inside one group.
        content = F.to_json(F.struct(*self.payload), {"ignoreNullFields": "false"}) if self.payload else F.lit("")
        names = [f"key{n}" for n in range(len(self.columns))]
        keyed = suspected.select(
            *(column.alias(name) for name, column in zip(names, self.columns, strict=True)), content.alias(_PAYLOAD)
        )
        return keyed.groupBy(*names).agg(F.count(F.lit(1)).alias("n"), F.count_distinct(_PAYLOAD).alias("different"))


def _all_present(request: Request, names: list[str]) -> Column:
    return reduce(lambda left, right: left & right, (request.column(name).isNotNull() for name in names))
