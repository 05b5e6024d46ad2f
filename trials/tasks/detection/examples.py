"""Pictures as tensors, with boxes, labels and masks; pycocotools decodes the masks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Generator, Tensor
from torch.utils.data import DataLoader, Dataset

from search_spaces.errors import InputError
from trials.tasks.detection.coco import Part, corners, is_learnable

Target = dict[str, Tensor]
"""``boxes`` ``[N, 4]`` as corners in pixels, ``labels`` ``[N]`` from 1, and ``masks``
``[N, H, W]`` of 0 and 1."""

Example = tuple[Tensor, Target]


@dataclass(frozen=True)
class Examples(Dataset[Example]):
    """The pictures of a part, one by one.

    Attributes:
        part: of a folder.
        channels: that pictures are brought to: 1 or 3.
        masks: whether masks are wanted.
        workers: processes that decode pictures; 0 for this one.
    """

    part: Part
    channels: int
    masks: bool
    workers: int = 0

    def __len__(self) -> int:
        return len(self.part)

    def __getitem__(self, index: int) -> Example:
        """A picture ``[C, H, W]`` from 0 to 1, and what there is in it.

        Raises:
            InputError: it cannot be decoded.
        """
        image = self.part.images[index]
        found = [
            one for one in self.part.annotations.get(image["id"], ()) if is_learnable(one, image)
        ]
        boxes = torch.tensor([corners(one, image) for one in found]).reshape(-1, 4)
        labels = [self.part.categories.index(one["category_id"]) + 1 for one in found]
        target = {"boxes": boxes, "labels": torch.tensor(labels, dtype=torch.int64)}
        if self.masks:
            target["masks"] = self._masks(found, image)
        return self._pixels(image), target

    def batches(self, batches: Sequence[Sequence[int]]) -> Iterator[list[Example]]:
        """The examples of each batch of places, in turn."""
        yield from DataLoader(
            self,
            batch_sampler=[list(batch) for batch in batches],
            num_workers=self.workers,
            collate_fn=list,
            generator=Generator(),  # the loader's own draws, of which nothing here makes use
        )

    def _pixels(self, image: Mapping[str, Any]) -> Tensor:
        path = self.part.folder / image["file_name"]
        try:
            with Image.open(path) as picture:
                pixels = np.asarray(picture.convert("L" if self.channels == 1 else "RGB"))
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path} cannot be decoded: {error}.", "Replace it, or remove its entry."
            ) from None
        shaped = pixels[None] if self.channels == 1 else pixels.transpose(2, 0, 1)
        return torch.from_numpy(shaped.astype(np.float32) / 255)

    def _masks(self, found: Sequence[Mapping[str, Any]], image: Mapping[str, Any]) -> Tensor:
        height, width = image["height"], image["width"]
        masks = [self._mask(one, height, width) for one in found]
        stacked = np.stack(masks) if masks else np.zeros((0, height, width), np.uint8)
        return torch.from_numpy(stacked)

    def _mask(self, thing: Mapping[str, Any], height: int, width: int) -> Any:  # noqa: ANN401 - an array
        try:
            return decoded(thing["segmentation"], height, width)
        except InputError as error:
            where = f"annotation {thing.get('id')} of image {thing['image_id']}"
            raise InputError(f"{self.part.folder}, {where}: {error.cause}", error.cure) from error


def decoded(segmentation: Any, height: int, width: int) -> Any:  # noqa: ANN401 - JSON; an array
    """Polygons or run lengths as a mask ``[height, width]`` of 0 and 1."""
    from pycocotools import mask  # noqa: PLC0415 - an extra

    try:
        if isinstance(segmentation, list):
            coded = mask.merge(mask.frPyObjects(segmentation, height, width))
        elif isinstance(segmentation["counts"], list):
            coded = mask.frPyObjects(segmentation, height, width)
        else:
            coded = segmentation
        found = mask.decode(coded)
    except Exception as error:
        raise InputError(
            f"A segmentation cannot be decoded: {error!r}.",
            "Write it as polygons or as run lengths, as pycocotools reads them.",
        ) from error
    if found.shape != (height, width):
        raise InputError(
            f"A segmentation is of {found.shape[1]} x {found.shape[0]} pixels, its picture of "
            f"{width} x {height}.",
            "Write the masks of this very picture.",
        )
    return np.ascontiguousarray(found)


def mirrored(example: Example) -> Example:
    """The picture, its boxes and masks, left and right exchanged."""
    pixels, target = example
    boxes = target["boxes"].clone()
    boxes[:, [0, 2]] = pixels.shape[-1] - target["boxes"][:, [2, 0]]
    changed = {**target, "boxes": boxes}
    if "masks" in target:
        changed["masks"] = target["masks"].flip(-1)
    return pixels.flip(-1), changed
