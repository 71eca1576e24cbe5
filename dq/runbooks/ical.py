"""Shifts and meetings as an iCalendar file, the same text for the same roster."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from icalendar import Calendar, Event

from dq.people.roster import Roster
from dq.people.shifts import shifts
from dq.runbooks.frontmatter import FrontMatter
from dq.runbooks.reviews import meetings
from dq.runbooks.slugs import slug


def calendar_file(roster: Roster, fronts: Mapping[str, FrontMatter], first: date, last: date) -> str:
    """Every shift, handover meeting and review that touches a span of days.

    An event keeps its UID when it is written again; the stamp is that of the anchor Monday, so that the file changes
    only where the roster does. Shifts leave people free in their calendars, meetings do not.
    """
    rotation = roster.model.rotation
    stamp = datetime.combine(rotation.anchor, time(), UTC)
    calendar = Calendar()
    calendar.add("prodid", "-//dq//on call//EN")
    calendar.add("version", "2.0")

    def add(uid: str, start: datetime, end: datetime, summary: str, description: str, *, busy: bool) -> None:
        event = Event()
        event.add("uid", f"{uid}@dq")
        event.add("dtstamp", stamp)
        event.add("dtstart", start.astimezone(roster.zone))
        event.add("dtend", end.astimezone(roster.zone))
        event.add("summary", summary)
        event.add("description", description)
        event.add("transp", "OPAQUE" if busy else "TRANSPARENT")
        calendar.add_component(event)

    listed = shifts(roster, first, last)
    for number, shift in enumerate(listed):
        begins = number == 0 or listed[number - 1].week != shift.week
        uid = f"shift-{shift.week}" if begins else f"shift-{shift.week}-{shift.start:%Y%m%dT%H%MZ}"
        add(uid, shift.start, shift.end, f"On call: {shift.person}", f"Backup: {shift.backup}. {shift.why}", busy=False)
        if begins:
            until = shift.start + timedelta(minutes=rotation.meeting_minutes)
            add(
                f"handover-{shift.week}", shift.start, until, f"Handover to {shift.person}", "Open incidents", busy=True
            )
    for meeting in meetings(roster, fronts, first, last):
        agenda = f"Agenda: the open incidents of {', '.join(meeting.pipelines)}. With {', '.join(meeting.teams)}."
        uid = f"review-{slug(meeting.name)}-{meeting.planned}"
        add(uid, meeting.start, meeting.end, meeting.name, agenda, busy=True)
    calendar.add_missing_timezones(date(first.year - 1, 1, 1), date(last.year + 2, 1, 1))
    return str(calendar.to_ical(), "utf-8")
