"""The plan of a suite on a dataset: which evidence proves each check, from the schema and the footers alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from dq.base.model import Check, Evidence
from dq.checks.custom_types import CUSTOM_TYPES
from dq.checks.evaluation import columns_named, plan_line
from dq.engine import footers as footer_evidence
from dq.engine.dataset import Dataset
from dq.engine.measures import Measure
from dq.engine.native import Settled, prepare, settle, supports
from dq.engine.native_demand import Requirement
from dq.engine.reasons import reason
from dq.engine.scan import batches


@dataclass(frozen=True, kw_only=True)
class PlanLine:
    """How one check will be decided: its evidence, the columns read for it, and a note where there is more to say."""

    check: str
    type: str
    evidence: Evidence
    columns: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class CheckPlan:
    """How all checks on a dataset will be decided, in their order.

    ``settled`` are the measures that the footers give; ``scans`` the aggregates of the fused scan, each a list of
    measures computed in one action; ``key_passes`` the questions about keys and distinct values.
    """

    dataset: str
    lines: tuple[PlanLine, ...]
    settled: tuple[Measure, ...]
    scans: tuple[tuple[Measure, ...], ...]
    key_passes: tuple[str, ...]


def plan(checks: Sequence[Check], dataset: Dataset) -> CheckPlan:
    """How the checks will be decided; starts no Spark job and evaluates nothing."""
    prepared: dict[int, Requirement | str] = {}
    for position, check in enumerate(checks):
        if check.type not in CUSTOM_TYPES and supports(check, house=True):
            try:
                prepared[position] = prepare(check, dataset.frame.schema, house=True)
            except Exception as error:
                prepared[position] = reason(error)
    ready = [item for item in prepared.values() if isinstance(item, Requirement)]
    settled = settle(ready, footer_evidence.read(dataset) if any(item.measures for item in ready) else None)
    passes = [str(item.keys) for item in ready if item.keys is not None]
    passes += [f"values of {item.distinct.column.name}" for item in ready if item.distinct is not None]
    return CheckPlan(
        dataset=dataset.name,
        lines=tuple(_line(check, prepared.get(position), settled) for position, check in enumerate(checks)),
        settled=tuple(settled.values),
        scans=tuple(tuple(batch) for batch in batches(settled.open)),
        key_passes=tuple(dict.fromkeys(passes)),
    )


def _line(check: Check, item: Requirement | str | None, settled: Settled) -> PlanLine:
    if check.type in CUSTOM_TYPES:
        return _custom_line(check)
    columns = tuple(columns_named(check))
    if item is None:
        return PlanLine(check=check.check, type=check.type, evidence=Evidence.GREAT_EXPECTATIONS, columns=columns)
    if isinstance(item, str):
        note = f"cannot be evaluated: {item}"
        return PlanLine(check=check.check, type=check.type, evidence=Evidence.NONE, columns=columns, note=note)
    left = [measure for measure in item.measures if measure not in settled.values]
    evidence = Evidence.SCAN if left else Evidence.FOOTERS if item.measures else Evidence.SCHEMA
    notes = []
    if item.keys is not None:
        evidence = Evidence.KEY_PASS
        notes.append(f"key {item.keys}")
    elif item.distinct is not None and item.distinct_unless is None:
        evidence = Evidence.KEY_PASS
    elif item.distinct is not None:
        notes.append("values are looked up only if one is outside the set")
    return PlanLine(check=check.check, type=check.type, evidence=evidence, columns=item.columns, note="; ".join(notes))


def _custom_line(check: Check) -> PlanLine:
    columns, spec = tuple(columns_named(check)), CUSTOM_TYPES[check.type]
    if spec.run_level:
        return PlanLine(check=check.check, type=check.type, evidence=Evidence.RUN, columns=columns)
    note = plan_line(check).removeprefix(f"{spec.evidence}: ")
    return PlanLine(check=check.check, type=check.type, evidence=spec.evidence, columns=columns, note=note)


def plan_text(plan: CheckPlan) -> str:
    """The plan as text: a line of totals, then one line per check."""
    counted = Counter(str(line.evidence) for line in plan.lines)
    columns = {name for scan in plan.scans for measure in scan for name in measure.columns}
    totals = [
        f"{len(plan.lines)} checks"
        + (f" ({', '.join(f'{n} {name}' for name, n in counted.items())})" if counted else ""),
        f"{len(plan.settled)} measures from footers",
        f"{sum(len(scan) for scan in plan.scans)} in {len(plan.scans)} scans of {len(columns)} columns",
        f"{len(plan.key_passes)} key passes",
    ]
    width = max((len(line.check) for line in plan.lines), default=0)
    kind = max((len(line.evidence) for line in plan.lines), default=0)
    lines = [f"{plan.dataset}: {'; '.join(totals)}"]
    for line in plan.lines:
        tail = f"{line.type} ({', '.join(line.columns)})" if line.columns else line.type
        note = f"; {line.note}" if line.note else ""
        lines.append(f"  {line.evidence:<{kind}}  {line.check:<{width}}  {tail}{note}")
    return "\n".join(lines)
