"""Anchors as GitHub makes them."""

from __future__ import annotations

import pytest

from dq.runbooks import Slugger, slug


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("Figures differ from the books", "figures-differ-from-the-books"),
        ("No rows, or far fewer than usual", "no-rows-or-far-fewer-than-usual"),
        ("Duplicate or double-loaded rows", "duplicate-or-double-loaded-rows"),
        ("What's due?", "whats-due"),
        ("A & B", "a--b"),
        ("a - b", "a---b"),
        ("profit_unit", "profit_unit"),
        ("jobs/profit.py (v2.0)", "jobsprofitpy-v20"),
        ("24 h / 48 h", "24-h--48-h"),
        (" padded ", "-padded-"),
        ("Über die Bücher", "über-die-bücher"),
        ("Прибыль ЗА месяц", "прибыль-за-месяц"),
        ("利益 は 正しい", "利益-は-正しい"),
        ("हिन्दी", "हिन्दी"),  # vowel signs are marks and stay
        ("en–dash", "endash"),
        ("it’s", "its"),
        ("I ♥ data", "i--data"),
        ("😄 fine", "-fine"),
        ("x² and ½", "x-and-"),
        ("Ⅳ Ⓐ", "ⅳ-ⓐ"),
        ("tab\there", "tabhere"),
        ("non\u00a0breaking", "nonbreaking"),
        ("<b>", "b"),
        ("", ""),
    ],
)
def test_a_heading_becomes_its_anchor(heading: str, anchor: str) -> None:
    assert slug(heading) == anchor


@pytest.mark.parametrize(
    ("headings", "anchors"),
    [
        (["Meaning", "Meaning", "Meaning"], ["meaning", "meaning-1", "meaning-2"]),
        (["echo", "echo", "echo 1", "echo-1", "echo"], ["echo", "echo-1", "echo-1-1", "echo-1-2", "echo-2"]),
        (["foxtrot-1", "foxtrot", "foxtrot"], ["foxtrot-1", "foxtrot", "foxtrot-2"]),
        (["a-", "A!-"], ["a-", "a--1"]),
        (["?", "!"], ["", "-1"]),
    ],
)
def test_a_repeated_heading_gets_a_number_that_is_free(headings: list[str], anchors: list[str]) -> None:
    slugger = Slugger()
    assert [slugger.next(heading) for heading in headings] == anchors
