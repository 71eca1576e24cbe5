"""Answers of a pre-validation."""

from __future__ import annotations

from datetime import UTC, date, datetime

from dq.month.prevalidation import AnswerState, Light, Prevalidation, Readiness

DUE = date(2026, 11, 25)


def line(pipeline: str = "investor_profit", state: AnswerState = AnswerState.READY, **controls: Light) -> Readiness:
    return Readiness(pipeline=pipeline, state=state, periods=["2026-11"], controls=controls)


def answer(day: int, *lines: Readiness, hour: int = 12) -> Prevalidation:
    return Prevalidation(
        month="2026-11",
        as_of=datetime(2026, 11, day, hour, tzinfo=UTC),
        given=datetime(2026, 11, day, hour, 5, tzinfo=UTC),
        today=date(2026, 11, day),
        due=DUE,
        pipelines=lines or (line(a=Light.GREEN),),
    )
