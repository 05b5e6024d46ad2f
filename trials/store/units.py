"""Units of work: all of it in one transaction, or nothing, and again where that may help."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import SQLAlchemyError

from trials.store.places import Place
from trials.store.sqlite import READING

T = TypeVar("T")
Work = Callable[[Connection], T]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.05, 2.0


class Units:
    """Runs units of work on a database.

    A unit may run several times: a lost connection says nothing about whether the commit before
    it was carried out, so a writing unit must recognise its own result.
    """

    def __init__(self, place: Place, *, read_only: bool) -> None:
        self.place = place
        self._engine = place.engine(read_only=read_only)
        self._reading = self._engine.execution_options(**{READING: True})
        self._writing = self._reading if read_only else self._engine

    def read(self, work: Work[T], *, patience: float | None = None) -> T:
        """Run a unit that writes nothing; on SQLite it takes no write lock."""
        return self._run(self._reading, work, patience)

    def write(self, work: Work[T], *, patience: float | None = None) -> T:
        """Run a unit that writes; ``patience`` in seconds overrides the place's."""
        return self._run(self._writing, work, patience)

    @contextmanager
    def open(self) -> Iterator[Connection]:
        """A connection outside any retry, for whoever reads at length: it sees one moment."""
        engine = self._reading
        if engine.dialect.name == "postgresql":  # SQLite knows nothing else
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        try:
            with engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            raise self.place.failure(error) from None

    def close(self) -> None:
        """Give all connections back."""
        self._engine.dispose()

    def _run(self, engine: Engine, work: Work[T], patience: float | None) -> T:
        patience = self.place.patience if patience is None else patience
        end = time.monotonic() + patience
        pause = _FIRST_PAUSE
        while True:
            try:
                with engine.begin() as connection:
                    return work(connection)
            except SQLAlchemyError as error:
                if not self.place.passing(error) or time.monotonic() + pause > end:
                    raise self.place.failure(error) from None
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)
