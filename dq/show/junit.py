"""A run as JUnit XML: a suite per dataset, a case per check, so that any CI server shows it."""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from dq.base.model import CheckResult, Outcome, RunRecord
from dq.base.serialize import instant
from dq.base.wording import found_text, owner_line
from dq.show.card import card, failed, label, runbook_line


def junit(run: RunRecord) -> str:
    """The JUnit XML of a cleaned record.

    Of a held run a failed check is a ``failure`` typed by its severity, one that could not be evaluated an ``error``,
    one that was not run ``skipped``; one that is held without any such check has a case of its own: a hold is never all
    green. A published run is: what did not pass there, and what is waived or only to note in any run, is the text of a
    case that passes.
    """
    root = ElementTree.Element("testsuites", name=f"{run.pipeline} {run.period}".strip(), time=f"{run.seconds:.3f}")
    _add(root, run)
    return _text(root)


def together(runs: Sequence[RunRecord], before: Sequence[ElementTree.Element] = ()) -> str:
    """The JUnit XML of several cleaned records: all their suites under one root, named with the period.

    ``before`` are suites of what the runs are about, which stand first.
    """
    seconds = sum(run.seconds for run in runs)
    root = ElementTree.Element("testsuites", name="dq", time=f"{seconds:.3f}")
    root.extend(before)
    for run in runs:
        first = len(root)
        _add(root, run)
        for suite in root[first:]:
            suite.set("name", f"{suite.get('name')} {run.period}")
    return _text(root)


def _add(root: ElementTree.Element, run: RunRecord) -> None:
    for dataset in dict.fromkeys(result.dataset for result in run.results):
        results = [result for result in run.results if result.dataset == dataset]
        suite = _suite(root, f"{run.pipeline}.{dataset}", run)
        for result in results:
            _case(suite, result, run)
        _count(suite)
    if not run.already_published and not run.verdict.published and not any(result.blocks for result in run.results):
        suite = _suite(root, f"{run.pipeline}.run", run)
        case = ElementTree.SubElement(suite, "testcase", name="run", classname=f"{run.pipeline}.run", time="0")
        summary = card(run)
        reason = run.error or (summary.upstream.headline if summary.upstream else summary.headline)
        ElementTree.SubElement(case, "error", type="held", message=reason).text = summary.headline
        suite.attrib.update(tests="1", failures="0", errors="1", skipped="0")


def _text(root: ElementTree.Element) -> str:
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(root: ElementTree.Element, name: str, run: RunRecord) -> ElementTree.Element:
    # The schema CI servers check against knows no zone: the instant is UTC.
    started = instant(run.started.replace(microsecond=0)).removesuffix("Z")
    return ElementTree.SubElement(root, "testsuite", name=name, timestamp=started, time="0")


def _case(suite: ElementTree.Element, result: CheckResult, run: RunRecord) -> None:
    name = suite.get("name", "")
    case = ElementTree.SubElement(suite, "testcase", name=result.check, classname=name, time="0")
    if result.outcome is Outcome.NOT_RUN:
        ElementTree.SubElement(case, "skipped", message=result.reason)
    elif result.outcome in (Outcome.FAILED, Outcome.ERRORED):
        waived = f"waived by {result.waived_by}: " if result.waived_by else ""
        message = waived + found_text(result)
        if not run.verdict.published and result.outcome is Outcome.ERRORED:
            ElementTree.SubElement(case, "error", type="could not evaluate", message=message).text = _detail(
                result, run
            )
        elif not run.verdict.published and failed(result):
            ElementTree.SubElement(case, "failure", type=str(result.severity), message=message).text = _detail(
                result, run
            )
        else:
            ElementTree.SubElement(case, "system-out").text = f"{label(result)}: {message}\n{_detail(result, run)}"


def _count(suite: ElementTree.Element) -> None:
    for key, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(key, str(len([*suite.iter(tag)])))


def _detail(result: CheckResult, run: RunRecord) -> str:
    guidance = run.guidance.get(result.check)
    lines = [
        ("severity", str(result.severity)),
        ("found", found_text(result)),
        ("expected", result.expected),
        ("runbook", runbook_line(result, guidance)),
        ("owner", owner_line(guidance) if guidance else ""),
        ("contact", guidance.contact if guidance else ""),
        ("due", "; ".join(guidance.due) if guidance else ""),
    ]
    return "\n".join(f"{key}: {value}" for key, value in lines if value)
