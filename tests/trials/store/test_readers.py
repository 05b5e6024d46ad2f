"""Whoever reads is in nobody's way, however long it takes, and sees one moment."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from trials.area import Area, Point
from trials.pareto import Front
from trials.records import FrontUpdate, KeptFile, Outcome, TrialState
from trials.store import Store, open_store
from trials.store.check import check, files

COMPLETE = Outcome(TrialState.COMPLETE)
IMPATIENT = 0.5
"""Seconds after which a writer that is held up gives up."""


@pytest.fixture
def beside(url: str, make_driver: Any) -> Iterator[Any]:
    """Another process's driver of a study that has one complete trial."""
    with open_store(url, patience=IMPATIENT) as other:
        driver = make_driver(other)
        driver.create()
        driver.complete(0, 1000, 0.5, FrontUpdate((0,), 1600.0))
        yield driver


def test_a_snapshot_is_of_one_moment_and_holds_no_writer_up(store: Store, beside: Any) -> None:
    """Rows written while it is open are not in it; afterwards they are there."""
    count = "SELECT count(*) FROM kw_measurement"
    with store.transactions.open() as connection:
        assert connection.exec_driver_sql(count).scalar() == 3
        beside.begin(1)
        beside.measure(1, 0.75)
        assert connection.exec_driver_sql(count).scalar() == 3
    assert len(store.measurements("study")) == 6


def test_history_is_read_while_others_write(store: Store, beside: Any) -> None:
    """Whoever reads it takes as long as he likes."""
    told = store.history("study")
    first = next(told)
    beside.complete(1, 2000, 0.25)
    assert [first.number, *(past.number for past in told)] == [0]


def test_weights_are_hashed_when_nothing_is_held_any_more(
    store: Store, beside: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search goes on while the checker reads large files."""
    (tmp_path / "1").write_bytes(b"weights")
    kept = KeptFile("1", files.file_sha256(tmp_path / "1"), 7)
    beside.begin(1, 500)
    beside.measure(1, 0.25)
    beside.store.finish("study", 1, COMPLETE, FrontUpdate((1, 0), 2000.0), kept)
    hashed = files.file_sha256

    def slowly(path: Path) -> str:
        beside.begin(2)
        return hashed(path)

    monkeypatch.setattr(files, "file_sha256", slowly)
    faults = check(store, runs=tmp_path)
    assert [fault for fault in faults if "hypervolume" not in fault and "front" not in fault] == []
    assert store.trial("study", 2).state is TrialState.RUNNING


def test_weights_dropped_while_they_are_checked_are_no_fault(
    store: Store, beside: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A search strikes a trial from the front, then removes its file; a missing one is a fault."""
    path = tmp_path / "1"
    path.write_bytes(b"weights")
    kept = KeptFile("1", files.file_sha256(path), 7)
    beside.begin(1, 500)
    beside.measure(1, 0.25)
    beside.store.finish("study", 1, COMPLETE, FrontUpdate((1, 0), 2000.0), kept)
    beside.begin(2, 400)
    beside.measure(2, 0.3)
    hashed = files.file_sha256

    def after_the_fall(file: Path) -> str:
        beside.store.finish("study", 2, COMPLETE, FrontUpdate((2, 0), 2100.0))
        path.unlink()
        return hashed(file)

    monkeypatch.setattr(files, "file_sha256", after_the_fall)
    assert [fault for fault in check(store, runs=tmp_path) if str(path) in fault] == []
    monkeypatch.undo()
    beside.begin(3, 300)
    beside.measure(3, 0.29)
    beside.store.finish("study", 3, COMPLETE, FrontUpdate((3, 2, 0), 2200.0), kept)
    assert any(str(path) in fault for fault in check(store, runs=tmp_path))


@contextmanager
def reading(read: Callable[[Store], Any], url: str, readers: int) -> Iterator[list[str]]:
    """So many threads that read over and over, each over a connection of its own."""
    over, faults = threading.Event(), []

    def work() -> None:
        try:
            with open_store(url, read_only=True, patience=30) as store:
                while not over.is_set():
                    read(store)
        except BaseException as error:  # noqa: BLE001 - told below
            faults.append(repr(error))

    threads = [threading.Thread(target=work) for _ in range(readers)]
    for thread in threads:
        thread.start()
    try:
        yield faults
    finally:
        over.set()
        for thread in threads:
            thread.join()


@pytest.mark.fault
def test_twenty_readers_and_one_that_reads_all_along_beside_a_search(
    url: str, store: Store, make_driver: Any
) -> None:
    """The search never waits beyond its patience, and every acknowledged row is there."""
    driver = make_driver(store)
    driver.create(trials=60)

    def look(other: Store) -> None:
        trials = other.trials("study")
        assert [record.number for record in trials] == list(range(len(trials)))
        other.front("study")

    with ExitStack() as readers:
        faults = readers.enter_context(reading(look, url, 17))
        faults_of_checks = readers.enter_context(reading(_sound, url, 3))
        long = readers.enter_context(store.transactions.open())
        seen = long.exec_driver_sql("SELECT count(*) FROM kw_trial").scalar()
        front = Front(Area(1000, 5000, 0.1))
        for number in range(60):
            accuracy = (number * 37 % 60) / 60
            changed = front.add(Point.of(1000 + number, accuracy, number))
            members = tuple(point.number for point in front.members)
            update = FrontUpdate(members, front.hypervolume) if changed else None
            driver.complete(number, 1000 + number, accuracy, update)
        assert long.exec_driver_sql("SELECT count(*) FROM kw_trial").scalar() == seen == 0
    assert faults == faults_of_checks == []
    assert len(store.measurements("study")) == 180
    assert check(store) == []


def _sound(store: Store) -> None:
    """Whatever moment a checker meets: the trial that is under way has no lease here."""
    faults = [fault for fault in check(store) if "nobody holds the study's lease" not in fault]
    assert faults == [], faults
