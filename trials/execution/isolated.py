"""One trial after the other, each attempt in a process of its own.

So a trial that ends its process, by ``os._exit``, a segmentation fault or the kernel, ends nothing
else. Processes are forked by a companion that has loaded the measure (`trials.execution.nursery`).
"""

import os
import pickle
import signal
import time
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.reduction import send_handle
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from search_spaces import InputError
from trials.errors import StudyError
from trials.execution import nursery
from trials.execution.companion import GRACE, Companion, signal_group
from trials.execution.contract import Decider
from trials.execution.outcomes import failed, outcome_of
from trials.execution.watchdog import COUNTERS, oom_kills
from trials.records import Job, Measure, Measurement, Outcome, TrialState, Verdict

if TYPE_CHECKING:
    from multiprocessing.connection import Connection


class _LostError(Exception):
    """An attempt ended without a word; the argument says how."""


@dataclass(frozen=True, slots=True)
class Isolated:
    """Runs trials one after the other, each in a process of its own; an `Executor`.

    The measure is pickled.

    Attributes:
        trial_timeout: seconds that an attempt may measure in all; None for any.
        report_timeout: seconds that may pass until its next measurement; None for any.
    """

    trial_timeout: float | None = None
    report_timeout: float | None = None

    def __call__(self, decider: Decider, measure: Measure) -> None:
        """Run trials until the decider has no more; see `trials.execution.contract`."""
        trial = decider.suggest()
        if trial is None:
            return
        with _Processes(measure) as processes:
            while trial is not None:
                following = self._attempt(decider, processes, trial)
                trial = following or decider.suggest()

    def _attempt(self, decider: Decider, processes: "_Processes", trial: Job) -> Job | None:
        """Measure a trial; the next attempt at it, if this one was lost and there is one."""
        kills = oom_kills(COUNTERS)
        try:
            with processes.attempt(trial) as attempt:
                outcome = self._heard(decider, attempt, trial)
        except _LostError as lost:
            if oom_kills(COUNTERS) > kills:
                detail = f"Its process was killed by the kernel for want of memory. {lost}"
                outcome = failed("out-of-memory", detail)
            elif (following := decider.retry(trial)) is not None:
                return following
            else:
                outcome = failed("worker-lost", str(lost))
        decider.finish(trial, outcome)
        return None

    def _heard(self, decider: Decider, attempt: "_Attempt", trial: Job) -> Outcome:
        spent = 0.0
        while True:
            began = time.monotonic()
            said = attempt.hear(self._patience(spent))
            spent += time.monotonic() - began
            if said is None:
                return failed("timeout", self._overdue(spent))
            if isinstance(said, StudyError):
                raise said
            if isinstance(said, Outcome):
                return said
            try:
                verdict = decider.report(trial, said)
            except StudyError:
                raise
            except Exception as error:  # noqa: BLE001 - what report refuses fails its trial
                return outcome_of(error)
            if verdict is Verdict.STOP:
                attempt.stop()
                return Outcome(TrialState.COMPLETE)
            attempt.answer(verdict)

    def _patience(self, spent: float) -> float | None:
        left = [] if self.trial_timeout is None else [max(self.trial_timeout - spent, 0.0)]
        left += [] if self.report_timeout is None else [self.report_timeout]
        return min(left, default=None)

    def _overdue(self, spent: float) -> str:
        if self.trial_timeout is not None and spent >= self.trial_timeout:
            return f"It took more than {self.trial_timeout:g} s."
        return f"Nothing was measured for {self.report_timeout:g} s."


class _Processes:
    """The companion that forks, started again when it is gone; a context manager."""

    def __init__(self, measure: Measure) -> None:
        self._measure = _pickled(measure)
        self._companion: Companion | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._companion is not None:
            self._companion.close(grace=0.0)  # it holds nothing, and torch takes seconds to leave

    def attempt(self, trial: Job) -> "_Attempt":
        """Start a process for an attempt at a trial."""
        with suppress(_LostError):
            return self._started(trial)
        self._companion = None  # it is gone: another one
        return self._started(trial)

    def _started(self, trial: Job) -> "_Attempt":
        companion = self._companion or self._loaded()
        ours, theirs = Pipe()
        try:
            with theirs:
                companion.connection.send(None)
                send_handle(companion.connection, theirs.fileno(), companion.pid)
                process = companion.connection.recv()
            ours.send(trial)
        except (EOFError, OSError) as error:
            companion.kill()
            raise _LostError(f"The process that starts trials is gone: {error}.") from None
        return _Attempt(companion, process, ours)

    def _loaded(self) -> Companion:
        companion = Companion(nursery)
        self._companion = companion
        try:
            companion.connection.send_bytes(self._measure)
            error = companion.connection.recv()
        except (EOFError, OSError) as gone:
            raise _LostError(f"The process that starts trials is gone: {gone}.") from None
        if error is not None:
            raise error
        return companion


def _pickled(measure: Measure) -> bytes:
    """The measure as the companion is sent it.

    Raises:
        InputError: it cannot be sent.
    """
    try:
        return pickle.dumps(measure)
    except Exception as error:  # what pickle raises depends on what it meets
        raise InputError(
            f"What measures trials cannot be sent to processes of their own: {error}.",
            "Define it at the top of a module, or set isolate = false in [execution].",
        ) from error


@dataclass
class _Attempt:
    """A process that measures a trial; a context manager that leaves nothing of it."""

    companion: Companion
    process: int
    connection: "Connection[Any, Any]"
    over: bool = field(default=False, init=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self.over:
            self._end()

    def hear(self, patience: float | None) -> nursery.Said | None:
        """What it says next; None if it says nothing for ``patience`` seconds.

        Raises:
            _LostError: it is gone.
        """
        try:
            if not self.connection.poll(patience):
                signal_group(self.process, signal.SIGTERM)
                with suppress(EOFError, OSError):
                    while self.connection.poll(GRACE):
                        self.connection.recv()
                        self.connection.send(Verdict.STOP)
                return None
            said: nursery.Said = self.connection.recv()
        except (EOFError, OSError):
            raise _LostError(self._end()) from None
        return said

    def answer(self, verdict: Verdict) -> None:
        """Answer its measurement."""
        with suppress(OSError):  # heard of at the next `hear`
            self.connection.send(verdict)

    def stop(self) -> None:
        """Let the measure return; what it still measures does not count."""
        with suppress(EOFError, OSError):
            self.connection.send(Verdict.STOP)
            while isinstance(self.connection.recv(), Measurement):
                self.connection.send(Verdict.STOP)

    def _end(self) -> str:
        """End the process and what it started; how it ended, in words."""
        self.over = True
        self.connection.close()
        try:
            self.companion.connection.send(self.process)
            code = self.companion.connection.recv()
        except (EOFError, OSError):
            signal_group(self.process, signal.SIGKILL)
            code = -signal.SIGKILL
        return f"Its process, {self.process} on {os.uname().nodename}, {_ended(code)}."


def _ended(code: int) -> str:
    if code >= 0:
        return f"ended itself with exit code {code}"
    return f"was ended by signal {-code} ({signal.Signals(-code).name})"
