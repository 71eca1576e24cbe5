"""Withdrawing as a person types it: twice by mistake, further back on purpose, and the mark on what is shown."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from run_records import published
from store_support import publish, quick_disk

from dq.cli import main
from dq.run import run_records
from dq.store import Table, Warehouse

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")
RUN = "profit_unit-2026-10-20261104t050000000000z-00000{}"


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """October published twice, both runs on record."""
    made = Warehouse(tmp_path / "w")
    for number in (1, 2):
        run = RUN.format(number)
        publish(made.table("profit_unit"), run, {"2026-10": [number]})
        run_records.save(made, replace(published(), run=run, run_key=f"key-{run}", version=number))
    return made


def call(capsys: pytest.CaptureFixture[str], warehouse: Warehouse, *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main([*words, "--warehouse", str(warehouse.root)])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def withdraw(capsys: pytest.CaptureFixture[str], warehouse: Warehouse, *more: str) -> tuple[int, str]:
    line = ["withdraw", "profit_unit", "--period", "2026-10", "--reason", "wrong target", "--by", "Anna", *more]
    return call(capsys, warehouse, *line)


def seen(warehouse: Warehouse) -> int | None:
    table: Table = warehouse.table("profit_unit")
    entry = table.entry("2026-10")
    return entry.version if entry else None


def test_withdrawing_twice_by_mistake_leaves_the_good_version_where_it_is(
    capsys: pytest.CaptureFixture[str], warehouse: Warehouse
) -> None:
    assert withdraw(capsys, warehouse)[0] == 0
    code, said = withdraw(capsys, warehouse)
    assert (code, seen(warehouse)) == (2, 1)
    assert "profit_unit 2026-10 was withdrawn by Anna: wrong target" in said
    assert "readers see version 1 since; to take that back as well give --version 1" in said
    assert withdraw(capsys, warehouse, "--version", "2")[0] == 2
    assert (withdraw(capsys, warehouse, "--version", "1")[0], seen(warehouse)) == (0, None)
    code, said = withdraw(capsys, warehouse)
    assert (code, "already; nothing is published for it" in said) == (2, True), said


def test_withdrawing_what_never_was_published_is_a_usage_mistake(
    capsys: pytest.CaptureFixture[str], warehouse: Warehouse
) -> None:
    code, said = call(
        capsys, warehouse, "withdraw", "investor_profit", "--period", "2026-10", "--reason", "r", "--by", "Anna"
    )
    assert (code, "investor_profit 2026-10 is not published" in said) == (2, True), said


def test_a_withdrawn_run_is_marked_in_the_list_and_above_its_card(
    capsys: pytest.CaptureFixture[str], warehouse: Warehouse
) -> None:
    assert withdraw(capsys, warehouse)[0] == 0
    rows = {row.split()[0]: row for row in call(capsys, warehouse, "show")[1].splitlines()}
    assert rows[RUN.format(2)].endswith("publish (final), withdrawn")
    assert rows[RUN.format(1)].endswith("publish (final)")
    code, said = call(capsys, warehouse, "show", RUN.format(2))
    assert code == 0
    assert said.startswith("WITHDRAWN  profit_unit 2026-10 was withdrawn by Anna at ")
    assert ": wrong target" in said.splitlines()[0]
    assert not call(capsys, warehouse, "show", RUN.format(1))[1].startswith("WITHDRAWN")
