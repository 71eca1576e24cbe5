"""People and deadlines: the roster, who is on call at an instant, the business calendar, service levels."""

from dq.people.calendar import BusinessCalendar
from dq.people.levels import Escalation, Level, due
from dq.people.roster import OnCall, Roster, lint_roster, load_roster
from dq.people.roster_file import Person, Team

__all__ = [
    "BusinessCalendar",
    "Escalation",
    "Level",
    "OnCall",
    "Person",
    "Roster",
    "Team",
    "due",
    "lint_roster",
    "load_roster",
]
