"""A dump: a study as plain rows, without the keys that differ from database to database."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Table, inspect, select

from trials.records import Refusal
from trials.store import rows
from trials.store.models import (
    MEASUREMENT,
    STUDY,
    TALLY,
    TRAINING,
    TRIAL,
    MeasurementRow,
    StudyRow,
    TallyRow,
    TrainingRow,
    TrialRow,
)

Columns = Mapping[str, Any]


_LEFT_OUT = {"id", "study_id", "trial_id", "front_id", "lease_owner", "lease_until"}


@dataclass(frozen=True, slots=True)
class TrialDump:
    """A trial with all that was measured.

    Attributes:
        columns: of ``kw_trial``.
        measurements: columns of ``kw_measurement`` by epoch.
        trainings: columns of ``kw_training``, oldest first.
    """

    columns: Columns
    measurements: Mapping[int, Columns]
    trainings: tuple[Columns, ...] = ()

    @property
    def digest(self) -> str:
        """Of the network."""
        return str(self.columns["digest"])

    @property
    def final(self) -> bool:
        """Whether the trial is over."""
        return bool(self.columns["state"].final)


@dataclass(frozen=True, slots=True)
class StudyDump:
    """A study with all its trials.

    Attributes:
        columns: of ``kw_study``, without the lease.
        refused: proposals turned down, by reason.
        trials: by number.
    """

    columns: Columns
    refused: Mapping[str, int]
    trials: tuple[TrialDump, ...]

    @property
    def name(self) -> str:
        """Of the study."""
        return str(self.columns["name"])


def outline(connection: Connection, name: str) -> StudyDump:
    """Read the study ``name``, which is there, without its trials."""
    query = select(STUDY, TALLY).join(TALLY, TallyRow.study_id == StudyRow.id)
    row = connection.execute(query.where(StudyRow.name == name)).one()
    refused = {refusal.value: getattr(row, refusal.value) for refusal in Refusal}
    return StudyDump(_columns(STUDY, row), refused, ())


def read(connection: Connection, name: str) -> StudyDump:
    """Read the study ``name``, which is there.

    Raises:
        DamagedDataError: a row is not what a store writes.
    """
    return rows.read(lambda: _read(connection, name), f"study {name!r}")


def _read(connection: Connection, name: str) -> StudyDump:
    key = select(StudyRow.id).where(StudyRow.name == name).scalar_subquery()
    trials = select(TRIAL).where(TrialRow.study_id == key).order_by(TrialRow.number)
    there = {column["name"] for column in inspect(connection).get_columns(MEASUREMENT.name)}
    measurements = (
        select(*(column for column in MEASUREMENT.columns if column.name in there))
        .join(TRIAL, TrialRow.id == MeasurementRow.trial_id)
        .where(TrialRow.study_id == key)
        .order_by(MeasurementRow.trial_id, MeasurementRow.epoch)
    )
    measured: dict[int, dict[int, Columns]] = defaultdict(dict)
    for row in connection.execute(measurements):
        measured[row.trial_id][row.epoch] = _columns(MEASUREMENT, row)
    trained = _trainings(connection)
    found = tuple(
        TrialDump(_columns(TRIAL, row), measured.get(row.id, {}), tuple(trained.get(row.id, ())))
        for row in connection.execute(trials)
    )
    return replace(outline(connection, name), trials=found)


def _trainings(connection: Connection) -> dict[int, list[Columns]]:
    found: dict[int, list[Columns]] = defaultdict(list)
    if inspect(connection).has_table(TRAINING.name):  # an older schema lacks it
        for row in connection.execute(select(TRAINING).order_by(TrainingRow.finished_at)):
            found[row.trial_id].append(_columns(TRAINING, row))
    return found


def _columns(table: Table, row: Any) -> Columns:  # noqa: ANN401 - a row of that table
    # A column that an older schema lacks is empty.
    return {c.name: getattr(row, c.name, None) for c in table.columns if c.name not in _LEFT_OUT}
