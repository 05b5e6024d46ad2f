"""Plain networks, measured before the trials of a study: what its front is compared with.

`Baselines` decides about them as `trials.search.Search` decides about trials, and `BaselinesFirst`
joins the two into the one decider that an executor knows. Where an executor has room for more jobs
than there are baselines left, trials begin beside them.
"""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from search_spaces.errors import plural
from trials.checkpoints import Checkpoints
from trials.fidelity import Ladder
from trials.records import (
    Baseline,
    BaselineRecord,
    Job,
    Measurement,
    Outcome,
    Role,
    StudyRecord,
    Trial,
    TrialState,
    Verdict,
)
from trials.search import Search, require_finite
from trials.store import Store


@dataclass(frozen=True, slots=True)
class BaselineProgress:
    """How the baselines of a study stand after one of them, for whoever shows its progress.

    Attributes:
        finished: baselines that are over.
        baselines: all there are.
        last: the one that just ended, as the database has it.
    """

    finished: int
    baselines: int
    last: BaselineRecord


@dataclass
class Baselines:
    """The baselines of a study under way.

    Args:
        store: where everything is written.
        study: the study as the database has it.
        ladder: rungs of a trial, and of a baseline.
        worker: who measures, ``host:pid``.
        watch: called after each baseline.
        max_failures: lost attempts of a baseline, counted as those of a trial are.
        alike: other studies of the database that train in the same way; what they have measured of
            the same network from the same seed is copied.
        audits: decide about the study's audits, and not about its other baselines.
        checkpoints: of the audits; those of one that is over are removed.
    """

    store: Store
    study: StudyRecord
    ladder: Ladder
    worker: str
    watch: Callable[[BaselineProgress], None] = lambda _: None
    max_failures: int = 2
    alike: Sequence[str] = ()
    audits: bool = False
    checkpoints: Checkpoints | None = None
    _waiting: deque[Baseline] = field(init=False)
    _lost: dict[int, int] = field(init=False)
    _reached: dict[int, int] = field(init=False)

    def __post_init__(self) -> None:
        under_way = [one for one in self._own() if not one.state.final]
        self._waiting = deque(one.baseline for one in under_way)
        self._lost = {one.number: one.lost for one in under_way}
        self._reached = {one.number: one.epochs for one in under_way}

    def suggest(self) -> Baseline | None:
        """The next baseline, None when all were handed out; what is known already is copied."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if self._lost[waiting.number] > self.max_failures:
                detail = f"The search died during attempt {waiting.attempt} at it, as before that."
                self.finish(waiting, Outcome(TrialState.FAILED, "worker-lost", detail))
            elif not self._copied(waiting):
                return self._handed_out(waiting, self.worker)
        return None

    def report(self, baseline: Baseline, measurement: Measurement) -> Verdict:
        """Keep a measurement; a baseline always goes on.

        Raises:
            NonFiniteError: accuracy or loss is not a finite number, which fails the baseline.
        """
        require_finite(measurement)
        number = baseline.number
        if self.store.measure_baseline(self.study.name, number, baseline.attempt, measurement):
            self._lost[number] = 0
        self._reached[number] = measurement.epoch
        return Verdict.CONTINUE

    def retry(self, baseline: Baseline) -> Baseline | None:
        """The next attempt at a baseline whose attempt was lost, None if it has had enough."""
        self._lost[baseline.number] += 1
        if self._lost[baseline.number] > self.max_failures:
            return None
        return self._handed_out(baseline, self.worker)

    def finish(self, baseline: Baseline, outcome: Outcome) -> None:
        """Keep how a baseline ended."""
        top = baseline.schedule_epochs or self.ladder.top
        reached = self._reached[baseline.number]
        if outcome.state is TrialState.COMPLETE and reached < top:
            detail = f"The training ended after {reached} of {plural(top, 'epoch')}."
            outcome = Outcome(TrialState.FAILED, "incomplete", detail)
        self.store.finish_baseline(self.study.name, baseline.number, outcome)
        if self.checkpoints is not None:
            self.checkpoints.forget(baseline.number)
        found = self._own()
        finished = sum(one.state.final for one in found)
        last = next(one for one in found if one.number == baseline.number)
        self.watch(BaselineProgress(finished, len(found), last))

    def give_back(self) -> None:
        """Leave open baselines waiting, to be handed out again by whoever goes on."""
        self.store.give_back_baselines(self.study.name)

    def _own(self) -> list[BaselineRecord]:
        """The baselines that this decides about, as the database has them."""
        found = self.store.baselines(self.study.name)
        return [one for one in found if (one.baseline.role is Role.AUDIT) == self.audits]

    def _handed_out(self, baseline: Baseline, worker: str) -> Baseline:
        return self.store.hand_out_baseline(self.study.name, baseline.number, worker)

    def _copied(self, waiting: Baseline) -> bool:
        """Take over what a like study has measured of the network; whether one has."""
        earlier = self.store.earlier_baseline(self.alike, waiting.digest, waiting.seed)
        if earlier is None:
            return False
        worker = f"copied from study {earlier.study!r}, baseline {earlier.number}"
        baseline = self._handed_out(waiting, worker)
        for measurement in earlier.measurements:
            self.report(baseline, measurement)
        self.finish(baseline, Outcome(TrialState.COMPLETE))
        return True


@dataclass(frozen=True, slots=True)
class BaselinesFirst:
    """Hands out baselines, then trials; a `trials.execution.Decider`."""

    baselines: Baselines
    search: Search

    def suggest(self) -> Job | None:
        """A baseline as long as there are any, then a trial."""
        return self.baselines.suggest() or self.search.suggest()

    def report(self, job: Job, measurement: Measurement) -> Verdict:
        """Pass a measurement on."""
        if isinstance(job, Trial):
            return self.search.report(job, measurement)
        return self.baselines.report(job, measurement)

    def retry(self, job: Job) -> Job | None:
        """The next attempt at a job whose attempt was lost."""
        if isinstance(job, Trial):
            return self.search.retry(job)
        return self.baselines.retry(job)

    def finish(self, job: Job, outcome: Outcome) -> None:
        """Pass on how a job ended."""
        if isinstance(job, Trial):
            self.search.finish(job, outcome)
        else:
            self.baselines.finish(job, outcome)

    def give_back(self) -> None:
        """Leave what is open waiting, to be handed out again by whoever goes on."""
        self.baselines.give_back()
        self.search.give_back()
