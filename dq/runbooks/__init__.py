"""Runbook pages: read strictly, linked by anchor, linted both ways against the checks."""

from dq.runbooks.blocks import render_blocks, write_checks
from dq.runbooks.frontmatter import FrontMatter
from dq.runbooks.guidance import guide
from dq.runbooks.lint import lint_runbooks
from dq.runbooks.page import Page, Section, load_page, load_pages, parse_page
from dq.runbooks.slugs import Slugger, slug

__all__ = [
    "FrontMatter",
    "Page",
    "Section",
    "Slugger",
    "guide",
    "lint_runbooks",
    "load_page",
    "load_pages",
    "parse_page",
    "render_blocks",
    "slug",
    "write_checks",
]
