"""The house rules on imports: data flows one way, the core needs neither Spark nor Great Expectations."""

import ast
import doctest
import inspect
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import dq
from dq.cli.job import PipelineRun

ROOT = Path(__file__).resolve().parents[2]
MODULES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "dq").rglob("*.py"))
}
A_RUN_HAS = {*dir(PipelineRun), *vars(PipelineRun("profit_unit", []))}
HEAVY = {"pyspark", "great_expectations", "pandas"}


def by_name(node: ast.AST) -> ast.expr | None:
    """What a call imports a module by whose name it is given, None for anything else."""
    if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in {"import_module", "__import__"}:
        return node.args[0]
    return None


def named_by_text(node: ast.AST) -> str:
    """The module that a call imports by its whole name, empty for anything else."""
    name = by_name(node)
    return str(name.value) if isinstance(name, ast.Constant) else ""


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
            elif named := named_by_text(child):
                found.add(named)
            visit(child)

    visit(tree)
    return found


def uses(path: Path, package: str) -> bool:
    return any(name == package or name.startswith(f"{package}.") for name in imports(path))


def test_the_public_names_are_sorted_and_all_there() -> None:
    assert dq.__all__ == sorted(dq.__all__)
    figures = {"at_every_level", "licence_states", "money", "ratio", "try_cast", "valid_on", "with_previous"}
    functions = figures | {"check", "pipeline_run", "read_published", "validate"}
    assert dq.__all__ == ["DqError", "Verdict", "Window", *sorted(functions)]


RUN_HERE = {"DqError", "Verdict", "Window"}


@pytest.mark.parametrize("name", dq.__all__)
def test_every_public_name_has_an_example_that_holds(name: str) -> None:
    """Some are run; of those that need Spark each statement parses, and a call of ours has arguments it takes."""
    doc = getattr(dq, name).__doc__
    head, _, example = doc.partition("Example:")
    shown = doctest.DocTestParser().get_doctest(example, {"dq": dq}, name, None, None)
    source = "".join(one.source for one in shown.examples)
    assert head.strip()
    assert f"dq.{name}" in source
    tree = ast.parse(source)
    used = {(ast.unparse(node.value), node.attr) for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert {attribute for owner, attribute in used if owner == "dq"} <= {*dq.__all__}
    assert {attribute for owner, attribute in used if owner == "run"} <= A_RUN_HAS
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        owner, _, called = ast.unparse(call.func).rpartition(".")
        if owner == "dq" and inspect.isfunction(ours := getattr(dq, called)):
            inspect.signature(ours).bind(*call.args, **{str(word.arg): word.value for word in call.keywords})
    if name in RUN_HERE:
        said: list[str] = []
        assert doctest.DocTestRunner().run(shown, out=said.append).failed == 0, "".join(said)


def test_only_dq_gx_and_the_data_docs_import_great_expectations() -> None:
    found = {name for name, path in MODULES.items() if uses(path, "great_expectations")}
    assert {name for name in found if not name.startswith(("dq.gx", "dq.docs"))} == set()


def test_the_package_imports_neither_jobs_nor_the_demo_company() -> None:
    """The one exception: ``dq demo`` finds the demo company by its name where it lies beside the package."""
    assert {name for name, path in MODULES.items() if uses(path, "jobs") or uses(path, "demo")} == {"dq.cli.demo"}
    assert imports(MODULES["dq.cli.demo"]) & {"demo", "demo.command"} == {"demo.command"}


CORE = ("dq.base", "dq.people", "dq.runbooks", "dq.diagnose", "dq.declare", "dq.store.waivers", "dq.month")


def test_the_core_never_imports_spark_pandas_or_great_expectations() -> None:
    core = {name: path for name, path in MODULES.items() if name.startswith(CORE)}
    assert {(name, heavy) for name, path in core.items() for heavy in HEAVY if uses(path, heavy)} == set()


# The steps in the order of the flow, from what everything is made of to what a person types. An import goes to a step
# further left, never right. A folder with all that lies below it is one step: `dq.checks.types` is `checks`, and may
# import anything of it and be imported by it, as long as no module comes back to itself. What stands beside the
# folders, at the top of dq/, is what jobs and notebooks import.
ORDER = (
    *("base", "people", "runbooks", "spark", "diagnose", "sources", "store", "engine", "checks", "declare", "gx"),
    *("judge", "show", "tell", "month", "docs", "run", "checking", "validation", "published", "cli", "__init__"),
    "__main__",
)
TOP = ("__init__", "__main__", "checking", "published", "validation")
MEANS_THE_SAME = {"batch": "a plan of runs and its command", "reviews": "review meetings and their command"}
DEMO = {".".join(path.relative_to(ROOT).with_suffix("").parts): path for path in sorted((ROOT / "demo").rglob("*.py"))}
DATA = {"demo.catalogue": "a table: each planted defect of profit_unit with what has to catch it"}
MAX_LINES = 400


def step(name: str) -> str:
    """The folder below dq/ a module lies in, or its own name at the top."""
    return name.split(".")[1] if "." in name else "__init__"


# Imports by a name that is put together, which this file cannot follow. Those of ours but the first stay within a step.
PUT_TOGETHER = {
    "dq": "the public names, as _LAZY says",
    "dq.checks.custom_types": "a file of dq/checks/types for each type",
    "dq.cli.parser": "the module of the command that is asked for, as MODULES says",
    "dq.people.calendar": "the public holidays of a country, a module of the holidays library",
    "dq.runbooks": "the names of the package, as its _LAZY says",
}


def arrows(files: Mapping[str, Path]) -> dict[str, set[str]]:
    """Which modules each module imports, anywhere in it, those for type checking and those named by a text counted."""
    found = {}
    for name, path in files.items():
        used = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                used |= {alias.name for alias in node.names}
            elif named := named_by_text(node):
                used.add(named)
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{name}:{node.lineno}: a relative import; say the whole name"
                assert node.module
                submodules = {f"{node.module}.{alias.name}" for alias in node.names} & set(files)
                objects = [alias for alias in node.names if f"{node.module}.{alias.name}" not in files]
                used |= submodules | ({node.module} if objects else set())
        found[name] = (used & set(files)) - {name}
    return found


def circle(graph: Mapping[str, Iterable[str]]) -> list[str]:
    """One circle of a graph, empty where it has none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        return [*found.args[1]]
    return []


def test_no_module_imports_itself_through_others() -> None:
    assert circle(arrows(MODULES)) == []


def test_a_circle_is_found_wherever_the_import_stands(tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.py" for name in ("one", "two")}
    files["one"].write_text("def late():\n    import two\n", encoding="utf-8")
    files["two"].write_text("if TYPE_CHECKING:\n    from one import late\n", encoding="utf-8")
    assert sorted({*circle(arrows(files))}) == ["one", "two"]


@pytest.mark.parametrize("spelled", ["importlib.import_module('two')", "import_module('two')", "__import__('two')"])
def test_an_import_by_name_is_an_import(spelled: str, tmp_path: Path) -> None:
    files = {name: tmp_path / f"{name}.py" for name in ("one", "two")}
    files["one"].write_text(f"def late():\n    return {spelled}\n", encoding="utf-8")
    files["two"].write_text("", encoding="utf-8")
    assert arrows(files)["one"] == {"two"}


def test_a_relative_import_is_refused(tmp_path: Path) -> None:
    (tmp_path / "one.py").write_text("from . import two\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="a relative import"):
        arrows({"one": tmp_path / "one.py"})


def test_a_name_that_is_put_together_is_imported_where_it_is_said_to_be() -> None:
    found = {
        name
        for name, path in MODULES.items()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if by_name(node) and not named_by_text(node)
    }
    assert found == set(PUT_TOGETHER)


def test_imports_go_down_the_order_of_the_flow() -> None:
    assert {step(name) for name in MODULES} == set(ORDER)
    rank = {name: place for place, name in enumerate(ORDER)}
    upward = [
        f"{name} imports {used}"
        for name, others in arrows(MODULES).items()
        for used in others
        if rank[step(used)] > rank[step(name)]
    ]
    assert upward == []


def test_the_top_holds_the_public_names_only() -> None:
    assert sorted(path.stem for path in (ROOT / "dq").glob("*.py")) == sorted(TOP)


def test_no_file_name_stands_twice() -> None:
    names = Counter(path.stem for path in MODULES.values() if path.stem != "__init__")
    assert {name for name, times in names.items() if times > 1} <= set(MEANS_THE_SAME)


def test_no_test_file_has_the_name_of_another() -> None:
    """pytest imports them by their bare names: of two alike it collects one alone."""
    names = Counter(path.name for path in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name, times in names.items() if times > 1] == []


# Names that two classes share though they are different things, and what each is. A new class takes a name of its own:
# this list only gets shorter.
SHARED_CLASS_NAMES = {
    "Asked": "custom checks prepared; what a run is asked for",
    "Block": "a generated block of a page; a failed check on a card",
    "Change": "of figures; of a raw table's column; of a Spark setting",
    "Entry": "of the calendar; of the outbox; of the site's index",
    "Finding": "a mistake in a declared file; a cause in a diagnosis",
    "Kind": "how complete a period is; of a keyword argument's value",
    "Late": "a report that is late; rows that are",
    "Line": "of the close; of the overview; of a report",
    "Parser": "of command lines; of SQL",
    "Publication": "of a period, as levels see it; of a sealed run",
    "Published": "what a pipeline declares to publish; what a reader gets",
    "Red": "what was red, and when; what is, and who hears of it",
    "Settled": "by footers; by an earlier commit",
    "Shown": "an answer and what stands beside it; what readers see of a period",
    "Step": "a rung of the escalation; a run to be",
    "Watch": "what tells how runs die; hours in which somebody watches",
    "_Reader": "of a job's code; of an event log",
}


def test_a_class_name_means_one_thing() -> None:
    names = Counter(
        node.name
        for path in MODULES.values()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    assert {name for name, times in names.items() if times > 1} == set(SHARED_CLASS_NAMES)


def test_modules_are_short_enough_to_be_read_at_once() -> None:
    lines = {name: len(path.read_text(encoding="utf-8").splitlines()) for name, path in {**MODULES, **DEMO}.items()}
    assert {name for name, many in lines.items() if many > MAX_LINES} == set(DATA)


def test_only_the_command_line_prints_or_exits() -> None:
    found = []
    for name, path in MODULES.items():
        if name.startswith("dq.cli") or name == "dq.__main__":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {"print", "sys.exit", "exit", "quit"}:
                found.append(f"{name}:{node.lineno}")
    assert found == []


def test_jobs_import_only_the_public_package_and_spark_sql() -> None:
    used = {(path.name, name) for path in (ROOT / "jobs").glob("*.py") for name in imports(path)}
    own = {(job, name) for job, name in used if not name.startswith(tuple(sys.stdlib_module_names))}
    assert {(job, name) for job, name in own if name != "dq" and not name.startswith("pyspark.sql")} == set()


def test_what_jobs_ask_of_a_run_is_there() -> None:
    """A run as a job sees it is made only where Spark is: a name it lacks would be found by nobody before."""
    asked = {
        f"{path.name}: run.{node.attr}"
        for path in (ROOT / "jobs").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "run"
    }
    assert asked
    assert {one for one in asked if one.rpartition(".")[2] not in A_RUN_HAS} == set()


def test_one_place_builds_the_spark_session() -> None:
    builders = [name for name, path in MODULES.items() if "SparkSession.builder" in path.read_text(encoding="utf-8")]
    assert builders == ["dq.spark.session"]


def test_one_place_gives_paths_to_spark() -> None:
    readers = [name for name, path in MODULES.items() if "spark.read" in path.read_text(encoding="utf-8")]
    assert readers == ["dq.spark.named_files"]


# What is added up as Great Expectations does, or as decimals, where a suite is judged as it would be there.
ADDED_AS_GREAT_EXPECTATIONS_DOES = {"dq.engine.measures": ["F.avg", "F.sum"]}


def sums_of_spark(path: Path) -> list[str]:
    """What of Spark's own sums and means a module takes, called, imported or in the text of an expression."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
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
    return sorted([*found, *imported, *map(str, in_sql)])


def test_the_engine_adds_up_by_what_no_order_of_rows_changes() -> None:
    """By ``summed``, or ``counts`` where whole numbers are added: Spark's own sum of doubles depends on their order."""
    adding = [name for name in MODULES if name.startswith(("dq.engine.", "dq.checks.")) and name != "dq.engine.sums"]
    found = {name: sums_of_spark(MODULES[name]) for name in adding}
    assert {name: sums for name, sums in found.items() if sums} == ADDED_AS_GREAT_EXPECTATIONS_DOES


def test_no_test_imports_another() -> None:
    found = {
        (path.name, name)
        for path in (ROOT / "tests").rglob("*.py")
        for name in imports(path)
        if name.partition(".")[0].startswith("test_")
    }
    assert found == set()
