"""Service levels over time: met, missed or still open, and kept as they were judged."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import store_support
from pydantic import TypeAdapter

from dq import people, runbooks, store
from dq.base.model import Kind, Verdict
from dq.base.periods import Grain, days_of, period_before
from dq.cli import main
from dq.month import attainment
from dq.month.attainment import Attainment, Happened, LevelState, Publication, Red
from dq.month.known_facts import LEVELS, PREVALIDATIONS, facts, kept, prevalidations
from dq.month.prevalidation import AnswerState, Prevalidation, Readiness, to_json
from dq.people.levels import Level, escalates_at

ROOT = Path(__file__).resolve().parents[2]
ROSTER = people.load_roster(ROOT / "runbooks" / "roster.yml", shown="roster.yml")
INVESTOR = runbooks.load_page(ROOT / "runbooks" / "investor_profit").front
UNITS = runbooks.load_page(ROOT / "runbooks" / "profit_unit").front
NOVEMBER = {"first": date(2026, 11, 1), "last": date(2026, 12, 31)}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def month(facts: Happened, now: str) -> dict[str, LevelState]:
    found = attainment.judged(ROSTER, INVESTOR, Grain.MONTH, facts, now=at(now), **NOVEMBER)
    return {one.level: one.state for one in found if one.period == "2026-11"}


def published(kind: Kind, when: str) -> Publication:
    return Publication(period="2026-11", kind=kind, at=at(when))


def test_a_month_that_went_well_met_every_level() -> None:
    facts = Happened(
        publications=[published(Kind.PRELIMINARY, "2026-11-30T12:00"), published(Kind.FINAL, "2026-12-03T12:00")],
        answers={"2026-11": {at("2026-11-24T12:00"): True}},
    )
    assert month(facts, "2026-12-10T00:00") == dict.fromkeys(
        ("pre-validated", "fixed", "preliminary", "final", "upstream"), LevelState.MET
    )


@pytest.mark.parametrize(
    ("level", "facts"),
    [
        ("final", Happened(publications=[published(Kind.FINAL, "2026-12-04T12:00")])),
        ("preliminary", Happened(publications=[published(Kind.MONTH_TO_DATE, "2026-11-30T12:00")])),
        (
            "pre-validated",
            Happened(
                publications=[published(Kind.FINAL, "2026-12-03T12:00")],
                answers={"2026-11": {at("2026-11-26T12:00"): True}},
            ),
        ),
        (
            "fixed",
            Happened(
                publications=[published(Kind.FINAL, "2026-12-03T12:00")],
                reds=[Red(period="2026-11", check="c", failure_class="F11", since=at("2026-11-20T00:00"), until=None)],
            ),
        ),
    ],
)
def test_what_came_late_or_never_is_missed_once_its_day_is_over(level: str, facts: Happened) -> None:
    assert month(facts, "2026-12-10T00:00")[level] is LevelState.MISSED
    assert month(facts, "2026-11-22T00:00")[level] is LevelState.OPEN


def test_a_failure_mended_before_month_end_keeps_the_level() -> None:
    mended = Red(
        period="2026-11", check="c", failure_class="F11", since=at("2026-11-20T00:00"), until=at("2026-11-21T00:00")
    )
    facts = Happened(publications=[published(Kind.FINAL, "2026-12-03T12:00")], reds=[mended])
    assert month(facts, "2026-12-10T00:00")["fixed"] is LevelState.MET


def test_a_day_is_met_by_its_own_publication_before_its_hour() -> None:
    facts = Happened(
        publications=[
            Publication(period="2026-11-03", kind=Kind.MONTH_TO_DATE, at=at("2026-11-04T03:00")),
            Publication(period="2026-11-04", kind=Kind.MONTH_TO_DATE, at=at("2026-11-05T03:01")),
        ]
    )
    found = attainment.judged(ROSTER, UNITS, Grain.DAY, facts, now=at("2026-11-06T12:00"), **NOVEMBER)
    days = {one.period: one.state for one in found if one.level == "ready"}
    assert "2026-11-02" not in days, "nobody waited before the first publication"
    told = {day: state for day, state in days.items() if day <= "2026-11-06"}
    assert told == {
        "2026-11-03": LevelState.MET,
        "2026-11-04": LevelState.MISSED,
        "2026-11-05": LevelState.MISSED,
        "2026-11-06": LevelState.OPEN,
    }


def test_what_counts_from_a_failure_is_met_when_it_passed_in_time() -> None:
    def red(check: str, until: datetime | None) -> Red:
        return Red(period="2026-11", check=check, failure_class="F04", since=at("2026-11-10T12:00"), until=until)

    facts = Happened(
        publications=[Publication(period="2026-11-03", kind=Kind.FINAL, at=at("2026-11-04T03:00"))],
        reds=[red("soon", at("2026-11-12T00:00")), red("late", at("2026-11-30T00:00")), red("never", None)],
    )
    found = attainment.judged(ROSTER, UNITS, Grain.DAY, facts, now=at("2026-12-05T00:00"), **NOVEMBER)
    states = {one.period: one.state for one in found if one.level == "source-solved"}
    assert states == {
        "2026-11-soon": LevelState.MET,
        "2026-11-late": LevelState.MISSED,
        "2026-11-never": LevelState.MISSED,
    }


@pytest.mark.parametrize(
    ("given", "state"),
    [
        ({"2026-11-25T09:00": False, "2026-11-25T20:00": True}, LevelState.MET),
        ({"2026-11-24T12:00": True, "2026-11-25T20:00": False}, LevelState.MISSED),
        ({"2026-11-25T20:00": True, "2026-11-26T12:00": False}, LevelState.MET),  # the day is over at 05:00 UTC
        ({"2026-11-19T12:00": True}, LevelState.MISSED),  # it knew nothing of the days since
        ({"2026-11-20T12:00": True}, LevelState.MET),
    ],
)
def test_pre_validation_is_decided_by_the_last_answer_of_its_day(given: dict[str, bool], state: LevelState) -> None:
    answers = {"2026-11": {at(when): ready for when, ready in given.items()}}
    facts = Happened(publications=[published(Kind.MONTH_TO_DATE, "2026-11-10T12:00")], answers=answers)
    assert month(facts, "2026-11-25T23:00")["pre-validated"] is LevelState.OPEN, "the day is not over"
    assert month(facts, "2026-11-27T00:00")["pre-validated"] is state


def test_an_answer_counts_from_when_it_was_given_and_not_from_what_it_is_as_of(tmp_path: Path) -> None:
    warehouse = store.Warehouse(tmp_path)
    day, seen = date(2026, 11, 25), at("2026-11-25T12:00")
    for given, ready in (("2026-11-25T12:30", "not ready"), ("2026-11-27T09:00", "ready")):
        line = Readiness(pipeline="investor_profit", state=AnswerState(ready), periods=[], controls={})
        one = Prevalidation(month="2026-11", as_of=seen, given=at(given), today=day, due=day, pipelines=[line])
        warehouse.records.put(PREVALIDATIONS, one.name, to_json(one))
    found = facts(warehouse, "investor_profit", prevalidations(warehouse), ()).answers
    assert found == {"2026-11": {at("2026-11-25T12:30"): False, at("2026-11-27T09:00"): True}}


def test_figures_are_there_from_their_commit_whatever_they_are_as_of(tmp_path: Path) -> None:
    warehouse = store.Warehouse(tmp_path)
    table = warehouse.table("profit_unit")
    manifest = store_support.seal(table, "run-1", {"2026-11-03": [1]})
    info = store.PeriodInfo(
        kind=Kind.MONTH_TO_DATE, data_through=date(2026, 11, 3), verdict=Verdict.PUBLISH, as_of=at("2026-11-04T02:00")
    )
    table.commit(manifest, periods={"2026-11-03": info}, expected={"2026-11-03": None}, now=at("2026-11-04T03:40"))
    happened = facts(warehouse, "profit_unit", (), ())
    found = attainment.judged(ROSTER, UNITS, Grain.DAY, happened, now=at("2026-11-04T12:00"), **NOVEMBER)
    ready = next(one for one in found if (one.level, one.period) == ("ready", "2026-11-03"))
    assert (ready.state, ready.kept) == (LevelState.MISSED, at("2026-11-04T03:40")), "it was to be there by 03:00"


def test_what_is_older_is_not_read_and_counts_as_readers_still_see_it(tmp_path: Path) -> None:
    warehouse = store.Warehouse(tmp_path)
    table = warehouse.table("investor_profit")
    for n, (period, when) in enumerate(
        [("2026-08", "2026-09-03"), ("2026-09", "2026-10-03"), ("2026-10", "2026-11-03")]
    ):
        manifest = store_support.seal(table, f"run-{n}", {period: [1]})
        came = at(f"{when}T12:00")
        info = store.PeriodInfo(kind=Kind.FINAL, data_through=date(2026, 8, 31), verdict=Verdict.PUBLISH, as_of=came)
        table.commit(manifest, periods={period: info}, expected={period: None}, now=came)
    everything = facts(warehouse, "investor_profit", (), ()).publications
    since = at("2026-10-03T12:00")
    assert [commit.version for commit in table.log(since)] == [2, 3]
    first, *others = sorted(facts(warehouse, "investor_profit", (), (), since).publications, key=lambda one: one.period)
    assert others == [*everything[1:]]
    assert (first.period, first.at) == ("2026-08", since), "readers see it, so it was there by then"


# -- week by week ------------------------------------------------------------------------------------------------------

GROWTH = runbooks.load_page(ROOT / "runbooks" / "growth_daily").front
WEEKS = runbooks.load_page(ROOT / "runbooks" / "experiments_weekly").front


def days(last: int, came: str = "04:00", first: int = 6) -> list[Publication]:
    """Each day of November up to one, published at an hour of the morning after."""
    return [
        Publication(period=f"2026-11-{n:02}", kind=Kind.MONTH_TO_DATE, at=at(f"2026-11-{n + 1:02}T{came}"))
        for n in range(first, last + 1)
    ]


def weekly(facts: Happened, now: str, level: str = "weekly") -> dict[str, tuple[LevelState, datetime]]:
    found = attainment.judged(ROSTER, GROWTH, Grain.DAY, facts, now=at(now), **NOVEMBER)
    return {one.period: (one.state, one.due) for one in found if one.level == level}


def test_weekly_statuses_are_complete_when_every_day_that_is_over_by_friday_is_there() -> None:
    friday, next_one = at("2026-11-13T22:00"), at("2026-11-20T22:00")  # 17:00 in New York
    found = weekly(Happened(publications=days(12)), "2026-11-14T00:00")
    assert found["2026-W46"] == (LevelState.MET, friday), "of Friday itself there is no whole day yet"
    assert found["2026-W47"] == (LevelState.OPEN, next_one)
    late = [*days(11), Publication(period="2026-11-12", kind=Kind.MONTH_TO_DATE, at=at("2026-11-13T22:01"))]
    assert weekly(Happened(publications=late), "2026-11-14T00:00")["2026-W46"] == (LevelState.MISSED, friday)
    assert weekly(Happened(publications=days(13)), "2026-11-21T00:00")["2026-W47"] == (LevelState.MISSED, next_one)


def test_a_week_is_correct_when_nothing_of_its_days_is_red_on_friday() -> None:
    def red(period: str, since: str, until: str | None) -> Red:
        ended = at(until) if until else None
        return Red(period=period, check="c", failure_class="F09", since=at(since), until=ended)

    reds = [red("2026-11-10", "2026-11-11T04:00", "2026-11-12T04:00"), red("2026-11-17", "2026-11-18T04:00", None)]
    found = weekly(Happened(publications=days(29), reds=reds), "2026-12-05T00:00", "weekly-correct")
    assert {week: state for week, (state, _) in found.items() if week < "2026-W49"} == {
        "2026-W46": LevelState.MET,
        "2026-W47": LevelState.MISSED,
        "2026-W48": LevelState.MET,
    }
    month_run = [red("2026-11", "2026-11-12T04:00", "2026-11-16T04:00")]
    found = weekly(Happened(publications=days(29), reds=month_run), "2026-12-05T00:00", "weekly-correct")
    assert (found["2026-W46"][0], found["2026-W47"][0]) == (LevelState.MISSED, LevelState.MET)


def test_a_failure_that_outlives_friday_goes_to_the_lead_on_the_next_business_day() -> None:
    rung = next(one for one in GROWTH.escalation if one.after == "weekly")
    for period, failed, expected in (
        ("2026-11-12", "2026-11-13T04:00", "2026-11-16T14:00"),
        ("2026-11-13", "2026-11-14T04:00", "2026-11-23T14:00"),
        ("2026-11", "2026-11-10T04:00", "2026-11-16T14:00"),
    ):
        span = days_of(period)
        found = escalates_at(rung, GROWTH.levels, roster=ROSTER, days=span, first_failed=at(failed))
        assert found == at(expected)


def test_levels_of_weeks_are_judged_from_the_first_week_on() -> None:
    monday = Publication(period="2026-W46", kind=Kind.FINAL, at=at("2026-11-16T12:00"))
    facts = Happened(publications=[monday])
    found = attainment.judged(ROSTER, WEEKS, Grain.WEEK, facts, now=at("2026-11-26T00:00"), **NOVEMBER)
    states = {one.period: one.state for one in found if one.level == "available"}
    assert {week: state for week, state in states.items() if week < "2026-W49"} == {
        "2026-W46": LevelState.MET,
        "2026-W47": LevelState.MISSED,
        "2026-W48": LevelState.OPEN,
    }


def test_what_is_red_counts_in_the_month_its_period_ends_in() -> None:
    def fixed(front: runbooks.FrontMatter, grain: Grain, period: str) -> LevelState:
        ended = Publication(period=period, kind=Kind.MONTH_TO_DATE, at=at("2026-10-20T12:00"))
        first = Publication(period={10: "2026-09-28", 7: "2026-09"}[len(period)], kind=Kind.FINAL, at=at("2026-10-13"))
        red = Red(period=period, check="c", failure_class="F14", since=at("2026-11-24T06:00"), until=None)
        facts = Happened(publications=[first, ended], reds=[red])
        found = attainment.judged(ROSTER, front, grain, facts, now=at("2026-12-10T00:00"), **NOVEMBER)
        return next(one.state for one in found if (one.level, one.period) == ("fixed", "2026-11"))

    report = runbooks.load_page(ROOT / "runbooks" / "executive_report").front
    assert fixed(report, Grain.FORTNIGHT, "2026-11-09") is LevelState.MISSED
    assert fixed(report, Grain.FORTNIGHT, "2026-10-26") is LevelState.MISSED, "it ends in November"
    assert fixed(report, Grain.FORTNIGHT, "2026-11-23") is LevelState.MET, "it ends in December"
    assert fixed(INVESTOR, Grain.MONTH, "2026-11") is LevelState.MISSED
    assert fixed(INVESTOR, Grain.MONTH, "2026-10") is LevelState.MET


def test_what_was_judged_is_kept_as_it_was_then(tmp_path: Path) -> None:
    warehouse = store.Warehouse(tmp_path)
    due = at("2026-11-25T05:00")
    one = Attainment(pipeline="p", level="l", label="by", period="2026-11", due=due, state=LevelState.MISSED)
    assert kept(warehouse, [one]) == [one]
    changed = Attainment(pipeline="p", level="l", label="by", period="2026-11", due=due, state=LevelState.MET, kept=due)
    assert kept(warehouse, [changed]) == [one]
    still = Attainment(pipeline="p", level="m", label="by", period="2026-11", due=due, state=LevelState.OPEN)
    assert kept(warehouse, [still]) == [still]
    assert len(warehouse.records.list(LEVELS)) == 1


def test_what_passed_and_failed_again_before_it_was_due_is_missed_once_it_outlives_that(tmp_path: Path) -> None:
    warehouse = store.Warehouse(tmp_path)

    def solved(now: str, until: str | None) -> LevelState:
        ended = at(until) if until else None
        red = Red(period="2026-11-09", check="c", failure_class="F04", since=at("2026-11-10T12:00"), until=ended)
        found = attainment.judged(ROSTER, UNITS, Grain.DAY, Happened(reds=[red]), now=at(now), **NOVEMBER)
        [one] = [one for one in kept(warehouse, found) if one.level == "source-solved"]
        return one.state

    assert solved("2026-11-10T21:00", "2026-11-10T20:00") is LevelState.MET
    assert solved("2026-11-11T06:00", None) is LevelState.OPEN, "the same incident, open again"
    assert warehouse.records.list(LEVELS) == []
    assert solved("2026-11-30T00:00", "2026-11-29T00:00") is LevelState.MISSED
    assert solved("2026-12-01T00:00", "2026-11-10T20:00") is LevelState.MISSED, "as it was judged once it was due"


def test_what_passed_for_good_is_kept_as_met_once_it_was_due(tmp_path: Path) -> None:
    warehouse = store.Warehouse(tmp_path)
    passed = at("2026-11-10T20:00")
    red = Red(period="2026-11-09", check="c", failure_class="F04", since=at("2026-11-10T12:00"), until=passed)
    for now, count in (("2026-11-10T21:00", 0), ("2026-11-30T00:00", 1)):
        found = attainment.judged(ROSTER, UNITS, Grain.DAY, Happened(reds=[red]), now=at(now), **NOVEMBER)
        mine = [one for one in kept(warehouse, found) if one.level == "source-solved"]
        assert [(one.state, one.kept) for one in mine] == [(LevelState.MET, passed)]
        assert sum("source-solved" in name for name in warehouse.records.list(LEVELS)) == count


def test_the_command_shows_what_was_met_and_missed_per_level_and_keeps_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    warehouse = store.Warehouse(tmp_path)
    warehouse.records.put("other", "one", {})
    words = ["status", "--levels", "--at", "2026-12-10T00:00Z", "--warehouse", str(tmp_path)]
    assert main([*words, "--from", "2026-11"]) == 0
    assert "none was due" in capsys.readouterr().out, "nothing was ever published"
    table = warehouse.table("investor_profit")
    manifest = store_support.seal(table, "run-1", {"2026-11": [1]})
    came = at("2026-12-04T12:00")
    info = store.PeriodInfo(kind=Kind.FINAL, data_through=date(2026, 11, 30), verdict=Verdict.PUBLISH, as_of=came)
    table.commit(manifest, periods={"2026-11": info}, expected={"2026-11": None}, now=came)
    assert main([*words, "--from", "2026-11"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "final report by" in line)
    assert line.split()[:4] == ["investor_profit", "final", "report", "by"]
    assert "2026-11: due Thu 3 Dec, came Fri 4 Dec" in line
    assert len(warehouse.records.list(LEVELS)) >= 1
    assert main([*words, "--from", "2026-12", "--to", "2026-11"]) == 2


# -- dates of the month for pipelines of shorter periods ---------------------------------------------------------------

BY_DATE = {
    "day_of_month": ({"kind": "day_of_month", "day": 25, "on_holiday": "same"}, "2026-11-26T05:00"),
    "month_end": ({"kind": "month_end", "on_holiday": "same"}, "2026-12-01T05:00"),
    "business_day": ({"kind": "next_month_business_day", "nth": 3}, "2026-12-04T05:00"),
}
# The fortnights that end in November 2026 are those from 26 October and 9 November; the next ends on 6 December.
OVER_BY = {
    ("day_of_month", Grain.FORTNIGHT): ["2026-10-26", "2026-11-09"],
    ("month_end", Grain.FORTNIGHT): ["2026-10-26", "2026-11-09"],
    ("business_day", Grain.FORTNIGHT): ["2026-10-26", "2026-11-09"],
    ("day_of_month", Grain.WEEK): ["2026-W44", "2026-W45", "2026-W46", "2026-W47"],
    ("month_end", Grain.WEEK): ["2026-W44", "2026-W45", "2026-W46", "2026-W47", "2026-W48"],
    ("business_day", Grain.WEEK): ["2026-W44", "2026-W45", "2026-W46", "2026-W47", "2026-W48"],
    ("day_of_month", Grain.DAY): [f"2026-11-{day:02}" for day in range(1, 25)],
    ("month_end", Grain.DAY): [f"2026-11-{day:02}" for day in range(1, 30)],
    ("business_day", Grain.DAY): [f"2026-11-{day:02}" for day in range(1, 31)],
}


@pytest.mark.parametrize(("kind", "grain"), OVER_BY)
def test_a_date_of_the_month_is_kept_by_the_periods_that_are_over_by_then(kind: str, grain: Grain) -> None:
    level, due = BY_DATE[kind]
    read = TypeAdapter(Level).validate_python({"id": "made", "label": "made by", **level})
    front = INVESTOR.model_copy(update={"levels": [read]})
    wanted = OVER_BY[kind, grain]
    before = period_before(wanted[0], grain)  # something was published before November

    def state(periods: list[str], when: str) -> tuple[LevelState, datetime | None]:
        there = [Publication(period=one, kind=Kind.FINAL, at=at("2026-11-24T12:00")) for one in [before, *periods[:-1]]]
        there.append(Publication(period=periods[-1], kind=Kind.FINAL, at=at(when)))
        found = attainment.judged(
            ROSTER, front, grain, Happened(publications=there), now=at("2026-12-10T00:00"), **NOVEMBER
        )
        (one,) = (one for one in found if one.period == "2026-11")
        assert one.due == at(due)
        return one.state, one.kept

    assert state(wanted, "2026-11-25T12:00") == (LevelState.MET, at("2026-11-25T12:00"))
    assert state(wanted, "2026-12-05T12:00") == (LevelState.MISSED, at("2026-12-05T12:00"))
    for one in wanted:
        assert state([other for other in wanted if other != one], "2026-11-25T12:00") == (LevelState.MISSED, None), one
