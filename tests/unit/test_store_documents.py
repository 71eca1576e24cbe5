"""Sealed documents: strict JSON that proves itself whole."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dq.base.errors import StoreError
from dq.base.model import Verdict
from dq.store.sealed import Fields, TornDocumentError, decode, digest, encode, to_json

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@pytest.mark.long
@given(PLAIN)
def test_any_plain_value_comes_back_as_it_was(value: object) -> None:
    assert decode(encode({"value": value})).body["value"] == value


def test_decimals_days_and_instants_travel_as_text() -> None:
    paris = timezone(timedelta(hours=1))
    body = {
        "money": Decimal("1204311.20"),
        "tiny": Decimal("1E-7"),
        "day": date(2026, 10, 31),
        "at": datetime(2026, 11, 3, 6, tzinfo=paris),
        "verdict": Verdict.PUBLISH,
        "several": (1, 2),
    }
    assert decode(encode(body)).body == {
        "money": "1204311.20",
        "tiny": "0.0000001",
        "day": "2026-10-31",
        "at": "2026-11-03T05:00:00+00:00",
        "verdict": "publish",
        "several": [1, 2],
    }


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (float("nan"), "nan cannot be stored"),
        (float("-inf"), "-inf cannot be stored"),
        (Decimal("NaN"), "NaN cannot be stored"),
        (Decimal("Infinity"), "Infinity cannot be stored"),
        (datetime(2026, 1, 1), "without zone"),
        (b"bytes", "bytes cannot be stored"),
        ({1: "x"}, "int cannot be a key"),
        (object(), "object cannot be stored"),
    ],
)
def test_what_is_no_strict_json_is_refused_with_its_place(value: object, reason: str) -> None:
    with pytest.raises(StoreError, match=reason) as caught:
        to_json({"totals": [value]}, "commit")
    assert "commit.totals[0]" in str(caught.value)


def test_a_document_cut_at_any_byte_is_whole_or_refused_never_different() -> None:
    content = encode({"n": 1, "text": "é\ud800", "list": [1, {"a": None}]})
    whole = decode(content).body
    believed = 0
    for length in range(len(content)):
        try:
            assert decode(content[:length]).body == whole
            believed += 1
        except TornDocumentError:
            continue
    assert believed == 1, "only the last line feed can be missing"


def test_a_document_with_any_byte_changed_is_refused_or_the_same() -> None:
    content = encode({"rows": 100, "name": "ab"})
    whole = decode(content).body
    for at in range(len(content)):
        for byte in (0, ord("0"), ord("9"), ord(" "), ord('"'), 255):
            changed = content[:at] + bytes([byte]) + content[at + 1 :]
            try:
                assert decode(changed).body == whole, changed
            except TornDocumentError:
                continue


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"sha256": "x"}',
        b'{"a": NaN}',
        b'{"a": 1, "a": 2}',
        b"[" * 100_000,
        b'{"a": 1e999}',
        b"\xff\xfe{}",
    ],
)
def test_what_was_never_a_document_is_refused(content: bytes) -> None:
    with pytest.raises(TornDocumentError):
        decode(content)


def test_the_order_of_keys_does_not_change_the_digest() -> None:
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})
    assert digest({"a": 1}) != digest({"a": "1"})


def test_a_field_of_another_type_is_a_torn_document() -> None:
    fields = Fields(json.loads('{"t": "x", "n": 1, "b": true, "m": {"k": 1}, "l": ["a", 1]}'))
    for read in (
        lambda: fields.text("n"),
        lambda: fields.integer("b"),
        lambda: fields.integer("none"),
        lambda: fields.mapping("t"),
        lambda: fields.members("m"),
        lambda: fields.items("t"),
        lambda: fields.texts("l"),
        lambda: fields.objects("l"),
        lambda: fields.day("t"),
        lambda: fields.instant("t"),
    ):
        with pytest.raises(TornDocumentError):
            read()


def test_an_instant_without_zone_is_a_torn_document() -> None:
    with pytest.raises(TornDocumentError, match="zone"):
        Fields({"at": "2026-10-05T00:00:00"}).instant("at")
    assert Fields({"at": "2026-10-05T00:00:00+00:00"}).instant("at") == datetime(2026, 10, 5, tzinfo=UTC)
