"""The one module that knows how the versions of Spark differ."""

from __future__ import annotations

import pytest
from py4j.protocol import Py4JError

from dq.base.errors import DqError
from dq.spark import spark_versions as versions


@pytest.mark.parametrize(
    ("version", "found"),
    [("4.1.4", "4.1"), ("3.5.9-amzn-0", "3.5"), ("4.0.0.dev1", "4.0"), ("4.30.1", "4.30"), ("", ""), ("master", "")],
)
def test_a_version_is_known_by_its_first_two_numbers(version: str, found: str) -> None:
    assert versions.numbers(version) == found


@pytest.mark.parametrize("version", ["3.5.9", "4.0.5", "4.1.4", "4.2.1", "4.3.0", "4.1.0-vendor-3"])
def test_the_supported_ones_pass(version: str) -> None:
    versions._must_be_supported(version, (3, 11))


@pytest.mark.parametrize("version", ["3.4.4", "5.0.0", "4.30.0"])
def test_another_spark_is_one_sentence_with_what_to_do(version: str) -> None:
    with pytest.raises(DqError) as refused:
        versions._must_be_supported(version, (3, 11))
    assert str(refused.value) == (
        f"Spark {version} is not supported; expected Spark 3.5 to 4.3; "
        "install one of them (pip install 'pyspark==4.1.*'), or submit to a cluster that has one"
    )
    assert refused.value.exit_code == 3, "as for other faults of the environment"


@pytest.mark.parametrize(
    ("version", "python", "said"),
    [
        ("3.5.9", (3, 12), "Spark 3.5.9 does not support Python 3.12; expected Python 3.11; "),
        ("4.0.5", (3, 14), "Spark 4.0.5 does not support Python 3.14; expected Python 3.11 to 3.13; "),
    ],
)
def test_a_python_too_new_for_a_spark_is_one_sentence(version: str, python: tuple[int, int], said: str) -> None:
    with pytest.raises(DqError) as refused:
        versions._must_be_supported(version, python)
    assert str(refused.value) == f"{said}take such a Python, or a later Spark of 3.5 to 4.3"


@pytest.mark.parametrize(("version", "python"), [("3.5.9", (3, 11)), ("4.0.5", (3, 13)), ("4.1.4", (3, 14))])
def test_the_newest_python_of_a_spark_passes(version: str, python: tuple[int, int]) -> None:
    versions._must_be_supported(version, python)


class OldError(Exception):
    """An error as Spark 3.5 raises it."""

    def getErrorClass(self) -> str | None:  # noqa: N802 - Spark's name
        return "DIVIDE_BY_ZERO"

    def getMessageParameters(self) -> dict[str, str]:  # noqa: N802
        return {"config": '"spark.sql.ansi.enabled"'}


class NewError(OldError):
    """As Spark 4 raises it."""

    def getCondition(self) -> str | None:  # noqa: N802
        return "CAST_INVALID_INPUT"


class GoneError(Exception):
    """An error whose JVM has died."""

    def getCondition(self) -> str:  # noqa: N802
        raise ConnectionRefusedError

    def getMessageParameters(self) -> dict[str, str]:  # noqa: N802
        raise ConnectionRefusedError


def test_the_condition_of_an_error_is_asked_for_under_both_its_names() -> None:
    assert versions.condition(OldError()) == "DIVIDE_BY_ZERO"
    assert versions.condition(NewError()) == "CAST_INVALID_INPUT"
    assert versions.parameters(NewError()) == {"config": '"spark.sql.ansi.enabled"'}


@pytest.mark.parametrize("number", [2055, 2062, 2063, 2064])
def test_a_file_that_cannot_be_read_has_one_name_on_every_version(number: int) -> None:
    class ReadError(OldError):
        def getErrorClass(self) -> str | None:  # noqa: N802
            return f"_LEGACY_ERROR_TEMP_{number}"

    assert versions.condition(ReadError()) == "FAILED_READ_FILE"


def test_an_error_that_cannot_say_its_condition_has_none() -> None:
    assert [versions.condition(error) for error in (GoneError(), ValueError("x"))] == ["", ""]
    assert [versions.parameters(error) for error in (GoneError(), ValueError("x"))] == [{}, {}]


class Thrown:
    """An error of Java's: py4j gives it any method one asks for, and raises when it is called."""

    def __init__(self, named: str | None, cause: Thrown | None = None) -> None:
        self.named, self.cause = named, cause

    def getCondition(self) -> str:  # noqa: N802
        raise Py4JError("there is no such method")

    def getErrorClass(self) -> str | None:  # noqa: N802
        return self.named

    def getMessageParameters(self) -> dict[str, str]:  # noqa: N802
        return {"value": str(self.named)}

    def getCause(self) -> Thrown | None:  # noqa: N802
        return self.cause


class JobError(Exception):
    """A job that failed, as it reaches Python where no class of Python's stands for it."""

    def __init__(self, thrown: Thrown) -> None:
        self.java_exception = thrown


def test_what_a_failed_task_died_of_is_looked_for_below_the_jobs_own_error() -> None:
    died = Thrown("CAST_INVALID_INPUT", Thrown("DIVIDE_BY_ZERO"))
    assert versions.condition(JobError(Thrown(None, died))) == "CAST_INVALID_INPUT"
    assert versions.parameters(JobError(Thrown(None, died))) == {"value": "CAST_INVALID_INPUT"}
    assert versions.condition(JobError(Thrown(None, Thrown("_LEGACY_ERROR_TEMP_2063")))) == "FAILED_READ_FILE"


def test_a_failed_job_whose_causes_have_no_condition_has_none() -> None:
    endless = Thrown(None)
    endless.cause = endless
    for error in (JobError(Thrown(None)), JobError(endless)):
        assert (versions.condition(error), versions.parameters(error)) == ("", {})
        assert versions.raised(error) is error
