"""The page ``runbooks/on-call.md``: the rotation week by week for each pair of owners, and how evenly it falls."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import date
from pathlib import Path

from dq.base.errors import Finding
from dq.people.roster import Roster
from dq.people.shifts import loads, shifts
from dq.runbooks.blocks import write_atomically
from dq.runbooks.frontmatter import FrontMatter
from dq.runbooks.markup import cell, table

FILE = "runbooks/on-call.md"
_SPAN = re.compile(r"<!-- on-call: (\d{4}-\d{2}-\d{2}) to (\d{4}-\d{2}-\d{2}) -->")


def rotation_page(roster: Roster, fronts: Mapping[str, FrontMatter], first: date, last: date) -> str:
    """The page for a span of days; weeks begin on Monday with the handover and are those that touch the span."""
    listed = shifts(roster, first, last)
    weeks = [[shift for shift in listed if shift.week == week] for week in dict.fromkeys(s.week for s in listed)]
    rotation = roster.model.rotation
    lines = [
        "# On call",
        "",
        f"<!-- on-call: {first} to {last} -->",
        "",
        f"Written by `dq oncall --table` from `roster.yml` and the pages' owners, for {first} to {last}. A week begins",
        f"on Monday {rotation.handover:%H:%M} ({roster.zone}) with the handover and lasts until the next.",
        "",
        "## Fairness",
        "",
        "Weeks begun; weekends, holidays and last days of the month on call at noon.",
        "",
        *table(
            ("engineer", "weeks", "weekends", "holidays", "month ends"),
            [
                (cell(one.person), str(one.weeks), str(one.weekends), str(one.holidays), str(one.month_ends))
                for one in loads(roster, first, last, listed)
            ],
        ),
    ]
    owners: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, front in fronts.items():
        owners[front.owner, front.secondary].append(name)
    for (owner, secondary), pipelines in sorted(owners.items()):
        rows = []
        for week in weeks:
            who = [cell(week[0].person)]
            who += [f"from {shift.start.astimezone(roster.zone):%a %H:%M} {cell(shift.person)}" for shift in week[1:]]
            rows.append((week[0].week.isoformat(), cell(owner), cell(secondary), "; ".join(who), cell(week[0].backup)))
        lines += ["", f"## {cell(owner)}", "", ", ".join(f"`{name}`" for name in pipelines), ""]
        lines += table(("week", "primary owner", "secondary owner", "on call", "backup"), rows)
    return "\n".join([*lines, ""])


def lint_rotation(root: Path, roster: Roster, fronts: Mapping[str, FrontMatter], *, fix: bool = False) -> list[Finding]:
    """Where the page is there and is not what it would be if written now for its span; ``fix`` writes it instead."""
    path = root / FILE
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8", errors="replace")
    span = _SPAN.search(text)
    try:
        first, last = (date.fromisoformat(day) for day in span.groups()) if span else (None, None)
    except ValueError:
        first = last = None
    if first is None or last is None or last < first:
        return [Finding(FILE, 1, "", "does not say which days it is for; write it with dq oncall --table")]
    page = rotation_page(roster, fronts, first, last)
    if text != page and fix:
        write_atomically(path, page)
    elif text != page:
        return [Finding(FILE, 1, "", "is not what roster and owners say; run dq lint --fix")]
    return []
