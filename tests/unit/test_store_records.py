"""Records: small documents by kind and name, replaced whole, set aside when torn."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from store_support import quick_disk

from dq.base.errors import StoreError
from dq.store import Warehouse
from dq.store.records import Records

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")


@pytest.fixture
def records(tmp_path: Path) -> Records:
    return Warehouse(tmp_path).records


def test_a_record_is_read_as_it_was_put_and_replaced_whole(records: Records) -> None:
    records.put("runs", "r1", {"off_by": Decimal("500.00"), "sha256": "its own"})
    assert records.get("runs", "r1") == {"off_by": "500.00", "sha256": "its own"}
    records.put("runs", "r1", {"verdict": "hold"})
    assert records.get("runs", "r1") == {"verdict": "hold"}


def test_what_was_never_put_is_none_and_lists_are_empty(records: Records, tmp_path: Path) -> None:
    assert records.get("runs", "r1") is None
    assert list(records.list("runs")) == []
    assert records.all("runs") == {}
    assert list(tmp_path.iterdir()) == [], "reading creates nothing"


def test_names_are_listed_sorted_by_prefix_and_kinds_are_apart(records: Records) -> None:
    for name in ("b.2", "a.1", "b.1"):
        records.put("runs", name, {"n": name})
    records.put("waivers", "b.3", {})
    assert list(records.list("runs")) == ["a.1", "b.1", "b.2"]
    assert list(records.list("runs", "b.")) == ["b.1", "b.2"]
    assert records.all("waivers") == {"b.3": {}}


def test_a_torn_record_is_set_aside_once_and_the_others_are_read(
    records: Records, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    records.put("waivers", "good", {"owner": "Finance"})
    records.put("waivers", "torn", {"n": 1})
    path = tmp_path / "_dq" / "waivers" / "torn.json"
    whole = path.read_bytes()
    for length in range(0, len(whole) - 1, 7):
        path.write_bytes(whole[:length])
        caplog.clear()
        assert records.all("waivers") == {"good": {"owner": "Finance"}}
        assert "set aside" in caplog.text
        caplog.clear()
        assert records.all("waivers") == {"good": {"owner": "Finance"}}
        assert caplog.text == "", "the second reading has nothing to say"
        assert path.with_name("torn.json.torn").read_bytes() == whole[:length]
    records.put("waivers", "torn", {"n": 2})
    assert records.get("waivers", "torn") == {"n": 2}


def test_a_record_copied_to_another_name_is_not_believed(records: Records, tmp_path: Path) -> None:
    records.put("waivers", "a", {"n": 1})
    folder = tmp_path / "_dq" / "waivers"
    (folder / "b.json").write_bytes((folder / "a.json").read_bytes())
    assert records.get("waivers", "b") is None
    assert records.get("waivers", "a") == {"n": 1}


def test_a_value_that_is_no_strict_json_leaves_the_record_as_it_was(records: Records) -> None:
    records.put("runs", "r1", {"n": 1})
    with pytest.raises(StoreError, match="nan cannot be stored"):
        records.put("runs", "r1", {"n": float("nan")})
    assert records.get("runs", "r1") == {"n": 1}


def test_names_that_differ_from_their_own_suffix_are_kept_apart(records: Records) -> None:
    records.put("runs", "a.json", {"n": 1})
    records.put("runs", "a", {"n": 2})
    assert list(records.list("runs")) == ["a", "a.json"]
    assert records.get("runs", "a.json") == {"n": 1}


@pytest.mark.parametrize("name", [".DS_Store", ".a.json", "Copy of a.json", "a (1).json", "a.json~", "a.json.swp"])
def test_what_an_editor_or_a_desktop_leaves_beside_records_is_not_one(
    records: Records, tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    records.put("runs", "a", {"n": 1})
    stray = tmp_path / "_dq" / "runs" / name
    stray.write_bytes(b"anything")
    assert (records.list("runs"), records.all("runs")) == (["a"], {"a": {"n": 1}})
    assert (stray.read_bytes(), caplog.text) == (b"anything", "")
