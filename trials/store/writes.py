"""Everything that changes a store; each method is one transaction.

A method says what it does to a study as a function of the `StudyChange` that its transaction has
locked. `Writes._change` runs it under the lease that this store holds, if it holds one.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from math import isfinite
from typing import Any, TypeVar

from sqlalchemy import bindparam, insert, select, update

from search_spaces.choices import Value
from search_spaces.errors import InputError, plural
from trials.names import check_name
from trials.records import (
    Baseline,
    Decision,
    FrontUpdate,
    FullTraining,
    KeptFile,
    Measurement,
    NewStudy,
    Outcome,
    Refusal,
    StudyRecord,
    Trial,
    TrialState,
)
from trials.store import baselines, fronts, leases, rows, studies
from trials.store.column_types import plain
from trials.store.leases import Lease
from trials.store.reads import Reads
from trials.store.tables import MEASUREMENT, TRAINING, TRIAL
from trials.store.transactions import OnStudy, StudyChange, Transactions

T = TypeVar("T")

_SAME_DIGEST = select(TRIAL.c.number).where(
    TRIAL.c.study_id == bindparam("study"), TRIAL.c.digest == bindparam("sha256")
)
_THIS_EPOCH = (
    MEASUREMENT.c.trial_id == bindparam("trial"),
    MEASUREMENT.c.epoch == bindparam("after"),
)
_SAME_EPOCH = select(MEASUREMENT.c.goes_on).where(*_THIS_EPOCH)
_DECIDE = update(MEASUREMENT).where(*_THIS_EPOCH)
_BY_KEY = select(TRIAL).where(TRIAL.c.id == bindparam("key"))
_PLACE = select(TRIAL.c.place).where(TRIAL.c.id == bindparam("key"))
_MOVE_UP = (
    update(TRIAL)
    .where(TRIAL.c.study_id == bindparam("study"), TRIAL.c.place > bindparam("after"))
    .values(place=TRIAL.c.place - 1)
)
_NEW_TRIAL = insert(TRIAL)
_NEW_MEASUREMENT = insert(MEASUREMENT)


class Writes(Reads):
    """The half of a SQL store that writes."""

    def __init__(self, transactions: Transactions) -> None:
        super().__init__(transactions)
        self._leases: dict[str, Lease] = {}

    def create_study(self, new: NewStudy, baselines: Sequence[Baseline] = ()) -> StudyRecord:
        """Write a new study."""
        self.transactions.write(studies.Creation(new, baselines))
        return self.study(new.name)

    def set_trials(self, name: str, trials: int) -> None:
        """Change how many trials a study asks for."""
        self._change(name, lambda work: studies.set_trials(work, trials))

    def delete_study(self, name: str) -> None:
        """Delete a study with all that was measured; files are the caller's."""
        self.transactions.write(studies.Leaving(name, self._as_only_driver(name, studies.delete)))
        self._leases.pop(name, None)

    def rename_study(self, name: str, new: str, paths: Mapping[int, str]) -> None:
        """Call a study by another name; its trials and their numbers stay."""
        check_name(new)

        def rename(work: StudyChange) -> None:
            studies.rename(work, new, paths)

        self.transactions.write(studies.Leaving(name, self._as_only_driver(name, rename)))
        if name in self._leases:
            self._leases[new] = self._leases.pop(name)

    def begin(
        self,
        trial: Trial,
        values: Mapping[str, Value],
        sampler_state: Mapping[str, Any],
        refused: Mapping[Refusal, int],
        worker: str | None = None,
    ) -> None:
        """Write a trial as running, and the proposals refused since the last call."""

        def work(study: StudyChange) -> None:
            _refuse(study, refused)
            _begin(study, trial, dict(values), dict(sampler_state), worker)

        self._change(trial.study, work)

    def add_refused(self, study: str, refused: Mapping[Refusal, int]) -> None:
        """Count proposals turned down where no trial follows."""
        self._change(study, lambda work: _refuse(work, refused))

    def retry(self, study: str, number: int, worker: str | None = None) -> Trial:
        """Hand an open trial out once more: running, one attempt further."""
        return self._change(study, lambda work: _retry(work, number, worker))

    def thaw(self, study: str, number: int, decision: Decision, worker: str | None = None) -> Trial:
        """Hand a stopped trial out once more: running, one attempt further."""
        return self._change(study, lambda work: _thaw(work, number, decision, worker))

    def give_back(self, study: str, numbers: Iterable[int]) -> None:
        """Make running trials wait."""
        wanted = tuple(numbers)
        self._change(study, lambda work: _give_back(work, wanted))

    def measure(
        self,
        study: str,
        number: int,
        attempt: int,
        measurement: Measurement,
        decision: Decision | None = None,
    ) -> bool:
        """Keep a measurement of an open trial."""
        return self._change(
            study, lambda work: _measure(work, number, attempt, measurement, decision)
        )

    def finish(
        self,
        study: str,
        number: int,
        outcome: Outcome,
        front: FrontUpdate | None,
        file: KeptFile | None = None,
    ) -> None:
        """Write how a trial ended, the front after it, and the weights that stay."""
        self._change(study, lambda work: _finish(work, number, outcome, front, file))

    def add_baselines(self, study: str, planned: Sequence[Baseline]) -> None:
        """Write baselines more, numbered from as many as there are."""
        self._change(study, lambda work: baselines.add(work, planned))

    def hand_out_baseline(self, study: str, number: int, worker: str | None = None) -> Baseline:
        """Hand an open baseline out, or out once more: running, one attempt further."""
        return self._change(study, lambda work: baselines.hand_out(work, number, worker))

    def give_back_baselines(self, study: str) -> None:
        """Make running baselines wait."""
        self._change(study, baselines.give_back)

    def measure_baseline(
        self, study: str, number: int, attempt: int, measurement: Measurement
    ) -> bool:
        """Keep a measurement of an open baseline."""
        return self._change(
            study, lambda work: baselines.measure(work, number, attempt, measurement)
        )

    def finish_baseline(self, study: str, number: int, outcome: Outcome) -> None:
        """Write how a baseline ended."""
        self._change(study, lambda work: baselines.finish(work, number, outcome))

    def add_training(self, study: str, number: int, training: FullTraining) -> None:
        """Write what a full training of a trial's configuration reached."""
        self._change(study, lambda work: _add_training(work, number, training))

    def acquire(self, study: str, owner: str, seconds: float, *, steal: bool = False) -> datetime:
        """Take the lease on a study; from now on this store writes to it as its holder."""
        lease = Lease(owner, seconds)
        until = self.transactions.write(
            OnStudy(study, lambda work: leases.take(work, lease, steal=steal))
        )
        self._leases[study] = lease
        return datetime.fromisoformat(str(until))

    def renew(self, study: str, owner: str, seconds: float) -> datetime:
        """Let the lease last ``seconds`` from now."""
        lease = Lease(owner, seconds)
        until = self.transactions.write(
            OnStudy(study, lambda work: leases.keep(work, lease, at_once=True))
        )
        self._leases[study] = lease
        return datetime.fromisoformat(str(until))

    def release(self, study: str, owner: str) -> None:
        """End the lease; nothing happens if it is someone else's."""
        self._leases.pop(study, None)
        self.transactions.write(OnStudy(study, lambda work: leases.give_up(work, owner)))

    def _as_only_driver(
        self, study: str, work: Callable[[StudyChange], None]
    ) -> Callable[[StudyChange], None]:
        """Work that is refused while anybody but the holder of this store's lease drives."""
        lease = self._leases.get(study)

        def guarded(found: StudyChange) -> None:
            leases.require_free(found, lease and lease.owner)
            work(found)

        return guarded

    def _change(self, study: str, work: Callable[[StudyChange], T]) -> T:
        lease = self._leases.get(study)

        def guarded(found: StudyChange) -> T:
            if lease is not None:
                leases.keep(found, lease)
            return work(found)

        result: T = self.transactions.write(OnStudy(study, guarded))
        return result


def _refuse(work: StudyChange, refused: Mapping[Refusal, int]) -> None:
    for reason, number in refused.items():
        work.count(reason.value, number)


def _begin(
    work: StudyChange,
    trial: Trial,
    values: dict[str, Any],
    sampler_state: dict[str, Any],
    worker: str | None,
) -> None:
    if trial.number != work.asked or trial.number >= work.head.trials:
        raise InputError(
            f"Trial {trial.number} cannot be begun: study {work.name!r} has begun {work.asked} of "
            f"{plural(work.head.trials, 'trial')}.",
            "Trials are numbered from 0 without gaps, up to the number the study asks for.",
        )
    known = work.connection.scalar(_SAME_DIGEST, {"study": work.head.id, "sha256": trial.digest})
    if known is not None:
        raise InputError(
            f"Trial {trial.number} has the digest of trial {known} of study {work.name!r}.",
            "A configuration is measured once; propose another one.",
        )
    row = {
        "study_id": work.head.id,
        "number": trial.number,
        "config": trial.config,
        "digest": trial.digest,
        "params": trial.params,
        "macs": trial.macs,
        "seed": trial.seed,
        "attempt": trial.attempt,
        **rows.latency_columns(trial),
        "choices": values,
        "sampler_state": sampler_state,
        "state": TrialState.RUNNING,
        "worker": plain(worker),
        "epochs": 0,
        "seconds": 0.0,
        "started_at": work.head.now,
    }
    work.connection.execute(_NEW_TRIAL, row)
    work.count(TrialState.RUNNING, 1)


def _retry(work: StudyChange, number: int, worker: str | None) -> Trial:
    found = work.open_trial(number)
    work.set_trial(
        found.id,
        state=TrialState.RUNNING,
        attempt=found.attempt + 1,
        worker=plain(worker),
        started_at=work.head.now,
    )
    _move(work, found.state, TrialState.RUNNING)
    return rows.trial(work.name, work.connection.execute(_BY_KEY, {"key": found.id}).one())


def _thaw(work: StudyChange, number: int, decision: Decision, worker: str | None) -> Trial:
    found = work.trial(number)
    if found.state is not TrialState.STOPPED:
        raise InputError(
            f"Trial {number} of study {work.name!r} is {found.state} and cannot be thawed.",
            "Only a stopped trial goes on later.",
        )
    place = work.connection.scalar(_PLACE, {"key": found.id})
    work.connection.execute(_MOVE_UP, {"study": work.head.id, "after": place})
    decided = {"goes_on": decision.goes_on, "reason": plain(decision.reason)}
    work.connection.execute(_DECIDE, {"trial": found.id, "after": found.epochs, **decided})
    ended = dict.fromkeys(("cause", "detail", "finished_at", "place", "front_id"))
    work.set_trial(
        found.id,
        state=TrialState.RUNNING,
        attempt=found.attempt + 1,
        worker=plain(worker),
        started_at=work.head.now,
        **ended,
    )
    _move(work, found.state, TrialState.RUNNING)
    return rows.trial(work.name, work.connection.execute(_BY_KEY, {"key": found.id}).one())


def _give_back(work: StudyChange, numbers: Iterable[int]) -> None:
    for number in numbers:
        found = work.open_trial(number)
        work.set_trial(found.id, state=TrialState.WAITING)
        _move(work, found.state, TrialState.WAITING)


def _measure(
    work: StudyChange,
    number: int,
    attempt: int,
    measurement: Measurement,
    decision: Decision | None,
) -> bool:
    found = work.open_trial(number)
    _check(number, found.attempt, attempt, measurement)
    same = {"trial": found.id, "after": measurement.epoch}
    known = work.connection.execute(_SAME_EPOCH, same).one_or_none()
    decided = {} if decision is None else {"goes_on": decision.goes_on, "reason": decision.reason}
    if known is not None:
        if decided and known.goes_on is None:  # measured before decisions were kept
            work.connection.execute(_DECIDE, {**same, **decided})
        return False
    last = {
        "accuracy": measurement.accuracy,
        "accuracy_error": measurement.accuracy_error,
        "loss": measurement.loss,
        "seconds": measurement.seconds,
    }
    row = {
        "trial_id": found.id,
        "epoch": measurement.epoch,
        "attempt": attempt,
        "images": measurement.images,
        "measured_at": work.head.now,
        "goes_on": None,
        "reason": None,
        "further": rows.stored_further(measurement.further),
        **decided,
    }
    work.connection.execute(_NEW_MEASUREMENT, {**row, **last})
    if measurement.epoch > found.epochs:
        work.set_trial(found.id, epochs=measurement.epoch, **last)
        work.count("epochs", measurement.epoch - found.epochs)
        work.count("seconds", measurement.seconds - found.seconds)
    return True


def _finish(
    work: StudyChange,
    number: int,
    outcome: Outcome,
    front: FrontUpdate | None,
    file: KeptFile | None,
) -> None:
    found = work.open_trial(number)
    if not outcome.state.final:
        raise InputError(
            f"Trial {number} cannot end as {outcome.state}.", "It ends complete, stopped or failed."
        )
    work.set_trial(
        found.id,
        state=outcome.state,
        cause=plain(outcome.cause),
        detail=plain(outcome.detail),
        finished_at=work.head.now,
        place=work.finished,
    )
    before = work.head.front_id
    front_id = before if front is None else fronts.keep(work, number, front)
    work.set_trial(found.id, front_id=front_id)
    work.counts["front_id"] = front_id
    fronts.drop_fallen(work, before, front_id)
    if file is not None:
        fronts.keep_file(work, found.id, number, file, front)
    _move(work, found.state, outcome.state)


def _move(work: StudyChange, before: TrialState, after: TrialState) -> None:
    work.count(before, -1)
    work.count(after, 1)


def _check(number: int, handed_out: int, attempt: int, measurement: Measurement) -> None:
    if not 1 <= attempt <= handed_out:
        raise InputError(
            f"Trial {number} was handed out {plural(handed_out, 'time')}; there is no attempt "
            f"{attempt}.",
            "Report with the attempt that the trial was handed out with.",
        )
    m = measurement
    if m.epoch < 1 or not all(map(isfinite, m.numbers())):
        raise InputError(
            f"Trial {number} measured {measurement}, which is not finite.",
            "Finish the trial as failed with cause 'non-finite'.",
        )


def _add_training(work: StudyChange, number: int, training: FullTraining) -> None:
    row = {**rows.stored_training(training), "data": plain(training.data)}
    row["finished_at"] = work.head.now
    work.connection.execute(insert(TRAINING).values(trial_id=work.trial(number).id, **row))
