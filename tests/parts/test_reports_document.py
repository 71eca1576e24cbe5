"""The one page for people: what stands on it, and that nothing in it does anything."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

from document_support import row

from dq.base.model import Json, Kind
from dq.show import document
from dq.show.document import Issue


def issue(*rows: dict[str, Json], **more: object) -> Issue:
    values: dict[str, object] = {
        "title": "Executive report",
        "pipeline": "executive_report",
        "period": "2026-09-28",
        "days": (date(2026, 9, 28), date(2026, 10, 11)),
        "data_through": date(2026, 10, 11),
        "kind": Kind.MONTH_TO_DATE,
        "version": 3,
        "as_of": datetime(2026, 10, 12, 6, tzinfo=UTC),
        "rows": rows,
        "earlier": {},
    }
    return Issue(**(values | more))  # type: ignore[arg-type]


def test_a_page_says_what_it_covers_and_each_metric_with_its_unit() -> None:
    page = document.html(
        issue(
            row("revenue", "1234567.891234", previous_value="1000000.00", change="234567.89", change_ratio="0.234568"),
            row("net_revenue_retention", "1.031250", line="2", unit="ratio", previous_value="1.02", change="0.01125"),
            row("active_users", "412.000000", line="3", section="engagement", unit="users", basis="month"),
        )
    )
    for text in (
        "Mon 28 Sep 2026 to Sun 11 Oct 2026",
        "executive_report 2026-09-28, version 3, month to date, as of 2026-10-12 06:00 UTC",
        "1,234,567.89 USD",
        "+23.5 %",
        "103.1 %",
        "+1.1 points",
        "412 users",
        "(month so far)",
        "No previous",
    ):
        assert text in page, text


def test_a_value_that_is_not_there_says_why() -> None:
    missing = row("margin", None, unit="ratio", value_reason="no_revenue", change_ratio_reason="no_revenue")
    assert '<td class="value">No revenue</td>' in document.html(issue(missing))
    assert "| Margin | No revenue | none | No revenue |" in document.markdown(issue(missing))


def test_what_is_partial_or_unfinished_stands_at_the_head() -> None:
    page = document.markdown(
        issue(row("revenue", "1.00"), partial=("expenses",), warnings=2, data_through=date(2026, 10, 9))
    )
    assert "data through Fri 9 Oct 2026" in page
    assert "Partial: expenses declared absent. 2 warnings are told in the data docs." in page


def test_a_trend_is_drawn_from_two_values_on_and_not_from_later_ones() -> None:
    earlier = {"2026-08-31": [row("revenue", "80.00")], "2026-09-14": [row("revenue", "90.00")]}
    drawn = document.html(issue(row("revenue", "100.00"), earlier=earlier))
    assert drawn.count("<svg") == 1
    assert len(re.findall(r'aria-roledescription="point"', drawn)) == 1
    later = {"2026-10-12": [row("revenue", "500.00")]}
    assert "<svg" not in document.html(issue(row("revenue", "100.00"), earlier=later))


def test_hostile_names_do_nothing() -> None:
    name = '<script>alert("x")</script>'
    page = document.html(issue(row(name, "1.00", section=name), title=name))
    assert "<script" not in page.lower()
    assert "<script" not in document.markdown(issue(row(name, "1.00", section=name), title=name)).lower()
    assert "default-src 'none'" in page


def test_an_amount_is_shown_in_the_currency_its_row_names() -> None:
    page = document.markdown(
        issue(row("revenue", "1234.5", unit="EUR"), row("subscribers", "8", line="2", unit="seats"))
    )
    assert "1,234.50 EUR" in page
    assert "8 seats" in page
