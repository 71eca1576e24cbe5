"""What of a job gives a column, or a value that is a name, its name: read from the code and not run.

Names are followed as far as they are texts in the code: through constants, f-strings, comprehensions, loops and the
arguments of the job's own functions. What is not found is not guessed. A value is named where a class of the job is
made with it as ``name``.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import product, zip_longest

Names = Mapping[str, tuple["Known", ...]]
"""What each name may stand for."""
_READ = ".columns"
"""Under which the names hold the columns of what the job reads: what ``FRAME.columns`` may be."""
_COMPREHENSIONS = (ast.GeneratorExp, ast.ListComp, ast.SetComp, ast.DictComp)


@dataclass(frozen=True)
class Known:
    """An expression, and what the names in it may stand for."""

    node: ast.expr
    names: Names

    def of(self, node: ast.expr) -> Known:
        """Another expression with the same names."""
        return Known(node, self.names)

    def meanings(self) -> Iterator[Known]:
        """The expressions it may stand for: those behind a name, both sides of a choice."""
        if isinstance(self.node, ast.Name):
            for known in self.names.get(self.node.id, ()):
                yield from known.meanings()
        elif isinstance(self.node, ast.IfExp):
            yield from self.of(self.node.body).meanings()
            yield from self.of(self.node.orelse).meanings()
        else:
            yield self

    def texts(self) -> Iterator[str]:
        """The texts it may be."""
        for known in self.meanings():
            if isinstance(known.node, ast.Constant) and isinstance(known.node.value, str):
                yield known.node.value
            elif isinstance(known.node, ast.JoinedStr):
                parts = (part.value if isinstance(part, ast.FormattedValue) else part for part in known.node.values)
                yield from map("".join, product(*([*known.of(part).texts()] for part in parts)))

    def elements(self) -> Iterator[Known]:
        """What it yields when it is iterated."""
        for known in self.meanings():
            node = known.node
            if isinstance(node, ast.Tuple | ast.List | ast.Set):
                for one in node.elts:
                    if isinstance(one, ast.Starred):
                        yield from known.of(one.value).elements()
                    else:
                        yield known.of(one)
            elif isinstance(node, ast.GeneratorExp | ast.ListComp | ast.SetComp):
                yield from (Known(node.elt, names) for names in _bound(node.generators, known.names))
            elif isinstance(node, ast.BinOp):
                yield from known.of(node.left).elements()
                yield from known.of(node.right).elements()
            elif isinstance(node, ast.Call):
                yield from known._called(node)
            elif isinstance(node, ast.Attribute) and node.attr == "columns":
                for read in known.names.get(_READ, ()):
                    yield from read.elements()
            else:
                yield from (key for key, _ in known.pairs())

    def pairs(self) -> Iterator[tuple[Known, Known]]:
        """The keys and values it holds, where it is a mapping."""
        for known in self.meanings():
            node = known.node
            if isinstance(node, ast.Dict):
                for key, value in zip(node.keys, node.values, strict=True):
                    if key is None:
                        yield from known.of(value).pairs()
                    else:
                        yield known.of(key), known.of(value)
            elif isinstance(node, ast.DictComp):
                for names in _bound(node.generators, known.names):
                    yield Known(node.key, names), Known(node.value, names)
            elif isinstance(node, ast.BinOp):
                yield from known.of(node.left).pairs()
                yield from known.of(node.right).pairs()

    def _called(self, call: ast.Call) -> Iterator[Known]:
        """What a call yields: views of a mapping, and copies of an iterable."""
        function = call.func
        if isinstance(function, ast.Attribute) and not call.args:
            for key, value in self.of(function.value).pairs():
                if function.attr == "items":
                    yield Known(ast.Tuple([key.node, value.node]), {**key.names, **value.names})
                elif function.attr in ("keys", "values"):
                    yield key if function.attr == "keys" else value
        elif ast.unparse(function) == "zip":
            nothing = self.of(ast.Constant(None))
            for turn in zip_longest(*(self.of(one).elements() for one in call.args), fillvalue=nothing):
                names = {name: known for one in turn for name, known in one.names.items()}
                yield Known(ast.Tuple([one.node for one in turn]), names)
        elif call.args and ast.unparse(function) in ("tuple", "list", "sorted", "dict.fromkeys"):
            yield from self.of(call.args[0]).elements()


@dataclass
class _Reader:
    """Reads the functions of a job. ``given`` is what their parameters are called with, as far as it is known."""

    given: Mapping[tuple[str, str], list[Known]]
    functions: dict[str, ast.FunctionDef]
    classes: Collection[str] = ()
    calls: defaultdict[tuple[str, str], list[Known]] = field(default_factory=lambda: defaultdict(list))

    def names(self, node: ast.AST, names: dict[str, tuple[Known, ...]]) -> Iterator[str]:
        """The names given to columns below a node; ``names`` learns what is assigned on the way."""
        if isinstance(node, ast.FunctionDef):
            inner = {**names}
            for one in _parameters(node):
                inner[one] = tuple(self.given.get((node.name, one), ()))
            for statement in node.body:
                yield from self.names(statement, inner)
            return
        if isinstance(node, _COMPREHENSIONS):
            for number, generator in enumerate(node.generators):
                for bound in _bound(node.generators[:number], names):
                    yield from self.names(generator.iter, {**bound})
            parts = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
            for bound in _bound(node.generators, names):
                for part in parts:
                    yield from self.names(part, {**bound})
            return
        if isinstance(node, ast.For):
            yield from self.names(node.iter, names)
            for turn in Known(node.iter, {**names}).elements():
                inner = {**names, **_bind(node.target, turn)}
                for statement in node.body:
                    yield from self.names(statement, inner)
            return
        if isinstance(node, ast.Call):
            yield from self._given_by(node, {**names})
        for child in ast.iter_child_nodes(node):
            yield from self.names(child, names)
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            _assign(node.targets[0] if isinstance(node, ast.Assign) else node.target, node.value, names)

    def _given_by(self, call: ast.Call, names: Names) -> Iterator[str]:
        """The names one call gives; of the job's own functions it notes what they are called with."""
        args = [Known(one, names) for one in call.args]
        keywords = {one.arg: Known(one.value, names) for one in call.keywords if one.arg}
        if isinstance(call.func, ast.Name) and (function := self.functions.get(call.func.id)):
            for name, known in {**dict(zip(_parameters(function), args, strict=False)), **keywords}.items():
                self.calls[call.func.id, name].append(known)
        if isinstance(call.func, ast.Name) and call.func.id in self.classes and "name" in keywords:
            yield from keywords["name"].texts()
        method = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        if method in ("alias", "withColumn", "withColumnRenamed") and args:
            yield from args[-1 if method == "withColumnRenamed" else 0].texts()
        elif method == "withColumns" and args:
            yield from (text for key in args[0].elements() for text in key.texts())
        elif method == "ratio" and args:
            yield from (f"{text}{end}" for text in args[0].texts() for end in ("", "_reason"))
        elif method == "with_previous" and "columns" in keywords:
            yield "previous_period"
            yield from (text for key in keywords["columns"].elements() for text in key.texts())
        elif method == "at_every_level" and "key" in keywords:
            yield "row_kind"
            yield from (text for key in keywords["key"].elements() for text in key.texts())
        elif method == "valid_on" and {"columns", "days"} <= {*keywords}:
            ends = [end for key in keywords["days"].elements() for end in key.texts()]
            yield from (
                f"{text}{end}" for one in keywords["columns"].elements() for text in one.texts() for end in ends
            )


def named_in(code: str, read: Collection[str] = ()) -> Mapping[str, Sequence[str]]:
    """The columns and values a job names, each with the functions and lists that do, in the order of the file.

    ``read`` are the columns of the tables it reads.
    """
    return _named_in(code, tuple(read))


@lru_cache(maxsize=64)  # it takes a tenth of a second a job, and a lint asks for each twice
def _named_in(code: str, read: tuple[str, ...]) -> Mapping[str, Sequence[str]]:
    try:
        tree = ast.parse(code)
    except SyntaxError:  # running the job says where
        return {}
    every = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    classes = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    of_read = Known(ast.Tuple([ast.Constant(name) for name in dict.fromkeys(read)]), {})
    given: Mapping[tuple[str, str], list[Known]] = {}
    found: dict[str, list[str]] = {}
    # What a function is called with is known once all have been read; two calls deep is three readings.
    for _ in range(3):
        reader = _Reader(given=given, functions=every, classes=classes)
        names: dict[str, tuple[Known, ...]] = {_READ: (of_read,)}
        found = {}
        for node in tree.body:
            for column in dict.fromkeys(reader.names(node, names)):
                if isinstance(node, ast.FunctionDef):
                    found.setdefault(column, []).append(node.name)
                elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                    found.setdefault(column, []).append(node.targets[0].id)
        given = {key: [*calls, *_default(every[key[0]], key[1])] for key, calls in reader.calls.items()}
        given |= {
            (name, one): [*_default(function, one)]
            for name, function in every.items()
            for one in _parameters(function)
            if (name, one) not in given
        }
    return found


def _parameters(function: ast.FunctionDef) -> list[str]:
    arguments = function.args
    return [one.arg for one in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _default(function: ast.FunctionDef, name: str) -> Iterator[Known]:
    """What a parameter is without an argument."""
    arguments = function.args
    positional = [*arguments.posonlyargs, *arguments.args]
    last = positional[len(positional) - len(arguments.defaults) :]
    for one, default in (
        *zip(last, arguments.defaults, strict=True),
        *zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True),
    ):
        if one.arg == name and default is not None:
            yield Known(default, {})


def _bound(generators: list[ast.comprehension], names: Names) -> Iterator[Names]:
    """The names within a comprehension, once for every turn it may take."""
    if not generators:
        yield names
        return
    for one in Known(generators[0].iter, names).elements():
        bound = {**names, **_bind(generators[0].target, one)}
        if all(_may_hold(test, bound) for test in generators[0].ifs):
            yield from _bound(generators[1:], bound)


def _may_hold(test: ast.expr, names: Names) -> bool:
    """Whether a condition may hold: of a text that is known, what it begins with is known."""
    if isinstance(test, ast.Call) and isinstance(test.func, ast.Attribute) and test.func.attr == "startswith":
        texts = [*Known(test.func.value, names).texts()]
        begins = [begin for one in test.args for begin in Known(one, names).texts()]
        return not (texts and begins) or any(text.startswith(tuple(begins)) for text in texts)
    return True


def _bind(target: ast.expr, known: Known) -> dict[str, tuple[Known, ...]]:
    """What the names of a target stand for, given what is assigned to it."""
    if isinstance(target, ast.Name):
        return {target.id: (known,)}
    found: dict[str, tuple[Known, ...]] = {}
    if isinstance(target, ast.Tuple):
        for one in known.meanings():
            if isinstance(one.node, ast.Tuple):
                for part, value in zip(target.elts, one.node.elts, strict=False):
                    found |= _bind(part, one.of(value))
    return found


def _assign(target: ast.expr, value: ast.expr, names: dict[str, tuple[Known, ...]]) -> None:
    """Note what a name stands for from here on; a key set later is one of its mapping."""
    known = Known(value, {**names})
    if isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name):
        added = Known(ast.Dict([target.slice], [value]), {**names})
        names[target.value.id] = (*names.get(target.value.id, ()), added)
    else:
        names.update(_bind(target, known))
