"""What stands in capitals in the commands of runbooks: what a person types there, and what a run fills in."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dq.base.model import CheckResult
from dq.base.periods import previous_month

WORD = re.compile(r"\b[A-Z][A-Z_]+\b")
# The commands that look into a warehouse and take its name.
_OF_FIGURES = ("backfill", "prevalidate", "run", "runbook", "show", "verify", "waive", "withdraw")
OF_A_WAREHOUSE = frozenset((*_OF_FIGURES, "close", "deliver", "docs", "gc", "migrate", "status"))


@dataclass(frozen=True, kw_only=True)
class Value:
    """What to type in place of a word in capitals, and an example to try the command with."""

    words: str
    example: str


_ON_THE_CARD = "as on the card"
VALUES: Mapping[str, Value] = {
    "PIPELINE": Value(words=_ON_THE_CARD, example="profit_unit"),
    "RUN": Value(words=_ON_THE_CARD, example="investor-profit-20261125-0500"),
    "PERIOD": Value(words=_ON_THE_CARD, example="2026-10"),
    "CHECK": Value(words=_ON_THE_CARD, example="profit_ties_out_to_ledger"),
    "AS_OF": Value(words=_ON_THE_CARD, example="2026-11-04T05:00:00Z"),
    "MONTH": Value(words="the month of the card's data, such as 2026-10", example="2026-10"),
    "BEFORE": Value(
        words="the month before that of the card's data, such as 2026-09; of a check on finals that month itself",
        example="2026-09",
    ),
    "UPSTREAM": Value(words="the table whose newer version the card names", example="profit_unit"),
    "TIME": Value(
        words="a UTC time by which what was fixed is loaded, now at the latest, such as 2026-11-04T05:00:00Z",
        example="2026-11-04T05:00:00Z",
    ),
    "SIGNED_AT": Value(
        words="the UTC time at which the accountant signed, such as 2026-11-04T15:00:00Z",
        example="2026-11-04T05:00:00Z",
    ),
    "SIGNER": Value(words="the accountant who signed", example="anna"),
    "DATA": Value(words="the file or folder to look at", example="build/data.parquet"),
    "EVENTLOG": Value(
        words="the event log the card names, or the newest in `_dq/event_logs` of the warehouse",
        example="build/warehouse/_dq/event_logs/eventlog_v2_local-1795193885246",
    ),
    "SUITE": Value(words="the suite's file", example="expectations/suite.yml"),
    "AMOUNT": Value(words="the largest difference that is accepted, such as 500.00", example="500.00"),
    "NAME": Value(words="you, or who answers for it", example="anna"),
    "REASON": Value(
        words="why, in a sentence that a reader of the log understands",
        example="entered late by the provider, confirmed by Finance",
    ),
    "DATE": Value(words="the last day it holds, such as 2026-12-03", example="2026-12-03"),
}


def of_run(
    *,
    pipeline: str,
    run: str,
    period: str,
    as_of: datetime,
    data_through: date,
    result: CheckResult,
    upstream: Sequence[str] = (),
    event_log: str = "",
) -> dict[str, str]:
    """What a run knows of the words in capitals, for the section that one of its results leads to."""
    month = f"{data_through:%Y-%m}"
    # Of a final that is published again the month that is restated is this one.
    again = result.kwargs.get("published") == "replaced" or ".final." in result.check
    return {
        "PIPELINE": pipeline,
        "RUN": run,
        "PERIOD": period,
        "CHECK": result.check,
        "AS_OF": f"{as_of:%Y-%m-%dT%H:%M:%SZ}",
        "MONTH": month,
        "BEFORE": month if again else previous_month(month),
        "UPSTREAM": upstream[0] if len(upstream) == 1 else "",
        "EVENTLOG": event_log,
    }


def left(commands: Iterable[str]) -> list[str]:
    """The words in capitals that stand in some commands, in the order of first use."""
    return list(dict.fromkeys(word for text in commands for word in WORD.findall(text) if word in VALUES))


def explained(words: Iterable[str]) -> list[str]:
    """What to type for each word, one line for all that are found alike."""
    alike: dict[str, list[str]] = {}
    for word in words:
        alike.setdefault(VALUES[word].words, []).append(f"`{word}`")
    return [f"- {', '.join(same)}: {meaning}" for meaning, same in alike.items()]


def filled(command: str, known: Mapping[str, str], warehouse: str = "") -> str:
    """A command with what is known filled in, and told which warehouse it is about where that needs telling."""
    text = WORD.sub(lambda word: shlex.quote(known[word[0]]) if known.get(word[0]) else word[0], command)
    words = text.split()
    if warehouse and words[:1] == ["dq"] and words[1:2] and words[1] in OF_A_WAREHOUSE:
        text += f" --warehouse {shlex.quote(warehouse)}"
    return text
