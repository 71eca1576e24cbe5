"""A condition means the same to Spark after it has been read and written again."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from dq.engine.conditions import expression, row_condition
from dq.spark.identifiers import quote

SCHEMA = (
    "id int, kind string, amount decimal(18,2), share double, seats int, day date, at timestamp, ok boolean, "
    "customer struct<region: string>, `a.b` int, `with space` int, `tick``ed` int"
)


@pytest.fixture(scope="module")
def rows(spark: SparkSession) -> DataFrame:
    money, october = Decimal, date(2026, 10, 5)
    leap, march = datetime(2028, 2, 29), datetime(2026, 3, 1)
    return spark.createDataFrame(
        [
            (1, "one_time", money("1.50"), 0.5, 2, october, datetime(2026, 10, 5, 1), True, ("EU",), 1, 2, 3),
            (2, "o'n\\e%_", money("-2.00"), float("nan"), 0, date(2026, 2, 28), march, False, ("US",), 4, 5, 6),
            (3, "", None, None, None, None, None, None, None, None, None, None),
            (4, "12.5", money("7.00"), float("inf"), -3, leap.date(), leap, True, (None,), 0, 0, 0),
        ],
        SCHEMA,
    )


@pytest.mark.run
@pytest.mark.parametrize(
    "text",
    [
        "amount > 0",
        "amount between -2 and 1.50 or kind = ''",
        "kind in ('one_time', '12.5') and not ok is null",
        "kind not in ('one_time')",
        r"kind rlike '^\\d+\\.\\d$'",
        r"kind = 'o\'n\\e%_'",
        r"kind like '%\\%\\_'",
        r"kind like 'o%!_' escape '!'",
        "kind ilike 'ONE%'",
        "kind not like 'one%'",
        r"kind = r'12.5'",
        'kind = "one_time"',
        "share > 1",
        "isnan(share) or share is null",
        "seats <=> null",
        "seats is distinct from 2",
        "not (seats > 0)",
        "-seats > 0 or + seats > 1",
        "seats * 2 - 1 + 1 > 3",
        "amount / nullif(seats, 0) > 0.5",
        "seats % 2 = 0",
        "mod(seats, 2) = 0",
        "case when seats > 0 then 'p' when seats = 0 then 'z' else 'n' end = 'n'",
        "case seats when 2 then true else false end",
        "if(seats > 0, amount, 0) > 1",
        "coalesce(seats, 9) = 9",
        "nvl(seats, 9) = 9 or ifnull(seats, 8) = 8",
        "greatest(seats, 1) = 2 or least(seats, -5) = -5",
        "abs(seats) = 3 and round(amount, 0) = 7 and floor(amount) = 7 and ceil(amount) = 7",
        "cast(amount as int) = 1",
        "amount::string = '1.50'",
        "cast(seats as bigint) = 2L or amount = 1.5BD or amount = 15e-1",
        "day > date'2026-10-01'",
        "at >= timestamp'2026-10-05 01:00:00'",
        "day = '2026-10-05'",
        "year(day) = 2026 and month(day) = 10 and day(day) = 5 and quarter(day) = 4",
        "dayofweek(day) = 2 or weekday(day) = 0 or dayofmonth(day) = 29",
        "date_add(day, 3) = date'2026-10-08'",
        "date_sub(day, 3) = date'2026-10-02'",
        "datediff(day, date'2026-10-01') = 4",
        "day + interval 3 days > date'2026-10-07'",
        "add_months(day, 1) = date'2026-11-05'",
        "last_day(day) = day",
        "trunc(day, 'month') = date'2026-10-01'",
        "date_trunc('month', at) = timestamp'2026-10-01 00:00:00'",
        "to_date(at) = date('2026-10-05')",
        "length(kind) = 0 or char_length(kind) = 4",
        "upper(kind) = 'ONE_TIME' and lower(kind) = kind and trim(kind) = kind",
        "substring(kind, 1, 3) = 'one'",
        "startswith(kind, 'one') and endswith(kind, 'time') and contains(kind, '_')",
        "concat(kind, 'x') = 'x' or kind || 'x' = '12.5x'",
        "regexp_like(kind, '^one')",
        "isnull(seats) or isnotnull(amount) and amount > 1",
        "customer.region = 'EU'",
        "`a.b` = 1 and `with space` = 2 and `tick``ed` = 3",
        "ok",
        "ok is true",
        "ok and amount > 0 or seats = 0 and not ok",
        "try_divide(amount, seats) is null",
        "KIND = 'one_time' /* a remark */",
    ],
)
def test_a_condition_keeps_its_meaning(rows: DataFrame, text: str) -> None:
    # Spark 3.5 does not read a::b; ours is written as a cast.
    asked = text.replace("amount::string", "cast(amount as string)")
    expected = {row.id for row in rows.where(F.expr(asked)).collect()}
    found = {row.id for row in rows.where(F.expr(expression(text, rows.columns))).collect()}
    assert found == expected
    assert expected, "a condition that holds for no row would prove nothing"


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("amount / seats > 0.5", "try_divide(amount, seats) > 0.5"),
        ("seats / (seats - 2) > 0.1", "try_divide(seats, seats - 2) > 0.1"),
        ("7 % seats = 1", "try_mod(7, seats) = 1"),
    ],
)
def test_a_zero_divisor_is_an_error_unless_null_is_meant(rows: DataFrame, text: str, meant: str) -> None:
    with pytest.raises(Exception, match=r"DIVIDE_BY_ZERO|REMAINDER_BY_ZERO"):
        rows.where(F.expr(expression(text, rows.columns))).collect()
    assert len(rows.where(F.expr(expression(meant, rows.columns))).collect()) >= 1


def test_a_condition_object_finds_the_value_it_names(rows: DataFrame) -> None:
    condition = {"type": "comparison", "column": {"name": "kind"}, "operator": "==", "parameter": "o'n\\e%_"}
    safe = row_condition({"row_condition": condition}, rows.columns)
    assert [row.id for row in rows.where(F.expr(safe or "")).collect()] == [2]


@pytest.mark.parametrize("name", ["a.b", "with space", "tick`ed", "`", "$", "é", "'", '"', "a`.`b", "--"])
def test_a_quoted_name_finds_its_column(spark: SparkSession, name: str) -> None:
    one = spark.createDataFrame([(7,)], "x int").toDF(name)
    assert one.select(F.col(quote(name))).collect()[0][0] == 7
    assert one.select(F.expr(quote(name))).collect()[0][0] == 7
