"""What happened is counted once, over processes and restarts, whatever the broker does."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from adductor import counts
from adductor.counts import Counts
from adductor.store import Store, migrate
from tests.platforms.conftest import Valkey, running_valkey

NEVER_S = 3600.0  # by itself: these tests flush when they mean to


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    with running_valkey(tmp_path_factory.mktemp("counts")) as running:
        yield running


@pytest.fixture
def valkey(server: Valkey) -> Valkey:
    server.client().flushall()
    return server


def _process(valkey: Valkey, every_s: float = NEVER_S) -> Counts:
    """What one process has."""
    client = valkey.client()
    return Counts(lambda: client, every_s=every_s)


def test_two_processes_add_to_one_sum(valkey: Valkey) -> None:
    one, other = _process(valkey), _process(valkey)
    one.add("events", "post_run")
    one.add("events", "post_run")
    other.add("events", "post_run")
    other.add("events", "weekly_cap")

    assert one.flush()
    assert other.totals() == {("events", "post_run"): 3, ("events", "weekly_cap"): 1}


def test_a_process_that_starts_anew_goes_on_where_the_last_one_ended(valkey: Valkey) -> None:
    before = _process(valkey)
    before.add("events", "post_run")
    before.close()

    after = _process(valkey)
    after.add("events", "post_run")

    assert after.totals() == {("events", "post_run"): 2}


def test_nobody_has_to_ask_for_it(valkey: Valkey) -> None:
    counting, reader = _process(valkey, every_s=0.01), valkey.client()
    counting.add("events", "post_run")
    counting.add("events", "post_run")

    waited = threading.Event()
    while reader.hget(counts.KEY, "events|post_run") != b"2":
        assert counting._started
        waited.wait(0.005)
    counting.close()


def test_threads_lose_nothing_between_them(valkey: Valkey) -> None:
    counting = _process(valkey, every_s=0.001)

    def work() -> None:
        for _ in range(2000):
            counting.add("events", "post_run")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    counting.close()

    assert counting.totals() == {("events", "post_run"): 16_000}


def test_a_broker_that_is_away_gets_the_sums_when_it_is_back(tmp_path: Path) -> None:
    with running_valkey(tmp_path) as own:
        counting = _process(own)
        own.kill()
        counting.add("events", "post_run")
        assert not counting.flush()
        assert counting.totals() is None

        own.start()
        counting.add("events", "post_run")

        assert counting.totals() == {("events", "post_run"): 2}


def test_without_a_broker_nothing_is_counted_and_nothing_fails() -> None:
    counting = Counts(lambda: None)
    counting.add("events", "post_run")

    assert counting.flush()
    assert counting.totals() is None
    counting.close()


def test_what_is_rolled_back_did_not_happen(valkey: Valkey, tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'coach.db'}")
    migrate.upgrade(store)
    counting = _process(valkey)
    store.after_commit = counting.committed

    def fails() -> None:
        with store.write() as session:
            counts.with_commit(session, "events", "undone")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    with store.write() as session:
        counts.with_commit(session, "events", "done")
        counts.note_with_commit(session, 1.5)

    assert counting.totals() == {("events", "done"): 1, ("note_bucket", "2.0"): 1, ("note_sum",): 1.5}
    store.close()


@pytest.mark.parametrize(("seconds", "bucket"), [(0.0, "0.5"), (0.5, "0.5"), (0.51, "1.0"), (100_000.0, "+Inf")])
def test_a_wait_counts_in_the_smallest_bucket_that_holds_it(valkey: Valkey, seconds: float, bucket: str) -> None:
    counting = _process(valkey)

    counting.note_written(seconds)

    totals = counting.totals()
    assert totals is not None
    assert totals[counts.NOTE_BUCKET, bucket] == 1
    assert totals[(counts.NOTE_SUM,)] == seconds
