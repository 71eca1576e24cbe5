"""A pipeline that waits for a held one: one cause, one message to each, and both on the list of what is open."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from notify_support import World, at, contacts_of, errored, failed, house, ran, seen
from run_records import result
from store_support import quick_disk

from dq.base.model import RunRecord, Severity
from dq.store import Warehouse
from dq.tell import incidents, overview
from dq.tell.message import State
from dq.tell.waiting import AGAIN
from dq.tell.words import lines

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")

COMPLETES = "investor_profit.run.completes"
# Tuesday 10 November, 10:00 in the company's zone: Danny is on call and engineer of profit_unit, watched by Finance and
# Business Analytics; Anna is engineer of investor_profit, watched by Data Engineering.
HELD, WAITS = "2026-11-10 15:00", "2026-11-10 15:30"
DANNY, ANNA, DE = "danny-pager", "anna-pager", "data-engineering-channel"


def held(when: str = HELD, *results: Any) -> RunRecord:
    return ran(when, *(results or (failed("ties_out", dataset="profit_unit"),)), pipeline="profit_unit")


def waits(when: str = WAITS, upstream: RunRecord | None = None, pipeline: str = "investor_profit") -> RunRecord:
    cause = held() if upstream is None else upstream
    return replace(ran(when, errored(f"{pipeline}.run.completes"), pipeline=pipeline), upstream=cause)


def test_who_heard_of_the_cause_hears_no_more_and_the_others_that_theirs_waits() -> None:
    world = World(house(), runs=[held(), waits()])
    first = contacts_of(world.tick(at(HELD)))
    assert DANNY in first
    second = contacts_of(world.tick(at(WAITS)))
    assert second == [ANNA, DE]
    assert not {*first} & {*second}, "nobody hears of one cause twice"


def test_both_found_at_once_are_one_message_that_names_what_waits() -> None:
    world = World(house(routes=[{"to": ["on_call"]}]), runs=[held(WAITS), waits()])
    (message,) = world.tick(at(WAITS))
    assert [alert.check for alert in message.alerts] == ["ties_out"]
    assert "  holds    investor_profit 2026-11" in lines(message)


def test_the_root_is_what_a_chain_waits_for() -> None:
    chain = waits(pipeline="executive_report", upstream=waits())
    (failure,) = incidents.observed(chain).failures
    assert failure.waits_for == "profit_unit/2026-11"
    assert incidents.observed(held()).failures[0].waits_for == ""


def test_what_waited_is_told_on_its_own_when_it_was_not_run_again_in_time() -> None:
    mended = held("2026-11-10 16:00", result("ties_out"))
    world = World(house(routes=[{"to": ["on_call"]}]), runs=[held(), waits(), mended])
    for when in (HELD, WAITS):
        world.tick(at(when))
    assert [one.state for one in world.tick(at("2026-11-10 16:00"))] == [State.RESOLVED]
    assert world.tick(at("2026-11-10 16:00") + AGAIN) == []
    (late,) = world.tick(at("2026-11-10 16:00") + AGAIN + timedelta(minutes=1))
    assert (late.state, late.alerts[0].check, late.contact) == (State.FIRING, COMPLETES, DANNY)


def test_what_was_published_under_a_waiver_holds_nothing_back_any_more() -> None:
    waived = held("2026-11-10 16:00", failed("ties_out", dataset="profit_unit", waived_by="Danny until 2026-11-30"))
    runs = [held(), waits(), waived]
    world = World(
        house(routes=[{"to": ["on_call"]}]), runs=runs, waived=[("ties_out", "2026-11-10 15:50", "2999-01-01 00:00")]
    )
    for when in (HELD, WAITS, "2026-11-10 16:00"):
        world.tick(at(when))
    assert world.tick(at("2026-11-10 16:00") + AGAIN) == []
    (late,) = world.tick(at("2026-11-10 16:00") + AGAIN + timedelta(minutes=1))
    assert late.alerts[0].check == COMPLETES


def test_what_is_run_again_in_time_is_never_told() -> None:
    mended = held("2026-11-10 16:00", result("ties_out"))
    world = World(
        house(routes=[{"to": ["on_call"]}]), runs=[held(), waits(), mended, ran("2026-11-10 16:20", result(COMPLETES))]
    )
    lines_ = world.walk(HELD, "2026-11-12 15:00", timedelta(minutes=10))
    assert lines_
    assert not [line for line in lines_ if "investor_profit" in line]


def test_a_pipeline_that_could_not_be_evaluated_by_itself_is_told_beside_the_other() -> None:
    world = World(house(routes=[{"to": ["on_call"]}]), runs=[held(WAITS), ran(WAITS, errored(COMPLETES))])
    assert {one.pipeline for one in world.tick(at(WAITS))} == {"profit_unit", "investor_profit"}


def test_a_warning_of_the_other_pipeline_holds_nothing_back() -> None:
    warned = held(WAITS, failed("trend", Severity.WARNING, dataset="profit_unit"))
    world = World(house(routes=[{"to": ["on_call"]}]), runs=[warned, waits(upstream=warned)])
    assert {one.pipeline for one in world.tick(at(WAITS))} == {"profit_unit", "investor_profit"}


def test_status_says_what_waits_for_what_and_when_it_is_to_be_run_again(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    for run in (held(), waits()):
        incidents.note(warehouse, run)

    def told(when: str) -> str:
        return "\n".join(overview.text(overview.lines(seen(warehouse, when), house()), house(), at(when)))

    assert "  holds     investor_profit 2026-11\n" in told(WAITS)
    assert "  waits for profit_unit 2026-11: ties_out\n" in told(WAITS)
    incidents.note(warehouse, held("2026-11-10 16:00", result("ties_out")))
    assert "  waits for nothing any more, profit_unit 2026-11 passes: run it again\n" in told("2026-11-10 17:00")
    (line,) = overview.lines(seen(warehouse, "2026-11-10 17:00"), house())
    assert overview.document(line)["waits_for"] == []
