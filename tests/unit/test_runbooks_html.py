"""Runbook pages as HTML: anchors as in the repository, links inside the site, nothing executed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from pages_support import Parsed
from runbook_samples import CHECKS, PAGE, page, roster

from dq.base.errors import DqError
from dq.runbooks.html import render_page, write_runbooks

ROOT = Path(__file__).resolve().parents[2]
TAGS = {"html", "head", "meta", "title", "style", "body", "header", "nav", "main", "section", "h1", "h2", "h3", "h4"}
TAGS |= {"p", "a", "span", "ol", "ul", "li", "pre", "code", "em", "strong", "table", "thead", "tbody", "tr", "th", "td"}


def parsed(folder: Path, text: str = PAGE) -> Parsed:
    return Parsed(render_page(page(text), CHECKS, roster(folder)))


def test_every_heading_has_the_anchor_it_has_in_the_repository(tmp_path: Path) -> None:
    assert parsed(tmp_path).ids == [section.anchor for section in page().sections]


def test_the_lists_of_checks_are_those_of_now_and_markers_are_not_shown(tmp_path: Path) -> None:
    text = parsed(tmp_path).text
    assert "Every line agrees." in text
    assert "checks:begin" not in text


def test_links_between_pages_lead_to_their_html(tmp_path: Path) -> None:
    links = "[a](../other/README.md#x) [b](../other/README.md) [c](#on-call) [f](../other/lost.md) [g](own.md)"
    links += " [h](../all/a.md) [d](https://example.com/a.md) [e](mailto:x@example.com)"
    found = parsed(tmp_path, PAGE.replace("What it is.", links)).links
    for link in (
        "other.html#x",
        "other.html",
        "#on-call",
        "other.html#lost",
        "#own",
        "#a",
        "https://example.com/a.md",
        "mailto:x@example.com",
    ):
        assert link in found


HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](<javascript:alert(1)>)",
    "[x](data:text/html,<script>alert(1)</script>)",
    "![x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:alert(1))",
    "[x](file:///etc/passwd)",
    "[x](//example.com)",
    "[x](/etc/passwd)",
    "[x](\\\\example.com)",
    "![x](http://example.com/pixel.gif)",
    "<javascript:alert(1)>",
    "[x]: javascript:alert(1)\n\n[x]",
    '<a href="javascript:alert(1)">x</a>',
    "</style></main><script>alert(1)</script>",
    "```<script>\n</code></pre><script>alert(1)</script>\n```",
    "$title ${body} {0.__class__}",
]


@pytest.mark.parametrize("hostile", HOSTILE)
def test_hostile_markdown_does_nothing(tmp_path: Path, hostile: str) -> None:
    found = parsed(tmp_path, PAGE.replace("What it is.", hostile))
    assert found.tags <= TAGS
    assert found.handlers == []
    known = {"../index.html", *(f"#{anchor}" for anchor in found.ids)}
    assert set(found.links) <= known


@pytest.mark.parametrize(
    "hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "&lt;b&gt;", "$style"]
)
def test_hostile_headings_titles_and_descriptions_are_shown_as_text(tmp_path: Path, hostile: str) -> None:
    text = PAGE.replace("# profit\n", f"# {hostile.replace('&', '&amp;')}\n").replace(
        "## Monitoring", f"## Monitoring {hostile}"
    )
    text = text.replace("description: Profit per month.", f"description: '{hostile}'")
    checks = [replace(CHECKS[0], description=hostile, dataset=hostile), CHECKS[1]]
    found = Parsed(render_page(page(text), checks, roster(tmp_path)))
    assert found.tags <= TAGS
    assert found.handlers == []
    assert hostile in found.text


def test_the_page_forbids_scripts_and_foreign_content(tmp_path: Path) -> None:
    html = render_page(page(), CHECKS, roster(tmp_path))
    policy = html.partition('content="')[2].partition('"')[0]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:")
    assert html.index("Content-Security-Policy") < html.index("<style>")
    assert "url(" not in html
    assert "@import" not in html


def test_every_page_is_written_to_the_site_and_written_again_the_same(tmp_path: Path) -> None:
    table, site = roster(tmp_path), tmp_path / "site"
    paths = write_runbooks(site, {"profit": page()}, CHECKS, table)
    assert paths == [site / "runbooks" / "profit.html"]
    first = paths[0].read_bytes()
    assert write_runbooks(site, {"profit": page()}, CHECKS, table) == paths
    assert paths[0].read_bytes() == first
    assert [item.name for item in (site / "runbooks").iterdir()] == ["profit.html"]


def test_a_site_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("a file", encoding="utf-8")
    with pytest.raises(DqError, match="cannot be written"):
        write_runbooks(tmp_path / "site", {"profit": page()}, CHECKS, roster(tmp_path))
