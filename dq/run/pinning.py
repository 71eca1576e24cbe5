"""From a run's window to inputs that no longer change: pinned, read, and put under one key with what decides."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from dq import sources
from dq.base import periods
from dq.base.errors import UsageError
from dq.base.model import Window
from dq.base.periods import Grain
from dq.base.run_key import code_hash, run_key
from dq.run import inputs, judging, previous
from dq.run.phases import Begun, Keyed, Opened, Pinned, Read, Task, after, judged, refs
from dq.store import waivers

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def pinned(task: Task, begun: Begun) -> Iterator[Pinned]:
    """What is pinned, anew after each input, so that an error leaves those before it; last with the schemas judged.

    Raises UpstreamError where an upstream table is held or does not cover the window.
    """
    now, window, bound, warehouse = after(begun, Pinned), begun.window, task.bound, task.warehouse
    for table in bound.pipeline.upstream:
        pin = inputs.pin_upstream(warehouse, task.project, table, window, bound.pipeline)
        yield (now := replace(now, upstream={**now.upstream, table: pin}))
    yield (now := replace(now, previous=previous.pin(warehouse, task.project, bound, window)))
    yield (now := replace(now, replaced=previous.replaced(warehouse, bound, window)))
    for name in task.present_sources:
        try:
            files = sources.pin(bound.sources, name, window)
        except sources.NoFilesError as error:
            yield (now := replace(now, empty={**now.empty, name: str(error)}))
            continue
        source = inputs.SourcePin(name=name, pin=files, drift=sources.drift(bound.sources, name, files))
        yield (now := replace(now, pins={**now.pins, name: source}))
    yield judged(now, judging.of_schemas(bound, now.pins))


def read(spark: SparkSession, task: Task, pinned: Pinned) -> Read:
    """The pinned sources as frames, and how settled the ledger and the upstream tables say that the window is."""
    found, window, bound = {}, pinned.window, task.bound
    for name, source in pinned.pins.items():
        found[name] = sources.read(spark, bound.sources, name, source.pin, window)
    ledger_absent = "ledger" not in bound.pipeline.sources or task.absent("ledger")
    instant = None
    if not ledger_absent and "ledger" in found:
        instant = inputs.closed_at(found["ledger"].visible, window.month)
    grain = bound.pipeline.grain
    window = periods.window(window.period, window.as_of, instant, ledger_absent=ledger_absent, grain=grain)
    if grain in (Grain.WEEK, Grain.FORTNIGHT):
        # Weeks do not wait for a month's books: their figures are as settled as the least settled of their inputs.
        window = replace(window, kind=inputs.least_settled(window.kind, pinned.upstream.values()))
    return after(pinned, Read, sources=found, window=window)


def keyed(task: Task, read: Read) -> Keyed:
    """The same under the key of all that decides on the figures, with what is published for their periods."""
    known = all(source.everything_known for source in read.sources.values())
    key = run_key(
        pipeline=task.bound.name,
        window=read.window,
        knowledge="all" if known else read.window.as_of.isoformat(),
        inputs=refs(read),
        code=code_hash(task.project.root / "jobs" / task.bound.pipeline.job),
        configuration=task.bound.hash,
        waivers=waivers.fingerprint(read.waivers),
        compared_with=read.previous.fingerprint if read.previous else "",
    )
    found = {period: task.table.entry(period) for period in task.periods(read.window)}
    base = {period: entry.version if entry else None for period, entry in found.items()}
    return after(read, Keyed, key=key, before=[entry for entry in found.values() if entry], base=base)


def opened(spark: SparkSession, task: Task, keyed: Keyed) -> Opened:
    """The inputs as a job reads them; to tell which rows were delivered twice takes a look at all of them."""
    frames = {name: source.visible for name, source in keyed.sources.items()}
    for table, upstream in keyed.upstream.items():
        frames[table] = inputs.upstream_frame(spark, task.warehouse, upstream)
    return after(keyed, Opened, frames=frames)


def refuse_to_go_back(task: Task, window: Window, *, settled: bool) -> None:
    """Refuse to replace published figures by less complete or older ones; that is what a withdrawal is for.

    How complete these are is known, the window ``settled``, once the ledger has been read.
    """
    for period in task.periods(window):
        entry = task.table.entry(period)
        if entry is None:
            continue
        older = entry.as_of is not None and entry.as_of > window.as_of
        if older or (settled and inputs.KIND_ORDER.index(entry.kind) > inputs.KIND_ORDER.index(window.kind)):
            raise UsageError(
                f"{task.bound.name} {period} is published as {entry.kind.replace('_', ' ')} as of "
                f"{entry.as_of:%Y-%m-%dT%H:%MZ}; figures as of {window.as_of:%Y-%m-%dT%H:%MZ} would go back",
                where="--as-of",
                do=f"give a later --as-of, or withdraw first: dq withdraw {task.bound.name} --period {period} "
                "--reason TEXT",
            )
