"""The tables of a page's generated blocks, each from front matter, roster and checks alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from dq.base.model import Check, Severity
from dq.people.levels import (
    Age,
    BusinessDay,
    DayOfMonth,
    Fortnight,
    HoursAfter,
    Level,
    MonthEnd,
    Ready,
    ReadyDay,
    Weekday,
    Within,
)
from dq.people.roster import Roster
from dq.people.watch import hours_shown, watch_of
from dq.runbooks.frontmatter import Parties
from dq.runbooks.markup import cell, table
from dq.runbooks.on_call import climbs
from dq.runbooks.page import Page, Section
from dq.runbooks.places import ALL, read
from dq.runbooks.values import explained, left

_SEVERITIES = list(Severity)
_NAMED = 12
"""So many checks of a section of all pipelines are told by name on a page; of more their number."""


@dataclass(frozen=True, kw_only=True)
class BlockFacts:
    """What a block is written from; ``line`` is where it begins on the page, ``in_file`` whether its file asks."""

    page: Page
    line: int
    checks: Sequence[Check]
    roster: Roster
    in_file: bool = False


def checks_of(page: Page, section: Section, checks: Sequence[Check]) -> list[Check]:
    """The checks that lead to a section, gravest first, each once."""
    place = page.place(section)
    here = {(c.dataset, c.check): c for c in checks if read(c.runbook) == place}
    return sorted(here.values(), key=lambda c: (_SEVERITIES.index(c.severity), c.dataset, c.check))


def _code(text: str) -> str:
    """A name as code inside a table cell; names hold no back-ticks, whatever is odd in them is dropped."""
    return f"`{re.sub(r'[^A-Za-z0-9_.-]', '', text)}`"


def _expects(check: Check) -> str:
    if check.description:
        return check.description
    column = check.kwargs.get("column")
    words = check.type.replace("_", " ")
    return f"{words}: {column}" if isinstance(column, str) else words


def _checks(facts: BlockFacts) -> list[str]:
    within = [way for way in facts.page.ways if way.start < facts.line <= way.end]
    here = checks_of(facts.page, within[-1], facts.checks) if within else []
    if not here:
        return ["No check leads here yet."]
    alike: dict[tuple[str, str, str], list[Check]] = {}
    for check in here:
        alike.setdefault((str(check.severity), check.dataset, _of_each_column(check)), []).append(check)
    rows = []
    for (severity, dataset, each), same in alike.items():
        expects = cell(_expects(same[0]) if len(same) == 1 else each)
        rows.append([", ".join(_code(check.check) for check in same), severity, _code(dataset), expects])
    return table(("check", "severity", "dataset", "expects"), rows)


def _of_each_column(check: Check) -> str:
    """What a check expects, as it holds of every column of which the same is expected."""
    column, text = check.kwargs.get("column"), _expects(check)
    return re.sub(rf"\b{re.escape(column)}\b", "each of them", text, count=1) if isinstance(column, str) else text


def _values(facts: BlockFacts) -> list[str]:
    page = facts.page
    within = [way for way in page.ways if way.start < facts.line <= way.end]
    piece = page.piece(facts.line)
    if facts.in_file and piece is not None:
        return explained(piece.words)
    if within:
        return explained(left(command.text for command in page.commands(within[-1])))
    lines = {command.line for way in page.ways for command in page.commands(way)}
    return explained(left(command.text for command in page.commands() if command.line not in lines))


def unled(page: Page, checks: Sequence[Check]) -> list[Section]:
    """The sections of all pipelines to which no check of this page leads."""
    found = []
    for way in page.ways:
        piece = page.piece(way.start)
        if piece is not None and piece.shared and not checks_of(page, way, checks):
            found.append(way)
    return found


def _metrics(facts: BlockFacts) -> list[str]:
    rows = [[cell(m.metric), ", ".join(map(_code, m.checks))] for m in facts.page.front.critical_metrics]
    return table(("critical metric", "watched by"), rows)


def _ways(facts: BlockFacts) -> list[str]:
    page, apart, rows = facts.page, unled(facts.page, facts.checks), []
    for way in page.ways:
        piece = page.piece(way.start)
        if way in apart:
            continue
        here = checks_of(page, way, facts.checks)
        where = f"#{way.anchor}" if piece is None else f"{f'../{ALL}/' if piece.shared else ''}{way.anchor}.md"
        few = piece and piece.shared and len(here) <= _NAMED
        named = ", ".join(_code(check.check) for check in here) if few else str(len(here))
        rows.append([way.failure_class, f"[{cell(way.title)}]({where})", named])
    return table(("class", "way of failing", "checks"), rows)


def _owners(facts: BlockFacts) -> list[str]:
    front, roster = facts.page.front, facts.roster

    def contact(team: str) -> str:
        return f"{cell(team)} ({_code(roster.team(team).contact)})"

    def person(person_id: str) -> str:
        return f"{cell(roster.person(person_id).name)} ({_code(roster.person(person_id).contact)})"

    def manager(team: str) -> str:
        found = roster.team(team).manager
        return cell(f"manager of {team}") + (f" ({_code(found)})" if found else "")

    def parties(side: Parties) -> str:
        return cell("; ".join((*side.pipelines, *side.teams, *side.readers)))

    rows = [
        ["primary owner", contact(front.owner)],
        ["secondary owner", contact(front.secondary)],
        ["responsible engineer", person(front.engineer)],
        ["engineer's backup", person(front.backup)],
        ["accountable", cell(f"{front.accountable.role}, {front.accountable.team}")],
        ["consulted", cell("; ".join(f"{role.role}, {role.team}" for role in front.consulted))],
        ["informed", "; ".join(map(manager, front.informed))],
        ["upstream", parties(front.upstream)],
        ["downstream", parties(front.downstream)],
    ]
    return table(("role", "who"), [[role, who or "nobody"] for role, who in rows])


def _levels(facts: BlockFacts) -> list[str]:
    rows = [[cell(level.label), _when(level), ", ".join(level.classes) or "all"] for level in facts.page.front.levels]
    return table(("level", "when", "ways of failing"), rows)


def _when(level: Level) -> str:
    moves = {"previous": "moves to the previous business day", "next": "moves to the next business day"}
    match level:
        case DayOfMonth():
            return f"day {level.day} of the month, {moves.get(level.on_holiday, 'never moves')}"
        case MonthEnd():
            return f"last day of the month, {moves.get(level.on_holiday, 'never moves')}"
        case BusinessDay():
            return f"business day {level.nth} of the next month"
        case Ready():
            return f"{level.at:%H:%M} UTC on the day after each day of data"
        case ReadyDay():
            return f"{level.at:%H:%M} on business day {level.nth} after the day that follows the period"
        case HoursAfter():
            return f"{level.hours} hours after the end of the period"
        case Weekday():
            return f"{level.weekday.capitalize()} {level.at:%H:%M}, {moves.get(level.on_holiday, 'never moves')}"
        case Fortnight():
            day = level.weekday.capitalize()
            return f"every second {day} {level.at:%H:%M}, {moves.get(level.on_holiday, 'never moves')}"
        case Age():
            return f"warning at {level.warn_hours} hours, alarm at {level.alarm_hours} hours of age"
        case Within():
            length = f"{level.hours} elapsed hours" if level.hours else f"{level.days} calendar days"
            since = "midnight UTC of the day of the first failure" if level.from_midnight else "the first failure"
            moved = f", {moves[level.on_holiday]}" if level.on_holiday in moves else ""
            return f"{length} from {since}{moved}"


def _ladder(facts: BlockFacts) -> list[str]:
    front, roster = facts.page.front, facts.roster
    rotation = roster.model.rotation
    manager = roster.team(front.owner).manager
    reached: Mapping[str, tuple[str, str]] = {
        "lead": (roster.person(rotation.lead).name, roster.person(rotation.lead).contact),
        "manager": (roster.person(rotation.manager).name, roster.person(rotation.manager).contact),
        "owner_manager": (f"manager of {front.owner}", manager or ""),
    }
    rows = [["on call, then the backup", "of the week, as the card says", "at once", "all"]]
    for rung in front.escalation:
        who, contact = reached[rung.to]
        rows.append([cell(who), _code(contact), cell(climbs(rung, front.levels)), ", ".join(rung.classes) or "all"])
    return table(("who", "contact", "when still red", "ways of failing"), rows)


def _watch(facts: BlockFacts) -> list[str]:
    pipeline = facts.page.front.pipeline
    if not any(pipeline in watch.pipelines for watch in facts.roster.model.watch):
        return ["Nobody watches this pipeline yet."]
    watch = watch_of(facts.roster, pipeline)
    rows = [
        [cell(hours.team), _code(facts.roster.team(hours.team).contact), hours.role, hours_shown(hours)]
        for hours in watch.hours
    ]
    lines = table(("team", "contact", "role", "when"), rows)
    for rule in watch.at_once:
        classes = f" ({', '.join(rule.classes)})" if rule.classes else ""
        lines += ["", f"At once, at any hour: {rule.severity} failures{classes}; {cell(rule.because)}."]
    return lines


WRITERS: Mapping[str, Callable[[BlockFacts], list[str]]] = {
    "checks": _checks,
    "metrics": _metrics,
    "ways": _ways,
    "values": _values,
    "owners": _owners,
    "levels": _levels,
    "ladder": _ladder,
    "watch": _watch,
}
