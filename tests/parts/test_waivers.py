"""Waivers as they are kept, replaced, ended and listed; none of it needs a JVM."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import run_records

from dq import store
from dq.base.errors import UsageError
from dq.base.verdict import Ending, Waiver
from dq.cli import main
from dq.run import record
from dq.show.card import waiver_line
from dq.store import waivers

NOW = datetime(2026, 11, 4, 5, tzinfo=UTC)
PERIOD = "2026-10"
LEDGER = "profit_ties_out_to_ledger"


def waiver(**changes: object) -> Waiver:
    fields: dict[str, object] = {
        "pipeline": "profit_unit",
        "check": LEDGER,
        "period": PERIOD,
        "ceiling": Decimal("500.00"),
        "owner": "Danny",
        "reason": "invoice booked twice",
        "until": date(2999, 12, 31),
        "recorded": NOW,
        "signed_off_by": "Olga Berg",
        "signed_off_at": NOW,
    }
    return Waiver(**(fields | changes))  # type: ignore[arg-type]


def found(warehouse: store.Warehouse) -> list[Waiver]:
    return waivers.of_period(warehouse, "profit_unit", PERIOD)


ENDING = Ending(by="Anna", at=NOW + timedelta(days=1), reason="corrected by Finance")


def test_a_waiver_comes_back_as_it_was_recorded_and_ended(warehouse: store.Warehouse) -> None:
    kept = waivers.record(warehouse, waiver())
    assert found(warehouse) == [kept]
    assert replace(kept, id="") == waiver()
    assert waivers.end(warehouse, kept.id, ENDING) == replace(kept, ended=ENDING)
    assert found(warehouse) == [replace(kept, ended=ENDING)]


def test_a_later_waiver_replaces_the_earlier_and_both_stay_in_the_record(warehouse: store.Warehouse) -> None:
    later = waivers.record(warehouse, waiver(recorded=NOW + timedelta(hours=1), ceiling=Decimal(10)))
    first = waivers.record(warehouse, waiver())
    other = waivers.record(warehouse, waiver(check="a_total"))
    assert found(warehouse) == [other, later]
    every = waivers.everything(warehouse)
    assert {one.id for one in every} == {first.id, later.id, other.id}
    assert waivers.state(first, every, NOW) == f"replaced by {later.id}"
    assert waivers.state(later, every, NOW) == "in force"


def test_ending_the_later_one_does_not_bring_the_earlier_back(warehouse: store.Warehouse) -> None:
    waivers.record(warehouse, waiver())
    later = waivers.record(warehouse, waiver(recorded=NOW + timedelta(hours=1)))
    waivers.end(warehouse, later.id, ENDING)
    assert [(one.id, one.ended) for one in found(warehouse)] == [(later.id, ENDING)]


def test_only_a_waiver_in_force_is_ended(warehouse: store.Warehouse) -> None:
    first = waivers.record(warehouse, waiver())
    later = waivers.record(warehouse, waiver(recorded=NOW + timedelta(hours=1)))
    for name, said in (
        ("nothing", "there is no waiver"),
        ("profit_unit", "2 waivers begin with"),
        (first.id, "replaced by"),
    ):
        with pytest.raises(UsageError, match=said):
            waivers.end(warehouse, name, ENDING)
    waivers.end(warehouse, later.id[:-3], ENDING)
    with pytest.raises(UsageError, match="ended on 2026-11-05 by Anna"):
        waivers.end(warehouse, later.id, ENDING)


def test_every_field_of_a_waiver_is_in_the_run_key_and_an_ended_one_is_as_none(warehouse: store.Warehouse) -> None:
    keys = {
        waivers.fingerprint([one])
        for one in (
            waiver(),
            waiver(ceiling=Decimal("500.01")),
            waiver(signed_off_by="Paul Roe"),
            waiver(signed_off_at=NOW + timedelta(days=1)),
            waiver(signed_off_by="", signed_off_at=None),
            waiver(until=date(2999, 12, 30)),
        )
    }
    assert len(keys) == 6
    assert waivers.fingerprint([waiver(ended=ENDING)]) == waivers.fingerprint([])


def test_a_waiver_recorded_before_there_were_sign_offs_is_still_read(warehouse: store.Warehouse) -> None:
    old = {
        "pipeline": "profit_unit",
        "check": LEDGER,
        "period": PERIOD,
        "ceiling": "500.00",
        "owner": "Danny",
        "reason": "r",
        "until": "2026-12-31",
        "recorded": "2026-11-04T05:00:00+00:00",
    }
    warehouse.records.put("waivers", f"profit_unit-2026-10-{LEDGER}", old)
    (read,) = found(warehouse)
    assert (read.id, read.signed_off_by, read.signed_off_at) == (f"profit_unit-2026-10-{LEDGER}", "", None)


# As a person types it


def call(capsys: pytest.CaptureFixture[str], warehouse: store.Warehouse, *words: str) -> tuple[int, str]:
    capsys.readouterr()
    code = main(["waive", *words, "--warehouse", str(warehouse.root)])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def line(check: str = LEDGER, *more: str) -> list[str]:
    words = ["profit_unit", "--check", check, "--period", PERIOD, "--ceiling", "500", "--owner", "Danny"]
    return [*words, "--reason", "booked twice", "--until", "2999-12-31", *more]


SIGNED = ("--signed-off-by", "Olga Berg", "--signed-off-at", "2026-01-04T10:00:00Z")


def test_a_difference_with_the_books_is_not_waived_without_the_accountant(
    capsys: pytest.CaptureFixture[str], warehouse: store.Warehouse
) -> None:
    code, said = call(capsys, warehouse, *line())
    assert (code, "is of class F11: only an accountant" in said) == (2, True), said
    assert waivers.everything(warehouse) == []
    code, said = call(capsys, warehouse, *line(LEDGER, *SIGNED))
    assert (code, "signed off by Olga Berg on 2026-01-04" in said) == (0, True), said
    assert call(capsys, warehouse, *line("revenue.key.unique"))[0] == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (SIGNED[:2], "belong together"),
        ((*SIGNED[:3], "2999-01-01"), "is in the future"),
        ((*SIGNED[:3], "soon"), "--signed-off-at: 'soon' is not an instant"),
        (("--signed-off-by", " ", *SIGNED[2:]), "--signed-off-by is empty"),
        (("--check", "profit_ties_out_to_ledgr", *SIGNED), "did you mean profit_ties_out_to_ledger?"),
        (("--check", "zzz", *SIGNED), "dq explain profit_unit lists its checks"),
    ],
)
def test_a_sign_off_says_who_and_when_and_a_wrong_name_the_near_ones(
    capsys: pytest.CaptureFixture[str], warehouse: store.Warehouse, more: tuple[str, ...], said: str
) -> None:
    code, told = call(capsys, warehouse, *line(LEDGER, *more))
    assert (code, said in told) == (2, True), told
    assert len(told) < 400


def test_waivers_are_listed_and_ended_by_the_id_that_is_shown(
    capsys: pytest.CaptureFixture[str], warehouse: store.Warehouse
) -> None:
    assert call(capsys, warehouse, "--list") == (0, "no waivers\n")
    call(capsys, warehouse, *line(LEDGER, *SIGNED))
    code, replaced = call(capsys, warehouse, *line(LEDGER, *SIGNED, "--ceiling", "400"))
    assert (code, "it replaces profit_unit-2026-10-" in replaced) == (0, True), replaced
    _, listed = call(capsys, warehouse, "--list")
    rows = listed.splitlines()
    assert [row.split("  ")[1].split()[0] for row in rows[::2]] == ["in", "replaced"]
    identity = rows[0].split()[0]
    assert call(capsys, warehouse, "--end", identity)[0] == 2
    code, said = call(capsys, warehouse, "--end", identity, "--reason", "corrected", "--by", "Anna")
    assert (code, said.startswith(f"ended {identity}")) == (0, True)
    assert "by Anna: corrected" in call(capsys, warehouse, "--list", "profit_unit")[1]
    assert call(capsys, warehouse, "--list", "investor_profit")[1] == "no waivers\n"


def test_what_is_built_on_waived_figures_says_so_once_however_far_down() -> None:
    applied = run_records.waiver_note(effect="lets the check pass", applied=True)
    idle = run_records.waiver_note(waiver="other", check="revenue_is_fresh")
    units = run_records.record(waivers=[applied, idle])
    (note,) = record.inherited([("profit_unit", units)])
    assert (note.check, note.applied) == ("profit_unit: profit_ties_out_to_ledger", False)
    assert waiver_line(note).startswith(f"{note.check}: what this is built on was published under it; up to 500.00")
    investors = run_records.record(waivers=[note])
    assert record.inherited([("investor_profit", investors), ("profit_unit", units)]) == [note]
    assert record.inherited([("investor_profit", run_records.record(waivers=[idle]))]) == []
