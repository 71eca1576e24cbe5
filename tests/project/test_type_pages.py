"""The arguments of every check type where people look: command line, page, editor. Every example is accepted."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from dq.base import yamlfile
from dq.base.errors import UsageError
from dq.checks import type_pages
from dq.checks.custom_types import CUSTOM_TYPES
from dq.cli import main
from dq.declare import suites
from dq.declare.json_schemas import schemas
from dq.engine.native_docs import ARGUMENT_DEFAULTS, ARGUMENT_DOCS, NATIVE_DOCS
from dq.engine.native_types import NATIVE_TYPES

ROOT = Path(__file__).resolve().parents[2]
WRITTEN = [name for name in type_pages.names() if not (name in CUSTOM_TYPES and CUSTOM_TYPES[name].run_level)]


def test_every_type_and_every_argument_is_explained() -> None:
    assert set(NATIVE_DOCS) == set(NATIVE_TYPES)
    named = {name for required, optional in NATIVE_TYPES.values() for name in required | optional}
    assert set(ARGUMENT_DOCS) == named
    assert set(ARGUMENT_DEFAULTS) <= named
    for name in type_pages.names():
        one = type_pages.page(name)
        shown = type_pages.text(one)
        assert one.doc in shown
        assert all(f"  {argument.name}  (" in shown and argument.doc in shown for argument in one.arguments)


@pytest.mark.parametrize("name", WRITTEN)
def test_the_example_of_every_type_is_a_suite_without_a_mistake(name: str, tmp_path: Path) -> None:
    entry = "".join(f"  {line}\n" for line in type_pages.page(name).example.splitlines())
    path = tmp_path / "suite.yml"
    path.write_text(f"name: example\nexpectations:\n{entry}", encoding="utf-8")
    assert suites.load(path).checks[0].kwargs == type_pages.example_of(name)
    schema = Draft202012Validator(json.loads(schemas()["suite"]))
    assert [error.message for error in schema.iter_errors(yamlfile.read(path).data)] == []


def test_an_editor_knows_the_arguments_of_a_type() -> None:
    schema = Draft202012Validator(json.loads(schemas()["suite"]))

    def wrong(name: str, kwargs: dict[str, object]) -> list[str]:
        given = {"name": "s", "expectations": [{"type": name, "kwargs": kwargs}]}
        return [error.message for error in schema.iter_errors(given)]

    assert "'col' was unexpected" in wrong("expect_column_values_to_be_unique", {"column": "id", "col": "id"})[0]
    assert "'column' is a required property" in wrong("expect_column_values_to_be_unique", {})[0]
    assert "'week' is not one of" in wrong("expect_published_to_rederive", {"published": "week"})[-1] or wrong(
        "expect_published_to_rederive", {"published": "week", "other": "u", "pairs": []}
    )
    assert not wrong("expect_table_row_count_to_equal", {"value": {"$PARAMETER": "rows"}})


def test_the_page_of_the_repository_is_what_the_types_are() -> None:
    written = type_pages.markdown()
    assert (ROOT / type_pages.FILE).read_text(encoding="utf-8") == written
    for name in type_pages.names():
        assert f"### {name}\n" in written


def test_the_command_prints_one_type_and_names_the_likely_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lint", "--types", "expect_columns_to_add_up"]) == 0
    told = capsys.readouterr().out
    assert 'tolerance  (decimal number written as text, not negative; default "0")' in told
    assert "- type: expect_columns_to_add_up" in told
    assert main(["lint", "--types", "expect_columns_to_ad_up"]) == 2
    assert "did you mean expect_columns_to_add_up" in capsys.readouterr().err
    assert main(["lint", "--types"]) == 0
    assert "expect_column_values_to_be_unique  No value of a column occurs twice." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("expect_column_values_to_be_nul", "did you mean expect_column_values_to_be_null"),
        ("nothing_like_it", "dq lint --types lists them"),
    ],
)
def test_a_type_that_is_not_there_names_the_nearest_and_not_all(typed: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        type_pages.page(typed)
    assert said in str(refused.value)
    assert len(str(refused.value)) < 300
