"""Baselines: written with their study, handed out, measured and finished like trials."""

from dataclasses import replace
from typing import Any

import pytest

from search_spaces.backbones import shipped
from search_spaces.errors import InputError
from trials.errors import StudyBusyError
from trials.records import Baseline, Outcome, Role, TrialState
from trials.store import Store, open_store
from trials.store.check import check
from trials.store.merge import Way, merge

OWN, WIDE = (shipped(name, num_classes=10) for name in ("resnet8", "resnet8x2"))
COMPLETE = Outcome(TrialState.COMPLETE)


def baselines(study: str = "study") -> list[Baseline]:
    """Two trainings of the study's backbone and one of a wider network."""
    wanted = [(Role.PLAIN, OWN, 3), (Role.PLAIN, OWN, 4), (Role.WIDTH, WIDE, 3)]
    return [
        Baseline(study, number, role, table, table.params, table.macs, seed)
        for number, (role, table, seed) in enumerate(wanted)
    ]


@pytest.fixture
def begun(store: Store, make_study: Any) -> Store:
    """A study that has them."""
    store.create_study(make_study(), baselines())
    return store


def complete(store: Store, make_measurement: Any, number: int, accuracy: float = 0.5) -> None:
    """Hand a baseline out and measure it to its end."""
    handed = store.hand_out_baseline("study", number, "host:1")
    for epoch in (1, 3, 9):
        store.measure_baseline("study", number, handed.attempt, make_measurement(epoch, accuracy))
    store.finish_baseline("study", number, COMPLETE)


def test_they_are_read_back_as_they_were_written(begun: Store) -> None:
    """Waiting, with their own tables; no count of the study knows them."""
    found = begun.baselines("study")
    assert [replace(one.baseline, attempt=1) for one in found] == baselines()
    assert {one.state for one in found} == {TrialState.WAITING}
    assert sum(begun.study("study").states.values()) == 0
    assert begun.trials("study") == []
    assert check(begun) == []


@pytest.mark.usefixtures("driver")
def test_a_study_may_have_none(store: Store) -> None:
    """As studies of before had."""
    assert store.baselines("study") == store.baseline_measurements("study") == []


def test_one_is_measured_once_and_repeats_its_last_measurement(
    begun: Store, make_measurement: Any
) -> None:
    """A second attempt at an epoch changes nothing."""
    first = begun.hand_out_baseline("study", 1, "host:1")
    assert begun.measure_baseline("study", 1, first.attempt, make_measurement(1, 0.25))
    again = begun.hand_out_baseline("study", 1, "host:2")
    assert (first.attempt, again.attempt) == (1, 2)
    assert begun.baselines("study")[1].lost == 1
    assert not begun.measure_baseline("study", 1, 2, make_measurement(1, 0.75))
    assert begun.measure_baseline("study", 1, 2, make_measurement(3, 0.5))
    found = begun.baselines("study")[1]
    assert (found.epochs, found.accuracy, found.images, found.lost) == (3, 0.5, 100, 0)
    assert begun.baseline_measurements("study") == [
        (1, make_measurement(1, 0.25)),
        (1, make_measurement(3, 0.5)),
    ]
    begun.give_back_baselines("study")
    assert begun.baselines("study")[1].state is TrialState.WAITING
    assert begun.study("study").epochs == 0
    assert check(begun) == []


def test_one_that_is_over_never_changes(begun: Store, make_measurement: Any) -> None:
    """Nor ends otherwise than complete or failed."""
    with pytest.raises(InputError, match="cannot end as stopped"):
        begun.finish_baseline("study", 0, Outcome(TrialState.STOPPED))
    complete(begun, make_measurement, 0)
    with pytest.raises(InputError, match="complete already"):
        begun.hand_out_baseline("study", 0)
    with pytest.raises(InputError, match="complete already"):
        begun.measure_baseline("study", 0, 1, make_measurement(9))
    with pytest.raises(InputError, match="no baseline 3"):
        begun.hand_out_baseline("study", 3)
    begun.hand_out_baseline("study", 1)
    begun.finish_baseline("study", 1, Outcome(TrialState.FAILED, "error", "so"))
    assert begun.baselines("study")[1].detail == "so"
    assert check(begun) == []


def test_numbers_and_attempts_are_checked(begun: Store, make_measurement: Any) -> None:
    """As those of trials."""
    with pytest.raises(InputError, match="no attempt 1"):
        begun.measure_baseline("study", 0, 1, make_measurement(1))
    begun.hand_out_baseline("study", 0)
    with pytest.raises(InputError, match="not finite"):
        begun.measure_baseline("study", 0, 1, make_measurement(1, float("nan")))


def test_they_are_written_under_the_lease(begun: Store, url: str, make_measurement: Any) -> None:
    """Whoever lost it writes no more."""
    begun.acquire("study", "host:1", 60)
    begun.hand_out_baseline("study", 0)
    with open_store(url) as thief:
        thief.acquire("study", "host:2", 60, steal=True)
    with pytest.raises(StudyBusyError):
        begun.measure_baseline("study", 0, 1, make_measurement(1))


def test_what_another_study_has_measured_is_found(
    begun: Store, make_study: Any, make_measurement: Any
) -> None:
    """Of the same network from the same seed, once it is complete."""
    store = begun
    store.create_study(make_study("other"), baselines("other"))
    assert store.earlier_baseline(["study"], OWN.digest, 3) is None
    complete(store, make_measurement, 0)
    found = store.earlier_baseline(["nothing", "study"], OWN.digest, 3)
    assert found is not None
    assert (found.study, found.number, len(found.measurements)) == ("study", 0, 3)
    assert store.earlier_baseline(["study"], OWN.digest, 4) is None
    assert store.earlier_baseline(["study"], WIDE.digest, 3) is None
    assert store.earlier_baseline([], OWN.digest, 3) is None


def test_merging_copies_and_unites_them(
    folder: Any, make_study: Any, make_measurement: Any
) -> None:
    """The side that got further stays; a second time changes nothing."""
    files = [str(folder / f"{name}.db") for name in "abc"]
    for file, done in zip(files, ((0,), (1, 2)), strict=False):
        with open_store(file) as store:
            store.create_study(make_study(), baselines())
            for number in done:
                complete(store, make_measurement, number)
            store.hand_out_baseline("study", 1 - min(done))
    merge(files[:1], files[2])
    merge(files[1:2], files[2])
    assert {done.way for done in merge(files[:2], files[2])} == {Way.KNOWN}
    with open_store(files[2]) as store:
        found = store.baselines("study")
        assert [one.state for one in found] == [TrialState.COMPLETE] * 3
        assert [replace(one.baseline, attempt=1) for one in found] == baselines()
        assert len(store.baseline_measurements("study")) == 9
    assert check(files[2]) == []


TAMPERINGS = {
    "UPDATE kw_baseline SET number = 7 WHERE number = 2": "3 numbers of them, from 0 to 7",
    "DELETE FROM kw_baseline_measurement WHERE epoch = 9": "measurements end at 3",
    "DELETE FROM kw_baseline_measurement WHERE epoch = 1": "complete with 2 measurements",
    "UPDATE kw_baseline SET accuracy = 0.75 WHERE number = 0": "differ from what it says",
    "UPDATE kw_baseline_measurement SET accuracy = 1.5 WHERE epoch = 1": "measured accuracy 1.5",
    "UPDATE kw_baseline SET finished_at = NULL WHERE number = 0": "its end says otherwise",
    "UPDATE kw_baseline SET measured_by = 5 WHERE number = 0": "measured by attempt 5",
    "UPDATE kw_baseline SET state = 'running' WHERE number = 1": "its driver died",
}


@pytest.mark.parametrize(("sql", "said"), TAMPERINGS.items())
def test_the_checker_finds_what_was_tampered_with(
    begun: Store, make_measurement: Any, sql: str, said: str
) -> None:
    """As of trials."""
    complete(begun, make_measurement, 0)
    assert check(begun) == []
    begun.transactions.write(lambda c: c.exec_driver_sql(sql))  # type: ignore[attr-defined] # SQL's
    faults = check(begun)
    assert any(said in fault for fault in faults), faults


def audits(store: Store, length: int = 27) -> list[Baseline]:
    """An audit of each trial of the study, numbered after its baselines."""
    first = len(store.baselines("study"))
    return [
        Baseline(
            study="study",
            number=number,
            role=Role.AUDIT,
            backbone=OWN,
            params=record.trial.params,
            macs=record.trial.macs,
            seed=length,
            repeats=record.trial,
            schedule_epochs=length,
        )
        for number, record in enumerate(store.trials("study"), first)
    ]


def test_an_audit_keeps_its_trial_and_the_length_of_its_schedule(
    folder: Any, make_driver: Any, make_measurement: Any
) -> None:
    """In a merged copy too; the checker wants it trained to that length."""
    files = [str(folder / f"{name}.db") for name in "ab"]
    with open_store(files[0]) as store:
        driver = make_driver(store)
        driver.create(baselines())
        driver.complete(0, 2000, 0.5)
        store.add_baselines("study", audits(store))
        audit = store.baselines("study")[3]
        assert (audit.baseline.schedule_epochs, audit.baseline.network) == (27, "trial 0")
        assert audit.baseline.repeats == store.trial("study", 0).trial
        store.hand_out_baseline("study", 3, "host:1")
        for epoch in (9, 18):
            store.measure_baseline("study", 3, 1, make_measurement(epoch, 0.5))
        store.finish_baseline("study", 3, COMPLETE)
        said = "study 'study', baseline 3, an audit, is complete after 18 of 27 epochs"
        assert said in check(store)
        sql = "UPDATE kw_baseline SET schedule_epochs = 18 WHERE number = 3"
        store.transactions.write(lambda c: c.exec_driver_sql(sql))
        assert not any("audit" in fault for fault in check(store))
    merge(files[:1], files[1])
    with open_store(files[1], read_only=True) as copied:
        (same,) = copied.baselines("study")[3:]
    assert same.baseline == replace(audit.baseline, schedule_epochs=18, attempt=1)


def test_the_checker_finds_an_audit_of_nothing(begun: Store) -> None:
    """Without a trial or a length."""
    sql = "UPDATE kw_baseline SET role = 'audit' WHERE number = 0"
    begun.transactions.write(lambda c: c.exec_driver_sql(sql))  # type: ignore[attr-defined] # SQL's
    assert any(
        "an audit, has trial None and a schedule of 0 epochs" in fault for fault in check(begun)
    )
