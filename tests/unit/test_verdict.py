from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations

import pytest

from dq.base.model import CheckResult, Kind, Outcome, Severity, Verdict
from dq.base.verdict import Ending, Waiver, apply_waivers, counts, decide, magnitude, notes

AS_OF = datetime(2026, 11, 4, 5, tzinfo=UTC)


def result(outcome: Outcome, severity: Severity = Severity.CRITICAL, check: str = "c", **more: object) -> CheckResult:
    return CheckResult(check=check, dataset="d", type="t", severity=severity, outcome=outcome, **more)  # type: ignore[arg-type]


PASSED = result(Outcome.PASSED)
NOT_RUN = result(Outcome.NOT_RUN, reason="not enough history: 1 of 3 published periods")


@pytest.mark.parametrize(
    ("results", "verdict", "code"),
    [
        ([PASSED], Verdict.PUBLISH, 0),
        ([PASSED, result(Outcome.FAILED, Severity.WARNING)], Verdict.PUBLISH, 0),
        ([PASSED, result(Outcome.FAILED, Severity.INFO)], Verdict.PUBLISH, 0),
        ([PASSED, NOT_RUN], Verdict.PUBLISH, 0),
        ([PASSED, result(Outcome.FAILED)], Verdict.HOLD, 1),
        ([PASSED, result(Outcome.FAILED, waived_by="Anna until 2026-11-30: known")], Verdict.PUBLISH, 0),
        ([PASSED, result(Outcome.ERRORED, Severity.INFO)], Verdict.HOLD_NOT_EVALUATED, 3),
        ([PASSED, result(Outcome.ERRORED, waived_by="Anna")], Verdict.HOLD_NOT_EVALUATED, 3),
        ([], Verdict.HOLD_NOT_EVALUATED, 3),
        ([NOT_RUN], Verdict.HOLD_NOT_EVALUATED, 3),
    ],
)
def test_the_verdict_table(results: Sequence[CheckResult], verdict: Verdict, code: int) -> None:
    assert decide(results) is verdict
    assert decide(results).exit_code == code


def test_could_not_be_evaluated_beats_failed_in_any_order() -> None:
    results = [PASSED, result(Outcome.FAILED), result(Outcome.ERRORED, Severity.INFO), NOT_RUN]
    assert {decide(order) for order in permutations(results)} == {Verdict.HOLD_NOT_EVALUATED}


def test_a_declared_absence_publishes_as_partial_and_never_hides_a_failure() -> None:
    assert decide([PASSED], partial=["ledger"]) is Verdict.PUBLISH_PARTIAL
    assert decide([PASSED, result(Outcome.FAILED)], partial=["ledger"]) is Verdict.HOLD


def test_a_check_that_is_pending_never_publishes_a_final() -> None:
    pending = result(Outcome.NOT_RUN, reason="pending until preliminary, final")
    assert decide([PASSED, pending], kind=Kind.MONTH_TO_DATE) is Verdict.PUBLISH
    assert decide([PASSED, pending], kind=Kind.FINAL) is Verdict.HOLD_NOT_EVALUATED


def waiver(**changes: object) -> Waiver:
    fields: dict[str, object] = {
        "pipeline": "p",
        "check": "c",
        "period": "2026-10",
        "ceiling": Decimal(500),
        "owner": "Anna",
        "reason": "late invoice",
        "until": date(2999, 11, 30),
        "recorded": AS_OF,
    }
    return Waiver(**(fields | changes))  # type: ignore[arg-type]


OFF = result(Outcome.FAILED, measures={"off_by": "500.00"})


def test_a_waiver_covers_up_to_its_ceiling_and_says_who_and_why() -> None:
    (waived,) = apply_waivers([OFF], [waiver()], period="2026-10", as_of=AS_OF)
    assert waived.waived_by == "Anna until 2999-11-30: late invoice (ceiling 500)"
    assert decide([PASSED, waived]) is Verdict.PUBLISH


@pytest.mark.parametrize(
    "changes",
    [
        {"ceiling": Decimal("499.99")},
        {"check": "other"},
        {"period": "2026-09"},
        {"until": date(2026, 11, 3)},
    ],
)
def test_a_waiver_beyond_ceiling_check_period_or_expiry_is_ignored(changes: dict[str, object]) -> None:
    (same,) = apply_waivers([OFF], [waiver(**changes)], period="2026-10", as_of=AS_OF)
    assert same.waived_by == ""
    assert decide([PASSED, same]) is Verdict.HOLD


BOOKS = result(Outcome.FAILED, failure_class="F11", measures={"off_by": "500.00"})
SIGNED = {"signed_off_by": "Olga Berg", "signed_off_at": AS_OF}


def test_a_difference_with_the_books_passes_only_when_an_accountant_signed_it_off() -> None:
    (held,) = apply_waivers([BOOKS], [waiver()], period="2026-10", as_of=AS_OF)
    assert decide([PASSED, held]) is Verdict.HOLD
    (waived,) = apply_waivers([BOOKS], [waiver(**SIGNED)], period="2026-10", as_of=AS_OF)
    assert waived.waived_by.endswith("(ceiling 500, signed off by Olga Berg on 2026-11-04)")


ENDED = Ending(by="Anna", at=AS_OF, reason="booked right now")


@pytest.mark.parametrize(
    ("found", "changes", "effect"),
    [
        (OFF, {}, "lets the check pass"),
        (PASSED, {}, "not needed, the check passed"),
        (NOT_RUN, {}, "not needed, the check was not run"),
        (result(Outcome.ERRORED), {}, "ignored, what could not be evaluated is never waived"),
        (result(Outcome.FAILED, Severity.WARNING), {}, "not needed, warning does not hold"),
        (OFF, {"ceiling": Decimal("499.99")}, "ignored, off by 500.00 is beyond its ceiling of 499.99"),
        (OFF, {"until": date(2026, 11, 3)}, "ignored, it expired after 2026-11-03"),
        (OFF, {"ended": ENDED}, "ignored, it was ended on 2026-11-04 by Anna: booked right now"),
        (result(Outcome.FAILED), {}, "ignored, how far the check is off is not known"),
        (BOOKS, {}, "ignored, no accountant has signed it off"),
        (PASSED, {"until": date(2026, 11, 3)}, None),
        (PASSED, {"ended": ENDED}, None),
    ],
)
def test_what_a_waiver_did_is_said_while_it_lasts_and_where_it_is_ignored(
    found: CheckResult, changes: dict[str, object], effect: str | None
) -> None:
    waivers = [waiver(**changes)]
    results = apply_waivers([found], waivers, period="2026-10", as_of=AS_OF)
    told = [(note.effect, note.applied) for note in notes(results, waivers, as_of=AS_OF)]
    assert told == ([] if effect is None else [(effect, effect == "lets the check pass")])


def test_figures_published_under_a_waiver_that_ran_out_since_say_so() -> None:
    published = result(Outcome.FAILED, measures={"off_by": "500.00"}, waived_by="Anna until 2026-11-03: late invoice")
    (note,) = notes([published], [waiver(until=date(2026, 11, 3))], as_of=AS_OF)
    assert note.effect == "these figures were published under it, it expired after 2026-11-03"


def test_a_failure_of_unknown_size_cannot_be_waived() -> None:
    unknown = result(Outcome.FAILED)
    assert magnitude(unknown) is None
    assert apply_waivers([unknown], [waiver()], period="2026-10", as_of=AS_OF)[0].waived_by == ""


def test_an_error_cannot_be_waived() -> None:
    errored = result(Outcome.ERRORED, measures={"off_by": "0"})
    assert apply_waivers([errored], [waiver()], period="2026-10", as_of=AS_OF)[0].waived_by == ""


def test_counts_name_every_outcome() -> None:
    assert counts([PASSED, OFF, NOT_RUN]) == {
        Outcome.PASSED: 1,
        Outcome.FAILED: 1,
        Outcome.ERRORED: 0,
        Outcome.NOT_RUN: 1,
    }
