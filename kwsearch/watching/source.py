"""Reading a study again and again, and whole only when something has changed."""

import hashlib
from collections.abc import Callable

from reports.summary import Rule, Summary, summarise
from trials.records import StudyRecord
from trials.store import Store


class Source:
    """A study in a database that is opened for every look: it may be moved, or its server restart.

    Args:
        reading: opens the database for reading only.
        name: of the study.
        rule: reads its settings as its rule of promotion.

    Attributes:
        summary: the study as last read.
        tag: names what was read, in quotes as in an HTTP header.

    Raises:
        InputError: there is no such study.
        StorageError: the database cannot be read.
    """

    def __init__(self, reading: Callable[[], Store], name: str, rule: Rule) -> None:
        self._reading = reading
        self._name = name
        self._rule = rule
        with reading() as store:
            self._take(summarise(store, name, rule))

    def look(self) -> bool:
        """Read the study if it has changed, and tell whether it had; raises as the class does."""
        with self._reading() as store:
            if tag(store.study(self._name)) == self.tag:
                return False
            self._take(summarise(store, self._name, self._rule))
        return True

    def _take(self, summary: Summary) -> None:
        self.summary = summary
        self.tag = tag(summary.study)


def tag(study: StudyRecord) -> str:
    """Of counts that move with every trial, measurement and refusal."""
    counts = (study.states, study.refused, study.epochs, study.seconds, study.hypervolume)
    return quoted(repr((study.created_at, study.spec.trials, *counts)))


def quoted(text: str) -> str:
    """A short name for a text, in quotes."""
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:20]}"'
