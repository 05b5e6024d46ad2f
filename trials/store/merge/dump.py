"""A dump: a study as plain rows, without the keys that differ from database to database."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Column, Connection, Table, inspect, select

from trials.records import Refusal
from trials.store import older, rows
from trials.store.tables import (
    BASELINE,
    BASELINE_MEASUREMENT,
    MEASUREMENT,
    STUDY,
    TALLY,
    TRAINING,
    TRIAL,
)

Columns = Mapping[str, Any]


_LEFT_OUT = {"id", "study_id", "trial_id", "baseline_id", "front_id", "lease_owner", "lease_until"}


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
class BaselineDump:
    """A baseline with all that was measured.

    Attributes:
        columns: of ``kw_baseline``.
        measurements: columns of ``kw_baseline_measurement`` by epoch.
    """

    columns: Columns
    measurements: Mapping[int, Columns]

    @property
    def key(self) -> tuple[str, int]:
        """What tells it from others of its study: digest of the network, and seed."""
        return self.columns["digest"], self.columns["seed"]


@dataclass(frozen=True, slots=True)
class StudyDump:
    """A study with all its trials.

    Attributes:
        columns: of ``kw_study``, without the lease.
        refused: proposals turned down, by reason.
        trials: by number.
        baselines: by number.
    """

    columns: Columns
    refused: Mapping[str, int]
    trials: tuple[TrialDump, ...]
    baselines: tuple[BaselineDump, ...] = ()

    @property
    def name(self) -> str:
        """Of the study."""
        return str(self.columns["name"])


def outline(connection: Connection, name: str) -> StudyDump:
    """Read the study ``name``, which is there, without its trials."""
    there = _present(connection, STUDY)
    query = select(*there, *older.columns(connection, TALLY)).join(
        TALLY, TALLY.c.study_id == STUDY.c.id
    )
    row = connection.execute(query.where(STUDY.c.name == name)).one()
    refused = {refusal.value: getattr(row, refusal.value) for refusal in Refusal}
    columns = _columns(STUDY, row)
    if older.lacks_area(connection):
        columns = {**columns, "smallest_params": older.area(connection, row.id).low}
    return StudyDump(columns, refused, ())


def read(connection: Connection, name: str) -> StudyDump:
    """Read the study ``name``, which is there.

    Raises:
        DamagedDataError: a row is not what a store writes.
    """
    return rows.read(lambda: _read(connection, name), f"study {name!r}")


def _read(connection: Connection, name: str) -> StudyDump:
    key = select(STUDY.c.id).where(STUDY.c.name == name).scalar_subquery()
    trials = (
        select(*_present(connection, TRIAL)).where(TRIAL.c.study_id == key).order_by(TRIAL.c.number)
    )
    measurements = (
        select(*_present(connection, MEASUREMENT))
        .join(TRIAL, TRIAL.c.id == MEASUREMENT.c.trial_id)
        .where(TRIAL.c.study_id == key)
        .order_by(MEASUREMENT.c.trial_id, MEASUREMENT.c.epoch)
    )
    measured: dict[int, dict[int, Columns]] = defaultdict(dict)
    for row in connection.execute(measurements):
        measured[row.trial_id][row.epoch] = _columns(MEASUREMENT, row)
    trained = _trainings(connection)
    found = tuple(
        TrialDump(_columns(TRIAL, row), measured.get(row.id, {}), tuple(trained.get(row.id, ())))
        for row in connection.execute(trials)
    )
    return replace(outline(connection, name), trials=found, baselines=_baselines(connection, name))


def _trainings(connection: Connection) -> dict[int, list[Columns]]:
    found: dict[int, list[Columns]] = defaultdict(list)
    if inspect(connection).has_table(TRAINING.name):  # an older schema lacks it
        there = select(*_present(connection, TRAINING))
        for row in connection.execute(there.order_by(TRAINING.c.finished_at)):
            found[row.trial_id].append(_columns(TRAINING, row))
    return found


def _baselines(connection: Connection, name: str) -> tuple[BaselineDump, ...]:
    if not inspect(connection).has_table(BASELINE.name):  # an older schema lacks it
        return ()
    key = select(STUDY.c.id).where(STUDY.c.name == name).scalar_subquery()
    measured: dict[int, dict[int, Columns]] = defaultdict(dict)
    curves = (
        select(*_present(connection, BASELINE_MEASUREMENT))
        .join(BASELINE, BASELINE.c.id == BASELINE_MEASUREMENT.c.baseline_id)
        .where(BASELINE.c.study_id == key)
        .order_by(BASELINE_MEASUREMENT.c.baseline_id, BASELINE_MEASUREMENT.c.epoch)
    )
    for row in connection.execute(curves):
        measured[row.baseline_id][row.epoch] = _columns(BASELINE_MEASUREMENT, row)
    there = select(*_present(connection, BASELINE))
    found = there.where(BASELINE.c.study_id == key).order_by(BASELINE.c.number)
    return tuple(
        BaselineDump(_columns(BASELINE, row), measured.get(row.id, {}))
        for row in connection.execute(found)
    )


def _present(connection: Connection, table: Table) -> list[Column[Any]]:
    """Columns that the table has in this database; an older schema lacks some."""
    there = {column["name"] for column in inspect(connection).get_columns(table.name)}
    return [column for column in table.columns if column.name in there]


def _columns(table: Table, row: Any) -> Columns:  # noqa: ANN401 - a row of that table
    # A column that an older schema lacks is empty.
    return {c.name: getattr(row, c.name, None) for c in table.columns if c.name not in _LEFT_OUT}
