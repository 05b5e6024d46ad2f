"""A study as a live page: the page itself, and what is new since a browser last asked."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass

from kwsearch.watching.pacing import Paced
from reports.page import refresh, render
from reports.summary import Summary, summarise
from search_spaces import KwsearchError
from trials.records import StudyRecord
from trials.store import Store


@dataclass(frozen=True, slots=True)
class State:
    """What a browser is told.

    Attributes:
        tag: names the state, in quotes as in an HTTP header; another state has another.
        body: JSON: ``data`` and ``parts`` (see `reports.page.refresh`), or ``trouble``.
    """

    tag: str
    body: str


class Live:
    """A study, read again when somebody asks and something has changed.

    A database that cannot be read is told as trouble, and asked again the next time: a search may
    be moved, a server started again.

    Args:
        reading: opens the database for reading only.
        name: of the study.
        study_file: gives its study file.

    Raises:
        InputError: there is no such study.
        StorageError: the database cannot be read even once.
    """

    def __init__(
        self,
        reading: Callable[[], Store],
        name: str,
        study_file: Callable[[StudyRecord], str | None],
    ) -> None:
        self._reading = reading
        self._name = name
        self._study_file = study_file
        with reading() as store:
            self._take(summarise(store, name))
        self._state = self._known
        self._look = Paced(self._read)

    def page(self) -> str:
        """The whole page, of the newest state that could be read."""
        self._look()
        summary, known = self._summary, self._known
        return render(summary, study_file=self._study_file(summary.study), revision=known.tag)

    def state(self) -> State:
        """What there is to know now."""
        self._look()
        return self._state

    def _read(self) -> None:
        try:
            with self._reading() as store:
                if _tag(store.study(self._name)) != self._known.tag:
                    self._take(summarise(store, self._name))
            self._state = self._known
        except (KwsearchError, OSError) as error:
            text = f"The study cannot be read; this is what was last known. {error}"
            body = json.dumps({"trouble": text})
            self._state = State(_quoted(body), body)

    def _take(self, summary: Summary) -> None:
        self._known = State(_tag(summary.study), refresh(summary))
        self._summary = summary


def _tag(study: StudyRecord) -> str:
    """Of counts that move with every trial, measurement and refusal."""
    counts = (study.states, study.refused, study.epochs, study.seconds, study.hypervolume)
    return _quoted(repr((study.created_at, study.spec.trials, *counts)))


def _quoted(text: str) -> str:
    return f'"{hashlib.sha256(text.encode()).hexdigest()[:20]}"'
