"""A study as `kwsearch.search` returns it: its record, and what it found as pandas frames."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from kwsearch import answers
from kwsearch.rows import BestRow
from trials.records import StudyRecord
from trials.store import open_store

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Study(StudyRecord):
    """What a search has come to; frames are read from the database when they are asked for.

    Attributes:
        database: where the study is kept; None for the default.
    """

    database: str | None = None

    @classmethod
    def of(cls, record: StudyRecord, database: str | None) -> "Study":
        """A record with the place of its database."""
        told = {field.name: getattr(record, field.name) for field in fields(StudyRecord)}
        return cls(**told, database=database)

    @property
    def front(self) -> "pd.DataFrame":
        """The front by ascending parameters; see `kwsearch.front`."""
        from kwsearch import frames  # noqa: PLC0415 - loads pandas

        return frames.front(self.name, database=self.database)

    @property
    def frame(self) -> "pd.DataFrame":
        """Every trial; see `kwsearch.trials`."""
        from kwsearch import frames  # noqa: PLC0415 - loads pandas

        return frames.trials(self.name, database=self.database)

    @property
    def measurements(self) -> "pd.DataFrame":
        """Every measurement; see `kwsearch.measurements`."""
        from kwsearch import frames  # noqa: PLC0415 - loads pandas

        return frames.measurements(self.name, database=self.database)

    @property
    def best(self) -> BestRow:
        """The best complete trial; see `kwsearch.best`.

        Raises:
            InputError: there is none yet.
        """
        with open_store(self.database, create=False, read_only=True) as store:
            limits = answers.limits_of(None, None)
            return answers.row_of(store, self.name, answers.best(store, self.name, limits))
