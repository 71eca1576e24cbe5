"""How a run ends: before its figures are computed, by an error, or by the verdict on them and the commit."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from dq import store
from dq.base.errors import EvaluationError
from dq.base.model import CheckResult, Died, Outcome, RunRecord, Verdict
from dq.base.verdict import apply_waivers, decide
from dq.run import inputs, judging, previous, recovery, rules, run_records, staging, strains
from dq.run.phases import Audited, Begun, Decided, Keyed, Task, partial, refs
from dq.run.steps import BEFORE_READING, Steps

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def early(task: Task, reached: Begun, outcome: Outcome, reason: str, died_before: Died | None) -> Decided:
    """The end of a run before anything was computed: the checks without a result get this outcome and reason."""
    results = [*reached.results, judging.of_completion(task.bound, died_before=died_before)]
    results += judging.of_the_rest(task.bound, results, outcome, reason)
    results = _waived(reached, results)
    verdict = decide(results, kind=None, partial=partial(task, reached))
    # Nothing was computed, so nothing can be published whatever was waived.
    verdict = Verdict.HOLD_NOT_EVALUATED if verdict.published else verdict
    return Decided(reached=reached, verdict=verdict, results=results, died_before=died_before)


def by_error(
    task: Task,
    reached: Begun,
    end: Decided | None,
    error: str,
    died_before: Died | None,
    held_upstream: RunRecord | None = None,
) -> Decided:
    """The end as could not be evaluated, also of a run that had ended: that it completes is what carries the reason."""
    completion = judging.of_completion(task.bound, error, died_before=died_before)
    known = end.results if end else reached.results
    results = [completion, *(result for result in known if result.check != completion.check)]
    results += judging.of_the_rest(task.bound, results, Outcome.NOT_RUN, "the run ended before this check")
    verdict = Verdict.HOLD_NOT_EVALUATED
    if end is not None:
        return replace(end, verdict=verdict, results=results, version=None)
    return Decided(
        reached=reached,
        verdict=verdict,
        results=results,
        totals=reached.totals if isinstance(reached, Audited) else {},
        died_before=died_before,
        held_upstream=held_upstream,
    )


def by_what_is_published(task: Task, keyed: Keyed, died_before: Died | None) -> Decided | None:
    """The end of a run whose very figures were published, or withdrawn, before; None where they were not."""
    withdrawn = task.table.withdrawal(keyed.key)
    if withdrawn is not None:
        why = (
            f"exactly these figures were withdrawn by {withdrawn.by}: {withdrawn.reason}; "
            "fix the input or the code and run again"
        )
        return by_error(task, keyed, None, why, died_before)
    wanted = task.periods(keyed.window)
    commit = task.table.find(keyed.key, wanted)
    if commit is None:
        return None
    entries = [commit.entries[period] for period in wanted]
    earlier = run_records.find(task.warehouse, entries[-1].run)
    return Decided(
        reached=keyed,
        verdict=Verdict(entries[-1].verdict),
        results=list(earlier.results) if earlier is not None else [],
        version=max(entry.version for entry in entries),
        already=True,
        totals=store.summed(entries),
        died_before=died_before,
    )


def by_verdict(task: Task, audited: Audited, died_before: Died | None) -> Decided:
    """The verdict on figures that were audited, as long as their inputs are what they were."""
    bound, as_of = task.bound, audited.window.as_of
    changed = inputs.verify(list(audited.pins.values()))
    if changed:
        raise EvaluationError("; ".join(changed), do="run again on the settled input")
    results = [*audited.results]
    for check in bound.run_checks.values():
        if check.type == "expect_inputs_to_be_current":
            pins = audited.upstream.values()
            newer = [text for pin in pins for text in inputs.still_current(task.warehouse, pin, as_of)]
            newer += previous.still_current(task.warehouse, audited.previous, as_of)
            results.append(judging.of_currency(check, newer))
    results.append(judging.of_completion(bound, died_before=died_before))
    results += judging.of_the_rest(bound, results, Outcome.ERRORED, "it was not evaluated")
    results = _waived(audited, results)
    verdict = decide(results, kind=audited.window.kind, partial=partial(task, audited))
    return Decided(reached=audited, verdict=verdict, results=results, totals=audited.totals, died_before=died_before)


def with_strains(spark: SparkSession, task: Task, end: Decided, steps: Steps) -> Decided:
    """The same with what the run strained so far: its verdict is known, and its history is still to be written."""

    def history(check: str) -> list[Decimal]:
        return judging.history(task, end.window, check)

    found = strains.of_run(
        spark,
        task.run,
        list(task.bound.strain_checks.values()),
        began=task.started,
        took=steps.total - steps.of(BEFORE_READING),
        history=history,
        thresholds=task.project.settings.runtime,
    )
    return replace(end, results=[*end.results, *found])


def sealed(task: Task, audited: Audited, end: Decided, record: RunRecord) -> store.Manifest:
    """The staged files bound to the verdict; a held run is sealed too: what is shown of it later is what was judged."""
    audit = {"verdict": end.verdict, "configuration": task.bound.hash, "as_of": end.window.as_of}
    if end.verdict.published:
        # Whoever dies once it is published has left what the next one needs to record and to tell it.
        audit |= recovery.sealed(record)
    return staging.seal(task.table, audited.staged, audited.key, audit)


def committed(task: Task, audited: Audited, end: Decided, sealed: store.Manifest) -> Decided:
    """The end of a run whose figures are published; another of the same key may have been first."""
    infos = {period: _info(task, audited, end, period) for period in audited.base}
    commit = staging.commit(task.table, task.bound, sealed, infos, audited.base)
    return replace(end, version=commit.version, already=commit.run != task.run)


def _info(task: Task, audited: Audited, end: Decided, period: str) -> store.PeriodInfo:
    window = end.window
    return store.PeriodInfo(
        kind=window.kind,
        data_through=window.data_through,
        verdict=end.verdict,
        as_of=window.as_of,
        totals=audited.totals_by_period.get(period, {}),
        measures={
            store.measured(window.period, r.check): str(r.measures["metric"])
            for r in end.results
            if r.measures.get("metric") is not None and r.outcome is not Outcome.ERRORED
        }
        | rules.used(task.project, task.bound, window),
        inputs=refs(audited),
        partial=tuple(partial(task, audited)),
    )


def _waived(reached: Begun, results: list[CheckResult]) -> list[CheckResult]:
    window = reached.window
    return apply_waivers(results, reached.waivers, period=window.period, as_of=window.as_of)
