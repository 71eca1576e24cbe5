"""A close as people read it: the verdict, then each pipeline with its figures, levels, incidents, waivers, changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from dq.month import level_history
from dq.month.attainment import Attainment, LevelState
from dq.month.close_report import Change, Closing, Line, MonthState, Waived
from dq.people.levels import show
from dq.show.card import amounts_in, day, replaced_line
from dq.show.markdown import escape

SHOWN = 3


def lines(now: Closing, zone: ZoneInfo) -> list[str]:
    """The whole report as plain text."""
    found = [headline(now, zone), ""]
    width = max((len(line.pipeline) for line in now.lines), default=0)
    for line in now.lines:
        found.append(f"  {_word(line):<13}  {line.pipeline:{width}}  {_figures(line, now, zone)}".rstrip())
        found += [f"{' ' * 17}{word:<8}{said}" for word, said in _facts(line, now, zone)]
    return [*found, "", decision(now, zone)]


def markdown(now: Closing, zone: ZoneInfo) -> str:
    """The same as a Markdown document."""
    found = [f"## {escape(headline(now, zone))}", "", escape(decision(now, zone))]
    for line in now.lines:
        found += ["", f"### {escape(line.pipeline)}: {escape(_word(line).lower())}", ""]
        told = [("published", _figures(line, now, zone)), *_facts(line, now, zone)]
        found += [f"- **{word}** {escape(said)}" for word, said in told if said]
    return "\n".join(found) + "\n"


def headline(now: Closing, zone: ZoneInfo) -> str:
    """The verdict in one line."""
    due = show(level_history.due(now.due, zone), now.at, zone)
    return f"close of {now.month} as of {now.at:%Y-%m-%dT%H:%MZ}: {now.state.upper()}   final by {due}"


def decision(now: Closing, zone: ZoneInfo) -> str:
    """What the verdict rests on: how many pipelines are final, what was late, what is open."""
    done = sum(line.done for line in now.lines)
    numbers = f"{done} of {len(now.lines)} pipelines are final"
    still = sum(len(line.open) for line in now.lines)
    left = f"{still} open incident{'' if still == 1 else 's'}" if still else "nothing is open"
    if old := [line.pipeline for line in now.lines if line.outdated]:
        left += f", {' and '.join(old)} {'is' if len(old) == 1 else 'are'} built on figures that were published anew"
    if now.state is MonthState.CLOSED:
        return f"{numbers}, all of them in time, and {left}: the month is closed"
    if now.state is MonthState.LATE:
        who = [f"{line.pipeline} ({_came(line, now, zone)})" for line in now.late]
        more = f" and {len(who) - SHOWN} more" if len(who) > SHOWN else ""
        return f"{numbers}, {left}; late: {', '.join(who[:SHOWN])}{more}"
    return f"{numbers}, {left}"


def _came(line: Line, now: Closing, zone: ZoneInfo) -> str:
    return f"came {show(line.settled, now.at, zone)}" if line.settled and line.done else "not final yet"


def _word(line: Line) -> str:
    if line.figures is None:
        return "NOT PUBLISHED"
    return "FINAL" if line.done else "NOT FINAL"


def _figures(line: Line, now: Closing, zone: ZoneInfo) -> str:
    found = line.figures
    if found is None:
        return ""
    told = [
        f"version {found.version}",
        found.kind.replace("_", " "),
        f"data through {day(found.data_through, now.month)}",
        f"as of {found.as_of:%Y-%m-%dT%H:%MZ}" if found.as_of else "",
        f"committed {show(found.committed, now.at, zone)}",
        f"partial, without {', '.join(found.partial)}" if found.partial else "",
    ]
    return ", ".join(filter(None, told))


def _facts(line: Line, now: Closing, zone: ZoneInfo) -> Iterator[tuple[str, str]]:
    """What stands under a pipeline, as pairs of a word and its text."""
    if line.missing and line.figures is not None:
        more = f" and {len(line.missing) - SHOWN} more" if len(line.missing) > SHOWN else ""
        yield "lacks", f"{', '.join(line.missing[:SHOWN])}{more}"
    for said in line.outdated:
        yield "stale", said
    for said in _levels(line.levels, now.at, zone):
        yield "level", said
    for red in line.reds:
        told = [f"{red.severity.upper()} {red.check} {red.period} since {show(red.since, now.at, zone)}"]
        told += [red.paused, red.next, red.runbook]
        yield ("paused" if red.paused else "open"), "; ".join(filter(None, told))
    for waiver in line.waivers:
        yield "waived", _waived(waiver)
    for change in line.changes:
        yield "change", _change(change, now, zone)
    for taken in line.taken:
        yield "taken", f"withdrawn {show(taken.at, now.at, zone)} by {taken.by}: {taken.reason}"
    yield "owner", f"{line.owner}; {line.on_call}"
    if line.due:
        yield "due", line.due
    if line.next:
        yield "next", line.next


def _levels(found: Sequence[Attainment], at: datetime, zone: ZoneInfo) -> Iterator[str]:
    """One text per level; of one that was due many times its count and the last time it was missed."""
    grouped: dict[str, list[Attainment]] = defaultdict(list)
    for one in found:
        grouped[one.label].append(one)
    for label, group in grouped.items():
        if len(group) == 1:
            yield f"{label}: {_state(group[0])}, {level_history.dates(group[0], at, zone)}"
            continue
        counts = [(met, sum(one.state is met for one in group)) for met in LevelState]
        missed = [one for one in group if one.state is LevelState.MISSED]
        last = f"; last missed {missed[-1].period}: {level_history.dates(missed[-1], at, zone)}" if missed else ""
        yield f"{label}: {', '.join(f'{count} {met.word}' for met, count in counts if count)}{last}"


def _state(one: Attainment) -> str:
    return one.state.word


def _waived(one: Waived) -> str:
    signed = f", {one.sign_off}" if one.sign_off else ""
    return f"{one.check} {one.period} up to {one.ceiling} until {one.until} for {one.owner}{signed}: {one.reason}"


def _change(one: Change, now: Closing, zone: ZoneInfo) -> str:
    what = "restatement" if one.restatement else "stated difference"
    when = show(one.at, now.at, zone)
    told = f"{what}: version {one.version} of {when} replaced {replaced_line(one.replaced, now.month)}"
    return f"{told}; {amounts_in(one.currency)}" if one.currency and one.replaced.moved else told
