"""A measure as a generator: its reports are taken one at a time, and verdicts are sent to it.

A measure calls ``report`` and waits for the verdict. Executors that run many trials at once need
the control inverted: `MeasureGenerator.receive` returns the next report, and `send` answers it. The
measure runs in a thread, since a plain function cannot be suspended from outside.
"""

from dataclasses import dataclass
from queue import SimpleQueue
from threading import Thread

from trials.errors import StudyError
from trials.records import Job, Measure, Measurement, Verdict


@dataclass(frozen=True, slots=True)
class Ended:
    """The measure returned, or raised ``error``."""

    error: BaseException | None = None


class MeasureGenerator:
    """One attempt at a trial, in a thread that runs only between an answer and the next report.

    Args:
        measure: what to run.
        trial: its argument.
    """

    def __init__(self, measure: Measure, trial: Job) -> None:
        self._measure = measure
        self._trial = trial
        self._said: SimpleQueue[Measurement | Ended | BaseException] = SimpleQueue()
        self._told: SimpleQueue[Verdict | BaseException] = SimpleQueue()
        self._over = False
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._measure(self._trial, self._report)
        except (StudyError, KeyboardInterrupt) as error:  # raised where it is heard
            self._said.put(error)
        except BaseException as error:  # noqa: BLE001 - whatever a training raises is its outcome
            self._said.put(Ended(error))
        else:
            self._said.put(Ended())

    def _report(self, measurement: Measurement) -> Verdict:
        self._said.put(measurement)
        answer = self._told.get()
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def receive(self) -> Measurement | Ended:
        """What it reports next, or how it ended; lets an interruption or a `StudyError` out."""
        said = self._said.get()
        if isinstance(said, Measurement):
            return said
        self._over = True
        self._thread.join()
        if isinstance(said, BaseException):
            raise said
        return said

    def send(self, verdict: Verdict | BaseException) -> Measurement | Ended:
        """Answer its report, or let it raise; then `receive` it."""
        self._told.put(verdict)
        return self.receive()

    def close(self) -> None:
        """End it at the report that it waits in; nothing more is heard of it."""
        if not self._over:
            self._told.put(GeneratorExit())
            self._thread.join()
            self._over = True
