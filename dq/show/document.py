"""One page for people who read no tables: a published report's metrics with the trend of each, as HTML and Markdown.

It is drawn from published rows alone, one per metric (``registry.DOCUMENT_COLUMNS``), and those of the periods before.
The pictures are drawn here and stand in the page: it loads nothing, runs nothing and can be mailed or printed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from dq.base.model import Json, Kind
from dq.show.markdown import escape

COUNTED = ("seats", "users", "sessions", "minutes")
"""The units of what is counted; of what is neither that nor a ratio the unit is its currency."""
TREND = 13
"""Periods a trend shows: half a year of fortnights."""
_PICTURE = (132, 30)

Row = Mapping[str, Json]


@dataclass(frozen=True, kw_only=True)
class Issue:
    """One document before it is drawn: what it is of, which published version, and its rows and those before.

    ``earlier`` are the rows of periods published before by period id. ``partial`` are sources declared absent.
    """

    title: str
    pipeline: str
    period: str
    days: tuple[date, date]
    data_through: date
    kind: Kind
    version: int
    as_of: datetime
    rows: Sequence[Row]
    earlier: Mapping[str, Sequence[Row]]
    partial: Sequence[str] = ()
    warnings: int = 0


@dataclass(frozen=True, kw_only=True)
class Line:
    """One metric as it is shown."""

    metric: str
    value: str
    previous: str
    change: str
    basis: str
    trend: Markup


def html(issue: Issue) -> str:
    """The document as one HTML page that needs nothing else."""
    return str(_environment().get_template("document.html.j2").render(**_shown(issue)))


def markdown(issue: Issue) -> str:
    """The document as Markdown, its trends as words."""
    shown = _shown(issue)
    lines = [f"# {escape(str(shown['title']))}", "", escape(str(shown["covers"])), "", escape(str(shown["stands"]))]
    for section, rows in _sections(issue).items():
        lines += ["", f"## {escape(section)}", "", "| metric | value | before | change |", "| --- | --: | --: | --: |"]
        lines += [
            f"| {escape(row.metric)} | {escape(row.value)} | {escape(row.previous)} | {escape(row.change)} |"
            for row in rows
        ]
    return "\n".join([*lines, ""])


def _shown(issue: Issue) -> dict[str, object]:
    first, last = issue.days
    through = "" if issue.data_through == last else f", data through {_day(issue.data_through)}"
    absent = f" Partial: {', '.join(issue.partial)} declared absent." if issue.partial else ""
    told = {0: "", 1: " One warning is told in the data docs."}.get(
        issue.warnings, f" {issue.warnings} warnings are told in the data docs."
    )
    return {
        "title": issue.title,
        "covers": f"{_day(first)} to {_day(last)}{through}",
        "stands": f"{issue.pipeline} {issue.period}, version {issue.version}, {issue.kind.value.replace('_', ' ')}, "
        f"as of {issue.as_of.astimezone(UTC):%Y-%m-%d %H:%M} UTC. Every figure passed its checks before it was "
        f"published.{absent}{told}",
        "sections": _sections(issue),
    }


def _sections(issue: Issue) -> dict[str, list[Line]]:
    sections: dict[str, list[Line]] = {}
    for row in sorted(issue.rows, key=lambda one: int(str(one["line"]))):
        sections.setdefault(_words(row["section"]), []).append(_line(row, issue))
    return sections


def _line(row: Row, issue: Issue) -> Line:
    unit = str(row["unit"])
    history = [
        _number(before["value"])
        for period, rows in sorted(issue.earlier.items())[-TREND + 1 :]
        for before in rows
        if before["metric"] == row["metric"] and period < issue.period
    ]
    value, ratio = _number(row["value"]), _number(row["change_ratio"])
    points = _number(row["change"]) if unit == "ratio" else None
    change = f"{ratio * 100:+,.1f} %" if ratio is not None else _words(row["change_ratio_reason"])
    change = change if points is None else f"{points * 100:+,.1f} points"
    return Line(
        metric=_words(str(row["metric"]).removeprefix("month_") if row["basis"] == "month" else row["metric"]),
        value=_amount(value, unit) or _words(row["value_reason"]),
        previous=_amount(_number(row["previous_value"]), unit) or "none",
        change=change,
        basis=str(row["basis"]),
        trend=Markup(_picture(tuple(None if v is None else float(v) for v in (*history, value)))),  # noqa: S704 - drawn here
    )


def _amount(value: Decimal | None, unit: str) -> str:
    if value is None:
        return ""
    if unit == "ratio":
        return f"{value * 100:,.1f} %"
    if unit not in COUNTED:
        return f"{value:,.2f} {unit}"
    return f"{value:,.0f} {unit}" if value == value.to_integral_value() else f"{value:,.1f} {unit}"


def _number(value: Json) -> Decimal | None:
    return None if value is None else Decimal(str(value))


def _words(value: Json) -> str:
    """A name such as ``net_revenue_retention`` as words."""
    text = str(value or "").replace("_", " ")
    text = text[:1].upper() + text[1:]
    return re.sub(r"(?i)\b(mrr|ttm)\b", lambda found: found[0].upper(), text)


def _day(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b %Y}"


@lru_cache(maxsize=256)
def _picture(values: tuple[float | None, ...]) -> str:
    """A trend as an SVG picture, its last point marked; nothing where there is no second value to compare with."""
    known = [(n, value) for n, value in enumerate(values) if value is not None]
    if len(known) < 2:
        return ""
    import vl_convert

    points = [{"n": n, "value": value, "last": n == known[-1][0]} for n, value in known]
    x = {"field": "n", "type": "quantitative", "axis": None}
    y = {"field": "value", "type": "quantitative", "axis": None, "scale": {"zero": False}}
    specification = {
        "width": _PICTURE[0],
        "height": _PICTURE[1],
        "background": "transparent",
        "padding": 3,
        "data": {"values": points},
        "encoding": {"x": x, "y": y},
        "layer": [
            {"mark": {"type": "line", "color": "#35507a", "strokeWidth": 1.5}},
            {
                "mark": {"type": "point", "filled": True, "size": 26, "color": "#35507a"},
                "transform": [{"filter": "datum.last"}],
            },
        ],
        "config": {"view": {"stroke": None}},
    }
    return str(vl_convert.vegalite_to_svg(specification, allowed_base_urls=[]))


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("dq.show"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
