"""What is said to the JVM before it starts: how to log, and where the archive of its classes is."""

from __future__ import annotations

import locale
import os
import shlex
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path

import pytest

from dq.base.errors import DqError
from dq.spark import session


@pytest.fixture
def options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(session, "class_archive", lambda: tmp_path / "spark.jsa")
    for name in ("SPARK_CONF_DIR", "SPARK_SUBMIT_OPTS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return monkeypatch


def folder(path: Path) -> Path:
    path.mkdir()
    (path / "log4j2.properties").touch()
    return path


def said(conf: Path) -> list[str]:
    session._jvm_options(conf)
    return shlex.split(os.environ["SPARK_SUBMIT_OPTS"])


def test_logging_is_named_and_an_archive_only_where_there_is_one(options: pytest.MonkeyPatch, tmp_path: Path) -> None:
    conf = folder(tmp_path / "my settings")
    logging = f"-Dlog4j2.configurationFile={conf / 'log4j2.properties'}"
    assert said(conf) == [logging]
    (tmp_path / "spark.jsa").touch()
    assert said(conf)[:2] == [logging, f"-XX:SharedArchiveFile={tmp_path / 'spark.jsa'}"]
    assert said(conf) == said(conf), "saying it again adds nothing"


@pytest.mark.parametrize(
    ("python", "machine", "told"),
    [("utf-8", "ANSI_X3.4-1968", "C.UTF-8"), ("utf-8", "UTF-8", "C"), ("iso8859-1", "ISO-8859-1", "C")],
)
def test_the_jvm_spells_paths_as_python_does(
    python: str, machine: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr(sys, "getfilesystemencoding", lambda: python)
    monkeypatch.setattr(locale, "getencoding", lambda: machine)
    session._locale()
    assert os.environ["LC_ALL"] == told


def test_what_the_user_says_stays(options: pytest.MonkeyPatch, tmp_path: Path) -> None:
    conf = folder(tmp_path / "conf")
    options.setenv("SPARK_CONF_DIR", str(tmp_path))
    assert said(conf) == []
    options.delenv("SPARK_CONF_DIR")
    options.setenv("SPARK_SUBMIT_OPTS", "-Xss4m -Dlog4j2.configurationFile=mine")
    assert said(conf) == ["-Xss4m", "-Dlog4j2.configurationFile=mine"]


def test_what_the_jvm_writes_is_passed_on_but_for_chatter(capfd: pytest.CaptureFixture[str]) -> None:
    reading, writing = os.pipe()
    os.write(writing, b"WARNING: Using incubator modules: jdk.incubator.vector\nWARN the disk is full\nhalf")
    os.close(writing)
    session._pass_on(reading)
    assert capfd.readouterr().err == "WARN the disk is full\nhalf"


@pytest.mark.parametrize("begin", [lambda: session.session("x"), lambda: session.read_as_written(None).__enter__()])
def test_an_unsupported_spark_is_refused_before_it_starts_or_judges(
    begin: Callable[[], object], options: pytest.MonkeyPatch
) -> None:
    options.setitem(sys.modules, "pyspark", types.SimpleNamespace(__version__="5.0.0"))
    with pytest.raises(DqError, match=r"Spark 5\.0\.0 is not supported; expected Spark 3\.5 to 4\.3; install one"):
        begin()


@pytest.mark.parametrize(("found", "said"), [(11, "Java 11 is not supported"), (25, "Java 25"), (None, "no Java was")])
def test_another_java_is_one_sentence(found: int | None, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "java_version", lambda: found)
    with pytest.raises(DqError, match=rf"{said}.*; expected Java 17 or 21; install"):
        session.check_java()


@pytest.mark.parametrize("found", [17, 21])
def test_java_17_and_21_are_taken(found: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "java_version", lambda: found)
    session.check_java()


def test_outside_a_project_the_settings_of_the_package_serve(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert (session._folder(None) / "local.conf").is_file()
    (tmp_path / "spark-conf").mkdir()
    assert session._folder(None).resolve() == tmp_path / "spark-conf"


@pytest.mark.parametrize("failure", [subprocess.TimeoutExpired("java", 30), OSError("it cannot be started")])
def test_a_java_that_does_not_answer_has_no_known_version(monkeypatch: pytest.MonkeyPatch, failure: Exception) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise failure

    monkeypatch.setenv("JAVA_HOME", "/java")
    monkeypatch.setattr(subprocess, "run", refuse)
    assert session.java_version() is None
