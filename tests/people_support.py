"""Rosters made up at random, and the days of a company counted one by one."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import strategies as st

from dq.base.yamlfile import Document
from dq.people import Roster
from dq.people.roster import roster_of
from dq.people.roster_file import RosterModel, mistakes

PEOPLE = ("danny", "anna", "laura", "jane", "lead", "manager", "nora", "omar")
ZONES = ("America/New_York", "Europe/London", "Asia/Amman", "America/Sao_Paulo", "Pacific/Apia", "UTC")
START = date(2026, 1, 5)


@st.composite
def rosters(draw: st.DrawFn) -> Roster:
    """A roster without mistakes, whatever its leave, leavers, swaps and zone."""
    days = st.integers(0, 700).map(lambda n: START + timedelta(days=n))
    people: dict[str, dict[str, object]] = {
        person: {"name": person.title(), "role": "engineer", "contact": person} for person in PEOPLE
    }
    for person in draw(st.sets(st.sampled_from(PEOPLE[:6]), max_size=3)):
        people[person]["left"] = draw(days).isoformat()
        if draw(st.booleans()):
            people[person]["replaced_by"] = draw(st.sampled_from(["nora", "omar"]))
    leave = []
    for person in draw(st.lists(st.sampled_from(PEOPLE), max_size=8)):
        first = draw(days)
        leave.append(
            {"person": person, "first": str(first), "last": str(first + timedelta(days=draw(st.integers(0, 30))))}
        )
    model: dict[str, object] = {
        "zone": draw(st.sampled_from(ZONES)),
        "country": draw(st.sampled_from(["US", "GB", "JO", "BR"])),
        "people": people,
        "teams": {"Data Engineering": {"contact": "de"}},
        "rotation": {
            "anchor": START.isoformat(),
            "handover": draw(st.sampled_from(["09:00", "00:00", "02:30", "23:59"])),
            "ring": list(draw(st.permutations(PEOPLE[:4])))[: draw(st.integers(1, 4))],
            "lead": "lead",
            "manager": "manager",
        },
        "leave": leave,
        "working_hours": {"opens": "09:00", "closes": "17:00"},
        "watch": [
            {
                "pipelines": ["profit"],
                "hours": [
                    {
                        "team": "Data Engineering",
                        "days": draw(st.lists(st.sampled_from(["weekdays", "weekends"]), min_size=1, unique=True)),
                        "during": draw(st.sampled_from(["month", "last_week", "before_last_week"])),
                        "opens": draw(st.sampled_from(["00:00", "08:00", "22:00"])),
                        "closes": draw(st.sampled_from(["00:00", "06:00", "18:00"])),
                    }
                ],
            }
        ],
    }
    made = RosterModel.model_validate(model)
    wrong = {key[:2] for key, _ in mistakes(made)}
    kept = [item for n, item in enumerate(leave) if ("leave", n) not in wrong]  # overlapping leave of one person
    made = RosterModel.model_validate({**model, "leave": kept})
    assert [*mistakes(made)] == []
    return roster_of(made, Document("roster.yml", {}, {}))
