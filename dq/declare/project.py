"""A project's declared files, read together: every mistake in any of them is reported at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path

from dq import people, runbooks, sources
from dq.base import yamlfile
from dq.base.errors import ConfigError, Finding, UsageError, choices
from dq.base.model import Check, Json
from dq.declare import finals, overrides, registry, settings, suite_files, suites
from dq.declare.binding import Bound, Collector, bind_all, suites_of
from dq.declare.implied_checks import dataset_checks, named


@dataclass(frozen=True, kw_only=True)
class Project:
    """Everything declared: registry, sources, suites, runbooks, people and settings.

    ``remark`` says that the roster has mistakes and which one serves in its place; empty where it has none.
    ``known_roster`` is None where the project was loaded for what asks about nobody.
    """

    root: Path
    registry: registry.Registry
    settings: settings.Settings
    sources: sources.SourcesConfig
    sources_file: Path
    known_roster: people.Roster | None
    pages: Mapping[str, runbooks.Page]
    bound: Mapping[str, Bound]
    rules: Mapping[str, Json]
    remark: str = ""

    @property
    def roster(self) -> people.Roster:
        """The people of the project."""
        assert self.known_roster is not None  # noqa: S101 - whoever asks about people loads them
        return self.known_roster

    def pipeline(self, name: str) -> Bound:
        """One bound pipeline, or a sentence that lists the valid names."""
        self.registry.pipeline(name)
        return self.bound[name]


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What could be read of a project's declared files, and every mistake in them; a project only where there is none.

    ``unread`` are the runbook pages that are named but could not be read, ``heads`` the data of those of them that
    have a head, ``bound`` the pipelines without a mistake.
    ``so_far`` is the roster also where it has mistakes: something stands in for them, which is good for finding more.
    """

    root: Path
    findings: Sequence[Finding]
    project: Project | None
    registry: registry.Registry | None
    roster: people.Roster | None
    so_far: people.Roster | None
    pages: Mapping[str, runbooks.Page]
    unread: frozenset[str]
    heads: Sequence[yamlfile.Document]
    bound: Mapping[str, Bound]

    @property
    def partly(self) -> frozenset[str]:
        """The pages some of whose checks are not known."""
        if self.registry is None:
            return frozenset(self.pages)
        return frozenset(item.runbook for name, item in self.registry.pipelines.items() if name not in self.bound)


RosterOfBefore = Callable[[Sequence[Finding]], tuple[people.Roster, str] | None]
"""Given the mistakes of a roster, another one that serves in its place and the sentence that says so."""


def load(
    root: Path,
    sources_file: Path | None = None,
    before: RosterOfBefore | None = None,
    *,
    roster_needed: bool = True,
) -> Project:
    """The project in a folder, with its sources file or another one, or a ConfigError with all mistakes.

    With ``before`` mistakes of the roster alone stop nothing while there is one of before; without ``roster_needed``
    they stop nothing at all, and nobody may be asked about.
    """
    reading = read(root, sources_file, before, roster_needed=roster_needed)
    if reading.project is None:
        raise ConfigError(reading.findings)
    return reading.project


def read(
    root: Path,
    sources_file: Path | None = None,
    before: RosterOfBefore | None = None,
    *,
    roster_needed: bool = True,
) -> Reading:
    """All that can be read of the project in a folder: what one file has wrong does not hide the mistakes of others."""
    found = Collector()
    known = found.read(lambda: registry.read(root))
    declared = known[0] if known else None
    found.findings += known[1] if known else []
    configured = found.read(lambda: settings.load(root))
    so_far, mistaken = people.read_roster(root / "runbooks" / "roster.yml", shown="runbooks/roster.yml")
    mistaken += _watch_mistakes(so_far, declared)
    remark = ""
    if mistaken and before is not None and (stand := before(mistaken)):
        so_far, remark = stand
        mistaken = _watch_mistakes(so_far, declared)
    found.findings += mistaken if roster_needed else []
    roster = None if mistaken else so_far
    contracts = found.read(lambda: sources.load_contracts(root / "jobs" / "contracts.yml", shown="jobs/contracts.yml"))
    sources_path = sources_file or root / "jobs" / "sources.yml"
    if not sources_path.is_file():
        raise UsageError(f"there is no sources file {sources_path}", where="--sources", do="give the path of one")
    shown = str(sources_path.relative_to(root)) if sources_path.is_relative_to(root) else str(sources_path)
    mapped = found.read(lambda: sources.load_sources(sources_path, contracts, shown=shown)) if contracts else None
    rules_document = found.read(lambda: yamlfile.read(root / "jobs" / "rules.yml", shown="jobs/rules.yml"))
    page_files = _named(root, declared)
    pages = {}
    heads = []
    for name in page_files:
        page = found.read(partial(runbooks.load_page, root / "runbooks" / name, shown=f"runbooks/{name}"))
        if page:
            pages[name] = page
        elif head := Collector().read(partial(runbooks.load_head, root / "runbooks" / name, shown=f"runbooks/{name}")):
            heads.append(head)
    loaded: dict[str, suites.Suite | None] = {}
    for name in suite_files.there(root, declared):
        shown = f"{suite_files.FOLDER}/{name}"
        examined = found.read(partial(suites.read, root / suite_files.FOLDER / name, shown=shown))
        found.findings += examined[1] if examined else []
        loaded[name] = examined[0] if examined else None
        found.findings += _misnamed(loaded[name], Path(name).stem)
    found.findings += suite_files.mistakes(root, declared.pipelines, contracts or ()) if declared else []
    readable = [suite for suite in loaded.values() if suite]
    if mapped and len(readable) == len(loaded):
        found.findings += overrides.findings(mapped, readable, _of_datasets(declared, loaded))
    rules = rules_document.data if rules_document else {}
    if not isinstance(rules, dict):
        found.findings.append(Finding("jobs/rules.yml", 1, "", "the rules are a mapping"))
        rules = {}
    if declared and rules_document:
        found.findings += _rule_findings(declared, rules_document)
    texts = {
        "contracts": root / "jobs" / "contracts.yml",
        "sources": sources_path,
        "rules": root / "jobs" / "rules.yml",
    }
    shared_texts = (
        {name: path.read_text(encoding="utf-8") for name, path in texts.items()} if not found.findings else {}
    )
    bound = bind_all(declared, loaded, pages, contracts, mapped, shared_texts, found) if declared else {}
    project = None
    if not found.findings:
        assert declared and configured and mapped  # noqa: S101, PT018 - else there were findings
        project = Project(
            root=root,
            registry=declared,
            settings=configured,
            sources=mapped,
            sources_file=sources_path,
            known_roster=roster,
            pages=pages,
            bound=bound,
            rules=rules,
            remark=remark,
        )
    return Reading(
        root=root,
        findings=found.findings,
        project=project,
        registry=declared,
        roster=roster,
        so_far=so_far,
        pages=pages,
        unread=frozenset(page_files) - set(pages),
        heads=heads,
        bound=bound,
    )


def _misnamed(suite: suites.Suite | None, dataset: str) -> list[Finding]:
    """A suite whose file is named after another dataset than the one it says it checks."""
    if suite is None or suite.dataset == dataset:
        return []
    key = "dataset" if ("dataset",) in suite.document.lines else "name"
    return [suite.finding(None, key, f"the file is named after {dataset}, and says {suite.dataset}; let both be one")]


def _of_datasets(declared: registry.Registry | None, loaded: Mapping[str, suites.Suite | None]) -> list[Check]:
    """The checks every dataset has, of all pipelines, by the ids they have there."""
    if declared is None:
        return []
    readable = {file: suite for file, suite in loaded.items() if suite and not suite.unsure}
    return [
        check
        for name, item in declared.pipelines.items()
        for check in (
            *named(dataset_checks(name, declared, suites_of(name, item, readable)), item.check_ids),
            *finals.declared_checks(name, item.publishes, declared.document),
        )
    ]


def _watch_mistakes(roster: people.Roster | None, declared: registry.Registry | None) -> list[Finding]:
    """Pipelines that nobody watches, and watches of none."""
    if roster is None or declared is None:
        return []
    return people.lint_watch(roster, declared.pipelines, declared.investors)


def _rule_findings(declared: registry.Registry, document: yamlfile.Document) -> list[Finding]:
    """The mistakes in the rules that pipelines name: each is a list of versions, each with the day it begins."""
    found = []
    rules = document.data if isinstance(document.data, dict) else {}
    for name, item in declared.pipelines.items():
        for number, rule in enumerate(item.rules):
            if not (isinstance(rules.get(rule), list) and rules[rule]):
                message = f"{document.file} has no list of versions under {rule}; {choices(rule, [*rules])}"
                found.append(declared.document.finding(("pipelines", name, "rules", number), message))
    for rule in sorted({rule for item in declared.pipelines.values() for rule in item.rules}):
        listed = rules.get(rule)
        seen: set[object] = set()
        for number, one in enumerate(listed if isinstance(listed, list) else ()):
            version, begins = (one.get(key) if isinstance(one, dict) else None for key in ("version", "effective_from"))
            if not isinstance(version, str) or version in seen:
                found.append(document.finding((rule, number, "version"), "a text of its own, such as '2026.1'"))
            if not isinstance(begins, str) or not _is_day(begins) or begins in seen:
                found.append(document.finding((rule, number, "effective_from"), "a day of its own, YYYY-MM-DD"))
            seen |= {version, begins}
    return found


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


def _named(root: Path, declared: registry.Registry | None) -> list[str]:
    """The runbook pages to read: those the registry names and that are there; all where it is unreadable."""
    if declared is None:
        return runbooks.page_names(root / "runbooks")
    items = declared.pipelines.values()
    return sorted({item.runbook for item in items if (root / "runbooks" / item.runbook / "README.md").is_file()})
