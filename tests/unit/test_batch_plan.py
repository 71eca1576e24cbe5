"""Which runs `dq run --all` and `dq backfill` make, in which order, as of when, and which they do not try."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from itertools import combinations
from pathlib import Path

import pytest

from dq import people
from dq.base import yamlfile
from dq.base.errors import UsageError
from dq.base.model import Kind, RunRecord, Verdict
from dq.cli.batch import table
from dq.declare import registry
from dq.run import batch
from dq.run.batch import Ended, Shown, Step

ROOT = Path(__file__).resolve().parents[2]
CALENDAR = people.load_roster(ROOT / "runbooks" / "roster.yml", shown="roster.yml").calendar
NOW = datetime(2026, 11, 20, 12, 29, tzinfo=UTC)
ANCHOR = date(2026, 1, 5)


def pipeline(grain: str = "month", *upstream: str, at: str = "05:00", compares: bool = False) -> registry.Pipeline:
    return registry.Pipeline.model_validate(
        {
            "job": "j.py",
            "description": "d",
            "grain": grain,
            "runbook": "r.md",
            "upstream": [*upstream],
            "compares_with_previous": compares,
            "scheduled": {"days_after" if grain in ("week", "fortnight") else "business_day": 3, "at": at},
            "publishes": {"key": ["day"], "columns": {"day": {"type": "date"}}},
        }
    )


# Declared the wrong way round: order comes from the upstreams.
REGISTRY = registry.Registry(
    root=ROOT,
    pipelines={
        "report": pipeline("month", "investors", "clicks", at="07:00"),
        "investors": pipeline("month", "units", at="06:00", compares=True),
        "clicks": pipeline("day"),
        "units": pipeline("day"),
    },
    document=yamlfile.Document("pipelines.yml", {}, {}),
)


# The same with what is computed by week and fortnight.
WEEKLY = registry.Registry(
    root=ROOT,
    pipelines={
        **REGISTRY.pipelines,
        "weekly": pipeline("week", "units"),
        "paper": pipeline("fortnight", "units", "investors", compares=True),
    },
    document=REGISTRY.document,
)


def nothing(_pipeline: str, _month: str) -> Shown | None:
    return None


def there(**entries: datetime) -> Callable[[str, str], Shown | None]:
    """What readers see: the same for every month of a pipeline."""
    return lambda name, _: Shown(version=4, kind=Kind.FINAL, as_of=entries[name]) if name in entries else None


def plan(names: list[str], first: str, last: str, declared: registry.Registry = REGISTRY, **more: object) -> list[Step]:
    arguments: dict[str, object] = {"now": NOW, "anchor": ANCHOR, "shown": nothing} | more
    return batch.rebuild(declared, CALENDAR, names, first=first, last=last, **arguments)  # type: ignore[arg-type]


def ended(step: Step, verdict: Verdict | None, **more: object) -> Ended:
    if verdict is None:
        return Ended(step=step, code=2, **more)  # type: ignore[arg-type]
    record = RunRecord(
        run="r",
        pipeline=step.pipeline,
        period=step.period,
        kind=Kind.FINAL,
        as_of=step.as_of,
        data_through=date(2026, 10, 31),
        verdict=verdict,
        started=step.as_of,
        seconds=1.0,
        results=(),
        guidance={},
        inputs=(),
        run_key="",
    )
    return Ended(step=step, code=verdict.exit_code, record=record, kept=True, **more)  # type: ignore[arg-type]


def test_what_lacks_an_input_of_another_pipeline_is_not_rebuilt_nor_what_is_built_on_it() -> None:
    months = ["2026-09", "2026-10"]
    below = batch.downstream(REGISTRY, "units")
    assert batch.without_inputs(REGISTRY, "units", below, months, nothing) == {"report": "clicks"}
    assert batch.without_inputs(REGISTRY, "units", below, months, there(clicks=NOW)) == {}
    assert batch.without_inputs(REGISTRY, "clicks", ["report"], months, nothing) == {"report": "investors"}
    two = {**REGISTRY.pipelines, "later": pipeline("month", "report")}
    deeper = registry.Registry(root=ROOT, pipelines=two, document=REGISTRY.document)
    lacking = batch.without_inputs(deeper, "units", batch.downstream(deeper, "units"), months, nothing)
    assert lacking == {"report": "clicks", "later": "report"}


def test_the_gravest_code_is_that_of_the_session_whatever_the_order() -> None:
    ranked = [2, 3, 1, 4, 0]
    for graver, milder in combinations(ranked, 2):
        assert batch.worst([milder, graver]) == batch.worst([graver, milder]) == graver
    assert batch.worst([0, 2, 130]) == 130
    assert batch.worst([]) == 0


def test_every_pipeline_stands_after_its_upstreams_as_of_one_instant() -> None:
    steps = batch.all_of(REGISTRY, "2026-10", NOW, ANCHOR, nothing)
    names = [step.pipeline for step in steps]
    assert sorted(names) == ["clicks", "investors", "report", "units"]
    for step in steps:
        assert {key[0] for key in step.needs} == set(REGISTRY.pipelines[step.pipeline].upstream)
        assert all(names.index(name) < names.index(step.pipeline) for name, _ in step.needs)
    assert {step.as_of for step in steps} == {NOW}


def test_a_single_day_is_run_for_the_pipelines_computed_by_day() -> None:
    assert {step.pipeline for step in batch.all_of(REGISTRY, "2026-10-05", NOW, ANCHOR, nothing)} == {"clicks", "units"}


def test_a_month_runs_the_weeks_and_fortnights_that_end_in_it_as_far_as_their_days_are_there() -> None:
    def ids(month: str, name: str, as_of: datetime, shown: Callable[[str, str], Shown | None]) -> list[str]:
        return [step.period for step in batch.all_of(WEEKLY, month, as_of, ANCHOR, shown) if step.pipeline == name]

    assert ids("2026-10", "weekly", NOW, nothing) == ["2026-W41", "2026-W42", "2026-W43"]
    assert ids("2026-10", "weekly", NOW, there(units=NOW)) == ["2026-W40", "2026-W41", "2026-W42", "2026-W43"]
    assert ids("2026-10", "paper", NOW, nothing) == ["2026-10-12"]
    assert ids("2026-10", "paper", NOW, there(units=NOW)) == ["2026-09-28", "2026-10-12"]
    early = datetime(2026, 10, 13, 6, tzinfo=UTC)
    assert ids("2026-10", "weekly", early, nothing) == ["2026-W41", "2026-W42"]
    assert ids("2026-W42", "weekly", NOW, nothing) == ["2026-W42"]
    assert {step.pipeline for step in batch.all_of(WEEKLY, "2026-W42", NOW, ANCHOR, nothing)} == {"weekly"}


def test_the_week_and_fortnight_that_run_on_into_the_next_month_are_planned_only_where_they_are_asked_for() -> None:
    def steps(day: int, *, running_on: bool = True) -> list[Step]:
        as_of = datetime(2026, 11, day, 12, tzinfo=UTC)
        planned = batch.all_of(WEEKLY, "2026-11", as_of, ANCHOR, there(units=NOW), running_on=running_on)
        return [step for step in planned if step.pipeline in ("weekly", "paper")]

    weeks = ["2026-W44", "2026-W45", "2026-W46", "2026-W47"]
    ends = [*weeks, "2026-W48", "2026-10-26", "2026-11-09"]
    assert [step.period for step in steps(25, running_on=False)] == ends
    assert [step.period for step in steps(25)] == [*ends, "2026-11-23"]
    assert [step.period for step in steps(23)] == [*weeks, *ends[-2:]], "it has no whole day yet"
    last = steps(25)[-1]
    assert {*last.needs} == {("units", "2026-11"), ("investors", "2026-11"), ("paper", "2026-11-09")}


def test_a_fortnight_is_rebuilt_after_the_months_it_is_built_on_and_the_one_it_compares_with() -> None:
    steps = batch.rebuild(
        WEEKLY,
        CALENDAR,
        ["units", "investors", "paper"],
        first="2026-09",
        last="2026-10",
        now=NOW,
        anchor=ANCHOR,
        shown=nothing,
    )
    keys = [step.key for step in steps]
    assert keys == [
        ("units", "2026-09"),
        ("investors", "2026-09"),
        ("paper", "2026-09-14"),
        ("units", "2026-10"),
        ("investors", "2026-10"),
        ("paper", "2026-09-28"),
        ("paper", "2026-10-12"),
    ]
    needs = {step.key: set(step.needs) for step in steps}
    both = {("units", "2026-09"), ("investors", "2026-09"), ("units", "2026-10"), ("investors", "2026-10")}
    assert needs["paper", "2026-09-28"] == both | {("paper", "2026-09-14")}
    assert all(step.as_of >= steps[0].as_of for step in steps)


def test_what_runs_on_into_the_month_after_is_rebuilt_after_its_days_where_it_is_published() -> None:
    """The week of 31 August has one day of August; a fortnight ends on 13 September."""
    names = ["units", "weekly", "paper"]
    there_already = there(units=NOW, weekly=NOW, paper=NOW)
    steps = plan(names, "2026-08", "2026-08", WEEKLY, shown=there_already)
    assert [step.key for step in steps][-2:] == [("weekly", "2026-W36"), ("paper", "2026-08-31")]
    assert ("units", "2026-08") in steps[-1].needs
    ended_in_august = plan(names, "2026-08", "2026-08", WEEKLY, shown=there(units=NOW))
    assert [step.key for step in ended_in_august] == [step.key for step in steps][:-2]
    may = [step.key for step in plan(names, "2026-05", "2026-05", WEEKLY, shown=there_already)]
    assert may[-2:] == [("paper", "2026-05-11"), ("paper", "2026-05-25")], "the last week ends with the month"


def test_weeks_ahead_of_a_month_that_goes_on_are_not_rebuilt_yet() -> None:
    """On Friday 20 November the week of the 16th has days that are over, that of the 23rd has none."""
    steps = batch.rebuild(
        WEEKLY, CALENDAR, ["weekly"], first="2026-11", last="2026-11", now=NOW, anchor=ANCHOR, shown=there(units=NOW)
    )
    assert [step.period for step in steps] == ["2026-W44", "2026-W45", "2026-W46", "2026-W47"]


def test_downstream_is_everything_built_on_a_pipeline_directly_or_not() -> None:
    assert batch.downstream(REGISTRY, "units") == ["investors", "report"]
    assert batch.downstream(REGISTRY, "clicks") == ["report"]
    assert batch.downstream(REGISTRY, "report") == []


def test_months_come_in_order_and_upstream_first_in_each() -> None:
    steps = plan(["investors", "units"], "2026-08", "2026-10")
    assert [step.key for step in steps] == [
        (name, month) for month in ("2026-08", "2026-09", "2026-10") for name in ("units", "investors")
    ]
    assert plan(["units"], "2025-12", "2026-01")[-1].key == ("units", "2026-01")


def test_a_step_needs_its_upstream_of_the_month_and_the_month_it_compares_with() -> None:
    steps = {step.key: step.needs for step in plan(["investors", "units"], "2026-08", "2026-09")}
    assert steps["units", "2026-09"] == ()
    assert steps["investors", "2026-08"] == (("units", "2026-08"),)
    assert steps["investors", "2026-09"] == (("units", "2026-09"), ("investors", "2026-08"))


def instants(**more: object) -> dict[tuple[str, str], str]:
    return {s.key: f"{s.as_of:%m-%dT%H:%M}" for s in plan(["units", "investors"], "2026-10", "2026-11", **more)}


def test_a_month_is_as_of_its_scheduled_final_run_and_an_open_one_as_of_the_start_of_today() -> None:
    assert instants() == {
        ("units", "2026-10"): "11-04T05:00",
        ("investors", "2026-10"): "11-04T06:00",
        ("units", "2026-11"): "11-20T00:00",
        ("investors", "2026-11"): "11-20T00:00",
    }


def test_published_figures_never_go_back_nor_before_what_they_are_built_on() -> None:
    late = datetime(2026, 11, 9, 8, tzinfo=UTC)
    found = instants(shown=there(units=late))
    assert (found["units", "2026-10"], found["investors", "2026-10"]) == ("11-09T08:00", "11-09T08:00")
    alone = instants(shown=there(investors=late))
    assert (alone["units", "2026-10"], alone["investors", "2026-10"]) == ("11-04T05:00", "11-09T08:00")


def test_an_upstream_that_is_not_rebuilt_counts_as_it_is_published() -> None:
    late = datetime(2026, 11, 9, 8, tzinfo=UTC)
    (step,) = plan(["investors"], "2026-10", "2026-10", shown=there(units=late))
    assert (step.as_of, step.why) == (late, "as units")


def test_a_month_is_not_rebuilt_as_of_before_the_one_it_compares_with_was_restated() -> None:
    late = datetime(2026, 11, 9, 8, tzinfo=UTC)

    def restated(name: str, period: str) -> Shown | None:
        return Shown(version=4, kind=Kind.FINAL, as_of=late) if (name, period) == ("investors", "2026-09") else None

    (step,) = plan(["investors"], "2026-10", "2026-10", shown=restated)
    assert (step.as_of, step.why) == (late, "as investors 2026-09")


def test_a_week_is_not_rebuilt_as_of_before_either_month_it_lies_in_was_restated() -> None:
    """The week of 28 September ends in October: its first days were restated on 9 November."""
    late = datetime(2026, 11, 9, 8, tzinfo=UTC)

    def restated(name: str, period: str) -> Shown | None:
        as_of = late if period == "2026-09" else datetime(2026, 11, 4, 5, tzinfo=UTC)
        return Shown(version=4, kind=Kind.FINAL, as_of=as_of) if name == "units" else None

    steps = {step.period: step for step in plan(["weekly"], "2026-10", "2026-10", WEEKLY, shown=restated)}
    assert (steps["2026-W40"].as_of, steps["2026-W40"].why) == (late, "as units")
    assert f"{steps['2026-W41'].as_of:%m-%dT%H}" == "11-04T05"


def test_planning_again_after_it_was_published_plans_the_same_instants() -> None:
    """What makes a repetition a no-op, however often it was stopped."""
    first = plan(["units", "investors"], "2026-08", "2026-11")
    seen = {step.key: Shown(version=1, kind=Kind.FINAL, as_of=step.as_of) for step in first[:5]}
    again = plan(["units", "investors"], "2026-08", "2026-11", shown=lambda name, month: seen.get((name, month)))
    assert [(step.key, step.as_of) for step in again] == [(step.key, step.as_of) for step in first]


def test_an_instant_that_was_given_holds_for_every_run() -> None:
    given = datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert {step.as_of for step in plan(["units", "investors"], "2026-08", "2026-10", as_of=given)} == {given}


@pytest.mark.parametrize(("verdict", "word"), [(Verdict.HOLD, "was held"), (None, "was refused")])
def test_what_is_built_on_a_failed_run_is_not_tried_nor_later_months_compared_with_it(
    verdict: Verdict | None, word: str
) -> None:
    steps = plan(["units", "investors", "report"], "2026-09", "2026-10")
    done: dict[batch.Key, Ended] = {}
    for step in steps:
        why = batch.blocked(step, done, held_runs=False)
        fails = step.key == ("units", "2026-09")
        done[step.key] = (
            Ended(step=step, code=batch.NOT_TRIED, not_tried=why)
            if why
            else ended(step, verdict if fails else Verdict.PUBLISH)
        )
    why = {key: one.not_tried for key, one in done.items()}
    assert why == {
        ("units", "2026-09"): "",
        ("investors", "2026-09"): f"units 2026-09 {word}",
        ("report", "2026-09"): "investors 2026-09 was not tried",
        ("units", "2026-10"): "",
        ("investors", "2026-10"): "investors 2026-09 was not tried",
        ("report", "2026-10"): "investors 2026-10 was not tried",
    }


def test_a_held_upstream_shows_its_card_but_a_refused_one_would_let_old_figures_be_read() -> None:
    steps = {step.pipeline: step for step in batch.all_of(REGISTRY, "2026-10", NOW, ANCHOR, nothing)}
    units, investors = steps["units"], steps["investors"]
    for before, tried in ((ended(units, Verdict.HOLD), True), (ended(units, None), False)):
        assert (batch.blocked(investors, {units.key: before}, held_runs=True) == "") is tried
    unkept = Ended(step=units, code=1, record=ended(units, Verdict.HOLD).record, kept=False)
    assert batch.blocked(investors, {units.key: unkept}, held_runs=True) == "units 2026-10 was held"


def test_a_month_published_anew_makes_the_published_month_after_it_due_again() -> None:
    steps = {step.key: step for step in plan(["units", "investors"], "2026-09", "2026-10")}
    done = [ended(step, Verdict.PUBLISH) for step in steps.values()]
    later = there(investors=NOW, units=NOW)
    assert batch.due_again(REGISTRY, done, later) == [("investors", "2026-11")]
    assert batch.due_again(REGISTRY, done, nothing) == []


def test_days_that_compare_with_the_month_before_are_due_again_by_the_month() -> None:
    units = {"units": pipeline("day", compares=True)}
    days = registry.Registry(root=ROOT, pipelines=units, document=REGISTRY.document)
    done = [ended(step, Verdict.PUBLISH) for step in plan(["units"], "2026-09", "2026-10", days)]
    assert done[1].step.needs == (("units", "2026-09"),)
    assert batch.due_again(days, done, there(units=NOW)) == [("units", "2026-11")]


def test_an_instant_to_come_is_refused() -> None:
    batch.refuse_future(NOW, NOW)
    with pytest.raises(UsageError, match="2027-01-01T00:00:00Z is in the future"):
        batch.refuse_future(datetime(2027, 1, 1, tzinfo=UTC), NOW)


def test_the_table_says_of_exit_code_4_that_something_was_not_delivered_or_not_printed() -> None:
    (step,) = plan(["units"], "2026-10", "2026-10")
    told = table([Ended(step=step, code=4, record=ended(step, Verdict.PUBLISH).record, kept=True)])
    assert told.endswith("not delivered or not printed")
    assert "docs or record" not in told
