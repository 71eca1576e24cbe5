import os
import random
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from sources_support import CONTRACTS, ORDERS, config, month_window, order, write_parquet

from dq.base.errors import SourceError, UsageError
from dq.base.model import Kind, PinnedFile, Window
from dq.sources import NoFilesError, ReadRule, pin
from dq.sources.pins import fingerprint
from dq.sources.windows import first_day, months

UNTIL = CONTRACTS.replace("read: period", "read: until")
WINDOW = month_window()


@pytest.fixture
def orders(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "orders" / "month=2026-10"
    write_parquet(folder / "b.parquet", [order("L2")])
    write_parquet(folder / "a.parquet", [order("L1")])
    return folder


def test_a_pin_lists_the_files_by_path_and_leaves_hidden_ones_out(tmp_path: Path, orders: Path) -> None:
    for name in ("_SUCCESS", ".a.parquet.crc", "c.parquet._COPYING_"):
        (orders / name).write_bytes(b"x")
    (orders / "_temporary").mkdir()
    (orders / "_temporary" / "d.parquet").write_bytes(b"x")
    pinned = pin(config(tmp_path), "orders", WINDOW)
    assert [Path(file.path).name for file in pinned.files] == ["a.parquet", "b.parquet"]
    assert pinned.files[0].size == (orders / "a.parquet").stat().st_size
    assert pinned.files[0].modified_ns == (orders / "a.parquet").stat().st_mtime_ns
    assert pinned.bytes == sum(file.size for file in pinned.files)
    assert sorted(pinned.tables) == ["raw_orders"]


def test_the_fingerprint_does_not_depend_on_the_order_of_the_files(tmp_path: Path) -> None:
    files = [PinnedFile(path=str(tmp_path / f"{n}.parquet"), size=n, modified_ns=n * 7) for n in range(20)]
    expected = fingerprint(files, tmp_path)
    shuffler = random.Random(5)  # noqa: S311 - a repeatable shuffle
    for _ in range(20):
        shuffler.shuffle(files)
        assert fingerprint(files, tmp_path) == expected


def test_the_fingerprint_is_the_same_wherever_the_root_is_and_in_whatever_order_it_is_listed(
    tmp_path: Path, orders: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = pin(config(tmp_path), "orders", WINDOW).fingerprint
    (tmp_path / "data").rename(tmp_path / "moved")
    scandir = os.scandir

    class Backwards(list[os.DirEntry[str]]):
        def __enter__(self) -> "Backwards":
            return self

        def __exit__(self, *_: object) -> None:
            return

    monkeypatch.setattr(
        os, "scandir", lambda path: Backwards(sorted(scandir(path), key=lambda e: e.name, reverse=True))
    )
    monkeypatch.setenv("DQ_TEST_DIR", str(tmp_path / "moved"))
    assert pin(config(tmp_path), "orders", WINDOW).fingerprint == before


@pytest.mark.parametrize("change", ["size", "modified_ns", "path"])
def test_any_change_of_a_file_changes_the_fingerprint(tmp_path: Path, change: str) -> None:
    values = {"path": str(tmp_path / "a"), "size": 1, "modified_ns": 2}
    changed = values | {change: str(tmp_path / "b") if change == "path" else 3}
    before = fingerprint([PinnedFile(**values)], tmp_path)  # type: ignore[arg-type]
    assert fingerprint([PinnedFile(**changed)], tmp_path) != before  # type: ignore[arg-type]


def test_nothing_changed_verifies(tmp_path: Path, orders: Path) -> None:
    pin(config(tmp_path), "orders", WINDOW).verify()


@pytest.mark.parametrize("how", ["added", "removed", "rewritten", "all removed"])
def test_a_change_during_the_run_is_named(tmp_path: Path, orders: Path, how: str) -> None:
    pinned = pin(config(tmp_path), "orders", WINDOW)
    if how == "added":
        write_parquet(orders / "c.parquet", [order("L3")])
    elif how == "rewritten":
        os.utime(orders / "b.parquet", ns=(1, 1))
    else:
        for file in orders.iterdir() if how == "all removed" else [orders / "b.parquet"]:
            file.unlink()
    with pytest.raises(SourceError, match=rf"orders: changed during the run: .*[abc]\.parquet \({how.split()[-1]}\)"):
        pinned.verify()


def test_a_torn_parquet_file_is_named_whatever_its_length(tmp_path: Path, orders: Path) -> None:
    whole = (orders / "b.parquet").read_bytes()
    for length in (1, 4, 8, len(whole) // 2, len(whole) - 1):
        (orders / "b.parquet").write_bytes(whole[:length])
        with pytest.raises(SourceError, match=r"b\.parquet is torn or not a Parquet file"):
            pin(config(tmp_path), "orders", WINDOW)


def test_a_file_of_zero_bytes_is_named(tmp_path: Path, orders: Path) -> None:
    (orders / "b.parquet").write_bytes(b"")
    with pytest.raises(SourceError, match=r"b\.parquet is empty \(0 bytes\)"):
        pin(config(tmp_path), "orders", WINDOW)


def test_a_file_that_may_not_be_read_is_named(tmp_path: Path, orders: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Path.open

    def refuse(self: Path, *args: object, **kwargs: object) -> object:
        if self.name == "b.parquet":
            raise PermissionError(13, "Permission denied", str(self))
        return opened(self, *args, **kwargs)  # type: ignore[call-overload]

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SourceError, match=r"b\.parquet cannot be read: permission denied"):
        pin(config(tmp_path), "orders", WINDOW)


def test_a_month_without_files_is_told_from_a_root_that_is_not_there(tmp_path: Path, orders: Path) -> None:
    with pytest.raises(NoFilesError, match="no files for 2026-11 under"):
        pin(config(tmp_path), "orders", month_window("2026-11"))
    (tmp_path / "data" / "orders" / "month=2026-11").mkdir()
    with pytest.raises(NoFilesError):
        pin(config(tmp_path), "orders", month_window("2026-11"))
    loaded = config(tmp_path)
    (tmp_path / "data").rename(tmp_path / "gone")
    with pytest.raises(SourceError, match=r"data is not there; make it or set DQ_TEST_DIR") as error:
        pin(loaded, "orders", WINDOW)
    assert not isinstance(error.value, NoFilesError)


def test_a_plain_file_that_is_missing_is_an_error_and_not_zero_rows(tmp_path: Path) -> None:
    loaded = config(tmp_path, ORDERS.replace("orders/month={month}", "orders.parquet"))
    with pytest.raises(SourceError, match=r"orders\.parquet is not there") as error:
        pin(loaded, "orders", WINDOW)
    assert not isinstance(error.value, NoFilesError)


def test_a_root_that_nothing_says_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("DQ_TEST_DIR", raising=False)
    with pytest.raises(SourceError, match="set DQ_TEST_DIR"):
        pin(config(tmp_path, ORDERS.replace(", default: data", "")), "orders", WINDOW)


def test_an_address_cannot_be_pinned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQ_TEST_DIR", "s3://bucket/x")
    with pytest.raises(UsageError, match=r"DQ_TEST_DIR: s3://.* is an address of another storage"):
        pin(config(tmp_path), "orders", WINDOW)


def test_a_stream_cannot_be_pinned(tmp_path: Path, orders: Path) -> None:
    os.mkfifo(orders / "pipe")
    with pytest.raises(SourceError, match="pipe cannot be pinned: it is a stream or device"):
        pin(config(tmp_path), "orders", WINDOW)


def test_a_linked_folder_is_refused_and_not_skipped(tmp_path: Path, orders: Path) -> None:
    (orders / "more").symlink_to(tmp_path)
    with pytest.raises(SourceError, match="more is a link to a folder"):
        pin(config(tmp_path), "orders", WINDOW)


@pytest.mark.parametrize("mark", ["_delta_log", "metadata/00000-a.metadata.json", ".hoodie"])
@pytest.mark.parametrize("level", [".", "..", "../..", "../../.."])
def test_a_table_with_a_log_of_its_own_is_refused_at_every_level(
    tmp_path: Path, orders: Path, mark: str, level: str
) -> None:
    place = Path(os.path.normpath(orders / level)) / mark
    place.parent.mkdir(exist_ok=True)
    place.mkdir()
    with pytest.raises(SourceError, match="whose log says which of its files count"):
        pin(config(tmp_path), "orders", WINDOW)


def test_a_csv_that_is_not_utf_8_is_refused_with_its_row(tmp_path: Path) -> None:
    loaded = config(tmp_path, ORDERS.replace("orders/month={month}", "orders.csv").replace("parquet", "csv"))
    names = "line_id,product,note,amount,seats,booked_date,recorded_at,paid_on"
    (tmp_path / "data" / "orders.csv").write_bytes(names.encode() + b'\nL1,"two\nlines",,,,,,\nL2,\xfc,,,,,,\n')
    with pytest.raises(SourceError, match=r"orders\.csv: row 3 is not text in UTF-8"):
        pin(loaded, "orders", WINDOW)


def test_a_name_with_pattern_characters_is_pinned_as_it_is(tmp_path: Path, orders: Path) -> None:
    write_parquet(orders / "a[1]*.parquet", [order()])
    assert str(orders / "a[1]*.parquet") in [file.path for file in pin(config(tmp_path), "orders", WINDOW).files]


def test_a_name_that_spark_cannot_open_is_refused(tmp_path: Path, orders: Path) -> None:
    write_parquet(orders / "a:1.parquet", [order()])
    with pytest.raises(SourceError, match="has a colon in its name"):
        pin(config(tmp_path), "orders", WINDOW)


def test_a_source_declared_absent_has_nothing_to_pin(tmp_path: Path) -> None:
    text = ORDERS[: ORDERS.index("  orders:")] + '  orders: {absent: {owner: Sales, reason: "none kept"}}\n'
    with pytest.raises(SourceError, match=r"declared absent \(none kept\)"):
        pin(config(tmp_path, text), "orders", WINDOW)


def test_an_until_source_takes_the_months_up_to_as_of_and_names_the_gaps(tmp_path: Path) -> None:
    for month in ("2026-07", "2026-08", "2026-10", "2026-11", "2026-12", "junk"):
        write_parquet(tmp_path / "data" / "orders" / f"month={month}" / "a.parquet", [order()])
    pinned = pin(config(tmp_path, contract_text=UNTIL), "orders", WINDOW)
    # As-of is 1 November: rows that became known that morning may be filed under November.
    assert [Path(file.path).parent.name[-7:] for file in pinned.files] == ["2026-07", "2026-08", "2026-10", "2026-11"]
    assert pinned.missing_months == ("2026-09",)


def test_what_becomes_known_after_as_of_changes_no_pin_of_an_until_source(tmp_path: Path, orders: Path) -> None:
    loaded = config(tmp_path, contract_text=UNTIL)
    before = pin(loaded, "orders", WINDOW)
    later = tmp_path / "data" / "orders" / "month=2026-11"
    known = WINDOW.as_of.replace(microsecond=1)
    write_parquet(later / "a.parquet", [order("L3", recorded_at=known)])
    write_parquet(later / "b.parquet", [order("L4", day=date(2026, 11, 1), recorded_at=WINDOW.as_of)])
    assert pin(loaded, "orders", WINDOW).fingerprint == before.fingerprint
    before.verify()
    write_parquet(later / "c.parquet", [order("L5", recorded_at=known), order("L6", recorded_at=WINDOW.as_of)])
    known_by_then = pin(loaded, "orders", WINDOW)
    assert [Path(file.path).name for file in known_by_then.files] == ["a.parquet", "b.parquet", "c.parquet"]
    assert known_by_then.of_period == known_by_then.files
    for file in orders.iterdir():
        file.unlink()
    (later / "c.parquet").unlink()
    with pytest.raises(NoFilesError):
        pin(loaded, "orders", WINDOW)


def test_a_period_that_crosses_months_needs_both_and_names_the_missing_one(tmp_path: Path, orders: Path) -> None:
    fortnight = Window(
        period="2026-10-26",
        start=date(2026, 10, 26),
        end=date(2026, 11, 8),
        data_through=date(2026, 11, 8),
        as_of=datetime(2026, 11, 9, 5, tzinfo=UTC),
        kind=Kind.FINAL,
    )
    assert first_day(fortnight) == date(2026, 10, 26)
    pinned = pin(config(tmp_path), "orders", fortnight)
    assert len(pinned.files) == 2
    assert pinned.missing_months == ("2026-11",)


def test_months_follow_each_other_over_the_turn_of_the_year() -> None:
    needed = months(month_window("2026-12"), ReadRule.UNTIL)
    assert needed.gaps({"2026-10"}) == ("2026-11", "2026-12")
    assert "2027-01" in needed
    assert "2027-02" not in needed
    assert "2026-13" not in needed


def test_a_star_matches_within_one_name(tmp_path: Path, orders: Path) -> None:
    write_parquet(tmp_path / "data" / "orders" / "month=2026-11" / "deep" / "a.parquet", [order()])
    loaded = config(tmp_path, ORDERS.replace("orders/month={month}", "orders/month=*/*.parquet"))
    assert len(pin(loaded, "orders", WINDOW).files) == 2


CSV = ORDERS.replace("orders/month={month}", "orders.csv").replace("parquet", "csv")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"\n1,2\n", "has no header"),
        (b"\xff\xfe\x00a,b\n", "header of .* cannot be read"),
    ],
)
def test_a_csv_file_without_a_readable_header_is_named(tmp_path: Path, content: bytes, message: str) -> None:
    loaded = config(tmp_path, CSV)
    (tmp_path / "data" / "orders.csv").write_bytes(content)
    with pytest.raises(SourceError, match=message):
        pin(loaded, "orders", WINDOW)


def test_of_the_month_looked_ahead_to_only_files_that_may_hold_its_known_days_are_pinned(
    tmp_path: Path, orders: Path
) -> None:
    loaded = config(tmp_path, contract_text=CONTRACTS.replace("    known_at", "    lookahead_days: 1\n    known_at"))
    alone = pin(loaded, "orders", WINDOW)
    assert (len(alone.files), alone.missing_months) == (2, ())
    ahead = tmp_path / "data" / "orders" / "month=2026-11"
    write_parquet(ahead / "a.parquet", [order("L3", day=date(2026, 11, 1))])
    whole = pin(loaded, "orders", WINDOW)
    assert [Path(file.path).parent.name for file in whole.files][2:] == ["month=2026-11"]
    assert (whole.of_period, whole.missing_months) == (alone.files, ())
    assert whole.fingerprint != alone.fingerprint
    later = WINDOW.as_of.replace(microsecond=1)
    write_parquet(ahead / "b.parquet", [order("L4", day=date(2026, 11, 2))])
    write_parquet(ahead / "c.parquet", [order("L5", day=date(2026, 11, 1), recorded_at=later)])
    assert pin(loaded, "orders", WINDOW).fingerprint == whole.fingerprint, "what cannot matter changes nothing"
    whole.verify()
    write_parquet(ahead / "d.parquet", [order("L6", day=None), order("L7", day=date(2026, 11, 9))])
    assert len(pin(loaded, "orders", WINDOW).files) == 4, "a day that is not known may be any"
    for file in orders.iterdir():
        file.unlink()
    with pytest.raises(NoFilesError):
        pin(loaded, "orders", WINDOW)


@pytest.mark.parametrize(
    ("as_of", "through", "missing"),
    [
        (datetime(2026, 11, 2, 23, 59, tzinfo=UTC), 31, ()),
        (datetime(2026, 11, 3, tzinfo=UTC), 31, ("2026-11",)),
        (datetime(2026, 11, 3, tzinfo=UTC), 30, ()),
    ],
)
def test_a_settled_period_misses_the_month_of_the_day_after_it(
    tmp_path: Path, orders: Path, as_of: datetime, through: int, missing: tuple[str, ...]
) -> None:
    window = month_window(through=through, as_of=as_of)
    loaded = config(tmp_path, contract_text=CONTRACTS.replace("    known_at", "    lookahead_days: 1\n    known_at"))
    assert pin(loaded, "orders", window).missing_months == missing
    assert pin(config(tmp_path), "orders", window).missing_months == (), "a source that is not looked ahead in has none"
    write_parquet(tmp_path / "data/orders/month=2026-11/a.parquet", [order("L3", day=date(2026, 11, 1))])
    assert pin(loaded, "orders", window).missing_months == ()


def test_the_months_looked_back_to_are_pinned_and_only_missed_where_the_table_began_before_them(
    tmp_path: Path, orders: Path
) -> None:
    text = CONTRACTS.replace("    known_at", "    lookback_days: 2\n    known_at")
    begun = pin(config(tmp_path, contract_text=text), "orders", WINDOW)
    assert begun.missing_months == ()
    assert begun.of_period == begun.files
    write_parquet(tmp_path / "data/orders/month=2026-08/a.parquet", [order("L9")])
    lost = pin(config(tmp_path, contract_text=text), "orders", WINDOW)
    assert lost.missing_months == ("2026-09",)
    write_parquet(tmp_path / "data/orders/month=2026-09/a.parquet", [order("L8")])
    whole = pin(config(tmp_path, contract_text=text), "orders", WINDOW)
    assert whole.missing_months == ()
    assert [Path(file.path).parent.name for file in whole.files] == ["month=2026-09", "month=2026-10", "month=2026-10"]
    assert whole.of_period == begun.files
    assert whole.fingerprint != begun.fingerprint
    for file in orders.iterdir():
        file.unlink()
    with pytest.raises(NoFilesError):
        pin(config(tmp_path, contract_text=text), "orders", WINDOW)
