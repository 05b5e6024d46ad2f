"""One unit of work on one study: its locked head, its counts, and how a repeat is recognised."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

from sqlalchemy import Connection, Row, bindparam, select, update

from search_spaces.errors import InputError
from trials.store.models import StudyRow, TallyRow, TrialRow
from trials.store.names import is_name
from trials.store.reading import unknown_study
from trials.store.types import clock

T = TypeVar("T")

# Statements of the way that every trial takes are built once: building one anew costs more than
# carrying it out.
_HEAD = (
    select(
        StudyRow.id,
        StudyRow.trials,
        StudyRow.reference_params,
        StudyRow.reference_accuracy,
        StudyRow.lease_owner,
        StudyRow.lease_until,
        TallyRow.__table__,
        clock().label("now"),
    )
    .join(TallyRow, TallyRow.study_id == StudyRow.id)
    .where(StudyRow.name == bindparam("study"))
    .with_for_update()
)
_TRIAL = select(
    TrialRow.id, TrialRow.state, TrialRow.attempt, TrialRow.epochs, TrialRow.seconds
).where(TrialRow.study_id == bindparam("study"), TrialRow.number == bindparam("trial"))
_SET_TRIAL = update(TrialRow.__table__).where(TrialRow.id == bindparam("key"))  # type: ignore[arg-type] # a mapped class's table is a Table
_SET_TALLY = update(TallyRow.__table__).where(TallyRow.study_id == bindparam("key"))  # type: ignore[arg-type] # likewise


@dataclass
class StudyWork:
    """A study while one transaction changes it.

    Attributes:
        connection: in a transaction that holds the study's lock.
        name: of the study.
        head: study, tally and the database's time, as they were when the lock was taken.
        counts: columns of the tally that this unit changes, with their new values.
    """

    connection: Connection
    name: str
    head: Row[Any]
    counts: dict[str, Any] = field(default_factory=dict)

    def count(self, column: str, step: float) -> None:
        """Add ``step`` to a column of the tally when the unit is done."""
        before = self.counts.get(column, getattr(self.head, column))
        self.counts[column] = before + step

    def save(self, unit: str) -> None:
        """Write the counts, and which unit of work changed the study last."""
        self.connection.execute(_SET_TALLY, {"key": self.head.id, "unit": unit, **self.counts})

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
            place = {"study": self.head.id, "trial": number}
            found = self.connection.execute(_TRIAL, place).one_or_none()
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


class Once:
    """Turns work on a study into a unit that takes effect once, however often it is run.

    The tally names the last unit that changed the study. Where a commit was carried out but its
    answer lost, the repeat finds its own token there, and gives the result it had.
    """

    def __init__(self, name: str, work: Callable[[StudyWork], T]) -> None:
        self._name = name
        self._work = work
        self._token = uuid4().hex
        self._results: list[Any] = []

    def __call__(self, connection: Connection) -> Any:  # noqa: ANN401 - whatever the work returns
        """Run the unit inside the transaction of ``connection``."""
        head = lock(connection, self._name)
        if self._results and head.unit == self._token:
            return self._results[-1]
        work = StudyWork(connection, self._name, head)
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
