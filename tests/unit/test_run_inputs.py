"""What a fortnight is built on: its own days, and the investors' month of the last of them that is covered."""

from __future__ import annotations

from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from dq import periods, store
from dq.model import Kind, Verdict, Window
from dq.periods import Grain
from dq.run import inputs
from dq.run.key import run_key

PROJECT: Any = SimpleNamespace(
    registry=SimpleNamespace(
        pipelines={"units": SimpleNamespace(grain=Grain.DAY), "investors": SimpleNamespace(grain=Grain.MONTH)}
    )
)
READER: Any = SimpleNamespace(grain=Grain.FORTNIGHT, upstream_lookback_days=0)


def entry(period: str) -> store.PeriodEntry:
    return store.PeriodEntry(
        period=period,
        run="r",
        version=1,
        fingerprint=period,
        seal="s",
        schema_json="{}",
        kind=Kind.MONTH_TO_DATE,
        data_through=date(2026, 11, 24),
        verdict=Verdict.PUBLISH,
        files=(),
    )


def published(*ids: str) -> Any:
    """A warehouse whose tables have all published these periods, and no run of which is held."""
    commit = SimpleNamespace(entries={period: entry(period) for period in ids})
    table = SimpleNamespace(current=lambda: commit)
    return SimpleNamespace(table=lambda _name: table, records=SimpleNamespace(list=lambda *_: []))


def days(first: str, last: str) -> list[str]:
    return [day.isoformat() for day in periods.days_between(date.fromisoformat(first), date.fromisoformat(last))]


def fortnight(as_of: datetime) -> Window:
    return periods.window("2026-11-23", as_of, None, ledger_absent=True, grain=Grain.FORTNIGHT)


SO_FAR, WHOLE = (fortnight(datetime(2026, *day, 12, tzinfo=UTC)) for day in ((11, 25), (12, 7)))


@pytest.mark.parametrize(
    ("window", "through", "month"), [(SO_FAR, "2026-11-24", "2026-11"), (WHOLE, "2026-12-06", "2026-12")]
)
def test_a_fortnight_reads_its_days_and_the_month_of_the_last_one_covered(
    window: Window, through: str, month: str
) -> None:
    warehouse = published("2026-11", "2026-12", *days("2026-11-01", "2026-12-31"))
    units = inputs.pin_upstream(warehouse, PROJECT, "units", window, READER)
    assert [*units.entries] == days("2026-11-23", through)
    assert [*inputs.pin_upstream(warehouse, PROJECT, "investors", window, READER).entries] == [month]


def test_a_whole_fortnight_is_not_built_on_the_month_it_began_in() -> None:
    begun = published("2026-11", *days("2026-11-01", "2026-12-06"))
    assert inputs.pin_upstream(begun, PROJECT, "investors", SO_FAR, READER).entries
    with pytest.raises(inputs.UpstreamError, match="investors has not published 2026-12"):
        inputs.pin_upstream(begun, PROJECT, "investors", WHOLE, READER)


def test_a_fortnight_so_far_is_never_taken_for_the_whole_one() -> None:
    def key(window: Window) -> str:
        return run_key(
            pipeline="paper",
            window=window,
            knowledge="all",
            inputs=[],
            code="c",
            configuration="c",
            waivers="",
            compared_with="",
        )

    assert key(SO_FAR) != key(WHOLE)
    assert key(SO_FAR) != key(fortnight(datetime(2026, 11, 26, tzinfo=UTC))), "nor for that of another day"
