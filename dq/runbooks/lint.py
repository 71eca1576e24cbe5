"""What ``dq lint`` proves of the runbook pages, both ways: no check without a section, no section without a check."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta

from dq.base import yamlfile
from dq.base.errors import ConfigError, Finding, choices
from dq.base.model import Check, Kind
from dq.base.periods import Grain, settled_from
from dq.people.levels import DayOfMonth, Level, Ready, deadline, end_of, moment_text
from dq.people.roster import NEVER_THERE, Roster
from dq.people.roster_file import successor
from dq.runbooks import places
from dq.runbooks.agenda import failed_first, periods_of
from dq.runbooks.blocks import Block, blocks, stale
from dq.runbooks.frontmatter import teams_named
from dq.runbooks.links import link_findings, nowhere_findings
from dq.runbooks.page import Command, Page, Section
from dq.runbooks.pieces import DEEPER
from dq.runbooks.tables import checks_of, unled
from dq.runbooks.values import VALUES, WORD, left

WAYS = "Ways of failing"
PAGE_PARTS = (
    "Description",
    "Types of data",
    "Critical metrics",
    "Monitoring",
    "Owners",
    "Service levels",
    "On call",
    "Escalation",
    "Review meetings",
    WAYS,
)
# What a part is written from stands in its generated block: without it the part could say anything.
PART_BLOCKS: Mapping[str, str] = {
    "Critical metrics": "metrics",
    "Owners": "owners",
    "Service levels": "levels",
    "Escalation": "ladder",
    WAYS: "ways",
}
# Since when figures are as far as a level wants them, and what to write where it is due before.
SETTLED: Mapping[str, tuple[str, str]] = {
    "preliminary": (
        "from the month's last day on",
        "kind: month_end with on_holiday: same or next, or met_by: published",
    ),
    "final": (
        "48 hours after the month's end",
        "kind: next_month_business_day with nth: 3, or met_by: preliminary or published",
    ),
    "published": (
        "once the month's first UTC day is over",
        "a later day, or on_holiday: same or next",
    ),
    "pre_validated": (
        "once the month's first UTC day is over",
        "a later day, or on_holiday: same or next",
    ),
}
SECTION_PARTS = ("Meaning", "Impact", "Diagnosis", "Mitigation", "Escalation", "Resolved when", "Checks")

_SAY = "does not say what to type for {words}; put <!-- values:begin --> and <!-- values:end --> on lines of their own"

CommandCheck = Callable[[Sequence[str]], str | None]


def lint_runbooks(
    pages: Mapping[str, Page],
    checks: Sequence[Check],
    roster: Roster | None,
    commands: CommandCheck,
    *,
    partly: Collection[str] = (),
    unread: Collection[str] = (),
    heads: Collection[yamlfile.Document] = (),
) -> list[Finding]:
    """Every mistake of the pages and of what leads to them, at once, in the order of files and lines.

    ``checks`` are those bound to a pipeline, with ``runbook`` set; ``commands`` says of the words of a command, the
    program first, what is wrong with it, or None. Where other files have mistakes, ``partly`` are the pages of which
    not every check is known and ``unread`` those that could not be read: nothing is said that may follow from that, nor
    from what a roster has wrong itself. ``heads`` are the data of heads of pages that could not be read.
    """
    by_name = {page.name: page for page in pages.values()}
    findings = [f for check in checks for f in _check_findings(check, by_name)]
    pipelines: dict[str, Page] = {}
    for page in by_name.values():
        if page.front.pipeline in pipelines:
            message = f"{pipelines[page.front.pipeline].file} is the page of {page.front.pipeline} already"
            findings.append(page.document.finding(("pipeline",), message))
        pipelines.setdefault(page.front.pipeline, page)
    if roster is not None:
        findings += [f for head in heads for f in _name_findings(head, roster)]
    for page in by_name.values():
        known = page.name not in partly
        if roster is not None:
            findings += _head_findings(page, checks if known else None, roster, None if unread else pipelines)
        findings += _part_findings(page)
        findings += _way_findings(page, checks if known else None)
        findings += [f for link in page.links() for f in link_findings(page, link, by_name, unread)]
        apart = [(way.start, way.end) for way in unled(page, checks)]
        here = [one for one in page.commands() if not any(first <= one.line <= last for first, last in apart)]
        findings += [f for command in here for f in _command_findings(page, command, commands)]
        if roster is not None and not roster.mistaken and known:
            findings += _block_findings(page, checks, roster)
    if not partly and not unread:
        findings += nowhere_findings(by_name.values(), checks)
    return sorted(set(findings))


def lint_levels(
    pages: Mapping[str, Page], grains: Mapping[str, Grain], investors: Collection[str], roster: Roster | None
) -> list[Finding]:
    """The levels that can never be due, or never kept: of another grain than the pipeline's, by figures nobody
    rehearses, or due before figures can be as settled as they want.
    """
    found = []
    for page in pages.values():
        grain = grains.get(page.front.pipeline)
        for n, level in enumerate(page.front.levels if grain else ()):
            if isinstance(level, Ready) and grain is not Grain.DAY:
                message = f"falls due after each day of data, but {page.front.pipeline} is of each {grain}; never due"
                found.append(page.document.finding(("levels", n, "kind"), message))
            elif grain and roster and (message := _too_early(level, grain, roster)):
                found.append(page.document.finding(("levels", n, "met_by"), message))
            if level.met_by == "pre_validated" and page.front.pipeline not in investors:
                message = (
                    f"{page.front.pipeline} is not marked investors in jobs/pipelines.yml: nothing pre-validates it"
                )
                found.append(page.document.finding(("levels", n, "met_by"), message))
    return found


def _too_early(level: Level, grain: Grain, roster: Roster) -> str:
    """Why a level is missed whatever anybody does, by the first period of which it is: the figures cannot be there yet.

    Of the levels that any figures keep only a day of the month can lie before them, moved into the month before. Two
    years show every way a deadline moves; those from the anchor on, so that the answer does not change with today.
    """
    unsettled = level.met_by not in ("preliminary", "final")
    if level.met_by not in SETTLED or (unsettled and not isinstance(level, DayOfMonth)):
        return ""
    first = roster.model.rotation.anchor
    for period, days in periods_of(level, roster, grain, first, first.replace(year=first.year + 2, day=1)):
        due = deadline(level, roster=roster, days=days, first_failed=failed_first(level, days))
        first_over = datetime.combine(days[0] + timedelta(days=1), time(), UTC)
        kept_from = first_over if unsettled else settled_from(days[1], Kind(level.met_by))
        if due is not None and end_of(due, roster.zone) <= kept_from:
            when, (since, instead) = moment_text(level, due, kept_from, roster.zone), SETTLED[level.met_by]
            figures = level.met_by.replace("_", "-")
            return (
                f"can never be kept of {period}: due {when}, but figures are {figures} only {since}, "
                f"{kept_from:%Y-%m-%d %H:%M} UTC; write {instead}"
            )
    return ""


def _check_findings(check: Check, pages: Mapping[str, Page]) -> Iterator[Finding]:
    """A check must lead to a section of its own class."""
    file, _, line = check.where.rpartition(":")
    where = (file, int(line)) if line.isdigit() else (check.where, 0)
    place = places.read(check.runbook)
    if place is None:
        yield Finding(*where, check.check, "leads to no runbook section; name one by its file, without .md")
    elif place.page not in pages:
        valid = choices(place.page, [*pages])
        yield Finding(*where, check.check, f"leads to the page {place.page}, which is not there; {valid}")
    else:
        page, anchor = pages[place.page], place.section
        section = page.section(anchor)
        if section is None or not section.failure_class:
            valid = choices(anchor, page.anchors)
            yield Finding(*where, check.check, f"no way of failing on {page.name} has the name {anchor}; {valid}")
        elif check.failure_class and check.failure_class != section.failure_class:
            file = page.path_of(section)
            message = f"is of class {check.failure_class}, but {file} is about {section.failure_class}"
            yield Finding(*where, check.check, message)


def _head_findings(
    page: Page, checks: Sequence[Check] | None, roster: Roster, pipelines: Mapping[str, Page] | None
) -> Iterator[Finding]:
    front = page.front
    yield from _name_findings(page.document, roster)
    for side, parties in (("upstream", front.upstream), ("downstream", front.downstream)):
        for n, pipeline in enumerate(parties.pipelines):
            if pipelines is not None and pipeline not in pipelines:
                message = f"no page is about the pipeline {pipeline}; {choices(pipeline, [*pipelines])}"
                yield page.document.finding((side, "pipelines", n), message)
    owner = roster.teams.get(front.owner)
    for n, rung in enumerate(front.escalation):
        read = ("teams", front.owner) not in roster.stood_in
        if rung.to == "owner_manager" and owner is not None and owner.manager is None and read:
            message = f"the roster names no manager's contact for {front.owner}"
            yield page.document.finding(("escalation", n, "to"), message)
    if checks is None:
        return
    ids = {check.check for check in checks if (place := places.read(check.runbook)) and place.page == page.name}
    for n, metric in enumerate(front.critical_metrics):
        for m, check in enumerate(metric.checks):
            if check not in ids:
                message = f"no check {check!r} leads to this page; {_close(check, ids)}"
                yield page.document.finding(("critical_metrics", n, "checks", m), message)


def _name_findings(head: yamlfile.Document, roster: Roster) -> Iterator[Finding]:
    """The teams and people a head names that are not on the roster, whatever else is wrong with it."""
    for key, team in teams_named(head.data):
        if team not in roster.teams:
            yield head.finding(key, f"no team {team!r} on the roster; {choices(team, [*roster.teams])}")
    there = [name for name, person in roster.people.items() if person.left != NEVER_THERE]
    named = head.data if isinstance(head.data, dict) else {}
    for name in ("engineer", "backup"):
        person = named.get(name)
        if not isinstance(person, str) or not person:
            continue
        if person not in there:
            message = f"nobody on the roster has the id {person!r}; {choices(person, there)}"
            yield head.finding((name,), message)
        elif (last := roster.people[successor(roster.people, person, date.max)]).left and last.left != NEVER_THERE:
            message = f"{last.name} leaves on {last.left} and nobody follows; name somebody else"
            yield head.finding((name,), message)


def _close(name: str, ids: set[str]) -> str:
    """The likely name only: a page has too many checks to list them all."""
    return choices(name, sorted(ids)).partition("? Valid")[0].partition("valid:")[0] or "see its lists of checks"


def _part_findings(page: Page) -> Iterator[Finding]:
    inside = {command.line for way in page.ways for command in page.commands(way)}
    words = left(command.text for command in page.commands() if command.line not in inside)
    ways = [(way.start, way.end) for way in page.ways]
    found = _found(page)
    if (
        words
        and found is not None
        and not any(
            block.name == "values" and not any(first <= block.begin <= last for first, last in ways) for block in found
        )
    ):
        yield page.finding(page.offset + 1, "", _SAY.format(words=", ".join(words)))
    tops = {section.title: section for section in page.sections if section.level == 2}
    for title in PAGE_PARTS:
        if title not in tops:
            yield page.finding(page.offset + 1, "", f"the page has no part ## {title}")
        elif not _has_text(page, tops[title]):
            yield page.finding(tops[title].start, title, "the part is empty")
        elif (name := PART_BLOCKS.get(title)) and not _holds(page, tops[title], name, found):
            message = f"has no block {name}; put <!-- {name}:begin --> and <!-- {name}:end --> on lines of their own"
            yield page.finding(tops[title].start, title, message)


def _way_findings(page: Page, checks: Sequence[Check] | None) -> Iterator[Finding]:
    found = _found(page)
    seen: dict[str, Section] = {}
    start = next((section for section in page.sections if section.level == 2 and section.title == WAYS), None)
    for section in page.sections if start else ():
        here = start and start.start < section.start <= start.end and section.level == 3
        if here and not section.failure_class and not places.moved(page.lines(section)):
            yield page.finding(section.start, section.title, "has no line Class: F.. directly under its heading")
    for way in page.ways:
        if way.failure_class in seen and not way.second:
            first = page.finding(seen[way.failure_class].start, "", "")
            message = f"{way.failure_class} has a section at {first.file}:{first.line} already"
            instead = f"a second one says what it is about, such as Class: {way.failure_class}, trends"
            yield page.finding(way.start, way.title, f"{message}; {instead}")
        if not way.second:
            seen.setdefault(way.failure_class, way)
        piece = page.piece(way.start)
        if checks is not None and not (piece and piece.shared) and not checks_of(page, way, checks):
            message = f"no check leads to {page.name}/{way.anchor}; bind one or take the section out"
            yield page.finding(way.start, way.title, message)
        inside = [s for s in page.sections if way.start < s.start <= way.end and s.level == way.level + 1]
        parts = {part.title: part for part in inside}
        for part in inside:
            if part is not parts[part.title]:
                yield page.finding(part.start, f"{way.title}: {part.title}", "appears twice in this section")
        marks = "#" * (way.level + 1 - (DEEPER if piece else 0))
        if lacking := [f"{marks} {title}" for title in SECTION_PARTS if title not in parts]:
            message = f"lacks {', '.join(lacking)}; runbooks/README.md has a section to copy"
            yield page.finding(way.start, way.title, message)
        for title in SECTION_PARTS:
            if title in parts and not _has_text(page, parts[title]):
                yield page.finding(parts[title].start, f"{way.title}: {title}", "the part is empty")
        if "Diagnosis" in parts and not any(page.commands(parts["Diagnosis"])):
            message = "holds no command; a person at night needs one to copy, in a fenced sh block"
            yield page.finding(parts["Diagnosis"].start, f"{way.title}: Diagnosis", message)
        if (words := left(c.text for c in page.commands(way))) and not _holds(page, way, "values", found):
            yield page.finding(way.start, way.title, _SAY.format(words=", ".join(words)))
        if "Checks" in parts and not _holds(page, way, "checks", found):
            message = "has no list of checks; put <!-- checks:begin --> and <!-- checks:end --> on lines of their own"
            yield page.finding(way.start, way.title, message)


def _holds(page: Page, section: Section, block: str, found: list[Block] | None) -> bool:
    """Whether a section holds a generated block of those found; where markers do not pair, that is told on its own."""
    if found is None:
        return f"<!-- {block}:begin -->" in page.lines(section)
    return any(one.name == block and section.start < one.begin <= section.end for one in found)


def _found(page: Page) -> list[Block] | None:
    try:
        return blocks(page)
    except ConfigError:
        return None


def _has_text(page: Page, section: Section) -> bool:
    return any(line.strip() for line in page.lines(section))


def _command_findings(page: Page, command: Command, commands: CommandCheck) -> Iterator[Finding]:
    def finding(message: str) -> Finding:
        return page.finding(command.line, command.text, message)

    unknown = sorted({word for word in WORD.findall(command.text) if word not in VALUES})
    if unknown:
        yield finding(f"unknown placeholder {', '.join(unknown)}; valid: {', '.join(sorted(VALUES))}")
        return
    try:
        lexer = shlex.shlex(command.text, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        words = [*lexer]
    except ValueError as error:
        yield finding(f"is not a shell command: {error}")
        return
    if any(set(word) <= set("();<>|&") for word in words):
        yield finding("holds a pipe, a redirection or more than one command; one plain command per line can be checked")
    elif words[0] not in ("dq", "make"):
        yield finding(f"begins with {words[0]}; sh blocks hold dq and make commands, without a prompt")
    else:
        examples = {word: value.example for word, value in VALUES.items()} | {"PIPELINE": page.front.pipeline}
        example = [WORD.sub(lambda word: examples[word[0]], word) for word in words]
        problem = commands(example)
        if problem is not None:
            yield finding(problem)


def _block_findings(page: Page, checks: Sequence[Check], roster: Roster) -> Iterator[Finding]:
    try:
        blocks(page)
    except ConfigError as error:
        yield from error.findings
        return
    if any(team not in roster.teams for _, team in page.front.teams()):
        return  # told above; the blocks cannot be written without the roster's contacts
    if page.front.engineer not in roster.people or page.front.backup not in roster.people:
        return
    for block in stale(page, checks, roster):
        message = f"the generated block {block.name} is out of date; run dq lint --fix"
        yield page.finding(block.begin, "", message)
