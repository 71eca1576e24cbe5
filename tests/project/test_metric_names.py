"""One name, one definition: published columns of one name or one stem mean the same, as far as a machine can tell."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from job_support import load

from dq.declare import registry

ROOT = Path(__file__).resolve().parents[2]
PIPELINES = registry.load(ROOT).pipelines
COLUMNS = {
    (pipeline, column): spec for pipeline, item in PIPELINES.items() for column, spec in item.publishes.columns.items()
}
SCOPES = re.compile(r"\b(?:product_(?=mtd_|target))?(?:ttm_|mtd_)?")
"""What columns begin with that say the same of other days or rows."""
SAME = {"dau": "active_users", "subscribers": "seats", "target_profit": "target"}
"""Columns that are called otherwise in another table, and what they are called there."""
FAMILIES = {
    "growth_rate": r"\((\w+)_closing - \1_opening\) / \1_opening",
    "change_ratio": r"(?:(\w+)_change / previous_\1|\((\w+) - previous_\2\) / previous_\2|change / previous_value)",
    "cohort_churn_rate": r"(\w+)_lost / \1_opening",
    "gross_revenue_retention": r"(\w+)_kept / \1_opening",
    "net_revenue_retention": r"(\w+)_retained / \1_opening",
}
"""What the field means by a name that a ratio ends with."""
SHAPE = re.compile(r"(\w+|\([^()]+\)) / \w+")


def ratios(columns: dict[tuple[str, str], registry.Column]) -> Iterator[tuple[str, str, str]]:
    """Table, column and formula of every ratio that is computed; what is carried on from another period is not."""
    for (pipeline, column), spec in columns.items():
        if spec.type == registry.RATIO and not re.match(r"\w+ of previous_period\b", spec.description):
            formula = SHAPE.match(spec.description)
            yield pipeline, column, formula[0] if formula else ""


def meant(formula: str) -> str:
    """A formula whatever days or rows it is of, and whatever the table calls its parts."""
    return re.sub(r"\w+", lambda word: SAME.get(word[0], word[0]), SCOPES.sub("", formula))


def stem(column: str) -> str:
    """What a ratio is called, whatever days or rows it is of."""
    return re.sub(r"_(rate|ratio)$", "", SCOPES.sub("", column))


def contradictions(columns: dict[tuple[str, str], registry.Column]) -> list[str]:
    """Where two columns share a name or a stem and no definition."""
    found = []
    units: dict[str, set[str]] = defaultdict(set)
    for (_, column), spec in columns.items():
        units[column].add(spec.unit)
    found += [f"{column} is in {' and in '.join(sorted(of))}" for column, of in units.items() if len(of) > 1]
    formulas: dict[str, set[str]] = defaultdict(set)
    for pipeline, column, formula in ratios(columns):
        formulas[stem(column)].add(meant(formula))
        if not formula:
            found.append(f"{pipeline}.{column} does not begin with its formula")
        # A rate of what is published beside it is that, over something.
        amount = re.sub(r"_(rate|ratio)$", "", column)
        if amount != column and (pipeline, amount) in columns and amount not in re.findall(r"\w+", formula):
            found.append(f"{pipeline}.{column} is not {amount} over anything: it is {formula}")
        for family, shape in FAMILIES.items():
            if column.endswith(family) and not re.fullmatch(shape, formula):
                found.append(f"{pipeline}.{column} is not what {family} means: it is {formula}")
        if re.search(r"(growth|churn|retention)$", stem(column)) and not column.endswith(tuple(FAMILIES)):
            found.append(f"{pipeline}.{column} does not say which of {', '.join(FAMILIES)} it is")
    found += [f"{name} is {' and '.join(sorted(of))}" for name, of in formulas.items() if len(of) > 1]
    return found


def test_columns_of_one_name_or_stem_have_one_unit_and_one_formula() -> None:
    assert contradictions(COLUMNS) == []
    assert len([*ratios(COLUMNS)]) > 15


def ratio(definition: str) -> registry.Column:
    return registry.Column(type=registry.RATIO, unit="ratio", description=f"{definition}. NULL where it is not known.")


MONEY = registry.Column(type="decimal(18,2)", unit="company currency")


@pytest.mark.parametrize(
    ("columns", "wrong"),
    [
        (
            {("a", "revenue_share"): ratio("revenue / total"), ("b", "revenue_share"): ratio("revenue / target")},
            "revenue_share is revenue / target and revenue / total",
        ),
        (
            {("a", "mrr_share"): ratio("mrr / total"), ("b", "ttm_mrr_share_rate"): ratio("ttm_mrr / seats")},
            "mrr_share is mrr / seats and mrr / total",
        ),
        (
            {("a", "mrr_churn"): MONEY, ("a", "mrr_churn_rate"): ratio("mrr_lost / mrr_opening")},
            "a.mrr_churn_rate is not mrr_churn over anything: it is mrr_lost / mrr_opening",
        ),
        (
            {("a", "cohort_churn_rate"): ratio("mrr_churn / mrr_opening")},
            "a.cohort_churn_rate is not what cohort_churn_rate means: it is mrr_churn / mrr_opening",
        ),
        (
            {("a", "mrr_growth"): ratio("mrr_change / previous_mrr")},
            f"a.mrr_growth does not say which of {', '.join(FAMILIES)} it is",
        ),
        ({("a", "margin"): ratio("What is left")}, "a.margin does not begin with its formula"),
        (
            {("a", "mau"): MONEY, ("b", "mau"): registry.Column(type="bigint", unit="users")},
            "mau is in company currency and in users",
        ),
    ],
)
def test_a_name_that_means_two_things_is_told(columns: dict[tuple[str, str], registry.Column], wrong: str) -> None:
    assert wrong in contradictions(columns)


def test_the_ratios_of_the_report_are_those_of_their_names() -> None:
    """Those of the fortnight by the same formula as the investors' of the month; those of the month are theirs."""
    report = load("executive_report")
    published = {column: meant(formula) for _, column, formula in ratios(COLUMNS)}
    shared = {metric.name: metric for metric in report.METRICS if metric.over and metric.name in published}
    retention = {"cohort_churn_rate", "gross_revenue_retention", "net_revenue_retention"}
    assert {"margin", "unit_profit", "mrr_growth_rate", *retention} == {*shared}
    for name, metric in shared.items():
        # The job keeps the difference of closing and opening under one name.
        of = "(mrr_closing - mrr_opening)" if metric.of == "mrr_change" else metric.of
        assert f"{of} / {metric.over}" == published[name]
    for name, column in {**report.MARGINS, **report.TRAILING}.items():
        assert name == f"month_{column}"
