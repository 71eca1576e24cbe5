"""The front matter of a runbook page: whose the pipeline is, what is critical, by when, and who hears next."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from dq import yamlfile
from dq.people.levels import Escalation, Level

Text = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class Role(_Strict):
    """Somebody known by what they do in a team, where no name is on the roster: the accountant of Finance."""

    role: Text
    team: Text


class Parties(_Strict):
    """Who stands before or after a pipeline: teams of the roster, other pipelines, readers outside."""

    teams: list[Text] = []
    pipelines: list[Text] = []
    readers: list[Text] = []


class CriticalMetric(_Strict):
    """A figure or promise that matters, and the ids of the checks that watch it."""

    metric: Text
    checks: Annotated[list[Text], Field(min_length=1)]


class Review(_Strict):
    """A standing meeting whose agenda is the open problems."""

    name: Text
    every: Literal["week", "fortnight", "month"]
    teams: Annotated[list[Text], Field(min_length=1)]


class FrontMatter(_Strict):
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
        yield ("owner",), self.owner
        yield ("secondary",), self.secondary
        yield ("accountable", "team"), self.accountable.team
        for n, role in enumerate(self.consulted):
            yield ("consulted", n, "team"), role.team
        for n, team in enumerate(self.informed):
            yield ("informed", n), team
        for side, parties in (("upstream", self.upstream), ("downstream", self.downstream)):
            for n, team in enumerate(parties.teams):
                yield (side, "teams", n), team
        for n, review in enumerate(self.reviews):
            for m, team in enumerate(review.teams):
                yield ("reviews", n, "teams", m), team

    def mistakes(self) -> Iterator[tuple[yamlfile.Key, str]]:
        """What one key alone does not show: repeated levels, a rung that counts from a level that is not there."""
        ids = [level.id for level in self.levels]
        for n, level_id in enumerate(ids):
            if level_id in ids[:n]:
                yield ("levels", n, "id"), f"the level {level_id} stands here twice"
        for n, rung in enumerate(self.escalation):
            name = rung.after or rung.before
            if name is not None and name not in ids:
                key = "after" if rung.after else "before"
                yield ("escalation", n, key), f"no level has the id {name}; valid: {', '.join(sorted(ids))}"
        if self.engineer == self.backup:
            yield ("backup",), "the engineer cannot stand in for themselves"
