"""The lines of an event log: whole ones, what they are called, and the values in them, bounded."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from dq.base.errors import DqError, UsageError
from dq.diagnose.codecs import TornError, chunks
from dq.diagnose.facts import Facts
from dq.diagnose.log_files import LogFiles
from dq.spark import spark_versions as versions

# No line of an event log is longer in practice; a file without line ends is not a log.
LONGEST_LINE = 1 << 26


# Above every count, size and instant in milliseconds of a real log, and within the range of a float and a long.
LARGEST = 1 << 62


# What half a line, or one whose bytes were changed, ends in: it is left out and counted.
DAMAGE = (ValueError, KeyError, TypeError, AttributeError, IndexError, OverflowError, RecursionError)


_BEGIN = b'{"Event":"'


_DECODER = json.JSONDecoder()


_ACCUMULATOR = re.compile(rb'\{"ID":(\d{1,18}),')


Event = Mapping[str, Any]


def must_be_a_log(files: LogFiles, line: bytes) -> None:
    """Refuse a first line that no Spark this package knows has written."""
    if not line.startswith(_BEGIN) or not name_of(line):
        raise UsageError(
            f"{files.path} is not an event log of Spark",
            where="EVENTLOG",
            expected='lines that begin with {"Event":"SparkListener...',
        )
    if name_of(line) == "SparkListenerLogStart":
        try:
            version = str(json.loads(line)["Spark Version"] or "")
        except DAMAGE as error:
            raise DqError("the first line of the event log is damaged", where=str(files.path)) from error
        if versions.numbers(version) not in versions.SUPPORTED:
            raise UsageError(
                f"{files.path} was written by Spark {version}"
                if versions.numbers(version)
                else f"{files.path} names no version of Spark",
                where="EVENTLOG",
                expected=f"a log of {versions.RANGE}",
                do="events and messages differ between versions, so nothing is guessed from it",
            )


def lines_of(files: LogFiles, facts: Facts) -> Iterator[bytes]:
    """The whole lines of a log, part by part; what is torn is counted in the facts and left out."""
    for part in files.parts:
        facts.file, facts.lines_before = part.path.name, facts.lines
        begun: list[bytes] = []  # the pieces of a line that has not ended yet
        size = 0
        try:
            for piece in chunks(part):
                first, *more = piece.split(b"\n")
                begun.append(first)
                size += len(first)
                if size > LONGEST_LINE:
                    raise UsageError(f"{part.path} has a line of over {LONGEST_LINE >> 20} MiB", where="EVENTLOG")
                if more:
                    yield b"".join(begun)
                    yield from more[:-1]
                    begun, size = [more[-1]], len(more[-1])
        except TornError:
            facts.torn = True
            facts.torn_within |= part is not files.parts[-1]
        if rest := b"".join(begun):
            try:
                json.loads(rest)
            except (ValueError, RecursionError):
                facts.torn = True
                facts.torn_within |= part is not files.parts[-1]
            else:
                yield rest


def name_of(line: bytes) -> str:
    """The event's name without its package; empty where the line does not begin like an event."""
    if not line.startswith(_BEGIN):
        return ""
    end = line.find(b'"', len(_BEGIN), len(_BEGIN) + 200)
    return line[len(_BEGIN) : end].rpartition(b".")[2].decode("utf-8", "replace") if end > 0 else ""


def without(line: bytes, begin: bytes, end: bytes) -> bytes:
    """A line without what a long array holds; as it is where the keys stand in another order.

    ``begin`` is its key with the bracket that opens it, ``end`` the bracket that closes it with the key that follows:
    the same key after anything else stands within the array.
    """
    first = line.find(begin)
    last = line.find(end, first)
    if first < 0 or last < 0:
        return line
    return b"".join((line[:first], begin, line[last:]))


def accumulators(line: bytes) -> set[int]:
    """The accumulators that a task or stage added to, each of which names itself first."""
    first = line.find(b'"Accumulables":[')
    return {int(number) for number in _ACCUMULATOR.findall(line, first)} if first >= 0 else set()


def document(line: bytes) -> Any:
    """What stands in a line; ``json.loads`` would look for its encoding first, each time."""
    return _DECODER.decode(line.decode("utf-8", "surrogatepass"))


def number(value: object) -> int:
    """A count, size or instant; what no JVM can have written is bounded."""
    if not isinstance(value, int):
        return 0
    return value if 0 <= value <= LARGEST else LARGEST if value > 0 else 0


def id_of(value: object) -> int:
    """The number of a job, stage, query or accumulator; a ValueError for anything else."""
    number = int(value)  # type: ignore[call-overload]
    if not -1 <= number <= LARGEST:
        raise ValueError("a number that no JVM can have written")
    return int(number)
