"""Great Expectations' own types, evaluated by us: prepare, settle by footers, scan once, judge, format."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dq.base.errors import EvaluationError, UsageError
from dq.base.model import Check, Evidence
from dq.engine import footers as footer_evidence
from dq.engine.conditions import OWN_LANGUAGE
from dq.engine.dataset import Dataset
from dq.engine.distinct import count_requirement, distinct_requirement, look_up, mode_requirement
from dq.engine.footers import Footers
from dq.engine.gx_format import RESULT_FORMATS, row_result, wanted_values
from dq.engine.keys import duplicate_rows, unique_requirement
from dq.engine.measures import Measure, Value
from dq.engine.native_aggregate import number_requirement, row_count_requirement
from dq.engine.native_demand import Concluded, DistinctFound, Found, KeySet, Requirement, Unexpected
from dq.engine.native_kwargs import is_parameter
from dq.engine.native_map import column_requirement, null_requirement
from dq.engine.native_records import columns_requirement
from dq.engine.native_result import NativeResult
from dq.engine.native_schema import schema_requirement
from dq.engine.reasons import reason, rows_kept_from_logs
from dq.engine.samples import index_query, unexpected_values
from dq.engine.scan import Scanned, scan

if TYPE_CHECKING:
    from pyspark.sql import DataFrame
    from pyspark.sql.types import StructType

Prepare = Callable[..., Requirement]

_BY_TYPE: Mapping[str, Prepare] = {
    "expect_table_row_count_to_be_between": row_count_requirement,
    "expect_table_row_count_to_equal": row_count_requirement,
    "expect_column_to_exist": schema_requirement,
    "expect_table_columns_to_match_ordered_list": schema_requirement,
    "expect_table_columns_to_match_set": schema_requirement,
    "expect_table_column_count_to_equal": schema_requirement,
    "expect_table_column_count_to_be_between": schema_requirement,
    "expect_column_values_to_be_of_type": schema_requirement,
    "expect_column_values_to_be_in_type_list": schema_requirement,
    "expect_column_values_to_not_be_null": null_requirement,
    "expect_column_values_to_be_null": null_requirement,
    "expect_column_values_to_be_between": column_requirement,
    "expect_column_values_to_be_in_set": column_requirement,
    "expect_column_values_to_not_be_in_set": column_requirement,
    "expect_column_values_to_match_regex": column_requirement,
    "expect_column_values_to_not_match_regex": column_requirement,
    "expect_column_value_lengths_to_be_between": column_requirement,
    "expect_column_value_lengths_to_equal": column_requirement,
    "expect_column_pair_values_a_to_be_greater_than_b": columns_requirement,
    "expect_column_pair_values_to_be_equal": columns_requirement,
    "expect_multicolumn_sum_to_equal": columns_requirement,
    "expect_column_values_to_be_unique": unique_requirement,
    "expect_compound_columns_to_be_unique": unique_requirement,
    "expect_column_min_to_be_between": number_requirement,
    "expect_column_max_to_be_between": number_requirement,
    "expect_column_mean_to_be_between": number_requirement,
    "expect_column_sum_to_be_between": number_requirement,
    "expect_column_distinct_values_to_be_in_set": distinct_requirement,
    "expect_column_distinct_values_to_contain_set": distinct_requirement,
    "expect_column_distinct_values_to_equal_set": distinct_requirement,
    "expect_column_unique_value_count_to_be_between": count_requirement,
}
SUPPORTED = frozenset(_BY_TYPE)
# Great Expectations compares the value as Python has it with the text of the set: by our rules only.
_OF_THE_HOUSE: Mapping[str, Prepare] = {"expect_column_most_common_value_to_be_in_set": mode_requirement}


def supports(check: Check, *, house: bool = False) -> bool:
    """Whether a check is evaluated here: its type is, and its row condition is not in Great Expectations' own language.

    Arguments that are suite parameters (``{"$PARAMETER": name}``) are resolved by Great Expectations only.
    """
    ours = check.type in SUPPORTED or (house and check.type in _OF_THE_HOUSE)
    if not ours or check.kwargs.get("condition_parser") in OWN_LANGUAGE:
        return False
    return not any(is_parameter(value) for value in check.kwargs.values())


def prepare(check: Check, schema: StructType, *, house: bool) -> Requirement:
    """What a check demands of a frame with this schema; an EvaluationError says why it cannot be evaluated."""
    made = _BY_TYPE.get(check.type) or (_OF_THE_HOUSE.get(check.type) if house else None)
    if made is None:
        raise EvaluationError(f"{check.type} is not evaluated here", do="hand it to Great Expectations")
    return made(check, schema, house=house)


@dataclass(frozen=True, kw_only=True)
class Settled:
    """What footers settle of a list of requirements, and the measures a scan has to find."""

    values: Mapping[Measure, Value]
    open: tuple[Measure, ...]


def settle(requirements: Iterable[Requirement], footers: Footers | None, also: Sequence[Measure] = ()) -> Settled:
    """Each measure once: read from the footers where they are exact, else left for the scan."""
    wanted = list(requirements)
    measures = dict.fromkeys((*also, *(measure for item in wanted for measure in item.measures)))
    values: dict[Measure, Value] = {}
    if footers is not None:
        for measure in measures:
            exact, value = footers.value(measure)
            if exact:
                values[measure] = value
        for item in wanted:
            values.update({measure: value for measure, value in item.proof(footers).items() if measure in measures})
    return Settled(values=values, open=tuple(measure for measure in measures if measure not in values))


@dataclass(kw_only=True)
class Examined:
    """The numbers behind a list of checks: a requirement or an error for each, and what was found."""

    requirements: list[Requirement | str]
    settled: Settled
    scanned: Scanned
    duplicates: dict[KeySet, int] = field(default_factory=dict)
    distinct: dict[str, DistinctFound] = field(default_factory=dict)
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def found(self) -> Found:
        """Everything that was measured."""
        return Found(
            values={**self.settled.values, **self.scanned.values}, duplicates=self.duplicates, distinct=self.distinct
        )

    def evidence(self, item: Requirement) -> Evidence:
        """Where the numbers of one requirement came from."""
        asked = item.distinct is not None and item.distinct.key in self.distinct
        if item.keys is not None or asked:
            return Evidence.KEY_PASS
        if not item.measures:
            return Evidence.SCHEMA
        return Evidence.FOOTERS if set(item.measures) <= set(self.settled.values) else Evidence.SCAN

    def error(self, item: Requirement) -> str:
        """Why one requirement could not be measured, empty if it was."""
        errors = [self.scanned.errors[measure] for measure in item.measures if measure in self.scanned.errors]
        if item.keys is not None:
            errors.append(self.errors.get(str(item.keys), ""))
        if item.distinct is not None:
            errors.append(self.errors.get(item.distinct.key, ""))
        return next(filter(None, errors), "")


@rows_kept_from_logs()
def examine(checks: Sequence[Check], dataset: Dataset, *, house: bool, also: Sequence[Measure] = ()) -> Examined:
    """Measure everything the checks demand: footers first, then one fused scan, then a pass per key set."""
    schema = dataset.frame.schema
    requirements: list[Requirement | str] = []
    for check in checks:
        try:
            requirements.append(prepare(check, schema, house=house))
        except Exception as error:
            requirements.append(reason(error))
    ready = [item for item in requirements if isinstance(item, Requirement)]
    needs_footers = also or any(item.measures for item in ready)
    settled = settle(ready, footer_evidence.read(dataset) if needs_footers else None, also)
    examined = Examined(requirements=requirements, settled=settled, scanned=scan(dataset.frame, settled.open))
    for item in ready:
        if not examined.error(item):
            _pass(dataset.frame, item, examined)
    return examined


def _pass(frame: DataFrame, item: Requirement, examined: Examined) -> None:
    if item.keys is not None and item.keys not in examined.duplicates:
        try:
            examined.duplicates[item.keys] = duplicate_rows(frame, item.keys)
        except Exception as error:
            examined.errors[str(item.keys)] = reason(error)
    asked = item.distinct
    if asked is None or asked.key in examined.distinct:
        return
    if item.distinct_unless is not None and examined.found.values.get(item.distinct_unless) == 0:
        return
    try:
        examined.distinct[asked.key] = look_up(frame, asked)
    except Exception as error:
        examined.errors[asked.key] = reason(error)


def evaluate_native(
    checks: Sequence[Check],
    dataset: Dataset,
    *,
    result_format: str = "BASIC",
    samples: bool = True,
    house: bool = False,
) -> list[NativeResult]:
    """The results of supported checks in their order, as Great Expectations would give them.

    ``samples`` lists unexpected values as the result format asks; without it no cell is fetched. ``house`` compares
    decimals and whole numbers without rounding and never lets NaN lie in a range.
    """
    if result_format not in RESULT_FORMATS:
        raise UsageError(f"unknown result format {result_format}", expected=", ".join(RESULT_FORMATS))
    examined = examine(checks, dataset, house=house)
    return results(examined, dataset, result_format=result_format, samples=[samples] * len(checks))


@rows_kept_from_logs()
def results(examined: Examined, dataset: Dataset, *, result_format: str, samples: Sequence[bool]) -> list[NativeResult]:
    """The results of what was examined; ``samples`` says for each check whether its values may be fetched."""
    found = examined.found
    judged: list[Concluded | str] = []
    for item in examined.requirements:
        judged.append(item if isinstance(item, str) else _judge(item, examined, found))
    limit = wanted_values(result_format)
    failing: dict[int, Unexpected] = {}
    for position, (item, outcome) in enumerate(zip(examined.requirements, judged, strict=True)):
        if isinstance(item, Requirement) and isinstance(outcome, Concluded) and samples[position] and limit:
            null_values = outcome.kept is None and item.check.type == "expect_column_values_to_not_be_null"
            if outcome.unexpected and item.unexpected is not None and not null_values:
                failing[position] = item.unexpected
    values, errors = _fetch(dataset.frame, failing, limit)
    made = []
    for position, (item, outcome) in enumerate(zip(examined.requirements, judged, strict=True)):
        if isinstance(outcome, str) or isinstance(item, str):
            made.append(NativeResult(success=None, error=str(outcome), evidence=Evidence.NONE))
            continue
        error = errors.get(position, "")
        if error:
            made.append(NativeResult(success=None, error=error, evidence=examined.evidence(item)))
            continue
        listed: list[object] | None = values.get(position, [None] * min(outcome.unexpected, limit))
        try:
            formatted = _formatted(item, outcome, dataset, result_format, listed if samples[position] else None)
        except Exception as raised:
            made.append(NativeResult(success=None, error=reason(raised), evidence=examined.evidence(item)))
            continue
        made.append(
            NativeResult(
                success=outcome.success,
                result=formatted,
                left=outcome.left,
                evidence=examined.evidence(item),
                measures=outcome.measures,
                private=outcome.private,
            )
        )
    return made


def _judge(item: Requirement, examined: Examined, found: Found) -> Concluded | str:
    error = examined.error(item)
    if error:
        return error
    try:
        return item.judge(found)
    except Exception as raised:
        return reason(raised)


def _fetch(
    frame: DataFrame, failing: Mapping[int, Unexpected], limit: int
) -> tuple[dict[int, list[object]], dict[int, str]]:
    """The unexpected values of failing checks by position, together if possible; why, for those that raised."""
    try:
        fetched = unexpected_values(frame, list(failing.values()), limit)
        return dict(zip(failing, fetched, strict=True)), {}
    except Exception as error:
        if len(failing) == 1:
            return {}, dict.fromkeys(failing, reason(error))
    values: dict[int, list[object]] = {}
    errors: dict[int, str] = {}
    for position, item in failing.items():
        one, wrong = _fetch(frame, {position: item}, limit)
        values.update(one)
        errors.update(wrong)
    return values, errors


def _formatted(
    item: Requirement, outcome: Concluded, dataset: Dataset, result_format: str, values: list[object] | None
) -> Mapping[str, object]:
    if result_format == "BOOLEAN_ONLY":
        return {}
    if outcome.result is not None:
        lists = ("partial_unexpected_list", "partial_missing_list")
        return {key: value for key, value in outcome.result.items() if values is not None or key not in lists}
    query = None
    if result_format == "COMPLETE" and values is not None and item.unexpected is not None:
        query = index_query(dataset.frame, item.unexpected)
    return row_result(
        result_format=result_format,
        rows=outcome.rows,
        kept=outcome.kept,
        unexpected=None if item.sums and not outcome.rows else outcome.unexpected,
        values=values,
        query=query,
    )
