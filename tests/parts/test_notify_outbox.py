"""The outbox keeps every message through a crash at any step, sends it at least once, and never twice on purpose."""

from __future__ import annotations

import json
import threading
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from crash_support import Crash, Dies
from message_support import told
from notify_support import BROKEN, Clock, Post, at, every_contact, failed, house, ran
from run_records import result
from store_support import quick_disk

from dq.base.errors import StoreError
from dq.store import Warehouse
from dq.store.filesystem import PosixFilesystem
from dq.tell import delivery, expired, incidents
from dq.tell.known import read
from dq.tell.message import Message
from dq.tell.outbox import Delivery, Outbox
from dq.tell.recipients import House
from dq.tell.senders import Sent

__all__ = ["quick_disk"]
pytestmark = pytest.mark.usefixtures("quick_disk")
NOON = at("2026-11-10 17:00")  # a Tuesday in working hours
DANNY, LAURA = "danny-pager", "laura-pager"
DOWN = Sent(outcome=Delivery.FAILED, reason="https://x could not be reached (connection refused)")


def one_pager() -> House:
    return house(targets={DANNY: {"kind": "slack"}})


def pass_by(warehouse: Warehouse, people: House, post: Any, clock: Clock, seconds: float = 1) -> delivery.Told:
    keep(warehouse, people, clock())
    return send(warehouse, people, post, clock, seconds)


def keep(warehouse: Warehouse, people: House, when: datetime) -> None:
    delivery.keep_messages(warehouse, read(warehouse, when), people)


def send(
    warehouse: Warehouse, people: House, post: Any, clock: Clock, seconds: float = 1, *, again: bool = False
) -> delivery.Told:
    known = read(warehouse, clock())
    return delivery.send_due(
        warehouse, known, people, seconds=seconds, send=post, now=clock, sleep=clock.sleep, again=again
    )


# -- a crash at every step ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("before", [True, False], ids=["before the write", "after the write"])
def test_a_crash_at_any_step_loses_no_message_and_repeats_only_the_one_in_flight(tmp_path: Path, before: bool) -> None:
    """Sweep: die at the first write, the second and so on, until a run gets through without dying."""
    known = house(targets={DANNY: {"kind": "slack"}, "anna-pager": {"kind": "slack"}})
    for step in range(1, 100):
        root = tmp_path / f"{step}"
        clock, post = Clock(NOON), Post()
        dying = Warehouse(root, filesystem=Dies(root, step, before=before))
        died = False
        try:
            incidents.note(dying, ran("2026-11-10 16:00", failed()))
            pass_by(dying, known, post, clock)
        except Crash:
            died = True
        clock.now += timedelta(minutes=6)  # longer than an attempt is believed to be under way
        again = Warehouse(root)
        incidents.note(again, ran("2026-11-10 16:00", failed()))  # the next run sees the same
        after = pass_by(again, known, post, clock)
        taken = [(message.contact, message.id) for _, message in post.taken]
        assert {contact for contact, _ in taken} == {DANNY, "anna-pager"}, f"step {step}: nothing is lost"
        assert len(set(taken)) == 2, f"step {step}: a message sent again is the same message"
        assert len(taken) <= 3, f"step {step}: only what was in flight is sent again"
        assert (after.undelivered, after.waiting) == ([], [])
        assert pass_by(again, known, post, clock).sent == 0
        if not died:
            assert step > 6
            return
    pytest.fail("the sweep did not end")


def test_dying_between_sending_and_marking_sends_again_under_the_same_key(tmp_path: Path) -> None:
    warehouse, clock, post = Warehouse(tmp_path), Clock(NOON), Post()
    incidents.note(warehouse, ran("2026-11-10 16:00", failed()))

    def dies(message: Message, now: datetime) -> Sent:
        post(message, now)
        raise Crash

    with pytest.raises(Crash):
        pass_by(warehouse, one_pager(), dies, clock)
    assert pass_by(warehouse, one_pager(), post, clock).sent == 0, "it may still be under way"
    clock.now += timedelta(minutes=5)
    assert pass_by(warehouse, one_pager(), post, clock).sent == 1
    assert len({(message.id, message.dedup) for _, message in post.taken}) == 1
    assert len(post.taken) == 2


def test_storage_that_refuses_is_an_error_of_telling_and_nothing_is_half_kept(tmp_path: Path) -> None:
    class Full(PosixFilesystem):
        def put_if_absent(self, key: str, content: bytes) -> bool:
            if "outbox" in key:
                raise StoreError("no space left")
            return super().put_if_absent(key, content)

    warehouse = Warehouse(tmp_path, filesystem=Full(tmp_path))
    incidents.note(warehouse, ran("2026-11-10 16:00", failed()))
    with pytest.raises(StoreError):
        keep(warehouse, one_pager(), NOON)
    assert Outbox(Warehouse(tmp_path)).entries() == []
    keep(Warehouse(tmp_path), one_pager(), NOON)
    assert len(Outbox(Warehouse(tmp_path)).entries()) == 1


def test_a_torn_message_is_set_aside_and_made_anew(tmp_path: Path) -> None:
    warehouse, clock, post = Warehouse(tmp_path), Clock(NOON), Post()
    incidents.note(warehouse, ran("2026-11-10 16:00", failed()))
    keep(warehouse, one_pager(), NOON)
    (file,) = (tmp_path / "_dq" / "outbox").glob("*.json")
    file.write_bytes(file.read_bytes()[:100])
    assert pass_by(warehouse, one_pager(), post, clock).sent == 1


def test_a_torn_attempt_stops_no_message(tmp_path: Path) -> None:
    warehouse, clock = Warehouse(tmp_path), Clock(NOON)
    incidents.note(warehouse, ran("2026-11-10 16:00", failed()))
    pass_by(warehouse, one_pager(), Post(answers=[DOWN] * 9), clock, seconds=5)
    first, *_, last = sorted((tmp_path / "_dq" / "attempts").glob("*.json"), key=lambda file: file.name)
    assert first != last
    first.write_bytes(first.read_bytes()[:50])
    clock.now += timedelta(minutes=30)
    assert pass_by(warehouse, one_pager(), Post(), clock).sent == 1


# -- trying again ------------------------------------------------------------------------------------------------------


def test_a_target_that_is_down_is_tried_again_within_the_budget_and_then_left(tmp_path: Path) -> None:
    warehouse, clock = Warehouse(tmp_path), Clock(NOON)
    incidents.note(warehouse, ran("2026-11-10 16:00", failed()))
    post = Post(answers=[DOWN] * 100)
    after = pass_by(warehouse, one_pager(), post, clock, seconds=20)
    assert timedelta(seconds=7) < clock.now - NOON <= timedelta(seconds=21)
    assert after.undelivered == [f"{DANNY}: {DOWN.reason}"]
    (entry,) = Outbox(warehouse).entries()
    assert 5 <= len(entry.attempts) <= 7, "1, 2, 4, 8 seconds apart, half of it by chance"
    due = entry.due()
    assert due is not None
    post.answers.clear()
    clock.now = max(clock.now, due)
    assert pass_by(warehouse, one_pager(), post, clock).sent == 1


def test_what_a_server_asked_for_is_waited_for_even_by_another_process(tmp_path: Path) -> None:
    warehouse, clock = Warehouse(tmp_path), Clock(NOON)
    incidents.note(warehouse, ran("2026-11-10 16:00", failed()))
    post = Post(answers=[Sent(outcome=Delivery.FAILED, reason="429", retry_after="600")])
    assert pass_by(warehouse, one_pager(), post, clock, seconds=30).undelivered
    clock.now = NOON + timedelta(seconds=599)
    assert pass_by(Warehouse(tmp_path), one_pager(), post, clock).sent == 0
    clock.now = NOON + timedelta(seconds=600)
    assert pass_by(Warehouse(tmp_path), one_pager(), post, clock).sent == 1


@pytest.mark.parametrize(
    ("header", "hours", "said"),
    [
        ("28800", 8, "429 and asked to wait until 2026-11-11 01:00 UTC"),
        ("Wed, 11 Nov 2026 05:00:00 GMT", 12, "429 and asked to wait until 2026-11-11 05:00 UTC"),
        ("999999999", 24, "429 and asked to wait, for a day at most: 2026-11-11 17:00 UTC"),
    ],
)
def test_a_long_wait_is_honoured_and_said_and_an_absurd_one_silences_nobody(
    tmp_path: Path, header: str, hours: int, said: str
) -> None:
    warehouse, clock = Warehouse(tmp_path), Clock(NOON)
    incidents.note(warehouse, ran("2026-11-10 16:00", failed()))
    busy = Sent(outcome=Delivery.FAILED, reason="429", retry_after=header)
    assert pass_by(warehouse, one_pager(), Post(answers=[busy]), clock, seconds=30).undelivered == [f"{DANNY}: {said}"]
    box = Outbox(warehouse)
    clock.now = NOON + timedelta(hours=hours) - timedelta(minutes=1)
    early, on_time = Post(), Post()
    assert send(warehouse, one_pager(), early, clock, 1).sent == 0
    assert delivery.pending(read(warehouse, clock())).undelivered == [f"{DANNY}: {said}"]
    (entry,) = box.entries()
    assert entry.due() == NOON + timedelta(hours=hours)
    clock.now = NOON + timedelta(hours=hours)
    assert send(warehouse, one_pager(), on_time, clock, 1).sent == 1
    assert (early.taken, len(on_time.taken)) == ([], 1)


def test_somebody_who_asks_again_need_not_wait_as_the_target_asked(tmp_path: Path) -> None:
    warehouse, clock = Warehouse(tmp_path), Clock(NOON)
    incidents.note(warehouse, ran("2026-11-10 16:00", failed()))
    busy = Sent(outcome=Delivery.FAILED, reason="429", retry_after="86400")
    pass_by(warehouse, one_pager(), Post(answers=[busy]), clock)
    again = send(warehouse, one_pager(), Post(), clock, 1, again=True)
    assert (again.sent, again.undelivered) == (1, [])


def test_what_was_refused_for_good_is_undelivered_until_somebody_asks_again(tmp_path: Path) -> None:
    warehouse, clock = Warehouse(tmp_path), Clock(NOON)
    incidents.note(warehouse, ran("2026-11-10 16:00", failed()))
    post = Post(answers=[Sent(outcome=Delivery.REFUSED, reason="the target refused it (403)")])
    assert pass_by(warehouse, one_pager(), post, clock).undelivered == [f"{DANNY}: the target refused it (403)"]
    clock.now += timedelta(hours=2)
    assert pass_by(warehouse, one_pager(), post, clock).undelivered == [f"{DANNY}: the target refused it (403)"]
    assert post.taken == []
    again = send(warehouse, one_pager(), post, clock, 1, again=True)
    assert (again.sent, again.undelivered) == (1, [])


def test_one_target_that_is_down_keeps_nobody_else_waiting(tmp_path: Path) -> None:
    warehouse, clock, taken = Warehouse(tmp_path), Clock(NOON), Post()
    incidents.note(warehouse, ran("2026-11-10 16:00", failed()))

    def post(message: Message, now: datetime) -> Sent:
        if message.contact == "anna-pager":
            clock.sleep(10)
            return DOWN
        return taken(message, now)

    after = pass_by(warehouse, house(), post, clock, seconds=15)
    assert sorted(message.contact for _, message in taken.taken) == [DANNY, "data-engineering-channel"]
    assert after.undelivered == [f"anna-pager: {DOWN.reason}"]


PAGERS = {name: {"kind": "pagerduty"} for name in every_contact() if name.endswith("-pager")}


def kept(warehouse: Warehouse, contacts: list[str]) -> None:
    for number, contact in enumerate(contacts):
        Outbox(warehouse).put(told(contact=contact, dedup=f"dq/{number}", made=NOON, not_before=NOON))


def test_what_one_message_was_asked_to_wait_every_message_to_that_target_waits(tmp_path: Path) -> None:
    warehouse, clock, known = Warehouse(tmp_path), Clock(NOON), house(targets=PAGERS)
    kept(warehouse, [*PAGERS] * 5)
    asked: list[datetime] = []

    def post(message: Message, now: datetime) -> Sent:
        asked.append(now)
        return Sent(outcome=Delivery.FAILED, reason="429", retry_after="120")

    def sent(seconds: float, by: Any = post) -> int:
        return send(Warehouse(tmp_path), known, by, clock, seconds).sent

    sent(30)
    sent(30)
    assert asked == [NOON], "all pagers are one target, which asked everybody to wait"
    clock.now = NOON + timedelta(seconds=119)
    sent(0.5)
    assert len(asked) == 1
    clock.now = NOON + timedelta(seconds=120)
    assert sent(1, Post()) == len(PAGERS) * 5


def test_a_target_that_is_down_is_tried_ever_less_by_however_many_messages(tmp_path: Path) -> None:
    warehouse, clock = Warehouse(tmp_path), Clock(NOON)
    kept(warehouse, [*PAGERS] * 10)
    asked: list[datetime] = []

    def post(message: Message, now: datetime) -> Sent:
        asked.append(now)
        return DOWN

    send(warehouse, house(targets=PAGERS), post, clock, 60)
    assert 6 <= len(asked) <= 8, "1, 2, 4, 8, 16, 32 seconds apart, half of it by chance"


def test_one_message_that_a_target_never_takes_keeps_no_other_from_it(tmp_path: Path) -> None:
    warehouse, clock, taken = Warehouse(tmp_path), Clock(NOON), Post()
    kept(warehouse, [DANNY] * 6)

    def post(message: Message, now: datetime) -> Sent:
        return DOWN if message.dedup == "dq/0" else taken(message, now)

    send(warehouse, one_pager(), post, clock, 5)
    assert sorted(message.dedup for _, message in taken.taken) == [f"dq/{n}" for n in range(1, 6)]


def test_a_secret_that_is_missing_says_nothing_of_the_target(tmp_path: Path) -> None:
    warehouse, clock, taken = Warehouse(tmp_path), Clock(NOON), Post()
    kept(warehouse, [DANNY, LAURA])

    def post(message: Message, now: datetime) -> Sent:
        without = Sent(outcome=Delivery.FAILED, reason="there is no secret danny-pager", ours=True)
        return without if message.contact == DANNY else taken(message, now)

    send(warehouse, house(targets=PAGERS), post, clock, 0.1)
    assert [message.contact for _, message in taken.taken] == [LAURA]


def test_what_another_sender_is_at_is_no_failure_while_it_may_live(tmp_path: Path) -> None:
    warehouse, box = Warehouse(tmp_path), Outbox(Warehouse(tmp_path))
    kept(warehouse, [DANNY])
    begun = box.begin(box.entries()[0], NOON)
    assert begun is not None
    seen = [delivery.pending(read(warehouse, NOON + timedelta(minutes=m))) for m in (1, 6)]
    assert [(len(one.waiting), one.undelivered) for one in seen] == [(1, []), (0, [f"{DANNY}: it was not sent yet"])]


def test_several_senders_at_once_send_each_message_once(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path)
    incidents.note(warehouse, ran("2026-11-10 16:00", failed()))
    keep(warehouse, house(), NOON)
    taken: list[str] = []
    barrier = threading.Barrier(6)

    def post(message: Message, _: datetime) -> Sent:
        taken.append(message.contact)
        return Sent(outcome=Delivery.SENT)

    def work() -> None:
        barrier.wait()
        clock = Clock(NOON)
        send(Warehouse(tmp_path), house(), post, clock, 1)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == ["anna-pager", DANNY, "data-engineering-channel"]


def test_several_planners_at_once_keep_each_message_once(tmp_path: Path) -> None:
    incidents.note(Warehouse(tmp_path), ran("2026-11-10 16:00", failed()))
    barrier = threading.Barrier(6)

    def work() -> None:
        barrier.wait()
        keep(Warehouse(tmp_path), house(), NOON)

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(Outbox(Warehouse(tmp_path)).entries()) == 3


def test_a_contact_without_a_target_any_more_is_taken_back(tmp_path: Path) -> None:
    warehouse, clock, post = Warehouse(tmp_path), Clock(NOON), Post()
    incidents.note(warehouse, ran("2026-11-10 16:00", failed()))
    keep(warehouse, house(), NOON)
    pass_by(warehouse, one_pager(), post, clock)
    assert [message.contact for _, message in post.taken] == [DANNY]
    assert delivery.pending(read(warehouse, clock())).undelivered == []


# -- what is kept ------------------------------------------------------------------------------------------------------


def test_a_message_reads_back_as_it_was_kept(tmp_path: Path) -> None:
    box = Outbox(Warehouse(tmp_path))
    assert box.put(told())
    assert not box.put(told()), "the same message is kept once"
    assert box.entries()[0].message == told(alerts=tuple(told().alerts))


def test_a_dropped_message_is_settled_and_a_begun_one_is_left_alone_for_a_while(tmp_path: Path) -> None:
    box = Outbox(Warehouse(tmp_path))
    box.put(told())
    (entry,) = box.entries()
    claimed = box.begin(entry, NOON)
    assert claimed is not None
    assert box.begin(entry, NOON) is None, "of two senders one wins"
    assert box.begin(claimed, NOON + timedelta(minutes=4)) is None
    assert box.begin(claimed, NOON + timedelta(minutes=5)) is not None
    assert box.drop(entry, NOON, "too late") is None


def test_the_outbox_names_contacts_and_holds_no_address(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DQ_SECRET_DANNY_PAGER", "https://hooks.slack.com/services/canary")
    warehouse = Warehouse(tmp_path)
    incidents.note(warehouse, ran("2026-11-10 16:00", failed()))
    pass_by(warehouse, house(targets=every_contact()), Post(), Clock(NOON))
    for file in (tmp_path / "_dq").rglob("*.json"):
        assert "canary" not in file.read_text()
        json.loads(file.read_text())


def test_what_passes_again_is_told_once_to_those_who_were_told(tmp_path: Path) -> None:
    warehouse, clock, post = Warehouse(tmp_path), Clock(NOON), Post()
    incidents.note(warehouse, ran("2026-11-10 16:00", failed()))
    pass_by(warehouse, one_pager(), post, clock)
    incidents.note(warehouse, ran("2026-11-10 17:30", result(BROKEN)))
    clock.now = at("2026-11-10 18:00")
    for _ in range(3):
        pass_by(warehouse, one_pager(), post, clock)
    assert [message.state.value for _, message in post.taken] == ["firing", "resolved"]


def test_what_has_long_been_over_is_removed_and_nothing_of_what_is_open(tmp_path: Path) -> None:
    warehouse, clock, post = Warehouse(tmp_path), Clock(NOON), Post()
    engineer = house(targets={"anna-pager": {"kind": "slack"}})
    incidents.note(warehouse, ran("2026-08-10 16:00", failed("over"), period="2026-07"))
    incidents.note(warehouse, ran("2026-08-10 16:30", failed("open"), period="2026-08"))
    clock.now = at("2026-08-10 17:00")
    pass_by(warehouse, engineer, post, clock)
    incidents.note(warehouse, ran("2026-08-11 16:00", result("over"), period="2026-07"))
    clock.now = at("2026-08-11 17:00")
    pass_by(warehouse, engineer, post, clock)
    before = incidents.everything(warehouse)
    assert expired.collect(warehouse, at("2026-11-08 16:00")) == 0, "not ninety days yet"
    assert expired.collect(warehouse, at("2026-11-11 16:00")) == 4, "two messages and two observations of July"
    left = incidents.everything(warehouse)
    assert left == {key: one for key, one in before.items() if one.open}
    assert {one.message.period for one in Outbox(warehouse).entries()} == {"2026-08"}
    assert not list((tmp_path / "_dq" / "attempts").glob("*2026-07*"))
    keep(warehouse, engineer, at("2026-08-11 17:30"))
    assert all(entry.settled for entry in Outbox(warehouse).entries()), "nothing is told anew because of it"
