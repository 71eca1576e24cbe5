"""Suites to and from Great Expectations, with every mistake an error instead of a log line."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest

from dq.base.errors import ConfigError, UsageError
from dq.base.model import Check, Kind, Severity
from dq.declare.project import load as load_project
from dq.gx.convert import as_suite, from_gx, to_gx_suite

ROOT = Path(__file__).resolve().parents[2]
NOT_NULL = "expect_column_values_to_not_be_null"
CHECKS = [
    Check(
        check="revenue_has_account",
        dataset="revenue",
        type=NOT_NULL,
        kwargs={"column": "account_id", "mostly": 0.99},
        severity=Severity.WARNING,
        description="Every line belongs to an account.",
        notes="Unsynced accounts appear here first.",
        meta={"ticket": "none"},
        runbook="profit_unit/required-value-is-null.md",
        failure_class="F01",
        when=(Kind.PRELIMINARY, Kind.FINAL),
        show=True,
        where="expectations/revenue.yml:7",
    ),
    Check(
        check="revenue_ties_out",
        dataset="revenue",
        type="expect_total_to_reconcile",
        kwargs={"lines": {"sales": "amount"}, "other": "ledger", "other_line": "line", "other_amount": "amount"},
    ),
    Check(
        check="paid_lines",
        dataset="revenue",
        type="expect_column_values_to_be_between",
        kwargs={"column": "amount", "min_value": 0, "row_condition": "kind = 'paid'"},
    ),
]


def test_checks_become_a_pure_suite_with_ours_under_meta() -> None:
    plain = to_gx_suite("revenue", CHECKS).to_json_dict()
    assert plain["name"] == "revenue"
    first = plain["expectations"][0]
    assert (first["type"], first["severity"], first["kwargs"]) == (
        NOT_NULL,
        "warning",
        {"column": "account_id", "mostly": 0.99},
    )
    assert first["meta"] == {
        "ticket": "none",
        "dq": {
            "check": "revenue_has_account",
            "dataset": "revenue",
            "runbook": "profit_unit/required-value-is-null.md",
            "failure_class": "F01",
            "when": ["preliminary", "final"],
            "show": True,
            "where": "expectations/revenue.yml:7",
        },
    }
    assert json.loads(json.dumps(plain, allow_nan=False)) == plain


def test_a_suite_and_its_json_come_back_as_the_same_checks() -> None:
    suite = to_gx_suite("revenue", CHECKS)
    again = from_gx(json.loads(json.dumps(suite.to_json_dict())))
    assert again == from_gx(suite) == CHECKS
    assert again[2].kwargs["row_condition"] == "kind = 'paid'"


def test_the_suites_of_this_project_come_back_from_their_export_with_the_same_arguments() -> None:
    from dq.checks.custom_kwargs import with_defaults
    from dq.checks.custom_types import CUSTOM_TYPES

    def whole(check: Check) -> dict[str, object]:
        return dict(with_defaults(check.type, check.kwargs) if check.type in CUSTOM_TYPES else check.kwargs)

    project = load_project(ROOT)
    for bound in project.bound.values():
        checks = list(bound.checks[bound.name])
        again = from_gx(json.loads(json.dumps(to_gx_suite(bound.name, checks).to_json_dict())))
        assert [(one.check, one.type, whole(one)) for one in again] == [(c.check, c.type, whole(c)) for c in checks]


def test_a_foreign_suite_gets_ids_from_its_name() -> None:
    checks = from_gx({"name": "theirs", "expectations": [{"type": NOT_NULL, "kwargs": {"column": "a"}}]})
    assert [(check.check, check.dataset, check.severity) for check in checks] == [
        ("theirs.1", "theirs", Severity.CRITICAL),
    ]


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"type": "expect_column_values_to_not_be_nul", "kwargs": {"column": "a"}}, "unknown expectation type"),
        ({"type": NOT_NULL, "kwargs": {"column": "a"}, "severity": "blocker"}, "severity"),
        ({"type": NOT_NULL, "kwargs": {"column": "a", "most": 0.9}}, "most: extra fields not permitted"),
        ({"type": NOT_NULL, "kwargs": {}}, "column: field required"),
        ({"type": NOT_NULL, "kwargs": {"column": "a", "mostly": 7}}, "mostly"),
        ({"type": NOT_NULL}, "column: field required"),
        ({"expectation_type": NOT_NULL, "kwargs": {"column": "a"}}, "unknown keys expectation_type"),
        ({"kwargs": {"column": "a"}}, "type is required"),
        ({"type": "expect_total_to_reconcile", "kwargs": {"lines": {"a": "b"}}}, "other"),
    ],
)
def test_what_great_expectations_would_drop_or_trip_over_is_an_error(
    item: dict[str, object], message: str, caplog: pytest.LogCaptureFixture
) -> None:
    good = {"type": NOT_NULL, "kwargs": {"column": "a"}}
    with caplog.at_level(logging.ERROR), pytest.raises(ConfigError, match=message) as caught:
        as_suite({"name": "s", "expectations": [good, item]})
    assert [finding.key for finding in caught.value.findings] == ["expectations[1]"]


def test_all_mistakes_of_a_suite_are_told_at_once() -> None:
    bad = [{"type": "expect_nothing", "kwargs": {}}, {"type": NOT_NULL, "kwargs": {}}]
    with pytest.raises(ConfigError) as caught:
        as_suite({"name": "s", "expectations": bad})
    assert len(caught.value.findings) == 2


def test_a_check_that_is_refused_is_named_with_its_file_and_line() -> None:
    wrong = Check(check="x", dataset="d", type="expect_nothing", kwargs={}, where="expectations/d.yml:12")
    with pytest.raises(ConfigError) as caught:
        to_gx_suite("d", [wrong])
    assert str(caught.value).startswith("expectations/d.yml:12: ")


@pytest.mark.parametrize(
    ("suite", "message"),
    [
        ({"expectations": []}, "needs a name"),
        ({"name": "s", "expectations": [], "expectation_suite_name": "s"}, "unknown key of a suite"),
        ({"name": "s", "expectations": {"type": NOT_NULL}}, "list of mappings"),
    ],
)
def test_a_mapping_that_is_no_suite_is_refused(suite: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        as_suite(suite)  # type: ignore[arg-type]


def test_a_suite_may_be_our_yaml_its_data_or_their_json(tmp_path: Path) -> None:
    yaml_file = tmp_path / "revenue.yml"
    yaml_file.write_text(
        "name: revenue\nexpectations:\n- check: has_account\n  type: expect_column_values_to_not_be_null\n"
        "  kwargs: {column: account_id}\n  severity: info\n",
        encoding="utf-8",
    )
    from_yaml = as_suite(yaml_file)
    json_file = tmp_path / "revenue.json"
    json_file.write_text(json.dumps(from_yaml.to_json_dict()), encoding="utf-8")
    own = {
        "name": "revenue",
        "expectations": [
            {"check": "has_account", "type": NOT_NULL, "kwargs": {"column": "account_id"}, "severity": "info"}
        ],
    }
    for suite in (str(yaml_file), json_file, own, from_yaml):
        (check,) = from_gx(as_suite(suite))  # type: ignore[arg-type]
        assert (check.check, check.type, check.kwargs, check.severity) == (
            "has_account",
            NOT_NULL,
            {"column": "account_id"},
            Severity.INFO,
        )


def test_mistakes_in_a_yaml_suite_come_with_their_lines(tmp_path: Path) -> None:
    file = tmp_path / "s.yml"
    file.write_text("name: s\nexpectations:\n- type: expect_nothing\n  kwargs: {}\n", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        as_suite(file)
    assert caught.value.findings[0].line == 3


@pytest.mark.parametrize("text", ["[1, 2", "[1, 2]", '"name"', ""])
def test_a_file_that_holds_no_suite_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "s.json"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError):
        as_suite(file)


def test_a_missing_file_and_a_wrong_argument_are_refused(tmp_path: Path) -> None:
    for name in ("none.json", "none.yml"):
        with pytest.raises(ConfigError, match="cannot be read"):
            as_suite(tmp_path / name)
    with pytest.raises(UsageError, match="int is not a suite"):
        as_suite(3)  # type: ignore[arg-type]


def test_a_suite_as_great_expectations_saves_it_is_read_whatever_ids_its_store_gave() -> None:
    saved = {
        "name": "saved",
        "id": "5e8ccbd0-7bd0-4e0a-8c55-0f2f4b0f6f0e",
        "expectations": [
            {
                "type": NOT_NULL,
                "kwargs": {"column": "amount"},
                "id": "0d6f9b6e-0f5e-4d5f-9d9c-1f6b1c5f8a11",
                "meta": {},
                "severity": "critical",
            }
        ],
        "meta": {"great_expectations_version": "1.24.1"},
        "notes": None,
    }
    (check,) = from_gx(as_suite(saved))
    assert (check.type, check.kwargs["column"]) == (NOT_NULL, "amount")
