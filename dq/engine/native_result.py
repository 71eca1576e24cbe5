"""The result of one Great Expectations type on one frame, before any rule of the house is applied to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from dq.base.model import Evidence, Json


@dataclass(frozen=True, kw_only=True)
class NativeResult:
    """What Great Expectations would say about one check: its success, its result dictionary, its error.

    ``success`` is None only where the check could not be evaluated; ``error`` then holds one sentence without data
    values. ``result`` has the keys and values of the requested result format, cell values as Python objects.
    ``measures`` are the plain numbers behind it: counts as int, money as text; ``private`` those that are data values
    (minimum, maximum, distinct values) and may be shown only where the check opts in. ``left`` are the values that
    NULLs leave to judge, None where that is not known, or NULLs are what is judged.
    """

    success: bool | None
    result: Mapping[str, object] = field(default_factory=dict)
    error: str = ""
    left: int | None = None
    evidence: Evidence = Evidence.SCAN
    measures: Mapping[str, Json] = field(default_factory=dict)
    private: Mapping[str, Json] = field(default_factory=dict)
