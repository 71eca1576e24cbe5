"""What lint says of the settings about telling, with the line each mistake stands on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from notify_support import ROOT, at, declared, every_contact, house

from dq.cli import main
from dq.declare import origins, settings
from dq.declare.routes import Notify, Route, mistakes, readers
from dq.declare.targets import KINDS, Addressed, Keys, Reports
from dq.people import load_roster
from dq.tell.message import Message, Report, State
from dq.tell.outbox import Delivery
from dq.tell.senders import sender

PIPELINES = ["investor_profit", "profit_unit"]


def found(**notify: Any) -> list[str]:
    model = Notify(**notify)
    told = mistakes(model, declared()[1], PIPELINES, ["Business Analytics Team"])
    return [f"{'.'.join(map(str, key))}: {message}" for key, message in told]


def bound(**changes: Any) -> dict[str, Any]:
    return {"targets": every_contact(), "origins": ["https://hooks.slack.com"], **changes}


def test_without_targets_there_is_nothing_to_bind() -> None:
    assert found() == []


def test_with_every_contact_bound_there_is_no_mistake() -> None:
    assert found(**bound()) == []


def test_from_the_first_target_on_every_contact_is_bound_or_said_not_to_be() -> None:
    targets = every_contact()
    del targets["anna-pager"], targets["customer-care-channel"]
    told = found(**bound(targets=targets))
    assert [line.partition(";")[0] for line in told if "no target" in line] == [
        "targets: these 2 contacts have no target: anna-pager (Anna), customer-care-channel (Customer Care)",
    ]
    told = found(**bound(targets=targets, unbound=["anna-pager", "customer-care-channel"]))
    assert told == [
        "targets: the route of the house, to who is on call, may reach nobody; bind every contact of one of its roles"
    ]
    routes = [{"severity": ["critical"], "to": ["lead"]}, {"severity": ["warning"], "to": ["owner_team"]}]
    assert found(**bound(targets=targets, unbound=["anna-pager", "customer-care-channel"], routes=routes)) == []
    (told_of_nobody,) = found(**bound(unbound=["nobody"]))
    assert told_of_nobody.startswith("unbound.0: nobody on the roster has the contact 'nobody'")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {
                "targets": every_contact()
                | {"anna-pager": {"kind": "slack", "secret": "e93facc04764012d7bfb002500d5d1a6"}}
            },
            "targets.anna-pager.secret: looks like a secret itself",
        ),
        ({"unbound": ["anna-pager"]}, "unbound.0: anna-pager has a target"),
        ({"routes": [{"pipelines": ["profit"], "to": ["on_call"]}]}, "there is no pipeline 'profit'; did you mean"),
        ({"routes": [{"teams": ["Finance"], "to": ["on_call"]}]}, "no team 'Finance' on the roster"),
        ({"routes": [{"to": ["oncall"]}]}, "'oncall' is neither a role nor a contact; did you mean on_call?"),
        ({"routes": [{"to": ["engineer"]}]}, "routes.0.to: this route may reach nobody"),
        ({"reports": {"profit": ["anna-pager"]}}, "reports.profit: there is no pipeline 'profit'"),
        ({"reports": {"profit_unit": ["annas-pager"]}}, "'annas-pager' has no target; did you mean anna-pager?"),
        (
            {"targets": every_contact() | {"anna-pager": {"kind": "pagerduty"}}, "reports": {"close": ["anna-pager"]}},
            "reports.close.0: anna-pager is of kind pagerduty, which carries no report; valid: accounts-channel, ",
        ),
        (
            {
                "targets": every_contact() | {"alerts": {"kind": "alertmanager", "url": "http://am:9093"}},
                "reports": {"investor_profit": ["business-analytics-channel", "alerts"]},
            },
            "reports.investor_profit.1: alerts is of kind alertmanager, which carries no report",
        ),
        ({"origins": ["http://hooks.slack.com"]}, "origins.0: http://hooks.slack.com is plain http"),
        ({"origins": ["https://hooks.slack.com/services"]}, "an origin has no path"),
        ({"origins": ["https://*.slack.com"]}, "its host is not a plain name"),
        ({"origins": ["hooks.slack.com"]}, "its scheme is not one of"),
        ({"internal_origins": ["https://user:pass@relay"]}, "its host is not a plain name"),
    ],
)
def test_each_mistake_is_said_in_a_sentence(changes: dict[str, Any], said: str) -> None:
    assert any(said in line for line in found(**bound(**changes))), found(**bound(**changes))


@pytest.mark.parametrize(
    ("target", "changes", "said"),
    [
        ({"kind": "pagerduty"}, {}, "the origin https://events.pagerduty.com is not listed"),
        ({"kind": "pagerduty"}, {"origins": ["https://events.pagerduty.com"]}, ""),
        ({"kind": "alertmanager", "url": "http://am:9093"}, {}, "the origin http://am:9093 is not listed"),
        ({"kind": "alertmanager", "url": "http://am:9093"}, {"internal_origins": ["http://am:9093"]}, ""),
        ({"kind": "email"}, {}, "e-mail needs a relay"),
        ({"kind": "email"}, {"smtp": {"host": "relay", "sender": "a@b"}}, "smtp://relay is not listed"),
        (
            {"kind": "email"},
            {"smtp": {"host": "relay", "sender": "a@b", "security": "none"}, "origins": ["smtp://relay"]},
            "only a relay under internal_origins is spoken to without TLS",
        ),
        (
            {"kind": "email"},
            {"smtp": {"host": "relay", "sender": "a@b", "security": "none"}, "internal_origins": ["smtp://relay"]},
            "",
        ),
    ],
)
def test_every_address_in_the_settings_is_listed(target: dict[str, Any], changes: dict[str, Any], said: str) -> None:
    told = found(**bound(targets=every_contact() | {"anna-pager": target}, **changes))
    assert any(said in line for line in told) if said else told == [], told


@pytest.mark.parametrize(
    "notify",
    [
        {"targets": {"anna-pager": {"kind": "sms"}}},
        {"targets": {"anna-pager": {"kind": "slack", "url": "https://hooks.slack.com/x"}}},
        {"targets": {"anna@example.com": {"kind": "email"}}},
        {"targets": {"anna-pager": {"kind": "slack", "secret": "https://hooks.slack.com/x"}}},
        {"smtp": {"host": "relay", "sender": "a@b", "user": "dq"}},
        {"smtp": {"host": "relay", "sender": "a@b", "user": "dq", "password": "p", "security": "none"}},
        {"routes": [{"to": []}]},
        {"routes": [{"to": ["on_call"], "severity": ["info"]}]},
        {"timeout_seconds": 0},
        {"unknown": 1},
    ],
)
def test_what_cannot_be_meant_is_refused(notify: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        Notify(**notify)


@pytest.mark.parametrize("text", ["https://hooks.slack.com", "http://am:9093", "smtp://relay:25", "https://[::1]:8443"])
def test_an_origin_reads_back_as_it_was_written(text: str) -> None:
    assert str(origins.parse(text)) == text


def test_lint_tells_a_mistake_with_its_line(
    project_copy: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    home = project_copy()
    monkeypatch.setenv("DQ_HOME", str(home))
    path = home / "jobs" / "settings.yml"
    text = path.read_text() + "notify:\n  routes:\n    - {to: [oncall]}\n"
    path.write_text(text)
    assert main(["lint"]) == 1
    line = text.count("\n")
    assert f"jobs/settings.yml:{line}: notify.routes[0].to[0]: 'oncall' is neither a role" in capsys.readouterr().err


def test_the_example_in_the_settings_is_one_that_lint_accepts(
    project_copy: Callable[[], Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Taking away the comment signs of the example must give settings without a mistake."""
    home = project_copy()
    monkeypatch.setenv("DQ_HOME", str(home))
    path = home / "jobs" / "settings.yml"
    head, mark, example = path.read_text().partition("# notify:\n")
    assert mark
    path.write_text(head + "\n".join(line.removeprefix("# ") for line in (mark + example).splitlines()) + "\n")
    assert settings.load(home).notify.targets
    assert main(["lint"]) == 0, capsys.readouterr().err


def test_the_house_of_the_project_is_read_page_by_page() -> None:
    assert house().known("investor_profit")
    assert not house().known("no_such_pipeline")
    assert house().section("executive_report", "F21")[0].startswith("runbooks/executive_report/")


def test_a_contact_of_somebody_who_leaves_is_told_where_it_is_named_outright(tmp_path: Path) -> None:
    text = (ROOT / "runbooks" / "roster.yml").read_text(encoding="utf-8")
    (tmp_path / "roster.yml").write_text(
        text.replace("anna-pager}", "anna-pager, left: 2026-12-01, replaced_by: jane}")
    )
    roster = load_roster(tmp_path / "roster.yml")
    notify = Notify(routes=[Route(to=["lead", "anna-pager"])], reports={"close": ["anna-pager", "laura-pager"]})
    told = [f"{'.'.join(map(str, key))}: {message}" for key, message in mistakes(notify, roster, PIPELINES)]
    said = "anna-pager is the contact of Anna, who leaves on 2026-12-01; name a role or who follows"
    assert told == [f"routes.0.to.1: {said}", f"reports.close.0: {said}"]
    every = Notify(**bound(), reports=notify.reports)
    assert readers(every, roster, "close", at("2026-11-30 12:00")) == ["anna-pager", "laura-pager"]
    assert readers(every, roster, "close", at("2026-12-01 12:00")) == ["laura-pager"]


def test_from_the_first_target_on_somebody_is_sent_each_document() -> None:
    def told(**notify: Any) -> list[str]:
        model = Notify(**notify)
        found = mistakes(model, declared()[1], PIPELINES, documents=["profit_unit", "close"], docs_address="https://d")
        return [f"{'.'.join(map(str, key))}: {said}" for key, said in found if key[0] == "reports"]

    assert told() == []
    close = "reports: nobody is sent what dq prevalidate and dq close answer; list who reads it under reports.close"
    assert told(**bound()) == [
        "reports: nobody is sent the document of profit_unit; list who reads it under reports.profit_unit",
        close,
    ]
    assert told(**bound(reports={"profit_unit": ["accounts-channel"]})) == [close]
    assert told(**bound(reports={"profit_unit": ["accounts-channel"], "close": ["accounts-channel"]})) == []


def test_a_report_goes_as_a_link_only_where_the_docs_have_an_address() -> None:
    kinds = {"executives-mail": {"kind": "email"}, "hook": {"kind": "webhook"}}
    notify = Notify(
        **bound(targets=every_contact() | kinds, reports={"close": ["executives-mail", "accounts-channel", "hook"]})
    )

    def told(address: str) -> list[str]:
        found = mistakes(notify, declared()[1], PIPELINES, docs_address=address)
        return [f"{'.'.join(map(str, key))}: {said}" for key, said in found if key[0] == "reports"]

    after = "which gets a report's link, and docs_address is not a web address; "
    after += "set docs_address or name a target of kind"
    assert (
        told("")
        == told("docs.example.com")
        == [
            f"reports.close.1: accounts-channel is of kind slack, {after} email",
            f"reports.close.2: hook is of kind webhook, {after} email",
        ]
    )
    assert told("https://docs.example.com") == []


REPORT = Report(
    pipeline="executive_report",
    period="2026-11-09",
    version=1,
    title="t",
    summary="s",
    file="f",
    sha256="0",
    text_file="t",
)


@pytest.mark.parametrize(
    ("kind", "link", "said"),
    [
        ("pagerduty", "", "a target of kind pagerduty carries no report"),
        ("alertmanager", "", "a target of kind alertmanager carries no report"),
        ("slack", "", "a target of kind slack is sent the link of a report, and this one has none"),
        ("webhook", "", "a target of kind webhook is sent the link of a report, and this one has none"),
        ("webhook", "reports/page.html", "a target of kind webhook is sent the link of a report, and this one has"),
    ],
)
def test_a_report_that_a_target_cannot_carry_is_undelivered_with_the_reason(kind: str, link: str, said: str) -> None:
    target = {"kind": kind} | ({"url": "http://am:9093"} if kind in ("pagerduty", "alertmanager") else {})
    notify = Notify(targets={"alerts": target}, internal_origins=["http://am:9093"])
    report = Message(
        contact="alerts",
        kind=kind,
        state=State.FIRING,
        dedup="d",
        pipeline="executive_report",
        period="2026-11-09",
        made=at("2026-11-24 14:00"),
        not_before=at("2026-11-24 14:00"),
        report=replace(REPORT, link=link),
    )
    sent = sender(notify)(report, at("2026-11-24 14:00"))
    assert sent.outcome is Delivery.FAILED
    assert sent.reason.startswith(said)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_target_says_how_it_is_told(kind: type[Addressed]) -> None:
    assert isinstance(kind.machine, bool)
    assert kind.keys in Keys
    assert kind.reports in Reports
    assert kind.name_of_kind() in (ROOT / "docs" / "telling.md").read_text(encoding="utf-8")
