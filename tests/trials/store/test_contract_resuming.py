"""The contract of a store: what a search reads to go on with a study."""

from typing import Any

import pytest

from search_spaces.errors import InputError
from trials.records import Decision, Entry, Measurement, Outcome, TrialState
from trials.store import Store

STOPPED = Outcome(TrialState.STOPPED, "promotion", "Place 2 of 2.")
FAILED = Outcome(TrialState.FAILED, "error", "broken")


def measurement(epoch: int) -> Measurement:
    """Half of 100 images, half a second an epoch."""
    return Measurement(epoch, 0.5, 0.05, 1.25, 100, 0.5 * epoch)


@pytest.fixture
def searched(store: Store, driver: Any) -> Store:
    """Trials 0 complete, 1 stopped after 1 epoch, 2 failed after 3, 3 at a rung, 4 beyond it."""
    for number in range(5):
        driver.begin(number, params=1000 + number)
    driver.measure(1, 0.1, epochs=(1,))
    store.finish("study", 1, STOPPED, None)
    driver.measure(0, 0.9)
    driver.finish(0)
    driver.measure(2, 0.3, epochs=(1, 3))
    store.finish("study", 2, FAILED, None)
    driver.measure(3, 0.4, epochs=(1,))
    driver.measure(4, 0.5, epochs=(1, 3))
    return store


def test_history_is_in_the_order_of_ends_without_failures_and_open_trials(searched: Store) -> None:
    """What samplers learn from, each with its last measurement."""
    told = [(past.number, past.cost, past.epochs) for past in searched.history("study")]
    assert told == [(1, 1001, 1), (0, 1000, 9)]
    records = {record.number: record for record in searched.trials("study")}
    for past in searched.history("study"):
        record = records[past.number]
        assert (past.values, past.sampler_state) == (record.values, record.sampler_state)
        assert past.accuracy == record.accuracy


def test_a_rung_holds_what_was_decided_there(searched: Store) -> None:
    """A trial that has only just reached the rung is undecided."""
    rung = searched.rung("study", 1, 10)
    assert [(entry.number, entry.went_on) for entry in rung] == [
        (0, True),
        (1, False),
        (2, True),
        (4, True),
    ]
    assert all(isinstance(entry, Entry) and entry.cost == 1000 + entry.number for entry in rung)
    assert [entry.number for entry in searched.rung("study", 3, 10)] == [0, 2]


def test_a_decision_is_kept_with_the_measurement_that_it_answers(store: Store, driver: Any) -> None:
    """A repeated epoch changes neither; epochs without one are left out."""
    driver.begin(0)
    first, other = (
        Decision(goes_on=True, reason="Rank 1 of 1."),
        Decision(goes_on=False, reason="Rank 2 of 2."),
    )
    assert store.measure("study", 0, 1, measurement(1), first)
    assert not store.measure("study", 0, 1, measurement(1), other)
    assert store.measure("study", 0, 1, measurement(2))
    assert store.measure("study", 0, 1, measurement(3), other)
    assert store.decisions("study", 0) == {1: first, 3: other}
    assert store.decisions("study", 1) == {}
    with pytest.raises(InputError, match="no study 'none'"):
        store.decisions("none", 0)


def test_a_rung_says_what_was_decided_whatever_became_of_the_trial(
    store: Store, driver: Any
) -> None:
    """Stopped and then failed, or still open."""
    for number, goes_on in enumerate((False, True, False, True)):
        driver.begin(number, params=1000 + number)
        decision = Decision(goes_on, "Because.")
        store.measure("study", number, 1, measurement(1), decision)
    store.finish("study", 0, FAILED, None)
    store.finish("study", 1, FAILED, None)
    rung = [(entry.number, entry.went_on) for entry in store.rung("study", 1, 10)]
    assert rung == [(0, False), (1, True), (2, False), (3, True)]


def test_a_rung_gives_its_latest_trials(searched: Store) -> None:
    """At most as many as are asked for, oldest first."""
    assert [entry.number for entry in searched.rung("study", 1, 2)] == [2, 4]
    assert searched.rung("study", 27, 2) == []


def test_an_unknown_study_has_no_past(store: Store) -> None:
    """As everywhere, it is named."""
    with pytest.raises(InputError, match="no study 'none'"):
        list(store.history("none"))
    with pytest.raises(InputError, match="no study 'none'"):
        store.rung("none", 1, 1)


def test_the_longest_trial_of_a_network_and_a_seed_is_found_in_the_studies_named(
    searched: Store, make_driver: Any
) -> None:
    """Other studies, other seeds, failed and open trials are not looked at."""
    shorter = make_driver(searched, "shorter")
    shorter.create()
    shorter.begin(0)
    shorter.measure(0, 0.9, epochs=(1,))
    searched.finish("shorter", 0, STOPPED, None)
    digests = {number: driver_digest(searched, number) for number in range(5)}
    found = searched.earlier(["shorter", "study"], digests[0], 0)
    assert found is not None
    assert (found.study, found.number) == ("study", 0)
    assert list(found.measurements) == [m for _, m in searched.measurements("study", 0)]
    shorter_one = searched.earlier(["shorter"], digests[0], 0)
    assert shorter_one is not None
    assert (shorter_one.study, len(shorter_one.measurements)) == ("shorter", 1)
    assert searched.earlier([], digests[0], 0) is None
    assert searched.earlier(["study"], digests[0], 1) is None
    assert [searched.earlier(["study"], digests[number], number) for number in (2, 3, 4)] == [
        None
    ] * 3


def driver_digest(store: Store, number: int) -> str:
    """Digest of a trial."""
    return store.trial("study", number).trial.digest
