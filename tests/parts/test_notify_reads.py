"""Telling reads the warehouse once: what it plans, keeps and sends follows from that."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from notify_support import Post, declared, failed, house, ran
from store_support import quick_disk

from dq.run import alerting, run_records
from dq.store import Warehouse
from dq.store.records import Records
from dq.tell import delivery, incidents, report_messages
from dq.tell.message import Report
from dq.tell.outbox import Delivery
from dq.tell.senders import Sent

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")
REFUSED = Sent(outcome=Delivery.REFUSED, reason="the target refused it (403)")


def red(warehouse: Warehouse) -> None:
    hour_ago = f"{datetime.now(UTC) - timedelta(hours=1):%Y-%m-%d %H:%M}"
    run = ran(hour_ago, failed(dataset="profit_unit"), pipeline="profit_unit", period="2026-10")
    run_records.save(warehouse, run)
    incidents.note(warehouse, run)


def test_each_kind_is_listed_once_each_record_read_once_and_the_clock_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A report that is refused is the longest way: what became of it is told, too, and sent."""
    warehouse, post = Warehouse(tmp_path), Post(answers=[REFUSED])
    red(warehouse)
    people = house(targets={"anna-pager": {"kind": "slack"}}, reports={"executive_report": ["anna-pager"]})
    page = {"title": "t", "summary": "s", "file": "f", "sha256": "", "text_file": ""}
    report = Report(pipeline="executive_report", period="2026-10-26", version=1, **page)
    report_messages.put(warehouse, people.notify, report, ["anna-pager"], datetime.now(UTC) - timedelta(minutes=1))
    listed, got, clocks = Counter[str](), Counter[str](), Counter[str]()
    usual, reads, now = Records.list, Records.get, delivery.clock

    def lists(records: Records, kind: str, prefix: str = "") -> object:
        listed[kind] += 1
        return usual(records, kind, prefix)

    def gets(records: Records, kind: str, name: str) -> object:
        got[f"{kind}/{name}"] += 1
        return reads(records, kind, name)

    def clock() -> datetime:
        clocks["read"] += 1
        return now()

    monkeypatch.setattr(Records, "list", lists)
    monkeypatch.setattr(Records, "get", gets)
    monkeypatch.setattr(delivery, "clock", clock)
    monkeypatch.setattr(delivery, "sender", lambda _: post)
    told = alerting.bring_up_to_date(warehouse, people, declared()[0], seconds=1)
    assert told.undelivered == [f"anna-pager: {REFUSED.reason}"]
    monkeypatch.undo()
    late = "executive_report/executive_report.report.delivered/2026-10-26"
    assert incidents.everything(warehouse)[late].open
    assert clocks["read"] == 1
    assert (set(listed.values()), set(got.values())) == ({1}, {1}), (listed, got)
    assert {"incidents", "waivers", "outbox", "attempts", "handovers", "runs"} <= set(listed)
