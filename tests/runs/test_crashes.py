"""A run that dies at a step around its commit: the next publishes it once, records it, and opens its incidents."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from run_records import open_checks
from runs_support import Bench

from dq import store
from dq.base.model import Outcome
from dq.run import run_records, staging

pytestmark = pytest.mark.run

PIPELINE, DAY, AS_OF = "profit_unit", "2026-10-05", "2026-10-06T02:00:00Z"
CHECK = "revenue_no_account_is_too_heavy"
# Where a process dies, and whether its figures are published by then.
STEPS = {
    "before the commit": ("dq.store.log.CommitLog.append", False),
    "before the link": ("dq.store.view.refresh", True),
    "before the record": ("dq.run.run_records.save", True),
    "before the incidents": ("dq.tell.incidents.note", True),
}
QUICK = ("before the link", "before the record")


class KilledError(BaseException):
    """The process is gone: nothing may catch this."""


@pytest.fixture
def warned(bench: Bench, project_copy: Callable[[], Path]) -> Bench:
    """A company of which every day is published with a failing warning."""
    bench.home = project_copy()
    suite = bench.home / "expectations" / "profit_unit" / "revenue.yml"
    before, entry, after = suite.read_text().partition(f"  - check: {CHECK}\n")
    for old, new in (("max_share: 0.25", "max_share: 0.0001"), ("    when: [preliminary, final]\n", "")):
        assert old in after.partition("  - check:")[0]
        after = after.replace(old, new, 1)
    suite.write_text(before + entry + after)
    return bench


def killed(*_: Any, **__: Any) -> None:
    raise KilledError


@pytest.mark.parametrize(
    "step", [step if step in QUICK else pytest.param(step, marks=pytest.mark.slow) for step in STEPS]
)
def test_a_run_that_is_killed_is_recorded_and_told_by_the_next(
    warned: Bench, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    where, landed = STEPS[step]
    with monkeypatch.context() as patch:
        patch.setattr(where, killed)
        with pytest.raises(KilledError):
            warned.run(PIPELINE, DAY, AS_OF)
    warehouse = store.Warehouse(warned.warehouse)
    table = warehouse.table(PIPELINE)
    assert (table.current() is not None) is landed
    assert open_checks(warehouse) == []
    again = warned.run(PIPELINE, DAY, AS_OF)
    assert (again.code, again.record.already_published) == (0, landed), again.out
    commit = table.current()
    assert commit is not None
    assert commit.version == 1
    evidence = run_records.get(warehouse, commit.run)
    assert (evidence.version, evidence.already_published) == (1, False)
    assert next(one for one in evidence.results if one.check == CHECK).outcome is Outcome.FAILED
    assert open_checks(warehouse) == [CHECK]
    assert (warned.warehouse / PIPELINE / "current").resolve().name == "1"


def test_a_run_that_is_terminated_after_its_commit_says_so_and_is_recorded(
    warned: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dq.store.view.refresh", lambda *_: os.kill(os.getpid(), signal.SIGTERM))
    ran = warned.run(PIPELINE, DAY, AS_OF)
    assert (ran.code, ran.record.version) == (143, 1)
    assert "dq: terminated; version 1 is published" in ran.err
    assert open_checks(store.Warehouse(warned.warehouse)) == [CHECK]


def test_an_error_after_the_commit_holds_nothing(warned: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr("dq.store.table.view.refresh", fails)
        ran = warned.run(PIPELINE, DAY, AS_OF)
    assert ran.code == 0, ran.out
    assert (ran.record.version, ran.record.verdict.published) == (1, True)


def test_the_loser_of_two_equal_runs_says_that_the_other_has_published(
    warned: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, winner = staging.commit, []

    def overtaken(*arguments: Any) -> store.Commit:
        monkeypatch.setattr(staging, "commit", commit)
        winner.append(warned.run(PIPELINE, DAY, AS_OF))
        return commit(*arguments)

    monkeypatch.setattr(staging, "commit", overtaken)
    loser = warned.run(PIPELINE, DAY, AS_OF)
    assert "ALREADY PUBLISHED" not in winner[0].out
    assert (loser.code, "ALREADY PUBLISHED" in loser.out, "nothing to do" in loser.out) == (0, True, True)
    table = store.Warehouse(warned.warehouse).table(PIPELINE)
    assert [one.run for one in table.log()] == [winner[0].record.run]
