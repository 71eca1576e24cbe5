from pathlib import Path

import pytest

from dq.base import yamlfile
from dq.base.errors import ConfigError
from dq.base.model import Kind, Severity
from dq.declare import suites

GOOD = """\
name: revenue
expectations:
  - check: has_rows
    type: expect_table_row_count_to_be_between
    kwargs: {min_value: 1}
    notes: the first day has one
    runbook: no-rows
  - check: amount_known
    type: expect_column_values_to_not_be_null
    kwargs: {column: amount, mostly: 0.99}
    notes: one in a hundred is typed by hand
    severity: warning
    runbook: null
    when: [final]
""".replace("runbook: null", "runbook: required-value-is-null")


def suite(text: str) -> suites.Suite:
    return suites.parse(yamlfile.parse(text.encode(), "s.yml"), text)


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        suite(text)
    return [str(finding) for finding in caught.value.findings]


def test_a_good_suite_becomes_checks_in_order() -> None:
    first, second = suite(GOOD).checks
    assert (first.check, first.severity, first.where) == ("has_rows", Severity.CRITICAL, "s.yml:4")
    assert (second.severity, second.when, second.dataset) == (Severity.WARNING, (Kind.FINAL,), "revenue")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("min_value: 1", "min_valu: 1", "s.yml:5: expectations[0].kwargs.min_valu: "),
        (
            "expect_table_row_count_to_be_between",
            "expect_table_row_count_to_be_betwen",
            "did you mean expect_table_row",
        ),
        ("check: amount_known", "check: has_rows", "the id has_rows is taken by the check on line 3"),
        ("severity: warning", "severity: error", "s.yml:12: expectations[1].severity: unknown severity"),
        ("{min_value: 1}", "{min_value: 5, max_value: 1}", "min_value 5 is above max_value 1"),
        ("{min_value: 1}", "{}", "without a bound all passes"),
        ("mostly: 0.99", "mostly: 99", "a share from 0 to 1"),
        ("{column: amount, mostly: 0.99}", "{}", "needs the argument column"),
        ("when: [final]", "when: [close]", "unknown kind"),
        ("    when:", "    wen:", "s.yml:14: expectations[1].wen: unknown key"),
        ("check: amount_known", "check: Amount Known", "expectations[1].check"),
    ],
)
def test_each_mistake_is_an_error_with_file_line_and_key(old: str, new: str, said: str) -> None:
    assert said in "\n".join(mistakes(GOOD.replace(old, new)))


@pytest.mark.parametrize(
    ("type_name", "kwargs", "leaves_out"),
    [
        ("expect_column_values_to_not_be_null", "{column: amount}", False),
        ("expect_column_values_to_not_be_null", "{column: amount, row_condition: amount > 1}", True),
        ("expect_column_values_to_be_unique", "{column: amount}", True),
        ("expect_table_column_count_to_equal", "{value: 1}", False),
        ("expect_columns_to_add_up", "{column: amount, plus: [net, tax]}", False),
        ("expect_instants_to_lie_on_their_day", "{column: paid_at, day: paid_on}", True),
    ],
)
def test_only_what_a_condition_or_nulls_leave_out_may_leave_nothing(
    type_name: str, kwargs: str, leaves_out: bool
) -> None:
    text = f"name: s\nexpectations:\n  - {{check: it, type: {type_name}, kwargs: {kwargs}, may_be_empty: true}}\n"
    if leaves_out:
        assert suite(text).checks[0].may_be_empty
    else:
        assert "s.yml:3: expectations[0].may_be_empty: neither a row_condition nor NULLs leave out" in mistakes(text)[0]


def test_all_mistakes_are_reported_at_once() -> None:
    text = GOOD.replace("min_value: 1", "min_valu: 1").replace("severity: warning", "severity: error")
    assert len(mistakes(text)) == 3  # the unknown argument, the missing bound, the severity


def test_the_house_rules_ask_for_columns_and_sections() -> None:
    bare = GOOD.replace("{column: amount, mostly", "{column: amout, mostly").replace("    runbook: no-rows\n", "")
    said = [str(finding) for finding in suites.house_findings(suite(bare), ["amount"])]
    assert any("has no column amout; did you mean amount?" in line for line in said)
    assert any("names no runbook section" in line for line in said)
    assert len(said) == 2


def test_a_suite_that_is_in_order_has_no_house_findings() -> None:
    assert suites.house_findings(suite(GOOD), ["amount"]) == []


@pytest.mark.parametrize(
    "path",
    sorted(Path(__file__).parents[2].glob("expectations/*/*.yml")),
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_every_suite_of_the_project_is_read(path: Path) -> None:
    loaded = suites.load(path)
    assert loaded.checks
    assert all(check.description for check in loaded.checks)


@pytest.mark.parametrize(
    "path",
    sorted(Path(__file__).parents[2].glob("expectations/*/*.yml")),
    ids=lambda path: f"{path.parent.name}/{path.name}",
)
def test_every_threshold_has_its_reason_beside_it(path: Path) -> None:
    checks = suites.load(path).checks
    assert [one.check for one in checks if suites.thresholds_of(one.type, one.kwargs) and not one.notes] == []


@pytest.mark.parametrize(
    ("type_name", "kwargs", "found"),
    [
        ("expect_table_row_count_to_be_between", {"min_value": 1}, ["min_value"]),
        ("expect_table_row_count_to_equal", {"value": 4}, ["value"]),
        ("expect_column_max_to_be_between", {"column": "day", "max_value": "2026-12-31"}, ["max_value"]),
        ("expect_column_values_to_not_be_null", {"column": "amount", "mostly": 0.9}, ["mostly"]),
        ("expect_column_values_to_not_be_null", {"column": "amount"}, []),
        ("expect_column_values_to_be_in_set", {"column": "kind", "value_set": [1, 2]}, []),
        ("expect_partition_to_be_fresh", {"column": "day", "max_age_hours": 24}, ["max_age_hours"]),
        ("expect_totals_to_match", {"pairs": [], "other": "units", "tolerance": "0.01"}, ["tolerance"]),
        ("expect_measure_to_fit_history", {"metric": "row_count", "mads": 8}, ["mads"]),
        ("expect_source_to_match_contract", {"added": True}, []),
    ],
)
def test_a_threshold_of_a_pipeline_s_suite_needs_its_reason(
    type_name: str, kwargs: dict[str, object], found: list[str]
) -> None:
    assert suites.thresholds_of(type_name, kwargs) == found


def test_a_threshold_without_a_reason_is_a_mistake_and_a_blank_is_none() -> None:
    def said(notes: str) -> list[str]:
        text = GOOD.replace("    notes: the first day has one\n", notes)
        return [str(finding) for finding in suites.house_findings(suite(text), ["amount"])]

    assert "s.yml:3: expectations[0]: say under `notes` why min_value is so" in said("")
    assert "s.yml:3: expectations[0]: say under `notes` why min_value is so" in said("    notes: ' '\n")


MANY = """name: revenue
colour: red
expectations:
  - check: rows
    type: expect_table_row_count_to_be_between
    kwargs: {min_value: 9, max_value: 1}
    runbook: no-rows
    notes: why
  - check: rows
    type: expect_column_values_to_not_be_null
    kwargs: {column: amout}
    shade: dark
  - check: unknown_type
    type: expect_nothing
  - {check: typeless, runbook: no-rows}
"""


def test_no_mistake_of_a_suite_hides_another_one() -> None:
    read, found = suites.examine(yamlfile.parse(MANY.encode(), "revenue.yml"), MANY)
    assert read is not None
    said = "\n".join(str(finding) for finding in [*found, *suites.house_findings(read, ["amount"])])
    for told in (
        "colour: unknown key",
        "expectations[1].shade: unknown key",
        "expectations[3].type: this key is required",
        "min_value 9 is above max_value 1",
        "the id rows is taken",
        "unknown expectation type expect_nothing",
        "has no column amout; did you mean amount?",
        "the check rows names no runbook section",
        "the check unknown_type names no runbook section",
    ):
        assert told in said, said
    assert len(said.splitlines()) == 9, said
