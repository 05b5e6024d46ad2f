"""Trainings of a study by network: plain networks from several seeds, and trials trained again."""

from collections import defaultdict
from collections.abc import Iterable
from itertools import groupby
from statistics import fmean
from typing import NamedTuple

from reports.intervals import Errors
from trials.records import BaselineRecord, Role, TrialRecord, TrialState


class PlainNetwork(NamedTuple):
    """A plain network: the record of its first training, and the accuracies of all."""

    first: BaselineRecord
    accuracies: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Of the accuracies."""
        return fmean(self.accuracies)


class RepeatedTrial(NamedTuple):
    """A trial that was trained again: its own accuracy first, then those of complete repeats."""

    trial: TrialRecord
    accuracies: tuple[float, ...]


def plain_networks(baselines: Iterable[BaselineRecord]) -> list[PlainNetwork]:
    """Of a study's baselines, those that are complete, by network."""
    plain = (one for one in baselines if one.baseline.role.plain)
    complete = [one for one in plain if one.state is TrialState.COMPLETE]
    ordered = sorted(complete, key=lambda one: (one.baseline.backbone.digest, one.number))
    grouped = groupby(ordered, key=lambda one: one.baseline.backbone.digest)
    found = [[*group] for _, group in grouped]
    return [PlainNetwork(group[0], tuple(one.accuracy or 0.0 for one in group)) for group in found]


def repeated_trials(
    complete: Iterable[TrialRecord], baselines: Iterable[BaselineRecord]
) -> list[RepeatedTrial]:
    """Trials of which at least one repeat is over, whether it failed or not."""
    repeats: dict[str, list[BaselineRecord]] = defaultdict(list)
    for one in baselines:
        if one.baseline.role is Role.REPEAT and one.state.final:
            repeats[one.baseline.digest].append(one)
    return [
        RepeatedTrial(trial, (trial.accuracy or 0.0, *_reached(repeats[trial.trial.digest])))
        for trial in complete
        if trial.trial.digest in repeats
    ]


def errors(baselines: Iterable[BaselineRecord], repeated: Iterable[RepeatedTrial]) -> Errors:
    """What enters the intervals of a study: one spread between seeds, over all its networks."""
    found = [*baselines]
    plain = plain_networks(found)
    own = [one.first.images or 0 for one in plain if one.first.baseline.role is Role.PLAIN]
    images = own[0] if own else max((one.images or 0 for one in found), default=0)
    trained = [one.accuracies for one in plain]
    return Errors.of(images, [*trained, *(one.accuracies for one in repeated)])


def _reached(repeats: Iterable[BaselineRecord]) -> list[float]:
    return [one.accuracy or 0.0 for one in repeats if one.state is TrialState.COMPLETE]
