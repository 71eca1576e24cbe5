import pyarrow as pa
import pytest

from dq.sources.type_names import canonical, decimal_parts, is_number, of_arrow


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("integer", "int"),
        ("LONG", "bigint"),
        (" DECIMAL( 18 , 2 ) ", "decimal(18,2)"),
        ("numeric", "decimal(10,0)"),
        ("decimal(5)", "decimal(5,0)"),
        ("timestamp_ltz", "timestamp"),
        ("array<struct<a: int, b: map<string, date>>>", "array<struct<a:int,b:map<string,date>>>"),
    ],
)
def test_a_type_has_one_spelling(text: str, spelled: str) -> None:
    assert canonical(text) == spelled
    assert canonical(spelled) == spelled


@pytest.mark.parametrize(
    "text",
    ["money", "", "decimal(18,", "decimal(39,2)", "decimal(2,3)", "array<int", "int int", "int;drop", "array<>", "a`b"],
)
def test_what_spark_has_no_type_for_is_refused_with_the_choices(text: str) -> None:
    with pytest.raises(ValueError, match=r"valid: .*bigint|precision 1 to 38"):
        canonical(text)


@pytest.mark.parametrize(
    ("arrow", "spark"),
    [
        (pa.string(), "string"),
        (pa.large_string(), "string"),
        (pa.dictionary(pa.int32(), pa.string()), "string"),
        (pa.int32(), "int"),
        (pa.int64(), "bigint"),
        (pa.uint32(), "bigint"),
        (pa.decimal128(18, 2), "decimal(18,2)"),
        (pa.date32(), "date"),
        (pa.timestamp("us", tz="UTC"), "timestamp"),
        (pa.timestamp("ms", tz="Europe/Berlin"), "timestamp"),
        (pa.timestamp("us"), "timestamp_ntz"),
        (pa.timestamp("ns"), "timestamp(ns)"),
        (pa.list_(pa.int32()), "array<int>"),
        (pa.map_(pa.string(), pa.float64()), "map<string,double>"),
        (pa.struct([("a", pa.bool_())]), "struct<a:boolean>"),
        (pa.time64("us"), "time64[us]"),
    ],
)
def test_parquet_columns_are_called_as_spark_calls_them(arrow: pa.DataType, spark: str) -> None:
    assert of_arrow(arrow) == spark


def test_an_int96_column_is_an_instant_to_spark() -> None:
    assert of_arrow(pa.timestamp("ns"), int96=True) == "timestamp"


def test_numbers_are_told_from_other_types() -> None:
    assert [name for name in ("int", "double", "decimal(3,1)", "string", "date", "boolean") if is_number(name)] == [
        "int",
        "double",
        "decimal(3,1)",
    ]
    assert decimal_parts("decimal(18,2)") == (18, 2)
    assert decimal_parts("string") is None
