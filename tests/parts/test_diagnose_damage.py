"""Event logs with damage of any kind at any place: judged as far as they go, and never a traceback."""

from __future__ import annotations

import json
import math
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import event_logs as logs
import pytest

from dq.base.errors import DqError
from dq.diagnose import diagnose, document, text


@pytest.mark.parametrize("codec", logs.PACKED)
def test_a_log_cut_anywhere_is_judged_as_far_as_it_goes(codec: str, tmp_path: Path) -> None:
    source = random.Random(5)  # noqa: S311 - not a secret
    noise = [logs.task(0, index=source.randrange(1 << 30), seconds=source.random() * 9) for _ in range(2000)]
    whole = logs.PACKED[codec](logs.text([*logs.death()[:-1], *noise, logs.end()]))
    for share in (0.4, 0.8, 0.99):
        path = tmp_path / f"app-1.{codec}" if codec else tmp_path / "app-1"
        path.write_bytes(whole[: int(len(whole) * share)])
        found = diagnose(path)
        assert found.facts.ended is None
        assert found.facts.damaged == 0
        assert [cause.cause for cause in found.causes] == ["executor_heap"]
        assert "the log has no end" in found.ending
        assert abs(found.facts.tasks / 2001 - share) < 0.15


@pytest.mark.parametrize("codec", logs.PACKED)
def test_a_byte_that_was_changed_never_ends_in_a_traceback(codec: str, tmp_path: Path) -> None:
    whole = logs.PACKED[codec](logs.text(logs.death()))
    path = tmp_path / (f"app-1.{codec}" if codec else "app-1")
    for at in range(0, len(whole), max(1, len(whole) // 60)):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        with suppress(DqError):
            diagnose(path)


VALUES = (
    None,
    "",
    -1,
    1.5,
    "abc",
    [],
    {},
    True,
    10**30,
    10**400,
    math.inf,
    math.nan,
    -(10**18),
    "auto",
    "9" * 30,
    [[]],
)


def places(value: object, place: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where something stands in a document, from the outside in."""
    inner = value.items() if isinstance(value, dict) else enumerate(value[:5]) if isinstance(value, list) else ()
    for key, one in inner:
        yield (*place, key)
        yield from places(one, (*place, key))


@pytest.mark.parametrize("seed", range(8))
def test_a_value_of_any_kind_anywhere_never_ends_a_diagnosis(
    seed: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = random.Random(seed)  # noqa: S311 - not a secret
    texts = ["Command exited with code 52", "No space left on device", "exit code 137", "Metaspace OutOfMemoryError"]
    for number in range(60):
        whys = [logs.raised("java.lang.OutOfMemoryError", "Java heap space"), logs.lost("1", source.choice(texts))]
        ran = [logs.task(0, index=n, rows=n * 999, read=n << 27, why=source.choice([None, *whys])) for n in range(9)]
        begun = [logs.plan(3, (7, "hashpartitioning(account_id#12, 200)")), logs.job(0, [0], execution=3)]
        ended = [
            logs.stage(0, 9, done=True, error="x"),
            logs.job_end(0, logs.FAILED),
            logs.query_end(3, "x"),
            logs.end(),
        ]
        started = logs.start(sql__shuffle__partitions="9", executor__cores="4")
        events = json.loads(json.dumps([*started, *begun, logs.stage(0, 9), *ran, logs.removed("1", "x"), *ended]))
        for _ in range(source.choice((1, 1, 2, 4))):
            event = source.choice(events[1:])
            *outer, last = source.choice([place for place in places(event) if place != ("Event",)])
            for key in outer:
                event = event[key]
            event[last] = source.choice(VALUES)
        path = tmp_path / f"app-{number}"
        path.write_bytes(logs.text(events))
        found = diagnose(path)
        assert text(found, {})
        json.dumps(document(found, {}))
