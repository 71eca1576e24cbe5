"""What a pre-validation says: states, controls, the countdown to the day it is due, and what changed since."""

from __future__ import annotations

import html
import itertools
import json
from argparse import Namespace
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from xml.etree import ElementTree

import pytest
from notify_support import at, declared, failed, house, ran, seen
from prevalidation_support import DUE, answer, line
from run_records import record, result

from dq import store
from dq.base.errors import Finding, StoreError
from dq.base.model import Kind, Outcome, Severity, Verdict
from dq.base.verdict import Waiver
from dq.cli import batch, main, prevalidate
from dq.cli.prevalidate import _aids, _pending, _red
from dq.declare import registry
from dq.month import prevalidation, prevalidation_text
from dq.month.next_steps import Aid, aid, time_left
from dq.month.prevalidation import AnswerState, Light, Prevalidation
from dq.month.prevalidation_formats import Shown, document
from dq.month.prevalidation_formats import render as render_answer
from dq.show import render
from dq.tell import incidents, last_roster
from dq.tell.recipients import hears

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("outcome", "severity", "waived", "expected"),
    [
        (Outcome.PASSED, Severity.CRITICAL, "", Light.GREEN),
        (Outcome.FAILED, Severity.CRITICAL, "", Light.RED),
        (Outcome.FAILED, Severity.WARNING, "", Light.WARNED),
        (Outcome.FAILED, Severity.CRITICAL, "w1", Light.WAIVED),
        (Outcome.NOT_RUN, Severity.CRITICAL, "", Light.PENDING),
        (Outcome.ERRORED, Severity.INFO, "", Light.ERRORED),
        (Outcome.FAILED, Severity.INFO, "", None),
        (Outcome.PASSED, Severity.INFO, "", None),
    ],
)
def test_a_control_is_a_critical_or_warning_check(
    outcome: Outcome, severity: Severity, waived: str, expected: Light | None
) -> None:
    assert prevalidation.light(result("a", outcome, severity=severity, waived_by=waived)) is expected


def test_a_pipeline_is_as_ready_as_its_least_ready_period() -> None:
    good = record(verdict=Verdict.PUBLISH, results=[result("a"), result("b")])
    held = record(verdict=Verdict.HOLD, results=[result("a", Outcome.FAILED), result("b")])
    found = prevalidation.readiness("p", [good, held, good], {})
    assert (found.state, found.of(Light.RED), found.of(Light.GREEN)) == (AnswerState.NOT_READY, ["a"], ["b"])
    unknown = record(verdict=Verdict.HOLD_NOT_EVALUATED, results=[result("a", Outcome.ERRORED)])
    assert prevalidation.readiness("p", [good, held, unknown], {}).state is AnswerState.CANNOT_TELL
    assert prevalidation.readiness("p", [good], {}).state is AnswerState.READY


def test_a_pipeline_without_a_run_cannot_be_told_and_says_why() -> None:
    found = prevalidation.readiness("p", [], {"2026-11": "growth_daily 2026-11 was refused"})
    assert (found.state, found.why) == (AnswerState.CANNOT_TELL, "2026-11: growth_daily 2026-11 was refused")
    assert prevalidation.readiness("p", [], {}).state is AnswerState.CANNOT_TELL
    assert answer(25, found).state is AnswerState.CANNOT_TELL


def test_the_answer_is_that_of_its_least_ready_pipeline_and_decides_the_exit_code() -> None:
    ready, red, unknown = line("a"), line("b", AnswerState.NOT_READY), line("c", AnswerState.CANNOT_TELL)
    assert answer(25, ready).state.exit_code == 0
    assert answer(25, ready, red).state.exit_code == 1
    assert answer(25, ready, red, unknown).state.exit_code == 3
    assert (
        Prevalidation(month="2026-11", as_of=answer(1).as_of, given=answer(1).given, today=DUE, due=DUE).state
        is AnswerState.CANNOT_TELL
    )


def test_before_the_due_day_it_is_compared_with_the_answer_before_and_after_it_with_the_decision() -> None:
    answers = [answer(20), answer(25, hour=9), answer(25, hour=20), answer(26, hour=9)]
    assert prevalidation.compared_with(answer(20, hour=9), answers) is None
    assert prevalidation.compared_with(answer(24), answers) is answers[0]
    assert prevalidation.compared_with(answer(27), answers) is answers[2]
    assert prevalidation.compared_with(answer(27), [answers[3]]) is answers[3]


def test_what_changed_names_the_controls_that_became_or_stopped_being_red() -> None:
    before = answer(25, line("p", AnswerState.NOT_READY, a=Light.RED, b=Light.GREEN, c=Light.RED))
    now = answer(26, line("p", AnswerState.CANNOT_TELL, a=Light.GREEN, b=Light.ERRORED, c=Light.RED))
    found = prevalidation.changes(now, before)
    assert (found.worse, found.better) == (["p b"], ["p a"])
    assert found.states == [("p", AnswerState.NOT_READY, AnswerState.CANNOT_TELL)]


def test_the_countdown_takes_the_last_answer_of_each_day_that_has_come() -> None:
    answers = [answer(20, hour=8), answer(20, hour=18), answer(24)]
    rows = prevalidation.burn_down(answer(25), answers)
    assert [(left, day.day) for left, day, _ in rows] == [(5, 20), (3, 22), (1, 24), (0, 25)]
    assert [one and one.as_of.hour for _, _, one in rows] == [18, None, 12, 12]
    assert prevalidation.burn_down(answer(19), []) == []


def test_of_several_answers_of_the_due_day_the_last_one_decides_however_they_lie() -> None:
    red, green = line(state=AnswerState.NOT_READY, a=Light.RED), line(a=Light.GREEN)
    first, last = answer(25, green, hour=9), answer(25, red, hour=18)
    again = replace(answer(25, green, hour=18), given=at("2026-11-25 19:00"))  # asked anew as of the same instant
    now = answer(26, green)
    for answers in ([first, last], [last, first]):
        assert prevalidation.compared_with(now, answers) is last
        assert prevalidation.burn_down(now, answers)[-1][2] is last
        assert prevalidation.changes(now, last).better == ["investor_profit a"]
    assert prevalidation.compared_with(now, [again, first, last]) is again
    told = prevalidation_text.lines(now, {}, {}, prevalidation.burn_down(now, [last, first]), None)
    assert told[-1].endswith("T-0 Wed 25 Nov NOT READY 0 of 1 green, 1 red")
    assert len({one.name for one in (first, last, again)}) == 3, "none takes another one's place"


def test_an_answer_comes_back_from_its_document() -> None:
    one = answer(25, line("p", AnswerState.NOT_READY, a=Light.RED, b=Light.PENDING))
    assert prevalidation.from_json(prevalidation.to_json(one)) == one
    with pytest.raises((KeyError, ValueError)):
        prevalidation.from_json({"month": "2026-11"})


def test_the_text_has_a_line_per_pipeline_and_the_help_of_those_that_are_not_ready() -> None:
    red = line("profit_unit", AnswerState.NOT_READY, ties=Light.RED, a=Light.GREEN, b=Light.PENDING)
    now = answer(23, red, line("investor_profit", a=Light.GREEN))
    help_ = Aid(owner="Finance; on call Jane", due="fixed by Mon 30 Nov (7 days left)", next="to the Lead Thu 26 Nov")
    before = answer(20, line("profit_unit", a=Light.GREEN))
    changed = prevalidation.changes(now, before)
    rows = prevalidation.burn_down(now, [before])
    lines = prevalidation_text.lines(
        now, {"profit_unit": help_}, {"until Mon 30 Nov (preliminary)": ["b"]}, rows, changed
    )
    assert lines[0] == "pre-validation of 2026-11 as of 2026-11-23T12:00Z: NOT READY   due Wed 25 Nov, 2 days left"
    assert "  NOT READY    profit_unit      1 of 3 controls green, 1 red, 1 pending" in lines
    assert "  READY        investor_profit  1 of 1 controls green" in lines
    for told in ("red    ties", "owner  Finance; on call Jane", "next   to the Lead Thu 26 Nov"):
        assert any(one.strip() == told for one in lines)
    assert "countdown: T-5 Fri 20 Nov 1 of 1 green, 0 red; T-3 Sun 22 Nov not asked" in lines
    assert "since Fri 20 Nov: profit_unit was ready, is not ready" in lines
    assert "since Fri 20 Nov became red: profit_unit ties" in lines
    assert lines[-1] == "pending until Mon 30 Nov (preliminary): b"


def test_every_red_and_pending_check_is_named_on_lines_that_are_not_too_wide() -> None:
    names = [f"a_check_with_a_name_of_some_length_{number}" for number in range(9)]
    red = line("profit_unit", AnswerState.NOT_READY, **dict.fromkeys(names, Light.RED))
    before = answer(20, line("profit_unit", **dict.fromkeys(names, Light.GREEN)))
    now = answer(23, red)
    lines = prevalidation_text.lines(now, {}, {"until Mon 30 Nov": names}, [], prevalidation.changes(now, before))
    assert max(map(len, lines)) <= prevalidation_text.WIDTH
    for head in ("               red    ", "since Fri 20 Nov became red: ", "pending until Mon 30 Nov: "):
        (start,) = [number for number, one in enumerate(lines) if one.startswith(head)]
        more = itertools.takewhile(lambda one: one.startswith(" " * 22), lines[start + 1 :])
        told = " ".join([lines[start].removeprefix(head), *map(str.strip, more)])
        assert told.replace("profit_unit ", "") == ", ".join(names)


def test_programs_get_what_is_pending_the_countdown_and_what_changed() -> None:
    now = answer(23, line("p", AnswerState.NOT_READY, a=Light.RED, b=Light.GREEN, c=Light.PENDING))
    before = answer(20, line("p", a=Light.GREEN, b=Light.GREEN))
    rows = prevalidation.burn_down(now, [before])
    pending = {"until Mon 30 Nov": ["c", "c"]}
    changed = prevalidation.changes(now, before)
    told = document(Shown(answer=now, pending=pending, countdown=rows, changed=changed))
    assert told["pending"] == {"until Mon 30 Nov": ["c"]}
    asked = {"as_of": "2026-11-20T12:00:00+00:00", "state": "ready", "controls": {"green": 2}}
    assert told["countdown"] == [
        {"days_left": 5, "day": "2026-11-20", **asked},
        {"days_left": 3, "day": "2026-11-22", **dict.fromkeys(asked)},
    ]
    assert told["changes"] == {
        "since": "2026-11-20T12:00:00+00:00",
        "became_red": ["p a"],
        "no_longer_red": [],
        "states": [{"pipeline": "p", "was": "ready", "is": "not ready"}],
    }
    assert document(Shown(answer=now))["changes"] is None
    json.dumps(told, allow_nan=False)


FORMAT_RUNS = (
    replace(ran("2026-11-23 12:00", failed("ties"), pipeline="profit_unit"), rehearsal=True),
    record(verdict=Verdict.PUBLISH, rehearsal=True, results=[result("sums")]),
)


def an_answer() -> Shown:
    """One pipeline that is not ready, one of which nothing can be told, one that is ready."""
    help_ = Aid(
        owner="Finance | Risk; on call Jane", due="fixed by Mon 30 Nov (7 days left)", next="to the Lead Thu 26"
    )
    red = line("profit_unit", AnswerState.NOT_READY, ties=Light.RED, trend=Light.WARNED, a=Light.GREEN, b=Light.PENDING)
    unknown = replace(line("growth_daily", AnswerState.CANNOT_TELL), why="2026-11: not tried\x1b\n::error::x")
    now = answer(23, red, unknown, line("investor_profit", sums=Light.GREEN))
    before = answer(20, line("profit_unit", ties=Light.GREEN))
    return Shown(
        answer=now,
        aids={"profit_unit": help_, "growth_daily": replace(help_, owner="Accounts; on call Anna")},
        pending={"until Mon 30 Nov (preliminary)": ["b"]},
        countdown=prevalidation.burn_down(now, [before]),
        changed=prevalidation.changes(now, before),
    )


SAID = (
    "pre-validation of 2026-11 as of 2026-11-23T12:00Z: CANNOT TELL",
    "profit_unit",
    "1 of 4 controls green, 1 red, 1 red warning, 1 pending",
    "ties",
    "trend",
    "Risk; on call Jane",
    "fixed by Mon 30 Nov (7 days left)",
    "to the Lead Thu 26",
    "growth_daily",
    "Accounts; on call Anna",
    "2026-11: not tried",
    "2 days left to fix them",
    "T-5 Fri 20 Nov 1 of 1 green, 0 red",
    "since Fri 20 Nov became red: profit_unit ties, profit_unit trend",
    "pending until Mon 30 Nov (preliminary): b",
)


@pytest.mark.parametrize("format", ["junit", "github", "markdown"])
def test_every_format_says_all_that_the_text_says_before_the_runs(format: str) -> None:
    told = html.unescape(render_answer(an_answer(), FORMAT_RUNS, format)).replace("%25", "%").replace("%3A", ":")
    for said in SAID:
        assert said in told, (said, told)
    assert told.index("Risk; on call Jane") < told.index("3 of 40 cells differ"), "the runs come after it"
    assert "\x1b" not in told


def test_junit_has_a_case_per_pipeline_that_fails_as_the_exit_code_does() -> None:
    root = ElementTree.fromstring(render_answer(an_answer(), FORMAT_RUNS, "junit"))  # noqa: S314 - written just now
    suite = root[0]
    assert (suite.get("name"), suite.get("tests"), suite.get("failures"), suite.get("errors")) == (
        "prevalidation 2026-11",
        "3",
        "1",
        "1",
    )
    outcomes = {case.get("name"): [child.tag for child in case] for case in suite.iter("testcase")}
    assert outcomes == {"profit_unit": ["failure"], "growth_daily": ["error"], "investor_profit": []}
    assert int(root.get("tests", "0")) == sum(int(one.get("tests", "0")) for one in root)
    told = suite.findtext("testcase/failure") or ""
    assert "owner: Finance | Risk; on call Jane\ndue: fixed by Mon 30 Nov (7 days left)\nnext: to the Lead" in told


def test_annotations_are_errors_where_it_is_not_ready_and_none_starts_another() -> None:
    found = render_answer(an_answer(), FORMAT_RUNS, "github").splitlines()
    assert [line.partition("::")[2].partition(" title")[0] for line in found[:4]] == ["error"] * 3 + ["notice"]
    assert found[1].startswith("::error title=NOT READY%3A profit_unit 2026-11::1 of 4 controls green")
    assert all(line.startswith("::") for line in found)
    assert not any(line.startswith("::error::x") for line in found)


def test_the_table_in_markdown_has_a_row_per_pipeline_whatever_stands_in_it() -> None:
    found = render_answer(an_answer(), FORMAT_RUNS, "markdown").splitlines()
    rows = [line for line in found[2:] if line.startswith("|")][:5]
    assert {row.count(" | ") for row in (rows[0], *rows[2:])} == {8}
    assert "| READY |" in rows[4]


@pytest.mark.parametrize(
    ("day", "ending"),
    [(23, "2 days left to fix them"), (25, "decided today"), (26, "past the day it was due, escalated as above")],
)
def test_before_on_and_after_the_due_day_the_answer_says_what_it_means(day: int, ending: str) -> None:
    lines = prevalidation_text.lines(answer(day, line(state=AnswerState.NOT_READY, a=Light.RED)), {}, {}, [], None)
    assert lines[-1].endswith(ending)


def test_a_rehearsed_run_is_never_called_published() -> None:
    words = {Verdict.PUBLISH: "READY", Verdict.HOLD: "NOT READY", Verdict.HOLD_NOT_EVALUATED: "CANNOT TELL"}
    for verdict, word in words.items():
        shown = render(record(verdict=verdict, version=None, rehearsal=True))
        assert shown.startswith(f"{word}  ")
        assert "not published" in shown
        assert "PUBLISHED" not in shown


def test_investors_pipelines_are_judged_with_all_they_are_built_on() -> None:
    found = registry.load(ROOT).read_by_investors()
    assert "user_days" in found, "no investor reads it, but their users are counted from it"
    assert "experiments_weekly" not in found
    assert found.index("profit_unit") < found.index("investor_profit") < found.index("executive_report")


def test_who_hears_next_is_counted_from_the_first_failure_of_what_is_open(tmp_path: Path) -> None:
    warehouse = store.Warehouse(tmp_path)
    books = failed("ties_out", failure_class="F11")
    incidents.note(warehouse, ran("2026-11-10 06:00", books, pipeline="profit_unit"))
    again = ran("2026-11-12 06:00", books, pipeline="profit_unit")
    other = ran("2026-11-12 06:00", failed("cells"))
    found = _red(seen(warehouse, "2026-11-25 12:00"), [again, other])
    assert {one.failure.check: f"{one.since:%d %H:%M}" for one in found} == {
        "ties_out": "10 06:00",
        "cells": "12 06:00",
    }
    units = [one for one in found if one.pipeline == "profit_unit"]
    assert hears(house(), units, at("2026-11-12 06:00")) == "went to the Lead Wed 11 Nov 01:00"
    assert hears(house(), _red(seen(warehouse, "2026-11-12 06:00"), []), at("2026-11-12 06:00")) == "", (
        "of pipelines that were not rehearsed"
    )


def test_rungs_that_are_climbed_now_are_at_once_and_each_of_them_stands_once_at_its_earliest() -> None:
    found = incidents.fold([incidents.observed(ran("2026-11-28 15:00", failed("a"), failed("b")))]).values()
    told = hears(house(), [*found], at("2026-11-28 15:00"))
    assert told == "to the Business Analytics Team's manager at once; to the Lead Mon 30 Nov 09:00"


def test_what_is_pending_of_a_fortnight_that_runs_on_waits_for_the_month_it_ends_in() -> None:
    known, roster = declared()
    waiting = [SimpleNamespace(check=kind.value, when=(kind,)) for kind in (Kind.PRELIMINARY, Kind.FINAL)]
    bound = {
        name: SimpleNamespace(all_checks=waiting, pipeline=known.pipelines[name])
        for name in ("investor_profit", "executive_report")
    }
    project: Any = SimpleNamespace(bound=bound, roster=roster)

    def pending(pipeline: str, period: str) -> dict[str, list[str]]:
        results = [result(one.check, Outcome.NOT_RUN) for one in waiting]
        return dict(_pending(project, [record(pipeline=pipeline, period=period, results=results)]))

    assert pending("investor_profit", "2026-11") == {
        "until Mon 30 Nov (preliminary)": ["preliminary"],
        "until the books are closed (final, Thu 3 Dec)": ["final"],
    }
    assert pending("executive_report", "2026-11-23") == {
        "until Thu 31 Dec (preliminary)": ["preliminary"],
        "until the books are closed (final, Mon 7 Dec)": ["final"],
    }


def test_a_pipeline_nothing_is_known_of_says_whose_it_is_and_who_would_hear() -> None:
    found = aid(house(), "profit_unit", ["2026-11"], [], at("2026-11-25 12:00"), "")
    assert found.owner == "Finance and Risk Teams; on call Laura until Mon 30 Nov 09:00 (backup Jane)"
    assert found.next == "to the Lead Fri 4 Dec 09:00"
    assert found.due == "month's checks complete by Thu 3 Dec (8 days left)"


def incident(when: str, check: str, failure_class: str, pipeline: str, period: str = "2026-11", **more: Any) -> Any:
    run = ran(when, failed(check, failure_class=failure_class, **more), pipeline=pipeline, period=period)
    (found,) = incidents.fold([incidents.observed(run)]).values()
    return found


def test_what_is_due_counts_from_each_first_failure_by_its_class_with_the_time_that_is_left() -> None:
    now = at("2026-11-25 12:00")
    silent = incident("2026-11-20 06:00", "silent", "F04", "profit_unit")
    later = incident("2026-11-24 06:00", "silent_too", "F04", "profit_unit")
    found = aid(house(), "profit_unit", ["2026-11"], [later, silent], now, "").due
    assert found == (
        "source silent: warning from Fri 20 Nov 19:00 (5 days over); source silent: alarm from Sat 21 Nov 19:00 "
        "(4 days over); source solved by Fri 27 Nov (2 days left); month's checks complete by Thu 3 Dec (8 days left)"
    )
    other = incident("2026-11-20 06:00", "null", "F01", "profit_unit")
    assert aid(house(), "profit_unit", ["2026-11"], [other], now, "").due == (
        "month's checks complete by Thu 3 Dec (8 days left)"
    ), "what is silent is another matter"


def test_every_level_of_the_month_is_listed_and_what_its_end_did_not_mend_is_over() -> None:
    broken = incident("2026-11-20 06:00", "cells", "F14", "investor_profit")
    found = aid(house(), "investor_profit", ["2026-11"], [broken], at("2026-11-27 12:00"), "")
    assert found.due == (
        "pre-validation Wed 25 Nov (2 days over); fixed by Mon 30 Nov (3 days left); preliminary report Mon 30 Nov "
        "(3 days left); final report by Thu 3 Dec (6 days left)"
    )
    report = incident("2026-11-24 06:00", "sums", "F14", "executive_report", "2026-11-09")
    found = aid(house(), "executive_report", ["2026-10-26", "2026-11-09"], [report], at("2026-11-24 12:00"), "")
    assert found.due == "ready by Tue 24 Nov 09:00 (2 h 00 min left); fixed by Mon 30 Nov (6 days left)"


def test_what_a_waiver_releases_is_owed_by_nobody() -> None:
    waived = incident("2026-11-20 06:00", "cells", "F14", "investor_profit", waived_by="w1")
    found = aid(house(), "investor_profit", ["2026-11"], [waived], at("2026-11-25 12:00"), "Anna")
    assert (found.owner, found.due, found.next) == ("Anna", "", "")


@pytest.mark.parametrize(
    ("moment", "said"),
    [
        (date(2026, 11, 25), "today"),
        (date(2026, 11, 24), "1 day over"),
        (at("2026-11-25 13:05"), "1 h 05 min left"),
        (at("2026-11-25 11:30"), "0 h 30 min over"),
        (at("2026-11-26 04:59"), "16 h 59 min left"),  # still the 25th in New York
        (at("2026-11-26 05:00"), "1 day left"),
    ],
)
def test_the_time_left_is_counted_in_days_of_the_company_and_within_a_day_in_hours(
    moment: date | datetime, said: str
) -> None:
    assert time_left(moment, at("2026-11-25 12:00"), declared()[1].zone) == said


def test_a_red_warning_is_not_green_and_is_listed_with_all_its_help(tmp_path: Path) -> None:
    warned = failed("trend", Severity.WARNING, failure_class="F15")
    runs = [replace(ran("2026-11-25 12:00", warned, result("sums")), verdict=Verdict.PUBLISH, rehearsal=True)]
    now = answer(25, prevalidation.readiness("investor_profit", runs, {}))
    assert (now.state, now.state.exit_code) == (AnswerState.NOT_READY, 1)
    helped = _aids(house(), now, runs, _red(seen(store.Warehouse(tmp_path), "2026-11-25 12:00"), runs))
    lines = prevalidation_text.lines(now, helped, {}, prevalidation.burn_down(now, []), None)
    assert lines[2:7] == [
        "  NOT READY    investor_profit  1 of 2 controls green, 1 red warning",
        "               warns  trend",
        f"               owner  {helped['investor_profit'].owner}",
        "               due    pre-validation Wed 25 Nov (today); fixed by Mon 30 Nov (5 days left); "
        "preliminary report Mon 30 Nov (5 days left); final report by Thu 3 Dec (8 days left)",
        "               next   to the Lead Fri 27 Nov 09:00; to the Business Analytics Team's manager Fri 27 Nov 09:00",
    ]
    assert "0 red or not evaluated, 1 red warning; 1 of 1 pipelines not ready; decided today" in lines[8]
    assert "T-0 Wed 25 Nov NOT READY 1 of 2 green, 0 red, 1 red warning" in lines[9]
    before = answer(24, line("investor_profit", trend=Light.GREEN, sums=Light.GREEN))
    assert prevalidation.changes(now, before).worse == ["investor_profit trend"]
    assert render(runs[0]).startswith("WARNS  investor_profit 2026-11"), "a card never calls ready what is not"


def test_a_waived_warning_is_as_ready_as_any_waived_failure(tmp_path: Path) -> None:
    warned = failed("trend", Severity.WARNING, failure_class="F15")
    runs = [replace(ran("2026-11-25 12:00", warned, result("sums")), verdict=Verdict.PUBLISH)]
    waiver = Waiver(
        pipeline="investor_profit",
        check="trend",
        period="2026-11",
        ceiling=Decimal(5),
        owner="Anna",
        reason="known",
        until=date(2999, 1, 1),
        recorded=at("2026-11-25 08:00"),
    )
    now = answer(25, prevalidation.readiness("investor_profit", runs, {}, [waiver]))
    assert (now.state, now.state.exit_code, now.pipelines[0].of(Light.WAIVED)) == (AnswerState.READY, 0, ["trend"])
    assert prevalidation_text.lines(now, {}, {}, [], None)[-1] == (
        "1 of 2 controls green, 0 pending: everything due is green, or waived (1)"
    )
    for other in ({"check": "sums"}, {"period": "2026-10"}, {"pipeline": "profit_unit"}, {"until": date(2026, 1, 1)}):
        found = prevalidation.readiness("investor_profit", runs, {}, [replace(waiver, **other)])  # type: ignore[arg-type]
        assert found.state is AnswerState.NOT_READY


def test_a_day_that_was_red_before_the_rehearsal_counts_from_its_own_first_failure(tmp_path: Path) -> None:
    warehouse = store.Warehouse(tmp_path)
    books = failed("ties_out", failure_class="F11")
    incidents.note(warehouse, ran("2026-11-10 06:00", books, pipeline="profit_unit", period="2026-11-09"))
    found = _red(seen(warehouse, "2026-11-25 12:00"), [ran("2026-11-12 06:00", books, pipeline="profit_unit")])
    assert [one.period for one in found] == ["2026-11-09", "2026-11"]
    assert hears(house(), found, at("2026-11-12 06:00")) == "went to the Lead Wed 11 Nov 01:00"
    passes = replace(ran("2026-11-12 06:00", result("ties_out"), pipeline="profit_unit"), rehearsal=True)
    assert [one.period for one in _red(seen(warehouse, "2026-11-25 12:00"), [passes])] == ["2026-11-09"], (
        "the day itself is still held"
    )


def test_a_clone_shares_files_and_nothing_that_happens_in_it_is_seen_outside(tmp_path: Path) -> None:
    warehouse = store.Warehouse(tmp_path / "w")
    warehouse.records.put("runs", "one", {"a": 1})
    warehouse.records.put("outbox", "two", {"a": 1})
    kept = tmp_path / "w" / "units" / "data" / "run" / "part-0.parquet"
    staged = tmp_path / "w" / "units" / "_staging" / "other" / "part-0.parquet"
    for file in (kept, staged):
        file.parent.mkdir(parents=True)
        file.write_bytes(b"rows")
    with store.cloned(warehouse, ["runs"]) as folder:
        clone = store.Warehouse(folder)
        assert clone.tables() == ["units"]
        assert (folder / "units" / "data" / "run" / "part-0.parquet").samefile(kept)
        assert not (folder / "units" / "_staging").exists()
        assert (clone.records.list("runs"), clone.records.list("outbox")) == (["one"], [])
        clone.records.put("runs", "one", {"a": 2})
        clone.records.put("runs", "three", {})
        assert list(warehouse.tables()) == ["units"]
    assert warehouse.records.all("runs") == {"one": {"a": 1}}
    assert not (tmp_path / "w" / "_scratch").exists()


def test_a_clone_that_cannot_be_made_is_one_sentence_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    warehouse = store.Warehouse(tmp_path / "w")
    warehouse.records.put("runs", "one", {})

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    with pytest.raises(StoreError, match="cannot be cloned") as raised, store.cloned(warehouse, ["runs"]):
        pass
    assert "hard links" in str(raised.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--month", "2026-13"], "is not a month"),
        (["--month", "2026-10-05"], "is not a month"),
        (["--month", "2026-W41"], "is not a month"),
        (["--month", "2026-10", "--as-of", "2999-01-01"], "in the future"),
        (["--month", "2026-10", "--as-of", "2026-09-30"], "no complete day"),
    ],
)
def test_what_cannot_be_asked_is_refused_in_a_sentence(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    assert main(["prevalidate", *words]) == 2
    assert said in capsys.readouterr().err


def test_a_rehearsal_has_the_roster_of_before_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    warehouse = store.Warehouse(tmp_path / "w")
    warehouse.prepare()
    last_roster.keep(warehouse, ROOT, declared()[0])
    served = []

    class Looks(batch.Session):
        def run(self) -> int:
            assert self.places.warehouse is not None
            clone = store.Warehouse(self.places.warehouse)
            served.append(last_roster.stand_in(clone, [Finding(file="f", line=1, key="", message="m")]))
            return 0

    monkeypatch.setattr(batch, "Session", Looks)
    prevalidate.rehearse(warehouse, [], Namespace(sources=None))
    assert served != [None]
