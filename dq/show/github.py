"""A run as workflow commands: one annotation per check a person must look at."""

from __future__ import annotations

from collections.abc import Iterator

from dq.base.model import Outcome, RunRecord, Severity
from dq.show.card import Block, Card, card

# A step shows ten annotations of each level; the last of ours says how many more there are.
_LIMIT = 9
_LEVELS = {Severity.CRITICAL: "error", Severity.WARNING: "warning", Severity.INFO: "notice"}


def github(run: RunRecord) -> str:
    """The workflow commands of a cleaned record: the headline first, then one per failed or errored check."""
    return "\n".join(_commands(card(run, limit=_LIMIT))) + "\n"


def _commands(summary: Card) -> Iterator[str]:
    level = "error" if summary.tone == "bad" else "notice"
    replaces = f"replaces {summary.replaced}" if summary.replaced else ""
    waivers = (f"waiver: {line}" for line in summary.waivers)
    told = (summary.headline, summary.error, *summary.partial, replaces, *waivers, *summary.died)
    message = "\n".join(filter(None, told))
    yield command(level, message, title=f"{summary.word}: {summary.subject}")
    for block in summary.blocks:
        lines = [block.text]
        if block.waived:
            lines.append(f"waived: {block.waived}")
        lines += [
            f"{key}: {value}"
            for key, value in (
                ("runbook", block.runbook),
                ("type", block.first),
                ("owner", block.owner),
                ("due", block.due),
            )
            if value
        ]
        yield command(
            _level(block, held=level == "error"),
            "\n".join(lines),
            **_place(block),
            title=f"{block.label}: {block.check}",
        )
    if summary.more:
        yield command("error" if summary.tone == "bad" else "warning", summary.more, title=summary.subject)
    if summary.upstream:
        yield from _commands(summary.upstream)


def _place(block: Block) -> dict[str, str]:
    """Where the check is declared, so that the annotation stands beside it; else the runbook page in the repository."""
    file, _, line = block.result.where.rpartition(":")
    if file and line.isdecimal():
        return {"file": file, "line": line} if int(line) else {"file": file}
    page = block.runbook.partition("#")[0]
    return {} if "://" in page or not page else {"file": page}


def _level(block: Block, *, held: bool) -> str:
    """The level of a check: an error only where the run is held, for a published one is green everywhere."""
    grave = block.result.outcome is Outcome.ERRORED or block.result.severity is Severity.CRITICAL
    if grave:
        return "error" if held and not block.waived else "warning"
    return _LEVELS[block.result.severity]


def command(level: str, message: str, **properties: str) -> str:
    """A workflow command of a level, with nothing in it that could start another."""
    listed = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{level} {listed}::{_data(message)}"


def _data(value: str) -> str:
    return value.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(value).replace(":", "%3A").replace(",", "%2C")
