"""The list of seeded defects, built without a Spark session."""

from __future__ import annotations

import itertools
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml
from catches import FOOT, HEAD

from demo import catalogue, company, defects
from demo.data import SOURCES
from demo.defects import Edit
from dq.base.errors import SourceError, UsageError
from dq.base.model import Severity
from dq.declare import project as projects

ROOT = Path(__file__).resolve().parents[2]
DEFECTS = catalogue.catalogue("2026-10")
SOURCES_FILE = yaml.safe_load((ROOT / "jobs" / "sources.yml").read_text(encoding="utf-8"))
CONTRACTS = yaml.safe_load((ROOT / "jobs" / "contracts.yml").read_text(encoding="utf-8"))["sources"]
RULES = yaml.safe_load((ROOT / "jobs" / "rules.yml").read_text(encoding="utf-8"))
PROJECT = projects.load(ROOT)
PIPELINES = PROJECT.registry.pipelines
CHECKS = {check.check for bound in PROJECT.bound.values() for check in bound.all_checks}


def test_every_edit_finds_its_text_once(tmp_path):
    for folder in ("jobs", "expectations"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    for d in DEFECTS:
        for one in d.edits:
            assert (tmp_path / one.file).read_text().count(one.old) == 1, d.id
    faulty = next(d for d in DEFECTS if d.edits)
    defects.edit(tmp_path, faulty)
    assert faulty.edits[0].new in (tmp_path / faulty.edits[0].file).read_text()
    with pytest.raises(SourceError, match="is not there once"):
        defects.edit(tmp_path, replace(faulty, edits=(Edit(file="jobs/rules.yml", old="nowhere", new=""),)))


def test_ids_are_unique_and_begin_with_class_and_source():
    assert len({d.id for d in DEFECTS}) == len(DEFECTS)
    for d in DEFECTS:
        assert d.id.startswith(f"{d.failure_class}-{d.source}-")
        assert d.source in (PIPELINES if d.edits else SOURCES)
        assert d.pipeline in PIPELINES
        assert d.title


def test_a_named_check_exists():
    for d in DEFECTS:
        if "." not in d.expected_check:
            assert d.harmless or d.expected_check in CHECKS
            continue
        source, *rest = d.expected_check.split(".")
        assert source == d.source
        if source in PIPELINES:
            continue  # that the project has a check of this name is asked above
        if rest[-1] in ("required", "accepted", "converts"):
            assert rest[0] in CONTRACTS[source]["columns"], d.expected_check
        if rest[-1] == "required":
            assert CONTRACTS[source]["columns"][rest[0]]["required"]
        if rest[-1] == "accepted":
            column = CONTRACTS[source]["columns"][rest[0]]
            accepted_by_company = SOURCES_FILE["sources"][source].get("accepted", {})
            assert "accepted" in column or column.get("currency") or rest[0] in accepted_by_company


def test_warnings_are_what_changed_little_or_cost_little_and_nothing_else():
    warnings = {d.id for d in DEFECTS if d.severity is Severity.WARNING}
    assert warnings >= {"F07-revenue-added", "F12-expenses-adnet", "F12-expenses-contractors"}
    assert {d.failure_class for d in DEFECTS if d.id in warnings} <= {
        "F01", "F04", "F07", "F08", "F09", "F10", "F12", "F15", "F17", "F18", "F19", "F20", "F22", "F23", "F25",
    }  # fmt: skip


def test_an_unknown_defect_is_refused_with_the_likely_one():
    with pytest.raises(UsageError, match="did you mean F11-ledger-marketing"):
        catalogue.find("F11-ledger-marketting", "2026-10")


def test_the_sources_file_maps_every_contract_column_for_column():
    assert set(SOURCES_FILE["sources"]) == set(CONTRACTS)
    for name, contract in CONTRACTS.items():
        assert list(SOURCES_FILE["tables"][name]["columns"]) == list(contract["columns"])


def test_the_sources_file_accepts_what_the_company_has():
    sources = SOURCES_FILE["sources"]
    assert sources["accounts"]["accepted"]["region"] == list(company.REGIONS)
    assert sources["accounts"]["accepted"]["segment"] == list(company.SEGMENTS)
    assert sources["licence_events"]["accepted"]["licence_type"] == list(company.LICENCE_TYPES)
    assert sources["ledger"]["accepted"]["line"] == list(company.LEDGER_LINES)
    for name in ("licence_events", "revenue", "targets"):
        assert sources[name]["accepted"]["product"] == list(company.PRODUCTS)


def test_the_sources_file_expects_every_feed_from_its_first_due_day():
    declared = {(f["category"], f["provider"]): f["from_day"] for f in SOURCES_FILE["sources"]["expenses"]["feeds"]}
    assert declared == {(c.category, c.provider): min(d for d in c.days or (1,) if d) for c in company.COSTS}


def test_the_sources_file_expects_no_feed_of_the_company_more_often_than_it_reports():
    for feed in SOURCES_FILE["sources"]["expenses"]["feeds"]:
        (cost,) = (c for c in company.COSTS if (c.category, c.provider) == (feed["category"], feed["provider"]))
        for month in (date(2026, 2, 1), date(2026, 10, 1)):
            end = company.last_day(month)
            reported = [month - timedelta(days=1), *cost.due(month), end + timedelta(days=1)]
            longest = max((b - a).days - 1 for a, b in itertools.pairwise(reported))
            assert feed.get("every_days", longest + 1) > longest, (feed, month)
    daily = {(c.category, c.provider) for c in company.COSTS if not c.days}
    feeds = SOURCES_FILE["sources"]["expenses"]["feeds"]
    assert {(f["category"], f["provider"]) for f in feeds if f.get("every_days") == 1} == daily
    every = {f["channel"]: f["every_days"] for f in SOURCES_FILE["sources"]["campaigns"]["feeds"]}
    assert every == dict.fromkeys(company.CHANNELS, 1) | dict.fromkeys(company.EVENTS, 7)


def test_the_rules_give_every_category_of_the_contract_a_driver():
    accepted = CONTRACTS["expenses"]["columns"]["category"]["accepted"]
    assert set(company.CATEGORIES) == set(accepted)
    for rule in RULES["allocation"]:
        assert set(rule["drivers"]) == set(accepted)


def test_the_page_of_catches_is_of_these_defects_and_all_were_caught():
    planted = sum(not d.harmless for d in DEFECTS)
    page = (ROOT / "docs" / "catches.md").read_text(encoding="utf-8")
    assert f"| all | | {planted} | {planted} | | |" in page
    assert page.startswith(HEAD)
    assert page.endswith(FOOT)


def test_a_class_stands_for_its_first_defect_and_a_defect_for_itself():
    from demo.command import _fault

    assert _fault("F18", DEFECTS).id == "F18-revenue-skewed"
    assert _fault("F18-clicks-skewed", DEFECTS).id == "F18-clicks-skewed"
    with pytest.raises(UsageError, match="there is no fault 'F21'"):
        _fault("F21", DEFECTS)
