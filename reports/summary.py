"""A study read once and frozen: tables, figures and page read this and never the database."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from reports.audit import Audit, audit_of
from reports.pays import Payoff, payoff
from reports.repeated import Mean, fallen, front_of, means
from search_spaces.choices import Choice, FloatRange, Options, Value
from search_spaces.reference import ReferenceRow, reference_rows
from trials.area import Point, Scale
from trials.costs import Cost, cost_of
from trials.errors import DamagedDataError
from trials.promotion import Halving
from trials.records import (
    BaselineRecord,
    FrontRecord,
    Measurement,
    StudyRecord,
    TrialRecord,
    TrialState,
)
from trials.store import Store
from trials.tasks.contract import in_words, measure_of, quality_of

Rule = Callable[[StudyRecord], Halving]
"""Reads a study's settings as its rule of promotion."""

_FEW = 8
"""A dimension with more different numbers than this is a range, not a list of options."""


@dataclass(frozen=True, slots=True)
class Spent:
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
        halving: the rule of promotion that the search followed; its bands order networks by size.
        baselines: every training of a plain network, in whatever state.
        scale: on which sizes hypervolume is shown.
        baseline_curves: measurements of each baseline that has any, by epoch.
    """

    study: StudyRecord
    trials: tuple[TrialRecord, ...]
    measurements: Mapping[int, tuple[Measurement, ...]]
    fronts: tuple[FrontRecord, ...]
    references: tuple[ReferenceRow, ...]
    database: str
    read_at: datetime
    halving: Halving
    baselines: tuple[BaselineRecord, ...]
    scale: Scale = Scale.LOG
    baseline_curves: Mapping[int, tuple[Measurement, ...]] = field(default_factory=dict)

    @property
    def quality(self) -> str:
        """What networks are compared by, in words; the database keeps it as accuracy."""
        return self.measure if measure_of(self.settings) else f"validation {self.measure}"

    @property
    def measure(self) -> str:
        """The same without saying on which images: ``accuracy``, ``average precision``."""
        return in_words(quality_of(self.settings))

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
        """The present front, by ascending cost; of means where trials were trained again."""
        if self.means:
            return tuple(mean.record for mean in front_of([*self.means.values()]))
        return self.first_front

    @cached_property
    def first_front(self) -> tuple[TrialRecord, ...]:
        """The present front of first trainings, whose history is kept."""
        members = self.fronts[-1].members if self.fronts else ()
        return tuple(self.by_number[number] for number in members)

    @cached_property
    def means(self) -> dict[int, Mean]:
        """Trials that were trained again, by number; none before all repeats are over."""
        complete = [trial for trial in self.trials if trial.state is TrialState.COMPLETE]
        return {mean.number: mean for mean in means(complete, self.baselines)}

    @cached_property
    def fallen(self) -> list[int]:
        """Members of the front of first trainings that are not on the front of means."""
        return fallen(self.first_front, [*self.means.values()])

    def shown(self, record: TrialRecord) -> TrialRecord:
        """A trial with its mean in place of its accuracy, where it was trained again."""
        mean = self.means.get(record.number)
        return record if mean is None else mean.record

    def hypervolume(self, front: FrontRecord) -> float:
        """Of one of the study's fronts, as a share, on the scale that is shown."""
        if self.scale is Scale.LOG:
            return front.hypervolume
        members = (self.by_number[number] for number in front.members)
        points = (Point.of(m.trial.cost, m.accuracy or 0.0, m.number) for m in members)
        return self.study.spec.area.hypervolume(points, self.scale)

    @cached_property
    def payoff(self) -> Payoff:
        """Whether KernelWarehouse pays: the front against plain networks."""
        means = [*self.means.values()]
        return payoff(self.first_front, self.baselines, means, self.kind, self.measure)

    @property
    def kind(self) -> Cost:
        """What the front is over."""
        return cost_of(self.settings)

    @cached_property
    def has_latency(self) -> bool:
        """Whether any network was timed."""
        return any(trial.trial.latency is not None for trial in self.trials)

    @cached_property
    def audit(self) -> Audit | None:
        """How far the proxy is to be believed; None where no network was trained for longer."""
        rungs = self.settings.get("proxy", {}).get("epochs") or self.rungs
        if not rungs:
            return None
        stops = self.settings.get("search", {}).get("promotion") not in ("none", "model")
        return audit_of(
            self.trials,
            self.measurements,
            self.baselines,
            self.baseline_curves,
            rungs=rungs,
            halving=self.halving,
            stops=stops,
        )

    @cached_property
    def rungs(self) -> tuple[int, ...]:
        """Epochs after which trials were measured, ascending."""
        return tuple(sorted({m.epoch for curve in self.measurements.values() for m in curve}))

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
    def cost(self) -> dict[TrialState, Spent]:
        """What trials cost by how they ended, for states that occur."""
        return {
            state: spent_on(t for t in self.trials if t.state is state)
            for state in TrialState
            if self.study.states.get(state)
        }


def spent_on(trials: Iterable[TrialRecord]) -> Spent:
    """What these trials cost together."""
    found = list(trials)
    return Spent(len(found), sum(t.epochs for t in found), sum(t.seconds for t in found))


def summarise(store: Store, name: str, rule: Rule, scale: Scale = Scale.LOG) -> Summary:
    """Read a study.

    A search may go on meanwhile: fronts are read before trials, so that every member is among them.

    Args:
        store: the database.
        name: of the study.
        rule: gives the rule of promotion that its search followed.
        scale: on which sizes hypervolume is shown.

    Raises:
        InputError: there is no study of that name.
        DamagedDataError: what the database says of it does not fit together.
    """
    fronts = store.fronts(name)
    curves: dict[int, list[Measurement]] = defaultdict(list)
    for number, measurement in store.measurements(name):
        curves[number].append(measurement)
    plain: dict[int, list[Measurement]] = defaultdict(list)
    for number, measurement in store.baseline_measurements(name):
        plain[number].append(measurement)
    study = store.study(name)
    trials = store.trials(name)
    missing = {m for front in fronts for m in front.members} - {trial.number for trial in trials}
    if missing:
        raise DamagedDataError(
            f"Fronts of study {name!r} have members that are no trials: {min(missing)}.",
            "See what else is damaged with 'kwsearch database check', and restore a copy.",
        )
    return Summary(
        study=study,
        trials=tuple(trials),
        measurements={number: tuple(curve) for number, curve in curves.items()},
        fronts=tuple(fronts),
        references=_references(study),
        database=store.location,
        read_at=datetime.now(UTC),
        halving=rule(study),
        baselines=tuple(store.baselines(name)),
        scale=scale,
        baseline_curves={number: tuple(curve) for number, curve in plain.items()},
    )


def _references(study: StudyRecord) -> tuple[ReferenceRow, ...]:
    """Published results of the backbone by what the study compares networks by."""
    settings = study.spec.settings
    if measure_of(settings):  # whatever it measures, nobody published it
        return ()
    return reference_rows(study.spec.backbone.name, quality_of(settings))


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
