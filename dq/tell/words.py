"""What a message says in words; every format puts them into its own syntax."""

from __future__ import annotations

from collections.abc import Sequence

from dq.base import clean
from dq.base.model import Severity
from dq.tell.message import Alert, Message, State

SHOWN = 20
_LINE = 600


def headline(message: Message) -> str:
    """The message in one line."""
    subject = f"{message.pipeline} {message.period}"
    if message.report is not None:
        return clean.text(message.report.title, 200)
    if not message.alerts:
        return subject
    first, count = gravest(message.alerts)[0], len({alert.check for alert in message.alerts})
    checks = first.check if count == 1 else f"{count:,} checks"
    if message.state is State.RESOLVED and all(alert.why for alert in message.alerts):
        return f"RESOLVED  {subject}: {checks} settled"
    if message.state is State.RESOLVED:
        return f"RESOLVED  {subject}: {checks} {'passes' if count == 1 else 'pass'} again"
    if message.state is State.PAUSED:
        return f"PAUSED  {subject}: {checks} waived"
    still = "still failing" if all(alert.number for alert in message.alerts) else "failed"
    return f"{first.severity.upper()}  {subject}: {checks} {still}"


def gravest(alerts: Sequence[Alert]) -> list[Alert]:
    """Alerts with the gravest first, then the oldest."""
    rank = list(Severity)
    return sorted(alerts, key=lambda alert: (rank.index(alert.severity), alert.since, alert.key))


def more(alerts: Sequence[Alert]) -> str:
    """What is not shown of many alerts, empty where all are."""
    hidden = len(alerts) - SHOWN
    return f"and {hidden:,} more" if hidden > 0 else ""


def facts(alert: Alert, state: State) -> list[tuple[str, str]]:
    """What is said of one incident, as pairs of a word and its text."""
    pairs = [("since", alert.since_shown)]
    if state is State.PAUSED:
        pairs.append(("paused", alert.why))
    if state is State.RESOLVED:
        pairs.append(("settled", alert.why))
    if state is State.FIRING:
        pairs += [("owner", alert.owner), ("on call", alert.on_call), ("next", alert.next_step)]
        pairs.append(("holds", alert.holds))
    return [(word, clean.text(text, _LINE)) for word, text in pairs if text]


def found(alert: Alert) -> str:
    """What the check found, on one line."""
    return clean.text(alert.found, _LINE)


def lines(message: Message) -> list[str]:
    """The whole message as lines of plain text."""
    told = [headline(message)]
    for alert in gravest(message.alerts)[:SHOWN]:
        told += ["", f"{alert.severity.upper()}  {alert.check}  ({alert.dataset})"]
        if message.state is State.FIRING:
            told.append(f"  {found(alert)}")
        told += [f"  {word:<9}{text}" for word, text in facts(alert, message.state)]
        told += [f"  {word:<9}{text}" for word, text in (("runbook", alert.runbook), ("report", alert.report)) if text]
    rest = more(message.alerts)
    return [*told, "", rest] if rest else told
