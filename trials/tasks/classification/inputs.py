"""From an image file to what a network is given, in training and ever after alike.

Torch is loaded where pixels are handled. Axes: B batch, C channels, S edge of the network's square.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from trials.tasks.classification.data.fit import fit
from trials.tasks.classification.data.picture import read_image
from trials.tasks.classification.data.raw import Pixels

if TYPE_CHECKING:
    from torch import Tensor

WHOLE = 1.0
"""Share of the shorter edge where the largest square is taken, as of images that are prepared."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """How images are made ready for a network.

    Attributes:
        channels: 1 for grey, 3 for colour; images of the other kind are converted.
        size: edge of the square that the network takes, in pixels.
        mean: by channel, on a scale from 0 (black) to 1.
        std: standard deviation by channel, likewise.
        crop_share: edge of the square in the middle of an image, as a share of its shorter edge:
            `WHOLE`, or the smaller one of trainings that crop their images from files.
    """

    channels: int
    size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    crop_share: float = WHOLE

    def read(self, path: Path) -> Pixels:
        """An image file as uint8 ``[C, S, S]``.

        Raises:
            InputError: the file cannot be decoded.
        """
        pixels = read_image(path, self.channels)
        if self.crop_share == WHOLE:
            return fit(pixels, self.size)
        import torch  # noqa: PLC0415 - asking for what is known of inputs loads nothing

        from trials.tasks.classification.per_image import for_measuring  # noqa: PLC0415 - likewise

        cut: Tensor = for_measuring(self.size)(torch.from_numpy(pixels.copy()))
        return cut.numpy()

    def batch(self, images: Sequence[Pixels], device: str = "cpu") -> "Tensor":
        """Images of `read`, normalised, as float32 ``[B, C, S, S]``."""
        import torch  # noqa: PLC0415 - likewise

        from trials.tasks.classification.augment import normalise  # noqa: PLC0415 - likewise

        pixels = torch.from_numpy(np.stack(images)).to(device)
        mean, std = (torch.tensor(values, device=device) for values in (self.mean, self.std))
        return normalise(pixels, mean, std)
