"""The contract of a store: weights of the front, results of full trainings."""

from dataclasses import replace
from math import log
from pathlib import Path
from typing import Any

import pytest

from search_spaces.errors import InputError
from trials.errors import DamagedDataError
from trials.files import file_sha256
from trials.records import FrontUpdate, FullTraining, KeptFile, Outcome, Reported, TrialState
from trials.store import Store, open_store
from trials.store import upgrade as schema
from trials.store.check import check
from trials.store.merge import merge
from trials.store.upgrade import upgrade

COMPLETE = Outcome(TrialState.COMPLETE)
TRAINED = FullTraining(200, 0.98, 0.01, 0.125, 300, 61.5, "digits", "test")


def kept(number: int) -> KeptFile:
    return KeptFile(f"study/checkpoints/now/{number}-9.safetensors", f"{number:064x}", 100)


def complete(driver: Any, number: int, at: tuple[int, float], *members: int) -> None:
    """Complete a trial that joins the front at so many parameters and accuracy, with weights."""
    driver.begin(number, at[0])
    driver.measure(number, at[1])
    update = FrontUpdate(members, 1000.0 + number)
    driver.store.finish(driver.study, number, COMPLETE, update, kept(number))


def test_the_front_has_its_weights(store: Store, driver: Any) -> None:
    """In its order; whoever falls off it has none any more."""
    complete(driver, 0, (2000, 0.5), 0)
    complete(driver, 1, (1000, 0.4), 1, 0)
    assert list(store.files("study").items()) == [(1, kept(1)), (0, kept(0))]
    complete(driver, 2, (900, 0.5), 2)
    assert store.files("study") == {2: kept(2)}
    driver.complete(3, 5000, 0.1)
    assert store.files("study") == {2: kept(2)}


def test_members_may_have_no_weights(store: Store, driver: Any) -> None:
    """As where a training leaves none."""
    driver.complete(0, 2000, 0.5, FrontUpdate((0,), 1.0))
    assert store.files("study") == {}


@pytest.mark.parametrize("front", [None, FrontUpdate((0,), 1.0)])
def test_weights_of_a_trial_off_the_front_are_refused(
    store: Store, driver: Any, front: FrontUpdate | None
) -> None:
    """And the trial is as open as before."""
    driver.complete(0, 2000, 0.5)
    driver.begin(1, 3000)
    driver.measure(1, 0.2)
    with pytest.raises(InputError, match="not on the front"):
        store.finish("study", 1, COMPLETE, front, kept(1))
    assert store.trial("study", 1).state is TrialState.RUNNING
    assert store.fronts("study") == []


def test_full_trainings_are_kept_in_order(store: Store, driver: Any) -> None:
    """With the database's time."""
    driver.complete(0, 2000, 0.5)
    for _ in range(2):
        store.add_training("study", 0, TRAINED)
    first, second = store.trainings("study", 0)
    assert first.finished_at is not None
    assert second.finished_at is not None
    assert first.finished_at <= second.finished_at
    assert {**vars_of(first), "finished_at": None} == vars_of(TRAINED)
    assert store.trainings("study", 1) == []
    with pytest.raises(InputError, match="no trial 5"):
        store.add_training("study", 5, TRAINED)


def test_a_full_training_of_a_detector_keeps_its_quality_and_all_values(
    store: Store, driver: Any
) -> None:
    """One of the network itself has NULL there, as those of before."""
    values = {"map50": Reported(0.6, 0.02), "mask_map": Reported(0.3, None)}
    of_detector = replace(TRAINED, quality="map", detector="mask-rcnn", further=values)
    driver.complete(0, 2000, 0.5)
    for training in (TRAINED, of_detector):
        store.add_training("study", 0, training)
    found = [replace(one, finished_at=None) for one in store.trainings("study", 0)]
    assert found == [TRAINED, of_detector]
    said = "SELECT quality, detector FROM kw_training ORDER BY id"
    rows = store.transactions.read(lambda c: c.exec_driver_sql(said).all())
    assert [tuple(row) for row in rows] == [(None, None), ("map", "mask-rcnn")]


def test_values_of_a_full_training_that_are_none_are_damage(store: Store, driver: Any) -> None:
    driver.complete(0, 2000, 0.5)
    store.add_training("study", 0, TRAINED)
    bad = """UPDATE kw_training SET further = '{"map50": "high"}'"""
    store.transactions.write(lambda c: c.exec_driver_sql(bad))
    with pytest.raises(DamagedDataError, match="trainings of trial 0"):
        store.trainings("study", 0)


def vars_of(training: FullTraining) -> dict[str, Any]:
    return {name: getattr(training, name) for name in training.__dataclass_fields__}


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (lambda path: path.unlink(), "No such file"),
        (lambda path: path.write_bytes(b"other"), "not the file that was kept"),
    ],
)
def test_the_checker_misses_no_file(
    store: Store, driver: Any, tmp_path: Path, fault: Any, said: str
) -> None:
    """Every file that the database names is there, with its SHA-256."""
    driver.begin(0, 2000)
    driver.measure(0, 0.5)
    path = tmp_path / "study" / "0-9.safetensors"
    path.parent.mkdir()
    path.write_bytes(b"weights")
    named = KeptFile("study/0-9.safetensors", file_sha256(path), 7)
    front = FrontUpdate((0,), 0.4 / 0.9 * log(5 / 2) / log(5))
    store.finish("study", 0, COMPLETE, front, named)
    assert check(store, runs=tmp_path) == []
    fault(path)
    (found,) = check(store, runs=tmp_path)
    assert said in found
    assert "trial 0" in found


def test_the_checker_finds_weights_of_a_trial_off_the_front(
    store: Store, driver: Any, tmp_path: Path
) -> None:
    """A row that should have gone with the front."""
    driver.complete(0, 2000, 0.5)
    row = "INSERT INTO kw_file SELECT id, 'nowhere', 'x', 1 FROM kw_trial"
    store.transactions.write(lambda c: c.exec_driver_sql(row))
    assert any("off the front" in fault for fault in check(store, runs=tmp_path))


LATENCY = ("latency", "latency_low", "latency_high", "hardware", "cost")


@pytest.fixture
def older(url: str, make_driver: Any) -> str:
    """A database of the first schema, with a study in it."""
    with open_store(url) as store:
        driver = make_driver(store)
        driver.create()
        driver.complete(0, 2000, 0.5, FrontUpdate((0,), 3000 * 0.4))
        for statement in (
            "DROP VIEW kw_values",
            "ALTER TABLE kw_measurement DROP COLUMN further",
            "DROP VIEW kw_hypervolume_history",
            "CREATE VIEW kw_hypervolume_history AS SELECT 1 AS front",
            "ALTER TABLE kw_study DROP COLUMN smallest_params",
            "DROP VIEW IF EXISTS kw_baselines_flat",
            "DROP TABLE kw_baseline_measurement",
            "DROP TABLE kw_baseline",
            "DROP TABLE kw_file",
            "DROP TABLE kw_training",
            "DROP VIEW kw_trials_flat",
            *(f"ALTER TABLE kw_trial DROP COLUMN {name}" for name in LATENCY),
            "ALTER TABLE kw_tally DROP COLUMN over_latency",
            "ALTER TABLE kw_tally DROP COLUMN under_latency",
            "CREATE VIEW kw_trials_flat AS SELECT 1 AS trial",
            "ALTER TABLE kw_measurement DROP COLUMN goes_on",
            "ALTER TABLE kw_measurement DROP COLUMN reason",
            "UPDATE kw_alembic_version SET version_num = '0001'",
        ):
            store.transactions.write(lambda c, s=statement: c.exec_driver_sql(s))
    return url


def test_a_database_without_these_tables_can_be_read(older: str) -> None:
    """It holds neither weights nor trainings."""
    with open_store(older, read_only=True) as store:
        assert store.files("study") == {}
        assert store.trainings("study", 0) == []
        (member,) = store.front("study")
        assert member.hypervolume == pytest.approx(0.4 / 0.9)
        assert check(store) == []


def test_a_database_without_these_tables_is_upgraded_and_used(older: str, make_driver: Any) -> None:
    """Trials from before have no weights."""
    assert upgrade(older, backup=older.startswith("sqlite")).after == schema.HEAD
    with open_store(older) as store:
        assert store.study("study").spec.area == (2000, 5000, 0.1)
        assert store.study("study").hypervolume == pytest.approx(0.4 / 0.9)
        complete(make_driver(store), 1, (1000, 0.4), 1, 0)
        assert list(store.files("study")) == [1]
        store.add_training("study", 0, TRAINED)
        assert len(store.trainings("study", 0)) == 1


def test_merging_strikes_weights_of_trials_that_leave_the_front(
    tmp_path: Path, make_driver: Any
) -> None:
    """Weights that stay on it are named as before."""
    for name, points in (("ours", {0: (2000, 0.5), 1: (3000, 0.6)}), ("theirs", {7: (900, 0.5)})):
        with open_store(tmp_path / f"{name}.db") as store:
            driver = make_driver(store)
            driver.create()
            for number, (key, (params, accuracy)) in enumerate(points.items()):
                trial = replace(driver.trial(key, params), number=number)
                store.begin(trial, {}, {}, {})
                driver.measure(number, accuracy)
                update = FrontUpdate((*range(number + 1),), 1000.0 + number)
                store.finish("study", number, COMPLETE, update, kept(key))
    merge([str(tmp_path / "theirs.db")], str(tmp_path / "ours.db"))
    with open_store(tmp_path / "ours.db") as store:
        assert [member.trial.params for member in store.front("study")] == [900, 3000]
        assert store.files("study") == {1: kept(1)}
