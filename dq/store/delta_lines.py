"""A commit as the lines of a Delta log, and back: one file of JSON lines that every reader of Delta understands.

The first line says who did what; in it, under ``dq``, stands what Delta has no words for: the entries that were
published, the version of every period, what was withdrawn, and a checksum of all that follows it. The other lines say
which files came and went. What somebody else wrote has no ``dq``: that is told from a file that is torn.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from urllib.parse import quote
from uuid import uuid4

from dq.base import clean
from dq.base.model import Json
from dq.store import open_schema
from dq.store.manifest import PERIOD_COLUMN, PartFile
from dq.store.sealed import Fields, TornDocumentError, no_constant, to_json, unique
from dq.store.versions import Commit, PeriodEntry

DATA = "data"
_START = b'{"commitInfo":{"dq":{"sha256":"'
_HEX = 64
_ACTIONS = ("commitInfo", "add", "remove", "metaData", "protocol", "txn", "domainMetadata", "cdc", "checkpointMetadata")
_FOR_EVER = "interval 36500 days"
CONFIGURATION: Mapping[str, str] = {
    # The history of figures is kept: nobody's clean-up may take a version, or a file that one names, away.
    "delta.enableExpiredLogCleanup": "false",
    "delta.logRetentionDuration": _FOR_EVER,
    "delta.deletedFileRetentionDuration": _FOR_EVER,
}


class ForeignCommitError(TornDocumentError):
    """A whole commit of Delta that another program wrote."""


@dataclass(frozen=True, kw_only=True)
class Description:
    """What Delta keeps of the table itself: its id, since when it is there, and its columns."""

    id: str
    created: int
    fields: Sequence[open_schema.Field]


def encode(commit: Commit, base: Commit | None, description: Description | None) -> bytes:
    """The bytes of a commit's file: built on another, with the table's new description where that changed."""
    at = _milliseconds(commit.committed)
    body = to_json(commit.to_json())
    info = {
        "dq": {"sha256": "0" * _HEX, **(body if isinstance(body, Mapping) else {})},
        "timestamp": at,
        "operation": "WRITE" if commit.run else "RESTORE" if commit.version else "CREATE TABLE",
        "operationParameters": {"mode": "Overwrite", "partitionBy": f'["{PERIOD_COLUMN}"]'} if commit.run else {},
        "isBlindAppend": False,
        "engineInfo": "dq",
        "userMetadata": _shown(commit),
    }
    lines: list[Mapping[str, object]] = [{"commitInfo": info}]
    if description:
        lines.append({"protocol": open_schema.protocol(description.fields)})
        lines.append({"metaData": _meta_data(commit.table, description)})
    before = _files(base, commit.changed)
    after = _files(commit, commit.changed)
    lines += [{"remove": _remove(path, file, at)} for path, file in before.items() if path not in after]
    lines += [{"add": _add(path, file, at)} for path, file in after.items() if path not in before]
    return sealed(lines)


def sealed(lines: Sequence[Mapping[str, object]]) -> bytes:
    """Lines of which the first is ours, with the checksum of all that follows it in its place."""
    text = "".join(f"{json.dumps(line, separators=(',', ':'), allow_nan=False)}\n" for line in lines)
    rest = text.encode("ascii")[len(_START) + _HEX :]
    return _START + _checksum(rest) + rest


def decode(content: bytes) -> Fields:
    """What a commit says under ``dq``; a TornDocumentError unless the whole file is as it was written."""
    line = _proved(content).partition(b"\n")[0]
    try:
        return Fields(json.loads(_START + b"0" * _HEX + line)["commitInfo"]["dq"])  # with our checksum it is ours
    except (ValueError, RecursionError) as error:
        raise TornDocumentError(f"it is not whole JSON ({type(error).__name__})") from error


def description_of(content: bytes) -> Description:
    """The table's description in a commit that holds it; a TornDocumentError for one without."""
    for line in _proved(content).splitlines()[1:]:
        found = _json(line).get("metaData")
        if isinstance(found, Mapping):
            fields = Fields(found)
            columns = open_schema.columns_of(fields.text("schemaString"))
            return Description(id=fields.text("id"), created=fields.integer("createdTime"), fields=columns)
    raise TornDocumentError("it does not describe the table")


def new_description(schema_json: str, created: datetime) -> Description:
    """The description of a table whose first run has this schema."""
    fields = open_schema.of_run(schema_json)
    return Description(id=str(uuid4()), created=_milliseconds(created), fields=fields)


def path_of(entry: PeriodEntry, file: PartFile) -> str:
    """Where a published file lies below its table's folder, as the log names it."""
    return quote(f"{DATA}/{entry.run}/{file.path}", safe="/=")


def paths_of(commit: Commit) -> frozenset[str]:
    """All files of a version, as the log names them."""
    return frozenset(path_of(entry, file) for entry in commit.entries.values() for file in entry.files)


def _proved(content: bytes) -> bytes:
    """What stands after the checksum, which must be of it; a ForeignCommitError where somebody else's commit is."""
    if not content:
        raise TornDocumentError("it is empty")
    if not content.startswith(_START):
        raise _not_ours(content)
    digest, rest = content[len(_START) :][:_HEX], content[len(_START) + _HEX :]
    if digest != _checksum(rest):
        raise TornDocumentError("its checksum does not match its contents")
    return rest


def _checksum(rest: bytes) -> bytes:
    return hashlib.sha256(rest.rstrip(b"\n")).hexdigest().encode("ascii")


def _not_ours(content: bytes) -> TornDocumentError:
    """What is to be said of a file that does not begin as ours do."""
    try:
        lines = [_json(line) for line in content.splitlines() if line.strip()]
    except TornDocumentError as error:
        return error
    if not lines or any(len(line) != 1 or next(iter(line)) not in _ACTIONS for line in lines):
        return TornDocumentError("it is not a commit")
    info = next((one for line in lines if isinstance(one := line.get("commitInfo"), Mapping)), {})
    if "dq" in info:
        return TornDocumentError("it was written anew by another program")
    count = {action: sum(action in line for line in lines) for action in _ACTIONS}
    done = [f"{count[action]} files {word}" for action, word in (("add", "added"), ("remove", "removed"))]
    done = [text for text in done if not text.startswith("0 ")]
    done += ["another protocol"] if count["protocol"] else []
    done += ["another description of the table"] if count["metaData"] else []
    said = f"{info.get('operation', 'a commit')} by {info.get('engineInfo', 'another program')}"
    return ForeignCommitError(clean.text(f"{said}: {', '.join(done) or 'no file changed'}", limit=300))


def _json(line: bytes) -> Mapping[str, Json]:
    try:
        found = json.loads(line.decode("utf-8"), object_pairs_hook=unique, parse_constant=no_constant)
    except TornDocumentError:
        raise
    except (ValueError, RecursionError) as error:
        raise TornDocumentError(f"it is not whole JSON ({type(error).__name__})") from error
    if not isinstance(found, Mapping):
        raise TornDocumentError("it is not an object")
    return found


def _files(commit: Commit | None, periods: Sequence[str]) -> dict[str, PartFile]:
    if commit is None:
        return {}
    entries = [entry for period in periods if (entry := commit.entries.get(period))]
    return {path_of(entry, file): file for entry in entries for file in entry.files}


def _add(path: str, file: PartFile, at: int) -> Mapping[str, object]:
    return {
        "path": path,
        "partitionValues": {PERIOD_COLUMN: file.period},
        "size": file.size,
        "modificationTime": at,
        "dataChange": True,
        "stats": json.dumps({"numRecords": file.rows}, separators=(",", ":")),
        "tags": {"dq.run": PurePosixPath(path).parts[1], "dq.sha256": file.sha256},
    }


def _remove(path: str, file: PartFile, at: int) -> Mapping[str, object]:
    return {
        "path": path,
        "deletionTimestamp": at,
        "dataChange": True,
        "extendedFileMetadata": True,
        "partitionValues": {PERIOD_COLUMN: file.period},
        "size": file.size,
    }


def _meta_data(table: str, description: Description) -> Mapping[str, object]:
    return {
        "id": description.id,
        "name": table,
        "format": {"provider": "parquet", "options": {}},
        "schemaString": open_schema.schema_string(description.fields),
        "partitionColumns": [PERIOD_COLUMN],
        "configuration": CONFIGURATION,
        "createdTime": description.created,
    }


def _shown(commit: Commit) -> str:
    """What DESCRIBE HISTORY shows beside a version."""
    said = {period: entry for period in commit.changed if (entry := commit.entries.get(period))}
    periods = {
        period: f"{entry.kind.value}, {entry.verdict.value}" if entry.version == commit.version else "as before"
        for period, entry in said.items()
    }
    gone = {period: "taken back" for period in commit.changed if period not in said}
    return json.dumps({"run": commit.run, "note": commit.note, "periods": {**periods, **gone}})


def _milliseconds(instant: datetime) -> int:
    return int(instant.timestamp() * 1000)
