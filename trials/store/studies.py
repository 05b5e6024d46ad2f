"""Creating, changing, renaming and deleting a study."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from uuid import uuid4

from sqlalchemy import Connection, insert, select, update
from sqlalchemy import delete as sql_delete

from search_spaces.distribution import installed_version
from search_spaces.errors import InputError, plural
from trials.names import check_name
from trials.records import Baseline, NewStudy, Refusal, TrialState
from trials.store import baselines
from trials.store.column_types import clock, plain
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
from trials.store.transactions import OnStudy, StudyChange


class Creation:
    """Creates a study, and recognises it where an earlier try had created it."""

    def __init__(self, new: NewStudy, planned: Sequence[Baseline] = ()) -> None:
        check_name(new.name)
        _check_trials(new.trials)
        self._new = new
        self._planned = planned
        self._token = uuid4().hex

    def __call__(self, connection: Connection) -> None:
        """Work inside the transaction of ``connection``."""
        query = select(TALLY.c.unit).join(STUDY, STUDY.c.id == TALLY.c.study_id)
        found = connection.execute(query.where(STUDY.c.name == self._new.name)).one_or_none()
        if found is None:
            self._create(connection)
        elif found.unit != self._token:
            name = self._new.name
            raise InputError(
                f"There is a study {name!r} already.",
                f"Go on with 'kwsearch resume {name}', or choose another name.",
            )

    def _create(self, connection: Connection) -> None:
        new = self._new
        row: dict[str, Any] = {
            "name": new.name,
            "settings": dict(new.settings),
            "backbone": new.backbone.to_dict(),
            "seed": new.seed,
            "trials": new.trials,
            "smallest_params": new.smallest_params,
            "reference_params": new.reference_params,
            "reference_accuracy": new.reference_accuracy,
            "version": installed_version(),
            "created_at": clock(),
        }
        key = connection.scalar(insert(STUDY).values(row).returning(STUDY.c.id))
        zeros = dict.fromkeys((*TrialState, *Refusal), 0)
        tally = {"study_id": key, "epochs": 0, "seconds": 0.0, "unit": self._token}
        connection.execute(insert(TALLY).values({**zeros, **tally}))
        assert key is not None  # noqa: S101 - the row was just written
        baselines.create(connection, key, new.backbone, self._planned)


class Leaving(OnStudy):
    """Work after which no study has the name, or another one.

    Where a commit was carried out but its answer lost, the repeat finds the study gone and is done.
    """

    def __init__(self, name: str, work: Callable[[StudyChange], None]) -> None:
        self._key: int | None = None

        def noting(change: StudyChange) -> None:
            self._key = change.head.id
            work(change)

        super().__init__(name, noting)

    def __call__(self, connection: Connection) -> None:
        """Work inside the transaction of ``connection``."""
        found = connection.scalar(select(STUDY.c.id).where(STUDY.c.name == self.name))
        if self._key is None or found == self._key:
            super().__call__(connection)


def delete(work: StudyChange) -> None:
    """Delete the study and every row that belongs to it."""
    connection, key = work.connection, work.head.id
    trials = select(TRIAL.c.id).where(TRIAL.c.study_id == key)
    fronts = select(FRONT.c.id).where(FRONT.c.study_id == key)
    connection.execute(update(TALLY).where(TALLY.c.study_id == key).values(front_id=None))
    connection.execute(update(TRIAL).where(TRIAL.c.study_id == key).values(front_id=None))
    connection.execute(sql_delete(MEMBER).where(MEMBER.c.front_id.in_(fronts)))
    for table in (FILE, TRAINING, MEASUREMENT):
        connection.execute(sql_delete(table).where(table.c.trial_id.in_(trials)))
    plain_networks = select(BASELINE.c.id).where(BASELINE.c.study_id == key)
    of_them = BASELINE_MEASUREMENT.c.baseline_id.in_(plain_networks)
    connection.execute(sql_delete(BASELINE_MEASUREMENT).where(of_them))
    for table in (BASELINE, FRONT, TRIAL, TALLY):
        connection.execute(sql_delete(table).where(table.c.study_id == key))
    connection.execute(sql_delete(STUDY).where(STUDY.c.id == key))


def rename(work: StudyChange, new: str, paths: Mapping[int, str]) -> None:
    """Give the study another name, and its weights the paths that follow from it.

    Raises:
        InputError: the name is taken.
    """
    connection, key = work.connection, work.head.id
    if connection.scalar(select(STUDY.c.id).where(STUDY.c.name == new)) is not None:
        raise InputError(
            f"There is a study {new!r} already.", "Choose another name, or delete that study first."
        )
    settings = dict(connection.scalar(select(STUDY.c.settings).where(STUDY.c.id == key)) or {})
    if "name" in settings:
        settings["name"] = new
    change = update(STUDY).where(STUDY.c.id == key)
    connection.execute(change.values(name=new, settings=settings))
    for number, path in paths.items():
        of_trial = FILE.c.trial_id == work.trial(number).id
        connection.execute(update(FILE).where(of_trial).values(path=plain(path)))


def set_trials(work: StudyChange, trials: int) -> None:
    """Change how many trials the study asks for.

    Raises:
        InputError: more than that were begun.
    """
    _check_trials(trials)
    if trials < work.asked:
        raise InputError(
            f"Study {work.name!r} cannot ask for {plural(trials, 'trial')}: it has begun "
            f"{work.asked:,}.",
            f"Ask for {work.asked} or more.",
        )
    change = update(STUDY).where(STUDY.c.id == work.head.id)
    work.connection.execute(change.values(trials=trials))


def _check_trials(trials: int) -> None:
    if not 0 <= trials < 2**31:
        raise InputError(
            f"{trials} is not a number of trials.", "Ask for 0 to 2,147,483,647 of them."
        )
