"""Fronts of means: what networks reach that were trained from several seeds.

`reports.intervals` says which errors the mean of several trainings has. Nothing here reads a
database, and nothing heavy is loaded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot, sqrt
from statistics import fmean

from reports.intervals import Errors, Interval
from reports.trainings import RepeatedTrial, errors, repeated_trials
from trials.records import BaselineRecord, Role, TrialRecord
from trials.repeats import near_front
from trials.shares import standard_error


@dataclass(frozen=True, slots=True)
class Mean:
    """A trial that was trained again.

    Attributes:
        repeated: the trial, and the accuracies of all its trainings, its own first.
        accuracy: their mean, with its interval.
        error: standard error of the mean.
    """

    repeated: RepeatedTrial
    accuracy: Interval
    error: float

    @property
    def trial(self) -> TrialRecord:
        """As the database has it, with the accuracy of its first training."""
        return self.repeated.trial

    @property
    def accuracies(self) -> tuple[float, ...]:
        """Of all its trainings that are complete, the trial's own first."""
        return self.repeated.accuracies

    @property
    def number(self) -> int:
        """Of the trial."""
        return self.trial.number

    @property
    def record(self) -> TrialRecord:
        """The trial with its mean in place of the accuracy of its first training."""
        return replace(self.trial, accuracy=self.accuracy.value, accuracy_error=self.error)


def means(complete: Sequence[TrialRecord], baselines: Sequence[BaselineRecord]) -> list[Mean]:
    """The trials of a study that were trained again, by ascending cost.

    A mean and the best of many single trainings are different quantities. So there are none as long
    as a repeat is not over, or a trial near the front has none, as after an interruption or a
    search that was taken further.

    Args:
        complete: trials of the study.
        baselines: of the study, in whatever state; those that are no repeats tell of the spread
            between seeds alone.
    """
    repeats = [one for one in baselines if one.baseline.role is Role.REPEAT]
    if not repeats or not all(one.state.final for one in repeats):
        return []
    repeated = repeated_trials(complete, repeats)
    if {one.number for one in near_front(complete)} - {one.trial.number for one in repeated}:
        return []
    if all(one.images is None for one in repeats):  # none of them was ever measured
        return []
    both = errors(baselines, repeated)
    found = [_mean(one, both) for one in repeated]
    return sorted(found, key=lambda mean: (mean.trial.trial.cost, mean.number))


def front_of(found: Sequence[Mean]) -> list[Mean]:
    """Of these, the means that no smaller network equals, by ascending cost."""
    front: list[Mean] = []
    for mean in sorted(found, key=lambda m: (m.trial.trial.cost, -m.accuracy.value)):
        if not front or mean.accuracy.value > front[-1].accuracy.value:
            front.append(mean)
    return front


def fallen(front: Sequence[TrialRecord], found: Sequence[Mean]) -> list[int]:
    """Members of the front of first trainings that are not on the front of means."""
    stay = {mean.number for mean in front_of(found)}
    repeated = {mean.number for mean in found}
    return [member.number for member in front if member.number in repeated - stay]


def _mean(one: RepeatedTrial, both: Errors) -> Mean:
    value, times = fmean(one.accuracies), len(one.accuracies)
    error = hypot(standard_error(value, both.images), (both.spread or 0.0) / sqrt(times))
    return Mean(one, both.mean(value, times), error)
