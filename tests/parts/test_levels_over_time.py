"""Service levels over time in the data docs, and what is open for the next review meetings."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import store_support
from notify_support import ROOT, at, declared, failed, house, ran
from store_support import quick_disk

from dq.cli import main
from dq.declare import settings
from dq.docs import levels_page
from dq.docs import site as files
from dq.month import level_history as over_time
from dq.month.attainment import Attainment, LevelState, from_json, to_json
from dq.month.known_facts import LEVELS
from dq.run import after_verdict
from dq.store import Warehouse
from dq.tell import incidents

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")

ZONE = ZoneInfo("America/New_York")
NOW = at("2026-12-10 12:00")


def level(period: str, due: str, state: LevelState, kept: str = "", **changes: str) -> Attainment:
    values = {"pipeline": "profit_unit", "level": "ready", "label": "ready by", **changes}
    return Attainment(period=period, due=at(due), state=state, kept=at(kept) if kept else None, **values)


def written(folder: Path, *found: Attainment) -> str:
    return levels_page.write(folder, found, at=NOW, zone=ZONE).read_text(encoding="utf-8")


# -- the page ----------------------------------------------------------------------------------------------------------


def test_a_month_says_how_often_a_level_was_met_and_missed_and_each_period_when(tmp_path: Path) -> None:
    html = written(
        tmp_path,
        level("2026-12-09", "2026-12-10 15:00", LevelState.OPEN),
        level("2026-11-04", "2026-11-05 03:00", LevelState.MISSED, "2026-11-05 09:30"),
        level("2026-11-03", "2026-11-04 03:00", LevelState.MET, "2026-11-04 02:00"),
        level("2026-10-30", "2026-10-31 03:00", LevelState.MET, "2026-10-31 02:00"),
    )
    assert (
        '<th scope="row">ready by</th><td class="good">1 met</td><td class="bad">1 met, 1 missed</td><td>1 pending'
        in html
    )
    assert '<td>2026-11-04</td><td class="bad">missed</td><td>due Wed 4 Nov 22:00, came Thu 5 Nov 04:30</td>' in html


def test_a_day_that_is_over_at_midnight_counts_for_its_own_month(tmp_path: Path) -> None:
    html = written(tmp_path, level("2026-10", "2026-11-01 04:00", LevelState.MET, "2026-10-31 12:00"))
    assert '<th scope="col">2026-10</th></tr>' in html


def test_what_stands_in_a_level_is_text(tmp_path: Path) -> None:
    html = written(tmp_path, level("2026-11-03", "2026-11-04 03:00", LevelState.MET, label="<script>x</script>"))
    assert "<script>" not in html
    assert files.CSP.replace("'", "&#39;") in html


def test_many_periods_are_cut_and_counted(tmp_path: Path) -> None:
    many = [
        level(f"2026-{n}", "2026-11-04 03:00", LevelState.MET, level=f"l{n}") for n in range(levels_page.PERIODS + 5)
    ]
    html = written(tmp_path, *many)
    assert f"the newest {levels_page.PERIODS} of {levels_page.PERIODS + 5}" in html
    assert html.count("<tr><td>") == levels_page.PERIODS


def test_the_index_leads_to_the_page_once_it_is_there(tmp_path: Path) -> None:
    assert 'href="levels.html"' not in files.write_index(tmp_path).read_text(encoding="utf-8")
    assert "No level was due yet" in written(tmp_path)
    assert 'href="levels.html"' in files.write_index(tmp_path).read_text(encoding="utf-8")


def test_an_instant_at_midnight_is_no_day_and_a_day_is_none() -> None:
    ready = level("2026-11-10", "2026-11-11 05:00", LevelState.MISSED)  # midnight in New York
    assert over_time.dates(replace(ready, by_day=False), NOW, ZONE) == "due Wed 11 Nov 00:00, not yet"
    assert over_time.dates(ready, NOW, ZONE) == "due Tue 10 Nov, not yet"
    assert from_json(to_json(replace(ready, by_day=False))).by_day is False


def test_what_was_published_under_a_waiver_is_over_for_the_levels() -> None:
    seen = [ran("2026-11-20 06:00", failed()), ran("2026-11-21 06:00", failed(waived_by="w1"))]
    found = over_time.reds(incidents.fold(map(incidents.observed, seen)).values())
    assert [(one.since, one.until) for one in found] == [(at("2026-11-20 06:00"), at("2026-11-21 06:00"))]


# -- what is shown -----------------------------------------------------------------------------------------------------


def test_what_was_kept_in_the_last_year_is_shown_the_newest_first_and_nothing_older(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    kept = [
        level("2026-03-03", "2026-03-04 03:00", LevelState.MISSED),
        level("2025-10-03", "2025-10-04 03:00", LevelState.MET),
        level("2026-09-03", "2026-09-04 03:00", LevelState.MET),
    ]
    for one in kept:
        warehouse.records.put(LEVELS, one.name, to_json(one))
    warehouse.records.put(LEVELS, "broken", {"level": "x"})
    found = over_time.over_time(warehouse, house(), declared()[0], NOW)
    assert [one.period for one in found] == ["2026-09-03", "2026-03-03"]


def test_a_run_judges_its_own_pipeline_and_shows_the_others_as_they_were_kept(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    for name in ("profit_unit", "investor_profit"):
        table = warehouse.table(name)
        period = "2026-11-30" if name == "profit_unit" else "2026-11"
        store_support.publish(table, f"{name}-1", {period: [1]})
    kept = level("2026-09-03", "2026-09-04 03:00", LevelState.MET, pipeline="growth_daily")
    warehouse.records.put(LEVELS, kept.name, to_json(kept))
    known = declared()[0]
    alone = over_time.over_time(warehouse, house(), known, NOW, "profit_unit")
    assert {one.pipeline for one in alone} == {"profit_unit", "growth_daily"}
    every = over_time.over_time(warehouse, house(), known, NOW)
    assert {one.pipeline for one in every} == {"profit_unit", "growth_daily", "investor_profit"}


def test_the_docs_of_a_run_get_the_page_and_a_mishap_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, roster = declared()
    project: Any = SimpleNamespace(root=ROOT, registry=known, roster=roster, settings=settings.load(ROOT))
    warehouse = Warehouse(tmp_path / "w")
    warehouse.prepare()
    one = level("x", "2026-11-04 03:00", LevelState.MISSED)
    one = replace(one, due=datetime.now(UTC) - timedelta(days=40))
    warehouse.records.put(LEVELS, one.name, to_json(one))
    assert after_verdict.write_levels(project, warehouse, tmp_path / "docs") == []
    assert "1 missed" in (tmp_path / "docs" / "levels.html").read_text(encoding="utf-8")
    (tmp_path / "file").write_text("in the way")
    (problem,) = after_verdict.write_levels(project, warehouse, tmp_path / "file")
    assert problem.startswith("the service levels were not written into the data docs: ")


# -- reviews -----------------------------------------------------------------------------------------------------------

Call = Callable[..., tuple[int, str]]


@pytest.fixture
def call(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("DQ_HOME", str(ROOT))

    def called(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["status", "--reviews", *words, "--warehouse", str(tmp_path)])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return called


def test_each_review_stands_once_with_what_is_open_for_its_pipelines(call: Call, tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    incidents.note(warehouse, ran("2026-11-23 15:00", failed()))
    incidents.note(warehouse, ran("2026-11-23 16:00", failed("users"), pipeline="user_days"))
    code, told = call("--at", "2026-11-23T17:00:00Z")
    assert code == 0
    assert (
        "Wed 25 Nov 10:00  Weekly report review (Business Analytics Team)\n"
        "  about     investor_profit, investor_growth, investor_engagement\n"
        "  CRITICAL  investor_profit 2026-11  cells_are_the_sum_of_their_units  since Mon 23 Nov 10:00\n"
    ) in told
    assert (
        "Tue 24 Nov 10:00  Weekly engagement review (Software Frontend Team)\n"
        "  about     engagement_daily\n"
        "  CRITICAL  user_days 2026-11  users  since Mon 23 Nov 11:00\n"
    ) in told, "a pipeline without a page is reviewed with the one it stands on"
    assert (
        "Executive report review (Business Analytics Team)\n  about     executive_report\n  nothing is open\n" in told
    )
    assert told.count("Weekly report review") == 1
    days = [line.split("  ")[0] for line in told.splitlines() if not line.startswith(" ")]
    assert days[-1] == "Fri 4 Dec 14:00", "in the order of time, the one of a business day last"


def test_a_review_that_is_over_makes_way_for_the_next(call: Call, tmp_path: Path) -> None:
    Warehouse(tmp_path).prepare()
    at_ten, after = "2026-11-25T15:30:00Z", "2026-11-25T16:00:00Z"
    assert "Wed 25 Nov 10:00  Weekly report review" in call("--at", at_ten)[1]
    assert "Wed 2 Dec 10:00  Weekly report review" in call("--at", after)[1]


def test_programs_get_the_same_and_only_one_view_is_asked_for(call: Call, tmp_path: Path) -> None:
    incidents.note(Warehouse(tmp_path), ran("2026-11-23 15:00", failed()))
    found = json.loads(call("--at", "2026-11-23T17:00:00Z", "--format", "json")[1])
    report = next(one for one in found if one["review"] == "Weekly report review")
    assert [one["check"] for one in report["incidents"]] == ["cells_are_the_sum_of_their_units"]
    assert report["start"] == "2026-11-25T15:00:00+00:00"
    with pytest.raises(SystemExit) as ended:
        call("--levels")
    assert ended.value.code == 2
