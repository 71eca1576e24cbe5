"""What a day must hold and how long a feed may be silent, judged on plain counts: no JVM."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, cast

import pytest

from dq.base.errors import EvaluationError
from dq.base.model import Check, Json, Kind, Window
from dq.checks.custom_check import Request
from dq.checks.types.expect_days_to_be_complete import _wanted
from dq.checks.types.expect_feeds_to_be_present import _MOST_DAYS, _rhythm, _spans
from dq.engine.dataset import Context, Dataset
from dq.engine.gather import Gather

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

FIRST = date(2026, 10, 1)


def window(through: int = 31, month: date = FIRST) -> Window:
    as_of = datetime(2026, 11, 4, 6, tzinfo=UTC)
    return Window(
        period=f"{month:%Y-%m}",
        start=month,
        end=date(2026, 10, 31),
        data_through=month.replace(day=through),
        as_of=as_of,
        kind=Kind.MONTH_TO_DATE,
    )


def request(context: Context, **kwargs: Json) -> Request:
    check = Check(check="it", dataset="figures", type="of_days", kwargs=kwargs)
    dataset = Dataset(name="figures", frame=cast("DataFrame", None))
    return Request(check=check, kwargs=kwargs, dataset=dataset, context=context, gather=Gather())


def least(counts: dict[int, int], day: int, *, past: list[int] | None = None, **kwargs: Json) -> tuple[int, str, Json]:
    """What a day of October must hold by the rows of others, in words, and the metric kept; days are numbered."""
    history = [Decimal(n) for n in past or []]
    asked = request(Context(window=window(), history=lambda _: history), **{"min_share": 0.5, **kwargs})
    by_day = {FIRST + timedelta(days=n - 1): rows for n, rows in counts.items()}
    wanted, measures = _wanted(asked, by_day, [FIRST + timedelta(days=day - 1)])
    (found,) = wanted.values()
    return found.rows, str(found), measures.get("metric")


def test_a_day_must_hold_a_share_of_the_four_weeks_before_it():
    counts = {day: 1_000 if day < 20 else 10 for day in range(1, 32)}
    assert least(counts, 15) == (500, "at least 500, usually 1,000 (median of 14 days)", "1000")


def test_early_in_a_period_the_days_after_it_say_what_is_usual():
    counts = {1: 1_001, 2: 1_001, 3: 1, **dict.fromkeys(range(4, 11), 1_001)}
    # Half of 1,001 is 500.5, which 500 rows do not reach.
    assert least(counts, 3) == (501, "at least 501, usually 1,001 (median of 9 days)", "1001")


def test_of_a_young_period_what_is_usual_is_what_published_periods_recorded():
    assert least({1: 900, 2: 1}, 2, past=[800, 1_000]) == (
        450,
        "at least 450, usually 900 (median of published periods)",
        None,
    )
    assert least({1: 900, 2: 1}, 2) == (1, "at least 1", None)


def test_a_share_of_few_rows_asks_for_no_less_than_the_least():
    assert least(dict.fromkeys(range(1, 32), 4), 20, min_share=0.2, min_rows=2) == (2, "at least 2", "4")


def test_without_a_share_a_day_must_hold_the_least_and_nothing_is_kept():
    assert least(dict.fromkeys(range(1, 32), 900), 20, min_share=None) == (1, "at least 1", None)


def silences(
    reported: set[int], *, every: int, from_day: int = 1, through: int = 31, grace: int = 0, **more: date
) -> str:
    """The silences of a feed that reported on those days of October, as they are told."""
    asked = request(Context(window=window(through), **more), day="day", grace_days=grace)  # type: ignore[arg-type]
    rhythm = _rhythm({"provider": "adnet", "from_day": from_day, "every_days": every}, asked)
    assert rhythm is not None
    return _spans(rhythm.silences(sum(1 << (through - day) for day in reported if day <= through)), rhythm.through)


ALL = set(range(1, 32))
TUESDAYS = {6, 13, 20, 27}
WEEKLY = {3, 10, 17, 24}


@pytest.mark.parametrize("through", range(1, 32))
def test_a_feed_that_keeps_its_rhythm_is_silent_at_no_day_of_a_month(through: int):
    assert silences(ALL, every=1, through=through) == ""
    if through >= 7:
        assert silences(TUESDAYS, every=7, from_day=7, through=through) == ""
    if through >= 3:
        assert silences(WEEKLY, every=8, from_day=3, through=through) == ""


@pytest.mark.parametrize(
    ("reported", "every", "told"),
    [
        ({1, 2}, 1, "since 2026-10-03"),
        (ALL - {31}, 1, "since 2026-10-31"),
        (ALL - {10, 11, 12}, 1, "from 2026-10-10 to 2026-10-12"),
        (ALL - {1, 2, 30, 31}, 1, "from 2026-10-01 to 2026-10-02 and since 2026-10-30"),
        (ALL - {1, 4, 7, 9, 31}, 1, "on 2026-10-01 and on 2026-10-04 and on 2026-10-07 and 2 more times"),
        ({6, 13}, 7, "since 2026-10-14"),
        ({6, 27}, 7, "from 2026-10-07 to 2026-10-26"),
    ],
)
def test_a_silence_is_told_with_its_days(reported: set[int], every: int, told: str):
    assert silences(reported, every=every) == told


def test_a_day_of_grace_makes_an_alarm_of_what_warned_a_day_before():
    assert [silences(ALL - {31}, every=1, grace=grace) for grace in (0, 1)] == ["since 2026-10-31", ""]
    assert [silences(ALL - {30, 31}, every=1, grace=grace) for grace in (1, 2)] == ["since 2026-10-30", ""]


def test_before_its_first_day_a_feed_may_be_silent():
    assert silences({15, 16}, every=1, from_day=15, through=16) == ""
    assert silences({16}, every=1, from_day=15, through=16) == "on 2026-10-15"


def test_days_before_the_first_that_is_expected_are_no_silence():
    late = {"days_from": date(2026, 10, 5)}
    assert silences({5, 6}, every=1, through=6, **late) == ""
    assert silences({1, 2}, every=1, through=6, **late) == "since 2026-10-05"


def test_the_longest_silence_that_may_be_declared_has_a_bit_for_each_of_its_days():
    asked = request(Context(window=window(31), days_from=date(2026, 1, 1)), day="day")
    rhythm = _rhythm({"every_days": 31}, asked)
    assert rhythm is not None
    assert (rhythm.through - rhythm.first).days == 60 < _MOST_DAYS


def test_a_feed_without_a_rhythm_is_judged_by_its_presence_alone():
    assert _rhythm({"provider": "payroll_office", "from_day": 15}, request(Context(window=window()))) is None


def test_a_rhythm_without_a_day_cannot_be_judged():
    with pytest.raises(EvaluationError, match="not by which day"):
        _rhythm({"provider": "adnet", "every_days": 1}, request(Context(window=window())))
