"""Merging loses nothing, changes nothing the second time, and leaves what the checker accepts."""

import itertools
import sqlite3
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from search_spaces.errors import InputError
from trials.area import Area, Point
from trials.errors import DamagedDataError, StudyBusyError
from trials.pareto import Front
from trials.records import FrontUpdate, FullTraining, Refusal, Reported, Trial, TrialState
from trials.store import Store, open_store
from trials.store.check import check
from trials.store.merge import Way, merge

RUNGS = (1, 3, 9)
END = {0: None, 1: TrialState.STOPPED, 2: TrialState.STOPPED, 3: TrialState.COMPLETE}
"""How a trial that climbed so many rungs ends."""

TRIALS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 3), st.booleans()),
    max_size=10,
    unique_by=lambda trial: trial[0],
)
"""Which network, how many rungs it climbed, and whether it is over."""


def fill(driver: Any, trials: list[tuple[int, int, bool]], side: int = 0) -> None:
    """Write trials as a search does; a network's size and accuracy follow from its number."""
    store, name, front = driver.store, driver.study, Front(Area(1000, 5000, 0.1))
    for number, (network, climbed, over) in enumerate(trials):
        params, accuracy = 500 + 613 * network % 7000, network * 7 % 10 / 10
        digest = f"{network:064x}"
        trial = Trial(name, number, driver.trial(0).config, digest, params, 10, network)
        store.begin(trial, {"b": network}, {}, {Refusal.KNOWN: 1 + side}, f"host:{side}")
        driver.measure(number, accuracy, RUNGS[:climbed])
        state = END[climbed] or TrialState.FAILED
        if over:
            complete = state is TrialState.COMPLETE
            changed = complete and front.add(Point.of(params, accuracy, number))
            members = tuple(point.number for point in front.members)
            driver.finish(
                number, state, FrontUpdate(members, front.hypervolume) if changed else None
            )
    store.give_back(name, [n for n, (_, _, over) in enumerate(trials) if not over])


def measured(store: Store) -> dict[tuple[str, str, int], tuple[float, float]]:
    """Accuracy and seconds by study, digest and epoch."""
    return {
        (study.name, digest, m.epoch): (m.accuracy, m.seconds)
        for study in store.studies()
        for digest, number in store.known_digests(study.name).items()
        for _, m in store.measurements(study.name, number)
    }


def content(store: Store) -> Any:
    """Everything there is, without keys."""
    return [
        (study, store.trials(study.name), store.measurements(study.name), store.fronts(study.name))
        for study in store.studies()
    ]


KINDS = list(itertools.product(["sqlite", "postgresql"], repeat=2))


@pytest.fixture(params=KINDS, ids=["-to-".join(kinds) for kinds in KINDS])
def two(request: pytest.FixtureRequest, folder: Path) -> tuple[str, str]:
    """Places for two databases, of every pair of kinds."""
    made = []
    for at, kind in enumerate(request.param):
        if kind == "sqlite":
            made.append(f"sqlite:///{folder}/{at}.db")
        else:
            made.append(request.getfixturevalue("new_postgresql_database")())
    return made[0], made[1]


def test_a_study_is_copied_whole_between_every_pair_of_databases(
    two: tuple[str, str], make_driver: Any
) -> None:
    """Rows, times, fronts and counts arrive as they were."""
    other, into = two
    with open_store(other) as store:
        driver = make_driver(store)
        driver.create()
        fill(driver, [(1, 3, True), (3, 1, True), (2, 3, True), (5, 0, True), (4, 1, False)])
        was = content(store)
    (done,) = merge([other], into)
    assert (done.way, done.trials, done.new_trials, done.new_measurements) == (Way.COPIED, 5, 5, 8)
    with open_store(into) as store:
        assert content(store) == was
        store.acquire("study", "host:2", 60)
        store.retry("study", 4)
    assert check(into) == []
    with open_store(other, read_only=True) as store:
        assert content(store) == was


def test_two_halves_of_a_study_become_one(two: tuple[str, str], make_driver: Any) -> None:
    """Ours keep their numbers, theirs follow; of a trial that both have the longer one stays."""
    theirs, ours = two
    for url, trials in (
        (ours, [(1, 3, True), (2, 1, False), (3, 1, True)]),
        (theirs, [(7, 1, True), (3, 3, True), (1, 2, True), (2, 3, True)]),
    ):
        with open_store(url) as store:
            driver = make_driver(store)
            driver.create(trials=4)
            fill(driver, trials, side=int(url == theirs))
    (done,) = merge([theirs], ours)
    assert (done.way, done.trials, done.new_trials, done.new_measurements) == (Way.UNITED, 4, 1, 5)
    with open_store(ours) as store:
        trials = store.trials("study")
        assert [int(r.trial.digest, 16) for r in trials] == [1, 2, 3, 7]
        assert [r.state.value for r in trials] == ["complete", "complete", "complete", "stopped"]
        assert [r.epochs for r in trials] == [9, 9, 9, 1]
        assert [r.worker for r in trials] == ["host:0", "host:1", "host:1", "host:1"]
        assert store.study("study").refused[Refusal.KNOWN] == 8
        (again,) = merge([theirs], ours)
        assert again.way is Way.KNOWN
    assert check(ours) == []


@settings(
    max_examples=8,
    # The fixtures are functions that make something new at each call, and a folder.
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(ours=TRIALS, theirs=TRIALS)
def test_nothing_is_lost_and_nothing_is_doubled(
    folder: Path, make_driver: Any, ours: list[Any], theirs: list[Any]
) -> None:
    """No (study, digest, epoch) is missing; merging again changes not a byte of what is there."""
    place = folder / str(len(list(folder.iterdir())))
    place.mkdir()
    known: dict[Any, Any] = {}
    for name, trials in (("a", ours), ("b", theirs)):
        with open_store(place / f"{name}.db") as store:
            driver = make_driver(store)
            driver.create()
            fill(driver, trials)
            known |= measured(store)
    files = [str(place / "a.db"), str(place / "b.db")]
    merge(files, str(place / "c.db"))
    with open_store(place / "c.db") as store:
        assert measured(store) == known
        assert set(store.known_digests("study")) == {f"{t[0]:064x}" for t in (*ours, *theirs)}
        first = content(store)
    assert check(str(place / "c.db")) == []
    before = (place / "c.db").read_bytes()
    assert {done.way for done in merge([*files, *reversed(files)], str(place / "c.db"))} == {
        Way.KNOWN
    }
    assert (place / "c.db").read_bytes() == before
    merge([str(place / "c.db")], files[0])
    with open_store(files[0]) as store:
        assert measured(store) == known
    assert check(files[0]) == []
    assert first


@pytest.fixture
def pair(folder: Path, make_driver: Any) -> tuple[str, str]:
    """Two databases, each with a study of the same name and its own seed."""
    made = []
    for seed in (1, 2):
        with open_store(folder / f"{seed}.db") as store:
            driver = make_driver(store)
            driver.create(seed=seed, settings={"name": "study", "proxy": {"epochs": [1, 3, 9]}})
            fill(driver, [(seed, 3, True)])
        made.append(str(folder / f"{seed}.db"))
    return made[0], made[1]


def test_different_studies_of_one_name_are_refused_before_anything_is_written(
    folder: Path, pair: tuple[str, str], make_driver: Any
) -> None:
    """Also where another study could have been taken; the cure gives it another name."""
    ours, theirs = pair
    with open_store(theirs) as store:
        make_driver(store, "aside").create()
    before = Path(ours).read_bytes()
    with pytest.raises(InputError, match="differ in seed") as caught:
        merge([theirs], ours)
    assert "--rename study=study-2" in caught.value.cure
    assert Path(ours).read_bytes() == before
    with pytest.raises(InputError, match="differ in seed"):
        merge([ours, theirs], str(folder / "new.db"))
    with open_store(folder / "new.db") as store:
        assert store.studies() == []


def test_a_study_may_be_taken_under_another_name(pair: tuple[str, str]) -> None:
    """In its settings too; once more it is known."""
    ours, theirs = pair
    for way in (Way.COPIED, Way.KNOWN):
        (done,) = merge([theirs], ours, rename={"study": "study-2"})
        assert (done.study, done.way) == ("study-2", way)
    with open_store(ours) as store:
        assert [s.spec.seed for s in store.studies()] == [1, 2]
        assert store.study("study-2").spec.settings["name"] == "study-2"
    assert check(ours) == []
    with pytest.raises(InputError, match=r"no study 'stdy'.*study"):
        merge([theirs], ours, rename={"stdy": "x"})
    with pytest.raises(InputError, match="is not a study name"):
        merge([theirs], ours, rename={"study": "../x"})


def test_settings_that_do_not_change_a_measurement_do_not_tell_studies_apart(
    folder: Path, make_driver: Any
) -> None:
    """Where the images lie, who executes, how many trials are asked for."""
    for n in (1, 2):
        with open_store(folder / f"{n}.db") as store:
            plain = {
                "search": {"trials": n, "sampler": "tpe"},
                "execution": {"threads": n},
                "proxy": {"epochs": [1, 3, 9], "folder": str(n)},
            }
            make_driver(store).create(settings=plain, trials=n)
    (done,) = merge([str(folder / "2.db")], str(folder / "1.db"))
    assert done.way is Way.UNITED
    with open_store(folder / "1.db") as store:
        assert store.study("study").spec.trials == 2


def test_full_trainings_come_along_once(folder: Path, make_driver: Any) -> None:
    """Of trials that both have, too."""
    for name, accuracy in (("a", 0.5), ("b", 0.75)):
        with open_store(folder / f"{name}.db") as store:
            driver = make_driver(store)
            driver.create()
            fill(driver, [(1, 3, True)])
            trained = FullTraining(300, accuracy, 0.01, 1.0, 1000, 60.0, "digits", "test")
            further = {"map50": Reported(0.6)}
            detector = replace(
                trained, accuracy=0.25, quality="map", detector="mask-rcnn", further=further
            )
            store.add_training("study", 0, trained)
            if name == "b":
                store.add_training("study", 0, detector)
    a, b = str(folder / "a.db"), str(folder / "b.db")
    assert [done.way for done in merge([b, b], a)] == [Way.UNITED, Way.KNOWN]
    with open_store(a) as store:
        assert sorted(t.accuracy for t in store.trainings("study", 0)) == [0.25, 0.5, 0.75]
    merge([a], str(folder / "c.db"))
    with open_store(folder / "c.db") as store:
        assert len(store.trainings("study", 0)) == 3
        assert replace(store.trainings("study", 0)[-1], finished_at=None) == detector
    assert check(str(folder / "c.db")) == []


def test_a_study_that_is_being_driven_is_left_alone(pair: tuple[str, str]) -> None:
    """In the database that is written to; in the other one it may run on."""
    ours, theirs = pair
    with open_store(theirs) as store:
        store.acquire("study", "host:1", 60)
        merge([theirs], ours, rename={"study": "other"})
    with open_store(ours) as store:
        store.acquire("study", "host:1", 60)
        with pytest.raises(StudyBusyError, match="process 1 on host host"):
            merge([ours], ours)


def test_what_ran_when_it_was_copied_waits(folder: Path, make_driver: Any) -> None:
    """Nobody runs it here."""
    with open_store(folder / "a.db") as store:
        driver = make_driver(store)
        driver.create()
        driver.begin(0)
        driver.measure(0, 0.5, (1,))
        store.acquire("study", "host:1", 60)
        merge([str(folder / "a.db")], str(folder / "b.db"))
    with open_store(folder / "b.db") as store:
        assert store.trial("study", 0).state is TrialState.WAITING
        assert len(store.measurements("study")) == 1
    assert check(str(folder / "b.db")) == []


def test_a_commit_whose_answer_is_lost_is_told_once(
    new_postgresql_database: Any, pair: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The repeat finds its own work and says what it did."""
    from trials.store.transactions import Transactions  # noqa: PLC0415 - needed here alone

    run, lost = Transactions.write, []

    def twice(self: Transactions, work: Any, **options: Any) -> Any:
        first = run(self, work, **options)
        if type(work).__name__ == "Merging":
            lost.append(first)
            assert run(self, work, **options) == first
        return first

    monkeypatch.setattr(Transactions, "write", twice)
    url = new_postgresql_database()
    (done,) = merge([pair[0]], url)
    assert (done.way, len(lost)) == (Way.COPIED, 1)
    assert check(url) == []


def test_a_damaged_database_gives_nothing(pair: tuple[str, str]) -> None:
    """And the other one stays as it is."""
    ours, theirs = pair
    with sqlite3.connect(theirs) as raw:
        raw.execute("UPDATE kw_trial SET config = '{'")
    raw.close()
    before = Path(ours).read_bytes()
    with pytest.raises(DamagedDataError, match="no readable study 'study'"):
        merge([theirs], ours, rename={"study": "other"})
    assert Path(ours).read_bytes() == before
