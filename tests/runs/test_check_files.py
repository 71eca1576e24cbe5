"""``dq check`` of files: each read under its very name, typed by its values, refused with file, row and reason."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from dq import checking
from dq.base.errors import DqError
from dq.cli import main
from dq.sources.csvfile import Dialect

Checked = Callable[..., tuple[int, str]]
UNIQUE = "{type: expect_column_values_to_be_unique, kwargs: {column: id}}"
TWO_ROWS = "{type: expect_table_row_count_to_be_between, kwargs: {min_value: 2, max_value: 2}}"
NOT_NULL = "{type: expect_column_values_to_not_be_null, kwargs: {column: id}}"


def sums_to(amount: str, of: str = "sum") -> str:
    return (
        f"{{type: expect_column_{of}_to_be_between, kwargs: {{column: x, min_value: {amount}, max_value: {amount}}}}}"
    )


@pytest.fixture
def check(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Checked:
    def checked(data: Path, *expectations: str, options: tuple[str, ...] = ()) -> tuple[int, str]:
        suite = tmp_path / "suite.yml"
        suite.write_text("name: s\nexpectations:\n" + "".join(f"  - {one}\n" for one in expectations))
        code = main(["check", str(data), "--suite", str(suite), *options])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return code, told.out + told.err

    return checked


def types(spark: SparkSession, path: Path, dialect: Dialect | None = None) -> dict[str, str]:
    return dict(checking._frame(spark, path, dialect).dtypes)


def typed(spark: SparkSession, path: Path, *values: str) -> str:
    path.write_text("x,y\n" + "".join(f"{value},\n" for value in values))
    return types(spark, path)["x"]


def test_a_name_with_pattern_characters_is_read_as_it_is(spark: SparkSession, tmp_path: Path, check: Checked) -> None:
    (tmp_path / "data1.csv").write_text("id\n1\n2\n3\n")
    (tmp_path / "data[1].csv").write_text("id\n1\n1\n")
    code, told = check(tmp_path / "data[1].csv", TWO_ROWS, UNIQUE)
    assert (code, "1 of 2 checks failed" in told, "repeated in 2 of 2 rows" in told) == (1, True, True), told
    folder = tmp_path / "{a,b}*"
    spark.range(2).write.parquet(str(folder / "t[x]"))
    assert check(folder / "t[x]", TWO_ROWS, UNIQUE)[0] == 0


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (["1.50", "'1,234.50'", "2.25"], "x stays text: row 3 of {} is not a number, as the other values are"),
        (["2026-02-28", "2026-03-01", "2026-02-30"], "x stays text: row 4 of {} is not a day, as the other values are"),
        (["2.5", "7", "2.50"], "x stays text: row 4 of {} writes a value that another row writes otherwise"),
        (["a", "b", "3"], ""),
        (["1.50", "1.25"], ""),
    ],
)
def test_the_row_that_keeps_a_column_text_is_told_without_its_value(
    tmp_path: Path, check: Checked, values: list[str], told: str
) -> None:
    path = tmp_path / "data.csv"
    path.write_text("id,x\n" + "".join(f"{n},{value}\n" for n, value in enumerate(values)).replace("'", '"'))
    code, said = check(path, UNIQUE)
    assert code == 0
    assert told.format(path) in said
    assert ("stays text" in said) == bool(told)
    assert not any(value.strip("'") in said for value in values if len(value) > 4)


def test_plain_names_beside_such_names_are_read_once(spark: SparkSession, tmp_path: Path) -> None:
    for name in ("a.csv", "a[1].csv", "b?.csv"):
        (tmp_path / name).write_text(f"id\n{name}\n")
    rows = checking._frame(spark, tmp_path).collect()
    assert sorted(row["id"] for row in rows) == ["a.csv", "a[1].csv", "b?.csv"]


def test_money_of_a_csv_is_decimal(spark: SparkSession, tmp_path: Path, check: Checked) -> None:
    (tmp_path / "money.csv").write_text("id,x\n1,0.10\n2,0.20\n3,0.30\n")
    assert types(spark, tmp_path / "money.csv")["x"] == "decimal(3,2)"
    code, told = check(tmp_path / "money.csv", sums_to("0.6"))
    assert code == 0, told


@pytest.mark.parametrize(
    "ids",
    [
        ["1E5", "100000", "1E05"],
        ["1234567890123456789012345678901234567890", "1234567890123456789012345678901234567891"],
        ["01", "1"],
        ["1.1", "1.10"],
        ["1d", "1f", "1D"],
        ["0", "-0"],
        ["0.0", "-0.0"],
        ['"100000\n"', "100000"],
        ["100\u2028", "100"],
        ['"2026-01-01\n"', "2026-01-01"],
        ["NaN", "nan", "Infinity"],
        ["2026-1-1", "2026-01-01"],
        ["2026-01-01T00:00:00Z", "2026-01-01T01:00:00+01:00"],
        ["true", "TRUE"],
        ["0." + "1" * 40, "0." + "1" * 39],
    ],
)
def test_what_would_not_print_back_as_written_stays_text(
    spark: SparkSession, tmp_path: Path, check: Checked, ids: list[str]
) -> None:
    (tmp_path / "ids.csv").write_text("id,v\n" + "".join(f"{one},a\n" for one in ids))
    assert types(spark, tmp_path / "ids.csv")["id"] == "string"
    code, told = check(tmp_path / "ids.csv", UNIQUE)
    assert code == 0, told


def test_a_plus_sign_of_a_telephone_number_stays(spark: SparkSession, tmp_path: Path, check: Checked) -> None:
    (tmp_path / "plus.csv").write_text("phone,v\n+4915112345678,1\n+4915112345679,2\n")
    rule = '{type: expect_column_values_to_match_regex, kwargs: {column: phone, regex: "^[+]49"}}'
    assert check(tmp_path / "plus.csv", rule)[0] == 0


def test_types_are_taken_where_every_value_prints_back(spark: SparkSession, tmp_path: Path) -> None:
    one = tmp_path / "one.csv"
    assert typed(spark, one, "1", "", "-20") == "int"
    assert typed(spark, one, "1", "1234567890") == "bigint"
    assert typed(spark, one, "1", "9" * 38) == "decimal(38,0)"
    assert typed(spark, one, "10.5", "7", "0.25") == "decimal(4,2)"
    assert typed(spark, one, "10.5", "7.0") == "decimal(3,1)"
    # More ways to write a number than one, but none is written in two: nothing is lost.
    assert typed(spark, one, "1.5", "2.50") == "decimal(3,2)"
    assert typed(spark, one, "2026-10-05", "2024-02-29") == "date"
    assert typed(spark, one, "2026-10-05", "2026-02-29") == "string"
    assert typed(spark, one, "2026-10-05 10:00:00", "2026-10-05 11:00:00") == "timestamp"
    assert typed(spark, one, "2026-10-05T10:00:00+01:00", "2026-10-05T10:00:00+02:00") == "timestamp"
    assert typed(spark, one, "2026-10-05T10:00:00Z", "2026-10-05T10:00:00") == "string"
    assert typed(spark, one, "2026-10-05 10:00", "2026-10-05 25:00") == "string"
    assert typed(spark, one, "true", "false") == "boolean"
    assert typed(spark, one, "", "") == "string"


DOUBLES = [1e16, 1.0, -1e16, 1.0]


def test_a_sum_of_doubles_does_not_depend_on_order_or_partitions(
    spark: SparkSession, tmp_path: Path, check: Checked
) -> None:
    for number, order in enumerate([(0, 1, 2, 3), (1, 3, 0, 2), (0, 2, 1, 3)]):
        for parts in (1, 2, 4):
            place = tmp_path / f"{number}-{parts}"
            rows = spark.createDataFrame([(DOUBLES[n],) for n in order], "x double").coalesce(1)
            rows.repartition(parts).write.parquet(str(place))
            code, told = check(place, sums_to("2.0"), sums_to("0.5", of="mean"))
            assert code == 0, told


def test_a_sum_of_doubles_is_the_nearest_to_the_exact_one(spark: SparkSession, tmp_path: Path, check: Checked) -> None:
    cases = [
        ([0.1, 0.2, 0.3], "0.6"),
        ([1e-9, 1e20, -1e20], "0.000000001"),
        ([5e-324, 1.0], "1.0"),
        ([-0.5], "-0.5"),
    ]
    for number, (values, wanted) in enumerate(cases):
        spark.createDataFrame([(one,) for one in values], "x double").write.parquet(str(tmp_path / str(number)))
        code, told = check(tmp_path / str(number), sums_to(wanted))
        assert code == 0, told
    for number, values in enumerate([[1.0, float("nan")], [float("inf"), 1.0, float("-inf")], [1e300, -1e300]]):
        spark.createDataFrame([(one,) for one in values], "x double").write.parquet(str(tmp_path / f"odd{number}"))
        assert check(tmp_path / f"odd{number}", sums_to("0.0"))[0] in (1, 3)


def test_a_double_meets_a_bound_of_the_same_digits(spark: SparkSession, tmp_path: Path, check: Checked) -> None:
    spark.createDataFrame([(0.6,)], "x double").write.parquet(str(tmp_path / "t"))
    code, told = check(tmp_path / "t", sums_to("0.6", of="min"), sums_to("0.6", of="max"))
    assert code == 0, told


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.csv": b"id,amount\n1,2\n3\n"}, "a.csv: row 3 has 1 of 2 values"),
        ({"a.csv": b'id,amount\n1,"two\nlines"\n3,4,5\n'}, "a.csv: row 3 has 3 of 2 values"),
        ({"a.csv": b"id,v,v\n1,,3\n"}, "a.csv: the header names v twice"),
        ({"a.csv": b"id,v,V\n1,,3\n"}, "a.csv: the header names v twice"),
        ({"a.csv": b"id,v\n1,a\n2,\xff\n"}, "a.csv: row 3 is not text in UTF-8"),
        ({"a.csv": b'id,v\n1,"abc\n2,def\n3,ghi\n'}, "a.csv: row 2 has a quote that is not closed"),
        ({"a.csv": b'id,v\n1,a\n2,"abc"def\n'}, "a.csv: row 3 has characters behind a closing quote"),
        ({"a.csv": b"id,amount,status\n1,10,active\r\n2,5,active\n"}, "a.csv: row 2 ends with CR LF, row 1 with LF"),
        ({"a.csv": b""}, "a.csv has no header"),
        ({"a.csv": b"id,v\n1,2\n", "b.csv": b"id\n3\n"}, "b.csv: its columns differ from those of"),
        ({"a.csv": b"id\n1\n", "notes.txt": b"x"}, "notes.txt is not CSV"),
        ({"a.csv": b"id\n1\n", "day=2/b.csv": b"id\n2\n"}, "its files are in different levels"),
        ({"day=1/a.csv": b"id,day\n1,2\n"}, "the header names day, which is a level of folders too"),
        ({"a.parquet": b"no parquet"}, "a.parquet: cannot be read: it does not begin as a Parquet file does"),
        ({"a.csv.gz": gzip.compress(b"id\n1\n")[:-6]}, "a.csv.gz is torn: its end is missing"),
        ({"a.csv": b"id\n1\n", "b:1.csv": b"id\n2\n"}, "b:1.csv has a colon in its name"),
    ],
)
def test_what_cannot_be_read_is_told_with_file_row_and_reason(
    spark: SparkSession, tmp_path: Path, check: Checked, files: dict[str, bytes], said: str
) -> None:
    place = tmp_path / "data"
    for name, content in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(content)
    code, told = check(place, NOT_NULL)
    assert (code, said in told) == (3, True), told


def test_parquet_files_of_different_columns_are_refused(spark: SparkSession, tmp_path: Path, check: Checked) -> None:
    table = tmp_path / "t"
    spark.range(2).coalesce(1).write.parquet(str(table / "day=1"))
    spark.range(2).selectExpr("id", "1 v").coalesce(1).write.parquet(str(table / "day=2"))
    code, told = check(table, NOT_NULL)
    assert (code, "its columns differ from those of" in told, "by v int" in told) == (3, True, True), told


def test_line_ends_in_quotes_and_cr_lf_throughout_are_read(spark: SparkSession, tmp_path: Path, check: Checked) -> None:
    one = tmp_path / "one.csv"
    one.write_bytes(b'id,v\r\n1,"a\nb"\r\n2,"said ""x"""\r\n')
    named = "{type: expect_column_values_to_be_in_set, kwargs: {column: v, value_set: ["
    assert check(one, TWO_ROWS, named + '"a\\nb", "said \\"x\\""]}}')[0] == 0


def test_an_empty_file_without_a_header_holds_no_row(spark: SparkSession, tmp_path: Path, check: Checked) -> None:
    (tmp_path / "a.csv").write_bytes(b"")
    code, told = check(tmp_path / "a.csv", TWO_ROWS, options=("--no-header",))
    assert (code, "a.csv: holds no row" in told) == (3, True), told


def test_a_folder_is_read_by_names_and_levels(spark: SparkSession, tmp_path: Path, check: Checked) -> None:
    for name, text in (("day=2026-01-01/a.csv", "id,v\n1,2\n"), ("day=2026-01-02/b.csv", "v,id\n30,4\n")):
        (tmp_path / "data" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "data" / name).write_text(text)
    frame = checking._frame(spark, tmp_path / "data").orderBy("id")
    assert frame.dtypes == [("id", "int"), ("v", "int"), ("day", "string")]
    assert [tuple(row) for row in frame.collect()] == [(1, 2, "2026-01-01"), (4, 30, "2026-01-02")]
    (tmp_path / "trailing.csv").write_text("id,v,\n1,2,\n")
    assert list(types(spark, tmp_path / "trailing.csv")) == ["id", "v", "_c2"]
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "linked").symlink_to(tmp_path / "data")
    assert checking._frame(spark, tmp_path / "t").count() == 2


def test_delimiter_header_and_encoding_are_options(spark: SparkSession, tmp_path: Path, check: Checked) -> None:
    one = tmp_path / "one.csv"
    one.write_bytes("id;name\n1;Zoë €\n".encode("cp1252"))
    named = '{type: expect_column_values_to_be_in_set, kwargs: {column: name, value_set: ["Zoë €"]}}'
    assert check(one, named, options=("--delimiter", ";", "--encoding", "cp1252"))[0] == 0
    one.write_text("\ufeff1\tx\n2\ty\n", encoding="utf-8")
    by_number = NOT_NULL.replace("id}", "_c0}")
    assert check(one, TWO_ROWS, by_number, options=("--delimiter", "tab", "--no-header"))[0] == 0
    assert types(spark, one, Dialect(delimiter="\t", header=False)) == {"_c0": "int", "_c1": "string"}
    code, told = check(one, NOT_NULL, options=("--encoding", "klingon"))
    assert (code, "klingon is not a character set" in told) == (2, True), told
    assert check(one, NOT_NULL, options=("--delimiter", ";;"))[0] == 2


@pytest.mark.parametrize(
    ("mark", "what"),
    [
        ("_delta_log/00000000000000000000.json", "a Delta table"),
        ("metadata/v1.metadata.json", "an Iceberg table"),
        (".hoodie/hoodie.properties", "a Hudi table"),
        ("_spark_metadata/0", "the output of a Spark stream"),
        ("_commits/1.json", "a table of a warehouse of ours"),
    ],
)
def test_a_table_with_a_log_of_its_own_is_refused(
    spark: SparkSession, tmp_path: Path, check: Checked, mark: str, what: str
) -> None:
    table = tmp_path / "orders"
    spark.range(3).write.parquet(str(table / "data" / "day=1"))
    (table / mark).parent.mkdir()
    (table / mark).write_text("{}")
    for place in (table, table / "data" / "day=1", tmp_path):
        code, told = check(place, NOT_NULL)
        assert (code, f"orders is {what}" in told) == (3, True), told


def test_an_address_of_another_storage_is_refused_and_a_file_address_read(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "a b.csv").write_text("id\n1\n2\n")
    (tmp_path / "suite.yml").write_text(f"name: s\nexpectations:\n  - {TWO_ROWS}\n")
    record = checking.check_data((tmp_path / "a b.csv").as_uri(), tmp_path / "suite.yml")
    assert record.verdict.exit_code == 0
    with pytest.raises(DqError, match="is an address of another storage"):
        checking.check_data("s3a://bucket/x.csv", tmp_path / "suite.yml")


def test_a_pattern_of_json_is_read_by_its_own_types(spark: SparkSession, tmp_path: Path, check: Checked) -> None:
    rows = {
        "9": '{"id": 1, "x": 0.10, "on": "2026-10-01", "n": "01", "e": 1e3}\n',
        "10": '{"id": 2, "x": 12345678901234.5, "e": 2.5}\n',
    }
    for month, row in rows.items():
        (tmp_path / "in" / f"m={month}").mkdir(parents=True)
        (tmp_path / "in" / f"m={month}" / "a.json.gz").write_bytes(gzip.compress(row.encode()))
    place = tmp_path / "in" / "m=*"
    wanted = {"e": "double", "id": "bigint", "n": "string", "on": "date", "x": "decimal(16,2)", "m": "string"}
    assert types(spark, place) == wanted
    assert check(place, TWO_ROWS, sums_to("12345678901234.6"))[0] == 0
    assert check(tmp_path / "in" / "m=1*", TWO_ROWS)[0] == 1
    code, told = check(tmp_path / "in" / "m=7*", TWO_ROWS)
    assert (code, "m=7*: holds no file" in told) == (3, True), told


def test_orc_is_read_and_mixed_with_parquet_refused(spark: SparkSession, tmp_path: Path, check: Checked) -> None:
    for day in (1, 2):
        spark.range(1).selectExpr(f"{day} id").write.orc(str(tmp_path / "t" / f"day={day}"))
    assert types(spark, tmp_path / "t") == {"id": "int", "day": "string"}
    assert check(tmp_path / "t", TWO_ROWS, UNIQUE)[0] == 0
    spark.range(1).selectExpr("3 id").write.parquet(str(tmp_path / "t" / "day=3"))
    code, told = check(tmp_path / "t", TWO_ROWS)
    assert (code, "is not ORC, as other files there are" in told) == (3, True), told


def test_days_and_times_by_a_pattern_are_read_where_each_prints_back(
    spark: SparkSession, tmp_path: Path, check: Checked
) -> None:
    one = tmp_path / "one.csv"
    one.write_text("id;on;at;odd\n1;05.10.2026;05.10.2026 20:30;31.02.2026\n2;;;01.02.2026\n")
    options = ("--delimiter", ";", "--date-format", "dd.MM.yyyy", "--timestamp-format", "dd.MM.yyyy HH:mm")
    day = "{type: expect_column_max_to_be_between, kwargs: {column: on, min_value: 2026-10-05, max_value: 2026-10-05}}"
    of_type = "{{type: expect_column_values_to_be_of_type, kwargs: {{column: {}, type_: {}}}}}"
    typed_so = [of_type.format("at", "TimestampType"), of_type.format("odd", "StringType")]
    code, told = check(one, TWO_ROWS, day, *typed_so, options=options)
    assert code == 0, told
    code, told = check(one, TWO_ROWS, options=("--date-format", "dd.MM."))
    assert (code, "--date-format: dd.MM. does not say all of a day or time" in told) == (2, True), told
