"""The bytes of a file as it is delivered, packed or not."""

from __future__ import annotations

import bz2
import gzip
from pathlib import Path
from typing import BinaryIO, cast

PACKED = (".gz", ".bz2")


def opened(path: Path) -> BinaryIO:
    """The bytes of a file, unpacked by its suffix as Spark unpacks it."""
    if path.suffix == ".gz":
        return cast("BinaryIO", gzip.open(path, "rb"))
    if path.suffix == ".bz2":
        return cast("BinaryIO", bz2.open(path, "rb"))
    return path.open("rb")


def kind(path: Path) -> str:
    """The suffix that says what a file holds, in lower case, whether it is packed or not: ``.csv`` of ``a.csv.gz``."""
    return Path(path.stem if path.suffix in PACKED else path.name).suffix.lower()
