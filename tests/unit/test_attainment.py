"""Service levels over time: met, missed or still open, and kept as they were judged."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import store_support

from dq import people, runbooks, store
from dq.cli import main
from dq.close import attainment
from dq.close.attainment import Attainment, Facts, Publication, Red, State
from dq.close.facts import LEVELS, facts, kept
from dq.model import Kind, Verdict
from dq.periods import Grain

ROOT = Path(__file__).resolve().parents[2]
ROSTER = people.load_roster(ROOT / "runbooks" / "roster.yml", shown="roster.yml")
INVESTOR = runbooks.load_page(ROOT / "runbooks" / "investor_profit.md").front
UNITS = runbooks.load_page(ROOT / "runbooks" / "profit_unit.md").front
NOVEMBER = {"first": date(2026, 11, 1), "last": date(2026, 12, 31)}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def month(facts: Facts, now: str) -> dict[str, State]:
    found = attainment.judged(ROSTER, INVESTOR, Grain.MONTH, facts, now=at(now), **NOVEMBER)
    return {one.level: one.state for one in found if one.period == "2026-11"}


def published(kind: Kind, when: str) -> Publication:
    return Publication(period="2026-11", kind=kind, at=at(when))


def test_a_month_that_went_well_met_every_level() -> None:
    facts = Facts(
        publications=[published(Kind.PRELIMINARY, "2026-11-30T12:00"), published(Kind.FINAL, "2026-12-03T12:00")],
        ready={"2026-11": [at("2026-11-24T12:00")]},
    )
    assert month(facts, "2026-12-10T00:00") == dict.fromkeys(
        ("pre-validated", "fixed", "preliminary", "final"), State.MET
    )


@pytest.mark.parametrize(
    ("level", "facts"),
    [
        ("final", Facts(publications=[published(Kind.FINAL, "2026-12-04T12:00")])),
        ("preliminary", Facts(publications=[published(Kind.MONTH_TO_DATE, "2026-11-30T12:00")])),
        (
            "pre-validated",
            Facts(
                publications=[published(Kind.FINAL, "2026-12-03T12:00")], ready={"2026-11": [at("2026-11-26T12:00")]}
            ),
        ),
        (
            "fixed",
            Facts(
                publications=[published(Kind.FINAL, "2026-12-03T12:00")],
                reds=[Red(period="2026-11", check="c", failure_class="F11", since=at("2026-11-20T00:00"), until=None)],
            ),
        ),
    ],
)
def test_what_came_late_or_never_is_missed_once_its_day_is_over(level: str, facts: Facts) -> None:
    assert month(facts, "2026-12-10T00:00")[level] is State.MISSED
    assert month(facts, "2026-11-22T00:00")[level] is State.OPEN


def test_a_failure_mended_before_month_end_keeps_the_level() -> None:
    mended = Red(
        period="2026-11", check="c", failure_class="F11", since=at("2026-11-20T00:00"), until=at("2026-11-21T00:00")
    )
    facts = Facts(publications=[published(Kind.FINAL, "2026-12-03T12:00")], reds=[mended])
    assert month(facts, "2026-12-10T00:00")["fixed"] is State.MET


def test_a_day_is_met_by_its_own_publication_before_its_hour() -> None:
    facts = Facts(
        publications=[
            Publication(period="2026-11-03", kind=Kind.MONTH_TO_DATE, at=at("2026-11-04T03:00")),
            Publication(period="2026-11-04", kind=Kind.MONTH_TO_DATE, at=at("2026-11-05T03:01")),
        ]
    )
    found = attainment.judged(ROSTER, UNITS, Grain.DAY, facts, now=at("2026-11-06T12:00"), **NOVEMBER)
    days = {one.period: one.state for one in found if one.level == "ready"}
    assert "2026-11-02" not in days, "nobody waited before the first publication"
    told = {day: state for day, state in days.items() if day <= "2026-11-06"}
    assert told == {
        "2026-11-03": State.MET,
        "2026-11-04": State.MISSED,
        "2026-11-05": State.MISSED,
        "2026-11-06": State.OPEN,
    }


def test_what_counts_from_a_failure_is_met_when_it_passed_in_time() -> None:
    def red(check: str, until: datetime | None) -> Red:
        return Red(period="2026-11", check=check, failure_class="F04", since=at("2026-11-10T12:00"), until=until)

    facts = Facts(
        publications=[Publication(period="2026-11-03", kind=Kind.FINAL, at=at("2026-11-04T03:00"))],
        reds=[red("soon", at("2026-11-12T00:00")), red("late", at("2026-11-30T00:00")), red("never", None)],
    )
    found = attainment.judged(ROSTER, UNITS, Grain.DAY, facts, now=at("2026-12-05T00:00"), **NOVEMBER)
    states = {one.period: one.state for one in found if one.level == "source-solved"}
    assert states == {
        "2026-11-soon": State.MET,
        "2026-11-late": State.MISSED,
        "2026-11-never": State.MISSED,
    }


def test_a_backfill_counts_from_its_commit_and_a_run_of_its_day_from_its_clock() -> None:
    assert attainment.clock(at("2026-11-04T03:00"), at("2026-11-04T03:10")) == at("2026-11-04T03:00")
    assert attainment.clock(at("2026-11-04T03:00"), at("2026-11-20T09:00")) == at("2026-11-20T09:00")
    assert attainment.clock(None, at("2026-11-20T09:00")) == at("2026-11-20T09:00")


def test_what_is_older_is_not_read_and_counts_as_readers_still_see_it(tmp_path: Path) -> None:
    warehouse = store.Warehouse(tmp_path)
    table = warehouse.table("investor_profit")
    for n, (period, when) in enumerate(
        [("2026-08", "2026-09-03"), ("2026-09", "2026-10-03"), ("2026-10", "2026-11-03")]
    ):
        manifest = store_support.seal(table, f"run-{n}", {period: [1]})
        came = at(f"{when}T12:00")
        info = store.PeriodInfo(kind=Kind.FINAL, data_through=date(2026, 8, 31), verdict=Verdict.PUBLISH, as_of=came)
        table.commit(manifest, periods={period: info}, expected={period: None}, now=came)
    everything = facts(warehouse, "investor_profit", (), ()).publications
    since = at("2026-10-03T12:00")
    assert [commit.version for commit in table.log(since)] == [2, 3]
    (tmp_path / "investor_profit" / "_commits" / f"{1:020}.json").write_text("torn")
    found = facts(warehouse, "investor_profit", (), (), since).publications
    assert sorted(found, key=lambda one: one.period) == [*everything], "the first one is known from what readers see"


def test_what_was_judged_is_kept_as_it_was_then(tmp_path: Path) -> None:
    warehouse = store.Warehouse(tmp_path)
    due = at("2026-11-25T05:00")
    one = Attainment(pipeline="p", level="l", label="by", period="2026-11", due=due, state=State.MISSED)
    assert kept(warehouse, [one]) == [one]
    changed = Attainment(pipeline="p", level="l", label="by", period="2026-11", due=due, state=State.MET, kept=due)
    assert kept(warehouse, [changed]) == [one]
    still = Attainment(pipeline="p", level="m", label="by", period="2026-11", due=due, state=State.OPEN)
    assert kept(warehouse, [still]) == [still]
    assert len(warehouse.records.list(LEVELS)) == 1


def test_the_command_shows_what_was_met_and_missed_per_level_and_keeps_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    warehouse = store.Warehouse(tmp_path)
    warehouse.records.put("other", "one", {})
    words = ["status", "--levels", "--at", "2026-12-10T00:00Z", "--warehouse", str(tmp_path)]
    assert main([*words, "--from", "2026-11"]) == 0
    assert "none was due" in capsys.readouterr().out, "nothing was ever published"
    table = warehouse.table("investor_profit")
    manifest = store_support.seal(table, "run-1", {"2026-11": [1]})
    came = at("2026-12-04T12:00")
    info = store.PeriodInfo(kind=Kind.FINAL, data_through=date(2026, 11, 30), verdict=Verdict.PUBLISH, as_of=came)
    table.commit(manifest, periods={"2026-11": info}, expected={"2026-11": None}, now=came)
    assert main([*words, "--from", "2026-11"]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if "final report by" in line)
    assert line.split()[:4] == ["investor_profit", "final", "report", "by"]
    assert "2026-11: due Thu 3 Dec, came Fri 4 Dec" in line
    assert len(warehouse.records.list(LEVELS)) >= 1
    assert main([*words, "--from", "2026-12", "--to", "2026-11"]) == 2
