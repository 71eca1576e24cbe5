"""What a job's code says of the inputs it cannot do without, read from the code and not run."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping, Sequence

from dq.base.errors import Finding, choices
from dq.declare import registry


def indispensable(code: str) -> dict[str, int]:
    """The inputs a job reads and cannot do without, each with the line that reads it.

    Those are all but what it hands to a parameter that takes None, or keeps under a name that it compares with None.
    """
    try:
        tree = ast.parse(code)
    except SyntaxError:  # running the job says where
        return {}
    nodes = [*ast.walk(tree)]
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    takes_none = {(one.name, arg.arg) for one in functions for arg in _parameters(one) if _is_optional(arg)}
    spared = {
        id(keyword.value)
        for node in nodes
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        for keyword in node.keywords
        if (node.func.id, keyword.arg) in takes_none
    }
    asked = {*_compared_with_none(nodes)} | {
        node.id for node in nodes if isinstance(node, ast.Name) and id(node) in spared
    }
    spared |= {
        id(node.value)
        for node in nodes
        if isinstance(node, ast.Assign) and any(isinstance(one, ast.Name) and one.id in asked for one in node.targets)
    }
    found: dict[str, int] = {}
    for node in nodes:
        name = _read(node)
        if name and id(node) not in spared:
            found.setdefault(name, node.lineno)  # type: ignore[attr-defined]  # a call has one
    return found


def _parameters(function: ast.FunctionDef) -> Iterator[ast.arg]:
    yield from (*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs)


def _is_optional(parameter: ast.arg) -> bool:
    """Whether a parameter says that it takes None."""
    return parameter.annotation is not None and "None" in ast.unparse(parameter.annotation).replace("Optional", "None")


def _compared_with_none(nodes: Iterable[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Compare) and isinstance(node.left, ast.Name):
            to = node.comparators[0]
            if isinstance(node.ops[0], ast.Is | ast.IsNot) and isinstance(to, ast.Constant) and to.value is None:
                yield node.left.id


def _read(node: ast.AST) -> str:
    """The input that a call of ``run.read`` names; empty for anything else."""
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "read"):
        return ""
    name = node.args[0] if node.args else None
    return name.value if isinstance(name, ast.Constant) and isinstance(name.value, str) else ""


def mistakes(name: str, declared: registry.Registry, columns: Mapping[str, Sequence[str]]) -> Iterator[Finding]:
    """Needs of a pipeline that its sources do not hold, and sources its job cannot do without that are not among them.

    ``columns`` are those of its sources.
    """
    item = declared.pipelines[name]
    for index, needed in enumerate(item.needs):
        source, _, column = needed.partition(".")
        if source not in item.sources or (column and column not in columns[source]):
            valid = [*item.sources, *(f"{source}.{column}" for source in item.sources for column in columns[source])]
            message = f"{needed} is neither one of its sources nor a column of one; {choices(needed, valid)}"
            yield declared.document.finding(("pipelines", name, "needs", index), message)
    job, known = declared.root / "jobs" / item.job, {need.partition(".")[0] for need in item.needs}
    code = job.read_text(encoding="utf-8") if job.is_file() else ""
    for source, line in indispensable(code).items():
        if source in item.sources and source not in known:
            message = f"jobs/{item.job}:{line} cannot do without {source}; add it here, or let the job take None for it"
            yield declared.document.finding(("pipelines", name, "needs"), message)
