"""What was read of a data set, in one line for people, and in a file beside the arrays."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from search_spaces.errors import plural
from trials.errors import DamagedDataError
from trials.tasks.classification.data.split import Index

READING = "reading.json"
OBLONG = "not square, of which the middle square is used"
DAMAGED = "damaged"
UNEQUAL = 10
"""Images of the largest class over those of the smallest from which a person is told what helps."""

MOST_NAMED = 5
"""Files and classes named in the line, of each kind."""


class Reading(BaseModel):
    """What was left out and changed, where a data set is not read just as it is.

    Attributes:
        folders: names of the folders of a person's own split, by purpose.
        changed: images that were changed, by what was done.
        left_out: paths that were not read, by reason.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    folders: Mapping[str, str] = {}
    changed: Mapping[str, int] = {}
    left_out: Mapping[str, tuple[str, ...]] = {}

    def with_changes(self, changed: Mapping[str, int]) -> Self:
        """The same with more changes; those that no image underwent are dropped."""
        every = {**self.changed, **changed}
        kept = {done: images for done, images in every.items() if images}
        return self.model_copy(update={"changed": kept})


def read_reading(folder: Path, cure: str) -> Reading:
    """Read what was said of a prepared data set; one without that file was read just as it is.

    Raises:
        DamagedDataError: the file is not what was written.
    """
    path = folder / READING
    if not path.exists():
        return Reading()
    try:
        return Reading.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        raise DamagedDataError(f"{path} cannot be read.", cure) from None


def summary(
    name: str,
    classes: Sequence[str],
    labels: Mapping[str, Index],
    reading: Reading,
) -> str:
    """One line of what was read.

    Args:
        name: of the data set.
        classes: names by label.
        labels: of the images by purpose: ``train``, ``test``, and ``validation`` where a person has
            set those apart.
        reading: what was left out and changed.
    """
    counts = {part: np.bincount(found, minlength=len(classes)) for part, found in labels.items()}
    every = sum(counts.values(), start=np.zeros(len(classes), dtype=np.int64))
    images, kinds = plural(int(every.sum()), "image"), plural(len(classes), "class", "classes")
    total = f"{images} in {kinds}, {_range(every, classes)}"
    sentences = [f"{name}: {total}: {_purposes(counts, reading)}"]
    sentences += _unequal(every)
    sentences += _thin(counts, classes, reading)
    if reading.left_out:
        left = "; ".join(
            _left(reason, paths, told=reason == DAMAGED)
            for reason, paths in reading.left_out.items()
        )
        sentences.append(f"Left out: {left}")
    if reading.changed:
        changed = ", ".join(f"{images:,} {done}" for done, images in reading.changed.items())
        sentences.append(f"Changed: {changed}")
    return ". ".join(sentences) + "."


def _range(counts: Index, classes: Sequence[str]) -> str:
    least, most = int(counts.argmin()), int(counts.argmax())
    if counts[least] == counts[most]:
        return f"{counts[least]:,} of each"
    return f"from {counts[least]:,} of {classes[least]!r} to {counts[most]:,} of {classes[most]!r}"


def _unequal(counts: Index) -> list[str]:
    """What helps where most images belong to some classes."""
    present = counts[counts > 0]
    if not present.size or present.max() < UNEQUAL * present.min():
        return []
    times = plural(round(present.max() / present.min()), "time")
    told = f"The largest class has {times} the images of the smallest"
    settings = (
        'class_weights = "balanced" under [proxy] and quality = "balanced_accuracy" under '
        "[objective]"
    )
    return [f"{told}: {settings} let all classes count the same"]


def _purposes(counts: Mapping[str, Index], reading: Reading) -> str:
    own = "validation" in counts
    uses = {
        "train": "to learn from" if own else "to learn from and compare trials on",
        "validation": "to compare trials on",
        "test": "for the end" if "test" in reading.folders else "kept for the end",
    }
    told = []
    for part, use in uses.items():
        if part in counts:
            folder = f" ({reading.folders[part]}/)" if part in reading.folders else ""
            told.append(f"{int(counts[part].sum()):,} {use}{folder}")
    return ", ".join(told)


def _thin(counts: Mapping[str, Index], classes: Sequence[str], reading: Reading) -> list[str]:
    """What is not measured for want of images."""
    rest = counts["train"]
    compared = counts.get("validation", rest - 1)
    cases = (
        ("no image to compare trials on", compared <= 0),
        ("no image for the end", counts["test"] == 0),
    )
    told = []
    for what, without in cases:
        short = [repr(classes[label]) for label in np.flatnonzero(without).tolist()]
        if short:
            told.append(f"{_some(short)} {'has' if len(short) == 1 else 'have'} {what}")
    if told and not reading.folders:
        told.append("A class needs three images to be learnt, compared and measured at the end")
    return told


def _left(reason: str, paths: Sequence[str], *, told: bool) -> str:
    return _number(reason, len(paths)) + (f" ({_some(paths)})" if told else "")


def _number(reason: str, paths: int) -> str:
    """``1 .txt file``, ``2 .txt files``; other reasons are adjectives."""
    kind, files, rest = reason.partition(" file")
    return (
        f"{plural(paths, f'{kind} file')}{rest.removeprefix('s')}"
        if files
        else f"{paths:,} {reason}"
    )


def _some(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {more:,} more" if more > 0 else "")
