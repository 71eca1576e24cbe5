"""The data docs: one static site of run pages, suite pages and an index, rendered by Great Expectations, safe offline.

Layout: ``index.html``, ``validations/<pipeline>/<run>.html`` with the validation result beside it as ``.json``,
``expectations/<pipeline>.html``, ``levels.html`` (by ``dq.docs.levels_page``), ``runbooks/<page>.html`` (by
``dq.runbooks.html``), ``runs/`` (the index's entries). Importing this module does not import Great Expectations; its
functions do.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from dq.base import clean, private
from dq.base.model import Check, RunRecord
from dq.docs import site as files
from dq.gx.load import load
from dq.gx.registered_types import register


def publish(site: Path, record: RunRecord) -> Path:
    """Write one run's page, its validation result as JSON and its line of the index; returns the page.

    A page that cannot be written raises ``DocsError`` (exit code 4): the verdict has been decided before.
    """
    page = _publish(site, record)
    with files.writing(site):
        files.write_index(site)
    return page


def publish_suite(site: Path, pipeline: str, checks: Sequence[Check]) -> Path:
    """Write the page of a pipeline's declared checks; returns it."""
    _prepare()
    from dq.docs.pages import suite_page

    path = site / files.suite_path(pipeline)
    html = suite_page(pipeline, [clean.value(check) for check in checks])
    with files.writing(site):
        files.write(path, html)
    return path


def rebuild(site: Path, records: Iterable[RunRecord]) -> Path:
    """Write the pages of all these runs again, then the index once; returns the index. Nothing is removed."""
    for record in records:
        _publish(site, record)
    with files.writing(site):
        return files.write_index(site)


def _publish(site: Path, record: RunRecord) -> Path:
    page = site / files.page_path(record.pipeline, record.run)
    with files.writing(site):
        # Before the import that takes seconds: a folder that cannot be written is told at once.
        private.make_folder(page.parent)
    _prepare()
    from dq.docs.pages import run_page
    from dq.gx.results import suite_json

    run = clean.record(record)
    suite = files.suite_path(run.pipeline)
    html = run_page(run, suite_link=f"../../{suite}" if (site / suite).is_file() else "")
    with files.writing(site):
        files.write(page.with_name(f"{run.run}.json"), suite_json(run) + "\n")
        files.write(page, html)
        files.write_entry(site, files.entry(run))
    return page


def _prepare() -> None:
    load()
    register()
