"""Event logs as they lie about: single or rolling, compressed, torn, unfinished, damaged, and what is none."""

from __future__ import annotations

import json
import math
import random
import statistics
from pathlib import Path

import event_logs as logs
import pytest

from dq.base.errors import DqError, UsageError
from dq.diagnose import diagnose, document, text
from dq.diagnose.distribution import Distribution


@pytest.mark.parametrize("codec", logs.PACKED)
def test_a_log_is_read_in_every_codec_that_spark_writes(codec: str, tmp_path: Path) -> None:
    many = [logs.task(0, index=n) for n in range(500)]
    log = logs.write(tmp_path, [*logs.death()[:-1], *many, logs.end()], codec=codec)
    found = diagnose(log)
    assert [cause.cause for cause in found.causes] == ["executor_heap"]
    assert (found.facts.tasks, found.facts.damaged, found.facts.torn) == (501, 0, False)


def test_the_parts_of_a_rolling_log_are_read_in_order_of_their_numbers(tmp_path: Path) -> None:
    log = tmp_path / "eventlog_v2_app-1"
    log.mkdir()
    events = logs.death()
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
    (log / "events_2_app-1.compact").write_bytes(logs.text(logs.death()[:-1]))
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
    lines = logs.text(logs.death()).split(b"\n")
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
    logs.write(tmp_path, logs.death())
    with pytest.raises(UsageError, match="it holds 1 logs, the latest is eventlog_v2_app-1"):
        diagnose(tmp_path)


def test_a_log_of_another_spark_is_refused_with_both_versions(tmp_path: Path) -> None:
    log = logs.write(tmp_path, [*logs.start(version="3.4.1"), logs.end()])
    with pytest.raises(UsageError, match=r"was written by Spark 3\.4\.1.*expected a log of Spark 3\.5 to 4\.3"):
        diagnose(log)


@pytest.mark.parametrize("version", ["3.5.9", "4.0.5", "4.1.4", "4.2.1", "4.3.0.1", "4.3-SNAPSHOT", "3.5.1-amzn-0"])
def test_a_build_of_a_supported_spark_by_any_vendor_is_read(version: str, tmp_path: Path) -> None:
    assert diagnose(logs.write(tmp_path, [*logs.start(version=version), logs.end()])).facts.spark_version == version


@pytest.mark.parametrize("version", ["4.30.0", "3.4.4", "5.0.0", "14.3.0", ""])
def test_a_version_is_compared_by_its_first_two_numbers(version: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"was written by Spark|names no version of Spark"):
        diagnose(logs.write(tmp_path, [*logs.start(version=version), logs.end()]))


@pytest.mark.parametrize("codec", [codec for codec in logs.PACKED if codec])
def test_a_compressed_log_is_known_by_its_first_bytes(codec: str, tmp_path: Path) -> None:
    (tmp_path / "app-1").write_bytes(logs.PACKED[codec](logs.text(logs.death())))
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
    for number, events in enumerate((logs.death(), [*logs.death()[:-3], logs.task(0, why=disk), *logs.death()[-2:]])):
        lines = [logs.line(event) for event in events]
        path = tmp_path / f"app-{number}"
        path.write_text("\n".join([*lines[:4], DAMAGE[name], *lines[4:]]) + "\n", encoding="utf-8")
        found = diagnose(path)
        assert found.causes
        json.dumps(document(found, {}))
        assert text(found, {})


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
    log = logs.write(
        tmp_path, [*logs.death()[:-1], {"Event": "SparkListenerOther", "plan": "x" * 3_000_000}, logs.end()]
    )
    found = diagnose(log)
    assert (found.facts.lines, found.facts.damaged) == (len(logs.death()) + 1, 0)
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
