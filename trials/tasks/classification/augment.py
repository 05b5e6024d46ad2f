"""Augmentation of a whole batch at once, each image its own draw.

Axes: B batch, C channels, H height, W width. Random numbers come from a generator on the CPU, so a
seed draws the same crops on every device.
"""

import torch
from torch import Generator, Tensor
from torch.nn import functional

WHOLE = slice(None)


def crop_at(images: Tensor, padding: int, top: Tensor, left: Tensor) -> Tensor:
    """Pad with black and cut the original size out again.

    Args:
        images: ``[B, C, H, W]``.
        padding: pixels added on each side.
        top: first row of each crop in the padded image, int64 ``[B]``, 0 to ``2 * padding``.
        left: first column, likewise.

    Returns:
        ``[B, C, H, W]`` of the same type.
    """
    batch, channels, height, width = images.shape
    device = images.device
    padded = functional.pad(images, (padding,) * 4)
    rows = (top.to(device)[:, None] + torch.arange(height, device=device))[:, None, :, None]
    columns = (left.to(device)[:, None] + torch.arange(width, device=device))[:, None, None, :]
    image = torch.arange(batch, device=device)[:, None, None, None]
    channel = torch.arange(channels, device=device)[None, :, None, None]
    return padded[image, channel, rows, columns]


def mirror_where(images: Tensor, chosen: Tensor) -> Tensor:
    """Mirror the chosen images ``[B, C, H, W]`` left to right; ``chosen`` is bool ``[B]``."""
    return torch.where(chosen.to(images.device)[:, None, None, None], images.flip(-1), images)


def augment(
    images: Tensor,
    generator: Generator,
    *,
    padding: int,
    flip: bool,
    batch: int | None = None,
    part: slice = WHOLE,
) -> Tensor:
    """Random crop of the padded images, then a mirror image of about half of them.

    Args:
        images: ``[B, C, H, W]`` of any type.
        generator: on the CPU; draws nothing for what is switched off.
        padding: largest shift in pixels; 0 for no crop.
        flip: whether to mirror.
        batch: images to draw for, where ``images`` are only a part of them.
        part: which of them they are.
    """
    batch = len(images) if batch is None else batch
    if padding:
        top, left = torch.randint(2 * padding + 1, (2, batch), generator=generator)
        images = crop_at(images, padding, top[part], left[part])
    if flip:
        chosen = torch.randint(2, (batch,), generator=generator).bool()
        images = mirror_where(images, chosen[part])
    return images


def normalise(images: Tensor, mean: Tensor, std: Tensor) -> Tensor:
    """Bring uint8 images ``[B, C, H, W]`` to mean 0 and deviation 1 by channel, as float32.

    Args:
        images: 0 to 255.
        mean: ``[C]``, on a scale from 0 to 1.
        std: ``[C]``, on that scale.
    """
    scale = (1 / (255 * std))[:, None, None]
    return images * scale - (mean / std)[:, None, None]
