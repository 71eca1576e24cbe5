"""The versions of the calculation rules a run used: a step at a declared date is explained, one without is not."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from dq import store
from dq.base import periods
from dq.base.model import Check, CheckResult, Evidence, Json, Outcome, Window
from dq.checks.check_results import result_of
from dq.declare.binding import Bound
from dq.declare.project import Project

COVERED = "expect_rules_to_cover_days"
CHANGED = "expect_rules_to_stay"
VERSIONED = "expect_rules_to_be_versioned"
# What a rule says beside what it does; rewording a sentence changes no figure.
_WORDS = ("reason", "description", "notes")
_USED = "rules."


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a rule: the day it is in force from, and a hash over what it does."""

    rule: str
    version: str
    effective_from: date
    reason: str
    hash: str

    @property
    def name(self) -> str:
        """Rule and version as people say them."""
        return f"{self.rule} {self.version}"


def versions(rules: Mapping[str, Json], rule: str) -> list[Version]:
    """The declared versions of a rule, oldest first."""
    declared = rules.get(rule)
    found = [_version(rule, one) for one in declared if isinstance(one, Mapping)] if isinstance(declared, list) else []
    return sorted(found, key=lambda one: one.effective_from)


def _version(rule: str, declared: Mapping[str, Json]) -> Version:
    does = {name: value for name, value in declared.items() if name not in _WORDS}
    return Version(
        rule=rule,
        version=str(declared["version"]),
        effective_from=date.fromisoformat(str(declared["effective_from"])),
        reason=str(declared.get("reason", "")),
        hash=hashlib.sha256(json.dumps(does, sort_keys=True).encode()).hexdigest(),
    )


def in_force(declared: Sequence[Version], first: date, last: date) -> list[Version]:
    """The versions that are in force on some day between two, oldest first."""
    ends = [one.effective_from - timedelta(days=1) for one in declared[1:]]
    return [
        one for one, end in zip(declared, [*ends, last], strict=True) if one.effective_from <= last and end >= first
    ]


def used(project: Project, bound: Bound, window: Window) -> dict[str, str]:
    """What the manifest keeps of a run's rules: the hash of every version in force in the month so far."""
    found = [
        one
        for rule in bound.pipeline.rules
        for one in in_force(versions(project.rules, rule), window.month_start, window.data_through)
    ]
    return {store.measured(window.period, f"{_USED}{one.rule}.{one.version}"): one.hash for one in found}


def judge(project: Project, bound: Bound, window: Window, table: store.Table) -> list[CheckResult]:
    """The results of the checks on rules, against what is published for the period itself and for the one before."""
    earlier, same = _published(table, window)
    rules = {rule: versions(project.rules, rule) for rule in bound.pipeline.rules}
    results = []
    for check in bound.run_checks.values():
        if check.type == COVERED:
            told = [text for rule, declared in rules.items() for text in uncovered(rule, declared, window.month_start)]
            results.append(_result(check, told, f"in force from {window.month_start} on: {', '.join(rules)}"))
        if check.type == CHANGED:
            since = earlier.data_through + timedelta(days=1) if earlier else window.start
            told = [text for declared in rules.values() for text in steps(declared, min(since, window.start), window)]
            now = [one for declared in rules.values() for one in in_force(declared, window.start, window.data_through)]
            stays = ", ".join(f"{one.name} since {one.effective_from}" for one in now)
            results.append(_result(check, told, f"in force throughout: {stays}"))
        if check.type == VERSIONED:
            entries = [entry for entry in (earlier, same) if entry]
            told = [
                text for entry in entries for rule, declared in rules.items() for text in silent(rule, declared, entry)
            ]
            periods_told = " and ".join(entry.period for entry in entries) or "no period"
            results.append(_result(check, told, f"{periods_told} published by rules that are declared as they were"))
    return results


def uncovered(rule: str, declared: Sequence[Version], first: date) -> list[str]:
    """The rule that is not in force yet on the first day that is computed, as a sentence with what to declare."""
    if declared and declared[0].effective_from <= first:
        return []
    begins = f"begins on {declared[0].effective_from} ({declared[0].version})" if declared else "has no version"
    return [
        f"the rule {rule} {begins}, yet days from {first} on are computed; declare in jobs/rules.yml by which version "
        "they are, or begin with a later month"
    ]


def steps(declared: Sequence[Version], since: date, window: Window) -> list[str]:
    """The versions that came into force from a day through the last day covered, as sentences with their dates."""
    found = []
    for older, newer in pairwise(declared):
        if since <= newer.effective_from <= window.data_through:
            why = f": {newer.reason}" if newer.reason else ""
            found.append(f"{newer.name} is in force from {newer.effective_from}, {older.version} before{why}")
    return found


def silent(rule: str, declared: Sequence[Version], entry: store.PeriodEntry) -> list[str]:
    """What was changed under published figures: a version edited in place, taken away, or put in front of them."""
    recorded = _recorded(rule, entry)
    if not recorded:
        return []
    known = {one.version: one for one in declared}
    found = []
    for version, was in sorted(recorded.items()):
        if version not in known:
            found.append(f"{rule} {version}, by which {entry.period} was published, is no longer declared")
        elif known[version].hash != was:
            found.append(
                f"{rule} {version} was edited after {entry.period} was published by it: a step without an effective "
                "date"
            )
    first = periods.days_of(entry.period)[0].replace(day=1)
    found += [
        f"{one.name} is in force from {one.effective_from}, yet {entry.period} was published by "
        f"{' and '.join(sorted(recorded))}"
        for one in in_force(declared, first, entry.data_through)
        if one.version not in recorded
    ]
    return found


def _result(check: Check, problems: Sequence[str], passed: str) -> CheckResult:
    return result_of(
        check,
        Outcome.FAILED if problems else Outcome.PASSED,
        observed="; ".join(problems) or passed,
        evidence=Evidence.RUN,
        measures={"unexpected_count": len(problems)},
    )


def _published(table: store.Table, window: Window) -> tuple[store.PeriodEntry | None, store.PeriodEntry | None]:
    """The newest entry of an earlier period as published as of the window's instant, and the newest of its own."""
    commit = table.current()
    there = commit.entries if commit else {}
    entries = table.known(window.as_of, [period for period in there if period < window.period])
    earlier = max(entries, default=None)
    own = [entry for period, entry in there.items() if period.startswith(window.period)]
    return entries[earlier] if earlier else None, max(own, key=lambda entry: entry.version, default=None)


def _recorded(rule: str, entry: store.PeriodEntry) -> dict[str, str]:
    """The versions of a rule that an entry was published by, each with the hash it had."""
    found = {}
    for key, value in entry.measures.items():
        _, _, name = key.partition(":")
        if name.startswith(f"{_USED}{rule}."):
            found[name.removeprefix(f"{_USED}{rule}.")] = str(value)
    return found
