"""Files as they are delivered: what Spark would misread without a word is refused, with file and row."""

from __future__ import annotations

import gzip
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dq.base.errors import SourceError, UsageError
from dq.sources import csvfile, undeclared
from dq.sources.csvfile import Dialect
from dq.sources.live_tables import refuse_tables


@pytest.mark.long
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'id,v\n1,"abc\n2,def\n3,ghi\n', "row 2 has a quote that is not closed"),
        (b'id,v\n1,a\n2,"abc"def\n', "row 3 has characters behind a closing quote"),
        (b"id,v\n1,active\r\n2,active\n", "row 2 ends with CR LF, row 1 with LF"),
        (b'id,v\r\n1,"a\nb"\r\n2,c\n', "row 3 ends with LF, row 1 with CR LF"),
        (b"id,v\n1,a\rb\n", "row 2 ends with CR, row 1 with LF"),
        (b"id,v\n1,a\n\r", "row 3 ends with CR, row 1 with LF"),
        (b"id,v\r\n" + b"1,a\r\n" * 220_000 + b"2,b\n", "row 220002 ends with LF, row 1 with CR LF"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_malformed_csv_is_refused_with_its_row(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    path = tmp_path / name
    path.write_bytes(gzip.compress(content, 1) if name.endswith("gz") else content)
    with pytest.raises(SourceError, match=f"{name}: {said}"):
        csvfile.refuse_malformed(path)


@pytest.mark.parametrize(
    "content",
    [
        b"id,v\r\n1,a\r\n2,b",
        b"id,v\r\n" + b"1,a\r\n" * 400_000,
        b'id,v\n1,"a\r\nb"\n2,"a\rb"\n',
        b'id,v\n1,"said ""x"""\n2,5" pipe\n3,""\n',
        b'id,v\n1,"' + b"a" * 1_000_000 + b'"\n',
        b"",
    ],
)
def test_what_is_well_formed_passes(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    csvfile.refuse_malformed(tmp_path / "a.csv")


def test_a_line_end_across_two_reads_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csvfile, "_CHUNK", 5)
    monkeypatch.setattr(csvfile, "_wrong", lambda *_, **__: pytest.fail("read row by row"))
    (tmp_path / "a.csv").write_bytes(b"id,v\r\n1,a\r\n22,b\r\n")
    csvfile.refuse_malformed(tmp_path / "a.csv")


def test_without_a_header_an_empty_file_holds_no_row(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"\n\n")
    with pytest.raises(SourceError, match=r"a\.csv: holds no row"):
        csvfile.header(tmp_path / "a.csv", Dialect(header=False))
    (tmp_path / "a.csv").write_bytes(b"\n1,2\n")
    assert csvfile.header(tmp_path / "a.csv", Dialect(header=False)) == ("_c0", "_c1")


def test_a_backslash_is_not_a_delimiter() -> None:
    with pytest.raises(UsageError, match="the delimiter is not one character"):
        Dialect(delimiter="\\")


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"id": pa.array([1]), "v": pa.array(["a"])}, "by v string"),
        ({"id": pa.array([1], pa.int32())}, "by id bigint, id int"),
        ({"id": pa.array([1])}, ""),
    ],
)
def test_parquet_files_have_the_same_columns(tmp_path: Path, other: dict[str, pa.Array], said: str) -> None:
    pq.write_table(pa.table({"id": pa.array([1])}), tmp_path / "a.parquet")
    pq.write_table(pa.table(other), tmp_path / "b.parquet")
    if not said:
        assert len(undeclared.files_of(tmp_path)) == 2
        return
    with pytest.raises(SourceError, match=f"b.parquet: its columns differ from those of .*a.parquet {said}"):
        undeclared.files_of(tmp_path)


@pytest.mark.parametrize("mark", ["_delta_log", "_spark_metadata", "_commits"])
def test_a_link_into_a_table_with_a_log_is_refused(tmp_path: Path, mark: str) -> None:
    (tmp_path / "t" / mark).mkdir(parents=True)
    (tmp_path / "t" / "data" / "p=1").mkdir(parents=True)
    (tmp_path / "linked").symlink_to(tmp_path / "t" / "data")
    (tmp_path / "again").symlink_to("linked/p=1")
    for place in (tmp_path / "linked", tmp_path / "again"):
        with pytest.raises(SourceError, match="whose log says which of its files count"):
            refuse_tables([place / "a.parquet"])


@pytest.mark.parametrize("log", ["_delta_log", "_commits"])
def test_a_link_to_a_published_version_is_read(tmp_path: Path, log: str) -> None:
    table = tmp_path / "t"
    for folder in (log, "data/p=1", "_views/3"):
        (table / folder).mkdir(parents=True)
    (table / "_views" / "3" / "p=1").symlink_to("../../data/p=1")
    (table / "current").symlink_to("_views/3")
    (tmp_path / "linked").symlink_to(table / "current")
    refuse_tables([table / "current" / "p=1" / "a.parquet", tmp_path / "linked" / "p=1" / "a.parquet"])
    with pytest.raises(SourceError, match=r"t is a table of a warehouse of ours, .*read .*current, the published"):
        refuse_tables([table / "data" / "p=1" / "a.parquet"])
