"""How the front grew: hypervolume against trials, epochs and seconds."""

from dataclasses import dataclass
from itertools import accumulate
from typing import Literal

from reports.summary import Summary
from trials.area import Scale

Clock = Literal["trials", "epochs", "seconds"]

CLOCKS: dict[Clock, str] = {
    "trials": "Trials finished",
    "epochs": "Epochs trained",
    "seconds": "Seconds of training",
}


_AXES = {
    Scale.LOG: "Hypervolume, share of the area over log-{}",
    Scale.LINEAR: "Hypervolume, share of the area over {}",
}


@dataclass(frozen=True, slots=True)
class HypervolumeInfo:
    """What the figure says; the lists have one entry for each finished trial, in that order.

    Attributes:
        number: of the trial.
        trials: trials finished so far.
        epochs: epochs that they were trained for.
        seconds: time that they took.
        share: hypervolume after the trial.
        axis: what it is a share of.
    """

    number: tuple[int, ...]
    trials: tuple[int, ...]
    epochs: tuple[int, ...]
    seconds: tuple[float, ...]
    share: tuple[float, ...]
    axis: str


def hypervolume_info(summary: Summary) -> HypervolumeInfo:
    """In the order in which trials ended; every trial counts, whatever became of it."""
    over = [t for t in summary.trials if t.finish_order is not None]
    over.sort(key=lambda t: t.finish_order or 0)
    made = {front.trial: summary.hypervolume(front) for front in summary.fronts}
    share = 0.0
    shares = [share := made.get(t.number, share) for t in over]
    return HypervolumeInfo(
        number=tuple(t.number for t in over),
        trials=tuple(range(1, len(over) + 1)),
        epochs=tuple(accumulate(t.epochs for t in over)),
        seconds=tuple(accumulate(t.seconds for t in over)),
        share=tuple(shares),
        axis=_AXES[summary.scale].format(summary.kind.noun),
    )
