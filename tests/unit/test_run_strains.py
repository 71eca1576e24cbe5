"""What a run strained as results of its checks: thresholds, history, and never a reason to hold."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from dq.base import yamlfile
from dq.base.errors import ConfigError
from dq.base.model import CheckResult, Outcome, Severity
from dq.base.thresholds import Thresholds
from dq.declare import settings, suites
from dq.declare.implied_checks import strain_checks
from dq.diagnose import live
from dq.diagnose.distribution import Distribution
from dq.diagnose.facts import Executor, Facts, Stage
from dq.run import strains
from dq.runbooks import load_page

ROOT = Path(__file__).resolve().parents[2]
PAGE = load_page(ROOT / "runbooks" / "profit_unit")
DECLARED = strain_checks("profit_unit", yamlfile.Document("jobs/pipelines.yml", {}, {}))
CHECKS = suites.bind(DECLARED, "profit_unit", PAGE.class_of, PAGE.anchor_for_class)
MIB, GIB = 1 << 20, 1 << 30


def stage(**given: object) -> Stage:
    made = Stage(stage=3, attempt=0, step="computing profit_unit", tasks=8)
    made.run_seconds = 100.0
    for name, value in given.items():
        setattr(made, name, value)
    return made


def judged(
    facts: Facts, took: float = 100.0, past: Sequence[str] = (), limits: Thresholds | None = None
) -> dict[str, CheckResult]:
    history = [Decimal(one) for one in past]
    results = strains.judge(CHECKS, facts, took=took, history=lambda _: history, thresholds=limits or Thresholds())
    assert [result.check for result in results] == [check.check for check in CHECKS]
    return {result.check.rpartition(".")[2]: result for result in results}


def of(*stages: Stage, **given: object) -> Facts:
    facts = Facts(stages={(one.stage, n): one for n, one in enumerate(stages)})
    for name, value in given.items():
        setattr(facts, name, value)
    return facts


def test_a_quiet_run_passes_and_says_what_it_measured() -> None:
    found = judged(of(stage(), tasks=8, rows_in=1000))
    assert {name: one.outcome for name, one in found.items()} == {
        "even": Outcome.PASSED,
        "memory": Outcome.PASSED,
        "tasks": Outcome.PASSED,
        "time": Outcome.NOT_RUN,
        "throughput": Outcome.NOT_RUN,
    }
    assert found["memory"].observed == "1 stages, 8 tasks, 100.0 s of task time"
    assert found["time"].reason == "not enough history: 0 of 3 published periods"
    assert (found["time"].measures["metric"], found["throughput"].measures["metric"]) == ("100.000", "10.000")


def test_spill_garbage_and_a_full_heap_are_one_warning_with_step_and_setting() -> None:
    spilled = stage(spilled_disk=512 * MIB, spilled_memory=2 * GIB, gc_seconds=30.0)
    facts = of(spilled, tasks=8, executors={"of stage 3": Executor(peak_heap=1000 * MIB)})
    facts.settings = {"spark.master": "spark://host:7077", "spark.sql.shuffle.partitions": "8"}
    result = judged(facts)["memory"]
    assert (result.outcome, result.severity, result.failure_class) == (Outcome.FAILED, Severity.WARNING, "F17")
    assert "tasks spilled 512.0 MiB to disk (stage 3.0 (computing profit_unit): 512.0 MiB on disk" in result.observed
    assert "set spark.sql.shuffle.partitions to 16 (now 8)" in result.observed
    assert "30% of task time was garbage collection" in result.observed
    assert "a heap was 98% full" in result.observed
    assert result.measures["spilled_bytes"] == 512 * MIB
    assert result.runbook == "profit_unit/memory-runs-short.md"


def test_below_its_alarm_a_strain_is_information_and_from_it_on_a_warning() -> None:
    machine = {"spark.master": "local[2]", "spark.driver.memory": "4g"}

    def found(**given: object) -> CheckResult:
        return judged(of(stage(**given), tasks=8, settings=machine))["memory"]

    for share, severity in ((0.09, None), (0.1, Severity.INFO), (0.19, Severity.INFO), (0.2, Severity.WARNING)):
        result = found(gc_seconds=100 * share)
        assert (result.outcome, result.severity) == (
            (Outcome.FAILED, severity) if severity else (Outcome.PASSED, Severity.WARNING)
        )
    # Eight tasks have 8 x (4 GiB - 300 MiB) x 0.6 / 2 of memory, of which five percent are an alarm.
    alarm = int(8 * (4 * GIB - 300 * MIB) * 0.6 / 2 * 0.05)
    assert found(spilled_disk=MIB).severity is Severity.INFO
    assert found(spilled_disk=alarm - MIB).severity is Severity.INFO
    assert found(spilled_disk=alarm + MIB).severity is Severity.WARNING
    # The gravest of several counts.
    assert found(spilled_disk=MIB, gc_seconds=30.0).severity is Severity.WARNING


def test_a_very_large_broadcast_warns_with_the_setting() -> None:
    result = judged(of(stage(), tasks=8, broadcasts={7: 2 * GIB}))["memory"]
    assert (result.outcome, result.severity) == (Outcome.FAILED, Severity.WARNING)
    assert "query 7: the driver built 2.0 GiB to broadcast" in result.observed
    assert "set spark.sql.autoBroadcastJoinThreshold to -1" in result.observed


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"gc_share": 0.3}, "gc_share (0.3) has to be at most gc_share_alarm (0.2)"),
        ({"heap_share_least": 0.96}, "heap_share_least (0.96) has to be at most heap_share (0.95)"),
        ({"suspicious_factor": 6.0}, "suspicious_factor (6.0) has to be at most skew_factor (5.0)"),
        ({"partition_bytes": 1000}, "target_bytes (134217728) has to be at most partition_bytes (1000)"),
        ({"small_file_bytes": GIB}, "small_file_bytes (1073741824) has to be at most target_bytes (134217728)"),
        ({"target_bytes": 1}, "greater than or equal to 1048576"),
    ],
)
def test_thresholds_that_contradict_each_other_are_refused_with_their_line(
    given: dict[str, float], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = "".join(f"  {key}: {value}\n" for key, value in given.items())
    path = tmp_path / "settings.yml"
    path.write_text(f"warehouse: w\ndocs: d\nruntime:\n{lines}", encoding="utf-8")
    monkeypatch.setenv("DQ_SETTINGS", str(path))
    with pytest.raises(ConfigError, match=re.escape(said)) as refused:
        settings.load(tmp_path)
    assert f"{path}:" in str(refused.value)


def test_one_task_with_most_of_the_rows_is_skew() -> None:
    uneven = stage(
        seconds=Distribution.known(total=200, count=8, median=5, largest=90),
        bytes_read=Distribution.known(total=2 * GIB, count=8, median=20 * MIB, largest=GIB),
        rows_read=Distribution.known(total=1000, count=8, median=20, largest=900),
    )
    result = judged(of(uneven, tasks=8))["even"]
    assert (result.outcome, result.severity, result.failure_class) == (Outcome.FAILED, Severity.WARNING, "F18")
    assert "one partition holds 90% of the rows of its stage (stage 3.0 (computing profit_unit)" in result.observed
    assert "with 8 values, which cuts it to an average partition: group by it and the salt first" in result.observed


def test_what_is_suspicious_or_oversized_is_told_and_fails_nothing() -> None:
    uneven = stage(seconds=Distribution.known(total=500, count=8, median=50, upper=50, largest=90), run_seconds=500.0)
    found = judged(of(uneven, tasks=8, executors={"1": Executor(peak_heap=GIB // 4)}))
    assert (found["even"].outcome, found["memory"].outcome) == (Outcome.PASSED, Outcome.PASSED)
    suspicious = (
        "suspicious: stage 3.0 (computing profit_unit): the largest task has 90.0 s, 1.8 times the third quartile"
    )
    assert found["even"].observed.endswith(suspicious)
    assert found["memory"].observed.endswith("fuller than 25%: spark.executor.memory 384m would do (now 1024m)")


def test_a_failed_task_and_a_lost_executor_are_told_also_where_the_job_went_on() -> None:
    facts = of(stage(failed=1), tasks=9, failed_tasks=1, executors={"2": Executor(removed=5, reason="code 52")})
    result = judged(facts)["tasks"]
    assert result.outcome is Outcome.FAILED
    assert "1 of 9 tasks failed, 0 ran again, 1 executors lost" in result.observed


@pytest.mark.parametrize(
    ("took", "outcome"), [(200.0, Outcome.PASSED), (200.1, Outcome.FAILED), (30.0, Outcome.PASSED)]
)
def test_a_run_is_slow_by_its_own_history(took: float, outcome: Outcome) -> None:
    assert judged(of(stage(), rows_in=1000), took, ["90", "100", "400"])["time"].outcome is outcome


def test_what_is_usual_are_the_last_twelve_periods_or_more_where_more_are_wanted() -> None:
    facts, past = of(stage(), rows_in=1000), [*["90"] * 30, *["300"] * 12]
    assert judged(facts, 500.0, past)["time"].outcome is Outcome.PASSED
    assert judged(facts, 500.0, past, Thresholds(slow_history=30))["time"].outcome is Outcome.FAILED


def test_a_short_run_is_never_slow_and_two_periods_are_no_history() -> None:
    facts = of(stage(), rows_in=1000)
    assert judged(facts, 59.9, ["1", "1", "1"])["time"].outcome is Outcome.PASSED
    assert judged(facts, 60.0, ["1", "1", "1"])["time"].outcome is Outcome.FAILED
    assert judged(facts, 500.0, ["1", "1"])["time"].outcome is Outcome.NOT_RUN


@pytest.mark.parametrize(("rows", "outcome"), [(50_000, Outcome.PASSED), (49_999, Outcome.FAILED)])
def test_rows_per_second_may_not_fall_to_less_than_half(rows: int, outcome: Outcome) -> None:
    result = judged(of(stage(), rows_in=rows), 100.0, ["1000", "900", "1100"])["throughput"]
    assert (result.outcome, result.failure_class) == (outcome, "F19")
    assert "rows read per second, usually 1,000 (median of 3 published periods)" in result.observed


def test_rows_that_a_retry_read_again_do_not_make_a_run_look_fast() -> None:
    facts = of(stage(), rows_in=40_000, rows_in_again=60_000)
    result = judged(facts, 100.0, ["1000", "900", "1100"])["throughput"]
    assert result.outcome is Outcome.FAILED
    assert (result.measures["rows_read"], result.measures["rows_read_again"]) == (40_000, 60_000)
    assert result.observed.startswith("400 rows read per second")
    assert result.observed.endswith("60,000 rows that failed or repeated tasks read again are left out")


def task(number: int, partition: int, rows: int, status: str = "SUCCESS") -> dict[str, object]:
    metrics = {"inputMetrics": {"recordsRead": rows}} if rows else None
    return {"taskId": number, "partitionId": partition, "status": status, "taskMetrics": metrics}


def attempt(stage: int, number: int, rows: int, failed: int = 0, rdds: Sequence[int] = (7, 6)) -> dict[str, object]:
    counts = {"inputRecords": rows, "numFailedTasks": failed, "numKilledTasks": 0}
    return {"stageId": stage, "attemptId": number, "rddIds": list(rdds), **counts}


def test_spark_counts_what_a_failed_attempt_read_and_it_is_told_apart() -> None:
    tasks = {(4, 0): [task(9, 0, 50), task(7, 0, 50, "FAILED"), task(8, 1, 30), task(10, 2, 0, "KILLED")]}
    assert live.rows_read([attempt(4, 0, 130, failed=1)], lambda *key: tasks[key]) == (80, 50)


@pytest.mark.parametrize("again", [(4, 1), (6, 0)])
def test_what_was_read_again_for_lost_shuffle_files_counts_once(again: tuple[int, int]) -> None:
    """As another attempt of the stage, or where its job is over as a stage of a later one, over the same RDDs."""
    tasks = {(4, 0): [task(1, 0, 50), task(2, 1, 30)], again: [task(9, 1, 30)]}
    assert live.rows_read([attempt(4, 0, 80), attempt(*again, 30)], lambda *key: tasks[key]) == (80, 30)


def test_tasks_are_listed_only_where_something_was_repeated() -> None:
    def refused(*_: int) -> list[dict[str, object]]:
        raise AssertionError("a walk over all tasks")

    stages = [attempt(4, 0, 80), attempt(5, 0, 20, rdds=[9, 8]), attempt(6, 0, 0, failed=1)]
    assert live.rows_read(stages, refused) == (100, 0)


def test_where_spark_does_not_tell_nothing_is_held() -> None:
    class Session:
        @property
        def sparkContext(self) -> object:  # noqa: N802 - Spark's own name
            raise ConnectionRefusedError("secret value 4711")

    results = strains.of_run(
        Session(),  # type: ignore[arg-type]
        "run",
        CHECKS,
        began=datetime(2026, 11, 1, tzinfo=UTC),
        took=1.0,
        history=lambda _: [],
        thresholds=Thresholds(),
    )
    assert {(one.outcome, one.reason) for one in results} == {
        (Outcome.NOT_RUN, "Spark's status store could not be read (ConnectionRefusedError)")
    }


def peaks_of(facts: Facts, by_stage: dict[int, dict[str, int]]) -> tuple[dict[str, int], list[int]]:
    asked: list[int] = []

    def peaks(stage: int, _attempt: int) -> dict[str, int]:
        asked.append(stage)
        return by_stage[stage]

    return live.heap_peaks(facts, peaks), asked


def test_on_a_cluster_the_driver_s_heap_is_not_taken_for_that_of_an_executor() -> None:
    stages = {(n, 0): Stage(stage=n, attempt=0, peak_heap=peak) for n, peak in ((1, 500), (2, 900), (3, 300), (4, 0))}
    facts = Facts(settings={"spark.master": "spark://host:7077"}, stages=stages)
    told = {2: {"driver": 900, "0": 350}, 1: {"driver": 500, "0": 200, "1": 400}, 3: {"driver": 300}}
    assert peaks_of(facts, told) == ({"driver": 900, "0": 350, "1": 400}, [2, 1])
    facts.executors = {name: Executor(peak_heap=peak) for name, peak in peaks_of(facts, told)[0].items()}
    assert facts.peak_heap == 400


def test_on_one_machine_the_fullest_stage_tells_the_heap_without_being_asked() -> None:
    stages = {(n, 0): Stage(stage=n, attempt=0, peak_heap=peak) for n, peak in ((1, 500), (2, 900))}
    assert peaks_of(Facts(settings={"spark.master": "local[2]"}, stages=stages), {}) == ({"of stage 2": 900}, [])
