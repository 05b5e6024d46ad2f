"""What is reported of networks, from how often each class was taken for each; by scikit-learn.

Accuracy counts images, so a class of few images hardly matters. Balanced accuracy is the mean of
the classes' recalls, macro F1 the mean of their F1 scores: in both, every class counts the same.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from trials.records import Reported
from trials.shares import standard_error
from trials.tasks.contract import Quality

RESAMPLINGS = 100
"""How often images are drawn anew for an error that has no closed form."""

TOP = 5
"""Among how many of the most probable classes that of an image may be, where there are enough."""

ENOUGH = 10
"""Classes up to which the most probable ones are not counted."""

MOST_RECALLS = 100
"""Classes up to which the recall of each is kept; `kwsearch evaluate` tells those of more."""

RECALL = "recall."
"""Begins the name of the recall of a class."""

ACCURACY = Quality("accuracy", "Wilson's interval over the validation images")
QUALITIES: Mapping[str, Quality] = MappingProxyType(
    {
        quality.name: quality
        for quality in (
            ACCURACY,
            Quality("balanced_accuracy", "Wilson's intervals over the images of each class"),
            Quality("macro_f1", f"{RESAMPLINGS} resamplings of the validation images"),
        )
    }
)
"""What trials can be compared by, under the name that a study file gives."""

Confusion = NDArray[np.int64]


def measured(confusion: Confusion, name: str) -> Reported:
    """A quality and its standard error.

    Args:
        confusion: images by class and class taken for, ``[classes, classes]``.
        name: of the quality. Classes without an image have no recall and do not count in
            ``balanced_accuracy``; in ``macro_f1`` those that are never taken for either.
    """
    return values(confusion)[name]


def load_metrics() -> None:
    """Load scikit-learn's metrics, which takes a second, so that forks of this process need not."""
    import sklearn.metrics  # noqa: F401, PLC0415 - takes a second


def values(
    confusion: Confusion, classes: Sequence[str] = (), top: int | None = None
) -> dict[str, Reported]:
    """All that is reported of a network, by name, each with its standard error.

    Args:
        confusion: images by class and class taken for, ``[classes, classes]``.
        classes: their names; each that has an image is reported as ``recall.NAME``, where there are
            `MOST_RECALLS` at most.
        top: images whose class is among the `TOP` most probable; None where it is not counted.
    """
    images, of_class = int(confusion.sum()), confusion.sum(1)
    recalls, scores = _by_class(confusion)
    present, met = of_class > 0, of_class + confusion.sum(0) > 0
    accuracy = int(np.trace(confusion)) / images
    found = {
        "accuracy": Reported(accuracy, standard_error(accuracy, images)),
        "balanced_accuracy": _mean(recalls[present], of_class[present]),
        "macro_f1": Reported(float(np.mean(scores[met])), _resampled(confusion)),
    }
    if top is not None:
        found[f"top{TOP}_accuracy"] = _share(top / images, images)
    if len(classes) <= MOST_RECALLS:
        for label, name in enumerate(classes):
            if present[label]:
                found[f"{RECALL}{name}"] = _share(float(recalls[label]), int(of_class[label]))
    return found


def _share(share: float, images: int) -> Reported:
    return Reported(share, standard_error(share, images))


def _mean(recalls: NDArray[np.float64], images: NDArray[np.int64]) -> Reported:
    errors = [_share(float(r), int(n)).error or 0.0 for r, n in zip(recalls, images, strict=True)]
    return Reported(float(np.mean(recalls)), sqrt(sum(error**2 for error in errors)) / len(errors))


def _by_class(confusion: Confusion) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Recall and F1 score of each class, 0 where it is not defined."""
    from sklearn.metrics import precision_recall_fscore_support  # noqa: PLC0415 - takes a second

    truth, taken = np.nonzero(confusion)  # a pair of classes once, weighted by its images
    _, recalls, scores, _ = precision_recall_fscore_support(
        truth,
        taken,
        labels=range(len(confusion)),
        sample_weight=confusion[truth, taken],
        zero_division=0.0,
    )
    return recalls, scores


def _resampled(confusion: Confusion) -> float:
    """The spread of macro F1 over draws of as many images; the same draws every time."""
    images, (truth, taken) = int(confusion.sum()), np.nonzero(confusion)
    drawn = np.random.default_rng(0).multinomial(
        images, confusion[truth, taken] / images, size=RESAMPLINGS
    )
    right, both = np.zeros((2, RESAMPLINGS, len(confusion)))
    for pair, (one, other) in enumerate(zip(truth, taken, strict=True)):
        both[:, one] += drawn[:, pair]
        both[:, other] += drawn[:, pair]
        if one == other:
            right[:, one] = drawn[:, pair]
    # F1 is twice the images rightly taken over those of the class and those taken for it.
    scores = 2 * right / np.maximum(both, 1)
    spread = float(np.std(scores.sum(1) / (both > 0).sum(1)))
    return max(spread, 1 / (2 * images))
