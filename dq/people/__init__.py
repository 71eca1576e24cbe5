"""People and deadlines: the roster, who is on call at an instant, the business calendar, service levels."""

from dq.people.calendar import BusinessCalendar
from dq.people.levels import Escalation, Level, due
from dq.people.roster import OnCall, Roster, lint_roster
from dq.people.roster_file import Person, Team
from dq.people.roster_reading import load_roster, parse_roster, read_roster
from dq.people.watch import Call, call, lint_watch

__all__ = [
    "BusinessCalendar",
    "Call",
    "Escalation",
    "Level",
    "OnCall",
    "Person",
    "Roster",
    "Team",
    "call",
    "due",
    "lint_roster",
    "lint_watch",
    "load_roster",
    "parse_roster",
    "read_roster",
]
