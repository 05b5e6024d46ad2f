"""Writes a dump back over what a database has of the study."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from trials.records import Refusal, TrialState
from trials.store.merge.dump import StudyDump
from trials.store.merge.join import fronts
from trials.store.tables import (
    BASELINE,
    BASELINE_MEASUREMENT,
    FILE,
    FRONT,
    MEASUREMENT,
    MEMBER,
    STUDY,
    TALLY,
    TRAINING,
    TRIAL,
)
from trials.store.transactions import StudyChange


def create_empty(connection: Connection, study: StudyDump) -> None:
    """Write a study down without any of its trials."""
    key = connection.scalar(insert(STUDY).values(study.columns).returning(STUDY.c.id))
    zeros = dict.fromkeys((*TrialState, *Refusal), 0)
    connection.execute(insert(TALLY), {**zeros, "study_id": key, "epochs": 0, "seconds": 0.0})


def restore(work: StudyChange, before: StudyDump, after: StudyDump) -> None:
    """Make ``after`` out of ``before``, whose trials come first in it and in the same order."""
    connection, key = work.connection, work.head.id
    connection.execute(
        update(STUDY).where(STUDY.c.id == key).values(trials=after.columns["trials"])
    )
    _remove_fronts(connection, key)
    _restore_trials(connection, key, before, after)
    numbers = select(TRIAL.c.number, TRIAL.c.id).where(TRIAL.c.study_id == key)
    keys = {row.number: row.id for row in connection.execute(numbers)}
    _restore_measurements(connection, keys, before, after)
    _restore_trainings(connection, keys, before, after)
    if after.baselines != before.baselines:
        _restore_baselines(connection, key, after)
    work.counts.update(after.refused)
    for state in TrialState:
        work.counts[state.value] = sum(t.columns["state"] is state for t in after.trials)
    for column in ("epochs", "seconds"):
        work.counts[column] = sum(trial.columns[column] for trial in after.trials)
    work.counts["front_id"] = _restore_fronts(connection, key, keys, after)
    _strike_fallen(connection, key, work.counts["front_id"])


def _strike_fallen(connection: Connection, study: int, front: int | None) -> None:
    """Name the weights of trials no longer that the merged front has lost."""
    ours = select(TRIAL.c.id).where(TRIAL.c.study_id == study)
    members = select(MEMBER.c.trial_id).where(MEMBER.c.front_id == front)
    fallen = FILE.c.trial_id.in_(ours) & FILE.c.trial_id.not_in(members)
    connection.execute(delete(FILE).where(fallen))


def _remove_fronts(connection: Connection, study: int) -> None:
    connection.execute(update(TALLY).where(TALLY.c.study_id == study).values(front_id=None))
    connection.execute(update(TRIAL).where(TRIAL.c.study_id == study).values(front_id=None))
    of_study = select(FRONT.c.id).where(FRONT.c.study_id == study)
    connection.execute(delete(MEMBER).where(MEMBER.c.front_id.in_(of_study)))
    connection.execute(delete(FRONT).where(FRONT.c.study_id == study))


def _restore_trials(
    connection: Connection, study: int, before: StudyDump, after: StudyDump
) -> None:
    for old, new in zip(before.trials, after.trials, strict=False):
        if old.columns != new.columns:
            one = update(TRIAL).where(TRIAL.c.study_id == study)
            connection.execute(one.where(TRIAL.c.digest == new.digest).values(new.columns))
    added = after.trials[len(before.trials) :]
    if added:
        rows = [{**trial.columns, "study_id": study} for trial in added]
        connection.execute(insert(TRIAL), rows)


def _restore_measurements(
    connection: Connection, keys: Mapping[int, int], before: StudyDump, after: StudyDump
) -> None:
    known = {trial.digest: trial.measurements for trial in before.trials}
    rows: list[dict[str, Any]] = []
    for trial in after.trials:
        key = keys[trial.columns["number"]]
        if trial.measurements != known.get(trial.digest, {}):
            connection.execute(delete(MEASUREMENT).where(MEASUREMENT.c.trial_id == key))
            rows += ({**row, "trial_id": key} for row in trial.measurements.values())
    if rows:
        connection.execute(insert(MEASUREMENT), rows)


def _restore_trainings(
    connection: Connection, keys: Mapping[int, int], before: StudyDump, after: StudyDump
) -> None:
    known = {trial.digest: trial.trainings for trial in before.trials}
    rows = [
        {**training, "trial_id": keys[trial.columns["number"]]}
        for trial in after.trials
        for training in trial.trainings[len(known.get(trial.digest, ())) :]
    ]
    if rows:
        connection.execute(insert(TRAINING), rows)


def _restore_baselines(connection: Connection, study: int, after: StudyDump) -> None:
    """Write all baselines anew: there are few."""
    ours = select(BASELINE.c.id).where(BASELINE.c.study_id == study)
    measured = BASELINE_MEASUREMENT.c.baseline_id.in_(ours)
    connection.execute(delete(BASELINE_MEASUREMENT).where(measured))
    connection.execute(delete(BASELINE).where(BASELINE.c.study_id == study))
    for baseline in after.baselines:
        row = {**baseline.columns, "study_id": study}
        key = connection.scalar(insert(BASELINE).values(row).returning(BASELINE.c.id))
        curve = [{**one, "baseline_id": key} for one in baseline.measurements.values()]
        if curve:
            connection.execute(insert(BASELINE_MEASUREMENT), curve)


def _restore_fronts(
    connection: Connection, study: int, keys: Mapping[int, int], after: StudyDump
) -> int | None:
    """Write every front that ever was; return the key of the present one."""
    number, key = 0, None
    refer: list[dict[str, Any]] = []
    for trial, front in fronts(after):
        if front is not None:
            row = {
                "study_id": study,
                "number": number,
                "trial": trial.columns["number"],
                "hypervolume": front.hypervolume,
                "reference_params": after.columns["reference_params"],
                "reference_accuracy": after.columns["reference_accuracy"],
                "created_at": trial.columns["finished_at"],
            }
            key = connection.scalar(insert(FRONT).values(row).returning(FRONT.c.id))
            members = [
                {"front_id": key, "place": rank, "trial_id": keys[member]}
                for rank, member in enumerate(front.members)
            ]
            connection.execute(insert(MEMBER), members)
            number += 1
        refer.append({"key": keys[trial.columns["number"]], "front": key})
    if refer:
        one = update(TRIAL).where(TRIAL.c.id == bindparam("key"))
        connection.execute(one.values(front_id=bindparam("front")), refer)
    return key
