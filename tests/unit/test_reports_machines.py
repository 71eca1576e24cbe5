"""The reports that machines read: JSON, JUnit XML, workflow commands, Markdown."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from run_records import LEDGER, guidance, held, passed, published, record, result

from dq.base import clean
from dq.base.model import Outcome, RunRecord, Severity, Verdict
from dq.base.serialize import from_json
from dq.show import render
from dq.show.markdown import escape

PAYLOADS = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]><x/>",
    "<!DOCTYPE x [<!ENTITY a 'b'>]>&a;",
    "[click](javascript:alert(1))",
    "![x](http://evil.example/p.png)",
    "<!channel> @here @everyone",
    "`code` | pipe | **bold** _em_ ~~gone~~",
    "::set-output name=a::b",
    "a\r\n::error::forged",
    "%0A::error::forged",
    "http://evil.example www.evil.example",
    "$name ${name} {{ 7*7 }}",
    "\ud800\udfff\x00\x0b\ufffe",
    "# heading\n- list\n1. list\n> quote",
]


def hostile(payload: str) -> RunRecord:
    bad = replace(
        LEDGER,
        check=payload,
        dataset=payload,
        observed=payload,
        expected=payload,
        description=payload,
        waived_by=payload,
        rows=({payload: payload},),
    )
    told = guidance(owner=payload, on_call=payload, on_call_until=payload, backup=payload, contact=payload)
    told = replace(told, due=(payload, payload), runbook=f"runbooks/{payload}.md#{payload}", runbook_url=f"x{payload}")
    return record(
        bad,
        replace(bad, check=f"2{payload}", outcome=Outcome.ERRORED, reason=payload),
        result(f"3{payload}", Outcome.NOT_RUN, reason=payload),
        guidance={payload: told, f"2{payload}": told},
        partial=(payload,),
        error=payload,
        pipeline=payload,
    )


# JSON


def test_the_json_report_is_the_record() -> None:
    assert from_json(render(held(), "json")) == held()


def test_the_json_report_keeps_money_as_text_and_numbers_finite() -> None:
    run = record(replace(LEDGER, measures={"off_by": "500.00", "rows": 2**60, "share": float("nan")}))
    doc = json.loads(render(run, "json"), parse_constant=lambda name: pytest.fail(name))
    assert doc["results"][0]["measures"] == {"off_by": "500.00", "rows": str(2**60), "share": "nan"}


# JUnit


def junit(run: RunRecord) -> ElementTree.Element:
    return ElementTree.fromstring(render(run, "junit"))  # noqa: S314  # our own output


def test_junit_has_a_suite_per_dataset_and_a_case_per_check() -> None:
    run = held()
    root = junit(run)
    assert [suite.get("name") for suite in root] == ["investor_profit.revenue", "investor_profit.investor_profit"]
    assert [case.get("name") for case in root.iter("testcase")] == [found.check for found in run.results]
    assert (root.get("tests"), root.get("failures"), root.get("errors"), root.get("skipped")) == ("14", "2", "0", "0")


def test_a_junit_failure_names_severity_runbook_owner_and_on_call() -> None:
    failure = junit(held()).find(".//testcase[@name='profit_ties_out_to_ledger']/failure")
    assert failure is not None
    assert failure.get("type") == "critical"
    assert failure.get("message") == LEDGER.observed
    text = failure.text or ""
    for expected in (
        "runbooks/investor_profit/figures-differ-from-the-books.md",
        "Business Analytics Team",
        "on call Laura",
        "fixed by",
    ):
        assert expected in text


def test_junit_tells_could_not_evaluate_and_not_run_apart_from_failures() -> None:
    run = record(
        result("a", Outcome.ERRORED, reason="no rows"),
        result("b", Outcome.NOT_RUN, reason="pending"),
        result("c", Outcome.FAILED, observed="3 rows", waived_by="Laura"),
        result("d"),
    )
    kinds = {case.get("name"): [child.tag for child in case] for case in junit(run).iter("testcase")}
    assert kinds == {"a": ["error"], "b": ["skipped"], "c": ["system-out"], "d": []}
    assert (junit(run).find(".//system-out").text or "").startswith("WAIVED: waived by Laura: 3 rows\n")


@pytest.mark.parametrize(
    "run",
    [
        record(verdict=Verdict.HOLD_NOT_EVALUATED),
        record(verdict=Verdict.HOLD_NOT_EVALUATED, upstream=held()),
        record(verdict=Verdict.HOLD_NOT_EVALUATED, error="the job stopped"),
        record(*passed(2), verdict=Verdict.HOLD_NOT_EVALUATED, error="the commit was lost"),
        record(result("x", Outcome.NOT_RUN, reason="absent"), verdict=Verdict.HOLD_NOT_EVALUATED),
    ],
)
def test_a_hold_is_never_all_green_for_a_ci_server(run: RunRecord) -> None:
    root = junit(run)
    assert int(root.get("errors", "0")) == len(root.findall(".//error")) == 1
    assert root.find(".//error").get("message")


def test_a_published_run_is_all_green_for_a_ci_server() -> None:
    assert not junit(published()).findall(".//error") + junit(published()).findall(".//failure")
    assert junit(published(results=(), already_published=True)).get("tests") == "0"


FINDINGS = (
    result("off", Outcome.FAILED, severity=Severity.WARNING, observed="3 rows"),
    result("usual", Outcome.FAILED, severity=Severity.INFO, observed="2 rows"),
    result("sent", Outcome.FAILED, observed="the report was not delivered"),
    result("there"),
)


def test_what_a_published_run_found_fails_nothing_and_is_not_lost() -> None:
    run = published(results=FINDINGS)
    root = junit(run)
    assert [root.get(key) for key in ("tests", "failures", "errors", "skipped")] == ["4", "0", "0", "0"]
    texts = {case.get("name"): case.findtext("system-out") or "" for case in root.iter("testcase")}
    assert texts["off"].startswith("WARNING: 3 rows\n")
    assert texts["usual"].startswith("INFO: 2 rows\n")
    assert texts["there"] == ""
    commands = render(run, "github").splitlines()
    assert [line.split()[0] for line in commands] == ["::notice", "::warning", "::warning", "::notice"]


def test_what_is_only_to_note_fails_nothing_of_a_held_run_either() -> None:
    root = junit(record(*FINDINGS))
    assert [case.get("name") for case in root.iter("testcase") if case.find("failure") is not None] == ["off", "sent"]
    assert root.get("failures") == "2"


@pytest.mark.parametrize("payload", PAYLOADS)
def test_junit_stays_well_formed_and_keeps_the_text(payload: str) -> None:
    root = junit(hostile(payload))
    assert {element.tag for element in root.iter()} <= {
        "testsuites",
        "testsuite",
        "testcase",
        "failure",
        "system-out",
        "error",
        "skipped",
    }
    assert root.find(".//testcase").get("name") == clean.text(payload)


@pytest.mark.long
@given(st.text(st.characters(exclude_categories=())))
def test_junit_is_well_formed_for_any_text(payload: str) -> None:
    assert len(junit(hostile(payload)).findall(".//testcase")) == 3


# Workflow commands

COMMAND = re.compile(r"::(error|warning|notice) (?:[a-z]+=[^:,]*)(?:,[a-z]+=[^:,]*)*::.*")


def test_workflow_commands_have_the_level_of_the_severity() -> None:
    lines = render(held(), "github").splitlines()
    assert [line.split(" ")[0] for line in lines] == ["::error", "::error", "::warning"]
    assert (
        "file=runbooks/investor_profit/figures-differ-from-the-books.md,title=CRITICAL%3A profit_ties_out_to_ledger::"
        in lines[1]
    )
    assert "%0Aowner: Business Analytics Team; on call Laura" in lines[1]


@pytest.mark.parametrize(
    ("where", "place"),
    [
        ("expectations/investor_profit.yml:31", "file=expectations/investor_profit.yml,line=31,title="),
        ("jobs/pipelines.yml:0", "file=jobs/pipelines.yml,title="),
        ("", "file=runbooks/investor_profit/figures-differ-from-the-books.md,title="),
    ],
)
def test_an_annotation_stands_where_the_check_is_declared(where: str, place: str) -> None:
    line = render(record(replace(LEDGER, where=where)), "github").splitlines()[1]
    assert line.startswith(f"::error {place}CRITICAL")


def test_a_published_run_is_a_notice() -> None:
    [line] = render(published(), "github").splitlines()
    assert line.startswith("::notice title=PUBLISHED%3A profit_unit 2026-10%2C data through 31 Oct::PUBLISHED")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_starts_a_workflow_command_of_its_own(payload: str) -> None:
    lines = render(hostile(payload), "github").splitlines()
    assert len(lines) == 3
    assert all(COMMAND.fullmatch(line) for line in lines)


def test_many_failures_stay_within_what_a_step_shows() -> None:
    storm = [result(f"c{n:03}", Outcome.FAILED, observed="1 row") for n in range(200)]
    lines = render(record(*storm), "github").splitlines()
    assert len(lines) == 11
    assert lines[-1].endswith("::and 191 more: 191 critical")


# Markdown

GFM = MarkdownIt("gfm-like", {"html": True, "linkify": False})


def test_markdown_shows_what_failed_with_owner_and_link() -> None:
    text = render(held(), "markdown")
    html = MarkdownIt("commonmark").enable("table").render(text)
    assert html.count("<tr>") == 3
    assert (
        '<a href="runbooks/investor_profit/figures-differ-from-the-books.md">Figures differ from the books</a>' in html
    )
    assert "on call Laura until Mon 30 Nov 09:00 (backup Jane)" in html
    assert "marketing: 1,204,311.20, ledger 1,204,811.20" in html


def test_markdown_lists_what_was_not_run_and_the_upstream() -> None:
    run = record(upstream=held(), verdict=Verdict.HOLD_NOT_EVALUATED, error="the job stopped")
    assert "### HOLD: investor" in render(run, "markdown")
    assert "**Error:** the job stopped" in render(run, "markdown")
    skipped = published(results=(*passed(1), result("trend", Outcome.NOT_RUN, reason="not enough history")))
    assert "| trend | not enough history |" in render(skipped, "markdown")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_markdown_payloads_render_as_themselves(payload: str) -> None:
    text = render(hostile(payload), "markdown")
    html = GFM.render(text)
    tags = set(re.findall(r"</?([a-z0-9]+)", html))
    assert tags <= {"h2", "p", "strong", "table", "thead", "tbody", "tr", "th", "td", "a", "br"}
    assert all(href.startswith("runbooks/") for href in re.findall(r'href="([^"]*)"', html))
    assert not re.search(
        r"@|://|www\.", re.sub(r"\(<runbooks/[^>]*>\)", "", text)
    )  # what mentions and bare links are made of


@pytest.mark.long
@given(st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1))
def test_any_escaped_text_renders_as_itself(text: str) -> None:
    tokens = GFM.parse(f"x {escape(text)} x")
    [inline] = [token for token in tokens if token.type == "inline"]
    assert {child.type for child in inline.children or []} <= {"text", "text_special"}
    shown = "".join(child.content for child in inline.children or [])
    assert shown.split() == f"x {text} x".split()


# Cleaning


@given(st.text(st.characters(exclude_categories=())))
def test_cleaned_text_is_one_line_of_printable_utf8_and_cleaning_twice_changes_nothing(text: str) -> None:
    line = clean.text(text)
    line.encode("utf-8")
    assert len(line.splitlines()) <= 1
    assert clean.text(line, 10_000) == line


def test_clean_text_is_left_alone() -> None:
    for text in ("", "Zürich 東京 😀 1,204.20", "e\u0301", "עברית"):
        assert clean.text(text) == text


def test_long_lists_are_cut_with_a_count_but_results_are_not() -> None:
    run = clean.record(record(*passed(500), totals={"x": [1] * 1_000}))
    assert len(run.results) == 500
    assert run.totals["x"][-1] == "… and 800 more"


def test_cleaning_an_ordinary_record_changes_nothing() -> None:
    assert clean.record(held()) == held()
