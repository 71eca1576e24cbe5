"""A pre-validation as people read it: a line per pipeline, what is red and whose, the countdown, and what changed."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from dq.close.prevalidation import Changes, Light, Prevalidation, Readiness, State
from dq.people.levels import show

if TYPE_CHECKING:
    from dq.close.aids import Aid

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
    found = [_headline(now), ""]
    width = max((len(one.pipeline) for one in now.pipelines), default=0)
    for one in now.pipelines:
        found += _pipeline(one, aids.get(one.pipeline), width)
    found += ["", _decision(now)]
    if countdown:
        found.append("countdown: " + "; ".join(_countdown(*row) for row in countdown))
    if changed is not None:
        found += _changes(changed, now)
    for what, checks in pending.items():
        found += _list(f"pending {what}: ", sorted(set(checks)))
    return found


def day(value: date) -> str:
    """A day as ``Wed 25 Nov``."""
    return show(value, datetime.combine(value, time(), UTC), ZoneInfo("UTC"))


def left(days: int) -> str:
    """How long it is to a day, counted in calendar days."""
    if days == 0:
        return "today"
    many = "" if abs(days) == 1 else "s"
    return f"{days} day{many} left" if days > 0 else f"{-days} day{many} over"


def _headline(now: Prevalidation) -> str:
    due = f"due {day(now.due)}, {left(now.days_left)}"
    return f"pre-validation of {now.month} as of {now.as_of:%Y-%m-%dT%H:%MZ}: {now.state.upper()}   {due}"


def _pipeline(one: Readiness, aid: Aid | None, width: int) -> list[str]:
    counts = one.counts
    numbers = f"{counts[Light.GREEN]} of {counts.total()} controls green"
    others = (Light.ERRORED, Light.RED, Light.WARNED, Light.WAIVED, Light.PENDING)
    told = [_count(counts[light], light) for light in others if counts[light]]
    head = f"  {one.state.upper():11}  {one.pipeline:{width}}  " + ", ".join([numbers, *told])
    margin = " " * 15
    found = [head]
    if one.of(*RED):
        found += _list(f"{margin}red    ", one.of(*RED))
    if one.of(Light.WARNED):
        found += _list(f"{margin}warns  ", one.of(Light.WARNED))
    if aid is None:
        return found
    if one.why:
        found.append(f"{margin}why    {one.why}")
    for name, text in (("owner", aid.owner), ("due", aid.due), ("next", aid.next)):
        if text:
            found.append(f"{margin}{name:5}  {text}")
    return found


def _decision(now: Prevalidation) -> str:
    counts = now.counts
    red = counts[Light.RED] + counts[Light.ERRORED]
    warned = _count(counts[Light.WARNED], Light.WARNED)
    numbers = f"{counts[Light.GREEN]} of {counts.total()} controls green, {counts[Light.PENDING]} pending"
    if now.state is State.READY and counts[Light.WAIVED]:
        return f"{numbers}: everything due is green, or waived ({counts[Light.WAIVED]})"
    if now.state is State.READY:
        return f"{numbers}: everything due is green"
    open_ = sum(1 for one in now.pipelines if one.state is not State.READY)
    numbers += f", {red} red or not evaluated" + (f", {warned}" if counts[Light.WARNED] else "")
    what = f"{numbers}; {open_} of {len(now.pipelines)} pipelines not ready"
    if now.days_left > 0:
        return f"{what}; {left(now.days_left)} to mend them"
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
        found += _list(f"{since} became red: ", changed.worse)
    if changed.better:
        known = {f"{one.pipeline} {check}": light for one in now.pipelines for check, light in one.controls.items()}
        named = [f"{one} ({known.get(one, 'gone')})" for one in changed.better]
        found += _list(f"{since} no longer red: ", named)
    return found


def _count(number: int, light: Light) -> str:
    return f"{number} {light}{'s' if light is Light.WARNED and number > 1 else ''}"


def _list(head: str, names: Sequence[str]) -> list[str]:
    """All names after what is said of them, under one another where a line does not hold them."""
    margin = " " * min(len(head), 22)
    whole = head + ", ".join(names)
    return textwrap.wrap(whole, WIDTH, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False)
