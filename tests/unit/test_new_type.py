"""A check type is one file: written into the folder of types, it is read, documented and planned like any other."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator
from new_type import NAME, SOURCE

from dq.base.errors import ConfigError, DqError
from dq.checks import custom_types, type_pages, types
from dq.checks.custom_kwargs import describe
from dq.checks.custom_types import CUSTOM_TYPES
from dq.checks.evaluation import plan_line
from dq.cli import main
from dq.declare import suites
from dq.declare.json_schemas import schemas

SUITE = """\
name: revenue
dataset: revenue
expectations:
  - check: amounts_are_round
    type: {name}
    kwargs: {kwargs}
    severity: warning
    runbook: all/numbers
    description: Amounts are round.
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A second folder of types."""
    monkeypatch.setattr(types, "__path__", [*types.__path__, str(tmp_path)])
    custom_types.found.cache_clear()
    yield tmp_path
    custom_types.found.cache_clear()
    for path in tmp_path.glob("*.py"):
        sys.modules.pop(f"{types.__name__}.{path.stem}", None)


def declared(folder: Path, kwargs: str) -> Path:
    path = folder / "suite.yml"
    path.write_text(SUITE.format(name=NAME, kwargs=kwargs), encoding="utf-8")
    return path


def test_a_file_is_all_that_a_new_type_needs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert NAME not in CUSTOM_TYPES
    (folder / f"{NAME}.py").write_text(SOURCE, encoding="utf-8")
    custom_types.found.cache_clear()
    assert [*CUSTOM_TYPES] == sorted(CUSTOM_TYPES)
    assert f"### {NAME}\n\nEvery amount is a multiple of a step." in type_pages.markdown()
    assert main(["lint", "--types", NAME]) == 0
    assert "step  (whole number, not negative; required)" in capsys.readouterr().out
    [check] = suites.load(declared(folder, "{column: amount, step: 5}")).checks
    assert describe(NAME, check.kwargs) == "amount must be a multiple of 5."
    assert plan_line(check) == "scan: totals of one scan (amount)"


@pytest.mark.long
def test_the_mistakes_of_a_new_type_are_found_by_reader_and_editor(folder: Path) -> None:
    (folder / f"{NAME}.py").write_text(SOURCE, encoding="utf-8")
    custom_types.found.cache_clear()
    for kwargs, said in (
        ("{column: amount}", "needs it"),
        ("{column: amount, step: x}", "not a whole number"),
        ("{column: amount, step: 5, stop: 6}", "did you mean step"),
        ("{column: amount, step: 0}", "nothing is a multiple of 0"),
    ):
        with pytest.raises(ConfigError, match=said):
            suites.load(declared(folder, kwargs))
    validator = Draft202012Validator(json.loads(schemas()["suite"]))
    accepted = {
        last: validator.is_valid(
            {"name": "revenue", "expectations": [{"type": NAME, "kwargs": {"column": "amount", last: 5}}]}
        )
        for last in ("step", "stop")
    }
    assert accepted == {"step": True, "stop": False}


@pytest.mark.parametrize(
    ("file", "source"),
    [(NAME, "SPEC = 1\n"), (NAME, "TYPE = 1\n"), ("shared", SOURCE)],
    ids=["none", "another", "misnamed"],
)
def test_a_file_that_declares_no_type_is_told(folder: Path, file: str, source: str) -> None:
    (folder / f"{file}.py").write_text(source, encoding="utf-8")
    custom_types.found.cache_clear()
    with pytest.raises(DqError, match=rf"types/{file}\.py: a file that declares no expectation type; expected TYPE = "):
        type_pages.names()
