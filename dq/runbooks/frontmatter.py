"""The front matter of a runbook page: whose the pipeline is, what is critical, by when, and who hears next."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dq.base import yamlfile
from dq.base.errors import ConfigError, Finding
from dq.base.strict import Strict
from dq.people.calendar import OnHoliday
from dq.people.levels import Escalation, Level
from dq.people.roster_file import WallTime

Text = Annotated[str, Field(min_length=1)]
FENCE = "---"
# Where a head names teams; _EACH stands for every place of a list.
_EACH = -1
_TEAMS: tuple[yamlfile.Key, ...] = (
    ("owner",),
    ("secondary",),
    ("accountable", "team"),
    ("consulted", _EACH, "team"),
    ("informed", _EACH),
    ("upstream", "teams", _EACH),
    ("downstream", "teams", _EACH),
    ("reviews", _EACH, "teams", _EACH),
)


class Role(Strict):
    """Somebody known by what they do in a team, where no name is on the roster: the accountant of Finance."""

    role: Text
    team: Text


class Parties(Strict):
    """Who stands before or after a pipeline: teams of the roster, other pipelines, readers outside."""

    teams: list[Text] = []
    pipelines: list[Text] = []
    readers: list[Text] = []


class CriticalMetric(Strict):
    """A figure or promise that matters, and the ids of the checks that watch it."""

    metric: Text
    checks: Annotated[list[Text], Field(min_length=1)]


class Review(Strict):
    """A standing meeting whose agenda is the open problems, at a wall time of the company.

    Each week, or every second one from the anchor Monday, on a ``weekday``; each month on its Nth ``business_day``.
    """

    name: Text
    every: Literal["week", "fortnight", "month"]
    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday"] | None = None
    business_day: Annotated[int, Field(ge=1, le=15)] | None = None
    at: WallTime
    minutes: Annotated[int, Field(ge=5, le=480)] = 60
    on_holiday: OnHoliday = "next"
    teams: Annotated[list[Text], Field(min_length=1)]

    @model_validator(mode="after")
    def _has_a_day(self) -> Self:
        if (self.weekday is None) != (self.every == "month") or (self.business_day is None) != (self.every != "month"):
            raise ValueError("a weekly or fortnightly review needs weekday, a monthly one business_day")
        return self


class FrontMatter(Strict):
    """The machine-read head of a page. Teams are named as in the roster, people by their id there."""

    pipeline: Text
    description: Text
    owner: Text
    secondary: Text
    engineer: Text
    backup: Text
    accountable: Role
    consulted: list[Role] = []
    informed: list[Text] = []
    upstream: Parties
    downstream: Parties
    critical_metrics: Annotated[list[CriticalMetric], Field(min_length=1)]
    levels: Annotated[list[Level], Field(min_length=1)]
    escalation: Annotated[list[Escalation], Field(min_length=1)]
    reviews: Annotated[list[Review], Field(min_length=1)]

    def teams(self) -> Iterator[tuple[yamlfile.Key, str]]:
        """Every team the head names, with the key it stands at."""
        return teams_named(self.model_dump())

    def mistakes(self) -> Iterator[tuple[yamlfile.Key, str]]:
        """What one key alone does not show: repeated levels, a rung that counts from a level that is not there."""
        ids = [level.id for level in self.levels]
        for n, level_id in enumerate(ids):
            if level_id in ids[:n]:
                yield ("levels", n, "id"), f"the level {level_id} appears here twice"
        for n, rung in enumerate(self.escalation):
            name = rung.after or rung.before
            if name is not None and name not in ids:
                key = "after" if rung.after else "before"
                yield ("escalation", n, key), f"no level has the id {name}; valid: {', '.join(sorted(ids))}"
                continue
            level = next((level for level in self.levels if level.id == name), None)
            never = sorted({*rung.classes} - {*level.classes}) if level is not None and level.classes else []
            if level is not None and never:
                message = (
                    f"the level {name} is of {', '.join(level.classes)} alone and never due for {', '.join(never)}"
                )
                yield ("escalation", n, "classes"), message
        if self.engineer == self.backup:
            yield ("backup",), "the engineer cannot stand in for themselves"


def teams_named(head: object) -> Iterator[tuple[yamlfile.Key, str]]:
    """Every team that the data of a head names, whatever else is wrong there, with the key it stands at."""
    for path in _TEAMS:
        yield from _texts(head, path)


def _texts(data: object, path: yamlfile.Key, key: yamlfile.Key = ()) -> Iterator[tuple[yamlfile.Key, str]]:
    if not path and isinstance(data, str) and data:
        yield key, data
    elif path and path[0] == _EACH and isinstance(data, list):
        for n, item in enumerate(data):
            yield from _texts(item, path[1:], (*key, n))
    elif path and isinstance(data, dict):
        yield from _texts(data.get(path[0]), path[1:], (*key, path[0]))


def read_text(path: Path, file: str) -> str:
    """The text of a page's file, or a ConfigError where it cannot be read."""
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError([Finding(file, 0, "", f"is not UTF-8 (byte {error.start})")]) from error
    except OSError as error:
        raise ConfigError([Finding(file, 0, "", f"cannot be read: {error.strerror}")]) from error


def read_head(text: str, file: str) -> tuple[FrontMatter, yamlfile.Document, int]:
    """The front matter a page begins with, its document, and how many lines it takes; ConfigError where it has none."""
    document, lines = parse_head(text, file)
    return yamlfile.as_model(document, FrontMatter), document, lines


def parse_head(text: str, file: str) -> tuple[yamlfile.Document, int]:
    """The same before it is known whether anything in it is as it should be."""
    lines = text.split("\n")  # as Markdown counts lines; splitlines() also breaks at form feeds and the like
    end = next((n for n, line in enumerate(lines[1:], start=1) if line.rstrip() == FENCE), 0)
    if lines[0].rstrip() != FENCE or not end:
        message = f"a page begins with its front matter: YAML between two lines {FENCE}"
        raise ConfigError([Finding(file, 1, "", message)])
    head = "\n".join(["", *lines[1:end], ""])  # the empty first line keeps the line numbers of the file
    document = yamlfile.parse(head.encode(), file)
    return document, end + 1
