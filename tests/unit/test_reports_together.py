"""Several runs as one document, in each format."""

from __future__ import annotations

import json
from xml.etree import ElementTree

from run_records import held, passed, published, record

from dq.base.model import Verdict
from dq.base.serialize import from_dict
from dq.show import render, render_all


def test_json_is_one_array_of_the_same_records() -> None:
    runs = [published(), held()]
    assert [from_dict(one) for one in json.loads(render_all(runs, "json"))] == runs
    assert json.loads(render_all([], "json")) == []


def test_junit_is_one_root_that_counts_every_suite_and_stays_red_for_a_hold() -> None:
    runs = [published(results=passed(2)), held(), record(verdict=Verdict.HOLD_NOT_EVALUATED)]
    root = ElementTree.fromstring(render_all(runs, "junit"))  # noqa: S314  # our own output
    assert (root.tag, root.get("tests"), root.get("failures"), root.get("errors")) == ("testsuites", "17", "2", "1")
    assert [suite.get("name") for suite in root] == [
        "profit_unit.revenue 2026-10",
        "investor_profit.revenue 2026-11",
        "investor_profit.investor_profit 2026-11",
        "investor_profit.run 2026-11",
    ]


def test_annotations_and_markdown_follow_each_other() -> None:
    runs = [published(), held()]
    assert render_all(runs, "github") == render(runs[0], "github") + render(runs[1], "github")
    assert render_all(runs, "markdown").count("\n## ") == 1
