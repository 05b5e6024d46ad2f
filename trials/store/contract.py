"""What a store promises, in prose and as a type; the tests hold every store to this page.

A search, the reports and the commands know `Store` and nothing of what implements it.

**Studies.** A study has a name, ``[A-Za-z0-9][A-Za-z0-9._-]{0,99}``, unique in its database, and
keeps what it was created with for good, except for its name, and its number of trials, which may
grow, and shrink as far as trials were asked for. It may be deleted. Neither happens to a study that
someone drives. An unknown name is an `InputError` that says the nearest
known one.

**Trials.** Trials of a study are numbered from 0 without gaps, never more of them than the study
asks for, and no digest occurs twice. A trial is waiting or running until it is finished, once, as
complete, stopped or failed; finished trials never change again, but for a stopped one that is
thawed: it runs again, as if it had not ended. ``begin`` writes it as running,
together with the proposals refused since the last call; ``retry`` hands an open trial out once
more and counts the attempt; ``give_back`` makes running trials wait.

**Measurements.** There is one measurement for each trial and epoch. Training is deterministic, so
a repeated epoch measures the same: the first measurement is kept, and writing it again changes
nothing. What promotion decided on it is written with it, and kept likewise. Only finite numbers
are taken. A trial's own accuracy, loss and seconds are those of its
highest epoch.

**Fronts.** Every front that ever was is kept with its hypervolume. ``finish`` writes outcome and
front in one transaction; each finished trial refers to the front after it. Members are complete
trials by strictly ascending parameters and accuracy.

**Baselines.** Trainings of plain networks, written with their study, and repeats and audits of
trials, added to it later; numbered from 0, each of another network or seed. They are handed
out, measured and finished as trials are, complete or failed, under the same rules; no count and no
front knows them.

**Files.** With the front, ``finish`` writes which file holds the weights of the new member, and
strikes those of trials that the front has lost; the files themselves are the caller's. A database
names files by their path in the runs folder, with their SHA-256.

**Lease.** At most one process drives a study: it acquires the lease, by the database's clock, for
some seconds. Everything a lease holder writes is refused once the lease is someone else's, and
prolongs the lease when less than half of it is left; between writes `renewed` does so. A lease
that is over, or stolen, may be acquired by the next.

**All or nothing.** Each method is one transaction: after a crash its effect is there entirely or
not at all. A call that returned is on the disk. Where a connection to a server is lost, the store
retries the method for as long as its patience lasts, and it takes effect once.

**Counts.** The counts of a study (trials by state, refused proposals, epochs, seconds) are kept up
to date by the same transactions, so reading them costs the same at a million trials as at ten.
So do the front and the best under a budget: they read the members of one front.

**Times** are the database's, in UTC. **Integers** fit 64 bits with sign; epochs, trials and counts
fit 32. **Text** is kept as it is, but for NUL and lone surrogates, which are replaced.

**Failures.** `LostDatabaseError` if the database cannot be reached, is locked for longer than the
store's patience, or full; `StorageError` if it has another schema; `DamagedDataError` if what it
holds cannot be read; `StudyBusyError` if someone else drives the study; `InputError` for every
other breach of this page. No message holds a password.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from types import TracebackType
from typing import Any, Protocol, Self

from search_spaces.choices import Value
from trials.records import (
    Baseline,
    BaselineRecord,
    Decision,
    Earlier,
    Entry,
    FrontRecord,
    FrontUpdate,
    FullTraining,
    KeptFile,
    Measurement,
    NewStudy,
    Outcome,
    PastTrial,
    Refusal,
    StudyRecord,
    Trial,
    TrialRecord,
    TrialState,
)


class Store(Protocol):
    """A database of studies, which may be used from several threads.

    Also a context manager, which closes it.
    """

    def close(self) -> None:
        """Give back what the store holds; it can no longer be used."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    @property
    def location(self) -> str:
        """Path or URL of the database, without the password."""

    def create_study(self, new: NewStudy, baselines: Sequence[Baseline] = ()) -> StudyRecord:
        """Write a new study.

        Args:
            new: the study.
            baselines: plain networks to be measured beside its trials, numbered from 0.

        Raises:
            InputError: the name breaks the rule, or is taken.
        """

    def studies(self) -> list[StudyRecord]:
        """All studies, oldest first."""

    def study(self, name: str) -> StudyRecord:
        """One study.

        Raises:
            InputError: there is none of that name.
        """

    def set_trials(self, name: str, trials: int) -> None:
        """Change how many trials a study asks for.

        Raises:
            InputError: no such study, or more trials than that were begun.
        """

    def delete_study(self, name: str) -> None:
        """Delete a study with all that was measured; files are the caller's.

        Raises:
            InputError: no such study.
            StudyBusyError: someone else drives it.
        """

    def rename_study(self, name: str, new: str, paths: Mapping[int, str]) -> None:
        """Call a study by another name; its trials and their numbers stay.

        Args:
            name: as it is called now.
            new: as it will be called.
            paths: where the weights of trials lie from then on, by number.

        Raises:
            InputError: no such study, the new name breaks the rule, or is taken.
            StudyBusyError: someone else drives it.
        """

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

    def add_refused(self, study: str, refused: Mapping[Refusal, int]) -> None:
        """Count proposals turned down where no trial follows."""

    def retry(self, study: str, number: int, worker: str | None = None) -> Trial:
        """Hand an open trial out once more: running, one attempt further.

        Raises:
            InputError: no such trial, or it is over.
        """

    def thaw(self, study: str, number: int, decision: Decision, worker: str | None = None) -> Trial:
        """Hand a stopped trial out once more: running, one attempt further.

        Trials that ended after it move up by one in the order of finishing.

        Args:
            study: name.
            number: of the trial.
            decision: takes the place of the one that stopped it.
            worker: who measures it, ``host:pid``.

        Raises:
            InputError: no such trial, or it is not stopped.
        """

    def give_back(self, study: str, numbers: Iterable[int]) -> None:
        """Make running trials wait.

        Raises:
            InputError: one of them is over or does not exist; then none is given back.
        """

    def trials(
        self,
        study: str,
        *,
        states: Iterable[TrialState] | None = None,
        limit: int | None = None,
        offset: int = 0,
    ) -> list[TrialRecord]:
        """Trials by number.

        Args:
            study: name.
            states: only trials in these states; None for all.
            limit: at most so many.
            offset: leave out so many first.

        Raises:
            InputError: no such study.
        """

    def trial(self, study: str, number: int) -> TrialRecord:
        """One trial.

        Raises:
            InputError: no such study or trial.
        """

    def known_digests(self, study: str) -> dict[str, int]:
        """Number of the trial of each digest.

        Raises:
            InputError: no such study.
        """

    def measure(
        self,
        study: str,
        number: int,
        attempt: int,
        measurement: Measurement,
        decision: Decision | None = None,
    ) -> bool:
        """Keep a measurement of an open trial.

        Args:
            study: name.
            number: of the trial.
            attempt: the attempt that measured, the present one or an earlier one.
            measurement: finite numbers.
            decision: whether the trial goes on from there; None where that is no question.

        Returns:
            Whether it is new; a repeated epoch changes nothing.

        Raises:
            InputError: the trial is over or was never handed out so often, or the numbers are not
                finite.
        """

    def measurements(self, study: str, number: int | None = None) -> list[tuple[int, Measurement]]:
        """Measurements with the numbers of their trials, by trial and epoch.

        Args:
            study: name.
            number: only this trial's.

        Raises:
            InputError: no such study.
        """

    def decisions(self, study: str, number: int) -> dict[int, Decision]:
        """What was decided on a trial, by epoch.

        Raises:
            InputError: no such study.
        """

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

    def front(
        self,
        study: str,
        *,
        max_params: int | None = None,
        max_macs: int | None = None,
        max_latency: float | None = None,
        min_accuracy: float | None = None,
    ) -> list[TrialRecord]:
        """The present front, by ascending cost and so by ascending accuracy.

        With a limit on what is not the study's cost it is the front of the complete trials inside,
        for which all of them are looked through; members of it may be off the front of all.

        Args:
            study: name.
            max_params: only trials of at most so many parameters.
            max_macs: only trials of at most so many MACs.
            max_latency: only trials of at most so many seconds of latency.
            min_accuracy: only members of at least this accuracy.

        Raises:
            InputError: no such study.
        """

    def best(self, study: str, max_params: int) -> TrialRecord | None:
        """The most accurate member of the front inside a budget, or None.

        Raises:
            InputError: no such study.
        """

    def fronts(self, study: str) -> list[FrontRecord]:
        """Every front that ever was, oldest first.

        Raises:
            InputError: no such study.
        """

    def files(self, study: str) -> dict[int, KeptFile]:
        """Weights of the front's members, by trial; members without any are left out.

        Raises:
            InputError: no such study.
        """

    def add_training(self, study: str, number: int, training: FullTraining) -> None:
        """Write what a full training of a trial's configuration reached.

        Raises:
            InputError: no such trial.
        """

    def trainings(self, study: str, number: int) -> list[FullTraining]:
        """Full trainings of a trial's configuration, oldest first.

        Raises:
            InputError: no such study.
        """

    def history(self, study: str) -> Iterator[PastTrial]:
        """Trials that ended complete or stopped, in the order in which they ended.

        They are read while they are asked for, so that a million of them need no room.

        Raises:
            InputError: no such study.
        """

    def rung(self, study: str, epoch: int, most: int) -> list[Entry]:
        """The latest trials at a rung below the top, by number.

        Args:
            study: name.
            epoch: of the rung.
            most: at most so many.

        Returns:
            Those on which the rung has decided. Of trials measured before decisions were kept,
            those that were stopped there or went on, not one that has only just reached it.

        Raises:
            InputError: no such study.
        """

    def baselines(self, study: str) -> list[BaselineRecord]:
        """All baselines, by number; none in a database of a version that knew none.

        Raises:
            InputError: no such study.
        """

    def baseline_measurements(self, study: str) -> list[tuple[int, Measurement]]:
        """Measurements with the numbers of their baselines, by baseline and epoch.

        Raises:
            InputError: no such study.
        """

    def earlier_baseline(self, studies: Sequence[str], digest: str, seed: int) -> Earlier | None:
        """What other studies have measured of a plain network; see `earlier`.

        Args:
            studies: their names.
            digest: of the network's table.
            seed: of the training.
        """

    def add_baselines(self, study: str, planned: Sequence[Baseline]) -> None:
        """Write baselines more, which wait to be handed out.

        Raises:
            InputError: they are not numbered from as many as there are.
        """

    def hand_out_baseline(self, study: str, number: int, worker: str | None = None) -> Baseline:
        """Hand an open baseline out, or out once more: running, one attempt further.

        Raises:
            InputError: no such baseline, or it is over.
        """

    def give_back_baselines(self, study: str) -> None:
        """Make running baselines wait."""

    def measure_baseline(
        self, study: str, number: int, attempt: int, measurement: Measurement
    ) -> bool:
        """Keep a measurement of an open baseline.

        Returns:
            Whether it is new; a repeated epoch changes nothing.

        Raises:
            InputError: as `measure`.
        """

    def finish_baseline(self, study: str, number: int, outcome: Outcome) -> None:
        """Write how a baseline ended.

        Raises:
            InputError: it is over already, or the state is neither complete nor failed.
        """

    def attempts_in_vain(self, study: str) -> dict[int, int]:
        """By running trial, the attempts at it since one has measured something new.

        After the death of whoever drove the study, these are the attempts that were lost in a row.

        Raises:
            InputError: no such study.
        """

    def earlier(self, studies: Sequence[str], digest: str, seed: int) -> Earlier | None:
        """What other studies have measured of a network trained from a seed.

        Args:
            studies: their names.
            digest: of the network.
            seed: of the training.

        Returns:
            The trial among them that was measured longest, complete or stopped; None if there is
            none.
        """

    def acquire(self, study: str, owner: str, seconds: float, *, steal: bool = False) -> datetime:
        """Take the lease on a study; from now on this store writes to it as its holder.

        Args:
            study: name.
            owner: as `new_owner` names one; a lease of the same owner is taken over.
            seconds: how long it lasts unless renewed.
            steal: take it even if someone else's has not ended.

        Returns:
            When it ends, by the database's clock.

        Raises:
            StudyBusyError: someone else drives the study.
        """

    def renew(self, study: str, owner: str, seconds: float) -> datetime:
        """Let the lease last ``seconds`` from now.

        Raises:
            StudyBusyError: the lease is not this owner's any more.
        """

    def release(self, study: str, owner: str) -> None:
        """End the lease; nothing happens if it is someone else's."""
