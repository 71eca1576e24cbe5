"""The plain table of Great Expectations' own types is that of the installed version."""

from dq.engine.native_types import NATIVE_TYPES
from dq.gx.load import load

# What every expectation has, whatever its type.
COMMON = {
    "id",
    "meta",
    "notes",
    "result_format",
    "description",
    "severity",
    "catch_exceptions",
    "rendered_content",
    "batch_id",
    "windows",
}


def test_the_table_is_equal_to_the_registry_of_the_installed_version() -> None:
    load()
    from great_expectations.expectations.registry import (
        get_expectation_impl,
        list_registered_expectation_implementations,
    )

    installed = {}
    for name in list_registered_expectation_implementations():
        implementation = get_expectation_impl(name)
        if implementation.__module__.startswith("great_expectations."):
            fields = implementation.__fields__
            required = frozenset(key for key, field in fields.items() if field.required and key not in COMMON)
            optional = frozenset(key for key, field in fields.items() if not field.required and key not in COMMON)
            installed[name] = (required, optional)
    assert installed == dict(NATIVE_TYPES)
