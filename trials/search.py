"""`Search`: every decision of a study, and the only writer of its database.

An executor drives it through three entries, `Search.suggest`, `Search.report` and
`Search.finish`; it does not know where trials run. Rebuilt from the database at any moment, it
goes on as if it had never stopped.
"""

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite

from search_spaces import Count, InfeasibleError, Plan, count, plan_network
from search_spaces.choices import Value
from search_spaces.constraints import Limits
from search_spaces.space import Space
from trials.checkpoints import Checkpoints
from trials.errors import NonFiniteError, NothingFeasibleError
from trials.evidence import Observation
from trials.fidelity import Ladder
from trials.pareto import Front, Point
from trials.promotion import WINDOW, Halving
from trials.records import (
    Decision,
    Earlier,
    Entry,
    FrontUpdate,
    KeptFile,
    Measurement,
    Outcome,
    Refusal,
    StudyRecord,
    Trial,
    TrialRecord,
    TrialState,
    Verdict,
)
from trials.sampling import GUIDED, STARTUP, Proposal, Sampler, make_sampler
from trials.store import Store

BLIND_AFTER = 50
"""Refusals in a row after which proposals are drawn at random."""

BLIND_AFTER_REPEATS = 10
"""The same for proposals of networks that are known already: the model has no other idea."""

GIVE_UP_AFTER = 2000
"""Refusals in a row after which the space counts as exhausted."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a search stands after a trial, for whoever shows its progress.

    Attributes:
        finished: trials in a final state.
        trials: trials asked for.
        refused: proposals turned down so far, in all.
        best_accuracy: highest accuracy on the front, None while it is empty.
        front: trials on the front.
        hypervolume: of the front, as a share of the whole area to the reference point.
        last: the trial that just ended.
        outcome: how it ended.
        measured: its last measurement, None if it has none.
    """

    finished: int
    trials: int
    refused: int
    best_accuracy: float | None
    front: int
    hypervolume: float
    last: Trial
    outcome: Outcome
    measured: Measurement | None


@dataclass(slots=True)
class _Open:
    """A trial under way."""

    ticket: int
    measured: Measurement | None = None
    decided: dict[int, Decision] = field(default_factory=dict)
    lost: int = 0

    @property
    def stopped(self) -> str | None:
        """Why the trial was told to stop, if it was."""
        return next((made.reason for made in self.decided.values() if not made.goes_on), None)


_WENT_ON = Decision(goes_on=True, reason="It had gone on before it was interrupted.")


@dataclass
class Search:
    """A study being searched.

    Args:
        store: where everything is written.
        study: the study as the database has it.
        space: what may be chosen.
        limits: the budget that proposals must keep.
        ladder: rungs of a trial.
        halving: which trials go on from a rung; None lets every trial go to the top.
        sampler: name of the sampler, one of `trials.sampling.SAMPLERS`.
        worker: who measures, ``host:pid``, written beside each trial.
        watch: called with the standing after each finished trial.
        max_failures: lost attempts of a trial after which another one is made; those in a row
            count, in this run and before it, and a new measurement begins the count again.
        checkpoints: where trainings leave their states; None if they leave none.
        seeds: values proposed before all others.
        alike: other studies of the database that train the same network in the same way; what they
            have measured is copied.
    """

    store: Store
    study: StudyRecord
    space: Space
    limits: Limits
    ladder: Ladder
    sampler: str
    worker: str
    halving: Halving | None = None
    watch: Callable[[Standing], None] = lambda _: None
    max_failures: int = 2
    checkpoints: Checkpoints | None = None
    seeds: Sequence[Mapping[str, Value]] = ()
    alike: Sequence[str] = ()
    exhausted: bool = field(default=False, init=False)

    def __post_init__(self) -> None:
        self._name = self.study.name
        self._budget = self.study.spec.trials
        self._refused: Counter[Refusal] = Counter(self.study.refused)
        self._unwritten: Counter[Refusal] = Counter()
        self._open: dict[int, _Open] = {}
        self._known = set(self.store.known_digests(self._name))
        self._asked = len(self._known)
        self._finished = self.study.finished
        reference = (self.study.spec.reference_params, 1 - self.study.spec.reference_accuracy)
        self._front = Front(reference, map(_point, self.store.front(self._name)))
        under_way = self.store.trials(self._name, states=(TrialState.WAITING, TrialState.RUNNING))
        self._waiting = [record.trial for record in reversed(under_way)]
        vain = self.store.attempts_in_vain(self._name)
        self._rungs = self._rebuilt_rungs() if self.halving else {}
        self._sampler = self._rebuilt_sampler(under_way)
        for record in under_way:
            passed = dict.fromkeys((rung for rung in self._rungs if rung < record.epochs), _WENT_ON)
            decided = self.store.decisions(self._name, record.number)
            self._open[record.number] = _Open(
                record.number, decided={**passed, **decided}, lost=vain.get(record.number, 0)
            )
        if self.checkpoints is not None:
            waiting = [trial.number for trial in self._waiting]
            self.checkpoints.sweep(waiting, self.store.files(self._name).values())

    def _rebuilt_rungs(self) -> dict[int, deque[Entry]]:
        return {
            rung: deque(self.store.rung(self._name, rung, WINDOW), maxlen=WINDOW)
            for rung in self.ladder.rungs[:-1]
        }

    def _rebuilt_sampler(self, under_way: Iterable[TrialRecord]) -> Sampler:
        seed = self.study.spec.seed
        asked = self._asked + self._refused.total()
        startup = [*self.seeds]
        if self.sampler in GUIDED and asked < len(startup) + STARTUP:
            startup += self.space.spread(STARTUP, self.limits, seed)
        sampler = make_sampler(self.sampler, self.space.dimensions, seed, startup, asked=asked)
        past = self.store.history(self._name) if self.sampler in GUIDED else ()
        for told in past:
            observed = self._observation(told.params, told.epochs, told.accuracy)
            sampler.restore(told.number, told.values, told.sampler_state, observed)
        for record in under_way:
            sampler.restore(record.number, record.values, record.sampler_state, None)
        return sampler

    def _observation(self, params: int, epochs: int, accuracy: float) -> Observation:
        return Observation(params, accuracy, lacking=1 - epochs / self.ladder.top)

    @property
    def name(self) -> str:
        """Name of the study."""
        return self._name

    def suggest(self) -> Trial | None:
        """The next trial: one that was under way when the search stopped, or a new one.

        New trials that a like study has measured are not handed out: they begin and end here.

        Returns:
            None when the study has its trials, or when the space holds no further network.
        """
        while self._waiting:
            trial = self._waiting.pop()
            if self._open[trial.number].lost <= self.max_failures:
                return self.store.retry(self._name, trial.number, self.worker)
            detail = f"The search died during attempt {trial.attempt} at it, as before that."
            self.finish(trial, Outcome(TrialState.FAILED, "worker-lost", detail))
        while True:
            begun = self._propose()
            if begun is None:
                return None
            trial, earlier = begun
            if earlier is None or not self._copied(trial, earlier):
                return (
                    trial
                    if earlier is None
                    else self.store.retry(self._name, trial.number, self.worker)
                )

    def _copied(self, trial: Trial, earlier: Earlier) -> bool:
        """Report what a like study has measured; whether that was all, and the trial is over."""
        over = False
        for measurement in earlier.measurements:
            stopped = self.report(trial, measurement) is Verdict.STOP
            over = stopped or measurement.epoch == self.ladder.top
            if over:
                self._take_weights_over(trial, earlier)
                self.finish(trial, Outcome(TrialState.COMPLETE))
                break
        return over

    def _take_weights_over(self, trial: Trial, earlier: Earlier) -> None:
        """Keep what the earlier training ended with, where its study keeps it."""
        kept = self.store.files(earlier.study).get(earlier.number)
        if self.checkpoints is not None and kept is not None:
            self.checkpoints.take_over(trial.number, self.ladder.top, kept)

    def _propose(self) -> tuple[Trial, Earlier | None] | None:
        """Begin a new trial; what was measured of it before, or None if there is no new one."""
        if self._asked >= self._budget or self.exhausted:
            return None
        before = self._refused[Refusal.KNOWN]
        for refusals in range(GIVE_UP_AFTER):
            repeats = self._refused[Refusal.KNOWN] - before
            blindly = refusals >= BLIND_AFTER or repeats >= BLIND_AFTER_REPEATS
            proposal = self._sampler.ask(blindly=blindly)
            judged = self._judge(proposal)
            if isinstance(judged, Refusal):
                self._sampler.refuse(proposal.ticket)
                self._refused[judged] += 1
                self._unwritten[judged] += 1
            else:
                return self._begin(proposal, *judged)
        self.exhausted = True
        self.store.add_refused(self._name, self._unwritten)
        self._unwritten.clear()
        return None

    def _judge(self, proposal: Proposal) -> Refusal | tuple[Plan, Count]:
        try:
            plan = plan_network(self.space.decode(proposal.values), self.space.backbone)
        except InfeasibleError:
            return Refusal.INFEASIBLE
        size = count(plan)
        broken = self.limits.broken(size)
        if broken:
            over = any(name.startswith("max") for name in broken)
            return Refusal.OVER_BUDGET if over else Refusal.UNDER_BUDGET
        return Refusal.KNOWN if plan.digest in self._known else (plan, size)

    def _begin(self, proposal: Proposal, plan: Plan, size: Count) -> tuple[Trial, Earlier | None]:
        trial = Trial(
            study=self._name,
            number=self._asked,
            config=plan.config,
            digest=plan.digest,
            params=size.params,
            macs=size.macs,
            seed=trial_seed(self.study.spec.seed, plan.digest),
        )
        earlier = self.store.earlier(self.alike, trial.digest, trial.seed)
        worker = self.worker if earlier is None else earlier.worker
        self.store.begin(trial, proposal.values, proposal.state, self._unwritten, worker)
        self._unwritten.clear()
        self._asked += 1
        self._known.add(trial.digest)
        self._open[trial.number] = _Open(proposal.ticket)
        return trial, earlier

    def report(self, trial: Trial, measurement: Measurement) -> Verdict:
        """Keep a measurement; answer whether the trial goes on.

        Raises:
            NonFiniteError: accuracy or loss is missing or not a finite number, which fails the
                trial.
        """
        if not (_finite(measurement.accuracy) and _finite(measurement.loss)):
            raise NonFiniteError(
                f"Epoch {measurement.epoch} measured accuracy {measurement.accuracy} and loss "
                f"{measurement.loss}.",
                "Lower the learning rate, or set gradient clipping.",
            )
        open_trial, epoch = self._open[trial.number], measurement.epoch
        decision = open_trial.decided.get(epoch)  # made once, whatever attempt measures
        rung = self._rungs.get(epoch)
        made, entry = None, Entry(trial.number, trial.params, measurement.accuracy, went_on=False)
        if decision is None and self.halving is not None and rung is not None:
            decision = made = self.halving.decide(rung, entry)
        if self.store.measure(self._name, trial.number, trial.attempt, measurement, made):
            open_trial.lost = 0
        if made is not None and rung is not None:
            open_trial.decided[epoch] = made
            rung.append(entry._replace(went_on=made.goes_on))
        open_trial.measured = measurement
        return Verdict.GO_ON if decision is None or decision.goes_on else Verdict.STOP

    def again(self, trial: Trial) -> Trial | None:
        """The next attempt at a trial whose attempt was lost; written before it is handed out.

        Returns:
            None when more attempts than `max_failures` were lost in a row, none of which measured
            something new; in this run or before it.
        """
        open_trial = self._open[trial.number]
        open_trial.lost += 1
        if open_trial.lost > self.max_failures:
            return None
        return self.store.retry(self._name, trial.number, self.worker)

    def finish(self, trial: Trial, outcome: Outcome) -> None:
        """Keep how a trial ended, the front after it, and the weights of its members."""
        open_trial = self._open.pop(trial.number)
        measured = open_trial.measured
        if outcome.state is TrialState.COMPLETE:
            outcome = self._completed(open_trial)
        update, file = None, None
        before = self._members()
        if outcome.state is TrialState.COMPLETE and measured is not None:
            point = Point.of(trial.params, measured.accuracy, trial.number)
            if self._front.add(point):
                update = FrontUpdate(self._members(), self._front.hypervolume)
                file = self._weights(trial.number)
        self.store.finish(self._name, trial.number, outcome, update, file)
        self._clear_up(trial.number, file, {*before} - {*self._members()})
        self._finished += 1
        if measured is None or outcome.state is TrialState.FAILED:
            self._sampler.refuse(open_trial.ticket)
        else:
            observed = self._observation(trial.params, measured.epoch, measured.accuracy)
            self._sampler.tell(open_trial.ticket, observed)
        self.watch(self._standing(trial, outcome, measured))

    def _members(self) -> tuple[int, ...]:
        return tuple(member.number for member in self._front.members)

    def _weights(self, number: int) -> KeptFile | None:
        if self.checkpoints is None:
            return None
        return self.checkpoints.weights(number, self.ladder.top)

    def _clear_up(self, number: int, kept: KeptFile | None, fallen: Iterable[int]) -> None:
        """Remove files that nothing needs, after the database has ceased to name them."""
        if self.checkpoints is not None:
            self.checkpoints.forget(number, kept)
            for other in fallen:
                self.checkpoints.forget(other)

    def _completed(self, open_trial: _Open) -> Outcome:
        """What the end of a trial's training amounts to."""
        if open_trial.stopped is not None:
            return Outcome(TrialState.STOPPED, "promotion", open_trial.stopped)
        reached = open_trial.measured.epoch if open_trial.measured else 0
        if reached < self.ladder.top:
            return Outcome(
                TrialState.FAILED,
                "incomplete",
                f"The training ended after {reached} of {self.ladder.top} epochs.",
            )
        return Outcome(TrialState.COMPLETE)

    def give_back(self) -> None:
        """Leave open trials waiting, to be handed out again by whoever goes on."""
        self.store.add_refused(self._name, self._unwritten)
        self._unwritten.clear()
        self.store.give_back(self._name, sorted(self._open))

    def _standing(self, trial: Trial, outcome: Outcome, measured: Measurement | None) -> Standing:
        members = self._front.members
        params, error = self._front.reference
        return Standing(
            finished=self._finished,
            trials=self._budget,
            refused=self._refused.total(),
            best_accuracy=1 - members[-1].error if members else None,
            front=len(members),
            hypervolume=self._front.hypervolume / (params * error),
            last=trial,
            outcome=outcome,
            measured=measured,
        )


def require_member(space: Space, limits: Limits, seed: int) -> None:
    """Make sure, before anything is trained, that some network lies inside the limits.

    Raises:
        NothingFeasibleError: none was found; the cause names the smallest network and its size.
    """
    if space.has_member(limits, seed):
        return
    smallest = space.smallest(seed)
    if smallest is None:
        raise NothingFeasibleError(
            f"No configuration of this space can be built on {space.backbone.name}.",
            "Widen the cell ratios; 'kwsearch count' says what is wrong with one.",
        )
    config, size = smallest
    raise NothingFeasibleError(
        f"No configuration of this space lies inside the budget ({limits}). The smallest has "
        f"{size.params:,} parameters and {size.macs:,} MACs: {config.to_json()}.",
        "Raise the limits, or let the space reach smaller networks.",
    )


def trial_seed(study_seed: int, digest: str) -> int:
    """Seed of a trial's training, made of the study's seed and the network.

    The same network in the same study gives the same curve, whoever runs it and whenever.
    """
    text = f"{study_seed}:{digest}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _point(record: TrialRecord) -> Point:
    accuracy = record.accuracy
    assert accuracy is not None  # noqa: S101 - members of a front are complete
    return Point.of(record.trial.params, accuracy, record.number)


def _finite(value: float | None) -> bool:
    return value is not None and isfinite(value)
