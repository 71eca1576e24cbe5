"""Each death by its own words, the settings with numbers, and nothing of a row in what is printed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import event_logs as logs
import pytest

from dq.base.errors import UsageError
from dq.base.thresholds import Thresholds
from dq.diagnose import Confidence, Diagnosis, diagnose, document, text
from dq.diagnose.findings import Change, memory, size_of
from dq.diagnose.signatures import SIGNATURES

HEAP = logs.raised("java.lang.OutOfMemoryError", "Java heap space")
SECRET = "contract of Jane 4711"


def judged(folder: Path, *events: logs.Event, ended: bool = True, **settings: str) -> Diagnosis:
    return diagnose(logs.write(folder, [*logs.start(**settings), *events, *([logs.end()] if ended else [])]))


def failing(why: logs.Event, message: str, tasks: int = 4) -> list[logs.Event]:
    """A job of one stage whose first task fails and takes the job with it."""
    ended = [logs.stage(0, tasks, done=True, error=message), logs.job_end(0, message)]
    return [logs.job(0, [0]), logs.stage(0, tasks), logs.task(0, why=why), *ended]


def query(error: str) -> list[logs.Event]:
    return [logs.plan(0), logs.query_end(0, error)]


def change(found: Diagnosis, setting: str) -> Change:
    return next(one for one in found.causes[0].changes if one.setting == setting)


BIGGER = (
    "Job aborted due to stage failure: Total size of serialized results of 3 tasks (1200.0 MiB) is bigger than "
    "spark.driver.maxResultSize (1024.0 MiB)"
)
PYTHON = (
    "[PYTHON_EXCEPTION] An exception was thrown from the Python worker: Traceback (most recent call last):\n"
    f'  File "job.py", line 3, in f\n    {SECRET}\nMemoryError\n SQLSTATE: 38000'
)
YARN = (
    "Container killed by YARN for exceeding physical memory limits. 5.5 GB of 5.5 GB physical memory used. "
    "Consider boosting spark.executor.memoryOverhead."
)
DIRECT = "Cannot reserve 67108864 bytes of direct buffer memory (allocated: 1, limit: 2)"
DISASSOCIATED = "Remote RPC client disassociated. Likely due to containers exceeding thresholds, or network issues"
CRASHED = "java.io.EOFException\norg.apache.spark.SparkException: Python worker exited unexpectedly (crashed)"
DEATHS = {
    "heap": ("executor_heap", Confidence.CERTAIN, failing(HEAP, "Lost task 0.0: java.lang.OutOfMemoryError")),
    "collector": (
        "executor_heap",
        Confidence.CERTAIN,
        failing(logs.raised("java.lang.OutOfMemoryError", "GC overhead limit exceeded"), "aborted"),
    ),
    "execution memory": (
        "executor_heap",
        Confidence.CERTAIN,
        failing(
            logs.raised(
                "org.apache.spark.memory.SparkOutOfMemoryError", "Unable to acquire 65536 bytes of memory, got 0"
            ),
            "aborted",
        ),
    ),
    "code 52": ("executor_heap", Confidence.LIKELY, failing(logs.lost("1", "Command exited with code 52"), "aborted")),
    "metaspace": (
        "memory_beside_heap",
        Confidence.CERTAIN,
        [
            *failing(
                logs.raised("java.lang.OutOfMemoryError", "Metaspace"),
                "Lost task 0.0: java.lang.OutOfMemoryError: Metaspace",
            )[:-1],
            logs.removed("1", "Command exited with code 52"),
            logs.job_end(0, "Lost task 0.0: java.lang.OutOfMemoryError: Metaspace"),
        ],
    ),
    "direct": (
        "memory_beside_heap",
        Confidence.CERTAIN,
        failing(logs.raised("java.lang.OutOfMemoryError", DIRECT), f"aborted: java.lang.OutOfMemoryError: {DIRECT}"),
    ),
    "threads": (
        "memory_beside_heap",
        Confidence.CERTAIN,
        failing(logs.raised("java.lang.OutOfMemoryError", "unable to create native thread: possibly out"), "aborted"),
    ),
    "heap, in the words of the job alone": (
        "executor_heap",
        Confidence.LIKELY,
        [logs.job(0, [0]), logs.job_end(0, "Lost task 0.3 in stage 0.0: java.lang.OutOfMemoryError: Java heap space")],
    ),
    "yarn": ("container_memory", Confidence.CERTAIN, failing(logs.lost("1", YARN), "aborted")),
    "kubernetes": (
        "container_memory",
        Confidence.CERTAIN,
        failing(
            logs.lost("1", "The executor with id 1 exited with exit code 137(SIGKILL, possible container OOM)."),
            "aborted",
        ),
    ),
    "code 137": (
        "container_memory",
        Confidence.LIKELY,
        failing(logs.lost("1", "Command exited with code 137"), "aborted"),
    ),
    "disassociated": (
        "executor_lost",
        Confidence.POSSIBLE,
        failing(logs.lost("1", f"{DISASSOCIATED}. Check driver logs for WARN messages."), "aborted"),
    ),
    "heartbeat": (
        "executor_lost",
        Confidence.POSSIBLE,
        failing(logs.lost("1", "Executor heartbeat timed out after 125000 ms"), "aborted"),
    ),
    "code 143": (
        "executor_lost",
        Confidence.POSSIBLE,
        failing(logs.lost("1", "Container from a bad node: container_1. Exit status: 143. Diagnostics: "), "aborted"),
    ),
    "results": ("result_too_large", Confidence.CERTAIN, failing({"Reason": "TaskKilled", "Kill Reason": ""}, BIGGER)),
    "broadcast": (
        "broadcast_too_large",
        Confidence.CERTAIN,
        query("Not enough memory to build and broadcast the table to all worker nodes."),
    ),
    "broadcast limit": (
        "broadcast_too_large",
        Confidence.CERTAIN,
        query("Cannot broadcast the table that is larger than 8.0 GiB: 9.1 GiB."),
    ),
    "driver": ("driver_heap", Confidence.CERTAIN, query("java.lang.OutOfMemoryError: Java heap space")),
    "driver, message alone": ("driver_heap", Confidence.CERTAIN, query("Java heap space")),
    "fetch": (
        "fetch_failures",
        Confidence.CERTAIN,
        failing(logs.fetch_failed(), "ShuffleMapStage 1 has failed the maximum allowable number of times: 4"),
    ),
    "disk": (
        "disk_full",
        Confidence.CERTAIN,
        failing(logs.raised("java.io.IOException", "No space left on device"), "aborted"),
    ),
    "python": (
        "python_memory",
        Confidence.CERTAIN,
        failing(logs.raised("org.apache.spark.api.python.PythonException", PYTHON), PYTHON),
    ),
    "python worker": (
        "python_memory",
        Confidence.LIKELY,
        failing(logs.raised("org.apache.spark.SparkException", "lost", CRASHED), "aborted"),
    ),
}


@pytest.mark.parametrize("name", DEATHS)
def test_each_death_is_named_by_its_own_words_with_something_to_try(name: str, tmp_path: Path) -> None:
    cause, confidence, events = DEATHS[name]
    found = judged(tmp_path, *events)
    assert [(one.cause, one.confidence) for one in found.causes] == [(cause, confidence)]
    assert re.match(r"events_1_app-1\.zstd:\d+: ", found.causes[0].evidence[0])
    assert found.causes[0].changes


def noise(number: int, tasks: int = 51) -> list[logs.Event]:
    """A job that succeeds although each of its tasks failed once."""
    why = logs.raised("java.net.SocketTimeoutException", "read timed out")
    failed = [logs.task(number, index=n, why=why) for n in range(tasks)]
    again = [logs.task(number, index=n, attempt=1) for n in range(tasks)]
    ended = [logs.stage(number, tasks, done=True), logs.job_end(number)]
    return [logs.job(number, [number]), logs.stage(number, tasks), *failed, *again, *ended]


@pytest.mark.parametrize("name", DEATHS)
def test_harmless_failures_around_a_death_change_nothing(name: str, tmp_path: Path) -> None:
    cause, confidence, events = DEATHS[name]
    within = [logs.task(0, index=n, why=logs.raised("java.net.SocketTimeoutException")) for n in range(51)]
    begun = events[:2] if events[0]["Event"] == "SparkListenerJobStart" else []
    found = judged(tmp_path, *noise(70), *begun, *within, *events[len(begun) :], *noise(71))
    assert [(one.cause, one.confidence) for one in found.causes] == [(cause, confidence)]


LOST = "Command exited with code 52"
DIVIDED = (
    "Job aborted due to stage failure: Task 0 in stage 5.0 failed 4 times, most recent failure: Lost task 0.3 in stage "
    "5.0: org.apache.spark.SparkArithmeticException: [DIVIDE_BY_ZERO] Division by zero."
)


def recovered() -> list[logs.Event]:
    """A job that succeeds although it loses an executor."""
    lost = [logs.task(0, why=logs.lost("1", LOST)), logs.removed("1", LOST)]
    again = [logs.task(0, attempt=1, executor="2"), logs.stage(0, 1, done=True)]
    return [logs.job(0, [0]), logs.stage(0, 1), *lost, *again, logs.job_end(0)]


def test_what_an_application_survived_is_not_what_killed_it(tmp_path: Path) -> None:
    why = logs.raised("org.apache.spark.SparkArithmeticException", "[DIVIDE_BY_ZERO] Division by zero.")
    tried = [logs.task(5, attempt=n, executor="2", why=why) for n in range(4)]
    divided = [logs.stage(5, 1), *tried, logs.stage(5, 1, done=True, error=DIVIDED), logs.job_end(5, DIVIDED)]
    of_its_own = judged(tmp_path / "a", *recovered(), logs.job(5, [5]), *divided)
    same_job = judged(tmp_path / "b", logs.job(5, [0, 5]), *recovered()[1:-1], *divided)
    for found in (of_its_own, same_job):
        assert found.causes == ()
        assert all(one.endswith("DIVIDE_BY_ZERO") for one in found.unrecognised)
        assert [one.cause for one in found.strains] == ["failed_tasks"]


def test_a_condition_of_its_own_is_told_beside_a_cause(tmp_path: Path) -> None:
    tried = [logs.task(5, why=HEAP), logs.stage(5, 1, done=True, error=DIVIDED), logs.job_end(5, DIVIDED)]
    found = judged(tmp_path, logs.job(5, [5]), logs.stage(5, 1), *tried)
    assert [one.cause for one in found.causes] == ["executor_heap"]
    assert [one.rpartition(": ")[2] for one in found.unrecognised] == ["DIVIDE_BY_ZERO"]
    assert "Not recognised, beside it:" in text(found, {})


def test_a_driver_that_died_after_an_executor_was_replaced_is_named(tmp_path: Path) -> None:
    collected = [logs.stage(5, 1), logs.task(5), logs.stage(5, 1, done=True), logs.job_end(5, "Java heap space")]
    ended = logs.query_end(1, "java.lang.OutOfMemoryError: Java heap space")
    found = judged(tmp_path, *recovered(), logs.plan(1), logs.job(5, [5], execution=1), *collected, ended)
    assert [one.cause for one in found.causes] == ["driver_heap"]


def test_of_several_runs_the_one_that_died_is_named(tmp_path: Path) -> None:
    other = "growth_daily-2026-10-20261103t060000000000z-abcdef"
    passed = [logs.job(1, [1], group=other), logs.stage(1, 1), logs.task(1), logs.job_end(1)]
    log = logs.write(tmp_path, [*logs.start(name="all"), *failing(HEAP, "aborted"), *passed, logs.end()])
    assert (diagnose(log).run, diagnose(log).pipeline) == (logs.RUN, "profit_unit")
    assert f"the log holds 2 runs: {logs.RUN}, {other}; --run judges one alone" in diagnose(log).notes
    alone = diagnose(log, run=other)
    assert (alone.run, alone.causes, alone.died) == (other, (), False)
    with pytest.raises(UsageError, match=f"holds no run growth_daly; expected one of {logs.RUN}, {other}"):
        diagnose(log, run="growth_daly")


def test_an_application_without_an_end_is_not_called_dead(tmp_path: Path) -> None:
    lost = logs.task(0, why=logs.lost("1", LOST))
    found = judged(tmp_path, logs.job(0, [0]), logs.stage(0, 2), lost, logs.task(0, index=1), ended=False)
    assert [one.cause for one in found.causes] == ["executor_heap"]
    assert not found.died
    assert text(found, {}).startswith("NO END  ")


def test_an_executor_that_just_went_is_shown_with_the_known_sentence_and_less_than_a_cause_that_is_known(
    tmp_path: Path,
) -> None:
    gone = logs.lost("1", DISASSOCIATED)
    found = judged(tmp_path / "a", *failing(gone, "aborted"))
    assert found.causes[0].evidence[0].endswith(DISASSOCIATED)
    killed = [logs.job(0, [0]), logs.stage(0, 2), logs.task(0, why=gone), logs.task(0, why=logs.lost("2", YARN))]
    found = judged(tmp_path / "b", *killed, logs.job_end(0, "aborted"))
    assert [one.cause for one in found.causes] == ["container_memory"]


def test_nothing_of_a_name_moves_the_cursor_or_begins_a_line(tmp_path: Path) -> None:
    events = [*logs.start(name="evil\x1b[31m\nDIED  other\u2028"), logs.job(0, [0], group="n"), logs.job_end(0, "x")]
    told = text(diagnose(logs.write(tmp_path, [*events, logs.end()])), {})
    assert told.startswith("DIED  evil?[31m?DIED  other? (app-1)")
    assert told.replace("\n", "").isprintable()


def test_every_signature_of_the_table_has_a_death_here() -> None:
    assert {signature.cause for signature in SIGNATURES} == {cause for cause, _, _ in DEATHS.values()}


@pytest.mark.parametrize("name", DEATHS)
def test_the_same_words_in_an_application_that_succeeded_are_no_death(name: str, tmp_path: Path) -> None:
    """A task that was retried with success killed nothing."""
    events = [e for e in DEATHS[name][2] if e["Event"] == "SparkListenerTaskEnd"]
    found = judged(tmp_path, logs.job(0, [0]), logs.stage(0, 1), *events, logs.task(0, attempt=1), logs.job_end(0))
    assert found.causes == ()
    assert not found.died
    assert text(found, {}).startswith("NO DEATH FOUND")


def test_no_value_of_a_row_is_printed(tmp_path: Path) -> None:
    messages = [
        f"[CAST_INVALID_INPUT] The value '{SECRET}' of the type \"STRING\" cannot be cast",
        f"java.lang.OutOfMemoryError: Java heap space {SECRET}",
        f"{SECRET} No space left on device {SECRET}",
        f"Cannot broadcast the table over {SECRET} larger",
        f"MemoryError {SECRET}",
        SECRET,
    ]
    for number, message in enumerate(messages):
        found = judged(tmp_path / str(number), *failing(logs.raised("java.lang.Exception", message), message))
        assert found.died
        assert "Jane" not in text(found, {}) + json.dumps(document(found, {}))


def test_what_no_signature_knows_is_told_by_condition_or_class_alone(tmp_path: Path) -> None:
    error = "[DIVIDE_BY_ZERO] Division by zero of 4711"
    found = judged(tmp_path, *failing(logs.raised("org.apache.spark.SparkArithmeticException", error), error))
    assert found.causes == ()
    assert found.died
    assert all(line.endswith("DIVIDE_BY_ZERO") for line in found.unrecognised)
    assert "Nothing recognised:" in text(found, {})


def test_a_stopped_application_is_told_as_stopped(tmp_path: Path) -> None:
    message = "Job 0 cancelled because SparkContext was shut down"
    found = judged(tmp_path, logs.job(0, [0]), logs.stage(0, 1), logs.job_end(0, message))
    assert "stopped while this ran" in found.unrecognised[0]


def test_a_limit_on_results_is_raised_to_what_all_tasks_would_have_sent(tmp_path: Path) -> None:
    found = judged(tmp_path, *failing({"Reason": "TaskKilled"}, BIGGER, tasks=12))
    told = change(found, "spark.driver.maxResultSize")
    assert (told.value, told.now) == ("8g", "1g")  # 1,200 MiB / 3 x 12 = 4,800 MiB, and half as much again
    assert change(found, "spark.driver.memory").value == "19g"


def test_heap_is_that_of_the_executor_and_in_local_mode_that_of_the_driver(tmp_path: Path) -> None:
    events = failing(HEAP, "aborted")
    cluster = judged(tmp_path / "a", *events, executor__memory="4g", executor__cores="4")
    assert [one.setting for one in cluster.causes[0].changes] == ["spark.executor.memory", "spark.executor.cores"]
    assert change(cluster, "spark.executor.memory").value == "16g"
    local = judged(tmp_path / "b", *events, master="local[2]", driver__memory="512m")
    assert change(local, "spark.driver.memory").value == "2g"
    assert change(local, "spark.master").value == "local[1]"


def test_even_partitions_that_are_too_large_are_first_of_all_split(tmp_path: Path) -> None:
    ran = [logs.task(0, index=n, read=1 << 30, rows=1000) for n in range(8)]
    fails = logs.task(0, index=8, read=1 << 30, rows=1000, why=HEAP)
    found = judged(
        tmp_path, logs.job(0, [0]), logs.stage(0, 9), *ran, fails, logs.job_end(0, "x"), sql__shuffle__partitions="9"
    )
    first = found.causes[0].changes[0]
    assert (first.setting, first.value, first.now) == ("spark.sql.shuffle.partitions", "72", "9")


def test_an_executor_that_died_comes_before_the_fetches_that_failed_from_it(tmp_path: Path) -> None:
    found = judged(
        tmp_path,
        logs.job(0, [0, 1]),
        logs.stage(1, 2),
        logs.task(1, executor="2", why=logs.fetch_failed()),
        logs.removed("1", "Command exited with code 52"),
        logs.job_end(0, "has failed the maximum allowable number of times: 4. FetchFailedException"),
    )
    assert [one.cause for one in found.causes] == ["executor_heap", "fetch_failures"]
    assert "1 executors were lost" in found.causes[1].changes[0].why


def test_a_log_that_stops_under_large_results_points_at_the_drivers_heap(tmp_path: Path) -> None:
    sending = [logs.task(0, index=n, result=200 << 20) for n in range(3)]
    begun = [logs.job(0, [0]), logs.stage(0, 6), *sending]
    found = judged(tmp_path / "a", *begun, ended=False, driver__memory="1g")
    assert [(one.cause, one.confidence) for one in found.causes] == [("driver_heap", Confidence.LIKELY)]
    assert "600.0 MiB of serialized results were collected into a heap of 1.0 GiB" in found.causes[0].evidence[0]
    assert judged(tmp_path / "b", *begun, ended=False, driver__memory="4g").causes == ()


UNREAD = (
    "Exception while getting task result: java.lang.IllegalStateException: unread block data",
    "Task 15 in stage 2.0 failed 2 times: TaskResultLost (result lost from block manager)\nDriver stacktrace:",
)


@pytest.mark.parametrize("message", UNREAD)
def test_a_result_that_cannot_be_read_is_the_drivers_heap_where_it_is_large(message: str, tmp_path: Path) -> None:
    for size, causes in ((100 << 20, ["driver_heap"]), (1 << 20, [])):
        sent = [logs.task(0, index=n, result=size) for n in range(3)]
        ran = [logs.job(0, [0]), logs.stage(0, 3), *sent, logs.job_end(0, message)]
        found = judged(tmp_path / str(size), *ran, driver__memory="1g")
        assert [one.cause for one in found.causes] == causes
        assert found.died


def test_a_result_that_went_with_its_executor_says_nothing_of_the_driver(tmp_path: Path) -> None:
    sent = [logs.task(0, index=n, result=100 << 20) for n in range(3)]
    lost = logs.removed("1", "worker lost")
    ran = [logs.job(0, [0]), logs.stage(0, 3), *sent, lost, logs.job_end(0, UNREAD[1])]
    assert judged(tmp_path, *ran, driver__memory="1g").causes == ()


def skewed(
    why: logs.Event | None = None, heavy_rows: int = 900_000, read: int = 600 << 20, seconds: float = 95
) -> list[logs.Event]:
    light = [logs.task(0, index=n, rows=10_000, read=8 << 20, accumulators=[7]) for n in range(9)]
    heavy = logs.task(0, index=9, rows=heavy_rows, read=read, seconds=seconds, why=why)
    error = "aborted" if why else ""
    ended = [logs.stage(0, 10, done=True, error=error), logs.job_end(0, error)]
    keys = ("hashpartitioning(account_id#12, coalesce(region#4, 'Jane'), 200)", "hashpartitioning(day#9, 200)")
    planned = logs.plan(3, (7, keys[0]), (8, keys[1]))
    return [planned, logs.job(0, [0], execution=3), logs.stage(0, 10), *light, heavy, *ended]


def test_a_skewed_key_that_killed_is_named_from_the_plan_and_comes_first(tmp_path: Path) -> None:
    found = judged(tmp_path, *skewed(HEAP), sql__adaptive__enabled="false")
    assert [one.cause for one in found.causes] == ["skewed_key", "executor_heap"]
    skew = found.causes[0]
    assert skew.title == "one value of account_id, region holds 91% of the rows of its stage"
    assert "900,000 rows, 91% of all; the median is 10," in skew.evidence[0]
    assert (skew.changes[0].setting, skew.changes[0].value) == ("spark.sql.adaptive.enabled", "true")
    assert any("salt account_id, region with 10 values, which cuts it" in one.why for one in skew.changes)
    assert "Jane" not in text(found, {})


@pytest.mark.parametrize(("written", "causes"), [(3000, ["skewed_key", "executor_heap"]), (80, ["executor_heap"])])
def test_a_heavy_task_that_died_unread_is_found_by_what_the_others_left(
    written: int, causes: list[str], tmp_path: Path
) -> None:
    """An executor out of memory does not say what its task had read."""
    wrote = [logs.stage(0, 1), logs.task(0, wrote=written), logs.stage(0, 1, done=True)]
    read = [logs.task(1, index=n, rows=10, accumulators=[7]) for n in range(5)]
    fails = [logs.task(1, index=5, why=HEAP), logs.stage(1, 8, done=True, error="aborted"), logs.job_end(0, "aborted")]
    begun = [logs.plan(3, (7, "hashpartitioning(account_id#12, 8)")), logs.job(0, [0, 1], execution=3)]
    found = judged(tmp_path, *begun, *wrote, logs.stage(1, 8, parents=[0]), *read, *fails)
    assert [one.cause for one in found.causes] == causes
    if len(causes) == 2:
        assert found.causes[0].title == "one value of account_id holds most of the rows that were left"
        assert "2,950 rows were left for the other 3, at least 983 for the largest" in found.causes[0].evidence[1]
        assert any("salt account_id with 8 values" in one.why for one in found.causes[0].changes)


def test_a_skew_that_killed_nothing_is_a_strain(tmp_path: Path) -> None:
    found = judged(tmp_path, *skewed())
    assert found.causes == ()
    assert [one.cause for one in found.strains] == ["skewed_key"]
    assert not found.died


def test_small_or_even_stages_are_no_skew(tmp_path: Path) -> None:
    assert judged(tmp_path / "a", *skewed(heavy_rows=40_000, read=30 << 20, seconds=4)).strains == ()
    even = [logs.task(0, index=n, rows=500_000, read=400 << 20, seconds=90) for n in range(9)]
    assert judged(tmp_path / "b", logs.job(0, [0]), logs.stage(0, 9), *even, logs.job_end(0)).strains == ()


STRAINS = {
    "spill": [logs.task(0, spilled=64 << 20)],
    "garbage_collection": [logs.task(0, seconds=100, gc=15)],
    "full_heap": [logs.task(0, heap=(1 << 30) - 1)],
    "large_partition": [logs.task(0, index=n, read=6 << 30) for n in range(3)],
    "large_broadcast": [logs.broadcast(3, 70), logs.driver_updates(3, (69, 8 << 30), (70, (1 << 30) + 1))],
    "tiny_tasks": [logs.task(0, index=n, seconds=0.01) for n in range(5001)],
    "failed_tasks": [logs.task(0, why=HEAP), logs.task(0, attempt=1)],
}


@pytest.mark.parametrize("name", STRAINS)
def test_each_strain_is_told_and_only_it(name: str, tmp_path: Path) -> None:
    found = judged(tmp_path, logs.job(0, [0]), logs.stage(0, 1), *STRAINS[name], logs.job_end(0))
    assert [one.cause for one in found.strains] == [name]
    assert found.causes == ()


def test_thresholds_decide_what_is_told(tmp_path: Path) -> None:
    events = [*logs.start(), logs.job(0, [0]), logs.stage(0, 1), logs.task(0, seconds=100, gc=15), logs.job_end(0)]
    log = logs.write(tmp_path, [*events, logs.end()])
    assert diagnose(log, Thresholds(gc_share=0.16)).strains == ()
    assert "alarming" not in diagnose(log).strains[0].evidence[0]
    assert "alarming" in diagnose(log, Thresholds(gc_share_alarm=0.14)).strains[0].evidence[0]


def test_a_spill_is_alarming_by_the_memory_of_its_tasks_and_by_the_executors_that_spill(tmp_path: Path) -> None:
    def told(spilled: int, executors: int, folder: str) -> str:
        ran = [
            logs.task(0, index=n, executor=str(n), spilled=spilled if n == 1 else 0) for n in range(1, executors + 1)
        ]
        found = judged(tmp_path / folder, logs.job(0, [0]), logs.stage(0, executors), *ran, logs.job_end(0))
        return "; ".join(found.strains[0].evidence[1:])

    # A heap of 1 GiB leaves its one task 434 MiB, of which six executors have six times as many.
    assert told(100 << 20, 6, "a") == ""
    assert told(300 << 20, 6, "b") == "an alarming spill: 12% of the memory that the tasks of stage 0.0 have"
    assert told(10 << 20, 4, "c") == "an alarming spill: 1 of 4 executors had one"


def test_an_uneven_stage_that_is_not_yet_skewed_is_told_as_suspicious(tmp_path: Path) -> None:
    def notes(largest: int, folder: str) -> tuple[str, ...]:
        ran = [logs.task(0, index=n, read=180 << 20, rows=9) for n in range(7)]
        heavy = logs.task(0, index=7, read=largest << 20, rows=9)
        found = judged(tmp_path / folder, logs.job(0, [0]), logs.stage(0, 8), *ran, heavy, logs.job_end(0))
        assert found.strains == ()
        return found.notes

    assert notes(265, "a") == ()
    assert notes(290, "b") == ("suspicious: stage 0.0: the largest task has 290.0 MiB, 1.6 times the third quartile",)


@pytest.mark.parametrize(("heap", "seconds", "told"), [(600, 100, True), (800, 100, False), (600, 5, False)])
def test_a_heap_that_was_never_full_is_told_with_the_one_that_would_do(
    heap: int, seconds: float, told: bool, tmp_path: Path
) -> None:
    ran = [logs.job(0, [0]), logs.stage(0, 1), logs.task(0, seconds=seconds, heap=heap << 20), logs.job_end(0)]
    found = judged(tmp_path, *ran)
    expected = "no heap was ever fuller than 59%: spark.executor.memory 896m would do (now 1024m)"
    assert found.notes == ((expected,) if told else ())
    assert found.strains == ()


def test_the_drivers_heap_is_judged_by_its_own_size(tmp_path: Path) -> None:
    def found(peak: int, folder: str) -> Diagnosis:
        measured = {"Event": "SparkListenerStageExecutorMetrics", "Executor ID": "driver", "Stage ID": 0}
        metrics = measured | {"Stage Attempt ID": 0, "Executor Metrics": {"JVMHeapMemory": peak << 20}}
        ran = [logs.job(0, [0]), logs.stage(0, 1), logs.task(0, seconds=100), metrics, logs.job_end(0)]
        return judged(tmp_path / folder, *ran, executor__memory="4g", driver__memory="8g")

    half = found(5 << 10, "a")
    assert (half.strains, half.notes) == ((), ())
    assert "peak heap of the driver 5.0 GiB of 8.0 GiB" in text(half, {})
    full = found(8 << 10, "b")
    assert full.strains[0].evidence == ("the driver peaked at 8.0 GiB of 8.0 GiB, and 0 others above the bound",)
    assert (full.strains[0].changes[0].setting, full.strains[0].changes[0].value) == ("spark.driver.memory", "12g")


@pytest.mark.parametrize(
    ("settings", "now"),
    [
        ({}, "832m"),
        ({"master": "k8s://https://x:6443"}, "4g"),
        ({"master": "k8s://https://x:6443", "kubernetes__resource__type": "java"}, "832m"),
        ({"master": "yarn", "executor__memoryOverheadFactor": "0.2"}, "1664m"),
        ({"master": "k8s://https://x:6443", "executor__memoryOverheadFactor": "0.2"}, "1664m"),
        ({"executor__memoryOverheadFactor": "0.2", "executor__memoryOverhead": "3g"}, "3g"),
        ({"executor__memoryOverheadFactor": "much"}, "832m"),
    ],
)
def test_what_is_beside_a_heap_now_is_by_its_setting_or_its_factor(
    settings: dict[str, str], now: str, tmp_path: Path
) -> None:
    found = judged(tmp_path, *failing(logs.lost("1", YARN), "aborted"), executor__memory="8g", **settings)
    told = change(found, "spark.executor.memoryOverhead")
    assert told.now == now
    assert (size_of(told.value) or 0) > 1.5 * (size_of(now) or 0)


def test_patience_is_never_less_than_it_is(tmp_path: Path) -> None:
    settings = {"shuffle__io__maxRetries": "20", "network__timeout": "800s"}
    for number, (given, wanted) in enumerate([({}, ("10", "600s")), (settings, ("40", "1600s"))]):
        found = judged(tmp_path / str(number), *failing(logs.fetch_failed(), "FetchFailedException"), **given)
        keys = ("spark.shuffle.io.maxRetries", "spark.network.timeout")
        assert tuple(change(found, key).value for key in keys) == wanted


def test_a_large_partition_that_more_would_not_split_is_not_given_fewer(tmp_path: Path) -> None:
    def told(partitions: str, folder: str) -> Change:
        light = [logs.task(0, index=n, read=4 << 20, rows=100) for n in range(199)]
        heavy = logs.task(0, index=199, read=11 << 29, rows=100)
        ran = [logs.job(0, [0]), logs.stage(0, 200), *light, heavy, logs.job_end(0)]
        strains = judged(tmp_path / folder, *ran, sql__shuffle__partitions=partitions).strains
        return next(one for one in strains if one.cause == "large_partition").changes[0]

    assert told("200", "a").setting == ""
    even = [logs.task(0, index=n, read=6 << 30, rows=100) for n in range(3)]
    found = judged(tmp_path / "b", logs.job(0, [0]), logs.stage(0, 3), *even, sql__shuffle__partitions="3")
    assert found.strains[0].changes[0].value == "144"


def test_the_bound_of_a_skewed_partition_is_below_the_one_to_split(tmp_path: Path) -> None:
    light = [logs.task(0, index=n, rows=1000, read=int(13.2 * (1 << 20)), accumulators=[7]) for n in range(9)]
    heavy = logs.task(0, index=9, rows=90_000, read=67 << 20, why=HEAP)
    ended = [logs.stage(0, 10, done=True, error="x"), logs.job_end(0, "x")]
    found = judged(tmp_path, logs.job(0, [0]), logs.stage(0, 10), *light, heavy, *ended)
    told = change(found, "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes")
    assert 64 << 20 <= (size_of(told.value) or 0) < 67 << 20


def test_partitions_after_a_death_hold_what_the_settings_of_the_project_say(tmp_path: Path) -> None:
    ran = [logs.task(0, index=n, read=1 << 30, rows=1000) for n in range(8)]
    fails = logs.task(0, index=8, read=1 << 30, rows=1000, why=HEAP)
    begun = [*logs.start(sql__shuffle__partitions="9"), logs.job(0, [0]), logs.stage(0, 9)]
    log = logs.write(tmp_path, [*begun, *ran, fails, logs.job_end(0, "x")])
    first = diagnose(log, Thresholds(target_bytes=64 << 20)).causes[0].changes[0]
    assert (first.setting, first.value) == ("spark.sql.shuffle.partitions", "144")


def test_without_the_first_part_of_a_log_advice_is_in_factors(tmp_path: Path) -> None:
    log = tmp_path / "eventlog_v2_app-1"
    log.mkdir()
    (log / "events_2_app-1").write_bytes(logs.text([*failing(HEAP, "aborted"), logs.end()]))
    found = diagnose(log)
    assert (found.causes[0].changes[0].value, found.causes[0].changes[0].now) == ("4 times what it is now", "")
    told = text(found, {})
    assert "spark.executor.memory: 4 times what it is now: " in told
    assert "GiB" not in told
    assert "advice is in factors" in told


@pytest.mark.parametrize(("master", "value"), [("local[*]", "local[4]"), ("local[6]", "local[3]")])
def test_all_cores_of_a_machine_are_as_many_as_the_executor_says(master: str, value: str, tmp_path: Path) -> None:
    added = {"Event": "SparkListenerExecutorAdded", "Timestamp": logs.STARTED, "Executor ID": "driver"}
    cores = added | {"Executor Info": {"Host": "127.0.0.1", "Total Cores": 8}}
    found = judged(tmp_path, cores, *failing(HEAP, "aborted"), master=master)
    assert change(found, "spark.master").value == value


def test_an_idle_executor_given_back_is_not_lost(tmp_path: Path) -> None:
    found = judged(tmp_path, logs.removed("1", "Executor killed by driver because it was idle"), logs.task(0))
    assert found.facts.lost_executors == {}
    assert found.strains == ()


def test_the_pipeline_and_period_are_those_of_the_run_in_the_log(tmp_path: Path) -> None:
    found = judged(tmp_path, logs.job(0, [0]), logs.stage(0, 1), logs.task(0), logs.job_end(0), name="other")
    assert (found.pipeline, found.period, found.run) == ("profit_unit", "2026-10", logs.RUN)
    assert judged(tmp_path / "b", logs.task(0), name="other").pipeline == "other"


@pytest.mark.parametrize(
    ("written", "size"),
    [("512m", 512 << 20), ("9.1 MiB", 9_542_041), ("1g", 1 << 30), ("1024.0 KiB", 1 << 20), ("0", 0), ("much", None)],
)
def test_sizes_are_read_as_spark_writes_them(written: str, size: int | None) -> None:
    assert size_of(written) == size


@pytest.mark.parametrize(("size", "value"), [(1, "64m"), (513 << 20, "576m"), (1 << 31, "2g"), ((2 << 30) + 1, "3g")])
def test_memory_is_rounded_up_to_what_a_person_would_write(size: int, value: str) -> None:
    assert memory(size) == value
