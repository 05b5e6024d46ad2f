"""What runs on a worker: a Tune trainable that is used for one trial after the other."""

import os
from dataclasses import dataclass
from typing import Any

from ray.tune import Trainable

from trials.errors import StudyError
from trials.execution.generator import MeasureGenerator
from trials.execution.outcomes import outcome_of
from trials.execution.watchdog import Watch, Watchdog
from trials.records import Job, Measure, Measurement, Outcome, Verdict

SAID = "said"
"""Key of a result that holds what the measure said."""

Said = Measurement | Outcome | StudyError
"""A measurement that waits for its verdict, or how the measure ended."""


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """Where and under which limits a worker works.

    Attributes:
        folder: directory of the driver; relative paths mean the same to a worker.
        watch: limits, and the folder of notes.
    """

    folder: str
    watch: Watch


class Worker(Trainable):
    """Each step returns the measure's next word; being asked for one more means to go on.

    Being reset or stopped after a measurement means the verdict to stop. Nothing of Tune's own
    checkpoints is used.
    """

    def setup(self, config: dict[str, Any], measure: Measure, settings: WorkerSettings) -> None:  # type: ignore[override] # parameters given by with_parameters
        """Begin the first trial.

        Args:
            config: holds the trial.
            measure: measures each trial.
            settings: where to work, and within which limits.
        """
        if os.getpgid(0) != os.getpid():
            os.setpgid(0, 0)
        self._measure = measure
        self._folder = settings.folder
        self._watchdog = Watchdog(settings.watch)
        self._training: MeasureGenerator | None = None
        self._waits = False
        self.reset_config(config)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Begin the next trial."""
        self._stop()
        os.chdir(self._folder)
        self._trial: Job = new_config["trial"]
        self._watchdog.begin(attempt_name(self._trial))
        return True

    def step(self) -> dict[str, Any]:
        """Let the trial go on until it has measured something or is over."""
        self._watchdog.run()
        said = self._next(Verdict.CONTINUE)
        if self._waits:
            self._watchdog.rest()
        else:
            self._watchdog.end()
        return {SAID: said}

    def cleanup(self) -> None:
        """End the trial; the watchdog ends with this process."""
        self._stop()
        self._watchdog.end()

    def _next(self, verdict: Verdict) -> Said:
        said = self._heard(verdict)
        self._waits = isinstance(said, Measurement)
        return said

    def _heard(self, verdict: Verdict) -> Said:
        try:
            if self._waits and self._training is not None:
                said = self._training.send(verdict)
            else:
                self._training = MeasureGenerator(self._measure, self._trial)
                said = self._training.receive()
        except StudyError as error:
            return error.with_traceback(None)
        return said if isinstance(said, Measurement) else outcome_of(said.error)

    def _stop(self) -> None:
        """Let a measure that waits for its verdict return."""
        while self._waits:
            self._next(Verdict.STOP)


def attempt_name(trial: Job) -> str:
    """Name of an attempt at a trial, fit for a file."""
    return f"{trial.key}-{trial.attempt}"
