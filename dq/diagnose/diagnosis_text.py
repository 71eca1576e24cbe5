"""A diagnosis as text for people and as a document for programs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from dq.base.model import Json
from dq.diagnose.diagnosis import Diagnosis, instant
from dq.diagnose.facts import Facts, Stage
from dq.diagnose.findings import Change, Finding, seconds, shown
from dq.diagnose.spark_settings import driver_heap, executor_heap

Sections = Mapping[str, str]
"""The runbook section of each cause, as its file below ``runbooks/``."""


def text(diagnosis: Diagnosis, sections: Sections) -> str:
    """The diagnosis in the order a person needs it: what killed it, what to change, what nearly did, the numbers."""
    facts = diagnosis.facts
    alive = "NO END" if facts.ended is None else "NO DEATH FOUND"
    head = "DIED" if diagnosis.died else "CANNOT TELL" if diagnosis.unknown else alive
    who = diagnosis.run or (f"{facts.name} ({facts.app})" if facts.name else "an application whose name is missing")
    lines = [f"{head}  {who}   {diagnosis.ending}"]
    for number, cause in enumerate(diagnosis.causes, start=1):
        lines += _finding(f"{number}. {cause.confidence.word.upper()}", cause, sections)
    if diagnosis.unrecognised:
        lines.append("  Not recognised, beside it:" if diagnosis.causes else "  Nothing recognised:")
        lines += [f"            {one}" for one in diagnosis.unrecognised]
    elif not diagnosis.causes:
        lines.append("  Nothing recognised.")
    for one in diagnosis.strains:
        lines += _finding("STRAIN", one, sections)
    lines += [f"  note      {note}" for note in diagnosis.notes]
    lines += _summary(facts)
    lines += [f"  {_stage(stage)}" for stage in diagnosis.stages]
    return "\n".join(_printable(line) for line in lines)


def _printable(line: str) -> str:
    """A line without characters that could move the cursor of a terminal or begin another line."""
    return line if line.isprintable() else "".join(one if one.isprintable() else "?" for one in line)


def _finding(label: str, finding: Finding, sections: Sections) -> list[str]:
    lines = [f"  {label}  {finding.cause}: {finding.title}"]
    lines += [f"            {'seen' if n == 0 else '':<9} {one}" for n, one in enumerate(finding.evidence)]
    lines += [f"            {'try' if n == 0 else '':<9} {_change(one)}" for n, one in enumerate(finding.changes)]
    if sections.get(finding.cause):
        lines.append(f"            {'runbook':<9} {sections[finding.cause]}")
    return lines


def _change(change: Change) -> str:
    if not change.setting:
        return change.why
    now = f" (now {change.now})" if change.now else ""
    told = f"{change.setting}: {change.value}" if " " in change.value else f"{change.setting}={change.value}"
    return f"{told}{now}: {change.why}"


def _summary(facts: Facts) -> list[str]:
    run, collecting = facts.run_seconds, facts.gc_seconds
    parts = [
        f"{facts.tasks:,} tasks in {len(facts.stages) + facts.others:,} stages, {facts.failed_tasks:,} failed, "
        f"{facts.killed_tasks:,} killed, {len(facts.lost_executors)} executors lost",
        f"garbage collection {collecting / run:.0%} of {seconds(run)} of task time" if run else "no task time recorded",
        f"spilled to disk {shown(facts.spilled_disk)}",
    ]
    driver = facts.executors["driver"].peak_heap if "driver" in facts.executors and not facts.local else 0
    for who, peak, heap in (
        ("", facts.peak_heap, executor_heap(facts)),
        (" of the driver", driver, driver_heap(facts)),
    ):
        if peak:
            parts.append(f"peak heap{who} {shown(peak)}" + (f" of {shown(heap)}" if facts.settings_known else ""))
    return [f"  {'whole' if n == 0 else '':<9} {part}" for n, part in enumerate(parts)]


def _stage(stage: Stage) -> str:
    times, sizes = stage.seconds, stage.bytes_read
    read = f", read {shown(sizes.largest)} at most, median {shown(sizes.median)}" if sizes.total else ""
    return (
        f"{'stage':<9} {stage.stage}.{stage.attempt} {stage.name}: {times.count:,} of {stage.tasks:,} tasks, "
        f"longest {seconds(times.largest)}, median {seconds(times.median)}{read}"
    )


def document(diagnosis: Diagnosis, sections: Sections) -> dict[str, Json]:
    """The diagnosis as JSON; sizes in bytes, times in seconds, instants in UTC."""
    facts = diagnosis.facts

    def told(finding: Finding) -> dict[str, Json]:
        return {
            "cause": finding.cause,
            "title": finding.title,
            "confidence": finding.confidence.word,
            "class": finding.failure_class,
            "evidence": list(finding.evidence),
            "changes": [asdict(change) for change in finding.changes],
            "runbook": sections.get(finding.cause, ""),
        }

    began, ended = instant(facts.started), instant(facts.ended)
    return {
        "path": diagnosis.path,
        "application": facts.app,
        "name": facts.name,
        "spark": facts.spark_version,
        "run": diagnosis.run,
        "pipeline": diagnosis.pipeline,
        "period": diagnosis.period,
        "started": began.isoformat() if began else None,
        "ended": ended.isoformat() if ended else None,
        "ending": diagnosis.ending,
        "died": diagnosis.died,
        "unknown": diagnosis.unknown,
        "causes": [told(one) for one in diagnosis.causes],
        "strains": [told(one) for one in diagnosis.strains],
        "unrecognised": list(diagnosis.unrecognised),
        "notes": list(diagnosis.notes),
        "tasks": facts.tasks,
        "failed_tasks": facts.failed_tasks,
        "lost_executors": len(facts.lost_executors),
        "stages": [
            {
                "stage": stage.stage,
                "attempt": stage.attempt,
                "job": stage.job,
                "run": stage.group,
                "tasks": stage.tasks,
                "failed": stage.failed,
                "seconds": _spread(stage.seconds.largest, stage.seconds.median),
                "bytes_read": _spread(stage.bytes_read.largest, stage.bytes_read.median),
                "rows_read": _spread(stage.rows_read.largest, stage.rows_read.median),
                "spilled_disk": stage.spilled_disk,
                "gc_seconds": round(stage.gc_seconds, 3),
                "peak_memory": stage.peak_memory,
                "partitioned_by": list(stage.keys),
            }
            for stage in diagnosis.stages
        ],
    }


def _spread(largest: float, median: float) -> dict[str, Json]:
    return {"max": round(largest, 3), "median": round(median, 3)}
