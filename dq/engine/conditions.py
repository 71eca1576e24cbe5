"""Free SQL of a suite, read before Spark sees it: one row condition, or one SELECT over the checked table.

What is handed to Spark is generated again from the parsed tree with every column quoted, so that Spark can never read a
text differently from the way it was checked. Nodes and functions are allow-listed: anything that reaches outside the
row (subqueries, files, Java methods), or that changes from run to run (clock, random), is refused by not being listed.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from functools import lru_cache
from typing import Any

from sqlglot import exp, tokenize
from sqlglot.tokens import TokenType

from dq.base.errors import UsageError, choices
from dq.base.model import Json
from dq.spark import sqltext
from dq.spark.identifiers import quote

MAX_LENGTH = 4_000
MAX_DEPTH = 100

FUNCTIONS = (
    "abs", "add_months", "bigint", "binary", "boolean", "btrim", "ceil", "ceiling", "char_length", "character_length",
    "coalesce", "concat", "contains", "date", "date_add", "date_diff", "date_sub", "date_trunc", "dateadd", "datediff",
    "day", "dayofmonth", "dayofweek", "decimal", "double", "endswith", "float", "floor", "greatest", "if", "ifnull",
    "int", "isnan", "isnotnull", "isnull", "last_day", "lcase", "least", "len", "length", "lower", "ltrim", "mod",
    "month", "nullif", "nvl", "quarter", "regexp_like", "round", "rtrim", "smallint", "startswith", "string", "substr",
    "substring", "timestamp", "tinyint", "to_date", "trim", "trunc", "try_divide", "try_mod", "ucase", "upper",
    "weekday", "year",
)  # fmt: skip
"""The functions a condition may call, in Spark's spelling."""
_OF_ROWS = ("avg", "count", "count_if", "max", "mean", "min", "row_number", "sum")

OWN_LANGUAGE = ("great_expectations", "great_expectations__experimental__")
"""The values of ``condition_parser`` that name Great Expectations' own language, which only it can evaluate."""

_OPERATORS = {"==": "=", "!=": "<>", "<": "<", "<=": "<=", ">": ">", ">=": ">="}


def expression(text: str, columns: Collection[str]) -> str:
    """One boolean or scalar expression over the named columns, as SQL that is safe to hand to Spark.

    Names are matched without regard to case, as Spark does; ``a.b`` is a field of the struct column ``a``. Division by
    zero is an error of the rows, as in Spark, unless it is written ``try_divide(a, b)`` or ``try_mod(a, b)``. Raises
    UsageError when the text is not exactly one expression, names a column that is not there, or uses anything outside
    the allow-list.
    """
    return _expression(text, tuple(columns))


@lru_cache(maxsize=1024)  # the same condition is read by lint, plan, scan and key pass
def _expression(text: str, columns: tuple[str, ...]) -> str:
    tree = _parse(text)
    by_lower: dict[str, list[str]] = {}
    for name in columns:
        by_lower.setdefault(name.lower(), []).append(name)
    for node in tree.walk():
        _refuse_unlisted(node, text, sqltext.STRUCTURE, FUNCTIONS)
        if isinstance(node, exp.Column):
            _resolve(node, by_lower, text)
    return _written(tree, text)


def query(text: str, table: str) -> str:
    """One SELECT that reads nothing but ``table``, as SQL that is safe to hand to Spark.

    Raises UsageError for any other statement, any other table, and any function outside the allow-list.
    """
    tree = _parse(text)
    if not isinstance(tree, exp.Query):
        raise _error("is not a SELECT", text, "one SELECT over the checked table")
    known = {table.lower()} | {str(cte.alias).lower() for cte in tree.find_all(exp.CTE)}
    for node in tree.walk():
        _refuse_unlisted(node, text, (*sqltext.STRUCTURE, *sqltext.QUERY_STRUCTURE), (*FUNCTIONS, *_OF_ROWS))
        if isinstance(node, exp.Table) and (node.args.get("db") or node.name.lower() not in known):
            raise _error(f"reads the table {node.sql('spark')}", text, "only the checked table")
    return _written(tree, text)


def row_condition(kwargs: Mapping[str, Json], columns: Collection[str]) -> str | None:
    """The row condition of an expectation's kwargs as safe SQL, None where it has none.

    Understands what Great Expectations accepts for Spark: a SQL text, and the JSON form of its condition objects
    (comparison, nullity, and, or, pass-through). Its own ``col("x") > 1`` language is refused with the SQL to write.
    """
    condition = kwargs.get("row_condition")
    if condition is None or condition == "":
        return None
    if isinstance(condition, str) and kwargs.get("condition_parser") in OWN_LANGUAGE:
        raise _error("is written in the great_expectations condition language", condition, "Spark SQL such as x > 1")
    return expression(condition if isinstance(condition, str) else _condition_sql(condition), columns)


def named_columns(text: str) -> Iterator[str]:
    """The top-level column names an expression uses, as they are written; for plans and column pruning."""
    seen = set()
    for node in _parse(text).find_all(exp.Column, bfs=False):
        name = node.parts[0].name
        if name not in seen:
            seen.add(name)
            yield name


def _condition_sql(condition: Json) -> str:
    if not isinstance(condition, Mapping):
        raise _error("is neither text nor a condition object", str(condition), "Spark SQL such as x > 1")
    kind = condition.get("type")
    if kind in ("and", "or"):
        parts = condition.get("conditions")
        if not isinstance(parts, list | tuple) or not parts:
            raise _error(f"has an empty {kind}", str(dict(condition)), "at least one condition")
        return "(" + f" {str(kind).upper()} ".join(_condition_sql(part) for part in parts) + ")"
    if kind == "pass_through":
        # Read by itself, so that one that closes the bracket cannot join what stands beside it.
        return f"({_alone(str(condition.get('pass_through_filter', '')))})"
    column = condition.get("column")
    name = quote(str(column.get("name", "") if isinstance(column, Mapping) else column))
    if kind == "nullity":
        return f"{name} IS NULL" if condition.get("is_null") else f"{name} IS NOT NULL"
    if kind == "comparison":
        operator, value = condition.get("operator"), condition.get("parameter")
        if operator in ("IN", "NOT_IN") and isinstance(value, list | tuple):
            listed = ", ".join(_literal(item) for item in value)
            return f"{name} {str(operator).replace('_', ' ')} ({listed})"
        if operator in _OPERATORS:
            return f"{name} {_OPERATORS[str(operator)]} {_literal(value)}"
    raise _error("is not a condition that is known", str(dict(condition)), "comparison, nullity, and, or, pass_through")


def _alone(text: str) -> str:
    """A filter read by itself and written again, without its comments."""
    return _written(_parse(text), text)


def _literal(value: Json) -> str:
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        return f"'{escaped}'"
    raise _error("compares with a value that is neither text, number nor boolean", str(value), "a plain value")


def _parse(text: str) -> Any:
    if not text.strip():
        raise _error("is empty", text, "one SQL expression")
    if len(text) > MAX_LENGTH:
        raise _error(f"is {len(text):,} characters long", text, f"at most {MAX_LENGTH:,}")
    try:
        _refuse_token_traps(text)
        statements = sqltext.statements(text)
    except sqltext.RefusedError as refused:
        raise _error(str(refused), text, "one SQL expression") from refused
    except RecursionError as error:
        raise _error("is nested too deeply", text, f"at most {MAX_DEPTH} levels") from error
    except sqltext.PARSER_ERRORS as error:
        raise _error("is not Spark SQL", text, "one SQL expression") from error
    if len(statements) != 1:
        raise _error("holds more than one statement", text, "one SQL expression")
    return statements[0]


def _refuse_token_traps(text: str) -> None:
    depth = 0
    for token in tokenize(text, read="spark"):
        depth += (token.token_type is TokenType.L_PAREN) - (token.token_type is TokenType.R_PAREN)
        if depth > MAX_DEPTH:
            raise _error("is nested too deeply", text, f"at most {MAX_DEPTH} levels")
        if token.token_type is TokenType.SEMICOLON:
            raise _error("holds more than one statement", text, "one SQL expression")


def _refuse_unlisted(node: Any, text: str, allowed: tuple[type[Any], ...], functions: Collection[str]) -> None:
    name = sqltext.called(node)
    if name is None and isinstance(node, exp.Func) and type(node) not in allowed:
        name = node.sql_name().lower()
    if name is not None and (name not in functions or isinstance(node.parent, exp.Dot)):
        raise _error(f"calls {name}", text, f"only these functions: {', '.join(FUNCTIONS)}")
    if type(node) not in allowed:
        raise _error(
            f"uses {type(node).__name__.lower()}", text, "comparisons, arithmetic, CASE and the listed functions"
        )


def _resolve(node: Any, by_lower: Mapping[str, list[str]], text: str) -> None:
    parts = [part.name for part in node.parts]
    found = by_lower.get(parts[0].lower(), [])
    exact = [name for name in found if name == parts[0]]
    if len(found) != 1 and len(exact) != 1:
        problem = "is ambiguous" if found else "is not a column of the dataset"
        listed = [name for names in by_lower.values() for name in names]
        raise _error(f"names {parts[0]}, which {problem}", text, choices(parts[0], listed))
    node.parts[0].set("this", (exact or found)[0])


def _written(tree: Any, text: str) -> str:
    try:
        return sqltext.write(tree.transform(_as_everywhere))
    except sqltext.RefusedError as refused:
        raise _error(str(refused), text, "one SQL expression") from refused


def _as_everywhere(node: Any) -> Any:
    """``try_mod(a, b)`` in words that every version of Spark has: 3.5 lacks it."""
    if sqltext.called(node) != "try_mod" or len(node.expressions) != 2:
        return node
    number, divisor = (one.transform(_as_everywhere) for one in node.expressions)
    unless = exp.Anonymous(this="nullif", expressions=[divisor, exp.Literal.number(0)])
    return exp.Anonymous(this="mod", expressions=[number, unless])


def _error(what: str, text: str, expected: str) -> UsageError:
    shown = text if len(text) <= 200 else text[:200] + "…"
    return UsageError(f"{what}: {shown}", where="condition", expected=expected)
