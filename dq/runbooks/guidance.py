"""From a failed check to its guidance: section, owner, who is on call until when, and what is due."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from dq.base.model import Guidance, Severity
from dq.people.levels import due, show
from dq.people.roster import Roster
from dq.people.watch import call
from dq.runbooks.page import Page, Section
from dq.runbooks.places import read
from dq.runbooks.values import filled


def guide(
    *,
    page: Page,
    roster: Roster,
    runbook: str,
    days: tuple[date, date],
    at: datetime,
    failure_class: str = "",
    first_failed: datetime | None = None,
    severity: Severity | None = None,
    docs_address: str = "",
    values: Mapping[str, str] | None = None,
    warehouse: str = "",
) -> Guidance:
    """Whose a failed check is at an instant, and by when.

    ``days`` are the first and last of the period. ``runbook`` is the reference of a section; one that is not on the
    page leads to its top, since an alert without a link is worse than one that lands a little high. ``docs_address`` is
    the address of the docs site, empty for links relative to its root. ``first_failed`` is ``at`` unless the failure is
    known to be older. With ``severity`` it is also said until when nobody is called. With ``values`` the commands of
    the section are told, with what a run knows filled in.
    """
    front = page.front
    place = read(runbook)
    section = page.section(place.section) if place else None
    root = f"{docs_address.rstrip('/')}/" if docs_address else ""
    duty = roster.on_call(at)
    since = min(first_failed or at, at)
    known_class = failure_class or (section.failure_class if section else "")
    opening = call(roster, front.pipeline, at, severity=severity, failure_class=known_class) if severity else None
    told = [f"red since {show(since, at, roster.zone)}"] if since < at else []
    told += [f"nobody is called before {show(opening.at, at, roster.zone)}"] if opening and not opening.now else []
    return Guidance(
        runbook=page.path_of(section),
        runbook_url=root + page.place(section).link,
        owner=front.owner,
        contact=roster.team(front.owner).contact,
        on_call=duty.person.name,
        on_call_until=show(duty.until, at, roster.zone),
        backup=duty.backup.name,
        due=told
        + due(
            front.levels,
            front.escalation,
            roster=roster,
            owner=front.owner,
            days=days,
            as_of=at,
            first_failed=since,
            failure_class=known_class,
        ),
        since=since,
        call_at=opening.at if opening else None,
        commands=typed(page, section, values, warehouse) if values and section else (),
    )


def typed(page: Page, section: Section, values: Mapping[str, str], warehouse: str = "") -> list[str]:
    """The commands of a section as a person types them, once each: what is known is filled in."""
    return list(dict.fromkeys(filled(command.text, values, warehouse) for command in page.commands(section)))
