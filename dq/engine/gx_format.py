"""The result dictionary of a row-wise check in each of Great Expectations' result formats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

RESULT_FORMATS = ("BOOLEAN_ONLY", "BASIC", "SUMMARY", "COMPLETE")
PARTIAL = 20
MOST = 200


def wanted_values(result_format: str) -> int:
    """How many unexpected values a result format lists."""
    return {"BOOLEAN_ONLY": 0, "COMPLETE": MOST}.get(result_format, PARTIAL)


def row_result(
    *,
    result_format: str,
    rows: int,
    kept: int | None,
    unexpected: int | None,
    values: Sequence[object] | None,
    query: str | None = None,
) -> dict[str, object]:
    """The result of a row-wise check; ``kept`` is None where NULLs are judged, ``values`` None where none may be shown.

    Percentages run from 0 to 100. A list of values is as long as the format allows, in the order of the data.
    """
    if result_format == "BOOLEAN_ONLY":
        return {}
    total = unexpected / rows * 100 if rows and unexpected is not None else None
    nonmissing = total
    if kept is not None:
        nonmissing = unexpected / kept * 100 if rows and kept and unexpected is not None else None
    result: dict[str, object] = {
        "element_count": rows,
        "unexpected_count": unexpected,
        "unexpected_percent": nonmissing,
    }
    if values is not None:
        result["partial_unexpected_list"] = list(values[:PARTIAL])
    if kept is not None:
        result["missing_count"] = rows - kept
        result["missing_percent"] = (rows - kept) / rows * 100 if rows else None
        result["unexpected_percent_total"] = total
        result["unexpected_percent_nonmissing"] = nonmissing
    if result_format == "BASIC" or values is None:
        return result
    counts = _counts(values)
    if counts is not None:
        result["partial_unexpected_counts"] = counts
    if result_format == "COMPLETE":
        result["unexpected_list"] = list(values)
        if query is not None:
            result["unexpected_index_query"] = query
    return result


def _counts(values: Sequence[object]) -> list[dict[str, object]] | None:
    """The most frequent of the listed values; None where they cannot be counted or ordered."""
    flat = [tuple(value.values()) if isinstance(value, dict) else value for value in values]
    if not all(isinstance(value, Hashable) for value in flat):
        return None
    try:
        ordered = sorted(Counter(flat).most_common(PARTIAL), key=lambda item: (-item[1], item[0]))
    except TypeError:
        return None
    return [{"value": value, "count": count} for value, count in ordered]
