"""What a company's sources file says to the suites: thresholds in place of theirs, and feeds they must judge by day."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import date

from dq import sources
from dq.base.errors import Finding, choices
from dq.base.model import EVERY_DAYS, Check, Json
from dq.base.periods import days_between
from dq.checks.custom_kwargs import expects
from dq.checks.custom_types import CUSTOM_TYPES
from dq.checks.type_spec import KwargType
from dq.declare import suites

# What says when nothing is expected is as much the company's own as a bound is.
_EXCEPTIONS = (KwargType.WEEKDAYS, KwargType.DAYS)


CURRENCY = "$currency"
"""Stands in a suite's set of values for the currency of the company."""


def adjusted(checks: Sequence[Check], mapped: sources.SourcesConfig | None) -> list[Check]:
    """The checks with the company's currency and thresholds for them, whose reason stands in place of the suite's.

    Checks that know days on which nothing is expected get those on which the company is closed.
    """
    if mapped is None:
        return [*checks]
    found = [
        _adjusted(check, mapped.thresholds[check.check]) if check.check in mapped.thresholds else check
        for check in (_in_currency(check, mapped.currency) for check in checks)
    ]
    return [_closed(check, mapped.closed) for check in found] if mapped.closed.reason else found


def findings(
    mapped: sources.SourcesConfig, loaded: Collection[suites.Suite], implied: Collection[Check]
) -> list[Finding]:
    """The mistakes between a company's sources file, the suites and the checks every dataset has.

    They are thresholds of a check that does not exist, arguments that are not thresholds or have wrong values, and
    feeds that say how often they report to a check that does not know their days.
    """
    declared: dict[str, list[Check]] = {}
    for suite in loaded:
        for index, check in enumerate(suite.checks):
            if index not in suite.unsure:
                declared.setdefault(check.check, []).append(check)
    for check in implied:
        declared.setdefault(check.check, []).append(check)
    unread = {suite.checks[index].check for suite in loaded for index in suite.unsure}
    found: list[Finding] = []
    for name, threshold in mapped.thresholds.items():
        place = ("thresholds", name)
        if name not in declared and name not in unread:
            close = choices(name, sorted(declared)).partition("? Valid")[0]
            hint = f"; {close}?" if close.startswith("did you mean") else ""
            found.append(mapped.finding(place, f"there is no such check{hint}"))
        for check in declared.get(name, ()):
            merged = {**check.kwargs, **threshold.kwargs}
            valid = _thresholds(check.type, merged)
            wrong = [kwarg for kwarg in threshold.kwargs if kwarg not in valid]
            for kwarg in wrong:
                said = f"is not a threshold of {check.type}; {choices(kwarg, valid)}"
                found.append(mapped.finding((*place, "kwargs", kwarg), said))
            found += [] if wrong else suites.kwargs_findings(mapped.document, place, check.type, merged)
    return sorted({*found, *_feed_findings(mapped, loaded), *_currency_findings(mapped, loaded)})


def _currency_findings(mapped: sources.SourcesConfig, loaded: Collection[suites.Suite]) -> Iterator[Finding]:
    values = [(check.check, check.kwargs.get("value_set")) for suite in loaded for check in suite.checks]
    for name, accepted in values:
        if not mapped.currency and isinstance(accepted, list | tuple) and CURRENCY in accepted:
            yield mapped.finding(("currency",), f"declare what all amounts are in, such as EUR: {name} judges by it")


def _feed_findings(mapped: sources.SourcesConfig, loaded: Collection[suites.Suite]) -> Iterator[Finding]:
    for suite in loaded:
        declared = mapped.sources.get(suite.dataset)
        if declared is None or not any(EVERY_DAYS in feed for feed in declared.feeds):
            continue
        for index, check in enumerate(suite.checks):
            of_feeds = check.type in CUSTOM_TYPES and CUSTOM_TYPES[check.type].of_feeds
            if of_feeds and index not in suite.unsure and not check.kwargs.get("day"):
                message = f"name the `day` by which feeds of {suite.dataset} are judged: they say {EVERY_DAYS}"
                yield suite.finding(index, "kwargs", message)


def _in_currency(check: Check, currency: str) -> Check:
    values = check.kwargs.get("value_set")
    if not (isinstance(values, list | tuple) and CURRENCY in values):
        return check
    return replace(check, kwargs={**check.kwargs, "value_set": [currency if v == CURRENCY else v for v in values]})


def _adjusted(check: Check, threshold: sources.Threshold) -> Check:
    return replace(check, kwargs={**check.kwargs, **threshold.kwargs}, notes=threshold.reason)


def _closed(check: Check, closed: sources.Closed) -> Check:
    spec = CUSTOM_TYPES.get(check.type)
    if spec is None or not {"except_weekdays", "except_days"} <= {*spec.kwargs}:
        return check
    kwargs = dict(check.kwargs)
    for name, days in (("except_weekdays", closed.weekdays), ("except_days", closed.days)):
        own = kwargs.get(name) or ()
        if days and isinstance(own, list | tuple):
            kwargs[name] = list(dict.fromkeys([*own, *days]))
    return replace(check, kwargs=kwargs, notes=f"{check.notes} Closed: {closed.reason}".strip())


def closed_throughout(mapped: sources.SourcesConfig, first: date, last: date) -> str:
    """Why nothing is expected between two days, both included: the company is closed on each; empty where it is not."""
    closed = mapped.closed
    kwargs: dict[str, Json] = {"except_weekdays": [*closed.weekdays], "except_days": [*closed.days]}
    if not closed.reason or any(expects(kwargs, day) for day in days_between(first, last)):
        return ""
    return f"the company is closed on every day: {closed.reason}"


def _thresholds(type_name: str, kwargs: Mapping[str, object]) -> list[str]:
    """The arguments a company may set: bounds, and for our own types also those it could add."""
    if type_name not in CUSTOM_TYPES:
        return suites.thresholds_of(type_name, kwargs)
    kinds = {name: spec.type for name, spec in CUSTOM_TYPES[type_name].kwargs.items()}
    return suites.thresholds_of(type_name, dict.fromkeys(kinds)) + [n for n, k in kinds.items() if k in _EXCEPTIONS]
