"""What an executor may rely on, and what it must do.

An executor is given a `Decider` and a `Measure`. It

- asks ``suggest()`` for a trial whenever it has room for one, and stops asking at None;
- runs ``measure(trial, report)`` somewhere, once for each trial handed out, and passes every
  report on to the decider and the verdict back;
- calls ``finish`` exactly once for each trial handed out, with `outcome_of` what happened;
- lets a `StudyError` out, as it is no trial's failure;
- leaves nothing running when it returns or raises. When interrupted it stops asking, finishes
  nothing and lets the interruption out; the owner of the decider then gives open trials back.

It knows no front, no rung and no database, and changes nothing about a trial.
"""

from typing import Protocol

from trials.records import Measure, Measurement, Outcome, Trial, Verdict


class Decider(Protocol):
    """The three entries of a search."""

    def suggest(self) -> Trial | None:
        """The next trial, or None when there is none to start."""

    def report(self, trial: Trial, measurement: Measurement) -> Verdict:
        """Take a measurement and answer whether the trial goes on."""

    def finish(self, trial: Trial, outcome: Outcome) -> None:
        """Take how a trial ended."""


class Executor(Protocol):
    """Runs trials until the decider has no more."""

    def __call__(self, decider: Decider, measure: Measure) -> None:
        """Run; see the module's contract."""
