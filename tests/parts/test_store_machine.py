"""Any order of publishing, withdrawing, failing, collecting and reading agrees with a dictionary."""

from __future__ import annotations

import shutil
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from store_support import NOW, CrashError, commit, faulty, publish, read, read_view, seal

from dq.base.errors import ConflictError, StoreError
from dq.store import Manifest, Warehouse

PERIODS = st.sampled_from(["2026-09", "2026-10", "2026-11"])
FAULTS = st.sampled_from(["crash_before", "crash_after", "transient", "persistent", "lost_answer", "torn", "full"])


class StoreMachine(RuleBasedStateMachine):
    """The store beside a model: period -> stack of (run key, amount), and every version's whole content."""

    def __init__(self) -> None:
        super().__init__()
        self.root = Path(tempfile.mkdtemp(prefix="store-machine-"))
        self.table = Warehouse(self.root).table("t")
        self.runs = 0
        self.model: dict[str, list[tuple[str, int]]] = {}
        self.withdrawn: set[tuple[str, str]] = set()
        self.versions: dict[int, dict[str, list[int | None]]] = {}
        self.waiting: list[tuple[Manifest, dict[str, int | None], dict[str, int]]] = []

    def teardown(self) -> None:
        shutil.rmtree(self.root)

    def run_id(self) -> str:
        self.runs += 1
        return f"run-{self.runs}"

    def base(self, periods: list[str]) -> dict[str, int | None]:
        entries = {period: self.table.entry(period) for period in periods}
        return {period: entry.version if entry else None for period, entry in entries.items()}

    def visible(self) -> dict[str, list[int | None]]:
        return {period: [stack[-1][1]] for period, stack in self.model.items() if stack}

    def settle(self, key: str, amounts: dict[str, int], *, before: int) -> None:
        """Note in the model that a run was published, if the log says so."""
        if len(self.table.log()) > before:
            for period, amount in amounts.items():
                self.model.setdefault(period, []).append((key, amount))
            self.note()

    def note(self) -> None:
        current = self.table.current()
        assert current is not None
        self.versions[current.version] = self.visible()

    @initialize()
    def first(self) -> None:
        self.submit({"2026-10": 0})

    @rule(amounts=st.dictionaries(PERIODS, st.integers(0, 9), min_size=1))
    def submit(self, amounts: dict[str, int]) -> None:
        run = self.run_id()
        before = len(self.table.log())
        publish(self.table, run, {period: [amount] for period, amount in amounts.items()})
        assert len(self.table.log()) == before + 1
        self.settle(f"key-{run}", amounts, before=before)

    @rule(period=PERIODS)
    def submit_the_published_key_again(self, period: str) -> None:
        entry = self.table.entry(period)
        if entry is None:
            return
        log = self.table.log()
        done = publish(self.table, self.run_id(), {period: [77]}, entry.fingerprint)
        assert done.version == entry.version
        assert self.table.log() == log

    @rule(period=PERIODS)
    def submit_a_withdrawn_key_again(self, period: str) -> None:
        keys = [key for one, key in self.withdrawn if one == period]
        if keys:
            with pytest.raises(ConflictError, match="withdrawn"):
                publish(self.table, self.run_id(), {period: [77]}, sorted(keys)[0])

    @rule(amounts=st.dictionaries(PERIODS, st.integers(10, 19), min_size=1))
    def seal_and_wait(self, amounts: dict[str, int]) -> None:
        manifest = seal(self.table, self.run_id(), {period: [amount] for period, amount in amounts.items()})
        self.waiting.append((manifest, self.base(list(amounts)), amounts))

    @rule()
    def wake_the_oldest(self) -> None:
        if not self.waiting:
            return
        manifest, expected, amounts = self.waiting.pop(0)
        before = len(self.table.log())
        if self.base(list(amounts)) == expected:
            commit(self.table, manifest, expected)
            self.settle(manifest.fingerprint, amounts, before=before)
        else:
            with pytest.raises(ConflictError):
                commit(self.table, manifest, expected)

    @rule(period=PERIODS, amount=st.integers(20, 29), fault=FAULTS, at=st.integers(1, 14))
    def fail_and_run_again(self, period: str, amount: int, fault: str, at: int) -> None:
        before, seen = len(self.table.log()), self.visible()
        key = f"key-fault-{self.runs}"
        warehouse, _ = faulty(self.root, fault, at)
        try:
            publish(warehouse.table("t"), self.run_id(), {period: [amount]}, key)
        except (CrashError, StoreError):
            self.give_up_what_was_never_whole()
            assert read(self.table) in (seen, {**seen, period: [amount]})
        publish(self.table, self.run_id(), {period: [amount]}, key)
        self.settle(key, {period: amount}, before=before)
        assert len(self.table.log()) == before + 1, "failed and run again is published once"

    def give_up_what_was_never_whole(self) -> None:
        """Remove, as a person would, a newest commit of which a broken disk kept half: all stop at it."""
        try:
            self.table.current()
        except StoreError:
            sorted((self.root / "t" / "_delta_log").glob("0*.json"))[-1].unlink()

    @rule(period=PERIODS)
    def withdraw(self, period: str) -> None:
        if not self.model.get(period):
            with pytest.raises(StoreError, match=r"not published|nothing is published"):
                self.table.withdraw(period, by="Laura", reason="wrong", now=NOW)
            return
        self.table.withdraw(period, by="Laura", reason="wrong", now=NOW)
        key, _ = self.model[period].pop()
        self.withdrawn.add((period, key))
        self.note()

    @rule(kept=st.booleans())
    def collect(self, kept: bool) -> None:
        keep = {manifest.run for manifest, _, _ in self.waiting} if kept else set()
        self.table.gc(datetime.now(NOW.tzinfo) + timedelta(days=9), timedelta(days=1), keep)
        if not kept:
            self.waiting.clear()

    @invariant()
    def readers_see_the_model(self) -> None:
        assert read(self.table) == self.visible()
        assert read_view(self.table, self.root) == self.visible()

    @invariant()
    def every_version_is_still_what_it_was(self) -> None:
        log = [one.version for one in self.table.log()]
        assert log == sorted(self.versions)
        for version in log[-3:] + log[:1]:
            assert read(self.table, version) == self.versions[version]


TestStoreMachine = StoreMachine.TestCase
TestStoreMachine.settings = settings(
    max_examples=15, stateful_step_count=15, deadline=None, suppress_health_check=list(HealthCheck)
)


@pytest.fixture(autouse=True, scope="module")
def _quick_disk() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("os.fsync", lambda _: None)
        yield
