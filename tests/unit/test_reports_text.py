from __future__ import annotations

import io
import shlex
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_records import (
    LEDGER,
    MARGIN,
    PRELIMINARY,
    guidance,
    held,
    passed,
    published,
    record,
    result,
    waiver_note,
)

from dq.base.errors import UsageError
from dq.base.model import Outcome, RunRecord, Severity, Verdict
from dq.base.serialize import from_json
from dq.show import FORMATS, render, use_colour
from dq.show.card import card, count, day, worst
from dq.show.terminal import columns, command_lines, wrap

STYLE_GUIDE = """\
HOLD  investor_profit 2026-11, data through 24 Nov   2 of 14 checks failed, 0 could not be evaluated   version 41 stays
  CRITICAL  profit_ties_out_to_ledger   marketing: 1,204,311.20, ledger 1,204,811.20, off by 500.00 (allowed 0.01)
            runbook  runbooks/investor_profit/figures-differ-from-the-books.md
            owner    Business Analytics Team; on call Laura until Mon 30 Nov 09:00 (backup Jane)
            due      pre-validation Wed 25 Nov; fixed by Mon 30 Nov; to the Lead Fri 27 Nov 09:00
  WARNING   margin_in_usual_band        cloud: margin 0.41, usual 0.18 to 0.35
            runbook  runbooks/investor_profit/a-trend-or-a-published-month-does-not-fit.md
            owner    Business Analytics Team; on call Laura until Mon 30 Nov 09:00 (backup Jane)
"""


def errored(check: str = "keys_are_unique", **changes: object) -> object:
    return result(check, Outcome.ERRORED, reason="no rows to evaluate", **changes)


def first_line(run: RunRecord) -> str:
    return render(run).splitlines()[0]


def test_the_held_card_reads_as_the_style_guide_has_it() -> None:
    assert render(held()) == STYLE_GUIDE


def test_the_order_of_the_results_changes_nothing_on_the_card() -> None:
    run = held()
    assert render(replace(run, results=tuple(reversed(run.results)))) == render(run)


@pytest.mark.parametrize(
    ("run", "line"),
    [
        (published(), "PUBLISHED  profit_unit 2026-10, data through 31 Oct   31 of 31 checks passed   version 7"),
        (
            published(results=(*passed(3), MARGIN)),
            "PUBLISHED  profit_unit 2026-10, data through 31 Oct   3 of 4 checks passed, 1 warning   version 7",
        ),
        (
            published(
                results=(*passed(1), replace(LEDGER, waived_by="Laura"), replace(MARGIN, severity=Severity.INFO))
            ),
            "PUBLISHED  profit_unit 2026-10, data through 31 Oct   "
            "1 of 3 checks passed, 1 waived, 1 to note   version 7",
        ),
        (
            published(
                results=(*passed(1), result("x", Outcome.NOT_RUN, reason="absent")),
                verdict=Verdict.PUBLISH_PARTIAL,
                partial=("expenses: declared absent",),
            ),
            "PUBLISHED AS PARTIAL  profit_unit 2026-10, data through 31 Oct   "
            "1 of 2 checks passed, 1 not run   version 7",
        ),
        (
            published(already_published=True, results=()),
            "ALREADY PUBLISHED  profit_unit 2026-10, data through 31 Oct   nothing to do   version 7",
        ),
        (
            record(LEDGER, stays=None),
            "HOLD  investor_profit 2026-11, data through 24 Nov   "
            "1 of 1 check failed, 0 could not be evaluated   nothing published yet",
        ),
        (
            record(
                *passed(1), LEDGER, replace(LEDGER, waived_by="Laura"), MARGIN, replace(MARGIN, severity=Severity.INFO)
            ),
            "HOLD  investor_profit 2026-11, data through 24 Nov   "
            "2 of 5 checks failed, 0 could not be evaluated, 1 waived, 1 to note   version 41 stays",
        ),
        (
            record(verdict=Verdict.HOLD_NOT_EVALUATED),
            "HOLD  investor_profit 2026-11, data through 24 Nov   no check ran   version 41 stays",
        ),
        (record(LEDGER, period=""), "FAILED  investor_profit   1 of 1 check failed, 0 could not be evaluated"),
        (published(period="", results=passed(2)), "PASSED  profit_unit   2 of 2 checks passed"),
    ],
)
def test_the_first_line_says_verdict_period_counts_and_version(run: RunRecord, line: str) -> None:
    assert first_line(run) == line


def test_a_hold_is_never_worded_as_published_and_never_the_other_way_round() -> None:
    for verdict in Verdict:
        word = first_line(record(*passed(1), verdict=verdict, version=3)).split("  ")[0]
        assert word.startswith("PUBLISHED") == verdict.published


def test_a_check_that_could_not_be_evaluated_says_why_and_stands_before_warnings() -> None:
    lines = render(record(MARGIN, errored(), LEDGER, guidance={"keys_are_unique": guidance()})).splitlines()
    assert "1 could not be evaluated" in lines[0]
    labels = [line.split("  ")[1].strip() for line in lines[1:] if not line.startswith("   ")]
    assert labels == ["CRITICAL", "COULD NOT EVALUATE", "WARNING"]
    at = next(number for number, line in enumerate(lines) if "COULD NOT EVALUATE" in line)
    assert "keys_are_unique" in lines[at]
    assert "no rows to evaluate" in lines[at]
    assert "on call Laura" in lines[at + 2]


def test_a_waived_check_is_shown_with_its_waiver() -> None:
    waived = replace(LEDGER, waived_by="Laura until 1 Dec: agreed with Finance")
    text = render(published(results=(waived,)))
    assert "  WAIVED    profit_ties_out_to_ledger" in text
    assert "waived   Laura until 1 Dec: agreed with Finance" in text


def test_a_waiver_stands_on_the_card_in_every_report_while_it_lasts() -> None:
    run = published(waivers=(waiver_note(),))
    line = (
        "profit_ties_out_to_ledger: not needed, the check passed; up to 500.00 until 2026-11-30 for Danny, "
        "signed off by Olga Berg on 2026-11-04: invoice booked twice"
    )
    assert f"  WAIVER    {line}" in render(run)
    assert f"waiver: {line}" in render(run, "github")
    assert "**Waiver:** profit&#95;ties&#95;out" in render(run, "markdown")
    assert from_json(render(run, "json")) == run


def test_a_waiver_that_let_its_check_pass_is_told_once_but_not_lost_in_a_storm() -> None:
    waived = replace(LEDGER, waived_by="Danny until 2026-11-30: invoice booked twice")
    applied = waiver_note(effect="lets the check pass", applied=True)
    assert "WAIVER " not in render(published(results=(waived,), waivers=(applied,)))
    storm = [result(f"c{n:03}", Outcome.FAILED, observed="1 row") for n in range(200)]
    assert "WAIVER " in render(record(*storm, waived, waivers=(applied,)))


def test_checks_not_run_are_grouped_by_their_reason() -> None:
    pending = [result(f"trend_{n}", Outcome.NOT_RUN, reason="not enough history: 1 of 3") for n in range(12)]
    absent = result("ledger_ties", Outcome.NOT_RUN, reason="ledger is declared absent")
    text = render(published(results=(*passed(1), *pending, absent)))
    assert "  NOT RUN   12 checks: not enough history: 1 of 3\n            trend_0, trend_1" in text
    assert "trend_9 and 2 more\n" in text
    assert "  NOT RUN   1 check: ledger is declared absent\n            ledger_ties\n" in text


def test_the_reasons_for_a_partial_publication_are_listed() -> None:
    text = render(published(verdict=Verdict.PUBLISH_PARTIAL, partial=("expenses: declared absent by Finance",)))
    assert "\n  PARTIAL   expenses: declared absent by Finance\n" in text


def test_what_a_final_replaces_is_stated_with_how_far_each_total_moved() -> None:
    told = (
        "version 6, preliminary, data through 30 Oct; moved: revenue +1,204.50, expenses 0, profit -1,204.50, "
        "subscribers +3, targets missing before or now"
    )
    run = published(replaced=PRELIMINARY)
    assert f"\n  REPLACES  {told}\n" in render(run)
    assert f"replaces {told}" in render(run, format="github")
    assert "**Replaces:** version 6" in render(run, format="markdown")
    assert "REPLACES" not in render(published())


def test_a_storm_of_failures_is_cut_and_counted() -> None:
    storm = [result(f"check_{n:03}", Outcome.FAILED, observed="1 row") for n in range(490)]
    warnings = [replace(MARGIN, check=f"warning_{n}") for n in range(10)]
    text = render(record(*storm, *warnings), limit=20)
    assert text.count("\n  CRITICAL") == 20
    assert "            and 480 more: 470 critical, 10 warning\n" in text
    assert "500 of 500 checks failed" in text


def test_a_run_held_by_its_upstream_shows_the_upstreams_card() -> None:
    lines = render(record(upstream=held(), verdict=Verdict.HOLD_NOT_EVALUATED)).splitlines()
    assert lines[0].endswith("upstream held   version 41 stays")
    nested = [line[12:] for line in lines[1:]]
    assert lines[1].startswith("  UPSTREAM  HOLD  investor_profit")
    assert "\n".join(nested) + "\n" == STYLE_GUIDE


def test_an_error_of_the_run_is_told_once() -> None:
    alone = render(record(verdict=Verdict.HOLD_NOT_EVALUATED, error="the job stopped: no space left"))
    assert "\n  ERROR     the job stopped: no space left\n" in alone
    same = result("run_completes", Outcome.ERRORED, reason="the job stopped: no space left")
    text = render(record(same, verdict=Verdict.HOLD_NOT_EVALUATED, error="the job stopped: no space left"))
    assert text.count("the job stopped") == 1


def test_a_check_without_guidance_has_no_empty_lines() -> None:
    text = render(record(result("x", Outcome.FAILED, observed="3 rows", runbook="")))
    assert text.splitlines()[1:] == ["  CRITICAL  x   3 rows"]


def test_a_failure_without_a_sentence_still_says_something() -> None:
    assert "no detail was recorded" in render(record(result("x", Outcome.FAILED)))


def test_the_link_of_published_docs_goes_before_the_path_in_the_repository() -> None:
    url = "https://quality.example.com/runbooks/investor_profit.html#figures-differ-from-the-books"
    text = render(record(LEDGER, guidance={LEDGER.check: guidance(runbook_url=url)}))
    assert f"runbook  {url}\n" in text


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_lines_fit_the_terminal_except_for_links(width: int) -> None:
    run = replace(held(), error="a long story " * 20, partial=("because " * 30,), upstream=held())
    for line in render(run, width=width).splitlines():
        assert columns(line) <= width or "runbooks/" in line
    assert "runbooks/investor_profit/figures-differ-from-the-books.md" in render(run, width=width)


def test_wrapping_loses_no_word() -> None:
    run = replace(held(), error="one two three four five six seven eight nine ten eleven")
    assert render(run, width=50).split() == render(run).split()


@given(st.text(), st.integers(min_value=2, max_value=30))
def test_wrap_keeps_every_character_but_spaces_and_stays_within_the_width(line: str, width: int) -> None:
    pieces = wrap(line, width)
    assert "".join(pieces).replace(" ", "") == line.replace(" ", "")
    assert all(columns(piece) <= width for piece in pieces)


def test_colour_adds_nothing_but_escape_codes() -> None:
    import re

    coloured = render(held(), colour=True)
    assert "\x1b[1;31mHOLD\x1b[0m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == render(held())
    assert "\x1b" not in render(held())


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environment", "expected"),
    [
        (Terminal(), {}, True),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {}, False),
    ],
)
def test_colour_is_for_terminals_that_want_it(stream: io.StringIO, environment: dict[str, str], expected: bool) -> None:
    assert use_colour(stream, environment) is expected


HOSTILE = "\x1b]0;owned\x07\x1b[2J\x00 \x9b31m \u202egpj.exe \u2028 \ud800 \ufeff \x7f\r\n::set-output name=x::y"


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "gx"])
def test_no_report_lets_a_control_character_or_lone_surrogate_through(format: str) -> None:
    bad = replace(
        LEDGER, check=HOSTILE, dataset=HOSTILE, observed=HOSTILE, expected=HOSTILE, rows=({HOSTILE: HOSTILE},)
    )
    told = guidance(owner=HOSTILE, on_call=HOSTILE, due=(HOSTILE,), runbook_url=HOSTILE, contact=HOSTILE)
    skipped = result(HOSTILE + "2", Outcome.NOT_RUN, reason=HOSTILE)
    run = record(bad, skipped, guidance={HOSTILE: told}, error=HOSTILE, partial=(HOSTILE,), totals={HOSTILE: HOSTILE})
    text = render(run, format)
    text.encode("utf-8")
    found = {char for char in text if ord(char) < 0x20 or 0x7F <= ord(char) < 0xA0 or char in "\u2028\u202e\ufeff"}
    assert found <= {"\n"}
    if format == "github":
        assert all(line.startswith(("::error ", "::warning ", "::notice ")) for line in text.splitlines())
        assert len(text.splitlines()) == 2
    if format == "text":
        # Whatever stood in the data, it starts no line of its own.
        assert not any(line.startswith("::") for line in text.splitlines())


@pytest.mark.parametrize("format", [name for name in FORMATS if name != "gx"])
def test_a_value_of_a_megabyte_is_cut_with_a_mark(format: str) -> None:
    run = record(replace(LEDGER, observed="x" * 1_000_000, kwargs={"value_set": list(range(100_000))}))
    text = render(run, format)
    assert len(text) < 40_000
    assert "1,000,000 characters" in text


def test_an_unknown_format_lists_the_valid_ones() -> None:
    with pytest.raises(UsageError, match="did you mean json") as error:
        render(held(), "jsn")
    assert error.value.exit_code == 2


def test_counts_add_up() -> None:
    counts = count([*passed(2), LEDGER, MARGIN, replace(LEDGER, waived_by="x"), errored()])
    assert (counts.total, counts.passed, counts.failed, counts.errored, counts.waived, counts.warnings) == (
        6,
        2,
        2,
        1,
        1,
        1,
    )
    assert count([]).total == 0


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([], ""),
        ([*passed(1)], ""),
        ([MARGIN], "warning"),
        ([MARGIN, LEDGER], "critical"),
        ([LEDGER, errored()], "could not evaluate"),
    ],
)
def test_the_worst_result_is_the_gravest(results: list[object], expected: str) -> None:
    assert worst(results) == expected


def test_a_day_of_another_year_says_its_year() -> None:
    assert day(date(2027, 1, 3), "2026-12") == "3 Jan 2027"
    assert day(date(2026, 12, 3), "2026-12") == "3 Dec"


def test_a_card_has_no_exclamation_mark_or_stack_trace() -> None:
    text = render(replace(held(), error="the job stopped"))
    assert "!" not in text
    assert "Traceback" not in text
    assert card(held()).headline == text.splitlines()[0]


def test_a_command_too_wide_for_the_line_can_still_be_copied_whole() -> None:
    command = "dq show profit_unit-2026-10 --check 'a name with spaces' --warehouse \"build/my demo\" && echo done"
    lines = command_lines(command, 40)
    assert len(lines) > 2
    assert all(columns(line) <= 40 for line in lines)
    assert shlex.split("\n".join(lines).replace("\\\n", "")) == shlex.split(command)
    assert command_lines(command, None) == [command]
    assert command_lines(command, 200) == [command]
    assert command_lines("it's not closed by anything at all", 10) == ["it's not closed by anything at all"]
