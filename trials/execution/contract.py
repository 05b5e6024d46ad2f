"""What an executor may rely on, and what it must do; the tests hold every executor to this page.

An executor is given a `Decider` and a `Measure`. What is called a trial here may
also be a baseline: an executor treats all jobs alike, and tells them apart by their ``key``. It

- **asks** ``suggest()`` for a trial whenever it has room for one, and never before. None means
  that there is no further trial; it asks no more, and returns when the open ones are over;
- **measures** every trial handed out by ``measure(trial, report)``, once for each attempt,
  somewhere. Each report goes to the decider, in the order of the training, and its verdict back,
  before the training goes on. After ``Verdict.STOP`` the measure returns, and no report of it
  counts any more;
- **finishes** every trial handed out exactly once. A measure that returns is a trial complete as
  far as the executor knows; one that raises whatever it is (``SystemExit`` too), or whose report
  the decider refuses by raising, fails by the cause that `outcome_of` names. One failure changes
  nothing for the other trials;
- lets a `StudyError` **out**, from the decider or from a measure: it is no trial's failure. The
  trials then open are not finished;
- when **interrupted** (KeyboardInterrupt) stops asking, finishes nothing, and lets the
  interruption out; the owner of the decider gives open trials back;
- leaves **nothing running** when it returns or raises.

An executor whose measures run in processes of their own also

- takes an attempt as **lost** when its process is gone and nothing says that the trial is to
  blame. It asks ``retry(trial)`` for the next attempt and measures that, or, given None, finishes
  the trial as failed with the cause ``worker-lost``. What the lost attempt measured stays;
- finishes a trial at once as failed where trying again would end in the same way: killed for want
  of memory with the cause ``out-of-memory``, for its time with ``timeout``.

The decider is called from one thread of one process, so it needs no lock and a measure cannot
reach what it writes. An executor knows no front, no rung and no database, and changes nothing
about a trial.
"""

from typing import Protocol

from trials.records import Job, Measure, Measurement, Outcome, Verdict


class Decider(Protocol):
    """The four entries of a search."""

    def suggest(self) -> Job | None:
        """The next trial, or None when there will be none any more."""

    def report(self, trial: Job, measurement: Measurement) -> Verdict:
        """Take a measurement and answer whether the trial goes on."""

    def retry(self, trial: Job) -> Job | None:
        """The next attempt at a trial whose attempt was lost, or None if it has had enough."""

    def finish(self, trial: Job, outcome: Outcome) -> None:
        """Take how a trial ended."""


class Executor(Protocol):
    """Runs trials until the decider has no more."""

    def __call__(self, decider: Decider, measure: Measure) -> None:
        """Run; see the module's contract."""
