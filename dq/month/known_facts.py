"""What service levels are judged on, read from the warehouse: publications, pre-validations, and what was judged."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from dq import store
from dq.base.errors import DqError
from dq.month import attainment, close_report, prevalidation
from dq.month.attainment import Attainment, Happened, Publication, Red
from dq.month.close_report import Closing
from dq.month.prevalidation import AnswerState, Prevalidation

PREVALIDATIONS = "prevalidations"
LEVELS = "levels"
CLOSES = "closes"
log = logging.getLogger("dq.month")


def prevalidations(warehouse: store.Warehouse, month: str = "") -> list[Prevalidation]:
    """The answers given for a month, or for all; one that cannot be read is left out with a warning."""
    found = []
    for name in warehouse.records.list(PREVALIDATIONS, f"{month}-" if month else ""):
        document = warehouse.records.get(PREVALIDATIONS, name)
        try:
            if document is not None:
                found.append(prevalidation.from_json(document))
        except (KeyError, ValueError):
            log.warning("the pre-validation %s cannot be read and is left out", name)
    return found


def closes(warehouse: store.Warehouse, since: str) -> list[Closing]:
    """What was said of the close of each month from one on; one that cannot be read is left out."""
    found = []
    for name in warehouse.records.list(CLOSES):
        document = warehouse.records.get(CLOSES, name) if name >= since else None
        with suppress(DqError, KeyError):
            found += [close_report.from_json(document, name)] if document is not None else []
    return found


def facts(
    warehouse: store.Warehouse,
    pipeline: str,
    answers: Sequence[Prevalidation],
    reds: Iterable[Red],
    since: datetime | None = None,
) -> Happened:
    """What happened to one pipeline; what was withdrawn since was published all the same.

    With ``since`` older commits are not read: of what they published only what readers still see is known, and that it
    was there by then.
    """
    table = warehouse.table(pipeline)
    publications, read = [], set()
    for commit in table.log(since):
        read.add(commit.version)
        for period in commit.changed:
            entry = commit.entries.get(period)
            if entry is not None and entry.version == commit.version:
                publications.append(Publication(period=period, kind=entry.kind, at=commit.committed))
    current = table.current() if since else None
    for entry in current.entries.values() if current else ():
        if since and entry.version not in read:
            publications.append(Publication(period=entry.period, kind=entry.kind, at=since))
    return Happened(publications=publications, answers=answered(pipeline, answers), reds=[*reds])


def answered(pipeline: str, answers: Iterable[Prevalidation]) -> dict[str, dict[datetime, bool]]:
    """By month and instant whether a pipeline was found ready."""
    found: dict[str, dict[datetime, bool]] = defaultdict(dict)
    for answer in answers:
        for one in answer.pipelines:
            if one.pipeline == pipeline:
                found[answer.month][answer.given] = one.state is AnswerState.READY
    return found


def decided(warehouse: store.Warehouse, since: datetime) -> list[Attainment]:
    """What was kept of the levels due from an instant on; one that cannot be read is left out with a warning."""
    found = []
    for name, document in warehouse.records.all(LEVELS).items():
        try:
            one = attainment.from_json(document)
        except (KeyError, ValueError):
            log.warning("the level %s cannot be read and is left out", name)
            continue
        found += [one] if one.due >= since else []
    return found


def kept(warehouse: store.Warehouse, found: Sequence[Attainment]) -> list[Attainment]:
    """Keep what is decided the first time it is seen, and give back what was kept then: levels change, history not."""
    known = set(warehouse.records.list(LEVELS))
    result = []
    for one in found:
        document = warehouse.records.get(LEVELS, one.name) if one.name in known else None
        if document is not None:
            result.append(attainment.from_json(document))
            continue
        if one.state is not attainment.LevelState.OPEN and one.settled:
            warehouse.records.put(LEVELS, one.name, attainment.to_json(one))
        result.append(one)
    return result
