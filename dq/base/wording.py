"""What is said the same way on every card, page and message."""

from __future__ import annotations

from dq.base.model import CheckResult, Guidance, Outcome


def found_text(result: CheckResult) -> str:
    """What a check found, in one sentence; never empty."""
    parts = (result.reason, result.observed) if result.outcome is Outcome.ERRORED else (result.observed, result.reason)
    return next(filter(None, (*parts, result.expected, result.description)), "no detail was recorded")


def owner_line(guidance: Guidance) -> str:
    """Whose it is now: the owning team, who is on call until when, and the backup."""
    on_call = f"on call {guidance.on_call}" if guidance.on_call else ""
    if on_call and guidance.on_call_until:
        on_call += f" until {guidance.on_call_until}"
    if on_call and guidance.backup:
        on_call += f" (backup {guidance.backup})"
    return "; ".join(filter(None, (guidance.owner, on_call)))
