"""Reading the roster file: every mistake at once, those of the schema, of the people named and of the weeks they make.

What is wrong in one place says nothing of the others: there something stands in for it, and of what follows from that
nothing is said.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from copy import deepcopy
from pathlib import Path

from pydantic import ValidationError

from dq.base import yamlfile
from dq.base.errors import ConfigError, Finding
from dq.people.calendar import is_known
from dq.people.roster import NEVER_THERE, Roster, lint_places, lint_swaps, lint_weeks, roster_of
from dq.people.roster_file import Person, RosterModel, is_zone, mistakes
from dq.people.watch import lint_gaps

_NOBODY: dict[str, yamlfile.Json] = {"name": "unknown", "role": "unknown", "contact": "unknown"}
_DAY = "1999-01-04"  # a Monday before anything a roster is about
_BY_ENTRY: Mapping[str, yamlfile.Json] = {
    "people": _NOBODY,
    "teams": {"contact": "unknown"},
    "company_days": {"day": _DAY, "name": "unknown"},
    "worked_holidays": "unknown",
    "leave": {"person": "unknown", "first": _DAY, "last": _DAY},
    "swaps": {"week": _DAY, "person": "unknown", "instead_of": "unknown"},
}
_WHOLE: Mapping[str, yamlfile.Json] = {
    "zone": "UTC",
    "country": "US",
    "subdivision": None,
    "company_days": [],
    "worked_holidays": [],
    "leave": [],
    "swaps": [],
    "rotation": {"anchor": "2026-01-05", "handover": "09:00", "ring": ["a"], "lead": "b", "manager": "c"},
    "working_hours": {"opens": "09:00", "closes": "17:00"},
}
_ALWAYS: dict[str, yamlfile.Json] = {"days": ["weekdays", "weekends", "holidays"], "opens": "00:00", "closes": "00:00"}


def load_roster(path: Path, *, shown: str | None = None) -> Roster:
    """The roster in a file, or a ConfigError with every mistake, its line and key."""
    roster, findings = read_roster(path, shown=shown)
    if roster is None or findings:
        raise ConfigError(findings)
    return roster


def read_roster(path: Path, *, shown: str | None = None) -> tuple[Roster | None, list[Finding]]:
    """The roster in a file and every mistake in it.

    With mistakes it is only good for finding more: something stands in for what is wrong, people who are named and not
    there are never there. None where too much is missing for that.
    """
    try:
        document = yamlfile.read(path, shown=shown or f"{path.parent.name}/{path.name}")
    except ConfigError as error:
        return None, [*error.findings]
    return _examined(document)


def parse_roster(text: str, *, shown: str) -> Roster:
    """The roster in a text, or a ConfigError with every mistake; ``shown`` is only the name of the file in errors."""
    roster, findings = _examined(yamlfile.parse(text.encode(), shown))
    if roster is None or findings:
        raise ConfigError(findings)
    return roster


def _examined(document: yamlfile.Document) -> tuple[Roster | None, list[Finding]]:
    findings: list[Finding] = []
    wrong: set[yamlfile.Key] = set()
    misspelt: set[yamlfile.Key] = set()
    try:
        model = RosterModel.model_validate({} if document.data is None else document.data)
    except ValidationError as error:
        findings = yamlfile.pydantic_findings(document, error)
        if not isinstance(document.data, dict):
            return None, findings
        wrong = {_part(item["loc"]) for item in error.errors() if item["type"] != "extra_forbidden"}
        # Without the unknown key an entry can be used, but that of a team may be its manager, misspelt.
        misspelt = {_part(item["loc"]) for item in error.errors() if item["loc"][:1] == ("teams",)}
        found = _stood_in(document.data, error, wrong)
        if found is None:
            return None, findings
        model = found
    told = [document.finding(key, message) for key, message in mistakes(model) if not _follows(key, wrong)]
    findings += told
    if not findings:
        return roster_of(model, document), []
    roster = roster_of(_usable(model), document, mistaken=True, stood_in=frozenset(wrong | misspelt))
    of_wrong = tuple(f"{yamlfile.dotted(part)}{more}" for part in wrong for more in ".[;")
    findings += [one for one in _weeks(roster, wrong) if not f"{one.key};".startswith(of_wrong)]
    return roster, sorted(findings, key=lambda one: one.line)


def _weeks(roster: Roster, wrong: Collection[yamlfile.Key]) -> Iterator[Finding]:
    """What is wrong with what the entries make together, as far as what it follows from is there."""
    if ("rotation",) not in wrong:
        yield from lint_places(roster)
        yield from lint_swaps(roster)
        yield from lint_weeks(roster)
    yield from lint_gaps(roster)


def _follows(key: yamlfile.Key, wrong: Collection[yamlfile.Key]) -> bool:
    """Whether a mistake may be none once what is wrong before it is fixed."""
    of_ring = ("rotation",) in wrong and key[0] == "swaps" and key[-1] == "instead_of"
    return of_ring or any(key[: len(part)] == part for part in wrong)


def _part(loc: yamlfile.Key) -> yamlfile.Key:
    """The entry, or the whole section, that a mistake of the schema makes unusable."""
    by_entry = loc[0] in _BY_ENTRY or loc[0] == "watch"
    return loc[: 2 if by_entry else 1]


def _stood_in(
    data: dict[str, yamlfile.Json], error: ValidationError, wrong: Collection[yamlfile.Key]
) -> RosterModel | None:
    """The model of a file in which something valid stands in for every mistake of the schema; None where it cannot."""
    data = deepcopy(data)
    try:
        for item in error.errors():
            if item["type"] == "extra_forbidden":
                _remove(data, item["loc"])
        for part in wrong:
            section = str(part[0])
            if len(part) == 1:
                data[section] = deepcopy(_WHOLE[section])
            elif section == "watch":
                data[section][part[1]] = _watch(data[section][part[1]], data["teams"])  # type: ignore[index]
            else:
                data[section][part[1]] = deepcopy(_BY_ENTRY[section])  # type: ignore[index]
        return RosterModel.model_validate(data)
    except (ValidationError, LookupError, TypeError):
        return None


def _remove(data: object, loc: yamlfile.Key) -> None:
    for part in loc[:-1]:
        data = data[part]  # type: ignore[index]
    del data[loc[-1]]  # type: ignore[attr-defined]


def _watch(one: yamlfile.Json, teams: yamlfile.Json) -> dict[str, yamlfile.Json]:
    """A watch at all hours for the pipelines that a mistaken one names."""
    named = one.get("pipelines") if isinstance(one, dict) else None
    pipelines = [name for name in named if isinstance(name, str)] if isinstance(named, list) else []
    team = next(iter(teams)) if isinstance(teams, dict) else "unknown"
    return {"pipelines": [*pipelines] or ["unknown"], "hours": [{"team": team, **_ALWAYS}]}


def _usable(model: RosterModel) -> RosterModel:
    """The model with everybody who is named, and with a zone and a country that are known."""
    rotation = model.rotation
    named = {*rotation.ring, rotation.lead, rotation.manager}
    named |= {person for team in model.teams.values() for person in team.people}
    named |= {person for swap in model.swaps for person in (swap.person, swap.instead_of)}
    people = {
        name: one.model_copy(update={"left": None}) if one.replaced_by and one.replaced_by not in model.people else one
        for name, one in model.people.items()
    }
    for name in sorted(named - people.keys()):
        people[name] = Person(**{**_NOBODY, "name": name, "left": NEVER_THERE.isoformat()})  # type: ignore[arg-type]
    changes: dict[str, object] = {"people": people}
    if not is_zone(model.zone):
        changes["zone"] = "UTC"
    if not is_known(model.country, model.subdivision):
        changes |= {"country": "US", "subdivision": None}
    return model.model_copy(update=changes)
