"""The verdict table: from the results of all checks to publish, publish as partial, or hold. Plain Python."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from dq.model import CheckResult, Kind, Outcome, Severity, Verdict


def decide(results: Sequence[CheckResult], *, kind: Kind | None = None, partial: Collection[str] = ()) -> Verdict:
    """The verdict on a run's results; order, number and severity names of passing checks change nothing.

    Anything errored, no results at all, or nothing that ran is *could not be evaluated*, which beats a failed critical
    check. A check left pending by an incomplete period never publishes a final.
    """
    outcomes = [result.outcome for result in results]
    ran = [outcome for outcome in outcomes if outcome in (Outcome.PASSED, Outcome.FAILED)]
    pending_final = kind is Kind.FINAL and any(
        result.outcome is Outcome.NOT_RUN and result.reason.startswith("pending") for result in results
    )
    if Outcome.ERRORED in outcomes or not ran or pending_final:
        return Verdict.HOLD_NOT_EVALUATED
    if any(result.blocks for result in results):
        return Verdict.HOLD
    return Verdict.PUBLISH_PARTIAL if partial else Verdict.PUBLISH


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """A recorded decision to publish although one check fails, within a ceiling and until a day.

    ``ceiling`` is in the check's own unit: US dollars off for reconciliations and totals, rows otherwise.
    """

    pipeline: str
    check: str
    period: str
    ceiling: Decimal
    owner: str
    reason: str
    until: date
    recorded: datetime

    def covers(self, result: CheckResult, period: str, as_of: datetime) -> bool:
        """Whether this waiver lets a failed result pass: same check and period, within ceiling, not expired.

        It expires by the real clock too: a run of an earlier as-of instant does not bring it back.
        """
        size = magnitude(result)
        return (
            result.outcome is Outcome.FAILED
            and result.check == self.check
            and period == self.period
            and max(as_of, datetime.now(UTC)).date() <= self.until
            and size is not None
            and size <= self.ceiling
        )


def magnitude(result: CheckResult) -> Decimal | None:
    """How far a failed check is off, in its own unit; None where it cannot be said, so that no waiver covers it."""
    for name in ("off_by", "unexpected_count"):
        value = result.measures.get(name)
        if value is None or isinstance(value, bool):
            continue
        try:
            return abs(Decimal(str(value)))
        except InvalidOperation:
            return None
    return None


def apply_waivers(
    results: Sequence[CheckResult], waivers: Sequence[Waiver], *, period: str, as_of: datetime
) -> list[CheckResult]:
    """The results with the covering waiver's owner, reason and expiry written on each failed check it covers."""
    waived = []
    for result in results:
        cover = next((waiver for waiver in waivers if waiver.covers(result, period, as_of)), None)
        if cover and result.severity is Severity.CRITICAL:
            note = f"{cover.owner} until {cover.until}: {cover.reason} (ceiling {cover.ceiling})"
            result = replace(result, waived_by=note)
        waived.append(result)
    return waived


def counts(results: Sequence[CheckResult]) -> Mapping[Outcome, int]:
    """How many results had each outcome."""
    return {outcome: sum(result.outcome is outcome for result in results) for outcome in Outcome}
