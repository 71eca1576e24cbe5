"""The close of a month: closed, open or late, what that rests on, and the report that leaves the house."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import store_support
from close_support import IN_TIME, MONTH, PIPELINES, REGISTRY, ROSTER, TOO_LATE, close, make, publish
from notify_support import ROOT, answer, at, failed, house, ran, seen, serving
from run_records import PRELIMINARY, published, result
from store_support import quick_disk

from dq.base import periods
from dq.base.model import Kind, Outcome, Severity, Verdict
from dq.base.verdict import Waiver
from dq.cli import main
from dq.month import close_page, close_report
from dq.month.close_report import Closing, MonthState
from dq.run import closing, inputs, missing_reports, recovery, run_records
from dq.store import Manifest, PeriodInfo, Table, Warehouse, waivers
from dq.tell import incidents, report_messages
from dq.tell.outbox import Outbox

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")


def line(found: Closing, pipeline: str) -> close_report.Line:
    return next(one for one in found.lines if one.pipeline == pipeline)


def red(warehouse: Warehouse, **changes: Any) -> None:
    values = {"pipeline": "profit_unit", "period": MONTH, **changes}
    incidents.note(warehouse, ran("2026-11-04 06:00", failed("ties_out", dataset="profit_unit"), **values))


def waive(warehouse: Warehouse) -> None:
    waiver = Waiver(
        pipeline="profit_unit",
        check="ties_out",
        period=MONTH,
        ceiling=Decimal("500.00"),
        owner="Danny",
        reason="booked twice",
        until=date(2999, 1, 1),
        recorded=at("2026-11-04 07:00"),
        signed_off_by="Olga Berg",
        signed_off_at=at("2026-11-04 07:00"),
    )
    waivers.record(warehouse, waiver)


# -- closed, open, late ------------------------------------------------------------------------------------------------


def test_a_month_is_closed_when_everything_is_final_in_time_and_nothing_is_open(warehouse: Warehouse) -> None:
    publish(warehouse)
    found = close(warehouse)
    assert found.state is MonthState.CLOSED
    assert [one.pipeline for one in found.lines] == PIPELINES
    assert found.due == at("2026-11-05 05:00"), "the end of Wednesday 4 November in New York"
    final = next(one for one in line(found, "investor_profit").levels if one.level == "final")
    assert (final.state.value, final.kept) == ("met", at(IN_TIME))
    weeks = [one.period for one in line(found, "growth_daily").levels if one.level == "weekly"]
    assert weeks == ["2026-W40", "2026-W41", "2026-W42", "2026-W43"], "those that ended in October"


def test_what_is_not_final_is_open_until_it_is_due_and_late_after(warehouse: Warehouse) -> None:
    publish(warehouse, when="2026-11-01 12:00", kind=Kind.PRELIMINARY)
    found = close(warehouse, "2026-11-02 12:00")
    assert found.state is MonthState.OPEN
    profit = line(found, "investor_profit")
    assert (profit.missing, profit.due) == ([MONTH], "final report by Wed 4 Nov")
    assert profit.next.startswith("a failure goes to ")
    assert line(found, "executive_report").done, "a fortnight has no final of its own"
    assert close(warehouse, "2026-11-05 04:59").state is MonthState.OPEN
    assert close(warehouse, "2026-11-05 05:01").state is MonthState.LATE


def test_one_pipeline_that_came_late_makes_the_month_late_though_nothing_is_missing(warehouse: Warehouse) -> None:
    publish(warehouse, [name for name in PIPELINES if name != "investor_growth"])
    publish(warehouse, ["investor_growth"], TOO_LATE)
    found = close(warehouse)
    assert [one.pipeline for one in found.late] == ["investor_growth"]
    assert found.state is MonthState.LATE
    assert "late: investor_growth (came Thu 5 Nov 07:00)" in close_page.decision(found, ROSTER.zone)


def test_a_day_that_is_missing_is_named(warehouse: Warehouse) -> None:
    publish(warehouse)
    warehouse.table("profit_unit").withdraw("2026-10-07", by="Anna", reason="wrong feed", now=at("2026-11-05 09:00"))
    units = line(close(warehouse), "profit_unit")
    assert (units.missing, units.done) == (["2026-10-07"], False)
    assert [(one.by, one.reason) for one in units.taken] == [("Anna", "wrong feed")]


def test_a_restated_final_was_still_in_time_and_the_restatement_stands_in_the_report(warehouse: Warehouse) -> None:
    publish(warehouse)
    publish(warehouse, ["investor_profit"], "2026-11-06 09:00")
    was = replace(PRELIMINARY, kind=Kind.FINAL, version=1)
    again = published(
        run="investor_profit-final-2026-11-06",
        pipeline="investor_profit",
        period=MONTH,
        version=2,
        replaced=was,
        currency="CHF",
    )
    run_records.save(warehouse, again)
    found = close(warehouse)
    assert found.state is MonthState.CLOSED
    (change,) = line(found, "investor_profit").changes
    assert (change.version, change.restatement) == (2, True)
    told = "\n".join(close_page.lines(found, ROSTER.zone))
    assert "change  restatement: version 2 of Fri 6 Nov 04:00 replaced version 1, final" in told
    assert re.search(r"moved: revenue \+1,204\.50.*; amounts are in CHF$", told, re.MULTILINE)
    unmoved = replace(change, replaced=replace(was, moved={}))
    still = replace(found, lines=[replace(line(found, "investor_profit"), changes=[unmoved])])
    assert "CHF" not in "\n".join(close_page.lines(still, ROSTER.zone))


def units_of(warehouse: Warehouse, table: str, *tables: str) -> dict[str, Any]:
    """The inputs a final of the month records where it is built on these tables as they are now."""
    reader = REGISTRY.pipelines[table]
    entries = {}
    for name in tables:
        commit = warehouse.table(name).current()
        assert commit is not None
        days = [one for one in commit.entries if one.startswith(MONTH)]
        assert name in reader.upstream
        entries[name] = inputs.UpstreamPin(table=name, entries={one: commit.entries[one] for one in days})
    return {"inputs": [pin.ref() for pin in entries.values()]}


def test_a_final_whose_units_were_published_anew_is_stale_and_keeps_the_month_open(warehouse: Warehouse) -> None:
    publish(warehouse, [name for name in PIPELINES if name != "investor_profit"])
    publish(warehouse, ["investor_profit"], **units_of(warehouse, "investor_profit", "profit_unit"))
    assert close(warehouse).state is MonthState.CLOSED
    publish(warehouse, ["profit_unit"], "2026-11-05 09:00")
    found = close(warehouse)
    assert found.state is MonthState.OPEN
    assert line(found, "investor_profit").outdated == [
        "investor_profit 2026-10 is built on profit_unit as published before: dq run investor_profit --period 2026-10"
    ]
    assert [one.pipeline for one in found.lines if one.outdated] == ["investor_profit"]
    assert "stale   investor_profit 2026-10 is built on profit_unit" in "\n".join(close_page.lines(found, ROSTER.zone))
    assert "investor_profit is built on figures that were published anew" in close_page.decision(found, ROSTER.zone)
    warehouse.table("profit_unit").withdraw("2026-10-31", by="Anna", reason="wrong feed", now=at("2026-11-05 10:00"))
    assert line(close(warehouse), "investor_profit").outdated
    again = units_of(warehouse, "investor_profit", "profit_unit")
    publish(warehouse, ["investor_profit"], "2026-11-05 11:00", **again)
    assert line(close(warehouse), "investor_profit").outdated == []


def test_what_is_not_final_is_run_again_anyway_and_is_not_stale(warehouse: Warehouse) -> None:
    publish(warehouse, ["profit_unit"])
    inputs_then = units_of(warehouse, "investor_profit", "profit_unit")
    publish(warehouse, ["investor_profit"], kind=Kind.PRELIMINARY, **inputs_then)
    publish(warehouse, ["profit_unit"], "2026-11-05 09:00")
    assert line(close(warehouse), "investor_profit").outdated == []


def test_what_was_refreshed_while_the_month_ran_is_no_change_and_what_was_preliminary_is(warehouse: Warehouse) -> None:
    for version, (when, kind) in enumerate(
        [("2026-10-12 06:00", Kind.MONTH_TO_DATE), ("2026-10-19 06:00", Kind.MONTH_TO_DATE), (IN_TIME, Kind.FINAL)], 1
    ):
        publish(warehouse, ["investor_profit"], when, kind)
        was = replace(PRELIMINARY, kind=Kind.MONTH_TO_DATE if version < 3 else Kind.PRELIMINARY, version=version - 1)
        run = f"investor_profit-{kind}-{when[:10]}"
        again = published(
            run=run, pipeline="investor_profit", period=MONTH, version=version, replaced=was if version > 1 else None
        )
        run_records.save(warehouse, again)
    (change,) = line(close(warehouse), "investor_profit").changes
    assert (change.version, change.restatement) == (3, False)


def test_an_open_incident_keeps_a_month_open_and_says_who_hears_next(warehouse: Warehouse) -> None:
    publish(warehouse)
    red(warehouse)
    found = close(warehouse, "2026-11-04 18:00")
    assert found.state is MonthState.OPEN
    (one,) = line(found, "profit_unit").reds
    assert (one.check, one.severity, one.next) == ("ties_out", Severity.CRITICAL, "to the Lead Thu 5 Nov 09:00")


def test_a_waiver_pauses_it_and_stands_with_its_ceiling_and_sign_off(warehouse: Warehouse) -> None:
    publish(warehouse)
    red(warehouse)
    waive(warehouse)
    found = close(warehouse)
    assert found.state is MonthState.CLOSED
    told = "\n".join(close_page.lines(found, ROSTER.zone))
    assert (
        "waived  ties_out 2026-10 up to 500.00 until 2999-01-01 for Danny, "
        "signed off by Olga Berg on 2026-11-04: booked twice" in told
    )
    assert "paused  CRITICAL ties_out" in told


@pytest.mark.parametrize(
    "changes",
    [{"period": "2026-09"}, {"pipeline": "experiments_weekly", "period": "2026-W44"}],
    ids=["another month", "not for investors"],
)
def test_incidents_of_others_do_not_keep_a_month_open(warehouse: Warehouse, changes: dict[str, str]) -> None:
    publish(warehouse)
    red(warehouse, **changes)
    assert close(warehouse).state is MonthState.CLOSED


def test_figures_that_were_missed_and_are_there_now_do_not_keep_a_month_open(warehouse: Warehouse) -> None:
    publish(warehouse)
    missed = failed("profit_unit.figures.in_time", dataset="profit_unit", failure_class="F26")
    incidents.note(warehouse, ran("2026-10-14 03:00", missed, pipeline="profit_unit", period=MONTH))
    assert close(warehouse).state is MonthState.CLOSED, "nobody looked since then whether they are"


def test_the_fortnights_that_end_in_the_month_count_and_no_others(warehouse: Warehouse) -> None:
    publish(warehouse)
    incidents.note(warehouse, ran("2026-11-09 06:00", failed(), pipeline="executive_report", period="2026-10-26"))
    assert close(warehouse, "2026-11-10 12:00").state is MonthState.CLOSED, "that fortnight ends on 8 November"
    incidents.note(warehouse, ran("2026-10-26 06:00", failed(), pipeline="executive_report", period="2026-10-12"))
    assert close(warehouse).state is MonthState.OPEN


def test_partial_figures_say_without_what(warehouse: Warehouse) -> None:
    publish(warehouse, partial=("expenses",))
    assert "partial, without expenses" in "\n".join(close_page.lines(close(warehouse), ROSTER.zone))


def test_a_month_of_which_nothing_is_published_is_not_closed(warehouse: Warehouse) -> None:
    found = close(warehouse, "2026-10-20 12:00")
    assert found.state is MonthState.OPEN
    assert close_page.lines(found, ROSTER.zone)[2].startswith("  NOT PUBLISHED  ")


def test_a_close_reads_back_as_it_was_kept(warehouse: Warehouse) -> None:
    publish(warehouse)
    red(warehouse)
    waive(warehouse)
    found = close(warehouse)
    closing.keep(warehouse, found)
    ((name, document),) = warehouse.records.all(closing.KIND).items()
    assert document["state"] == "closed"
    assert close_report.to_json(close_report.from_json(document, name)) == close_report.to_json(found)


# -- the command -------------------------------------------------------------------------------------------------------

Call = Callable[..., tuple[int, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("DQ_HOME", str(ROOT))

    def called(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["close", "--month", MONTH, *words, "--warehouse", str(warehouse.root)])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return called


@pytest.fixture
def to_readers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def configure(origin: str) -> None:
        text = f"""warehouse: {tmp_path / "w"}
docs: {tmp_path / "docs"}
docs_address: https://docs.example.com
notify:
  internal_origins: ["{origin}"]
  targets: {{team-hook: {{kind: webhook}}}}
  routes: [{{to: [team-hook]}}]
  run_seconds: 1
  reports: {{close: [team-hook]}}
"""
        (tmp_path / "settings.yml").write_text(text)
        monkeypatch.setenv("DQ_SETTINGS", str(tmp_path / "settings.yml"))
        monkeypatch.setenv("DQ_SECRET_TEAM_HOOK", f"{origin}/services/canary")

    return configure


def test_the_exit_code_is_0_only_for_a_closed_month(call: Call, warehouse: Warehouse) -> None:
    code, told = call("--at", "2026-11-02T12:00:00Z")
    assert (code, told.splitlines()[0]) == (1, "close of 2026-10 as of 2026-11-02T12:00Z: OPEN   final by Wed 4 Nov")
    publish(warehouse)
    code, told = call("--at", "2026-11-06T12:00:00Z")
    assert code == 0
    assert (
        told.splitlines()[-1]
        == "8 of 8 pipelines are final, all of them in time, and nothing is open: the month is closed"
    )
    assert warehouse.records.list(closing.KIND) == ["2026-10-20261102t120000z", "2026-10-20261106t120000z"]


@pytest.mark.parametrize("words", [(), ("--no-send",)])
def test_the_command_looks_first_for_what_runs_that_died_found(
    call: Call, warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    seal = store_support.seal

    def with_record(table: Table, run: str, rows: store_support.Rows) -> Manifest:
        if table.name != "investor_profit":
            return seal(table, run, rows)
        warned = result("sums", Outcome.FAILED, severity=Severity.WARNING)
        died = published(run=run, pipeline=table.name, period=MONTH, results=(warned,), version=None)
        store_support.write_staged(table, run, rows)
        audit = {"verdict": "publish", **recovery.sealed(died)}
        return table.seal(run, schema_json=store_support.SCHEMA, fingerprint="key", audit=audit)

    monkeypatch.setattr(store_support, "seal", with_record)
    make(warehouse, PIPELINES, IN_TIME, Kind.FINAL)
    code, told = call("--at", "2026-11-06T12:00:00Z", *words)
    assert (code, "sums" in told) == (1, True)


def test_programs_and_pages_get_the_same(call: Call, warehouse: Warehouse) -> None:
    publish(warehouse)
    document = json.loads(call("--at", "2026-11-06", "--format", "json")[1])
    assert (document["state"], len(document["close"]["lines"])) == ("closed", 8)
    code, told = call("--at", "2026-11-06", "--format", "markdown", "--no-send")
    assert code == 0
    assert told.startswith("## close of 2026-10 as of 2026-11-06T00:00Z: CLOSED")
    assert "### profit&#95;unit: final\n\n- **published** version 1, final, data through 31 Oct" in told
    assert len(warehouse.records.list(closing.KIND)) == 1, "--no-send keeps nothing"


@pytest.mark.parametrize(
    ("words", "said"),
    [(["--month", "2026-10-05"], "is not a month"), (["--at", "2999-01-01"], "in the future"), (["--at", "x"], "--at")],
)
def test_what_cannot_be_asked_is_refused(call: Call, words: list[str], said: str) -> None:
    code, told = call(*words)
    assert (code, said in told) == (2, True)


def test_the_report_goes_to_its_readers_and_the_delivery_is_recorded(
    call: Call, warehouse: Warehouse, to_readers: Callable[[str], None], tmp_path: Path
) -> None:
    publish(warehouse)
    with serving(answer("200 OK")) as server:
        to_readers(server.origin)
        assert call("--at", "2026-11-06T12:00:00Z")[0] == 0
    body = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    assert body["alerts"][0]["annotations"]["summary"] == "Close of 2026-10: closed"
    html = (tmp_path / "docs" / "reports" / "close" / "2026-10-close-20261106t120000z.html").read_text()
    assert "the month is closed" in html
    (one,) = report_messages.recipients_of(warehouse, "executive_report", MONTH, 20261106120000)
    assert (one["recipient"], "sent" in one) == ("team-hook", True)


def test_a_report_that_does_not_arrive_is_exit_4_and_an_incident_that_is_not_part_of_the_close(
    call: Call, warehouse: Warehouse, to_readers: Callable[[str], None]
) -> None:
    publish(warehouse)
    with serving(answer("403 Forbidden"), answer("200 OK")) as server:
        to_readers(server.origin)
        code, told = call("--at", "2026-11-06T12:00:00Z")
        assert (code, "not delivered: team-hook: the target refused it (403)" in told) == (4, True)
        # What became overdue since then is told as of now, and is not this month's.
        (one,) = (one for one in incidents.everything(warehouse).values() if one.open and one.period == MONTH)
        assert one.failure.failure_class == "F21"
        code, told = call("--at", "2026-11-06T13:00:00Z")
        assert (code, "CLOSED" in told) == (0, True)
    assert not any(one.open and one.period == MONTH for one in incidents.everything(warehouse).values())
    assert [entry.settled for entry in Outbox(warehouse).entries() if entry.message.report] == [True, True]


# -- late (F21) --------------------------------------------------------------------------------------------------------


def test_a_report_that_nobody_made_is_late_once_the_month_had_to_be_final(warehouse: Warehouse) -> None:
    reading = house(targets={"team-hook": {"kind": "slack"}}, reports={"close": ["team-hook"]})

    def late(when: str) -> dict[tuple[str, str], report_messages.Late]:
        return missing_reports.late_reports(seen(warehouse, when), reading)

    assert late("2026-11-05 05:01") == {}, "nothing of the month was ever published"
    publish(warehouse, when="2026-11-01 12:00", kind=Kind.PRELIMINARY)
    closing.keep(warehouse, close(warehouse, "2026-11-02 12:00"))
    assert late("2026-11-05 05:00") == {}
    said = "the report of the close was due after Wed 4 Nov (dq close)"
    assert late("2026-11-05 05:01") == {
        ("executive_report", MONTH): report_messages.Late(since=at("2026-11-05 05:00"), said=said)
    }
    assert missing_reports.late_reports(seen(warehouse, "2026-11-05 05:01"), house()) == {}, "it has no readers"
    assert late("2026-12-20 12:00") == {}, "that long ago is not looked for"
    closing.keep(warehouse, close(warehouse, "2026-11-05 06:00"))
    assert late("2026-11-05 06:01") == {}


def test_deliver_finds_figures_that_are_missing_without_any_run(
    warehouse: Warehouse, to_readers: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DQ_HOME", str(ROOT))
    month = periods.previous_month(periods.previous_month(f"{datetime.now(UTC):%Y-%m}"))
    table = warehouse.table("investor_growth")
    info = PeriodInfo(kind=Kind.PRELIMINARY, data_through=periods.days_of(month)[1], verdict=Verdict.PUBLISH)
    manifest = store_support.seal(table, "growth", {month: [1]})
    while_it_ran = datetime.combine(periods.days_of(month)[1], time(12), UTC)
    table.commit(manifest, periods={month: info}, expected={month: None}, now=while_it_ran)
    with serving(answer("200 OK")) as server:
        to_readers(server.origin)
        assert main(["deliver", "--warehouse", str(warehouse.root), "--seconds", "2"]) == 0
    late = {one.key for one in incidents.everything(warehouse).values() if one.open}
    assert f"investor_growth/investor_growth.figures.in_time/{month}" in late


def test_a_month_found_closed_before_its_last_day_needs_no_second_report(warehouse: Warehouse) -> None:
    reading = house(targets={"team-hook": {"kind": "slack"}}, reports={"close": ["team-hook"]})
    publish(warehouse)
    closing.keep(warehouse, close(warehouse, "2026-11-04 13:00"))
    assert missing_reports.late_reports(seen(warehouse, "2026-11-05 06:00"), reading) == {}


def test_the_page_keeps_to_the_width_of_a_year_that_begins() -> None:
    due = datetime(2027, 1, 7, 5, tzinfo=UTC)
    found = Closing(month="2026-12", at=due - timedelta(days=9), due=due, lines=[])
    assert close_page.headline(found, ROSTER.zone).endswith("final by Wed 6 Jan 2027")
    assert found.state is MonthState.OPEN, "no pipelines are no close"
