"""Every command of every runbook page, run as it is written, on a company with a held period for each pipeline."""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from pathlib import Path

import event_logs
import pytest
from pyspark.sql import SparkSession
from runs_support import FINAL, ROOT, hard_links

from demo import catalogue, defects
from demo.defects import Defect, Edit
from dq import store
from dq.base import periods
from dq.base.model import Outcome, RunRecord
from dq.cli import main
from dq.declare import project as projects
from dq.run import run_records
from dq.runbooks.page import Command, Page, Section, load_pages
from dq.runbooks.tables import checks_of, unled
from dq.runbooks.values import VALUES, WORD

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1_500)]
EARLIER, BEFORE, MONTH = "2026-08", "2026-09", "2026-10"
PAGES = load_pages(ROOT / "runbooks")
UNITS = ("profit_unit", "growth_daily", "user_days", "engagement_daily")
INVESTORS = ("investor_profit", "investor_growth", "investor_engagement")

# What each held run finds. The sources of the later month, and of the month before after it was published, are broken;
# so are the jobs that read no source of their own.
IN_SOURCES = (
    "F01-revenue-account_id",
    "F02-targets-loaded-twice",
    "F05-revenue-missing-day",
    "F08-expenses-payroll_office",
    "F11-ledger-marketing",
    "F12-expenses-adnet",
    "F22-licence_events-seats",
    "F24-expenses-nan",
    "F02-campaigns-loaded-twice",
    "F09-support_tickets-backwards",
    "F12-support_tickets-silent",
    "F22-campaigns-kind",
    "F23-support_tickets-strangers",
    "F02-clicks-conflict",
    "F04-clicks-stale",
    "F05-clicks-missing-day",
    "F08-clicks-very-late",
    "F09-clicks-1970",
    "F10-clicks-gap",
    "F18-clicks-skewed",
    "F20-kafka_offsets-dead",
    "F22-clicks-kind",
    "F23-clicks-few",
)
IN_SOURCES_BEFORE = ("F11-ledger-marketing", "F22-accounts-region")
IN_JOBS = (
    "F14-investor_profit-multiplied",
    "F06-executive_report-metric-lost",
    "F14-executive_report-day-twice",
    "F01-experiments_weekly-segment",
    "F03-experiments_weekly-zero-filled",
    "F05-experiments_weekly-day-lost",
)
OTHER_EDITS = (
    Edit(
        file="jobs/investor_growth.py",
        old='    before = units.select(\n        "product",\n',
        new='    units = units.unionByName(units.limit(1))\n    before = units.select(\n        "product",\n',
    ),
    Edit(
        file="jobs/investor_engagement.py",
        old='            sf.sum("sessions").alias("sessions"),\n',
        new='            (sf.sum("sessions") * 40).alias("sessions"),\n',
    ),
)
# In this order: what is built on a table is held before the table is.
HELD = {
    "executive_report": f"{BEFORE}-14",
    "experiments_weekly": "2026-W38",
    **dict.fromkeys(INVESTORS, BEFORE),
    "engagement_daily": BEFORE,
    "profit_unit": MONTH,
    "growth_daily": MONTH,
    "user_days": MONTH,
}


@dataclass
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str


def call(*words: str) -> Said:
    """One dq command in this process, with what it printed."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            code = main([*words])
        except SystemExit as ended:
            code = ended.code if isinstance(ended.code, int) else 2
    return Said(code, out.getvalue(), err.getvalue())


@dataclass(frozen=True)
class Card:
    """What stands on the card of a held run that a command asks for, read off the card itself, and its record."""

    run: str
    period: str
    time: str
    record: RunRecord

    @property
    def failing(self) -> list[str]:
        return [r.check for r in self.record.results if r.outcome in (Outcome.FAILED, Outcome.ERRORED)]


@dataclass
class Company:
    """The held company: cards by pipeline, and every command that was run with its answer."""

    sources: Path
    clean: Path
    warehouse: Path
    cards: Mapping[str, Card] = field(default_factory=dict)
    answers: dict[tuple[str, ...], Said] = field(default_factory=dict)

    def ask(self, words: list[str]) -> Said:
        """The answer to a command; the same command again is not run again."""
        key = tuple(words)
        if key not in self.answers:
            self.answers[key] = call(*words)
        return self.answers[key]

    def mend(self) -> None:
        """Put the broken months back as their owners made them."""
        shutil.rmtree(self.sources)
        hard_links(self.clean, self.sources)
        os.environ["DQ_HOME"] = str(ROOT)


@pytest.fixture(scope="module")
def held(spark: SparkSession, company: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Two months published by units and investors; then every pipeline held once, each by what it must find."""
    home = tmp_path_factory.mktemp("pages")
    made = Company(hard_links(company, home / "sources"), company, home / "warehouse")
    before, folder = dict(os.environ), Path.cwd()
    patch = pytest.MonkeyPatch()
    patch.setattr(projects, "load", cache(projects.load))  # the files stay as they are; reading them anew takes longest
    os.environ |= {"DQ_DEMO_DIR": str(made.sources), "DQ_HOME": str(ROOT), "DQ_WAREHOUSE": str(made.warehouse)}
    os.chdir(ROOT)
    order = [name for name in projects.load(ROOT).registry.order() if name in (*UNITS, *INVESTORS)]
    for month, pipeline in product((EARLIER, BEFORE), order):
        said = call("run", pipeline, "--period", month, "--as-of", FINAL[month], "--no-docs")
        assert said.code == 0, said.out + said.err
    edited = home / "project"
    for name in ("jobs", "expectations", "runbooks", "spark-conf"):
        shutil.copytree(ROOT / name, edited / name)
    in_jobs = [edit for name in IN_JOBS for edit in catalogue.find(name, MONTH).edits]
    defects.edit(edited, Defect(id="all", source="", month="", title="", edits=[*in_jobs, *OTHER_EDITS]))
    os.environ["DQ_HOME"] = str(edited)
    for month, names in ((BEFORE, IN_SOURCES_BEFORE), (MONTH, IN_SOURCES)):
        for name in names:
            defects.apply(spark, made.sources, catalogue.find(name, month))
    cards = {pipeline: hold(made, pipeline) for pipeline in HELD}
    os.environ["DQ_HOME"] = str(ROOT)
    made.cards = cards
    yield made
    patch.undo()
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(before)


def hold(company: Company, pipeline: str) -> Card:
    """Run a pipeline whose period must be held, and read its card as a person would."""
    period = HELD[pipeline]
    as_of = FINAL[period if period in FINAL else BEFORE]
    said = call("run", pipeline, "--period", period, "--as-of", as_of, "--no-docs")
    assert said.code == 1, said.out + said.err
    head = re.search(rf"^HOLD  {pipeline} (\S+), ", said.out, flags=re.MULTILINE)
    foot = re.search(r"^  run       (\S+), as of (\S+)$", said.out, flags=re.MULTILINE)
    assert head, said.out
    assert foot, said.out
    record = run_records.get(store.Warehouse(company.warehouse), foot[1])
    return Card(foot[1], head[1], foot[2], record)


@dataclass(frozen=True)
class Asked:
    """A command of a page as a reader with a card would type it."""

    page: Page
    command: Command
    words: list[str]
    check: str

    def __str__(self) -> str:
        return str(self.page.finding(self.command.line, "", f"dq {shlex.join(self.words)}"))


def typed(page: Page, section: Section | None, command: Command, cards: Mapping[str, Card]) -> Iterator[Asked]:
    """A command with its capitals filled in: once for every check of the section that failed, else for its first.

    The card is that of the pipeline whose check led here; outside the ways of failing that of the page's pipeline. What
    is run is run at the clock of the made-up company.
    """
    program, *words = shlex.split(command.text)
    assert program == "dq", page.finding(command.line, "", "only dq commands are run here")
    for pipeline, check in led_here(page, section, cards):
        card = cards[pipeline]
        upstream = projects.load(ROOT).bound[pipeline].pipeline.upstream
        values = {
            "PIPELINE": pipeline,
            "UPSTREAM": upstream[0] if upstream else "",
            "RUN": card.run,
            "PERIOD": card.period,
            "MONTH": f"{card.record.data_through:%Y-%m}",
            "BEFORE": periods.previous_month(f"{card.record.data_through:%Y-%m}"),
            "TIME": card.time,
            "CHECK": check,
            "EVENTLOG": str(event_log()),
            "AMOUNT": "500.00",
            "NAME": VALUES["NAME"].example,
            "SIGNER": VALUES["SIGNER"].example,
            "SIGNED_AT": card.time,
            "REASON": VALUES["REASON"].example,
            "DATE": f"{datetime.now(UTC) + timedelta(days=10):%Y-%m-%d}",
        }
        filled = [WORD.sub(lambda word, known=values: known.get(word[0], word[0]), word) for word in words]
        yield Asked(page, command, [*filled, *(("--as-of", card.time) if words[0] == "run" else ())], check)


@cache
def event_log() -> Path:
    """The event log of an application that ran out of heap."""
    why = event_logs.raised("java.lang.OutOfMemoryError", "Java heap space")
    ran = [
        event_logs.job(0, [0]),
        event_logs.stage(0, 1),
        event_logs.task(0, why=why),
        event_logs.job_end(0, "aborted"),
    ]
    return event_logs.write(Path(tempfile.mkdtemp()), [*event_logs.start(), *ran, event_logs.end()])


def led_here(page: Page, section: Section | None, cards: Mapping[str, Card]) -> list[tuple[str, str]]:
    """The pipelines and checks whose card leads to a section: those that failed, else the first of its list."""
    if section is None:
        card = cards[page.front.pipeline]
        return [(page.front.pipeline, card.failing[0])]
    bound = projects.load(ROOT).bound
    listed = [(name, check.check) for name, one in bound.items() for check in checks_of(page, section, one.all_checks)]
    assert listed, f"{page.file}#{section.anchor} has no check"
    failed = [(name, check) for name, check in listed if check in cards[name].failing]
    return failed or listed[:1]


def problem(asked: Asked, said: Said, cards: Mapping[str, Card]) -> str:
    """Why an answer is none; empty where it is one."""
    text = said.out + said.err
    if "Traceback" in text:
        return f"a traceback: {text[-400:]}"
    if said.code:
        return f"exit {said.code}: {text[-400:]}"
    match asked.words:
        case ["show", run, "--check", check]:
            result = next(
                r for card in cards.values() if card.run == run for r in card.record.results if r.check == check
            )
            expected = f"{check}: {result.outcome.value.replace('_', ' ')}; "
        case ["show", run]:
            expected = "HOLD  "
        case ["diagnose", _]:
            expected = "executor_heap"
        case ["explain", pipeline]:
            bound = projects.load(ROOT).bound[pipeline]
            expected = asked.check if asked.check in {c.check for c in bound.all_checks} else pipeline
        case _:
            return "" if said.out.strip() else "it says nothing"
    return "" if expected in said.out else f"it does not say {expected!r}: {text[:400]}"


def led_nowhere(page: Page) -> list[Section]:
    """The sections of all pipelines to which no check of a page leads."""
    return unled(page, [check for bound in projects.load(ROOT).bound.values() for check in bound.all_checks])


def commands(page: Page, part: str) -> Iterator[tuple[Section | None, Command]]:
    """The commands of one part of every way of failing, or with an empty part those outside the ways of failing."""
    ways = [way for way in page.ways if way not in led_nowhere(page)]
    inside = [(way, s) for way in ways for s in page.sections if way.start < s.start <= way.end]
    if part:
        yield from ((way, command) for way, s in inside if s.title == part for command in page.commands(s))
        return
    lines = {command.line for way in page.ways for command in page.commands(way)}
    yield from ((None, command) for command in page.commands() if command.line not in lines)


# What is mended first and what readers would miss last.
MENDING = ("lint", "explain", "gc", "run", "backfill", "waive", "withdraw")


@pytest.mark.parametrize("name", sorted(PAGES))
def test_every_command_of_diagnosis_answers(held: Company, name: str) -> None:
    page = PAGES[name]
    problems = []
    for part in ("", "Diagnosis"):
        for section, command in commands(page, part):
            for asked in typed(page, section, command, held.cards):
                if asked.words[0] in MENDING[3:]:
                    continue
                said = problem(asked, held.ask(asked.words), held.cards)
                if said:
                    problems.append(f"{asked}: {said}")
    assert not problems, "\n".join(problems)


def test_once_the_source_is_mended_every_command_of_mitigation_does_what_it_says(held: Company) -> None:
    """The runs publish, upstream first; then waivers are recorded, and last what was published is taken back."""
    order = projects.load(ROOT).registry.order()
    every = [
        asked
        for page in PAGES.values()
        for part in ("", "Mitigation")
        for section, command in commands(page, part)
        for asked in typed(page, section, command, held.cards)
        if asked.words[0] in MENDING
    ]
    every.sort(key=lambda one: (MENDING.index(one.words[0]), order.index(one.words[1]) if one.words[1:] else 0))
    held.mend()
    held.answers.clear()
    problems = [f"{asked}: {said}" for asked in every if (said := problem(asked, held.ask(asked.words), held.cards))]
    assert not problems, "\n".join(problems)
    published = {
        card.period for card in held.cards.values() for one in held.answers if one[0] == "run" and card.period in one
    }
    assert published == set(HELD.values())
    rebuilt = {(one[1], one[3]) for one in held.answers if one[0] == "run"}
    assert {(name, EARLIER) for name in INVESTORS} | {("profit_unit", BEFORE)} <= rebuilt
