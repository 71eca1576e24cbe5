"""Figures nobody computed by their level: an incident of their own, for whoever waits for them and nobody else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
import store_support
from notify_support import ROOT, at, declared, every_contact, failed, house, ran, seen
from run_records import result
from store_support import quick_disk

from dq.base.model import Kind, RunRecord, Severity, Verdict
from dq.cli import main
from dq.month.known_facts import PREVALIDATIONS
from dq.month.prevalidation import AnswerState, Prevalidation, Readiness, to_json
from dq.run import missing_figures, run_records
from dq.store import PeriodInfo, Warehouse
from dq.tell import incidents
from dq.tell.delivery import would_send
from dq.tell.incidents import Incident
from dq.tell.recipients import ladder

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")

REGISTRY, ROSTER = declared()
DAYS = ("profit_unit", "growth_daily", "user_days", "engagement_daily")


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    (tmp_path / "w").mkdir()
    return Warehouse(tmp_path / "w")


def publish(
    warehouse: Warehouse,
    pipeline: str,
    wanted: Sequence[str],
    when: str,
    kind: Kind = Kind.MONTH_TO_DATE,
    as_of: str = "",
) -> None:
    """Publish periods of a pipeline at an instant, as of it or of another one."""
    table = warehouse.table(pipeline)
    name = f"{pipeline}-{wanted[0].lower()}-{at(when):%Y%m%dt%H%M}"
    manifest = store_support.seal(table, name, {one: [1] for one in wanted})
    info = PeriodInfo(
        kind=kind, data_through=date.fromisoformat(when[:10]), verdict=Verdict.PUBLISH, as_of=at(as_of or when)
    )
    before = {one: entry.version if (entry := table.entry(one)) else None for one in wanted}
    table.commit(manifest, periods=dict.fromkeys(wanted, info), expected=before, now=at(when))


def days(first: int, last: int, month: str = "2026-11") -> list[str]:
    return [f"{month}-{n:02}" for n in range(first, last + 1)]


def live(warehouse: Warehouse, *names: str, through: int = 9) -> None:
    """Pipelines of days that published the month up to a day, the morning after it."""
    for name in names:
        publish(warehouse, name, days(1, through), f"2026-11-{through + 1:02} 02:30")


def judged(warehouse: Warehouse, when: str) -> list[Incident]:
    """The open incidents after whoever tells has looked at an instant."""
    for one in missing_figures.observations(seen(warehouse, when), house()):
        incidents.keep(warehouse, one)
    found = [one for one in incidents.everything(warehouse).values() if one.open]
    return sorted(found, key=lambda one: one.key)


def said(warehouse: Warehouse, when: str) -> dict[str, str]:
    return {f"{one.pipeline} {one.period}": one.failure.found for one in judged(warehouse, when)}


# -- who is missed -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pipeline", "ready"),
    [("profit_unit", "03:00"), ("growth_daily", "04:00"), ("engagement_daily", "05:00"), ("user_days", "05:00")],
)
def test_a_day_that_no_run_was_made_of_is_missed_once_its_hour_has_passed(
    warehouse: Warehouse, pipeline: str, ready: str
) -> None:
    live(warehouse, pipeline)
    assert judged(warehouse, f"2026-11-11 {ready}") == []
    over = at(f"2026-11-11 {ready}") + timedelta(minutes=1)
    (one,) = judged(warehouse, f"{over:%Y-%m-%d %H:%M}")
    assert one.key == f"{pipeline}/{pipeline}.figures.in_time/2026-11"
    assert one.failure.found == f"no run was made: ready by Wed 11 Nov {ready} UTC of 2026-11-10"
    assert (one.failure.severity, one.failure.failure_class) == (Severity.CRITICAL, "F26")
    assert one.since == at(f"2026-11-11 {ready}"), "it counts from when it was due, not from when somebody looked"
    assert one.failure.runbook == "runbooks/all/the-run-itself-failed.md"
    assert (
        one.failure.runbook_url
        == f"https://docs.example.com/runbooks/{REGISTRY.pipelines[pipeline].runbook}.html#the-run-itself-failed"
    )
    front = house().front(pipeline)
    assert front is not None
    assert one.failure.owner == front.owner


def test_a_week_is_missed_after_48_hours_and_a_friday_without_all_its_days(warehouse: Warehouse) -> None:
    publish(warehouse, "experiments_weekly", ["2026-W45"], "2026-11-09 06:00", Kind.FINAL)
    assert said(warehouse, "2026-11-17 23:59") == {}
    assert said(warehouse, "2026-11-18 00:01") == {
        "experiments_weekly 2026-W46": "no run was made: available by Tue 17 Nov 19:00"
    }
    publish(warehouse, "experiments_weekly", ["2026-W46"], "2026-11-18 06:00", Kind.FINAL)
    assert said(warehouse, "2026-11-18 06:01") == {}
    live(warehouse, "growth_daily")
    assert (
        "weekly statuses complete by Fri 13 Nov 17:00 of 2026-W46"
        in said(warehouse, "2026-11-13 22:01")["growth_daily 2026-11"]
    )


def test_it_is_one_incident_a_month_that_goes_on_and_passes_when_the_days_are_there(warehouse: Warehouse) -> None:
    live(warehouse, "growth_daily")
    (first,) = judged(warehouse, "2026-11-11 04:05")
    (again,) = judged(warehouse, "2026-11-11 09:00")
    assert again == first, "what was said is not said again"
    (longer,) = judged(warehouse, "2026-11-13 04:05")
    assert longer.since == first.since
    assert longer.failure.found == "no run was made: ready by Wed 11 Nov 04:00 UTC of 2026-11-10 to 2026-11-12 (3)"
    publish(warehouse, "growth_daily", days(10, 12), "2026-11-13 08:00")
    assert judged(warehouse, "2026-11-13 08:01") == []
    (over,) = incidents.everything(warehouse).values()
    assert over.resolved == at("2026-11-13 08:01")


@pytest.mark.parametrize("period", ["2026-11-10", "2026-11"])
def test_a_run_that_was_held_tells_for_itself(warehouse: Warehouse, period: str) -> None:
    live(warehouse, "growth_daily")

    def run(when: str) -> RunRecord:
        return ran(when, failed(), pipeline="growth_daily", period=period)

    run_records.save(warehouse, run("2026-11-10 04:00"))
    assert len(judged(warehouse, "2026-11-11 04:05")) == 1, "that run was made before the day was over"
    run_records.save(warehouse, run("2026-11-11 04:06"))
    assert judged(warehouse, "2026-11-11 04:10") == []


# -- and who is not ----------------------------------------------------------------------------------------------------


def test_nobody_waits_for_a_pipeline_that_never_ran_nor_for_what_lies_before_it_ran_by_itself(
    warehouse: Warehouse,
) -> None:
    assert judged(warehouse, "2026-11-20 12:00") == []
    publish(warehouse, "growth_daily", days(1, 9), "2026-11-19 12:00", as_of="2026-11-10 04:00")
    publish(warehouse, "growth_daily", days(1, 31, "2026-08"), "2026-11-19 12:00", Kind.FINAL, "2026-09-03 05:00")
    assert judged(warehouse, "2026-11-20 12:00") == [], "a backfill promises nothing"
    publish(warehouse, "growth_daily", days(18, 18), "2026-11-19 03:00")
    assert said(warehouse, "2026-11-20 12:00") == {
        "growth_daily 2026-11": "no run was made: ready by Fri 20 Nov 04:00 UTC of 2026-11-19"
    }, "the 10th to the 17th nobody waited for"


def test_a_month_that_is_run_once_long_after_it_ended_promises_no_days_since(warehouse: Warehouse) -> None:
    publish(warehouse, "profit_unit", days(1, 31, "2026-10"), "2026-11-20 12:00", Kind.FINAL)
    assert judged(warehouse, "2026-11-20 12:01") == []
    assert said(warehouse, "2026-11-21 03:01") == {
        "profit_unit 2026-11": "no run was made: ready by Sat 21 Nov 03:00 UTC of 2026-11-20"
    }, "from then on it is waited for"


def test_a_damaged_commit_of_before_is_said_where_it_published_what_readers_see(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    live(warehouse, "growth_daily", through=8)
    publish(warehouse, "growth_daily", days(9, 9), "2026-11-10 02:30")
    torn = Path(warehouse.root) / "growth_daily" / "_delta_log" / f"{1:020}.json"
    whole = torn.read_bytes()
    torn.write_text("torn", encoding="utf-8")
    assert main(["status", "--at", "2026-11-11T04:01:00Z", "--warehouse", str(warehouse.root)]) == 3
    assert "dq: it is not known what growth_daily has published: " in capsys.readouterr().err
    torn.write_bytes(whole)
    publish(warehouse, "growth_daily", days(1, 9), "2026-11-10 02:40")
    torn.write_text("torn", encoding="utf-8")
    assert [one.period for one in judged(warehouse, "2026-11-11 04:01")] == ["2026-11"], "it hides nothing else"


def test_a_damaged_log_is_said_and_says_nothing_of_other_pipelines(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str]
) -> None:
    live(warehouse, "growth_daily", "user_days", "executive_report")
    assert [one.pipeline for one in judged(warehouse, "2026-11-11 04:01")] == ["growth_daily"]
    for name in ("growth_daily", "executive_report"):
        (Path(warehouse.root) / name / "_delta_log" / f"{1:020}.json").write_text("torn", encoding="utf-8")
    assert [one.pipeline for one in judged(warehouse, "2026-11-11 05:01")] == ["growth_daily", "user_days"]
    assert main(["status", "--at", "2026-11-11T05:01:00Z", "--warehouse", str(warehouse.root)]) == 3
    printed = capsys.readouterr()
    assert "user_days.figures.in_time" in printed.out
    assert (
        "dq: it is not known what growth_daily has published: growth_daily/_delta_log/00000000000000000001.json: "
        in (printed.err)
    )
    assert "what executive_report has published" in printed.err


def test_a_whole_scheduler_that_stands_still_is_an_incident_a_pipeline_told_under_what_it_waits_for(
    warehouse: Warehouse,
) -> None:
    live(warehouse, *DAYS)
    publish(warehouse, "investor_profit", ["2026-10"], "2026-11-04 12:00", Kind.FINAL)
    publish(warehouse, "experiments_weekly", ["2026-W45"], "2026-11-09 06:00", Kind.FINAL)
    found = {f"{one.pipeline} {one.period}": one.failure.waits_for for one in judged(warehouse, "2026-11-27 15:00")}
    assert found == {
        "profit_unit 2026-11": "",
        "growth_daily 2026-11": "",
        "user_days 2026-11": "",
        "engagement_daily 2026-11": "user_days/2026-11",
        "investor_profit 2026-11": "profit_unit/2026-11",
        "experiments_weekly 2026-W46": "profit_unit/2026-11",
        "experiments_weekly 2026-W47": "profit_unit/2026-11",
    }
    _, messages = would_send(seen(warehouse, "2026-11-27 15:00"), house(targets=every_contact("pagerduty")))
    to_danny = [message for message in messages if message.contact == "danny-pager"]
    assert len({message.pipeline for message in to_danny}) == len(to_danny) <= 3


def test_what_was_not_tried_because_its_upstream_is_held_is_told_under_that(warehouse: Warehouse) -> None:
    publish(warehouse, "experiments_weekly", ["2026-W45"], "2026-11-09 06:00", Kind.FINAL)
    held = ran("2026-11-17 03:00", failed(), pipeline="growth_daily", period="2026-11")
    run_records.save(warehouse, held)
    incidents.note(warehouse, held)
    weekly = next(one for one in judged(warehouse, "2026-11-18 00:01") if one.pipeline == "experiments_weekly")
    assert weekly.failure.waits_for == "growth_daily/2026-11"


# -- months for investors ----------------------------------------------------------------------------------------------


def answer(warehouse: Warehouse, when: str, *names: str, state: AnswerState = AnswerState.NOT_READY) -> None:
    lines = [Readiness(pipeline=name, state=state, periods=["2026-10"], controls={}) for name in names]
    given = at(when)
    one = Prevalidation(
        month="2026-10", as_of=given, given=given, today=given.date(), due=date(2026, 10, 23), pipelines=lines
    )
    warehouse.records.put(PREVALIDATIONS, one.name, to_json(one))


def test_a_month_investors_read_is_missed_by_each_of_its_levels_until_it_is_there(warehouse: Warehouse) -> None:
    assert said(warehouse, "2026-11-05 05:01") == {}, "nothing was ever published"
    publish(warehouse, "investor_profit", ["2026-10"], "2026-10-20 12:00")
    assert said(warehouse, "2026-10-24 03:59") == {}, "the 25th is a Sunday: due on Friday, which is over at 04:00 UTC"
    what = "what readers wait for is not there: "
    assert said(warehouse, "2026-10-24 04:01") == {"investor_profit 2026-10": f"{what}pre-validation Fri 23 Oct"}
    answer(warehouse, "2026-10-24 12:00", "investor_profit")
    assert said(warehouse, "2026-11-01 03:59") == {}, "somebody asked, though late; Saturday is over at 04:00 UTC"
    assert said(warehouse, "2026-11-01 04:01") == {"investor_profit 2026-10": f"{what}preliminary report Sat 31 Oct"}
    publish(warehouse, "investor_profit", ["2026-10"], "2026-11-01 12:00", Kind.PRELIMINARY)
    assert said(warehouse, "2026-11-01 12:01") == {}
    run_records.save(warehouse, ran("2026-11-04 12:00", failed(), pipeline="investor_profit", period="2026-10"))
    (one,) = judged(warehouse, "2026-11-05 05:01")
    assert one.failure.found == f"{what}final report by Wed 4 Nov", "late figures are late, whoever holds them"
    assert (one.failure.failure_class, one.failure.severity) == ("F21", Severity.CRITICAL)
    assert one.failure.runbook == "runbooks/all/report-not-delivered-or-late.md"
    assert [step.to for step in ladder(house(), one)] == ["the Business Analytics Team's manager", "the Lead"]
    publish(warehouse, "investor_profit", ["2026-10"], "2026-11-05 12:00", Kind.FINAL)
    assert judged(warehouse, "2026-11-05 12:01") == []


@pytest.mark.parametrize(
    ("given", "about", "state", "missed"),
    [
        ("2026-10-23 12:00", "investor_profit", AnswerState.NOT_READY, False),
        ("2026-10-03 12:00", "investor_profit", AnswerState.NOT_READY, True),  # it knew two days of the month
        ("2026-10-23 12:00", "investor_growth", AnswerState.NOT_READY, True),
        (
            "2026-10-23 12:00",
            "investor_profit",
            AnswerState.CANNOT_TELL,
            True,
        ),  # not even tried: nothing is red that tells
    ],
)
def test_only_an_answer_of_the_countdown_that_judged_the_pipeline_pre_validates_it(
    warehouse: Warehouse, given: str, about: str, state: AnswerState, missed: bool
) -> None:
    publish(warehouse, "investor_profit", ["2026-10"], "2026-10-02 12:00")
    answer(warehouse, given, about, state=state)
    assert bool(judged(warehouse, "2026-10-24 04:01")) is missed


def test_what_is_missing_stays_open_however_long_it_takes(warehouse: Warehouse) -> None:
    live(warehouse, "growth_daily", through=29)
    assert len(judged(warehouse, "2026-12-01 04:01")) == 1
    assert {one.period for one in judged(warehouse, "2027-03-20 12:00")} >= {"2026-11"}


# -- where it is told --------------------------------------------------------------------------------------------------


def test_status_shows_it_without_writing_anything(
    warehouse: Warehouse, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    live(warehouse, "growth_daily")
    words = ["status", "--warehouse", str(warehouse.root), "--at", "2026-11-11T14:30:00Z"]
    assert main(words) == 0
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "CRITICAL  growth_daily 2026-11  growth_daily.figures.in_time"
    for line in (
        "  since     Tue 10 Nov 23:00, seen by 1 run",
        "  found     no run was made: ready by Wed 11 Nov 04:00 UTC of 2026-11-10",
        "  owner     Accounts Team; on call Danny until Mon 16 Nov 09:00 (backup Anna)",
        "  next      to the Lead Wed 11 Nov 23:00",
        "  runbook   runbooks/all/the-run-itself-failed.md",
    ):
        assert line in told
    assert warehouse.records.list(incidents.KIND) == []
    publish(warehouse, "growth_daily", days(10, 10), "2026-11-11 14:00")
    assert main(words) == 0
    assert capsys.readouterr().out == "no open incidents\n"


def test_a_passing_check_of_a_run_does_not_settle_it(warehouse: Warehouse) -> None:
    live(warehouse, "growth_daily")
    assert len(judged(warehouse, "2026-11-11 04:05")) == 1
    incidents.note(warehouse, ran("2026-11-11 06:00", result("x"), pipeline="growth_daily", period="2026-11"))
    assert len(judged(warehouse, "2026-11-11 06:05")) == 1


def test_now_is_an_instant_of_utc() -> None:
    assert run_records.started_of("growth_daily-2026-11-20261111t040500000000z-a1b2c3") == datetime(
        2026, 11, 11, 4, 5, tzinfo=UTC
    )
    assert run_records.started_of("no run").year == 1
