"""Free SQL of a suite is read, bounded and rewritten before Spark sees it."""

from __future__ import annotations

import pytest

from dq.base.errors import DqError, UsageError
from dq.engine.conditions import FUNCTIONS, expression, named_columns, query, row_condition
from dq.spark.identifiers import quote

COLUMNS = ("amount", "kind", "booked_date", "a.b", "with space", "tick`ed", "Seats")


@pytest.mark.parametrize(
    ("name", "quoted"),
    [("amount", "`amount`"), ("a.b", "`a.b`"), ("x y", "`x y`"), ("t`k", "`t``k`"), ("`", "````"), ("$", "`$`")],
)
def test_a_name_becomes_one_identifier(name: str, quoted: str) -> None:
    assert quote(name) == quoted


@pytest.mark.parametrize(
    ("text", "generated"),
    [
        ("amount > 0", "`amount` > 0"),
        ("kind = 'one_time' AND amount<>0", "`kind` = 'one_time' AND `amount` <> 0"),
        ("AMOUNT > 0", "`amount` > 0"),
        ("seats is not null", "NOT `Seats` IS NULL"),
        ("`a.b` in (1, 2)", "`a.b` IN (1, 2)"),
        ("`with space` rlike '^x'", "`with space` RLIKE '^x'"),
        ("`tick``ed` = 1", "`tick``ed` = 1"),
        ("amount > 0 -- trailing remark", "`amount` > 0"),
        ("true", "TRUE"),
    ],
)
def test_an_expression_is_written_again_with_every_column_quoted(text: str, generated: str) -> None:
    assert expression(text, COLUMNS) == generated


def test_division_and_remainder_stay_what_they_are() -> None:
    assert expression("amount / (seats / 2) > 1", COLUMNS) == "`amount` / (`Seats` / 2) > 1"
    assert expression("mod(amount + 1, seats + 2) = 1", COLUMNS) == "mod(`amount` + 1, `Seats` + 2) = 1"
    assert expression("try_divide(amount, seats)", COLUMNS) == "try_divide(`amount`, `Seats`)"
    assert expression("try_mod(amount, seats)", COLUMNS) == "mod(`amount`, nullif(`Seats`, 0))"  # as 3.5 lacks it
    assert (
        expression("1 = try_mod(7, try_mod(seats, 2))", COLUMNS) == "1 = mod(7, nullif(mod(`Seats`, nullif(2, 0)), 0))"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "-- nothing",
        "amount >",
        "amount > 0; DROP TABLE x",
        "amount > 0;",
        "DROP TABLE x",
        "amount dr/**/op",
        "SELECT 1",
        "amount IN (SELECT 1)",
        "amount = (SELECT max(x) FROM y)",
        "EXISTS (SELECT 1)",
        "reflect('java.lang.Runtime', 'getRuntime')",
        "java_method('java.lang.System', 'exit', 0)",
        "REFLECT ('a', 'b')",
        "`reflect`('a', 'b')",
        "kind.str.len() > 1",
        "kind.lower() = 'a'",
        "re/**/flect('a', 'b')",
        "try_reflect('a', 'b')",
        "input_file_name() = 'x'",
        "input_file_block_start() > 0",
        "raise_error('x')",
        "assert_true(false)",
        "read_files('/etc/passwd')",
        "current_date() > booked_date",
        "now() > booked_date",
        "current_timestamp > booked_date",
        "rand() > 0.5",
        "uuid() = kind",
        "sum(amount) > 1",
        "count(*) > 1",
        "row_number() over (order by amount) = 1",
        "transform(array(1), x -> x) is null",
        "amount div 0 = 1",
        "x'1F' = kind",
        "kind = 'it''s'",
        "{batch}",
        ":parameter = 1",
        "${spark.home} = 1",
        "current_user() = 'x'",
        "from_json(kind, 'a int') is null",
        "*",
        "a.* = 1",
    ],
)
def test_what_is_not_one_allowed_expression_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        expression(text, COLUMNS)


def test_a_column_that_is_not_there_is_refused_with_the_likely_one() -> None:
    with pytest.raises(DqError, match=r"amout, which is not a column.*did you mean amount"):
        expression("amout > 0", COLUMNS)


def test_a_name_that_fits_two_columns_is_refused_unless_it_is_spelled_exactly() -> None:
    with pytest.raises(DqError, match="ambiguous"):
        expression("AMOUNT > 0", ("amount", "Amount"))
    assert expression("Amount > 0", ("amount", "Amount")) == "`Amount` > 0"


def test_a_dotted_name_is_a_field_of_a_struct_column() -> None:
    assert expression("customer.region = 'EU'", ("customer",)) == "`customer`.`region` = 'EU'"
    with pytest.raises(DqError, match="names other"):
        expression("other.region = 'EU'", ("customer",))


def test_long_and_deep_texts_are_refused() -> None:
    with pytest.raises(DqError, match="characters long"):
        expression("amount > 0 OR " * 1000 + "amount > 0", COLUMNS)
    with pytest.raises(DqError, match="nested too deeply"):
        expression("(" * 200 + "amount" + ")" * 200 + " > 0", COLUMNS)


def test_an_error_shows_at_most_a_line_of_the_text() -> None:
    with pytest.raises(DqError) as caught:
        expression("nowhere = '" + "x" * 5000 + "'", COLUMNS)
    assert len(caught.value.what) < 300


def test_every_listed_function_is_allowed() -> None:
    arguments = {
        "date_trunc": "'month', booked_date",
        "trunc": "booked_date, 'month'",
        "if": "true, amount, 1",
        "substring": "kind, 1, 2",
        "datediff": "booked_date, booked_date",
        "greatest": "amount, 1",
        "least": "amount, 1",
        "regexp_like": "kind, 'x'",
    }
    two = {"add_months", "contains", "date_add", "date_sub", "endswith", "mod", "nullif", "startswith", "try_divide"}
    two |= {"try_mod", "ifnull", "nvl"}
    for name in FUNCTIONS:
        given = arguments.get(name, "amount, 2" if name in two else "amount")
        assert "`" in expression(f"{name}({given})", COLUMNS), name


def test_named_columns_come_once_in_order() -> None:
    assert list(named_columns("b > 0 and a > b and `x.y` is null")) == ["b", "a", "x.y"]


def test_a_row_condition_is_text_or_a_condition_object_or_nothing() -> None:
    assert row_condition({}, COLUMNS) is None
    assert row_condition({"row_condition": ""}, COLUMNS) is None
    assert row_condition({"row_condition": "amount > 0", "condition_parser": "spark"}, COLUMNS) == "`amount` > 0"
    nested = {
        "type": "or",
        "conditions": [
            {"type": "comparison", "column": {"name": "kind"}, "operator": "==", "parameter": "o'n\\e"},
            {
                "type": "and",
                "conditions": [
                    {"type": "nullity", "column": {"name": "amount"}, "is_null": False},
                    {"type": "comparison", "column": {"name": "Seats"}, "operator": "NOT_IN", "parameter": [1, 2.5]},
                ],
            },
            {"type": "pass_through", "pass_through_filter": "amount > 1"},
        ],
    }
    assert row_condition({"row_condition": nested}, COLUMNS) == (
        r"(`kind` = 'o\'n\\e' OR (NOT `amount` IS NULL AND NOT `Seats` IN (1, 2.5)) OR (`amount` > 1))"
    )


@pytest.mark.parametrize(
    "condition",
    [
        {"type": "and", "conditions": []},
        {"type": "comparison", "column": {"name": "kind"}, "operator": "~", "parameter": 1},
        {"type": "comparison", "column": {"name": "kind"}, "operator": "==", "parameter": None},
        {"type": "comparison", "column": {"name": "nowhere"}, "operator": "==", "parameter": 1},
        {"type": "unheard_of"},
        {"type": "pass_through", "pass_through_filter": "amount > 0) OR (reflect('a', 'b')"},
        {"type": "pass_through", "pass_through_filter": "amount > 1) OR (amount < 0"},
        7,
    ],
)
def test_a_condition_object_that_is_not_known_is_refused(condition: object) -> None:
    with pytest.raises(DqError):
        row_condition({"row_condition": condition}, COLUMNS)  # type: ignore[dict-item]


@pytest.mark.parametrize(
    "text", ["amount > 1 -- of a bill", "amount > 1 /* of a bill */", "amount > 1\n-- of a bill\n"]
)
def test_a_comment_ends_with_the_filter_it_stands_in(text: str) -> None:
    one = {"type": "pass_through", "pass_through_filter": text}
    both = {"type": "or", "conditions": [one, {"type": "pass_through", "pass_through_filter": "amount < 0"}]}
    assert row_condition({"row_condition": text}, COLUMNS) == "`amount` > 1"
    assert row_condition({"row_condition": one}, COLUMNS) == "(`amount` > 1)"
    assert row_condition({"row_condition": both}, COLUMNS) == "((`amount` > 1) OR (`amount` < 0))"


def test_the_great_expectations_condition_language_is_refused_with_what_to_write() -> None:
    with pytest.raises(DqError, match="Spark SQL such as"):
        row_condition({"row_condition": 'col("amount") > 0', "condition_parser": "great_expectations"}, COLUMNS)


def test_a_query_reads_the_checked_table_only() -> None:
    text = "SELECT kind, count(*) AS n FROM batch WHERE amount / 2 > 1 GROUP BY kind HAVING count(*) > 1"
    assert query(text, "batch").startswith("SELECT `kind`, count(*) AS `n` FROM `batch`")
    assert "`amount` / 2 > 1" in query(text, "batch")
    assert query("WITH t AS (SELECT * FROM batch) SELECT * FROM t", "batch")
    for bad in (
        "SELECT * FROM other",
        "SELECT * FROM batch JOIN other ON true",
        "SELECT * FROM db.batch",
        "SELECT * FROM parquet.`/etc`",
        "SELECT reflect('a', 'b') FROM batch",
        "SELECT (SELECT 1 FROM other) FROM batch",
        "INSERT INTO batch SELECT 1",
        "amount > 1",
        "SELECT * FROM range(5)",
        "SELECT * FROM batch; DROP TABLE batch",
    ):
        with pytest.raises(DqError):
            query(bad, "batch")
