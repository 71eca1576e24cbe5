"""The company's own runbooks: every way of failing leads to a page that is there, fits a screen and is fresh."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher
from functools import cache
from itertools import combinations
from pathlib import Path

from pages_support import Parsed, prose
from runbook_samples import page

from dq.base.failure_classes import FailureClass
from dq.base.model import Check, Severity
from dq.declare import project as projects
from dq.declare.binding import Bound
from dq.declare.registry import load
from dq.people import load_roster
from dq.runbooks import lint_runbooks, load_pages, places
from dq.runbooks.blocks import MARKER
from dq.runbooks.frontmatter import FrontMatter
from dq.runbooks.html import write_runbooks
from dq.runbooks.rotation import lint_rotation
from dq.runbooks.tables import unled
from dq.show.section_file import shown

ROOT = Path(__file__).resolve().parents[2]


@cache
def bound() -> Mapping[str, Bound]:
    """The pipelines of the project, read once for all tests here."""
    return projects.load(ROOT).bound


CLASSES = [
    "F01",
    "F02",
    "F03",
    "F04",
    "F05",
    "F06",
    "F07",
    "F08",
    "F09",
    "F11",
    "F12",
    "F14",
    "F15",
    "F16",
    "F17",
    "F18",
    "F19",
    "F22",
    "F23",
    "F24",
    "F25",
    "F26",
]


def test_the_company_s_pages_name_every_way_of_failing_alike() -> None:
    pages = load_pages(ROOT / "runbooks")
    checks = [check for one in bound().values() for check in one.all_checks]
    ways = {
        name: {way.failure_class: way.title for way in page.ways if way not in unled(page, checks) and not way.second}
        for name, page in pages.items()
    }
    assert [*ways["investor_profit"]] == sorted({*CLASSES, "F21"} - {"F08", "F09", "F23"})
    assert [*ways["profit_unit"]] == [c for c in CLASSES if c != "F16"]
    # Units are compared with their own finals only: a section of their own.
    units = ("profit_unit", "growth_daily", "experiments_weekly", "executive_report")
    assert {ways[page].pop("F15") for page in units} == {"A published final would change"}
    for failure_class, title in ways["profit_unit"].items():
        assert ways["investor_profit"].get(failure_class, title) == title


def test_what_is_wrong_in_the_month_before_is_mended_in_the_month_before() -> None:
    """A check that judges the month before leads to commands that name that month and not the one that was held."""
    found = set()
    for name, one in bound().items():
        for check in one.all_checks:
            other = str(check.kwargs.get("other", ""))
            if not (".previous" in other or other.endswith(".late") or check.kwargs.get("published") == "previous"):
                continue
            place = places.read(check.runbook)
            assert place is not None
            section = one.page.section(place.section)
            assert section is not None
            inside = [s for s in one.page.sections if section.start < s.start <= section.end]
            mending = next(s for s in inside if s.title == "Mitigation")
            runs = {c.text for c in one.page.commands(mending) if c.text.startswith(("dq run", "dq backfill"))}
            assert any(re.search("--(period|from) BEFORE", command) for command in runs), (check.check, runs)
            found.add(name)
    assert found >= {"profit_unit", "investor_profit", "investor_growth", "investor_engagement"}


def test_the_company_s_pages_are_right_but_for_the_checks_that_lead_to_them() -> None:
    """One check per section and metric stands for the suites, which the project's own lint brings in."""
    pages = load_pages(ROOT / "runbooks")
    table = load_roster(ROOT / "runbooks" / "roster.yml")
    checks = []
    for each in pages.values():
        metrics = [check for metric in each.front.critical_metrics for check in metric.checks]
        for way in each.ways:
            for check in [*metrics, f"{each.front.pipeline}.{way.anchor}"]:
                runbook = each.place(way).reference
                checks.append(
                    Check(check=check, dataset="x", type="y", kwargs={}, severity=Severity.INFO, runbook=runbook)
                )
    programs = set()

    def remember(argv: Sequence[str]) -> str | None:
        programs.add(tuple(argv[:2]))
        return None

    found = lint_runbooks(pages, checks, table, remember)
    assert [str(f) for f in found if "generated block" not in f.message] == []
    assert {
        ("dq", word)
        for word in (
            "backfill",
            "show",
            "explain",
            "run",
            "withdraw",
            "gc",
            "docs",
            "lint",
            "oncall",
            "waive",
            "diagnose",
            "prevalidate",
            "status",
            "calendar",
        )
    } == programs


def test_the_links_of_the_company_s_pages_lead_to_anchors_of_the_site(tmp_path: Path) -> None:
    table = load_roster(ROOT / "runbooks" / "roster.yml")
    checks = [check for one in bound().values() for check in one.all_checks]
    site = {
        path.name: Parsed(path.read_text())
        for path in write_runbooks(tmp_path, load_pages(ROOT / "runbooks"), checks, table)
    }
    assert len(site) == len(load_pages(ROOT / "runbooks")) > 1
    for name, found in site.items():
        assert len(found.ids) == len(set(found.ids))
        for link in found.links:
            target, _, anchor = link.partition("#")
            if target != "../index.html":
                assert anchor == "" or anchor in site[target or name].ids
                assert target == "" or target in site


def test_every_section_of_the_company_can_be_read_at_night() -> None:
    """What its page shows of a section, up to the list of its checks, fits a screen and a half."""
    said = re.search(
        r"fits\s+a\s+screen\s+and\s+a\s+half,\s+(\d+)\s+lines", (ROOT / "runbooks" / "README.md").read_text()
    )
    assert said, "runbooks/README.md says how long a section may be"
    long = {
        f"{page.name}/{way.anchor}": len(lines)
        for page in load_pages(ROOT / "runbooks").values()
        for way in page.ways
        if len(lines := by_hand("\n".join(page.lines(way)), generated=True)) >= int(said[1])
    }
    assert long == {}


def by_hand(text: str, *, generated: bool = False) -> list[str]:
    """The lines of a section before the list of its checks, without markers, and without what stands between them."""
    kept, inside = [], False
    for line in re.split(r"^#+ Checks$", text, flags=re.MULTILINE)[0].rstrip().split("\n"):
        if marker := MARKER.fullmatch(line):
            inside = marker[2] == "begin"
        elif generated or not inside:
            kept.append(line)
    return kept


def test_no_section_is_a_copy_of_another_pipeline_s() -> None:
    """What is the same for several pipelines stands once in all/, which says what is particular of each."""
    sections: dict[str, list[tuple[str, list[str]]]] = {}
    for path in sorted((ROOT / "runbooks").glob("*/*.md")):
        text = path.read_text(encoding="utf-8")
        if declared := re.search(r"^Class: (.+)$", text, flags=re.MULTILINE):
            lines = [line for line in by_hand(text) if line.strip()]
            sections.setdefault(declared[1], []).append((path.relative_to(ROOT).as_posix(), lines))
    copies = {
        (one, other): round(shared, 2)
        for same in sections.values()
        for (one, ours), (other, theirs) in combinations(same, 2)
        if (shared := SequenceMatcher(None, ours, theirs, autojunk=False).ratio()) > 0.7
    }
    assert copies == {}


def test_the_runbooks_have_no_wide_lines() -> None:
    """Their prose; the data of a page's head is YAML with one thing a line."""
    wide = []
    for path in sorted((ROOT / "runbooks").rglob("*.md")):
        text, name = path.read_text(encoding="utf-8"), path.relative_to(ROOT).as_posix()
        head = text.split("\n").index("---", 1) + 1 if text.startswith("---\n") else 0
        wide += [f"{name}:{number}" for number, line in prose(name) if number > head and len(line) > 120]
    assert wide == []


def test_names_that_sections_had_before_lead_somewhere() -> None:
    """Records name them for good: the file is there, or it says what its name is now."""
    before = {
        "executive_report.md#report-not-delivered-or-late": "executive_report/the-report-is-not-with-its-readers.md",
        "engagement_daily/a-skewed-key.md": "all/a-skewed-key-or-uneven-files.md",
        "growth_daily.md#schema-drift-in-a-source": "all/schema-drift-in-a-source.md",
        "profit_unit/missing-days-in-the-period.md": "all/missing-days-in-the-period.md",
        "executive_report/duplicate-or-double-loaded-rows.md": "all/duplicate-or-double-loaded-rows.md",
        "investor_profit.md#a-trend-or-a-published-month-does-not-fit": (
            "investor_profit/a-trend-or-a-published-month-does-not-fit.md"
        ),
    }
    assert {old: shown(old) for old in before} == {old: f"runbooks/{now}" for old, now in before.items()}


def test_every_check_of_the_company_leads_to_a_file_that_is_there() -> None:
    for one in bound().values():
        for check in one.all_checks:
            assert (ROOT / shown(check.runbook)).is_file()
            assert (place := places.read(check.runbook)) is not None
            assert one.page.section(place.section) is not None


def test_our_page_of_the_rotation_is_fresh() -> None:
    declared = load(ROOT)
    fronts = {name: page_of(item.runbook) for name, item in declared.pipelines.items()}
    assert (ROOT / "runbooks" / "on-call.md").is_file()
    assert lint_rotation(ROOT, load_roster(ROOT / "runbooks" / "roster.yml"), fronts) == []


def page_of(name: str) -> FrontMatter:
    return page((ROOT / "runbooks" / name / "README.md").read_text(encoding="utf-8"), name).front


def test_every_class_that_the_package_knows_is_a_way_of_failing_of_the_company() -> None:
    pages = load_pages(ROOT / "runbooks").values()
    assert {way.failure_class for page in pages for way in page.ways} == {*FailureClass}
