"""Telling as a run and a person meet it: dq status, dq deliver, exit code 4, and verdicts that stay what they are."""

from __future__ import annotations

import json
import shutil
import socket
import threading
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from notify_support import (
    BROKEN,
    ROOT,
    Post,
    answer,
    at,
    contacts_of,
    declared,
    errored,
    failed,
    guarded,
    house,
    ran,
    seen,
    serving,
)
from pydantic import TypeAdapter
from run_records import published, result
from store_support import quick_disk

from dq.base.errors import ConfigError
from dq.base.model import RunRecord
from dq.base.periods import Grain
from dq.base.verdict import Waiver
from dq.cli import batch, job, main
from dq.cli.which_warehouse import load_project
from dq.declare import registry, settings
from dq.people.levels import Level
from dq.run import after_verdict, alerting, missing_reports, report_delivery, run_records
from dq.run.alerting import Telling
from dq.store import Warehouse, waivers
from dq.tell import delivery as notify_delivery
from dq.tell import incidents, last_roster, report_messages, words
from dq.tell.declared_people import house_of
from dq.tell.formats import alertmanager
from dq.tell.message import Report
from dq.tell.outbox import Delivery as Became
from dq.tell.outbox import Outbox
from dq.tell.senders import Sent

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")


Call = Callable[..., tuple[int, str]]


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str], warehouse: Warehouse) -> Call:
    def called(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main([*words, "--warehouse", str(warehouse.root)])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return called


@pytest.fixture
def with_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Settings in which the Lead, and who is told of everything, is one webhook at an address."""

    def configure(origin: str, *more: str) -> None:
        text = f"""warehouse: {tmp_path / "w"}
docs: {tmp_path / "docs"}
docs_address: https://docs.example.com
notify:
  internal_origins: ["{origin}"]
  targets: {{team-hook: {{kind: webhook}}}}
  routes: [{{to: [team-hook]}}]
  timeout_seconds: 10
  run_seconds: 1
"""
        (tmp_path / "settings.yml").write_text(text + "\n".join(more))
        monkeypatch.setenv("DQ_SETTINGS", str(tmp_path / "settings.yml"))
        monkeypatch.setenv("DQ_SECRET_TEAM_HOOK", f"{origin}/services/canary")

    return configure


# -- dq status ---------------------------------------------------------------------------------------------------------


def test_status_lists_the_open_incidents_oldest_first(call: Call, warehouse: Warehouse) -> None:
    newer = failed(observed="marketing off by 500.00", failure_class="F11")
    incidents.note(warehouse, ran("2026-11-25 06:00", newer, pipeline="profit_unit", period="2026-10"))
    incidents.note(warehouse, ran("2026-11-24 15:00", failed(), failed("mended")))
    incidents.note(warehouse, ran("2026-11-24 16:00", failed(), result("mended")))
    code, told = call("status", "--at", "2026-11-25T17:00:00Z")
    assert code == 0
    assert told == (
        "CRITICAL  investor_profit 2026-11  cells_are_the_sum_of_their_units\n"
        "  since     Tue 24 Nov 10:00, seen by 2 runs\n"
        "  found     3 of 40 cells differ\n"
        "  owner     Business Analytics Team; on call Laura until Mon 30 Nov 09:00 (backup Jane)\n"
        "  call      now\n"
        "  next      to the Lead Fri 27 Nov 09:00\n"
        "  runbook   runbooks/investor_profit/figures-differ-from-the-books.md\n"
        "CRITICAL  profit_unit 2026-10  cells_are_the_sum_of_their_units\n"
        "  since     Wed 25 Nov 01:00, seen by 1 run\n"
        "  found     marketing off by 500.00\n"
        "  owner     Finance and Risk Teams; on call Laura until Mon 30 Nov 09:00 (backup Jane)\n"
        "  call      now\n"
        "  next      to the Lead Thu 26 Nov 01:00\n"
        "  runbook   runbooks/investor_profit/figures-differ-from-the-books.md\n"
        "2 open incidents\n"
    )


def test_status_says_who_waits_until_when_and_whose_waiver_pauses(call: Call, warehouse: Warehouse) -> None:
    incidents.note(warehouse, ran("2026-11-14 07:00", failed()))
    waiver = Waiver(
        pipeline="investor_profit",
        check=BROKEN,
        period="2026-11",
        ceiling=Decimal(5),
        owner="Anna",
        reason="known",
        until=date(2999, 1, 1),
        recorded=at("2026-11-14 08:00"),
    )
    waivers.record(warehouse, waiver)
    _, told = call("status", "--at", "2026-11-14T09:00:00Z")
    assert "  paused    waived by Anna until 2999-01-01: known\n" in told
    assert "  call      not before Mon 16 Nov 09:00, next watch: watch of Data Engineering" in told


def test_status_says_to_whom_it_went_already(call: Call, warehouse: Warehouse) -> None:
    incidents.note(warehouse, ran("2026-11-24 15:00", failed()))
    _, told = call("status", "--at", "2026-11-27T14:00:00Z")
    to = "to the Lead Fri 27 Nov 09:00, to the Business Analytics Team's manager Fri 27 Nov 09:00"
    assert f"  escalated {to}\n  next      no rung is left\n" in told
    document = json.loads(call("status", "--format", "json", "--at", "2026-11-27T14:00:00Z")[1])
    assert [one["to"] for one in document["incidents"][0]["escalated"]] == [
        "the Lead",
        "the Business Analytics Team's manager",
    ]


def test_checks_that_failed_for_one_reason_are_shown_as_one(call: Call, warehouse: Warehouse) -> None:
    incidents.note(warehouse, ran("2026-11-24 15:00", *(errored(f"check_{n}") for n in range(148))))
    _, told = call("status", "--at", "2026-11-25T17:00:00Z")
    assert "COULD NOT EVALUATE  investor_profit 2026-11  check_0 and 147 more\n" in told
    assert "148 open incidents\n" in told


def test_status_for_programs_is_strict_json(call: Call, warehouse: Warehouse) -> None:
    incidents.note(warehouse, ran("2026-11-24 15:00", failed(observed="\x1b[31mred\ud800")))
    code, told = call("status", "--format", "json", "--at", "2026-11-25T17:00:00Z")
    document = json.loads(told)
    assert (code, document["waiting"], document["undelivered"]) == (0, 0, [])
    (one,) = document["incidents"]
    assert (one["since"], one["next_escalation"], one["next_escalation_to"], one["on_call"], one["paused"]) == (
        "2026-11-24T15:00:00Z",
        "2026-11-27T14:00:00Z",
        "the Lead",
        "Laura",
        None,
    )
    assert "\x1b" not in one["found"]


def test_a_person_ends_an_incident_and_who_was_told_of_it_is_told(
    call: Call, warehouse: Warehouse, with_target: Any
) -> None:
    red(warehouse)
    with serving(answer("200 OK")) as server:
        with_target(server.origin)
        assert call("deliver")[0] == 0
        key = f"profit_unit/{BROKEN}/2026-10"
        code, told = call("status", "--end", key, "--by", "anna", "--reason", "the check was renamed")
    assert (code, told.splitlines()[0].partition(", open")[0]) == (0, f"ended {key}")
    # A contact hears of one incident at most every ten minutes.
    people = house_of(ROOT, *declared(), settings.load(ROOT))
    _, (message,) = notify_delivery.would_send(seen(warehouse, datetime.now(UTC) + timedelta(minutes=11)), people)
    assert words.headline(message) == f"RESOLVED  profit_unit 2026-10: {BROKEN} settled"
    assert ("settled", "ended by anna: the check was renamed") in words.facts(message.alerts[0], message.state)
    assert call("status")[1] == "no open incidents\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            ["--end", "investor_profit/x/2026-11", "--reason", "r"],
            "x/2026-11 is not an incident of this warehouse; valid: investor_profit/",
        ),
        (["--end", f"profit_unit/{BROKEN}/2026-10"], "an incident is ended with a reason"),
    ],
)
def test_an_incident_is_ended_by_its_name_and_with_a_reason(
    call: Call, warehouse: Warehouse, given: list[str], said: str
) -> None:
    incidents.note(warehouse, ran(RECENT, failed()))
    code, told = call("status", *given)
    assert (code, said in told) == (2, True), told
    assert len(incidents.everything(warehouse)) == 1


def test_status_of_a_quiet_warehouse_is_one_line(call: Call) -> None:
    assert call("status") == (0, "no open incidents\n")


@pytest.mark.parametrize(
    "words", [["status"], ["deliver"], ["show"], ["waive", "--list"], ["close", "--month", "2026-10"]]
)
def test_of_what_is_not_a_warehouse_nothing_is_said_to_be_in_order(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, words: list[str]
) -> None:
    (tmp_path / "empty").mkdir()
    for folder, what in ((Path("/etc"), "holds something else"), (tmp_path / "empty", "is empty")):
        code = main([*words, "--warehouse", str(folder)])
        said = capsys.readouterr()
        assert (code, said.out) == (2, "")
        assert f"{folder} is not a warehouse: it {what}; expected a folder with _dq in it" in said.err
    assert main([*words, "--warehouse", str(tmp_path / "none")]) == 2


@pytest.fixture
def own_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the project whose roster may be spoilt; returns its roster."""
    home = tmp_path / "project"
    for folder in ("jobs", "expectations", "runbooks"):
        shutil.copytree(ROOT / folder, home / folder)
    monkeypatch.setenv("DQ_HOME", str(home))
    return home / "runbooks" / "roster.yml"


@pytest.mark.parametrize("spoil", [lambda text: text + "\n  - ]", lambda text: text.replace("anchor:", "ancor:")])
def test_while_the_roster_has_mistakes_the_last_good_one_serves_and_that_is_told(
    call: Call, warehouse: Warehouse, with_target: Any, own_project: Path, spoil: Callable[[str], str]
) -> None:
    red(warehouse)
    with serving(answer("200 OK"), answer("200 OK")) as server:
        with_target(server.origin)
        own_project_text = own_project.read_text()
        own_project.write_text(spoil(own_project_text))
        code, told = call("deliver")
        assert (code, "runbooks/roster.yml:" in told) == (2, True), "there is none of before"
        own_project.write_text(own_project_text)
        assert call("deliver", "--seconds", "1")[0] == 0
        own_project.write_text(spoil(own_project_text))
        incidents.note(warehouse, ran(RECENT, failed("another"), pipeline="profit_unit", period="2026-10"))
        code, told = call("deliver", "--seconds", "1")
    assert (code, len(server.requests)) == (0, 2), told
    remark = "runbooks/roster.yml has "
    assert f"dq: {remark}" in told
    code, told = call("status")
    assert (code, told.count(remark)) == (0, 2), "on stdout and on stderr"
    assert "serves; dq lint lists what is to be fixed" in told
    assert main(["lint"]) == 1


def test_a_run_is_prepared_with_the_roster_of_before(
    warehouse: Warehouse, own_project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    last_roster.keep(warehouse, own_project.parents[1], registry.load(own_project.parents[1]))
    own_project.unlink()
    project = load_project(Namespace(warehouse=warehouse.root, sources=None))
    assert project.roster.on_call(NOW).person.name
    assert "dq: runbooks/roster.yml has 1 mistake" in capsys.readouterr().err
    with pytest.raises(ConfigError):
        load_project(Namespace(warehouse=own_project.parent, sources=None))


def test_a_roster_whose_watch_names_no_pipeline_never_replaces_the_one_of_before(
    call: Call, warehouse: Warehouse, with_target: Any, own_project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root, good = own_project.parents[1], own_project.read_text()
    last_roster.keep(warehouse, root, registry.load(root))
    own_project.write_text(good.replace("pipelines: [profit_unit]", "pipelines: [profit_unti]"))
    for _ in range(2):  # as a run does
        project = load_project(Namespace(warehouse=warehouse.root, sources=None))
        last_roster.keep(warehouse, root, project.registry)
        assert "runbooks/roster.yml has 2 mistakes" in capsys.readouterr().err
    red(warehouse)
    with serving(answer("200 OK")) as server:
        with_target(server.origin)
        for _ in range(2):
            code, told = call("deliver", "--seconds", "1")
            assert (code, "dq: runbooks/roster.yml has 2 mistakes" in told) == (0, True), told
    assert len(server.requests) == 1
    assert warehouse.records.all(last_roster.KIND)[last_roster.NAME]["text"] == good


def test_without_one_of_before_a_roster_with_a_wrong_watch_still_tells(
    call: Call, warehouse: Warehouse, with_target: Any, own_project: Path
) -> None:
    wrong = own_project.read_text().replace("pipelines: [profit_unit]", "pipelines: [profit_unit, gone]")
    own_project.write_text(wrong)
    red(warehouse)
    with serving(answer("200 OK")) as server:
        with_target(server.origin)
        assert call("deliver", "--seconds", "1")[0] == 0
    assert len(server.requests) == 1
    assert not warehouse.records.list(last_roster.KIND)


# -- dq deliver --------------------------------------------------------------------------------------------------------

NOW = datetime.now(UTC)
RECENT = f"{NOW - timedelta(hours=1):%Y-%m-%d %H:%M}"


def red(warehouse: Warehouse) -> RunRecord:
    """A critical failure of profit_unit an hour ago: told at once, whatever day it is."""
    run = ran(RECENT, failed(dataset="profit_unit"), pipeline="profit_unit", period="2026-10")
    incidents.note(warehouse, run)
    return run


def test_deliver_without_targets_has_nothing_to_send(call: Call, warehouse: Warehouse) -> None:
    red(warehouse)
    assert call("deliver") == (0, "no targets in the settings (notify.targets), nothing to send\n")


def test_deliver_sends_what_is_due_once(call: Call, warehouse: Warehouse, with_target: Any) -> None:
    red(warehouse)
    with serving(answer("200 OK")) as server:
        with_target(server.origin)
        assert call("deliver") == (0, "1 sent, 0 wait for their time, 0 undelivered\n")
        assert call("deliver") == (0, "0 sent, 0 wait for their time, 0 undelivered\n")
    assert len(server.requests) == 1
    _, told = call("status")
    assert "  told      team-hook " in told


def test_alertmanager_is_given_again_what_still_fires_at_its_own_interval_and_nobody_else_is(
    call: Call, warehouse: Warehouse, with_target: Any, tmp_path: Path
) -> None:
    """It keeps nothing when it is started anew, so that what was told once would be lost."""
    run = red(warehouse)
    with serving(answer("200 OK"), answer("200 OK")) as server:
        with_target(server.origin)
        file = tmp_path / "settings.yml"
        alerts = f'alerts: {{kind: alertmanager, url: "{server.origin}", repeat_minutes: 4}}, team-hook'
        file.write_text(file.read_text().replace("team-hook", alerts, 1).replace("[team-hook]", "[team-hook, alerts]"))
        assert call("deliver") == (0, "2 sent, 0 wait for their time, 0 undelivered\n")
    people, post, now = house_of(ROOT, *declared(), settings.load(ROOT)), Post(), datetime.now(UTC)

    def after(minutes: int) -> tuple[int, list[str]]:
        told, known = notify_delivery.Told(), seen(warehouse, now + timedelta(minutes=minutes))
        notify_delivery.give_again(warehouse, known, people, told, post)
        return told.again, told.undelivered

    assert [after(minutes) for minutes in (2, 5, 7, 10)] == [(0, []), (1, []), (0, []), (1, [])]
    assert contacts_of([message for _, message in post.taken]) == ["alerts", "alerts"]
    (alert,) = alertmanager.alerts(post.taken[-1][1])
    first = next(json.loads(one.partition(b"\r\n\r\n")[2]) for one in server.requests if b"/api/v2/alerts" in one)
    assert alert["labels"] == first[0]["labels"]
    assert alert["endsAt"] > first[0]["endsAt"]
    post.answers = [Sent(outcome=Became.FAILED, reason="the target answered 503")]
    assert after(15) == (0, ["alerts: the target answered 503"])
    assert after(16) == (1, [])
    incidents.note(warehouse, replace(run, results=[result(BROKEN)], started=now, run=f"{run.run[:-6]}ffffff"))
    assert after(30) == (0, [])


def test_what_stays_undelivered_is_exit_4_and_is_sent_when_the_target_is_back(
    call: Call, warehouse: Warehouse, with_target: Any
) -> None:
    red(warehouse)
    with serving(answer("503 Unavailable"), answer("200 OK")) as server:
        with_target(server.origin)
        code, told = call("deliver", "--seconds", "1")
        if code == 4:  # the back-off was longer than the second it had
            assert "not delivered to team-hook: the target answered 503" in told
            assert "not told  team-hook: the target answered 503" in call("status")[1]
            code, told = call("deliver", "--seconds", "5")
        assert (code, told) == (0, "1 sent, 0 wait for their time, 0 undelivered\n")
    assert len(server.requests) == 2


def test_a_dry_run_says_what_would_go_to_whom_and_sends_nothing(
    call: Call, warehouse: Warehouse, with_target: Any
) -> None:
    red(warehouse)
    with serving(answer("200 OK")) as server:
        with_target(server.origin)
        code, told = call("deliver", "--dry-run")
    assert (code, server.requests) == (0, [])
    assert f"team-hook (webhook)  now  CRITICAL  profit_unit 2026-10: {BROKEN} failed\n" in told
    assert Outbox(warehouse).entries() == []


def test_a_refusal_is_tried_again_when_asked_to(call: Call, warehouse: Warehouse, with_target: Any) -> None:
    red(warehouse)
    with serving(answer("403 Forbidden"), answer("200 OK")) as server:
        with_target(server.origin)
        assert call("deliver")[0] == 4
        assert call("deliver")[0] == 4
        assert len(server.requests) == 1
        assert call("deliver", "--again")[0] == 0


def test_a_missing_secret_is_told_by_its_name(
    call: Call, warehouse: Warehouse, with_target: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    red(warehouse)
    with_target("http://127.0.0.1:9")
    monkeypatch.delenv("DQ_SECRET_TEAM_HOOK")
    code, told = call("deliver", "--seconds", "1")
    assert (code, "there is no secret team-hook; set DQ_SECRET_TEAM_HOOK" in told) == (4, True)


@pytest.mark.parametrize(("value", "said"), [(None, "there is no secret team-hook"), ("a\nb", "not one line")])
def test_a_dry_run_finds_a_secret_that_is_missing_or_none_before_anything_is_due(
    call: Call, warehouse: Warehouse, with_target: Any, monkeypatch: pytest.MonkeyPatch, value: str | None, said: str
) -> None:
    with_target("http://127.0.0.1:9")
    monkeypatch.delenv("DQ_SECRET_TEAM_HOOK")
    if value is not None:
        monkeypatch.setenv("DQ_SECRET_TEAM_HOOK", value)
    code, told = call("deliver", "--dry-run")
    assert (code, "0 messages" in told) == (4, True)
    assert "team-hook (webhook) could not be sent to" in told
    assert said in told
    assert "a\nb" not in told


def test_deliver_needs_time_to_send(call: Call) -> None:
    assert call("deliver", "--seconds", "0")[0] == 2


# -- after a run -------------------------------------------------------------------------------------------------------


def deliver_and_tell(warehouse: Warehouse, record: RunRecord, telling: Telling = Telling.AT_ONCE) -> list[str]:
    """What a run does after its verdict, in its order."""
    task = guarded(warehouse, record).task
    told = after_verdict.deliver(task, record, None)
    return [*told.problems, *alerting.tell(task.project, task.warehouse, told.record, telling)]


def test_messages_are_sent_before_the_card_is_printed(
    warehouse: Warehouse, with_target: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    """A reader who has stopped reading, or a full disk behind the redirection, keeps nobody from being told."""
    record = ran(RECENT, failed(), pipeline="profit_unit", period="2026-10")
    printed: list[str] = []

    def look(connection: socket.socket, request: bytes) -> None:
        printed.append(capsys.readouterr().out)
        answer("200 OK")(connection, request)

    with serving(look) as server:
        with_target(server.origin)
        run = job.PipelineRun(record.pipeline, [])
        run._run = guarded(warehouse, record)
        run._finish(None)
    assert printed == [""]
    after = capsys.readouterr().out
    assert after.startswith("HOLD  profit_unit 2026-10")
    assert f"dq show {record.run}" in after


@pytest.mark.parametrize(
    ("record", "status", "code"),
    [
        (ran(RECENT, failed(), pipeline="profit_unit", period="2026-10"), "200 OK", 1),
        (ran(RECENT, failed(), pipeline="profit_unit", period="2026-10"), "503 Unavailable", 1),
        (published(results=[failed()]), "200 OK", 0),
        (published(results=[failed()]), "503 Unavailable", 4),
    ],
    ids=["held and told", "held and not told", "published and told", "published and not told"],
)
def test_an_unreachable_target_changes_no_verdict(
    warehouse: Warehouse, with_target: Any, record: RunRecord, status: str, code: int, capsys: Any
) -> None:
    with serving(answer(status)) as server:
        with_target(server.origin)
        run = job.PipelineRun(record.pipeline, [])
        run._run = guarded(warehouse, record)
        run._finish(None)
    kept = run_records.find(warehouse, record.run)
    assert kept is not None
    assert (run.exit_code, kept.verdict) == (code, record.verdict)
    told = capsys.readouterr().err
    said = "dq: 1 message is not delivered: team-hook: the target answered 503; kept, the next run or dq deliver tries"
    assert (said in told) is (status != "200 OK")
    assert "canary" not in told


def test_a_backfill_tells_of_all_its_months_once_at_the_end(
    call: Call, warehouse: Warehouse, with_target: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def run_job(pipeline: str, given: job.Asked) -> int:
        record = ran(RECENT, failed(), pipeline=pipeline, period=given.period)
        run = job.PipelineRun(pipeline, given)
        run._run = guarded(warehouse, record)
        run._finish(None)
        asked.append(len(server.requests))
        return run.exit_code

    monkeypatch.setattr(batch, "run_job", run_job)
    warehouse.prepare()
    with serving(answer("200 OK")) as server:
        with_target(server.origin)
        file = tmp_path / "settings.yml"
        file.write_text(file.read_text().replace("kind: webhook", "kind: slack"))
        code, told = call("backfill", "profit_unit", "--from", "2026-06", "--to", "2026-09", "--no-downstream")
    assert (code, asked) == (1, [0, 0, 0, 0]), told
    assert len(server.requests) == 1
    body = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    assert body["text"] == f"CRITICAL  profit_unit 2026-06..2026-09: {BROKEN} failed"


def test_the_next_run_delivers_what_the_last_could_not(warehouse: Warehouse, with_target: Any) -> None:
    record = ran(RECENT, failed(), pipeline="profit_unit", period="2026-10")
    with_target("http://127.0.0.1:9")
    problems = deliver_and_tell(warehouse, record)
    assert len(problems) == 1
    with serving(answer("200 OK")) as server:
        with_target(server.origin)
        deadline = datetime.now(UTC) + timedelta(seconds=10)
        while problems and datetime.now(UTC) < deadline:
            problems = deliver_and_tell(warehouse, record)
    assert (problems, len(server.requests)) == ([], 1)


def test_without_targets_a_run_notes_its_incidents_and_says_nothing(warehouse: Warehouse) -> None:
    record = ran(RECENT, failed())
    problems = deliver_and_tell(warehouse, record)
    assert problems == []
    assert len(incidents.everything(warehouse)) == 1
    assert Outbox(warehouse).entries() == []


def test_what_breaks_while_telling_is_a_sentence_and_no_verdict(
    warehouse: Warehouse, with_target: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_target("http://127.0.0.1:9")
    monkeypatch.setattr(alerting, "bring_up_to_date", lambda *_, **__: 1 / 0)
    record = ran(RECENT, failed())
    problems = deliver_and_tell(warehouse, record)
    assert len(problems) == 1
    assert problems[0].startswith("nobody was told: ")


# -- reports (F21) -----------------------------------------------------------------------------------------------------

PERIOD = "2026-10-26"  # a fortnight that ended on Sunday 8 November; ready by Tuesday the 10th, 09:00


@pytest.fixture
def report(tmp_path: Path) -> Report:
    import hashlib

    page = tmp_path / "report.html"
    page.write_text("<b>page</b>")
    page.with_suffix(".md").write_text("page")
    return Report(
        pipeline="executive_report",
        period=PERIOD,
        version=3,
        title=f"Executive report {PERIOD}",
        summary="final",
        file=str(page),
        sha256=hashlib.sha256(page.read_bytes()).hexdigest(),
        text_file=str(page.with_suffix(".md")),
        link="https://docs.example.com/page.html",
    )


REPORTS = "  reports: {executive_report: [team-hook]}\n"


def hand_over(warehouse: Warehouse, report: Report) -> int:
    notify = settings.load(ROOT).notify
    return report_messages.put(warehouse, notify, report, notify.reports["executive_report"], datetime.now(UTC))


def delivered(warehouse: Warehouse, version: int = 3) -> list[Any]:
    return [dict(one) for one in report_messages.recipients_of(warehouse, "executive_report", PERIOD, version)]


def test_a_report_goes_to_its_recipients_once_and_that_is_recorded(
    call: Call, warehouse: Warehouse, with_target: Any, report: Report
) -> None:
    with serving(answer("200 OK")) as server:
        with_target(server.origin, REPORTS)
        assert hand_over(warehouse, report) == 1
        assert call("deliver")[0] == 0
        assert hand_over(warehouse, report) == 1
        assert call("deliver")[0] == 0
    assert len(server.requests) == 1
    (one,) = delivered(warehouse)
    assert (one["recipient"], one["sha256"], "undelivered" in one) == ("team-hook", report.sha256, False)
    assert datetime.fromisoformat(one["sent"]).tzinfo


def test_a_report_that_another_sender_is_at_is_not_late(
    call: Call, warehouse: Warehouse, with_target: Any, report: Report
) -> None:
    with_target("http://127.0.0.1:9", REPORTS)
    hand_over(warehouse, report)
    box = Outbox(warehouse)
    (entry,) = box.entries()
    assert box.begin(entry, datetime.now(UTC)) is not None
    assert call("deliver", "--seconds", "1") == (0, "0 sent, 1 wait for their time, 0 undelivered\n")
    assert incidents.everything(warehouse) == {}


def test_a_report_that_does_not_arrive_opens_an_incident_that_its_arrival_resolves(
    call: Call, warehouse: Warehouse, with_target: Any, report: Report
) -> None:
    # How many requests there are depends on the hour: the incident itself is told when somebody watches.
    mended = threading.Event()

    def answers(connection: socket.socket, request: bytes) -> None:
        answer("200 OK" if mended.is_set() else "403 Forbidden")(connection, request)

    with serving(answers) as server:
        with_target(server.origin, REPORTS)
        hand_over(warehouse, report)
        assert call("deliver", "--seconds", "1")[0] == 4
        (one,) = incidents.everything(warehouse).values()
        assert (one.key, one.open) == (f"executive_report/executive_report.report.delivered/{PERIOD}", True)
        assert one.failure.runbook == "runbooks/executive_report/the-report-is-not-with-its-readers.md"
        assert delivered(warehouse)[0]["undelivered"] == "team-hook: the target refused it (403)"
        mended.set()
        call("deliver", "--again")
    (one,) = incidents.everything(warehouse).values()
    assert not one.open
    assert "sent" in delivered(warehouse)[0]


def test_a_published_document_is_handed_over_as_it_lies_there_and_shown_with_its_recipients(
    call: Call, warehouse: Warehouse, with_target: Any, tmp_path: Path
) -> None:
    record = published(pipeline="executive_report", period=PERIOD, version=3)
    page = tmp_path / "docs" / "page.html"
    page.parent.mkdir()
    page.write_text("<b>page</b>")
    warehouse.records.put(
        report_messages.KIND,
        report_messages.name_of("executive_report", PERIOD, 3),
        {"document": str(page), "delivered": "2026-11-10", "sha256": "ab" * 32},
    )
    with serving(answer("200 OK")) as server:
        with_target(server.origin, REPORTS)
        task = guarded(warehouse, record).task
        task.bound.pipeline.document = "Executive report"
        report_delivery.hand_over(task, record, page)
        assert call("deliver")[0] == 0
    (entry,) = Outbox(warehouse).entries()
    assert entry.message.report is not None
    assert (entry.message.report.title, entry.message.report.file) == (f"Executive report {PERIOD}", str(page))
    told = report_delivery.told(warehouse, record)
    assert told[0].startswith(f"report    {page}, delivered 2026-11-10")
    assert told[1].startswith("          to team-hook, sent 20")


def test_a_newer_version_takes_the_place_of_one_that_was_not_sent(
    call: Call, warehouse: Warehouse, with_target: Any, report: Report
) -> None:
    with serving(answer("200 OK")) as server:
        with_target(server.origin, REPORTS)
        hand_over(warehouse, report)
        hand_over(warehouse, replace(report, version=4))
        assert call("deliver")[1].startswith("1 sent")
    assert (len(server.requests), delivered(warehouse), len(delivered(warehouse, 4))) == (1, [], 1)


def test_a_report_that_was_never_made_is_late_once_its_level_is_missed(warehouse: Warehouse) -> None:
    incidents.note(warehouse, ran("2026-11-03 06:00", result("x"), pipeline="executive_report", period="2026-10-12"))
    run_records.save(warehouse, ran("2026-11-03 06:00", result("x"), pipeline="executive_report", period="2026-10-12"))
    warehouse.records.put(report_messages.KIND, "executive_report-2026-10-12-v1", {"delivered": "2026-11-03"})

    def late(when: str) -> dict[tuple[str, str], report_messages.Late]:
        return missing_reports.late_reports(seen(warehouse, when), house())

    assert late("2026-11-10 13:59") == {}
    due = report_messages.Late(since=at("2026-11-10 14:00"), said="it was due Tue 10 Nov 09:00")
    assert late("2026-11-10 14:00") == {("executive_report", PERIOD): due}
    (changed,) = missing_reports.observations(seen(warehouse, "2026-11-10 14:30"), house())
    incidents.keep(warehouse, changed)
    assert missing_reports.observations(seen(warehouse, "2026-11-10 15:00"), house()) == [], "told once"
    (one,) = (one for one in incidents.everything(warehouse).values() if one.open)
    assert (one.since, one.failure.failure_class) == (at("2026-11-10 14:00"), "F21")
    warehouse.records.put(report_messages.KIND, f"executive_report-{PERIOD}-v2", {"delivered": "2026-11-10"})
    assert late("2026-11-10 16:00") == {}
    warehouse.records.put(report_messages.KIND, f"executive_report-{PERIOD}-v2", {"problem": "no room"})
    assert late("2026-11-10 16:00") != {}


@pytest.mark.parametrize(
    ("level", "before", "from_then", "said"),
    [
        ({"kind": "hours_after", "hours": 24}, "2026-11-09 23:59", "2026-11-10 00:00", "Mon 9 Nov 19:00"),
        (
            {"kind": "fortnight", "weekday": "thursday", "at": "17:00", "on_holiday": "same"},
            "2026-11-12 21:59",
            "2026-11-12 22:00",
            "Thu 12 Nov 17:00",
        ),
        (
            {"kind": "weekday", "weekday": "friday", "at": "17:00", "on_holiday": "previous"},
            "2026-11-13 21:59",
            "2026-11-13 22:00",
            "Fri 13 Nov 17:00",
        ),
        (
            {"kind": "day_of_month", "day": 25, "on_holiday": "same"},
            "2026-11-26 04:59",
            "2026-11-26 05:00",
            "Wed 25 Nov",
        ),
        ({"kind": "hours_after", "hours": 24, "met_by": "green"}, "2026-11-20 00:00", "", ""),
        ({"kind": "within", "hours": 1}, "2026-11-20 00:00", "", ""),
    ],
)
def test_a_report_is_late_by_any_level_that_wants_it_published(
    warehouse: Warehouse, level: dict[str, Any], before: str, from_then: str, said: str
) -> None:
    run_records.save(warehouse, ran("2026-11-09 06:00", result("x"), pipeline="executive_report", period=PERIOD))
    usual, read = house(), TypeAdapter(Level).validate_python({"id": "made", "label": "made by", **level})
    page = usual.page("executive_report")
    assert page is not None
    other = replace(page, front=page.front.model_copy(update={"levels": [read]}))
    people = replace(usual, page=lambda _: other)

    def late(when: str) -> report_messages.Late | None:
        return missing_reports.late_reports(seen(warehouse, when), people).get(("executive_report", PERIOD))

    assert late(before) is None
    if from_then:
        assert late(from_then) == report_messages.Late(since=at(from_then), said=f"it was due {said}")


def with_level(pipeline: str, level: dict[str, Any], grain: Grain) -> tuple[Any, Any]:
    """The people and the registry in which a pipeline's document has one level and periods of a grain."""
    known, usual = declared()[0], house()
    page = usual.page(pipeline)
    assert page is not None
    read = TypeAdapter(Level).validate_python({"id": "made", "label": "made by", **level})
    other = replace(page, front=page.front.model_copy(update={"levels": [read]}))
    item = known.pipelines[pipeline].model_copy(update={"grain": grain, "document": "Report"})
    return replace(usual, page=lambda _: other), replace(known, pipelines={pipeline: item})


def test_the_report_of_a_day_is_late_by_the_hour_it_had_to_be_ready(warehouse: Warehouse) -> None:
    people, known = with_level("executive_report", {"kind": "ready_by", "at": "03:00"}, Grain.DAY)
    run_records.save(warehouse, ran("2026-11-09 02:00", result("x"), pipeline="executive_report", period="2026-11-08"))
    for day in ("08", "10"):
        warehouse.records.put(report_messages.KIND, f"executive_report-2026-11-{day}-v1", {"delivered": "2026-11-11"})

    def late(when: str) -> list[str]:
        return [period for _, period in missing_reports.late_reports(seen(warehouse, when, known), people)]

    assert late("2026-11-10 02:59") == []
    assert late("2026-11-10 03:00") == ["2026-11-09"]
    assert late("2026-11-12 03:00") == ["2026-11-09", "2026-11-11"]


def test_a_fortnight_is_not_late_by_a_date_of_the_month_before_it_is_over(warehouse: Warehouse) -> None:
    by_25th = {"kind": "day_of_month", "day": 25, "on_holiday": "same"}
    people, known = with_level("executive_report", by_25th, Grain.FORTNIGHT)
    run_records.save(warehouse, ran("2027-01-18 06:00", result("x"), pipeline="executive_report", period="2027-01-04"))
    # That of 18 January ends on the 31st, after the 25th: it can be there by no 25th.
    found = missing_reports.late_reports(seen(warehouse, "2027-02-03 12:00", known), people)
    assert [period for _, period in found] == ["2027-01-04"]


def test_status_and_a_dry_run_show_a_report_that_was_never_made_since_it_was_due(
    call: Call, warehouse: Warehouse, with_target: Any
) -> None:
    incidents.note(warehouse, ran("2026-11-03 06:00", result("x"), pipeline="executive_report", period="2026-10-12"))
    run_records.save(warehouse, ran("2026-11-03 06:00", result("x"), pipeline="executive_report", period="2026-10-12"))
    warehouse.records.put(report_messages.KIND, "executive_report-2026-10-12-v1", {"delivered": "2026-11-03"})
    kept = warehouse.records.list(incidents.KIND)
    with serving() as server:
        with_target(server.origin)
        _, told = call("status", "--at", "2026-11-10T18:00:00Z")
        known = seen(warehouse, "2026-11-10 18:00")
        found = missing_reports.observations(known, house())
        _, planned = notify_delivery.would_send(known.observed(found), house())
    assert f"CRITICAL  executive_report {PERIOD}  executive_report.report.delivered\n" in told
    assert "  since     Tue 10 Nov 09:00, seen by 1 run\n" in told
    assert "  found     the report is not with its readers: it was due Tue 10 Nov 09:00\n" in told
    assert warehouse.records.list(incidents.KIND) == kept, "nothing is written by looking"
    assert {(one.pipeline, one.period) for one in planned} == {("executive_report", PERIOD)}


def test_nobody_waits_for_reports_from_before_the_first_run(warehouse: Warehouse) -> None:
    assert missing_reports.late_reports(seen(warehouse, "2026-11-10 14:00"), house()) == {}


# -- the close ---------------------------------------------------------------------------------------------------------


def project_of(warehouse: Warehouse) -> Any:
    return guarded(warehouse, published()).task.project


def test_a_rehearsal_tells_nobody_and_notes_nothing(warehouse: Warehouse, with_target: Any) -> None:
    record = ran(RECENT, failed(), pipeline="profit_unit", period="2026-10")
    with serving(answer("200 OK")) as server:
        with_target(server.origin)
        assert deliver_and_tell(warehouse, record, Telling.NOBODY) == []
        assert (server.requests, incidents.everything(warehouse)) == ([], {})
        assert alerting.tell_of(project_of(warehouse), warehouse, [record]) == []
    assert len(server.requests) == 1, "after it, what was found is told once"


def close_page(folder: Path, *lines: str) -> alerting.ClosePage:
    title = "Pre-validation: not ready"
    return alerting.ClosePage(site=folder / "docs", name="2026-11-a", title=title, summary="not ready", lines=lines)


def hand_over_close(project: Any, warehouse: Warehouse, page: alerting.ClosePage) -> None:
    people = house_of(project.root, project.registry, project.roster, project.settings)
    alerting.hand_over_close(warehouse, people, project.registry, "2026-11", at("2026-11-25 17:00"), page)


def test_the_answer_of_a_prevalidation_goes_to_its_readers(
    warehouse: Warehouse, with_target: Any, tmp_path: Path
) -> None:
    page = close_page(tmp_path, "NOT READY  <b>", "", "  red  x")
    with serving(answer("200 OK")) as server:
        with_target(server.origin, "  reports: {close: [team-hook]}")
        project = project_of(warehouse)
        hand_over_close(project, warehouse, page)
        assert alerting.tell_of(project, warehouse, []) == []
    body = json.loads(server.requests[0].partition(b"\r\n\r\n")[2])
    assert body["alerts"][0]["annotations"]["summary"] == "Pre-validation: not ready"
    html = (tmp_path / "docs" / "reports" / "close" / "2026-11-a.html").read_text()
    assert "NOT READY  &lt;b&gt;\n\n  red  x" in html
    (entry,) = Outbox(warehouse).entries()
    assert entry.message.report is not None
    assert entry.message.report.pipeline == "executive_report"


def test_without_readers_no_page_is_written(warehouse: Warehouse, with_target: Any, tmp_path: Path) -> None:
    with_target("http://127.0.0.1:9")
    hand_over_close(project_of(warehouse), warehouse, close_page(tmp_path))
    assert not (tmp_path / "docs").exists()
