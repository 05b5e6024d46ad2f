"""Between the decider and Tune: its searcher and its scheduler.

Tune names trials by identifiers of its own; here is the one table that joins them to ours. Every
decision is the decider's, taken in this process. Tune takes an exception for a trial's failure, so
an error of the study leaves as `Abandoned`, which Tune does not catch.
"""

import time
from collections import deque
from dataclasses import dataclass
from typing import Any

from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from trials.errors import StudyError
from trials.execution.contract import Decider
from trials.execution.outcomes import failed, outcome_of
from trials.execution.ray_tune.worker import SAID, attempt_name
from trials.execution.watchdog import read_note
from trials.records import Job, Measurement, Outcome, TrialState, Verdict

PATIENCE = 2.0
"""Seconds in which a watchdog's note about a worker that is gone may come."""

FINAL = frozenset({"timeout", "out-of-memory"})
"""Causes after which another attempt would end in the same way."""


class Abandoned(BaseException):
    """Carries an error out of Tune."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass(frozen=True, slots=True)
class _Lost:
    """An attempt whose worker is gone, the error that Tune had, and until when a note may come."""

    trial: Job
    error: str
    until: float


class Desk:
    """Which trials are out, and what the decider says.

    Args:
        decider: decides.
        room: trials that may be out at once.
        notes: folder of the watchdogs' notes.
    """

    def __init__(self, decider: Decider, room: int, notes: str) -> None:
        self._decider = decider
        self._room = room
        self._notes = notes
        self._out: dict[str, Job] = {}
        self._retries: deque[Job] = deque()
        self._lost: list[_Lost] = []
        self._drained = False

    @property
    def over(self) -> bool:
        """Whether nothing is out and nothing will come."""
        return self._drained and not (self._out or self._retries or self._lost)

    def hand_out(self, key: str) -> Job | None:
        """A trial for Tune's trial ``key``, None if there is no room or none left."""
        self._settle()
        if self._retries:
            trial = self._retries.popleft()
        elif self._drained or len(self._out) + len(self._lost) >= self._room:
            return None
        else:
            found = self._decider.suggest()
            if found is None:
                self._drained = True
                return None
            trial = found
        self._out[key] = trial
        return trial

    def hear(self, key: str, said: Measurement | Outcome | StudyError) -> Verdict:
        """Pass on what a measure said; Tune's trial ends at `Verdict.STOP`."""
        if isinstance(said, StudyError):
            raise said
        outcome = said if isinstance(said, Outcome) else self._judged(key, said)
        if outcome is None:
            return Verdict.CONTINUE
        self._decider.finish(self._out.pop(key), outcome)
        return Verdict.STOP

    def _judged(self, key: str, measurement: Measurement) -> Outcome | None:
        try:
            verdict = self._decider.report(self._out[key], measurement)
        except StudyError:
            raise
        except Exception as error:  # noqa: BLE001 - what report refuses fails its trial
            return outcome_of(error)
        return Outcome(TrialState.COMPLETE) if verdict is Verdict.STOP else None

    def lose(self, key: str, error: str) -> None:
        """Tune's trial ``key`` ended without a word; its watchdog may have a note of why."""
        self._lost.append(_Lost(self._out.pop(key), error, time.monotonic() + PATIENCE))
        self._settle()

    def _settle(self) -> None:
        """Decide about lost attempts of which a note has come, or will not come any more.

        Tune asks for trials all the time, so this is done again soon, and nobody waits.
        """
        for lost in [*self._lost]:
            noted = read_note(self._notes, attempt_name(lost.trial))
            if noted is None and time.monotonic() < lost.until:
                continue
            self._lost.remove(lost)
            cause, detail = noted or ("worker-lost", lost.error)
            following = None if cause in FINAL else self._decider.retry(lost.trial)
            if following is None:
                self._decider.finish(lost.trial, failed(cause, detail))
            else:
                self._retries.append(following)


class Suggestions(Searcher):
    """Asks the desk for trials.

    None tells Tune to ask again at its next step, and FINISHED that it need not: while trials are
    out, one of them may have to be handed out again.
    """

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self._desk = desk

    def suggest(self, trial_id: str) -> dict[str, Any] | str | None:  # type: ignore[override] # FINISHED is a str
        """The next trial as Tune's configuration."""
        try:
            trial = self._desk.hand_out(trial_id)
        except Exception as error:
            raise Abandoned(error) from error
        if trial is not None:
            return {"trial": trial}
        return Searcher.FINISHED if self._desk.over else None

    def on_trial_complete(
        self,
        trial_id: str,
        result: dict[str, Any] | None = None,
        error: bool = False,  # noqa: FBT001, FBT002 - Tune's signature
    ) -> None:
        """Nothing: the desk knows."""

    def save_to_dir(self, checkpoint_dir: str, session_str: str = "default") -> None:
        """Nothing: the database is the truth."""

    def __reduce__(self) -> tuple[Any, ...]:
        """Tune writes its own settings to a file that nobody reads back."""
        return Searcher, ()


class Verdicts(FIFOScheduler):
    """Tells the desk what workers say, and Tune what the decider answers."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Tune leaves it untyped
        self._desk = desk
        self._controller: TuneController | None = None

    def on_trial_result(
        self,
        tune_controller: TuneController,  # noqa: ARG002 - Tune's signature
        trial: TuneTrial,
        result: dict[str, Any],
    ) -> str:
        """Pass on what a worker said."""
        try:
            verdict = self._desk.hear(trial.trial_id, result[SAID])
        except Exception as error:
            raise Abandoned(error) from error
        return TrialScheduler.STOP if verdict is Verdict.STOP else TrialScheduler.CONTINUE

    def on_trial_error(
        self,
        tune_controller: TuneController,  # noqa: ARG002 - Tune's signature
        trial: TuneTrial,
    ) -> None:
        """A worker is gone: what a measure raises arrives as a result."""
        try:
            self._desk.lose(trial.trial_id, f"Its worker is gone. {trial.get_error()}")
        except Exception as error:
            raise Abandoned(error) from error

    def choose_trial_to_run(self, tune_controller: TuneController) -> None:
        """None: Tune starts trials as they come, without looking through all that there were."""
        self._controller = tune_controller

    def kill(self) -> None:
        """End every worker at once, and free what it took; nothing happens if all is over."""
        if self._controller is not None:
            self._controller._actor_manager.cleanup()  # type: ignore[no-untyped-call] # noqa: SLF001 - Tune offers no other way

    def __reduce__(self) -> tuple[Any, ...]:
        """As for `Suggestions`."""
        return FIFOScheduler, ()
