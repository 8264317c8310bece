"""Any number of processes and threads may use one database."""

from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor

from lrdash.core.events import (
    Progress,
)
from lrdash.store import Store, database_url
from tests.factories.database import ended_epoch, queued, running


def write_many(url: str, run_id: str, batches: int) -> None:
    store = Store(url)
    for number in range(1, batches + 1):
        store.runs.record([(run_id, ended_epoch(number)), (run_id, Progress(update=number))])
    store.close()


def open_store(url: str, barrier: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    store = Store(url)
    queued(store)
    store.close()


def spawn(target: object, *arguments: tuple[object, ...]) -> list[multiprocessing.Process]:
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=target, args=given) for given in arguments]  # type: ignore[arg-type]
    for process in processes:
        process.start()
    return processes  # type: ignore[return-value]


def test_processes_that_write_at_once_lose_nothing(store: Store) -> None:
    ids = [running(store, f"w{n}") for n in range(4)]
    writers = spawn(write_many, *((store.url, run_id, 200) for run_id in ids))
    seen = [0]
    while any(writer.is_alive() for writer in writers):
        rows = {row.run_id: row for row in store.runs.listing()}
        for run_id, row in rows.items():
            assert len(store.runs.epochs(run_id)) >= row.epochs_done
        seen.append(sum(row.epochs_done for row in rows.values()))
        writers[0].join(0.05)  # leaves the processor to the writers
    for writer in writers:
        writer.join()
        assert writer.exitcode == 0
    assert seen == sorted(seen)
    for run_id in ids:
        assert [row.epoch for row in store.runs.epochs(run_id)] == list(range(1, 201))
        assert store.runs.one(run_id).version >= 201  # a batch that was tried again counts again


def test_processes_that_open_a_new_database_at_once_all_can_use_it() -> None:
    url = database_url()
    barrier = multiprocessing.get_context("spawn").Barrier(3)
    for opener in spawn(open_store, *[(url, barrier)] * 3):
        opener.join()
        assert opener.exitcode == 0
    store = Store(url)
    assert len(store.runs.listing()) == 3
    store.close()


def test_many_threads_share_one_store(store: Store) -> None:
    run_id = running(store)
    numbers = iter(range(1, 201))
    lock = threading.Lock()

    def work(_: int) -> None:
        for _ in range(25):
            with lock:
                number = next(numbers)
            store.runs.record([(run_id, ended_epoch(number))])
            assert store.runs.one(run_id).epochs_done >= number

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert len(store.runs.epochs(run_id)) == 200
    assert store.runs.one(run_id).version == 201


def test_a_run_is_claimed_once(store: Store) -> None:
    run_id = queued(store)
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda n: store.runs.claim(run_id, f"w{n}"), range(8)))
    assert sum(claims) == 1
    row = store.runs.one(run_id)
    assert (row.status, row.worker_id) == ("running", f"w{claims.index(True)}")
    assert not store.runs.claim("unknown", "w")


def test_two_stores_never_claim_a_run_twice_and_the_late_one_has_to_stop(store: Store) -> None:
    other = Store()
    run_ids = [queued(store) for _ in range(20)]
    assert store.runs.claim_group(run_ids[:12], "w1") == run_ids[:12]
    assert other.runs.claim_group(run_ids, "w2") == run_ids[12:]
    store.workers.mark_interrupted("w1", "its server died")
    assert other.runs.requeue(run_ids[:12]) == run_ids[:12]
    assert other.runs.claim_group(run_ids[:12], "w2") == run_ids[:12]
    # Still alive after all, but the runs are no longer its own.
    store.runs.record([(run_ids[0], ended_epoch(1))], "w1")
    assert other.runs.epochs(run_ids[0]) == []
    assert store.runs.stop_requests(run_ids[:12], "w1") == set(run_ids[:12])
    assert other.runs.stop_requests(run_ids, "w2") == set()
    other.close()
