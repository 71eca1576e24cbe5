"""One name, one definition: published columns of one name or one stem mean the same, as far as a machine can tell."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from job_support import load

from dq.declare import registry

ROOT = Path(__file__).resolve().parents[2]
PIPELINES = registry.load(ROOT).pipelines
VALUES = {
    (pipeline, text): value
    for pipeline, item in PIPELINES.items()
    for spec in item.publishes.columns.values()
    for text, value in spec.values.items()
}
SHAPE = re.compile(r"(\w+|\([^()]+\)) / \w+")
COLUMNS = {
    (pipeline, column): spec for pipeline, item in PIPELINES.items() for column, spec in item.publishes.columns.items()
} | {
    (pipeline, text): registry.Column(
        type=registry.RATIO if value.unit == "ratio" or SHAPE.match(value.description) else "string",
        unit=value.unit,
        description=value.description,
    )
    for (pipeline, text), value in VALUES.items()
}
"""What is published under a name: columns, and the metrics that are values of one."""
SCOPES = re.compile(r"\b(?:product_(?=mtd_|target))?(?:ttm_|mtd_)?")
"""What columns begin with that say the same of other days or rows."""
FAMILIES = {
    "growth_rate": r"\((\w+)_closing - \1_opening\) / \1_opening",
    "change_ratio": r"(?:(\w+)_change / previous_\1|\((\w+) - previous_\2\) / previous_\2|change / previous_value)",
    "cohort_churn_rate": r"(\w+)_lost / \1_opening",
    "gross_revenue_retention": r"(\w+)_kept / \1_opening",
    "net_revenue_retention": r"(\w+)_retained / \1_opening",
}
"""What the field means by a name that a ratio ends with."""
CARRIED = re.compile(r"(\w+) of (?:previous_period|the company in (\w+))\b")
"""What is carried on, from another period or table."""


def ratios(columns: dict[tuple[str, str], registry.Column]) -> Iterator[tuple[str, str, str]]:
    """Table, column and formula of every ratio that is computed and not carried on."""
    for (pipeline, column), spec in columns.items():
        if spec.type == registry.RATIO and not CARRIED.match(spec.description):
            formula = SHAPE.match(spec.description)
            yield pipeline, column, formula[0] if formula else ""


def meant(formula: str) -> str:
    """A formula whatever days or rows it is of."""
    return SCOPES.sub("", formula)


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
    reasons: dict[str, set[str]] = defaultdict(set)
    for (_, column), spec in columns.items():
        if spec.ratio:
            for what in (stem(column), f"what is divided by {meant(spec.ratio.denominator)}"):
                reasons[what].add(spec.ratio.zero)
    found += [f"{what} is absent for {' and for '.join(sorted(of))}" for what, of in reasons.items() if len(of) > 1]
    return found


def test_columns_of_one_name_or_stem_have_one_unit_and_one_formula() -> None:
    assert contradictions(COLUMNS) == []
    assert len([*ratios(COLUMNS)]) > 15


def ratio(definition: str) -> registry.Column:
    return registry.Column(type=registry.RATIO, unit="ratio", description=f"{definition}. NULL where it is not known.")


def divided(denominator: str, reason: str) -> registry.Column:
    by = registry.Ratio(denominator=denominator, zero=reason)
    return registry.Column(type=registry.RATIO, unit="ratio", ratio=by, description=f"x / {denominator}.")


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
        (
            {("a", "growth"): divided("mrr_opening", "no_opening"), ("b", "churn"): divided("mrr_opening", "no_mrr")},
            "what is divided by mrr_opening is absent for no_mrr and for no_opening",
        ),
        (
            {("a", "margin"): divided("revenue", "no_revenue"), ("b", "mtd_margin"): divided("mtd_sales", "no_sales")},
            "margin is absent for no_revenue and for no_sales",
        ),
        (
            {
                ("a", "active_seconds_per_user"): ratio("active_seconds / dau"),
                ("b", "active_seconds_per_user"): ratio("active_seconds / active_users"),
            },
            "active_seconds_per_user is active_seconds / active_users and active_seconds / dau",
        ),
    ],
)
def test_a_name_that_means_two_things_is_told(columns: dict[tuple[str, str], registry.Column], wrong: str) -> None:
    assert wrong in contradictions(columns)


REPORT = load("executive_report")
DECLARED = PIPELINES["executive_report"].publishes.columns["metric"].values


def test_every_metric_of_the_report_is_defined_and_nothing_else_is() -> None:
    assert [metric.name for metric in REPORT.METRICS] == [*DECLARED]
    units = {REPORT.MONEY: "company currency", "seats": "paid seats"}
    for metric in REPORT.METRICS:
        unit = units.get(metric.unit, metric.unit)
        said = DECLARED[metric.name].unit
        assert said.startswith(unit) if metric.unit == REPORT.MONEY else said == unit, metric.name


def test_the_suite_of_the_report_counts_its_metrics() -> None:
    suite = yaml.safe_load((ROOT / "expectations/executive_report/executive_report.yml").read_text(encoding="utf-8"))
    (counted,) = (one for one in suite["expectations"] if one["check"] == "report_has_every_metric")
    number = len(REPORT.METRICS)
    assert counted["kwargs"] == {"min_value": number, "max_value": number}
    assert f" {number} metrics" in counted["description"]


def test_a_figure_of_the_report_has_the_name_of_the_column_it_is_of() -> None:
    upstream = PIPELINES["executive_report"].upstream
    columns = {column for table in upstream for column in PIPELINES[table].publishes.columns}
    for metric in REPORT.METRICS:
        if carried := CARRIED.match(DECLARED[metric.name].description):
            column, table = carried.groups()
            assert (metric.basis, metric.name, metric.of) == (REPORT.MONTH, *(f"month_{column}",) * 2)
            assert PIPELINES[table].publishes.columns[column].unit == DECLARED[metric.name].unit
        elif not metric.over:
            assert metric.name == metric.of
            assert metric.name in columns


def test_the_ratios_of_the_report_are_those_of_their_names() -> None:
    """They are what is declared of them, and absent for the same reason as what is divided by the same."""
    reasons = {
        spec.ratio.denominator: (spec.ratio.zero, spec.ratio.negative or "")
        for (pipeline, _), spec in COLUMNS.items()
        if spec.ratio and pipeline in ("investor_profit", "investor_growth")
    }
    divided = [metric for metric in REPORT.METRICS if metric.over]
    assert len(divided) > 5
    for metric in divided:
        # The job keeps the difference of closing and opening under one name.
        of = "(mrr_closing - mrr_opening)" if metric.of == "mrr_change" else metric.of
        formula = SHAPE.match(DECLARED[metric.name].description)
        assert formula is not None
        assert formula[0] == f"{of} / {metric.over}"
        if metric.over in reasons:
            assert (metric.otherwise, metric.below) == reasons[metric.over]
