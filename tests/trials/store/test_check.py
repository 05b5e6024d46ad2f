"""The checker finds nothing in what a store wrote, and finds what was tampered with."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search_spaces.errors import InputError
from trials.area import Area, Point
from trials.pareto import Front
from trials.records import FrontUpdate, TrialState
from trials.store import Store, open_store
from trials.store.check import check, examine

POINTS = st.lists(
    st.tuples(st.integers(1, 6), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), st.booleans()),
    max_size=12,
)


def search(driver: Any, points: list[tuple[int, float, bool]]) -> None:
    """Run a study whose trials reach ``points``, with fronts from the project's own Pareto code."""
    front = Front(Area(1000, 5000, 0.1))
    for number, (params, accuracy, complete) in enumerate(points):
        driver.begin(number, 1000 * params)
        driver.measure(number, accuracy, (1, 3, 9) if complete else (1,))
        changed = complete and front.add(Point.of(1000 * params, accuracy, number))
        members = tuple(point.number for point in front.members)
        update = FrontUpdate(members, front.hypervolume) if changed else None
        driver.finish(number, TrialState.COMPLETE if complete else TrialState.STOPPED, update)


@pytest.fixture
def searched(driver: Any) -> Any:
    """A study of six trials and three fronts, checked."""
    points = [(2, 0.5, True), (3, 0.25, True), (1, 0.25, True), (4, 1.0, True), (6, 0.5, False)]
    search(driver, points)
    assert check(driver.store) == []
    return driver


@settings(
    max_examples=40,
    # The fixtures are functions that make something new at each call, and a folder.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(points=POINTS)
def test_two_ways_to_the_same_fronts(
    folder: Any, make_driver: Any, points: list[tuple[int, float, bool]]
) -> None:
    """The project's incremental front and the oracle's agree on members and hypervolume."""
    url = f"sqlite:///{folder}/{len(list(folder.iterdir()))}.db"
    with open_store(url) as store:
        driver = make_driver(store)
        driver.create()
        search(driver, points)
        assert check(store) == []
    assert check(url) == []


def test_a_trial_that_runs_under_no_lease_is_found(store: Store, driver: Any) -> None:
    """Under a lease it may run."""
    driver.begin(0)
    (fault,) = check(store)
    assert fault == (
        "study 'study', trial 0 is running, but nobody holds the study's lease: its driver died, "
        "and 'kwsearch resume study' goes on"
    )
    store.acquire("study", "host:1", 60)
    assert check(store) == []


def test_attempts_are_limited(store: Store, driver: Any) -> None:
    """Where a limit is given."""
    driver.begin(0)
    store.retry("study", 0)
    store.give_back("study", [0])
    assert check(store, max_attempts=2) == []
    assert "handed out 2 times" in check(store, max_attempts=1)[0]


TAMPERINGS = {
    "UPDATE kw_trial SET finished_at = NULL WHERE number = 1": "its end says otherwise",
    "UPDATE kw_trial SET state = 'stopped' WHERE number = 1": "counts",
    "UPDATE kw_trial SET accuracy = 0.26 WHERE number = 1": "differ from what it says",
    "UPDATE kw_trial SET epochs = 3 WHERE number = 0": "complete with 3 measurements up to epoch 3",
    "DELETE FROM kw_measurement WHERE epoch = 3": "complete with 2 measurements",
    "DELETE FROM kw_measurement WHERE epoch = 9": "says 9 epochs",
    "UPDATE kw_measurement SET attempt = 7": "measured by attempt 7",
    "UPDATE kw_measurement SET accuracy = 1.5": "measured accuracy 1.5",
    "UPDATE kw_measurement SET seconds = -1": "in -1.0 s",
    "UPDATE kw_measurement SET goes_on = (1 = 0), reason = 'so' WHERE epoch = 3": "told to stop",
    "UPDATE kw_measurement SET goes_on = (1 = 0), reason = 'so' WHERE epoch = 9": "is complete",
    "UPDATE kw_measurement SET reason = 'so' WHERE epoch = 9": "told nothing after epoch 9",
    "UPDATE kw_tally SET failed = 1": "counts 1 failed; there are 0",
    "UPDATE kw_tally SET seconds = 1.0": "seconds; there are",
    "UPDATE kw_tally SET front_id = NULL": "has front None as its present one instead of 2",
    "UPDATE kw_study SET trials = 4": "has 5 trials and asks for 4",
    "UPDATE kw_trial SET number = 9 WHERE number = 4": "numbers from 0 to 9",
    "UPDATE kw_front SET hypervolume = hypervolume * 1.000001": "hypervolume",
    "DELETE FROM kw_front_member WHERE place = 1": "it should be",
    "UPDATE kw_trial SET front_id = 1 WHERE number = 4": "refers to front 0",
    "UPDATE kw_front SET trial = 1 WHERE number = 1": "trial 1 made it",
}


@pytest.mark.parametrize(("sql", "said"), TAMPERINGS.items())
def test_tampering_is_found(searched: Any, sql: str, said: str) -> None:
    """Whatever the table."""
    searched.store.transactions.write(lambda c: c.exec_driver_sql(sql))
    faults = check(searched.store)
    assert any(said in fault for fault in faults), faults


def test_one_study_can_be_checked_alone(searched: Any, make_driver: Any) -> None:
    """Faults of another are not its own; what was looked at is said."""
    other = make_driver(searched.store, "other")
    other.create()
    other.begin(0)
    alone = examine(searched.store, study="study")
    assert (alone.studies, alone.trials, alone.measurements, alone.fronts) == (1, 5, 13, 3)
    assert alone.faults == ()
    both = examine(searched.store)
    assert (both.studies, both.trials) == (2, 6)
    assert both.faults == examine(searched.store, study="other").faults
    assert len(both.faults) == 1
    with pytest.raises(InputError, match="no study 'others'"):
        examine(searched.store, study="others")


def test_many_faults_are_cut_short(store: Store, driver: Any) -> None:
    """Twenty of a kind are shown."""
    store.set_trials("study", 30)
    for number in range(25):
        driver.begin(number)
    faults = check(store)
    assert len(faults) == 21
    assert faults[-1] == "and more of this kind"
