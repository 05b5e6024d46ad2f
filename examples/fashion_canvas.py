"""A small real data set in COCO's format: pictures of clothes, laid on a canvas.

    python examples/fashion_canvas.py canvas --pictures 300

makes the folder ``canvas`` with ``images/`` and ``annotations.json``. The clothes are those of
Fashion-MNIST where its files are at hand (``--files``), else scikit-learn's digits. The mask of a
thing is its pixels above a threshold, its box the box of the mask.
"""

import argparse
import gzip
import json
from pathlib import Path

import numpy as np
from PIL import Image
from pycocotools import mask

CLOTHES = (
    "T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot",
)  # fmt: skip
THRESHOLD = 25
"""Of pixels from 0 to 255; what is brighter belongs to the thing."""

LEAST = 16
"""Pixels of the smallest thing."""

EDGES = (16, 28)
"""Smallest and largest edge of a thing's picture on the canvas, in pixels."""


def things(files):
    """Pictures ``[N, h, w]`` from 0 to 255, their labels and the names of those."""
    if files is not None and (files / "train-images-idx3-ubyte.gz").is_file():
        pixels = gzip.decompress((files / "train-images-idx3-ubyte.gz").read_bytes())[16:]
        labels = gzip.decompress((files / "train-labels-idx1-ubyte.gz").read_bytes())[8:]
        pictures = np.frombuffer(pixels, np.uint8).reshape(-1, 28, 28)
        return pictures, np.frombuffer(labels, np.uint8), CLOTHES
    from sklearn.datasets import load_digits  # noqa: PLC0415 - where it is needed

    digits = load_digits()
    pictures = np.clip(digits.images * 16, 0, 255).astype(np.uint8)
    return pictures, digits.target, [str(digit) for digit in range(10)]


def placed(pictures, labels, canvas, most, draws):
    """One canvas ``[H, W]``, and label and mask of each thing on it; things do not overlap."""
    pixels = np.zeros((canvas, canvas), np.uint8)
    taken = np.zeros((canvas, canvas), bool)
    found = []
    for _ in range(draws.integers(1, most + 1)):
        index = draws.integers(len(pictures))
        edge = int(draws.integers(min(EDGES[0], canvas // 3), min(EDGES[1], canvas // 2) + 1))
        one = np.asarray(Image.fromarray(pictures[index]).resize((edge, edge), Image.BILINEAR))
        top, left = draws.integers(0, canvas - edge + 1, 2)
        place = (slice(top, top + edge), slice(left, left + edge))
        inside = one > THRESHOLD
        if taken[place].any() or inside.sum() < LEAST:
            continue
        taken[place] = True
        pixels[place] = np.where(inside, one, pixels[place])
        whole = np.zeros((canvas, canvas), np.uint8)
        whole[place] = inside
        found.append((int(labels[index]), whole))
    noise = draws.integers(0, 12, pixels.shape)
    return np.clip(pixels + noise, 0, 255).astype(np.uint8), found


def make(folder, *, pictures=300, canvas=96, most=4, seed=0, files=None):
    """Write the folder; the same arguments give the same bytes of every mask and pixel."""
    source, labels, names = things(files)
    draws = np.random.default_rng(seed)
    (folder / "images").mkdir(parents=True)
    images, annotations = [], []
    while len(images) < pictures:
        pixels, found = placed(source, labels, canvas, most, draws)
        if not found:
            continue
        number = len(images) + 1
        name = f"{number:05}.png"
        Image.fromarray(pixels).save(folder / "images" / name)
        images.append({"id": number, "file_name": name, "width": canvas, "height": canvas})
        for label, whole in found:
            coded = mask.encode(np.asfortranarray(whole))
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number,
                    "category_id": label + 1,
                    "bbox": mask.toBbox(coded).tolist(),
                    "area": int(mask.area(coded)),
                    "segmentation": {"size": coded["size"], "counts": coded["counts"].decode()},
                    "iscrowd": 0,
                }
            )
    categories = [{"id": label + 1, "name": name} for label, name in enumerate(names)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--pictures", type=int, default=300)
    parser.add_argument("--canvas", type=int, default=96, help="its edge in pixels")
    parser.add_argument("--most", type=int, default=4, help="things on a canvas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--files", type=Path, default=Path("/usr/share/datasets/fashion-mnist"))
    given = vars(parser.parse_args())
    print(make(**given))
