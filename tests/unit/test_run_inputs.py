"""What a fortnight is built on: its own days, and the investors' month of the last of them that is covered."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from run_records import result

from dq import store
from dq.base import periods
from dq.base.model import Kind, Outcome, Verdict, Window
from dq.base.periods import Grain
from dq.base.run_key import run_key
from dq.run import inputs
from dq.sources.reading import SourceFrame
from dq.store.history import known_at

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
    return warehouse({period: entry(period) for period in ids})


def warehouse(*log: dict[str, store.PeriodEntry]) -> Any:
    """A warehouse whose tables all went through these commits, oldest first, and no run of which is held."""
    commits = [SimpleNamespace(entries=entries, withdrawn={}) for entries in log]
    table: Any = SimpleNamespace(current=lambda: commits[-1], newest_first=lambda: reversed(commits))
    table.known = lambda instant, wanted=None: known_at(table.newest_first(), instant, wanted)
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
    there = published("2026-11", "2026-12", *days("2026-11-01", "2026-12-31"))
    units = inputs.pin_upstream(there, PROJECT, "units", window, READER)
    assert [*units.entries] == days("2026-11-23", through)
    assert [*inputs.pin_upstream(there, PROJECT, "investors", window, READER).entries] == [month]


def test_a_whole_fortnight_is_not_built_on_the_month_it_began_in() -> None:
    begun = published("2026-11", *days("2026-11-01", "2026-12-06"))
    assert inputs.pin_upstream(begun, PROJECT, "investors", SO_FAR, READER).entries
    with pytest.raises(inputs.UpstreamError, match="investors has not published 2026-12"):
        inputs.pin_upstream(begun, PROJECT, "investors", WHOLE, READER)


SO_FAR_OF_SEPTEMBER = datetime(2026, 9, 28, 5, tzinfo=UTC)
FINAL_OF_SEPTEMBER = datetime(2026, 10, 5, 5, tzinfo=UTC)


def september(as_of: datetime) -> dict[str, store.PeriodEntry]:
    """September as it was published as of an instant: through the day before, or as final."""
    through = min(as_of.date() - timedelta(days=1), date(2026, 9, 30))
    kind = Kind.FINAL if as_of >= FINAL_OF_SEPTEMBER else Kind.MONTH_TO_DATE
    ids = ["2026-09", *days("2026-09-01", through.isoformat())]
    told = f"{as_of:%m-%d}"
    return {i: replace(entry(i), kind=kind, data_through=through, as_of=as_of, fingerprint=f"{i}@{told}") for i in ids}


def test_an_input_published_as_of_a_later_instant_is_read_as_it_was_known_then() -> None:
    """The fortnight to 27 September, told as of the 28th and run after September was final as of 5 October."""
    early, late = september(SO_FAR_OF_SEPTEMBER), september(FINAL_OF_SEPTEMBER)
    there = warehouse(early, {**early, **late})
    for as_of, kind, through in (
        (SO_FAR_OF_SEPTEMBER + timedelta(hours=2), Kind.MONTH_TO_DATE, date(2026, 9, 27)),
        (FINAL_OF_SEPTEMBER + timedelta(hours=2), Kind.FINAL, date(2026, 9, 30)),
    ):
        window = periods.window("2026-09-14", as_of, None, ledger_absent=True, grain=Grain.FORTNIGHT)
        pins = [inputs.pin_upstream(there, PROJECT, table, window, READER) for table in ("units", "investors")]
        assert {one.kind for pin in pins for one in pin.entries.values()} == {kind}
        refs = [pin.ref() for pin in pins]
        assert {ref.kind for ref in refs} == {kind}
        assert [ref.data_through for ref in refs] == [date(2026, 9, 27), through]
        assert {ref.as_of for ref in refs} == {as_of - timedelta(hours=2)}
        assert [inputs.still_current(there, pin, as_of) for pin in pins] == [[], []]


def test_a_run_as_of_before_its_inputs_were_known_is_refused_with_the_instant_they_were() -> None:
    there = warehouse(september(FINAL_OF_SEPTEMBER))
    as_of = SO_FAR_OF_SEPTEMBER
    window = periods.window("2026-09-14", as_of, None, ledger_absent=True, grain=Grain.FORTNIGHT)
    with pytest.raises(inputs.UpstreamError) as refused:
        inputs.pin_upstream(there, PROJECT, "units", window, READER)
    assert str(refused.value) == (
        "the upstream units has published 2026-09-14 to 2026-09-27 (14 days) only as of 2026-10-05T05:00:00Z, which "
        "was not known at 2026-09-28T05:00:00Z; run this as of then or later: --as-of 2026-10-05T05:00:00Z"
    )


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


def test_a_check_of_an_absent_column_says_that_it_is_declared_absent() -> None:
    frame: Any = None
    given = inputs.dataset_of(SourceFrame(name="usage", frame=frame, absent_columns={"user_id": "not recorded"}))
    assert given.absent_columns == {"user_id": "user_id of usage is declared absent: not recorded"}
    assert result("c", Outcome.NOT_RUN, reason=given.absent_columns["user_id"]).nothing_to_judge
