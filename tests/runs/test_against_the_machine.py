"""What the machine does to a run: docs that cannot be written, a disk that is full."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from runs_support import Bench

pytestmark = pytest.mark.run

MONTH = "2026-10"


def test_docs_that_cannot_be_written_change_no_verdict(after_september: Bench, tmp_path: Path) -> None:
    (tmp_path / "docs").write_text("in the way")
    ran = after_september.run("profit_unit", MONTH, None, "--docs", str(tmp_path / "docs"))
    assert ran.code == 4
    assert ran.record.version == 2
    assert ran.out.startswith("PUBLISHED")
    assert "the data docs were not published" in ran.err


def test_a_full_disk_is_one_sentence_and_the_last_good_version_stays(after_september: Bench, tmp_path: Path) -> None:
    disk, published = tmp_path / "disk", after_september.warehouse
    disk.mkdir()
    size = sum(file.stat().st_size for file in published.rglob("*") if file.is_file() and not file.is_symlink())
    mount = ["mount", "-t", "tmpfs", "-o", f"size={2 * size + 400_000}", "tmpfs", str(disk)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("a small disk can only be mounted by root")
    try:
        shutil.copytree(published, disk / "w", symlinks=True)
        filler = disk / "filler"
        with filler.open("wb") as file:
            free = shutil.disk_usage(disk).free - 200_000
            file.write(b"0" * free)
        after_september.warehouse = disk / "w"
        ran = after_september.run("profit_unit", MONTH)
        assert ran.code == 3, ran.out
        assert "nothing published yet" in ran.out
        assert "the disk is full" in ran.out or "No space left" in ran.out
        assert len(list((disk / "w" / "profit_unit" / "_delta_log").glob("*1.json"))) == 1
    finally:
        subprocess.run(["umount", "--lazy", str(disk)], check=True)  # the JVM may still hold a torn file
