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
from runs_support import ROOT, Content, contents, hard_links
from stages import PROJECT, Stages, as_of, period_of

from dq import store
from dq.base.model import CheckResult, Outcome, RunRecord, Severity, Verdict
from dq.diagnose import Diagnosis, diagnose
from dq.run import run_records

# The first test waits for the cluster, and for every pipeline to have run on one machine.
pytestmark = [pytest.mark.cluster, pytest.mark.e2e, pytest.mark.timeout(1800)]
PIPELINES = PROJECT.registry.order()
# The units, a join that investors read, and the clicks: what each scans first of its own, and by which name.
HURT = {
    "profit_unit": ("revenue", "revenue"),
    "investor_profit": ("profit_unit", "units"),
    "user_days": ("clicks", "clicks"),
}
# Put into a copy of a job: what it reads or writes passes through Python on the executors, and is the same afterwards.
THROUGH_PYTHON = """
from pyspark.sql.classic.dataframe import DataFrame as Frame

_computed, _sorted = {job}, Frame.sortWithinPartitions


def {job}(**given):
    return _computed(**given | {{"{read}": given["{read}"].mapInArrow(while_reading, given["{read}"].schema)}})


def _while_it_is_written(frame, *columns):
    ordered = _sorted(frame, *columns)
    return ordered.mapInArrow(while_writing, ordered.schema)


Frame.sortWithinPartitions = _while_it_is_written


def while_reading(batches):
    {reading}


def while_writing(batches):
    {writing}


def main("""
NOTHING = "yield from batches"
# The first task of all that had rows fails when it has handed on every one of them.
FAILS_ONCE = """rows = 0
    for batch in batches:
        rows += batch.num_rows
        yield batch
    if rows:
        try:
            open("{marker}", "x").close()
        except FileExistsError:
            return
        raise RuntimeError("it fails once")"""
# Long enough to be killed when every row is handed on and no file is closed yet.
WAITS_ONCE = """yield from batches
    import time

    from pyspark import TaskContext

    task = TaskContext.get()
    if task.partitionId() == 0 and task.attemptNumber() == 0:
        time.sleep(15)"""
NEEDS_THE_ARCHIVE = """from pathlib import Path

    import dq
    import pyarrow

    assert [Path(one.__file__).parts[-3] for one in (dq, pyarrow)] == ["deps", "deps"]
    yield from batches"""
# Files of several days are open at once, so that nothing is put in order again between Python and the writer, and what
# Python hands on arrives there at once.
OPEN_AT_ONCE = {
    "spark.sql.maxConcurrentOutputFileWriters": "100",
    "spark.sql.execution.arrow.maxRecordsPerBatch": "20",
    "spark.buffer.size": "1024",
}


@dataclass(frozen=True, kw_only=True)
class Home:
    """A warehouse with its data docs, in a folder of their own."""

    folder: Path

    @property
    def warehouse(self) -> Path:
        return self.folder / "warehouse"

    def arguments(self, pipeline: str) -> list[str]:
        period = period_of(pipeline)
        return ["--period", period, "--as-of", as_of(pipeline, period), "--warehouse", str(self.warehouse)]

    def left(self, pipeline: str, code: int) -> Left:
        period = period_of(pipeline)
        record = run_records.latest(store.Warehouse(self.warehouse), pipeline, [period])
        assert record is not None
        files = contents(self.warehouse, pipeline, period) if record.verdict.published else {}
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


class OneMachine:
    """What each pipeline of October leaves behind on one machine, run when wanted on what those before it published."""

    def __init__(self, stages: Stages, make: Callable[[str], Path]) -> None:
        self.company = stages.company
        self._make = make
        self._before = [stages.before(PIPELINES[0])]
        self._left: list[Left] = []

    def before(self, pipeline: str) -> Path:
        """The warehouse before a pipeline runs."""
        self._run_to(PIPELINES.index(pipeline))
        return self._before[PIPELINES.index(pipeline)]

    def left(self, pipeline: str) -> Left:
        """What a pipeline leaves behind."""
        self._run_to(PIPELINES.index(pipeline) + 1)
        return self._left[PIPELINES.index(pipeline)]

    def _run_to(self, number: int) -> None:
        from dq.cli.run import run_job

        while len(self._left) < number:
            pipeline = PIPELINES[len(self._left)]
            home = Home(folder=self._make(f"local-{pipeline}"))
            hard_links(self._before[-1], home.warehouse)
            os.environ["DQ_DEMO_DIR"], os.environ["DQ_HOME"] = str(self.company), str(ROOT)
            self._left.append(home.left(pipeline, run_job(pipeline, home.arguments(pipeline))))
            self._before.append(home.warehouse)


@pytest.fixture(scope="module")
def local(stages: Stages, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneMachine]:
    environment = dict(os.environ)
    yield OneMachine(stages, tmp_path_factory.mktemp)
    os.environ.clear()
    os.environ.update(environment)


Run = Callable[..., tuple[Left, Diagnosis]]


@pytest.fixture
def on_cluster(cluster: Cluster, local: OneMachine, tmp_path: Path) -> Run:
    """Submits a pipeline's job for October, on the warehouse as it was before, and gives what it left and its log."""

    def run(pipeline: str, *blows: Blow, project: Path = ROOT, code: int = 0) -> tuple[Left, Diagnosis]:
        home = Home(folder=tmp_path / f"home-{pipeline}")
        hard_links(local.before(pipeline), home.warehouse)
        job = project / "jobs" / f"{pipeline}.py"
        conf = {} if project is ROOT else OPEN_AT_ONCE
        with cluster.submitted(job, *home.arguments(pipeline), sources=local.company, conf=conf) as submitted:
            for blow in blows:
                blow.strike(cluster, submitted)
            left = home.left(pipeline, ended(submitted, code))
        (log,) = (log for log in cluster.events.iterdir() if of_run(log, left.record))
        return left, diagnose(log)

    return run


def ended(submitted: Submitted, expected: int = 0) -> int:
    code = submitted.finish()
    assert code == expected, submitted.out.read_text() + submitted.err.read_text()[-3000:]
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


def assert_counted_once(here: Left, there: Left) -> None:
    """What was repeated is in no count: rows read, rows in the written files, rows read back from them."""
    pipeline = there.record.pipeline
    written = there.result(f"{pipeline}.rows.read_back").measures
    assert written == here.result(f"{pipeline}.rows.read_back").measures
    assert written["written"] == written["read_back"] != 0
    read = f"{pipeline}.strain.throughput"
    assert there.result(read).measures["rows_read"] == here.result(read).measures["rows_read"]


@pytest.mark.parametrize("pipeline", PIPELINES)
def test_a_cluster_publishes_what_one_machine_publishes(pipeline: str, on_cluster: Run, local: OneMachine) -> None:
    here = local.left(pipeline)
    there, log = on_cluster(pipeline)
    assert_same(here, there)
    assert_counted_once(here, there)
    assert there.record.run_key == here.record.run_key
    assert there.told == here.told
    assert there.record.run_key in there.told
    assert there.result(f"{pipeline}.strain.tasks").outcome is Outcome.PASSED
    assert (log.died, failed_tasks(log)) == (False, {})


def test_a_cluster_holds_what_one_machine_holds(
    on_cluster: Run,
    local: OneMachine,
    project_copy: Callable[[], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from dq.cli.run import run_job

    suite = (project := project_copy()) / "expectations" / "profit_unit" / "revenue.yml"
    text = suite.read_text(encoding="utf-8")
    assert text.count("max_value: 10000000}") == 1
    suite.write_text(text.replace("max_value: 10000000}", "max_value: 1}"), encoding="utf-8")
    home = Home(folder=tmp_path / "here")
    hard_links(local.before("profit_unit"), home.warehouse)
    monkeypatch.setenv("DQ_HOME", str(project))
    here = home.left("profit_unit", run_job("profit_unit", home.arguments("profit_unit")))
    there, log = on_cluster("profit_unit", project=project, code=1)
    assert (here.code, here.record.verdict) == (1, Verdict.HOLD)
    assert (there.record.verdict, there.record.run_key) == (here.record.verdict, here.record.run_key)
    assert there.judged == here.judged
    assert there.told == here.told
    assert not log.died


@pytest.mark.parametrize("pipeline", HURT)
def test_executors_killed_during_the_scan_and_while_they_write_change_nothing(
    pipeline: str, on_cluster: Run, local: OneMachine, project_copy: Callable[[], Path], tmp_path: Path
) -> None:
    scan, write = f"checking {HURT[pipeline][0]}", f"computing {pipeline}"
    through_python(home := project_copy(), pipeline, writing=WAITS_ONCE)
    blows = Blow(step=scan), Blow(step=write, begun=writing(tmp_path))
    there, log = on_cluster(pipeline, *blows, project=home)
    assert_same(local.left(pipeline), there)
    assert_counted_once(local.left(pipeline), there)
    assert {scan, write} <= failed_tasks(log).keys()
    assert log.facts.lost_executors.keys() == {name for blow in blows for name in blow.killed}
    assert_warned(there, ["tasks failed", "2 executors lost"])


@pytest.mark.parametrize("pipeline", HURT)
def test_tasks_that_fail_once_when_every_row_was_read_or_written_change_nothing(
    pipeline: str, on_cluster: Run, local: OneMachine, project_copy: Callable[[], Path], tmp_path: Path
) -> None:
    """What the failed attempts had handed on stands twice in Spark's own counts, and is told apart from the rows."""
    reading, writing = (FAILS_ONCE.format(marker=tmp_path / name) for name in ("read", "written"))
    through_python(home := project_copy(), pipeline, reading=reading, writing=writing)
    there, log = on_cluster(pipeline, project=home)
    assert_same(local.left(pipeline), there)
    assert_counted_once(local.left(pipeline), there)
    failed = [stage for stage in log.facts.stages.values() if stage.failed]
    assert [(stage.step, stage.failed) for stage in failed] == [(f"computing {pipeline}", 1)] * 2
    again = there.result(f"{pipeline}.strain.throughput").measures["rows_read_again"]
    assert isinstance(again, int)
    # Clicks are shuffled to drop what was delivered twice before the job sees them: the task that fails reads no file.
    assert (again > 0) is (pipeline != "user_days")
    assert_warned(there, ["(2 of ", "0 executors lost"])


def test_make_submit_packs_the_project_and_publishes_from_the_cluster(
    cluster: Cluster, local: OneMachine, tmp_path: Path
) -> None:
    """What the Makefile calls; the executors have nothing of the project but the archive."""
    project, home = tmp_path / "project", Home(folder=tmp_path / "home")
    for folder in ("dq", "jobs", "expectations", "runbooks", "spark-conf", "tools"):
        shutil.copytree(ROOT / folder, project / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (project / ".venv").symlink_to(sys.prefix)
    through_python(project, "profit_unit", reading=NEEDS_THE_ARCHIVE)
    hard_links(local.before("profit_unit"), home.warehouse)
    plain = {key: value for key, value in (SMALL | OPEN_AT_ONCE).items() if " " not in value}
    given = on_this_machine(local.company) | {"PYTHONPATH": str(project), "CLUSTER_PYTHON": sys.executable}
    given["SUBMIT_ARGS"] = " ".join(f"--conf {key}={value}" for key, value in plain.items())
    del given["SPARK_CONF_DIR"], given["PYSPARK_PYTHON"], given["PYSPARK_DRIVER_PYTHON"]
    line = 'source tools/env.sh && tools/submit.sh "$@"'
    words = [
        "bash",
        "-c",
        f"cd {project} && {line}",
        "make",
        cluster.master,
        "profit_unit",
        *home.arguments("profit_unit"),
    ]
    with driver(words, cluster.folder, given, free_port()) as submitted:
        there = home.left("profit_unit", ended(submitted))
    assert_same(local.left("profit_unit"), there)
    assert (project / "build" / "dq.tar.gz").is_file()
    (log,) = (project / "build" / "spark-events").iterdir()
    found = diagnose(log)
    assert (found.run, found.died) == (there.record.run, False)
    assert found.facts.settings["spark.master"] == cluster.master


def writing(folder: Path) -> Callable[[], bool]:
    """Whether a task has begun to write figures; its file is not committed yet."""
    return lambda: any(folder.glob("home-*/warehouse/*/_staging/*/_temporary/0/_temporary/*/*/*.parquet"))


def through_python(project: Path, pipeline: str, *, reading: str = NOTHING, writing: str = NOTHING) -> None:
    job = project / "jobs" / f"{pipeline}.py"
    text = job.read_text(encoding="utf-8")
    assert text.count("\ndef main(") == 1
    put = THROUGH_PYTHON.format(job=pipeline, read=HURT[pipeline][1], reading=reading, writing=writing)
    job.write_text(text.replace("\ndef main(", put), encoding="utf-8")
