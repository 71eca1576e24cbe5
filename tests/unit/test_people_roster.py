"""The roster file: every mistake with file, line and key, all at once."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from runbook_samples import ROSTER, line_of, roster

from dq.base.errors import ConfigError, DqError
from dq.people import lint_roster, load_roster

ROOT = Path(__file__).resolve().parents[2]


def mistakes(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        roster(folder, text)
    return [str(finding) for finding in caught.value.findings]


@pytest.mark.parametrize(
    ("old", "new", "place", "message"),
    [
        ("zone: America/New_York", "zone: America/Newyork", "zone", "unknown time zone"),
        ("zone: America/New_York", "zone: America", "zone", "unknown time zone"),
        ("country: US", "country: XX", "country", "no public holidays are known for 'XX'"),
        ("country: US", "country: US\nsubdivision: ZZ", "country", "with subdivision 'ZZ'"),
        ("country: US", "country: US\nworked_holidays: [Columbus]", "worked_holidays[0]", "did you mean Columbus Day"),
        ("anchor: 2026-01-05", "anchor: 2026-01-06", "rotation.anchor", "is a Tuesday; expected a Monday"),
        ("anchor: 2026-01-05", "anchor: 2026-02-30", "rotation.anchor", "expected a day such as"),
        ('handover: "09:00"', 'handover: "24:00"', "rotation.handover", "expected a time of day"),
        ("ring: [danny, anna,", "ring: [dany, anna,", "rotation.ring[0]", "did you mean danny"),
        ("ring: [danny, anna, laura, jane]", "ring: []", "rotation.ring", "at least 1 item"),
        ("ring: [danny, anna,", "ring: [anna, anna,", "rotation.ring[1]", "appears here twice"),
        ("ring: [danny, anna,", "ring: [manager, anna,", "rotation.manager", "cannot stand in it"),
        ("lead: lead\n", "lead: manager\n", "rotation.manager", "in a circle"),
        ("lead: lead\n", "lead: boss\n", "rotation.lead", "nobody has the id 'boss'"),
        ("people: [danny,", "people: [bob,", "teams.Data Engineering.people[0]", "nobody has the id 'bob'"),
        ("contact: danny-pager", "contact: danny@example.com", "people.danny.contact", "match pattern"),
        ("contact: danny-pager", 'contact: "+15550100"', "people.danny.contact", "match pattern"),
        ("contact: danny-pager", "contact: https://example.com/hook", "people.danny.contact", "match pattern"),
        ("zone: America", "zona: x\nzone: America", "zona", "unknown key"),
    ],
)
def test_a_mistake_is_told_with_line_and_key(tmp_path: Path, old: str, new: str, place: str, message: str) -> None:
    text = ROSTER.replace(old, new, 1)
    assert text != ROSTER
    found = [line for line in mistakes(tmp_path, text) if f": {place}: " in line and message in line]
    assert found, mistakes(tmp_path, text)
    assert found[0].startswith("roster.yml:")


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("leave: [{person: bob, first: 2026-08-03, last: 2026-08-04}]", "leave[0].person: nobody has the id 'bob'"),
        ("leave: [{person: anna, first: 2026-08-04, last: 2026-08-03}]", "leave[0].last: the leave ends on 2026-08-03"),
        (
            "leave: [{person: anna, first: 2026-08-03, last: 2026-08-05}, "
            "{person: anna, first: 2026-08-05, last: 2026-08-06}]",
            "leave[1]: overlaps with the leave of anna from 2026-08-03 to 2026-08-05",
        ),
        ("swaps: [{week: 2026-11-24, person: jane, instead_of: laura}]", "swaps[0].week: 2026-11-24 is a Tuesday"),
        (
            "swaps: [{week: 2026-11-23, person: jane, instead_of: anna}]",
            "swaps[0].instead_of: the week of 2026-11-23 is laura's, not anna's",
        ),
        ("swaps: [{week: 2026-11-23, person: laura, instead_of: laura}]", "swaps[0].person: laura cannot swap"),
        (
            "company_days: [{day: 2026-12-24, name: A}, {day: 2026-12-24, name: B}]",
            "company_days[1]: 2026-12-24 appears",
        ),
    ],
)
def test_leave_and_swaps_must_make_sense(tmp_path: Path, more: str, message: str) -> None:
    assert any(message in line for line in mistakes(tmp_path, f"{ROSTER}{more}\n"))


def test_all_mistakes_are_told_at_once_each_on_its_line(tmp_path: Path) -> None:
    text = ROSTER.replace("anchor: 2026-01-05", "anchor: 2026-01-06").replace("lead: lead\n", "lead: boss\n")
    text += "leave:\n  - {person: bob, first: 2026-08-03, last: 2026-08-04}\n"
    found = mistakes(tmp_path, text)
    lines = [int(line.split(":")[1]) for line in found]
    assert lines == [line_of(text, "anchor:"), line_of(text, "lead: boss"), line_of(text, "person: bob")]


AWAY = "".join(
    f"  - {{person: {name}, first: 2026-11-23, last: 2026-11-29}}\n"
    for name in ("danny", "anna", "laura", "jane", "lead")
)


def test_no_kind_of_mistake_hides_another(tmp_path: Path) -> None:
    """Schema, names, dates, hours and weeks: what each is told alone, it is told beside all others."""
    text = ROSTER + f"leave:\n{AWAY}  - {{person: anna, first: 2026-11-29, last: 2026-12-01}}\n"
    changes = {
        "contact: danny-pager": "contact: danny@example.com",  # of the schema
        "handover:": "meetng: 30\n  handover:",
        "country: US": "country: XX",
        "lead: lead\n": "lead: boss\n",
        "people: [danny, anna, laura, jane]": "people: []",
        'closes: "18:00"': 'closes: "15:00"',
        "contact: laura-pager": "contact: laura-pager, left: 2026-12-24",
    }
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    found = mistakes(tmp_path, text)
    expected = [
        "country: no public holidays are known for 'XX'",
        "people.danny.contact: ",
        "teams.Data Engineering.people: nobody is in the team",
        "rotation.meetng: unknown key",
        "rotation.ring[2]: Laura leaves on 2026-12-24 and nobody follows",
        "rotation.lead: nobody has the id 'boss'",
        "watch[0].hours: nobody watches profit on weekdays 15:00-17:00",
        "leave[4]: from 2026-11-23 on everyone is away: Anna, Laura, boss",
        "leave[4]: from 2026-11-23 on everyone is away: Laura, Jane, boss",
        "leave[5]: overlaps with the leave of anna from 2026-11-23 to 2026-11-29",
    ]
    assert len(found) == len(expected), found
    for said in expected:
        assert [line for line in found if said in line], (said, found)
    lines = [int(line.split(":")[1]) for line in found]
    assert lines == sorted(lines)


def test_an_unknown_person_is_told_with_a_week_in_which_everyone_is_away(tmp_path: Path) -> None:
    text = ROSTER.replace("ring: [danny,", "ring: [dany,") + f"leave:\n{AWAY}"
    found = mistakes(tmp_path, text)
    assert [line.partition(": ")[2].partition(";")[0] for line in found] == [
        "rotation.ring[0]: nobody has the id 'dany'",
        "leave[4]: from 2026-11-23 on everyone is away: Anna, Laura, Lead",
        "leave[4]: from 2026-11-23 on everyone is away: Laura, Jane, Lead",
    ]


@pytest.mark.parametrize(
    "old",
    [
        "zone: America/New_York\n",
        "country: US\n",
        '  handover: "09:00"\n',
        "  ring: [danny, anna, laura, jane]\n",
        'working_hours: {opens: "09:00", closes: "17:00"}\n',
        ", days: [weekdays]",
        "contact: anna-pager",
        "contact: data-engineering, ",
    ],
)
def test_what_is_missing_is_told_and_nothing_that_only_follows_from_it(tmp_path: Path, old: str) -> None:
    text = ROSTER.replace(old, "contact: A@B" if old == "contact: anna-pager" else "")
    text += "leave:\n  - {person: bob, first: 2026-08-03, last: 2026-08-04}\n"
    text += "swaps:\n  - {week: 2026-11-23, person: jane, instead_of: laura}\n"
    found = mistakes(tmp_path, text)
    assert len(found) == 2, found
    assert "leave[0].person: nobody has the id 'bob'" in found[1]


def test_a_country_without_holidays_in_a_year_is_told_unless_the_company_lists_its_own(tmp_path: Path) -> None:
    """Of Ukraine no year is known since 2023; the years of an anchor of 2018 begin with some that are."""
    text = ROSTER.replace("country: US", "country: UA").replace("anchor: 2026-01-05", "anchor: 2018-01-01")
    assert "country: UA" in text
    assert "anchor: 2018" in text
    (found,) = [line for line in mistakes(tmp_path, text) if "country: " in line]
    assert "country: no public holidays are known for 'UA' in 2023, 2024, 2025, 2026, 2027; list them" in found
    days = [f"{{day: {year}-08-24, name: Independence}}" for year in range(2023, 2028)]
    own = f"company_days: [{', '.join(days[:4])}]\n"
    (found,) = [line for line in mistakes(tmp_path, text + own) if "country: " in line]
    assert "for 'UA' in 2027; list them under company_days" in found
    own = f"company_days: [{', '.join(days)}]\n"
    assert roster(tmp_path, text + own).calendar.holiday(date(2027, 8, 24)) == "Independence"


@pytest.mark.parametrize("old", ["people:\n", "  danny: {"])
def test_a_file_of_which_too_much_is_missing_is_told_as_far_as_it_goes(tmp_path: Path, old: str) -> None:
    text = ROSTER.replace(old, old.replace("people", "peple").replace("danny", "Danny B"), 1)
    assert mistakes(tmp_path, text)


def test_a_missing_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot be read: No such file"):
        load_roster(tmp_path / "roster.yml")


def test_an_unknown_team_or_person_is_a_sentence_with_the_likely_name(tmp_path: Path) -> None:
    table = roster(tmp_path)
    assert table.team("Business Analytics Team").contact == "business-analytics"
    with pytest.raises(DqError, match="did you mean Business Analytics Team"):
        table.team("Business Analytic Team")
    assert table.person("anna").name == "Anna"
    with pytest.raises(DqError, match="did you mean anna"):
        table.person("ana")


@pytest.mark.parametrize("text", ["- danny\n", "danny\n", "7\n"])
def test_a_roster_that_is_no_mapping_is_told_so(tmp_path: Path, text: str) -> None:
    (found,) = mistakes(tmp_path, text)
    assert found.startswith("roster.yml:1: Input should be a valid dictionary")


def test_the_company_s_own_roster_is_clean() -> None:
    assert lint_roster(load_roster(ROOT / "runbooks" / "roster.yml")) == []


LEFT = "contact: laura-pager, left: 2026-08-01"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"contact: laura-pager": LEFT}, "rotation.ring[2]: Laura leaves on 2026-08-01 and nobody follows; give them"),
        ({"contact: lead-pager": "contact: lead-pager, left: 2026-08-01"}, "rotation.lead: Lead leaves on 2026-08-01"),
        (
            {"contact: laura-pager": f"{LEFT}, replaced_by: jane", "jane-pager": "jane-pager, left: 2026-09-01"},
            "rotation.ring[2]: Jane leaves on 2026-09-01 and nobody follows",
        ),
        (
            {
                "people: [danny, anna, laura, jane]": "people: [laura]",
                "contact: laura-pager": f"{LEFT}, replaced_by: anna",
            },
            "teams.Data Engineering.people: from 2026-08-01 on nobody is in the team",
        ),
    ],
)
def test_places_that_nobody_fills_are_told_and_the_roster_stays_usable(
    tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    text = ROSTER
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    found = [str(finding) for finding in lint_roster(roster(tmp_path, text))]
    assert [line for line in found if message in line], found


def test_who_is_replaced_leaves_no_gap(tmp_path: Path) -> None:
    assert lint_roster(roster(tmp_path, ROSTER.replace("contact: laura-pager", f"{LEFT}, replaced_by: anna"))) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("laura-pager", "laura-pager, left: 2026-08-01, replaced_by: nora", "replaced_by: nobody has the id 'nora'"),
        (
            "laura-pager",
            "laura-pager, replaced_by: anna",
            "people.laura.replaced_by: laura has not left; say since when",
        ),
        ("laura-pager", "laura-pager, left: 2026-02-30", "people.laura.left: expected a day such as"),
        (
            "laura-pager",
            "laura-pager, left: 2026-08-01, replaced_by: laura",
            "people.laura.replaced_by: those who replaced each other have all left, in a circle",
        ),
        ("people: [danny, anna, laura, jane]", "people: []", "teams.Data Engineering.people: nobody is in the team"),
    ],
)
def test_leavers_and_empty_teams_must_make_sense(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = ROSTER.replace(old, new)
    assert text != ROSTER
    assert any(message in line for line in mistakes(tmp_path, text)), mistakes(tmp_path, text)


def test_a_swap_into_somebodys_leave_is_told(tmp_path: Path) -> None:
    text = f"{ROSTER}swaps:\n  - {{week: 2026-11-23, person: jane, instead_of: laura}}\n"
    text += "leave:\n  - {person: jane, first: 2026-11-20, last: 2026-11-23}\n"
    found = [str(finding) for finding in lint_roster(roster(tmp_path, text))]
    assert found == ["roster.yml:25: swaps[0].person: Jane is away in the week they would take over"]
