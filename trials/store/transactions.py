"""Transactions: all of it or nothing, tried again where that may help, and in effect once.

`Transactions` runs a piece of work in a transaction of a database. `OnStudy` makes such a piece of
work on one study: it locks the study's head, hands it to the work as a `StudyChange`, writes the
counts that the work has changed, and recognises itself where a commit was carried out but its
answer lost.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from traceback import clear_frames
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import Connection, Engine, Row, bindparam, select, update
from sqlalchemy.exc import SQLAlchemyError

from search_spaces.errors import InputError, nearest
from trials.names import is_name
from trials.store.column_types import clock
from trials.store.connection import READING, Database
from trials.store.tables import STUDY, TALLY, TRIAL

T = TypeVar("T")
Work = Callable[[Connection], T]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0

# Statements of the way that every trial takes are built once: building one anew costs more than
# carrying it out.
_HEAD = (
    select(
        STUDY.c.id,
        STUDY.c.trials,
        STUDY.c.reference_params,
        STUDY.c.reference_accuracy,
        STUDY.c.lease_owner,
        STUDY.c.lease_until,
        TALLY,
        clock().label("now"),
    )
    .join(TALLY, TALLY.c.study_id == STUDY.c.id)
    .where(STUDY.c.name == bindparam("study"))
    .with_for_update()
)
_TRIAL = select(TRIAL.c.id, TRIAL.c.state, TRIAL.c.attempt, TRIAL.c.epochs, TRIAL.c.seconds).where(
    TRIAL.c.study_id == bindparam("study"), TRIAL.c.number == bindparam("trial")
)
_SET_TRIAL = update(TRIAL).where(TRIAL.c.id == bindparam("key"))
_SET_TALLY = update(TALLY).where(TALLY.c.study_id == bindparam("key"))


class Transactions:
    """Runs work in transactions of a database.

    Work may run several times: a lost connection says nothing about whether the commit before it
    was carried out, so work that writes must recognise its own result.
    """

    def __init__(self, database: Database, *, read_only: bool) -> None:
        self.database = database
        self._engine = database.engine(read_only=read_only)
        self._reading = self._engine.execution_options(**{READING: True})
        self._writing = self._reading if read_only else self._engine

    def read(self, work: Work[T], *, patience: float | None = None) -> T:
        """Run work that writes nothing; on SQLite it takes no write lock."""
        return self._run(self._reading, work, patience)

    def write(self, work: Work[T], *, patience: float | None = None) -> T:
        """Run work that writes; ``patience`` in seconds overrides the database's."""
        return self._run(self._writing, work, patience)

    @contextmanager
    def open(self) -> Iterator[Connection]:
        """A connection for whoever reads at length: it sees one moment, and nothing is retried."""
        try:
            with self.database.snapshot(self._reading) as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self.database.failure(error) from None

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    def _run(self, engine: Engine, work: Work[T], patience: float | None) -> T:
        patience = self.database.patience if patience is None else patience
        end = time.monotonic() + patience
        pause = _FIRST_PAUSE
        while True:
            try:
                with engine.begin() as connection:
                    return work(connection)
            except SQLAlchemyError as error:
                if not self.database.passing(error) or time.monotonic() + pause > end:
                    raise self.database.failure(error) from None
            except KeyboardInterrupt as interruption:
                # Whoever handles it writes, and its frames hold cursors, which hold locks.
                clear_frames(interruption.__traceback__)
                raise
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)


@dataclass
class StudyChange:
    """A study while one transaction changes it.

    Attributes:
        connection: in a transaction that holds the study's lock.
        name: of the study.
        head: study, tally and the database's time, as they were when the lock was taken.
        counts: columns of the tally that the transaction changes, with their new values.
    """

    connection: Connection
    name: str
    head: Row[Any]
    counts: dict[str, Any] = field(default_factory=dict)

    def count(self, column: str, step: float) -> None:
        """Add ``step`` to a column of the tally when the work is done."""
        before = self.counts.get(column, getattr(self.head, column))
        self.counts[column] = before + step

    def save(self, token: str) -> None:
        """Write the counts, and the token of the work that changed the study last."""
        self.connection.execute(_SET_TALLY, {"key": self.head.id, "unit": token, **self.counts})

    @property
    def asked(self) -> int:
        """Trials there are, in any state."""
        head = self.head
        return int(head.waiting + head.running) + self.finished

    @property
    def finished(self) -> int:
        """Trials that are over."""
        head = self.head
        return int(head.complete + head.stopped + head.failed)

    def trial(self, number: int) -> Row[*tuple[Any, ...]]:
        """Key, state, attempt, epochs and seconds of a trial.

        Raises:
            InputError: no such trial.
        """
        if 0 <= number < self.asked:
            wanted = {"study": self.head.id, "trial": number}
            found = self.connection.execute(_TRIAL, wanted).one_or_none()
            if found is not None:
                return found
        raise InputError(
            f"Study {self.name!r} has no trial {number}.", "Trials are begun before anything else."
        )

    def open_trial(self, number: int) -> Row[*tuple[Any, ...]]:
        """The same for a trial that is not over.

        Raises:
            InputError: no such trial, or it is over.
        """
        found = self.trial(number)
        if found.state.final:
            raise InputError(
                f"Trial {number} of study {self.name!r} is {found.state} already.",
                "A finished trial never changes.",
            )
        return found

    def set_trial(self, key: int, **columns: Any) -> None:  # noqa: ANN401 - columns differ in type
        """Change columns of the trial whose key is ``key``."""
        self.connection.execute(_SET_TRIAL, {"key": key, **columns})


class OnStudy:
    """Work on a study that takes effect once, however often it is run.

    The tally holds the token of the last work that changed the study. Where a commit was carried
    out but its answer lost, the repeat finds its own token there, and gives the result it had.
    """

    def __init__(self, name: str, work: Callable[[StudyChange], T]) -> None:
        self.name = name
        self._work = work
        self._token = uuid4().hex
        self._results: list[Any] = []

    def __call__(self, connection: Connection) -> Any:  # noqa: ANN401 - whatever the work returns
        """Work inside the transaction of ``connection``."""
        head = lock(connection, self.name)
        if self._results and head.unit == self._token:
            return self._results[-1]
        work = StudyChange(connection, self.name, head)
        self._results.append(self._work(work))
        work.save(self._token)
        return self._results[-1]


def lock(connection: Connection, name: str) -> Row[Any]:
    """Study, tally and the database's time; nobody else changes the study in this transaction.

    Raises:
        InputError: no such study.
    """
    if is_name(name):
        head = connection.execute(_HEAD, {"study": name}).one_or_none()
        if head is not None:
            return head
    raise unknown_study(connection, name)


def study_id(connection: Connection, name: str) -> int:
    """Key of a study.

    Raises:
        InputError: there is none of that name; names the nearest one.
    """
    if is_name(name):
        found: int | None = connection.scalar(select(STUDY.c.id).where(STUDY.c.name == name))
        if found is not None:
            return found
    raise unknown_study(connection, name)


def unknown_study(connection: Connection, name: str) -> InputError:
    """The error for a name that no study has."""
    known = list(connection.scalars(select(STUDY.c.name)))
    hint = nearest(name, known) if known else " The database holds no study yet."
    return InputError(
        f"There is no study {name[:120]!r}.{hint}", "'kwsearch studies' lists all there are."
    )
