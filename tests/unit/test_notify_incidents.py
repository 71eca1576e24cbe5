"""Incidents: opened by a failure, added to by repeats, resolved by passing, paused by a waiver; none is ever lost."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from notify_support import BROKEN, at, errored, failed, ran
from run_records import result
from store_support import quick_disk

from dq.base.errors import UsageError
from dq.base.model import Check, CheckResult, Outcome, RunRecord, Severity, Verdict
from dq.base.verdict import Ending, Waiver
from dq.engine.kept import nothing_kept
from dq.store import Warehouse, waivers
from dq.tell import incidents
from dq.tell.incidents import Incident

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")
PASSES = result(BROKEN)
NOT_RUN = result(BROKEN, Outcome.NOT_RUN)


def known(tmp_path: Path, *runs: RunRecord) -> dict[str, Incident]:
    """The incidents a new process finds after these runs, which ended in the reverse order of their beginning."""
    for run in reversed(runs):
        incidents.note(Warehouse(tmp_path), run)
    return incidents.everything(Warehouse(tmp_path))


def only(found: dict[str, Incident]) -> Incident:
    assert len(found) == 1
    return next(iter(found.values()))


def test_a_failed_check_opens_an_incident_and_repeats_add_to_it(tmp_path: Path) -> None:
    one = only(known(tmp_path, ran("2026-11-23 06:00", failed()), ran("2026-11-24 06:00", failed(observed="9 differ"))))
    assert one.key == f"investor_profit/{BROKEN}/2026-11"
    assert (one.since, one.last, one.times, one.open) == (at("2026-11-23 06:00"), at("2026-11-24 06:00"), 2, True)
    assert one.failure.found == "9 differ", "what the latest run found"


def test_passing_resolves_it_and_what_was_not_run_does_not(tmp_path: Path) -> None:
    runs = [ran("2026-11-23 06:00", failed()), ran("2026-11-24 06:00", NOT_RUN)]
    assert only(known(tmp_path, *runs)).open
    one = only(known(tmp_path, *runs, ran("2026-11-25 06:00", PASSES)))
    assert (one.open, one.resolved) == (False, at("2026-11-25 06:00"))


OTHER = result("another")
MAY_BE_EMPTY = Check(
    check=BROKEN, dataset="d", type="expect_column_values_to_not_be_null", kwargs={}, may_be_empty=True
)


@pytest.mark.parametrize(
    ("results", "why"),
    [
        ([], "the check is not there any more, and the figures are published without it"),
        ([failed(severity=Severity.INFO)], "the check is only to note now, and the figures are published"),
        (
            [result(BROKEN, Outcome.NOT_RUN, reason="targets is declared absent: none")],
            "the check was not run, and the figures are published without it: targets is declared absent: none",
        ),
        (
            [result(BROKEN, Outcome.NOT_RUN, reason=nothing_kept(MAY_BE_EMPTY)[1])],
            "the check was not run, and the figures are published without it: no row meets its condition, which is "
            "allowed",
        ),
    ],
    ids=["renamed or removed", "lowered", "declared absent", "no row to judge"],
)
def test_a_published_run_settles_what_it_does_not_judge_any_more(
    tmp_path: Path, results: list[CheckResult], why: str
) -> None:
    broken = ran("2026-11-23 06:00", failed())
    later = replace(ran("2026-11-24 06:00", OTHER, *results), verdict=Verdict.PUBLISH)
    for run in (broken, later):
        incidents.note(Warehouse(tmp_path), run)
    one = only(incidents.everything(Warehouse(tmp_path)))
    assert (one.open, one.resolved, one.settled) == (False, at("2026-11-24 06:00"), why)


COULD_NOT_LOOK = (
    "2026-09 cannot be looked at again: no files of revenue",
    "not enough history: 2 of 6 periods",
    "Spark counted no rows that were read",
    "investor_profit 2026-08 is not published as final, so there is nothing to compare with",
)


@pytest.mark.parametrize(
    "later",
    [
        replace(ran("2026-11-24 06:00", OTHER), verdict=Verdict.HOLD),
        replace(ran("2026-11-24 06:00", OTHER), rehearsal=True),
        replace(ran("2026-11-24 06:00", OTHER), as_of=at("2026-11-22 06:00")),
        ran("2026-11-24 06:00", OTHER, period="2026-10"),
        ran("2026-11-24 06:00", OTHER, pipeline="profit_unit"),
        replace(
            ran("2026-11-24 06:00", OTHER, result(BROKEN, Outcome.NOT_RUN, reason="pending, due on 1 Dec")),
            verdict=Verdict.PUBLISH,
        ),
        *(
            replace(
                ran("2026-11-24 06:00", OTHER, result(BROKEN, Outcome.NOT_RUN, reason=reason)), verdict=Verdict.PUBLISH
            )
            for reason in COULD_NOT_LOOK
        ),
    ],
    ids=["held", "rehearsed", "as of before", "another month", "another pipeline", "pending", *COULD_NOT_LOOK],
)
def test_no_other_run_settles_what_it_does_not_judge(tmp_path: Path, later: RunRecord) -> None:
    for run in (ran("2026-11-23 06:00", failed()), later):
        incidents.note(Warehouse(tmp_path), run)
    assert only(incidents.everything(Warehouse(tmp_path))).open


@pytest.mark.parametrize("check", ["investor_profit.figures.in_time", "investor_profit.report.delivered"])
def test_a_run_does_not_settle_what_is_judged_between_runs(tmp_path: Path, check: str) -> None:
    for run in (ran("2026-11-23 06:00", failed(check)), ran("2026-11-24 06:00", OTHER)):
        incidents.note(Warehouse(tmp_path), run)
    assert only(incidents.everything(Warehouse(tmp_path))).open


def test_what_a_person_ended_and_fails_again_is_open_again(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    incidents.note(warehouse, ran("2026-11-23 06:00", failed()))
    name = f"investor_profit/{BROKEN}/2026-11"
    incidents.end(warehouse, name, by="anna", reason="the feed is gone", now=at("2026-11-23 09:00"))
    one = only(incidents.everything(warehouse))
    assert (one.open, one.settled) == (False, "ended by anna: the feed is gone")
    with pytest.raises(UsageError, match="is over already"):
        incidents.end(warehouse, name, by="anna", reason="again", now=at("2026-11-23 10:00"))
    incidents.note(warehouse, ran("2026-11-23 12:00", failed()))
    one = only(incidents.everything(warehouse))
    assert (one.open, one.since, one.settled) == (True, at("2026-11-23 06:00"), "")


def test_warnings_open_one_and_infos_and_passes_do_not(tmp_path: Path) -> None:
    found = known(
        tmp_path,
        ran("2026-11-23 06:00", failed("a", Severity.WARNING), failed("b", Severity.INFO), result("c"), errored("d")),
    )
    assert {one.failure.check: one.failure.grade for one in found.values()} == {
        "a": Severity.WARNING,
        "d": Severity.CRITICAL,
    }


@pytest.mark.parametrize(("hours", "same"), [(24, True), (24.1, False)])
def test_what_fails_again_within_a_day_is_the_same_incident(tmp_path: Path, hours: float, same: bool) -> None:
    passed = ran("2026-11-23 07:00", PASSES)
    again = passed.as_of + timedelta(hours=hours)
    runs = [ran("2026-11-23 06:00", failed()), passed, ran(f"{again:%Y-%m-%d %H:%M:%S}", failed())]
    one = only(known(tmp_path, *runs))
    assert (one.open, one.since == at("2026-11-23 06:00")) == (True, same)


def test_a_month_that_passes_settles_its_days_and_a_day_does_not_settle_the_month(tmp_path: Path) -> None:
    day = ran("2026-11-06 06:00", failed(), period="2026-11-05")
    month = ran("2026-11-07 06:00", failed("other"), PASSES)
    found = known(tmp_path, day, month, ran("2026-11-08 06:00", result("other"), period="2026-11-05"))
    assert {(one.period, one.failure.check): one.open for one in found.values()} == {
        ("2026-11-05", BROKEN): False,
        ("2026-11", "other"): True,
    }


def rehearsed(run: RunRecord, began: str) -> RunRecord:
    """The same run in a clone of the warehouse, begun at an instant of its own."""
    return replace(run, run=f"{run.run}r", rehearsal=True, started=at(began))


@pytest.mark.parametrize(("as_of", "still_red"), [("2026-11-20 05:00", True), ("2026-11-24 05:00", False)])
def test_a_rehearsal_as_of_before_the_failure_does_not_settle_it(tmp_path: Path, as_of: str, still_red: bool) -> None:
    red = ran("2026-11-24 05:00", failed())
    one = only(known(tmp_path, red, rehearsed(ran(as_of, PASSES), "2026-11-26 09:00")))
    assert (one.open, one.since) == (still_red, at("2026-11-24 05:00"))


@pytest.mark.parametrize(("as_of", "open_again"), [("2026-11-24 05:00", False), ("2026-11-25 07:00", True)])
def test_a_failing_rehearsal_as_of_before_it_was_resolved_does_not_open_it_again(
    tmp_path: Path, as_of: str, open_again: bool
) -> None:
    seen = (ran("2026-11-24 05:00", failed()), ran("2026-11-25 06:00", PASSES))
    back = rehearsed(ran(as_of, failed()), "2026-11-26 09:00")
    one = only(known(tmp_path, *seen, back))
    assert (one.open, one.since, one.times) == (open_again, at("2026-11-24 05:00"), 1 + open_again)
    assert one.resolved == (None if open_again else at("2026-11-25 06:00"))


def test_a_failing_look_back_says_nothing_of_what_passed_or_failed_since(tmp_path: Path) -> None:
    back = rehearsed(ran("2026-11-20 05:00", failed(observed="as it was")), "2026-11-26 09:00")
    assert known(tmp_path / "passed", ran("2026-11-25 06:00", PASSES), back) == {}
    still = only(known(tmp_path / "failed", ran("2026-11-25 06:00", failed(observed="as it is")), back))
    assert (still.last, still.times, still.failure.found) == (at("2026-11-25 06:00"), 1, "as it is")
    assert only(known(tmp_path / "new", back)).open, "what nobody looked at since is red"
    other = ran("2026-11-25 06:00", PASSES, period="2026-10")
    assert only(known(tmp_path / "other", other, back)).open


def test_a_pass_after_a_rehearsal_resolves_what_it_opened_and_forgets_nothing(tmp_path: Path) -> None:
    opened = rehearsed(ran("2026-11-20 05:00", failed()), "2026-11-20 05:00")
    one = only(known(tmp_path, opened, ran("2026-11-25 06:00", PASSES)))
    assert (one.since, one.resolved) == (at("2026-11-20 05:00"), at("2026-11-25 06:00")), "who was told hears the end"


def test_a_backfill_as_of_before_the_failure_settles_it(tmp_path: Path) -> None:
    again = replace(ran("2026-11-20 05:00", PASSES), started=at("2026-11-26 09:00"))
    assert not only(known(tmp_path, ran("2026-11-24 05:00", failed()), again)).open


def test_a_rehearsed_month_settles_no_day_that_was_held_and_the_month_itself_does(tmp_path: Path) -> None:
    day = ran("2026-11-11 06:00", failed(), period="2026-11-10")
    month = ran("2026-11-12 06:00", PASSES)
    assert only(known(tmp_path, day, rehearsed(month, "2026-11-12 06:00"))).open
    assert not only(known(tmp_path, day, ran("2026-11-13 06:00", PASSES))).open


@pytest.mark.parametrize("real", [True, False])
def test_what_a_rehearsal_opened_is_settled_by_a_later_run_real_or_rehearsed(tmp_path: Path, real: bool) -> None:
    later = ran("2026-11-25 06:00", PASSES)
    opened = rehearsed(ran("2026-11-24 06:00", failed()), "2026-11-24 06:00")
    found = known(tmp_path, opened, later if real else rehearsed(later, "2026-11-25 06:00"))
    assert only(found).resolved == at("2026-11-25 06:00")


def test_what_was_observed_before_rehearsals_were_told_apart_still_counts(tmp_path: Path) -> None:
    known(tmp_path, ran("2026-11-23 06:00", failed()))
    records = Warehouse(tmp_path).records
    name = records.list(incidents.KIND)[0]
    before = dict(records.get(incidents.KIND, name) or {})
    assert before.pop("rehearsal") is False
    records.put(incidents.KIND, name, before)
    assert only(incidents.everything(Warehouse(tmp_path))).open


def test_pipelines_whose_names_begin_alike_are_apart(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    for pipeline in ("profit", "profit-unit"):
        incidents.note(warehouse, ran("2026-11-23 06:00", failed(), pipeline=pipeline))
    assert [one.pipeline for one in incidents.everything(warehouse, "profit").values()] == ["profit"]


@pytest.mark.long
def test_two_runs_at_once_lose_nothing(tmp_path: Path) -> None:
    runs = [ran(f"2026-11-{day:02d} 06:00", failed(f"check_{day}")) for day in range(1, 21)]
    threads = [threading.Thread(target=incidents.note, args=(Warehouse(tmp_path), run)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(incidents.everything(Warehouse(tmp_path))) == 20


def test_noting_a_run_twice_counts_it_once(tmp_path: Path) -> None:
    run = ran("2026-11-23 06:00", failed())
    assert only(known(tmp_path, run, run)).times == 1


def test_noting_again_a_run_that_settled_an_incident_does_not_open_it_again(tmp_path: Path) -> None:
    later = replace(ran("2026-11-24 06:00", OTHER), verdict=Verdict.PUBLISH)
    for run in (ran("2026-11-23 06:00", failed()), later, later):
        incidents.note(Warehouse(tmp_path), run)
    one = only(incidents.everything(Warehouse(tmp_path)))
    assert (one.open, one.resolved) == (False, at("2026-11-24 06:00"))


def test_a_torn_observation_is_set_aside_and_the_others_count(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    known(tmp_path, ran("2026-11-23 06:00", failed("a")), ran("2026-11-24 06:00", failed("b")))
    torn = sorted((tmp_path / "_dq" / incidents.KIND).glob("*.json"))[0]
    torn.write_bytes(torn.read_bytes()[:-40])
    assert [one.failure.check for one in incidents.everything(Warehouse(tmp_path)).values()] == ["b"]
    assert "set aside" in caplog.text


def test_first_failures_are_those_a_failure_now_would_add_to(tmp_path: Path) -> None:
    known(
        tmp_path,
        ran("2026-11-20 06:00", failed("gone"), failed("red")),
        ran("2026-11-21 06:00", result("gone"), failed("red")),
        ran("2026-10-21 06:00", failed("red"), period="2026-10"),
    )
    found = incidents.first_failures(Warehouse(tmp_path), "investor_profit", "2026-11", at("2026-11-25 06:00"))
    assert found == {"red": at("2026-11-20 06:00")}


WAIVER = Waiver(
    pipeline="investor_profit",
    check=BROKEN,
    period="2026-11",
    ceiling=Decimal(5),
    owner="Anna",
    reason="known",
    until=date(2999, 1, 1),
    recorded=at("2026-11-24 06:00"),
)


@pytest.mark.parametrize(
    ("waiver", "last", "paused"),
    [
        (WAIVER, failed(), True),
        (replace(WAIVER, period="2026-10"), failed(), False),
        (replace(WAIVER, check="other"), failed(), False),
        (replace(WAIVER, until=date(2026, 11, 24)), failed(), False),
        (replace(WAIVER, ended=Ending(by="Anna", at=at("2026-11-25 06:00"), reason="mended")), failed(), False),
        (WAIVER, errored(), False),
    ],
)
def test_an_active_waiver_pauses_what_it_covers(tmp_path: Path, waiver: Waiver, last: object, paused: bool) -> None:
    one = only(known(tmp_path, ran("2026-11-23 06:00", last)))  # type: ignore[arg-type]
    waivers.record(Warehouse(tmp_path), waiver)
    why = incidents.paused(one, incidents.in_force(Warehouse(tmp_path)), at("2026-11-25 07:00"))
    assert bool(why) is paused
    assert not paused or why == "waived by Anna until 2999-01-01: known"


def test_a_waiver_that_a_run_refused_pauses_nothing_and_one_it_took_does() -> None:
    beyond = only(incidents.fold([incidents.observed(ran("2026-11-25 06:00", failed()))]))
    taken = only(incidents.fold([incidents.observed(ran("2026-11-25 06:00", failed(waived_by="Anna until ...")))]))
    assert incidents.paused(beyond, [WAIVER], at("2026-11-25 07:00")) == ""
    assert incidents.paused(taken, [WAIVER], at("2026-11-25 07:00"))


def test_a_waiver_refused_by_a_run_of_an_earlier_as_of_pauses_nothing() -> None:
    run = replace(ran("2026-11-04 06:00", failed()), started=at("2026-11-24 07:00"))
    assert incidents.paused(only(incidents.fold([incidents.observed(run)])), [WAIVER], at("2026-11-25 07:00")) == ""


def test_a_report_of_the_month_that_arrives_settles_no_report_of_a_fortnight_in_it() -> None:
    def report(when: str, outcome: Outcome, period: str) -> RunRecord:
        one = result("executive_report.report.delivered", outcome, failure_class="F21")
        return ran(when, one, pipeline="executive_report", period=period)

    seen = [
        report("2026-11-24 14:00", Outcome.FAILED, "2026-11-09"),
        report("2026-11-24 14:00", Outcome.FAILED, "2026-11"),
        report("2026-11-25 14:00", Outcome.PASSED, "2026-11"),
    ]
    found = incidents.fold(map(incidents.observed, seen)).values()
    assert {one.period: one.open for one in found} == {"2026-11-09": True, "2026-11": False}
