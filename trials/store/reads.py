"""Everything that can be asked of a store; each method is one transaction that writes nothing."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlalchemy import Connection, Row, Select, bindparam, func, inspect, or_, select

from search_spaces.errors import InputError
from trials.records import (
    Decision,
    Earlier,
    Entry,
    FrontRecord,
    FullTraining,
    KeptFile,
    Measurement,
    PastTrial,
    StudyRecord,
    TrialRecord,
    TrialState,
)
from trials.store import rows
from trials.store.models import (
    FileRow,
    FrontMemberRow,
    FrontRow,
    MeasurementRow,
    StudyRow,
    TallyRow,
    TrainingRow,
    TrialRow,
)
from trials.store.transactions import Transactions, study_id

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
    .order_by(FrontMemberRow.rank)
)
_OF_STUDY = TrialRow.study_id == bindparam("study")
_MEASURED: tuple[Any, ...] = (
    MeasurementRow.epoch,
    MeasurementRow.accuracy,
    MeasurementRow.accuracy_error,
    MeasurementRow.loss,
    MeasurementRow.images,
    MeasurementRow.seconds,
)
_DECIDED = (
    select(MeasurementRow.epoch, MeasurementRow.goes_on, MeasurementRow.reason)
    .join(TrialRow, TrialRow.id == MeasurementRow.trial_id)
    .where(_OF_STUDY, TrialRow.number == bindparam("trial"), MeasurementRow.goes_on.is_not(None))
    .order_by(MeasurementRow.epoch)
)
_IN_VAIN = (
    select(
        TrialRow.number,
        (TrialRow.attempt - func.coalesce(func.max(MeasurementRow.attempt), 0)).label("vain"),
    )
    .outerjoin(MeasurementRow, MeasurementRow.trial_id == TrialRow.id)
    .where(_OF_STUDY, TrialRow.state == TrialState.RUNNING)
    .group_by(TrialRow.id, TrialRow.number, TrialRow.attempt)
)
_FILES = (
    select(TrialRow.number, FileRow.path, FileRow.sha256, FileRow.bytes)
    .join(FrontMemberRow, FrontMemberRow.trial_id == FileRow.trial_id)
    .join(TallyRow, TallyRow.front_id == FrontMemberRow.front_id)
    .join(TrialRow, TrialRow.id == FileRow.trial_id)
    .where(TallyRow.study_id == bindparam("study"))
    .order_by(FrontMemberRow.rank)
)
_TRAININGS = (
    select(TrainingRow.__table__)
    .join(TrialRow, TrialRow.id == TrainingRow.trial_id)
    .where(TrialRow.study_id == bindparam("study"), TrialRow.number == bindparam("trial"))
    .order_by(TrainingRow.id)
)
_PAST = (
    select(
        TrialRow.number,
        TrialRow.choices,
        TrialRow.sampler_state,
        TrialRow.params,
        TrialRow.epochs,
        TrialRow.accuracy,
    )
    .where(_OF_STUDY, TrialRow.state.in_((TrialState.COMPLETE, TrialState.STOPPED)))
    .order_by(TrialRow.finish_order)
)
_RUNG = (
    select(
        TrialRow.number,
        TrialRow.params,
        TrialRow.epochs,
        TrialRow.state,
        MeasurementRow.accuracy,
        MeasurementRow.goes_on,
    )
    .join(MeasurementRow, MeasurementRow.trial_id == TrialRow.id)
    .where(_OF_STUDY, MeasurementRow.epoch == bindparam("rung"))
    .where(
        or_(
            MeasurementRow.goes_on.is_not(None),
            TrialRow.epochs > bindparam("rung"),
            TrialRow.finished_at.is_not(None),
        )
    )
    .order_by(TrialRow.number.desc())
    .limit(bindparam("most"))
)
_ELSEWHERE = (
    select(TrialRow.id, StudyRow.name, TrialRow.number)
    .join(StudyRow, StudyRow.id == TrialRow.study_id)
    .where(
        StudyRow.name.in_(bindparam("studies", expanding=True)),
        TrialRow.digest == bindparam("network"),
        TrialRow.seed == bindparam("trained_from"),
        TrialRow.state.in_((TrialState.COMPLETE, TrialState.STOPPED)),
    )
    .order_by(TrialRow.epochs.desc(), TrialRow.id)
    .limit(1)
)
_CURVE = (
    select(*_MEASURED)
    .where(MeasurementRow.trial_id == bindparam("trial"))
    .order_by(MeasurementRow.epoch)
)
_PAGE = 1000


class Reads:
    """The half of a SQL store that reads."""

    def __init__(self, transactions: Transactions) -> None:
        self.transactions = transactions

    @property
    def location(self) -> str:
        """Path or URL of the database, without the password."""
        return self.transactions.database.shown

    def studies(self) -> list[StudyRecord]:
        """All studies, oldest first."""
        found = self.transactions.read(lambda c: c.execute(_STUDIES.order_by(StudyRow.id)).all())
        return [_study(row) for row in found]

    def study(self, name: str) -> StudyRecord:
        """One study."""

        def work(connection: Connection) -> Row[Any]:
            study_id(connection, name)
            return connection.execute(_STUDIES.where(StudyRow.name == name)).one()

        return _study(self.transactions.read(work))

    def trials(
        self,
        study: str,
        *,
        states: Iterable[TrialState] | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[TrialRecord]:
        """Trials by number."""
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
        """One trial."""
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
        """Measurements with the numbers of their trials, by trial and epoch."""
        query = (
            select(TrialRow.number, *_MEASURED)
            .join(MeasurementRow, MeasurementRow.trial_id == TrialRow.id)
            .order_by(TrialRow.number, MeasurementRow.epoch)
        )
        if number is not None:
            query = query.where(TrialRow.number == number)

        def work(connection: Connection) -> list[Row[Any]]:
            owner = study_id(connection, study)
            return list(connection.execute(query.where(TrialRow.study_id == owner)))

        return [(row.number, rows.measurement(row)) for row in self.transactions.read(work)]

    def decisions(self, study: str, number: int) -> dict[int, Decision]:
        """What was decided on a trial, by epoch."""
        return self.transactions.read(lambda c: _decisions(c, study_id(c, study), number))

    def front(
        self, study: str, *, max_params: int | None = None, min_accuracy: float | None = None
    ) -> list[TrialRecord]:
        """The present front, by ascending parameters and so by ascending accuracy."""
        query = _FRONT
        if max_params is not None:
            query = query.where(TrialRow.params <= max(-_LARGEST, min(max_params, _LARGEST)))
        if min_accuracy is not None:
            query = query.where(TrialRow.accuracy >= min_accuracy)
        return self._trials(study, query)

    def best(self, study: str, max_params: int) -> TrialRecord | None:
        """The most accurate member of the front inside a budget, or None."""
        inside = self.front(study, max_params=max_params)
        return inside[-1] if inside else None

    def fronts(self, study: str) -> list[FrontRecord]:
        """Every front that ever was, oldest first."""

        def work(connection: Connection) -> list[FrontRecord]:
            owner = study_id(connection, study)
            return list(_fronts(connection, owner))

        return self.transactions.read(work)

    def files(self, study: str) -> dict[int, KeptFile]:
        """Weights of the front's members, by trial; members without any are left out."""
        return self.transactions.read(lambda c: _files(c, study_id(c, study)))

    def trainings(self, study: str, number: int) -> list[FullTraining]:
        """Full trainings of a trial's configuration, oldest first."""
        return self.transactions.read(lambda c: _trainings(c, study_id(c, study), number))

    def history(self, study: str) -> Iterator[PastTrial]:
        """Trials that ended complete or stopped, in the order in which they ended."""
        with self.transactions.open() as connection:
            yield from _history(connection, study_id(connection, study))

    def rung(self, study: str, epoch: int, most: int) -> list[Entry]:
        """The latest trials at a rung below the top, by number."""
        return self.transactions.read(lambda c: _rung(c, study_id(c, study), epoch, most))

    def attempts_in_vain(self, study: str) -> dict[int, int]:
        """By running trial, the attempts at it since one has measured something new."""

        def work(connection: Connection) -> dict[int, int]:
            given = {"study": study_id(connection, study)}
            return {row.number: row.vain for row in connection.execute(_IN_VAIN, given)}

        return self.transactions.read(work)

    def earlier(self, studies: Sequence[str], digest: str, seed: int) -> Earlier | None:
        """What other studies have measured of a network trained from a seed."""
        if not studies:
            return None
        return self.transactions.read(lambda c: _earlier(c, studies, digest, seed))

    def known_digests(self, study: str) -> dict[str, int]:
        """Number of the trial of each digest."""

        def work(connection: Connection) -> dict[str, int]:
            owner = study_id(connection, study)
            query = select(TrialRow.digest, TrialRow.number).where(TrialRow.study_id == owner)
            return {row.digest: row.number for row in connection.execute(query)}

        return self.transactions.read(work)

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

        return self.transactions.read(work)


def _study(row: Row[Any]) -> StudyRecord:
    return rows.read(lambda: rows.study_record(row), "study")


def _fronts(connection: Connection, owner: int) -> Iterator[FrontRecord]:
    members = defaultdict(list)
    query = (
        select(FrontMemberRow.front_id, TrialRow.number)
        .join(FrontRow, FrontRow.id == FrontMemberRow.front_id)
        .join(TrialRow, TrialRow.id == FrontMemberRow.trial_id)
        .where(FrontRow.study_id == owner)
        .order_by(FrontMemberRow.front_id, FrontMemberRow.rank)
    )
    for front, number in connection.execute(query):
        members[front].append(number)
    ever = select(FrontRow.__table__).where(FrontRow.study_id == owner)
    for row in connection.execute(ever.order_by(FrontRow.number)):
        yield rows.front_record(row, tuple(members[row.id]))


def _history(connection: Connection, study: int) -> Iterator[PastTrial]:
    found = connection.execution_options(yield_per=_PAGE).execute(_PAST, {"study": study})
    for row in found:
        yield rows.past_trial(row)


def _rung(connection: Connection, study: int, epoch: int, most: int) -> list[Entry]:
    given = {"study": study, "rung": epoch, "most": most}
    return [
        Entry(
            row.number,
            row.params,
            row.accuracy,
            went_on=row.goes_on
            if row.goes_on is not None
            else row.epochs > epoch or row.state is not TrialState.STOPPED,
        )
        for row in reversed(connection.execute(_RUNG, given).all())
    ]


def _earlier(
    connection: Connection, studies: Sequence[str], digest: str, seed: int
) -> Earlier | None:
    given = {"studies": list(studies), "network": digest, "trained_from": seed}
    found = connection.execute(_ELSEWHERE, given).one_or_none()
    if found is None:
        return None
    curve = connection.execute(_CURVE, {"trial": found.id})
    return Earlier(found.name, found.number, tuple(rows.measurement(row) for row in curve))


def _decisions(connection: Connection, study: int, number: int) -> dict[int, Decision]:
    table = MeasurementRow.__tablename__
    if MeasurementRow.goes_on.name not in {
        c["name"] for c in inspect(connection).get_columns(table)
    }:
        return {}  # an older schema
    found = connection.execute(_DECIDED, {"study": study, "trial": number})
    return {row.epoch: Decision(row.goes_on, row.reason or "") for row in found}


def _files(connection: Connection, study: int) -> dict[int, KeptFile]:
    if not inspect(connection).has_table(FileRow.__tablename__):  # an older schema
        return {}
    found = connection.execute(_FILES, {"study": study})
    return {row.number: KeptFile(row.path, row.sha256, row.bytes) for row in found}


def _trainings(connection: Connection, study: int, number: int) -> list[FullTraining]:
    if not inspect(connection).has_table(TrainingRow.__tablename__):  # an older schema
        return []
    found = connection.execute(_TRAININGS, {"study": study, "trial": number})
    fields = FullTraining.__dataclass_fields__
    return [FullTraining(**{name: getattr(row, name) for name in fields}) for row in found]
