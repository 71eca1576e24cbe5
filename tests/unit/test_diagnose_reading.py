"""Event logs as they lie about: single or rolling, compressed, torn, unfinished, damaged, and what is none."""

from __future__ import annotations

import json
import math
import random
import statistics
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import event_logs as logs
import pytest

from dq.base.errors import DqError, UsageError
from dq.diagnose import diagnose, document, text
from dq.diagnose.distribution import Distribution

FAILED = "Job aborted: java.lang.OutOfMemoryError: Java heap space"


def death() -> list[logs.Event]:
    """An application whose only task ran out of heap."""
    why = logs.raised("java.lang.OutOfMemoryError", "Java heap space")
    ran = [logs.job(0, [0]), logs.stage(0, 1), logs.task(0, why=why), logs.job_end(0, FAILED)]
    return [*logs.start(), *ran, logs.end()]


@pytest.mark.parametrize("codec", logs.PACKED)
def test_a_log_is_read_in_every_codec_that_spark_writes(codec: str, tmp_path: Path) -> None:
    many = [logs.task(0, index=n) for n in range(500)]
    log = logs.write(tmp_path, [*death()[:-1], *many, logs.end()], codec=codec)
    found = diagnose(log)
    assert [cause.cause for cause in found.causes] == ["executor_heap"]
    assert (found.facts.tasks, found.facts.damaged, found.facts.torn) == (501, 0, False)


@pytest.mark.parametrize("codec", logs.PACKED)
def test_a_log_cut_anywhere_is_judged_as_far_as_it_goes(codec: str, tmp_path: Path) -> None:
    source = random.Random(5)  # noqa: S311 - not a secret
    noise = [logs.task(0, index=source.randrange(1 << 30), seconds=source.random() * 9) for _ in range(2000)]
    whole = logs.PACKED[codec](logs.text([*death()[:-1], *noise, logs.end()]))
    for share in (0.4, 0.8, 0.99):
        path = tmp_path / f"app-1.{codec}" if codec else tmp_path / "app-1"
        path.write_bytes(whole[: int(len(whole) * share)])
        found = diagnose(path)
        assert found.facts.ended is None
        assert found.facts.damaged == 0
        assert [cause.cause for cause in found.causes] == ["executor_heap"]
        assert "the log has no end" in found.ending
        assert abs(found.facts.tasks / 2001 - share) < 0.15


@pytest.mark.parametrize("codec", logs.PACKED)
def test_a_byte_that_was_changed_never_ends_in_a_traceback(codec: str, tmp_path: Path) -> None:
    whole = logs.PACKED[codec](logs.text(death()))
    path = tmp_path / (f"app-1.{codec}" if codec else "app-1")
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with suppress(DqError):
            diagnose(path)


def test_the_parts_of_a_rolling_log_are_read_in_order_of_their_numbers(tmp_path: Path) -> None:
    log = tmp_path / "eventlog_v2_app-1"
    log.mkdir()
    events = death()
    for number, event in enumerate(events, start=1):
        (log / f"events_{number}_app-1").write_bytes(logs.text([event]))
    (log / "appstatus_app-1").touch()
    found = diagnose(log)
    assert found.facts.lines == len(events)
    assert found.ending == "it ended; 1 of its jobs failed"

    (log / "events_2_app-1").unlink()
    assert "parts of the log are missing: 2" in diagnose(log).notes[0]


def test_a_compacted_part_stands_for_all_before_it(tmp_path: Path) -> None:
    log = tmp_path / "eventlog_v2_app-1"
    log.mkdir()
    for number in (1, 2):
        (log / f"events_{number}_app-1").write_bytes(logs.text([*logs.start(), logs.task(0), logs.task(0)]))
    (log / "events_2_app-1.compact").write_bytes(logs.text(death()[:-1]))
    (log / "events_3_app-1").write_bytes(logs.text([logs.end()]))
    found = diagnose(log)
    assert found.facts.tasks == 1
    assert found.notes == ()


def test_a_log_still_in_progress_says_so(tmp_path: Path) -> None:
    log = logs.write(tmp_path, [*logs.start(), logs.job(0, [0]), logs.stage(0, 2), logs.task(0)], in_progress=True)
    found = diagnose(log)
    assert found.ending == "the log has no end: it is still running, or its driver was killed"
    assert not found.died


def test_damaged_lines_are_counted_and_left_out(tmp_path: Path) -> None:
    lines = logs.text(death()).split(b"\n")
    lines[4:4] = [b'{"Event":"SparkListenerTaskEnd","Stage ID":', b"\x00\xff not json", b"{}"]
    path = tmp_path / "app-1"
    path.write_bytes(b"\n".join(lines))
    found = diagnose(path)
    assert found.facts.damaged == 3
    assert found.notes == ("3 of 11 lines are damaged and were left out",)
    assert [cause.cause for cause in found.causes] == ["executor_heap"]


def test_what_is_no_log_is_refused_with_what_would_be_one(tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    (tmp_path / "text").write_text("hello\n", encoding="utf-8")
    (tmp_path / "json").write_text('{"a": 1}\n', encoding="utf-8")
    for name, said in (
        ("none", "is not an event log; "),
        ("text", "is not an event log of Spark"),
        ("json", "is not an event log of Spark"),
        ("gone", "there is no event log"),
    ):
        with pytest.raises(UsageError, match=said) as refused:
            diagnose(tmp_path / name)
        assert "expected" in str(refused.value)


def test_a_folder_of_logs_names_the_latest(tmp_path: Path) -> None:
    logs.write(tmp_path, death())
    with pytest.raises(UsageError, match="it holds 1 logs, the latest is eventlog_v2_app-1"):
        diagnose(tmp_path)


def test_a_log_of_another_spark_is_refused_with_both_versions(tmp_path: Path) -> None:
    log = logs.write(tmp_path, [*logs.start(version="3.5.1"), logs.end()])
    with pytest.raises(UsageError, match=r"was written by Spark 3\.5\.1.*expected a log of Spark 4\.3"):
        diagnose(log)


@pytest.mark.parametrize("version", ["4.3.0.1", "4.3.0-SNAPSHOT", "4.3", "4.3.1-amzn-0"])
def test_a_build_of_the_same_spark_by_another_vendor_is_read(version: str, tmp_path: Path) -> None:
    assert diagnose(logs.write(tmp_path, [*logs.start(version=version), logs.end()])).facts.spark_version == version


@pytest.mark.parametrize("version", ["4.30.0", "4.2.1", "14.3.0", ""])
def test_a_version_is_compared_by_its_first_two_numbers(version: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"was written by Spark|names no version of Spark"):
        diagnose(logs.write(tmp_path, [*logs.start(version=version), logs.end()]))


@pytest.mark.parametrize("codec", [codec for codec in logs.PACKED if codec])
def test_a_compressed_log_is_known_by_its_first_bytes(codec: str, tmp_path: Path) -> None:
    (tmp_path / "app-1").write_bytes(logs.PACKED[codec](logs.text(death())))
    assert [cause.cause for cause in diagnose(tmp_path / "app-1").causes] == ["executor_heap"]


DAMAGE = {
    "no number": logs.line(logs.task(0)).replace('"Stage ID":0', '"Stage ID":Infinity'),
    "nested": '{"Event":"SparkListenerJobStart","Job ID":' + "[" * 100_000,
    "no instant": '{"Event":"SparkListenerApplicationEnd","Timestamp":' + "9" * 30 + "}",
    "huge": logs.line(logs.task(0)).replace('"Executor Run Time":1000', '"Executor Run Time":' + "9" * 400),
    "many tasks": logs.line(logs.stage(9, 10**18)),
    "a word": logs.line(logs.start(sql__shuffle__partitions="auto", executor__cores="²")[1]),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_one_line_never_ends_a_diagnosis(name: str, tmp_path: Path) -> None:
    disk = logs.raised("java.io.IOException", "No space left on device")
    for number, events in enumerate((death(), [*death()[:-3], logs.task(0, why=disk), *death()[-2:]])):
        lines = [logs.line(event) for event in events]
        path = tmp_path / f"app-{number}"
        path.write_text("\n".join([*lines[:4], DAMAGE[name], *lines[4:]]) + "\n", encoding="utf-8")
        found = diagnose(path)
        assert found.causes
        json.dumps(document(found, {}))
        assert text(found, {})


VALUES = (
    None,
    "",
    -1,
    1.5,
    "abc",
    [],
    {},
    True,
    10**30,
    10**400,
    math.inf,
    math.nan,
    -(10**18),
    "auto",
    "9" * 30,
    [[]],
)


def places(value: object, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands in a document, from the outside in."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:5]) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*place, key)
        yield from places(one, (*place, key))


@pytest.mark.parametrize("seed", range(8))
def test_a_value_of_any_kind_anywhere_never_ends_a_diagnosis(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = random.Random(seed)  # noqa: S311 - not a secret
    texts = ["Command exited with code 52", "No space left on device", "exit code 137", "Metaspace OutOfMemoryError"]
    for number in range(60):
        whys = [logs.raised("java.lang.OutOfMemoryError", "Java heap space"), logs.lost("1", source.choice(texts))]
        ran = [logs.task(0, index=n, rows=n * 999, read=n << 27, why=source.choice([None, *whys])) for n in range(9)]
        begun = [logs.plan(3, (7, "hashpartitioning(account_id#12, 200)")), logs.job(0, [0], execution=3)]
        ended = [logs.stage(0, 9, done=True, error="x"), logs.job_end(0, FAILED), logs.query_end(3, "x"), logs.end()]
        started = logs.start(sql__shuffle__partitions="9", executor__cores="4")
        events = json.loads(json.dumps([*started, *begun, logs.stage(0, 9), *ran, logs.removed("1", "x"), *ended]))
        for _ in range(source.choice((1, 1, 2, 4))):
            event = source.choice(events[1:])
            *outer, last = source.choice([place for place in places(event) if place != ("Event",)])
            for key in outer:
                event = event[key]
            event[last] = source.choice(VALUES)
        path = tmp_path / f"app-{number}"
        path.write_bytes(logs.text(events))
        found = diagnose(path)
        assert text(found, {})
        json.dumps(document(found, {}))


@pytest.mark.parametrize("codec", ["", "zstd"])
def test_an_empty_log_is_no_success(codec: str, tmp_path: Path) -> None:
    path = tmp_path / (f"app-1.{codec}" if codec else "app-1")
    path.touch()
    with pytest.raises(DqError, match="holds no complete line") as refused:
        diagnose(path)
    assert refused.value.exit_code == 3


def test_a_line_over_many_pieces_is_read_whole_and_one_without_end_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = logs.write(tmp_path, [*death()[:-1], {"Event": "SparkListenerOther", "plan": "x" * 3_000_000}, logs.end()])
    found = diagnose(log)
    assert (found.facts.lines, found.facts.damaged) == (len(death()) + 1, 0)
    monkeypatch.setattr("dq.diagnose.log_lines.LONGEST_LINE", 1 << 20)
    with pytest.raises(UsageError, match="has a line of over 1 MiB"):
        diagnose(log)


def test_lzf_is_refused_with_the_setting_that_helps(tmp_path: Path) -> None:
    (tmp_path / "app-1.lzf").write_bytes(b"ZV")
    with pytest.raises(DqError, match=r"lzf cannot be read here.*set spark\.eventLog\.compression\.codec to zstd"):
        diagnose(tmp_path / "app-1.lzf")


@pytest.mark.parametrize("seed", range(20))
def test_a_distribution_is_exact_but_for_two_percent_of_the_median(seed: int) -> None:
    source = random.Random(seed)  # noqa: S311 - not a secret
    values = [source.choice([0.0, source.lognormvariate(3, 2), 7.0]) for _ in range(source.randrange(1, 400))]
    spread = Distribution()
    for value in values:
        spread.add(value)
    assert (spread.count, spread.largest) == (len(values), max(values))
    assert spread.total == pytest.approx(sum(values))
    assert spread.median == pytest.approx(statistics.median_low(values), rel=0.02)
    before = spread.median
    spread.settle()
    spread.add(1e9)
    assert (spread.median, spread.largest) == (before, 1e9)
    assert math.isfinite(spread.factor) or before == 0


@pytest.mark.parametrize("width", [200, 2])
def test_reading_takes_no_more_memory_for_ten_times_the_tasks(width: int, tmp_path: Path) -> None:
    """In wide stages, and in the narrow ones of many small queries."""
    import tracemalloc

    peaks = []
    for tasks in (2_400, 24_000):
        path = tmp_path / f"app-{tasks}"
        with path.open("wb") as file:
            file.write(logs.text(logs.start()))
            for number in range(tasks // width):
                planned = logs.plan(number, (5, "hashpartitioning(account_id#12, 200)"))
                begun = [planned, logs.job(number, [number], execution=number), logs.stage(number, width)]
                ran = [logs.task(number, index=n, seconds=1 + n, accumulators=range(9)) for n in range(width)]
                ended = [logs.stage(number, width, done=True), logs.job_end(number), logs.query_end(number)]
                file.write(logs.text([*begun, *ran, *ended]))
        tracemalloc.start()
        diagnose(path)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] * 1.5


def test_of_thousands_of_stages_the_worst_are_kept_and_all_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "app-1"
    with path.open("wb") as file:
        file.write(logs.text(logs.start()))
        for number in range(3_000):
            ran = [logs.task(number, spilled=64 << 20 if number == 7 else 0), logs.task(number, index=1, gc=0.5)]
            ended = [logs.stage(number, 2, done=True), logs.job_end(number)]
            file.write(logs.text([logs.job(number, [number]), logs.stage(number, 2), *ran, *ended]))
        file.write(logs.text([logs.end()]))
    found = diagnose(path)
    assert len(found.facts.stages) < 1_100
    assert "6,000 tasks in 3,000 stages" in text(found, {})
    assert (found.facts.run_seconds, found.facts.gc_seconds) == (6_000, 1_500)
    assert [one.cause for one in found.strains] == ["spill", "garbage_collection"]
    assert found.strains[0].evidence[0].startswith("stage 7.0: 64.0 MiB on disk")
