"""The contract of a store: fronts and the lease."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from search_spaces.errors import InputError
from trials.errors import StudyBusyError
from trials.records import FrontUpdate, TrialState
from trials.store import Store, open_store, renewed
from trials.store.tables import STUDY


@pytest.fixture
def searched(driver: Any) -> Any:
    """Four trials: three fronts, the last of trials 2 and 0 and 3, and one failure."""
    driver.complete(0, 2000, 0.5, FrontUpdate((0,), 10.0))
    driver.complete(1, 3000, 0.4)
    driver.complete(2, 1000, 0.3, FrontUpdate((2, 0), 11.5))
    driver.begin(3, 5000)
    driver.begin(4, 500)
    driver.finish(4, TrialState.FAILED)
    driver.measure(3, 0.9)
    driver.finish(3, front=FrontUpdate((2, 0, 3), 15.25))
    return driver


def test_the_front_ascends(store: Store, searched: Any) -> None:
    """By parameters and so by accuracy."""
    assert searched.study == "study"
    assert [(r.number, r.trial.params, r.accuracy) for r in store.front("study")] == [
        (2, 1000, 0.3),
        (0, 2000, 0.5),
        (3, 5000, 0.9),
    ]
    assert store.study("study").hypervolume == 15.25


@pytest.mark.parametrize(
    ("limits", "members"),
    [
        ({"max_params": 2000}, [2, 0]),
        ({"max_params": 999}, []),
        ({"max_params": 10**30}, [2, 0, 3]),
        ({"max_params": -(10**30)}, []),
        ({"min_accuracy": 0.5}, [0, 3]),
        ({"min_accuracy": 0.31, "max_params": 4000}, [0]),
        ({"min_accuracy": float("nan")}, []),
    ],
)
def test_the_front_is_limited_on_either_side(
    store: Store, searched: Any, limits: dict[str, Any], members: list[int]
) -> None:
    """Limits are inclusive."""
    assert [r.number for r in store.front(searched.study, **limits)] == members


def test_few_macs_have_a_front_of_their_own(store: Store, driver: Any) -> None:
    """It is that of all complete trials that cost no more: also of such as others beat."""
    for number, (params, macs, accuracy) in enumerate(
        [
            (1000, 90, 0.6),
            (2000, 10, 0.5),
            (2000, 10, 0.5),
            (2000, 11, 0.4),
            (3000, 10, 0.5),
            (4000, 12, 0.55),
            (5000, 13, 0.9),
        ]
    ):
        driver.complete(number, params, accuracy, macs=macs)
    driver.begin(7, 100, 1)
    driver.measure(7, 0.99)

    def members(**limits: Any) -> list[int]:
        return [record.number for record in store.front("study", **limits)]

    assert members(max_macs=12) == [1, 5]
    assert members(max_macs=13) == [1, 5, 6]
    assert members(max_macs=10**30) == [0, 6]
    assert members(max_macs=12, max_params=3000) == [1]
    assert members(max_macs=12, min_accuracy=0.51) == [5]
    assert members(max_macs=9) == []


def test_the_best_under_a_budget(store: Store, searched: Any) -> None:
    """Is the last member inside, or nothing."""
    best = store.best(searched.study, 4999)
    assert best is not None
    assert best.number == 0
    assert store.best("study", 999) is None


def test_every_front_is_kept(store: Store, searched: Any) -> None:
    """With the trial that made it, in order."""
    fronts = store.fronts(searched.study)
    assert [(f.number, f.trial, f.members, f.hypervolume) for f in fronts] == [
        (0, 0, (0,), 10.0),
        (1, 2, (2, 0), 11.5),
        (2, 3, (2, 0, 3), 15.25),
    ]
    assert fronts[0].created_at <= fronts[2].created_at


def test_a_finished_trial_refers_to_the_front_after_it(store: Store, searched: Any) -> None:
    """Also the trials that left it as it was."""
    after = {r.number: r.hypervolume for r in store.trials(searched.study)}
    assert after == {0: 10.0, 1: 10.0, 2: 11.5, 4: 11.5, 3: 15.25}


def test_a_front_that_stays_is_not_written_again(store: Store, driver: Any) -> None:
    """Even if it is handed over."""
    driver.complete(0, 2000, 0.5, FrontUpdate((0,), 10.0))
    driver.complete(1, 3000, 0.4, FrontUpdate((0,), 10.0))
    assert len(store.fronts("study")) == 1
    assert store.trial("study", 1).hypervolume == 10.0


@pytest.mark.parametrize("members", [(), (1, 0), (0, 0), (0, 2), (0, 7), (3,), (1, 2)])
def test_what_is_no_front_is_refused_with_the_whole_outcome(
    store: Store, driver: Any, members: tuple[int, ...]
) -> None:
    """Unordered, repeated, dominated, unknown or incomplete members."""
    driver.complete(0, 1000, 0.3)
    driver.begin(1, 2000)
    driver.complete(2, 2000, 0.3)
    driver.begin(3, 500)
    driver.finish(3, TrialState.FAILED)
    driver.measure(1, 0.5)
    with pytest.raises(InputError, match="no front"):
        driver.finish(1, front=FrontUpdate(members, 1.0))
    assert store.trial("study", 1).state is TrialState.RUNNING
    assert store.fronts("study") == store.front("study") == []
    assert store.study("study").states[TrialState.RUNNING] == 1


def test_a_lease_keeps_others_out(url: str, driver: Any) -> None:
    """The error names host, process and the time it ends; the cure names --steal."""
    now = datetime.now(UTC)
    until = driver.store.acquire("study", "machine-1:4711", 60)
    assert timedelta(seconds=50) < until - now < timedelta(seconds=70)
    with open_store(url) as other:
        with pytest.raises(StudyBusyError) as caught:
            other.acquire("study", "machine-2:17", 60)
        assert "4711" in caught.value.cause
        assert "machine-1" in caught.value.cause
        assert f"{until:%H:%M:%S} UTC" in caught.value.cause
        assert "--steal" in caught.value.cure
        assert caught.value.exit_code == 4


def test_a_lease_can_be_renewed_released_and_taken_by_its_owner(url: str, driver: Any) -> None:
    """Releasing lets the next one in; releasing another's lease does nothing."""
    store = driver.store
    first = store.acquire("study", "a:1", 30)
    assert store.acquire("study", "a:1", 30) >= first
    assert store.renew("study", "a:1", 90) > first + timedelta(seconds=30)
    with open_store(url) as other:
        other.release("study", "b:2")
        with pytest.raises(StudyBusyError):
            other.acquire("study", "b:2", 30)
        store.release("study", "a:1")
        other.acquire("study", "b:2", 30)
        with pytest.raises(StudyBusyError):
            store.renew("study", "a:1", 30)


def test_a_lease_that_is_over_may_be_taken(url: str, driver: Any) -> None:
    """Whoever held it can write no more."""
    driver.store.acquire("study", "a:1", 0.05)
    time.sleep(0.1)
    with open_store(url) as other:
        other.acquire("study", "b:2", 30)
    with pytest.raises(StudyBusyError, match="process 2 on host b"):
        driver.begin(0)
    assert driver.store.trials("study") == []


def test_a_stolen_lease_stops_its_holder(url: str, driver: Any) -> None:
    """Nothing it writes gets in, whatever it is."""
    driver.store.acquire("study", "a:1", 60)
    driver.begin(0)
    with open_store(url) as other:
        other.acquire("study", "b:2", 60, steal=True)
        with pytest.raises(StudyBusyError):
            driver.measure(0, 0.5)
        with pytest.raises(StudyBusyError):
            driver.finish(0)
        assert other.retry("study", 0).attempt == 2
    assert driver.store.measurements("study") == []


def test_writing_prolongs_the_lease(url: str, driver: Any) -> None:
    """A driver that works keeps its study without renewing, once half of the lease is over."""
    driver.store.acquire("study", "a:1", 60)
    driver.begin(0)
    _set_left(driver.store, 50)
    driver.measure(0, 0.5, epochs=(1,))
    assert _left(driver.store) <= 50
    for epoch, left in ((3, 20), (9, -5)):
        _set_left(driver.store, left)
        driver.measure(0, 0.5, epochs=(epoch,))
        assert _left(driver.store) > 30
    with open_store(url) as other, pytest.raises(StudyBusyError):
        other.acquire("study", "b:2", 60)


def _left(store: Store) -> float:
    """Seconds until the lease on the study ends, by this machine's clock."""
    (until,) = store.transactions.read(
        lambda connection: connection.scalars(select(STUDY.c.lease_until))
    )
    return float((until - datetime.now(UTC)).total_seconds())


def _set_left(store: Store, seconds: float) -> None:
    """Let the lease end in so many seconds, as time does."""
    until = datetime.now(UTC) + timedelta(seconds=seconds)
    change = update(STUDY).values(lease_until=until)
    store.transactions.write(lambda connection: connection.execute(change))


def test_a_silent_driver_keeps_its_study_while_it_is_renewed(url: str, driver: Any) -> None:
    """However long an epoch takes; afterwards the lease ends by itself."""
    until = driver.store.acquire("study", "a:1", 2.0)
    with open_store(url) as other:
        with renewed(driver.store, "study", "a:1", 2.0):
            while datetime.now(UTC) < until or _left(driver.store) < 1.0:
                time.sleep(0.05)
            with pytest.raises(StudyBusyError):
                other.acquire("study", "b:2", 60)
        while _left(driver.store) >= 0:
            time.sleep(0.05)
        other.acquire("study", "b:2", 60)


def test_renewing_never_takes_a_study_back(url: str, driver: Any) -> None:
    """Stolen is stolen, and it is no error of the one who renews."""
    driver.store.acquire("study", "a:1", 0.3)
    with open_store(url) as other, renewed(driver.store, "study", "a:1", 0.3):
        other.acquire("study", "b:2", 60, steal=True)
        time.sleep(0.4)
        other.renew("study", "b:2", 60)
        with pytest.raises(StudyBusyError):
            driver.begin(0)


def test_studies_are_leased_one_by_one(store: Store, make_driver: Any) -> None:
    """Two drivers may work in one database."""
    for name in ("a", "b"):
        make_driver(store, name).create()
        store.acquire(name, f"host:{name}", 60)
    with pytest.raises(StudyBusyError):
        store.acquire("a", "host:b", 60)
