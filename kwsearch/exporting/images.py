"""A study's own images, for what an export says of them and for checking a graph on them.

Nothing is downloaded, and nothing is written outside a folder that is deleted again.
"""

import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kwsearch.problems import CACHE, settings_of
from search_spaces import InputError, KwsearchError
from trials.records import StudyRecord
from trials.training.data import Prepared, TrainingData, for_proxy, prepare
from trials.training.data.manifest import MANIFEST, read_manifest


@contextmanager
def images_of(study: StudyRecord) -> Iterator[tuple[Prepared, TrainingData]]:
    """The images of a study: those that its search decoded, or decoded once more.

    Raises:
        InputError: they are not there, or not those that the study was made with.
    """
    proxy = settings_of(study).proxy
    with tempfile.TemporaryDirectory(prefix="kwsearch-") as scratch:
        prepared = _decoded(study) or prepare(
            proxy.data,
            image_size=proxy.image_size,
            folder=Path(proxy.folder) if proxy.folder else None,
            cache=Path(scratch),
        )
        if prepared.sha256 != study.spec.settings["images"]:
            raise InputError(
                f"The images of study {study.name!r} have changed since it was created.",
                "Put the old images back.",
            )
        seed = study.spec.seed
        yield prepared, for_proxy(prepared, seed, proxy.validation_share, proxy.training_share)


def image_settings(study: StudyRecord) -> dict[str, Any] | None:
    """How images are made ready, in timm's words; None where the decoded images are not at hand.

    Mean and deviation are those of the images that the trials learnt from, on a scale from 0 to 1.
    """
    if _decoded(study) is None:
        return None
    try:
        with images_of(study) as (prepared, data):
            return {
                "architecture": study.spec.backbone.name,
                "num_classes": len(prepared.classes),
                "input_size": [prepared.channels, prepared.size, prepared.size],
                "mean": list(data.mean),
                "std": list(data.std),
                "interpolation": "bilinear",
                "crop_pct": 1.0,
                "crop_mode": "center",
                "label_names": list(prepared.classes),
            }
    except KwsearchError:
        return None


def _decoded(study: StudyRecord) -> Prepared | None:
    """What the search decoded, if it lies in the cache of this folder."""
    for path in CACHE.glob(f"*/{MANIFEST}"):
        if hashlib.sha256(path.read_bytes()).hexdigest() == study.spec.settings["images"]:
            return read_manifest(path.parent.resolve())[1]
    return None
