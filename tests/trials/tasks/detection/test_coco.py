"""Folders in COCO's format: what is read, how it is split, and what is said of faults."""

import json
import shutil

import numpy as np
import pytest
import torch
from PIL import Image

from search_spaces import InputError
from trials.tasks.detection.coco import for_full, for_search, open_coco
from trials.tasks.detection.examples import Examples, decoded, mirrored


@pytest.fixture
def own(canvas, tmp_path):
    """A copy that may be changed."""
    return shutil.copytree(canvas, tmp_path / "own")


def changed(folder, change):
    """Change what the JSON file says."""
    path = folder / "annotations.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))


def test_a_search_and_a_full_training_measure_on_pictures_apart_from_all_that_is_learnt(canvas):
    coco = open_coco(canvas, masks=True)
    learnt, measured = for_search(coco, 0, 0.25, 1.0)
    trained, held = for_full(coco)
    assert len(held) == 4  # a sixth of 24
    assert not set(learnt.ids) & set(measured.ids)
    assert not (set(learnt.ids) | set(measured.ids)) & set(held.ids)
    assert set(trained.ids) == set(range(1, 25)) - set(held.ids)
    assert for_search(coco, 1, 0.25, 1.0)[1].ids != measured.ids
    assert len(for_search(coco, 0, 0.25, 0.5)[0]) == 8  # half of 20 - 5, rounded


def test_mscoco_layout_is_read_with_its_own_pictures_to_measure_on(canvas, tmp_path):
    for name in ("train2017", "val2017"):
        shutil.copytree(canvas / "images", tmp_path / name)
        (tmp_path / "annotations").mkdir(exist_ok=True)
        target = tmp_path / "annotations" / f"instances_{name}.json"
        shutil.copy(canvas / "annotations.json", target)
    coco = open_coco(tmp_path, masks=True)
    trained, measured = for_full(coco)
    assert (len(trained), len(measured)) == (24, 24)
    assert trained.folder.name == "train2017"
    assert measured.folder.name == "val2017"
    assert "24 pictures" in coco.summary
    (tmp_path / "annotations" / "instances_val2017.json").unlink()
    with pytest.raises(InputError, match=r"one begins with train and one with val.*train2017"):
        open_coco(tmp_path, masks=True)


def test_a_changed_pixel_changes_the_digest(own):
    before = open_coco(own, masks=True).sha256
    assert open_coco(own, masks=True).sha256 == before
    Image.new("L", (48, 48), 3).save(own / "images" / "00003.png")
    assert open_coco(own, masks=True).sha256 != before


def test_pixels_boxes_and_masks_are_those_of_the_file(canvas):
    coco = open_coco(canvas, masks=True)
    part, _ = for_full(coco)
    examples = Examples(part, coco.channels, masks=True)
    pixels, target = examples[0]
    with Image.open(part.folder / part.images[0]["file_name"]) as image:
        assert torch.equal(pixels[0] * 255, torch.from_numpy(np.array(image, dtype=np.float32)))
    for mask, (left, top, right, bottom) in zip(target["masks"], target["boxes"], strict=True):
        rows, columns = np.nonzero(mask.numpy())
        assert (left, top) == (columns.min(), rows.min())
        assert (right, bottom) == (columns.max() + 1, rows.max() + 1)
    colour, _ = Examples(part, 3, masks=False)[0]
    assert torch.equal(colour, pixels.expand(3, -1, -1))


def test_mirrored_twice_is_the_picture_and_boxes_follow_their_masks(canvas):
    part, _ = for_full(open_coco(canvas, masks=True))
    example = Examples(part, 1, masks=True)[1]
    pixels, target = mirrored(example)
    for mask, box in zip(target["masks"], target["boxes"], strict=True):
        columns = np.nonzero(mask.numpy())[1]
        assert (box[0], box[2]) == (columns.min(), columns.max() + 1)
    again, boxes = mirrored((pixels, target))
    assert torch.equal(again, example[0])
    assert torch.equal(boxes["boxes"], example[1]["boxes"])


def test_polygons_and_run_lengths_say_the_same():
    square = [[2.0, 1.0, 6.0, 1.0, 6.0, 5.0, 2.0, 5.0]]
    wanted = np.zeros((8, 9), np.uint8)
    wanted[1:5, 2:6] = 1
    assert np.array_equal(decoded(square, 8, 9), wanted)
    counts = [17, 4, 4, 4, 4, 4, 4, 4, 27]  # by columns of 8
    assert np.array_equal(decoded({"size": [8, 9], "counts": counts}, 8, 9), wanted)
    with pytest.raises(InputError, match="9 x 8 pixels, its picture of 8 x 8"):
        decoded({"size": [8, 9], "counts": counts}, 8, 8)


def test_crowds_and_empty_boxes_are_not_learnt_from_and_are_counted(own):
    def change(content):
        for annotation in content["annotations"]:
            if annotation["image_id"] == 1:
                annotation["iscrowd"] = 1
            if annotation["image_id"] == 2:
                annotation["bbox"] = [3, 3, 0, 5]

    changed(own, change)
    coco = open_coco(own, masks=True)
    assert "crowd" in coco.summary
    assert "less than a pixel" in coco.summary
    learnt, measured = for_full(coco)
    assert {1, 2} - set(learnt.ids) - set(measured.ids)
    truth = measured.truth()
    assert {a["image_id"] for a in truth["annotations"]} <= set(measured.ids)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c.pop("categories"), "no list 'categories'"),
        (lambda c: c["annotations"][0].update(category_id=99), "a category_id that a category has"),
        (lambda c: c["annotations"][0].update(image_id=999), "an image_id that an image has"),
        (lambda c: c["annotations"][0].update(bbox=[1, 2, 3]), "a bbox of four numbers"),
        (lambda c: c["annotations"][0].pop("bbox"), "not as COCO's format wants it.*bbox"),
        (lambda c: c["annotations"][0].pop("segmentation"), "1 annotation of .* no segmentation"),
        (lambda c: c["images"][0].update(width=49), "48 x 48 pixels, and .* says 49 x 48"),
        (lambda c: c["images"][0].update(file_name="no.png"), "1 picture of 24 is not in .*no.png"),
        (lambda c: c["categories"].append({"id": 1, "name": "x"}), "11 categories, with 10 differ"),
        (lambda c: c["categories"][1].update(name="0"), "10 categories, with 9 different names"),
        (lambda c: c["images"][0].update(id="1"), "entry '1' lacks an id that is a whole number"),
        (lambda c: c["images"][0].update(id=True), "lacks an id that is a whole number"),
        (lambda c: c["images"][0].update(width="48"), "width and height that are whole numbers"),
        (lambda c: c["annotations"][0].update(bbox=["1", 2, 3, 4]), "a bbox of four numbers"),
        (lambda c: c["annotations"][0].update(iscrowd="0"), "an iscrowd of 0 or 1"),
        (lambda c: c["annotations"][0].update(area=float("nan")), "an area that is a number"),
    ],
)
def test_a_fault_of_a_file_is_named(own, change, told):
    changed(own, change)
    with pytest.raises(InputError, match=told):
        open_coco(own, masks=True)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda c: c.update(annotations=[]), "leaves no picture to learn from"),
        (lambda c: [a.update(iscrowd=1) for a in c["annotations"]], "no picture to learn from"),
        (lambda c: [a.update(bbox=[99, 99, 5, 5]) for a in c["annotations"]], "no picture to lear"),
    ],
)
def test_a_folder_without_a_thing_to_learn_is_refused(own, change, told):
    """Though each of its pictures and entries is sound; what is missing was counted before."""
    changed(own, change)
    coco = open_coco(own, masks=True)
    assert "left out of training" in coco.summary or "crowds not learnt from" in coco.summary
    for parts in (for_full, lambda coco: for_search(coco, 0, 0.2, 1.0)):
        with pytest.raises(InputError, match=told):
            parts(coco)


def test_a_category_without_a_thing_is_told(own):
    """It has no average precision, and no part in the mean."""
    changed(
        own, lambda c: c.update(annotations=[a for a in c["annotations"] if a["category_id"] > 2])
    )
    told = "2 categories without a thing: '0', '1'"
    assert told in open_coco(own, masks=True).summary


def test_a_mask_that_cannot_be_decoded_is_named_with_its_annotation(own):
    changed(own, lambda c: [a.update(segmentation=[[1, 2, 3, 4]]) for a in c["annotations"]])
    part, _ = for_full(open_coco(own, masks=True))
    with pytest.raises(InputError, match=r"annotation \d+ of image \d+: A segmentation cannot be"):
        Examples(part, 1, masks=True)[0]


def test_a_folder_that_has_changed_is_read_again(own):
    """In one process, as a notebook is."""
    before = for_full(open_coco(own, masks=True))[0]
    changed(own, lambda c: [a.update(category_id=1) for a in c["annotations"]])
    after = for_full(open_coco(own, masks=True))[0]
    labels = [
        {a["category_id"] for found in p.annotations.values() for a in found}
        for p in (before, after)
    ]
    assert len(labels[0]) > 1
    assert labels[1] == {1}


def test_what_is_no_folder_or_no_picture_is_named(own, tmp_path):
    with pytest.raises(InputError, match="There is no folder"):
        open_coco(tmp_path / "nowhere", masks=True)
    (own / "images" / "00001.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match=r"00001.png is no picture"):
        open_coco(own, masks=True)
    shutil.rmtree(own / "images")
    with pytest.raises(InputError, match="no folder images/"):
        open_coco(own, masks=True)
