"""Accuracy after each rung, trial by trial, and how many trials went on from it."""

from dataclasses import dataclass

from reports.summary import Summary
from reports.units import capital
from trials.records import TrialState


@dataclass(frozen=True, slots=True)
class Curve:
    """One trial.

    Attributes:
        number: of the trial.
        epochs: measured at.
        accuracy: after each, a share.
        error: standard error of each.
        kind: ``"front"``, ``"complete"`` or ``"stopped"`` (whatever ended it).
    """

    number: int
    epochs: tuple[int, ...]
    accuracy: tuple[float, ...]
    error: tuple[float, ...]
    kind: str


@dataclass(frozen=True, slots=True)
class CurvesInfo:
    """What the figure says.

    Attributes:
        rungs: epochs, ascending.
        measured: trials measured at each rung.
        curves: by trial.
        quality: what was measured, as the axis says it.
    """

    rungs: tuple[int, ...]
    measured: tuple[int, ...]
    curves: tuple[Curve, ...]
    quality: str


def curves_info(summary: Summary) -> CurvesInfo:
    """Of all trials that were measured at least once."""
    front = {record.number for record in summary.front}

    def kind(number: int) -> str:
        if number in front:
            return "front"
        complete = summary.by_number[number].state is TrialState.COMPLETE
        return "complete" if complete else "stopped"

    curves = tuple(
        Curve(
            number,
            tuple(m.epoch for m in curve),
            tuple(m.accuracy for m in curve),
            tuple(m.accuracy_error for m in curve),
            kind(number),
        )
        for number, curve in sorted(summary.measurements.items())
        if number in summary.by_number
    )
    counts = tuple(sum(rung in curve.epochs for curve in curves) for rung in summary.rungs)
    return CurvesInfo(summary.rungs, counts, curves, capital(summary.quality))
