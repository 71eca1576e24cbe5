"""The guarded run itself: from a pipeline's name and period to a record with a verdict. It prints nothing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from dq import store
from dq.base import periods
from dq.base.errors import DqError, EvaluationError, StoreError
from dq.base.model import Json, Outcome, RunRecord, Window
from dq.declare.binding import Bound
from dq.declare.project import Project
from dq.engine.reasons import rows_kept_from_logs
from dq.run import (
    deaths,
    ending,
    hints,
    inputs,
    judging,
    late_rows,
    phases,
    pinning,
    previous,
    record,
    recovery,
    rules,
    run_records,
    staging,
)
from dq.run.failures import place, sentence
from dq.run.phases import Audited, Begun, Checked, Computed, Decided, Keyed, Options, RunOver, Task, after
from dq.run.steps import Steps
from dq.spark import session
from dq.store import waivers

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

log = logging.getLogger("dq.run")


class GuardedRun:
    """One run of one pipeline; use as: ``prepare``, then ``read`` and ``publish``, then ``finish``.

    ``reached`` is what it knows by now, the value of the phase it is in.
    """

    def __init__(self, project: Project, bound: Bound, options: Options) -> None:
        started = datetime.now(UTC)
        self.options = options
        self.task = Task(
            project=project,
            bound=bound,
            warehouse=store.Warehouse(options.warehouse, former=project.registry.former),
            run=run_records.new_id(bound.name, options.period, started),
            started=started,
        )
        self.steps = Steps(self.task.run)
        grain = bound.pipeline.grain
        periods.days_for(options.period, grain, project.roster.model.rotation.anchor)
        # The kind is provisional until the ledger has been read.
        window = periods.window(options.period, options.as_of, None, ledger_absent=False, grain=grain)
        self.reached = Begun(window=window)
        self._end: Decided | None = None
        self._watch = deaths.Watch()
        self._spark: SparkSession | None = None
        self._quiet = ExitStack()

    # -- what a job sees -------------------------------------------------------------------------------------------

    @property
    def window(self) -> Window:
        """The period of this run and how much of it is there."""
        return self._checked.window

    @property
    def rules(self) -> Mapping[str, Json]:
        """The calculation rules of ``jobs/rules.yml``."""
        return self.task.project.rules

    @property
    def currency(self) -> str:
        """The currency of all the company's amounts, as ISO 4217 names it."""
        return self.task.currency

    def absent(self, name: str) -> bool:
        """Whether a source is declared absent in the sources file."""
        return self.task.absent(name)

    def read(self, name: str) -> DataFrame | None:
        """An input as it was pinned: a source by its contract or a published table; None where declared absent."""
        frames = self._checked.frames
        if self.absent(name):
            return None
        if name not in frames:
            pipeline = self.task.bound.name
            raise EvaluationError(
                f"{pipeline} reads {name}, which its registry entry does not list",
                where=f"jobs/pipelines.yml: pipelines.{pipeline}",
                do="add it under sources or upstream",
            )
        return frames[name]

    def published_days(self, name: str) -> list[date]:
        """The days of an upstream table that are published and read, also those on which nothing happened."""
        upstream = self._checked.upstream
        return upstream[name].days if name in upstream else []

    def previous(self) -> DataFrame | None:
        """This table as published for the period before, a month as final; None without, and for part of a period."""
        found = self._checked.previous
        if found is None or not phases.whole(self.window):
            return None
        return store.read_entries(self._live, self.task.table, found.own.entries)

    def previous_units(self, name: str) -> DataFrame | None:
        """For part of a month: an upstream table's rows of the same first days of the month before.

        They are the versions that month's final was built from. None for a whole month, and without such a final.
        """
        found, task = self._checked.previous, self.task
        if name not in task.bound.pipeline.upstream:
            raise EvaluationError(
                f"{task.bound.name} has no upstream {name}",
                where=f"jobs/pipelines.yml: pipelines.{task.bound.name}",
                expected=", ".join(task.bound.pipeline.upstream),
            )
        if found is None or phases.whole(self.window):
            return None
        return previous.same_days(self._live, task.warehouse, task.project, task.bound, found, name, self.window)

    def trailing_units(self, name: str) -> DataFrame | None:
        """An upstream table's rows of the day with which the twelve months began that end with the last day covered.

        None unless this table has finals of all these months before its own.
        """
        found = self._checked.previous
        if found is None or found.trailing is None:
            return None
        return inputs.upstream_frame(self._live, self.task.warehouse, found.trailing.units[name])

    def publish(self, frame: DataFrame) -> None:
        """Stage the computed figures, audit the staged bytes; the verdict follows in ``finish``."""
        checked, task = self._checked, self.task
        staged = staging.stage(task.table, task.run, frame, task.bound, checked.window)
        self.reached = computed = after(checked, Computed, staged=staged)
        self.steps.begin(f"auditing the staged {task.bound.name}")
        self.reached = judging.audited(self._live, task, computed)

    # -- the run ---------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Pin, check the contracts, read and judge the inputs; ends the run early where nothing can be computed.

        Whatever is wrong as of an instant before that of what is published is refused, never held: it is not news.
        """
        try:
            self._prepare()
        except Exception:
            with suppress(StoreError):  # a warehouse that cannot be read is told by what it already broke
                self._refuse_to_go_back()
            raise
        if self._end is not None and not self._end.already:
            self._refuse_to_go_back()

    def _prepare(self) -> None:
        """From phase to phase, each as far as the one before did not end the run."""
        self._open_warehouse()
        for phase in (self._pin, self._read, self._check):
            if self._end is None:
                phase()
        if self._end is None:
            self.steps.begin(f"computing {self.task.bound.name}")

    def _open_warehouse(self) -> None:
        task, pipeline = self.task, self.task.bound.pipeline
        self.steps.begin("opening the warehouse")
        task.warehouse.prepare()
        recovery.catch_up(task.warehouse, [task.bound.name, *pipeline.upstream])
        # Read once: what the run key says of them is what is applied and shown, whatever is recorded meanwhile.
        window = self.reached.window
        applied = waivers.of_period(task.warehouse, task.bound.name, window.period)
        self.reached = replace(self.reached, waivers=applied)
        shown = [entry.version for period in task.periods(window) if (entry := task.table.entry(period))]
        self.reached = replace(self.reached, stays=max(shown, default=None))
        lacking = inputs.lacking(task.project.sources, pipeline.needs)
        if lacking:
            self._end_with_error(f"{task.bound.name} cannot be computed: {'; '.join(lacking)}")

    def _pin(self) -> None:
        if any(self.task.bound.sources.needs_spark(name) for name in self.task.present_sources):
            self._start()
        self.steps.begin("pinning the inputs")
        try:
            for pinned in pinning.pinned(self.task, self.reached):
                self.reached = pinned
        except inputs.UpstreamError as error:
            self._end_with_error(str(error), held_upstream=error.record)
            return
        if any(result.blocks for result in self.reached.results):
            self._over(Outcome.NOT_RUN, "schema drift: nothing is computed from columns that are not what they were")

    def _read(self) -> None:
        task = self.task
        assert isinstance(self.reached, phases.Pinned)  # noqa: S101 - _pin() made it
        if self._spark is None:
            self._start()
        spark = self._live
        self.steps.begin("reading the inputs")
        self.reached = read = pinning.read(spark, task, self.reached)
        for pin in read.upstream.values():
            inputs.prove_complete(pin, read.window)
        self.reached = keyed = pinning.keyed(task, read)
        self._end = ending.by_what_is_published(task, keyed, self._watch.died_before)
        if self._end is None:
            self._refuse_to_go_back()
            # Only now: it takes a look at all rows.
            self.reached = pinning.opened(spark, task, keyed)

    def _start(self) -> None:
        task = self.task
        self.steps.begin("starting Spark")
        spark = session.session(task.bound.name, task.project.root / "spark-conf", deaths.folder(task.warehouse))
        self._spark = spark
        self.steps.name_in(spark)
        # What Spark's Python side logs of a failed expression quotes the value it failed on.
        self._quiet.enter_context(rows_kept_from_logs())
        limits = task.project.settings.runtime
        self._watch = deaths.watch(spark, task.warehouse, task.bound.name, task.run, limits, task.bound.page)

    def _check(self) -> None:
        task, spark, opened = self.task, self._live, self.reached
        assert isinstance(opened, phases.Opened)  # noqa: S101 - _read() made it
        self.steps.begin("checking the inputs")
        late = late_rows.rows(spark, task.project, task.bound, opened.window, task.table)
        self.reached = checked = after(opened, Checked, late=late)
        for known in judging.checked(spark, task, checked):
            self.reached = checked = known
        if uncovered := [r.observed for r in checked.results if r.type == rules.COVERED and r.blocks]:
            self._over(Outcome.NOT_RUN, f"not computed: {'; '.join(uncovered)}")
            return
        self.steps.begin("looking at the files of the inputs")
        self.reached = checked = phases.judged(checked, hints.of_inputs(spark, task, checked))
        without_rows = judging.hollow(checked.results)
        if without_rows:
            self._over(Outcome.ERRORED, f"not computed: {', '.join(without_rows)} has no rows")

    def refused(self) -> None:
        """Take back the note that this run began: one that is refused leaves no record, and has not died."""
        deaths.take_back(self.task.warehouse, self.task.bound.name, self.task.run, self._watch.noted_before)

    def finish(self, error: BaseException | None = None) -> RunRecord:
        """Decide, commit or hold, and record; ``error`` is what ended the job's body early."""
        bound, reached = self.task.bound, self.reached
        try:
            if error is not None and not isinstance(error, RunOver):
                where = place(error, self.task.project.root)
                self._end_with_error(f"{self.steps.name}: {sentence(error)}{where}{self._cause_of_death(error)}")
            elif self._end is None and isinstance(reached, Audited):
                self._decide_and_commit(reached)
            elif self._end is None:
                self._end_with_error(f"the job ended without publishing {bound.name}")
        except Exception as failure:
            if not self._published_all_the_same(failure):
                self._end_with_error(f"{self.steps.name}: {sentence(failure)}{self._cause_of_death(failure)}")
        assert self._end is not None  # noqa: S101 - either way
        end = self._end
        if not end.already:
            self._end = replace(end, results=[*end.results, *judging.of_strains_unknown(bound, end.results)])
        self._quiet.close()
        self.steps.begin("telling")
        return self._record(self._end)

    def _decide_and_commit(self, audited: Audited) -> None:
        task, died_before = self.task, self._watch.died_before
        self.steps.begin("deciding")
        self._end = ending.by_verdict(task, audited, died_before)
        self.steps.begin("measuring what the run strained")
        self._end = end = ending.with_strains(self._live, task, self._end, self.steps)
        sealed = ending.sealed(task, audited, end, self._record(end))
        if end.verdict.published:
            self.steps.begin("committing")
            self._end = ending.committed(task, audited, end, sealed)

    def _record(self, end: Decided) -> RunRecord:
        seconds, jobs = self.steps.total, self.spark_jobs
        return record.record(self.task, end, seconds=seconds, spark_jobs=jobs, event_log=self.event_log)

    def _published_all_the_same(self, failure: Exception) -> bool:
        """Whether an error came after the commit: what is published is not told as held."""
        if self.steps.name != "committing" or self._end is None:
            return False
        try:
            version = self.landed()
        except DqError:
            return False
        if version:
            log.warning("%s is published although %s", self.task.bound.name, sentence(failure))
        self._end = replace(self._end, version=version)
        return version is not None

    # -- helpers ---------------------------------------------------------------------------------------------------

    @property
    def event_log(self) -> str:
        """Where on this machine the run writes its event log; empty where it writes none, or none yet."""
        events = self._watch.event_log
        return str(events.path or "") if events else ""

    @property
    def spark_jobs(self) -> int:
        """Spark jobs started by this run."""
        if self._spark is None:
            return 0
        return len(self._spark.sparkContext.statusTracker().getJobIdsForGroup(self.task.run))

    def landed(self) -> int | None:
        """The version this run has published, as the log says, whatever the run still knows of it; None without."""
        if self._end is not None and self._end.version:
            return self._end.version
        commit = self.task.table.current()
        own = [one.version for one in commit.entries.values() if one.run == self.task.run] if commit else []
        return max(own, default=None)

    @property
    def _checked(self) -> Checked:
        """The inputs of a run that is not over."""
        if self._end is not None:
            raise RunOver
        assert isinstance(self.reached, Checked)  # noqa: S101 - prepare() made it, or ended the run
        return self.reached

    @property
    def _live(self) -> SparkSession:
        assert self._spark is not None  # noqa: S101 - prepare() set it
        return self._spark

    def _refuse_to_go_back(self) -> None:
        pinning.refuse_to_go_back(self.task, self.reached.window, settled=isinstance(self.reached, Keyed))

    def _cause_of_death(self, error: BaseException) -> str:
        """What the run's own event log says killed it, to follow the sentence of an error that is not ours."""
        told = deaths.told_by(self._watch.event_log, self.task.run, self.task.project.settings.runtime)
        return f"; {told}" if told and not isinstance(error, DqError) else ""

    def _over(self, outcome: Outcome, reason: str) -> None:
        """End the run before anything was computed: the checks without a result get this outcome and reason."""
        self._end = ending.early(self.task, self.reached, outcome, reason, self._watch.died_before)

    def _end_with_error(self, error: str, held_upstream: RunRecord | None = None) -> None:
        """Hold as could not be evaluated: the check that the run completes carries the reason."""
        died_before = self._watch.died_before
        self._end = ending.by_error(self.task, self.reached, self._end, error, died_before, held_upstream)
