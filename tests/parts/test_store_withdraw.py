"""Withdrawing: the previous other figures are published again, with a name and a reason, and stay withdrawn."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from store_support import NOW, commit, faulty, publish, quick_disk, read, read_view, seal

from dq.base.errors import ConflictError, StoreError
from dq.store import Commit, Table, Warehouse

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Warehouse(tmp_path).table("t")


def withdraw(table: Table, period: str) -> Commit:
    return table.withdraw(period, by="Laura", reason="ledger was open", now=NOW)


def test_the_previous_other_figures_are_published_again(table: Table, tmp_path: Path) -> None:
    publish(table, "r1", {"2026-10": [1]})
    publish(table, "r2", {"2026-10": [2]})
    publish(table, "r3", {"2026-11": [3]})
    done = withdraw(table, "2026-10")
    assert (done.version, list(done.changed)) == (4, ["2026-10"])
    assert read(table) == {"2026-10": [1], "2026-11": [3]} == read_view(table, tmp_path)
    assert read(table, version=3) == {"2026-10": [2], "2026-11": [3]}, "what was published stays on record"
    withdrawal = table.withdrawal("key-r2")
    assert withdrawal is not None
    assert (withdrawal.by, withdrawal.reason, withdrawal.at, withdrawal.version) == ("Laura", "ledger was open", NOW, 4)
    assert table.withdrawal("key-r1") is None


def test_the_first_figures_of_a_period_are_removed(table: Table) -> None:
    publish(table, "r1", {"2026-10": [1]})
    assert withdraw(table, "2026-10").entries == {}
    assert table.entry("2026-10") is None
    with pytest.raises(StoreError, match="2026-10 is not published"):
        withdraw(table, "2026-10")


def test_withdrawing_again_goes_further_back_and_never_to_withdrawn_figures(table: Table) -> None:
    for n in (1, 2, 3):
        publish(table, f"r{n}", {"2026-10": [n]})
    withdraw(table, "2026-10")
    assert read(table) == {"2026-10": [2]}
    withdraw(table, "2026-10")
    assert read(table) == {"2026-10": [1]}
    publish(table, "r4", {"2026-10": [4]})
    withdraw(table, "2026-10")
    assert read(table) == {"2026-10": [1]}


def test_withdrawn_figures_are_not_published_again_by_the_same_run_key(table: Table) -> None:
    publish(table, "r1", {"2026-10": [1]}, "k")
    withdraw(table, "2026-10")
    assert table.find("k") is None
    with pytest.raises(ConflictError, match="withdrawn by Laura at version 2: ledger was open"):
        publish(table, "r2", {"2026-10": [1]}, "k")
    assert publish(table, "r3", {"2026-10": [1]}, "corrected").version == 3


def test_withdrawing_twice_by_mistake_is_refused_when_the_version_is_named(table: Table) -> None:
    publish(table, "r1", {"2026-10": [1]})
    publish(table, "r2", {"2026-10": [2]})
    meant = {"2026-10": 2}
    table.withdraw("2026-10", by="Laura", reason="wrong", now=NOW, expected=meant)
    with pytest.raises(ConflictError, match="2026-10 is version 1"):
        table.withdraw("2026-10", by="Laura", reason="wrong", now=NOW, expected=meant)
    assert read(table) == {"2026-10": [1]}


def test_a_month_withdraws_all_its_days_and_a_day_only_itself(table: Table) -> None:
    publish(table, "r1", {"2026-10-01": [1], "2026-10-02": [2], "2026-11-01": [3]}, "k")
    withdraw(table, "2026-10-02")
    assert read(table) == {"2026-10-01": [1], "2026-11-01": [3]}
    withdraw(table, "2026-10")
    assert read(table) == {"2026-11-01": [3]}
    withdrawal = table.withdrawal("k")
    assert withdrawal is not None
    assert list(withdrawal.periods) == ["2026-10-01", "2026-10-02"]


@pytest.mark.parametrize(("by", "reason"), [("", "x"), ("Laura", " ")])
def test_a_withdrawal_needs_a_name_and_a_reason(table: Table, by: str, reason: str) -> None:
    publish(table, "r1", {"2026-10": [1]})
    with pytest.raises(StoreError, match="a withdrawal needs"):
        table.withdraw("2026-10", by=by, reason=reason, now=NOW)
    assert read(table) == {"2026-10": [1]}


def test_a_withdrawal_that_meets_new_figures_in_between_is_refused(tmp_path: Path) -> None:
    warehouse, filesystem = faulty(tmp_path, "")
    mine, other = warehouse.table("t"), Warehouse(tmp_path).table("t")
    publish(mine, "r1", {"2026-10": [1]})
    filesystem.hooks[("put_if_absent", "_delta_log")] = lambda: publish(other, "r2", {"2026-10": [2]}) and None
    with pytest.raises(ConflictError, match="2026-10 changed"):
        withdraw(mine, "2026-10")
    assert read(mine) == {"2026-10": [2]}


def test_a_withdrawal_that_meets_another_period_in_between_keeps_it(tmp_path: Path) -> None:
    warehouse, filesystem = faulty(tmp_path, "")
    mine, other = warehouse.table("t"), Warehouse(tmp_path).table("t")
    publish(mine, "r1", {"2026-10": [1]})
    filesystem.hooks[("put_if_absent", "_delta_log")] = lambda: publish(other, "r2", {"2026-11": [2]}) and None
    withdraw(mine, "2026-10")
    assert read(mine) == {"2026-11": [2]}


def test_figures_that_are_no_longer_whole_are_not_published_again(table: Table) -> None:
    first = publish(table, "r1", {"2026-10": [1]})
    publish(table, "r2", {"2026-10": [2]})
    Path(table.paths(first.entries["2026-10"])[0]).write_bytes(b"PAR1")
    with pytest.raises(StoreError, match="part-00000"):
        withdraw(table, "2026-10")
    assert read(table) == {"2026-10": [2]}


def test_a_run_that_compared_with_withdrawn_figures_is_refused(table: Table) -> None:
    publish(table, "r1", {"2026-10": [1]})
    publish(table, "r2", {"2026-10": [2]})
    waiting = seal(table, "r3", {"2026-10": [3]})
    withdraw(table, "2026-10")
    with pytest.raises(ConflictError, match="2026-10 is version 1, compared with version 2"):
        commit(table, waiting, expected={"2026-10": 2})


def test_restored_figures_survive_garbage_collection(table: Table) -> None:
    publish(table, "r1", {"2026-10": [1]})
    publish(table, "r2", {"2026-10": [2]})
    withdraw(table, "2026-10")
    table.gc(NOW + timedelta(days=3650), timedelta(days=1))
    assert read(table) == {"2026-10": [1]}
    assert read(table, version=2) == {"2026-10": [2]}
