"""The verdict card: one run as a headline and one block per check a person must look at.

The terminal, the data docs, Markdown and the workflow annotations all show this card, each in its own syntax.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast

from dq.base.model import CheckResult, Died, Guidance, Json, Outcome, Replaced, RunRecord, Severity, Verdict, WaiverNote
from dq.base.periods import MONTHS
from dq.base.wording import found_text, owner_line
from dq.runbooks import places, values
from dq.show.section_file import shown

BLOCKS = 20
CAUSES = 3
_Change = Mapping[str, str]
_RANK = {Severity.CRITICAL: 0, Severity.WARNING: 3, Severity.INFO: 4}


@dataclass(frozen=True, kw_only=True)
class Counts:
    """How many checks of a run had which outcome, each counted once.

    ``failed`` are critical ones and ``warnings``; what is waived or only to note is counted beside them.
    """

    total: int
    passed: int
    failed: int
    errored: int
    not_run: int
    waived: int
    warnings: int
    infos: int


@dataclass(frozen=True, kw_only=True)
class Block:
    """One failed or errored check: how grave, what was found, where help is, whose it is and by when.

    ``runbook`` is what a person follows, ``reference`` names the page and section. ``first`` is what to type first,
    ``commands`` are all of the section, and ``typed`` what to put where they still hold a word in capitals.
    """

    label: str
    check: str
    dataset: str
    text: str
    result: CheckResult
    runbook: str
    reference: str
    first: str
    commands: tuple[str, ...]
    typed: tuple[str, ...]
    owner: str
    due: str
    waived: str

    @property
    def section(self) -> str:
        """The runbook section as a heading, as far as its anchor tells it."""
        place = places.read(self.reference)
        return place.title if place else ""


@dataclass(frozen=True, kw_only=True)
class Pending:
    """Checks that were not run for one and the same reason."""

    reason: str
    checks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Card:
    """One run for a person who has ten seconds."""

    word: str
    subject: str
    currency: str
    counts: str
    version: str
    blocks: tuple[Block, ...]
    more: str
    pending: tuple[Pending, ...]
    partial: tuple[str, ...]
    replaced: str
    built_on: tuple[str, ...]
    waivers: tuple[str, ...]
    died: tuple[str, ...]
    error: str
    upstream: Card | None

    @property
    def tone(self) -> str:
        """good, partial or bad: what the headline is coloured by."""
        if self.word in ("HOLD", "FAILED", "COULD NOT EVALUATE", "NOT READY", "CANNOT TELL"):
            return "bad"
        return "partial" if self.word == "PUBLISHED AS PARTIAL" else "good"

    @property
    def headline(self) -> str:
        """The first line of the card."""
        return f"{self.word}  " + "   ".join(filter(None, (self.subject, self.counts, self.version)))


def card(run: RunRecord, *, limit: int = BLOCKS) -> Card:
    """The card of a run, with at most ``limit`` blocks; the rest is counted."""
    found = sorted(_to_show(run.results), key=_order)
    shown, hidden = found[:limit], found[limit:]
    told = {result.check for result in shown if result.waived_by}
    known = any(run.error and run.error in (result.reason, result.observed) for result in found)
    return Card(
        word=_word(run),
        subject=_subject(run),
        currency=amounts_in(run.currency) if run.currency else "",
        counts=_counted(run),
        version=_version(run),
        blocks=tuple(_block(result, run.guidance.get(result.check), of_run=bool(run.period)) for result in shown),
        more=_more(hidden),
        pending=_pending(run.results),
        partial=tuple(run.partial),
        replaced=replaced_line(run.replaced, run.period) if run.replaced else "",
        built_on=() if run.already_published else tuple(_built_on(run)),
        waivers=tuple(waiver_line(note) for note in run.waivers if not (note.applied and note.check in told)),
        died=tuple(_died(run.died_before)) if run.died_before else (),
        error="" if known else run.error,
        upstream=card(run.upstream, limit=limit) if run.upstream is not None else None,
    )


def count(results: Sequence[CheckResult]) -> Counts:
    """The outcomes of a run's checks, counted."""
    outcomes = Counter(result.outcome for result in results)
    severities = Counter(result.severity for result in results if failed(result))
    off = [result for result in results if result.outcome is Outcome.FAILED]
    return Counts(
        total=len(results),
        passed=outcomes[Outcome.PASSED],
        failed=severities.total(),
        errored=outcomes[Outcome.ERRORED],
        not_run=outcomes[Outcome.NOT_RUN],
        waived=sum(bool(result.waived_by) for result in off),
        warnings=severities[Severity.WARNING],
        infos=sum(result.severity is Severity.INFO and not result.waived_by for result in off),
    )


def failed(result: CheckResult) -> bool:
    """Whether a check failed so that somebody has to act: it is not waived and not only to note."""
    return result.outcome is Outcome.FAILED and result.severity is not Severity.INFO and not result.waived_by


def worst(results: Sequence[CheckResult]) -> str:
    """The gravest thing that happened: could not evaluate, critical, warning, info, or nothing."""
    if any(result.outcome is Outcome.ERRORED for result in results):
        return "could not evaluate"
    failed = {result.severity for result in results if result.outcome is Outcome.FAILED}
    return next((str(severity) for severity in _RANK if severity in failed), "")


def section_counts(results: Sequence[CheckResult]) -> str:
    """The checks of one dataset in few words: what did not pass; else all passed."""
    counts = count(results)
    told = (
        (counts.failed, "failed"),
        (counts.errored, "could not be evaluated"),
        (counts.waived, "waived"),
        (counts.infos, "to note"),
        (counts.not_run, "not run"),
    )
    return ", ".join(f"{number} {what}" for number, what in told if number) or f"{counts.passed} passed"


def label(result: CheckResult) -> str:
    """What stands before a check on the card."""
    if result.outcome is Outcome.ERRORED:
        return "COULD NOT EVALUATE"
    return "WAIVED" if result.waived_by else result.severity.upper()


def runbook_line(result: CheckResult, guidance: Guidance | None) -> str:
    """Where help is: the address of the section in the published docs, else its place in the repository."""
    if guidance and guidance.runbook_url.startswith(("https://", "http://")):
        return guidance.runbook_url
    return shown((guidance.runbook if guidance else "") or result.runbook)


def waiver_line(note: WaiverNote) -> str:
    """A waiver in one line: its check, what it did, up to which ceiling and until when, whose it is and why."""
    signed = f", signed off by {note.signed_off_by} on {note.signed_off_at:%Y-%m-%d}" if note.signed_off_at else ""
    return (
        f"{note.check}: {note.effect}; up to {note.ceiling} until {note.until} for {note.owner}{signed}: {note.reason}"
    )


def _built_on(run: RunRecord) -> Iterator[str]:
    """What each published input was when it was read: how settled, through which day, and as of when."""
    for one in run.inputs:
        if one.kind is None or one.data_through is None:
            continue
        known = f", as of {one.as_of:%Y-%m-%dT%H:%M}Z" if one.as_of else ""
        kind = one.kind.replace("_", " ")
        yield f"{one.name} version {one.version}, {kind}, data through {day(one.data_through, run.period)}{known}"


def _died(before: Died) -> Iterator[str]:
    """The run before, that left no record: then per cause the evidence, what to change and where help is."""
    yield before.sentence
    for number, cause in enumerate(before.causes[:CAUSES], start=1):
        yield f"{number}. {cause['confidence']}: {cause['cause']}, {cause['title']}"
        evidence, changes = cast("Sequence[str]", cause["evidence"]), cast("Sequence[_Change]", cause["changes"])
        yield from (f"seen: {one}" for one in evidence)
        for change in changes:
            now = f" (now {change['now']})" if change["now"] else ""
            yield (
                "try: " + (f"{change['setting']}={change['value']}{now}: " if change["setting"] else "") + change["why"]
            )
        if cause["runbook"]:
            yield f"runbook: {shown(str(cause['runbook']))}"
    if len(before.causes) > CAUSES:
        yield f"and {len(before.causes) - CAUSES} causes that are less likely"


def day(value: date, period: str = "") -> str:
    """A day as ``24 Nov``, with its year where the period does not say it."""
    text = f"{value.day} {MONTHS[value.month - 1]}"
    return text if period.startswith(f"{value.year}") else f"{text} {value.year}"


def _to_show(results: Sequence[CheckResult]) -> list[CheckResult]:
    return [result for result in results if result.outcome in (Outcome.FAILED, Outcome.ERRORED)]


def _order(result: CheckResult) -> tuple[int, str, str]:
    if result.outcome is Outcome.ERRORED:
        return (1, result.dataset, result.check)
    rank = 2 if result.waived_by else _RANK[result.severity]
    return (rank, result.dataset, result.check)


def _block(result: CheckResult, guidance: Guidance | None, *, of_run: bool) -> Block:
    # Without a runbook to turn to, what was expected has to stand beside what was found.
    expected = f"; expected: {result.expected}" if result.expected and not of_run else ""
    commands = tuple(guidance.commands) if guidance else ()
    return Block(
        label=label(result),
        check=result.check,
        dataset=result.dataset,
        text=found_text(result) + expected,
        result=result,
        runbook=runbook_line(result, guidance),
        reference=places.of_result(result, guidance),
        first=commands[0] if commands else "",
        commands=commands,
        typed=tuple(values.explained(values.left(commands))),
        owner=owner_line(guidance) if guidance else "",
        due="; ".join(guidance.due) if guidance else "",
        waived=result.waived_by if result.outcome is Outcome.FAILED else "",
    )


def _more(hidden: Sequence[CheckResult]) -> str:
    if not hidden:
        return ""
    labels = Counter(label(result).lower() for result in hidden)
    return f"and {len(hidden):,} more: " + ", ".join(f"{number:,} {name}" for name, number in labels.items())


def _pending(results: Sequence[CheckResult]) -> tuple[Pending, ...]:
    reasons: dict[str, list[str]] = {}
    for result in results:
        if result.outcome is Outcome.NOT_RUN:
            reasons.setdefault(result.reason or "no reason was recorded", []).append(result.check)
    return tuple(Pending(reason=reason, checks=tuple(checks)) for reason, checks in reasons.items())


def _word(run: RunRecord) -> str:
    if not run.period:
        words = {Verdict.HOLD: "FAILED", Verdict.HOLD_NOT_EVALUATED: "COULD NOT EVALUATE"}
        return words.get(run.verdict, "PASSED")
    if run.rehearsal:
        good = "WARNS" if count(run.results).warnings else "READY"
        return {Verdict.HOLD: "NOT READY", Verdict.HOLD_NOT_EVALUATED: "CANNOT TELL"}.get(run.verdict, good)
    if not run.verdict.published:
        return "HOLD"
    if run.already_published:
        return "ALREADY PUBLISHED"
    return "PUBLISHED" if run.verdict is Verdict.PUBLISH else "PUBLISHED AS PARTIAL"


def _subject(run: RunRecord) -> str:
    if not run.period:
        return run.pipeline
    return f"{run.pipeline} {run.period}, data through {day(run.data_through, run.period)}"


def _counted(run: RunRecord) -> str:
    if run.already_published and not run.rehearsal:
        return "nothing to do"
    counts = count(run.results)
    if not counts.total:
        return "upstream held" if run.upstream is not None else "no check ran"
    checks = "check" if counts.total == 1 else "checks"
    if run.verdict.published:
        warnings = (counts.warnings, "warning" if counts.warnings == 1 else "warnings")
        told = [f"{counts.passed} of {counts.total} {checks} passed"]
    else:
        warnings = (0, "")  # they are among the failed
        told = [f"{counts.failed} of {counts.total} {checks} failed", f"{counts.errored} could not be evaluated"]
    beside = ((counts.waived, "waived"), warnings, (counts.infos, "to note"), (counts.not_run, "not run"))
    return ", ".join([*told, *(f"{number} {what}" for number, what in beside if number)])


def replaced_line(before: Replaced, period: str) -> str:
    """What a publication replaced and by how much its totals moved, stated so that nobody has to compare."""
    moved = ", ".join(f"{name} {_moved(value)}" for name, value in before.moved.items())
    kind = before.kind.replace("_", " ")
    through = f"data through {day(before.data_through, period)}"
    return f"version {before.version}, {kind}, {through}" + (f"; moved: {moved}" if moved else "")


def amounts_in(currency: str) -> str:
    """What stands beside amounts, of which no one line says what they are in."""
    return f"amounts are in {currency}"


def _moved(value: Json) -> str:
    amount = Decimal(str(value)) if value is not None else None
    return "missing before or now" if amount is None else f"{amount:+,f}" if amount else "0"


def _version(run: RunRecord) -> str:
    if not run.period:
        return ""
    if run.rehearsal:
        return "pre-validated, not published"
    if run.verdict.published:
        return f"version {run.version}" if run.version is not None else ""
    return f"version {run.stays} stays" if run.stays is not None else "nothing published yet"
