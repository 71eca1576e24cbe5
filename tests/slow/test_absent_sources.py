"""Every source that a pipeline can do without, declared absent: its figures are published as partial."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from runs_support import Bench, declare_absent

from dq.base.model import Verdict
from dq.declare import registry

pytestmark = pytest.mark.slow
ROOT = Path(__file__).resolve().parents[2]
MONTH = "2026-10"


def can_do_without(name: str) -> list[str]:
    item = registry.load(ROOT).pipelines[name]
    needed = {need.partition(".")[0] for need in item.needs}
    return [source for source in item.sources if source not in needed]


OF_SOURCES = ("profit_unit", "growth_daily", "user_days")
ALONE = [(name, (source,)) for name in OF_SOURCES for source in can_do_without(name)]
TOGETHER = [(name, tuple(can_do_without(name))) for name in OF_SOURCES]


@pytest.mark.parametrize(("pipeline", "absent"), [*TOGETHER, *ALONE], ids=lambda value: str(value))
def test_what_a_pipeline_can_do_without_makes_its_figures_partial(
    bench: Bench, project_copy: Callable[[], Path], pipeline: str, absent: tuple[str, ...]
) -> None:
    bench.home = project_copy()
    declare_absent(bench.home, *absent)
    ran = bench.run(pipeline, MONTH)
    assert (ran.code, ran.record.verdict) == (0, Verdict.PUBLISH_PARTIAL), ran.out
    assert {*absent} <= {*ran.record.partial}


def test_every_pipeline_of_sources_is_among_them() -> None:
    reads = {name for name, item in registry.load(ROOT).pipelines.items() if len(can_do_without(name)) and item.sources}
    assert reads == {*OF_SOURCES, "investor_profit", "investor_growth"}, "those two are tested with what they build on"
