"""The registry of pipelines: job, inputs, runbook and published schema of each, read strictly."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dq.base import yamlfile
from dq.base.errors import ConfigError, Finding, UsageError, choices
from dq.base.former import Former
from dq.base.model import NAME
from dq.base.paths import local
from dq.base.periods import Grain
from dq.base.strict import Strict
from dq.declare import suite_lists

MARKER = Path("jobs", "pipelines.yml")
RATIO = "decimal(18,6)"
"""The type of every ratio: what ``dq.ratio`` gives."""
COUNTS = ("int", "bigint")
DOCUMENT_COLUMNS = (
    "line",
    "section",
    "metric",
    "unit",
    "basis",
    "value",
    "value_reason",
    "previous_period",
    "previous_value",
    "change",
    "change_ratio",
    "change_ratio_reason",
)
"""The columns a published table needs to be shown to people as a document, one row per metric."""


class Ratio(Strict):
    """What a ratio is divided by, and what ``COLUMN_reason`` says where that is zero, and where it is negative."""

    denominator: str
    zero: Annotated[str, Field(min_length=1)]
    negative: Annotated[str, Field(min_length=1)] | None = None


class NamedValue(Strict):
    """A name among the values of a column, such as a metric: what it stands for, and what a number of it is in."""

    description: str = ""
    unit: str = ""


class Column(Strict):
    """A published column: its Spark SQL type and whether NULL is a failure.

    ``description`` defines it: of what it is, as of when, and when it is NULL. ``unit`` is what a number counts or is
    in. ``dq lint`` refuses a column without a description, and a number without a unit.
    ``depends_on`` are the sources without which it is NULL: where one is declared absent, its checks are not run.
    ``follows`` says that it follows from other columns, rows or periods, so that a final which is published again is
    not compared by it once more: a running total, what the period before said, or the reason why that is not there.
    ``ratio`` says what a ratio is divided by: it is then proved to be NULL, with its reason, only where it has to be.
    ``values`` are the names it may hold, each defined; a check holds the column to them.
    ``formerly`` is the name under which it was published before, and ``values_formerly`` are former names among its
    values, each behind the present one: what was published then is read back under the names of today.
    """

    type: str
    required: bool = False
    unit: str = ""
    description: str = ""
    depends_on: list[str] = []
    follows: bool = False
    ratio: Ratio | None = None
    values: dict[str, NamedValue] = {}
    formerly: str = ""
    values_formerly: dict[str, str] = {}


class Compared(Strict):
    """Columns in which published finals are compared, by amount or count, and the ids of the checks that do it.

    ``stands`` is the check that a final which is published again says the same; ``rederives`` the one that the month
    before is still what ``of`` gives: an upstream table, or ``TABLE.last_day``. Where columns have other names there,
    ``columns`` says which, ``"*"`` for its rows. ``rows`` and ``of_rows`` are the rows of each that count, ``by`` is
    what they are compared by. ``distinct`` counts the different values of a column of ``of``; ``never_added`` are
    counts of different values, told row by row.
    """

    columns: Annotated[list[str], Field(min_length=1)] | Annotated[dict[str, str], Field(min_length=1)]
    rows: str = ""
    by: list[str] = []
    never_added: list[str] = []
    of: str = ""
    of_rows: str = ""
    distinct: bool = False
    rederives: Annotated[str, Field(pattern=NAME)] | None = None
    stands: Annotated[str, Field(pattern=NAME)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.rederives is None and self.stands is None:
            raise ValueError("give the id of its check under stands, rederives or both")
        if (self.rederives is None) != (not self.of):
            raise ValueError("rederives and of belong together")
        if self.rederives is None and (self.of_rows or self.distinct or isinstance(self.columns, dict)):
            raise ValueError("other names of columns, of_rows and distinct are for what rederives")
        return self

    @property
    def pairs(self) -> dict[str, str]:
        """The columns, each with what it is in ``of``."""
        return self.columns if isinstance(self.columns, dict) else {column: column for column in self.columns}


class Published(Strict):
    """The schema of a pipeline's table as consumers may rely on it.

    ``totals`` are the columns whose sums a run shows and records, over the rows ``totals_of`` (all where empty).
    ``finals`` are the groups of columns in which finals are compared together; what no group compares and nothing marks
    as following is compared row by row.
    """

    key: Annotated[list[str], Field(min_length=1)]
    columns: Annotated[dict[str, Column], Field(min_length=1)]
    totals: list[str] = []
    totals_of: str = ""
    finals: list[Compared] = []

    @property
    def cells(self) -> list[str]:
        """The columns that say what a row is about: its key, and the texts that are always there."""
        texts = [name for name, spec in self.columns.items() if spec.required and spec.type == "string"]
        return list(dict.fromkeys([*self.key, *texts]))

    @property
    def former(self) -> Former:
        """The names under which parts of it were published before."""
        return Former(
            columns={spec.formerly: name for name, spec in self.columns.items() if spec.formerly},
            values={
                name: {old: new for new, old in spec.values_formerly.items()}
                for name, spec in self.columns.items()
                if spec.values_formerly
            },
        )

    def numbers(self) -> dict[str, list[str]]:
        """The columns a final stands by: its amounts and its counts. Ratios follow from them, as does what says so."""
        found: dict[str, list[str]] = {"amounts": [], "counts": []}
        for name, spec in self.columns.items():
            if not spec.follows and name not in self.key and spec.type != RATIO:
                if spec.type.startswith("decimal("):
                    found["amounts"].append(name)
                elif spec.type in COUNTS:
                    found["counts"].append(name)
        return found

    def words(self) -> list[str]:
        """The other columns a final stands by: texts that may be NULL, days, lists."""
        return [
            name
            for name, spec in self.columns.items()
            if not (spec.follows or name in self.cells or spec.type in (RATIO, *COUNTS))
            and not spec.type.startswith(("decimal(", "map<"))
        ]

    def null_without(self, absent: Collection[str]) -> dict[str, str]:
        """The columns that are NULL because a source is declared absent, each with the reason."""
        return {
            name: f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} declared absent"
            for name, spec in self.columns.items()
            if (missing := [source for source in spec.depends_on if source in absent])
        }


class Scheduled(Strict):
    """When the last run of a period is due, at a UTC time of day.

    Days and months: the Nth business day of the month after the one they end in, once the books are closed. Weeks and
    fortnights: so many days after their last one.
    """

    business_day: Annotated[int, Field(ge=1, le=20)] | None = None
    days_after: Annotated[int, Field(ge=1, le=14)] | None = None
    at: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")]


class Pipeline(Strict):
    """One guarded job.

    ``runbook`` is the folder of its page in ``runbooks/``. ``needs`` are the sources, and single columns as
    ``source.column``, without which there is nothing to compute, not even partially.
    ``reads`` reads a source by exactly that rule instead of its contract's, such as the whole year so far.
    ``upstream_lookback_days`` are the days before the month that are read of upstream tables, as far as published.
    ``trailing_twelve_months`` has a table of months read what its upstream tables of days held twelve months ago.
    ``document`` is the title of the page for people that is made of what it publishes, if any. ``rules`` are the keys
    of jobs/rules.yml its figures depend on. ``investors`` says that investors read it or what is built from it, so that
    it is judged before their month ends. ``check_ids`` are the ids by which earlier records name checks that no suite
    declares, by their own ids.
    """

    job: str
    description: str
    grain: Annotated[Grain, Field(strict=False)]
    runbook: str
    investors: bool = False
    sources: list[str] = []
    reads: dict[str, Literal["period", "year", "until"]] = {}
    upstream: list[str] = []
    needs: list[str] = []
    upstream_lookback_days: Annotated[int, Field(ge=0, le=31)] = 0
    compares_with_previous: bool = False
    trailing_twelve_months: bool = False
    rules: list[str] = []
    check_ids: dict[str, Annotated[str, Field(pattern=NAME)]] = {}
    scheduled: Scheduled
    publishes: Published
    document: str = ""

    def datasets(self, name: str) -> list[str]:
        """What the pipeline of that name reads and publishes: its sources, upstream tables and its own table."""
        return [*self.sources, *self.upstream, name]


class RegistryModel(Strict):
    """``jobs/pipelines.yml``."""

    pipelines: Annotated[dict[Annotated[str, Field(pattern=NAME)], Pipeline], Field(min_length=1)]


@dataclass(frozen=True, kw_only=True)
class Registry:
    """All pipelines of a project and where its declared files are."""

    root: Path
    pipelines: Mapping[str, Pipeline]
    document: yamlfile.Document

    def pipeline(self, name: str) -> Pipeline:
        """The pipeline of that name, or a sentence that lists the valid ones."""
        if name not in self.pipelines:
            raise UsageError(f"there is no pipeline {name!r}", where=str(MARKER), do=choices(name, [*self.pipelines]))
        return self.pipelines[name]

    @property
    def former(self) -> Mapping[str, Former]:
        """The former names of the tables."""
        return {name: item.publishes.former for name, item in self.pipelines.items()}

    def order(self) -> list[str]:
        """The pipelines so that each stands after its upstream ones."""
        return list(TopologicalSorter({name: item.upstream for name, item in self.pipelines.items()}).static_order())

    @property
    def investors(self) -> list[str]:
        """The pipelines that are marked as read by investors."""
        return [name for name, one in self.pipelines.items() if one.investors]

    def read_by_investors(self) -> list[str]:
        """The pipelines investors read and all they are built on, each after its upstream ones."""
        wanted = {*self.investors}
        while missing := {table for name in wanted for table in self.pipelines[name].upstream} - wanted:
            wanted |= missing
        return [name for name in self.order() if name in wanted]

    def answers_for_close(self) -> str:
        """The pipeline that answers for what is sent about a close: the first that makes a document for investors."""
        items = self.pipelines
        return next((name for name, item in items.items() if item.document and item.investors), next(iter(items)))


def find_root(start: Path | None = None) -> Path:
    """The project's folder: ``DQ_HOME``, or the nearest folder upwards that holds jobs/pipelines.yml."""
    home = os.environ.get("DQ_HOME")
    if home:
        root = local(home, "DQ_HOME")
        if (root / MARKER).is_file():
            return root.resolve()
        raise UsageError(f"{root} holds no {MARKER}", where="DQ_HOME", do="point it at the project's folder")
    here = (start or Path.cwd()).resolve()
    for folder in (here, *here.parents):
        if (folder / MARKER).is_file():
            return folder
    raise UsageError(f"no {MARKER} in {here} or above", do="start in the project's folder or set DQ_HOME")


def load(root: Path) -> Registry:
    """The registry of a project, with its own mistakes reported at once."""
    declared, findings = read(root)
    if findings:
        raise ConfigError(findings)
    return declared


def read(root: Path) -> tuple[Registry, list[Finding]]:
    """The registry of a project as far as it can be read, and the mistakes in what it says; ConfigError where not."""
    document, findings = suite_lists.without(yamlfile.read(root / MARKER, shown=str(MARKER)))
    try:
        model = yamlfile.as_model(document, RegistryModel)
    except ConfigError as error:
        raise ConfigError([*findings, *error.findings]) from error
    for name, item in model.pipelines.items():
        at = ("pipelines", name)
        for number, upstream in enumerate(item.upstream):
            if upstream not in model.pipelines:
                message = f"unknown pipeline; {choices(upstream, [*model.pipelines])}"
                findings.append(document.finding((*at, "upstream", number), message))
        for source in item.reads:
            if source not in item.sources:
                message = f"is not one of its sources; {choices(source, item.sources)}"
                findings.append(document.finding((*at, "reads", source), message))
        if not (root / "jobs" / item.job).is_file():
            findings.append(document.finding((*at, "job"), f"jobs/{item.job} does not exist"))
        if not (root / "runbooks" / item.runbook / "README.md").is_file() or "." in item.runbook:
            message = f"runbooks/{item.runbook}/README.md does not exist"
            if item.runbook.endswith(".md"):
                folder = item.runbook.removesuffix(".md")
                message = f"a runbook is a folder with one file per way of failing; write {folder} (runbooks/README.md)"
            findings.append(document.finding((*at, "runbook"), message))
        by_date = item.grain in (Grain.WEEK, Grain.FORTNIGHT)
        wanted, other = ("days_after", "business_day") if by_date else ("business_day", "days_after")
        if getattr(item.scheduled, wanted) is None or getattr(item.scheduled, other) is not None:
            message = f"a pipeline of {item.grain}s is scheduled by {wanted}, not by {other}"
            findings.append(document.finding((*at, "scheduled"), message))
        published = item.publishes
        for column, spec in published.columns.items():
            if spec.required and spec.depends_on:
                message = "a column that may be NULL for want of a source cannot be required"
                findings.append(document.finding((*at, "publishes", "columns", column), message))
            for key, named in _named_by_ratio(column, spec):
                if named not in published.columns:
                    message = f"the table has no column {named}; {choices(named, [*published.columns])}"
                    findings.append(document.finding((*at, "publishes", "columns", column, *key), message))
        findings += _former_mistakes(document, (*at, "publishes", "columns"), published)
        for column in DOCUMENT_COLUMNS if item.document else ():
            if column not in published.columns:
                message = f"a document is made of the column {column}, which is not published"
                findings.append(document.finding((*at, "document"), message))
        for field, names in (("key", published.key), ("totals", published.totals)):
            for number, column in enumerate(names):
                if column not in published.columns:
                    message = f"unknown column; {choices(column, [*published.columns])}"
                    findings.append(document.finding((*at, "publishes", field, number), message))
    if not findings:
        try:
            TopologicalSorter({name: item.upstream for name, item in model.pipelines.items()}).prepare()
        except CycleError as error:
            findings.append(document.finding(("pipelines",), f"upstreams form a circle: {' -> '.join(error.args[1])}"))
    return Registry(root=root, pipelines=model.pipelines, document=document), findings


def reason_of(column: str) -> str:
    """The column that says why a ratio is NULL."""
    return f"{column}_reason"


def _named_by_ratio(column: str, spec: Column) -> list[tuple[yamlfile.Key, str]]:
    """The other columns a ratio needs, each with the key that names it."""
    if spec.ratio is None:
        return []
    return [(("ratio", "denominator"), spec.ratio.denominator), (("ratio",), reason_of(column))]


def _former_mistakes(document: yamlfile.Document, at: tuple[str, ...], published: Published) -> Iterator[Finding]:
    """Former names that cannot be told from present ones, or of which two things are the heirs."""
    heirs: dict[str, str] = {}
    for column, spec in published.columns.items():
        old = spec.formerly
        if old in published.columns:
            yield document.finding(
                (*at, column, "formerly"), f"{old} is still a column of the table; it cannot be both"
            )
        elif old and heirs.setdefault(old, column) != column:
            yield document.finding(
                (*at, column, "formerly"), f"{old} is what {heirs[old]} was called; it cannot be both"
            )
        former = [*spec.values_formerly.values()]
        for new, value in spec.values_formerly.items():
            if value in spec.values_formerly or former.count(value) > 1:
                message = f"{value} is the former name of one value alone, and no present one"
                yield document.finding((*at, column, "values_formerly", new), message)
            if spec.values and new not in spec.values:
                message = f"is not one of its values; {choices(new, [*spec.values])}"
                yield document.finding((*at, column, "values_formerly", new), message)
        for key in ("values", "values_formerly"):
            if getattr(spec, key) and spec.type != "string":
                yield document.finding((*at, column, key), "only values of type string are names")
