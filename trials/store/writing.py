"""Everything that changes a store; each method is one transaction."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, TypeVar

from search_spaces.choices import Value
from trials.records import (
    FrontUpdate,
    FullTraining,
    KeptFile,
    Measurement,
    NewStudy,
    Outcome,
    Refusal,
    StudyRecord,
    Trial,
)
from trials.store import changes, keeping, leases, studies
from trials.store.leases import Lease
from trials.store.reading import Reader
from trials.store.units import Units
from trials.store.work import Once, StudyWork

T = TypeVar("T")


class Writer(Reader):
    """The writing half of a store; see `trials.store.contract`."""

    def __init__(self, units: Units) -> None:
        super().__init__(units)
        self._leases: dict[str, Lease] = {}

    def create_study(self, new: NewStudy) -> StudyRecord:
        """Write a new study.

        Raises:
            InputError: the name breaks the rule, or is taken.
        """
        self._units.write(studies.Creation(new))
        return self.study(new.name)

    def set_trials(self, name: str, trials: int) -> None:
        """Change how many trials a study asks for.

        Raises:
            InputError: no such study, or more trials than that were begun.
        """
        self._change(name, lambda work: studies.set_trials(work, trials))

    def begin(
        self,
        trial: Trial,
        values: Mapping[str, Value],
        sampler_state: Mapping[str, Any],
        refused: Mapping[Refusal, int],
        worker: str | None = None,
    ) -> None:
        """Write a trial as running, and the proposals refused since the last call.

        Args:
            trial: numbered as the next one of its study.
            values: the choices that the sampler made.
            sampler_state: what the sampler wants back when it is rebuilt; plain values.
            refused: proposals turned down, by reason.
            worker: who measures it, ``host:pid``.

        Raises:
            InputError: the number is not the next one, the study asks for no more trials, or has
                one of this digest.
        """

        def work(study: StudyWork) -> None:
            changes.refuse(study, refused)
            changes.begin(study, trial, dict(values), dict(sampler_state), worker)

        self._change(trial.study, work)

    def add_refused(self, study: str, refused: Mapping[Refusal, int]) -> None:
        """Count proposals turned down where no trial follows."""
        self._change(study, lambda work: changes.refuse(work, refused))

    def again(self, study: str, number: int, worker: str | None = None) -> Trial:
        """Hand an open trial out once more: running, one attempt further.

        Raises:
            InputError: no such trial, or it is over.
        """
        return self._change(study, lambda work: changes.again(work, number, worker))

    def give_back(self, study: str, numbers: Iterable[int]) -> None:
        """Make running trials wait.

        Raises:
            InputError: one of them is over or does not exist; then none is given back.
        """
        wanted = tuple(numbers)
        self._change(study, lambda work: changes.give_back(work, wanted))

    def measure(self, study: str, number: int, attempt: int, measurement: Measurement) -> bool:
        """Keep a measurement of an open trial.

        Args:
            study: name.
            number: of the trial.
            attempt: the attempt that measured, the present one or an earlier one.
            measurement: finite numbers.

        Returns:
            Whether it is new; a repeated epoch changes nothing.

        Raises:
            InputError: the trial is over or was never handed out so often, or the numbers are not
                finite.
        """
        return self._change(study, lambda work: changes.measure(work, number, attempt, measurement))

    def finish(
        self,
        study: str,
        number: int,
        outcome: Outcome,
        front: FrontUpdate | None,
        file: KeptFile | None = None,
    ) -> None:
        """Write how a trial ended, the front after it, and the weights that stay.

        Files of trials that leave the front are named no longer.

        Args:
            study: name.
            number: of the trial.
            outcome: in a final state.
            front: None where the front stays as it is.
            file: its weights, where it joins the front.

        Raises:
            InputError: the trial is over already, the state is not final, the members are not
                complete trials by strictly ascending parameters and accuracy, or a trial off the
                front has a file.
        """
        self._change(study, lambda work: changes.finish(work, number, outcome, front, file))

    def add_training(self, study: str, number: int, training: FullTraining) -> None:
        """Write what a full training of a trial's configuration reached.

        Raises:
            InputError: no such trial.
        """
        self._change(study, lambda work: keeping.add_training(work, number, training))

    def acquire(self, study: str, owner: str, seconds: float, *, steal: bool = False) -> datetime:
        """Take the lease on a study; from now on this store writes to it as its holder.

        Args:
            study: name.
            owner: ``host:pid``; a lease of the same owner is taken over.
            seconds: how long it lasts unless renewed.
            steal: take it even if someone else's has not ended.

        Returns:
            When it ends, by the database's clock.

        Raises:
            StudyBusyError: someone else drives the study.
        """
        lease = Lease(owner, seconds)
        until = self._units.write(Once(study, lambda work: leases.take(work, lease, steal=steal)))
        self._leases[study] = lease
        return datetime.fromisoformat(str(until))

    def renew(self, study: str, owner: str, seconds: float) -> datetime:
        """Let the lease last ``seconds`` from now.

        Raises:
            StudyBusyError: the lease is not this owner's any more.
        """
        lease = Lease(owner, seconds)
        until = self._units.write(Once(study, lambda work: leases.keep(work, lease, at_once=True)))
        self._leases[study] = lease
        return datetime.fromisoformat(str(until))

    def release(self, study: str, owner: str) -> None:
        """End the lease; nothing happens if it is someone else's."""
        self._leases.pop(study, None)
        self._units.write(Once(study, lambda work: leases.give_up(work, owner)))

    def _change(self, study: str, work: Callable[[StudyWork], T]) -> T:
        lease = self._leases.get(study)

        def guarded(found: StudyWork) -> T:
            if lease is not None:
                leases.keep(found, lease)
            return work(found)

        result: T = self._units.write(Once(study, guarded))
        return result
