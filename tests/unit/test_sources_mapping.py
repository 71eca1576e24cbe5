import pytest

from dq.sources.mapping import MappingError, parse
from dq.sources.resolution import RawColumn

TABLES = {
    "orders": {
        "line_id": "string",
        "Amount": "decimal(18,2)",
        "account": "string",
        "tags": "array<string>",
        "day": "date",
    },
    "accounts": {"account": "string", "region": "string", "address": "struct<city:string>"},
}


def mistakes(sql: str) -> list[str]:
    with pytest.raises(MappingError) as error:
        parse(sql, TABLES)
    return error.value.messages


def test_a_plain_select_passes_columns_through() -> None:
    query = parse("SELECT line_id, Amount AS amount FROM orders;", TABLES)
    assert query.outputs == ("line_id", "amount")
    assert query.tables == ("orders",)
    assert query.plain
    assert query.passed == {"line_id": RawColumn("orders", "line_id"), "amount": RawColumn("orders", "Amount")}
    assert query.sql == "SELECT `line_id`, `Amount` AS `amount` FROM `orders`"


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT DISTINCT line_id FROM orders",
        "SELECT line_id FROM orders WHERE line_id > 'a'",
        "SELECT line_id FROM orders GROUP BY line_id",
        "SELECT line_id FROM orders ORDER BY line_id",
        "SELECT upper(line_id) AS line_id FROM orders",
        "SELECT o.line_id FROM orders o LEFT JOIN accounts a ON a.account = o.account",
        "SELECT line_id FROM orders UNION ALL SELECT line_id FROM orders",
        "SELECT line_id FROM (SELECT line_id FROM orders) inner_orders",
        "WITH few AS (SELECT line_id FROM orders) SELECT line_id FROM few",
        "SELECT line_id FROM orders LATERAL VIEW explode(tags) t AS tag",
        "SELECT line_id FROM orders QUALIFY row_number() OVER (ORDER BY line_id) = 1",
    ],
)
def test_a_select_that_may_change_the_rows_is_not_plain(sql: str) -> None:
    assert not parse(sql, TABLES).plain


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT o.line_id, a.address.city AS city FROM orders o JOIN accounts a USING (account)",
        "SELECT account, line_id FROM orders JOIN accounts USING (account)",
        "SELECT line_id, address.city AS city FROM orders CROSS JOIN accounts",
        "SELECT line_id FROM orders o WHERE EXISTS (SELECT 1 FROM accounts a WHERE a.account = o.account)",
        "SELECT line_id FROM orders WHERE account IN (SELECT account FROM accounts)",
        "SELECT line_id, (SELECT max(region) FROM accounts) AS region FROM orders",
        "SELECT line_id, filter(tags, tag -> tag = line_id) AS tags FROM orders",
        "SELECT line_id AS l, upper(l) AS u FROM orders",
        "SELECT line_id, count(*) AS n FROM orders GROUP BY line_id HAVING n > 1",
        "SELECT line_id, tag FROM orders LATERAL VIEW OUTER explode(tags) t AS tag",
        "SELECT line_id, sum(Amount) OVER (PARTITION BY account ORDER BY day) AS s FROM orders",
        "SELECT LINE_ID AS line_id FROM ORDERS WHERE `day` <= :data_through",
        "SELECT line_id FROM orders /* a comment; */ -- and one; more",
    ],
)
def test_names_are_found_by_sparks_rules(sql: str) -> None:
    assert parse(sql, TABLES).tables[0] == "orders"


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELECT line_id FROM", "does not parse"),
        ("", "0 statements"),
        ("SELECT line_id FROM orders; SELECT line_id FROM orders", "2 statements"),
        ("DROP TABLE orders", "only a SELECT is allowed"),
        ("INSERT INTO orders SELECT line_id FROM orders", "only a SELECT is allowed"),
        ("SELECT line FROM orders", "the column line is unknown; did you mean line_id?"),
        ("SELECT o.line FROM orders o", "the column o.line is unknown; did you mean line_id?"),
        ("SELECT x.line_id FROM orders o", "x.line_id: x is not read here; valid: o"),
        ("SELECT orders.line_id FROM orders o", "orders is not read here"),
        ("SELECT line_id FROM order", "the raw table order is unknown; did you mean orders?"),
        ("SELECT line_id FROM parquet.`/etc/passwd`", "is not a declared raw table"),
        ("SELECT id FROM range(10)", "is not a declared raw table"),
        ("SELECT a FROM (VALUES (1)) v(a)", "is not a declared raw table"),
        ("SELECT 1 AS one", "without FROM"),
        ("SELECT * FROM orders", "name each column"),
        ("SELECT o.* FROM orders o", "name each column"),
        ("SELECT line_id, upper(line_id) FROM orders", "give UPPER(line_id) a name"),
        ("SELECT line_id, account AS line_id FROM orders", "line_id is given 2 times"),
        ("SELECT account FROM orders CROSS JOIN accounts", "account is in more than one table"),
        ("SELECT line_id FROM orders NATURAL JOIN accounts", "NATURAL join"),
        ("SELECT o.line_id FROM orders o JOIN accounts o ON true", "read twice"),
        ("SELECT line_id FROM orders LIMIT 5", "LIMIT keeps an arbitrary part"),
        ("SELECT line_id FROM orders TABLESAMPLE (5 PERCENT)", "TABLESAMPLE"),
        ("SELECT line_id, account FROM orders UNION ALL SELECT account, line_id FROM orders", "same order"),
        ("SELECT line_id FROM orders WHERE day = :today", "the parameter today is unknown"),
        ("SELECT line_id FROM orders WHERE day = ?", "the parameter ? is unknown"),
        ("SELECT '${env:HOME}' AS line_id FROM orders", "which Spark replaces before it parses"),
        ("WITH orders AS (SELECT line_id FROM orders) SELECT line_id FROM orders", "name of a raw table"),
        ("SELECT line_id FROM orders WHERE account IN (SELECT nope FROM accounts)", "nope is unknown"),
        ("SELECT line_id FROM orders LATERAL VIEW explode(tagz) t AS tag", "tagz is unknown; did you mean tags?"),
    ],
)
def test_a_mistake_is_named_before_spark_starts(sql: str, message: str) -> None:
    assert any(message in said for said in mistakes(sql)), mistakes(sql)


@pytest.mark.parametrize(
    "call",
    [
        "reflect('java.lang.System', 'exit', 1)",
        "`java_method`('a', 'b')",
        "try_reflect('a', 'b')",
        "system.builtin.reflect('a', 'b')",
        "refl/**/ect('a', 'b')",
        "input_file_name()",
        "read_files('x')",
        "raise_error('x')",
        "assert_true(false)",
        "current_timestamp()",
        "current_date",
        "now()",
        "unix_timestamp()",
        "rand()",
        "uuid()",
        "monotonically_increasing_id()",
        "current_user()",
        "first(line_id)",
        "collect_list(line_id)",
        "spark_partition_id()",
        "no_such_function(line_id)",
    ],
)
def test_functions_beyond_their_arguments_are_refused(call: str) -> None:
    said = mistakes(f"SELECT {call} AS line_id FROM orders")  # noqa: S608 - never reaches a database
    assert any("is not allowed in a mapping" in message or "does not parse" in message for message in said), said


def test_all_mistakes_of_one_select_are_reported_together() -> None:
    said = mistakes("SELECT nope, uuid() AS u, o.gone FROM orders o WHERE day = :today LIMIT 1")
    assert len(said) == 5


def test_a_raw_column_is_bare_only_where_nothing_else_uses_it() -> None:
    bare = parse("SELECT line_id, account, Amount AS amount FROM orders WHERE account IS NOT NULL", TABLES).bare
    assert bare == {RawColumn("orders", "line_id"), RawColumn("orders", "Amount")}
    assert parse("SELECT DISTINCT line_id FROM orders", TABLES).bare == frozenset()
    assert parse("SELECT line_id FROM orders UNION ALL SELECT line_id FROM orders", TABLES).bare == frozenset()
    assert parse("SELECT line_id, upper(line_id) AS u FROM orders", TABLES).bare == frozenset()


def test_an_explicit_cast_tells_the_type() -> None:
    query = parse("SELECT CAST(Amount AS DECIMAL(18, 2)) AS amount, Amount::double AS d FROM orders", TABLES)
    assert query.casts == {"amount": "decimal(18,2)", "d": "double"}
