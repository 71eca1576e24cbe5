"""``dq diagnose``: what killed a Spark application, from its event log."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from dq import project as projects
from dq import registry, settings
from dq.cli import console
from dq.diagnose import Diagnosis, diagnose, document, section_of, text
from dq.errors import ConfigError


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "diagnose", help="say from a Spark event log what killed the application or nearly did, and what to change"
    )
    parser.add_argument("log", metavar="EVENTLOG", type=Path, help="an event log of Spark 4.3: a file, or its folder")
    parser.add_argument("--run", default="", metavar="ID", help="judge this run alone, where the log holds several")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how it is printed (default: text)")
    parser.set_defaults(handler=diagnose_command)


def diagnose_command(arguments: argparse.Namespace) -> int:
    """Print the diagnosis of a log; 0 also where it finds a death."""
    root = registry.find_root()
    found = diagnose(arguments.log, settings.load(root).runtime, run=arguments.run)
    sections = runbook_sections(root, found)
    if arguments.format == "json":
        console.out(json.dumps(document(found, sections), indent=2, sort_keys=True))
    else:
        console.out(text(found, sections))
    return 0


def runbook_sections(root: Path, found: Diagnosis) -> dict[str, str]:
    """The section of the pipeline's page for each finding; none for an application that is no pipeline's run."""
    try:
        reading = projects.read(root)
    except ConfigError:  # a diagnosis does not wait for the files to be mended
        return {}
    bound = reading.bound.get(found.pipeline)
    page = dict(reading.pages).get(bound.pipeline.runbook) if bound else None
    if page is None:
        return {}
    sections = {finding.cause: section_of(page, finding) for finding in (*found.causes, *found.strains)}
    return {cause: f"runbooks/{page.name}#{section.anchor}" for cause, section in sections.items() if section}
