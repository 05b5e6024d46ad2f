"""Average precision: pycocotools' own on written results, and closed forms."""

import builtins
import io
import json
from contextlib import redirect_stdout

import numpy as np
import pytest
import torch
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from search_spaces import InputError
from trials.tasks.detection import scoring
from trials.tasks.detection.coco import for_full, open_coco
from trials.tasks.detection.examples import Examples


@pytest.fixture
def part(canvas):
    """What is learnt from: 20 pictures."""
    return for_full(open_coco(canvas, masks=True))[0]


def detections(part, *, moved, seed=0):
    """What a detector might give: the truth moved by some pixels, some of it missed or doubled."""
    draws = np.random.default_rng(seed)
    examples, outputs = Examples(part, 1, masks=True), []
    for index in range(len(part)):
        _, target = examples[index]
        boxes, masks, labels = target["boxes"], target["masks"], target["labels"]
        kept = torch.from_numpy(draws.random(len(boxes)) > (0.2 if moved else -1))
        shift = int(draws.integers(0, moved + 1))
        outputs.append(
            {
                "boxes": boxes[kept] + shift,
                "labels": labels[kept],
                "scores": torch.from_numpy(draws.uniform(0.1, 1, int(kept.sum()))),
                "masks": masks[kept].roll((shift, shift), (1, 2))[:, None].float(),
            }
        )
    return scoring.as_results(outputs, part.ids, part.categories, masks=True)


def test_values_are_those_of_pycocotools_on_written_files(part, tmp_path):
    results = detections(part, moved=3)
    scores = scoring.score(part.truth(), results, masks=True)
    (tmp_path / "truth.json").write_text(json.dumps(part.truth()))
    for kind, prefix, left_out in (("bbox", "", "segmentation"), ("segm", "mask_", "bbox")):
        found = [{k: v for k, v in one.items() if k != left_out} for one in results]
        (tmp_path / "results.json").write_text(json.dumps(found))
        with redirect_stdout(io.StringIO()):
            truth = COCO(str(tmp_path / "truth.json"))
            evaluator = COCOeval(truth, truth.loadRes(str(tmp_path / "results.json")), kind)
            evaluator.evaluate()
            evaluator.accumulate()
            evaluator.summarize()
        names = ("map", "map50", "map75", "map_small", "map_medium", "map_large")
        for name, value in zip(names, evaluator.stats, strict=False):
            assert scores.values.get(f"{prefix}{name}", -1) == value
        assert 0 < scores.values[f"{prefix}map"] < 1
        assert 0 < scores.errors[f"{prefix}map"] < 0.5


def test_the_truth_itself_reaches_1_without_error(part):
    scores = scoring.score(part.truth(), detections(part, moved=0), masks=True)
    assert scores.values["map"] == scores.values["mask_map"] == pytest.approx(1)
    assert scores.errors["map"] == pytest.approx(0)
    assert all(one["map"] == pytest.approx(1) for one in scores.categories.values() if one)


def test_no_detections_reach_0(part):
    scores = scoring.score(part.truth(), [], masks=True)
    assert scores.values["map"] == scores.values["mask_map50"] == 0


def test_half_of_the_pictures_found_is_half_the_recall():
    """One thing on each of 40 pictures, of one category; the found half is found exactly."""
    images = [{"id": n, "width": 9, "height": 9, "file_name": f"{n}"} for n in range(1, 41)]
    things = [
        {"id": n, "image_id": n, "category_id": 1, "bbox": [1, 1, 5, 5], "area": 25, "iscrowd": 0}
        for n in range(1, 41)
    ]
    category = [{"id": 1, "name": "thing"}]
    truth = {"images": images, "annotations": things, "categories": category}
    results = [
        {"image_id": n, "category_id": 1, "bbox": [1, 1, 5, 5], "score": 0.9} for n in range(1, 21)
    ]
    scores = scoring.score(truth, results, masks=False)
    assert scores.values["map"] == pytest.approx(51 / 101)  # of 101 recalls those up to 0.5
    binomial = (0.5 * 0.5 / 40) ** 0.5
    assert scores.errors["map"] == pytest.approx(binomial, rel=0.35)  # 50 resamples


def test_without_pycocotools_the_extra_is_named(monkeypatch):
    whole = builtins.__import__

    def without(name, *rest):
        if name.startswith("pycocotools"):
            raise ImportError(name)
        return whole(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"kernelwarehouse-search\[detection\]"):
        scoring.require_pycocotools()
