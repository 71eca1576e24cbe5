"""What is left to judge of a check's rows by its row condition and its NULLs: nothing judged is not a pass."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from dq.base.errors import DqError
from dq.base.model import ALLOWED, Check, Outcome
from dq.engine.conditions import OWN_LANGUAGE
from dq.engine.fields import where_of
from dq.engine.measures import Measure, rows
from dq.engine.native_types import COUNTING_ROWS

if TYPE_CHECKING:
    from pyspark.sql.types import StructType


def kept_rows(check: Check, schema: StructType) -> Measure | None:
    """How many rows meet a check's condition; None where it has none, judges their number, or they cannot be counted.

    A condition that is wrong is told by the check itself, which meets it too.
    """
    if check.type in COUNTING_ROWS or not check.kwargs.get("row_condition"):
        return None
    with suppress(DqError):
        return rows(where_of(check.kwargs, schema))
    return None


def only_gx_counts(check: Check) -> bool:
    """Whether the rows a check's condition keeps can be counted by Great Expectations only, in whose words it is."""
    condition = check.kwargs.get("row_condition")
    own = check.kwargs.get("condition_parser") in OWN_LANGUAGE
    return own and isinstance(condition, str) and bool(condition) and check.type not in COUNTING_ROWS


def rows_of_condition(check: Check) -> Check:
    """A check that any row meets the condition of another one."""
    kwargs = {name: check.kwargs[name] for name in ("row_condition", "condition_parser")}
    return replace(check, type="expect_table_row_count_to_be_between", kwargs={"min_value": 1, **kwargs})


def nothing_kept(check: Check, total: int | None = None) -> tuple[Outcome, str]:
    """The outcome of a check whose condition keeps no row of ``total``, and why: not run only where that may be."""
    of = f"none of {total:,} rows meets" if total is not None else "no row meets"
    if check.may_be_empty:
        return Outcome.NOT_RUN, f"{of} its condition, {ALLOWED}"
    return Outcome.ERRORED, f"{of} its row condition, so nothing was judged"


def nothing_left(check: Check, rows: object) -> tuple[Outcome, str]:
    """The outcome of a check of which NULLs leave none of so many rows, and why: not run only where that may be."""
    of = f"none of {rows:,} rows" if isinstance(rows, int) else "no row"
    of += " that meet its row condition" if check.kwargs.get("row_condition") else ""
    listed = check.kwargs.get("column_list") or [check.kwargs.get("column_A"), check.kwargs.get("column_B")]
    named = ", ".join(str(name) for name in listed) if isinstance(listed, list | tuple) else str(listed)
    column = check.kwargs.get("column")
    left = f"{of} has a value of {column}" if column else f"{of} is left to judge by NULL in {named}"
    if check.may_be_empty:
        return Outcome.NOT_RUN, f"{left}, {ALLOWED}"
    return Outcome.ERRORED, f"{left}, so nothing was judged"
