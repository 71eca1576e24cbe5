"""The verdict table: from the results of all checks to publish, publish as partial, or hold. Plain Python."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation

from dq.base.failure_classes import FailureClass
from dq.base.model import CheckResult, Kind, Outcome, Severity, Verdict, WaiverNote

# A difference with the books is for an accountant to accept, not for the pipeline's owner alone.
SIGNED_OFF = frozenset({FailureClass.BOOKS})


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
class Ending:
    """Why a waiver was ended before its last day, by whom and when (UTC)."""

    by: str
    at: datetime
    reason: str


@dataclass(frozen=True, kw_only=True)
class Waiver:
    """A recorded decision to publish although one check fails, within a ceiling and until a day.

    ``ceiling`` is in the check's own unit: an amount off for reconciliations and totals, rows otherwise. A difference
    with the books counts as accepted only when an accountant signed it off: who, when (UTC), the ceiling is the amount.
    """

    pipeline: str
    check: str
    period: str
    ceiling: Decimal
    owner: str
    reason: str
    until: date
    recorded: datetime
    signed_off_by: str = ""
    signed_off_at: datetime | None = None
    id: str = ""
    ended: Ending | None = None

    def covers(self, result: CheckResult, period: str, as_of: datetime) -> bool:
        """Whether this waiver lets a failed result pass: same check and period, and nothing speaks against it."""
        return (
            result.outcome is Outcome.FAILED
            and result.check == self.check
            and period == self.period
            and not self.refusal(result, as_of)
        )

    def refusal(self, result: CheckResult, as_of: datetime) -> str:
        """Why a failed result of its check does not pass by this waiver, empty where it does."""
        over = self.over(as_of)
        if over:
            return over
        if result.failure_class in SIGNED_OFF and not (self.signed_off_by and self.signed_off_at):
            return "no accountant has signed it off"
        size = magnitude(result)
        if size is None:
            return "how far the check is off is not known"
        return f"off by {size:f} is beyond its ceiling of {self.ceiling:f}" if size > self.ceiling else ""

    def over(self, as_of: datetime) -> str:
        """Why it lasts no longer, empty while it does.

        It expires by the real clock too: a run of an earlier as-of instant does not bring it back.
        """
        if self.ended:
            return f"it was ended on {self.ended.at:%Y-%m-%d} by {self.ended.by}: {self.ended.reason}"
        return f"it expired after {self.until}" if max(as_of, datetime.now(UTC)).date() > self.until else ""

    @property
    def sign_off(self) -> str:
        """Who signed it off and when, empty where nobody did."""
        if not self.signed_off_by or self.signed_off_at is None:
            return ""
        return f"signed off by {self.signed_off_by} on {self.signed_off_at:%Y-%m-%d}"


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
            signed = f", {cover.sign_off}" if cover.sign_off else ""
            note = f"{cover.owner} until {cover.until}: {cover.reason} (ceiling {cover.ceiling}{signed})"
            result = replace(result, waived_by=note)
        waived.append(result)
    return waived


def notes(results: Sequence[CheckResult], waivers: Sequence[Waiver], *, as_of: datetime) -> list[WaiverNote]:
    """What each waiver of a run's pipeline and period did in it.

    One that no longer lasts is named only where its check failed: there somebody may still count on it.
    """
    by_check = {result.check: result for result in results}
    told = []
    for waiver in waivers:
        result = by_check.get(waiver.check)
        effect, applied = _effect(waiver, result, as_of)
        if effect:
            told.append(
                WaiverNote(
                    waiver=waiver.id,
                    check=waiver.check,
                    ceiling=f"{waiver.ceiling:f}",
                    owner=waiver.owner,
                    reason=waiver.reason,
                    until=waiver.until,
                    effect=effect,
                    applied=applied,
                    signed_off_by=waiver.signed_off_by,
                    signed_off_at=waiver.signed_off_at,
                )
            )
    return told


def _effect(waiver: Waiver, result: CheckResult | None, as_of: datetime) -> tuple[str, bool]:
    """What a waiver did in a few words, empty where nothing need be said, and whether it let its check pass."""
    over = waiver.over(as_of)
    if result is None or result.outcome is Outcome.NOT_RUN:
        return ("" if over else "not needed, the check was not run"), False
    if result.outcome is Outcome.PASSED:
        return ("" if over else "not needed, the check passed"), False
    if result.outcome is Outcome.ERRORED:
        return ("" if over else "ignored, what could not be evaluated is never waived"), False
    if result.severity is not Severity.CRITICAL:
        return ("" if over else f"not needed, {result.severity} does not hold"), False
    refusal = waiver.refusal(result, as_of)
    if result.waived_by:  # of figures published before, the waiver may have run out since
        return (f"these figures were published under it, {refusal}" if refusal else "lets the check pass"), True
    return f"ignored, {refusal}", False


def counts(results: Sequence[CheckResult]) -> Mapping[Outcome, int]:
    """How many results had each outcome."""
    return {outcome: sum(result.outcome is outcome for result in results) for outcome in Outcome}
