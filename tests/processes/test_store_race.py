"""Real processes that publish at the same moment: one winner per period, no lost update, contiguous versions."""

from __future__ import annotations

import os
from collections.abc import Sequence
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from store_support import commit, read, read_view, seal

from dq.base.errors import ConflictError
from dq.store import Warehouse

WRITERS = 2
ROUNDS = 25
SECONDS = 120.0


def _write(root: Path, writer: int, plan: Sequence[tuple[str, str, int]], start: Barrier, name: str) -> list[str]:
    """Publish one planned (period, run key, amount) per round, all writers of a round let loose together."""
    os.fsync = lambda _: None  # only this child's, and no disk is unplugged here
    table = Warehouse(root).table("t")
    outcomes = []
    for n, (period, key, amount) in enumerate(plan):
        manifest = seal(table, f"{name}-{writer}-{n}", {period: [amount]}, key)
        start.wait(SECONDS)
        try:
            outcomes.append(f"version {commit(table, manifest, {period: None}).version}")
        except ConflictError:
            outcomes.append("conflict")
        start.wait(SECONDS)
    return outcomes


def _child(connection, *arguments) -> None:  # type: ignore[no-untyped-def]
    try:
        connection.send(_write(*arguments))
    except BaseException as error:  # the parent tells what the child died of
        connection.send(repr(error))
        raise


def _race(root: Path, plans: Sequence[Sequence[tuple[str, str, int]]]) -> list[list[str]]:
    context = get_context("spawn")
    start = context.Barrier(len(plans))
    children = []
    for writer, plan in enumerate(plans):
        ours, theirs = context.Pipe()
        child = context.Process(target=_child, args=(theirs, root, writer, plan, start, "run"))
        child.start()
        children.append((child, ours))
    found = []
    for child, ours in children:
        assert ours.poll(SECONDS), "a writer hangs"
        found.append(ours.recv())
        child.join(SECONDS)
        assert child.exitcode == 0, found[-1]
    return found


def _period(n: int) -> str:
    return f"{2000 + n // 12}-{n % 12 + 1:02d}"


@pytest.mark.timeout(240)
def test_of_two_runs_for_the_same_period_one_wins_and_the_other_is_told(tmp_path: Path) -> None:
    plans = [[(_period(n), f"key-{writer}", 100 * writer + n) for n in range(ROUNDS)] for writer in range(WRITERS)]
    outcomes = _race(tmp_path, plans)
    table = Warehouse(tmp_path).table("t")
    published = read(table)
    for n in range(ROUNDS):
        seen = [outcomes[writer][n] for writer in range(WRITERS)]
        assert sorted(one == "conflict" for one in seen) == [False, True], (n, seen)
        winner = next(writer for writer in range(WRITERS) if seen[writer] != "conflict")
        assert published[_period(n)] == [100 * winner + n]
    assert [one.version for one in table.log()] == list(range(1, ROUNDS + 1))
    assert read_view(table, tmp_path) == published


@pytest.mark.timeout(240)
def test_of_two_runs_with_the_same_key_one_publishes_and_the_other_gets_its_version(tmp_path: Path) -> None:
    plans = [[(_period(n), f"key-{n}", n) for n in range(ROUNDS)] for _ in range(WRITERS)]
    first, second = _race(tmp_path, plans)
    assert first == second == [f"version {n + 1}" for n in range(ROUNDS)]
    assert len(Warehouse(tmp_path).table("t").log()) == ROUNDS


@pytest.mark.timeout(240)
def test_of_two_runs_for_different_periods_both_are_published_and_none_is_lost(tmp_path: Path) -> None:
    plans = [
        [(_period(WRITERS * n + writer), f"key-{writer}-{n}", WRITERS * n + writer) for n in range(ROUNDS)]
        for writer in range(WRITERS)
    ]
    outcomes = _race(tmp_path, plans)
    assert not any(one == "conflict" for writer in outcomes for one in writer)
    table = Warehouse(tmp_path).table("t")
    log = table.log()
    assert [one.version for one in log] == list(range(1, WRITERS * ROUNDS + 1))
    assert [one.parent for one in log] == [None, *range(1, WRITERS * ROUNDS)]
    assert read(table) == {_period(n): [n] for n in range(WRITERS * ROUNDS)} == read_view(table, tmp_path)
