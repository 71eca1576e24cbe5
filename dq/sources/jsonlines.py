"""Files with a JSON object on each line: which names their objects have, and what is wrong with one, by its row."""

from __future__ import annotations

import io
import json
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from dq.base.errors import SourceError
from dq.base.model import PinnedFile
from dq.sources.opening import kind, opened
from dq.spark import named_files
from dq.spark import spark_versions as versions
from dq.spark.identifiers import quote

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame, SparkSession

SUFFIXES = (".json", ".jsonl", ".ndjson")
# Not the encoding, which is UTF-8 anyway: told of one, Spark makes doubles of numbers before it writes them as text.
OPTIONS = {"mode": "FAILFAST", "lineSep": "\n"}
_BLOCK = 1 << 24
_MARK = b"\xef\xbb\xbf"
# What Spark reads as decimals on a version that takes numbers for binary fractions before it writes them as text.
_WIDE = "decimal(38,18)"


def is_json(path: Path) -> bool:
    """Whether a file holds JSON by its name, packed or not."""
    return kind(path) in SUFFIXES


@lru_cache(maxsize=4096)
def names(file: PinnedFile) -> tuple[str, ...]:
    """The names that any object of a file has, in the order they are met: the whole file is looked at.

    Raises SourceError, with the row, for what Spark would read as something else without a word: two objects or none
    on a line, a name twice in one, bytes that are not UTF-8.
    """
    path = Path(file.path)
    found: dict[str, None] = {}
    row = 0
    try:
        with opened(path) as raw:
            for block in _blocks(raw):
                if row == 0 and block.startswith(_MARK):
                    raise SourceError("begins with a mark of byte order", where=str(path), do="write it without one")
                found.update(dict.fromkeys(_names(block, row, path)))
                row += block.count(b"\n")
    except (PermissionError, FileNotFoundError):
        raise
    except EOFError as error:
        raise SourceError(f"{path} is torn: its end is missing", do="deliver it again") from error
    except (OSError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "it cannot be unpacked"
        raise SourceError(f"{path} cannot be read: {reason.lower()}") from error
    return tuple(found)


def _blocks(raw: BinaryIO) -> Iterator[bytes]:
    """The bytes of a file in blocks of whole lines."""
    held: list[bytes] = []
    while chunk := raw.read(_BLOCK):
        whole, end, rest = chunk.rpartition(b"\n")
        if end:
            yield b"".join((*held, whole, end))
            held = []
        held.append(rest)
    if last := b"".join(held):
        yield last


def _names(block: bytes, before: int, path: Path) -> list[str]:
    """The names in a block; Arrow reads it many times faster, and where it will not, each row is looked at."""
    import pyarrow as pa
    import pyarrow.json as pj

    rows = sum(bool(line.strip()) for line in block.split(b"\n"))
    if not rows:
        return []
    try:
        block.decode()
        options = pj.ReadOptions(block_size=len(block) + 1)
        table = pj.read_json(io.BytesIO(block), read_options=options)
        if table.num_rows == rows:
            return list(table.column_names)
    except (pa.ArrowException, UnicodeDecodeError):
        pass
    return _names_by_row(block, before, path)


def _names_by_row(block: bytes, before: int, path: Path) -> list[str]:
    found: dict[str, None] = {}
    for number, line in enumerate(block.split(b"\n"), start=before + 1):
        if not line.strip():
            continue
        wrong = ""
        try:
            value = json.loads(line.decode(), object_pairs_hook=_pairs)
            if isinstance(value, dict):
                found.update(dict.fromkeys(value))
                continue
            wrong = "is not an object"
        except UnicodeDecodeError:
            wrong = "is not text in UTF-8"
        except _TwiceError as error:
            wrong = f"names {error} twice"
        except (ValueError, RecursionError):
            wrong = "is not one whole object"
        raise SourceError(
            f"row {number} {wrong}", where=str(path), expected="a JSON object on each line", do="write it anew"
        )
    return list(found)


class _TwiceError(Exception):
    """A name that an object has twice."""


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        raise _TwiceError(next(name for name, _ in pairs if name in seen or seen.add(name)))  # type: ignore[func-returns-value]
    return found


def read(spark: SparkSession, columns: Mapping[str, str], paths: Sequence[str]) -> DataFrame:
    """The rows of files: text where a column is declared as a plain type, lists and structs by their own types."""
    types = {name: _read_as(spark, type_) for name, type_ in columns.items()}
    schema = ", ".join(f"{quote(name)} {type_}" for name, type_ in types.items())
    return named_files.read(spark, "json", paths, schema=schema, options=OPTIONS)


def _read_as(spark: SparkSession, type_: str) -> str:
    if "<" in type_:
        return type_
    return "string" if versions.json_keeps_digits(spark) or not type_.startswith("decimal") else _WIDE
