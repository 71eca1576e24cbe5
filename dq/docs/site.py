"""The files of the data docs site: where they are, how they are written, and the index made from one entry per run.

Great Expectations' own index builder reads every stored result and deletes pages it has no result for; this one reads
small entries, one file per run, so that a page never gets lost and publishing stays cheap. No Great Expectations here.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from jinja2 import Environment, FileSystemLoader

from dq.base import private
from dq.base.errors import DqError, UsageError
from dq.base.model import RunRecord
from dq.base.serialize import instant
from dq.show.card import card, count, worst

CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; "
    "base-uri 'none'; form-action 'none'; frame-src 'none'"
)
TEMPLATES = Path(__file__).parent / "templates"
LISTED = 200
LEVELS = "levels.html"
"""The page of service levels, relative to the root of the site."""
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,127}")
# Each round ends with a look at the folder; another round is due only when another run was published meanwhile.
_ROUNDS = 100


class DocsError(DqError):
    """The data docs could not be written; the verdict stands, the page is owed."""

    exit_code = 4


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One run as the index lists it."""

    pipeline: str
    run: str
    period: str
    data_through: str
    started: str
    word: str
    tone: str
    version: str
    counts: str
    failed: int
    errored: int
    worst: str
    partial: int

    @property
    def href(self) -> str:
        """The run's page, relative to the root of the site."""
        return page_path(self.pipeline, self.run)


def page_path(pipeline: str, run: str) -> str:
    """A run's page, relative to the root of the site."""
    return f"validations/{_name(pipeline)}/{_name(run)}.html"


def suite_path(pipeline: str) -> str:
    """A pipeline's suite page, relative to the root of the site."""
    return f"expectations/{_name(pipeline)}.html"


def entry(run: RunRecord) -> Entry:
    """What the index tells about a cleaned record."""
    summary, counts = card(run), count(run.results)
    return Entry(
        pipeline=run.pipeline,
        run=run.run,
        period=run.period,
        data_through=run.data_through.isoformat(),
        started=instant(run.started),
        word=summary.word,
        tone=summary.tone,
        version=summary.version,
        counts=summary.counts,
        failed=counts.failed,
        errored=counts.errored,
        worst=worst(run.results),
        partial=len(run.partial),
    )


@contextmanager
def writing(site: Path) -> Iterator[None]:
    """Turns what the file system says about the site into one sentence."""
    try:
        yield
    except OSError as error:
        raise DocsError(
            f"the data docs could not be written: {error.strerror or error}",
            where=str(error.filename or site),
            do="make the folder writable, then run `dq docs`",
        ) from error


def write(path: Path, text: str) -> None:
    """Write a file of the site so that a reader sees the old text or the new, never half of one."""
    private.make_folder(path.parent)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), private.modes(path.parent)[0])
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise


def write_entry(site: Path, found: Entry) -> None:
    """Keep one run's line of the index."""
    path = site / "runs" / _name(found.pipeline) / f"{_name(found.run)}.json"
    write(path, json.dumps(asdict(found), sort_keys=True) + "\n")


def write_index(site: Path) -> Path:
    """Make ``index.html`` from the entries, newest run first; two publishers at once lose none of them.

    Whoever replaces the page last has seen every entry that was there before: the folder is read again after each
    replacement, and the page made again when it has changed.
    """
    index = site / "index.html"
    seen = _listing(site)
    for _ in range(_ROUNDS):
        write(index, _index(site, seen))
        now = _listing(site)
        if now == seen:
            break
        seen = now
    return index


def _listing(site: Path) -> Mapping[Path, tuple[int, int]]:
    found = {}
    for path in sorted((site / "runs").glob("*/*.json")):
        with suppress(FileNotFoundError):
            status = path.stat()
            found[path] = (status.st_mtime_ns, status.st_size)
    return found


def _index(site: Path, paths: Mapping[Path, object]) -> str:
    entries, unread = [], 0
    for path in paths:
        try:
            entries.append(_entry(path))
        except (OSError, ValueError, TypeError, UsageError):
            unread += 1
    entries.sort(key=lambda found: (found.started, found.run), reverse=True)
    pipelines = sorted({found.pipeline for found in entries})
    return (
        environment()
        .get_template("index.j2")
        .render(
            entries=entries[:LISTED],
            total=len(entries),
            unread=unread,
            suites={name: suite_path(name) for name in pipelines if (site / suite_path(name)).is_file()},
            levels=LEVELS if (site / LEVELS).is_file() else "",
            runbooks=sorted(path.stem for path in (site / "runbooks").glob("*.html")),
        )
    )


def _entry(path: Path) -> Entry:
    doc = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(doc, dict):
        raise TypeError("an entry is an object")
    for field in fields(Entry):
        if type(doc.get(field.name)).__name__ != field.type:
            raise TypeError(f"{field.name} is not a {field.type}")
    found = Entry(**doc)
    # The folder is the truth about whose entry it is: a link must not lead anywhere else.
    if (found.pipeline, f"{found.run}.json") != (path.parent.name, path.name):
        raise ValueError("the entry belongs elsewhere")
    _ = found.href
    return found


def environment() -> Environment:
    """Our own page templates, everything escaped."""
    made = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    made.globals["csp"] = CSP
    return made


def _name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise UsageError(
            f"{name[:60]!r} cannot be the name of a page",
            where="data docs",
            expected="lower-case letters, digits, '_', '.', '-', at most 128",
        )
    return name
