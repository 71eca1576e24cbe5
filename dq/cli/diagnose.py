"""``dq diagnose``: what killed a Spark application, from its event log."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from dq.base.errors import ConfigError, DqError
from dq.base.thresholds import Thresholds
from dq.cli import console
from dq.cli.which_warehouse import local_path
from dq.declare import project as projects
from dq.declare import registry, settings
from dq.diagnose import Diagnosis, diagnose, document, section_of, text
from dq.spark.spark_versions import RANGE

DESCRIPTION = """Say from the event log of a Spark application what killed it or nearly did, and what to change.
Nothing is started and nothing is written; no value of a row is printed."""

EPILOG = f"""where logs lie: runs that build their own session write to WAREHOUSE/_dq/event_logs; others to the folder
that spark.eventLog.dir names, one eventlog_v2_... folder or one file for each application.
read are: plain text, zstd, lz4, snappy and gzip, single or rolling, torn, still in progress; not lzf.
exit codes: 0 diagnosed, whatever was found; 2 not an event log of {RANGE}; 3 cannot be read, or nothing was found
and too much of the log is missing or damaged to tell."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "diagnose",
        help="say from a Spark event log what killed the application or nearly did, and what to change",
        description=DESCRIPTION,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "log", metavar="EVENTLOG", type=local_path, help=f"an event log of {RANGE}: a file, or its folder"
    )
    parser.add_argument("--run", default="", metavar="ID", help="judge this run alone, where the log holds several")
    parser.add_argument("--format", choices=("text", "json"), default="text", help="how it is printed (default: text)")
    parser.set_defaults(handler=diagnose_command)


def diagnose_command(arguments: argparse.Namespace) -> int:
    """Print the diagnosis of a log; 0 also where it finds a death, 3 where too much of the log is missing to tell."""
    root, thresholds, defaults = _project()
    found = diagnose(arguments.log, thresholds, run=arguments.run)
    sections = runbook_sections(root, found) if root else {}
    if defaults:
        console.note(f"dq: judged by default thresholds, without runbooks: {defaults}")
    if arguments.format == "json":
        console.out(json.dumps(document(found, sections), indent=2, sort_keys=True))
    else:
        console.out(text(found, sections))
    return 3 if found.unknown else 0


def _project() -> tuple[Path | None, Thresholds, str]:
    """The project and its thresholds; where there is none, or its settings are wrong, the defaults and why."""
    try:
        root = registry.find_root()
        return root, settings.load(root).runtime, ""
    except DqError as failure:  # a diagnosis does not wait for the files to be fixed
        return None, Thresholds(), str(failure).partition("\n")[0]


def runbook_sections(root: Path, found: Diagnosis) -> dict[str, str]:
    """The section of the pipeline's page for each finding; none for an application that is not a pipeline's run."""
    try:
        reading = projects.read(root)
    except ConfigError:  # a diagnosis does not wait for the files to be fixed
        return {}
    bound = reading.bound.get(found.pipeline)
    page = dict(reading.pages).get(bound.pipeline.runbook) if bound else None
    if page is None:
        return {}
    sections = {finding.cause: section_of(page, finding) for finding in (*found.causes, *found.strains)}
    return {cause: page.path_of(section) for cause, section in sections.items() if section}
