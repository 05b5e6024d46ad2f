"""A study read once and frozen: tables, figures and page read this and never the database."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from search_spaces.choices import Choice, FloatRange, Options, Value
from search_spaces.reference import ReferenceRow, reference_rows
from trials.promotion import Halving
from trials.records import FrontRecord, Measurement, StudyRecord, TrialRecord, TrialState
from trials.store import Store

_FEW = 8
"""A dimension with more different numbers than this is a range, not a list of options."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What trials cost.

    Attributes:
        trials: number of trials.
        epochs: epochs trained.
        seconds: training and evaluation.
    """

    trials: int = 0
    epochs: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Summary:
    """A study at one moment.

    Attributes:
        study: settings, backbone and counts.
        trials: every trial, by number.
        measurements: of each trial that has any, by epoch.
        fronts: every front that ever was, oldest first.
        references: published results of the same backbone after full training, the plain network
            first; none for a backbone of which nothing was published.
        database: where the study was read from, without any password.
        read_at: UTC.
    """

    study: StudyRecord
    trials: tuple[TrialRecord, ...]
    measurements: Mapping[int, tuple[Measurement, ...]]
    fronts: tuple[FrontRecord, ...]
    references: tuple[ReferenceRow, ...]
    database: str
    read_at: datetime

    @property
    def settings(self) -> Mapping[str, Any]:
        """The study file as plain values."""
        return self.study.spec.settings

    @cached_property
    def by_number(self) -> dict[int, TrialRecord]:
        """Trials by number."""
        return {record.number: record for record in self.trials}

    @cached_property
    def front(self) -> tuple[TrialRecord, ...]:
        """The present front, by ascending parameters."""
        members = self.fronts[-1].members if self.fronts else ()
        return tuple(self.by_number[number] for number in members)

    @cached_property
    def rungs(self) -> tuple[int, ...]:
        """Epochs after which trials were measured, ascending."""
        return tuple(sorted({m.epoch for curve in self.measurements.values() for m in curve}))

    @property
    def area(self) -> float:
        """Hypervolume of a front that needs no parameters and makes no error."""
        spec = self.study.spec
        return spec.reference_params * (1 - spec.reference_accuracy)

    @cached_property
    def halving(self) -> Halving:
        """The rule that trials were stopped by; its bands order networks by size."""
        budget, search = self.settings.get("budget", {}), self.settings.get("search", {})
        high = self.study.spec.reference_params
        low = budget.get("min_params") or min((t.trial.params for t in self.trials), default=high)
        return Halving(search.get("eta", 3.0), low, high)

    @cached_property
    def dimensions(self) -> dict[str, Choice]:
        """What was searched, by name, such as ``"reduction.stage0"``."""
        space = self.settings.get("space", {})
        seen: dict[str, list[Value]] = defaultdict(list)
        for record in self.trials:
            for name, value in record.values.items():
                seen[name].append(value)
        return {
            name: _choice(space.get(name.partition(".")[0]), values)
            for name, values in seen.items()
            if len(values) == len(self.trials)
        }

    @cached_property
    def cost(self) -> dict[TrialState, Cost]:
        """What trials cost by how they ended, for states that occur."""
        return {
            state: cost_of(t for t in self.trials if t.state is state)
            for state in TrialState
            if self.study.states.get(state)
        }


def cost_of(trials: Iterable[TrialRecord]) -> Cost:
    """What these trials cost together."""
    found = list(trials)
    return Cost(len(found), sum(t.epochs for t in found), sum(t.seconds for t in found))


def summarise(store: Store, name: str) -> Summary:
    """Read a study.

    A search may go on meanwhile: fronts are read before trials, so that every member is among them.

    Raises:
        InputError: there is no study of that name.
    """
    fronts = store.fronts(name)
    curves: dict[int, list[Measurement]] = defaultdict(list)
    for number, measurement in store.measurements(name):
        curves[number].append(measurement)
    study = store.study(name)
    trials = store.trials(name)
    return Summary(
        study=study,
        trials=tuple(trials),
        measurements={number: tuple(curve) for number, curve in curves.items()},
        fronts=tuple(fronts),
        references=reference_rows(study.spec.backbone.name),
        database=store.location,
        read_at=datetime.now(UTC),
    )


def _choice(setting: object, values: list[Value]) -> Choice:
    """What the settings say a dimension can take, or what its values suggest."""
    if isinstance(setting, Mapping) and {"low", "high"} <= setting.keys():
        return FloatRange(setting["low"], setting["high"], bool(setting.get("log")))
    distinct = list(dict.fromkeys(values))
    numbers = [v for v in distinct if isinstance(v, int | float) and not isinstance(v, bool)]
    if isinstance(setting, list | tuple) and set(distinct) <= set(setting):
        return Options(tuple(setting))
    if len(numbers) == len(distinct) > _FEW:
        return FloatRange(float(min(numbers)), float(max(numbers)), log=min(numbers) > 0)
    return Options(tuple(sorted(distinct, key=lambda v: (isinstance(v, str), v))))
