"""What lies in a run's folder, proved file by file: bytes, hashes, rows; nothing stray, nothing torn."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

from dq.base.errors import StoreError
from dq.store.filesystem import EntryType, Filesystem, Listed
from dq.store.manifest import PERIOD_COLUMN, PartFile
from dq.store.names import PERIOD

SUCCESS = "_SUCCESS"
SEAL = "_audit.json"  # the underscore keeps Spark from reading it as data
INTENT = "_commit.json"
OURS = (SUCCESS, SEAL, INTENT)

MAGIC = b"PAR1"
TRAILER = 8  # length of the footer in four bytes, then the magic
THREADS = 4
TAIL = 65_536  # one read holds the whole footer of nearly every figure table


def take(filesystem: Filesystem, folder: str, where: str, columns: Sequence[str]) -> Sequence[PartFile]:
    """The part files of a finished Spark write, by period and name; StoreError names a stray, torn or foreign file.

    ``where`` is the folder as people know it, ``columns`` the columns every file must have, in any order.
    """
    parts = _part_files(filesystem, folder, where)
    hashes = _hashes(filesystem, folder, parts)
    found = []
    for path, size in parts.items():
        footer = _footer(filesystem, f"{folder}/{path}", size, f"{where}/{path}")
        rows, names = _contents(footer, f"{where}/{path}")
        if sorted(names) != sorted(columns):
            different = ", ".join(sorted(set(names) ^ set(columns))) or "a name twice"
            raise StoreError(
                f"its columns are not those of the recorded schema: {different}",
                where=f"{where}/{path}",
                do="stage with the schema that is sealed",
            )
        footer_sha256 = hashlib.sha256(footer).hexdigest()
        found.append(PartFile(path=path, size=size, rows=rows, footer_sha256=footer_sha256, sha256=hashes[path] or ""))
    return tuple(found)


def prove_folder(
    filesystem: Filesystem, folder: str, where: str, files: Iterable[PartFile], *, whole: bool = False
) -> None:
    """Raise a StoreError that names the file unless the folder holds exactly these files, unchanged."""
    expected = {file.path: file for file in files}
    present = _part_files(filesystem, folder, where)
    for path in sorted(present.keys() - expected.keys()):
        raise StoreError("the file was added after the audit", where=f"{where}/{path}", do="run again")
    prove_files(filesystem, folder, where, expected.values(), present, whole=whole)


def prove_files(
    filesystem: Filesystem,
    folder: str,
    where: str,
    files: Collection[PartFile],
    present: Mapping[str, int] | None = None,
    *,
    whole: bool = False,
) -> None:
    """Raise a StoreError that names the file unless each of these files is there with its bytes and footer.

    ``whole`` reads them from end to end: every byte is the one that was hashed when the file was written.
    """
    hashes = _hashes(filesystem, folder, [file.path for file in files if file.sha256]) if whole else {}
    if present is None:
        present = _sizes(filesystem, folder, {file.path.rpartition("/")[0] for file in files})
    for file in files:
        place = f"{where}/{file.path}"
        again = "restore it from a backup, or withdraw the period and run it again"
        if file.path not in present:
            raise StoreError("the file is missing", where=place, expected=f"{file.size} bytes", do=again)
        if present[file.path] != file.size:
            raise StoreError(
                f"the file changed after the audit: {present[file.path]} bytes",
                where=place,
                expected=f"{file.size} bytes",
                do=again,
            )
        footer = _footer(filesystem, f"{folder}/{file.path}", file.size, place)
        if hashlib.sha256(footer).hexdigest() != file.footer_sha256:
            raise StoreError("the file changed after the audit: its footer is another", where=place, do=again)
        if hashes.get(file.path, file.sha256) != file.sha256:
            raise StoreError("the file changed after the audit: its bytes are others", where=place, do=again)


def prove_alone(filesystem: Filesystem, folder: str, where: str, files: Iterable[PartFile]) -> None:
    """Raise a StoreError that names a file in a published folder which was not audited: readers of folders see it."""
    expected = {file.path.rpartition("/")[2] for file in files}
    for one in filesystem.list(folder):
        if one.name not in expected and not one.name.startswith((".", "_")):
            raise StoreError("it was added after the audit", where=f"{where}/{one.name}", do="remove it")


def _part_files(filesystem: Filesystem, folder: str, where: str) -> Mapping[str, int]:
    """Bytes by relative path of every part file of a finished write."""
    top = filesystem.list(folder)
    if not any(one.name == SUCCESS and one.type is EntryType.FILE for one in top):
        raise StoreError(
            "the write did not finish" if top else "nothing was staged",
            where=where,
            expected=f"a {SUCCESS} file",
            do="run again; the staged files are not published",
        )
    found: dict[str, int] = {}
    for one in top:
        if one.name in OURS or _hidden_file(one):
            continue
        key, _, period = one.name.partition("=")
        if one.type is not EntryType.FOLDER or key != PERIOD_COLUMN or not PERIOD.fullmatch(period):
            raise _stray(f"{where}/{one.name}")
        for part in filesystem.list(f"{folder}/{one.name}"):
            if _hidden_file(part):
                continue
            if part.type is not EntryType.FILE or part.name.startswith("_") or not part.name.endswith(".parquet"):
                raise _stray(f"{where}/{one.name}/{part.name}")
            found[f"{one.name}/{part.name}"] = part.size
    return found


def _hidden_file(one: Listed) -> bool:
    """Checksum side files of Hadoop's local filesystem and our own temporaries, which no reader looks at."""
    return one.name.startswith(".") and one.type is EntryType.FILE


def _stray(where: str) -> StoreError:
    return StoreError(
        "it does not belong in a run's folder",
        where=where,
        expected=f"only Parquet files in folders such as {PERIOD_COLUMN}=2026-10",
        do="write with partitionBy('period') to a folder of its own, and run again",
    )


def _hashes(filesystem: Filesystem, folder: str, paths: Collection[str]) -> dict[str, str | None]:
    """The SHA-256 of whole files by path, several at a time: hashing leaves the interpreter to others."""
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        return dict(zip(paths, pool.map(lambda path: filesystem.sha256(f"{folder}/{path}"), paths), strict=True))


def _sizes(filesystem: Filesystem, folder: str, subfolders: Iterable[str]) -> Mapping[str, int]:
    return {
        f"{sub}/{one.name}": one.size
        for sub in subfolders
        for one in filesystem.list(f"{folder}/{sub}")
        if one.type is EntryType.FILE
    }


def _footer(filesystem: Filesystem, key: str, size: int, where: str) -> bytes:
    """The footer of a Parquet file with its trailer; StoreError when the file is cut short or not a Parquet file."""
    tail = filesystem.read(key, last=TAIL) or b""
    length = int.from_bytes(tail[-TRAILER:-4], "little") + TRAILER
    if len(tail) < TRAILER or tail[-4:] != MAGIC or length + len(MAGIC) > size:
        raise StoreError(
            f"the file is torn or not a Parquet file: {size} bytes without a whole footer",
            where=where,
            do="run again; if it comes back, look for a full or failing disk",
        )
    if length > len(tail):
        tail = filesystem.read(key, last=length) or b""
    return tail[-length:]


def _contents(footer: bytes, where: str) -> tuple[int, Sequence[str]]:
    """Rows and top-level columns that a footer declares."""
    from pyarrow import ArrowException
    from pyarrow.parquet import read_metadata

    try:
        metadata = read_metadata(BytesIO(MAGIC + footer))
        return int(metadata.num_rows), [str(name) for name in metadata.schema.to_arrow_schema().names]
    except (ArrowException, OSError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise StoreError(f"the Parquet footer cannot be read: {reason[:200]}", where=where, do="run again") from error
