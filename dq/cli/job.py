"""The embedded form for jobs: a context manager around one guarded run, with its arguments, card and exit code."""

from __future__ import annotations

import argparse
import signal
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, TracebackType
from typing import TYPE_CHECKING

from dq import periods, registry, reports
from dq import project as projects
from dq.cli import console
from dq.errors import DqError, UsageError
from dq.model import Json, RunRecord, Window
from dq.run import delivery
from dq.run.guarded import GuardedRun
from dq.run.reasons import sentence
from dq.run.state import Options, RunOver

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


class Terminated(BaseException):
    """SIGTERM, turned into an exception so that the run ends in order."""


def add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments every job and ``dq run`` share."""
    parser.add_argument("--period", required=True, help="the day (2026-10-05) or month (2026-10) to compute")
    parser.add_argument("--as-of", help="clock and knowledge cut, ISO 8601 UTC (default: now)")
    parser.add_argument("--warehouse", type=Path, help="warehouse folder (default: jobs/settings.yml)")
    parser.add_argument("--sources", type=Path, help="sources file (default: jobs/sources.yml)")
    parser.add_argument("--docs", type=Path, help="data docs folder (default: beside the warehouse)")
    parser.add_argument("--no-docs", action="store_true", help="publish no data docs for this run")
    parser.add_argument(
        "--format", choices=reports.FORMATS, default="text", help="how the result is printed (default: text)"
    )


class PipelineRun:
    """One guarded run as a job sees it; ``exit_code`` is set when the block ends. Nothing raised inside it escapes."""

    def __init__(self, name: str, argv: Sequence[str] | None = None) -> None:
        self.name = name
        self.argv = list(sys.argv[1:] if argv is None else argv)
        self.exit_code = 3
        self.record: RunRecord | None = None
        self._run: GuardedRun | None = None
        self._format = "text"
        self._failed: BaseException | None = None
        self._previous_handler: signal.Handlers | Callable[[int, FrameType | None], object] | int | None = None

    def __enter__(self) -> PipelineRun:
        self._catch_sigterm()
        try:
            self._start()
        except SystemExit:
            raise
        except BaseException as failure:  # told in __exit__; the job's body is left at its first use of the run
            self._failed = failure
        return self

    def _start(self) -> None:
        parser = argparse.ArgumentParser(prog=f"{self.name}.py", description=f"One guarded run of {self.name}.")
        add_run_arguments(parser)
        arguments = parser.parse_args(self.argv)
        self._format = arguments.format
        project = projects.load(registry.find_root(_job_folder()), arguments.sources)
        bound = project.pipeline(self.name)
        options = Options(
            period=arguments.period,
            as_of=periods.parse_instant(arguments.as_of) if arguments.as_of else datetime.now(UTC),
            warehouse=arguments.warehouse or project.root / project.settings.warehouse,
            docs=None if arguments.no_docs else arguments.docs or docs_folder(arguments.warehouse, project),
        )
        run = GuardedRun(project, bound, options)
        self._run = run
        run.prepare()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> bool:
        try:
            return self._finish(error)
        except (KeyboardInterrupt, Terminated) as stopped:
            return self._stopped(stopped)
        finally:
            self._restore_sigterm()

    def _stopped(self, error: BaseException) -> bool:
        """Say what an interrupted run left behind."""
        self.exit_code = 143 if isinstance(error, Terminated) else 130
        word = "terminated" if self.exit_code == 143 else "interrupted"
        version = self._run.state.version if self._run is not None else None
        left = f"version {version} is published" if version else "nothing was published, the last good version stays"
        console.note(f"dq: {word}; {left}")
        return True

    def _finish(self, error: BaseException | None) -> bool:
        failure = self._failed or error
        if isinstance(failure, KeyboardInterrupt | Terminated):
            return self._stopped(failure)
        if isinstance(failure, SystemExit):
            return False
        if isinstance(failure, DqError) and (self._run is None or isinstance(failure, UsageError)):
            self.exit_code = console.error(failure)
            return True
        if self._run is None:
            self.exit_code = console.error(DqError(f"the run could not begin: {sentence(failure or RunOver())}"))
            return True
        self.record = self._run.finish(failure)
        self.exit_code = self.record.verdict.exit_code
        self.record, problems = delivery.deliver(self._run, self.record)
        console.out(reports.render(self.record, format=self._format, width=console.width(), colour=console.colour()))
        if self._format == "text":
            console.out(self._footer(self.record))
        for problem in problems:
            console.note(f"dq: {problem}")
        if problems and self.exit_code == 0:
            self.exit_code = 4
        return True

    def _footer(self, record: RunRecord) -> str:
        """What a person needs next: the run's id and instant, its page, and the command that shows it."""
        assert self._run is not None  # noqa: S101 - there is a record, so there was a run
        options = self._run.options
        lines = [
            f"  run       {record.run}, as of {record.as_of:%Y-%m-%dT%H:%M:%SZ}",
            f"  show      dq show {record.run} --warehouse {options.warehouse}",
        ]
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

    def absent(self, name: str) -> bool:
        """Whether a source is declared absent."""
        return self._live.absent(name)

    def read(self, name: str) -> DataFrame | None:
        """An input by its contract, pinned and cut to what was known; None where it is declared absent."""
        return self._live.read(name)

    def previous(self) -> DataFrame | None:
        """This table as last published as final for the month before; None where it never was, or for part of one."""
        return self._live.previous()

    def previous_units(self, name: str) -> DataFrame | None:
        """An upstream table over the same first days of the month before; None for a whole month, or without them."""
        return self._live.previous_units(name)

    def publish(self, frame: DataFrame) -> None:
        """Stage and audit the figures; they are published when the block ends and the verdict allows it."""
        self._live.publish(frame)

    # -- signals ---------------------------------------------------------------------------------------------------

    def _catch_sigterm(self) -> None:
        def raise_terminated(_signum: int, _frame: FrameType | None) -> None:
            raise Terminated

        if threading.current_thread() is threading.main_thread():
            self._previous_handler = signal.signal(signal.SIGTERM, raise_terminated)

    def _restore_sigterm(self) -> None:
        if threading.current_thread() is threading.main_thread() and self._previous_handler is not None:
            signal.signal(signal.SIGTERM, self._previous_handler)


def docs_folder(warehouse: Path | None, project: projects.Project) -> Path:
    """Where the data docs go: beside the warehouse when one is named, else where the settings say."""
    return warehouse.parent / "docs" if warehouse else project.root / project.settings.docs


def _job_folder() -> Path | None:
    """The folder of the script that was started, so that a job finds its project wherever it is submitted from."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    if script and Path(script).resolve().parent.name == "jobs":
        return Path(script).resolve().parent
    return None


def pipeline_run(name: str, argv: Sequence[str] | None = None) -> PipelineRun:
    """One guarded run of a registered pipeline, for use as ``with dq.pipeline_run(name, argv) as run``.

    ``argv`` are the job's command-line arguments, by default those of the process. See ``--help`` of any job.
    """
    return PipelineRun(name, argv)
