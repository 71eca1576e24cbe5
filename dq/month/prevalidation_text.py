"""A pre-validation as people read it: a line per pipeline, what is red and whose, the countdown, and what changed."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dq.month.prevalidation import AnswerState, Changes, Light, Prevalidation, Readiness
from dq.people.levels import left, show

if TYPE_CHECKING:
    from dq.month.next_steps import Aid

RED = (Light.RED, Light.ERRORED)
WIDTH = 120
"""Columns of a line with names of checks, which goes on below where they are many."""


def lines(
    now: Prevalidation,
    aids: Mapping[str, Aid],
    pending: Mapping[str, Sequence[str]],
    countdown: Sequence[tuple[int, date, Prevalidation | None]],
    changed: Changes | None,
) -> list[str]:
    """The whole answer; ``aids`` by pipeline, ``pending`` the checks by what they wait for."""
    found = [headline(now), ""]
    width = max((len(one.pipeline) for one in now.pipelines), default=0)
    for one in now.pipelines:
        found += _pipeline(one, aids.get(one.pipeline), width)
    found.append("")
    for remark in remarks(now, pending, countdown, changed):
        found += _wrapped(remark) if remark.startswith(("since ", "pending ")) else [remark]
    return found


def remarks(
    now: Prevalidation,
    pending: Mapping[str, Sequence[str]],
    countdown: Sequence[tuple[int, date, Prevalidation | None]],
    changed: Changes | None,
) -> list[str]:
    """What is said of all pipelines together, a line each: what it means, the countdown, changes, what is pending."""
    found = [_decision(now)]
    if countdown:
        found.append("countdown: " + "; ".join(_countdown(*row) for row in countdown))
    if changed is not None:
        found += _changes(changed, now)
    return [*found, *(f"pending {what}: {', '.join(sorted(set(checks)))}" for what, checks in pending.items())]


def day(value: date) -> str:
    """A day as ``Wed 25 Nov``."""
    return show(value, datetime.combine(value, time(), UTC), ZoneInfo("UTC"))


def headline(now: Prevalidation) -> str:
    """What it is, as of when, the whole answer, and when it is due."""
    due = f"due {day(now.due)}, {left(now.days_left)}"
    return f"pre-validation of {now.month} as of {now.as_of:%Y-%m-%dT%H:%MZ}: {now.state.upper()}   {due}"


def numbers(one: Readiness) -> str:
    """How many controls of a pipeline are green, and in which other states."""
    counts = one.counts
    others = (Light.ERRORED, Light.RED, Light.WARNED, Light.WAIVED, Light.PENDING)
    told = [_count(counts[light], light) for light in others if counts[light]]
    return ", ".join([f"{counts[Light.GREEN]} of {counts.total()} controls green", *told])


def facts(one: Readiness, aid: Aid | None) -> list[tuple[str, str]]:
    """What is to be known of a pipeline, each with a word for it: what failed, whose it is, what is due, who hears."""
    found = [("red", ", ".join(one.of(*RED))), ("warns", ", ".join(one.of(Light.WARNED)))]
    if aid is not None:
        found += [("why", one.why), ("owner", aid.owner), ("due", aid.due), ("next", aid.next)]
    return [(name, told) for name, told in found if told]


def _pipeline(one: Readiness, aid: Aid | None, width: int) -> list[str]:
    found = [f"  {one.state.upper():11}  {one.pipeline:{width}}  {numbers(one)}"]
    for name, told in facts(one, aid):
        line = f"{' ' * 15}{name:5}  {told}"
        found += _wrapped(line, len(line) - len(told)) if name in ("red", "warns") else [line]
    return found


def _decision(now: Prevalidation) -> str:
    counts = now.counts
    red = counts[Light.RED] + counts[Light.ERRORED]
    warned = _count(counts[Light.WARNED], Light.WARNED)
    numbers = f"{counts[Light.GREEN]} of {counts.total()} controls green, {counts[Light.PENDING]} pending"
    if now.state is AnswerState.READY and counts[Light.WAIVED]:
        return f"{numbers}: everything due is green, or waived ({counts[Light.WAIVED]})"
    if now.state is AnswerState.READY:
        return f"{numbers}: everything due is green"
    open_ = sum(1 for one in now.pipelines if one.state is not AnswerState.READY)
    numbers += f", {red} red or not evaluated" + (f", {warned}" if counts[Light.WARNED] else "")
    what = f"{numbers}; {open_} of {len(now.pipelines)} pipelines not ready"
    if now.days_left > 0:
        return f"{what}; {left(now.days_left)} to fix them"
    return f"{what}; decided today" if now.days_left == 0 else f"{what}; past the day it was due, escalated as above"


def _countdown(left_: int, on: date, answer: Prevalidation | None) -> str:
    name = f"T-{left_} {day(on)}"
    if answer is None:
        return f"{name} not asked"
    counts = answer.counts
    name += f" {answer.state.upper()}" if left_ == 0 else ""  # it decides
    warned = f", {_count(counts[Light.WARNED], Light.WARNED)}" if counts[Light.WARNED] else ""
    return f"{name} {counts[Light.GREEN]} of {counts.total()} green, {sum(counts[one] for one in RED)} red{warned}"


def _changes(changed: Changes, now: Prevalidation) -> list[str]:
    since = f"since {day(changed.since.today)}"
    if not (changed.worse or changed.better or changed.states):
        return [f"{since}: nothing changed"]
    moved = [f"{name} was {was}, is {is_}" for name, was, is_ in changed.states]
    found = [f"{since}: {'; '.join(moved)}"] if moved else []
    if changed.worse:
        found.append(f"{since} became red: {', '.join(changed.worse)}")
    if changed.better:
        known = {f"{one.pipeline} {check}": light for one in now.pipelines for check, light in one.controls.items()}
        named = [f"{one} ({known.get(one, 'gone')})" for one in changed.better]
        found.append(f"{since} no longer red: {', '.join(named)}")
    return found


def _count(number: int, light: Light) -> str:
    return f"{number} {light}{'s' if light is Light.WARNED and number > 1 else ''}"


def _wrapped(whole: str, head: int | None = None) -> list[str]:
    """A line, going on under what it is about where it is too long."""
    head = whole.find(": ") + len(": ") if head is None else head
    margin = " " * min(head, 22)
    return textwrap.wrap(whole, WIDTH, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False)
