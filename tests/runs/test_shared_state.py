"""Who has a run: one of many that want it, until it lets go, is lost, or its time is over."""

from __future__ import annotations

import secrets
import threading
from datetime import UTC, datetime, timedelta

import pytest

from fraudlab.errors import RunTaken
from fraudlab.runs.claims import OWNER, StoredObject, holder_of
from fraudlab.runs.shared_state import SharedState


class Store:
    """Objects that are written on a condition, and a clock that only the test turns."""

    where = "store://run"

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, tzinfo=UTC)
        self.objects: dict[str, tuple[bytes, str, datetime]] = {}
        self.lock = threading.Lock()
        self.lose_answer = False

    def read(self, name: str) -> StoredObject:
        with self.lock:
            content, tag, since = self.objects.get(name, (None, None, self.now))
            return StoredObject(content, tag, (self.now - since).total_seconds(), self.now)

    def write(self, name: str, content: bytes) -> None:
        self.write_if(name, content, tag="any")

    def write_if(self, name: str, content: bytes, *, tag: str | None) -> str | None:
        with self.lock:
            found = self.objects.get(name)
            if tag != "any" and (found[1] if found else None) != tag:
                return None
            self.objects[name] = (content, made := secrets.token_hex(4), self.now)
            if self.lose_answer:
                self.lose_answer = False
                return None
            return made


def state(store: Store) -> SharedState:
    return SharedState(store, run_id="r", lease_seconds=1000.0)


def test_of_many_at_once_one_has_it_and_the_others_are_told_who() -> None:
    store, gate, won, lost = Store(), threading.Barrier(12), [], []

    def want() -> None:
        gate.wait()
        try:
            won.append(state(store).claim())
        except RunTaken as error:
            lost.append(error)

    threads = [threading.Thread(target=want) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(won), len(lost)) == (1, 11)
    assert all(
        ", process " in error.message and "since 2026-01-01T00:00:00Z" in error.message for error in lost
    )
    won[0].release()


def test_who_lets_go_is_followed_at_once_and_who_is_gone_when_the_stores_clock_says_so() -> None:
    store = Store()
    first = state(store).claim()
    with pytest.raises(RunTaken, match="is being carried out by"):
        state(store).claim()
    first.release()
    assert holder_of(store.read(OWNER)) is None
    state(store).claim().abandon()
    store.now += timedelta(seconds=999)
    with pytest.raises(RunTaken) as refused:
        state(store).claim()
    assert "ends by itself in 0:00:01" in refused.value.fix
    store.now += timedelta(seconds=1)
    state(store).claim().release()


def test_a_renewed_claim_holds_and_one_that_was_taken_over_is_told_before_it_saves() -> None:
    store = Store()
    mine = state(store)
    claim = mine.claim()
    store.now += timedelta(seconds=900)
    claim.confirm()
    store.now += timedelta(seconds=900)
    with pytest.raises(RunTaken):
        state(store).claim()
    store.now += timedelta(seconds=101)
    other = state(store).claim()
    with pytest.raises(RunTaken):
        mine.save("run.json", b"{}")
    assert mine.load("run.json") is None
    claim.release()  # of what is not ours any more nothing is written
    holder = holder_of(store.read(OWNER))
    assert holder is not None
    assert holder.nonce == other.nonce
    other.release()


def test_a_claim_of_a_launcher_known_to_be_gone_need_not_run_out() -> None:
    store = Store()
    gone = state(store).claim()
    gone.abandon()
    state(store).claim(over=gone.nonce).release()


def test_a_write_whose_answer_was_lost_is_ours() -> None:
    store = Store()
    store.lose_answer = True
    claim = state(store).claim()
    store.lose_answer = True
    claim.confirm()
    claim.release()
    assert holder_of(store.read(OWNER)) is None


@pytest.mark.parametrize("content", [b"", b"no json", b"[]", b"{}", b'{"seconds": "x"}'])
def test_an_owner_that_makes_no_sense_ends_as_any_other(content: bytes) -> None:
    store = Store()
    store.write("owner.json", content)
    store.now += timedelta(days=1)
    state(store).claim().release()


def test_a_claim_knows_whose_place_it_took_though_that_had_been_let_go() -> None:
    store = Store()
    first = state(store).claim()
    first.release()
    second = state(store).claim()
    assert (first.before, second.before) == (None, first.nonce)
    second.release()


class Interrupting(Store):
    """Carries a write of the owner out, and interrupts whoever waits for the answer."""

    interrupts = False

    def write_if(self, name: str, content: bytes, *, tag: str | None) -> str | None:
        made = super().write_if(name, content, tag=tag)
        if self.interrupts:
            self.interrupts = False
            raise KeyboardInterrupt
        return made


@pytest.mark.parametrize("when", ["claiming", "renewing"])
def test_who_is_interrupted_while_the_claim_is_written_lets_go_of_it(when: str) -> None:
    store = Interrupting()
    mine = state(store)
    if when == "renewing":
        mine.claim()
    store.interrupts = True
    with pytest.raises(KeyboardInterrupt):
        mine.claim() if when == "claiming" else mine.save("run.json", b"{}")
    assert holder_of(store.read(OWNER)) is not None
    mine.let_go()
    assert holder_of(store.read(OWNER)) is None
