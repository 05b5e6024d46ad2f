"""`Search`: every decision of a study, and the only writer of its database.

An executor drives it through three entries, `Search.suggest`, `Search.report` and
`Search.finish`; it does not know where trials run. Rebuilt from the database at any moment, it
goes on as if it had never stopped.
"""

import hashlib
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite

from search_spaces import Count, InfeasibleError, Plan, count, plan_network
from search_spaces.choices import Value
from search_spaces.constraints import Limits
from search_spaces.errors import plural
from search_spaces.features import features
from search_spaces.latency import Latency
from search_spaces.shrinking import advice
from search_spaces.space import Space
from trials.area import Point
from trials.checkpoints import Checkpoints
from trials.costs import Cost
from trials.errors import NonFiniteError, NothingFeasibleError
from trials.evidence import Observation
from trials.fidelity import Ladder
from trials.freezing import Choice, Climber, Standing, Thawing
from trials.pareto import Front
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
from trials.sampling import (
    DRAWN,
    LEARNING,
    STARTUP,
    STARTUP_OF,
    Exact,
    Known,
    Proposal,
    Sampler,
    make_sampler,
)
from trials.store import Store

BLIND_AFTER = 50
"""Refusals in a row after which proposals are drawn at random."""

BLIND_AFTER_REPEATS = 10
"""The same for proposals of networks that are known already: the model has no other idea."""

PLATEAU_FROM = 10
"""Finished trials before which no plateau is seen."""

PAUSED_BYTES = 1_000_000_000
"""That checkpoints of paused trials may take together, where nothing else is said."""

GIVE_UP_AFTER = 2000
"""Refusals in a row after which the space counts as exhausted."""


@dataclass(frozen=True, slots=True)
class SearchProgress:
    """How a search stands after a trial, for whoever shows its progress.

    Attributes:
        finished: trials in a final state.
        trials: trials asked for.
        refused: proposals turned down so far, in all.
        best_accuracy: highest accuracy on the front, None while it is empty.
        front: trials on the front.
        hypervolume: of the front, see `trials.area.Area`.
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
    curve: list[Measurement] = field(default_factory=list)
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
        halving: which trials go on from a rung; without it, and without ``thawing``, every trial
            goes to the top.
        thawing: which trials go on from a rung, now or later, instead of ``halving``.
        paused_bytes: that checkpoints of paused trials may take together, with ``thawing``; those
            of which least is expected are dropped first.
        tell: called with a sentence when checkpoints are dropped.
        sampler: name of the sampler, one of `trials.sampling.SAMPLERS` or a plug-in.
        worker: who measures, ``host:pid``, written beside each trial.
        watch: called with the progress after each finished trial.
        max_failures: lost attempts of a trial after which another one is made; those in a row
            count, in this run and before it, and a new measurement begins the count again.
        checkpoints: where trainings leave their states; None if they leave none.
        seeds: values proposed before all others.
        alike: other studies of the database that train the same network in the same way; what they
            have measured is copied.
        timing: measures the latency of a network before it becomes a trial; None measures none.
        cost: what the front is over.
        plateau: end when less hypervolume than this is expected of all trials that are left, by a
            sampler that says what it expects; None for never.
    """

    store: Store
    study: StudyRecord
    space: Space
    limits: Limits
    ladder: Ladder
    sampler: str
    worker: str
    halving: Halving | None = None
    thawing: Thawing | None = None
    paused_bytes: int = PAUSED_BYTES
    tell: Callable[[str], None] = lambda _: None
    watch: Callable[[SearchProgress], None] = lambda _: None
    max_failures: int = 2
    checkpoints: Checkpoints | None = None
    seeds: Sequence[Mapping[str, Value]] = ()
    alike: Sequence[str] = ()
    plateau: float | None = None
    timing: Callable[[Plan], Latency] | None = None
    cost: Cost = Cost.PARAMS
    exhausted: bool = field(default=False, init=False)
    expected: float | None = field(default=None, init=False)
    """What was expected of the trials that were left, where that ended the search."""

    def __post_init__(self) -> None:
        self._name = self.study.name
        self._budget = self.study.spec.trials
        self._refused: Counter[Refusal] = Counter(self.study.refused)
        self._unwritten: Counter[Refusal] = Counter()
        self._open: dict[int, _Open] = {}
        self._latencies: dict[str, Latency] = {}
        self._known = set(self.store.known_digests(self._name))
        self._asked = len(self._known)
        self._finished = self.study.finished
        self._front = Front(self.study.spec.area, map(_point, self.store.front(self._name)))
        under_way = self.store.trials(self._name, states=(TrialState.WAITING, TrialState.RUNNING))
        self._waiting = [record.trial for record in reversed(under_way)]
        vain = self.store.attempts_in_vain(self._name)
        self._rungs = self._rebuilt_rungs() if self.halving else {}
        self._climbers = self._rebuilt_climbers() if self.thawing else []
        self._curves = self._measured_curves()
        self._sampler = self._rebuilt_sampler(under_way)
        for record in under_way:
            passed = dict.fromkeys((rung for rung in self._rungs if rung < record.epochs), _WENT_ON)
            decided = self.store.decisions(self._name, record.number)
            self._open[record.number] = _Open(
                record.number,
                curve=self._curves.get(record.number, []),
                decided={**passed, **decided},
                lost=vain.get(record.number, 0),
            )
        self._curves = {}
        if self.checkpoints is not None:
            waiting = [trial.number for trial in self._waiting]
            paused = [one.number for one in self._climbers if one.standing is Standing.PAUSED]
            self.checkpoints.sweep([*waiting, *paused], self.store.files(self._name).values())
            self._drop_beyond_bound()

    def _rebuilt_climbers(self) -> list[Climber]:
        """All trials as `thawing` sees them."""
        curves: dict[int, list[tuple[int, float, float]]] = {}
        for number, one in self.store.measurements(self._name):
            curves.setdefault(number, []).append((one.epoch, one.accuracy, one.accuracy_error))
        saved = {} if self.checkpoints is None else self.checkpoints.newest()
        return [
            Climber(
                record.number,
                record.trial.cost,
                self._features(record.trial),
                tuple(curves.get(record.number, ())),
                _standing(record.state),
                record.epochs if self.checkpoints is None else saved.get(record.number, 0),
            )
            for record in self.store.trials(self._name)
        ]

    def _features(self, trial: Trial) -> tuple[float, ...]:
        plan = plan_network(trial.config, self.space.backbone)
        return tuple(features(plan).values())

    def _rebuilt_rungs(self) -> dict[int, deque[Entry]]:
        return {
            rung: deque(self.store.rung(self._name, rung, WINDOW), maxlen=WINDOW)
            for rung in self.ladder.rungs[:-1]
        }

    def _rebuilt_sampler(self, under_way: Iterable[TrialRecord]) -> Sampler:
        seed = self.study.spec.seed
        asked = self._asked + self._refused.total()
        startup = [*self.seeds]
        first = STARTUP_OF.get(self.sampler, STARTUP)
        if self.sampler in LEARNING and asked < len(startup) + first:
            startup += self._spread(first)
        known = Known(
            self.space,
            self.limits,
            self.study.spec.area,
            self.ladder.top,
            self._known,
            cost=self.cost,
        )
        sampler = make_sampler(
            self.sampler, self.space.dimensions, seed, startup, asked=asked, known=known
        )
        past = () if self.sampler in DRAWN else self.store.history(self._name)
        for told in past:
            curve = self._curves.get(told.number, ())
            observed = self._observation(told.cost, told.epochs, told.accuracy, curve)
            sampler.restore(told.number, told.values, told.sampler_state, observed)
        for record in under_way:
            sampler.restore(record.number, record.values, record.sampler_state, None)
        return sampler

    def _spread(self, number: int) -> list[dict[str, Value]]:
        """What a sampler that learns begins with: sizes spread over the budget."""
        by = self.cost.size
        return self.space.spread(number, self.limits, self.study.spec.seed, by)

    def _measured_curves(self) -> dict[int, list[Measurement]]:
        """What was measured of every trial, by its number, for a sampler that learns from it."""
        curves: dict[int, list[Measurement]] = {}
        if self.sampler == "exact":
            for number, measurement in self.store.measurements(self._name):
                curves.setdefault(number, []).append(measurement)
        return curves

    def _observation(
        self, cost: int, epochs: int, accuracy: float, curve: Iterable[Measurement]
    ) -> Observation:
        points = {one.epoch: (one.epoch, one.accuracy, one.accuracy_error) for one in curve}
        in_order = tuple(points[epoch] for epoch in sorted(points))
        return Observation(cost, accuracy, 1 - epochs / self.ladder.top, in_order)

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
            begun = self._propose() if self.thawing is None else self._chosen(self.thawing)
            if begun is None:
                return None
            trial, earlier = begun
            if earlier is None or not self._copied(trial, earlier):
                return (
                    trial
                    if earlier is None
                    else self.store.retry(self._name, trial.number, self.worker)
                )

    @property
    def _may_begin(self) -> bool:
        return self._asked < self._budget and not self.exhausted

    def _chosen(self, rule: Thawing) -> tuple[Trial, Earlier | None] | None:
        """Take a paused trial up again, or begin a new one; None if neither is worth it."""
        choice = rule.choose(self._climbers, may_begin=self._may_begin)
        if choice.begins:
            begun = self._propose()
            if begun is not None:
                return begun
            choice = rule.choose(self._climbers, may_begin=False)
        return None if choice.thaws is None else self._thawed(choice.thaws, choice)

    def _thawed(self, number: int, choice: Choice) -> tuple[Trial, Earlier | None]:
        """Hand a paused trial out again, after writing that, and why, with its decision."""
        climber = self._climbers[number]
        decided = self.store.decisions(self._name, number)
        paused = decided[climber.reached].reason
        decision = Decision(goes_on=True, reason=f"{paused} Later: {choice.reason}")
        trial = self.store.thaw(self._name, number, decision, self.worker)
        self._finished -= 1
        self._climbers[number] = replace(climber, standing=Standing.RUNNING)
        self._open[number] = _Open(number, decided={**decided, climber.reached: decision})
        if self.sampler not in DRAWN:
            self._as_if_resumed()
        earlier = self.store.earlier(self.alike, trial.digest, trial.seed)
        further = earlier is not None and earlier.measurements[-1].epoch > climber.reached
        return trial, earlier if further else None

    def _as_if_resumed(self) -> None:
        """Make the sampler anew, which was told of a trial that goes on after all.

        So it knows what that of a search knows which is resumed now.
        """
        before, self._curves = self._sampler, self._measured_curves()
        under_way = self.store.trials(self._name, states=(TrialState.WAITING, TrialState.RUNNING))
        self._sampler = self._rebuilt_sampler(under_way)
        if isinstance(before, Exact) and isinstance(self._sampler, Exact):
            self._sampler.take_candidates(before)
        for number, open_trial in self._open.items():
            open_trial.ticket = number
        self._curves = {}

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
            if proposal is None:
                break
            if self._is_over(proposal):
                self._sampler.refuse(proposal.ticket)
                break
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

    def _is_over(self, proposal: Proposal) -> bool:
        """Whether the trials that are left are hardly expected to change the front.

        The next trial is the one with the highest expected gain, so all that are left together are
        not expected to gain more than their number times as much.
        """
        if self.plateau is None or proposal.gain is None or self._finished < PLATEAU_FROM:
            return False
        left = proposal.gain * (self._budget - self._asked)
        if left < self.plateau:
            self.expected = left
        return left < self.plateau

    def _judge(self, proposal: Proposal) -> Refusal | tuple[Plan, Count, Latency | None]:
        try:
            plan = plan_network(self.space.decode(proposal.values), self.space.backbone)
        except InfeasibleError:
            return Refusal.INFEASIBLE
        size = count(plan)
        broken = self.limits.broken(size)
        if broken:
            over = any(name.startswith("max") for name in broken)
            return Refusal.OVER_BUDGET if over else Refusal.UNDER_BUDGET
        if plan.digest in self._known:
            return Refusal.KNOWN
        latency = self._latency(plan)
        slow = () if latency is None else self.limits.broken_by(latency.median)
        if slow:
            over = "max_latency" in slow
            return Refusal.OVER_LATENCY if over else Refusal.UNDER_LATENCY
        return plan, size, latency

    def _latency(self, plan: Plan) -> Latency | None:
        """What a network takes; each is measured once in a run."""
        if self.timing is None:
            return None
        if plan.digest not in self._latencies:
            self._latencies[plan.digest] = self.timing(plan)
        return self._latencies[plan.digest]

    def _begin(
        self, proposal: Proposal, plan: Plan, size: Count, latency: Latency | None
    ) -> tuple[Trial, Earlier | None]:
        trial = Trial(
            study=self._name,
            number=self._asked,
            config=plan.config,
            digest=plan.digest,
            params=size.params,
            macs=size.macs,
            seed=trial_seed(self.study.spec.seed, plan.digest),
            latency=latency,
        )
        trial = replace(trial, cost=self.cost.of(trial) or 0)
        earlier = self.store.earlier(self.alike, trial.digest, trial.seed)
        worker = self.worker if earlier is None else earlier.worker
        self.store.begin(trial, proposal.values, proposal.state, self._unwritten, worker)
        self._unwritten.clear()
        self._asked += 1
        self._known.add(trial.digest)
        self._open[trial.number] = _Open(proposal.ticket)
        if self.thawing is not None:
            self._climbers.append(Climber(trial.number, trial.cost, self._features(trial)))
        return trial, earlier

    def report(self, trial: Trial, measurement: Measurement) -> Verdict:
        """Keep a measurement; answer whether the trial goes on.

        Raises:
            NonFiniteError: accuracy or loss is missing or not a finite number, which fails the
                trial.
        """
        require_finite(measurement)
        open_trial, epoch = self._open[trial.number], measurement.epoch
        decision = open_trial.decided.get(epoch)  # made once, whatever attempt measures
        rung = self._rungs.get(epoch)
        made, entry = None, Entry(trial.number, trial.cost, measurement.accuracy, went_on=False)
        if decision is None and self.halving is not None and rung is not None:
            decision = made = self.halving.decide(rung, entry)
        if self.thawing is not None:
            self._climb(trial.number, measurement)
            if decision is None and epoch in self.ladder.rungs[:-1]:
                decision = made = self.thawing.at_rung(
                    self._climbers, trial.number, may_begin=self._may_begin
                )
                open_trial.decided[epoch] = made
        if self.store.measure(self._name, trial.number, trial.attempt, measurement, made):
            open_trial.lost = 0
        if made is not None and rung is not None:
            open_trial.decided[epoch] = made
            rung.append(entry._replace(went_on=made.goes_on))
        open_trial.measured = measurement
        open_trial.curve.append(measurement)
        return Verdict.CONTINUE if decision is None or decision.goes_on else Verdict.STOP

    def _climb(self, number: int, measurement: Measurement) -> None:
        """Let `thawing` know of a measurement, unless it does."""
        climber, m = self._climbers[number], measurement
        if m.epoch > climber.reached:
            curve = (*climber.curve, (m.epoch, m.accuracy, m.accuracy_error))
            self._climbers[number] = replace(climber, curve=curve)

    def retry(self, trial: Trial) -> Trial | None:
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
            point = Point.of(trial.cost, measured.accuracy, trial.number)
            if self._front.add(point):
                update = FrontUpdate(self._members(), self._front.hypervolume)
                file = self._weights(trial.number)
        self.store.finish(self._name, trial.number, outcome, update, file)
        if self.thawing is not None:
            self._stand(trial.number, outcome.state)
        self._clear_up(trial.number, file, {*before} - {*self._members()})
        self._drop_beyond_bound()
        self._finished += 1
        if measured is None or outcome.state is TrialState.FAILED:
            self._sampler.refuse(open_trial.ticket)
        else:
            observed = self._observation(
                trial.cost, measured.epoch, measured.accuracy, open_trial.curve
            )
            self._sampler.tell(open_trial.ticket, observed)
        self.watch(self._progress(trial, outcome, measured))

    def _members(self) -> tuple[int, ...]:
        return tuple(member.number for member in self._front.members)

    def _weights(self, number: int) -> KeptFile | None:
        if self.checkpoints is None:
            return None
        return self.checkpoints.weights(number, self.ladder.top)

    def _stand(self, number: int, state: TrialState) -> None:
        """Let `thawing` know how a trial ended, and what its checkpoint has."""
        climber, saved = self._climbers[number], self._climbers[number].reached
        if self.checkpoints is not None:
            saved = self.checkpoints.newest().get(number, 0)
        self._climbers[number] = replace(climber, standing=_standing(state), saved=saved)

    def _is_paused(self, number: int) -> bool:
        return bool(self._climbers) and self._climbers[number].standing is Standing.PAUSED

    def _drop_beyond_bound(self) -> None:
        """Drop checkpoints of paused trials that take more room than they may."""
        if self.checkpoints is None or self.thawing is None:
            return
        sizes = {n: s for n, s in self.checkpoints.sizes().items() if self._is_paused(n)}
        total, dropped = sum(sizes.values()), []
        if total <= self.paused_bytes:
            return
        for number in self.thawing.least(self._climbers):
            if total <= self.paused_bytes:
                break
            if number in sizes:
                total -= sizes[number]
                self.checkpoints.forget(number)
                self._stand(number, TrialState.STOPPED)
                dropped.append(number)
        named = ", ".join(map(str, dropped))
        self.tell(
            f"Checkpoints of paused trials took more than {self.paused_bytes:,} bytes. Dropped "
            f"were those of {plural(len(dropped), 'trial')} of which least is expected ({named}): "
            "gone on with, they are trained from the start. To keep more, raise paused_bytes in "
            "[search]."
        )

    def _clear_up(self, number: int, kept: KeptFile | None, fallen: Iterable[int]) -> None:
        """Remove files that nothing needs, after the database has ceased to name them."""
        if self.checkpoints is not None:
            if self._is_paused(number):
                self.checkpoints.thin(number, 1)
            else:
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
                f"The training ended after {reached} of {plural(self.ladder.top, 'epoch')}.",
            )
        return Outcome(TrialState.COMPLETE)

    def give_back(self) -> None:
        """Leave open trials waiting, to be handed out again by whoever goes on."""
        self.store.add_refused(self._name, self._unwritten)
        self._unwritten.clear()
        self.store.give_back(self._name, sorted(self._open))

    def _progress(
        self, trial: Trial, outcome: Outcome, measured: Measurement | None
    ) -> SearchProgress:
        members = self._front.members
        return SearchProgress(
            finished=self._finished,
            trials=self._budget,
            refused=self._refused.total(),
            best_accuracy=1 - members[-1].error if members else None,
            front=len(members),
            hypervolume=self._front.hypervolume,
            last=trial,
            outcome=outcome,
            measured=measured,
        )


def require_member(space: Space, limits: Limits, seed: int) -> None:
    """Make sure, before anything is trained, that some network lies inside the limits.

    Raises:
        NothingFeasibleError: none was found; the cause names the smallest network and its size, or
            the sizes that the space reaches.
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
    if not any(name.startswith("max") for name in limits.broken(size)):
        raise NothingFeasibleError(
            f"No configuration that was looked at lies inside the budget ({limits}): they have "
            f"{size.params:,} to {space.largest(seed):,} parameters and {size.macs:,} to "
            f"{space.largest(seed, 'macs'):,} MACs.",
            "Widen the budget in [budget], or the ratios in [space].",
        )
    raise NothingFeasibleError(
        f"No configuration of this space lies inside the budget ({limits}). The smallest has "
        f"{size.params:,} parameters and {size.macs:,} MACs: {config.to_json()}.",
        f"Raise the limits, or do this: {advice(config, space.backbone)}",
    )


def require_finite(measurement: Measurement) -> None:
    """Refuse a measurement that says nothing.

    Raises:
        NonFiniteError: accuracy or loss is missing or not a finite number, or another value is not.
    """
    for name, pair in measurement.further.items():
        if not (_finite(pair.value) and isfinite(pair.error or 0.0)):
            raise NonFiniteError(
                f"Epoch {measurement.epoch} measured {name} {pair.value}, with an error of "
                f"{pair.error}.",
                "Report finite numbers, or leave the value out.",
            )
    if not (_finite(measurement.accuracy) and _finite(measurement.loss)):
        raise NonFiniteError(
            f"Epoch {measurement.epoch} measured accuracy {measurement.accuracy} and loss "
            f"{measurement.loss}.",
            "Lower the learning rate, or set gradient clipping.",
        )


def trial_seed(study_seed: int, digest: str) -> int:
    """Seed of a trial's training, made of the study's seed and the network.

    The same network in the same study gives the same curve, whoever runs it and whenever.
    """
    text = f"{study_seed}:{digest}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _standing(state: TrialState) -> Standing:
    """Where a trial of this state stands on the ladder."""
    if not state.final:
        return Standing.RUNNING
    stands = {TrialState.COMPLETE: Standing.COMPLETE, TrialState.STOPPED: Standing.PAUSED}
    return stands.get(state, Standing.OVER)


def _point(record: TrialRecord) -> Point:
    accuracy = record.accuracy
    assert accuracy is not None  # noqa: S101 - members of a front are complete
    return Point.of(record.trial.cost, accuracy, record.number)


def _finite(value: float | None) -> bool:
    return value is not None and isfinite(value)
