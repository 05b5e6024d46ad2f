"""A decider that lives in another process, and the questions that are put to it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from search_spaces.errors import KwsearchError
from trials.errors import InterruptedSearchError
from trials.records import Job, Measurement, Outcome, Verdict

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


@dataclass(frozen=True, slots=True)
class Question:
    """One call of a decider.

    Attributes:
        entry: name of the decider's entry.
        given: its arguments.
    """

    entry: Literal["suggest", "report", "retry", "finish"]
    given: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Joined:
    """The cluster is joined.

    Attributes:
        processes: of a cluster of our own, without which it is dead; none as it is left.
    """

    processes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Over:
    """The run is over.

    Attributes:
        error: by which, if there is one.
        joined: whether a cluster had been joined by then.
    """

    error: KwsearchError | None = None
    joined: bool = False

    @property
    def by_ray(self) -> bool:
        """Whether it is Ray, or the cluster, that ended it."""
        return self.joined and isinstance(self.error, InterruptedSearchError)


Said = Question | Joined | Over


class AskedDecider:
    """Asks the decider at the other end of a connection; a `Decider`.

    Raises:
        EOFError: from each entry, if the other end is closed: the decider has failed, and its
            owner knows why.
    """

    def __init__(self, connection: "Connection[Any, Any]") -> None:
        self._connection = connection

    def suggest(self) -> Job | None:
        """See `Decider`."""
        trial: Job | None = self._ask(Question("suggest"))
        return trial

    def report(self, trial: Job, measurement: Measurement) -> Verdict:
        """See `Decider`."""
        verdict: Verdict = self._ask(Question("report", (trial, measurement)))
        return verdict

    def retry(self, trial: Job) -> Job | None:
        """See `Decider`."""
        following: Job | None = self._ask(Question("retry", (trial,)))
        return following

    def finish(self, trial: Job, outcome: Outcome) -> None:
        """See `Decider`."""
        self._ask(Question("finish", (trial, outcome)))

    def _ask(self, question: Question) -> Any:  # noqa: ANN401 - whatever the entry answers
        self._connection.send(question)
        answer = self._connection.recv()
        if isinstance(answer, Exception):
            raise answer
        return answer
