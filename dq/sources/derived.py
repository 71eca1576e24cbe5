"""The checks that follow from a contract, and what is known of a mapping's columns before Spark starts."""

from __future__ import annotations

from collections.abc import Mapping

from dq.base.failure_classes import FailureClass
from dq.base.model import Check, Json, Severity
from dq.sources.config import Format, Source, SourcesConfig
from dq.sources.contracts import Contract, ContractColumn
from dq.sources.type_names import is_number

# Published figures are added up by these columns; a value nobody knows makes a cell nobody looks at, or none at all.
GROUPING_COLUMNS = frozenset({"category", "currency", "kind", "line", "product", "region", "segment"})


def footer_columns(config: SourcesConfig, source: Source) -> Mapping[str, str] | None:
    """Contract column -> Parquet column where its values pass unchanged; None unless rows are the files' own rows."""
    if source.query is None or not source.query.plain:
        return None
    table = config.tables[source.query.tables[0]]
    if table.format not in (Format.PARQUET, Format.DELTA, Format.JDBC):
        return None
    return {
        name: raw.column
        for name, raw in source.query.passed.items()
        if raw.column in table.in_files and table.columns[raw.column] == source.contract.columns[name].type
    }


def may_lose_values(config: SourcesConfig, source: Source) -> frozenset[str]:
    """The columns whose conversion to the contract's type may turn a value into NULL.

    Not those that have the contract's type already (declared so, or cast to it), and not text, which all becomes.
    """
    query = source.query
    if query is None:
        return frozenset()
    found = set()
    for name in query.outputs:
        wanted = source.contract.columns[name].type
        raw = query.passed.get(name)
        mapped = query.casts.get(name)
        if raw is not None:
            table = config.tables[raw.table]
            declared = table.columns[raw.column]
            mapped = "timestamp" if declared == "timestamp_ntz" else declared
            # Text that is passed on is converted at the end, whatever type it is declared to have.
            if table.as_text(raw.column) and raw in query.bare:
                mapped = "string"
        if wanted != "string" and mapped != wanted:
            found.add(name)
    return frozenset(found)


def contract_checks(config: SourcesConfig, name: str) -> list[Check]:
    """The checks every source has by its contract: schema, key, required, accepted values and conversions.

    A source or column declared absent keeps its checks, so that they are shown as not run; the key is then judged on
    the columns that are there.
    """
    source = config.source(name)
    contract = source.contract
    checks = [*_schema_checks(contract), _period_check(contract), _key_check(contract, source)]
    lossy = may_lose_values(config, source)
    for column in contract.columns.values():
        if column.required:
            checks.append(_required(contract, column))
        of_contract = (config.currency,) if column.currency and config.currency else column.accepted
        accepted = source.accepted.get(column.name, of_contract)
        if accepted is not None:
            checks.append(_accepted(contract, column, accepted, source))
        if column.name in lossy:
            checks.append(_converts(contract, column))
    return checks


def _check(
    contract: Contract,
    suffix: str,
    type_: str,
    kwargs: Mapping[str, Json],
    *,
    failure_class: str,
    description: str,
    where: str,
    severity: Severity = Severity.CRITICAL,
    may_be_empty: bool = False,
) -> Check:
    return Check(
        check=f"{contract.name}.{suffix}",
        dataset=contract.name,
        type=type_,
        kwargs=kwargs,
        severity=severity,
        description=description,
        failure_class=failure_class,
        may_be_empty=may_be_empty,
        where=where,
    )


def _schema_checks(contract: Contract) -> list[Check]:
    type_ = "expect_source_to_match_contract"
    return [
        _check(
            contract,
            "schema",
            type_,
            {"added": False},
            failure_class=FailureClass.SCHEMA,
            description=f"Every raw column of {contract.name} has the name and type it is declared with.",
            where=contract.where,
        ),
        _check(
            contract,
            "schema.added",
            type_,
            {"added": True},
            failure_class=FailureClass.SCHEMA,
            description=f"The raw tables of {contract.name} have no column that is not declared.",
            where=contract.where,
            severity=Severity.WARNING,
        ),
    ]


def _period_check(contract: Contract) -> Check:
    return _check(
        contract,
        "period.complete",
        "expect_source_to_hold_its_period",
        {},
        failure_class=FailureClass.MISSING_DAYS,
        description=f"Every month of {contract.name} is there and holds rows of its own days only.",
        where=contract.where,
    )


def _key_check(contract: Contract, source: Source) -> Check:
    key = [column for column in contract.key if column not in source.absent_columns]
    delivery = [column for column in contract.delivery if column not in source.absent_columns]
    # Where the key is required, its NULLs are told by the checks of its columns.
    required = all(contract.columns[column].required for column in key)
    if delivery:
        return _check(
            contract,
            "key.unique",
            "expect_repeated_keys_to_be_identical",
            {"columns": key, "delivery": delivery},
            failure_class=FailureClass.DUPLICATES,
            description=f"No two different rows of {contract.name} share {', '.join(key)}; redeliveries are dropped.",
            where=contract.key_where,
            may_be_empty=required,
        )
    single = len(key) == 1
    return _check(
        contract,
        "key.unique",
        "expect_column_values_to_be_unique" if single else "expect_compound_columns_to_be_unique",
        {"column": key[0]} if single else {"column_list": key},
        failure_class=FailureClass.DUPLICATES,
        may_be_empty=required,
        description=f"{', '.join(key)} {'identifies' if single else 'together identify'} a row of {contract.name}.",
        where=contract.key_where,
    )


def _required(contract: Contract, column: ContractColumn) -> Check:
    return _check(
        contract,
        f"{column.name}.required",
        "expect_column_values_to_not_be_null",
        {"column": column.name},
        failure_class=FailureClass.REQUIRED_VALUE,
        description=f"{column.name} of {contract.name} is never NULL.",
        where=column.where,
    )


def _accepted(contract: Contract, column: ContractColumn, accepted: tuple[str, ...], source: Source) -> Check:
    critical = column.name in GROUPING_COLUMNS or column.name in contract.key
    return _check(
        contract,
        f"{column.name}.accepted",
        "expect_column_values_to_be_in_set",
        {"column": column.name, "value_set": list(accepted)},
        failure_class=FailureClass.DOMAIN,
        description=f"{column.name} of {contract.name} is one of {len(accepted)} known values.",
        where=source.where if column.name in source.accepted else column.where,
        # An optional column may be NULL everywhere; that a required one is not, its own check says.
        may_be_empty=True,
        severity=Severity.CRITICAL if critical else Severity.WARNING,
    )


def _converts(contract: Contract, column: ContractColumn) -> Check:
    return _check(
        contract,
        f"{column.name}.converts",
        "expect_values_to_convert",
        {"column": column.name},
        failure_class=FailureClass.NUMBERS if is_number(column.type) else FailureClass.DOMAIN,
        description=f"Every raw {column.name} of {contract.name} is a {column.type}.",
        where=column.where,
        # A number or required value that is lost changes a figure; a lost optional date is told.
        severity=Severity.CRITICAL if column.required or is_number(column.type) else Severity.WARNING,
    )
