from pathlib import Path

import pytest
from sources_support import CONTRACTS, config, contracts, findings

from dq.base.errors import ConfigError
from dq.base.model import Severity
from dq.sources import ReadRule, contract_checks, load_contracts

ROOT = Path(__file__).resolve().parents[2]


def test_the_contracts_of_this_project_are_sound() -> None:
    loaded = load_contracts(ROOT / "jobs" / "contracts.yml")
    books = {"accounts", "licence_events", "revenue", "expenses", "ledger", "targets"}
    usage = {"clicks", "kafka_offsets", "directory_users", "support_tickets", "campaigns"}
    assert set(loaded) == books | usage
    assert loaded["accounts"].read is ReadRule.UNTIL
    assert loaded["targets"].placed_by == "month"
    assert loaded["revenue"].columns["amount"].type == "decimal(18,2)"


def test_every_mistake_of_a_contract_is_reported_at_once_with_its_line(tmp_path: Path) -> None:
    text = """\
sources:
  orders:
    description: x
    key: [line_id, line, line_id]
    day: line_id
    month: booked
    read: sometimes
    known_at: booked
    columns:
      line_id: {type: text}
      Booked: {type: date}
      booked: {type: date, accepted: [a, a]}
"""
    with pytest.raises(ConfigError) as error:
        contracts(tmp_path, text)
    said = "\n".join(findings(error.value))
    for part in (
        "contracts.yml:4: sources.orders.key[1]: line is not a column of orders; did you mean line_id?",
        "contracts.yml:4: sources.orders.key[2]: line_id appears twice in the key",
        "contracts.yml:6: sources.orders.month: booked is date; month must be a string column",
        "contracts.yml:7: sources.orders.read: sometimes is not a read rule",
        "contracts.yml:8: sources.orders.known_at: booked is date; known_at must be a timestamp column",
        "contracts.yml:10: sources.orders.columns.line_id.type: 'text' is not a Spark SQL type",
        "contracts.yml:11: sources.orders.columns.Booked: a column's name is lower-case",
        "contracts.yml:12: sources.orders.columns.booked.accepted: is for string columns",
        "contracts.yml:12: sources.orders.columns.booked.accepted[1]: a appears twice",
        "exactly one of day and month",
    ):
        assert part in said


def test_an_unknown_key_in_a_contract_is_a_mistake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"contracts.yml:12: .*requird: unknown key"):
        contracts(tmp_path, CONTRACTS.replace('"decimal(18,2)", required', '"decimal(18,2)", requird'))


def test_a_column_named_like_a_hidden_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="lower-case letters"):
        contracts(tmp_path, CONTRACTS.replace("seats:", "__raw_seats:"))


def test_the_checks_of_a_contract_have_stable_ids_classes_and_places(tmp_path: Path) -> None:
    checks = {check.check: check for check in contract_checks(config(tmp_path), "orders")}
    assert list(checks) == [
        "orders.schema",
        "orders.schema.added",
        "orders.period.complete",
        "orders.key.unique",
        "orders.line_id.required",
        "orders.product.accepted",
        "orders.note.accepted",
        "orders.amount.required",
        "orders.booked_date.required",
        "orders.recorded_at.required",
    ]
    assert checks["orders.schema"].kwargs == {"added": False}
    assert checks["orders.schema.added"].severity is Severity.WARNING
    assert checks["orders.key.unique"].type == "expect_column_values_to_be_unique"
    assert checks["orders.key.unique"].failure_class == "F02"
    assert checks["orders.line_id.required"].failure_class == "F01"
    assert checks["orders.line_id.required"].where == "contracts.yml:9"
    # Products group published figures, notes do not.
    assert checks["orders.product.accepted"].severity is Severity.CRITICAL
    assert checks["orders.note.accepted"].severity is Severity.WARNING
    assert {check.dataset for check in checks.values()} == {"orders"}


def test_only_columns_that_may_lose_values_are_checked_for_conversion(tmp_path: Path) -> None:
    from sources_support import ORDERS

    text = (
        ORDERS.replace('amount: "decimal(18,2)"', "amount: double")
        .replace("paid_on: date", "paid_on: string")
        .replace("seats,", "seats + 1 AS seats,")
    )
    checks = {check.check: check for check in contract_checks(config(tmp_path, text), "orders")}
    converts = {name: check for name, check in checks.items() if name.endswith(".converts")}
    assert set(converts) == {"orders.amount.converts", "orders.seats.converts", "orders.paid_on.converts"}
    assert converts["orders.amount.converts"].failure_class == "F24"
    assert converts["orders.amount.converts"].severity is Severity.CRITICAL
    assert converts["orders.paid_on.converts"].failure_class == "F22"
    assert converts["orders.paid_on.converts"].severity is Severity.WARNING


def test_the_key_is_judged_on_the_columns_that_are_there(tmp_path: Path) -> None:
    from sources_support import ORDERS

    two = CONTRACTS.replace("key: [line_id]", "key: [line_id, recorded_at]")
    whole = {check.check: check for check in contract_checks(config(tmp_path, contract_text=two), "orders")}
    assert whole["orders.key.unique"].type == "expect_compound_columns_to_be_unique"
    assert whole["orders.key.unique"].kwargs == {"column_list": ["line_id", "recorded_at"]}
    text = ORDERS.replace("booked_date, recorded_at, paid_on FROM", "booked_date, paid_on FROM")
    text += '    absent_columns: {recorded_at: "not recorded"}\n'
    part = {check.check: check for check in contract_checks(config(tmp_path, text, two), "orders")}
    assert part["orders.key.unique"].kwargs == {"column": "line_id"}
    # It stays declared, so that the run lists it as not run instead of forgetting it.
    assert "orders.recorded_at.required" in part


def test_a_source_declared_absent_keeps_its_checks(tmp_path: Path) -> None:
    from sources_support import ORDERS

    text = ORDERS[: ORDERS.index("  orders:")] + '  orders: {absent: {owner: Sales, reason: "none"}}\n'
    loaded = config(tmp_path, text)
    assert loaded.absence("orders").owner == "Sales"  # type: ignore[union-attr]
    assert "orders.key.unique" in {check.check for check in contract_checks(loaded, "orders")}
    assert loaded.raw_tables("orders") == ()


def test_lookback_and_duplicates_are_read_and_their_mistakes_reported(tmp_path: Path) -> None:
    path = tmp_path / "contracts.yml"
    good = CONTRACTS.replace(
        "    known_at",
        "    lookback_days: 2\n    lookahead_days: 3\n"
        "    duplicates: {rule: drop_identical, delivery: [recorded_at]}\n    known_at",
    )
    path.write_text(good, encoding="utf-8")
    orders = load_contracts(path)["orders"]
    assert (orders.lookback_days, orders.lookahead_days, orders.delivery) == (2, 3, ("recorded_at",))
    bad = good.replace("read: period", "read: until").replace("drop_identical", "drop_any")
    path.write_text(bad.replace("[recorded_at]", "[line_id, arrived]"), encoding="utf-8")
    with pytest.raises(ConfigError) as error:
        load_contracts(path)
    found = [f.message for f in error.value.findings]
    assert len(found) == 5
    for message, said in zip(
        sorted(found), ("arrived is not", "drop_any is not", "line_id stands", "only", "only"), strict=True
    ):
        assert message.startswith(said)


def test_a_key_with_a_rule_for_duplicates_is_judged_by_what_the_rows_hold(tmp_path: Path) -> None:
    rule = "    duplicates: {rule: drop_identical, delivery: [recorded_at]}\n    columns"
    loaded = config(tmp_path, contract_text=CONTRACTS.replace("    columns", rule))
    (unique,) = (check for check in contract_checks(loaded, "orders") if check.check == "orders.key.unique")
    assert unique.type == "expect_repeated_keys_to_be_identical"
    assert unique.kwargs == {"columns": ["line_id"], "delivery": ["recorded_at"]}
    assert (unique.severity, unique.failure_class) == (Severity.CRITICAL, "F02")
