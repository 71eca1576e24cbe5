"""Run records for the tests of everything that shows or stores a run."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from dq.base.model import (
    CheckResult,
    Evidence,
    Guidance,
    InputRef,
    Kind,
    Outcome,
    Replaced,
    RunRecord,
    Severity,
    Verdict,
    WaiverNote,
)

if TYPE_CHECKING:
    from dq.store import Warehouse

TEAM = "Business Analytics Team"


def guidance(**changes: Any) -> Guidance:
    values: dict[str, Any] = {
        "runbook": "runbooks/investor_profit/figures-differ-from-the-books.md",
        "runbook_url": "runbooks/investor_profit.html#figures-differ-from-the-books",
        "owner": TEAM,
        "contact": "#business-analytics",
        "on_call": "Laura",
        "on_call_until": "Mon 30 Nov 09:00",
        "backup": "Jane",
        "due": ("pre-validation Wed 25 Nov", "fixed by Mon 30 Nov", "to the Lead Fri 27 Nov 09:00"),
    }
    return Guidance(**{**values, **changes})


def result(check: str = "amount_is_there", outcome: Outcome = Outcome.PASSED, **changes: Any) -> CheckResult:
    values: dict[str, Any] = {
        "check": check,
        "dataset": "revenue",
        "type": "expect_column_values_to_not_be_null",
        "kwargs": {"column": "amount"},
        "severity": Severity.CRITICAL,
        "outcome": outcome,
        "failure_class": "F01",
        "runbook": "investor_profit/required-value-is-null.md",
        "evidence": Evidence.SCAN,
    }
    return CheckResult(**{**values, **changes})


LEDGER = result(
    "profit_ties_out_to_ledger",
    Outcome.FAILED,
    dataset="investor_profit",
    type="expect_total_to_reconcile",
    kwargs={
        "lines": {"marketing": "expense_marketing"},
        "other": "ledger",
        "other_line": "line",
        "other_amount": "amount",
    },
    failure_class="F11",
    runbook="investor_profit/figures-differ-from-the-books.md",
    observed="marketing: 1,204,311.20, ledger 1,204,811.20, off by 500.00 (allowed 0.01)",
    expected="every line within 0.01",
    measures={"lines": 10, "metric": "500.00"},
    rows=({"line": "marketing", "ours": "1204311.20", "theirs": "1204811.20", "off_by": "500.00"},),
)
MARGIN = result(
    "margin_in_usual_band",
    Outcome.FAILED,
    dataset="investor_profit",
    type="expect_column_values_to_be_between",
    kwargs={"column": "margin", "min_value": 0.18, "max_value": 0.35},
    severity=Severity.WARNING,
    failure_class="F15",
    runbook="investor_profit/a-trend-or-a-published-month-does-not-fit.md",
    observed="cloud: margin 0.41, usual 0.18 to 0.35",
    gx_result={"element_count": 40, "unexpected_count": 1, "unexpected_percent": 2.5},
)


PRELIMINARY = Replaced(
    version=6,
    kind=Kind.PRELIMINARY,
    data_through=date(2026, 10, 30),
    moved={"revenue": "1204.50", "expenses": "0.00", "profit": "-1204.50", "subscribers": "3", "targets": None},
)
"""What a final replaced: the version of the day before the month ended."""


def waiver_note(**changes: Any) -> WaiverNote:
    values: dict[str, Any] = {
        "waiver": "profit_unit-2026-10-20261104t050000000000z-a1b2c3",
        "check": "profit_ties_out_to_ledger",
        "ceiling": "500.00",
        "owner": "Danny",
        "reason": "invoice booked twice",
        "until": date(2026, 11, 30),
        "effect": "not needed, the check passed",
        "applied": False,
        "signed_off_by": "Olga Berg",
        "signed_off_at": datetime(2026, 11, 4, 5, tzinfo=UTC),
    }
    return WaiverNote(**{**values, **changes})


def passed(count: int) -> tuple[CheckResult, ...]:
    return tuple(result(f"check_{number}") for number in range(1, count + 1))


def record(*results: CheckResult, **changes: Any) -> RunRecord:
    values: dict[str, Any] = {
        "run": "r-20261125t020000-ab12",
        "pipeline": "investor_profit",
        "period": "2026-11",
        "kind": Kind.MONTH_TO_DATE,
        "as_of": datetime(2026, 11, 25, 2, tzinfo=UTC),
        "data_through": date(2026, 11, 24),
        "verdict": Verdict.HOLD,
        "started": datetime(2026, 11, 25, 2, 0, 1, 250000, tzinfo=UTC),
        "seconds": 12.5,
        "results": results,
        "guidance": {},
        "inputs": (InputRef(name="ledger", origin="files", fingerprint="0f3a", files=3, bytes=1024),),
        "run_key": "5d41402a",
        "stays": 41,
    }
    return RunRecord(**{**values, **changes})


def held() -> RunRecord:
    """The run on the card of the style guide: two of fourteen checks failed."""
    return record(
        *passed(12),
        LEDGER,
        MARGIN,
        guidance={
            LEDGER.check: guidance(),
            MARGIN.check: guidance(
                runbook="runbooks/investor_profit/a-trend-or-a-published-month-does-not-fit.md",
                runbook_url="runbooks/investor_profit.html#a-trend-or-a-published-month-does-not-fit",
                due=(),
            ),
        },
    )


def published(**changes: Any) -> RunRecord:
    values: dict[str, Any] = {
        "pipeline": "profit_unit",
        "period": "2026-10",
        "data_through": date(2026, 10, 31),
        "kind": Kind.FINAL,
        "verdict": Verdict.PUBLISH,
        "stays": None,
        "version": 7,
    }
    return record(*changes.pop("results", passed(31)), **{**values, **changes})


def open_checks(warehouse: Warehouse) -> list[str]:
    """The checks of the incidents that are open."""
    from dq.tell import incidents

    return [one.failure.check for one in incidents.everything(warehouse).values() if one.open]
