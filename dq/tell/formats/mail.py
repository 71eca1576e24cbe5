"""E-mail: a text and an HTML part; the same message id on retry, one thread per subject matter."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from email.message import EmailMessage
from email.utils import format_datetime
from html import escape

from dq.base import clean
from dq.tell import words
from dq.tell.message import Message

_SUBJECT = 200
_STYLE = "font-family:sans-serif;font-size:14px"


def mail(message: Message, *, sender: str, to: str, at: datetime, parts: tuple[str, str] | None = None) -> EmailMessage:
    """The message to an address; ``parts`` are text and HTML of a report, else both follow from the alerts."""
    message = clean.value(message)
    told = EmailMessage()
    told["Subject"] = clean.text(words.headline(message), _SUBJECT)
    told["From"] = sender
    told["To"] = to
    told["Date"] = format_datetime(at)
    told["Message-ID"] = _id(message.id, sender)
    told["References"] = _id(hashlib.sha256(message.dedup.encode()).hexdigest()[:32], sender)
    told["Auto-Submitted"] = "auto-generated"
    text, html = parts or (_text(words.lines(message)), _html(message))
    told.set_content(text)
    told.add_alternative(html, subtype="html")
    return told


def _id(name: str, sender: str) -> str:
    return f"<{name}@{sender.rpartition('@')[2]}>"


def _text(lines: Sequence[str]) -> str:
    return "\n".join(clean.text(line) if line.strip() else "" for line in lines) + "\n"


def _html(message: Message) -> str:
    rows = [f'<h2 style="{_STYLE};font-weight:bold">{escape(words.headline(message))}</h2>']
    for alert in words.gravest(message.alerts)[: words.SHOWN]:
        rows.append(
            f'<p style="{_STYLE}"><b>{alert.severity.upper()} {escape(alert.check)}</b> ({escape(alert.dataset)})'
        )
        rows.append(f"<br>{escape(words.found(alert))}")
        rows += [f"<br>{word}: {escape(text)}" for word, text in words.facts(alert, message.state)]
        rows += [
            f"<br>{word}: {_link(address)}"
            for word, address in (("runbook", alert.runbook), ("report", alert.report))
            if address
        ]
        rows.append("</p>")
    rest = words.more(message.alerts)
    rows += [f'<p style="{_STYLE}">{escape(rest)}</p>'] if rest else []
    return f"<!doctype html><html><body>{''.join(rows)}</body></html>"


def _link(address: str) -> str:
    shown = escape(clean.text(address))
    return f'<a href="{shown}">{shown}</a>' if clean.link(address) else shown
