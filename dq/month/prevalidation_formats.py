"""A pre-validation for programs and pages: JSON, JUnit XML, workflow commands, Markdown, before the runs it rests on.

Each says per pipeline whether it is ready, what failed, whose it is, what is due and how long that is, and who hears
next; of all together the countdown, what changed and what is pending.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from xml.etree import ElementTree

from dq import show
from dq.base import clean, serialize
from dq.base.model import Json, RunRecord
from dq.base.serialize import instant
from dq.month import prevalidation, prevalidation_text
from dq.month.next_steps import Aid
from dq.month.prevalidation import AnswerState, Changes, Prevalidation
from dq.show.github import command
from dq.show.junit import together
from dq.show.markdown import escape

_LEVELS = {AnswerState.READY: "notice", AnswerState.NOT_READY: "error", AnswerState.CANNOT_TELL: "error"}
_FACTS = ("red", "warns", "why", "owner", "due", "next")


@dataclass(frozen=True, kw_only=True)
class Shown:
    """An answer and what stands beside it: ``aids`` by pipeline, ``pending`` checks by what they wait for.

    ``countdown`` are the days of it that have come, each with its answer, ``changed`` what moved since an earlier one.
    """

    answer: Prevalidation
    aids: Mapping[str, Aid] = field(default_factory=dict)
    pending: Mapping[str, Sequence[str]] = field(default_factory=dict)
    countdown: Sequence[tuple[int, date, Prevalidation | None]] = ()
    changed: Changes | None = None

    @property
    def lines(self) -> list[str]:
        """The whole answer as people read it."""
        return prevalidation_text.lines(self.answer, self.aids, self.pending, self.countdown, self.changed)

    @property
    def remarks(self) -> list[str]:
        """What is said of all pipelines together."""
        return prevalidation_text.remarks(self.answer, self.pending, self.countdown, self.changed)


def render(shown: Shown, runs: Sequence[RunRecord], format: str) -> str:
    """The answer and its runs in a format of ``reports.FORMATS`` but text; of Great Expectations' own only the runs."""
    if format == "json":
        whole = {**document(shown), "runs": json.loads(show.render_all(runs, "json"))}
        return json.dumps(whole, allow_nan=False, indent=2, sort_keys=True)
    cleaned = clean.value(shown)
    if format == "junit":
        return together([clean.record(run) for run in runs], [_suite(cleaned)])
    if format == "github":
        return "\n".join(_commands(cleaned)) + "\n" + show.render_all(runs, format)
    if format == "markdown":
        return "\n".join(_markdown(cleaned)) + "\n\n" + show.render_all(runs, format)
    return show.render_all(runs, format)


def document(shown: Shown) -> dict[str, Json]:
    """What the text says, for programs."""
    return {
        "prevalidation": prevalidation.to_json(shown.answer),
        "help": {name: serialize.plain(one) for name, one in shown.aids.items()},
        "pending": {what: sorted(set(checks)) for what, checks in shown.pending.items()},
        "countdown": [
            {
                "days_left": days,
                "day": day.isoformat(),
                "as_of": one.as_of.isoformat() if one else None,
                "state": one.state.value if one else None,
                "controls": {light.value: count for light, count in one.counts.items()} if one else None,
            }
            for days, day, one in shown.countdown
        ],
        "changes": _changes(shown.changed) if shown.changed else None,
    }


def _changes(changed: Changes) -> dict[str, Json]:
    return {
        "since": changed.since.as_of.isoformat(),
        "became_red": [*changed.worse],
        "no_longer_red": [*changed.better],
        "states": [{"pipeline": name, "was": was.value, "is": now.value} for name, was, now in changed.states],
    }


def _suite(shown: Shown) -> ElementTree.Element:
    """A suite with a case per pipeline: not ready is a failure, what cannot be told an error."""
    answer, states = shown.answer, [one.state for one in shown.answer.pipelines]
    name = f"prevalidation {answer.month}"
    at = instant(answer.as_of.replace(microsecond=0)).removesuffix("Z")
    suite = ElementTree.Element("testsuite", name=name, timestamp=at, time="0")
    for one in answer.pipelines:
        case = ElementTree.SubElement(suite, "testcase", name=one.pipeline, classname=name, time="0")
        told = "\n".join(
            f"{key}: {value}" for key, value in prevalidation_text.facts(one, shown.aids.get(one.pipeline))
        )
        if one.state is not AnswerState.READY:
            tag = "failure" if one.state is AnswerState.NOT_READY else "error"
            found = ElementTree.SubElement(case, tag, type=one.state.value, message=prevalidation_text.numbers(one))
            found.text = told
        elif told:
            ElementTree.SubElement(case, "system-out").text = told
    ElementTree.SubElement(suite, "system-out").text = "\n".join([prevalidation_text.headline(answer), *shown.remarks])
    suite.attrib.update(
        tests=str(len(states)),
        failures=str(states.count(AnswerState.NOT_READY)),
        errors=str(states.count(AnswerState.CANNOT_TELL)),
        skipped="0",
    )
    return suite


def _commands(shown: Shown) -> Iterator[str]:
    answer = shown.answer
    message = "\n".join([prevalidation_text.headline(answer), *shown.remarks])
    yield command(_LEVELS[answer.state], message, title=f"{answer.state.upper()}: pre-validation of {answer.month}")
    for one in answer.pipelines:
        facts = [f"{key}: {value}" for key, value in prevalidation_text.facts(one, shown.aids.get(one.pipeline))]
        title = f"{one.state.upper()}: {one.pipeline} {answer.month}"
        yield command(_LEVELS[one.state], "\n".join([prevalidation_text.numbers(one), *facts]), title=title)


def _markdown(shown: Shown) -> Iterator[str]:
    yield f"## {escape(prevalidation_text.headline(shown.answer))}"
    yield ""
    yield "| Pipeline | State | Controls | Red | Warns | Why | Owner | Due | Next |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for one in shown.answer.pipelines:
        facts = dict(prevalidation_text.facts(one, shown.aids.get(one.pipeline)))
        cells = (
            one.pipeline,
            one.state.upper(),
            prevalidation_text.numbers(one),
            *(facts.get(key, "") for key in _FACTS),
        )
        yield "| " + " | ".join(escape(cell) or "–" for cell in cells) + " |"
    for remark in shown.remarks:
        yield ""
        yield escape(remark)
