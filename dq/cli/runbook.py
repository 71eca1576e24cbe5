"""``dq runbook``: the sections of a pipeline, or one of them, for a run with its values filled in. It needs no JVM."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence

from dq.base.errors import UsageError, choices, near
from dq.base.runid import PATTERN
from dq.cli import console
from dq.cli.which_warehouse import add_warehouse, open_warehouse
from dq.declare import registry
from dq.runbooks import Page, load_page, page_names, places
from dq.runbooks.blocks import MARKER
from dq.runbooks.pieces import DEEPER
from dq.runbooks.values import explained, filled, left, of_run
from dq.show.section_file import shown

OLD = ".md#"


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser("runbook", help="print what to do about a failure, with the values of its run")
    parser.add_argument("where", help="a pipeline, a run id, or a section as the card names it, of old records too")
    parser.add_argument("--check", help="of a run: the failed check (default: the gravest)")
    add_warehouse(parser)
    parser.set_defaults(handler=runbook_command)


def runbook_command(arguments: argparse.Namespace) -> int:
    """Print the sections of a page, or one section."""
    root = registry.find_root()
    declared, known = registry.load(root).pipelines, dict[str, str]()
    where, place, warehouse = arguments.where, places.read(arguments.where), ""
    if PATTERN.match(where):
        place, known, warehouse = _of_run(arguments)
    elif arguments.check:
        raise UsageError("--check belongs to a run", do="give a run id; dq show lists the latest runs")
    elif place is None:
        place = places.Place(page=declared[where].runbook if where in declared else where)
    elif OLD in where or place.now(root) != place:
        console.note(f"dq: {where} is {shown(where)} now")
    if place.page == places.ALL:
        raise UsageError(f"{where} is of all pipelines", do=f"name one: PIPELINE/{place.section}.md")
    names = page_names(root / "runbooks")
    if place.page not in names:
        valid = sorted({*names, *declared})
        raise UsageError(
            f"{where} is not a pipeline, a section of a runbook or a run",
            do=f"dq show lists the latest runs; of pipelines {choices(place.page, valid)}",
        )
    place = place.now(root)
    page = load_page(root / "runbooks" / place.page)
    section = page.section(place.section)
    lines = page.lines(section) if section else []
    if place.section and not (section and (section.failure_class or places.moved(lines))):
        raise UsageError(f"{page.file} has no section {place.section!r}", do=_instead(page, place.section))
    if section is None:
        for line in console.aligned([(f"{page.name}/{way.anchor}.md", way.title) for way in page.ways]):
            console.out(line)
        return 0
    console.out(f"# {section.title}")
    here = [name for name, item in declared.items() if item.runbook == page.name]
    for line in _lines(lines, known or ({"PIPELINE": here[0]} if len(here) == 1 else {}), warehouse):
        console.out(line)
    return 0


def _instead(page: Page, section: str) -> str:
    """What to type in place of a section that is not there: that of the class, or the one with a name much like it."""
    if way := page.section_for_class(section.upper()):
        return f"{way.failure_class} is dq runbook {page.name}/{way.anchor}.md"
    return near(section, page.anchors, f"dq runbook {page.name} lists its sections")


def _of_run(arguments: argparse.Namespace) -> tuple[places.Place, dict[str, str], str]:
    """The section of a failed check of a run, what the run knows of its values, and its warehouse."""
    from dq.base.model import Outcome, Severity
    from dq.run import run_records

    warehouse = open_warehouse(arguments)
    record = run_records.get(warehouse, arguments.where)
    failed = [r for r in record.results if r.outcome in (Outcome.FAILED, Outcome.ERRORED) and places.read(r.runbook)]
    failed.sort(key=lambda result: (result.outcome is Outcome.FAILED, [*Severity].index(result.severity)))
    chosen = next((r for r in failed if arguments.check in (None, r.check)), None)
    if chosen is None:
        names = [result.check for result in failed]
        what = f"{arguments.check} did not fail in" if arguments.check else "no check failed in"
        raise UsageError(f"{what} {record.run}", do=choices(arguments.check or "", names) if names else "")
    place = places.read(chosen.runbook)
    assert place is not None  # noqa: S101 - it was read above
    known = of_run(
        pipeline=record.pipeline,
        run=record.run,
        period=record.period,
        as_of=record.as_of,
        data_through=record.data_through,
        result=chosen,
    )
    return place, known, str(warehouse.root)


def _lines(text: Sequence[str], known: Mapping[str, str], warehouse: str) -> Iterator[str]:
    """A section as a person reads it: its commands filled in, and what to type for the words that are left."""
    in_code, generated, commands = False, "", list[str]()
    for line in text:
        if line.endswith("## Checks"):
            return  # the list of them is in the file; who asks here has one already
        if match := MARKER.fullmatch(line):
            generated = match[1] if match[2] == "begin" else ""
            if generated == "values":
                yield from explained(left(commands))
        elif not generated:
            in_code = in_code != line.startswith("```")
            if in_code and line.startswith("dq "):
                line = filled(line, known, warehouse)
                commands.append(line)
            yield line[DEEPER:] if line.startswith("###") and not in_code else line
