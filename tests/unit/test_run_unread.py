"""Why a source could not be read: the file and the row, not only that Spark failed on it."""

from __future__ import annotations

from pathlib import Path

from sources_support import ORDERS, config, month_window

from dq.base.model import CheckResult, Outcome, Severity
from dq.run.judging import unread
from dq.sources import pin

SPARK = "Spark could not evaluate it: a file could not be read (FAILED_READ_FILE.NO_HINT)"
CSV = ORDERS.replace("orders/month={month}", "orders*.csv").replace("parquet", "csv")
HEADER = "line_id,product,note,amount,seats,booked_date,recorded_at,paid_on\n"


def result(outcome: Outcome, reason: str = "") -> CheckResult:
    return CheckResult(
        check="c", dataset="orders", type="t", severity=Severity.CRITICAL, outcome=outcome, reason=reason
    )


def test_a_row_of_a_csv_source_is_named(tmp_path: Path) -> None:
    loaded = config(tmp_path, CSV)
    (tmp_path / "data" / "orders-1.csv").write_text(f"{HEADER}L1,,,,,,,\n")
    (tmp_path / "data" / "orders-2.csv").write_text(f"{HEADER}L1,,,,,,,\nL2,cloud\n")
    results = [result(Outcome.PASSED), result(Outcome.ERRORED, SPARK), result(Outcome.ERRORED, "another")]
    found = unread(results, pin(loaded, "orders", month_window()))
    assert [one.reason.partition("orders-")[2] or one.reason for one in found] == [
        "",
        "2.csv: row 3 has 2 of 8 values; correct it; quote values that hold the delimiter",
        "another",
    ]
    (tmp_path / "data" / "orders-2.csv").unlink()
    assert unread(results, pin(loaded, "orders", month_window())) == results
