"""Everything that can be asked of a store."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, select

from search_spaces.errors import InputError, nearest
from trials.promotion import Entry
from trials.records import (
    Earlier,
    FrontRecord,
    FullTraining,
    KeptFile,
    Measurement,
    PastTrial,
    StudyRecord,
    TrialRecord,
    TrialState,
)
from trials.store import kept, resuming, rows
from trials.store.models import (
    FrontMemberRow,
    FrontRow,
    MeasurementRow,
    StudyRow,
    TallyRow,
    TrialRow,
)
from trials.store.names import is_name
from trials.store.units import Units

_NUMBERS = 2**31
_LARGEST = 2**63 - 1
_STUDIES = (
    select(StudyRow.__table__, TallyRow.__table__, FrontRow.hypervolume)
    .join(TallyRow, TallyRow.study_id == StudyRow.id)
    .outerjoin(FrontRow, FrontRow.id == TallyRow.front_id)
)
_TRIALS = select(TrialRow.__table__, FrontRow.hypervolume).outerjoin(
    FrontRow, FrontRow.id == TrialRow.front_id
)
_PRESENT = select(TallyRow.front_id).where(TallyRow.study_id == bindparam("study"))
_FRONT = (
    _TRIALS.join(FrontMemberRow, FrontMemberRow.trial_id == TrialRow.id)
    .where(FrontMemberRow.front_id == _PRESENT.scalar_subquery())
    .order_by(FrontMemberRow.place)
)
_OF_STUDY = TrialRow.study_id == bindparam("study")


class Reader:
    """The reading half of a store; see `trials.store.contract`."""

    def __init__(self, units: Units) -> None:
        self._units = units

    @property
    def place(self) -> str:
        """Path or URL of the database, without the password."""
        return self._units.place.shown

    def studies(self) -> list[StudyRecord]:
        """All studies, oldest first."""
        found = self._units.read(lambda c: c.execute(_STUDIES.order_by(StudyRow.id)).all())
        return [_study(row) for row in found]

    def study(self, name: str) -> StudyRecord:
        """One study.

        Raises:
            InputError: there is none of that name.
        """

        def work(connection: Connection) -> Row[Any]:
            study_id(connection, name)
            return connection.execute(_STUDIES.where(StudyRow.name == name)).one()

        return _study(self._units.read(work))

    def trials(
        self,
        study: str,
        *,
        states: Iterable[TrialState] | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[TrialRecord]:
        """Trials by number.

        Args:
            study: name.
            states: only trials in these states; None for all.
            limit: at most so many.
            offset: leave out so many first.

        Raises:
            InputError: no such study.
        """
        query = _TRIALS.where(_OF_STUDY).order_by(TrialRow.number)
        if states is None:
            # Numbers have no gaps, so the first of a page is found by its number.
            page = query.where(TrialRow.number >= min(offset, _NUMBERS - 1)).limit(limit)
            return self._trials(study, page)
        end = None if limit is None else offset + limit
        # State by state, each in the order of an index; together they would be sorted or searched.
        one = [query.where(TrialRow.state == state).limit(end) for state in dict.fromkeys(states)]
        found = self._trials(study, *one)
        return sorted(found, key=lambda record: record.number)[offset:end]

    def trial(self, study: str, number: int) -> TrialRecord:
        """One trial.

        Raises:
            InputError: no such study or trial.
        """
        if 0 <= number < _NUMBERS:
            found = self._trials(study, _TRIALS.where(_OF_STUDY, TrialRow.number == number))
            if found:
                return found[0]
        asked = sum(self.study(study).states.values())
        known = f"its trials are 0 to {asked - 1}" if asked else "it has none yet"
        raise InputError(
            f"Study {study!r} has no trial {number}: {known}.",
            f"'kwsearch status {study}' shows how far the study is.",
        )

    def measurements(self, study: str, number: int | None = None) -> list[tuple[int, Measurement]]:
        """Measurements with the numbers of their trials, by trial and epoch.

        Args:
            study: name.
            number: only this trial's.

        Raises:
            InputError: no such study.
        """
        query = (
            select(TrialRow.number, MeasurementRow.__table__)
            .join(MeasurementRow, MeasurementRow.trial_id == TrialRow.id)
            .order_by(TrialRow.number, MeasurementRow.epoch)
        )
        if number is not None:
            query = query.where(TrialRow.number == number)

        def work(connection: Connection) -> list[Row[Any]]:
            owner = study_id(connection, study)
            return list(connection.execute(query.where(TrialRow.study_id == owner)))

        return [(row.number, rows.measurement(row)) for row in self._units.read(work)]

    def front(
        self, study: str, *, max_params: int | None = None, min_accuracy: float | None = None
    ) -> list[TrialRecord]:
        """The present front, by ascending parameters and so by ascending accuracy.

        Args:
            study: name.
            max_params: only members of at most so many parameters.
            min_accuracy: only members of at least this accuracy.

        Raises:
            InputError: no such study.
        """
        query = _FRONT
        if max_params is not None:
            query = query.where(TrialRow.params <= max(-_LARGEST, min(max_params, _LARGEST)))
        if min_accuracy is not None:
            query = query.where(TrialRow.accuracy >= min_accuracy)
        return self._trials(study, query)

    def best(self, study: str, max_params: int) -> TrialRecord | None:
        """The most accurate member of the front inside a budget, or None.

        Raises:
            InputError: no such study.
        """
        inside = self.front(study, max_params=max_params)
        return inside[-1] if inside else None

    def fronts(self, study: str) -> list[FrontRecord]:
        """Every front that ever was, oldest first.

        Raises:
            InputError: no such study.
        """

        def work(connection: Connection) -> list[FrontRecord]:
            owner = study_id(connection, study)
            return list(_fronts(connection, owner))

        return self._units.read(work)

    def files(self, study: str) -> dict[int, KeptFile]:
        """Weights of the front's members, by trial; members without any are left out.

        Raises:
            InputError: no such study.
        """
        return self._units.read(lambda c: kept.files(c, study_id(c, study)))

    def trainings(self, study: str, number: int) -> list[FullTraining]:
        """Full trainings of a trial's configuration, oldest first.

        Raises:
            InputError: no such study.
        """
        return self._units.read(lambda c: kept.trainings(c, study_id(c, study), number))

    def history(self, study: str) -> Iterator[PastTrial]:
        """Trials that ended complete or stopped, in the order in which they ended.

        They are read while they are asked for, so that a million of them need no room.

        Raises:
            InputError: no such study.
        """
        with self._units.open() as connection:
            yield from resuming.history(connection, study_id(connection, study))

    def rung(self, study: str, epoch: int, most: int) -> list[Entry]:
        """The latest trials at a rung below the top, by number.

        Args:
            study: name.
            epoch: of the rung.
            most: at most so many.

        Returns:
            Those that were stopped there or went on; an open trial that has only just reached the
            rung is not among them.

        Raises:
            InputError: no such study.
        """
        return self._units.read(lambda c: resuming.rung(c, study_id(c, study), epoch, most))

    def earlier(self, studies: Sequence[str], digest: str, seed: int) -> Earlier | None:
        """What other studies have measured of a network trained from a seed.

        Args:
            studies: their names.
            digest: of the network.
            seed: of the training.

        Returns:
            The trial among them that was measured longest, complete or stopped; None if there is
            none.
        """
        if not studies:
            return None
        return self._units.read(lambda c: resuming.earlier(c, studies, digest, seed))

    def known_digests(self, study: str) -> dict[str, int]:
        """Number of the trial of each digest.

        Raises:
            InputError: no such study.
        """

        def work(connection: Connection) -> dict[str, int]:
            owner = study_id(connection, study)
            query = select(TrialRow.digest, TrialRow.number).where(TrialRow.study_id == owner)
            return {row.digest: row.number for row in connection.execute(query)}

        return self._units.read(work)

    def _trials(self, study: str, *queries: Select[Any]) -> list[TrialRecord]:
        def work(connection: Connection) -> list[TrialRecord]:
            given = {"study": study_id(connection, study)}
            return rows.read(
                lambda: [
                    rows.trial_record(study, row)
                    for query in queries
                    for row in connection.execute(query, given)
                ],
                f"trials of study {study!r}",
            )

        return self._units.read(work)


def study_id(connection: Connection, name: str) -> int:
    """Key of a study.

    Raises:
        InputError: there is none of that name; names the nearest one.
    """
    if is_name(name):
        found = connection.scalar(select(StudyRow.id).where(StudyRow.name == name))
        if found is not None:
            return found
    raise unknown_study(connection, name)


def unknown_study(connection: Connection, name: str) -> InputError:
    """The error for a name that no study has."""
    known = list(connection.scalars(select(StudyRow.name)))
    hint = nearest(name, known) if known else " The database holds no study yet."
    return InputError(
        f"There is no study {name[:120]!r}.{hint}", "'kwsearch studies' lists all there are."
    )


def _study(row: Row[Any]) -> StudyRecord:
    return rows.read(lambda: rows.study_record(row), "study")


def _fronts(connection: Connection, owner: int) -> Iterator[FrontRecord]:
    members = defaultdict(list)
    query = (
        select(FrontMemberRow.front_id, TrialRow.number)
        .join(FrontRow, FrontRow.id == FrontMemberRow.front_id)
        .join(TrialRow, TrialRow.id == FrontMemberRow.trial_id)
        .where(FrontRow.study_id == owner)
        .order_by(FrontMemberRow.front_id, FrontMemberRow.place)
    )
    for front, number in connection.execute(query):
        members[front].append(number)
    whole = select(FrontRow.__table__).where(FrontRow.study_id == owner)
    for row in connection.execute(whole.order_by(FrontRow.number)):
        yield rows.front_record(row, tuple(members[row.id]))
