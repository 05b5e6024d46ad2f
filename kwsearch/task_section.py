"""The section of a study file for another task than classification: detection, or one's own."""

import re
from typing import Annotated, Literal

from pydantic import Field, field_validator

from kwsearch.sections import Settings
from kwsearch.setting_types import ListAsTuple, brief
from trials.tasks.contract import measure_of
from trials.tasks.detection.recipe import Detector

RUNGS = (1, 3, 9)
"""Epochs after which a person's measure is asked, unless the file says otherwise."""

MAP = "map"
DETECTION_QUALITIES = tuple(
    f"{kind}{name}" for kind in ("", "mask_") for name in (MAP, "map50", "map75")
)
"""Average precision of boxes and of masks: over IoU thresholds of 0.5 to 0.95, at 0.5, at 0.75."""

OF_FUNCTION = ("input", "outputs", "version")
OF_DETECTION = (
    "data",
    "detector",
    "image_size",
    "batch_size",
    "learning_rate",
    "validation_share",
    "training_share",
    "start",
)
"""Keys that go with ``function``, and with ``kind = "detection"``."""

_FUNCTION = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*")


class TaskSettings(Settings):
    """Another task in place of the training under [proxy]: detection, or a measure of one's own."""

    kind: Literal["detection"] | None = Field(
        None,
        description="detection: trials are backbones of detectors, trained on a folder in COCO's "
        "format, and compared by average precision.",
    )
    function: str | None = Field(
        None,
        description="Your own measure, as 'package.module:function': it is called with a network "
        "and report(epoch, **values), trains the network, and reports. If unset, trials are "
        "trained as [proxy] says.",
    )
    input: Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], ListAsTuple] | None = Field(
        None, description="Channels, height and width of one input, as in [1, 8, 8]."
    )
    outputs: Annotated[int, Field(ge=1, le=1_000_000)] | None = Field(
        None, description="Numbers that the network gives for one input, such as one a class."
    )
    epochs: (
        Annotated[
            tuple[Annotated[int, Field(ge=1, le=10_000)], ...],
            ListAsTuple,
            Field(min_length=1, max_length=32),
        ]
        | None
    ) = Field(
        None,
        description="Rungs: epochs after which a trial is compared and may be stopped; the last is "
        "a full trial. [1, 3, 9] if unset.",
    )
    version: str | None = Field(
        None,
        description="A word of yours for its data and code: studies with the same word, function "
        "and settings share measurements. If unset, a study shares none.",
    )

    data: str | None = Field(
        None,
        description="Of detection: the folder, with annotations/instances_train2017.json, "
        "train2017/ and the same for val2017, or with annotations.json and images/.",
    )
    detector: Detector | None = Field(
        None,
        description="Of detection: mask-rcnn finds boxes and masks, faster-rcnn and retinanet "
        "boxes. mask-rcnn if unset.",
    )
    image_size: Annotated[int, Field(ge=8, le=4096)] | None = Field(
        None,
        description="Of detection: pixels that the shorter edge of a picture is brought to; 800 if "
        "unset, and pictures of 256 pixels at most stay as they are.",
    )
    batch_size: Annotated[int, Field(ge=1)] | None = Field(
        None, description="Of detection: pictures a step; 16 if unset, of small pictures 8."
    )
    learning_rate: Annotated[float, Field(gt=0, le=100)] | None = Field(
        None, description="Of detection: after the warm-up; 0.02 if unset, of large pictures 1e-4."
    )
    validation_share: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        None,
        description="Of detection: share of the pictures for training that trials are measured on; "
        "0.2 if unset.",
    )
    training_share: Annotated[float, Field(gt=0, le=1)] | None = Field(
        None, description="Of detection: share of the others that trials learn from; all if unset."
    )
    start: str | None = Field(
        None,
        description="Of detection: file of the trained plain backbone that trials start from; its "
        "batch norms then stay as they are. If unset they start from scratch.",
    )

    @property
    def measure(self) -> str | None:
        """What measures trials in place of detection and of [proxy]; None if nothing does."""
        return measure_of({"task": {"function": self.function, "kind": self.kind}})

    @field_validator("function")
    @classmethod
    def _named(cls, value: str | None) -> str | None:
        if value is not None and not _FUNCTION.fullmatch(value):
            raise ValueError(f"{brief(value)} is not of the form 'package.module:function'.")
        return value

    @field_validator("input")
    @classmethod
    def _square(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        if value is not None and len(value) != 3:  # noqa: PLR2004 - three of them
            raise ValueError(f"{[*value]} is not channels, height and width, as in [1, 8, 8].")
        if value is not None and value[1] != value[2]:
            raise ValueError(
                f"{[*value]} is not square; networks are counted on square inputs. The nearest "
                f"valid value is {[value[0], value[1], value[1]]}."
            )
        return value

    @field_validator("epochs")
    @classmethod
    def _ascending(cls, value: tuple[int, ...] | None) -> tuple[int, ...] | None:
        ordered = sorted(set(value or ()))
        if value is not None and list(value) != ordered:
            raise ValueError(
                f"{list(value)} is not strictly ascending. The nearest valid value is {ordered}."
            )
        return value


def faults(task: TaskSettings, proxy_keys: set[str]) -> str | None:
    """What keeps the section from going with the others; None if nothing does.

    Args:
        task: the section.
        proxy_keys: keys that the file gives under [proxy].
    """
    given = [name for name in type(task).model_fields if getattr(task, name) is not None]
    if task.kind is not None and task.function is not None:
        return (
            f"kind = {brief(task.kind)} and function = {brief(task.function)} exclude each other. "
            "Remove one of the two."
        )
    if task.kind is None and task.function is None:
        return _without_task(given)
    named = next(name for name in ("kind", "function") if name in given)
    told = f"{named} = {brief(getattr(task, named))}"
    odd = [
        name for name in given if name in (OF_FUNCTION if task.function is None else OF_DETECTION)
    ]
    if odd:
        return f"{told} takes no {', '.join(odd)}. Remove what belongs to another task."
    if proxy_keys:
        return (
            f"{told} and {', '.join(sorted(proxy_keys))} under [proxy] exclude each other: "
            f"{_BRINGS[named]}. Remove one of the two."
        )
    return _detection_faults(task, told) if task.function is None else _own_faults(task, told)


_BRINGS = {
    "function": "your own measure brings its data and its training",
    "kind": "detection has its data and its training under [task]",
}


def _without_task(given: list[str]) -> str | None:
    if not given:
        return None
    if set(given) & set(OF_DETECTION):
        return (
            f"{', '.join(given)} without kind says nothing. Set kind = 'detection', or say it "
            "under [proxy]."
        )
    return (
        f"{', '.join(given)} without function says nothing. Name your measure as "
        "function = 'package.module:function', or give it as task= in Python."
    )


def _own_faults(task: TaskSettings, told: str) -> str | None:
    missing = [name for name in ("input", "outputs") if getattr(task, name) is None]
    if missing:
        return (
            f"{told} needs {' and '.join(missing)} beside it, as in "
            "input = [1, 8, 8] and outputs = 10."
        )
    return None


def _detection_faults(task: TaskSettings, told: str) -> str | None:
    if task.data is None:
        return f"{told} needs data beside it, the path of a folder in COCO's format."
    return None


def quality_fault(task: TaskSettings, quality: str) -> str | None:
    """What keeps detectors from being compared by that value; None if nothing does."""
    if quality not in DETECTION_QUALITIES:
        return (
            f"quality = {brief(quality)} is not measured by detection, which has "
            f"{', '.join(DETECTION_QUALITIES)}."
        )
    detector = task.detector or "mask-rcnn"
    if quality.startswith("mask_") and detector != "mask-rcnn":
        return (
            f"quality = {brief(quality)} needs masks, which {detector} does not find. Set "
            "detector = 'mask-rcnn'."
        )
    return None
