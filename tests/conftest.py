"""One Spark session for the whole test run, built the way a run builds it, and the demo company made once with it."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest
from runs_support import FINAL, QUICK_JVM, ROOT, Bench, hard_links, profit_only

if TYPE_CHECKING:
    from pyspark.sql import SparkSession
    from stages import Stages

    from dq.store import Warehouse

# A busy machine takes long for an example without a mistake in the code; what has to be fast has a benchmark.
hypothesis.settings.register_profile("no deadline", deadline=None)
hypothesis.settings.register_profile("quick", deadline=None, max_examples=20)  # of make test-fast
if not os.environ.get("CI"):  # there hypothesis brings a profile of its own
    hypothesis.settings.load_profile("no deadline")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests without a JVM first, then the one session, then child processes: the quick answer comes quickly."""

    def rank(item: pytest.Item) -> int:
        if "spark" in getattr(item, "fixturenames", ()):
            item.add_marker("spark")
        return next((n for n, mark in ((3, "browser"), (2, "e2e"), (1, "spark")) if item.get_closest_marker(mark)), 0)

    items.sort(key=rank)
    for item in items:
        if rank(item):  # PySpark leaves some of the sockets it talks to its JVM by to the garbage collector
            item.add_marker(pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning"))
        item.add_marker(pytest.mark.xdist_group(group(item)))


def group(item: pytest.Item) -> str:
    """What one process runs: a file, since its fixtures are dear; the sweep of the defects is cut in two."""
    file = item.nodeid.partition("::")[0]
    defect = getattr(item, "callspec", None) and item.callspec.params.get("defect")
    early = defect and getattr(defect, "first", "") in ("profit_unit", "growth_daily", "user_days")
    return f"{file} of units" if early else file


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], None]) -> Path:
    """A folder that the first of the processes which need it makes, and the others wait for."""
    base = factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / name
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.with_suffix(".made").exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            make(folder)
            folder.with_suffix(".made").touch()
    return folder


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """An empty warehouse of this test's own."""
    from dq import store

    made = store.Warehouse(tmp_path / "w")
    made.prepare()
    return made


@pytest.fixture
def quiet_gx() -> Iterator[None]:
    """Great Expectations logs every expectation that raises, of which the tests that ask for it make many."""
    logger = logging.getLogger("great_expectations")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    yield
    logger.setLevel(before)


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    from pyspark.sql import SparkSession

    from dq.spark.session import properties

    builder = SparkSession.builder.appName("tests")
    for key, value in properties(ROOT / "spark-conf" / "local.conf").items():
        builder = builder.config(key, value)
    builder = builder.config("spark.driver.extraJavaOptions", QUICK_JVM)
    session = builder.config("spark.sql.shuffle.partitions", "2").config("spark.driver.memory", "2g").getOrCreate()
    yield session
    session.stop()


@pytest.fixture(scope="session")
def company(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from demo import data

    def make(folder: Path) -> None:
        data.make(spark, folder / "sources", seed=7, first_month="2026-08", last_month="2026-11", lines=6000)

    return made_once(tmp_path_factory, "company", make) / "sources"


@pytest.fixture(scope="session")
def first_month(company: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse in which September is published by both pipelines."""
    from dq.cli.run import run_job

    def make(folder: Path) -> None:
        os.environ["DQ_DEMO_DIR"], os.environ["DQ_HOME"] = str(company), str(ROOT)
        for pipeline in ("profit_unit", "investor_profit"):
            argv = ["--period", "2026-09", "--as-of", FINAL["2026-09"], "--warehouse", str(folder / "w"), "--no-docs"]
            assert run_job(pipeline, argv) == 0

    return made_once(tmp_path_factory, "warehouse", make) / "w"


@pytest.fixture(scope="session")
def stages(first_month: Path, company: Path, tmp_path_factory: pytest.TempPathFactory) -> Stages:
    """The warehouses before each pipeline of October, made when they are first wanted."""
    from stages import Stages

    return Stages(first_month, company, tmp_path_factory.mktemp)


@pytest.fixture
def bench(company: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Bench]:
    """The company with an empty warehouse."""
    before = dict(os.environ)
    yield Bench(hard_links(company, tmp_path / "sources"), tmp_path / "warehouse", capsys)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def after_september(first_month: Path, bench: Bench) -> Bench:
    """The company with September published."""
    hard_links(first_month, bench.warehouse)
    return bench


@pytest.fixture
def project_copy(tmp_path: Path) -> Callable[[], Path]:
    """A copy of the declared files, for tests that change one of them."""

    def copy() -> Path:
        home = tmp_path / "project"
        for folder in ("jobs", "expectations", "runbooks", "spark-conf"):
            shutil.copytree(ROOT / folder, home / folder)
        shutil.copy(ROOT / "Makefile", home / "Makefile")
        return home

    return copy


@pytest.fixture
def two_pipelines(request: pytest.FixtureRequest, bench: Bench, project_copy: Callable[[], Path]) -> None:
    """A project with the profit pipelines only, but for tests that are marked to need the whole registry."""
    if request.node.get_closest_marker("whole_registry"):
        return
    bench.home = project_copy()
    profit_only(bench.home)
