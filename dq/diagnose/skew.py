"""One task with most of the work: skewed stages, the columns they are partitioned by, and what to change.

The rule is Spark's own for splitting a partition; beside a death in the same stage less is enough.
"""

from __future__ import annotations

from collections.abc import Iterable

from dq.base.failure_classes import FailureClass
from dq.base.thresholds import MEBIBYTE, Thresholds
from dq.diagnose.facts import Facts, Stage
from dq.diagnose.findings import Change, Confidence, Finding, memory, salt, seconds, shown
from dq.diagnose.spark_settings import executor_heap

# Beside a death in the same stage a skew explains it also where it is below the bytes of Spark's rule.
LEAST_ROWS = 100
WORST = 3
# Fewer tasks have no third quartile.
QUARTERS = 4
# What one task with most of the rows runs out of.
EXPLAINS = ("executor_heap", "container_memory", "python_memory", "fetch_failures", "disk_full")


def skewed_keys(facts: Facts, thresholds: Thresholds, died: Iterable[int]) -> list[Finding]:
    """The worst stages in which one task has most of the work, with the columns they are partitioned by."""
    deadly = set(died)
    found = [(stage, share) for stage in facts.stages.values() if (share := _skew(stage, thresholds, deadly))]
    found.sort(key=lambda one: (one[0].stage not in deadly, -one[1]))
    told = [_skew_finding(facts, stage, stage.stage in deadly, thresholds) for stage, _ in found[:WORST]]
    known = {finding.stage for finding in told}
    return [*_unread(facts, thresholds, deadly - known), *told]


def _unread(facts: Facts, thresholds: Thresholds, died: set[int]) -> list[Finding]:
    """The skew of stages whose heavy task died before it told what it read."""
    found = {}
    for stage in facts.stages.values():
        waiting, median = facts.rows_waiting(stage), max(stage.rows_read.median, 1.0)
        heavy = waiting >= thresholds.skew_factor * median and waiting * stage.tasks >= LEAST_ROWS
        if stage.stage not in died or stage.seconds.count < 2 or not heavy or stage.stage in found:
            continue
        named = ", ".join(stage.keys)
        left = stage.tasks - stage.seconds.count
        evidence = [
            f"{stage.place}: {stage.seconds.count} of {stage.tasks} tasks succeeded and read "
            f"{stage.rows_read.median:,.0f} rows at the median",
            f"{waiting * left:,.0f} rows were left for the other {left}, at least {waiting:,.0f} for the largest",
        ]
        if named:
            evidence.append(f"the plan partitions what it reads by {named}")
        found[stage.stage] = Finding(
            cause="skewed_key",
            title=f"one {f'value of {named}' if named else 'partition'} holds most of the rows that were left",
            confidence=Confidence.LIKELY,
            failure_class=FailureClass.SKEW,
            evidence=tuple(evidence),
            # At worst one value has all that were left.
            changes=tuple(_skew_changes(facts, stage, named, waiting * left, thresholds)),
            explains=EXPLAINS,
            stage=stage.stage,
            group=stage.group,
        )
    return list(found.values())


def _skew(stage: Stage, thresholds: Thresholds, deadly: set[int]) -> float:
    """How much larger the largest task of a stage is, where that is worth a word; 0 where it is not."""
    sizes, rows, times = stage.bytes_read, stage.rows_read, stage.seconds
    factor = thresholds.skew_factor
    if sizes.factor >= factor and sizes.largest >= thresholds.skew_bytes:
        return sizes.largest
    if rows.total and times.factor >= factor and times.largest >= thresholds.skew_seconds:
        return sizes.largest
    if stage.stage in deadly and rows.factor >= factor and rows.total >= LEAST_ROWS and rows.largest > rows.total / 2:
        return max(sizes.largest, 1)
    return 0


def _skew_finding(facts: Facts, stage: Stage, deadly: bool, thresholds: Thresholds) -> Finding:
    rows, sizes, times = stage.rows_read, stage.bytes_read, stage.seconds
    named = ", ".join(stage.keys)
    share = rows.largest / rows.total if rows.total else sizes.largest / max(1, sizes.total)
    evidence = [
        f"{stage.place}: one of {rows.count} tasks read {rows.largest:,.0f} rows, "
        f"{share:.0%} of all; the median is {rows.median:,.0f}",
        f"the largest task read {shown(sizes.largest)}, the median {shown(sizes.median)}",
    ]
    if times.factor >= thresholds.skew_factor:
        evidence.append(f"the longest task took {seconds(times.largest)}, the median {seconds(times.median)}")
    if named:
        evidence.append(f"the plan partitions what it reads by {named}")
    return Finding(
        cause="skewed_key",
        title=f"one {f'value of {named}' if named else 'partition'} holds {share:.0%} of the rows of its stage",
        confidence=Confidence.CERTAIN if named and deadly else Confidence.LIKELY,
        failure_class=FailureClass.SKEW,
        evidence=tuple(evidence),
        changes=tuple(_skew_changes(facts, stage, named, rows.largest, thresholds)),
        explains=EXPLAINS if deadly else (),
        stage=stage.stage,
        group=stage.group,
    )


def _skew_changes(facts: Facts, stage: Stage, named: str, largest: float, thresholds: Thresholds) -> list[Change]:
    settings = facts.settings
    changes = []
    for key in ("spark.sql.adaptive.enabled", "spark.sql.adaptive.skewJoin.enabled"):
        if settings.get(key, "true").lower() == "false":
            changes.append(Change(setting=key, value="true", now="false", why="Spark then splits a skewed join itself"))
    bound = max(thresholds.target_bytes // 2, int(stage.bytes_read.median * thresholds.skew_factor))
    bound = max(1, bound // MEBIBYTE) * MEBIBYTE  # rounded down: what is to be split must be larger
    if stage.bytes_read.largest > bound and stage.bytes_read.largest < thresholds.skew_bytes * 2:
        changes.append(
            Change(
                setting="spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes",
                value=f"{bound // MEBIBYTE}m",
                now=settings.get("spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes", "256MB"),
                why="a join then splits this partition too; a grouping it cannot split",
            )
        )
    # The tasks that are not done have read nothing yet.
    rows = stage.rows_read.total + facts.rows_waiting(stage) * (stage.tasks - stage.seconds.count)
    parts = salt(largest, rows / max(1, stage.tasks))
    changes.append(
        Change(
            why=f"salt {named or 'the key'} with {parts} values, which cuts it to an average partition: group by it "
            "and the salt first, then by it alone; in a join repeat the other side once per salt"
        )
    )
    changes.append(Change(why="treat the heavy value apart, if it is a default, a test or NULL: filter it before"))
    heap = executor_heap(facts)
    changes.append(
        Change(
            setting="spark.driver.memory" if facts.local else "spark.executor.memory",
            value=memory(max(heap * 4, heap + (1 << 30))),
            now=memory(heap),
            why="the largest task then fits; it still takes as long as it takes",
        )
    )
    return changes


def suspicious(facts: Facts, thresholds: Thresholds) -> list[str]:
    """The worst stages that are uneven and not yet skewed, as sentences: their largest task is long or large."""
    told = []
    for stage in facts.stages.values():
        if _skew(stage, thresholds, set()):
            continue
        for spread, least, form in (
            (stage.bytes_read, thresholds.skew_bytes, shown),
            (stage.seconds, thresholds.skew_seconds, seconds),
        ):
            if spread.count >= QUARTERS and spread.largest >= least and spread.upper:
                factor = spread.largest / spread.upper
                if factor > thresholds.suspicious_factor:
                    sentence = (
                        f"{stage.place}: the largest task has {form(spread.largest)}, {factor:.1f} times the third"
                    )
                    told.append((factor, f"{sentence} quartile"))
                    break
    return [sentence for _, sentence in sorted(told, reverse=True)[:WORST]]
