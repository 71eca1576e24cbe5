"""One file per way of failing: put together to a page, told by file and line, found from records of any age."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from run_records import held
from runbook_samples import CHECKS, PAGE, roster

from dq.base.errors import ConfigError
from dq.base.model import Check
from dq.cli.parser import build_parser
from dq.runbooks import lint_runbooks, load_page, places, write_checks
from dq.runbooks.guidance import typed
from dq.runbooks.html import render_page
from dq.runbooks.tables import unled
from dq.runbooks.values import OF_A_WAREHOUSE, explained, filled, left
from dq.show.card import card
from dq.show.section_file import shown

FIGURES, FAILS = "profit/figures-differ-from-the-books.md", "all/the-run-itself-failed.md"
ROOT = Path(__file__).resolve().parents[2]
HEAD, _, INLINE = PAGE.partition("### Figures")
OWN = ("### Figures" + INLINE).replace("\n####", "\n##").replace("### ", "# ", 1).replace("(#desc", "(README.md#desc")
SHARED = """\
# The run itself failed

Class: F26

## Meaning

It ended.

## Impact

Nothing.

## Diagnosis

```sh
dq explain PIPELINE
dq show RUN
```

## Mitigation

Run it again.

## Escalation

The Lead.

## Resolved when

It ran.

## In capitals

<!-- values:begin -->
<!-- values:end -->
"""
FAILED = replace(CHECKS[0], check="completes", failure_class="F26", runbook="profit/the-run-itself-failed.md")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The runbooks of one pipeline with a section of its own and one of all pipelines."""
    made = tmp_path / "runbooks"
    for name, text in (("profit/README", HEAD), ("profit/figures-differ-from-the-books", OWN)):
        path = made / f"{name}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    (made / "all").mkdir()
    (made / "all" / "the-run-itself-failed.md").write_text(SHARED, encoding="utf-8")
    return made


def accept(argv: Sequence[str]) -> str | None:
    return None


def told(folder: Path, checks: list[Check]) -> list[str]:
    page = load_page(folder / "profit")
    found = lint_runbooks({"profit": page}, checks, roster(folder.parent), accept)
    return [str(one) for one in found if "out of date" not in one.message]


def test_a_folder_that_is_right_is_written_once_and_has_no_findings(folder: Path) -> None:
    checks = [*CHECKS, FAILED]
    written = [path.relative_to(folder).as_posix() for path in write_checks(folder / "profit", checks, roster(folder))]
    assert written == [
        FAILS,
        "profit/README.md",
        FIGURES,
    ]
    assert write_checks(folder / "profit", checks, roster(folder)) == []
    assert told(folder, checks) == []
    shared = (folder / FAILS).read_text(encoding="utf-8")
    assert "- `PIPELINE`, `RUN`: as on the card" in shared
    assert "completes" not in shared, "what is the same for all lists no check of one pipeline"
    index = (folder / "profit/README.md").read_text(encoding="utf-8")
    assert "| F26 | [The run itself failed](../all/the-run-itself-failed.md) | `completes` |" in index
    assert "| F11 | [Figures differ from the books](figures-differ-from-the-books.md) | 2 |" in index


@pytest.mark.parametrize(
    ("file", "old", "new", "said"),
    [
        (FIGURES, "They differ.", "", "Meaning: the part is empty"),
        (FIGURES, "## Impact\n\nHeld.\n", "", "lacks ## Impact;"),
        (FIGURES, "README.md#desc", "README.md#disc", "profit has no discription"),
        (FIGURES, "README.md#description", "lost.md", "profit has no lost"),
        (
            FIGURES,
            "(README.md#description",
            "(the-run-itself-failed.md",
            "write ../all/",
        ),
        (FIGURES, "dq show RUN", "dq show WHAT", "unknown placeholder WHAT"),
        (FIGURES, "# Figures", "# Figure", "name figure-differ-from-the-books.md"),
        (FIGURES, "# Figures", "Figures", "a section begins with its heading"),
        (FIGURES, "They differ.", "Class: F12", "a Class line stands directly"),
        (
            FIGURES,
            "<!-- checks:end -->",
            "",
            "the marker checks:begin has no partner",
        ),
        (
            FAILS,
            "## In capitals\n\n<!-- values:begin -->\n<!-- values:end -->\n",
            "",
            "does not say what to type for PIPELINE, RUN; put <!-- values:begin -->",
        ),
        (FAILS, "It ended.", "- `prifit`: it ended.", "the page prifit only, which is not there; did you mean profit"),
        (FAILS, "dq show RUN", "dq show RUN  # lost", "the page lost only, which is not there; valid: profit"),
        (
            FAILS,
            "It ended.",
            "[x](../profit/README.md)",
            "links only to what stands beside it",
        ),
    ],
)
def test_a_mistake_is_told_at_its_file_and_line(folder: Path, file: str, old: str, new: str, said: str) -> None:
    path = folder / file
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    try:
        found = told(folder, [*CHECKS, FAILED])
    except ConfigError as error:
        found = [str(one) for one in error.findings]
    assert len(found) == 1, found
    where, _, rest = found[0].partition(":")
    number = int(rest.partition(":")[0])
    assert (where, said in found[0]) == (f"runbooks/{file}", True), found
    assert 1 <= number <= len(path.read_text(encoding="utf-8").splitlines())


def test_what_is_particular_of_a_page_stands_in_a_section_of_all_on_that_page_only(folder: Path) -> None:
    (folder / "growth").mkdir()
    (folder / "growth" / "README.md").write_text(HEAD, encoding="utf-8")
    text = SHARED.replace(
        "It ended.\n",
        "It ended.\n\n- `growth`: early,\n  and growth waits.\n- `profit`: late.\n- `growth`, `profit`: or never.\n",
    ).replace("dq show RUN\n", "dq show RUN\ndq run growth --period BEFORE  # growth\ndq explain lost\n")
    (folder / FAILS).write_text(text, encoding="utf-8")
    profit, growth = load_page(folder / "profit"), load_page(folder / "growth")
    ours, theirs = ("\n".join(page.lines(page.ways[-1])) for page in (profit, growth))
    assert "It ended.\n\n- `profit`: late.\n- `growth`, `profit`: or never.\n" in ours
    assert "- `growth`: early,\n  and growth waits.\n- `growth`, `profit`: or never.\n" in theirs
    assert "\ndq show RUN\ndq explain lost\n" in ours
    assert "\ndq show RUN\ndq run growth --period BEFORE\ndq explain lost\n" in theirs
    lost = next(command for command in profit.commands() if command.text == "dq explain lost")
    where = profit.finding(lost.line, "", "")
    assert (where.file, where.line) == (f"runbooks/{FAILS}", text.split("\n").index("dq explain lost") + 1)
    write_checks(folder / "profit", [*CHECKS, FAILED], roster(folder))
    written = (folder / FAILS).read_text(encoding="utf-8")
    assert "- `BEFORE`: the month before" in written, "the file tells of the capitals of every page"
    assert written.replace(written.partition("values:begin -->")[2], "") == text.partition("values:begin -->")[0] + (
        "values:begin -->"
    )
    assert not write_checks(folder / "growth", [*CHECKS, FAILED], roster(folder))[:-1], "and is the same for each"
    assert "BEFORE" not in render_page(profit, [*CHECKS, FAILED], roster(folder)).partition("The run itself")[2]


def test_a_second_section_of_a_class_is_for_those_that_name_it(folder: Path) -> None:
    second = SHARED.replace("# The run itself failed", "# It was stopped").replace("F26", "F26, stops")
    (folder / "profit" / "it-was-stopped.md").write_text(second + "\n## Checks\n", encoding="utf-8")
    page = load_page(folder / "profit")
    assert [way.anchor for way in page.ways][-2:] == ["the-run-itself-failed", "it-was-stopped"]
    assert (page.anchor_for_class("F26"), page.class_of("it-was-stopped")) == ("the-run-itself-failed", "F26")
    again = second.replace("F26, stops", "F11").replace("It was stopped", "Again").replace("\n##", "\n##")
    (folder / "profit" / "again.md").write_text(again, encoding="utf-8")
    assert any("F11 has a section at" in one and "Class: F11, trends" in one for one in told(folder, [*CHECKS, FAILED]))


def test_a_name_of_before_says_where_its_section_is(folder: Path) -> None:
    """Its file stays and is no way of failing; the page shows it where old links land, and not in its contents."""
    old = "# It broke\n\nNow: [The run itself failed](../all/the-run-itself-failed.md)\n"
    (folder / "profit" / "it-broke.md").write_text(old, encoding="utf-8")
    checks = [*CHECKS, FAILED]
    write_checks(folder / "profit", checks, roster(folder))
    assert told(folder, checks) == []
    page, place = load_page(folder / "profit"), places.Place(page="profit", section="it-broke")
    assert "it-broke" not in page.anchors
    assert (place.file(folder.parent), place.now(folder.parent).section) == (
        f"runbooks/{FAILS}",
        "the-run-itself-failed",
    )
    shown_page = render_page(page, checks, roster(folder))
    assert ('id="it-broke"' in shown_page, 'href="#it-broke"' in shown_page) == (True, False)
    both = old.replace(".md)", ".md), or [the books](figures-differ-from-the-books.md)")
    (folder / "profit" / "it-broke.md").write_text(both, encoding="utf-8")
    assert place.file(folder.parent) == "runbooks/profit/it-broke.md", "of two the reader chooses"


def test_a_section_of_all_without_a_check_is_told_and_not_shown(folder: Path) -> None:
    message = "no check of any pipeline leads here; bind one or take the section out"
    assert told(folder, CHECKS) == [f"runbooks/all/the-run-itself-failed.md:1: {message}"]
    page = load_page(folder / "profit")
    assert [way.anchor for way in unled(page, CHECKS)] == ["the-run-itself-failed"]
    assert 'id="the-run-itself-failed"' not in render_page(page, CHECKS, roster(folder))
    assert 'id="the-run-itself-failed"' in render_page(page, [*CHECKS, FAILED], roster(folder))


def test_a_section_of_its_own_without_a_check_is_told_at_its_file(folder: Path) -> None:
    message = "no check leads to profit/figures-differ-from-the-books; bind one or take the section out"
    file = "runbooks/profit/figures-differ-from-the-books.md"
    assert f"{file}:1: Figures differ from the books: {message}" in told(folder, [replace(FAILED, check="ties_out")])


@pytest.mark.parametrize("name", ["the-run-itself-failed", "it-failed"])
def test_a_section_of_the_pipelines_own_takes_the_place_of_the_one_of_all(folder: Path, name: str) -> None:
    title = name.replace("-", " ").capitalize()
    own = SHARED.replace("The run itself failed", title).replace("It ended.", "Ours.")
    (folder / "profit" / f"{name}.md").write_text(own, encoding="utf-8")
    page = load_page(folder / "profit")
    way = page.section_for_class("F26")
    assert way is not None
    assert (page.path_of(way), page.anchors.count(name)) == (f"runbooks/profit/{name}.md", 1)
    assert "Ours." in page.lines(way)


def test_the_document_of_a_page_names_its_pipeline_and_opens_with_its_contents(folder: Path) -> None:
    page = load_page(folder / "profit")
    html = render_page(page, [*CHECKS, FAILED], roster(folder))
    assert "dq explain profit" in html
    assert "PIPELINE" not in html
    assert "dq explain PIPELINE" in render_page(page, [*CHECKS, FAILED], roster(folder), of_several=True)
    assert html.index('href="#the-run-itself-failed"') < html.index("<main>") < html.index('id="the-run-itself-failed"')


RUN = {"PIPELINE": "profit", "RUN": "profit-2026-10-x", "PERIOD": "2026-10", "CHECK": "ties_out"}


def test_the_commands_of_a_run_carry_its_values_and_warehouse(folder: Path) -> None:
    page = load_page(folder / "profit")
    way = page.section_for_class("F26")
    assert way is not None
    assert typed(page, way, RUN, "build/a warehouse") == [
        "dq explain profit",
        "dq show profit-2026-10-x --warehouse 'build/a warehouse'",
    ]


def test_what_a_run_does_not_know_is_said_in_words() -> None:
    line = filled('dq waive PIPELINE --check CHECK --ceiling AMOUNT --reason "REASON"', RUN)
    assert line == 'dq waive profit --check ties_out --ceiling AMOUNT --reason "REASON"'
    assert explained(left([line])) == [
        "- `AMOUNT`: the largest difference that is accepted, such as 500.00",
        "- `REASON`: why, in a sentence that a reader of the log understands",
    ]


def test_the_commands_that_are_told_a_warehouse_are_those_that_take_one() -> None:
    every = next(one for one in build_parser()._actions if isinstance(one, argparse._SubParsersAction)).choices
    takes = {name for name, one in every.items() if "--warehouse" in one._option_string_actions}
    assert takes == OF_A_WAREHOUSE


@pytest.mark.parametrize(
    ("reference", "reference_now", "link", "file"),
    [
        (
            "profit_unit.md#figures-differ-from-the-books",
            "profit_unit/figures-differ-from-the-books.md",
            "runbooks/profit_unit.html#figures-differ-from-the-books",
            "runbooks/profit_unit/figures-differ-from-the-books.md",
        ),
        (
            "runbooks/profit_unit.md#the-run-itself-failed",
            "profit_unit/the-run-itself-failed.md",
            "runbooks/profit_unit.html#the-run-itself-failed",
            "runbooks/all/the-run-itself-failed.md",
        ),
        (
            "executive_report.md#report-not-delivered-or-late",
            "executive_report/report-not-delivered-or-late.md",
            "runbooks/executive_report.html#report-not-delivered-or-late",
            "runbooks/executive_report/the-report-is-not-with-its-readers.md",
        ),
        (
            "https://docs.example.com/dq/runbooks/growth_daily.html#late-events",
            "growth_daily/late-events.md",
            "runbooks/growth_daily.html#late-events",
            "https://docs.example.com/dq/runbooks/growth_daily.html#late-events",
        ),
        (
            "runbooks/profit_unit.md",
            "profit_unit/README.md",
            "runbooks/profit_unit.html",
            "runbooks/profit_unit/README.md",
        ),
        (
            "profit_unit/gone.md",
            "profit_unit/gone.md",
            "runbooks/profit_unit.html#gone",
            "runbooks/profit_unit/README.md",
        ),
    ],
)
def test_a_link_of_any_age_leads_to_the_file_and_the_document_of_now(
    reference: str, reference_now: str, link: str, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    place = places.read(reference)
    assert place is not None
    assert (place.reference, place.link, shown(reference)) == (reference_now, link, file)


@pytest.mark.parametrize(
    "odd", ["", "<script>.md#x", "../../etc/passwd.md#x", "a.md#b#c", "javascript:x()", "a/b/c.md"]
)
def test_what_is_no_reference_leads_nowhere(odd: str) -> None:
    assert places.read(odd) is None
    assert shown(odd) == odd


def test_the_card_of_an_old_record_says_where_its_section_is_now(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    run = held()
    check, guidance = next(iter(run.guidance.items()))
    old = replace(guidance, runbook="runbooks/investor_profit.md#the-run-itself-failed")
    block = next(one for one in card(replace(run, guidance={check: old})).blocks if one.check == check)
    assert block.runbook == "runbooks/all/the-run-itself-failed.md"


def test_the_card_says_what_to_type_first() -> None:
    run = held()
    check, guidance = next(iter(run.guidance.items()))
    told = replace(guidance, commands=["dq show a-run --check x", "dq waive profit --ceiling AMOUNT"])
    block = next(one for one in card(replace(run, guidance={check: told})).blocks if one.check == check)
    assert block.first == "dq show a-run --check x"
    assert block.typed == ("- `AMOUNT`: the largest difference that is accepted, such as 500.00",)
