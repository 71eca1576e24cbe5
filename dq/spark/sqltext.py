"""Free SQL of people, parsed and written again: what Spark runs is the tree that was checked, never the text itself.

Two parsers read one text differently now and then: a comment that ends with a backslash goes on in the next line for
Spark alone, and ``${...}`` is replaced by Spark before it parses. So Spark gets the tree, without comments, every name
quoted and every literal escaped by its rules, functions under the names they were called by. The tree has to come back
from what is written, and nothing of the text may be missing in it; otherwise the text is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, ClassVar

import sqlglot
from sqlglot import exp
from sqlglot.dialects.spark import Spark
from sqlglot.errors import SqlglotError
from sqlglot.generators.spark import SparkGenerator
from sqlglot.parsers.spark import SparkParser
from sqlglot.tokens import TokenType

# What the parser raises on a call with the wrong number of arguments: its own error, or whatever its builder runs into.
PARSER_ERRORS = (SqlglotError, ValueError, TypeError, IndexError, KeyError, AttributeError, RecursionError)

STRUCTURE: tuple[type[Any], ...] = (
    exp.Add, exp.And, exp.Anonymous, exp.Between, exp.Boolean, exp.Case, exp.Cast, exp.Column, exp.DPipe, exp.DataType,
    exp.DataTypeParam, exp.Div, exp.Dot, exp.EQ, exp.Escape, exp.GT, exp.GTE, exp.ILike, exp.Identifier, exp.If, exp.In,
    exp.Interval, exp.Is, exp.LT, exp.LTE, exp.Like, exp.Literal, exp.Mod, exp.Mul, exp.NEQ, exp.Neg, exp.Not, exp.Null,
    exp.NullSafeEQ, exp.NullSafeNEQ, exp.Or, exp.Paren, exp.RegexpLike, exp.Sub, exp.Substring, exp.Trim, exp.TryCast,
    exp.Var,
)  # fmt: skip
"""What one expression is made of, apart from the functions it calls, which are told by name (`called`)."""

QUERY_STRUCTURE: tuple[type[Any], ...] = (
    exp.Alias, exp.CTE, exp.Distinct, exp.Except, exp.Exists, exp.From, exp.Group, exp.Having, exp.Intersect, exp.Join,
    exp.Limit, exp.Order, exp.Ordered, exp.Select, exp.Star, exp.Subquery, exp.Table, exp.TableAlias, exp.Tuple,
    exp.Union, exp.Where, exp.Window, exp.WindowSpec, exp.With,
)  # fmt: skip
"""What a SELECT has besides."""

# Calls with a syntax of their own; everything else is a name with arguments.
_SYNTAX = ("CAST", "EXTRACT", "OVERLAY", "POSITION", "SUBSTR", "SUBSTRING", "TRIM", "TRY_CAST")
CASTS = ("bigint", "binary", "boolean", "date", "decimal", "double", "float", "int", "smallint", "string", "timestamp",
          "tinyint")  # fmt: skip
_OF_UNITS = ("date_add", "date_diff", "dateadd", "datediff", "timestampadd", "timestampdiff")
_UNITS = ("year", "quarter", "month", "week", "day", "dayofyear", "hour", "minute", "second", "millisecond",
          "microsecond")  # fmt: skip
_REWRITTEN = (exp.BitwiseLeftShift, exp.BitwiseRightShift, exp.Select, exp.Table)
_CONDITIONS = ((exp.Where, "this"), (exp.Having, "this"), (exp.Qualify, "this"), (exp.Join, "on"))
_CONTENT = frozenset({
    TokenType.VAR, TokenType.IDENTIFIER, TokenType.STRING, TokenType.NUMBER, TokenType.RAW_STRING,
    TokenType.HEX_STRING, TokenType.BYTE_STRING, TokenType.NATIONAL_STRING,
})  # fmt: skip
_SUFFIXES = frozenset(Spark.Tokenizer.NUMERIC_LITERALS)
_REPLACED = "holds ${...}, which Spark replaces before it parses"
_WORD = re.compile(r"\w+|[^\w\s]")
_NUMBERED_ESCAPE = re.compile(r"\\[0-9]")


class _Called(Spark):  # type: ignore[misc]
    """Spark's SQL with every function left as it was called: renaming one can change what it means."""

    class Parser(SparkParser):  # type: ignore[misc]
        FUNCTIONS: ClassVar[dict[Any, Any]] = {}
        FUNCTION_PARSERS: ClassVar[dict[Any, Any]] = {name: SparkParser.FUNCTION_PARSERS[name] for name in _SYNTAX}
        NO_PAREN_FUNCTION_PARSERS: ClassVar[dict[Any, Any]] = {"CASE": SparkParser.NO_PAREN_FUNCTION_PARSERS["CASE"]}

    class Generator(SparkGenerator):  # type: ignore[misc]
        # What is left out rewrites for Sparks without QUALIFY and shift operators.
        TRANSFORMS: ClassVar[dict[Any, Any]] = {
            kind: how for kind, how in SparkGenerator.TRANSFORMS.items() if kind not in _REWRITTEN
        }


class RefusedError(ValueError):
    """Why a text that parses is not handed to Spark."""


def statements(text: str) -> list[Any]:
    """The parsed statements of a text, or one of PARSER_ERRORS: RefusedError for what two parsers read differently."""
    if "${" in text:
        raise RefusedError(_REPLACED)
    tokens = sqlglot.tokenize(text, read=_Called)
    _refuse_traps(text, tokens)
    found = [_prepared(tree) for tree in sqlglot.parse(text, read=_Called) if tree is not None]
    written = [token for tree in found for token in sqlglot.tokenize(_generated(tree), read=_Called)]
    missing = _content(tokens) - Counter(word for token in written for word in _WORD.findall(token.text.lower()))
    if missing:
        raise RefusedError(f"{next(iter(missing))} is not understood where it stands")
    return found


def write(tree: Any) -> str:
    """A checked tree as the SQL that Spark gets; RefusedError where reading that again would give another tree."""
    text = _generated(tree)
    if "${" in text:
        raise RefusedError(_REPLACED)
    try:
        again = [_prepared(found) for found in sqlglot.parse(text, read=_Called)]
    except PARSER_ERRORS:
        again = []
    if len(again) != 1 or _quoted(again[0]) != _quoted(tree):
        raise RefusedError("cannot be written again without a change of meaning")
    return text


def called(node: Any) -> str | None:
    """The name, in lower case, of the function a node calls by name; None for other nodes."""
    return str(node.name).lower() if isinstance(node, exp.Anonymous) else None


def _generated(tree: Any) -> str:
    return str(tree.sql(dialect=_Called, identify=True, comments=False, normalize_functions=False))


def _refuse_traps(text: str, tokens: Sequence[Any]) -> None:
    for before, token in pairwise(tokens):
        if before.token_type is TokenType.STRING and token.token_type is TokenType.STRING:
            # Spark 4 reads 'it''s' as it's, older ones and the parser here as its: no reading is safe.
            raise RefusedError("holds two adjacent string literals; a quote inside a string is written as \\'")
    for token in tokens:
        if token.token_type is TokenType.STRING and _NUMBERED_ESCAPE.search(text[token.start : token.end + 1]):
            raise RefusedError("holds a backslash before a digit, which is not read alike everywhere; write \\u0041")


def _content(tokens: Sequence[Any]) -> Counter[str]:
    """How often a text has each word and sign of its names and literals."""
    words: Counter[str] = Counter()
    for position, token in enumerate(tokens):
        following = tokens[position + 1].token_type if position + 1 < len(tokens) else None
        before = tokens[position - 1] if position else None
        syntax = token.text.upper() in _SYNTAX and following is TokenType.L_PAREN
        suffix = token.text.upper() in _SUFFIXES and before and before.token_type is TokenType.DCOLON
        order = token.text.lower() == "nulls" or (before and before.text.lower() == "nulls")
        if token.token_type in _CONTENT and not syntax and not suffix and not order:
            words.update(_WORD.findall(token.text.lower()))
    return words


def _prepared(tree: Any) -> Any:
    """A parsed tree in the one form that is checked and written."""
    root = exp.Paren(this=tree)
    for node in list(root.walk()):
        if isinstance(node, exp.RawString):
            node.replace(exp.Literal.string(node.this))
        elif isinstance(node, exp.WindowSpec):
            for name in ("kind", "start_side", "end_side"):
                if isinstance(node.args.get(name), str):
                    node.set(name, node.args[name].upper())
            if not node.args.get("end"):
                node.set("end", "CURRENT ROW")
        elif isinstance(node, exp.TryCast) and {name for name, given in node.args.items() if given} == {"this", "to"}:
            node.replace(exp.Cast(this=node.this, to=node.to))  # the parser's name for a CAST; TRY_CAST says "safe"
        elif isinstance(node, exp.Anonymous):
            _prepare_call(node)
    for kind, part in _CONDITIONS:
        for node in root.find_all(kind):
            # Spark takes FROM t WHERE (a) for a table t named WHERE with one column a.
            while isinstance(node.args.get(part), exp.Paren):
                node.set(part, node.args[part].this)
    return root.this


def _prepare_call(node: Any) -> None:
    name, arguments = called(node), node.expressions
    if name in CASTS and len(arguments) == 1 and not isinstance(node.this, exp.Identifier):
        node.replace(exp.Cast(this=arguments[0], to=exp.DataType.build(name, dialect=_Called)))
    elif name in _OF_UNITS and len(arguments) == 3 and isinstance(arguments[0], exp.Column):
        unit = arguments[0]
        if len(unit.parts) == 1 and not unit.this.quoted and unit.name.lower() in _UNITS:
            unit.replace(exp.var(unit.name.upper()))


def _quoted(tree: Any) -> Any:
    copied = tree.copy()
    for name in copied.find_all(exp.Identifier):
        name.set("quoted", True)
    return copied
