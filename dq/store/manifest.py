"""What a run staged: part files and the manifest that binds them to schema, run key and audit; and their JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from dq.base.errors import StoreError
from dq.base.model import Json
from dq.store.names import PERIOD
from dq.store.sealed import Fields, TornDocumentError, digest

FORMAT = 1
PERIOD_COLUMN = "period"
PART_PATH = re.compile(rf"{PERIOD_COLUMN}={PERIOD.pattern}/[^/\0]+\.parquet")


@dataclass(frozen=True, kw_only=True)
class PartFile:
    """One Parquet file of a run: path relative to the run's folder, bytes, rows, SHA-256 of footer and whole file.

    What was published before whole files were hashed has no hash of all of it.
    """

    path: str
    size: int
    rows: int
    footer_sha256: str
    sha256: str = ""

    @property
    def period(self) -> str:
        """The period the file belongs to, as its folder says."""
        return self.path.partition("/")[0].partition("=")[2]

    def to_json(self) -> dict[str, Json]:
        """The value as plain JSON."""
        plain: dict[str, Json] = {"path": self.path, "bytes": self.size, "rows": self.rows}
        plain["footer_sha256"] = self.footer_sha256
        return {**plain, "sha256": self.sha256} if self.sha256 else plain

    @classmethod
    def from_json(cls, fields: Fields) -> PartFile:
        """The part file of decoded JSON; a path that leads out of the run's folder is a TornDocumentError."""
        path = fields.text("path")
        if not PART_PATH.fullmatch(path):
            raise TornDocumentError(f"{path[:60]!r} is not a part file")
        return cls(
            path=path,
            size=fields.integer("bytes"),
            rows=fields.integer("rows"),
            footer_sha256=fields.text("footer_sha256"),
            sha256=fields.text("sha256") if "sha256" in fields.body else "",
        )


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """What one run staged and how it was judged: its files, schema, run key and audit, bound by a digest.

    ``folder`` is the absolute path the files are in now, outside the digest: a run's folder moves when it is published.
    """

    table: str
    run: str
    fingerprint: str
    schema_json: str
    files: Sequence[PartFile]
    audit: Mapping[str, Json] = field(default_factory=dict)
    folder: str = field(default="", compare=False)

    @property
    def periods(self) -> Sequence[str]:
        """The periods that have files, ascending."""
        return sorted({file.period for file in self.files})

    @property
    def rows(self) -> int:
        """The staged rows of all periods."""
        return sum(file.rows for file in self.files)

    @property
    def absolute_paths(self) -> Sequence[str]:
        """The paths of the files in their order."""
        return [f"{self.folder}/{file.path}" for file in self.files]

    @property
    def digest(self) -> str:
        """The SHA-256 that binds files, schema, run key and audit together."""
        return digest(self.to_json())

    def files_of(self, period: str) -> Sequence[PartFile]:
        """The files of one period, none when nothing was staged for it."""
        return tuple(file for file in self.files if file.period == period)

    def rows_of(self, period: str) -> int:
        """The staged rows of one period, 0 when it has no file."""
        return sum(file.rows for file in self.files_of(period))

    def to_json(self) -> dict[str, Json]:
        """The value as plain JSON."""
        return {
            "format": FORMAT,
            "table": self.table,
            "run": self.run,
            "fingerprint": self.fingerprint,
            "schema": self.schema_json,
            "files": [file.to_json() for file in self.files],
            "audit": self.audit,
        }

    @classmethod
    def from_json(cls, fields: Fields) -> Manifest:
        """The manifest of decoded JSON."""
        return cls(
            table=fields.text("table"),
            run=fields.text("run"),
            fingerprint=fields.text("fingerprint"),
            schema_json=fields.text("schema"),
            files=part_files(fields),
            audit=fields.mapping("audit"),
        )


def field_names(schema_json: str) -> Sequence[str]:
    """The top-level columns of a Spark schema's JSON without the period folder; StoreError for other JSON."""
    try:
        schema = json.loads(schema_json)
        names = [str(one["name"]) for one in schema["fields"]]
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError("the schema is not a Spark schema", expected="the JSON of a StructType") from error
    return [name for name in names if name != PERIOD_COLUMN]


def part_files(fields: Fields) -> tuple[PartFile, ...]:
    """The part files of decoded JSON, from its field ``files``."""
    return tuple(PartFile.from_json(one) for one in fields.objects("files"))
