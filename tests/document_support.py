"""Rows of a published report."""

from __future__ import annotations

from dq.base.model import Json


def row(metric: str, value: str | None, **more: Json) -> dict[str, Json]:
    found: dict[str, Json] = {
        "line": "1",
        "section": "profit",
        "metric": metric,
        "unit": "USD",
        "basis": "fortnight",
        "value": value,
        "value_reason": None,
        "previous_period": None,
        "previous_value": None,
        "change": None,
        "change_ratio": None,
        "change_ratio_reason": "no_previous",
    }
    return found | more
