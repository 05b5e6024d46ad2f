"""A study as a live page: the page itself, and what is new since a browser last asked."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from kwsearch.watching.pacing import Paced
from kwsearch.watching.source import Source, quoted
from reports.page import refresh, render
from search_spaces import KwsearchError
from trials.records import StudyRecord


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
    """A study, read again when somebody asks.

    A database that cannot be read is told as trouble, and asked again the next time.

    Args:
        source: the study.
        study_file: gives its study file.
    """

    def __init__(self, source: Source, study_file: Callable[[StudyRecord], str | None]) -> None:
        self._source = source
        self._study_file = study_file
        self._known = State(source.tag, refresh(source.summary))
        self._state = self._known
        self._look = Paced(self._read)

    def page(self) -> str:
        """The whole page, of the newest state that could be read."""
        self._look()
        summary, known = self._source.summary, self._known
        return render(summary, study_file=self._study_file(summary.study), revision=known.tag)

    def state(self) -> State:
        """What there is to know now."""
        self._look()
        return self._state

    def _read(self) -> None:
        try:
            if self._source.look():
                self._known = State(self._source.tag, refresh(self._source.summary))
            self._state = self._known
        except (KwsearchError, OSError) as error:
            cause = error.cause if isinstance(error, KwsearchError) else error
            body = json.dumps({"trouble": f"{cause} Here is what was last known; asking again."})
            self._state = State(quoted(body), body)
