"""Byte for byte: garbled data is named at the seal, at the commit and, by dq verify, at any time afterwards."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from store_support import INFO, NOW, SCHEMA, publish, quick_disk, read, reseal, seal, write_staged

from dq.base import private
from dq.base.errors import StoreError
from dq.cli import main
from dq.store import Table, Warehouse, read_entries
from dq.store.sealed import decode, encode

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")

ROWS = {"2026-10-01": [*range(200)], "2026-10-02": [*range(200, 400)]}
PIPELINE = "profit_unit"
Verify = Callable[..., tuple[int, str]]


@pytest.fixture
def table(tmp_path: Path) -> Table:
    return Warehouse(tmp_path).table(PIPELINE)


@pytest.fixture
def verify(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Verify:
    def call(*words: str) -> tuple[int, str]:
        capsys.readouterr()
        code = main(["verify", PIPELINE, *words, "--warehouse", str(tmp_path)])
        captured = capsys.readouterr()
        return code, captured.out + captured.err

    return call


def garble(root: Path, period: str = "2026-10-02", count: int = 60) -> Path:
    """Change data bytes of the first page, and neither size nor footer."""
    part = next((root / PIPELINE).glob(f"*/*/period={period}/*.parquet"))
    content = part.read_bytes()
    part.write_bytes(content[:40] + bytes(byte ^ 0xFF for byte in content[40 : 40 + count]) + content[40 + count :])
    return part


OTHERS = r"period=2026-10-02/part-00000-a1b2\.snappy\.parquet: the file changed after the audit: its bytes are others"


@pytest.mark.parametrize("count", [1, 60])
def test_bytes_garbled_between_audit_and_seal_are_named(table: Table, tmp_path: Path, count: int) -> None:
    write_staged(table, "r1", ROWS)
    audited = table.inventory("r1", schema_json=SCHEMA, fingerprint="")
    garble(tmp_path, count=count)
    with pytest.raises(StoreError, match=OTHERS):
        table.seal("r1", schema_json=SCHEMA, fingerprint="k", audit={}, audited=audited)


@pytest.mark.parametrize("count", [1, 60])
def test_bytes_garbled_between_seal_and_commit_are_named_and_nothing_is_published(
    table: Table, tmp_path: Path, count: int
) -> None:
    manifest = seal(table, "r1", ROWS)
    garble(tmp_path, count=count)
    with pytest.raises(StoreError, match=OTHERS):
        table.commit(manifest, periods=dict.fromkeys(ROWS, INFO), expected=dict.fromkeys(ROWS), now=NOW)
    assert table.current() is None


def test_what_is_published_is_proved_and_what_was_garbled_since_is_named(
    table: Table, tmp_path: Path, verify: Verify
) -> None:
    publish(table, "r1", ROWS)
    code, said = verify()
    assert (code, said.count("\n")) == (0, 1)
    assert said.startswith("2 of 2 published periods proved to be what was audited (2 files, ")
    part = garble(tmp_path)
    code, said = verify("--period", "2026-10")
    assert code == 1
    assert f"differs: {PIPELINE} 2026-10-02 version 1: {part}: the file changed after the audit" in said
    assert "1 of 2 published periods proved to be what was audited, 1 differ" in said
    assert verify("--period", "2026-10-01")[0] == 0


def test_no_figures_are_built_on_garbled_ones(table: Table, tmp_path: Path) -> None:
    entries = publish(table, "r1", ROWS).entries
    garble(tmp_path)
    with pytest.raises(StoreError, match=OTHERS):
        read_entries(None, table, entries)  # type: ignore[arg-type] - no row is read


def test_figures_that_are_garbled_are_not_published_again_by_a_withdrawal(table: Table, tmp_path: Path) -> None:
    publish(table, "r1", ROWS)
    garble(tmp_path)
    publish(table, "r2", {"2026-10-02": [7]})
    with pytest.raises(StoreError, match="its bytes are others"):
        table.withdraw("2026-10-02", by="Laura", reason="wrong", now=NOW)


def test_what_an_earlier_release_published_is_read_and_cannot_be_told(
    table: Table, tmp_path: Path, verify: Verify
) -> None:
    publish(table, "r1", ROWS)
    without_hashes(tmp_path)
    assert read(table) == ROWS
    code, said = verify()
    assert code == 3
    assert f"cannot tell: {PIPELINE} 2026-10-01 version 1: it was published before whole files were hashed" in said
    publish(table, "r2", {"2026-10-02": [7]})
    code, said = verify()
    assert (code, "1 of 2 published periods proved" in said) == (3, True)
    garble(tmp_path, "2026-10-01")
    assert verify()[0] == 3, "an earlier release kept no more than size and footer"
    table.verify_entries(list(table.current().entries.values()))  # type: ignore[union-attr]


def without_hashes(root: Path) -> None:
    """Make seal and commit what the release before wrote."""
    sealed = root / PIPELINE / "data" / "r1" / "_audit.json"
    body = json.loads(json.dumps(decode(sealed.read_bytes()).body))
    for file in body["files"]:
        del file["sha256"]
    sealed.write_bytes(encode(body))
    manifest = Warehouse(root).table(PIPELINE).sealed("r1")
    assert manifest is not None
    commit = root / PIPELINE / "_delta_log" / f"{1:020d}.json"

    def change(body: dict[str, Any]) -> None:
        for entry in body["periods"].values():
            entry["seal"] = manifest.digest
            for file in entry["files"]:
                del file["sha256"]

    reseal(commit, change)


@pytest.mark.parametrize("damage", ["added", "missing", "seal", "other seal", "link", "old link", "log"])
def test_whatever_else_differs_is_named(table: Table, tmp_path: Path, verify: Verify, damage: str) -> None:
    publish(table, "r1", {"2026-10": [0]})
    publish(table, "r2", {"2026-10": [1]})
    root = tmp_path / PIPELINE
    folder = root / "data" / "r2" / "period=2026-10"
    view = root / "_views" / "2" / "period=2026-10"
    code, named = 1, damage
    if damage == "added":
        (folder / "part-00001-x.parquet").write_bytes(b"PAR1")
        named = "part-00001-x.parquet: it was added after the audit"
    elif damage == "missing":
        next(folder.glob("*.parquet")).unlink()
        named = "the file is missing"
    elif damage == "seal":
        (folder.parent / "_audit.json").unlink()
        code, named = 3, "the seal of run r2 is missing or damaged"
    elif damage == "other seal":
        (folder.parent / "_audit.json").write_bytes(
            encode({**decode((folder.parent / "_audit.json").read_bytes()).body, "audit": {"verdict": "hold"}})
        )
        named = "the seal of its audit is not the one that was committed"
    elif damage == "link":
        view.unlink()
        view.symlink_to("../../data/r1/period=2026-10")
        named = "current/period=2026-10: it shows other files than were published"
    elif damage == "old link":
        (root / "current").unlink()
        (root / "current").symlink_to("_views/1")
        named = "current: it shows _views/1, and not the newest version"
    else:
        (root / "_delta_log" / f"{2:020d}.json").write_bytes(b"{")
        code, named = 3, "version 2, the newest, is damaged"
    told = verify()
    assert told[0] == code
    assert named in told[1]


def test_what_is_not_published_or_not_registered_is_one_sentence(table: Table, verify: Verify) -> None:
    publish(table, "r1", {"2026-09": [1]})
    code, said = verify("--period", "2026-10")
    assert (code, "2026-10 is not published" in said) == (3, True)
    assert verify("--period", "october")[0] == 2


def test_files_that_an_earlier_version_left_open_are_named_with_the_command_that_closes_them(
    table: Table, tmp_path: Path, verify: Verify
) -> None:
    publish(table, "r1", ROWS)
    tmp_path.chmod(0o755)
    assert "others may read" not in verify()[1]
    for path in (tmp_path / PIPELINE).rglob("*"):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    assert "others may read" not in verify()[1], "nobody gets past the folder of the table"
    (tmp_path / PIPELINE).chmod(0o755)
    code, said = verify()
    count = sum(path.is_file() and not path.is_symlink() for path in (tmp_path / PIPELINE).rglob("*"))
    assert code == 0
    assert f"others may read {count:,} files of the warehouse" in " ".join(said.split())
    assert f"such as {tmp_path / PIPELINE}/" in said
    assert all(path.stat().st_mode & 0o044 for path in private.open_to_others(tmp_path)), "nothing was changed"
    subprocess.run(["/bin/sh", "-c", said.partition("close them: ")[2]], check=True)
    assert "others may read" not in verify()[1]


@pytest.mark.parametrize(
    ("root", "folder", "file", "found"),
    [
        (0o755, 0o755, 0o644, True),
        (0o755, 0o755, 0o604, True),
        (0o750, 0o750, 0o640, True),
        (0o755, 0o755, 0o600, False),
        (0o700, 0o755, 0o644, False),
        (0o755, 0o700, 0o644, False),
        (0o750, 0o750, 0o604, False),
        (0o2750, 0o2750, 0o640, False),
        (0o2755, 0o2755, 0o640, False),
        (0o2755, 0o2755, 0o644, True),
        (0o755, 0o2750, 0o640, False),
    ],
)
def test_a_file_is_open_where_somebody_comes_by_whom_it_was_not_given_to(
    tmp_path: Path, root: int, folder: int, file: int, found: bool
) -> None:
    path = tmp_path / "w" / "t" / "a.parquet"
    path.parent.mkdir(parents=True)
    path.touch()
    for one, mode in ((path, file), (path.parent, folder), (tmp_path / "w", root)):
        one.chmod(mode)
    assert private.open_to_others(tmp_path / "w") == ([path] if found else [])
