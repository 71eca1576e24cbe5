"""The embedded form for jobs: a context manager around one guarded run, with its arguments, card and exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from shlex import quote
from types import TracebackType
from typing import TYPE_CHECKING

from dq import show
from dq.base import periods
from dq.base.errors import DqError, UsageError
from dq.base.model import Json, RunRecord, Window
from dq.base.paths import refuse_addresses
from dq.cli import console
from dq.cli.signals import TERMINATED, Terminated, exit_code, stop_behind, terminable
from dq.cli.which_warehouse import Places, load_project, local_path, warehouse_to_fill
from dq.declare import project as projects
from dq.declare import registry
from dq.run import after_verdict, alerting, batch, recovery, run_records
from dq.run.alerting import Telling
from dq.run.failures import sentence
from dq.run.guarded import GuardedRun
from dq.run.phases import Options, RunOver
from dq.tell import last_roster, redact

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


# What --period takes, for the help of every command that has it.
PERIODS = "by the grain of the pipeline: day 2026-10-05, week 2026-W41, fortnight 2026-09-28, month 2026-10"


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments every job and ``dq run`` share."""
    parser.add_argument("--period", required=True, help=PERIODS)
    parser.add_argument(
        "--as-of", help="clock and knowledge cut of rows and published inputs, ISO 8601 UTC (default: now)"
    )
    add_output_arguments(parser)


def add_output_arguments(parser: argparse.ArgumentParser) -> None:
    """Where runs read and write, and how their results are printed."""
    parser.add_argument("--warehouse", type=local_path, help="warehouse folder (default: jobs/settings.yml)")
    parser.add_argument("--sources", type=local_path, help="sources file (default: jobs/sources.yml)")
    parser.add_argument("--docs", type=local_path, help="data docs folder (default: beside the warehouse)")
    parser.add_argument("--no-docs", action="store_true", help="publish no data docs for this run")
    parser.add_argument(
        "--format", choices=show.FORMATS, default="text", help="how the result is printed (default: text)"
    )


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What one run is asked for: by the command line of its job, or by a command of ``dq`` that runs it.

    Without ``as_of`` it is as of now. A finished run is handed to ``show``, which decides what is printed of it.
    """

    period: str
    as_of: datetime | None = None
    places: Places = field(default_factory=Places)
    format: str = "text"
    telling: Telling = Telling.AT_ONCE
    show: Callable[[PipelineRun], None] | None = None

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> Asked:
        """What the arguments of a job, or of ``dq run``, ask for."""
        as_of = periods.parse_instant(arguments.as_of) if arguments.as_of else None
        return cls(period=arguments.period, as_of=as_of, places=Places.of(arguments), format=arguments.format)


class PipelineRun:
    """One guarded run as a job sees it; ``exit_code`` is set when the block ends. Nothing raised inside it escapes."""

    def __init__(self, name: str, argv: Sequence[str] | Asked | None = None) -> None:
        self.name = name
        self._argv = sys.argv[1:] if argv is None else argv
        # A made-up company may live in the future; whoever submits a job or types a command may not.
        self._typed = argv is None
        self.exit_code = 3
        self.record: RunRecord | None = None
        self._run: GuardedRun | None = None
        self._asked = argv if isinstance(argv, Asked) else Asked(period="")
        self._failed: BaseException | None = None
        self._signals = ExitStack()

    def __enter__(self) -> PipelineRun:
        console.prepare()
        redact.install()
        self._signals.enter_context(terminable())
        try:
            self._start()
        except SystemExit:
            raise
        except BaseException as failure:  # told in __exit__; the job's body is left at its first use of the run
            self._failed = failure
        return self

    def _start(self) -> None:
        self._asked = asked = self._read_arguments()
        refuse_addresses()
        project = load_project(asked.places, registry.find_root(_job_folder()))
        bound = project.pipeline(self.name)
        now = datetime.now(UTC)
        as_of = asked.as_of or now
        if self._typed:
            batch.refuse_future(as_of, now)
        places = asked.places
        options = Options(
            period=asked.period,
            as_of=as_of,
            warehouse=warehouse_to_fill(places, project).root,
            docs=None if places.no_docs else places.docs or docs_folder(places.warehouse, project),
        )
        run = GuardedRun(project, bound, options)
        self._run = run
        run.prepare()
        last_roster.keep(run.task.warehouse, project.root, project.registry)

    def _read_arguments(self) -> Asked:
        if isinstance(self._argv, Asked):
            return self._argv
        parser = console.Parser(prog=f"{self.name}.py", description=f"One guarded run of {self.name}.")
        add_run_arguments(parser)
        return Asked.of(parser.parse_args(self._argv))

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        try:
            return self._finish(error)
        except (KeyboardInterrupt, Terminated) as stopped:
            return self._stopped(stopped)
        finally:
            self._signals.close()

    def _stopped(self, error: BaseException) -> bool:
        """Say what an interrupted run left behind."""
        self.exit_code = exit_code(error)
        word = "terminated" if self.exit_code == TERMINATED else "interrupted"
        console.note(f"dq: {word}; {self._left()}")
        return True

    def _left(self) -> str:
        """What readers see of a run that was stopped; what it published is recorded now, and told by the next."""
        nothing = "nothing was published, the last good version stays"
        if self._run is None:
            return nothing
        try:
            version = self._run.landed()
            recovery.catch_up(self._run.task.warehouse, [self.name])
        except DqError as failure:
            return f"whether it published is not known: {failure}"
        return f"version {version} is published" if version else nothing

    def _finish(self, error: BaseException | None) -> bool:
        failure = self._failed or error
        if stop := stop_behind(failure):
            return self._stopped(stop)
        if isinstance(failure, SystemExit):
            return False
        if isinstance(failure, DqError) and (self._run is None or isinstance(failure, UsageError)):
            self.exit_code = console.error(failure)
            if self._run is not None:
                self._run.refused()
            return True
        if self._run is None:
            self.exit_code = console.error(DqError(f"the run could not begin: {sentence(failure or RunOver())}"))
            return True
        task, asked = self._run.task, self._asked
        self.record = self._run.finish(failure)
        told = after_verdict.deliver(task, self.record, self._run.options.docs, self._run.event_log)
        told = told.but(alerting.tell(task.project, task.warehouse, told.record, asked.telling))
        self.record, self.exit_code = told.record, told.exit_code
        # Last of all: a reader who has stopped reading keeps nobody from being told.
        try:
            (asked.show or PipelineRun.tell)(self)
        except Exception as failure:  # whatever a renderer does, the verdict stands
            told = told.but([f"the result could not be shown: {sentence(failure)}"])
        self.exit_code = console.ended(told.exit_code)
        if self.record.died_before:
            console.note(f"dq: {self.record.died_before.sentence}")
        for problem in told.problems:
            console.note(f"dq: {problem}")
        return True

    def tell(self) -> None:
        """Print the finished run in the format it was asked for."""
        assert self.record is not None  # noqa: S101 - finish() made it
        console.out(show.render(self.record, format=self._asked.format, width=console.width(), colour=console.colour()))
        if self._asked.format == "text":
            console.out(self._footer(self.record))

    @property
    def kept(self) -> bool:
        """Whether the record is in the warehouse, where what is built on this run looks for it."""
        try:
            if self._run is None or self.record is None:
                return False
            return run_records.find(self._run.task.warehouse, self.record.run) is not None
        except DqError:
            return False

    def _footer(self, record: RunRecord) -> str:
        """What a person needs next: the run's id and instant, its page, and the command that shows it."""
        assert self._run is not None  # noqa: S101 - there is a record, so there was a run
        options = self._run.options
        lines = [f"  run       {record.run}, as of {record.as_of:%Y-%m-%dT%H:%M:%SZ}"]
        if self.kept:
            lines.append(f"  show      dq show {record.run} --warehouse {quote(str(options.warehouse))}")
        if record.docs:
            lines.append(f"  docs      {options.docs}/{record.docs}")
        return "\n".join(lines)

    # -- what the job uses -----------------------------------------------------------------------------------------

    @property
    def _live(self) -> GuardedRun:
        if self._run is None or self._failed is not None:
            raise RunOver
        return self._run

    @property
    def window(self) -> Window:
        """The period of the run and how much of it is there."""
        return self._live.window

    @property
    def rules(self) -> Mapping[str, Json]:
        """The calculation rules in force, from ``jobs/rules.yml``."""
        return self._live.rules

    @property
    def currency(self) -> str:
        """The currency of all amounts, as ISO 4217 names it."""
        return self._live.currency

    def absent(self, name: str) -> bool:
        """Whether a source is declared absent."""
        return self._live.absent(name)

    def read(self, name: str) -> DataFrame | None:
        """An input by its contract, pinned and cut to what was known; None where it is declared absent."""
        return self._live.read(name)

    def published_days(self, name: str) -> list[date]:
        """The days of an upstream table that are published and read, also those on which nothing happened."""
        return self._live.published_days(name)

    def previous(self) -> DataFrame | None:
        """This table as last published as final for the month before; None where it never was, or for part of one."""
        return self._live.previous()

    def previous_units(self, name: str) -> DataFrame | None:
        """An upstream table over the same first days of the month before; None for a whole month, or without them."""
        return self._live.previous_units(name)

    def trailing_units(self, name: str) -> DataFrame | None:
        """An upstream table's rows of the first of the twelve months' days; None without finals of all the months."""
        return self._live.trailing_units(name)

    def publish(self, frame: DataFrame) -> None:
        """Stage and audit the figures; they are published when the block ends and the verdict allows it."""
        self._live.publish(frame)


def docs_folder(warehouse: Path | None, project: projects.Project) -> Path:
    """Where the data docs go: beside the warehouse when one is named, else where the settings say."""
    return warehouse.parent / "docs" if warehouse else project.root / project.settings.docs


def _job_folder() -> Path | None:
    """The folder of the script that was started, so that a job finds its project wherever it is submitted from."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    if script and Path(script).resolve().parent.name == "jobs":
        return Path(script).resolve().parent
    return None


def pipeline_run(name: str, argv: Sequence[str] | Asked | None = None) -> PipelineRun:
    """One guarded run of a registered pipeline, for use as ``with dq.pipeline_run(name, argv) as run``.

    ``argv`` are the job's command-line arguments, by default those of the process (see ``--help`` of any job), or what
    ``dq run`` was asked for: a job hands on whatever its ``main`` is given. In the block ``run.read(SOURCE)`` gives an
    input, ``run.window`` the period, and ``run.publish(frame)`` stages what the job computed. When the block ends the
    figures are published or held, and ``run.exit_code`` says which. No error leaves the block: it holds the run.

    Example:
        >>> with dq.pipeline_run("revenue_by_product", ["--period", "2026-10"]) as run:
        ...     lines = run.read("revenue")
        ...     run.publish(lines.groupBy("product").count())
        >>> sys.exit(run.exit_code)
    """
    return PipelineRun(name, argv)
