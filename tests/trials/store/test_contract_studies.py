"""The contract of a store: studies and opening."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from search_spaces.backbones import shipped
from search_spaces.errors import InputError
from trials.errors import DamagedDataError, KwsearchError, StorageError, StudyBusyError
from trials.records import (
    Baseline,
    FrontUpdate,
    FullTraining,
    KeptFile,
    Outcome,
    Refusal,
    Role,
    TrialState,
)
from trials.store import Store, open_store
from trials.store.tables import METADATA


def test_a_study_comes_back_as_it_was_created(store: Store, make_study: Callable[..., Any]) -> None:
    """Settings, backbone and reference point survive, in a later opening too."""
    settings = {"space": {"backbone": "resnet8", "n": 1.5}, "text": "ü{}%;'\"", "none": None}
    spec = make_study("a.b_c-1", settings=settings, seed=2**62)
    record = store.create_study(spec)
    assert record.spec == spec
    assert record.spec.backbone.digest == spec.backbone.digest
    assert record == store.study("a.b_c-1")
    assert store.studies() == [record]


def test_a_new_study_counts_nothing(store: Store, make_study: Callable[..., Any]) -> None:
    """All states and refusals are there, at zero; its time is now, in UTC."""
    record = store.create_study(make_study())
    assert record.states == dict.fromkeys(TrialState, 0)
    assert record.refused == dict.fromkeys(Refusal, 0)
    assert (record.epochs, record.seconds, record.hypervolume) == (0, 0.0, 0.0)
    assert record.created_at.tzinfo is UTC
    assert abs(datetime.now(UTC) - record.created_at) < timedelta(minutes=1)


@pytest.mark.parametrize(
    "name", ["", "../x", "/x", ".x", "-x", "a/b", "a\0b", "a b", "x" * 101, "ä", "a\n", "a;--"]
)
def test_names_that_break_the_rule_are_refused(
    store: Store, make_study: Callable[..., Any], name: str
) -> None:
    """They are neither created nor found."""
    with pytest.raises(InputError):
        store.create_study(make_study(name))
    with pytest.raises(InputError):
        store.study(name)
    with pytest.raises(InputError):
        store.set_trials(name, 1)
    assert store.studies() == []


def test_a_taken_name_is_refused(store: Store, make_study: Callable[..., Any]) -> None:
    """The cure names the command that goes on with the study."""
    store.create_study(make_study("x" * 100))
    with pytest.raises(InputError, match="resume"):
        store.create_study(make_study("x" * 100))
    assert len(store.studies()) == 1


def test_an_unknown_study_is_answered_with_the_nearest_name(
    store: Store, make_study: Callable[..., Any]
) -> None:
    """Every way to ask for a study says it."""
    with pytest.raises(InputError, match="no study yet"):
        store.study("digits")
    store.create_study(make_study("digits-small"))
    store.create_study(make_study("cifar"))
    asks: list[Callable[[], Any]] = [
        lambda: store.study("digit-small"),
        lambda: store.front("digit-small"),
        lambda: store.fronts("digit-small"),
        lambda: store.measurements("digit-small"),
        lambda: store.known_digests("digit-small"),
        lambda: store.set_trials("digit-small", 5),
        lambda: store.acquire("digit-small", "host:1", 5),
    ]
    for ask in asks:
        with pytest.raises(InputError, match="'digits-small'"):
            ask()


def test_a_study_may_ask_for_more_trials(store: Store, make_study: Callable[..., Any]) -> None:
    """And for fewer, as far as none has been begun."""
    store.create_study(make_study(trials=5))
    store.set_trials("study", 50)
    assert store.study("study").spec.trials == 50
    store.set_trials("study", 0)
    assert store.study("study").spec.trials == 0
    with pytest.raises(InputError):
        store.set_trials("study", -1)


def test_what_was_written_is_there_after_reopening(
    url: str, make_study: Callable[..., Any]
) -> None:
    """Also for a store that may only read."""
    with open_store(url) as store:
        created = store.create_study(make_study())
    with open_store(url, create=False) as store:
        assert store.study("study") == created
    with open_store(url, read_only=True) as store:
        assert store.study("study") == created


def test_a_store_opened_for_reading_refuses_to_write(
    url: str, make_study: Callable[..., Any]
) -> None:
    """The database itself refuses, not good manners."""
    open_store(url).close()
    with open_store(url, read_only=True) as store:
        with pytest.raises(StorageError, match="reading only"):
            store.create_study(make_study())
        assert store.studies() == []


@pytest.mark.parametrize("read_only", [False, True])
def test_nothing_is_created_unless_asked(url: str, read_only: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """A place without kwsearch's tables is an error."""
    with pytest.raises((StorageError, DamagedDataError)):
        open_store(url, create=False, read_only=read_only)
    with open_store(url) as store:
        assert store.studies() == []


def test_an_older_or_newer_schema_is_named(url: str, make_study: Callable[..., Any]) -> None:
    """Older: the cure is the upgrade. Newer: the versions are said. Reading goes on."""
    with open_store(url) as store:
        store.create_study(make_study())
        _set_version(store, "0000")
    with pytest.raises(StorageError, match="kwsearch database upgrade"):
        open_store(url)
    with open_store(url, read_only=True) as store:
        assert store.study("study").spec.seed == 3
    with open_store(url, read_only=True) as store, pytest.raises(KwsearchError):
        store.set_trials("study", 3)


def test_a_newer_schema_is_not_written_to(url: str) -> None:
    """A version that nobody knows is taken for a newer one."""
    with open_store(url) as store:
        _set_version(store, "zzzz")
    with pytest.raises(StorageError, match="'zzzz'"):
        open_store(url)


def test_tables_without_a_version_are_damage(url: str) -> None:
    """Nothing is created beside them."""
    with open_store(url) as store:
        _run(store, "DELETE FROM kw_alembic_version")
    with pytest.raises(DamagedDataError, match="kw_alembic_version"):
        open_store(url)


def test_other_tables_in_the_same_database_are_left_alone(url: str) -> None:
    """Optuna's tables and version may live there."""
    with open_store(url) as store:
        for sql in (
            "DROP VIEW kw_current_front",
            "CREATE TABLE alembic_version (version_num TEXT)",
        ):
            _run(store, sql)
        _run(store, "INSERT INTO alembic_version VALUES ('v3.0.0.d')")
    with open_store(url) as store:
        rows = store.transactions.read(
            lambda c: c.exec_driver_sql("SELECT version_num FROM alembic_version").all()
        )
    assert [tuple(row) for row in rows] == [("v3.0.0.d",)]


def _set_version(store: Store, version: str) -> None:
    _run(store, f"UPDATE kw_alembic_version SET version_num = '{version}'")  # noqa: S608 - a constant of this test


def _run(store: Store, sql: str) -> None:
    store.transactions.write(lambda c: c.exec_driver_sql(sql))


@pytest.fixture
def two(store: Store, make_driver: Any, make_measurement: Any) -> Store:
    """Studies ``study`` and ``other``, each with a baseline, a front, weights, a full training."""
    for each in (make_driver(store, "study"), make_driver(store, "other")):
        table = shipped("resnet8", num_classes=10)
        plain = Baseline(each.study, 0, Role.PLAIN, table, table.params, table.macs, 3)
        each.create([plain])
        store.hand_out_baseline(each.study, 0, "host:1")
        store.measure_baseline(each.study, 0, 1, make_measurement(1, 0.5))
        each.begin(0, 1000)
        each.measure(0, 0.5)
        kept = KeptFile(f"{each.study}/checkpoints/0-9", "0" * 64, 7)
        front = FrontUpdate((0,), 4000 * 0.4)
        store.finish(each.study, 0, Outcome(TrialState.COMPLETE), front, kept)
        store.add_training(each.study, 0, FullTraining(9, 0.5, 0.1, 1.0, 10, 3.0, "x", "test"))
        each.begin(1, 2000)
    return store


def everything(store: Store, study: str) -> list[Any]:
    """All that is said of a study."""
    return [
        store.study(study),
        store.trials(study),
        store.measurements(study),
        store.fronts(study),
        store.files(study),
        store.trainings(study, 0),
        store.baselines(study),
        store.baseline_measurements(study),
    ]


def rows(store: Any) -> dict[str, int]:
    """How many rows each table has."""
    count = "SELECT count(*) FROM "
    return {
        name: store.transactions.read(lambda c, n=name: c.exec_driver_sql(count + n).scalar())
        for name in METADATA.tables
    }


def test_a_study_is_deleted_with_every_row_that_belongs_to_it(two: Any) -> None:
    """Nothing of the other changes; the name is free again."""
    before, kept = rows(two), everything(two, "other")
    two.delete_study("study")
    assert rows(two) == {name: n // 2 for name, n in before.items()}
    assert all(n % 2 == 0 and n > 0 for n in before.values())
    assert everything(two, "other") == kept
    with pytest.raises(InputError, match="no study 'study'"):
        two.delete_study("study")


def test_a_study_is_renamed_with_all_that_it_has(two: Store, make_driver: Any) -> None:
    """Only its name, and the paths of its weights, are others; it goes on as before."""
    _, _, curves, fronts, files, trainings, _, measured = everything(two, "study")
    two.rename_study("study", "new", {0: "new/checkpoints/0-9"})
    study, trials, *rest, baselines, again = everything(two, "new")
    assert rest == [curves, fronts, {0: replace(files[0], path="new/checkpoints/0-9")}, trainings]
    assert ([one.baseline.study for one in baselines], again) == (["new"], measured)
    assert study.name == "new"
    assert {trial.trial.study for trial in trials} == {"new"}
    assert "study" not in [found.name for found in two.studies()]
    make_driver(two, "new").measure(1, 0.25)


def test_a_name_that_is_taken_or_none_is_refused(two: Store) -> None:
    """Nothing changes."""
    before = everything(two, "study")
    for name in ("other", "../x", ""):
        with pytest.raises(InputError):
            two.rename_study("study", name, {})
    with pytest.raises(InputError, match="no study 'none'"):
        two.rename_study("none", "new", {})
    assert everything(two, "study") == before


def test_a_study_that_someone_drives_is_neither_renamed_nor_deleted(url: str, two: Store) -> None:
    """Its driver may do both; the lease goes with the name."""
    with open_store(url) as driving:
        driving.acquire("study", "host:1", 60)
        for change in (
            lambda: two.delete_study("study"),
            lambda: two.rename_study("study", "n", {}),
        ):
            with pytest.raises(StudyBusyError):
                change()
        driving.rename_study("study", "new", {})
        with pytest.raises(StudyBusyError):
            two.delete_study("new")
        driving.set_trials("new", 30)
        driving.delete_study("new")
    assert [study.name for study in two.studies()] == ["other"]


def test_deleting_and_renaming_take_effect_once(two: Any, monkeypatch: Any) -> None:
    """A repeat whose first answer was lost finds its work done."""
    run = type(two.transactions).write

    def twice(self: Any, work: Any, **options: Any) -> Any:
        run(self, work, **options)
        return run(self, work, **options)

    with monkeypatch.context() as patch:
        patch.setattr(type(two.transactions), "write", twice)
        two.rename_study("study", "new", {})
        two.delete_study("other")
    assert [study.name for study in two.studies()] == ["new"]
