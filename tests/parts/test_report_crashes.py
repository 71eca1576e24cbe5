"""A report survives a crash at any step of making it: it is sent, or somebody is told that it is not there."""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from close_support import NOW as CLOSED
from close_support import close
from close_support import publish as publish_month
from crash_support import Crash, Dies
from document_support import row
from notify_support import Post, at, declared, house, seen
from prevalidation_support import answer
from run_records import published
from store_support import quick_disk

from dq.base.errors import StoreError
from dq.base.model import Kind, RunRecord, Verdict
from dq.cli import close as closes
from dq.cli import prevalidate
from dq.month.known_facts import prevalidations
from dq.run import alerting, closing, missing_reports, report_delivery
from dq.store import PeriodInfo, Warehouse
from dq.store.filesystem import PosixFilesystem
from dq.tell import delivery, incidents, report_messages
from dq.tell.outbox import HANDOVERS, Outbox

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")

PERIOD, MONTH = "2026-10-26", "2026-10"
READERS = ["anna-pager", "danny-pager"]
REGISTRY, _ = declared()
WHEN = pytest.mark.parametrize("before", [True, False], ids=["before the write", "after the write"])
LATE = f"executive_report/executive_report.report.delivered/{PERIOD}"


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    taken = Post()
    monkeypatch.setattr(delivery, "sender", lambda _: taken)
    return taken


@cache
def people() -> Any:
    targets = {name: {"kind": "webhook"} for name in READERS}
    return house(targets=targets, reports={"executive_report": READERS, "close": READERS})


def sent(post: Post) -> list[tuple[str, int]]:
    """Who got which version, in the order of the names; the alarms left out."""
    return sorted((one.contact, one.report.version) for _, one in post.taken if one.report is not None)


def deliver(warehouse: Warehouse) -> None:
    """What dq deliver and the next run do."""
    alerting.bring_up_to_date(warehouse, people(), REGISTRY, seconds=1)


def dies(root: Path, step: int, *, before: bool, monkeypatch: pytest.MonkeyPatch, module: Any) -> Warehouse:
    """A warehouse whose process dies at its Nth write, those of pages counted."""
    disk = Dies(root, step, before=before)
    dying = Warehouse(root, filesystem=disk)
    dying._proved = True
    write = module.write_atomically
    monkeypatch.setattr(module, "write_atomically", lambda *page: disk._writes(lambda: write(*page)))
    return dying


# -- the document of a pipeline ----------------------------------------------------------------------------------------


def publish(warehouse: Warehouse, run: str, when: datetime) -> int:
    """Publish a fortnight's rows; its version."""
    table = warehouse.table("executive_report")
    rows = [row("revenue", "100.00")]
    part = Path(table.staging(run)) / f"period={PERIOD}" / "part-00000-a1b2.snappy.parquet"
    part.parent.mkdir(parents=True)
    pq.write_table(pa.Table.from_pylist(rows, pa.schema([(name, pa.string()) for name in rows[0]])), part)
    (part.parents[1] / "_SUCCESS").touch()
    fields = [{"name": name, "type": "string", "nullable": True, "metadata": {}} for name in rows[0]]
    schema = json.dumps({"type": "struct", "fields": fields})
    manifest = table.seal(run, schema_json=schema, fingerprint=run, audit={"verdict": "publish"})
    info = PeriodInfo(kind=Kind.FINAL, data_through=date(2026, 11, 8), verdict=Verdict.PUBLISH, as_of=when)
    entry = table.entry(PERIOD)
    before = {PERIOD: entry.version if entry else None}
    return table.commit(manifest, periods={PERIOD: info}, expected=before, now=when).version


def told_of(warehouse: Warehouse, version: int, when: datetime) -> tuple[Any, RunRecord]:
    """A run as far as its document looks at it, and its record."""
    record = published(
        pipeline="executive_report", period=PERIOD, version=version, as_of=when, data_through=date(2026, 11, 8)
    )
    known = people()
    settings = SimpleNamespace(notify=known.notify, docs_address="https://docs.example.com")
    pipeline = SimpleNamespace(document="Executive report", grain=REGISTRY.pipelines["executive_report"].grain)
    project = SimpleNamespace(settings=settings, roster=known.roster)
    return SimpleNamespace(warehouse=warehouse, project=project, bound=SimpleNamespace(pipeline=pipeline)), record


@WHEN
def test_a_crash_at_any_step_of_a_document_loses_no_reader_and_is_told_where_the_run_must_be_made_again(
    tmp_path: Path, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sweep: readers have version 1; the process that publishes version 2 dies at its first write, its second, ..."""
    outcomes = set()
    for step in range(1, 30):
        post, now = Post(), datetime.now(UTC)
        root, site = tmp_path / f"{step}", tmp_path / f"docs{step}"
        warehouse = Warehouse(root)
        monkeypatch.setattr(delivery, "sender", lambda _, post=post: post)
        first = publish(warehouse, "r1", now - timedelta(hours=9))
        report_delivery.publish(*told_of(warehouse, first, now - timedelta(hours=9)), site)
        deliver(warehouse)
        assert sent(post) == [(name, first) for name in READERS]
        post.taken.clear()
        second = publish(warehouse, "r2", now - timedelta(hours=1))
        died = False
        with monkeypatch.context() as patched:
            dying = dies(root, step, before=before, monkeypatch=patched, module=report_delivery)
            try:
                report_delivery.publish(*told_of(dying, second, now - timedelta(hours=1)), site)
            except Crash:
                died = True
        deliver(warehouse)
        arrived = sent(post) == [(name, second) for name in READERS]
        red = [key for key, one in incidents.everything(warehouse).items() if one.open]
        assert arrived or red == [LATE], f"step {step}: neither is it sent nor is anybody told"
        outcomes.add((arrived, bool(red)))
        report_delivery.publish(*told_of(warehouse, second, now), site)  # the same figures, run again later
        deliver(warehouse)
        assert sent(post) == [(name, second) for name in READERS], f"step {step}: each reader gets it once"
        assert not any(one.open for one in incidents.everything(warehouse).values()), f"step {step}"
        assert warehouse.records.list(HANDOVERS) == []
        for _, message in post.taken:
            if message.report is not None:
                page = site / report_delivery.path(told_of(warehouse, second, now)[1])
                assert message.report.file == str(page)
        if not died:
            assert step > 6
            assert {(True, False), (False, True)} <= outcomes
            return
    pytest.fail("the sweep did not end")


def test_a_document_drawn_again_is_the_one_that_was_handed_over(tmp_path: Path, post: Post) -> None:
    warehouse, now = Warehouse(tmp_path / "w"), datetime.now(UTC)
    version = publish(warehouse, "r1", now - timedelta(hours=2))
    run, record = told_of(warehouse, version, now - timedelta(hours=2))
    page = report_delivery.publish(run, record, tmp_path / "docs")
    drawn = page.read_bytes()
    report_delivery.publish(run, replace(record, as_of=now), tmp_path / "docs")
    assert page.read_bytes() == drawn
    assert f"as of {now - timedelta(hours=2):%Y-%m-%d %H:%M} UTC" in drawn.decode()
    deliver(warehouse)
    assert len(post.taken) == 2


def test_a_version_whose_report_is_being_made_is_not_late_yet(tmp_path: Path) -> None:
    warehouse, now = Warehouse(tmp_path / "w"), datetime.now(UTC)
    first = publish(warehouse, "r1", now - timedelta(hours=9))
    report_delivery.publish(*told_of(warehouse, first, now), tmp_path / "docs")
    publish(warehouse, "r2", now - timedelta(minutes=29))

    def late(when: datetime) -> list[str]:
        found = missing_reports.late_reports(seen(warehouse, when), people())
        return [one.said for (pipeline, _), one in found.items() if pipeline == "executive_report"]

    assert late(now) == []
    (said,) = late(now + timedelta(minutes=2))
    assert said.startswith("that of version 2, published ")
    assert said.endswith(", was never made (dq run executive_report)")
    warehouse.table("executive_report").withdraw(PERIOD, by="Anna", reason="booked twice", now=now)
    assert late(now + timedelta(minutes=2)) == [], "readers have the report of what they see again"


# -- the report of a close, the answer of a pre-validation -------------------------------------------------------------


@WHEN
def test_a_crash_at_any_step_of_a_close_is_made_good_or_late(
    tmp_path: Path, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = Warehouse(tmp_path / "closed")
    publish_month(closed)
    found = close(closed)
    for step in range(1, 30):
        post, root = Post(), tmp_path / f"{step}"
        root.mkdir()
        warehouse = Warehouse(root)
        monkeypatch.setattr(delivery, "sender", lambda _, post=post: post)
        publish_month(warehouse)
        words = argparse.Namespace(docs=tmp_path / f"docs{step}", warehouse=root)
        died = False
        with monkeypatch.context() as patched:
            dying = dies(root, step, before=before, monkeypatch=patched, module=alerting)
            patched.setattr(alerting, "bring_up_to_date", lambda *_, **__: delivery.Told())
            try:
                assert closes._sent(dying, people(), REGISTRY, found, words) == []
            except Crash:
                died = True
        deliver(warehouse)
        arrived = [name for name, _ in sent(post)] == READERS
        late = missing_reports.late_reports(seen(warehouse, at(CLOSED) + timedelta(hours=1)), people())
        assert arrived or ("executive_report", MONTH) in late, f"step {step}"
        assert arrived or not warehouse.records.list(closing.KIND), f"step {step}: kept is with its readers"
        if not died:
            assert step > 5
            assert arrived
            assert ("executive_report", MONTH) not in late
            return
    pytest.fail("the sweep did not end")


@WHEN
def test_an_answer_is_only_kept_where_it_is_on_its_way_to_its_readers(
    tmp_path: Path, before: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = 0
    for step in range(1, 30):
        post, root = Post(), tmp_path / f"{step}"
        root.mkdir()
        warehouse = Warehouse(root)
        monkeypatch.setattr(delivery, "sender", lambda _, post=post: post)
        died = False
        with monkeypatch.context() as patched:
            dying = dies(root, step, before=before, monkeypatch=patched, module=alerting)
            project: Any = SimpleNamespace(registry=REGISTRY)
            try:
                site = tmp_path / f"docs{step}"
                assert prevalidate._kept(dying, people(), project, answer(25), ["READY"], site) == []
            except Crash:
                died = True
        deliver(warehouse)
        if prevalidations(warehouse):
            kept += 1
            assert [name for name, _ in sent(post)] == READERS, f"step {step}"
        if not died:
            assert kept
            assert step > 5
            return
    pytest.fail("the sweep did not end")


def test_what_cannot_be_handed_over_is_not_kept_as_if_it_were(tmp_path: Path) -> None:
    class Full(PosixFilesystem):
        def replace(self, key: str, content: bytes) -> None:
            if HANDOVERS in key:
                raise StoreError("no space left")
            super().replace(key, content)

    warehouse = Warehouse(tmp_path, filesystem=Full(tmp_path))
    publish_month(warehouse)
    words = argparse.Namespace(docs=tmp_path / "docs", warehouse=tmp_path)
    (said,) = closes._sent(warehouse, people(), REGISTRY, close(warehouse), words)
    assert said == "the report was neither sent nor kept: no space left"
    assert Warehouse(tmp_path).records.list(closing.KIND) == []
    assert Outbox(Warehouse(tmp_path)).entries() == []


def test_what_is_half_handed_over_is_shown_before_anything_mends_it(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    report = report_messages.Report(
        pipeline="executive_report", period=PERIOD, version=3, title="t", summary="s", file="f", sha256="", text_file=""
    )
    now = datetime.now(UTC)
    report_messages.put(warehouse, people().notify, report, READERS, now)
    entries = Outbox(warehouse).entries()
    told = {"messages": [entry.message.to_dict() for entry in entries]}
    warehouse.records.put(HANDOVERS, "executive_report-x", told)
    warehouse.records.delete("outbox", entries[0].message.id)
    assert {one.message for one in Outbox(warehouse).entries()} == {one.message for one in entries}
    assert len(delivery.pending(seen(warehouse, now)).undelivered) == 2
    assert len(warehouse.records.list("outbox")) == 1, "looking writes nothing"
    Outbox(warehouse).finish(Outbox(warehouse).handed_over())
    assert len(warehouse.records.list("outbox")) == 2
