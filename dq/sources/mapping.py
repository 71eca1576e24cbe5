"""A mapping: the one SELECT that makes a contract's columns from raw tables, parsed and resolved without Spark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from dq.base.errors import choices
from dq.sources.functions import refused
from dq.sources.resolution import RawColumn, Resolver
from dq.sources.type_names import canonical
from dq.spark import sqltext

PARAMETERS = ("data_through", "period_end", "period_start")

# What a mapping must not hold, with the reason people read.
_FORBIDDEN: tuple[tuple[type[exp.Expression], str], ...] = (
    (exp.Limit, "LIMIT keeps an arbitrary part of the rows"),
    (exp.Offset, "OFFSET drops an arbitrary part of the rows"),
    (exp.Fetch, "FETCH keeps an arbitrary part of the rows"),
    (exp.TableSample, "TABLESAMPLE keeps an arbitrary part of the rows"),
    (exp.Parameter, "variables are not allowed; use :" + ", :".join(PARAMETERS)),
    (exp.SessionParameter, "variables are not allowed; use :" + ", :".join(PARAMETERS)),
    (exp.Pivot, "PIVOT makes columns that cannot be known before Spark starts; name them with CASE"),
)

# What a mapping may be made of, beside what a condition may.
_KNOWN = (
    *sqltext.STRUCTURE, *sqltext.QUERY_STRUCTURE, exp.All, exp.Any, exp.BitwiseAnd, exp.BitwiseLeftShift,
    exp.BitwiseNot, exp.BitwiseOr, exp.BitwiseRightShift, exp.BitwiseXor, exp.Bracket, exp.Cluster, exp.ColumnDef,
    exp.Cube, exp.Distribute, exp.Extract, exp.Filter, exp.GroupingSets, exp.HexString, exp.IgnoreNulls, exp.IntDiv,
    exp.IntervalSpan, exp.Lambda, exp.Lateral, exp.Overlay, exp.Placeholder, exp.Qualify,
    exp.RespectNulls, exp.Rollup, exp.Sort, exp.StrPosition, exp.WithinGroup,
)  # fmt: skip


class MappingError(ValueError):
    """Everything that is wrong with one SELECT, a sentence each."""

    def __init__(self, messages: list[str]) -> None:
        super().__init__("; ".join(messages))
        self.messages = messages


@dataclass(frozen=True, kw_only=True)
class SourceQuery:
    """A checked SELECT.

    ``sql`` is what Spark runs: the checked tree, written again. ``tables`` are the raw tables it reads and ``outputs``
    the columns it gives, in order. ``passed`` says which outputs are a raw column unchanged, ``casts`` which are one
    explicit cast to a type; ``bare`` are raw columns used only as outputs unchanged. With ``plain`` the result is row
    for row its single table. ``parameters`` are those it uses.
    """

    sql: str
    tables: tuple[str, ...]
    outputs: tuple[str, ...]
    passed: Mapping[str, RawColumn] = field(default_factory=dict)
    casts: Mapping[str, str] = field(default_factory=dict)
    bare: frozenset[RawColumn] = frozenset()
    plain: bool = False
    parameters: frozenset[str] = frozenset()


def parse(text: str, tables: Mapping[str, Mapping[str, str]]) -> SourceQuery:
    """The checked form of a SELECT over raw tables (name -> column -> type), or a MappingError with all mistakes."""
    try:
        statements = sqltext.statements(text)
    except sqltext.RefusedError as error:
        raise MappingError([f"the SELECT {error}"]) from error
    except sqltext.PARSER_ERRORS as error:
        raise MappingError([f"the SELECT does not parse: {_where(error)}"]) from error
    if len(statements) != 1:
        raise MappingError([f"{len(statements)} statements; exactly one SELECT is allowed"])
    tree = statements[0]
    if not isinstance(tree, exp.Select | exp.SetOperation):
        raise MappingError([f"a statement {type(tree).__name__.upper()}; only a SELECT is allowed"])
    messages = [message for kind, message in _FORBIDDEN if tree.find(kind)]
    messages += [
        f"the function {name} is not allowed in a mapping: its value may depend on more than its arguments"
        for name in refused(tree)
    ]
    messages += [f"{name} is not allowed in a mapping" for name in _unknown(tree)]
    messages += _bad_parameters(tree)
    resolver = Resolver(tables)
    outputs = resolver.query(tree)
    messages += resolver.messages
    if messages:
        raise MappingError(list(dict.fromkeys(messages)))
    try:
        written = sqltext.write(tree)
    except sqltext.RefusedError as error:
        raise MappingError([f"the SELECT {error}"]) from error
    passed = _passed(tree, resolver)
    return SourceQuery(
        sql=written,
        tables=tuple(resolver.read),
        outputs=tuple(outputs),
        passed=passed,
        casts=_casts(tree),
        bare=_bare(tree, passed, resolver.uses),
        plain=_plain(tree, passed, resolver),
        parameters=frozenset(str(node.this) for node in tree.find_all(exp.Placeholder)),
    )


def _unknown(tree: exp.Expression) -> list[str]:
    """The kinds of syntax in a tree that are not known to mean to Spark what they mean here, each once."""
    reported = tuple(kind for kind, _ in _FORBIDDEN)
    return list(dict.fromkeys(type(n).__name__.upper() for n in tree.walk() if not isinstance(n, (*_KNOWN, *reported))))


def _where(error: Exception) -> str:
    details = getattr(error, "errors", None)
    if details:
        first = details[0]
        return f"line {first.get('line')}, column {first.get('col')} of it: {first.get('description')}"
    return str(error).splitlines()[0] if str(error) else type(error).__name__


def _bad_parameters(tree: exp.Expression) -> list[str]:
    names = [str(node.this or "?") for node in tree.find_all(exp.Placeholder)]
    return [f"the parameter {name} is unknown; {choices(name, PARAMETERS)}" for name in names if name not in PARAMETERS]


def _passed(tree: exp.Expression, resolver: Resolver) -> dict[str, RawColumn]:
    """Outputs of the outermost SELECT that are a column of a raw table and nothing else."""
    if not isinstance(tree, exp.Select):
        return {}
    found = {}
    for projection in tree.expressions:
        raw = resolver.resolved.get(id(projection.unalias()))
        if raw is not None:
            found[projection.alias_or_name] = raw
    return found


def _casts(tree: exp.Expression) -> dict[str, str]:
    if not isinstance(tree, exp.Select):
        return {}
    found = {}
    for projection in tree.expressions:
        inner = projection.unalias()
        if isinstance(inner, exp.Cast):
            try:
                found[projection.alias_or_name] = canonical(inner.to.sql(dialect="spark"))
            except ValueError:
                continue
    return found


def _bare(tree: exp.Expression, passed: Mapping[str, RawColumn], uses: Counter[RawColumn]) -> frozenset[RawColumn]:
    if tree.args.get("distinct"):
        return frozenset()
    times = Counter(passed.values())
    return frozenset(raw for raw, count in times.items() if uses[raw] == count)


def _plain(tree: exp.Expression, passed: Mapping[str, RawColumn], resolver: Resolver) -> bool:
    """Whether the SELECT only names and renames columns of one table: row for row the table itself."""
    used = {name for name, value in tree.args.items() if value}
    return used <= {"expressions", "from", "from_"} and len(resolver.read) == 1 and len(passed) == len(tree.expressions)
