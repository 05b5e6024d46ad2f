"""Whole searches in virtual time: workers that sleep through nothing.

A report happens at the time that it says (`Measurement.seconds` after its trial was handed out),
by a virtual clock; one of a trial that was stopped and is handed out again goes on from there.
Trainings that only look their curves up take no time, so that a search of
thousands of trials by a thousand workers takes no longer than its decisions, and one seed gives
one history.

With a real clock given, the time that the decider really takes is charged to the virtual one: it
serves one worker after the other, and workers wait in line. `Usage` then says how much of the
workers' time a real search would lose.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from heapq import heappop, heappush
from math import inf
from typing import TypeVar

from trials.errors import StudyError
from trials.execution.contract import Decider
from trials.execution.generator import Ended, MeasureGenerator
from trials.execution.outcomes import failed, outcome_of
from trials.records import Job, Measure, Measurement, Outcome, Report, Verdict

T = TypeVar("T")


@dataclass(slots=True)
class Usage:
    """Where the time of workers went, in virtual seconds, added up over workers.

    Attributes:
        busy: measuring.
        unsuggested: waiting for a trial, until there were no more.
        unanswered: waiting for a verdict, or for an end to be written.
        deciding: the decider's own time, which it spends once however many workers wait.
        seconds: from the beginning to the last trial's end; not added up.
    """

    busy: float = 0.0
    unsuggested: float = 0.0
    unanswered: float = 0.0
    deciding: float = 0.0
    seconds: float = 0.0

    @property
    def busy_share(self) -> float:
        """Busy time as a share of the time for which there was work."""
        return self.busy / (self._worked or 1.0)

    @property
    def starved_share(self) -> float:
        """Time without a suggestion as a share of the time for which there was work."""
        return self.unsuggested / (self._worked or 1.0)

    @property
    def _worked(self) -> float:
        return self.busy + self.unsuggested + self.unanswered


@dataclass
class Simulated:
    """An executor with a virtual clock; see `trials.execution.contract`.

    Attributes:
        workers: how many trials run at a time.
        clock: a real clock such as `time.perf_counter`, in seconds, to charge decisions by; None
            lets them take no time.
        lost: seconds after which an attempt is lost with its worker, None for one that is not.
        usage: of the last run.
    """

    workers: int = 1
    clock: Callable[[], float] | None = None
    lost: Callable[[Job], float | None] = lambda _: None
    usage: Usage = field(default_factory=Usage, init=False)

    def __call__(self, decider: Decider, measure: Measure) -> None:
        """Run trials until the decider has no more."""
        self.usage = Usage()
        run = _Run(self, decider, measure)
        try:
            run.run()
        finally:
            run.close()


def following(curve: Callable[[Job], Iterable[Measurement]]) -> Measure:
    """A measure that reports what ``curve`` says of a trial: a function, or a table's look-up."""

    def measure(trial: Job, report: Report) -> None:
        for measurement in curve(trial):
            if report(measurement) is Verdict.STOP:
                return

    return measure


@dataclass(slots=True)
class _Attempt:
    """What one worker does: ``said`` is heard from it when its time has come, unless it is lost."""

    trial: Job
    training: MeasureGenerator
    began: float
    said: Measurement | Ended
    lost_at: float

    @property
    def due(self) -> float:
        """When the driver hears from it."""
        if isinstance(self.said, Ended):
            return self.began
        return min(self.began + self.said.seconds, self.lost_at)

    @property
    def lost(self) -> bool:
        """Whether it is lost before it reports."""
        return isinstance(self.said, Measurement) and self.due >= self.lost_at


class _Run:
    """One run; events are (time, order of arrival, worker), each worker in one of them."""

    def __init__(self, plan: Simulated, decider: Decider, measure: Measure) -> None:
        self._plan = plan
        self._decider = decider
        self._measure = measure
        self._events = [(0.0, worker, worker) for worker in range(plan.workers)]
        self._arrivals = plan.workers
        self._attempts: dict[int, _Attempt] = {}
        self._trained: dict[str, float] = {}
        self._decided = 0.0
        self._asking = True

    def run(self) -> None:
        """Serve workers in the order of their times until all are gone."""
        while self._events:
            now, _, worker = heappop(self._events)
            attempt = self._attempts.get(worker)
            if attempt is None:
                self._hand_out(worker, now)
            elif attempt.lost:
                self._retry(worker, attempt, now)
            else:
                self._hear(worker, attempt, now)

    def close(self) -> None:
        """End what still runs."""
        for attempt in self._attempts.values():
            attempt.training.close()

    def _hand_out(self, worker: int, now: float) -> None:
        if not self._asking:
            return
        trial, then = self._decide(now, self._decider.suggest)
        if trial is None:
            self._asking = False
            return
        self._plan.usage.unsuggested += then - now
        self._begin(worker, trial, then)

    def _begin(self, worker: int, trial: Job, now: float) -> None:
        training = MeasureGenerator(self._measure, trial)
        said = training.receive()
        after = self._plan.lost(trial)
        lost_at = inf if after is None else now + after
        began = now - self._trained.pop(trial.key, 0.0)
        self._attempts[worker] = _Attempt(trial, training, began, said, lost_at)
        self._come_back(worker, now)

    def _hear(self, worker: int, attempt: _Attempt, now: float) -> None:
        then = now
        if isinstance(attempt.said, Measurement):
            attempt.said, then = self._report(attempt, attempt.said, now)
        if isinstance(attempt.said, Ended):
            then = self._finish(worker, attempt.trial, outcome_of(attempt.said.error), then)
        attempt.began += then - now  # a training that waits for its verdict does not train
        attempt.lost_at += then - now
        self._answered(worker, now, then)

    def _report(
        self, attempt: _Attempt, measurement: Measurement, now: float
    ) -> tuple[Measurement | Ended, float]:
        """Pass a report on and the answer back; what the training says next, and when."""
        answer: Verdict | Exception
        then = now
        try:
            report = partial(self._decider.report, attempt.trial, measurement)
            answer, then = self._decide(now, report)
        except StudyError:
            raise
        except Exception as error:  # noqa: BLE001 - raised inside the training, so its outcome
            answer = error
        if answer is Verdict.STOP:
            self._trained[attempt.trial.key] = measurement.seconds
        said = attempt.training.send(answer)
        while answer is Verdict.STOP and isinstance(said, Measurement):
            said = attempt.training.send(answer)  # it was told, so this report does not count
        return said, then

    def _retry(self, worker: int, attempt: _Attempt, now: float) -> None:
        attempt.training.close()
        trial = attempt.trial
        following_attempt, then = self._decide(now, partial(self._decider.retry, trial))
        if following_attempt is not None:
            self._plan.usage.unanswered += then - now
            self._begin(worker, following_attempt, then)
            return
        outcome = failed("worker-lost", f"Attempt {trial.attempt} was lost with its worker.")
        self._answered(worker, now, self._finish(worker, trial, outcome, then))

    def _finish(self, worker: int, trial: Job, outcome: Outcome, now: float) -> float:
        del self._attempts[worker]
        _, then = self._decide(now, partial(self._decider.finish, trial, outcome))
        return then

    def _answered(self, worker: int, now: float, then: float) -> None:
        usage = self._plan.usage
        usage.unanswered += then - now
        usage.seconds = max(usage.seconds, then)
        self._come_back(worker, then)

    def _come_back(self, worker: int, now: float) -> None:
        """Let the worker be heard when it has something to say."""
        attempt = self._attempts.get(worker)
        then = now if attempt is None else max(now, attempt.due)
        self._plan.usage.busy += then - now
        heappush(self._events, (then, self._arrivals, worker))
        self._arrivals += 1

    def _decide(self, now: float, decision: Callable[[], T]) -> tuple[T, float]:
        """What the decider answers, and when, if it is asked at ``now`` at the earliest."""
        clock = self._plan.clock
        if clock is None:
            return decision(), now
        begin = clock()
        answer = decision()
        took = clock() - begin
        self._plan.usage.deciding += took
        self._decided = max(self._decided, now) + took
        return answer, self._decided
