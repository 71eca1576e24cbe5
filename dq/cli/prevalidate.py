"""``dq prevalidate``: rehearse what investors will read of a month before it ends, without publishing anything."""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from dq import show, store
from dq.base import clean, periods
from dq.base.errors import DqError, StoreError, UsageError
from dq.base.model import CheckResult, Kind, Outcome, RunRecord, Severity
from dq.base.wording import owner_line
from dq.cli import console
from dq.cli.job import add_output_arguments, docs_folder
from dq.cli.signals import Terminated, exit_code, terminable
from dq.cli.which_warehouse import Places, load_project, warehouse_to_fill
from dq.declare import project as projects
from dq.declare import registry
from dq.month import known_facts, prevalidation, prevalidation_text
from dq.month.next_steps import Aid, aid
from dq.month.prevalidation import AnswerState, Light, Prevalidation
from dq.month.prevalidation_formats import Shown, render
from dq.people.levels import deadline
from dq.run import after_verdict, alerting, batch, run_records
from dq.run.batch import Step
from dq.run.failures import sentence
from dq.run.schedule import scheduled_as_of
from dq.store import waivers
from dq.tell import incidents, last_roster
from dq.tell.declared_people import house_of
from dq.tell.incidents import Incident, Observation
from dq.tell.known import Snapshot
from dq.tell.recipients import House

ABOUT = """\
Every pipeline marked `investors` in jobs/pipelines.yml, and what it is built on, runs on the month through yesterday in
a clone of the warehouse that is removed afterwards: nothing is published and nobody reading sees anything. Weeks and
fortnights count in the month they end in, whose figures they are built on. The one in progress that runs on into the
next month is judged here, too, on its days and this month's figures so far. Checks that need the whole month are listed
as pending. Of what is red it says whose it is, what is due and how long that is, and who hears next. A pipeline is
ready once everything due of it is green: a red warning is not, though it would hold nothing back on the day, unless it
is waived (dq waive). Every --format but gx carries all of this before the runs; json has it as help, pending, countdown
and changes beside the answer. The answer is kept, so that a later one can say what changed; what is red opens
incidents, and the answer goes to those under notify.reports.close in the settings. Exit codes: 0 everything due is
green or waived, 1 not ready, 2 usage or configuration, 3 cannot tell, 4 ready, but the answer was not kept or
delivered. Some of it may be published already. Then an --as-of earlier than the instant of what is published is
refused."""


def add(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Register the command."""
    parser = commands.add_parser(
        "prevalidate",
        help="judge a month for investors before it ends, without publishing",
        description="Judge every figure investors will read of a month, as far as it has come, without publishing.",
        epilog=ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--month", required=True, help="the month, such as 2026-11")
    parser.add_argument("--as-of", help="clock and knowledge cut, ISO 8601 UTC (default: now)")
    add_output_arguments(parser)
    parser.add_argument("--cards", action="store_true", help="print the card of each run that is not ready, too")
    parser.set_defaults(handler=command)


def command(arguments: argparse.Namespace) -> int:
    """Rehearse, answer, keep the answer; the exit code is the answer's."""
    now = datetime.now(UTC)
    as_of = periods.parse_instant(arguments.as_of) if arguments.as_of else now
    batch.refuse_future(as_of, now)
    periods.month_of(arguments.month, "--month")
    periods.window(arguments.month, as_of, None, ledger_absent=True)  # refuses a month without a complete day
    project = load_project(arguments)
    wanted = project.registry.read_by_investors()
    if not wanted:
        raise UsageError("no pipeline is marked `investors`", where=str(registry.MARKER), do="mark those they read")
    warehouse = warehouse_to_fill(arguments, project)
    steps = plan(project, warehouse, wanted, arguments.month, as_of)
    refuse_to_go_back(project, warehouse, steps)
    warehouse.prepare()
    last_roster.keep(warehouse, project.root, project.registry)
    runs, untried = rehearse(warehouse, steps, arguments)
    known = Snapshot(at=as_of, waivers=incidents.in_force(warehouse), observations=_observed(warehouse))
    by_pipeline: dict[str, list[RunRecord]] = defaultdict(list)
    for run in runs:
        by_pipeline[run.pipeline].append(run)
    answer = Prevalidation(
        month=arguments.month,
        as_of=as_of,
        given=datetime.now(UTC),
        today=as_of.astimezone(project.roster.zone).date(),
        due=due_day(project, wanted, arguments.month),
        pipelines=[
            prevalidation.readiness(name, by_pipeline[name], untried.get(name, {}), known.waivers) for name in wanted
        ],
    )
    earlier = known_facts.prevalidations(warehouse, arguments.month)
    house = house_of(project.root, project.registry, project.roster, project.settings)
    red = [one for one in _red(known, runs) if not known.paused(one)]
    baseline = prevalidation.compared_with(answer, earlier)
    shown = Shown(
        answer=answer,
        aids=_aids(house, answer, runs, red),
        pending=_pending(project, runs),
        countdown=prevalidation.burn_down(answer, earlier),
        changed=prevalidation.changes(answer, baseline) if baseline else None,
    )
    site = None if arguments.no_docs else arguments.docs or docs_folder(arguments.warehouse, project)
    problems = _kept(warehouse, house, project, answer, shown.lines, site)
    if site is not None:
        problems += after_verdict.write_levels(project, warehouse, site) + _docs(project, site, runs)
    problems += alerting.tell_of(project, warehouse, runs)
    _print(arguments, shown, runs)
    for problem in problems:
        console.note(f"dq: {problem}")
    code = answer.state.exit_code
    return 4 if problems and code == 0 else code


def plan(
    project: projects.Project, warehouse: store.Warehouse, wanted: Sequence[str], month: str, as_of: datetime
) -> list[Step]:
    """The runs that are rehearsed, each after those it is built on."""

    anchor, there = project.roster.model.rotation.anchor, partial(batch.published, warehouse)
    steps = batch.all_of(project.registry, month, as_of, anchor, there, running_on=True)
    return [step for step in steps if step.pipeline in wanted]


def refuse_to_go_back(project: projects.Project, warehouse: store.Warehouse, steps: Sequence[Step]) -> None:
    """Refuse an instant before that as of which something judged is published: its run would be refused, too."""
    for step in steps:
        grain = project.registry.pipelines[step.pipeline].grain
        try:
            commit = warehouse.table(step.pipeline).current()
            published = commit.entries if commit else {}
            entries = [
                published[period]
                for period in published
                if store.covers(step.period, period) and periods.days_of(period, grain)[0] < step.as_of.date()
            ]
        except StoreError:  # its rehearsal tells of that, and the others are judged
            continue
        later = [entry.as_of for entry in entries if entry.as_of and entry.as_of > step.as_of]
        if later:
            raise UsageError(
                f"{step.pipeline} {step.period} is published as of {max(later):%Y-%m-%dT%H:%M:%SZ} already; "
                f"a pre-validation as of {step.as_of:%Y-%m-%dT%H:%M:%SZ} would go back",
                where="--as-of",
                expected=f"an instant from {max(later):%Y-%m-%dT%H:%M:%SZ} on",
            )


def rehearse(
    warehouse: store.Warehouse, steps: Sequence[Step], arguments: argparse.Namespace
) -> tuple[list[RunRecord], dict[str, dict[str, str]]]:
    """The records of the runs in a clone of the warehouse, and by pipeline and period why one was not tried."""
    from dq.cli.batch import Session

    with store.cloned(warehouse, (run_records.KIND, waivers.KIND, incidents.KIND, last_roster.KIND)) as folder:
        places = Places(warehouse=folder, sources=arguments.sources, no_docs=True)
        telling = alerting.Telling.NOBODY
        session = Session(steps=steps, places=places, format="json", held_runs=True, telling=telling)
        with terminable():
            try:
                session.run()
            except (KeyboardInterrupt, Terminated) as stopped:
                session.stopped = exit_code(stopped)
    if session.stopped:
        console.note("dq: stopped; nothing was published and no answer was kept")
        raise SystemExit(session.stopped)
    untried: dict[str, dict[str, str]] = defaultdict(dict)
    for one in session.ended.values():
        if one.record is None:
            untried[one.step.pipeline][one.step.period] = one.not_tried or "the run was refused"
    return [replace(run, rehearsal=True) for run in session.records], untried


def due_day(project: projects.Project, wanted: Sequence[str], month: str) -> date:
    """The first day by which a level wants the month pre-validated, or the month's last day without such a level."""
    days = periods.days_of(month)
    zone = project.roster.zone
    found = []
    for name in wanted:
        for level in project.bound[name].page.front.levels:
            if level.met_by == "pre_validated":
                moment = deadline(level, roster=project.roster, days=days, first_failed=datetime.now(UTC))
                found.append(moment.astimezone(zone).date() if isinstance(moment, datetime) else moment)
    return min((day for day in found if day is not None), default=days[1])


def _kept(
    warehouse: store.Warehouse,
    house: House,
    project: projects.Project,
    answer: Prevalidation,
    lines: Sequence[str],
    site: Path | None,
) -> list[str]:
    """Hand the answer over to its readers, then keep it: only what is on its way was given in time."""
    if site is not None:
        page = alerting.ClosePage(
            site=site,
            name=f"{answer.month}-{answer.as_of:%Y%m%dt%H%M%Sz}",
            title=f"Pre-validation of {answer.month}: {answer.state.value}",
            summary=f"As of {answer.as_of:%Y-%m-%d %H:%M} UTC: {answer.state.value}. Nothing was published by it.",
            lines=lines,
        )
        try:
            alerting.hand_over_close(warehouse, house, project.registry, answer.month, answer.as_of, page)
        except Exception as failure:  # whatever delivery does, the answer stands
            return [f"the answer was neither handed over nor kept: {sentence(failure)}"]
    try:
        warehouse.records.put(known_facts.PREVALIDATIONS, answer.name, prevalidation.to_json(answer))
    except DqError as failure:
        return [f"the answer was not kept: {failure}"]
    return []


def _docs(project: projects.Project, site: Path, runs: Sequence[RunRecord]) -> list[str]:
    try:
        for run in runs:
            after_verdict.publish_docs(project, site, run)
    except (Exception, SystemExit) as failure:  # whatever a renderer does, the answer stands
        return [f"the data docs were not published: {sentence(failure)}"]
    return []


def _print(arguments: argparse.Namespace, shown: Shown, runs: Sequence[RunRecord]) -> None:
    if arguments.format != "text":
        console.out(render(shown, runs, arguments.format))
        return
    console.out("\n".join(clean.text(line) for line in shown.lines))
    for run in runs:
        if arguments.cards and (not run.verdict.published or any(map(_warns, run.results))):
            console.out("")
            console.out(show.render(run, width=console.width(), colour=console.colour()))


def _warns(result: CheckResult) -> bool:
    return prevalidation.light(result) is Light.WARNED


def _aids(
    house: House,
    answer: Prevalidation,
    runs: Sequence[RunRecord],
    red: Sequence[Incident],
) -> dict[str, Aid]:
    """The help for each pipeline that is not ready; ``red`` are the open incidents that no waiver pauses."""
    found = {}
    for one in answer.pipelines:
        if one.state is AnswerState.READY:
            continue
        owner = next((line for run in runs if run.pipeline == one.pipeline for line in _worst(run)), "")
        own = [incident for incident in red if incident.pipeline == one.pipeline]
        about = one.periods or [answer.month]
        found[one.pipeline] = aid(house, one.pipeline, about, own, answer.as_of, owner)
    return found


def _observed(warehouse: store.Warehouse) -> list[Observation]:
    try:
        return incidents.observations(warehouse)
    except DqError as failure:
        console.note(f"dq: when the failures began is not known: {failure}")
        return []


def _red(known: Snapshot, runs: Sequence[RunRecord]) -> list[Incident]:
    """The incidents that are open with what these runs found, each since its first failure."""
    about = {(run.pipeline, run.period) for run in runs}
    found = known.observed(map(incidents.observed, runs)).incidents.values()
    # A day that is red since a run of its own is part of the month that is rehearsed.
    return [
        one
        for one in found
        if one.open and any(one.pipeline == name and store.covers(period, one.period) for name, period in about)
    ]


def _worst(run: RunRecord) -> Iterator[str]:
    """The owner's line of the run's failed checks, critical ones first."""
    failed = [r for r in run.results if r.outcome in (Outcome.FAILED, Outcome.ERRORED) and r.check in run.guidance]
    for result in sorted(failed, key=lambda r: r.severity is not Severity.CRITICAL):
        yield owner_line(run.guidance[result.check])


def _pending(project: projects.Project, runs: Sequence[RunRecord]) -> Mapping[str, list[str]]:
    """The checks that are not due yet, by what they wait for and until when."""
    found: dict[str, list[str]] = defaultdict(list)
    for run in runs:
        bound = project.bound[run.pipeline]
        when = {check.check: check.when for check in bound.all_checks}
        last = periods.last_day(periods.days_of(run.period, bound.pipeline.grain)[1])
        final = scheduled_as_of(bound.pipeline.scheduled, project.roster.calendar, run.period, bound.pipeline.grain)
        for result in run.results:
            if result.outcome is not Outcome.NOT_RUN or not when.get(result.check):
                continue
            if Kind.PRELIMINARY in when[result.check]:
                found[f"until {prevalidation_text.day(last)} (preliminary)"].append(result.check)
            else:
                day = prevalidation_text.day(final.astimezone(project.roster.zone).date())
                found[f"until the books are closed (final, {day})"].append(result.check)
    return found
