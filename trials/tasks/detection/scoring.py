"""Average precision of detections, by pycocotools.

Precision is averaged over recalls, over IoU thresholds of 0.5 to 0.95 where the name has no number,
and over categories, as MS-COCO does; all values are shares from 0 to 1.
"""

import io
from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from search_spaces.errors import InputError

DRAWS = 50
"""Resamples of the images that a standard error is taken from."""

MOST_CELLS = 20_000
"""Images times categories up to which the error is worked out: resampling costs as many steps."""

BOXES, MASKS = "bbox", "segm"
PREFIX = {BOXES: "", MASKS: "mask_"}
"""By pycocotools' name of a kind: what the names of its values begin with."""

_VALUES = ("map", "map50", "map75", "map_small", "map_medium", "map_large")

Results = list[dict[str, Any]]
"""Detections in COCO's format of results: ``image_id``, ``category_id``, ``score``, ``bbox`` as
x, y, width, height in pixels, and for masks ``segmentation``, run-length encoded."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What detections reach.

    Attributes:
        values: by name, such as ``map``, ``map50``, ``mask_map``; a size of which there are no
            things is left out.
        errors: standard errors of ``map`` and ``mask_map`` over the images, as far as they were
            worked out.
        categories: ``map`` of each category by its name; of masks too, as ``mask_map``.
    """

    values: Mapping[str, float]
    errors: Mapping[str, float]
    categories: Mapping[str, Mapping[str, float]]


def require_pycocotools() -> None:
    """See that pycocotools is there.

    Raises:
        InputError: it is not.
    """
    try:
        import pycocotools.cocoeval  # noqa: F401, PLC0415 - an extra
    except ImportError:
        raise InputError(
            "Detection is measured by pycocotools, which is not installed.",
            "Install it: pip install 'kernelwarehouse-search[detection]'.",
        ) from None


def score(truth: Mapping[str, Any], results: Results, *, masks: bool, seed: int = 0) -> Scores:
    """Average precision of detections.

    Args:
        truth: what there is, in COCO's format.
        results: what was found.
        masks: whether masks are measured beside boxes.
        seed: of the resampling that errors come from.
    """
    values: dict[str, float] = {}
    errors: dict[str, float] = {}
    categories: dict[str, dict[str, float]] = {c["name"]: {} for c in truth["categories"]}
    for kind in (BOXES, MASKS) if masks else (BOXES,):
        evaluator, prefix = evaluated(truth, results, kind), PREFIX[kind]
        found = zip(_VALUES, evaluator.stats, strict=False)
        values |= {f"{prefix}{name}": float(value) for name, value in found if value >= 0}
        for index, category in enumerate(truth["categories"]):
            precision = evaluator.eval["precision"][:, :, index, 0, -1]
            if (precision > -1).any():
                told = float(precision[precision > -1].mean())
                categories[category["name"]][f"{prefix}map"] = told
        error = _error(evaluator, seed)
        if error is not None:
            errors[f"{prefix}map"] = error
    return Scores(values, errors, categories)


def evaluated(truth: Mapping[str, Any], results: Results, kind: str) -> Any:  # noqa: ANN401 - pycocotools is untyped
    """The evaluator of pycocotools after its work; ``.stats`` are its twelve numbers."""
    from pycocotools.coco import COCO  # noqa: PLC0415 - an extra
    from pycocotools.cocoeval import COCOeval  # noqa: PLC0415 - likewise

    with redirect_stdout(io.StringIO()):
        there, found = COCO(), COCO()
        there.dataset = dict(truth)
        there.createIndex()
        if results:
            # of masks pycocotools takes areas from the segmentation if there is no box
            left_out = {BOXES: "segmentation", MASKS: "bbox"}[kind]
            found = there.loadRes(
                [{k: v for k, v in one.items() if k != left_out} for one in results]
            )
        else:
            found.dataset = {**truth, "annotations": []}
            found.createIndex()
        evaluator = COCOeval(there, found, kind)
        evaluator.params.catIds = [category["id"] for category in truth["categories"]]
        evaluator.evaluate()
        evaluator.accumulate()
        evaluator.summarize()
    return evaluator


def _error(evaluator: Any, seed: int) -> float | None:  # noqa: ANN401 - likewise
    """Deviation of the mean average precision over resamples of the images (bootstrap)."""
    parameters = evaluator.params
    images, categories = len(parameters.imgIds), len(parameters.catIds)
    if images * categories > MOST_CELLS:
        return None
    table = np.empty(categories * len(parameters.areaRng) * images, dtype=object)
    table[:] = evaluator.evalImgs
    cells: NDArray[Any] = table.reshape(categories, len(parameters.areaRng), images)[:, 0]
    again = copy(evaluator)
    again.params, again._paramsEval = copy(parameters), copy(evaluator._paramsEval)  # noqa: SLF001 - accumulate reads it
    for one in (again.params, again._paramsEval):  # noqa: SLF001 - likewise
        one.areaRng, one.maxDets = parameters.areaRng[:1], parameters.maxDets[-1:]
    draws = np.random.default_rng(seed)
    found = []
    with redirect_stdout(io.StringIO()):
        for _ in range(DRAWS):
            chosen = draws.integers(0, images, images)
            again.evalImgs = cells[:, chosen].reshape(-1).tolist()
            again.accumulate()
            precision = again.eval["precision"]
            if (precision > -1).any():
                found.append(precision[precision > -1].mean())
    return float(np.std(found, ddof=1)) if len(found) > 1 else None


def as_results(
    outputs: Sequence[Mapping[str, Tensor]],
    images: Sequence[int],
    categories: Sequence[int],
    *,
    masks: bool,
) -> Results:
    """What a detector gives for images, in COCO's format of results.

    Args:
        outputs: ``boxes`` ``[N, 4]`` as corners, ``labels`` from 1, ``scores``, and for masks
            ``masks`` ``[N, 1, H, W]`` from 0 to 1.
        images: their ids.
        categories: ids by label, that of label 1 first.
        masks: whether there are masks.
    """
    told: Results = []
    for image, output in zip(images, outputs, strict=True):
        boxes = output["boxes"].cpu().double()
        boxes[:, 2:] -= boxes[:, :2]
        facts = zip(
            boxes.tolist(), output["labels"].tolist(), output["scores"].tolist(), strict=True
        )
        found = [
            {"image_id": image, "category_id": categories[label - 1], "bbox": box, "score": value}
            for box, label, value in facts
        ]
        if masks and found:
            coded = encoded((output["masks"][:, 0] > 0.5).cpu().numpy())  # noqa: PLR2004 - as likely as not
            found = [{**one, "segmentation": c} for one, c in zip(found, coded, strict=True)]
        told += found
    return told


def encoded(masks: NDArray[Any]) -> list[dict[str, Any]]:
    """Masks ``[N, H, W]`` as COCO's run lengths, with text that JSON can hold."""
    from pycocotools import mask  # noqa: PLC0415 - an extra

    coded = mask.encode(np.asfortranarray(masks.transpose(1, 2, 0).astype(np.uint8)))
    return [{"size": list(one["size"]), "counts": one["counts"].decode("ascii")} for one in coded]
