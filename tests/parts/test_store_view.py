"""The ``current`` link: equal to the log again after any death, few views behind it, and none of them ever in part."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from store_support import NOW, CrashError, faulty, publish, quick_disk, read, read_view

from dq.cli import main
from dq.store import Table, Warehouse
from dq.store.view import KEPT

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")

FIRST, SECOND = {"2026-10": [1]}, {"2026-10": [2]}


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Warehouse(tmp_path).table("profit_unit")


def withdraw(table: Table) -> None:
    table.withdraw("2026-10", by="Laura", reason="ledger was open", now=NOW)


def die_before_the_link(tmp_path: Path, act: Callable[[Table], object]) -> None:
    warehouse, _ = faulty(tmp_path, "crash_before", only="profit_unit/current")
    with pytest.raises(CrashError):
        act(warehouse.table("profit_unit"))


@pytest.mark.parametrize(
    "words",
    [
        ("gc",),
        ("withdraw", "profit_unit", "--period", "2026-10", "--reason", "again by mistake"),
        ("waive", "--end", "nothing", "--reason", "r"),
        ("deliver",),
    ],
    ids=lambda words: words[0],
)
def test_a_withdrawal_that_died_before_the_link_is_served_no_longer_after_any_command_that_writes(
    table: Table, tmp_path: Path, words: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    publish(table, "r1", FIRST)
    publish(table, "r2", SECOND)
    die_before_the_link(tmp_path, withdraw)
    assert (read(table), read_view(table, tmp_path)) == (FIRST, SECOND), "the mistake there is to put right"
    main([*words, "--warehouse", str(tmp_path)])
    assert read_view(table, tmp_path) == FIRST == read(table)
    assert "Traceback" not in capsys.readouterr().err


def test_a_record_that_is_kept_brings_every_table_up_to_the_log(tmp_path: Path) -> None:
    for name in ("profit_unit", "growth_daily"):
        publish(Warehouse(tmp_path).table(name), "r1", FIRST)
    die_before_the_link(tmp_path, lambda table: publish(table, "r2", SECOND))
    Warehouse(tmp_path).records.put("runs", "of-another-table", {})
    assert read_view(Warehouse(tmp_path).table("profit_unit"), tmp_path) == SECOND


def test_looking_changes_nothing(table: Table, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    publish(table, "r1", FIRST)
    die_before_the_link(tmp_path, lambda one: publish(one, "r2", SECOND))
    before = sorted(str(path) for path in tmp_path.rglob("*"))
    assert main(["status", "--warehouse", str(tmp_path)]) == 0
    assert sorted(str(path) for path in tmp_path.rglob("*")) == before
    assert read_view(table, tmp_path) == FIRST


def test_a_year_of_daily_commits_leaves_a_few_views(table: Table, tmp_path: Path) -> None:
    """Each commit has one more period than the one before: with every view kept, links grow with the square."""
    days = 60
    for day in range(days):
        publish(table, f"r{day}", {f"2026-{day // 28 + 1:02}-{day % 28 + 1:02}": [day]})
        assert read_view(table, tmp_path) == read(table)
    links = [path for path in (tmp_path / "profit_unit").rglob("*") if path.is_symlink()]
    assert len(links) <= KEPT * days + 1
    assert {path.name for path in (tmp_path / "profit_unit" / "_views").iterdir()} == {
        str(version) for version in range(days - KEPT + 1, days + 1)
    }
    assert not list((tmp_path / "profit_unit" / "_trash").rglob("*.parquet"))
    assert len(read(table, version=1)) == 1, "old versions stay readable by number"


def test_views_that_an_earlier_release_left_go_at_the_next_write(table: Table, tmp_path: Path) -> None:
    publish(table, "r1", FIRST)
    views = tmp_path / "profit_unit" / "_views"
    for version in range(2, 40):
        publish(table, f"r{version}", {"2026-10": [version]})
    for version in range(1, 32):
        (views / str(version)).mkdir(exist_ok=True)
        (views / str(version) / "period=2026-10").symlink_to("../../data/r1/period=2026-10")
    Warehouse(tmp_path).prepare()
    assert len(list(views.iterdir())) == KEPT
    assert read_view(table, tmp_path) == {"2026-10": [39]}


def test_a_reader_of_a_superseded_view_reads_on(table: Table, tmp_path: Path) -> None:
    publish(table, "r1", FIRST)
    resolved = (tmp_path / "profit_unit" / "current").resolve()
    for n in range(2, KEPT + 1):
        publish(table, f"r{n}", {"2026-10": [n]})
    assert len(list(resolved.glob("period=*/*.parquet"))) == 1


@pytest.mark.parametrize("at", [1, 2, 3])
@pytest.mark.parametrize("fault", ["crash_before", "crash_after", "persistent"])
def test_a_view_is_removed_by_one_move_and_what_a_death_left_of_it_goes_with_the_garbage(
    table: Table, tmp_path: Path, fault: str, at: int
) -> None:
    for n in range(1, KEPT + 1):
        publish(table, f"r{n}", {"2026-09": [9], "2026-10": [n]})
    warehouse, _ = faulty(tmp_path, fault, at, only="_views/1")
    with suppress(CrashError):
        publish(warehouse.table("profit_unit"), "more", {"2026-10": [99]})
    view = tmp_path / "profit_unit" / "_views" / "1"
    assert not view.exists() or len(list(view.iterdir())) == 2, "all of it or none"
    Warehouse(tmp_path).gc(datetime.now(UTC), timedelta(days=1))
    assert not list((tmp_path / "profit_unit" / "_trash").rglob("period=*"))
    assert read_view(table, tmp_path) == read(table) == {"2026-09": [9], "2026-10": [99]}
