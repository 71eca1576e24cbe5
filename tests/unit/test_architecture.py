"""The house rules on imports: data flows one way, the core needs neither Spark nor Great Expectations."""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import dq

ROOT = Path(__file__).resolve().parents[2]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "dq").rglob("*.py"))
}
HEAVY = {"pyspark", "great_expectations", "pandas"}


@cache
def imports(path: Path, *, top_only: bool = False) -> set[str]:
    """The modules a file imports; with ``top_only`` those it imports when it is imported itself."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test):
                continue
            if top_only and isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                continue
            if isinstance(child, ast.Import):
                found.update(alias.name for alias in child.names)
            elif isinstance(child, ast.ImportFrom) and child.module:
                found.update({child.module, *(f"{child.module}.{alias.name}" for alias in child.names)})
            visit(child)

    visit(tree)
    return found


def uses(path: Path, package: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for name in imports(path))


def test_the_public_names_are_sorted_and_all_there() -> None:
    assert dq.__all__ == sorted(dq.__all__)
    functions = ["check", "money", "pipeline_run", "ratio", "read_published", "valid_on", "validate"]
    assert dq.__all__ == ["DqError", "Verdict", "Window", *functions]
    for name in dq.__all__:
        assert getattr(dq, name).__doc__


def test_importing_dq_loads_neither_spark_nor_great_expectations_nor_pandas() -> None:
    code = "import sys, dq, dq.cli; print([m for m in ('pyspark', 'great_expectations', 'pandas') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True, cwd=ROOT
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("name", MODULES)
def test_only_dq_gx_imports_great_expectations(name: str) -> None:
    assert name.startswith("dq.gx") or not uses(MODULES[name], "great_expectations")


@pytest.mark.parametrize("name", MODULES)
def test_dq_never_imports_jobs(name: str) -> None:
    assert not uses(MODULES[name], "jobs")


CORE = (
    "dq.model",
    "dq.errors",
    "dq.suites",
    "dq.registry",
    "dq.periods",
    "dq.verdict",
    "dq.people",
    "dq.runbooks",
    "dq.diagnose",
)


@pytest.mark.parametrize("name", [n for n in MODULES if n.startswith(CORE)])
def test_the_core_never_imports_spark_pandas_or_great_expectations(name: str) -> None:
    assert not [package for package in HEAVY if uses(MODULES[name], package)]


# What each package must not look up to: the flow is declare, measure, judge, decide, publish, tell.
FORBIDDEN = {
    "dq.engine": ("dq.run", "dq.cli", "dq.store", "dq.reports", "dq.project", "dq.sources", "dq.people", "dq.runbooks"),
    "dq.store": ("dq.run", "dq.cli", "dq.engine", "dq.reports", "dq.project", "dq.sources", "dq.gx"),
    "dq.sources": ("dq.run", "dq.cli", "dq.engine", "dq.store", "dq.reports", "dq.project", "dq.gx"),
    "dq.people": ("dq.run", "dq.cli", "dq.engine", "dq.store", "dq.reports", "dq.project", "dq.sources", "dq.gx"),
    "dq.runbooks": ("dq.run", "dq.cli", "dq.engine", "dq.store", "dq.reports", "dq.project", "dq.sources", "dq.gx"),
    "dq.reports": ("dq.run", "dq.cli", "dq.engine", "dq.store", "dq.project", "dq.sources"),
    "dq.notify": ("dq.run", "dq.cli", "dq.engine", "dq.project", "dq.sources", "dq.gx"),
    "dq.gx": ("dq.run", "dq.cli", "dq.store", "dq.project", "dq.sources"),
    "dq.diagnose": (
        "dq.run",
        "dq.cli",
        "dq.engine",
        "dq.store",
        "dq.reports",
        "dq.project",
        "dq.sources",
        "dq.gx",
        "dq.people",
    ),
    "dq.close": ("dq.run", "dq.cli", "dq.engine", "dq.project", "dq.sources", "dq.gx"),
    "dq.run": ("dq.demo",),
}


@pytest.mark.parametrize("package", FORBIDDEN)
def test_packages_import_only_downwards(package: str) -> None:
    upward = [
        f"{name} imports {lower}"
        for name, path in MODULES.items()
        if name == package or name.startswith(f"{package}.")
        for lower in FORBIDDEN[package]
        if uses(path, lower)
    ]
    assert upward == []


def test_only_the_command_line_prints_or_exits() -> None:
    found = []
    for name, path in MODULES.items():
        if name.startswith("dq.cli") or name == "dq.__main__":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "sys.exit", "exit", "quit"}:
                found.append(f"{name}:{node.lineno}")
    assert found == []


@pytest.mark.parametrize("path", sorted((ROOT / "jobs").glob("*.py")), ids=lambda path: path.name)
def test_jobs_import_only_the_public_package_and_spark_sql(path: Path) -> None:
    own = {name for name in imports(path) if not name.startswith(tuple(sys.stdlib_module_names))}
    assert all(name == "dq" or name.startswith("pyspark.sql") for name in own), own


def test_one_place_builds_the_spark_session() -> None:
    builders = [name for name, path in MODULES.items() if "SparkSession.builder" in path.read_text(encoding="utf-8")]
    assert builders == ["dq.session"]


def test_one_place_gives_paths_to_spark() -> None:
    readers = [name for name, path in MODULES.items() if "spark.read" in path.read_text(encoding="utf-8")]
    assert readers == ["dq.sparkfiles"]


# What is added up as Great Expectations does, or as decimals, where a suite is judged as it would be there.
ADDED_AS_GREAT_EXPECTATIONS_DOES = {"dq.engine.measures": ["F.avg", "F.sum"]}


@pytest.mark.parametrize("name", [n for n in MODULES if n.startswith("dq.engine.") and n != "dq.engine.sums"])
def test_the_engine_adds_up_by_what_no_order_of_rows_changes(name: str) -> None:
    """By ``summed``, or ``counts`` where whole numbers are added: Spark's own sum of doubles depends on their order."""
    tree = ast.parse(MODULES[name].read_text(encoding="utf-8"))
    of_spark = {"sum", "sum_distinct", "try_sum", "avg", "mean", "try_avg", "stddev", "variance"}
    modules = {"F", "sf", "functions"}
    found = [
        ast.unparse(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute)
        and node.attr in of_spark
        and ast.unparse(node.value).split(".")[-1] in modules
    ]
    imported = [
        alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "pyspark.sql.functions"
        for alias in node.names
        if alias.name in of_spark
    ]
    in_sql = [
        node.args[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith((".expr", ".selectExpr"))
        if node.args and isinstance(node.args[0], ast.Constant)
        if re.search(rf"\b({'|'.join(of_spark)})\(", str(node.args[0].value))
    ]
    assert sorted(found) == ADDED_AS_GREAT_EXPECTATIONS_DOES.get(name, [])
    assert imported + in_sql == []
