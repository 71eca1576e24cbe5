"""The definitions of published columns where people look, page and command line: each is there, true of the code."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from dq.cli import main
from dq.declare import metrics_page, registry
from dq.declare.job_columns import named_in

ROOT = Path(__file__).resolve().parents[2]
DECLARED = registry.load(ROOT)
COLUMNS = [(pipeline, column) for pipeline, item in DECLARED.pipelines.items() for column in item.publishes.columns]
WORD = re.compile(r"[a-z]+(?:_[a-z]+)+")
CONTRACTS = (ROOT / "jobs/contracts.yml").read_text(encoding="utf-8")


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for folder in ("jobs", "expectations", "runbooks"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    shutil.copy(ROOT / "Makefile", tmp_path / "Makefile")
    monkeypatch.setenv("DQ_HOME", str(tmp_path))
    return tmp_path


def published(table: str) -> set[str]:
    return {*DECLARED.pipelines[table].publishes.columns}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1
    path.write_text(text.replace(old, new), encoding="utf-8")


def test_the_page_of_the_repository_is_what_the_columns_are() -> None:
    written = metrics_page.markdown(DECLARED)
    assert (ROOT / metrics_page.FILE).read_text(encoding="utf-8") == written
    for pipeline, column in COLUMNS:
        section = written.partition(f"\n## {pipeline}\n")[2].partition("\n## ")[0]
        names = [column, *DECLARED.pipelines[pipeline].publishes.columns[column].values]
        assert [section.count(f"\n| `{name}` |") for name in names] == [1] * len(names)


def test_where_a_number_or_a_metric_is_computed_is_on_the_page() -> None:
    rows = [line.split(" | ") for line in metrics_page.markdown(DECLARED).splitlines() if line.startswith("| `")]
    numbers = [row for row in rows if row[-3].strip()]
    assert len(numbers) > 200
    assert [row[0] for row in numbers if not row[-1].strip(" |")] == []


def test_lint_refuses_a_column_without_a_description_and_a_number_without_a_unit(
    capsys: pytest.CaptureFixture[str], copied: Path
) -> None:
    assert main(["lint"]) == 0
    file = copied / "jobs/pipelines.yml"
    said = "Paid seats at the end of the last day covered. Trials do not count."
    old = f'paid seats, required: true, formerly: subscribers, description: "{said}"'
    edit(file, old, '" ", required: true, description: " "')
    capsys.readouterr()
    assert main(["lint"]) == 1
    told = capsys.readouterr().err
    line = 1 + file.read_text(encoding="utf-8").split('description: " "')[0].count("\n")
    at = f"jobs/pipelines.yml:{line}: pipelines.investor_profit.publishes.columns.seats"
    assert f"{at}: has no description" in told
    assert f"{at}: is a number without a unit" in told


def test_lint_refuses_a_value_without_a_definition(capsys: pytest.CaptureFixture[str], copied: Path) -> None:
    file = copied / "jobs/pipelines.yml"
    edit(
        file,
        '            margin: {unit: ratio, description: "profit / revenue of the days."}',
        "            margin: {}",
    )
    edit(file, "churn_rate, seats: subscribers", "churn_rate, seat: subscribers")
    assert main(["lint"]) == 1
    told = capsys.readouterr().err
    at = "pipelines.executive_report.publishes.columns.metric.values"
    assert f"{at}.margin: has no description; say what the value stands for" in told
    assert f"{at}.margin: has no unit, which the other values of the column have" in told
    assert f"{at}_formerly.seat: is not one of its values; did you mean seats?" in told


def test_lint_holds_the_page_to_what_is_declared(capsys: pytest.CaptureFixture[str], copied: Path) -> None:
    page = copied / metrics_page.FILE
    page.parent.mkdir()
    page.write_text("", encoding="utf-8")
    assert main(["lint"]) == 1
    said = "docs/metrics.md:1: is not what the published columns are; run dq lint --fix"
    assert said in capsys.readouterr().err
    assert main(["lint", "--fix"]) == 0
    assert page.read_text(encoding="utf-8") == (ROOT / metrics_page.FILE).read_text(encoding="utf-8")


@pytest.mark.parametrize(("pipeline", "column"), COLUMNS)
def test_a_definition_names_what_is_there_and_says_when_it_is_null(pipeline: str, column: str) -> None:
    item = DECLARED.pipelines[pipeline]
    spec, columns = item.publishes.columns[column], item.publishes.columns
    code = (ROOT / "jobs" / item.job).read_text(encoding="utf-8")
    known = {*columns, *DECLARED.pipelines, *WORD.findall(code), *WORD.findall(CONTRACTS)}
    for said in (spec.description, *(value.description for value in spec.values.values())):
        assert {*WORD.findall(said)} <= known | {name for table in item.upstream for name in published(table)}
    if spec.required:
        assert "NULL" not in spec.description
    else:
        assert "NULL" in spec.description
    if f"{column}_reason" in columns:
        assert f"{column}_reason" in spec.description
    if column.endswith("_reason"):
        assert spec.description.startswith("Why ")


@pytest.mark.parametrize(("pipeline", "column"), COLUMNS)
def test_where_a_ratio_is_computed_is_found(pipeline: str, column: str) -> None:
    item = DECLARED.pipelines[pipeline]
    if item.publishes.columns[column].type == registry.RATIO:
        assert named_in((ROOT / "jobs" / item.job).read_text(encoding="utf-8"))[column]


def test_the_functions_that_name_a_column_are_read_off_the_code() -> None:
    code = """
KINDS = ("new", "lost")
ALL = {"seats": "n", **{f"more_{kind}": "n" for kind in KINDS}}

class Line:
    name: str

LINES = (Line(name="seats"), *(Line(name=f"{kind}_line") for kind in KINDS))

def counted(rows):
    left = [kind for kind in KINDS]
    def amounts(kinds):
        return [sf.sum(kind).alias(f"seats_{kind}") for kind in kinds]
    return rows.agg(*amounts(left), *(sf.max(name).alias(name) for name, _ in ALL.items()))

def rated(rows, name, places):
    found = {}
    found["late"] = sf.lit(1)
    for kind in KINDS:
        rows = rows.withColumn(f"{name}_{kind}", sf.lit(0))
    rows = dq.valid_on(rows, a, key="k", columns=places, days={"": day, "_before": day}, otherwise="u")
    return rows.withColumns(found).select(*(one for x in KINDS for one in dq.ratio(f"{x}_rate", "a", "b", "none")))

def compared(rows, before):
    rows = dq.at_every_level(rows, key=("product", "place"), levels={"cell": ("product", "place"), "total": ()})
    taken = {f"previous_{name}": (name, "bigint") for name in ("mau", "wau")}
    return dq.with_previous(rows, before, key=("product",), period="month", columns=taken)

def kept(rows):
    read = [name for name in rows.columns if name.startswith("cost_")]
    return rows.agg(*(sf.sum(name).alias(name) for name in read))

def main(name):
    frame = rated(counted(rows), "mrr", ("region",)).withColumn(unknown, sf.lit(1)).withColumnRenamed("old", "fresh")
    return frame.select("seats", sf.col("given").alias(name))
"""
    rates = ("new_rate", "new_rate_reason", "lost_rate", "lost_rate_reason")
    by_function = {
        "LINES": ("seats", "new_line", "lost_line"),
        "counted": ("seats_new", "seats_lost", "seats", "more_new", "more_lost"),
        "rated": ("mrr_new", "mrr_lost", "region", "region_before", "late", *rates),
        "compared": ("row_kind", "product", "place", "previous_period", "previous_mau", "previous_wau"),
        "kept": ("cost_rent", "cost_servers"),
        "main": ("fresh",),
    }
    expected: dict[str, list[str]] = {}
    for one, columns in by_function.items():
        for column in columns:
            expected.setdefault(column, []).append(one)
    assert named_in(code, ("day", "cost_rent", "cost_servers")) == expected
    assert named_in("def half(:") == {}


def test_the_command_prints_a_pipeline_or_a_column_and_names_the_likely_one(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["lint", "--metrics", "investor_engagement"]) == 0
    told = capsys.readouterr().out
    assert "Grain: a row for each month x row_kind x region x segment.\n" in told
    assert "  wau  (bigint; users)\n      Distinct users active in the ISO week, from its Monday to week_ends." in told
    assert "      jobs/investor_engagement.py: with_active_users\n" in told
    assert main(["lint", "--metrics", "wau"]) == 0
    told = capsys.readouterr().out
    assert (told.count("  wau  (bigint; users)"), "engagement_daily:" in told, "mau" in told) == (2, True, False)
    for name in ("month_mau", "month_active_users"):
        assert main(["lint", "--metrics", name]) == 0
        told = capsys.readouterr().out
        assert "  metric month_mau  (users)\n      mau of the company in investor_engagement. Formerly month_" in told
        assert "      jobs/executive_report.py: METRICS, total\n" in told
    assert main(["lint", "--metrics", "mrr_grwth"]) == 2
    assert "did you mean mrr_growth" in capsys.readouterr().err
