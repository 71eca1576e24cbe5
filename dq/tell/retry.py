"""When a message is tried again: back-off with jitter, and what a server asked for, within bounds."""

from __future__ import annotations

import random
import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

FIRST = timedelta(seconds=1)
LONGEST = timedelta(minutes=15)
LONGEST_ASKED = timedelta(days=1)
_NUMBER = re.compile(r"\d{1,300}(\.\d{0,12})?")


def backoff(attempt: int, jitter: float | None = None) -> timedelta:
    """How long to wait after the Nth attempt failed (N from 1): doubling, bounded, half of it by chance.

    ``jitter`` between 0 and 1 stands for the chance.
    """
    whole: timedelta = min(FIRST * 2 ** min(attempt - 1, 20), LONGEST)
    chance = random.random() if jitter is None else jitter  # noqa: S311 - spreads load, keeps no secret
    return whole * (0.5 + chance / 2)


def asked(retry_after: str | None, now: datetime) -> timedelta | None:
    """How long a Retry-After header asks to wait: seconds, also fractional, or an HTTP date; None for anything else.

    At least nothing and at most a day: a server can neither hurry anybody nor silence them for good.
    """
    text = (retry_after or "").strip()
    numbers = [one.strip() for one in text.split(",")]  # a header that was sent twice is one with a comma
    if all(_NUMBER.fullmatch(one) for one in numbers):
        wait = timedelta(seconds=min(max(map(float, numbers)), LONGEST_ASKED.total_seconds()))
    else:
        try:
            moment = parsedate_to_datetime(text[:64])
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        wait = moment - now
    return min(max(wait, timedelta()), LONGEST_ASKED)


def wait(attempt: int, retry_after: str | None, now: datetime) -> tuple[timedelta, str]:
    """How long to wait after a failed attempt: the longer of our own back-off and what the server asked for.

    With it, in words, until when the server asked to wait where that is the longer.
    """
    own, wanted = backoff(attempt), asked(retry_after, now) or timedelta()
    if wanted <= own:
        return own, ""
    until = f"{now + wanted:%Y-%m-%d %H:%M} UTC"
    return (
        wanted,
        f"asked to wait until {until}" if wanted < LONGEST_ASKED else f"asked to wait, for a day at most: {until}",
    )
