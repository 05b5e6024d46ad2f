"""Everything that can be asked of a store; each method is one transaction that writes nothing."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    Select,
    bindparam,
    func,
    inspect,
    or_,
    select,
)

from search_spaces.errors import InputError
from trials.records import (
    BaselineRecord,
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
from trials.store import baselines, older, rows
from trials.store.tables import FILE, FRONT, MEASUREMENT, MEMBER, STUDY, TALLY, TRAINING, TRIAL
from trials.store.transactions import Transactions, study_id

_NUMBERS = 2**31
_LARGEST = 2**63 - 1
_STUDIES = (
    select(STUDY, TALLY, FRONT.c.hypervolume)
    .join(TALLY, TALLY.c.study_id == STUDY.c.id)
    .outerjoin(FRONT, FRONT.c.id == TALLY.c.front_id)
)
_COST = func.coalesce(TRIAL.c.cost, TRIAL.c.params)
_TRIALS = select(TRIAL, FRONT.c.hypervolume).outerjoin(FRONT, FRONT.c.id == TRIAL.c.front_id)
_PRESENT = select(TALLY.c.front_id).where(TALLY.c.study_id == bindparam("study"))
_FRONT = (
    _TRIALS.join(MEMBER, MEMBER.c.trial_id == TRIAL.c.id)
    .where(MEMBER.c.front_id == _PRESENT.scalar_subquery())
    .order_by(MEMBER.c.place)
)
_OF_STUDY = TRIAL.c.study_id == bindparam("study")
_MEASURED: tuple[Any, ...] = (
    MEASUREMENT.c.epoch,
    MEASUREMENT.c.accuracy,
    MEASUREMENT.c.accuracy_error,
    MEASUREMENT.c.loss,
    MEASUREMENT.c.images,
    MEASUREMENT.c.seconds,
    MEASUREMENT.c.further,
)
_DECIDED = (
    select(MEASUREMENT.c.epoch, MEASUREMENT.c.goes_on, MEASUREMENT.c.reason)
    .join(TRIAL, TRIAL.c.id == MEASUREMENT.c.trial_id)
    .where(_OF_STUDY, TRIAL.c.number == bindparam("trial"), MEASUREMENT.c.goes_on.is_not(None))
    .order_by(MEASUREMENT.c.epoch)
)
_IN_VAIN = (
    select(
        TRIAL.c.number,
        (TRIAL.c.attempt - func.coalesce(func.max(MEASUREMENT.c.attempt), 0)).label("vain"),
    )
    .outerjoin(MEASUREMENT, MEASUREMENT.c.trial_id == TRIAL.c.id)
    .where(_OF_STUDY, TRIAL.c.state == TrialState.RUNNING)
    .group_by(TRIAL.c.id, TRIAL.c.number, TRIAL.c.attempt)
)
_FILES = (
    select(TRIAL.c.number, FILE.c.path, FILE.c.sha256, FILE.c.bytes)
    .join(MEMBER, MEMBER.c.trial_id == FILE.c.trial_id)
    .join(TALLY, TALLY.c.front_id == MEMBER.c.front_id)
    .join(TRIAL, TRIAL.c.id == FILE.c.trial_id)
    .where(TALLY.c.study_id == bindparam("study"))
    .order_by(MEMBER.c.place)
)
_TRAININGS = (
    select(TRAINING)
    .join(TRIAL, TRIAL.c.id == TRAINING.c.trial_id)
    .where(TRIAL.c.study_id == bindparam("study"), TRIAL.c.number == bindparam("trial"))
    .order_by(TRAINING.c.id)
)
_PAST: Select[Any] = (
    select(
        TRIAL.c.number,
        TRIAL.c.choices,
        TRIAL.c.sampler_state,
        _COST.label("cost"),
        TRIAL.c.epochs,
        TRIAL.c.accuracy,
    )
    .where(_OF_STUDY, TRIAL.c.state.in_((TrialState.COMPLETE, TrialState.STOPPED)))
    .order_by(TRIAL.c.place)
)
_RUNG = (
    select(
        TRIAL.c.number,
        _COST.label("cost"),
        TRIAL.c.epochs,
        TRIAL.c.state,
        MEASUREMENT.c.accuracy,
        MEASUREMENT.c.goes_on,
    )
    .join(MEASUREMENT, MEASUREMENT.c.trial_id == TRIAL.c.id)
    .where(_OF_STUDY, MEASUREMENT.c.epoch == bindparam("rung"))
    .where(
        or_(
            MEASUREMENT.c.goes_on.is_not(None),
            TRIAL.c.epochs > bindparam("rung"),
            TRIAL.c.finished_at.is_not(None),
        )
    )
    .order_by(TRIAL.c.number.desc())
    .limit(bindparam("most"))
)
_ELSEWHERE = (
    select(TRIAL.c.id, STUDY.c.name, TRIAL.c.number)
    .join(STUDY, STUDY.c.id == TRIAL.c.study_id)
    .where(
        STUDY.c.name.in_(bindparam("studies", expanding=True)),
        TRIAL.c.digest == bindparam("network"),
        TRIAL.c.seed == bindparam("trained_from"),
        TRIAL.c.state.in_((TrialState.COMPLETE, TrialState.STOPPED)),
    )
    .order_by(TRIAL.c.epochs.desc(), TRIAL.c.id)
    .limit(1)
)
_CURVE = (
    select(*_MEASURED)
    .where(MEASUREMENT.c.trial_id == bindparam("trial"))
    .order_by(MEASUREMENT.c.epoch)
)
_PAGE = 1000


class Reads:
    """The half of a SQL store that reads."""

    def __init__(self, transactions: Transactions) -> None:
        self.transactions = transactions
        self._lacks_area: bool | None = None
        self._lacks_latency: bool | None = None

    @property
    def location(self) -> str:
        """Path or URL of the database, without the password."""
        return self.transactions.database.shown

    def studies(self) -> list[StudyRecord]:
        """All studies, oldest first."""
        return self.transactions.read(self._studies)

    def study(self, name: str) -> StudyRecord:
        """One study."""

        def work(connection: Connection) -> StudyRecord:
            study_id(connection, name)
            (found,) = self._studies(connection, name)
            return found

        return self.transactions.read(work)

    def trials(
        self,
        study: str,
        *,
        states: Iterable[TrialState] | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[TrialRecord]:
        """Trials by number."""
        query = _TRIALS.where(_OF_STUDY).order_by(TRIAL.c.number)
        if states is None:
            # Numbers have no gaps, so the first of a page is found by its number.
            page = query.where(TRIAL.c.number >= min(offset, _NUMBERS - 1)).limit(limit)
            return self._trials(study, page)
        end = None if limit is None else offset + limit
        # State by state, each in the order of an index; together they would be sorted or searched.
        one = [query.where(TRIAL.c.state == state).limit(end) for state in dict.fromkeys(states)]
        found = self._trials(study, *one)
        return sorted(found, key=lambda record: record.number)[offset:end]

    def trial(self, study: str, number: int) -> TrialRecord:
        """One trial."""
        if 0 <= number < _NUMBERS:
            found = self._trials(study, _TRIALS.where(_OF_STUDY, TRIAL.c.number == number))
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
            select(TRIAL.c.number)
            .join(MEASUREMENT, MEASUREMENT.c.trial_id == TRIAL.c.id)
            .order_by(TRIAL.c.number, MEASUREMENT.c.epoch)
        )
        if number is not None:
            query = query.where(TRIAL.c.number == number)

        def work(connection: Connection) -> list[tuple[int, Measurement]]:
            owner = study_id(connection, study)
            there = {column["name"] for column in inspect(connection).get_columns(MEASUREMENT.name)}
            columns = [
                column for column in _MEASURED if column.name in there
            ]  # older ones lack some
            of_study = query.add_columns(*columns).where(TRIAL.c.study_id == owner)
            found = connection.execute(of_study)
            return rows.read(
                lambda: [(row.number, rows.measurement(row)) for row in found],
                f"measurements of study {study!r}",
            )

        return self.transactions.read(work)

    def decisions(self, study: str, number: int) -> dict[int, Decision]:
        """What was decided on a trial, by epoch."""
        return self.transactions.read(lambda c: _decisions(c, study_id(c, study), number))

    def front(
        self,
        study: str,
        *,
        max_params: int | None = None,
        max_macs: int | None = None,
        max_latency: float | None = None,
        min_accuracy: float | None = None,
    ) -> list[TrialRecord]:
        """The present front, or that of trials inside limits, by ascending cost."""
        inside = []
        if max_params is not None:
            inside.append(TRIAL.c.params <= _within(max_params))
        if max_macs is not None:
            inside.append(TRIAL.c.macs <= _within(max_macs))
        if max_latency is not None:
            inside.append(TRIAL.c.latency <= max_latency)
        over_params, query = True, _FRONT.where(*inside)
        if inside:
            over_params = self.transactions.read(lambda c: self._is_over_params(c, study))
        if not over_params or max_macs is not None or max_latency is not None:
            query = _front_within(inside, TRIAL.c.params if over_params else _COST)
        if min_accuracy is not None:
            query = query.where(TRIAL.c.accuracy >= min_accuracy)
        return self._trials(study, query)

    def best(self, study: str, max_params: int) -> TrialRecord | None:
        """The most accurate member of the front inside a budget, or None."""
        inside = self.front(study, max_params=max_params)
        return inside[-1] if inside else None

    def fronts(self, study: str) -> list[FrontRecord]:
        """Every front that ever was, oldest first."""

        def work(connection: Connection) -> list[FrontRecord]:
            owner = study_id(connection, study)
            anew = self._anew(connection, owner)
            return rows.read(
                lambda: list(_fronts(connection, owner, anew)), f"fronts of study {study!r}"
            )

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

    def baselines(self, study: str) -> list[BaselineRecord]:
        """All baselines, by number; none in a database of a version that knew none."""
        return self.transactions.read(lambda c: baselines.records(c, study_id(c, study), study))

    def baseline_measurements(self, study: str) -> list[tuple[int, Measurement]]:
        """Measurements with the numbers of their baselines, by baseline and epoch."""
        return self.transactions.read(lambda c: baselines.measurements(c, study_id(c, study)))

    def earlier_baseline(self, studies: Sequence[str], digest: str, seed: int) -> Earlier | None:
        """What other studies have measured of a plain network; see `earlier`."""
        if not studies:
            return None
        return self.transactions.read(lambda c: baselines.earlier(c, studies, digest, seed))

    def earlier(self, studies: Sequence[str], digest: str, seed: int) -> Earlier | None:
        """What other studies have measured of a network trained from a seed."""
        if not studies:
            return None
        return self.transactions.read(lambda c: _earlier(c, studies, digest, seed))

    def known_digests(self, study: str) -> dict[str, int]:
        """Number of the trial of each digest."""

        def work(connection: Connection) -> dict[str, int]:
            owner = study_id(connection, study)
            query = select(TRIAL.c.digest, TRIAL.c.number).where(TRIAL.c.study_id == owner)
            return {row.digest: row.number for row in connection.execute(query)}

        return self.transactions.read(work)

    def _is_older(self, connection: Connection) -> bool:
        """See `older.lacks_area`; an upgrade beside this store does no harm to what it reads."""
        if self._lacks_area is None:
            self._lacks_area = older.lacks_area(connection)
        return self._lacks_area

    def _is_over_params(self, connection: Connection, study: str) -> bool:
        """Whether the front of a study is over parameters."""
        if self._is_before_latency(connection):
            return True
        others = select(TRIAL.c.id).where(_OF_STUDY, TRIAL.c.cost.is_not(None)).limit(1)
        return connection.execute(others, {"study": study_id(connection, study)}).first() is None

    def _is_before_latency(self, connection: Connection) -> bool:
        """See `older.lacks_latency`."""
        if self._lacks_latency is None:
            self._lacks_latency = older.lacks_latency(connection)
        return self._lacks_latency

    def _anew(self, connection: Connection, owner: int) -> Mapping[int, float]:
        """Hypervolumes by front that are not to be read; none but in an older schema."""
        if not self._is_older(connection):
            return {}
        return rows.read(lambda: older.hypervolumes(connection, owner), "fronts")

    def _studies(self, connection: Connection, name: str | None = None) -> list[StudyRecord]:
        """One study, or all of them, oldest first."""
        is_older = self._is_older(connection)
        query: Select[Any] = _STUDIES.order_by(STUDY.c.id)
        if self._is_before_latency(connection):
            there = (*older.columns(connection, STUDY), *older.columns(connection, TALLY))
            query = query.with_only_columns(*there, FRONT.c.hypervolume)
        if name is not None:
            query = query.where(STUDY.c.name == name)

        def read() -> list[StudyRecord]:
            found: Sequence[Row[Any]] = connection.execute(query).all()
            records = [rows.study_record(row) for row in found]
            if not is_older:
                return records
            return [
                older.restated(connection, row.id, row.front_id, record)
                for row, record in zip(found, records, strict=True)
            ]

        return rows.read(read, "study")

    def _trials(self, study: str, *queries: Select[Any]) -> list[TrialRecord]:
        def work(connection: Connection) -> list[TrialRecord]:
            owner = study_id(connection, study)
            given, anew = {"study": owner}, self._anew(connection, owner)
            if self._is_before_latency(connection):
                there = older.columns(connection, TRIAL)
                asked: list[Select[Any]] = [
                    q.with_only_columns(*there, FRONT.c.hypervolume) for q in queries
                ]
            else:
                asked = [*queries]
            return rows.read(
                lambda: [
                    rows.trial_record(study, row, anew)
                    for query in asked
                    for row in connection.execute(query, given)
                ],
                f"trials of study {study!r}",
            )

        return self.transactions.read(work)


def _within(limit: int) -> int:
    """The limit, or the nearest one that a database can hold."""
    return max(-_LARGEST, min(limit, _LARGEST))


def _front_within(inside: Sequence[ColumnElement[bool]], cost: ColumnElement[int]) -> Select[Any]:
    """Complete trials more accurate than all inside the limits that come before them by cost."""
    order = (cost, TRIAL.c.accuracy.desc(), TRIAL.c.number)
    before = func.max(TRIAL.c.accuracy).over(order_by=order, rows=(None, -1))
    ascending = (
        select(TRIAL.c.id, TRIAL.c.accuracy, before.label("before"))
        .where(_OF_STUDY, TRIAL.c.state == TrialState.COMPLETE, *inside)
        .subquery()
    )
    kept = or_(ascending.c.before.is_(None), ascending.c.accuracy > ascending.c.before)
    return _TRIALS.join(ascending, ascending.c.id == TRIAL.c.id).where(kept).order_by(*order)


def _fronts(connection: Connection, owner: int, anew: Mapping[int, float]) -> Iterator[FrontRecord]:
    members = defaultdict(list)
    query = (
        select(MEMBER.c.front_id, TRIAL.c.number)
        .join(FRONT, FRONT.c.id == MEMBER.c.front_id)
        .join(TRIAL, TRIAL.c.id == MEMBER.c.trial_id)
        .where(FRONT.c.study_id == owner)
        .order_by(MEMBER.c.front_id, MEMBER.c.place)
    )
    for front, number in connection.execute(query):
        members[front].append(number)
    ever = select(FRONT).where(FRONT.c.study_id == owner)
    for row in connection.execute(ever.order_by(FRONT.c.number)):
        yield rows.front_record(row, tuple(members[row.id]), anew)


def _history(connection: Connection, study: int) -> Iterator[PastTrial]:
    found = connection.execution_options(yield_per=_PAGE).execute(_PAST, {"study": study})
    with rows.reading("past trials"):
        for row in found:
            yield rows.past_trial(row)


def _rung(connection: Connection, study: int, epoch: int, most: int) -> list[Entry]:
    given = {"study": study, "rung": epoch, "most": most}
    return [
        Entry(
            row.number,
            row.cost,
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
    measured = rows.read(lambda: tuple(map(rows.measurement, curve)), "measurements")
    return Earlier(found.name, found.number, measured)


def _decisions(connection: Connection, study: int, number: int) -> dict[int, Decision]:
    table = MEASUREMENT.name
    if MEASUREMENT.c.goes_on.name not in {
        c["name"] for c in inspect(connection).get_columns(table)
    }:
        return {}  # an older schema
    found = connection.execute(_DECIDED, {"study": study, "trial": number})
    return {row.epoch: Decision(row.goes_on, row.reason or "") for row in found}


def _files(connection: Connection, study: int) -> dict[int, KeptFile]:
    if not inspect(connection).has_table(FILE.name):  # an older schema
        return {}
    found = connection.execute(_FILES, {"study": study})
    return {row.number: KeptFile(row.path, row.sha256, row.bytes) for row in found}


def _trainings(connection: Connection, study: int, number: int) -> list[FullTraining]:
    if not inspect(connection).has_table(TRAINING.name):  # an older schema
        return []
    query = _TRAININGS.with_only_columns(*older.columns(connection, TRAINING))
    found = connection.execute(query, {"study": study, "trial": number}).all()
    return rows.read(
        lambda: [rows.full_training(row) for row in found], f"trainings of trial {number}"
    )
