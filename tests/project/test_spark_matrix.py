"""The environments and the table of `make test-matrix`."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

from dq.spark import spark_versions as versions

ROOT = Path(__file__).resolve().parents[2]
MATRIX = runpy.run_path(str(ROOT / "tools" / "matrix.py"))


@pytest.mark.parametrize("version", versions.SUPPORTED)
def test_each_version_has_a_lock_with_hashes_and_no_address(version: str) -> None:
    text = (ROOT / "requirements-spark" / f"{version}.lock").read_text(encoding="utf-8")
    assert versions.numbers(MATRIX["pinned"](version)) == version
    assert "py4j==" in text
    assert text.count("--hash=sha256:") >= 2
    assert "://" not in text


def test_the_default_is_pinned_alike_in_both_its_locks() -> None:
    assert f"\npyspark=={MATRIX['pinned'](versions.DEFAULT)} " in (ROOT / "requirements.lock").read_text(
        encoding="utf-8"
    )


XML = """<testsuites><testsuite time="61.0">
<testcase name="a"/><testcase name="b[x|y]"><failure/></testcase><testcase name="c"><skipped/></testcase>
<testcase name="d"><error/></testcase></testsuite></testsuites>"""


def test_the_matrix_counts_a_report_and_names_what_failed(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    assert MATRIX["counted"](report) == (0, 1, 0, ["no report was written"])
    report.write_text(XML, encoding="utf-8")
    assert MATRIX["counted"](report) == (1, 2, 1, ["`b[x/y]`", "`d`"])
    assert MATRIX["stopped"](report, 1)
    assert not MATRIX["stopped"](report, 2)


def test_a_row_of_the_table_replaces_its_own_and_leaves_the_others() -> None:
    new, old = (
        MATRIX["Row"]("3.5", "17", "quick", "3.5.9", 7, 0, 1, ""),
        MATRIX["Row"]("4.0", "17", "full", "4.0.5", 1, 1, 0, "x"),
    )
    assert MATRIX["rows"](MATRIX["page"]([old, new])) == {("3.5", "17", "quick"): new, ("4.0", "17", "full"): old}
    assert MATRIX["page"]([old, new]) == MATRIX["page"]([new, old])


def test_what_the_matrix_runs_is_there() -> None:
    assert [path for path in (*MATRIX["QUICK"], *MATRIX["FULL"]) if not (ROOT / path).exists()] == []
