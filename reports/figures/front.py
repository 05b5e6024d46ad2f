"""Accuracy against what a network costs: proxies, their front, and published results apart."""

from dataclasses import dataclass
from typing import Literal

from reports.pays import Plain
from reports.summary import Summary
from reports.units import capital
from trials.area import Point
from trials.costs import Cost
from trials.pareto import nondominated
from trials.records import Job, TrialRecord, TrialState

Size = Literal["params", "macs", "latency"]

LABELS: dict[Size, str] = {kind.value: kind.label for kind in Cost}


@dataclass(frozen=True, slots=True)
class Dot:
    """One trial.

    Attributes:
        number: of the trial.
        size: parameters, MACs, or milliseconds.
        accuracy: its last, or the mean over its seeds, a share.
        error: standard error of the accuracy.
        epochs: how long it was trained.
        low: lower end of its bar: a standard error below, or of a mean the end of its interval.
        high: upper end.
        seeds: trainings.
    """

    number: int
    size: float
    accuracy: float
    error: float
    epochs: int
    low: float
    high: float
    seeds: int = 1


@dataclass(frozen=True, slots=True)
class Reference:
    """A published result after full training; never a proxy's."""

    name: str
    size: int
    accuracy: float
    training: str
    plain: bool


@dataclass(frozen=True, slots=True)
class PlainDot:
    """A plain network, trained by the study's proxy from one seed or several.

    Attributes:
        name: of the network.
        size: parameters, MACs, or milliseconds.
        accuracy: mean over its seeds, a share.
        low: lower end of its interval.
        high: upper end.
        seeds: trainings.
    """

    name: str
    size: float
    accuracy: float
    low: float
    high: float
    seeds: int


@dataclass(frozen=True, slots=True)
class FrontInfo:
    """What the figure says.

    Attributes:
        size: what a network costs here.
        complete: trials of the top rung off the front.
        stopped: trials measured at lower rungs only.
        front: those of the top rung that no other beats, by ascending size; of means where trials
            were trained again.
        step: the front as a line: the best accuracy that any size affords.
        references: published results of the backbone.
        plain: plain networks that the study has measured, by ascending size.
        plain_name: the backbone.
        plain_size: what it costs without any warehouse, on the images of this study; None where
            its latency was not measured.
        quality: what networks are compared by, as the axis says it.
        epochs: epochs of the top rung, 0 if none was reached.
        means: whether the front is drawn from means over several seeds.
    """

    size: Size
    complete: tuple[Dot, ...]
    stopped: tuple[Dot, ...]
    front: tuple[Dot, ...]
    step: tuple[tuple[float, float], ...]
    references: tuple[Reference, ...]
    plain: tuple[PlainDot, ...]
    plain_name: str
    plain_size: float | None
    quality: str
    epochs: int
    means: bool = False


def front_info(summary: Summary, size: Size | None = None) -> FrontInfo:
    """Against parameters, MACs or latency; each has a front of its own.

    Where trials were trained again, it is that of their means.

    Args:
        summary: of the study.
        size: what networks cost; what the study compares them by if None.
    """
    size = size or summary.kind.value
    over = {t.number for t in summary.trials if t.state is TrialState.COMPLETE}
    dots = [dot for t in summary.trials for dot in _dot(summary, t, size)]
    complete = [dot for dot in dots if dot.number in over]
    others = [dot for dot in dots if dot.number not in over]
    candidates = [dot for dot in complete if dot.number in summary.means] or complete
    points = (Point.of(_whole(d.size, size), d.accuracy, d.number) for d in candidates)
    on_front = {point.number for point in nondominated(points)}
    front = tuple(sorted((d for d in complete if d.number in on_front), key=lambda d: d.size))
    largest = max((d.size for d in (*complete, *others)), default=0)
    backbone = summary.study.spec.backbone
    return FrontInfo(
        size=size,
        complete=tuple(d for d in complete if d.number not in on_front),
        stopped=tuple(others),
        front=front,
        step=_step(front, largest),
        references=tuple(
            Reference(row.name, getattr(row, size), row.accuracy, row.training, row.plain)
            for row in summary.references
            if size != "latency"
        ),
        plain=_plain(summary, size),
        plain_name=backbone.name,
        plain_size=_plain_latency(summary) if size == "latency" else getattr(backbone, size),
        quality=capital(summary.quality),
        epochs=max((d.epochs for d in complete), default=0),
        means=bool(summary.means),
    )


def _plain(summary: Summary, size: Size) -> tuple[PlainDot, ...]:
    found = summary.payoff
    networks = () if found.plain is None else (found.plain, *found.others)
    dots = [
        PlainDot(
            one.network,
            cost,
            one.accuracy.value,
            one.accuracy.value if one.accuracy.low is None else one.accuracy.low,
            one.accuracy.value if one.accuracy.high is None else one.accuracy.high,
            one.seeds,
        )
        for one in networks
        if (cost := _plain_size(one, summary, size)) is not None
    ]
    return tuple(sorted(dots, key=lambda dot: dot.size))


def _dot(summary: Summary, record: TrialRecord, size: Size) -> list[Dot]:
    """A trial that was measured."""
    shown = summary.shown(record)
    if shown.accuracy is None:
        return []
    accuracy, error, seeds = shown.accuracy, shown.accuracy_error or 0.0, 1
    low, high = accuracy - error, accuracy + error
    if (mean := summary.means.get(record.number)) is not None:
        low, high = mean.accuracy.low or 0.0, mean.accuracy.high or 0.0
        seeds = len(mean.accuracies)
    cost = size_of(record.trial, size)
    if cost is None:
        return []
    return [Dot(record.number, cost, accuracy, error, record.epochs, low, high, seeds)]


def size_of(job: Job, size: Size) -> float | None:
    """What a network costs: parameters, MACs, or milliseconds; None where it was not timed."""
    cost = Cost(size).of(job)
    return cost / 1e6 if cost is not None and size == "latency" else cost


def _whole(shown: float, size: Size) -> int:
    return round(shown * 1e6) if size == "latency" else int(shown)


def _plain_size(plain: Plain, summary: Summary, size: Size) -> float | None:
    if size != "latency":
        return plain.params if size == "params" else plain.macs
    timed = (one.baseline for one in summary.baselines if one.baseline.network == plain.network)
    return next((size_of(one, size) for one in timed), None)


def _plain_latency(summary: Summary) -> float | None:
    plain = summary.payoff.plain
    return None if plain is None else _plain_size(plain, summary, "latency")


def _step(front: tuple[Dot, ...], largest: float) -> tuple[tuple[float, float], ...]:
    """Corners of the line: level to the next member, then up; level to the largest network."""
    corners: list[tuple[float, float]] = []
    for dot in front:
        if corners:
            corners.append((dot.size, corners[-1][1]))
        corners.append((dot.size, dot.accuracy))
    if corners and largest > corners[-1][0]:
        corners.append((largest, corners[-1][1]))
    return tuple(corners)
