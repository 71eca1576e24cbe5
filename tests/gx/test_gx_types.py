"""The custom types as Great Expectations classes. Importing Great Expectations takes seconds: not in the quick tier."""

from __future__ import annotations

import subprocess
import sys
import warnings
from string import Template

import pytest

from dq.checks.custom_kwargs import describe, kwarg_problems
from dq.checks.custom_types import CUSTOM_TYPES
from dq.gx.load import load
from dq.gx.registered_types import register

RECONCILE = {"lines": {"a": "b"}, "other": "ledger", "other_line": "line", "other_amount": "amount"}


def configuration(name: str, kwargs: dict[str, object], **more: object) -> object:
    register()
    from great_expectations.expectations.expectation_configuration import ExpectationConfiguration

    return ExpectationConfiguration(type=name, kwargs=kwargs, **more)


def test_every_documented_type_is_registered_with_exactly_its_documented_kwargs() -> None:
    classes = register()
    from great_expectations.expectations.expectation import BatchExpectation
    from great_expectations.expectations.registry import get_expectation_impl

    assert set(classes) == set(CUSTOM_TYPES)
    for name, cls in classes.items():
        assert get_expectation_impl(name) is cls
        assert issubclass(cls, BatchExpectation)
        own = set(cls.__fields__) - set(BatchExpectation.__fields__)
        assert own == set(CUSTOM_TYPES[name].kwargs)
        required = {field for field in own if cls.__fields__[field].required}
        assert required == {kwarg for kwarg, spec in CUSTOM_TYPES[name].kwargs.items() if spec.required}
        for kwarg, spec in CUSTOM_TYPES[name].kwargs.items():
            default = cls.__fields__[kwarg].default
            assert default == (list(spec.default) if isinstance(spec.default, tuple) else spec.default)


def test_every_kwarg_is_documented_in_the_docstring() -> None:
    for name, cls in register().items():
        doc = cls.__doc__ or ""
        assert doc.startswith(CUSTOM_TYPES[name].doc)
        for kwarg, spec in CUSTOM_TYPES[name].kwargs.items():
            assert f"    {kwarg}: {spec.doc}" in doc


def test_registering_twice_gives_the_same_classes() -> None:
    assert register() is register()


@pytest.mark.parametrize(
    "kwargs",
    [{}, {**RECONCILE, "tolerance": 0.01}, {**RECONCILE, "tolerence": "0.01"}, {**RECONCILE, "lines": []}],
)
def test_great_expectations_refuses_what_the_suite_reader_refuses(kwargs: dict[str, object]) -> None:
    assert kwarg_problems("expect_total_to_reconcile", kwargs)
    with pytest.raises(ValueError, match=r"lines|tolerance|extra fields not permitted"):
        configuration("expect_total_to_reconcile", kwargs).to_domain_obj()


def test_a_suite_with_custom_types_survives_great_expectations_own_json() -> None:
    from great_expectations.core import ExpectationSuite

    declared = configuration("expect_total_to_reconcile", RECONCILE, severity="warning", meta={"dq": {"check": "x"}})
    suite = ExpectationSuite(name="s", expectations=[declared.to_domain_obj()])
    assert len(suite.expectations) == 1
    doc = suite.to_json_dict()
    [found] = ExpectationSuite(**doc).expectations
    assert found.configuration.kwargs == RECONCILE
    assert found.configuration.severity == "warning"
    assert found.configuration.meta == {"dq": {"check": "x"}}


def test_great_expectations_own_template_of_a_type_says_our_sentence() -> None:
    for name, kwargs in (("expect_total_to_reconcile", RECONCILE), ("expect_run_to_complete", {})):
        [block] = register()[name]._prescriptive_renderer(configuration=configuration(name, kwargs))
        shown = Template(block.string_template["template"]).substitute(block.string_template["params"])
        assert shown == describe(name, kwargs)


def test_evaluating_a_custom_type_by_great_expectations_alone_is_refused_with_a_sentence() -> None:
    expectation = configuration("expect_run_to_complete", {}).to_domain_obj()
    with pytest.raises(NotImplementedError, match="evaluated by dq"):
        expectation._validate({})


def test_loading_does_not_end_a_process_that_has_no_main_file() -> None:
    # Without care the import exits with code 0 there, and everything after it silently never happens.
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", "from dq.gx.load import load; load(); print('still here')"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert done.stdout.strip() == "still here"


def test_loading_turns_analytics_off() -> None:
    import os

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        load()
    assert os.environ["GX_ANALYTICS_ENABLED"] == "false"
