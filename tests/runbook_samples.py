"""A small roster and a small runbook page that tests change one thing in."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from dq.base.model import Check, Severity
from dq.people import Roster, load_roster
from dq.runbooks import Page, parse_page

ROSTER = """\
zone: America/New_York
country: US
people:
  danny: {name: Danny, role: Engineer 1, contact: danny-pager}
  anna: {name: Anna, role: Engineer 2, contact: anna-pager}
  laura: {name: Laura, role: Engineer 3, contact: laura-pager}
  jane: {name: Jane, role: Engineer 4, contact: jane-pager}
  lead: {name: Lead, role: Lead, contact: lead-pager}
  manager: {name: Manager, role: manager, contact: manager-mail}
teams:
  Data Engineering: {contact: data-engineering, people: [danny, anna, laura, jane]}
  Business Analytics Team: {contact: business-analytics, manager: business-analytics-manager}
rotation:
  anchor: 2026-01-05
  handover: "09:00"
  ring: [danny, anna, laura, jane]
  lead: lead
  manager: manager
working_hours: {opens: "09:00", closes: "17:00"}
watch:
  - pipelines: [profit]
    hours:
      - {team: Data Engineering, days: [weekdays], opens: "08:00", closes: "18:00"}
"""

PAGE = """\
---
pipeline: profit
description: Profit per month.
owner: Business Analytics Team
secondary: Data Engineering
engineer: anna
backup: danny
accountable: {role: profit analyst, team: Business Analytics Team}
upstream: {}
downstream: {readers: [investors]}
critical_metrics:
  - {metric: Agreement with the books, checks: [ties_out]}
levels:
  - {id: pre-validated, label: pre-validation, kind: day_of_month, day: 25, on_holiday: previous}
  - {id: fixed, label: fixed by, kind: month_end, on_holiday: previous}
escalation:
  - {to: lead, after: pre-validated, business_days: 1, at: "09:00"}
reviews:
  - {name: Weekly review, every: week, weekday: wednesday, at: "10:00", teams: [Business Analytics Team]}
---
# profit

## Description

What it is.

## Types of data

Money.

## Critical metrics

<!-- metrics:begin -->
<!-- metrics:end -->

## Monitoring

By runs.

## Owners

<!-- owners:begin -->
<!-- owners:end -->

## Service levels

<!-- levels:begin -->
<!-- levels:end -->

## On call

A ring.

## Escalation

<!-- ladder:begin -->
<!-- ladder:end -->

## Review meetings

Weekly.

## Ways of failing

<!-- ways:begin -->
<!-- ways:end -->

### Figures differ from the books

Class: F11

#### Meaning

They differ.

#### Impact

Held.

#### Diagnosis

Look at [the description](#description).

```sh
dq show RUN --check CHECK
```

#### Mitigation

Mend it.

#### Escalation

The Lead.

#### Resolved when

They agree.

#### In capitals

<!-- values:begin -->
<!-- values:end -->

#### Checks

<!-- checks:begin -->
<!-- checks:end -->
"""

CHECKS = [
    Check(
        check="ties_out",
        dataset="profit",
        type="expect_total_to_reconcile",
        kwargs={},
        description="Every line agrees.",
        runbook="profit/figures-differ-from-the-books.md",
        failure_class="F11",
        where="expectations/profit.yml:4",
    ),
    Check(
        check="ledger_null_share",
        dataset="ledger",
        type="expect_column_values_to_not_be_null",
        kwargs={"column": "amount"},
        severity=Severity.WARNING,
        runbook="profit/figures-differ-from-the-books.md",
        failure_class="F11",
        where="expectations/ledger.yml:9",
    ),
]


def roster(folder: Path, text: str = ROSTER) -> Roster:
    path = folder / "roster.yml"
    path.write_text(text, encoding="utf-8")
    return load_roster(path, shown="roster.yml")


@lru_cache(maxsize=64)
def page(text: str = PAGE, name: str = "profit") -> Page:
    return parse_page(text, name=name, file=f"runbooks/{name}/README.md")


def line_of(text: str, part: str) -> int:
    """The number of the first line that holds a text."""
    return next(n for n, line in enumerate(text.splitlines(), start=1) if part in line)
