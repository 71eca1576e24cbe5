"""The guarded run itself: from a pipeline's name and period to a record with a verdict. It prints nothing."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from dq import sources, store
from dq.base import periods
from dq.base.errors import DqError, EvaluationError, StoreError, UsageError
from dq.base.model import CheckResult, InputRef, Json, Outcome, RunRecord, Verdict, Window
from dq.base.periods import Grain
from dq.base.run_key import code_hash, run_key
from dq.base.verdict import apply_waivers, decide
from dq.declare.binding import Bound
from dq.declare.project import Project
from dq.engine.dataset import Context
from dq.engine.reasons import rows_kept_from_logs
from dq.run import (
    deaths,
    hints,
    inputs,
    judging,
    late_rows,
    previous,
    record,
    recovery,
    rules,
    run_records,
    staging,
    strains,
)
from dq.run.failures import place, sentence
from dq.run.state import Options, RunOver, State
from dq.spark import session
from dq.store import waivers

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

log = logging.getLogger("dq.run")


class GuardedRun:
    """One run of one pipeline; use as: ``prepare``, then ``read`` and ``publish``, then ``finish``."""

    def __init__(self, project: Project, bound: Bound, options: Options) -> None:
        self.project = project
        self.bound = bound
        self.options = options
        self.started = datetime.now(UTC)
        self.run = run_records.new_id(bound.name, options.period, self.started)
        self.warehouse = store.Warehouse(options.warehouse)
        self._clock = self._step_began = time.monotonic()
        self._table = self.warehouse.table(bound.name)
        # The kind is provisional until the ledger has been read.
        grain = bound.pipeline.grain
        periods.days_for(options.period, grain, project.roster.model.rotation.anchor)
        self._state = State(
            window=periods.window(options.period, options.as_of, None, ledger_absent=False, grain=grain)
        )
        self._spark: SparkSession | None = None
        self._quiet = ExitStack()

    # -- what a job sees -------------------------------------------------------------------------------------------

    @property
    def window(self) -> Window:
        """The period of this run and how much of it is there."""
        self._stop_if_over()
        return self._state.window

    @property
    def rules(self) -> Mapping[str, Json]:
        """The calculation rules of ``jobs/rules.yml``."""
        return self.project.rules

    @property
    def currency(self) -> str:
        """The currency of all the company's amounts, as ISO 4217 names it."""
        return self.project.sources.currency

    def absent(self, name: str) -> bool:
        """Whether a source is declared absent in the sources file."""
        return name in self.bound.pipeline.sources and self.project.sources.absence(name) is not None

    def read(self, name: str) -> DataFrame | None:
        """An input as it was pinned: a source by its contract or a published table; None where declared absent."""
        self._stop_if_over()
        if self.absent(name):
            return None
        if name not in self._state.frames:
            raise EvaluationError(
                f"{self.bound.name} reads {name}, which its registry entry does not list",
                where=f"jobs/pipelines.yml: pipelines.{self.bound.name}",
                do="add it under sources or upstream",
            )
        return self._state.frames[name]

    def published_days(self, name: str) -> list[date]:
        """The days of an upstream table that are published and read, also those on which nothing happened."""
        self._stop_if_over()
        return self._state.upstream[name].days if name in self._state.upstream else []

    def previous(self) -> DataFrame | None:
        """This table as published for the period before, a month as final; None without, and for part of a period."""
        self._stop_if_over()
        found = self._state.previous
        if found is None or self._spark is None or not self._whole:
            return None
        return store.read_entries(self._spark, self._table, found.own.entries)

    def previous_units(self, name: str) -> DataFrame | None:
        """For part of a month: an upstream table's rows of the same first days of the month before.

        They are the versions that month's final was built from. None for a whole month, and without such a final.
        """
        self._stop_if_over()
        found = self._state.previous
        if name not in self.bound.pipeline.upstream:
            raise EvaluationError(
                f"{self.bound.name} has no upstream {name}",
                where=f"jobs/pipelines.yml: pipelines.{self.bound.name}",
                expected=", ".join(self.bound.pipeline.upstream),
            )
        if found is None or self._spark is None or self._whole:
            return None
        return previous.same_days(
            self._spark, self.warehouse, self.project, self.bound, found, name, self._state.window
        )

    def trailing_units(self, name: str) -> DataFrame | None:
        """An upstream table's rows of the day with which the twelve months began that end with the last day covered.

        None unless this table has finals of all these months before its own.
        """
        self._stop_if_over()
        found = self._state.previous
        if found is None or found.trailing is None or self._spark is None:
            return None
        return inputs.upstream_frame(self._spark, self.warehouse, found.trailing.units[name])

    def publish(self, frame: DataFrame) -> None:
        """Stage the computed figures, audit the staged bytes; the verdict follows in ``finish``."""
        self._stop_if_over()
        state = self._state
        assert self._spark is not None  # noqa: S101 - prepare() set it
        state.staged = staging.stage(self._table, self.run, frame, self.bound, state.window)
        self._step(f"auditing the staged {self.bound.name}")
        compared = previous.tables(self._spark, self.warehouse, self.bound, state.previous, state.replaced)
        context = self._context(tables={**judging.compared_with(self.bound, state), **compared})
        audited = staging.audit(self._spark, state.staged, self.bound, context, self.partial)
        state.results += audited.results
        state.totals = dict(audited.totals)
        state.totals_by_period = dict(audited.by_period)
        state.published = True

    # -- the run ---------------------------------------------------------------------------------------------------

    def prepare(self) -> None:
        """Pin, check the contracts, read and judge the inputs; ends the run early where nothing can be computed.

        Whatever is wrong as of an instant before that of what is published is refused, never held: it is no news.
        """
        try:
            self._prepare()
        except Exception:
            with suppress(StoreError):  # a warehouse that cannot be read is told by what it already broke
                self._refuse_to_go_back()
            raise
        if self._state.verdict is not None and not self._state.already:
            self._refuse_to_go_back()

    def _prepare(self) -> None:
        state = self._state
        item = self.bound.pipeline
        self._step("opening the warehouse")
        self.warehouse.prepare()
        recovery.catch_up(self.warehouse, [self.bound.name, *item.upstream])
        # Read once: what the run key says of them is what is applied and shown, whatever is recorded meanwhile.
        state.waivers = waivers.of_period(self.warehouse, self.bound.name, state.window.period)
        state.stays = max(
            (entry.version for period in self._periods() if (entry := self._table.entry(period))), default=None
        )
        lacking = inputs.lacking(self.project.sources, item.needs)
        if lacking:
            self._end_with_error(f"{self.bound.name} cannot be computed: {'; '.join(lacking)}")
            return
        self._step("pinning the inputs")
        try:
            for table in item.upstream:
                state.upstream[table] = inputs.pin_upstream(self.warehouse, self.project, table, state.window, item)
            state.previous = previous.pin(self.warehouse, self.project, self.bound, state.window)
            state.replaced = previous.replaced(self.warehouse, self.bound, state.window)
        except inputs.UpstreamError as error:
            state.held_upstream = error.record
            self._end_with_error(str(error))
            return
        empty = []
        for name in self._present_sources():
            try:
                pin = sources.pin(self.bound.sources, name, state.window)
            except sources.NoFilesError as error:
                empty.append((name, str(error)))
                continue
            drift = sources.drift(self.bound.sources, name, pin)
            state.pins[name] = inputs.SourcePin(name=name, pin=pin, drift=drift)
        state.results += judging.of_schemas(self.bound, state.pins)
        if any(result.blocks for result in state.results):
            self._over(Outcome.NOT_RUN, "schema drift: nothing is computed from columns that are not what they were")
            return
        self._step("starting Spark")
        self._spark = session.session(self.bound.name, self.project.root / "spark-conf", deaths.folder(self.warehouse))
        # What Spark's Python side logs of a failed expression quotes the value it failed on.
        self._quiet.enter_context(rows_kept_from_logs())
        limits = self.project.settings.runtime
        state.died_before = deaths.look_back(self.warehouse, self.bound.name, limits, self.bound.page)
        state.event_log = deaths.log_of(self._spark)
        state.noted_before = deaths.note(self.warehouse, self.bound.name, self.run, state.event_log)
        self._step("reading the inputs")
        self._read_inputs()
        if self._already_published():
            return
        self._refuse_to_go_back()
        # Only now: to tell which rows were delivered twice takes a look at all of them.
        state.frames |= {name: source.visible for name, source in state.sources.items()}
        for table, upstream in state.upstream.items():
            state.frames[table] = inputs.upstream_frame(self._spark, self.warehouse, upstream)
        self._step("checking the inputs")
        state.late = late_rows.rows(self._spark, self.project, self.bound, state.window, self._table)
        self._check_inputs(empty)
        self._step(f"computing {self.bound.name}")

    def refused(self) -> None:
        """Take back the note that this run began: one that is refused leaves no record, and has not died."""
        deaths.take_back(self.warehouse, self.bound.name, self.run, self._state.noted_before)

    def finish(self, error: BaseException | None = None) -> RunRecord:
        """Decide, commit or hold, and record; ``error`` is what ended the job's body early."""
        state = self._state
        try:
            if error is not None and not isinstance(error, RunOver):
                where = place(error, self.project.root)
                self._end_with_error(f"{state.step}: {sentence(error)}{where}{self._cause_of_death(error)}")
            elif state.verdict is None and not state.published:
                self._end_with_error(f"the job ended without publishing {self.bound.name}")
            if state.verdict is None:
                self._decide_and_commit()
        except Exception as failure:
            if not self._published_all_the_same(failure):
                self._end_with_error(f"{state.step}: {sentence(failure)}{self._cause_of_death(failure)}")
        if not state.already:
            state.results += judging.of_strains_unknown(self.bound, state.results)
        self._quiet.close()
        self._step("telling")
        return record.record(self)

    # -- steps -----------------------------------------------------------------------------------------------------

    def _present_sources(self) -> list[str]:
        return [name for name in self.bound.pipeline.sources if not self.absent(name)]

    def _read_inputs(self) -> None:
        state = self._state
        assert self._spark is not None  # noqa: S101 - prepare() set it
        for name, pinned in state.pins.items():
            state.sources[name] = sources.read(self._spark, self.bound.sources, name, pinned.pin, state.window)
        ledger_absent = "ledger" not in self.bound.pipeline.sources or self.absent("ledger")
        instant = None
        if not ledger_absent and "ledger" in state.sources:
            instant = inputs.closed_at(state.sources["ledger"].visible, state.window.month)
        grain = self.bound.pipeline.grain
        window = periods.window(
            state.window.period, state.window.as_of, instant, ledger_absent=ledger_absent, grain=grain
        )
        if grain in (Grain.WEEK, Grain.FORTNIGHT):
            # Weeks do not wait for a month's books: their figures are as settled as the least settled of their inputs.
            window = replace(window, kind=inputs.least_settled(window.kind, state.upstream.values()))
        state.window = window
        for pin in state.upstream.values():
            inputs.prove_complete(pin, state.window)

    @property
    def inputs(self) -> list[InputRef]:
        """The inputs as they were pinned."""
        state = self._state
        return [pinned.ref() for pinned in state.pins.values()] + [pin.ref() for pin in state.upstream.values()]

    def _already_published(self) -> bool:
        state = self._state
        known = all(source.everything_known for source in state.sources.values())
        state.key = run_key(
            pipeline=self.bound.name,
            window=state.window,
            knowledge="all" if known else state.window.as_of.isoformat(),
            inputs=self.inputs,
            code=code_hash(self.project.root / "jobs" / self.bound.pipeline.job),
            configuration=self.bound.hash,
            waivers=waivers.fingerprint(state.waivers),
            compared_with=state.previous.fingerprint if state.previous else "",
        )
        wanted = self._periods()
        found = {period: self._table.entry(period) for period in wanted}
        state.before = [entry for entry in found.values() if entry]
        state.base = {period: entry.version if entry else None for period, entry in found.items()}
        withdrawn = self._table.withdrawal(state.key)
        if withdrawn is not None:
            self._end_with_error(
                f"exactly these figures were withdrawn by {withdrawn.by}: {withdrawn.reason}; "
                "fix the input or the code and run again"
            )
            return True
        commit = self._table.find(state.key, wanted)
        if commit is None:
            return False
        entries = [commit.entries[period] for period in wanted]
        state.already = True
        state.version = max(entry.version for entry in entries)
        state.totals = store.summed(entries)
        state.verdict = Verdict(entries[-1].verdict)
        earlier = run_records.find(self.warehouse, entries[-1].run)
        state.results = list(earlier.results) if earlier is not None else []
        return True

    def _refuse_to_go_back(self) -> None:
        """Refuse to replace published figures by less complete or older ones; that is what a withdrawal is for.

        How complete these are is known once the ledger has been read, which the run key follows.
        """
        window, settled = self._state.window, bool(self._state.key)
        for period in self._periods():
            entry = self._table.entry(period)
            if entry is None:
                continue
            older = entry.as_of is not None and entry.as_of > window.as_of
            if older or (settled and inputs.KIND_ORDER.index(entry.kind) > inputs.KIND_ORDER.index(window.kind)):
                raise UsageError(
                    f"{self.bound.name} {period} is published as {entry.kind.replace('_', ' ')} as of "
                    f"{entry.as_of:%Y-%m-%dT%H:%MZ}; figures as of {window.as_of:%Y-%m-%dT%H:%MZ} would go back",
                    where="--as-of",
                    do=f"give a later --as-of, or withdraw first: dq withdraw {self.bound.name} --period {period} "
                    "--reason TEXT",
                )

    def _check_inputs(self, empty: list[tuple[str, str]]) -> None:
        state = self._state
        assert self._spark is not None  # noqa: S101 - prepare() set it
        for name, reason in empty:
            closed = inputs.closed_for(self.bound.sources, name, state.window)
            state.results += judging.of_nothing(self.bound, name, reason, closed)
            if closed:
                state.frames[name] = sources.no_rows(self._spark, self.bound.sources, name).visible
        state.results += judging.of_inputs(self._spark, self.run, self.bound, state, self._context(), self.warehouse)
        state.results += judging.of_periods(self.bound, state)
        state.results += judging.of_absent(self.bound, self.project)
        state.results += rules.judge(self.project, self.bound, state.window, self._table)
        if uncovered := [r.observed for r in state.results if r.type == rules.COVERED and r.blocks]:
            self._over(Outcome.NOT_RUN, f"not computed: {'; '.join(uncovered)}")
            return
        limits = self.project.settings.runtime
        self._step("looking at the files of the inputs")
        state.results += hints.of_inputs(self._spark, self.bound, state, self.warehouse, limits)
        without_rows = judging.hollow(state.results)
        if without_rows:
            self._over(Outcome.ERRORED, f"not computed: {', '.join(without_rows)} has no rows")

    def _decide_and_commit(self) -> None:
        state = self._state
        self._step("deciding")
        changed = inputs.verify(list(state.pins.values()))
        if changed:
            raise EvaluationError("; ".join(changed), do="run again on the settled input")
        for check in self.bound.run_checks.values():
            if check.type == "expect_inputs_to_be_current":
                as_of = state.window.as_of
                pins = state.upstream.values()
                newer = [text for pin in pins for text in inputs.still_current(self.warehouse, pin, as_of)]
                newer += previous.still_current(self.warehouse, state.previous, as_of)
                state.results.append(judging.of_currency(check, newer))
        state.results.append(judging.of_completion(self.bound, died_before=state.died_before))
        missing = judging.of_the_rest(self.bound, state.results, Outcome.ERRORED, "it was not evaluated")
        state.results += missing
        state.results = self._waived()
        state.verdict = decide(state.results, kind=state.window.kind, partial=self.partial)
        self._step("measuring what the run strained")
        state.results += self._strains()
        if state.staged is None:
            return
        audit = {"verdict": state.verdict, "configuration": self.bound.hash, "as_of": state.window.as_of}
        if state.verdict.published:
            # Whoever dies once it is published has left what the next one needs to record and to tell it.
            audit |= recovery.sealed(record.record(self))
        # A held run is sealed too: what is shown of it later is what was judged.
        sealed = staging.seal(self._table, state.staged, state.key, audit)
        if state.verdict.published:
            self._step("committing")
            infos = {period: self._info(period) for period in state.base}
            commit = staging.commit(self._table, self.bound, sealed, infos, state.base)
            state.version = commit.version
            # Another run of the same key was first: there is nothing left to publish.
            state.already = commit.run != self.run

    def _published_all_the_same(self, failure: Exception) -> bool:
        """Whether an error came after the commit: what is published is not told as held."""
        if self._state.step != "committing":
            return False
        try:
            self._state.version = self.landed()
        except DqError:
            return False
        if self._state.version:
            log.warning("%s is published although %s", self.bound.name, sentence(failure))
        return self._state.version is not None

    def _strains(self) -> list[CheckResult]:
        """What the run strained so far: its verdict is known, and its history is still to be written."""
        assert self._spark is not None  # noqa: S101 - prepare() set it
        before_reading = ("starting", "opening the warehouse", "pinning the inputs", "starting Spark")
        preparing = sum(self._state.seconds.get(step, 0.0) for step in before_reading)
        return strains.of_run(
            self._spark,
            self.run,
            list(self.bound.strain_checks.values()),
            began=self.started,
            took=self.seconds - preparing,
            history=self._history,
            thresholds=self.project.settings.runtime,
        )

    def _info(self, period: str) -> store.PeriodInfo:
        state = self._state
        assert state.verdict is not None  # noqa: S101 - decided before
        return store.PeriodInfo(
            kind=state.window.kind,
            data_through=state.window.data_through,
            verdict=state.verdict,
            as_of=state.window.as_of,
            totals=state.totals_by_period.get(period, {}),
            measures={
                store.measured(state.window.period, r.check): str(r.measures["metric"])
                for r in state.results
                if r.measures.get("metric") is not None and r.outcome is not Outcome.ERRORED
            }
            | rules.used(self.project, self.bound, state.window),
            inputs=self.inputs,
            partial=tuple(self.partial),
        )

    # -- helpers ---------------------------------------------------------------------------------------------------

    @property
    def partial(self) -> list[str]:
        """The sources declared absent, here or in what this was built on."""
        own = [name for name in self.bound.pipeline.sources if self.absent(name)]
        inherited = [name for pin in self._state.upstream.values() for name in pin.partial]
        return list(dict.fromkeys([*own, *inherited]))

    @property
    def state(self) -> State:
        """What the run found; read by what is told about it."""
        return self._state

    @property
    def seconds(self) -> float:
        """Seconds since the run began, by the monotonic clock."""
        return round(time.monotonic() - self._clock, 3)

    @property
    def spark_jobs(self) -> int:
        """Spark jobs started by this run."""
        if self._spark is None:
            return 0
        return len(self._spark.sparkContext.statusTracker().getJobIdsForGroup(self.run))

    def landed(self) -> int | None:
        """The version this run has published, as the log says, whatever the run still knows of it; None without."""
        commit = self._table.current()
        own = [one.version for one in commit.entries.values() if one.run == self.run] if commit else []
        return max(own, default=None)

    def _periods(self) -> list[str]:
        window = self._state.window
        if self.bound.pipeline.grain is Grain.DAY:
            return [day.isoformat() for day in periods.days_between(window.start, window.data_through)]
        return [window.period]

    @property
    def _whole(self) -> bool:
        """Whether every day of the period is covered: part of a month is not compared with a whole one."""
        return self._state.window.data_through == self._state.window.end

    def _waived(self) -> list[CheckResult]:
        state = self._state
        return apply_waivers(state.results, state.waivers, period=state.window.period, as_of=state.window.as_of)

    def _history(self, check_id: str) -> list[Decimal]:
        window = self._state.window
        return [value for _, value in self._table.history(check_id, window.period, window.as_of)]

    def _context(self, tables: Mapping[str, DataFrame] | None = None) -> Context:
        state = self._state
        absences = {name: self.project.sources.absence(name) for name in self.bound.pipeline.sources}
        absent = {name: f"{name} is declared absent: {a.reason}" for name, a in absences.items() if a}
        by_date = self.bound.pipeline.grain in (Grain.WEEK, Grain.FORTNIGHT)
        of_days = self.bound.pipeline.grain is Grain.DAY
        before = periods.previous_month(state.window.month)
        return Context(
            window=state.window,
            tables=tables if tables is not None else {**state.frames, **state.late.frames},
            absent_tables={
                **absent,
                **state.late.absent,
                **previous.absent(self.warehouse, self.bound, state.window, state.previous, state.replaced),
            },
            absent_columns=judging.absent_upstream(self.project, state),
            feeds={name: self.project.sources.feeds(name) for name in self._present_sources()},
            history=self._history,
            days_from=state.window.start if tables is not None or by_date else state.window.month_start,
            published_days={name: pin.days for name, pin in state.upstream.items()},
            published={"previous": before, "replaced": state.window.period, "late": before},
            replaced_days=[date.fromisoformat(period) for period in state.replaced] if of_days else [],
            pipeline=self.bound.name,
            sample=True,
        )

    def _step(self, name: str) -> None:
        """Begin a step; an error is told with its name, and the time each took is kept."""
        state, now = self._state, time.monotonic()
        state.seconds[state.step] = state.seconds.get(state.step, 0.0) + now - self._step_began
        state.step, self._step_began = name, now
        if self._spark is not None:
            # The stages of this step carry its name, in Spark's UI and in what is told of them.
            self._spark.sparkContext.setJobGroup(self.run, name)

    def _cause_of_death(self, error: BaseException) -> str:
        """What the run's own event log says killed it, to follow the sentence of an error that is not ours."""
        told = deaths.told_by(self._state.event_log, self.run, self.project.settings.runtime)
        return f"; {told}" if told and not isinstance(error, DqError) else ""

    def _stop_if_over(self) -> None:
        if self._state.verdict is not None:
            raise RunOver

    def _over(self, outcome: Outcome, reason: str) -> None:
        """End the run before anything was computed: the checks without a result get this outcome and reason."""
        state = self._state
        state.results.append(judging.of_completion(self.bound, died_before=state.died_before))
        state.results += judging.of_the_rest(self.bound, state.results, outcome, reason)
        state.results = self._waived()
        verdict = decide(state.results, kind=None, partial=self.partial)
        # Nothing was computed, so nothing can be published whatever was waived.
        state.verdict = Verdict.HOLD_NOT_EVALUATED if verdict.published else verdict

    def _end_with_error(self, error: str) -> None:
        """Hold as could not be evaluated: the check that the run completes carries the reason."""
        state = self._state
        completion = judging.of_completion(self.bound, error, died_before=state.died_before)
        state.results = [completion, *(result for result in state.results if result.check != completion.check)]
        state.results += judging.of_the_rest(
            self.bound, state.results, Outcome.NOT_RUN, "the run ended before this check"
        )
        state.verdict = Verdict.HOLD_NOT_EVALUATED
        state.version = None
