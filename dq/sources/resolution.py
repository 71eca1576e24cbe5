"""Names in a SELECT: which table and column each one means, by Spark's rules, without Spark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from dq.base.errors import choices


@dataclass(frozen=True, order=True)
class RawColumn:
    """A declared column of a raw table."""

    table: str
    column: str


@dataclass(frozen=True)
class _Relation:
    """Something a SELECT reads from. ``raw`` is the raw table's name, empty for a CTE, subquery or generator.

    ``known`` is false after a mistake that was reported already: then any column of it is taken as there.
    """

    columns: tuple[str, ...]
    raw: str = ""
    known: bool = True

    def column(self, name: str) -> str | None:
        """The column as declared; Spark compares names without case."""
        return next((column for column in self.columns if column.casefold() == name.casefold()), None)


@dataclass
class _Scope:
    relations: dict[str, _Relation] = field(default_factory=dict)
    outer: _Scope | None = None
    aliases: frozenset[str] = frozenset()

    @property
    def known(self) -> bool:
        return all(relation.known for relation in self.relations.values())


_Ctes = Mapping[str, _Relation]


class Resolver:
    """Walks one parsed query and collects what it reads and every name that means nothing.

    ``read`` are the raw tables in the order they are met, ``uses`` how often each raw column is named, ``resolved`` the
    raw column by the id of the node that names it, ``messages`` the mistakes.
    """

    def __init__(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        self._tables = {name.casefold(): (name, tuple(columns)) for name, columns in tables.items()}
        self.read: list[str] = []
        self.uses: Counter[RawColumn] = Counter()
        self.resolved: dict[int, RawColumn] = {}
        self.messages: list[str] = []

    def query(
        self, node: exp.Expression, ctes: _Ctes | None = None, outer: _Scope | None = None, *, named: bool = True
    ) -> list[str]:
        """The output columns of a query, in order; ``named`` where each of them must have a name."""
        visible = self._with(node, ctes or {}, outer)
        if isinstance(node, exp.Subquery):
            return self.query(node.this, visible, outer, named=named)
        if isinstance(node, exp.SetOperation):
            return self._set_operation(node, visible, outer)
        if isinstance(node, exp.Select):
            return self._select(node, visible, outer, named=named)
        self.messages.append(f"{type(node).__name__.upper()} is not allowed; a query here is a SELECT")
        return []

    def _with(self, node: exp.Expression, ctes: _Ctes, outer: _Scope | None) -> _Ctes:
        clause = node.args.get("with_") or node.args.get("with")
        if clause is None:
            return ctes
        visible = dict(ctes)
        if clause.args.get("recursive"):
            self.messages.append("a recursive WITH is not allowed")
        for cte in clause.expressions:
            name = cte.alias
            if name.casefold() in self._tables:
                self.messages.append(f"the WITH query {name} has the name of a raw table; give it a name of its own")
            columns = self.query(cte.this, visible, outer)
            visible[name.casefold()] = self._renamed(name, columns, cte.args.get("alias"))
        return visible

    def _renamed(self, name: str, columns: list[str], alias: exp.Expression | None) -> _Relation:
        given = [column.name for column in (alias.args.get("columns") or [])] if alias is not None else []
        if given and len(given) != len(columns):
            self.messages.append(f"{name} names {len(given)} columns, its query gives {len(columns)}")
        return _Relation(tuple(given or columns), known=bool(columns))

    def _set_operation(self, node: exp.Expression, ctes: _Ctes, outer: _Scope | None) -> list[str]:
        left = self.query(node.left, ctes, outer)
        right = self.query(node.right, ctes, outer)
        # Spark pairs the branches by position: columns in another order would be mixed up without an error.
        if left and right and [name.casefold() for name in left] != [name.casefold() for name in right]:
            self.messages.append(
                f"the branches of a {type(node).__name__.upper()} must give the same columns in the same order:"
                f" {', '.join(left)} against {', '.join(right)}"
            )
        order = node.args.get("order")
        if order is not None:
            scope = _Scope({"": _Relation(tuple(left))}, outer)
            self._names(order, scope, ctes)
        return left

    def _select(self, node: exp.Expression, ctes: _Ctes, outer: _Scope | None, *, named: bool) -> list[str]:
        scope = _Scope({}, outer)
        from_ = node.args.get("from_") or node.args.get("from")
        if from_ is None:
            self.messages.append("a SELECT without FROM makes rows out of nothing")
        else:
            self._relation(from_.this, scope, ctes)
        for join in node.args.get("joins") or []:
            self._relation(join.this, scope, ctes)
        for lateral in node.args.get("laterals") or []:
            self._lateral(lateral, scope, ctes)
        outputs: list[str] = []
        for projection in node.expressions:
            if isinstance(projection, exp.Star) or (
                isinstance(projection, exp.Column) and isinstance(projection.this, exp.Star)
            ):
                self.messages.append("name each column instead of *: a new raw column must not change the result")
                outputs = []
                break
            name = projection.alias_or_name
            if named and not isinstance(projection, exp.Column | exp.Alias):
                self.messages.append(f"give {projection.sql(dialect='spark')[:60]} a name with AS")
            outputs.append(name)
        for name, times in Counter(outputs).items():
            if named and times > 1:
                self.messages.append(f"the column {name} is given {times} times")
        # Spark also finds aliases of the same SELECT list where no column has the name.
        scope.aliases = frozenset(p.alias.casefold() for p in node.expressions if isinstance(p, exp.Alias))
        for projection in node.expressions:
            self._names(projection, scope, ctes)
        for part, value in node.args.items():
            if part in ("expressions", "from", "from_", "with", "with_", "joins", "laterals"):
                continue
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, exp.Expression):
                    self._names(child, scope, ctes)
        for join in node.args.get("joins") or []:
            self._join_condition(join, scope, ctes)
        return outputs

    def _join_condition(self, join: exp.Expression, scope: _Scope, ctes: _Ctes) -> None:
        condition = join.args.get("on")
        if condition is not None:
            self._names(condition, scope, ctes)
        for column in join.args.get("using") or []:
            for relation in scope.relations.values():
                found = relation.column(column.name)
                if found and relation.raw:
                    self.uses[RawColumn(relation.raw, found)] += 1
        if (join.args.get("method") or "").upper() == "NATURAL":
            self.messages.append("a NATURAL join changes its meaning when a column is added; name the columns with ON")

    def _relation(self, node: exp.Expression, scope: _Scope, ctes: _Ctes) -> None:
        if isinstance(node, exp.Table):
            self._table(node, scope, ctes)
        elif isinstance(node, exp.Subquery):
            columns = self.query(node, ctes, scope.outer)
            name = node.alias
            scope.relations[name.casefold() or f"({len(scope.relations)})"] = self._renamed(
                name or "the subquery", columns, node.args.get("alias")
            )
        elif isinstance(node, exp.Lateral):
            self._lateral(node, scope, ctes)
            return
        else:
            self.messages.append(
                f"{node.sql(dialect='spark')[:60]} is not a declared raw table; {choices('', self._table_names())}"
            )
            scope.relations[f"({len(scope.relations)})"] = _Relation((), known=False)
            return
        for lateral in node.args.get("laterals") or []:
            self._lateral(lateral, scope, ctes)
        for join in node.args.get("joins") or []:
            self._relation(join.this, scope, ctes)
            self._join_condition(join, scope, ctes)

    def _table(self, node: exp.Expression, scope: _Scope, ctes: _Ctes) -> None:
        name = node.name
        alias = (node.alias or name).casefold()
        relation = _Relation((), known=False)
        cte = ctes.get(name.casefold()) if not node.db else None
        if cte is not None:
            relation = cte
        elif not isinstance(node.this, exp.Identifier) or node.db:
            shown = node.sql(dialect="spark")[:60]
            self.messages.append(f"{shown} is not a declared raw table; {choices(name, self._table_names())}")
        elif name.casefold() not in self._tables:
            self.messages.append(f"the raw table {name} is unknown; {choices(name, self._table_names())}")
        else:
            declared, columns = self._tables[name.casefold()]
            relation = _Relation(columns, raw=declared)
            if declared not in self.read:
                self.read.append(declared)
        if alias in scope.relations:
            self.messages.append(f"{node.alias or name} is read twice in one SELECT; give each an alias of its own")
        scope.relations[alias] = relation

    def _lateral(self, node: exp.Expression, scope: _Scope, ctes: _Ctes) -> None:
        if isinstance(node.this, exp.Subquery):
            columns = self.query(node.this, ctes, scope)
            relation = self._renamed(node.alias, columns, node.args.get("alias"))
        else:
            self._names(node.this, scope, ctes)
            alias = node.args.get("alias")
            columns = [column.name for column in (alias.args.get("columns") or [])] if alias is not None else []
            if not columns:
                self.messages.append("name the columns of a LATERAL VIEW: LATERAL VIEW explode(x) v AS item")
            relation = _Relation(tuple(columns), known=bool(columns))
        scope.relations[node.alias.casefold() or f"({len(scope.relations)})"] = relation

    def _names(self, node: exp.Expression, scope: _Scope, ctes: _Ctes) -> None:
        for found in _own_nodes(node):
            if isinstance(found, exp.Column):
                self._column(found, scope)
            else:
                self.query(found, ctes, scope, named=False)

    def _column(self, node: exp.Expression, scope: _Scope) -> None:
        name, table = node.name, node.table
        if _is_lambda_variable(node, table or name):
            return
        here: _Scope | None = scope
        while here is not None:
            if self._found_in(node, name, table, here):
                return
            here = here.outer
        everything = [column for relation in scope.relations.values() for column in relation.columns]
        if table and table.casefold() in scope.relations:
            columns = scope.relations[table.casefold()].columns
            self.messages.append(f"the column {table}.{name} is unknown; {choices(name, columns)}")
        elif table:
            self.messages.append(f"{table}.{name}: {table} is not read here; {choices(table, list(scope.relations))}")
        elif scope.known:
            self.messages.append(f"the column {name} is unknown; {choices(name, everything)}")

    def _found_in(self, node: exp.Expression, name: str, table: str, scope: _Scope) -> bool:
        if table and table.casefold() in scope.relations:
            relation = scope.relations[table.casefold()]
            column = relation.column(name)
            self._use(node, relation, column)
            return column is not None or not relation.known
        # ``a.b`` also reads the field b of a struct column a.
        first = table or name
        holders = [relation for relation in scope.relations.values() if relation.column(first) is not None]
        if len(holders) > 1 and not _in_using(node):
            self.messages.append(f"the column {first} is in more than one table read here; write table.{first}")
        for relation in holders[:1]:
            self._use(node, relation, relation.column(first), whole=not table)
        return bool(holders) or (not table and first.casefold() in scope.aliases)

    def _use(self, node: exp.Expression, relation: _Relation, column: str | None, *, whole: bool = True) -> None:
        if column is not None and relation.raw:
            raw = RawColumn(relation.raw, column)
            self.uses[raw] += 1
            if whole:
                self.resolved[id(node)] = raw

    def _table_names(self) -> list[str]:
        return [name for name, _ in self._tables.values()]


def _own_nodes(node: exp.Expression) -> Iterator[exp.Expression]:
    """The columns and nested queries of an expression, not what is inside those queries."""
    if isinstance(node, exp.Column | exp.Subquery | exp.Select | exp.SetOperation):
        yield node
        return
    for child in node.iter_expressions():
        yield from _own_nodes(child)


def _is_lambda_variable(node: exp.Expression, name: str) -> bool:
    ancestor = node.find_ancestor(exp.Lambda)
    while ancestor is not None:
        if any(variable.name.casefold() == name.casefold() for variable in ancestor.expressions):
            return True
        ancestor = ancestor.find_ancestor(exp.Lambda)
    return False


def _in_using(node: exp.Expression) -> bool:
    """Whether the column is one that a join of its SELECT merges with USING: then it is not ambiguous."""
    select = node.find_ancestor(exp.Select)
    joins = (select.args.get("joins") or []) if select is not None else []
    merged = [column.name.casefold() for join in joins for column in join.args.get("using") or []]
    return node.name.casefold() in merged
