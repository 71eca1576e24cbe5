"""Great Expectations itself as the oracle: its public API on the same frame, compared result by result."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame

from dq.gx.load import load

Suite = Mapping[str, Any]


def oracle(
    frame: DataFrame, suite: Suite, result_format: str, parameters: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What Great Expectations returns through a context, a data source and a batch of its own, as plain JSON."""
    load()
    import great_expectations as gx
    from great_expectations.core import ExpectationSuite
    from great_expectations.data_context.data_context.context_factory import project_manager

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        before = getattr(project_manager, "_ProjectManager__project", None)
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = {"globally": False}
        source = context.data_sources.add_spark("dq", persist=False)
        batch = (
            source.add_dataframe_asset("frame")
            .add_batch_definition_whole_dataframe("all")
            .get_batch({"dataframe": frame})
        )
        given = ExpectationSuite(**suite)
        result = batch.validate(given, result_format=result_format, expectation_parameters=parameters)
        project_manager._ProjectManager__project = before
    plain: dict[str, Any] = result.to_json_dict()
    return plain


def comparable(result: Mapping[str, Any]) -> dict[str, Any]:
    """A result without what two runs can never share: the load time, tracebacks and ids of metrics."""
    copied = json.loads(json.dumps(result, default=_scalar))
    copied["meta"].pop("batch_markers")
    for item in copied["results"]:
        info = item["exception_info"]
        records = [info] if "raised_exception" in info else list(info.values())
        for record in records:
            record.pop("exception_traceback", None)
        if "raised_exception" not in info:
            item["exception_info"] = {re.sub(r"_id='?[^,)]*'?", "", key): value for key, value in info.items()}
    return copied


def _scalar(value: object) -> object:
    """A NumPy scalar as the Python value it stands for."""
    item = getattr(value, "item", None)
    return item() if callable(item) else str(value)
