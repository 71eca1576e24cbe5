"""Run several pipelines or periods in this process, one JVM for all: each card, then a table of how each ended."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field

from dq import show
from dq.base.errors import DqError
from dq.base.model import RunRecord
from dq.cli import console
from dq.cli.job import Asked, PipelineRun
from dq.cli.job_file import run_job
from dq.cli.signals import INTERRUPTED, TERMINATED, Terminated, exit_code, terminable
from dq.cli.which_warehouse import Places
from dq.run import batch
from dq.run.alerting import Telling
from dq.run.batch import Ended, Key, Step
from dq.run.failures import sentence


@dataclass
class Session:
    """The runs of one command as they end; ``stopped`` is 130 or 143 once one was interrupted or terminated."""

    steps: Sequence[Step]
    places: Places
    format: str
    held_runs: bool
    telling: Telling = Telling.AT_ONCE
    ended: dict[Key, Ended] = field(default_factory=dict)
    stopped: int = 0

    def run(self) -> int:
        """Run every step that may be tried; returns the gravest exit code."""
        for step in self.steps:
            if self.stopped:
                self._end(Ended(step=step, code=self.stopped, not_tried="the session was stopped"))
                continue
            why = batch.blocked(step, self.ended, held_runs=self.held_runs)
            if why:
                console.note(f"dq: {step.pipeline} {step.period} is not tried: {why}")
                self._end(Ended(step=step, code=batch.NOT_TRIED, not_tried=why))
                continue
            console.note(f"\n{step.pipeline} {step.period} as of {step.as_of:%Y-%m-%dT%H:%M:%SZ}")
            self._end(self._run(step))
        return batch.worst([one.code for one in self.ended.values()])

    def _run(self, step: Step) -> Ended:
        """One run; nothing it raises ends the others, but what a person or the scheduler sends does."""
        heard: list[PipelineRun] = []

        def hear(run: PipelineRun) -> None:
            heard.append(run)
            if self.format == "text":  # the other formats are one document, at the end
                run.tell()
                console.out("")

        asked = Asked(
            period=step.period,
            as_of=step.as_of,
            places=self.places,
            format=self.format,
            telling=self.telling,
            show=hear,
        )
        try:
            code = run_job(step.pipeline, asked)
        except DqError as failure:
            code = console.error(failure)
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 2
        except (KeyboardInterrupt, Terminated) as stopped:
            code = exit_code(stopped)
        except Exception as failure:  # a job that fails outside its guarded block is this pipeline's failure alone
            code = console.error(DqError(f"the job failed outside its run: {sentence(failure)}"))
        if code in (INTERRUPTED, TERMINATED):
            self.stopped = code
        if not heard:
            return Ended(step=step, code=code)
        return Ended(step=step, code=code, record=heard[-1].record, kept=heard[-1].kept)

    def _end(self, one: Ended) -> None:
        self.ended[one.step.key] = one

    @property
    def records(self) -> list[RunRecord]:
        """The records of the runs that have one, in the order they ended."""
        return [one.record for one in self.ended.values() if one.record is not None]


def run_all(
    steps: Sequence[Step],
    arguments: argparse.Namespace,
    *,
    held_runs: bool,
    telling: Telling = Telling.AT_ONCE,
) -> tuple[int, Session]:
    """Run the steps as the arguments of the command ask, print what they became; the exit code and the session."""
    places = Places.of(arguments)
    session = Session(steps=steps, places=places, format=arguments.format, held_runs=held_runs, telling=telling)
    with terminable():
        try:
            code = session.run()
        except (KeyboardInterrupt, Terminated) as stopped:
            code = session.stopped = exit_code(stopped)
        if arguments.format == "text":
            console.out(table([session.ended[step.key] for step in steps if step.key in session.ended]))
        else:
            console.out(show.render_all(session.records, arguments.format))
    return code, session


def table(ended: Sequence[Ended]) -> str:
    """How each run ended: pipeline, period, verdict, version readers see, seconds, and why where it was not tried."""
    head = ("pipeline", "period", "verdict", "version", "seconds", "")
    return "\n".join(console.aligned([head, *(_row(one) for one in ended)]))


def _row(one: Ended) -> tuple[str, ...]:
    record = one.record
    version = "-"
    if record is not None and (number := record.version if record.verdict.published else record.stays) is not None:
        version = f"{number}" if record.verdict.published else f"{number} stays"
    seconds = f"{record.seconds:.1f}" if record is not None else "-"
    undelivered = "not delivered or not printed" if one.code == 4 else ""
    return one.step.pipeline, one.step.period, one.word, version, seconds, one.not_tried or undelivered
