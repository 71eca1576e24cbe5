"""Runbook pages: read strictly, linked by anchor, linted both ways against the checks.

What a name needs is imported when the name is first used: who is on call is answered without reading Markdown.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dq.runbooks.blocks import render_blocks, write_atomically, write_checks
    from dq.runbooks.frontmatter import FrontMatter
    from dq.runbooks.guidance import guide
    from dq.runbooks.lint import lint_levels, lint_runbooks
    from dq.runbooks.page import Page, Section, load_head, load_page, load_pages, page_names, parse_page
    from dq.runbooks.rotation import lint_rotation
    from dq.runbooks.slugs import Slugger, slug

__all__ = [
    "FrontMatter",
    "Page",
    "Section",
    "Slugger",
    "guide",
    "lint_levels",
    "lint_rotation",
    "lint_runbooks",
    "load_head",
    "load_page",
    "load_pages",
    "page_names",
    "parse_page",
    "render_blocks",
    "slug",
    "write_atomically",
    "write_checks",
]

_LAZY = {
    "FrontMatter": "frontmatter",
    "Page": "page",
    "Section": "page",
    "Slugger": "slugs",
    "guide": "guidance",
    "lint_levels": "lint",
    "lint_rotation": "rotation",
    "lint_runbooks": "lint",
    "load_head": "page",
    "load_page": "page",
    "load_pages": "page",
    "page_names": "page",
    "parse_page": "page",
    "render_blocks": "blocks",
    "slug": "slugs",
    "write_atomically": "blocks",
    "write_checks": "blocks",
}


def __getattr__(name: str) -> object:
    if name in _LAZY:
        return getattr(importlib.import_module(f"dq.runbooks.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'dq.runbooks' has no attribute {name!r}")
