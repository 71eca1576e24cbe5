"""The currency is the company's: its sources file says it; contract, checks, card and document take it from there."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from run_records import LEDGER, record

from dq.base.errors import ConfigError
from dq.declare import project as projects
from dq.show import render

ROOT = Path(__file__).resolve().parents[2]


def in_currency(home: Path, line: str) -> projects.Project:
    """A copied project whose sources file has this line in place of its currency."""
    file = home / "jobs" / "sources.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("currency: USD\n", line, 1), encoding="utf-8")
    return projects.load(home)


def test_a_company_that_keeps_its_books_in_euros_says_so_once(project_copy: Callable[[], Path]) -> None:
    project = in_currency(project_copy(), "currency: EUR\n")
    checks = {check.check: check for bound in project.bound.values() for check in bound.all_checks}
    for source in ("revenue", "expenses"):
        assert checks[f"{source}.currency.accepted"].kwargs["value_set"] == ["EUR"]
    units = checks["report_units"].kwargs["value_set"]
    assert isinstance(units, list)
    assert units == ["EUR", "ratio", "seats", "users", "sessions", "minutes"]
    told = " ".join(f"{check.description} {check.notes} {check.kwargs}" for check in checks.values())
    assert not re.search("USD|dollar", told, re.IGNORECASE)


def test_a_sources_file_without_it_is_told_what_needs_it(project_copy: Callable[[], Path]) -> None:
    home = project_copy()
    with pytest.raises(ConfigError, match="currency: "):
        in_currency(home, "currency: euro\n")
    file = home / "jobs" / "sources.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("currency: euro\n", "", 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        projects.load(home)
    said = str(caught.value)
    for column in ("revenue.currency", "expenses.currency"):
        assert f"currency: declare what all amounts are in, such as EUR: {column} must say the same" in said


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_a_card_with_amounts_says_what_they_are_in(form: str) -> None:
    held = record(results=[LEDGER], currency="EUR")
    assert "amounts are in EUR" in render(held, form).replace("&#32;", " ")
    assert "amounts are in" not in render(replace(held, currency=""), form)


def test_nothing_but_a_sources_file_and_the_demo_names_a_currency() -> None:
    folders = ("jobs", "expectations", "runbooks", "dq")
    files = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".yml", ".md")]
    named = {
        str(path.relative_to(ROOT))
        for path in files
        if re.search(r"\bUSD\b|dollars", path.read_text(encoding="utf-8")) and "demo" not in path.parts
    }
    assert named == {"jobs/sources.yml", "jobs/ravenstack.yml"}
