"""What `make submit` packs for another machine, and the event log a session of our own writes."""

from __future__ import annotations

import runpy
import tarfile
from pathlib import Path

import pytest

from dq.spark.session import _event_log

ROOT = Path(__file__).resolve().parents[2]
ARCHIVE = runpy.run_path(str(ROOT / "tools" / "archive.py"))


def test_the_archive_holds_what_dq_requires_and_the_project_but_not_spark() -> None:
    names = {name for name, _ in ARCHIVE["members"]()}
    folders = {name.partition("/")[0] for name in names}
    assert {"dq", "jobs", "expectations", "runbooks", "spark-conf"} <= folders
    assert {"pandas", "pyarrow", "great_expectations", "sqlglot", "yaml"} <= folders
    assert not folders & {"pyspark", "py4j", "pytest", "mypy", "ruff", "selenium"}
    assert {"dq/cli/diagnose.py", "jobs/pipelines.yml", "jobs/profit_unit.py"} <= names
    assert not [name for name in names if ".." in name or name.startswith("/") or "__pycache__" in name]


def test_what_a_requirement_of_a_requirement_needs_is_there() -> None:
    needed = ARCHIVE["needed"]("dq")
    assert {"pydantic", "pydantic-core", "jsonschema", "referencing"} <= needed
    assert not needed & {"pyspark", "py4j"}


def test_owner_and_time_do_not_change_the_archive() -> None:
    member = tarfile.TarInfo("x")
    member.uid, member.uname, member.mtime = 7, "jane", 1_795_190_000
    plain = ARCHIVE["anonymous"](member)
    assert (plain.uid, plain.uname, plain.mtime) == (0, "", 0)


@pytest.mark.parametrize("there", [True, False])
def test_event_logs_which_quote_values_are_as_private_as_the_data(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "_dq" / "event_logs"
    if there:
        folder.mkdir(parents=True, mode=0o755)
    assert _event_log(folder, {})["spark.eventLog.enabled"] == "true"
    assert folder.stat().st_mode & 0o777 == 0o700


def test_a_session_of_our_own_writes_its_event_log_where_the_run_says(tmp_path: Path) -> None:
    folder = tmp_path / "w" / "_dq" / "event_logs"
    settings = _event_log(folder, {})
    assert settings["spark.eventLog.dir"] == folder.resolve().as_uri()
    assert folder.is_dir()


def test_a_setting_of_the_file_wins_and_without_a_folder_nothing_is_written(tmp_path: Path) -> None:
    assert _event_log(tmp_path / "a", {"spark.eventLog.enabled": "false"}) == {}
    assert _event_log(None, {}) == {}
    assert not (tmp_path / "a").exists()
    (tmp_path / "file").touch()
    assert _event_log(tmp_path / "file" / "b", {}) == {}
