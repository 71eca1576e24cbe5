"""Slack incoming webhook: fallback text and blocks, every value escaped."""

from __future__ import annotations

from urllib.parse import quote

from dq.base import clean
from dq.base.model import Json
from dq.tell import words
from dq.tell.message import Alert, Message, State

HEADER, SECTION, FIELD, FIELDS, BLOCKS, BUTTON_URL = 150, 3_000, 2_000, 10, 50, 3_000


def payload(message: Message) -> dict[str, Json]:
    """The body of the webhook."""
    message = clean.value(message)
    title = words.headline(message)
    blocks: list[Json] = [{"type": "header", "text": {"type": "plain_text", "text": _cut(title, HEADER)}}]
    if message.report is not None:
        blocks.append(_section(message.report.summary))
        blocks += _buttons([("Open the report", clean.link(message.report.link))])
    alerts = words.gravest(message.alerts)[: words.SHOWN]
    for alert in alerts:
        blocks += _alert(alert, message.state)
    if alerts:
        first = alerts[0]
        blocks += _buttons([("Runbook", clean.link(first.runbook)), ("Report", clean.link(first.report))])
    rest = words.more(message.alerts)
    context = ", ".join(filter(None, (rest, f"dq, {message.pipeline} {message.period}")))
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": escaped(context)}]})
    return {"text": escaped(title), "blocks": blocks[:BLOCKS]}


def _alert(alert: Alert, state: State) -> list[Json]:
    """A section with what was found, and its facts as fields."""
    text = f"*{alert.severity.upper()}* `{_code(alert.check)}` ({_code(alert.dataset)})"
    if state is State.FIRING:
        text += f"\n{escaped(words.found(alert))}"
    linked = _link("runbook", clean.link(alert.runbook))
    if alert.runbook and not linked:
        text += f"\nrunbook `{_code(alert.runbook)}`"
    fields: list[Json] = [
        {"type": "mrkdwn", "text": _cut(f"*{word}*\n{escaped(told)}", FIELD)}
        for word, told in words.facts(alert, state)
    ]
    text = _cut(text, SECTION - len(linked)) + linked
    section: dict[str, Json] = {"type": "section", "text": {"type": "mrkdwn", "text": text}}
    return [{**section, "fields": fields[:FIELDS]} if fields else section]


def _section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": _cut(escaped(text), SECTION)}}


def _buttons(links: list[tuple[str, str]]) -> list[Json]:
    elements: list[Json] = [
        {"type": "button", "text": {"type": "plain_text", "text": text}, "url": url}
        for text, url in links
        if url and len(url) <= BUTTON_URL
    ]
    return [{"type": "actions", "elements": elements}] if elements else []


def _link(text: str, url: str) -> str:
    """A link on a line of its own, empty without an address or with one too long to stand beside what was found."""
    quoted = escaped(quote(url, safe="%/:?#[]@!$&'()*+,;=~", errors="replace"))
    return f"\n<{quoted}|{text}>" if 0 < len(quoted) <= FIELD else ""


def escaped(text: str) -> str:
    """Text in which nothing mentions a channel, links or closes what it did not open."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _code(text: str) -> str:
    return escaped(text.replace("`", "'"))


def _cut(text: str, limit: int) -> str:
    """At most ``limit`` characters, without half an escape at the end."""
    if len(text) <= limit:
        return text
    short = text[: limit - 1]
    entity = short.rfind("&", len(short) - 5)
    return (short[:entity] if entity >= 0 and ";" not in short[entity:] else short) + "…"
