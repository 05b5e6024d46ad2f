"""How often the network of a folder is right on images whose classes are known, and where not."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from kwsearch.exporting import load
from kwsearch.predicting import BATCH, Classifier, classifier, inputs_of
from kwsearch.problems import CACHE
from search_spaces import InputError
from trials.tasks.classification.catalogue import NAMES, keeps_its_size
from trials.tasks.classification.data import load as load_arrays
from trials.tasks.classification.data import prepare
from trials.tasks.classification.data.class_folders import readable
from trials.tasks.classification.data.idx import find_idx
from trials.tasks.classification.data.layout import list_folder
from trials.tasks.classification.data.raw import Pixels
from trials.tasks.classification.data.reading import DAMAGED
from trials.tasks.classification.data.sources import has_test_set
from trials.tasks.classification.inputs import Inputs

TOP = 5
"""Classes among which the right one may be, for the second accuracy of many classes."""

MOST_PAIRS = 20
"""Pairs of classes that are named as taken for one another."""

Row = dict[str, Any]
Labels = NDArray[np.int64]


class Read(Protocol):
    """Reads an image by its index."""

    def __call__(self, index: int, /) -> Pixels:
        """The image as uint8 ``[C, S, S]``."""


@dataclass(frozen=True, slots=True)
class Known:
    """Images whose classes are known.

    Attributes:
        labels: by image, as the network numbers its classes.
        part: which images of their source they are: ``test``, ``held-out`` or ``all``.
        read: image i as uint8 ``[C, S, S]``.
        left_out: files of the folder that cannot be decoded, where those are left out.
    """

    labels: Labels
    part: str
    read: "Read"
    left_out: tuple[str, ...] = ()


def evaluate(
    folder: Path,
    data: str,
    *,
    files: Path | None = None,
    download: bool = False,
    skip_damaged: bool = False,
    device: str | None = None,
    trust_code: bool = False,
) -> Row:
    """Measure a network on images whose classes are known.

    Of a data set with test images these are taken. Of any other folder of class folders all images
    are, unless the network was searched or trained on it: then the sixth of every class is taken
    that was held out.

    Args:
        folder: that ``kwsearch export`` or ``kwsearch train`` wrote.
        data: name of a data set, or folder of class folders that are called as the network's
            classes; some may be missing.
        files: where the files of a named data set lie.
        download: whether missing ones may be fetched.
        skip_damaged: whether files that cannot be decoded are left out, as they are if its
            search or training did so.
        device: as for `kwsearch.predicting.classifier`.
        trust_code: likewise.

    Returns:
        ``data``, ``part``, ``left_out`` (damaged files that were not read), ``images``,
        ``accuracy`` with Wilson's interval at 95 %
        (``accuracy_low``, ``accuracy_high``), ``top5_accuracy`` where the network knows more than
        five classes (else None), ``loss`` (mean cross-entropy), ``classes`` (a row each: ``class``,
        ``images``, ``recall``, ``precision``, None where they are not defined), ``confused`` (the
        commonest errors: ``class``, ``taken_for``, ``images``) and ``confusion`` (images by class,
        row, and predicted class, column, in the order of ``classes``).

    Raises:
        InputError: as `kwsearch.predicting.classifier`, or the images do not fit the network.
        DamagedDataError: as `kwsearch.predicting.classifier`.
    """
    exported = load(folder)
    inputs, classes = inputs_of(exported)
    earlier = exported.results or {}
    seen = [str(name) for name in (earlier.get("data"), exported.proxy.get("data")) if name]
    path = Path(data).expanduser()
    if data not in NAMES and path.is_dir() and not find_idx(path):
        skip_damaged = skip_damaged or exported.skipped_damaged
        known = _of_folder(path, inputs, classes, seen=seen, skip_damaged=skip_damaged)
    else:
        known = _of_data_set(data, inputs, classes, files=files, download=download)
    asked = classifier(folder, device=device, trust_code=trust_code)
    shares = np.concatenate([*_shares(asked, known)])
    asked_of = {"folder": str(folder), "data": data, "part": known.part}
    return {**asked_of, "left_out": [*known.left_out], **_metrics(known.labels, shares, classes)}


def _of_data_set(
    data: str, inputs: Inputs, classes: tuple[str, ...], *, files: Path | None, download: bool
) -> Known:
    prepared = prepare(
        data,
        image_size=None if keeps_its_size(data) else inputs.size,
        folder=files,
        cache=CACHE,
        download=download,
        channels=inputs.channels,
    )
    if prepared.size != inputs.size:
        raise InputError(
            f"{data} has images of {prepared.channels} x {prepared.size} x {prepared.size}; the "
            f"network takes {inputs.channels} x {inputs.size} x {inputs.size}.",
            "Evaluate it on images like those of its training.",
        )
    arrays = load_arrays(prepared, "test")
    labels = _renumbered(data, prepared.classes, classes)[arrays.labels]
    part = "test" if has_test_set(data) else "held-out"
    return Known(labels, part, lambda index: np.asarray(arrays.images[index]))


def _of_folder(
    folder: Path,
    inputs: Inputs,
    classes: tuple[str, ...],
    *,
    seen: Sequence[str],
    skip_damaged: bool,
) -> Known:
    listed = list_folder(folder)
    found = readable(listed) if skip_damaged else listed
    learnt = found.test is None and any(
        name not in NAMES and Path(name).expanduser().resolve() == folder.resolve() for name in seen
    )
    part = "test" if found.test is not None else "held-out" if learnt else "all"
    chosen = found.train if part == "all" else found.parts()[1]
    labels = _renumbered(str(folder), found.classes, classes)[np.asarray(chosen.labels)]
    left_out = tuple(found.left_out.get(DAMAGED, ()))
    return Known(labels, part, lambda index: _read(inputs, chosen.files[index]), left_out)


def _read(inputs: Inputs, path: Path) -> Pixels:
    try:
        return inputs.read(path)
    except InputError as error:
        raise InputError(
            error.cause, "Repair or remove it, or give --skip-damaged to go on without such files."
        ) from None


def _renumbered(data: str, theirs: Sequence[str], ours: Sequence[str]) -> Labels:
    """The network's label of each class of the images."""
    unknown = sorted(set(theirs) - set(ours))
    if unknown:
        raise InputError(
            f"{data} has classes that the network does not know: {', '.join(unknown[:20])}.",
            f"It knows {', '.join(ours[:20])}{', ...' if len(ours) > 20 else ''}.",  # noqa: PLR2004 - as many as above
        )
    return np.array([ours.index(name) for name in theirs], dtype=np.int64)


def _shares(asked: Classifier, known: Known) -> Iterator[NDArray[np.float64]]:
    for start in range(0, len(known.labels), BATCH):
        indices = range(start, min(start + BATCH, len(known.labels)))
        yield asked.shares([known.read(index) for index in indices])


def _metrics(labels: Labels, shares: NDArray[np.float64], classes: Sequence[str]) -> Row:
    from sklearn import metrics  # noqa: PLC0415 - takes a second

    from trials.tasks.classification.measuring import interval  # noqa: PLC0415 - loads torch
    from trials.tasks.classification.qualities import values  # noqa: PLC0415 - likewise

    every = range(len(classes))
    predicted = shares.argmax(1)
    accuracy = float(metrics.accuracy_score(labels, predicted))
    low, high = interval(accuracy, len(labels))
    confusion = metrics.confusion_matrix(labels, predicted, labels=every)
    found = values(confusion)
    by_class = partial(metrics.precision_recall_fscore_support, labels=every, zero_division=np.nan)
    precision, recall, _, support = by_class(labels, predicted)
    top = (
        float(metrics.top_k_accuracy_score(labels, shares, k=TOP, labels=every))
        if len(classes) > TOP
        else None
    )
    rows = [
        {
            "class": name,
            "images": int(support[label]),
            "recall": _defined(recall[label]),
            "precision": _defined(precision[label]),
        }
        for label, name in enumerate(classes)
    ]
    return {
        "images": len(labels),
        "accuracy": accuracy,
        "accuracy_low": low,
        "accuracy_high": high,
        "balanced_accuracy": found["balanced_accuracy"].value,
        "macro_f1": found["macro_f1"].value,
        f"top{TOP}_accuracy": top,
        "loss": float(metrics.log_loss(labels, shares, labels=every)),
        "classes": rows,
        "confused": _confused(confusion, classes),
        "confusion": confusion.tolist(),
    }


def _confused(confusion: NDArray[np.int64], classes: Sequence[str]) -> list[Row]:
    """The commonest errors, those of equal number in the order of classes."""
    wrong = confusion * (1 - np.eye(len(classes), dtype=np.int64))
    order = np.argsort(-wrong, axis=None, kind="stable")[:MOST_PAIRS]
    pairs = [divmod(int(index), len(classes)) for index in order]
    return [
        {"class": classes[true], "taken_for": classes[taken], "images": int(wrong[true, taken])}
        for true, taken in pairs
        if wrong[true, taken]
    ]


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
