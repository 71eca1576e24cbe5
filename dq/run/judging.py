"""Judge the inputs of a run, and fill in the results of checks that nothing was there to judge."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dq import sources
from dq.base import periods
from dq.base.errors import SourceError
from dq.base.model import ALLOWED, Check, CheckResult, Died, Evidence, Outcome, Window
from dq.base.periods import Grain
from dq.checks.check_results import result_of
from dq.checks.compared_names import FIRST_DAY, LAST_DAY, SO_FAR
from dq.declare.binding import Bound
from dq.declare.project import Project
from dq.engine.dataset import Context, Dataset
from dq.engine.native_types import COUNTING_ROWS
from dq.judge.evaluate import NO_ROWS, evaluate
from dq.run import inputs, phases, previous, rules, staging
from dq.run.phases import Audited, Checked, Computed, Task
from dq.sources import ReadRule, csvfile
from dq.sources.config import Format

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# Small datasets cost planning more than computing, and their plans are made side by side; Spark shares out the cores.
DATASETS_AT_ONCE = 4
COMPLETES = "expect_run_to_complete"
CONTRACT = "expect_source_to_match_contract"
PERIOD = "expect_source_to_hold_its_period"
_UNREADABLE = "FAILED_READ_FILE"


def checked(spark: SparkSession, task: Task, now: Checked) -> Iterator[Checked]:
    """The inputs with what is found of them, anew after each look, so that an error leaves what was found before."""
    bound, window = task.bound, now.window
    for name, reason in now.empty.items():
        closed = inputs.closed_for(bound.sources, name, window)
        yield (now := phases.judged(now, of_nothing(bound, name, reason, closed)))
        if closed:
            now = replace(now, frames={**now.frames, name: sources.no_rows(spark, bound.sources, name).visible})
    yield (now := phases.judged(now, of_inputs(spark, task, now, context(task, now))))
    yield (now := phases.judged(now, of_periods(bound, now)))
    yield (now := phases.judged(now, of_absent(bound, task.project)))
    yield phases.judged(now, rules.judge(task.project, bound, window, task.table))


def audited(spark: SparkSession, task: Task, now: Computed) -> Audited:
    """The staged figures with what is found of their bytes."""
    compared = previous.tables(spark, task.warehouse, task.bound, now.previous, now.replaced)
    tables = {**compared_with(task.bound, now), **compared}
    partly = phases.partial(task, now)
    found = staging.audit(spark, now.staged, task.bound, context(task, now, tables), partly)
    return phases.after(
        phases.judged(now, found.results), Audited, totals=dict(found.totals), totals_by_period=dict(found.by_period)
    )


def context(task: Task, now: Checked, tables: Mapping[str, DataFrame] | None = None) -> Context:
    """What checks are judged with: of the inputs, or of the figures, which are compared with ``tables``."""
    bound, window, declared = task.bound, now.window, task.project.sources
    absences = {name: declared.absence(name) for name in bound.pipeline.sources}
    absent = {name: f"{name} is declared absent: {a.reason}" for name, a in absences.items() if a}
    by_date = bound.pipeline.grain in (Grain.WEEK, Grain.FORTNIGHT)
    of_days = bound.pipeline.grain is Grain.DAY
    before = periods.previous_month(window.month)
    return Context(
        window=window,
        tables=tables if tables is not None else {**now.frames, **now.late.frames},
        absent_tables={
            **absent,
            **now.late.absent,
            **previous.absent(task.warehouse, bound, window, now.previous, now.replaced),
        },
        absent_columns=absent_upstream(task.project, now),
        feeds={name: declared.feeds(name) for name in task.present_sources},
        history=partial(history, task, window),
        days_from=window.start if tables is not None or by_date else window.month_start,
        published_days={name: pin.days for name, pin in now.upstream.items()},
        published={"previous": before, "replaced": window.period, "late": before},
        replaced_days=[date.fromisoformat(period) for period in now.replaced] if of_days else [],
        pipeline=bound.name,
        sample=True,
    )


def history(task: Task, window: Window, check: str) -> list[Decimal]:
    """What a check measured of the periods before a window, as they are published."""
    return [value for _, value in task.table.history(check, window.period, window.as_of)]


def of_inputs(spark: SparkSession, task: Task, now: Checked, context: Context) -> list[CheckResult]:
    """The results on every source and upstream table, in the order of the datasets, whichever was done first."""
    bound = task.bound
    datasets = [
        inputs.dataset_of(source, inputs.closed_for(bound.sources, name, now.window))
        for name, source in now.sources.items()
    ]
    datasets += [
        inputs.upstream_dataset(spark, task.warehouse, upstream, now.frames[table], bound.sources)
        for table, upstream in now.upstream.items()
    ]

    def judged(dataset: Dataset) -> list[CheckResult]:
        # A job group belongs to a thread; the jobs of all of them are this run's.
        spark.sparkContext.setJobGroup(task.run, f"checking {dataset.name}")
        checks = [check for check in bound.checks[dataset.name] if check.type not in (CONTRACT, PERIOD)]
        results = evaluate(checks, dataset, context)
        pinned = now.pins.get(dataset.name)
        return results if pinned is None else unread(results, pinned.pin)

    with ThreadPoolExecutor(max_workers=DATASETS_AT_ONCE) as pool:
        return [result for results in pool.map(judged, datasets) for result in results]


def unread(results: Sequence[CheckResult], pin: sources.Pin) -> list[CheckResult]:
    """The results on a source; of those for which Spark could not read a CSV file the reason is the file and row."""
    failed = [result for result in results if result.outcome is Outcome.ERRORED and _UNREADABLE in result.reason]
    tables = [name for name in pin.tables if pin.config.tables[name].format is Format.CSV] if failed else []
    try:
        for name in tables:
            csvfile.refuse_ragged([Path(file.path) for file in pin.tables[name].files], pin.config.tables[name].csv)
    except SourceError as error:
        return [replace(result, reason=str(error)) if result in failed else result for result in results]
    return list(results)


def of_absent(bound: Bound, project: Project) -> list[CheckResult]:
    """The checks of sources declared absent, not run, with whose decision that is and why."""
    results = []
    for name in bound.pipeline.sources:
        absence = project.sources.absence(name)
        if absence is not None:
            reason = f"{name} is declared absent by {absence.owner}: {absence.reason}"
            results += [result_of(check, Outcome.NOT_RUN, reason=reason) for check in bound.checks[name]]
    return results


def of_nothing(bound: Bound, name: str, reason: str, closed: str = "") -> list[CheckResult]:
    """The results on a source without any file: its row count fails, the rest cannot be evaluated.

    Where nothing is expected, for it is ``closed``, none of its checks is run.
    """
    if closed:
        why = f"no row, {ALLOWED}: {closed}"
        return [result_of(check, Outcome.NOT_RUN, reason=why) for check in bound.checks[name]]
    results = []
    for check in bound.checks[name]:
        if check.type in COUNTING_ROWS:
            measures = {"row_count": 0}
            results.append(result_of(check, Outcome.FAILED, observed=f"no rows: {reason}", measures=measures))
        else:
            results.append(result_of(check, Outcome.ERRORED, reason=NO_ROWS))
    return results


def hollow(results: Iterable[CheckResult]) -> list[str]:
    """The datasets that turned out to have no rows."""
    return sorted({r.dataset for r in results if r.outcome is Outcome.ERRORED and r.reason == NO_ROWS})


def of_schemas(bound: Bound, pins: Mapping[str, inputs.SourcePin]) -> list[CheckResult]:
    """The results of the schema checks of every pinned source (class F07)."""
    results = []
    for name, pinned in pins.items():
        for check in bound.checks[name]:
            if check.type != CONTRACT:
                continue
            problems = pinned.drift.added if check.kwargs.get("added") else pinned.drift.breaking
            results.append(
                result_of(
                    check,
                    Outcome.FAILED if problems else Outcome.PASSED,
                    observed="; ".join(problems) if problems else "the columns and types declared",
                    evidence=Evidence.SCHEMA,
                    measures={"unexpected_count": len(problems)},
                )
            )
    return results


def of_periods(bound: Bound, now: Checked) -> list[CheckResult]:
    """Whether every month of every source is there and holds rows of its own only (class F05).

    The read rule would drop a row of another month, and a month that is not there, without a word.
    """
    results = []
    for name, source in now.sources.items():
        for check in bound.checks[name]:
            if check.type != PERIOD:
                continue
            months, rows = now.pins[name].pin.missing_months, source.rows_misfiled
            problems = [f"no file for {', '.join(months)}"] if months else []
            problems += [f"{rows:,} rows are of another month than their file"] if rows else []
            results.append(
                result_of(
                    check,
                    Outcome.FAILED if problems else Outcome.PASSED,
                    observed="; ".join(problems) or "every month is there with its own rows",
                    evidence=Evidence.RUN,
                    measures={"unexpected_count": len(months) + rows},
                )
            )
    return results


def of_currency(check: Check, newer: Sequence[str]) -> CheckResult:
    """Whether every input is still the version readers see (class F16)."""
    return result_of(
        check,
        Outcome.FAILED if newer else Outcome.PASSED,
        observed="; ".join(newer) or "every input is the version readers see",
        evidence=Evidence.RUN,
        measures={"unexpected_count": len(newer)},
    )


def of_completion(bound: Bound, error: str = "", died_before: Died | None = None) -> CheckResult:
    """Whether the run completed, or why it did not (class F26), and why the one before it died without a word."""
    check = next(check for check in bound.run_checks.values() if check.type == COMPLETES)
    before = died_before.sentence if died_before else ""
    if error:
        return result_of(check, Outcome.ERRORED, reason=error, observed=before, evidence=Evidence.RUN)
    observed = f"the run completed; {before}" if before else "the run completed"
    return result_of(check, Outcome.PASSED, observed=observed, evidence=Evidence.RUN)


def of_delivery(bound: Bound, problem: str) -> list[CheckResult]:
    """Whether the report of what was published is where its readers find it (class F21); it changes no verdict."""
    return [
        result_of(
            check,
            Outcome.FAILED if problem else Outcome.PASSED,
            observed=problem or "the report was written and its delivery recorded",
            evidence=Evidence.RUN,
            measures={"unexpected_count": int(bool(problem))},
        )
        for check in bound.after_checks.values()
        if check.type == "expect_report_to_be_delivered"
    ]


def of_strains_unknown(bound: Bound, done: Collection[CheckResult]) -> list[CheckResult]:
    """What a run that ended before its verdict strained is not judged: its end says more, and so does its event log."""
    known = {result.check for result in done}
    reason = "the run ended before this check"
    return [
        result_of(check, Outcome.NOT_RUN, reason=reason)
        for check in bound.strain_checks.values()
        if check.check not in known
    ]


def of_the_rest(bound: Bound, done: Collection[CheckResult], outcome: Outcome, reason: str) -> list[CheckResult]:
    """One and the same outcome for every check that has no result yet."""
    known = {result.check for result in done}
    make = partial(result_of, outcome=outcome, reason=reason)
    return [make(check) for check in bound.deciding_checks if check.check not in known]


def absent_upstream(project: Project, now: Checked) -> dict[str, dict[str, str]]:
    """Of each upstream table, by every name it is compared with, the columns it has not for want of a source."""
    return {
        f"{name}{end}": project.registry.pipelines[name].publishes.null_without(pin.partial)
        for name, pin in now.upstream.items()
        for end in ("", FIRST_DAY, LAST_DAY, SO_FAR)
    }


def compared_with(bound: Bound, now: Checked) -> dict[str, DataFrame]:
    """The other frames output checks compare with, cut to the days of the period unless they hold states.

    An upstream table with days is also there as ``<table>.last_day``: what stood at the end of the last day covered,
    ``<table>.first_day``: what the period began with, and ``<table>.so_far``: all days that were read, those before the
    period too.
    """
    tables = {}
    for name, frame in now.frames.items():
        day: str | None = "day"
        if name in now.sources:
            contract = bound.sources.contract(name)
            day = contract.day if contract.read is not ReadRule.UNTIL else None
        if day is not None and day in frame.columns:
            if name in now.upstream:
                tables[f"{name}{SO_FAR}"] = frame
            frame = inputs.cut(frame, day, now.window.start, now.window.data_through)
            if name in now.upstream:
                first, last = now.window.start, now.window.data_through
                tables[f"{name}{FIRST_DAY}"] = inputs.cut(frame, day, first, first)
                tables[f"{name}{LAST_DAY}"] = inputs.cut(frame, day, last, last)
        tables[name] = frame
    return tables
