"""What lint proves of runbook pages, both ways, and the generated blocks it keeps fresh."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from runbook_samples import CHECKS, PAGE, ROSTER, line_of, page, roster

from dq.base.errors import ConfigError, DqError
from dq.base.model import Check, Guidance, Severity
from dq.base.periods import Grain, days_of
from dq.people import Roster
from dq.runbooks import Page, guide, lint_levels, lint_runbooks, render_blocks, write_checks
from dq.runbooks.values import VALUES

ROOT = Path(__file__).resolve().parents[2]
SECTION = "runbooks/profit/README.md#figures-differ-from-the-books"


def fresh(text: str, folder: Path, checks: Sequence[Check] = CHECKS) -> Page:
    """The page with its blocks written."""
    return page(render_blocks(page(text), checks, roster(folder)))


def accept(argv: Sequence[str]) -> str | None:
    return None


def findings(folder: Path, text: str = PAGE, checks: Sequence[Check] = CHECKS, roster_text: str = ROSTER) -> list[str]:
    found = lint_runbooks({"profit": fresh(text, folder, checks)}, checks, roster(folder, roster_text), accept)
    return [str(finding) for finding in found]


def test_a_page_that_is_right_has_no_findings(tmp_path: Path) -> None:
    assert findings(tmp_path) == []


def test_a_check_that_leads_nowhere_is_told_at_the_suite_s_line(tmp_path: Path) -> None:
    def told(runbook: str) -> list[str]:
        return findings(tmp_path, checks=[*CHECKS, replace(CHECKS[0], check="extra", runbook=runbook)])

    place = "expectations/profit.yml:4: extra: "
    assert told("") == [f"{place}leads to no runbook section; name one by its file, without .md"]
    assert told("profits.md#figures-differ-from-the-books") == [
        f"{place}leads to the page profits, which is not there; did you mean profit? Valid: profit"
    ]
    assert told("profit/figures-differ-from-books.md")[0].startswith(
        f"{place}no way of failing on profit has the name figures-differ-from-books; did you mean figures-differ"
    )
    assert "no way of failing" in told("profit/description.md")[0]


def test_a_check_of_another_class_than_its_section_is_told(tmp_path: Path) -> None:
    checks = [CHECKS[0], replace(CHECKS[1], failure_class="F01")]
    message = f"ledger_null_share: is of class F01, but {SECTION} is about F11"
    assert findings(tmp_path, checks=checks) == [f"expectations/ledger.yml:9: {message}"]


def test_a_section_without_a_check_is_told(tmp_path: Path) -> None:
    text = PAGE.replace("checks: [ties_out]", "checks: [other]")
    found = findings(tmp_path, text, checks=[])
    assert any("no check leads to profit/figures-differ-from-the-books" in line for line in found)
    assert any("critical_metrics[0].checks[0]: no check 'other' leads to this page" in line for line in found)


def test_a_check_of_another_page_does_not_watch_this_one_s_metric(tmp_path: Path) -> None:
    other = fresh(PAGE.replace("pipeline: profit", "pipeline: other"), tmp_path)
    pages = {"profit": fresh(PAGE, tmp_path), "other": page(other.text, "other")}
    found = [str(f) for f in lint_runbooks(pages, CHECKS, roster(tmp_path), accept)]
    assert any(
        line.startswith("runbooks/other/README.md:") and "no check 'ties_out' leads to this page" in line
        for line in found
    )
    assert not any(line.startswith("runbooks/profit/README.md:") for line in found)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("owner: Business Analytics Team", "owner: Business Team", "owner: no team 'Business Team' on the roster"),
        ("secondary: Data Engineering", "secondary: Data Engineers", "did you mean Data Engineering"),
        ("profit analyst, team: Business", "profit analyst, team: X", "accountable.team: no team 'X Analytics Team'"),
        ("teams: [Business Analytics", "teams: [Sales, Business Analytics", "reviews[0].teams[0]: no team 'Sales'"),
        ("engineer: anna", "engineer: bob", "engineer: nobody on the roster has the id 'bob'"),
        (
            "upstream: {}",
            "upstream: {pipelines: [units]}",
            "upstream.pipelines[0]: no page is about the pipeline units",
        ),
    ],
)
def test_whoever_a_page_names_must_be_on_the_roster(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = PAGE.replace(old, new, 1)
    assert text != PAGE
    found = lint_runbooks({"profit": page(text)}, CHECKS, roster(tmp_path), accept)
    hits = [str(finding) for finding in found if message in str(finding)]
    assert hits, found
    assert hits[0].startswith(f"runbooks/profit/README.md:{line_of(text, new)}: ")


def test_a_ladder_that_goes_to_a_manager_needs_their_contact(tmp_path: Path) -> None:
    text = PAGE.replace("to: lead", "to: owner_manager")
    without = ROSTER.replace(", manager: business-analytics-manager", "")
    assert any("names no manager's contact" in line for line in findings(tmp_path, text, roster_text=without))
    assert findings(tmp_path, text) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("## Monitoring\n\nBy runs.\n\n", "", "the page has no part ## Monitoring"),
        ("## Monitoring\n\nBy runs.", "## Monitoring", "Monitoring: the part is empty"),
        (
            "#### Impact\n\nHeld.\n\n",
            "",
            "Figures differ from the books: lacks #### Impact; runbooks/README.md",
        ),
        (
            "#### Impact\n\nHeld.\n\n",
            "#### Impact\n\nHeld.\n\n#### Impact\n\nHeld.\n\n",
            "Figures differ from the books: Impact: appears twice in this section",
        ),
        (
            "## Ways of failing\n",
            "## Ways of failing\n\n### Lost\n\nWords.\n",
            "Lost: has no line Class: F.. directly under its heading",
        ),
        ("#### Impact\n\nHeld.", "#### Impact", "Figures differ from the books: Impact: the part is empty"),
        ("```sh\ndq show RUN --check CHECK\n```", "Look.", "Diagnosis: holds no command"),
        ("<!-- checks:begin -->\n<!-- checks:end -->", "None.", "has no list of checks"),
        ("<!-- ladder:begin -->\n<!-- ladder:end -->", "Ask around.", "Escalation: has no block ladder"),
        ("<!-- metrics:begin -->\n<!-- metrics:end -->", "All.", "Critical metrics: has no block metrics"),
        (
            "(#description)",
            "(#descriptions)",
            "no heading of profit has the anchor #descriptions; did you mean desc",
        ),
        (
            "(#description)",
            "(../other/README.md#description)",
            "the link ../other/README.md#description leads to no page",
        ),
        ("(#description)", "(http://example.com)", "leads to no page here"),
        ("(#description)", "(../jobs/x.py)", "leads to no page here"),
        ("dq show RUN --check CHECK", "dq show RUN | less", "holds a pipe"),
        ("dq show RUN --check CHECK", "dq show RUN; dq gc", "more than one command"),
        ("dq show RUN --check CHECK", "$ dq show RUN", "begins with $"),
        ("dq show RUN --check CHECK", "rm -rf build", "begins with rm"),
        ("dq show RUN --check CHECK", "dq show 'RUN", "is not a shell command: No closing quotation"),
        ("dq show RUN --check CHECK", "dq show WHAT", "unknown placeholder WHAT; valid: AMOUNT"),
    ],
)
def test_a_part_link_or_command_that_is_not_right_is_told(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = PAGE.replace(old, new, 1)
    assert text != PAGE
    found = findings(tmp_path, text)
    assert len(found) == 1
    assert message in found[0]


def test_links_to_pages_readme_https_and_mail_are_right(tmp_path: Path) -> None:
    links = "[a](README.md) [b](README.md#on-call) [c](../README.md) [d](https://example.com) [e](mailto:x@example.com)"
    assert findings(tmp_path, PAGE.replace("What it is.", links)) == []


def test_every_command_is_given_to_the_parser_with_examples_for_placeholders(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def refuse(argv: Sequence[str]) -> str | None:
        seen.append([*argv])
        return "unknown option --check"

    text = PAGE.replace("CHECK\n", 'CHECK --reason "REASON"\n')
    found = lint_runbooks({"profit": fresh(text, tmp_path)}, CHECKS, roster(tmp_path), refuse)
    assert seen == [
        ["dq", "show", VALUES["RUN"].example, "--check", VALUES["CHECK"].example, "--reason", VALUES["REASON"].example]
    ]
    assert [finding.message for finding in found] == ["unknown option --check"]


def test_a_class_with_two_sections_and_a_pipeline_with_two_pages_are_told(tmp_path: Path) -> None:
    section = PAGE[PAGE.index("### Figures") :]
    twice = PAGE + "\n" + section.replace("Figures differ from the books", "Another one")
    first = f"runbooks/profit/README.md:{line_of(fresh(twice, tmp_path).text, '### Figures')}"
    assert any(f"Another one: F11 has a section at {first} already" in line for line in findings(tmp_path, twice))
    other = page(fresh(PAGE, tmp_path).text, "other")
    found = lint_runbooks({"profit": fresh(PAGE, tmp_path), "other": other}, CHECKS, roster(tmp_path), accept)
    assert any("runbooks/profit/README.md is the page of profit already" in finding.message for finding in found)


def test_a_list_of_checks_that_is_out_of_date_is_told_until_it_is_written(tmp_path: Path) -> None:
    table = roster(tmp_path)
    path = tmp_path / "profit" / "README.md"
    path.parent.mkdir()
    path.write_text(fresh(PAGE, tmp_path).text, encoding="utf-8")
    fewer = CHECKS[:1]
    stale = lint_runbooks({"profit": page(path.read_text(encoding="utf-8"))}, fewer, table, accept)
    assert [f.message for f in stale] == [
        f"the generated block {name} is out of date; run dq lint --fix" for name in ("ways", "checks")
    ]
    assert write_checks(path.parent, fewer, table) == [path]
    assert write_checks(path.parent, fewer, table) == []
    assert lint_runbooks({"profit": page(path.read_text(encoding="utf-8"))}, fewer, table, accept) == []


def test_a_list_of_checks_holds_id_severity_dataset_and_expectation_gravest_first(tmp_path: Path) -> None:
    lines = fresh(PAGE, tmp_path, [*reversed(CHECKS), CHECKS[0]]).text.splitlines()
    begin = lines.index("<!-- checks:begin -->")
    assert lines[begin + 1 : lines.index("<!-- checks:end -->")] == [
        "",
        "| check | severity | dataset | expects |",
        "| --- | --- | --- | --- |",
        "| `ties_out` | critical | `profit` | Every line agrees. |",
        "| `ledger_null_share` | warning | `ledger` | expect column values to not be null: amount |",
        "",
    ]


def test_a_section_without_checks_says_so_in_its_list(tmp_path: Path) -> None:
    assert "No check leads here yet." in fresh(PAGE, tmp_path, []).text


def test_writing_blocks_changes_nothing_outside_their_markers(tmp_path: Path) -> None:
    def outside(text: str) -> list[str]:
        kept, inside = [], False
        for line in text.splitlines():
            if line.endswith(":begin -->"):
                inside = True
            if not inside:
                kept.append(line)
            if line.endswith(":end -->"):
                inside = False
        return kept

    assert outside(fresh(PAGE, tmp_path).text) == outside(PAGE)


def test_a_hostile_description_stays_one_cell(tmp_path: Path) -> None:
    hostile = "a | b\n<!-- checks:end -->\n## new [x](javascript:alert(1)) <script>\x1b[31m"
    text = fresh(PAGE, tmp_path, [replace(CHECKS[0], description=hostile), CHECKS[1]]).text
    assert text.count("<!-- checks:end -->") == 1
    assert [line for line in text.splitlines() if "new" in line] == [
        r"| `ties_out` | critical | `profit` | a \| b \<\!-- checks:end --\> \#\# new "
        r"\[x\](javascript:alert(1)) \<script\> \[31m |"
    ]
    assert "\x1b" not in text


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("<!-- owners:end -->", "", "the marker owners:begin has no partner"),
        ("<!-- owners:begin -->", "", "the marker owners:end has no partner"),
        ("<!-- owners:begin -->", "<!-- owner:begin -->", "no block owner; valid: checks, ladder, levels"),
    ],
)
def test_markers_that_do_not_pair_are_told_and_nothing_is_written(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = PAGE.replace(old, new, 1)
    found = lint_runbooks({"profit": page(text)}, CHECKS, roster(tmp_path), accept)
    assert any(message in finding.message for finding in found)
    path = tmp_path / "profit" / "README.md"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        write_checks(path.parent, CHECKS, roster(tmp_path))
    assert path.read_text(encoding="utf-8") == text


def test_a_page_that_cannot_be_written_is_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "profit" / "README.md"
    path.parent.mkdir()
    path.write_text(PAGE, encoding="utf-8")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(DqError, match=r"README.md: cannot be written: No space left on device"):
        write_checks(path.parent, CHECKS, roster(tmp_path))
    assert path.read_text(encoding="utf-8") == PAGE
    assert [item.name for item in path.parent.iterdir()] == ["README.md"]


def test_guidance_names_section_owner_person_and_dates(tmp_path: Path) -> None:
    table, at = roster(tmp_path), datetime(2026, 11, 25, 5, tzinfo=UTC)
    found = guide(page=page(), roster=table, runbook=CHECKS[0].runbook, days=days_of("2026-11"), at=at)
    assert found == Guidance(
        runbook=SECTION,
        runbook_url="runbooks/profit.html#figures-differ-from-the-books",
        owner="Business Analytics Team",
        contact="business-analytics",
        on_call="Laura",
        on_call_until="Mon 30 Nov 09:00",
        backup="Jane",
        due=["pre-validation Wed 25 Nov", "fixed by Mon 30 Nov", "to the Lead Fri 27 Nov 09:00"],
        since=at,
    )


def test_guidance_says_since_when_it_is_red_and_until_when_nobody_is_called(tmp_path: Path) -> None:
    text = PAGE.replace("  - {to: lead, after", "  - {to: manager, hours: 24}\n  - {to: lead, after")
    found = guide(
        page=page(text),
        roster=roster(tmp_path),
        runbook=CHECKS[0].runbook,
        days=days_of("2026-11"),
        at=datetime(2026, 11, 14, 5, tzinfo=UTC),
        first_failed=datetime(2026, 11, 13, 15, tzinfo=UTC),
        severity=Severity.WARNING,
    )
    assert list(found.due[:2]) == ["red since Fri 13 Nov 10:00", "nobody is called before Mon 16 Nov 09:00"]
    assert "to the manager Sat 14 Nov 10:00" in found.due, "counted from the first failure"
    assert (found.since, found.call_at) == (
        datetime(2026, 11, 13, 15, tzinfo=UTC),
        datetime(2026, 11, 16, 14, tzinfo=UTC),
    )


def test_guidance_prefixes_the_docs_address_and_lands_on_the_top_without_a_section(tmp_path: Path) -> None:
    found = guide(
        page=page(),
        roster=roster(tmp_path),
        runbook="profit/gone.md",
        days=days_of("2026-11"),
        at=datetime(2026, 11, 25, 5, tzinfo=UTC),
        docs_address="https://docs.example.com/dq/",
    )
    assert (found.runbook, found.runbook_url) == (
        "runbooks/profit/README.md",
        "https://docs.example.com/dq/runbooks/profit.html",
    )


def test_guidance_takes_the_class_from_the_section_where_it_is_not_given(tmp_path: Path) -> None:
    text = PAGE.replace("  - {to: lead, after", "  - {to: manager, hours: 24, classes: [F11]}\n  - {to: lead, after")
    at = datetime(2026, 11, 25, 5, tzinfo=UTC)

    def due(failure_class: str) -> Sequence[str]:
        runbook = CHECKS[0].runbook
        return guide(
            page=page(text),
            roster=roster(tmp_path),
            runbook=runbook,
            days=days_of("2026-11"),
            at=at,
            failure_class=failure_class,
        ).due

    assert "to the manager Thu 26 Nov 00:00" in due("")
    assert "to the manager Thu 26 Nov 00:00" in due("F11")
    assert "to the manager Thu 26 Nov 00:00" not in due("F01")


LEVELS = PAGE[PAGE.index("levels:\n") : PAGE.index("escalation:")]


def test_every_impossible_level_is_told_at_once_with_its_line_and_key() -> None:
    listed = """\
levels:
  - {id: a, label: a, kind: day_of_month, day: 31, on_holiday: previous}
  - {id: b, label: b, kind: next_month_business_day, nth: 25}
  - {id: c, label: c, kind: age, warn_hours: 48, alarm_hours: 24}
  - {id: d, label: d, kind: within, hours: -3}
  - {id: e, label: e, kind: within, days: 3, hours: 3}
  - {id: f, label: f, kind: ready_by, at: "25:00"}
  - {id: g, label: g, kind: weekday, weekday: sunday, at: "17:00", on_holiday: previous}
  - {id: h, label: h, kind: hours_after, hours: 0}
  - {id: i, label: i, kind: monthly}
  - {id: j, label: j, kind: month_end, on_holiday: nearest}
"""
    text = PAGE.replace(LEVELS, listed).replace("business_days: 1,", "business_days: 40,", 1)
    with pytest.raises(ConfigError) as caught:
        page(text)
    told = [str(finding) for finding in caught.value.findings]
    first = PAGE[: PAGE.index("levels:")].count("\n") + 2
    for n, (key, said) in enumerate(
        [
            ("levels[0].day", "not every month has a day 31; give 1 to 28, or the kind month_end"),
            ("levels[1].nth", "not every month surely has 25 business days; give 1 to 15"),
            ("levels[2]", "the alarm at 24 h must come after the warning at 48 h"),
            ("levels[3].hours", "greater than or equal to 1"),
            ("levels[4]", "give either hours or days"),
            ("levels[5].at", "expected a time of day"),
            ("levels[6].weekday", "Input should be 'monday'"),
            ("levels[7].hours", "greater than or equal to 1"),
            ("levels[8].kind", "no kind 'monthly'; valid: day_of_month, "),
            ("levels[9].on_holiday", "'previous', 'next' or 'same'"),
        ]
    ):
        assert told[n].startswith(f"runbooks/profit/README.md:{first + n}: {key}: ")
        assert said in told[n]
    assert "escalation[0].business_days" in told[10]
    assert len(told) == 11


@pytest.mark.parametrize(
    ("levels", "grain", "investors", "said"),
    [
        (
            '{id: fixed, label: x, kind: ready_by, at: "03:00"}',
            Grain.MONTH,
            ["profit"],
            "levels[1].kind: falls due after",
        ),
        (
            "{id: fixed, label: x, kind: month_end, on_holiday: same, met_by: pre_validated}",
            Grain.MONTH,
            [],
            "investors",
        ),
        ('{id: fixed, label: x, kind: ready_by, at: "03:00"}', Grain.DAY, [], ""),
        ("{id: fixed, label: x, kind: month_end, on_holiday: same, met_by: pre_validated}", Grain.DAY, ["profit"], ""),
    ],
)
def test_a_level_that_can_never_be_due_or_kept_is_told(
    levels: str, grain: Grain, investors: list[str], said: str
) -> None:
    found = told_of_level(levels, grain, investors, None)
    assert len(found) == bool(said)
    assert not said or said in found[0]


def told_of_level(level: str, grain: Grain, investors: list[str], people: Roster | None) -> list[str]:
    old = next(line for line in LEVELS.splitlines() if "id: fixed" in line)
    read = page(PAGE.replace(old, f"  - {level}"))
    return [str(finding) for finding in lint_levels({"profit": read}, {"profit": grain}, investors, people)]


EARLY = "but figures are "


@pytest.mark.parametrize(
    ("level", "grain", "said"),
    [
        ("kind: day_of_month, day: 20, on_holiday: same, met_by: preliminary", Grain.MONTH, "2025-10: due"),
        ("kind: month_end, on_holiday: previous, met_by: preliminary", Grain.MONTH, "2025-11: due Fri 28 Nov"),
        ("kind: month_end, on_holiday: same, met_by: preliminary", Grain.MONTH, ""),
        ("kind: month_end, on_holiday: next, met_by: preliminary", Grain.MONTH, ""),
        ("kind: day_of_month, day: 25, on_holiday: previous, met_by: final", Grain.MONTH, "with nth: 3"),
        ("kind: month_end, on_holiday: same, met_by: final", Grain.DAY, "48 hours after the month's end"),
        ("kind: next_month_business_day, nth: 1, met_by: final", Grain.MONTH, EARLY),
        ("kind: next_month_business_day, nth: 3, met_by: final", Grain.DAY, ""),
        ("kind: hours_after, hours: 48, met_by: final", Grain.MONTH, EARLY),
        ("kind: hours_after, hours: 49, met_by: final", Grain.MONTH, ""),
        ("kind: hours_after, hours: 72, met_by: preliminary", Grain.WEEK, EARLY),
        ('kind: ready_by, at: "05:00", met_by: preliminary', Grain.DAY, EARLY),
        ("kind: day_of_month, day: 20, on_holiday: same", Grain.MONTH, ""),
        ("kind: day_of_month, day: 1, on_holiday: previous", Grain.MONTH, "once the month's first UTC day is over"),
        ("kind: day_of_month, day: 1, on_holiday: previous, met_by: pre_validated", Grain.MONTH, "pre-validated only"),
        ("kind: day_of_month, day: 1, on_holiday: same", Grain.MONTH, ""),
        ("kind: day_of_month, day: 1, on_holiday: next", Grain.DAY, ""),
        ("kind: day_of_month, day: 5, on_holiday: previous", Grain.DAY, ""),
        ("kind: day_of_month, day: 20, on_holiday: same, met_by: green", Grain.MONTH, ""),
        ("kind: within, days: 3, met_by: final", Grain.MONTH, ""),
    ],
)
def test_a_level_due_before_figures_can_be_settled_is_told_with_what_to_write(
    tmp_path: Path, level: str, grain: Grain, said: str
) -> None:
    found = told_of_level(f"{{id: fixed, label: x, {level}}}", grain, ["profit"], roster(tmp_path))
    assert len(found) == bool(said), found
    if said:
        assert "levels[1].met_by: can never be kept of 20" in found[0]
        assert "; write " in found[0]
        assert said in found[0]


def test_a_rung_of_a_class_its_level_is_not_of_is_told() -> None:
    text = PAGE.replace(
        "on_holiday: previous}\n  - {id: fixed", "on_holiday: previous, classes: [F04]}\n  - {id: fixed"
    )
    text = text.replace('at: "09:00"}\nreviews', 'at: "09:00", classes: [F04, F11]}\nreviews')
    with pytest.raises(
        ConfigError, match=r"escalation\[0\].classes: the level pre-validated is of F04 alone and never"
    ):
        page(text)
