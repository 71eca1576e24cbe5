"""Packs what a job needs on another machine, except Spark and Python: `python tools/archive.py build/dq.tar.gz`.

The archive holds the installed distributions that `dq` requires, `dq` itself and the project's declared files, taken
from the locked environment without a network. Spark unpacks it beside each executor (in cluster mode also beside the
driver) as the folder `deps`, which is put on their PYTHONPATH and is the project's folder there (DQ_HOME). PySpark is
left out: it has to be the cluster's own. The libraries are those of this machine's platform and Python.
"""

from __future__ import annotations

import argparse
import gzip
import sys
import tarfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
PROJECT = ("dq", "jobs", "expectations", "runbooks", "spark-conf")
# Spark and its bridge to Python belong to the cluster.
LEFT_OUT = {"pyspark", "py4j"}


def needed(name: str) -> set[str]:
    """The distributions that one requires here, with what those require."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        current = canonicalize_name(waiting.pop())
        if current in found or current in LEFT_OUT:
            continue
        found.add(current)
        for text in metadata.requires(current) or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                waiting.append(requirement.name)
    return found


def members() -> Iterator[tuple[str, Path]]:
    """Every file of the archive: the name it gets and where it lies."""
    for name in sorted(needed("dq") - {"dq"}):
        for file in metadata.distribution(name).files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                yield str(file), Path(str(file.locate()))
    for folder in PROJECT:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                yield str(path.relative_to(ROOT)), path


def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
    """Without owner and time, so that the same files make the same archive."""
    member.uid = member.gid = member.mtime = 0
    member.uname = member.gname = ""
    return member


def main() -> int:
    """Write the archive beside its name and move it there when it is whole."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("target", type=Path)
    target: Path = parser.parse_args().target
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.partial")
    with (
        partial.open("wb") as raw,
        gzip.GzipFile(filename="", mode="wb", compresslevel=1, fileobj=raw, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w") as archive,
    ):
        for name, path in members():
            archive.add(path, arcname=name, recursive=False, filter=anonymous)
    partial.replace(target)
    sys.stderr.write(f"{target}: {target.stat().st_size / 1e6:,.0f} MB\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
