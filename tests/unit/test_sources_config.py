from pathlib import Path

import pytest
from sources_support import CONTRACTS, ORDERS, config, findings

from dq.base.errors import ConfigError

ROOT = Path(__file__).resolve().parents[2]


def said(folder: Path, text: str, contract_text: str = CONTRACTS) -> str:
    with pytest.raises(ConfigError) as error:
        config(folder, text, contract_text)
    return "\n".join(findings(error.value))


def test_a_sound_file_gives_root_tables_and_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DQ_TEST_DIR", raising=False)
    loaded = config(tmp_path)
    assert loaded.root == tmp_path / "data"
    assert loaded.company == "testers"
    assert loaded.tables["raw_orders"].columns["amount"] == "decimal(18,2)"
    assert loaded.source("orders").query is not None


def test_the_variable_overrides_the_default_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQ_TEST_DIR", str(tmp_path / "elsewhere"))
    assert config(tmp_path).root == tmp_path / "elsewhere"


def test_a_file_without_default_is_read_although_the_variable_is_not_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DQ_TEST_DIR", raising=False)
    assert config(tmp_path, ORDERS.replace(", default: data", "")).root is None


@pytest.mark.long
def test_the_sources_files_of_this_project_fulfil_every_contract() -> None:
    from dq.sources import load_contracts, load_sources

    declared = load_contracts(ROOT / "jobs" / "contracts.yml")
    for name in ("sources.yml", "ravenstack.yml"):
        assert set(load_sources(ROOT / "jobs" / name, declared).sources) == set(declared)


def test_unknown_and_missing_sources_are_named(tmp_path: Path) -> None:
    message = said(tmp_path, ORDERS.replace("  orders:\n    select", "  order:\n    select"))
    assert "sources.order: has no contract; did you mean orders?" in message
    assert "the contract orders is missing: give it a select, or absent with owner and reason" in message


def test_the_output_columns_must_be_the_contracts(tmp_path: Path) -> None:
    text = ORDERS.replace("SELECT line_id, product", "SELECT line_id AS lineid, product").replace(
        ", paid_on FROM", " FROM"
    )
    message = said(tmp_path, text)
    assert "sources.orders.select: does not give the contract's column line_id (did you mean lineid?)" in message
    assert "does not give the contract's column paid_on" in message
    assert "gives lineid, which is not a column of the contract; did you mean line_id?" in message


def test_mistakes_in_the_select_stand_at_its_line(tmp_path: Path) -> None:
    message = said(tmp_path, ORDERS.replace("SELECT line_id,", "SELECT line_ident AS line_id,"))
    assert "sources.yml:19: sources.orders.select: the column line_ident is unknown; did you mean line_id?" in message


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("seats: int", "seats: number", "tables.raw_orders.columns.seats: 'number' is not a Spark SQL type"),
        ("seats: int", "seats: int\n      Seats: int", "differs from seats only in case"),
        (
            "format: parquet",
            "format: kafka",
            "kafka cannot be pinned to files; valid: avro, csv, delta, json, orc, parquet",
        ),
        ('"orders/month={month}"', '"https://example.com/x"', "cannot be pinned"),
        ('"orders/month={month}"', '"../x"', "leaves the root"),
        ('"orders/month={month}"', '"/x"', "leaves the root"),
        ('"orders/month={month}"', '"orders/{day}"', "placeholder that is not known"),
        ("timezone: UTC", "timezone: Mars", "Mars is not a time zone"),
        ("company: testers", "company: ../x", "company"),
        ("timezone: UTC", "zone: UTC", "zone: unknown key"),
    ],
)
def test_a_mistake_in_a_raw_table_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert message in said(tmp_path, ORDERS.replace(old, new))


def test_times_without_a_zone_need_one_declared(tmp_path: Path) -> None:
    text = ORDERS.replace("recorded_at: timestamp", "recorded_at: timestamp_ntz").replace("    timezone: UTC\n", "")
    assert "recorded_at may hold times without a zone: say their timezone" in said(tmp_path, text)


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ("accepted: {produkt: [cloud]}", "produkt is not a column of the contract orders; did you mean product?"),
        ("accepted: {seats: [cloud]}", "is for string columns; seats is int"),
        ("accepted: {product: []}", "an empty list accepts nothing"),
        ("accepted: {product: [cloud, cloud]}", "cloud appears twice"),
        ("accepted: {product: [cloud, van]}", "van is outside the contract's set ['cloud', 'desk']"),
        ("feeds: [{produkt: cloud}]", "produkt is not a column"),
        ("feeds: [{from_day: 3}]", "names no column"),
        ("feeds: [{product: cloud, from_day: 32}]", "must be a day of the month, 1 to 31"),
        ("feeds: [{product: cloud, every_days: 0}]", "feeds[0].every_days: must be a number of days, 1 to 31"),
        ("feeds: [{product: cloud, every_days: daily}]", "must be a number of days, 1 to 31"),
        ("feeds: [{every_days: 1}]", "names no column"),
        ("feeds: [{product: 3}]", "must be text"),
        ("feeds: [{product: cloud}, {product: cloud}]", "appears twice"),
        ("absent: {owner: a, reason: b}", "needs either a select or absent"),
        ("absent_columns: {paid: none}", "paid is not a column of the contract orders; did you mean paid_on?"),
        ("absent_columns: {booked_date: none}", "places a row in time and cannot be absent"),
        ("absent_columns: {line_id: none}", "the whole key (line_id) cannot be absent"),
        ("absent_columns: {paid_on: none}", "gives paid_on, which absent_columns says is not there"),
        ('absent_columns: {paid_on: " "}', "say why the column is absent"),
    ],
)
def test_a_mistake_in_a_source_is_named(tmp_path: Path, extra: str, message: str) -> None:
    assert message in said(tmp_path, ORDERS + f"    {extra}\n")


def test_a_source_without_days_cannot_say_how_often_its_feeds_report(tmp_path: Path) -> None:
    by_month = CONTRACTS.replace("    day: booked_date\n", "    month: note\n")
    message = said(tmp_path, ORDERS + "    feeds: [{product: cloud, every_days: 1}]\n", by_month)
    assert "feeds[0].every_days: needs a day, and orders has its rows by month" in message


def test_an_accepted_set_narrows_the_contracts(tmp_path: Path) -> None:
    from dq.sources import contract_checks

    loaded = config(tmp_path, ORDERS + "    accepted: {product: [cloud]}\n")
    check = next(check for check in contract_checks(loaded, "orders") if check.check == "orders.product.accepted")
    assert check.kwargs["value_set"] == ["cloud"]


def test_mistakes_of_several_sources_and_tables_come_together(tmp_path: Path) -> None:
    text = ORDERS.replace("seats: int", "seats: number").replace("FROM raw_orders", "FROM raw_order LIMIT 1")
    message = said(tmp_path, text)
    assert "not a Spark SQL type" in message
    assert "the raw table raw_order is unknown; did you mean raw_orders?" in message
    assert "LIMIT" in message


def test_an_unknown_source_lists_the_valid_ones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="orders"):
        config(tmp_path).source("order")
