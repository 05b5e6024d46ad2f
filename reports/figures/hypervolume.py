"""How the front grew: hypervolume against trials, epochs and seconds."""

from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from reports.summary import Summary

Clock = Literal["trials", "epochs", "seconds"]

CLOCKS: dict[Clock, str] = {
    "trials": "Trials finished",
    "epochs": "Epochs trained",
    "seconds": "Seconds of training",
}


@dataclass(frozen=True, slots=True)
class HypervolumeInfo:
    """What the figure says; the lists have one entry for each finished trial, in that order.

    Attributes:
        number: of the trial.
        trials: trials finished so far.
        epochs: epochs that they were trained for.
        seconds: time that they took.
        share: hypervolume, as a share of the area to the reference point.
        reference_params: right end of that area.
        reference_accuracy: its lower end.
    """

    number: tuple[int, ...]
    trials: tuple[int, ...]
    epochs: tuple[int, ...]
    seconds: tuple[float, ...]
    share: tuple[float, ...]
    reference_params: int
    reference_accuracy: float


def hypervolume_info(summary: Summary) -> HypervolumeInfo:
    """In the order in which trials ended; every trial counts, whatever became of it."""
    over = [t for t in summary.trials if t.finished_at is not None]
    over.sort(key=lambda t: (t.finished_at, t.number))
    spec = summary.study.spec
    return HypervolumeInfo(
        number=tuple(t.number for t in over),
        trials=tuple(range(1, len(over) + 1)),
        epochs=tuple(accumulate(t.epochs for t in over)),
        seconds=tuple(accumulate(t.seconds for t in over)),
        share=tuple((t.hypervolume or 0.0) / summary.area for t in over),
        reference_params=spec.reference_params,
        reference_accuracy=spec.reference_accuracy,
    )
