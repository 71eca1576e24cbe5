"""Publishing: staged, sealed, committed in one step; the same run key once; never over another run's figures."""

from __future__ import annotations

import json
import logging
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from store_support import (
    INFO,
    NOW,
    SCHEMA,
    FaultFilesystem,
    commit,
    faulty,
    publish,
    quick_disk,
    read,
    read_view,
    seal,
    write_staged,
)

from dq.base.errors import CommitUnknownError, ConflictError, StoreError
from dq.base.model import InputRef, Kind, Verdict
from dq.store import PeriodInfo, Table, Warehouse

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Warehouse(tmp_path / "w").table("investor_profit")


def test_a_published_run_is_read_as_it_was_staged_and_nothing_is_left_in_staging(table: Table, tmp_path: Path) -> None:
    done = publish(table, "r1", {"2026-10": [1, None, 3]})
    assert (done.version, done.parent, list(done.changed), done.run) == (1, None, ["2026-10"], "r1")
    assert read(table) == {"2026-10": [1, None, 3]}
    assert read_view(table, tmp_path / "w") == read(table)
    assert list((tmp_path / "w" / "investor_profit" / "_staging").iterdir()) == []


def test_nothing_staged_or_sealed_is_seen_before_the_commit(table: Table) -> None:
    manifest = seal(table, "r1", {"2026-10": [1]})
    assert table.current() is None
    assert table.entry("2026-10") is None
    assert commit(table, manifest).version == 1


def test_an_entry_keeps_everything_the_run_said_of_the_period(table: Table) -> None:
    source = InputRef(name="revenue", origin="files", fingerprint="f1", version=None, files=2, bytes=10)
    info = PeriodInfo(
        kind=Kind.PRELIMINARY,
        data_through=NOW.date(),
        verdict=Verdict.PUBLISH_PARTIAL,
        as_of=NOW,
        totals={"revenue": Decimal("1204311.20")},
        measures={"rows": {"metric": "12", "unexpected_count": 0}},
        inputs=[source],
        partial=["expenses"],
    )
    manifest = seal(table, "r1", {"2026-10": [1, 2]})
    table.commit(manifest, periods={"2026-10": info}, expected={"2026-10": None}, note="demo", now=NOW)
    entry = table.entry("2026-10")
    assert entry is not None
    assert (entry.kind, entry.verdict, entry.as_of, entry.data_through) == (info.kind, info.verdict, NOW, NOW.date())
    assert entry.totals == {"revenue": "1204311.20"}
    assert (list(entry.inputs), list(entry.partial), entry.rows) == ([source], ["expenses"], 2)
    assert (entry.run, entry.version, entry.fingerprint, entry.seal) == ("r1", 1, "key-r1", manifest.digest)
    assert entry.schema_json == SCHEMA
    assert table.commit_at(1).note == "demo"
    assert table.commit_at(1).committed == NOW


def test_a_second_period_leaves_the_first_as_it_is(table: Table) -> None:
    publish(table, "r1", {"2026-10": [1]})
    publish(table, "r2", {"2026-11": [2]})
    assert read(table) == {"2026-10": [1], "2026-11": [2]}
    assert read(table, version=1) == {"2026-10": [1]}
    assert [one.version for one in table.log()] == [1, 2]
    first = table.entry("2026-10")
    assert first is not None
    assert first.version == 1


def test_many_days_are_published_by_one_commit(table: Table) -> None:
    days = {f"2026-10-{day:02d}": [day] for day in range(1, 32)}
    assert publish(table, "r1", days).version == 1
    assert read(table) == days
    assert [one.period for one in table.select("2026-10")] == sorted(days)
    assert [one.period for one in table.select("2026-10-05")] == ["2026-10-05"]
    assert len(table.files(["2026-10-05", "2026-10-06"])) == 2


def test_a_period_without_rows_is_an_entry_without_files(table: Table) -> None:
    manifest = seal(table, "r1", {})
    done = table.commit(manifest, periods={"2026-10": INFO}, expected={"2026-10": None}, now=NOW)
    assert read(table) == {"2026-10": []}
    assert done.entries["2026-10"].rows == 0
    empty = seal(table, "r2", {"2026-11": []})
    commit(table, empty)
    assert read(table) == {"2026-10": [], "2026-11": []}


def test_the_same_run_key_again_is_the_same_version_and_writes_nothing(table: Table, tmp_path: Path) -> None:
    publish(table, "r1", {"2026-10": [1]}, fingerprint="k")
    publish(table, "r2", {"2026-11": [2]})
    before = {path: path.read_bytes() for path in (tmp_path / "w" / "investor_profit" / "_delta_log").iterdir()}
    again = publish(table, "r3", {"2026-10": [1]}, fingerprint="k")
    assert again.version == 1
    assert {path: path.read_bytes() for path in (tmp_path / "w" / "investor_profit" / "_delta_log").iterdir()} == before


def test_find_knows_a_run_key_only_while_all_it_published_is_current(table: Table) -> None:
    assert table.find("k") is None
    publish(table, "r1", {"2026-10-01": [1], "2026-10-02": [2]}, fingerprint="k")
    found = table.find("k")
    assert found is not None
    assert found.version == 1
    publish(table, "r2", {"2026-10-02": [3]}, fingerprint="other")
    assert table.find("k") is None
    assert table.find("k", ["2026-10-01"]) is not None
    assert table.find("k", ["2026-10-01", "2026-10-02"]) is None


def test_a_run_that_compared_with_an_older_version_is_refused(table: Table) -> None:
    publish(table, "r1", {"2026-10": [1]})
    stale = seal(table, "r2", {"2026-10": [2]})
    publish(table, "r3", {"2026-10": [3]})
    with pytest.raises(ConflictError, match="2026-10 is version 2, compared with version 1"):
        commit(table, stale, expected={"2026-10": 1})
    assert read(table) == {"2026-10": [3]}
    with pytest.raises(ConflictError, match="2026-10 is version 2, compared with not published"):
        commit(table, stale, expected={"2026-10": None})


def test_a_run_that_meets_another_period_in_between_is_committed_on_top(tmp_path: Path) -> None:
    warehouse, filesystem = faulty(tmp_path, "")
    mine, other = warehouse.table("t"), Warehouse(tmp_path).table("t")
    filesystem.hooks[("put_if_absent", "_delta_log")] = lambda: publish(other, "r2", {"2026-11": [2]}) and None
    done = publish(mine, "r1", {"2026-10": [1]})
    assert (done.version, done.parent) == (2, 1)
    assert read(mine) == {"2026-10": [1], "2026-11": [2]}


def test_a_run_that_meets_the_same_period_in_between_loses(tmp_path: Path) -> None:
    warehouse, filesystem = faulty(tmp_path, "")
    mine, other = warehouse.table("t"), Warehouse(tmp_path).table("t")
    filesystem.hooks[("put_if_absent", "_delta_log")] = lambda: publish(other, "r2", {"2026-10": [2]}) and None
    with pytest.raises(ConflictError, match="another run was first"):
        publish(mine, "r1", {"2026-10": [1]})
    assert read(mine) == {"2026-10": [2]}
    assert [one.version for one in mine.log()] == [1]


def test_a_run_that_meets_its_own_key_in_between_is_a_no_op(tmp_path: Path) -> None:
    warehouse, filesystem = faulty(tmp_path, "")
    mine, other = warehouse.table("t"), Warehouse(tmp_path).table("t")
    filesystem.hooks[("put_if_absent", "_delta_log")] = lambda: publish(other, "r2", {"2026-10": [1]}, "k") and None
    done = publish(mine, "r1", {"2026-10": [1]}, "k")
    assert (done.version, done.run) == (1, "r2")
    assert len(mine.log()) == 1


@pytest.mark.parametrize("number", [0, 1])
def test_a_lost_answer_is_found_in_the_log_and_is_a_success(
    tmp_path: Path, number: int, caplog: pytest.LogCaptureFixture
) -> None:
    warehouse, _ = faulty(tmp_path, "lost_answer", only=f"{number:020d}.json")
    with caplog.at_level(logging.WARNING, "dq.store"):
        done = publish(warehouse.table("t"), "r1", {"2026-10": [1]})
    assert done.version == 1
    assert "landed although" in caplog.text
    assert read(Warehouse(tmp_path).table("t")) == {"2026-10": [1]}


@pytest.mark.parametrize("number", [0, 1])
def test_an_unknown_outcome_says_so_and_removes_nothing(tmp_path: Path, number: int) -> None:
    warehouse, _ = faulty(tmp_path, "persistent", only=f"{number:020d}.json")
    with pytest.raises(CommitUnknownError, match="run again"):
        publish(warehouse.table("t"), "r1", {"2026-10": [1]})
    table = Warehouse(tmp_path).table("t")
    later = NOW + timedelta(days=3650)
    assert [one.path for one in table.gc(later, timedelta(days=1)) if "data" in one.path] == []
    manifest = table.sealed("r1")
    assert manifest is not None
    assert commit(table, manifest).version == 1, "the same run can be committed once storage is well"
    assert read(table) == {"2026-10": [1]}


def test_an_unknown_outcome_that_landed_makes_the_next_run_a_no_op(tmp_path: Path) -> None:
    class Blind(FaultFilesystem):
        broken = False

        def put_if_absent(self, key: str, content: bytes) -> bool:
            if not key.endswith("1.json"):
                return super().put_if_absent(key, content)
            self.broken = True
            super().put_if_absent(key, content)
            raise StoreError("the answer was lost")

        def read(self, key: str, *, last: int | None = None) -> bytes | None:
            if self.broken and "_delta_log/" in key:
                raise StoreError(f"cannot read {key}: input/output error")
            return super().read(key, last=last)

    with pytest.raises(CommitUnknownError):
        publish(Warehouse(tmp_path, filesystem=Blind(tmp_path)).table("t"), "r1", {"2026-10": [1]}, "k")
    table = Warehouse(tmp_path).table("t")
    assert publish(table, "r2", {"2026-10": [1]}, "k").run == "r1"
    assert len(table.log()) == 1


@pytest.mark.parametrize("number", [0, 1])
def test_a_full_disk_at_the_commit_is_certainly_not_published(tmp_path: Path, number: int) -> None:
    warehouse, _ = faulty(tmp_path, "full", only=f"{number:020d}.json")
    with pytest.raises(StoreError, match="no space left") as caught:
        publish(warehouse.table("t"), "r1", {"2026-10": [1]})
    assert not isinstance(caught.value, CommitUnknownError)
    table = Warehouse(tmp_path).table("t")
    assert table.current() is None
    assert publish(table, "r2", {"2026-10": [1]}).version == 1


def test_only_what_was_sealed_can_be_committed(table: Table) -> None:
    write_staged(table, "r1", {"2026-10": [1]})
    unsealed = table.inventory("r1", schema_json=SCHEMA, fingerprint="k")
    with pytest.raises(StoreError, match="not sealed"):
        commit(table, unsealed)
    sealed = table.seal("r1", schema_json=SCHEMA, fingerprint="k", audit={"verdict": "publish"})
    with pytest.raises(StoreError, match="not sealed with this manifest"):
        commit(table, replace(sealed, audit={"verdict": "hold"}))
    assert table.current() is None
    assert commit(table, sealed).version == 1


def test_a_seal_is_read_back_as_it_was_written(table: Table) -> None:
    manifest = seal(table, "r1", {"2026-10": [1, 2], "2026-11": [3]})
    assert table.sealed("r1") == manifest
    assert (list(manifest.periods), manifest.rows, manifest.rows_of("2026-10")) == (["2026-10", "2026-11"], 3, 2)
    assert all(Path(path).is_file() for path in manifest.absolute_paths)
    assert table.sealed("r2") is None


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"periods": {}, "expected": {}}, "without periods"),
        ({"periods": {"2026-10": replace(INFO, verdict=Verdict.HOLD)}}, "was not cleared"),
        ({"periods": {"2026-10": replace(INFO, verdict=Verdict.HOLD_NOT_EVALUATED)}}, "was not cleared"),
        ({"periods": {"2026-11": INFO}, "expected": {"2026-11": None}}, "staged but not declared: 2026-10"),
        ({"expected": {}}, "compared with are not given"),
        ({"periods": {"2026-10": INFO, "../x": INFO}}, "not a period id"),
    ],
)
def test_a_commit_that_does_not_say_enough_is_refused(
    table: Table, change: dict[str, dict[str, PeriodInfo]], reason: str
) -> None:
    manifest = seal(table, "r1", {"2026-10": [1]})
    arguments = {"periods": {"2026-10": INFO}, "expected": {"2026-10": None}, **change}
    with pytest.raises(StoreError, match=reason):
        table.commit(manifest, now=NOW, **arguments)  # type: ignore[arg-type]
    assert table.current() is None


def test_a_run_sealed_without_its_key_cannot_be_committed_until_it_is_sealed_with_it(table: Table) -> None:
    write_staged(table, "r1", {"2026-10": [1]})
    before = table.inventory("r1", schema_json=SCHEMA, fingerprint="")
    manifest = table.seal("r1", schema_json=SCHEMA, fingerprint="", audit={})
    with pytest.raises(StoreError, match="without run key"):
        commit(table, manifest)
    sealed = table.seal("r1", schema_json=SCHEMA, fingerprint="k", audit={"verdict": "publish"}, audited=before)
    assert commit(table, sealed).entries["2026-10"].fingerprint == "k"


def test_an_instant_without_zone_or_a_total_that_is_not_finite_is_refused_before_anything_is_written(
    table: Table,
) -> None:
    manifest = seal(table, "r1", {"2026-10": [1]})
    for info, now in (
        (INFO, datetime(2026, 11, 3)),
        (replace(INFO, totals={"revenue": Decimal("NaN")}), NOW),
        (replace(INFO, as_of=datetime(2026, 11, 3)), NOW),
    ):
        with pytest.raises(StoreError, match="cannot be stored"):
            table.commit(manifest, periods={"2026-10": info}, expected={"2026-10": None}, now=now)
    assert table.current() is None


def test_an_instant_of_another_zone_is_recorded_in_utc(table: Table) -> None:
    manifest = seal(table, "r1", {"2026-10": [1]})
    local = NOW.astimezone(timezone(timedelta(hours=14)))
    table.commit(manifest, periods={"2026-10": INFO}, expected={"2026-10": None}, now=local)
    assert table.commit_at(1).committed == NOW
    assert table.commit_at(1).committed.tzinfo == UTC


def test_history_has_the_metric_of_earlier_published_periods_of_the_same_grain(table: Table) -> None:
    """A month's run publishes its days: each entry carries what the run measured, under the run's period."""
    measures: dict[str, dict[str, object]] = {
        "2026-07-01": {"2026-07:rows": "100", "2026-07-01:rows": 3},
        "2026-07-02": {"2026-07:rows": "100"},
        "2026-08-01": {"2026-08:rows": 110, "2026-08:mean": "NaN"},
        "2026-09-01": {"2026-09:rows": None},
        "2026-10-01": {"2026-10:rows": Decimal("130.5")},
    }
    for n, (period, values) in enumerate(measures.items()):
        manifest = seal(table, f"r{n}", {period: [n]})
        info = replace(INFO, measures=values)
        table.commit(manifest, periods={period: info}, expected={period: None}, now=NOW)
    everything = [("2026-07", Decimal(100)), ("2026-08", Decimal(110)), ("2026-10", Decimal("130.5"))]
    assert table.history("rows", "2026-11") == everything
    assert table.history("rows", "2026-10") == everything[:2]
    assert table.history("mean", "2026-11") == []
    assert table.history("rows", "2026-11-05") == [("2026-07-01", Decimal(3))]


def test_what_was_published_as_of_a_later_instant_is_no_history_of_an_earlier_one(table: Table) -> None:
    """September was restated in December: October as of November has less to read."""
    as_of = {"2026-08": NOW - timedelta(days=60), "2026-09": NOW + timedelta(days=30), "2026-10": None}
    for n, (period, instant) in enumerate(as_of.items()):
        manifest = seal(table, f"r{n}", {period: [n]})
        info = replace(INFO, measures={f"{period}:rows": n}, as_of=instant)
        table.commit(manifest, periods={period: info}, expected={period: None}, now=NOW)
    assert [period for period, _ in table.history("rows", "2026-11")] == [*as_of]
    assert [period for period, _ in table.history("rows", "2026-11", NOW)] == ["2026-08", "2026-10"]
    assert [period for period, _ in table.history("rows", "2026-11", NOW + timedelta(days=30))] == [*as_of]


def test_what_was_known_at_an_instant_is_the_newest_version_as_of_then_that_was_not_taken_back(table: Table) -> None:
    """One month published as of three days in a row; the one of the second day is withdrawn, and with it the third."""
    days = [NOW + timedelta(days=n) for n in range(3)]
    for n, instant in enumerate(days):
        manifest = seal(table, f"r{n}", {"2026-10": [n]})
        info = replace(INFO, measures={"2026-10:rows": n}, as_of=instant)
        table.commit(manifest, periods={"2026-10": info}, expected={"2026-10": n or None}, now=NOW)

    def known(instant: datetime) -> list[str]:
        return [entry.run for entry in table.known(instant).values()]

    assert [known(instant) for instant in (NOW - timedelta(hours=1), *days)] == [[], ["r0"], ["r1"], ["r2"]]
    assert table.known(days[2], ["2026-09"]) == {}
    assert table.history("rows", "2026-11", days[1]) == [("2026-10", Decimal(1))]
    for _ in range(2):
        table.withdraw("2026-10", by="Anna", reason="wrong", now=NOW)
    assert [known(instant) for instant in days] == [["r0"]] * 3


def test_what_is_not_published_is_said_with_what_is(table: Table) -> None:
    with pytest.raises(StoreError, match="nothing is published"):
        table.select()
    publish(table, "r1", {"2026-10": [1]})
    with pytest.raises(StoreError, match=r"2026-12 is not published at version 1; expected .*2026-10"):
        table.select("2026-12")
    with pytest.raises(StoreError, match="version 7 cannot be read; expected one of the last: 1"):
        table.commit_at(7)
    assert table.entry("2026-12") is None


def test_a_run_id_is_staged_once(table: Table) -> None:
    publish(table, "r1", {"2026-10": [1]})
    with pytest.raises(StoreError, match="has staged before"):
        table.staging("r1")
    write_staged(table, "r2", {"2026-10": [1]})
    with pytest.raises(StoreError, match="has staged before"):
        table.staging("r2")
    assert Path(table.staged("r2")).is_dir()
    assert Path(table.staged("r1")).parent.name == "data"


def test_the_view_shows_the_newest_version_after_a_slower_writer_renewed_it_late(tmp_path: Path) -> None:
    warehouse, filesystem = faulty(tmp_path, "")
    mine, other = warehouse.table("t"), Warehouse(tmp_path).table("t")
    filesystem.hooks[("link", "t/current")] = lambda: publish(other, "r2", {"2026-10": [2]}) and None
    publish(mine, "r1", {"2026-10": [1]})
    assert read_view(mine, tmp_path) == {"2026-10": [2]}


def test_a_view_that_cannot_be_made_does_not_change_the_outcome_and_the_next_run_makes_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    warehouse, _ = faulty(tmp_path, "persistent", only="_views")
    with caplog.at_level(logging.WARNING, "dq.store"):
        assert publish(warehouse.table("t"), "r1", {"2026-10": [1]}, "k").version == 1
    assert "could not be brought up to date" in caplog.text
    table = Warehouse(tmp_path).table("t")
    assert read_view(table, tmp_path) == {}
    publish(table, "r2", {"2026-10": [1]}, "k")
    assert read_view(table, tmp_path) == {"2026-10": [1]}


def test_a_commit_is_lines_of_strict_json_with_its_checksum_first(table: Table, tmp_path: Path) -> None:
    publish(table, "r1", {"2026-10": [1]})
    text = (tmp_path / "w" / "investor_profit" / "_delta_log" / f"{1:020d}.json").read_text()
    first, add = (json.loads(line) for line in text.splitlines())
    document = first["commitInfo"]["dq"]
    assert next(iter(document)) == "sha256"
    assert document["periods"]["2026-10"]["files"][0]["rows"] == 1
    assert add["add"]["path"] == "data/r1/period=2026-10/part-00000-a1b2.snappy.parquet"
    assert add["add"]["partitionValues"] == {"period": "2026-10"}
    assert json.loads(add["add"]["stats"]) == {"numRecords": 1}
