"""On a real cluster the jobs publish what they publish on one machine, whatever is killed under them meanwhile."""

from __future__ import annotations

import html
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from cluster_support import SMALL, Blow, Cluster, Submitted, driver, free_port, on_this_machine, standalone
from runs_support import FINAL, ROOT, Content, contents, hard_links

from dq import store
from dq.diagnose import Diagnosis, diagnose
from dq.model import CheckResult, Outcome, RunRecord, Severity, Verdict
from dq.run import records

pytestmark = [pytest.mark.cluster, pytest.mark.e2e]
MONTH = "2026-10"
PIPELINES = ("profit_unit", "investor_profit")
SCAN, WRITE = "checking revenue", "computing profit_unit"
# Put into a copy of the job: its figures pass through Python on the executors, and are the same afterwards.
THROUGH_PYTHON = """
_computed = profit_unit


def profit_unit(**given):
    frame = _computed(**given)
    return frame.mapInArrow(through, frame.schema)


def through(batches):
    {body}


def main("""
FAILS_ONCE = """yield from batches
    from pyspark import TaskContext

    task = TaskContext.get()
    if task.partitionId() == 0 and task.attemptNumber() == 0:
        raise RuntimeError("the first attempt fails when it has handed on every row")"""
NEEDS_THE_ARCHIVE = """from pathlib import Path

    import dq
    import pyarrow

    assert [Path(one.__file__).parts[-3] for one in (dq, pyarrow)] == ["deps", "deps"]
    yield from batches"""


@dataclass(frozen=True, kw_only=True)
class Home:
    """A warehouse with its data docs, in a folder of their own."""

    folder: Path

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse"

    def arguments(self) -> list[str]:
        return ["--period", MONTH, "--as-of", FINAL[MONTH], "--warehouse", str(self.warehouse)]

    def left(self, pipeline: str, code: int) -> Left:
        record = records.latest(store.Warehouse(self.warehouse), pipeline, [MONTH])
        assert record is not None
        files = contents(self.warehouse, pipeline, MONTH)
        page = (self.folder / "docs" / record.docs).read_text(encoding="utf-8") if record.docs else ""
        return Left(code=code, record=record, files=files, page=page)


@dataclass(frozen=True, kw_only=True)
class Left:
    """What a run left behind: ``files`` are what it published, by period, and ``page`` its data docs."""

    code: int
    record: RunRecord
    files: dict[str, list[Content]]
    page: str

    @property
    def judged(self) -> list[CheckResult]:
        """The results on data; what the run strained depends on the machines it ran on."""
        return [result for result in self.record.results if not strain(result)]

    @property
    def told(self) -> list[str]:
        """The text of the page, without what is this run's own: its id, its times, and what it strained."""
        text = self.page
        for result in filter(strain, self.record.results):
            block = rf"<(tr|article)\b(?:(?!</\1>).)*{re.escape(result.check)}.*?</\1>"
            text = re.sub(block, "", text, flags=re.DOTALL)
        text = re.sub(r"<dt>(Started|Took|Spark jobs)</dt><dd>[^<]*</dd>", "", text)
        plain = html.unescape(re.sub(r"<[^>]+>", "\n", text)).replace(self.record.run, "RUN")
        return [line.strip() for line in plain.splitlines() if line.strip()]

    def result(self, check: str) -> CheckResult:
        return next(result for result in self.record.results if result.check == check)


def strain(result: CheckResult) -> bool:
    return ".strain." in result.check


def assert_same(here: Left, there: Left) -> None:
    """Both ended alike: exit code, verdict, version, totals, every result on data, and the published files."""
    assert there.code == here.code == 0, there.record
    assert there.record.verdict is here.record.verdict is Verdict.PUBLISH
    assert (there.record.version, there.record.totals) == (here.record.version, here.record.totals)
    assert there.judged == here.judged
    assert there.files == here.files
    assert here.files


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with standalone(tmp_path_factory.mktemp("cluster")) as started:
        yield started


@pytest.fixture(scope="module")
def before(first_month: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The warehouse before each pipeline runs for October; the later one is there once the local runs were made."""
    folder = tmp_path_factory.mktemp("before")
    hard_links(first_month, folder / "profit_unit")
    return {pipeline: folder / pipeline for pipeline in PIPELINES}


@pytest.fixture(scope="module")
def local(
    before: dict[str, Path], company: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Left]]:
    """What both pipelines leave behind on one machine."""
    from dq.cli.run import run_job

    environment = dict(os.environ)
    os.environ["DQ_DEMO_DIR"], os.environ["DQ_HOME"] = str(company), str(ROOT)
    home, left = Home(folder=tmp_path_factory.mktemp("local")), {}
    hard_links(before["profit_unit"], home.warehouse)
    for pipeline in PIPELINES:
        if pipeline != "profit_unit":
            hard_links(home.warehouse, before[pipeline])
        left[pipeline] = home.left(pipeline, run_job(pipeline, home.arguments()))
    yield left
    os.environ.clear()
    os.environ.update(environment)


Run = Callable[..., tuple[Left, Diagnosis]]


@pytest.fixture
def on_cluster(cluster: Cluster, before: dict[str, Path], company: Path, tmp_path: Path) -> Run:
    """Submits a pipeline's job for October, on the warehouse as it was before, and gives what it left and its log."""

    def run(pipeline: str, *, blow: Blow | None = None, project: Path = ROOT) -> tuple[Left, Diagnosis]:
        home = Home(folder=tmp_path / f"home-{pipeline}")
        hard_links(before[pipeline], home.warehouse)
        job = project / "jobs" / f"{pipeline}.py"
        with cluster.submitted(job, *home.arguments(), sources=company) as submitted:
            if blow is not None:
                blow.strike(cluster, submitted)
            left = home.left(pipeline, ended(submitted))
        (log,) = (log for log in cluster.events.iterdir() if of_run(log, left.record))
        return left, diagnose(log)

    return run


def ended(submitted: Submitted) -> int:
    code = submitted.finish()
    assert code == 0, submitted.out.read_text() + submitted.err.read_text()[-3000:]
    return code


def of_run(log: Path, record: RunRecord) -> bool:
    return diagnose(log).run == record.run


def failed_tasks(log: Diagnosis) -> dict[str, int]:
    """How many tasks failed, by the step of the run."""
    steps: dict[str, int] = {}
    for stage in log.facts.stages.values():
        if stage.failed:
            steps[stage.step] = steps.get(stage.step, 0) + stage.failed
    return steps


def assert_warned(left: Left, words: Sequence[str]) -> None:
    """The strain is told with a warning that held nothing."""
    warned = left.result(f"{left.record.pipeline}.strain.tasks")
    assert (warned.outcome, warned.severity) == (Outcome.FAILED, Severity.WARNING)
    assert [word for word in words if word not in warned.observed] == []


def test_a_cluster_publishes_what_one_machine_publishes(on_cluster: Run, local: dict[str, Left]) -> None:
    for pipeline in PIPELINES:
        there, log = on_cluster(pipeline)
        assert_same(local[pipeline], there)
        assert there.record.run_key == local[pipeline].record.run_key
        assert there.told == local[pipeline].told
        assert there.record.run_key in there.told
        assert there.result(f"{pipeline}.strain.tasks").outcome is Outcome.PASSED
        assert (log.died, failed_tasks(log)) == (False, {})


def test_an_executor_killed_during_the_scan_changes_nothing(on_cluster: Run, local: dict[str, Left]) -> None:
    there, log = on_cluster("profit_unit", blow=(blow := Blow(step=SCAN)))
    assert_same(local["profit_unit"], there)
    assert SCAN in failed_tasks(log)
    assert log.facts.lost_executors.keys() == set(blow.killed)
    assert_warned(there, ["tasks failed", "1 executors lost"])


def test_the_executor_that_writes_is_killed_and_nothing_changes(
    on_cluster: Run, local: dict[str, Left], tmp_path: Path
) -> None:
    blow = Blow(step=WRITE, begun=writing(tmp_path))
    there, log = on_cluster("profit_unit", blow=blow)
    assert_same(local["profit_unit"], there)
    assert failed_tasks(log).keys() == {WRITE}
    assert_warned(there, ["tasks failed", "1 executors lost"])


def test_a_task_that_fails_once_changes_nothing(
    on_cluster: Run, local: dict[str, Left], project_copy: Callable[[], Path]
) -> None:
    home = project_copy()
    through_python(home, FAILS_ONCE)
    there, log = on_cluster("profit_unit", project=home)
    assert_same(local["profit_unit"], there)
    assert failed_tasks(log) == {WRITE: 1}
    assert_warned(there, ["1 of ", "0 executors lost"])


def test_make_submit_packs_the_project_and_publishes_from_the_cluster(
    cluster: Cluster, before: dict[str, Path], local: dict[str, Left], company: Path, tmp_path: Path
) -> None:
    """What the Makefile calls; the executors have nothing of the project but the archive."""
    project, home = tmp_path / "project", Home(folder=tmp_path / "home")
    for folder in ("dq", "jobs", "expectations", "runbooks", "spark-conf", "tools"):
        shutil.copytree(ROOT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (project / ".venv").symlink_to(sys.prefix)
    through_python(project, NEEDS_THE_ARCHIVE)
    hard_links(before["profit_unit"], home.warehouse)
    plain = {key: value for key, value in SMALL.items() if " " not in value}
    given = on_this_machine(company) | {"PYTHONPATH": str(project), "CLUSTER_PYTHON": sys.executable}
    given["SUBMIT_ARGS"] = " ".join(f"--conf {key}={value}" for key, value in plain.items())
    del given["SPARK_CONF_DIR"], given["PYSPARK_PYTHON"], given["PYSPARK_DRIVER_PYTHON"]
    line = 'source tools/env.sh && tools/submit.sh "$@"'
    words = ["bash", "-c", f"cd {project} && {line}", "make", cluster.master, "profit_unit", *home.arguments()]
    with driver(words, cluster.folder, given, free_port()) as submitted:
        there = home.left("profit_unit", ended(submitted))
    assert_same(local["profit_unit"], there)
    assert (project / "build" / "dq.tar.gz").is_file()
    (log,) = (project / "build" / "spark-events").iterdir()
    found = diagnose(log)
    assert (found.run, found.died) == (there.record.run, False)
    assert found.facts.settings["spark.master"] == cluster.master


def writing(folder: Path) -> Callable[[], bool]:
    """Whether a task has begun to write figures; its file is not committed yet."""
    return lambda: any(folder.glob("home-*/warehouse/*/_staging/*/_temporary/0/_temporary/*/*/*.parquet"))


def through_python(project: Path, body: str) -> None:
    job = project / "jobs" / "profit_unit.py"
    text = job.read_text(encoding="utf-8")
    assert text.count("\ndef main(") == 1
    job.write_text(text.replace("\ndef main(", THROUGH_PYTHON.format(body=body)), encoding="utf-8")
