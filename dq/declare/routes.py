"""The part of the settings that says who is told and how: targets by contact name, routes, allowed origins."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from datetime import date, datetime
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from dq.base import clean, yamlfile
from dq.base.errors import choices
from dq.base.model import Severity
from dq.base.strict import Strict
from dq.declare.origins import Origins, parse, split
from dq.declare.targets import Name, Reports, Target
from dq.people.roster import NEVER_THERE, Roster

Told = Literal["critical", "warning"]
ROLES = ("on_call", "backup", "watching_teams", "engineer", "owner_team", "lead", "manager")
_KEY_LIKE = re.compile(r"[0-9a-f]{16}|(?=[a-z]*[0-9])[a-z0-9]{20}")
CLOSE = "close"
"""The key under ``reports`` of those who are sent each answer to whether a month is ready, and whether it is closed."""


class Smtp(Strict):
    """The relay that takes e-mail; ``user`` and ``password`` are names of secrets."""

    host: Annotated[str, Field(min_length=1)]
    port: Annotated[int, Field(ge=1, le=65_535)] = 587
    security: Literal["starttls", "tls", "none"] = "starttls"
    sender: Annotated[str, Field(pattern=r"^[^@\s<>,;\"]+@[^@\s<>,;\"]+$")]
    user: Name | None = None
    password: Name | None = None

    @model_validator(mode="after")
    def _both(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("user and password belong together")
        if self.user is not None and self.security == "none":
            raise ValueError("a password is never sent without TLS")
        return self

    @property
    def origin(self) -> str:
        """The relay as the lists of origins name it."""
        return f"smtp://{self.host}:{self.port}"


class Route(Strict):
    """Who is told of which failures: empty lists mean all; ``to`` holds roles and contacts.

    The first route that fits counts. ``repeat_hours`` is how often a contact hears again of what is still failing.
    """

    severity: list[Told] = []
    pipelines: list[str] = []
    teams: list[str] = []
    to: Annotated[list[str], Field(min_length=1)]
    repeat_hours: Annotated[int, Field(ge=1, le=24 * 31)] = 24

    def fits(self, grade: Severity, pipeline: str, owner: str) -> bool:
        """Whether a failure of this grade, in this pipeline of this owning team, takes the route."""
        return (
            (not self.severity or grade.value in self.severity)
            and (not self.pipelines or pipeline in self.pipelines)
            and (not self.teams or owner in self.teams)
        )


DEFAULT_ROUTE = Route(to=["on_call", "watching_teams", "engineer"])


class Notify(Strict):
    """The key ``notify`` of ``jobs/settings.yml``; without targets nothing is sent."""

    origins: list[str] = []
    internal_origins: list[str] = []
    targets: dict[Name, Target] = {}
    unbound: list[Name] = []
    smtp: Smtp | None = None
    routes: list[Route] = []
    reports: dict[str, Annotated[list[Name], Field(min_length=1)]] = {}
    timeout_seconds: Annotated[int, Field(ge=1, le=120)] = 10
    run_seconds: Annotated[int, Field(ge=1, le=600)] = 30

    def route(self, grade: Severity, pipeline: str, owner: str) -> Route:
        """The first route that fits a failure, or that of the house: on call, watching teams, the engineer."""
        return next((route for route in self.routes if route.fits(grade, pipeline, owner)), DEFAULT_ROUTE)

    @property
    def allowed(self) -> Origins:
        """The origins messages may go to."""
        return Origins(
            public=frozenset(map(parse, self.origins)),
            internal=frozenset(map(parse, self.internal_origins)),
        )


def readers(notify: Notify, roster: Roster, key: str, now: datetime) -> list[str]:
    """The contacts under a key of ``reports`` that a document goes to: with a target, and of nobody who has left."""
    day = now.astimezone(roster.zone).date()
    return [name for name in notify.reports.get(key, ()) if name in notify.targets and not roster.gone(name, day)]


def contacts(roster: Roster) -> dict[str, str]:
    """Every contact the roster names, with whose it is."""
    found = {person.contact: person.name for person in roster.people.values() if person.left != NEVER_THERE}
    for name, team in roster.teams.items():
        found.setdefault(team.contact, name)
        if team.manager:
            found.setdefault(team.manager, f"the {name}'s manager")
    return found


def mistakes(
    notify: Notify,
    roster: Roster | None,
    pipelines: Collection[str],
    owners: Collection[str] = (),
    *,
    documents: Collection[str] = (),
    docs_address: str = "",
) -> Iterator[tuple[yamlfile.Key, str]]:
    """What a model alone does not see, with its key.

    ``owners`` are the teams that own a pipeline, ``documents`` the keys of ``reports`` that somebody must read, and
    ``docs_address`` is the public address of the data docs. Of a roster that is mistaken itself only its names count.
    """
    yield from _origin_mistakes(notify)
    yield from _secret_mistakes(notify)
    known = contacts(roster) if roster else {}
    named = {*known, *notify.targets}
    complete = roster is not None and not any(part[0] in ("people", "teams") for part in roster.stood_in)
    for n, route in enumerate(notify.routes):
        for m, pipeline in enumerate(route.pipelines):
            if pipeline not in pipelines:
                yield (
                    ("routes", n, "pipelines", m),
                    f"there is no pipeline {pipeline!r}; {choices(pipeline, [*pipelines])}",
                )
        for m, team in enumerate(route.teams):
            if roster and team not in roster.teams:
                yield ("routes", n, "teams", m), f"no team {team!r} on the roster; {choices(team, [*roster.teams])}"
        for m, to in enumerate(route.to):
            if to not in ROLES and complete and to not in named:
                yield ("routes", n, "to", m), f"{to!r} is neither a role nor a contact; {choices(to, [*ROLES, *named])}"
    yield from _report_mistakes(notify, pipelines, documents, docs_address)
    if roster and complete:
        yield from _leaver_mistakes(notify, roster)
    if roster and complete and notify.targets:
        yield from _binding_mistakes(notify, roster, known, owners)


def _report_mistakes(
    notify: Notify, pipelines: Collection[str], documents: Collection[str], docs_address: str
) -> Iterator[tuple[yamlfile.Key, str]]:
    """Documents nobody is sent, and readers that are none or cannot be sent one."""
    for key in documents if notify.targets else ():
        if key not in notify.reports:
            what = "what dq prevalidate and dq close answer" if key == CLOSE else f"the document of {key}"
            yield ("reports",), f"nobody is sent {what}; list who reads it under reports.{key}"
    for pipeline, recipients in notify.reports.items():
        if pipeline not in (*pipelines, CLOSE):
            yield ("reports", pipeline), f"there is no pipeline {pipeline!r}; {choices(pipeline, [*pipelines])}"
        for n, name in enumerate(recipients):
            target = notify.targets.get(name)
            if notify.targets and target is None:
                yield ("reports", pipeline, n), f"{name!r} has no target; {choices(name, [*notify.targets])}"
            elif target is not None and target.reports is Reports.NONE:
                readable = [other for other, one in notify.targets.items() if one.reports is not Reports.NONE]
                valid = f"valid: {', '.join(sorted(readable))}" if readable else "give it one of kind email"
                yield ("reports", pipeline, n), f"{name} is of kind {target.kind}, which carries no report; {valid}"
            elif target is not None and target.reports is Reports.LINK and not clean.link(docs_address):
                what = (
                    f"{name} is of kind {target.kind}, which gets a report's link, "
                    "and docs_address is not a web address"
                )
                yield ("reports", pipeline, n), f"{what}; set docs_address or name a target of kind email"


def _leaver_mistakes(notify: Notify, roster: Roster) -> Iterator[tuple[yamlfile.Key, str]]:
    """Contacts named outright that are only those of people who leave."""
    named: list[tuple[yamlfile.Key, str]] = []
    named += [(("routes", n, "to", m), to) for n, route in enumerate(notify.routes) for m, to in enumerate(route.to)]
    named += [(("reports", key, n), to) for key, listed in notify.reports.items() for n, to in enumerate(listed)]
    for key, contact in named:
        if roster.gone(contact, date.max):
            last = max((p for p in roster.people.values() if p.contact == contact), key=lambda p: p.left or date.min)
            yield key, f"{contact} is the contact of {last.name}, who leaves on {last.left}; name a role or who follows"


def _secret_mistakes(notify: Notify) -> Iterator[tuple[yamlfile.Key, str]]:
    """Names of secrets that look like secrets: a key that was pasted where its name belongs."""
    named: list[tuple[yamlfile.Key, str | None]] = []
    for target, one in notify.targets.items():
        named += [(("targets", target, field), getattr(one, field, None)) for field in ("secret", "token")]
    if notify.smtp is not None:
        named += [(("smtp", "user"), notify.smtp.user), (("smtp", "password"), notify.smtp.password)]
    for key, name in named:
        if name and _KEY_LIKE.search(name):
            yield key, "looks like a secret itself; give its name here, and the secret in the environment or a file"


def _binding_mistakes(
    notify: Notify, roster: Roster, known: dict[str, str], owners: Collection[str]
) -> Iterator[tuple[yamlfile.Key, str]]:
    """From the first target on every contact has one or is listed as unbound, and nothing is told to nobody."""
    lost = [(name, whose) for name, whose in known.items() if name not in notify.targets and name not in notify.unbound]
    if lost:
        named = ", ".join(f"{name} ({whose})" for name, whose in lost)
        has = "this contact has" if len(lost) == 1 else f"these {len(lost)} contacts have"
        yield ("targets",), f"{has} no target: {named}; give each one or list it under unbound"
    for n, name in enumerate(notify.unbound):
        if name in notify.targets:
            yield ("unbound", n), f"{name} has a target"
        elif name not in known:
            yield ("unbound", n), f"nobody on the roster has the contact {name!r}; {choices(name, [*known])}"
    used = {to for route in notify.routes for to in route.to} | {r for to in notify.reports.values() for r in to}
    for name in notify.targets:
        if name not in known and name not in used:
            yield ("targets", name), f"no contact of the roster, no route and no report names {name}"
    if roster.mistaken:
        return
    lead = roster.lead(date.max).contact
    places = [roster.standing(person, date.max) for person in roster.model.rotation.ring]
    certain = {"on_call": [*(person.contact for person in places if person), lead], "lead": [lead]}
    general = [route for route in notify.routes if not route.pipelines and not route.teams]
    covered = {grade for route in general for grade in route.severity or ("critical", "warning")}
    for n, route in enumerate(notify.routes if len(covered) == 2 else [*notify.routes, DEFAULT_ROUTE]):
        sure = [certain.get(to, [to]) for to in route.to if to in certain or to not in ROLES]
        if "owner_team" in route.to:
            sure.append([roster.teams[team].contact for team in owners if team in roster.teams])
        if not any(names and all(name in notify.targets for name in names) for names in sure):
            key: yamlfile.Key = ("routes", n, "to") if n < len(notify.routes) else ("targets",)
            what = "this route" if n < len(notify.routes) else "the route of the house, to who is on call,"
            yield key, f"{what} may reach nobody; bind every contact of one of its roles"


def _origin_mistakes(notify: Notify) -> Iterator[tuple[yamlfile.Key, str]]:
    broken = False
    for where, listed in (("origins", notify.origins), ("internal_origins", notify.internal_origins)):
        for n, text in enumerate(listed):
            try:
                origin = parse(text)
            except ValueError as error:
                broken = True
                yield (where, n), f"{text[:80]!r}: {error}"
                continue
            if where == "origins" and origin.scheme == "http":
                yield (where, n), f"{text} is plain http; public origins are https"
    if broken:
        return
    for name, target in notify.targets.items():
        if target.address is not None:
            yield from _address_mistakes(("targets", name, "url"), target.address, notify.allowed)
        if target.through_relay and notify.smtp is None:
            yield ("targets", name), "e-mail needs a relay; add notify.smtp"
    if notify.smtp is not None:
        yield from _address_mistakes(("smtp", "host"), notify.smtp.origin, notify.allowed)
        if notify.smtp.security == "none" and notify.smtp.origin not in map(str, _with_ports(notify.internal_origins)):
            yield ("smtp", "security"), "only a relay under internal_origins is spoken to without TLS"


def _with_ports(listed: Sequence[str]) -> list[str]:
    parsed = map(parse, listed)
    return [f"{one.scheme}://{one.host}:{one.port}" for one in parsed]


def _address_mistakes(key: yamlfile.Key, url: str, allowed: Origins) -> Iterator[tuple[yamlfile.Key, str]]:
    try:
        origin, _ = split(url)
    except ValueError as error:
        yield key, str(error)
        return
    refusal = allowed.refusal(origin)
    if refusal:
        yield key, refusal
