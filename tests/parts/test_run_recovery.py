"""What a run that died after its commit left: the next one to write records it and opens its incidents, once."""

from __future__ import annotations

import json
from argparse import Namespace
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from notify_support import ROOT
from run_records import open_checks, published, result
from store_support import INFO, NOW, SCHEMA, quick_disk, write_staged

from dq.base import serialize
from dq.base.model import Outcome, RunRecord, Severity, Verdict
from dq.cli import main
from dq.cli.which_warehouse import load_project
from dq.run import recovery, run_records
from dq.run.guarded import GuardedRun
from dq.run.phases import Options
from dq.store import Warehouse
from dq.store.sealed import encode

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")

WARNING = result("amounts_are_usual", Outcome.FAILED, severity=Severity.WARNING, dataset="profit_unit")


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path)


def died_after_its_commit(
    warehouse: Warehouse, started: datetime | None = None, period: str = "2026-10", **audit: object
) -> RunRecord:
    """Publish as a run does that is killed before it keeps its record; returns what it would have kept."""
    began = started or datetime.now(UTC)
    run = run_records.new_id("profit_unit", period, began)
    record = published(run=run, pipeline="profit_unit", results=(WARNING,), started=began, version=None)
    table = warehouse.table("profit_unit")
    write_staged(table, run, {period: [1]})
    held = audit or recovery.sealed(record)
    sealed = table.seal(run, schema_json=SCHEMA, fingerprint=f"key-{run}", audit={"verdict": "publish", **held})
    entry = table.entry(period)
    expected = {period: entry.version if entry else None}
    commit = table.commit(sealed, periods={period: INFO}, expected=expected, now=NOW)
    return serialize.from_dict({**serialize.to_dict(record), "version": commit.version})


def test_the_record_is_kept_and_its_failing_warning_becomes_an_incident_once(warehouse: Warehouse) -> None:
    would_have_kept = died_after_its_commit(warehouse)
    assert (run_records.find(warehouse, would_have_kept.run), open_checks(warehouse)) == (None, [])
    assert recovery.catch_up(warehouse, ["profit_unit"]) == [would_have_kept]
    assert run_records.find(warehouse, would_have_kept.run) == would_have_kept
    assert would_have_kept.version == 1
    assert open_checks(warehouse) == ["amounts_are_usual"]
    assert recovery.catch_up(warehouse, ["profit_unit"]) == []


@pytest.mark.parametrize(
    "words",
    [
        ["gc"],
        ["deliver"],
        ["waive", "--end", "nothing", "--reason", "r"],
        ["status"],
        ["deliver", "--dry-run"],
        ["close", "--month", "2026-10", "--no-send"],
    ],
)
def test_any_command_that_writes_or_tells_of_incidents_records_it(
    warehouse: Warehouse, tmp_path: Path, words: list[str]
) -> None:
    died = died_after_its_commit(warehouse)
    main([*words, "--warehouse", str(tmp_path)])
    assert run_records.find(warehouse, died.run) == died
    assert open_checks(warehouse) == ["amounts_are_usual"]


def test_a_run_that_died_between_its_record_and_its_incidents_is_told_too(warehouse: Warehouse) -> None:
    died = died_after_its_commit(warehouse)
    run_records.save(warehouse, died)
    recovery.catch_up(warehouse, ["profit_unit"])
    assert open_checks(warehouse) == ["amounts_are_usual"]


def test_a_run_that_held_itself_for_an_unknown_outcome_is_put_right_when_it_was_published(warehouse: Warehouse) -> None:
    died = died_after_its_commit(warehouse)
    unknown = serialize.from_dict(
        {**serialize.to_dict(died), "verdict": Verdict.HOLD_NOT_EVALUATED.value, "version": None, "results": []}
    )
    run_records.save(warehouse, unknown)
    assert recovery.catch_up(warehouse, ["profit_unit"]) == [died]
    assert run_records.find(warehouse, died.run) == died


def test_what_was_observed_long_ago_and_removed_is_not_told_again(warehouse: Warehouse) -> None:
    died = died_after_its_commit(warehouse, datetime.now(UTC) - timedelta(days=100))
    run_records.save(warehouse, died)
    recovery.catch_up(warehouse, ["profit_unit"])
    assert open_checks(warehouse) == []


def test_a_run_of_an_earlier_release_has_nothing_to_record(warehouse: Warehouse) -> None:
    died = died_after_its_commit(warehouse, configuration="abc")
    assert recovery.catch_up(warehouse, ["profit_unit"]) == []
    assert run_records.find(warehouse, died.run) is None


def test_a_damaged_log_and_a_record_of_a_later_release_stop_nobody(
    warehouse: Warehouse, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    later = serialize.to_dict(published(run="x", pipeline="profit_unit")) | {"schema": 99}
    died_after_its_commit(warehouse, record=later)
    assert recovery.catch_up(warehouse, ["profit_unit"]) == []
    assert "schema 99 is not known" in caplog.text
    (tmp_path / "profit_unit" / "_delta_log" / f"{1:020d}.json").write_bytes(encode(json.loads('{"a": 1}')))
    assert recovery.catch_up(warehouse, ["profit_unit"]) == []
    assert "version 1, the newest, is damaged" in caplog.text


@pytest.mark.parametrize("kept", [False, True], ids=["its seal", "its record"])
def test_one_run_that_cannot_be_read_keeps_nobody_from_the_others(
    warehouse: Warehouse, caplog: pytest.LogCaptureFixture, kept: bool
) -> None:
    later = serialize.to_dict(published(run="x", pipeline="profit_unit")) | {"schema": 99}
    unread = died_after_its_commit(warehouse, period="2026-09", record=later)
    if kept:
        warehouse.records.put(run_records.KIND, unread.run, later)
    died = died_after_its_commit(warehouse)
    assert recovery.catch_up(warehouse, ["profit_unit"]) == [died]
    assert f"what {unread.run} left undone could not be looked for: " in caplog.text


def test_the_record_a_run_keeps_meanwhile_is_not_replaced_by_its_seal(
    warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    alive = died_after_its_commit(warehouse)
    fuller = replace(alive, docs="runs/its-page.html")
    seal = recovery._from_seal

    def just_before(*given: Any) -> RunRecord | None:
        run_records.save(warehouse, fuller)
        return seal(*given)

    monkeypatch.setattr(recovery, "_from_seal", just_before)
    assert recovery.catch_up(warehouse, ["profit_unit"]) == []
    assert run_records.find(warehouse, alive.run) == fuller


def test_a_run_catches_up_with_what_it_is_built_on(warehouse: Warehouse) -> None:
    died = died_after_its_commit(warehouse)
    project = load_project(Namespace(warehouse=warehouse.root, sources=None), ROOT)
    options = Options(period="2026-10", as_of=datetime.now(UTC), warehouse=warehouse.root, docs=None)
    GuardedRun(project, project.pipeline("investor_profit"), options).prepare()
    assert run_records.find(warehouse, died.run) == died
