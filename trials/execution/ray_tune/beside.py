"""Tune in a process of its own: its questions are answered here, and its death is survived.

Ray ends the process that has joined a cluster when its node dies, without an exception. The search
is in this process, so nothing is lost with that one. The trials that were out are lost attempts;
the cluster is made anew, or joined again, once.
"""

import time
from collections import deque
from pathlib import Path

from ray import cloudpickle

from search_spaces import InputError
from trials.errors import InterruptedSearchError, StudyError
from trials.execution.companion import Companion
from trials.execution.contract import Decider
from trials.execution.outcomes import failed
from trials.execution.ray_tune import tuning
from trials.execution.ray_tune.asked import Joined, Over, Question
from trials.execution.ray_tune.folders import own_folder
from trials.execution.ray_tune.settings import RaySettings
from trials.records import Job, Measure, Measurement, Outcome, Verdict

CLUSTERS = 2
"""Clusters that one search may use up."""

LOOK = 1.0
"""Seconds between two looks at the processes of a cluster."""

PATIENCE = 30.0
"""Seconds that Ray may take to end."""


def run(settings: RaySettings, decider: Decider, measure: Measure) -> None:
    """Run trials until the decider has no more; raises like `RayTune`."""
    out = _Out(decider)
    pickled: bytes = cloudpickle.dumps(measure)  # type: ignore[no-untyped-call] # Ray leaves it untyped
    for left in reversed(range(CLUSTERS)):
        with own_folder() as own:
            over = _run_once(settings, out, pickled, own)
        if over is not None and over.error is None:
            return
        if over is None or over.by_ray:
            if not left:
                raise _given_up(settings, over)
            out.lose("Its cluster died.")
        elif over.error is not None:
            cluster = isinstance(over.error, InputError | InterruptedSearchError)
            raise _given_up(settings, over) if cluster and not left else over.error


def _given_up(settings: RaySettings, over: Over | None) -> InterruptedSearchError:
    why = "it died again" if over is None or over.error is None else over.error.cause
    return InterruptedSearchError(
        f"The Ray cluster died, and on the second attempt: {why}. Everything measured is kept; "
        f"what Ray said is in {settings.folder / tuning.TALK}.",
        "Look after the machine or the cluster.",
    )


def _run_once(settings: RaySettings, out: "_Out", pickled: bytes, own: str) -> Over | None:
    """Serve one cluster to its end; None if it died before that."""
    companion = Companion(tuning)
    try:
        over = _served(companion, settings, out, pickled, own)
        if over is None:
            companion.kill()
    except BaseException:
        companion.connection.close()
        companion.ask_to_end()
        raise
    finally:
        companion.close(PATIENCE)
    return over


def _served(
    companion: Companion, settings: RaySettings, out: "_Out", pickled: bytes, own: str
) -> Over | None:
    cluster: tuple[int, ...] = ()
    try:
        companion.connection.send((settings, own, pickled))
        looked = time.monotonic()
        while True:
            if companion.connection.poll(LOOK):
                said: Question | Joined | Over = companion.connection.recv()
                if isinstance(said, Over):
                    return said
                if isinstance(said, Joined):
                    cluster = said.processes
                else:
                    companion.connection.send(out.answer(said))
            if time.monotonic() - looked > LOOK:
                looked = time.monotonic()
                alive = all(map(_lives, cluster))
                if not alive and not companion.connection.poll():  # it says first that it leaves
                    return None
    except (EOFError, ConnectionError):
        return None


def _lives(process: int) -> bool:
    try:
        status = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] not in ("Z", "X")


class _Out:
    """Answers questions, and knows which trials are out."""

    def __init__(self, decider: Decider) -> None:
        self._decider = decider
        self._out: dict[str, Job] = {}
        self._retries: deque[Job] = deque()

    def answer(self, question: Question) -> Job | Verdict | Exception | None:
        """The decider's answer; what it refuses of a report is answered, all else is raised."""
        match question.entry:
            case "suggest":
                return self._hand_out()
            case "report":
                return self._report(*question.given)
            case "retry":
                return self._kept(self._decider.retry(*question.given))
            case _:
                self._finish(*question.given)
                return None

    def lose(self, why: str) -> None:
        """All trials that are out are lost attempts; they are handed out again first."""
        for trial in [*self._out.values()]:
            following = self._decider.retry(trial)
            if following is None:
                self._finish(trial, failed("worker-lost", why))
            else:
                self._retries.append(following)
        self._out.clear()

    def _hand_out(self) -> Job | None:
        return self._kept(self._retries.popleft() if self._retries else self._decider.suggest())

    def _kept(self, trial: Job | None) -> Job | None:
        if trial is not None:
            self._out[trial.key] = trial
        return trial

    def _report(self, trial: Job, measurement: Measurement) -> Verdict | Exception:
        try:
            return self._decider.report(trial, measurement)
        except StudyError:
            raise
        except Exception as error:  # noqa: BLE001 - fails its trial, where it is heard
            return error.with_traceback(None)

    def _finish(self, trial: Job, outcome: Outcome) -> None:
        self._decider.finish(trial, outcome)
        self._out.pop(trial.key, None)
