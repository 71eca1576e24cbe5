"""The plain values that flow through a run: closed enums and frozen records, nothing that needs Spark."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import ClassVar, NoReturn

NAME = r"^[a-z0-9][a-z0-9_.-]{0,127}$"
"""What the id of a pipeline or check looks like."""
RAW_PREFIX = "__raw_"
"""Begins the name of a hidden column that holds a value before its conversion to the contract type."""
FROM_DAY = "from_day"
"""The key of a declared feed that says from which day of the month on it is expected."""
EVERY_DAYS = "every_days"
"""The key of a declared feed that says within how many days it reports again; without it, once a month will do."""

DECLARED_ABSENT = " declared absent"
"""In the reason of what was not run: a source or column it needs is declared absent."""
ALLOWED = "which is allowed"
"""In the reason of what was not run: no row meets its condition, and the check declares that this may be."""

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


class Outcome(StrEnum):
    """What a check found: it held, it did not, it could not be evaluated, or it was not due."""

    PASSED = "passed"
    FAILED = "failed"
    ERRORED = "errored"
    NOT_RUN = "not_run"


class Severity(StrEnum):
    """How grave a failed check is, in Great Expectations' words."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class Verdict(StrEnum):
    """What a run decided: publish, publish as partial, hold for failed data, hold for want of evidence.

    Example:
        >>> verdict = dq.Verdict("publish_partial")
        >>> verdict.published, verdict.exit_code
        (True, 0)
        >>> dq.Verdict.HOLD.published, dq.Verdict.HOLD.exit_code
        (False, 1)
    """

    PUBLISH = "publish"
    PUBLISH_PARTIAL = "publish_partial"
    HOLD = "hold"
    HOLD_NOT_EVALUATED = "hold_not_evaluated"

    @property
    def published(self) -> bool:
        """Whether readers see the new figures."""
        return self in (Verdict.PUBLISH, Verdict.PUBLISH_PARTIAL)

    @property
    def exit_code(self) -> int:
        """0 published, 1 held because data failed, 3 held because it could not be evaluated."""
        return {Verdict.HOLD: 1, Verdict.HOLD_NOT_EVALUATED: 3}.get(self, 0)


class Kind(StrEnum):
    """How complete the period is at the as-of instant."""

    MONTH_TO_DATE = "month_to_date"
    PRELIMINARY = "preliminary"
    FINAL = "final"


class Evidence(StrEnum):
    """Where the numbers behind a result came from, cheapest first."""

    SCHEMA = "schema"
    FOOTERS = "footers"
    SCAN = "scan"
    KEY_PASS = "key_pass"  # noqa: S105 - a pass over keys
    COMPARISON = "comparison"
    GREAT_EXPECTATIONS = "great_expectations"
    RUN = "run"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """The result of one check on one dataset of one run.

    ``observed`` and ``expected`` are sentences for people without data values unless the suite opts the column in;
    ``measures`` are counts and reconciled totals (money as text); ``rows`` the failing cells of a comparison, bounded.
    ``runbook`` is ``<page>/<section>.md`` (``dq.runbooks.places``), empty only for suites not bound to a pipeline.
    ``where`` is the file and line the check is declared at, as ``<file>:<line>``, where that is known.
    """

    check: str
    dataset: str
    type: str
    severity: Severity
    outcome: Outcome
    kwargs: Mapping[str, Json] = field(default_factory=dict)
    description: str = ""
    failure_class: str = ""
    runbook: str = ""
    observed: str = ""
    expected: str = ""
    reason: str = ""
    evidence: Evidence = Evidence.NONE
    measures: Mapping[str, Json] = field(default_factory=dict)
    rows: Sequence[Mapping[str, Json]] = ()
    gx_result: Mapping[str, Json] = field(default_factory=dict)
    waived_by: str = ""
    where: str = ""

    @property
    def blocks(self) -> bool:
        """Whether this result alone keeps the figures from being published."""
        if self.outcome is Outcome.ERRORED:
            return True
        return self.outcome is Outcome.FAILED and self.severity is Severity.CRITICAL and not self.waived_by

    @property
    def nothing_to_judge(self) -> bool:
        """Whether it was not run because a declaration says so: what it judges is absent, or may be without rows.

        Everything else that was not run could not look, or not yet.
        """
        return self.outcome is Outcome.NOT_RUN and any(one in self.reason for one in (DECLARED_ABSENT, ALLOWED))


@dataclass(frozen=True, kw_only=True)
class Guidance:
    """Whose a failed check is and by when: the answer that stands on the card, in JSON and in the data docs.

    ``since`` is the first failure of the incident it belongs to; ``call_at`` is when somebody may be called about it.
    ``commands`` are those of the runbook section in its order, with what the run knows filled in.
    """

    runbook: str
    runbook_url: str
    owner: str
    contact: str
    on_call: str
    on_call_until: str
    backup: str
    due: Sequence[str]
    since: datetime | None = None
    call_at: datetime | None = None
    commands: Sequence[str] = ()


@dataclass(frozen=True, kw_only=True)
class WaiverNote:
    """A waiver for a run's pipeline and period, and in one sentence what it did or did not do in that run.

    ``waiver`` is its id; ``ceiling`` is in the check's own unit, as text; ``applied`` says that it let its check pass.
    """

    waiver: str
    check: str
    ceiling: str
    owner: str
    reason: str
    until: date
    effect: str
    applied: bool
    signed_off_by: str = ""
    signed_off_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class InputRef:
    """One input of a run, as it was pinned: source files or a published version.

    Of what was published ``kind`` is the least settled of its periods, ``data_through`` the last day they cover, and
    ``as_of`` the latest instant they were published as of.
    """

    name: str
    origin: str
    fingerprint: str
    version: int | None = None
    files: int = 0
    bytes: int = 0
    kind: Kind | None = None
    data_through: date | None = None
    as_of: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Replaced:
    """What a run's publication replaced: its version, how complete it was, and by how much each total moved.

    ``moved`` is what is published now less what was, as text; None where either is missing.
    """

    version: int
    kind: Kind
    data_through: date
    moved: Mapping[str, Json] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Died:
    """A run that left no record: who and why in one sentence, and the path of its event log, empty where it has none.

    ``causes`` are what killed it, most likely first, with evidence, confidence, changes and runbook section, in the
    form of ``dq diagnose --format json``.
    """

    run: str
    log: str
    sentence: str
    causes: Sequence[Mapping[str, Json]] = ()


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """Everything one run has to tell; stored as JSON in the warehouse and read by every report.

    Instants are UTC. ``version`` is the table version this run committed, ``stays`` the version readers go on seeing
    when it was held. ``guidance`` is keyed by check id. ``upstream`` holds the record of a held upstream run.
    ``waivers`` are those in force for the pipeline and period, and those that failed to let a failed check pass.
    A ``rehearsal`` ran in a clone of the warehouse: what its verdict calls published nobody sees.
    ``sources`` is the sources file it read by, relative to the project where it lies in it; empty if not recorded.
    ``died_before`` is the run of the pipeline before it, where that left no record. ``currency`` is what
    its amounts are in, empty where it publishes none.
    """

    run: str
    pipeline: str
    period: str
    kind: Kind
    as_of: datetime
    data_through: date
    verdict: Verdict
    started: datetime
    seconds: float
    results: Sequence[CheckResult]
    guidance: Mapping[str, Guidance]
    inputs: Sequence[InputRef]
    run_key: str
    version: int | None = None
    stays: int | None = None
    already_published: bool = False
    partial: Sequence[str] = ()
    totals: Mapping[str, Json] = field(default_factory=dict)
    replaced: Replaced | None = None
    error: str = ""
    staged: str = ""
    upstream: RunRecord | None = None
    docs: str = ""
    spark_jobs: int = 0
    waivers: Sequence[WaiverNote] = ()
    rehearsal: bool = False
    sources: str = ""
    died_before: Died | None = None
    currency: str = ""
    in_a_notebook: ClassVar[Callable[[RunRecord], str] | None] = None
    """How a notebook shows a record, set by the reports."""

    @property
    def passed(self) -> bool:
        """Whether the verdict lets the figures pass: nothing was errored, and no critical check failed unwaived."""
        return self.verdict.published

    @property
    def published(self) -> bool:
        """Whether readers see the figures of this run, or those it found published already; never for a check alone."""
        return self.passed and not self.rehearsal and (self.version is not None or self.already_published)

    @property
    def success(self) -> bool:
        """Whether every check that ran passed, as Great Expectations counts: no failed warning and no waiver either."""
        return self.passed and not any(result.outcome is Outcome.FAILED for result in self.results)

    def __bool__(self) -> NoReturn:
        raise TypeError("a RunRecord is neither true nor false; ask record.passed, record.published or record.success")

    def __repr__(self) -> str:
        outcomes = [result.outcome for result in self.results]
        counts = ", ".join(f"{n} {kind.replace('_', ' ')}" for kind in Outcome if (n := outcomes.count(kind)))
        of = " ".join(filter(None, (self.pipeline, self.period)))
        return f"<RunRecord {of}: {self.verdict} ({counts or 'no check'})>"

    def _repr_html_(self) -> str | None:
        show = type(self).in_a_notebook
        return show(self) if show is not None else None


@dataclass(frozen=True, kw_only=True)
class Window:
    """The period a run computes and how much of it is there: days from ``start`` to ``end``, both included.

    ``data_through`` is the last day the figures cover; it equals ``end`` for a complete period. ``as_of`` is the run's
    clock and its knowledge cut, a UTC instant. ``month_start`` is the first day read for month-to-date figures.

    Example:
        >>> from datetime import UTC, date, datetime
        >>> days = {"start": date(2026, 10, 1), "end": date(2026, 10, 31), "data_through": date(2026, 10, 5)}
        >>> as_of = datetime(2026, 10, 6, 5, tzinfo=UTC)
        >>> window = dq.Window(period="2026-10", **days, as_of=as_of, kind="month_to_date")
        >>> window.month, str(window.month_start), str(window.month_before.data_through)
        ('2026-10', '2026-10-01', '2026-09-05')
    """

    period: str
    start: date
    end: date
    data_through: date
    as_of: datetime
    kind: Kind

    @property
    def month(self) -> str:
        """The calendar month of the last day covered, as ``2026-10``: of a whole period the month it ends in.

        A week or fortnight in progress may still end in a later month, of which nothing is there yet.
        """
        return f"{self.data_through:%Y-%m}"

    @property
    def month_start(self) -> date:
        """The first day of that month: where month-to-date figures begin."""
        return self.data_through.replace(day=1)

    @property
    def month_before(self) -> Window:
        """The month before this one, through as many of its first days as this covers of its own, at most all."""
        end = self.month_start - timedelta(days=1)
        start = end.replace(day=1)
        through = min(end, start + (self.data_through - self.month_start))
        return replace(self, period=f"{start:%Y-%m}", start=start, end=end, data_through=through)

    @property
    def year_start(self) -> date:
        """The first day of the twelve months that end with the last day covered; 1 March for a 29 February."""
        after = self.data_through + timedelta(days=1)
        leap = (after.month, after.day) == (2, 29)
        return date(after.year - 1, 3, 1) if leap else after.replace(year=after.year - 1)


@dataclass(frozen=True, kw_only=True)
class Check:
    """One declared expectation on one dataset: Great Expectations' vocabulary plus our id, section and timing.

    ``runbook`` is ``<page>/<section>.md`` once the suite is bound to a pipeline, else empty; ``where`` is the file and
    line it is declared at; ``when`` the kinds it is judged at (empty: always); ``show`` whether values of its columns
    may be shown; ``may_be_empty`` whether its row condition, or NULLs, may leave nothing to judge.
    """

    check: str
    dataset: str
    type: str
    kwargs: Mapping[str, Json]
    severity: Severity = Severity.CRITICAL
    description: str = ""
    notes: str = ""
    meta: Mapping[str, Json] = field(default_factory=dict)
    runbook: str = ""
    failure_class: str = ""
    when: tuple[Kind, ...] = ()
    show: bool = False
    may_be_empty: bool = False
    where: str = ""


@dataclass(frozen=True, kw_only=True)
class PinnedFile:
    """One input file as it was when the run began: address, bytes, modification time in nanoseconds."""

    path: str
    size: int
    modified_ns: int


@dataclass(frozen=True, kw_only=True)
class RangeFilter:
    """A row filter ``low <= column <= high`` (either end open); rows with a NULL in the column are kept."""

    column: str
    low: date | datetime | str | None = None
    high: date | datetime | str | None = None
