"""A run record asked in Python: no truth value by accident, one line to look at, the card in a notebook."""

from __future__ import annotations

from dataclasses import replace

import pytest
from run_records import held, published, record, result, waiver_note

from dq import show
from dq.base.model import Outcome, Severity, Verdict
from dq.base.serialize import from_json, to_json


def test_a_record_is_neither_true_nor_false() -> None:
    for one in (held(), published()):
        with pytest.raises(TypeError, match=r"ask record\.passed, record\.published or record\.success"):
            bool(one)


def test_held_figures_neither_pass_nor_are_they_published() -> None:
    one = held()
    assert (one.passed, one.published, one.success) == (False, False, False)
    errored = record(result(outcome=Outcome.ERRORED), verdict=Verdict.HOLD_NOT_EVALUATED)
    assert (errored.passed, errored.success) == (False, False)


def test_published_is_what_readers_see() -> None:
    one = replace(published(), version=3, already_published=False)
    assert (one.passed, one.published) == (True, True)
    assert replace(one, version=None, already_published=True).published
    # A rehearsal publishes in a clone, a check of any data nowhere.
    assert not replace(one, rehearsal=True).published
    assert not replace(one, version=None, period="").published


def test_success_counts_as_great_expectations_does() -> None:
    failed = result("b", Outcome.FAILED, severity=Severity.WARNING)
    warned = record(result("a"), failed, verdict=Verdict.PUBLISH, version=1)
    assert (warned.passed, warned.success) == (True, False)
    waived = record(
        result("a", Outcome.FAILED, waived_by="somebody"), verdict=Verdict.PUBLISH, waivers=(waiver_note(),)
    )
    assert (waived.passed, waived.success) == (True, False)
    assert record(result("a"), result("b", Outcome.NOT_RUN), verdict=Verdict.PUBLISH).success


def test_a_record_is_one_short_line_to_look_at() -> None:
    both = (result("a"), result("b", Outcome.FAILED))
    one = record(*both, verdict=Verdict.HOLD, pipeline="profit_unit", period="2026-10")
    assert repr(one) == "<RunRecord profit_unit 2026-10: hold (1 passed, 1 failed)>"
    assert len(repr(held())) < 120
    assert "\n" not in repr(held())


def test_a_notebook_shows_the_card_with_every_character_escaped() -> None:
    one = record(result("a", Outcome.FAILED, observed="<script>alert('x')</script> & more"), verdict=Verdict.HOLD)
    shown = one._repr_html_()
    assert shown == show.html(one)
    assert shown is not None
    assert shown.startswith("<pre>HOLD")
    assert shown.endswith("</pre>")
    assert "<script" not in shown
    assert "&lt;script&gt;" in shown
    assert "&amp; more" in shown


def test_how_a_record_is_shown_is_no_part_of_it() -> None:
    assert from_json(to_json(held())) == held()
    assert "notebook" not in to_json(held())
