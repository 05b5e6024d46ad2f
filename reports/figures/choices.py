"""Which settings matter for size and accuracy, and where on the front each value sits."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import log

from reports.homogeneity import Homogeneity, homogeneity
from reports.summary import Summary
from reports.units import plural
from search_spaces.choices import FloatRange, Options, Value
from trials.records import Measurement, TrialRecord
from trials.sampling import importances

LEAST = 8
"""Trials below which importance says nothing."""


@dataclass(frozen=True, slots=True)
class Importance:
    """How much each setting explains of one objective.

    Attributes:
        objective: for people.
        trials: trials that it was computed from.
        shares: by setting, adding up to 1; empty where there is too little to go by, or the
            networks cannot be told apart.
        tested: whether their accuracies differ by more than their errors; None for parameters,
            which are exact.
    """

    objective: str
    trials: int
    shares: dict[str, float]
    tested: Homogeneity | None = None

    @property
    def alike(self) -> Homogeneity | None:
        """The test, if it found no difference."""
        return self.tested if self.tested is not None and self.tested.alike else None


@dataclass(frozen=True, slots=True)
class Place:
    """A setting along the front.

    Attributes:
        name: of the dimension.
        ticks: positions (0 to 1) and names of its values: all options, or the ends of a range.
        positions: where the front's members stand, by ascending cost.
        values: what they chose.
    """

    name: str
    ticks: tuple[tuple[float, str], ...]
    positions: tuple[float, ...]
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class ChoicesInfo:
    """What the figure says.

    Attributes:
        importances: for what the front is over, and for accuracy at the first and the top rung.
        places: the front's values, most important setting for accuracy first.
        numbers: trials of the front, by ascending cost.
        params: their parameters.
    """

    importances: tuple[Importance, ...]
    places: tuple[Place, ...]
    numbers: tuple[int, ...]
    params: tuple[int, ...]


def choices_info(summary: Summary) -> ChoicesInfo:
    """Accuracies are compared within one rung: after different training they differ in kind."""
    sizes = [(t, log(t.trial.cost)) for t in summary.trials]
    found = [Importance(summary.kind.noun, len(sizes), _shares(summary, sizes))]
    for rung in sorted({*summary.rungs[:1], *summary.rungs[-1:]}):
        measured = [
            (summary.by_number[number], m)
            for number, curve in summary.measurements.items()
            for m in curve
            if m.epoch == rung and number in summary.by_number
        ]
        found.append(
            _of_accuracy(summary, f"{summary.measure} after {plural(rung, 'epoch')}", measured)
        )
    order = next((i.shares for i in reversed(found) if i.shares), {})
    names = sorted(summary.dimensions, key=lambda name: (-order.get(name, 0.0), name))
    front = summary.front
    return ChoicesInfo(
        importances=tuple(found),
        places=tuple(_place(summary, name) for name in names),
        numbers=tuple(t.number for t in front),
        params=tuple(t.trial.params for t in front),
    )


def _of_accuracy(
    summary: Summary, objective: str, measured: Sequence[tuple[TrialRecord, Measurement]]
) -> Importance:
    tested = homogeneity([m for _, m in measured])
    pairs = [(trial, m.accuracy) for trial, m in measured]
    shares = {} if tested is None or tested.alike else _shares(summary, pairs)
    return Importance(objective, len(pairs), shares, tested)


def _shares(summary: Summary, pairs: Sequence[tuple[TrialRecord, float]]) -> dict[str, float]:
    if len(pairs) < LEAST:
        return {}
    values, target = [t.values for t, _ in pairs], [value for _, value in pairs]
    return importances(summary.dimensions, values, target)


def _place(summary: Summary, name: str) -> Place:
    choice = summary.dimensions[name]
    values = tuple(record.values[name] for record in summary.front)
    if isinstance(choice, Options):
        ticks = tuple((choice.share(v), str(v)) for v in choice)
        return Place(name, ticks, tuple(choice.share(v) for v in values), values)
    ticks = tuple((choice.share(v), f"{v:g}") for v in _marks(choice))
    return Place(name, ticks, tuple(choice.share(float(v)) for v in values), values)


def _marks(choice: FloatRange) -> tuple[float, ...]:
    return (choice.low, choice.at(0.5), choice.high)
