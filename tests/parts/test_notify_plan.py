"""Who is told what, when: a month of a red pipeline under a clock turned by hand, then each rule by itself."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from notify_support import BROKEN, ROOT, Post, World, at, contacts_of, declared, every_contact, failed, house, ran
from run_records import result

from dq.base.model import Severity
from dq.people import Roster, load_roster
from dq.runbooks.on_call import duty
from dq.tell import incidents
from dq.tell.formats import alertmanager
from dq.tell.grouping import STORM
from dq.tell.message import State
from dq.tell.outbox import Delivery
from dq.tell.recipients import ladder, next_step, recipients
from dq.tell.senders import Sent
from dq.tell.words import headline

TREND = "investor_profit_fits_its_trend"
HALF_HOUR, MINUTE, HOUR = timedelta(minutes=30), timedelta(minutes=1), timedelta(hours=1)


def red_november() -> World:
    """A critical failure on a Friday evening, a warning on a Thursday evening, a waiver for two days, then mended."""
    warned = failed(TREND, Severity.WARNING, failure_class="F15")
    return World(
        house(),
        runs=[
            ran("2026-11-06 22:00", failed()),
            ran("2026-11-12 23:00", failed(), warned),
            ran("2026-11-23 15:00", failed(), result(TREND)),
            ran("2026-11-30 20:30", result(BROKEN), result(TREND)),
        ],
        waived=[(BROKEN, "2026-11-18 15:00", "2026-11-20 15:00")],
    )


# By the roster: before the last week Data Engineering watches on weekdays 09-17, Veterans Day (the 11th) and weekends
# excepted; in the last week (from the 24th) daily 08-18, supported by Business Analytics and Finance. On call are
# Danny, Anna, Laura and Jane from the Mondays 9, 16, 23 and 30; Anna is the pipeline's engineer. The 25th escalates on
# the next business day, Friday because Thursday is Thanksgiving; so does one business day before Monday the 30th.
DE, BA, FIN = "data-engineering-channel", "business-analytics-channel", "finance-and-risk-channel"
LEAD, MANAGER = "data-engineering-lead-pager", "business-analytics-manager-mail"
DANNY, ANNA, LAURA, JANE = "danny-pager", "anna-pager", "laura-pager", "jane-pager"
P = "investor_profit 2026-11"
NEW, STILL, OVER = f"CRITICAL  {P}: {BROKEN} failed", f"CRITICAL  {P}: {BROKEN} still failing", "passes again"
WARNED = f"WARNING  {P}: {TREND} failed"
WARNS = f"WARNING  {P}: {TREND} still failing"
BOTH = f"CRITICAL  {P}: 2 checks still failing"
SENT: list[tuple[str, str, list[str]]] = [
    ("Mon 09 Nov 09:00", NEW, [ANNA, DANNY, DE]),
    ("Tue 10 Nov 09:00", STILL, [ANNA, DANNY, DE]),
    ("Thu 12 Nov 09:00", STILL, [ANNA, DANNY, DE]),
    ("Fri 13 Nov 09:00", WARNED, [ANNA, DANNY, DE]),
    ("Fri 13 Nov 09:00", STILL, [ANNA, DANNY, DE]),
    ("Mon 16 Nov 09:00", BOTH, [ANNA, DE]),
    ("Tue 17 Nov 09:00", BOTH, [ANNA, DE]),
    ("Wed 18 Nov 09:00", BOTH, [ANNA, DE]),
    ("Wed 18 Nov 10:00", f"PAUSED  {P}: {BROKEN} waived", [ANNA, DANNY, DE]),
    ("Thu 19 Nov 09:00", WARNS, [ANNA, DE]),
    ("Fri 20 Nov 09:00", WARNS, [ANNA, DE]),
    ("Fri 20 Nov 10:00", STILL, [ANNA, DE]),
    ("Mon 23 Nov 09:00", f"CRITICAL  {P}: 2 checks failed", [LAURA]),
    ("Mon 23 Nov 09:00", WARNS, [ANNA, DE]),
    ("Mon 23 Nov 09:00", STILL, [ANNA, DE]),
    ("Mon 23 Nov 10:00", f"RESOLVED  {P}: {TREND} {OVER}", [ANNA, DANNY, DE, LAURA]),
    ("Tue 24 Nov 08:00", NEW, [BA, FIN]),
    ("Tue 24 Nov 09:00", STILL, [ANNA, DE, LAURA]),
    ("Wed 25 Nov 08:00", STILL, [BA, FIN]),
    ("Wed 25 Nov 09:00", STILL, [ANNA, DE, LAURA]),
    ("Thu 26 Nov 08:00", STILL, [BA, FIN]),
    ("Thu 26 Nov 09:00", STILL, [ANNA, DE, LAURA]),
    ("Fri 27 Nov 08:00", STILL, [BA, FIN]),
    ("Fri 27 Nov 09:00", STILL, [ANNA, DE, LAURA]),
    ("Fri 27 Nov 09:00", NEW, [MANAGER, LEAD]),
    ("Sat 28 Nov 08:00", STILL, [BA, FIN]),
    ("Sat 28 Nov 09:00", STILL, [ANNA, MANAGER, DE, LEAD, LAURA]),
    ("Sun 29 Nov 08:00", STILL, [BA, FIN]),
    ("Sun 29 Nov 09:00", STILL, [ANNA, MANAGER, DE, LEAD, LAURA]),
    ("Mon 30 Nov 08:00", STILL, [BA, FIN]),
    ("Mon 30 Nov 09:00", NEW, [JANE]),
    ("Mon 30 Nov 09:00", STILL, [ANNA, MANAGER, DE, LEAD]),
    ("Mon 30 Nov 15:30", f"RESOLVED  {P}: {BROKEN} {OVER}", [ANNA, BA, MANAGER, DANNY, DE, LEAD, FIN, JANE, LAURA]),
]
EXPECTED = [f"{when}  {what}  -> {', '.join(to)}" for when, what, to in SENT]


def test_a_month_of_a_red_pipeline_tells_everybody_what_concerns_them_when_they_watch() -> None:
    assert red_november().walk("2026-11-06 21:00", "2026-12-02 00:00", HALF_HOUR) == EXPECTED


@pytest.mark.slow
def test_the_same_month_minute_by_minute() -> None:
    assert red_november().walk("2026-11-06 21:00", "2026-12-02 00:00", MINUTE) == EXPECTED


def test_a_clock_that_is_rarely_looked_at_tells_late_but_nothing_twice() -> None:
    world = red_november()
    lines = world.walk("2026-11-06 21:00", "2026-11-13 21:00", timedelta(hours=17))
    assert lines[0].startswith("Mon 09 Nov 12:00")
    assert len(lines) == len(set(lines))


# -- one rule each ---------------------------------------------------------------------------------------------------

WATCHED = "2026-11-10 15:00"  # a Tuesday, 10:00 in the company's zone


def world(*runs: Any, **notify: Any) -> World:
    return World(house(**notify), runs=list(runs))


def test_planning_again_changes_nothing() -> None:
    told = world(ran(WATCHED, failed()))
    assert contacts_of(told.tick(at(WATCHED))) == [ANNA, DANNY, DE]
    assert told.tick(at(WATCHED)) == []
    assert told.tick(at(WATCHED) + HOUR) == []


def test_what_hits_investors_at_night_goes_at_once_where_the_roster_says_so() -> None:
    night = "2026-11-15 07:00"  # a Sunday, 02:00 in the company's zone
    told = world(ran(night, failed(dataset="profit_unit"), pipeline="profit_unit", period="2026-11-14"))
    assert DANNY in contacts_of(told.tick(at(night)))
    waits = world(ran(night, failed(severity=Severity.WARNING), pipeline="profit_unit", period="2026-11-14"))
    assert waits.tick(at(night)) == []
    assert {entry.message.not_before for entry in waits.entries} == {at("2026-11-16 14:00")}


def test_a_check_mended_before_anybody_was_told_is_not_told_at_all() -> None:
    told = world(ran("2026-11-07 06:00", failed()), ran("2026-11-08 06:00", result(BROKEN)))
    lines = told.walk("2026-11-07 06:00", "2026-11-10 15:00", HOUR)
    assert lines == []
    assert all(entry.dropped for entry in told.entries)
    assert told.entries


def test_a_flapping_check_is_told_at_most_every_ten_minutes() -> None:
    first = at(WATCHED)
    runs = [ran(f"{first + n * MINUTE:%Y-%m-%d %H:%M}", failed() if n % 2 == 0 else result(BROKEN)) for n in range(60)]
    told = world(*runs)
    sent = [message for n in range(70) for message in told.tick(first + n * MINUTE) if message.contact == DANNY]
    assert 2 <= len(sent) <= 7
    assert sent[-1].state is State.RESOLVED, "what it came to in the end is told"


def test_a_warning_that_turns_critical_is_told_at_once() -> None:
    warning = failed(severity=Severity.WARNING)
    told = world(ran(WATCHED, warning), ran("2026-11-10 15:05", failed()))
    told.tick(at(WATCHED))
    assert contacts_of(told.tick(at("2026-11-10 15:05"))) == [ANNA, DANNY, DE]


def test_a_message_whose_hours_are_over_waits_for_the_next() -> None:
    told = world(ran("2026-11-07 06:00", failed()))
    told.tick(at("2026-11-07 06:00"))  # kept for Monday 14:00 UTC, and nobody looks until Monday night
    assert told.tick(at("2026-11-10 03:00")) == []
    sent = told.tick(at("2026-11-10 14:00"))
    assert contacts_of(sent) == [ANNA, DANNY, DE]


def test_an_unsent_message_is_not_resolved_where_nobody_can_have_got_it_and_is_where_one_may_have() -> None:
    down = Sent(outcome=Delivery.FAILED, reason="connection refused")
    told = world(ran(WATCHED, failed()), ran("2026-11-10 16:00", result(BROKEN)))
    told.post = Post(answers=[down] * 3)
    assert told.tick(at(WATCHED)) == []
    sent = told.tick(at("2026-11-10 16:00"))
    assert {message.state for message in sent} == {State.RESOLVED}
    states = [(entry.message.state, entry.dropped, entry.sent is not None) for entry in told.entries]
    assert (State.FIRING, True, False) in states, "the failure is not told after it was mended"
    assert (State.FIRING, False, True) not in states


def test_what_is_still_red_is_told_although_the_rest_of_its_message_was_overtaken() -> None:
    """Two failures share a message that could not be sent; one of them passes meanwhile."""
    down = Sent(outcome=Delivery.FAILED, reason="connection refused")
    told = world(ran(WATCHED, failed("a"), failed("b")), ran("2026-11-10 16:00", result("a"), failed("b")))
    told.post = Post(answers=[down] * 3)
    assert told.tick(at(WATCHED)) == []
    sent = told.tick(at("2026-11-10 16:00"))
    heard = {(m.contact, a.key.split("/")[1], m.state.value) for m in sent for a in m.alerts}
    assert heard == {(to, *what) for to in (ANNA, DANNY, DE) for what in (("a", "resolved"), ("b", "firing"))}
    assert told.tick(at("2026-11-10 16:30")) == [], "told once it was sent"


def test_a_target_that_is_down_for_days_gets_one_message_when_it_is_back() -> None:
    down = Sent(outcome=Delivery.FAILED, reason="connection refused")
    told = world(ran(WATCHED, failed()), targets={DE: {"kind": "slack"}})
    told.post = Post(answers=[down] * 10_000)
    assert told.walk(WATCHED, "2026-11-13 15:00", HOUR) == []
    told.post.answers.clear()
    assert len(told.walk("2026-11-13 15:30", "2026-11-13 20:00", HALF_HOUR)) == 1


def test_routes_go_by_severity_pipeline_and_team_and_the_first_that_fits_counts() -> None:
    routes = [
        {"severity": ["warning"], "to": ["owner_team"], "repeat_hours": 168},
        {"pipelines": ["growth_daily"], "to": ["backup"]},
        {"teams": ["Business Analytics Team"], "to": ["lead", "manager", "business-analytics-channel"]},
    ]

    def told(pipeline: str, severity: Severity) -> list[str]:
        run = ran(WATCHED, failed(severity=severity), pipeline=pipeline, period="2026-11")
        return contacts_of(world(run, routes=routes).tick(at(WATCHED)))

    assert told("investor_profit", Severity.WARNING) == [BA]
    assert told("growth_daily", Severity.CRITICAL) == [ANNA]
    assert told("investor_profit", Severity.CRITICAL) == [BA, LEAD, "data-engineering-manager-mail"]
    assert DANNY in told("profit_unit", Severity.CRITICAL), "no route fits: that of the house"


def test_only_contacts_with_a_target_are_told() -> None:
    told = world(ran(WATCHED, failed()), targets={DANNY: {"kind": "slack"}})
    assert contacts_of(told.tick(at(WATCHED))) == [DANNY]
    assert world(ran(WATCHED, failed()), targets={}).tick(at(WATCHED)) == []


def test_escalation_is_counted_from_the_first_failure() -> None:
    """`a discrepancy with the books is escalated within 24 h`, whatever later runs see."""
    books = failed("profit_ties_out_to_ledger", failure_class="F11", dataset="profit_unit")
    runs = [ran(f"2026-11-{day:02d} 16:00", books, pipeline="profit_unit", period="2026-10") for day in (10, 11)]
    told = world(*runs)
    lines = told.walk("2026-11-10 16:00", "2026-11-11 16:30", HALF_HOUR)
    assert [line.partition("  ")[0] for line in lines if LEAD in line] == ["Wed 11 Nov 11:00"]
    one = next(iter(told.entries)).message.alerts[0]
    assert one.since == at("2026-11-10 16:00")


def test_the_ladder_is_climbed_in_the_order_of_time() -> None:
    from dq.tell import incidents

    (one,) = incidents.fold([incidents.observed(ran("2026-11-20 16:00", failed()))]).values()
    steps = ladder(house(), one)
    assert [(step.to, step.at, step.contact) for step in steps] == [
        ("the Lead", at("2026-11-27 14:00"), LEAD),
        ("the Business Analytics Team's manager", at("2026-11-27 14:00"), MANAGER),
    ]
    following = next_step(house(), one, at("2026-11-27 13:59"))
    assert following == steps[0]
    assert next_step(house(), one, at("2026-11-27 14:00")) is None


def test_what_nobody_is_said_to_watch_is_told_at_once() -> None:
    """The roster may be wrong by the time somebody has to be told; an alert too many is better than none."""
    roster = declared()[1]
    unwatched = replace(roster, model=roster.model.model_copy(update={"watch": []}))
    told = World(house(unwatched), runs=[ran("2026-11-15 07:00", failed())])
    assert contacts_of(told.tick(at("2026-11-15 07:00"))) == [ANNA, DANNY]


# -- storms and keys of their own ------------------------------------------------------------------------------------


def checks(number: int, *, passing: int = 0) -> list[Any]:
    return [result(f"check_{n}") if n < passing else failed(f"check_{n}") for n in range(number)]


def pager(*runs: Any) -> World:
    return world(*runs, targets={DANNY: {"kind": "pagerduty"}})


def test_five_hundred_failures_are_one_message_per_contact() -> None:
    told = world(ran(WATCHED, *checks(500)))
    sent = told.tick(at(WATCHED))
    assert contacts_of(sent) == [ANNA, DANNY, DE]
    assert {len(message.alerts) for message in sent} == {500}


def test_pagerduty_gets_an_event_of_its_own_per_incident_and_resolves_each() -> None:
    told = pager(ran(WATCHED, *checks(3)), ran("2026-11-10 16:00", *checks(3, passing=2)))
    opened = told.tick(at(WATCHED))
    keys = [f"dq/investor_profit/check_{n}/2026-11" for n in range(3)]
    assert sorted(message.dedup for message in opened) == keys
    resolved = told.tick(at("2026-11-10 16:00"))
    assert sorted((message.dedup, message.state.value) for message in resolved) == [
        (key, "resolved") for key in keys[:2]
    ]


def test_a_storm_is_one_pagerduty_event_that_is_resolved_when_the_last_check_passes() -> None:
    many = STORM + 5
    runs = [ran(WATCHED, *checks(many)), ran("2026-11-10 16:00", *checks(many, passing=many - 1))]
    told = pager(*runs, ran("2026-11-10 17:00", *checks(many, passing=many)))
    (opened,) = told.tick(at(WATCHED))
    assert (opened.dedup, len(opened.alerts)) == ("dq/investor_profit/2026-11", many)
    assert told.tick(at("2026-11-10 16:00")) == []
    (solved,) = told.tick(at("2026-11-10 17:00"))
    assert (solved.dedup, solved.state, len(solved.alerts)) == (opened.dedup, State.RESOLVED, many)


def months(number: int, *results: Any, when: str = WATCHED) -> list[Any]:
    """As many months of a pipeline as a backfill found red."""
    return [ran(when, *(results or (failed(),)), period=f"2026-{n:02}") for n in range(1, number + 1)]


def test_many_periods_of_one_check_are_one_message_to_people_and_one_page() -> None:
    told = world(*months(9), targets=every_contact() | {DANNY: {"kind": "pagerduty"}})
    sent = told.tick(at(WATCHED))
    assert contacts_of(sent) == sorted({ANNA, DANNY, DE, MANAGER}), "each of them once"
    message = sent[0]
    assert (message.period, len(message.alerts)) == ("2026-01..2026-09", 9)
    assert headline(message) == f"CRITICAL  investor_profit 2026-01..2026-09: {BROKEN} failed"
    assert [alert.found for alert in message.alerts][:2] == [f"2026-0{n}: 3 of 40 cells differ" for n in (1, 2)]


def test_a_page_over_many_periods_is_resolved_when_the_last_of_them_passes() -> None:
    later, last = "2026-11-10 16:00", "2026-11-10 17:00"
    told = pager(*months(9), *months(8, result(BROKEN), when=later), ran(last, result(BROKEN), period="2026-09"))
    (opened,) = told.tick(at(WATCHED))
    assert opened.dedup == "dq/investor_profit/2026-01..2026-09"
    assert told.tick(at(later)) == []
    (solved,) = told.tick(at(last))
    assert (solved.dedup, solved.state, len(solved.alerts)) == (opened.dedup, State.RESOLVED, 9)


def test_two_periods_stay_apart_and_machines_get_each() -> None:
    assert {message.period for message in world(*months(2)).tick(at(WATCHED))} == {"2026-01", "2026-02"}
    machine = {"kind": "alertmanager", "url": "https://alerts.example.com"}
    told = world(*months(4), targets={"alerts": machine}, routes=[{"to": ["alerts"]}])
    assert [message.period for message in told.tick(at(WATCHED))] == [f"2026-0{n}" for n in range(1, 5)]


def test_a_machine_hears_at_night_that_it_is_over_and_people_in_the_morning() -> None:
    kinds = every_contact() | {DANNY: {"kind": "pagerduty"}}
    told = world(ran(WATCHED, failed()), ran("2026-11-11 04:00", result(BROKEN)), targets=kinds)
    told.tick(at(WATCHED))
    assert contacts_of(told.tick(at("2026-11-11 04:00"))) == [DANNY]
    waiting = {entry.message.not_before for entry in told.entries if entry.due()}
    assert waiting == {at("2026-11-12 14:00")}, "Wednesday is Veterans Day"


# -- what knows an alert by its labels ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "turns", [("warning", "critical"), ("critical", "warning"), ("warning", "critical", "warning")]
)
def test_an_alertmanager_has_one_alert_whatever_the_severity_becomes_and_none_when_it_passes(
    turns: tuple[str, ...],
) -> None:
    targets = {"alerts": {"kind": "alertmanager", "url": "http://am:9093"}}
    world = World(house(targets=targets, routes=[{"to": ["alerts"]}]))
    ends: dict[str, datetime] = {}

    def take(now: datetime) -> None:
        for message in world.tick(now):
            told: Any = alertmanager.alerts(message)
            ends.update({one["labels"]["severity"]: datetime.fromisoformat(one["endsAt"]) for one in told})

    for n, severity in enumerate(turns):
        now = at(f"2026-11-2{3 + n} 15:00")  # a working day, within the watch
        world.runs.append(ran(f"2026-11-2{3 + n} 15:00", failed(severity=Severity(severity))))
        take(now)
        assert [grade for grade, over in ends.items() if over > now] == [severity]
    world.runs.append(ran("2026-11-27 15:00", result(BROKEN)))
    take(now := at("2026-11-27 15:00"))
    assert set(ends) == set(turns)
    assert all(over <= now for over in ends.values())


def test_a_webhook_ends_the_alert_of_the_earlier_severity_too() -> None:
    world = World(house(targets={"hook": {"kind": "webhook"}}, routes=[{"to": ["hook"]}]))
    world.runs = [ran("2026-11-24 15:00", failed(severity=Severity.WARNING)), ran("2026-11-25 15:00", failed())]
    told: list[Any] = []
    for when in ("2026-11-24 15:00", "2026-11-25 15:00"):
        (message,) = world.tick(at(when))
        told.append(alertmanager.envelope(message)["alerts"])
    assert [[(one["status"], one["labels"]["severity"]) for one in alerts] for alerts in told] == [
        [("firing", "warning")],
        [("firing", "critical"), ("resolved", "warning")],
    ]
    assert len({one["fingerprint"] for one in told[1]}) == 2


# -- who has left ------------------------------------------------------------------------------------------------------


def leaving(folder: Path, **left: str) -> Roster:
    """Our roster with people who left on a day, and perhaps who followed: ``lead="2026-11-20, replaced_by: jane"``."""
    text = (ROOT / "runbooks" / "roster.yml").read_text(encoding="utf-8")
    for person, since in left.items():
        text, count = re.subn(rf"(\n  {person}: .*?)}}", rf"\1, left: {since}}}", text)
        assert count == 1
    (folder / "roster.yml").write_text(text, encoding="utf-8")
    return load_roster(folder / "roster.yml")


def red(when: str = "2026-11-20 15:00") -> incidents.Incident:
    (incident,) = incidents.fold([incidents.observed(ran(when, failed()))]).values()
    return incident


@pytest.mark.parametrize(
    ("left", "expected"),
    [
        ({}, "data-engineering-lead-pager"),
        ({"lead": "2026-11-27, replaced_by: jane"}, "jane-pager"),
        ({"lead": "2026-11-28, replaced_by: jane"}, "data-engineering-lead-pager"),
        ({"lead": "2026-11-20"}, "data-engineering-manager-mail"),
    ],
)
def test_what_goes_to_the_lead_goes_to_who_stands_there(tmp_path: Path, left: dict[str, str], expected: str) -> None:
    known = house(leaving(tmp_path, **left))
    escalated = at("2026-11-27 14:00")  # 09:00 in New York, the business day after the 25th and Thanksgiving
    told = recipients(known, red(), escalated, ())
    assert expected in told
    assert ("data-engineering-lead-pager" in told) == (expected == "data-engineering-lead-pager")
    front = known.front("investor_profit")
    assert front is not None
    assert duty(front, known.roster, "investor_profit", escalated).ladder[0].who.contact == expected


@pytest.mark.parametrize("role", ["lead", "engineer", "anna-pager"])
def test_nobody_who_left_is_told_whatever_the_route_names(tmp_path: Path, role: str) -> None:
    known = house(leaving(tmp_path, lead="2026-11-20", anna="2026-11-20"), routes=[{"to": [role, "laura-pager"]}])
    told = recipients(known, red(), at("2026-12-10 15:00"), ())
    assert "laura-pager" in told
    assert not {"data-engineering-lead-pager", "anna-pager"} & {*told}


def test_a_message_that_waits_for_somebody_who_leaves_meanwhile_is_taken_back(tmp_path: Path) -> None:
    world = World(house(leaving(tmp_path, laura="2026-11-30")))
    world.runs = [ran("2026-11-25 23:30", failed())]  # 18:30 in New York, the watch is over
    world.tick(at("2026-11-25 23:30"))
    world.house = house(leaving(tmp_path, laura="2026-11-26"))
    told = contacts_of(world.tick(at("2026-11-26 13:00")))
    assert "laura-pager" not in told
    assert "jane-pager" in told, "the backup takes the rest of her week"


def test_who_left_hears_no_more_that_it_passed_but_a_machine_does(tmp_path: Path) -> None:
    targets = {**every_contact(), "anna-pager": {"kind": "pagerduty"}}
    for person, hears in (("anna", True), ("laura", False)):
        world = World(house(leaving(tmp_path), targets=targets))
        world.runs = [ran("2026-11-24 15:00", failed())]
        assert f"{person}-pager" in contacts_of(world.tick(at("2026-11-24 15:00")))
        world.house = house(leaving(tmp_path, **{person: "2026-11-25"}), targets=targets)
        world.runs.append(ran("2026-11-25 15:00", result(BROKEN)))
        assert (f"{person}-pager" in contacts_of(world.tick(at("2026-11-25 15:00")))) is hears
