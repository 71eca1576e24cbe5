"""What each target is sent, held against small copies of the vendors' rules."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from email import message_from_bytes, policy
from html.parser import HTMLParser
from typing import Any

import pytest
from message_support import REPORT, alert, told
from notify_support import at

from dq.tell import words
from dq.tell.formats import alertmanager, mail, pagerduty, slack
from dq.tell.message import Message, State

HOSTILE = [
    "<!channel> & <https://evil.example|click>",
    "<script>alert(1)</script>",
    'x" onmouseover="alert(1)',
    "line\r\nBcc: everybody@example.com",
    "\x1b]0;title\x07\x00\u202e",
    "`*_~|@here",
    "é漢😀" * 4_000,
    "\ud800",
]


EVERY_STATE = [*State]


# -- PagerDuty ---------------------------------------------------------------------------------------------------------


def pagerduty_accepts(event: dict[str, Any]) -> None:
    """The rules of Events API v2."""
    assert re.fullmatch(r"[0-9a-z]{32}", event["routing_key"])
    assert event["event_action"] in ("trigger", "acknowledge", "resolve")
    assert 0 < len(event["dedup_key"]) <= 255
    assert set(event) <= {"routing_key", "event_action", "dedup_key", "client", "client_url", "links", "payload"}
    for link in event["links"]:
        assert set(link) == {"href", "text"}
        assert link["href"].startswith("https://")
    payload = event["payload"]
    known = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}
    assert set(payload) <= known
    assert 0 < len(payload["summary"]) <= 1024
    assert payload["source"]
    assert payload["severity"] in ("critical", "error", "warning", "info")
    assert datetime.fromisoformat(payload["timestamp"]).tzinfo
    assert len(json.dumps(event, allow_nan=False).encode()) <= 512_000


KEY = "0123456789abcdef0123456789abcdef"


@pytest.mark.parametrize("state", EVERY_STATE)
def test_pagerduty_takes_every_event(state: State) -> None:
    event = pagerduty.event(told(state=state, dedup="dq/investor_profit/check_1/2026-11"), KEY)
    pagerduty_accepts(event)
    assert event["dedup_key"] == "dq/investor_profit/check_1/2026-11"
    assert event["event_action"] == {"firing": "trigger", "paused": "acknowledge", "resolved": "resolve"}[state]


def test_a_pagerduty_event_leads_to_runbook_and_report_and_says_whose_it_is() -> None:
    event: Any = pagerduty.event(told(), KEY)
    assert [link["text"] for link in event["links"]] == ["runbook", "report"]
    assert event["payload"]["summary"] == (
        "CRITICAL  investor_profit 2026-11: check_1 failed: 3 of 40 cells differ by 1204.50"
    )
    assert "  on call  Laura until Mon 30 Nov 09:00 (backup Jane)" in event["payload"]["custom_details"]["details"]
    local: Any = pagerduty.event(told(alert(runbook="runbooks/investor_profit/totals.md", report="")), KEY)
    assert local["links"] == []
    assert "client_url" not in local


def test_a_long_dedup_key_is_cut_to_one_that_is_still_its_own() -> None:
    long, other = "dq/" + "x" * 300 + "/a", "dq/" + "x" * 300 + "/b"
    assert len(pagerduty.dedup_key(long)) <= 255
    assert pagerduty.dedup_key(long) != pagerduty.dedup_key(other)


@pytest.mark.long
def test_five_hundred_failures_are_one_event_within_the_limit_and_details_go_first() -> None:
    storm = told(*(alert(number) for number in range(500)))
    event: Any = pagerduty.event(storm, KEY)
    pagerduty_accepts(event)
    assert "500 checks failed" in event["payload"]["summary"]
    assert "and 480 more" in event["payload"]["custom_details"]["details"]
    huge: Any = pagerduty.event(told(*(alert(number, check="c" * 2_000) for number in range(500))), KEY)
    pagerduty_accepts(huge)
    assert "custom_details" not in huge["payload"]


# -- Slack -------------------------------------------------------------------------------------------------------------


SLACK_LINK = re.compile(r"<https?://(?:[^<>|&\s]|&amp;)+\|runbook>")


def slack_accepts(body: dict[str, Any]) -> None:
    """The rules of incoming webhooks and Block Kit."""
    assert body["text"]
    assert 0 < len(body["blocks"]) <= 50
    for block in body["blocks"]:
        kind = block["type"]
        assert kind in ("header", "section", "actions", "context")
        if kind == "header":
            assert block["text"]["type"] == "plain_text"
            assert 0 < len(block["text"]["text"]) <= 150
        if kind == "section":
            assert 0 < len(block["text"]["text"]) <= 3_000
            assert len(block.get("fields", [])) <= 10
            assert all(0 < len(one["text"]) <= 2_000 for one in block.get("fields", []))
        if kind == "actions":
            assert all(0 < len(one["url"]) <= 3_000 and len(one["text"]["text"]) <= 75 for one in block["elements"])
        texts = [block.get("text"), *block.get("fields", []), *(block["elements"] if kind == "context" else [])]
        for text in texts:
            if text and text["type"] == "mrkdwn":
                assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", SLACK_LINK.sub("", text["text"])), text
    assert not re.search(r"[<>]|&(?!amp;|lt;|gt;)", body["text"])


@pytest.mark.parametrize("state", EVERY_STATE)
def test_slack_takes_every_message(state: State) -> None:
    slack_accepts(slack.payload(told(state=state)))


def test_a_slack_message_has_a_fallback_buttons_and_the_facts() -> None:
    body: Any = slack.payload(told())
    assert body["text"] == "CRITICAL  investor_profit 2026-11: check_1 failed"
    (buttons,) = [block for block in body["blocks"] if block["type"] == "actions"]
    assert [button["text"]["text"] for button in buttons["elements"]] == ["Runbook", "Report"]
    assert "*next*\nto the Lead Fri 27 Nov 09:00" in json.dumps(body["blocks"]).replace("\\n", "\n")


def test_every_failure_in_slack_leads_to_its_own_runbook() -> None:
    odd = "https://docs.example.com/a|b.html?x=1&y=<!channel> z#totals"
    body: Any = slack.payload(told(alert(), alert(2, runbook=odd), alert(3, runbook="runbooks/a.md#totals")))
    slack_accepts(body)
    first, second, third = [block["text"]["text"] for block in body["blocks"] if block["type"] == "section"]
    assert first.endswith(f"\n<{alert().runbook}|runbook>")
    assert second.endswith("\n<https://docs.example.com/a%7Cb.html?x=1&amp;y=%3C!channel%3E%20z#totals|runbook>")
    assert third.endswith("\nrunbook `runbooks/a.md#totals`")


@pytest.mark.parametrize("length", [1_900, 2_100])
def test_a_link_in_slack_is_whole_or_not_there(length: int) -> None:
    address = f"https://docs.example.com/{'r' * length}"
    body: Any = slack.payload(told(alert(runbook=address, check="c" * 4_000)))
    slack_accepts(body)
    (section,) = [block["text"]["text"] for block in body["blocks"] if block["type"] == "section"]
    assert section.endswith(f"\n<{address}|runbook>") is (length < 2_000)


def test_a_storm_stays_within_fifty_blocks_and_counts_the_rest() -> None:
    body: Any = slack.payload(told(*(alert(number) for number in range(500))))
    slack_accepts(body)
    assert "and 480 more" in json.dumps(body)


def test_an_escape_is_never_cut_in_half() -> None:
    for length in range(140, 152):
        slack_accepts(slack.payload(told(alert(check="c" * length + "&" * 3_000))))


def test_a_report_is_a_link_in_slack() -> None:
    body: Any = slack.payload(told(report=REPORT, alerts=()))
    slack_accepts(body)
    assert REPORT.link in json.dumps(body)


# -- Alertmanager and its webhook --------------------------------------------------------------------------------------


def alertmanager_accepts(alerts: Sequence[Any]) -> None:
    """The rules of ``postableAlerts`` of API v2."""
    assert isinstance(alerts, list)
    for one in alerts:
        assert set(one) <= {"labels", "annotations", "startsAt", "endsAt", "generatorURL"}
        assert one["labels"]["alertname"]
        for name, text in {**one["labels"], **one["annotations"]}.items():
            assert re.fullmatch(r"[a-zA-Z_][a-zA-Z0-9_]*", name)
            assert isinstance(text, str)
            assert text
        for name in ("startsAt", "endsAt"):
            assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", one[name])
        assert one["startsAt"] <= one["endsAt"]
        assert one.get("generatorURL", "https://").startswith("https://")


@pytest.mark.parametrize("state", EVERY_STATE)
def test_alertmanager_takes_every_alert(state: State) -> None:
    body = alertmanager.alerts(told(alert(), alert(2), state=state))
    alertmanager_accepts(body)
    assert len(body) == 2


def test_labels_are_the_identity_and_hold_nothing_that_was_measured() -> None:
    first, later = alert(), alert(found="77 of 40 cells differ", number=3, since_shown="later")
    assert alertmanager.labels(first) == alertmanager.labels(later)
    assert set(alertmanager.labels(first)) == {
        "alertname",
        "severity",
        "service",
        "dataset",
        "check",
        "owner",
        "period",
    }


def test_a_firing_alert_ends_by_itself_unless_repeated_and_a_resolved_one_ends_when_it_passed() -> None:
    firing: Any = alertmanager.alerts(told())
    assert firing[0]["endsAt"] == "2026-11-27T13:00:00Z"
    resolved: Any = alertmanager.alerts(told(alert(resolved=at("2026-11-26 05:00")), state=State.RESOLVED))
    assert resolved[0]["endsAt"] == "2026-11-26T05:00:00Z"


@pytest.mark.parametrize("state", EVERY_STATE)
def test_the_webhook_is_the_version_4_envelope(state: State) -> None:
    body: Any = alertmanager.envelope(told(*(alert(number) for number in range(30)), state=state))
    assert set(body) == {
        "version",
        "groupKey",
        "truncatedAlerts",
        "status",
        "receiver",
        "groupLabels",
        "commonLabels",
        "commonAnnotations",
        "externalURL",
        "alerts",
    }
    assert (body["version"], body["truncatedAlerts"], len(body["alerts"])) == ("4", 10, 20)
    assert body["status"] == ("firing" if state is State.FIRING else "resolved")
    for one in body["alerts"]:
        assert set(one) == {"status", "labels", "annotations", "startsAt", "endsAt", "generatorURL", "fingerprint"}
        assert re.fullmatch(r"[0-9a-f]{16}", one["fingerprint"])
        assert one["labels"]["period"] == "2026-11"


def test_a_report_travels_in_the_envelope_too() -> None:
    body: Any = alertmanager.envelope(told(report=REPORT, alerts=()))
    assert body["alerts"][0]["annotations"]["dashboard_url"] == REPORT.link


# -- e-mail ------------------------------------------------------------------------------------------------------------


def parsed(message: Message, parts: tuple[str, str] | None = None) -> Any:
    made = mail.mail(message, sender="dq@example.com", to="team@example.com", at=at("2026-11-25 13:00"), parts=parts)
    return message_from_bytes(made.as_bytes(), policy=policy.default)


def test_an_email_has_a_text_and_an_html_part_that_say_the_same() -> None:
    read = parsed(told())
    text, html = (read.get_body((kind,)).get_content() for kind in ("plain", "html"))
    assert read["Subject"] == "CRITICAL  investor_profit 2026-11: check_1 failed"
    for said in ("3 of 40 cells differ by 1204.50", "Laura until Mon 30 Nov 09:00 (backup Jane)", "to the Lead Fri 27"):
        assert said in text
        assert said in html
    assert alert().runbook in text


def test_a_retry_is_the_same_email_and_what_follows_is_in_its_thread() -> None:
    first, again = parsed(told()), parsed(told())
    solved = parsed(told(state=State.RESOLVED))
    assert first["Message-ID"] == again["Message-ID"] != solved["Message-ID"]
    assert first["References"] == solved["References"]


def test_a_report_is_sent_as_it_was_published() -> None:
    read = parsed(told(report=REPORT, alerts=()), ("words", "<!doctype html><b>page</b>"))
    assert read["Subject"] == "Executive report 2026-11-02"
    assert "<b>page</b>" in read.get_body(("html",)).get_content()


# -- all of them -------------------------------------------------------------------------------------------------------


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}


@pytest.mark.parametrize("payload", HOSTILE)
@pytest.mark.parametrize("state", EVERY_STATE)
def test_no_value_escapes_its_place(payload: str, state: State) -> None:
    hostile = alert(
        check=payload[:200], dataset=payload, found=payload, owner=payload, on_call=payload, next_step=payload,
        why=payload, since_shown=payload, runbook=payload, report=payload,
    )  # fmt: skip
    message = told(hostile, state=state, pipeline="investor_profit")
    slack_accepts(slack.payload(message))
    pagerduty_accepts(pagerduty.event(message, KEY))
    json.dumps([alertmanager.alerts(message), alertmanager.envelope(message)], allow_nan=False)
    read = parsed(message)
    assert read["Bcc"] is None
    tags = _Tags()
    tags.feed(read.get_body(("html",)).get_content())
    assert tags.tags <= {"html", "body", "h2", "p", "b", "br", "a"}
    assert tags.attributes <= {"style", "href"}
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f]", read.get_body(("plain",)).get_content().replace("\r\n", "\n"))


def test_a_javascript_address_is_no_link() -> None:
    read = parsed(told(alert(runbook="javascript:alert(1)", report="javascript:alert(1)")))
    assert "href" not in read.get_body(("html",)).get_content()


def test_the_headline_tells_a_repeat_a_pause_and_what_passes_again() -> None:
    assert words.headline(told(alert(number=2))).endswith("check_1 still failing")
    assert words.headline(told(alert(), alert(2), state=State.PAUSED)).endswith("2 checks waived")
    assert words.headline(told(state=State.RESOLVED)).endswith("check_1 passes again")


def test_equal_messages_have_one_id_and_others_another() -> None:
    assert told().id == told(made=at("2026-11-25 02:07")).id, "planned again after a crash"
    others = [told(alert(number=1)), told(alert(2)), told(state=State.RESOLVED), replace(told(), contact="anna-pager")]
    assert len({told().id, *(other.id for other in others)}) == 5
