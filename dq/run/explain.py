"""A pipeline's plan: which evidence proves each check, before anything runs."""

from __future__ import annotations

from datetime import UTC, datetime

from dq import sources
from dq.base import periods
from dq.base.errors import DqError
from dq.base.model import Window
from dq.declare.binding import Bound
from dq.declare.project import Project
from dq.engine.dataset import Dataset
from dq.judge.plan import plan, plan_text
from dq.spark import session


def explain(project: Project, bound: Bound, period: str | None, as_of: datetime | None) -> str:
    """The plan of every dataset in the order a run judges them; starts no Spark job.

    With a period the sources are pinned and their footers read, so that what footers prove is known; without one, or
    where a source is not there, the plan follows from the declared types alone.
    """
    spark = session.session("dq explain", project.root / "spark-conf")
    window = periods.window(period, as_of or datetime.now(UTC), None, ledger_absent=True) if period else None
    parts = [f"{bound.name}: {bound.pipeline.description}"]
    for name, checks in bound.checks.items():
        absence = project.sources.absence(name) if name in bound.pipeline.sources else None
        if absence is not None:
            parts.append(f"{name}: declared absent by {absence.owner}: {absence.reason}; {len(checks)} checks not run")
            continue
        if name in bound.pipeline.sources:
            dataset = _source(project, bound, name, window)
        else:
            columns = project.registry.pipelines[name].publishes.columns
            schema = ", ".join(f"`{column}` {spec.type}" for column, spec in columns.items())
            dataset = Dataset(name=name, frame=spark.createDataFrame([], schema))
        parts.append(plan_text(plan(checks, dataset)))
    of_run = [*bound.run_checks.values(), *bound.strain_checks.values(), *bound.after_checks.values()]
    run = "\n".join(f"  run  {check.check}  {check.type}" for check in of_run)
    parts.append(f"the run itself: {len(of_run)} checks\n{run}")
    return "\n\n".join(parts)


def _source(project: Project, bound: Bound, name: str, window: Window | None) -> Dataset:
    """A source's dataset, pinned where a period is given and its files are there, else empty by its contract."""
    spark = session.session("dq explain", project.root / "spark-conf")
    if window is not None:
        try:
            from dq.run.inputs import dataset_of

            pin = sources.pin(bound.sources, name, window)
            return dataset_of(sources.read(spark, bound.sources, name, pin, window))
        except DqError:
            pass  # the plan by contract says what would be asked; a run would report the source
    empty = sources.no_rows(spark, bound.sources, name)
    return Dataset(name=name, frame=empty.frame, absent_columns=empty.absent_columns)
