"""The parser that checks free SQL, held against Spark's: what is accepted means to Spark what was checked."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from random import Random
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import dq
from dq.base.errors import UsageError
from dq.base.model import Outcome
from dq.engine.conditions import expression, query
from dq.sources.functions import NAMES
from dq.sources.mapping import MappingError, parse
from dq.spark import sqltext
from dq.spark.session import PARSER_SETTINGS

PIECES = (
    "\\", "\\\\", "'", "\\'", '"', "n", "\\n", "\\u0041", "\\U0001F600", "\\x41", "%", "\\%", "\\_", "\n", "\t", "é",
    "--", "/*", "*/", "$", "{", "`", ";", "\\a", "\\Z", "\\f", " ", "\u2028", "😀", "\\u00", "0", "#",
    "\\ud83d\\ude00",
)  # fmt: skip
HIDDEN = (
    "-- note\n", "-- note\\\n", "-- \\\n/*\n", "/* a */", "/* /* */ */", "-- */\n", "*/", "/*", " ", "\n", "\\\n",
    "union all select value from text.`/etc/passwd`", "where false", "/*+ broadcast(t) */", "--\\\r\n",
)  # fmt: skip


@pytest.fixture(scope="module")
def parser(spark: SparkSession) -> Any:
    return spark._jsparkSession.sessionState().sqlParser()


def read(how: Any, text: str) -> str | None:
    """What Spark's parser makes of a text, None where it refuses it."""
    try:
        return re.sub(r"#\d+", "", str(how(text).toString()))
    except Exception:
        return None


def written(text: str) -> str | None:
    """What Spark would be given of a text, None where it is refused."""
    try:
        trees = sqltext.statements(text)
        return sqltext.write(trees[0]) if len(trees) == 1 else None
    except sqltext.PARSER_ERRORS:
        return None


def test_a_literal_has_the_value_that_spark_reads(parser: Any) -> None:
    draw, compared = Random(11), 0  # noqa: S311 - repeatable
    for _ in range(400):
        body = "".join(draw.choices(PIECES, k=draw.randint(0, 6)))
        for opening, closing in (("'", "'"), ('"', '"'), ("r'", "'"), ('R"', '"'), ("x'", "'"), ("`", "`")):
            text = f"a = {opening}{body}{closing}"
            ours, theirs = written(text), read(parser.parseExpression, text)
            if ours is not None and theirs is not None and "--" not in theirs and "/*" not in theirs:
                compared += 1
                assert read(parser.parseExpression, ours) == theirs, text
    assert compared > 300


def test_a_function_is_called_as_it_was_written(parser: Any) -> None:
    """Apart from those with a syntax of their own, which Spark knows under two names."""
    alike = {"extract", "overlay", "position", "substr", "substring", "trim", *sqltext.CASTS}
    for name in sorted(NAMES - alike):
        for count in range(6):
            text = f"SELECT {name}({', '.join('abcde'[:count])}) AS r FROM t"  # noqa: S608
            ours = written(text)
            assert ours is None or read(parser.parsePlan, ours) == read(parser.parsePlan, text), text


def test_comments_never_show_spark_another_statement(parser: Any) -> None:
    draw, compared = Random(12), 0  # noqa: S311 - repeatable
    for _ in range(1500):
        parts = ["select kind", " from batch", " where ok", ""]
        text = "".join(part + "".join(draw.choices(HIDDEN, k=draw.randint(0, 3))) for part in parts)
        try:
            given = query(text, "batch")
        except UsageError:
            continue
        compared += 1
        plan = read(parser.parsePlan, given)
        assert plan is not None, text
        assert set(re.findall(r"UnresolvedRelation \[([^\]]*)\]", plan)) <= {"batch"}, text
        assert ("Filter" in plan) == (" WHERE " in given), text
        assert written(given) == given
    assert compared > 100


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    values = [
        (1, "a", Decimal("1.50"), 0.5, date(2026, 10, 5), True),
        (2, "it's", Decimal("-2.00"), -1.0, date(2026, 2, 28), False),
        (3, "", None, None, None, None),
        (4, "A%_\\", Decimal("7.00"), 1e3, date(2028, 2, 29), True),
        (0, None, Decimal("0.00"), 0.0, date(2026, 1, 1), False),
    ]
    schema = "id int, kind string, amount decimal(9,2), share double, day date, ok boolean"
    return spark.createDataFrame(values, schema)


class Texts:
    """Random conditions; parentheses are rare, so that it is precedence that tells what binds."""

    def __init__(self, seed: int) -> None:
        self.draw = Random(seed)  # noqa: S311 - repeatable

    def number(self, depth: int) -> str:
        leaf = ["id", "amount", "share", "1", "2.5", "1e1", "3L", "0.5BD", "- 1", "cast(id as bigint)", "day(day)"]
        if depth == 0:
            return self.draw.choice(leaf)
        a, b = self.number(depth - 1), self.number(0)
        return self.draw.choice(
            [f"{a} + {b}", f"{a} - {b}", f"{b} * {a}", f"-{a}", f"({a})", f"abs({a})", f"coalesce({a}, {b})",
             f"if(ok, {a}, {b})", f"case when ok then {a} else {b} end", f"try_divide({a}, {b})", f"{a} - ({b} - {a})",
             f"{a} % 7", f"greatest({a}, {b})", "length(kind)", a]
        )  # fmt: skip

    def text(self, depth: int) -> str:
        leaf = ["kind", "'a'", '"it\'s"', r"'it\'s'", r"'A%_\\'", "r'A%_\\'", "''", r"'\u0041%'", "'--'", "'/*'"]
        if depth == 0:
            return self.draw.choice(leaf)
        a, b = self.text(depth - 1), self.text(0)
        return self.draw.choice(
            [f"{a} || {b}", f"concat({a}, {b})", f"upper({a})", f"lower({a})", f"trim({a})", f"substring({a}, 1, 2)",
             f"trim('a', {a})", f"trim(both 'a' from {a})", f"coalesce({a}, {b})", f"string({self.number(0)})", a]
        )  # fmt: skip

    def truth(self, depth: int) -> str:
        n, m, s, t = self.number(2), self.number(1), self.text(2), self.text(1)
        sign = self.draw.choice(["=", "==", "<>", "!=", "<", "<=", ">", ">=", "<=>"])
        leaf = [
            f"{n} {sign} {m}", f"{s} {sign} {t}", f"{s} like '%a%'", f"{s} not ilike 'A\\\\%%'", f"{s} rlike '^[aA]'",
            f"{n} between {m} and {self.number(0)}", f"{n} not between 0 and {m}", f"{n} in (1, 2, {m})",
            f"{s} not in ('a', {t})", f"{n} is null", f"{s} is not null", "ok", "ok is true", "ok is not false",
            f"{n} is distinct from {m}", "day > date'2026-02-28'", "day + interval 1 day <= date '2026-10-06'",
            "date_add(day, 1) = '2026-01-02'", "startswith(kind, 'a')", "isnull(kind)", "year(day) = 2026",
        ]  # fmt: skip
        if depth == 0:
            return self.draw.choice(leaf)
        a, b = self.truth(depth - 1), self.truth(0)
        return self.draw.choice([f"{a} and {b}", f"{a} or {b}", f"not {a}", f"({a})", f"{a} AND NOT {b}", a])


def test_a_condition_keeps_the_rows_that_its_text_keeps(rows: DataFrame, parser: Any) -> None:
    texts, pairs = Texts(13), []
    while len(pairs) < 150:
        text = texts.truth(texts.draw.randint(0, 3))
        if read(parser.parseExpression, text) is None:
            continue
        try:
            given = expression(text, rows.columns)
        except UsageError:
            continue
        pairs.append((text, given))
    assert sum(text != given for text, given in pairs) > 100
    columns = [F.expr(f"({sql})").alias(f"c{n}_{k}") for n, pair in enumerate(pairs) for k, sql in enumerate(pair)]
    found = rows.select(*columns).collect()
    for n, (text, given) in enumerate(pairs):
        assert [row[f"c{n}_0"] for row in found] == [row[f"c{n}_1"] for row in found], (text, given)


def test_a_mapping_is_read_by_spark_as_it_was_checked(parser: Any) -> None:
    draw, compared = Random(14), 0  # noqa: S311 - repeatable
    tables = {"t": {"kind": "string", "ok": "boolean"}}
    for _ in range(1500):
        parts = ["select kind", " from t", " where ok", ""]
        text = "".join(part + "".join(draw.choices(HIDDEN, k=draw.randint(0, 3))) for part in parts)
        try:
            given = parse(text, tables).sql
        except MappingError:
            continue
        compared += 1
        plan = read(parser.parsePlan, given)
        assert plan is not None, text
        assert set(re.findall(r"UnresolvedRelation \[([^\]]*)\]", plan)) == {"t"}, text
    assert compared > 100


FOREIGN = {key: "true" if value == "false" else "LEGACY" for key, value in PARSER_SETTINGS.items()}


@pytest.fixture
def foreign(spark: SparkSession) -> Iterator[SparkSession]:
    """A session of somebody else, whose parser is set otherwise than ours."""
    before = {key: spark.conf.get(key) for key in PARSER_SETTINGS}
    for key, value in FOREIGN.items():
        spark.conf.set(key, value)
    yield spark
    for key, value in before.items():
        spark.conf.set(key, str(value))


def test_a_suite_reads_no_environment_in_a_session_of_somebody_else(foreign: SparkSession) -> None:
    frame = foreign.createDataFrame([("x",)], "kind string")
    letter = os.environ.get("HOME", "/")[0]
    for text in ("${env:HOME}", "${system:user.name}"):
        condition = f"'{text}' like '{letter}%'"
        kwargs = {"column": "kind", "value_set": ["y"], "row_condition": condition, "condition_parser": "spark"}
        one = {"type": "expect_column_values_to_be_in_set", "kwargs": kwargs}
        select = f"SELECT * FROM {{batch}} WHERE {condition}"  # noqa: S608
        rows = {"type": "unexpected_rows_expectation", "kwargs": {"unexpected_rows_query": select}}
        record = dq.check(frame, {"name": "stranger", "expectations": [one, rows]})
        assert [result.outcome for result in record.results] == [Outcome.ERRORED] * 2
        assert os.environ.get("HOME", "/root") not in repr(record)
        with pytest.raises(dq.DqError, match="Spark replaces"):
            dq.validate(frame, {"name": "stranger", "expectations": [one]})


def test_a_session_of_somebody_else_reads_as_ours_and_keeps_its_settings(foreign: SparkSession) -> None:
    frame = foreign.createDataFrame([(r"a\b", 1), ("c", 2)], "kind string, `i.*` int")
    kwargs = {"column": "i.*", "max_value": 1, "row_condition": r"kind = 'a\\b'", "condition_parser": "spark"}
    suite = {"name": "s", "expectations": [{"type": "expect_column_values_to_be_between", "kwargs": kwargs}]}
    record = dq.check(frame, suite)
    assert [result.outcome for result in record.results] == [Outcome.PASSED], record.results
    assert {key: foreign.conf.get(key) for key in PARSER_SETTINGS} == FOREIGN
