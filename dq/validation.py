"""Drop-in validation: what Great Expectations would return for a frame and a suite, computed in far fewer jobs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dq.base.model import Json

if TYPE_CHECKING:
    import pandas as pd
    from great_expectations.core import ExpectationSuite, ExpectationSuiteValidationResult
    from great_expectations.core.result_format import ResultFormat
    from pyspark.sql import DataFrame


def validate(
    df: DataFrame | pd.DataFrame,
    suite: str | Path | Mapping[str, Json] | ExpectationSuite,
    result_format: str | ResultFormat | Mapping[str, Any] = "SUMMARY",
    expectation_parameters: Mapping[str, Any] | None = None,
) -> ExpectationSuiteValidationResult:
    """The validation result of a frame against a suite, as Great Expectations itself would give it.

    ``suite`` is a path (our YAML, or Great Expectations' JSON), a mapping in either form, or an ExpectationSuite. Types
    that are supported run on our engine, the others and every expectation that cannot be evaluated on Great
    Expectations; a pandas frame and a ``result_format`` with options of its own always run there.
    ``expectation_parameters`` are the values of the suite's ``{"$PARAMETER": name}``.

    Two rules are stricter than there: an unknown type, an invalid severity or wrong arguments raise ConfigError instead
    of being dropped, and free SQL outside the allow-list is refused. Values of the data stand in the result as the
    format asks; nothing is redacted for the caller.

    Example:
        >>> import pandas as pd
        >>> unique = {"type": "expect_column_values_to_be_unique", "kwargs": {"column": "invoice_id"}}
        >>> suite = {"name": "invoices", "expectations": [unique]}
        >>> result = dq.validate(pd.DataFrame({"invoice_id": ["a", "b", "b"]}), suite, result_format="BASIC")
        >>> result.success, result.results[0].result["unexpected_count"]
        (False, 2)
    """
    from dq.gx.validate import validation_result

    return validation_result(df, suite, result_format, expectation_parameters)
