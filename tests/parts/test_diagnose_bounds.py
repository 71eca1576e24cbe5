"""What diagnosing keeps of event logs that grow: no more memory, and of thousands of stages the worst."""

from __future__ import annotations

from pathlib import Path

import event_logs as logs
import pytest

from dq.diagnose import diagnose, text


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
