"""Accuracy against what a network costs: proxies, their front, and published results apart."""

from dataclasses import dataclass
from typing import Literal

from reports.summary import Summary
from trials.pareto import Front, Point
from trials.records import TrialRecord, TrialState

Size = Literal["params", "macs"]

LABELS: dict[Size, str] = {"params": "Parameters", "macs": "MACs of one image"}


@dataclass(frozen=True, slots=True)
class Dot:
    """One trial.

    Attributes:
        number: of the trial.
        size: parameters or MACs.
        accuracy: its last, a share.
        error: standard error of the accuracy.
        epochs: how long it was trained.
    """

    number: int
    size: int
    accuracy: float
    error: float
    epochs: int


@dataclass(frozen=True, slots=True)
class Reference:
    """A published result after full training; never a proxy's."""

    name: str
    size: int
    accuracy: float
    training: str
    plain: bool


@dataclass(frozen=True, slots=True)
class FrontInfo:
    """What the figure says.

    Attributes:
        size: what a network costs here.
        complete: trials of the top rung off the front.
        stopped: trials measured at lower rungs only.
        front: those of the top rung that no other beats, by ascending size.
        step: the front as a line: the best accuracy that any size affords.
        references: published results of the backbone.
        plain_name: the backbone.
        plain_size: what it costs without any warehouse, on the images of this study.
        epochs: epochs of the top rung, 0 if none was reached.
    """

    size: Size
    complete: tuple[Dot, ...]
    stopped: tuple[Dot, ...]
    front: tuple[Dot, ...]
    step: tuple[tuple[int, float], ...]
    references: tuple[Reference, ...]
    plain_name: str
    plain_size: int
    epochs: int


def front_info(summary: Summary, size: Size = "params") -> FrontInfo:
    """Against parameters, or against MACs; each has a front of its own."""
    complete = [d for t in summary.trials if t.state is TrialState.COMPLETE for d in _dot(t, size)]
    others = [
        d for t in summary.trials if t.state is not TrialState.COMPLETE for d in _dot(t, size)
    ]
    frontier = Front((2**62, 1.0), (Point.of(d.size, d.accuracy, d.number) for d in complete))
    on_front = {point.number for point in frontier.members}
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
        ),
        plain_name=backbone.name,
        plain_size=getattr(backbone, size),
        epochs=max((d.epochs for d in complete), default=0),
    )


def _dot(record: TrialRecord, size: Size) -> list[Dot]:
    if record.accuracy is None:
        return []
    error = record.accuracy_error or 0.0
    cost = getattr(record.trial, size)
    return [Dot(record.number, cost, record.accuracy, error, record.epochs)]


def _step(front: tuple[Dot, ...], largest: int) -> tuple[tuple[int, float], ...]:
    """Corners of the line: level to the next member, then up; level to the largest network."""
    corners: list[tuple[int, float]] = []
    for dot in front:
        if corners:
            corners.append((dot.size, corners[-1][1]))
        corners.append((dot.size, dot.accuracy))
    if corners and largest > corners[-1][0]:
        corners.append((largest, corners[-1][1]))
    return tuple(corners)
