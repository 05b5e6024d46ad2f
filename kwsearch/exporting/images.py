"""A study's own images, for what an export says of them and for checking a graph on them.

Nothing is downloaded, and nothing is written outside a folder that is deleted again.
"""

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from math import inf, isfinite
from pathlib import Path
from typing import Any

from kwsearch.problems import CACHE, settings_of
from search_spaces import InputError, KwsearchError
from trials.records import StudyRecord
from trials.tasks.classification.data import Prepared, TrainingData, find, for_proxy, prepare
from trials.tasks.classification.inputs import WHOLE, Inputs

_LARGEST = 4096
"""Pixels of the largest edge that a folder may ask for."""


@contextmanager
def images_of(study: StudyRecord) -> Iterator[tuple[Prepared, TrainingData]]:
    """The images of a study: those that its search decoded, or decoded once more.

    Raises:
        InputError: they are not there, or not those that the study was made with.
    """
    settings = settings_of(study)
    if settings.own:
        raise InputError(
            f"Study {study.name!r} was measured by {settings.task.measure}, whose inputs kwsearch "
            "does not know.",
            "Leave --onnx out, and write the graph with torch.onnx.export.",
        )
    if settings.detects:
        raise InputError(
            f"Study {study.name!r} is one of detection, whose pictures have no classes.",
            "Leave --onnx out.",
        )
    proxy = settings.proxy
    with tempfile.TemporaryDirectory(prefix="kwsearch-") as scratch:
        prepared = _decoded(study) or prepare(
            proxy.data,
            image_size=proxy.image_size,
            folder=Path(proxy.folder) if proxy.folder else None,
            cache=Path(scratch),
            channels=proxy.channels,
            skip_damaged=proxy.skip_damaged,
        )
        if prepared.sha256 != study.spec.settings["images"]:
            raise InputError(
                f"The images of study {study.name!r} have changed since it was created.",
                "Put the old images back.",
            )
        seed = study.spec.seed
        yield prepared, for_proxy(prepared, seed, proxy.validation_share, proxy.training_share)


def settings_from(inputs: Inputs, backbone: str, classes: Sequence[str]) -> dict[str, Any]:
    """How images are made ready, in timm's words.

    Args:
        inputs: the same in ours.
        backbone: name of the table.
        classes: names by label.
    """
    return {
        "architecture": backbone,
        "num_classes": len(classes),
        "input_size": [inputs.channels, inputs.size, inputs.size],
        "mean": list(inputs.mean),
        "std": list(inputs.std),
        "interpolation": "bilinear",
        "crop_pct": inputs.crop_share,
        "crop_mode": "center",
        "label_names": list(classes),
    }


def inputs_from(told: Mapping[str, Any]) -> tuple[Inputs, tuple[str, ...]]:
    """Inputs and names of classes that `settings_from` has told of.

    Raises:
        ValueError: something is not as it was told there; TypeError, KeyError: likewise.
    """
    channels, height, width = map(int, told["input_size"])
    mean, std = (tuple(map(float, told[key])) for key in ("mean", "std"))
    names = tuple(map(str, told["label_names"]))
    inputs = Inputs(channels, height, mean, std, float(told.get("crop_pct", WHOLE)))
    if height != width or {len(mean), len(std)} != {channels} or len(names) != told["num_classes"]:
        raise ValueError("sizes, channels and names of classes do not fit together")
    if not (
        1 <= height <= _LARGEST and all(map(isfinite, mean)) and 0 < min(std) <= max(std) < inf
    ):
        raise ValueError("a size or a number of the normalisation is out of range")
    if told.get("crop_mode", "center") != "center":
        raise ValueError(f"crop_mode is {told['crop_mode']!r}, not 'center'")
    return inputs, names


def image_settings(study: StudyRecord) -> dict[str, Any] | None:
    """How images are made ready, in timm's words; None where the decoded images are not at hand.

    Mean and deviation are those of the images that the trials learnt from, on a scale from 0 to 1.
    """
    if _decoded(study) is None:
        return None
    try:
        with images_of(study) as (prepared, data):
            inputs = Inputs(prepared.channels, prepared.size, data.mean, data.std)
            return settings_from(inputs, study.spec.backbone.name, prepared.classes)
    except KwsearchError:
        return None


def _decoded(study: StudyRecord) -> Prepared | None:
    """What the search decoded, if it lies in the cache of this folder."""
    images = study.spec.settings.get("images")
    return None if images is None else find(CACHE, images)
