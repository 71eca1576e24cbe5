"""Paths of this machine are taken, addresses of other storages refused wherever a path can be given."""

from __future__ import annotations

from pathlib import Path

import pytest

from dq import store
from dq.base.errors import DqError, UsageError
from dq.base.paths import VARIABLES, local
from dq.cli import main, parser
from dq.cli.job import pipeline_run
from dq.cli.which_warehouse import local_path
from dq.declare import settings

ROOT = Path(__file__).resolve().parents[2]
REFUSED = "is an address of another storage"
ADDRESSES = ["s3a://bucket/wh", "s3a:/bucket/wh", "hdfs:///wh", "HTTPS://host/wh", "jdbc:x://h/wh", "file://host/wh"]
ADDRESSES += [" s3a://b/x", "\ts3a://b/x\n"]


@pytest.mark.parametrize("address", [*ADDRESSES, Path("s3a://bucket/wh")])
def test_an_address_is_refused(address: str | Path) -> None:
    with pytest.raises(UsageError, match=REFUSED):
        local(address)
    with pytest.raises(UsageError, match=REFUSED):
        store.Warehouse(address)


def test_a_warehouse_that_spark_could_not_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DqError, match="has both a colon and one of"):
        store.Warehouse(tmp_path / "a:b" / "w[1]")


def test_a_password_in_an_address_is_not_shown() -> None:
    with pytest.raises(UsageError, match="ftp://host/wh") as error:
        local("ftp://me:hidden@host/wh")
    assert "hidden" not in str(error.value)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ("build/wh", "build/wh"),
        ("/a/b:c/d", "/a/b:c/d"),
        ("a:b", "a:b"),
        ("./s3a:/x", "s3a:/x"),
        ("file:/a/b%20c", "/a/b c"),
        ("file:///a/ü[1]", "/a/ü[1]"),
        ("file://localhost/a", "/a"),
    ],
)
def test_a_path_and_a_file_address_are_paths(given: str, path: str) -> None:
    assert str(local(given)) == path


@pytest.mark.parametrize(
    "words",
    [
        "run profit_unit --period 2026-10 --warehouse",
        "run profit_unit --period 2026-10 --docs",
        "run profit_unit --period 2026-10 --sources",
        "run --all --period 2026-10 --warehouse",
        "backfill profit_unit --from 2026-08 --to 2026-10 --warehouse",
        "check a.csv --suite",
        "explain profit_unit --sources",
        "lint --schemas",
        "oncall --ical",
        "prevalidate --month 2026-10 --warehouse",
        "close --month 2026-10 --docs",
        "close --month 2026-10 --warehouse",
        "show --warehouse",
        "withdraw profit_unit --period 2026-10 --reason x --warehouse",
        "gc --warehouse",
        "docs --docs",
        "diagnose",
        "waive --list --warehouse",
        "status --warehouse",
        "deliver --warehouse",
    ],
)
def test_every_command_refuses_an_address(capsys: pytest.CaptureFixture[str], words: str) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words.split(), "s3a://bucket/x"])
    assert (ended.value.code, REFUSED in capsys.readouterr().err) == (2, True)


def test_no_argument_takes_a_path_unread() -> None:
    parsers = parser._subparsers(parser.build_parser())
    types = [action.type for one in parsers for action in one._actions]
    assert types.count(local_path) > 20
    assert Path not in types


@pytest.mark.parametrize("name", VARIABLES)
def test_every_command_refuses_an_address_in_a_variable(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "s3a://bucket/x")
    assert main(["status"]) == 2
    assert f"{name}: s3a://bucket/x {REFUSED}" in capsys.readouterr().err
    with pipeline_run("profit_unit", ["--period", "2026-10"]) as run:
        run.window  # noqa: B018 - the block is left here
    assert run.exit_code == 2


@pytest.mark.parametrize("name", ["warehouse", "docs"])
def test_an_address_in_the_settings_is_refused(tmp_path: Path, name: str) -> None:
    text = (ROOT / settings.FILE).read_text(encoding="utf-8")
    lines = [f"{name}: s3a://bucket/x" if line.startswith(f"{name}:") else line for line in text.splitlines()]
    (tmp_path / "jobs").mkdir()
    (tmp_path / settings.FILE).write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DqError, match=f"{name}: s3a://bucket/x {REFUSED}"):
        settings.load(tmp_path)


def test_a_warehouse_by_its_file_address_is_the_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQ_WAREHOUSE", (tmp_path / "w h").as_uri())
    found = settings.load(ROOT)
    assert (found.warehouse, found.docs) == (str(tmp_path / "w h"), str(tmp_path / "docs"))
