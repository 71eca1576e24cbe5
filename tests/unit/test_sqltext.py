"""What Spark is given is the tree that was checked; a text that two parsers read differently reaches it in no form."""

from __future__ import annotations

import pytest

from dq.base.errors import UsageError
from dq.engine.conditions import expression, query, row_condition
from dq.sources.mapping import MappingError, parse
from dq.spark import sqltext

TABLES = {"orders": {"line_id": "string", "tags": "array<string>", "day": "date", "active": "boolean"}}
SUBSTITUTED = ("${env:HOME}", "${system:user.name}", "${spark.app.name}", "$${env:HOME}")


@pytest.mark.parametrize("variable", SUBSTITUTED)
def test_nothing_that_spark_would_replace_reaches_it(variable: str) -> None:
    for text in (
        f"kind = '{variable}'",
        f"kind like '{variable[:-1]}%}}'",
        f"`{variable}` = 1",
        f"kind = r'{variable}'",
    ):
        with pytest.raises(UsageError, match=r"Spark replaces"):
            expression(text, ("kind", variable))
    compared = {"type": "comparison", "column": {"name": "kind"}, "operator": "==", "parameter": variable}
    with pytest.raises(UsageError, match=r"Spark replaces"):
        row_condition({"row_condition": compared}, ("kind",))
    with pytest.raises(UsageError, match=r"Spark replaces"):
        query(f"SELECT * FROM batch WHERE kind = '{variable}'", "batch")  # noqa: S608
    with pytest.raises(MappingError, match=r"Spark replaces"):
        parse(f"SELECT '{variable}' AS line_id FROM orders", TABLES)  # noqa: S608


@pytest.mark.parametrize("spelled", [r"\u0024{env:HOME}", r"$\u007benv:HOME}", r"\${env:HOME}", r"$\{env:HOME}"])
def test_a_variable_that_is_spelled_by_escapes_is_refused_as_well(spelled: str) -> None:
    with pytest.raises(UsageError, match=r"Spark replaces"):
        expression(f"kind = '{spelled}'", ("kind",))


def test_a_brace_in_a_query_is_no_place_for_great_expectations_to_fill() -> None:
    from dq.gx.fallback import safe_kwargs

    text = "SELECT kind FROM {batch} WHERE kind = '{batch!r:.1} OR reflect(1) = {batch!r:.1}' AND kind <> '{}'"
    given = safe_kwargs({"unexpected_rows_query": text}, ("kind",))["unexpected_rows_query"]
    wanted = "SELECT `kind` FROM v WHERE `kind` = '{batch!r:.1} OR reflect(1) = {batch!r:.1}' AND `kind` <> '{}'"
    assert given.format(batch="v") == wanted


def test_a_parameter_does_not_become_a_variable() -> None:
    with pytest.raises(MappingError):
        parse("SELECT $x AS line_id FROM orders", TABLES)


def test_a_comment_with_a_backslash_at_its_end_hides_no_line() -> None:
    text = "SELECT line_id FROM orders -- the active ones \\\nWHERE active"
    assert parse(text, TABLES).sql == "SELECT `line_id` FROM `orders` WHERE `active`"
    assert expression("kind = 'a' -- only these \\\nAND kind > 'b'", ("kind",)) == "`kind` = 'a' AND `kind` > 'b'"


def test_a_comment_with_a_backslash_at_its_end_shows_spark_no_other_table() -> None:
    text = "SELECT line_id -- \\\n/*\nFROM text.`/etc/passwd` -- */\nFROM orders"
    assert parse(text, TABLES).sql == "SELECT `line_id` FROM `orders`"
    text = "SELECT kind -- \\\n/*\nFROM text.`/etc/passwd` -- */\nFROM batch"
    assert query(text, "batch") == "SELECT `kind` FROM `batch`"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT array(reflect('java.lang.System', 'getenv', 'HOME'))[0] AS line_id FROM orders",
        "SELECT line_id FROM orders LATERAL VIEW explode(tags) `v AS x WHERE line_id > 1 --` AS tag",
        "SELECT TRANSFORM(line_id) USING 'cat' AS line_id FROM orders",
        r"SELECT '\101' AS line_id FROM orders",
        "SELECT 'a' 'b' AS line_id FROM orders",
    ],
)
def test_what_is_read_differently_or_in_part_is_refused(text: str) -> None:
    with pytest.raises(MappingError):
        parse(text, TABLES)


def test_a_where_in_parentheses_stays_a_where() -> None:
    # Spark takes FROM orders WHERE (active) for a table named WHERE with one column.
    assert parse("SELECT line_id FROM orders WHERE (active)", TABLES).sql.endswith("WHERE `active`")
    assert query("SELECT kind FROM batch WHERE ((active))", "batch").endswith("WHERE `active`")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        (r"SELECT 'it\'s' AS a", r"SELECT 'it\'s' AS `a`"),
        (r"SELECT r'a\b' AS a", r"SELECT 'a\\b' AS `a`"),
        ('SELECT "a\nb" AS a', r"SELECT 'a\nb' AS `a`"),
        ("SELECT to_date(x, 'dd.MM.yyyy') AS a", "SELECT to_date(`x`, 'dd.MM.yyyy') AS `a`"),
        ("SELECT left(x, 3) AS a, max(x, y) b", "SELECT left(`x`, 3) AS `a`, max(`x`, `y`) AS `b`"),
        ("SELECT datediff(MONTH, a, b) AS c", "SELECT datediff(MONTH, `a`, `b`) AS `c`"),
        ("SELECT a FROM t QUALIFY max(a) OVER () = 1", "SELECT `a` FROM `t` QUALIFY max(`a`) OVER () = 1"),
        ("SELECT int(a) AS a, b::date AS b", "SELECT CAST(`a` AS INT) AS `a`, CAST(`b` AS DATE) AS `b`"),
    ],
)
def test_every_function_keeps_its_name_and_every_literal_its_value(text: str, written: str) -> None:
    assert sqltext.write(sqltext.statements(text)[0]) == written
