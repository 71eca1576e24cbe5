"""Applications that die for real of one cause each, diagnosed from their logs; then what was recommended is applied.

Each runs in a child process with a small heap. Twelve that pass are diagnosed, too: nothing may be named in them.
"""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from deaths import DEATHS, HEALTHY
from dying import NAMED, diagnosed, dies, run

from dq.diagnose import diagnose

pytestmark = [pytest.mark.deaths, pytest.mark.e2e]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 16 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m", "tmpfs", str(place)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("a small disk can only be mounted by root")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_every_death_is_expected_to_be_named() -> None:
    assert sorted(NAMED) == sorted(DEATHS)


def dies_and_is_cured(name: str, tmp_path: Path, local: Path) -> None:
    cause, applied = NAMED[name]
    found = dies(name, tmp_path, local)
    assert (found.pipeline, found.period) == ("profit_unit", "2026-10")
    if cause is None:
        assert found.causes == ()
        assert "the log has no end" in found.ending
        return
    assert found.causes, found
    assert found.causes[0].cause == cause
    if name == "skewed_key":
        assert "account_id" in found.causes[0].title
    assert applied
    changes = {one: next(c for c in found.causes[0].changes if (c.setting or c.why).startswith(one)) for one in applied}
    (tmp_path / "large").mkdir()
    for count, change in enumerate(changes.values()):
        folder = tmp_path / f"cured{count}"
        if change.setting:
            value = str(tmp_path / "large") if change.setting == "spark.local.dir" else change.value
            cured = run(name, folder, tmp_path / "large", f"{change.setting}={value}")
        else:
            number = re.search(r"\d+", change.why)
            cured = run(name, folder, tmp_path / "large", advised=int(number[0]) if number else 0)
        assert cured.returncode == 0, cured.stderr[-3000:]
        assert not diagnosed(folder).died


@pytest.mark.parametrize("name", [name for name in DEATHS if name != "disk_full"])
def test_a_death_is_named_and_the_recommended_setting_cures_it(name: str, tmp_path: Path) -> None:
    dies_and_is_cured(name, tmp_path, tmp_path / "local")


def test_a_full_disk_is_named_and_a_larger_one_cures_it(tmp_path: Path, small_disk: Path) -> None:
    dies_and_is_cured("disk_full", tmp_path, small_disk)


def test_in_healthy_applications_nothing_is_named(tmp_path: Path) -> None:
    """Twelve small applications that pass, one after another in one JVM; with the logging of a cluster."""
    done = run("healthy", tmp_path / "logs", tmp_path / "local", logging="json")
    assert done.returncode == 0, done.stderr[-3000:]
    logs: Sequence[Path] = sorted((tmp_path / "logs").glob("eventlog_v2_*"))
    assert len(logs) == len(HEALTHY) >= 12
    for log in logs:
        found = diagnose(log)
        assert (found.causes, found.unrecognised, found.strains) == ((), (), ()), log
        assert found.ending == "it ended, and no job failed"
        assert found.facts.damaged == 0
    warned = [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]
    mine = [line for line in warned if line["msg"] == "of a test"]
    assert [set(line) for line in mine] == [{"ts", "level", "msg", "exception", "logger"}]
    assert mine[0]["exception"] == "java.lang.IllegalStateException"
    assert "4711" not in done.stderr
