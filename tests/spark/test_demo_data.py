"""The demo company's data is clean under every promise of the contracts, and each defect breaks one of them."""

from __future__ import annotations

import hashlib
import itertools
import shutil
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as sf

from demo import catalogue, company, data, defects
from dq.base.errors import SourceError, UsageError

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = yaml.safe_load((ROOT / "jobs" / "contracts.yml").read_text(encoding="utf-8"))["sources"]
SOURCES = yaml.safe_load((ROOT / "jobs" / "sources.yml").read_text(encoding="utf-8"))
DELIVERY = ("received_at", "topic", "partition", "offset")
# A leap February and the turn of a year beside plain months.
FIRST, LAST = "2027-12", "2028-02"


@pytest.fixture(scope="module")
def root(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    where = tmp_path_factory.mktemp("demo") / "sources"
    data.make(spark, where, first_month=FIRST, last_month=LAST, lines=6_000)
    return where


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Iterator[Path]:
    where = tmp_path / "sources"
    shutil.copytree(root, where)
    yield where
    shutil.rmtree(where)


def read(spark: SparkSession, root: Path, source: str, month: str | None = None) -> DataFrame:
    """A source with contract types; without a month, all of it."""
    files = sorted(map(str, (root / source).glob(f"month={month or '*'}/*.parquet")))
    frame = spark.read.parquet(*files)
    return frame.withColumn("amount", sf.col("amount").cast("decimal(18,2)")) if source == "expenses" else frame


def digests(root: Path) -> dict[str, str]:
    files = sorted(path for path in root.rglob("*") if path.is_file())
    return {str(path.relative_to(root)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.slow
def test_the_same_seed_leaves_the_same_files_and_another_seed_others(spark, root, tmp_path):
    again, other = tmp_path / "again", tmp_path / "other"
    partitions = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "5")
    try:
        data.make(spark, again, first_month=FIRST, last_month=LAST, lines=6_000)
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", partitions)
    assert digests(again) == digests(root)
    data.make(spark, other, seed=2, first_month=FIRST, last_month=LAST, lines=6_000)
    assert (
        digests(other)["revenue/month=2028-02/part-00000.parquet"]
        != (digests(root)["revenue/month=2028-02/part-00000.parquet"])
    )


@pytest.mark.run
@pytest.mark.parametrize("source", data.SOURCES)
def test_files_have_the_declared_columns_and_types_and_keys_and_required_values(spark, root, source):
    contract, declared = CONTRACTS[source], SOURCES["tables"][source]["columns"]
    frame = spark.read.parquet(*sorted(map(str, (root / source).glob("month=*/*.parquet"))))
    assert dict(frame.dtypes) == declared
    assert list(frame.columns) == list(contract["columns"])
    required = [name for name, column in contract["columns"].items() if column.get("required")]
    if source == "clicks":
        # The queue delivers a few events twice: nothing but the delivery differs between the two.
        again = frame.count() - (frame := frame.dropDuplicates([c for c in frame.columns if c not in DELIVERY])).count()
        assert 0 < again < frame.count() / 100
    counted = frame.agg(
        sf.count("*").alias("rows"),
        sf.count_distinct(*contract["key"]).alias("keys"),
        *(sf.count_if(sf.col(name).isNull()).alias(f"null_{name}") for name in required),
    ).first()
    assert counted.rows == counted["keys"] > 0
    assert {name: counted[f"null_{name}"] for name in required} == dict.fromkeys(required, 0)


@pytest.mark.parametrize("source", data.SOURCES)
def test_values_lie_in_the_accepted_sets(spark, root, source):
    columns = CONTRACTS[source]["columns"]
    accepted = {name: column["accepted"] for name, column in columns.items() if "accepted" in column}
    accepted |= SOURCES["sources"][source].get("accepted", {})
    frame = read(spark, root, source)
    for name, values in accepted.items():
        assert {row[0] for row in frame.select(name).distinct().collect()} <= set(values), name


@pytest.mark.parametrize(
    ("source", "day"),
    [
        ("revenue", "booked_date"),
        ("ledger", "booked_date"),
        ("expenses", "incurred_date"),
        ("clicks", "event_date"),
        ("kafka_offsets", "observed_date"),
        ("directory_users", "day"),
        ("support_tickets", "opened_date"),
        ("campaigns", "day"),
    ],
)
def test_every_day_is_there_also_the_29th_of_february_and_new_years_eve(spark, root, source, day):
    rows = read(spark, root, source).where(sf.col(day) >= sf.lit(date(2027, 12, 1)))
    days = {row[0] for row in rows.select(day).distinct().collect()}
    if source == "clicks":
        days.remove(date(2028, 3, 1))  # sessions of the last day run on into it
    expected = (date(2028, 2, 29) - date(2027, 12, 1)).days + 1
    assert days == {date(2027, 12, 1) + timedelta(days=n) for n in range(expected)}


@pytest.mark.parametrize(
    ("source", "day", "known"),
    [
        ("revenue", "booked_date", "recorded_at"),
        ("expenses", "incurred_date", "entered_at"),
        ("licence_events", "effective_date", "recorded_at"),
        ("accounts", "valid_from", "synced_at"),
        ("support_tickets", "opened_date", "recorded_at"),
        ("campaigns", "day", "recorded_at"),
    ],
)
def test_rows_are_known_in_their_month_directory_and_before_the_run_of_the_next_morning(
    spark, root, source, day, known
):
    frame = read(spark, root, source).withColumn("path", sf.input_file_name())
    placed = sf.col(day) if source not in ("accounts", "support_tickets") else sf.col(known)
    assert frame.where(
        ~sf.col("path").contains(sf.concat(sf.lit("month="), sf.date_format(placed, "yyyy-MM")))
    ).isEmpty()
    seconds = sf.unix_seconds(known) - sf.unix_seconds(sf.col(day).cast("timestamp"))
    early = frame.where(seconds < 0)
    late = frame.where(seconds >= 26 * 3600)
    assert early.isEmpty()
    if source != "accounts":
        assert late.isEmpty()
        assert not frame.where(seconds >= 24 * 3600).isEmpty(), "some rows arrive the night after"


def test_accounts_are_synchronised_every_day_until_after_the_last_month(spark, root):
    synced = read(spark, root, "accounts").select(sf.to_date("synced_at")).distinct()
    days = {row[0] for row in synced.collect()}
    span = (date(2028, 3, 10) - date(2027, 12, 1)).days
    assert {date(2027, 12, 1) + timedelta(days=n) for n in range(span)} <= days


def test_some_accounts_move_and_every_line_belongs_to_an_account_that_has_begun(spark, root):
    accounts = read(spark, root, "accounts")
    moved = accounts.groupBy("account_id").agg(sf.count_distinct("region", "segment").alias("n")).where("n > 1")
    assert moved.count() > 5
    begun = accounts.groupBy("account_id").agg(sf.min("valid_from").alias("begun"))
    lines = read(spark, root, "revenue").join(begun, on="account_id", how="left")
    assert lines.where("begun IS NULL OR begun > booked_date").isEmpty()


def test_tickets_and_campaigns_are_of_accounts_that_have_begun_and_tickets_go_back_to_the_first_customers(spark, root):
    begun = read(spark, root, "accounts").groupBy("account_id").agg(sf.min("valid_from").alias("begun"))
    for source, day in (("support_tickets", "opened_date"), ("campaigns", "day")):
        rows = read(spark, root, source).join(begun, on="account_id", how="left")
        assert rows.where(f"begun IS NULL OR begun > {day}").isEmpty(), source
    tickets = read(spark, root, "support_tickets")
    assert tickets.agg(sf.min("opened_date")).first()[0] < date(2027, 3, 1)
    assert tickets.where("resolved_at < opened_at OR to_date(opened_at) <> opened_date").isEmpty()
    assert 0.7 < tickets.where("resolved_at IS NOT NULL").count() / tickets.count() < 0.95


def test_licence_events_chain_without_gaps_and_show_every_kind(spark, root):
    events = read(spark, root, "licence_events")
    numbers = events.groupBy("account_id").agg(
        sf.min("sequence_number").alias("low"), sf.max("sequence_number").alias("high"), sf.count("*").alias("n")
    )
    assert numbers.where("low <> 1 OR high <> n").isEmpty()
    order = sf.expr("lag(seats_after, 1, 0) OVER (PARTITION BY licence_id ORDER BY effective_date, sequence_number)")
    assert events.withColumn("held", order).where("held <> seats_before").isEmpty()
    kinds = {row[0] for row in events.select("event").distinct().collect()}
    assert kinds == set(CONTRACTS["licence_events"]["columns"]["event"]["accepted"])
    assert events.where("seats_after < 0 OR (licence_type = 'trial' AND mrr_after <> 0)").isEmpty()


def test_the_ledger_agrees_with_revenue_and_expenses_to_the_cent_and_only_the_last_month_is_open(spark, root):
    ledger = read(spark, root, "ledger")
    booked = read(spark, root, "revenue").selectExpr("concat('revenue_', kind) AS line", "booked_date", "amount")
    spent = read(spark, root, "expenses").selectExpr("category AS line", "incurred_date AS booked_date", "amount")
    both = booked.unionByName(spent).groupBy("line", "booked_date").agg(sf.sum("amount").alias("ours"))
    compared = ledger.join(both, on=["line", "booked_date"], how="full").fillna(0, subset=["ours", "amount"])
    assert compared.where("ours <> amount").isEmpty()
    assert compared.count() == ledger.count() == 91 * len(company.LEDGER_LINES)
    closed = {row.month: row.closed_at for row in ledger.select("month", "closed_at").distinct().collect()}
    assert closed["2028-02"] is None
    assert f"{closed['2027-12']:%Y-%m-%d %H:%M}" == "2028-01-04 20:00"


def test_offsets_count_on_over_the_months_in_the_order_of_arrival_and_the_consumer_follows(spark, root):
    landed = read(spark, root, "clicks")
    numbers = landed.groupBy("partition").agg(
        sf.min("offset").alias("low"),
        sf.max("offset").alias("high"),
        sf.count_distinct("offset").alias("n"),
        sf.count_distinct(sf.to_date("received_at")).alias("days"),
    )
    assert numbers.where("low <> 0 OR high <> n - 1 OR days < 60").isEmpty()
    order = "lag(received_at) OVER (PARTITION BY partition ORDER BY offset)"
    assert landed.withColumn("before", sf.expr(order)).where("before > received_at").isEmpty()
    offsets = read(spark, root, "kafka_offsets").where("observed_at = TIMESTAMP'2028-01-20 12:00:00'")
    arrived = landed.where("received_at <= TIMESTAMP'2028-01-20 12:00:00'").groupBy("partition").count()
    compared = offsets.join(arrived, on="partition", how="inner")
    assert compared.count() == offsets.count() == 8
    assert compared.where("end_offset <> count OR committed_offset NOT BETWEEN end_offset - 3 AND end_offset").isEmpty()


def test_events_belong_to_licensed_users_and_some_sessions_run_past_midnight_at_the_end_of_a_month(spark, root):
    landed, users = read(spark, root, "clicks"), read(spark, root, "directory_users")
    assert landed.where("event_date <> to_date(event_time) OR received_at <= event_time").isEmpty()
    licensed = users.withColumnRenamed("day", "event_date")
    # Sessions of the last day run on into a month of which nothing else is made.
    within = landed.where(sf.col("event_date") <= users.agg(sf.max("day")).first()[0])
    assert 0 < landed.count() - within.count() < within.count() / 100
    assert within.join(licensed, on=["event_date", "user_id", "account_id"], how="left_anti").isEmpty()
    session = sf.substring("event_id", 2, 14)
    months = landed.groupBy(session).agg(sf.count_distinct(sf.date_format("event_time", "yyyy-MM")).alias("months"))
    assert not months.where("months = 2").isEmpty()
    late = landed.where("received_at > event_time + INTERVAL 1 HOUR").count()
    assert 0 < late < landed.count() / 50
    assert landed.where("received_at > event_time + INTERVAL 30 HOURS").isEmpty()


def test_months_resemble_each_other(spark, root):
    lines = read(spark, root, "revenue").groupBy(sf.date_format("booked_date", "yyyy-MM").alias("m"))
    months = lines.agg(sf.count("*").alias("n"), sf.avg("amount").alias("mean")).orderBy("m").collect()
    for before, after in itertools.pairwise(months):
        assert abs(after.n / before.n - 1) < 0.3
        assert abs(float(after["mean"] / before["mean"]) - 1) < 0.3


def test_timestamps_have_statistics_a_footer_can_prove_something_with(root):
    footer = pq.ParquetFile(root / "revenue" / "month=2028-01" / "part-00000.parquet").metadata
    column = next(
        c for c in map(footer.row_group(0).column, range(footer.num_columns)) if c.path_in_schema == "recorded_at"
    )
    assert column.physical_type == "INT64"
    assert column.statistics.has_min_max


def test_a_directory_with_other_files_is_refused_and_left_alone(spark, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work", encoding="utf-8")
    with pytest.raises(UsageError, match="holds other files"):
        data.make(spark, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_an_unknown_size_is_refused(spark, tmp_path):
    with pytest.raises(UsageError, match="unknown size 'huge'"):
        data.make(spark, tmp_path / "new", size="huge")


# One of each kind of change: of rows, with the months before, to the end of time, and of several sources.
PLANTED = (
    "F01-revenue-account_id",
    "F03-licence_events-no-subscribers",
    "F04-accounts-stale",
    "F15-expenses-restated",
)


@pytest.mark.parametrize(
    "identifier",
    [
        pytest.param(one.id, marks=[] if one.id in PLANTED else pytest.mark.slow)
        for one in catalogue.catalogue("2028-01")
        if not one.edits
    ],
)
def test_a_defect_changes_only_its_month_and_can_be_planted_again_alike(spark, copy, identifier):
    before = digests(copy)
    defect = catalogue.find(identifier, "2028-01")
    defects.apply(spark, copy, defect)
    after = digests(copy)
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    directories = tuple(f"{one.source}/month={one.month}/" for one in (defect, *defect.also))
    assert changed, "a defect that changes nothing"
    later = {path for path in changed if path.split("/")[0] == defect.source and path.split("/")[1] > "month=2028-01"}
    assert {path for path in changed if not path.startswith(directories)} == (later if defect.ends else set())


def test_planting_is_deterministic(spark, root, tmp_path):
    results = []
    for name in ("one", "two"):
        shutil.copytree(root, tmp_path / name)
        for identifier in ("F01-revenue-account_id", "F03-licence_events-no-subscribers", "F24-expenses-nan"):
            defects.apply(spark, tmp_path / name, catalogue.find(identifier, "2028-01"))
        results.append(digests(tmp_path / name))
    assert results[0] == results[1]


def test_a_defect_without_its_month_is_refused(spark, root):
    with pytest.raises(SourceError, match="no month 2031-01 of ledger"):
        defects.apply(spark, root, catalogue.find("F11-ledger-marketing", "2031-01"))


def rows(spark: SparkSession, root: Path, identifier: str) -> DataFrame:
    defect = catalogue.find(identifier, "2028-01")
    defects.apply(spark, root, defect)
    return read(spark, root, defect.source, "2028-01")


def test_the_defects_are_what_their_titles_say(spark, copy):
    assert rows(spark, copy, "F06-targets-empty").isEmpty()
    ledger = read(spark, copy, "ledger", "2028-01").agg(sf.sum("amount")).first()[0]
    assert rows(spark, copy, "F11-ledger-offsetting").agg(sf.sum("amount")).first()[0] == ledger
    assert rows(spark, copy, "F11-ledger-marketing").agg(sf.sum("amount")).first()[0] == ledger + 500
    names = rows(spark, copy, "F07-revenue-case").columns
    assert "Account_ID" in names
    assert "account_id" not in names
    assert not rows(spark, copy, "F22-licence_events-seats").where("seats_after < 0").isEmpty()


def test_no_subscribers_are_left_when_every_licence_is_cancelled(spark, copy):
    rows(spark, copy, "F03-licence_events-no-subscribers")
    past = read(spark, copy, "licence_events").where("effective_date <= DATE'2028-01-31'")
    newest = past.groupBy("licence_id").agg(
        sf.max_by("event", sf.struct("effective_date", "sequence_number")).alias("event")
    )
    assert newest.where("event <> 'cancel'").isEmpty()
    numbers = past.groupBy("account_id").agg(sf.max("sequence_number").alias("high"), sf.count("*").alias("n"))
    assert numbers.where("high <> n").isEmpty()
