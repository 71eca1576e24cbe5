from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from run_records import PRELIMINARY, held, published, record, result

from dq.base.model import RunRecord, Verdict
from dq.base.serialize import RecordError, from_dict, from_json, instant, plain, to_dict, to_json

plain_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(min_value=-(2**53) + 1, max_value=2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize(
    "run",
    [
        held(),
        published(),
        published(verdict=Verdict.PUBLISH_PARTIAL, partial=("expenses: declared absent",), already_published=True),
        published(replaced=PRELIMINARY),
        record(),
        record(upstream=held(), verdict=Verdict.HOLD_NOT_EVALUATED, stays=None, error="the run stopped"),
    ],
)
def test_a_record_comes_back_as_it_was_written(run: RunRecord) -> None:
    assert from_json(to_json(run)) == run
    assert from_dict(to_dict(run)) == run
    assert to_json(from_json(to_json(run))) == to_json(run)


@pytest.mark.long
@given(st.dictionaries(st.text(), plain_values, max_size=4))
def test_any_plain_measure_comes_back_as_it_was_written(measures: dict[str, object]) -> None:
    run = record(result(measures=measures, observed=str(measures)))
    assert from_json(to_json(run)) == run


def test_the_text_is_ascii_and_strict_json_whatever_the_data_held() -> None:
    text = to_json(record(result(observed="\ud800 \x1b[31m <script> \u2028 ü")))
    assert text.isascii()
    assert json.loads(text)["results"][0]["observed"] == "\ud800 \x1b[31m <script> \u2028 ü"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("1204311.20"), "1204311.20"),
        (Decimal("1E+3"), "1000"),
        (Decimal("NaN"), "NaN"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (2**53, "9007199254740992"),
        (2**53 - 1, 2**53 - 1),
        (True, True),
        ((1, (2,)), [1, [2]]),
        ({"b", "a"}, ["a", "b"]),
        (datetime(2026, 11, 1, tzinfo=UTC), "2026-11-01T00:00:00Z"),
    ],
)
def test_numbers_are_finite_and_money_travels_as_text(value: object, expected: object) -> None:
    found = plain(value)
    assert found == expected
    assert type(found) is type(expected)


def test_instants_are_told_in_utc() -> None:
    assert instant(datetime(2026, 11, 1, 1, tzinfo=timezone(timedelta(hours=-5)))) == "2026-11-01T06:00:00Z"
    with pytest.raises(RecordError, match="no time zone"):
        instant(datetime(2026, 11, 1))


def test_a_record_with_a_naive_instant_is_not_written() -> None:
    with pytest.raises(RecordError, match="no time zone"):
        to_json(replace(held(), as_of=datetime(2026, 11, 25)))


def test_a_value_json_cannot_carry_is_refused_without_showing_it() -> None:
    with pytest.raises(RecordError, match=r"record\.totals\.secret: a bytes cannot be written") as error:
        to_json(record(totals={"secret": b"hunter2"}))
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("surprise",), 1, "unknown key surprise"),
        (("schema",), 2, "schema 2 is not known"),
        (("schema",), True, "schema True is not known"),
        (("verdict",), "published", "record.verdict: a str"),
        (("as_of",), "2026-11-25T02:00:00", "record.as_of: a str"),
        (("data_through",), "24 Nov", "record.data_through: a str"),
        (("seconds",), "12", "record.seconds: a str"),
        (("version",), True, "record.version: a bool"),
        (("spark_jobs",), 1.5, "record.spark_jobs: a float"),
        (("results",), {}, "record.results: a dict"),
        (("guidance",), [], "record.guidance: a list"),
        (("results", 0, "severity"), "fatal", r"record.results\[0\].severity"),
        (("results", 0, "measures", "x"), float("nan"), "finite JSON value"),
    ],
)
def test_a_wrong_key_is_named(path: tuple[str | int, ...], value: object, message: str) -> None:
    doc = json.loads(to_json(held()))
    at = doc
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    with pytest.raises(RecordError, match=message):
        from_dict(doc)


@pytest.mark.parametrize("key", ["run", "verdict", "results", "run_key"])
def test_a_missing_key_is_named(key: str) -> None:
    doc = to_dict(held())
    del doc[key]
    with pytest.raises(RecordError, match=f"missing {key}"):
        from_dict(doc)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", '{"schema": 1, "schema": 1}', '{"schema": NaN}', "[" * 100_000]
)
def test_text_that_is_no_record_gives_one_sentence(text: str) -> None:
    with pytest.raises(RecordError):
        from_json(text)


def test_a_torn_record_never_reads_as_a_whole_one() -> None:
    text = to_json(held())
    for length in range(0, len(text), 97):
        with pytest.raises(RecordError):
            from_json(text[:length])
