"""A vision transformer whose linear layers are modules of their own, so that cells can stand in.

Dosovitskiy et al., "An Image is Worth 16x16 Words", ICLR 2021, in the form of Touvron et al. 2021
(DeiT). Layers have timm's names, so the weights that timm publishes load as they are. torchvision's
network keeps queries, keys and values in one parameter of ``nn.MultiheadAttention``, which is no
layer that could be swapped.

Axes: B batch, C channels of an image, T tokens (the class token, then patches by rows), D width.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.ops import StochasticDepth

_EPSILON = 1e-6
"""Of the layer norms, as in the published network."""

_SPREAD = 0.02
"""Standard deviation that linear layers, class token and positions start with."""

_WIDER = 4


class VisionTransformer(nn.Module):
    """Patches to tokens, blocks of attention and perceptron, and a classifier on the class token.

    Args:
        num_classes: outputs of the classifier.
        in_channels: channels of an input image.
        patch: height and width of a patch in pixels.
        grid: patches along each edge that positions are learned for; they are interpolated for
            images of another size.
        width: D, channels of a token.
        blocks: how many.
        heads: of the attention; they divide the width.
    """

    def __init__(
        self,
        num_classes: int,
        in_channels: int,
        *,
        patch: int,
        grid: int,
        width: int,
        blocks: int,
        heads: int,
    ) -> None:
        super().__init__()
        self.grid = (grid, grid)
        self.patch_embed = nn.Sequential()
        self.patch_embed.add_module("proj", nn.Conv2d(in_channels, width, patch, patch))
        self.cls_token = nn.Parameter(torch.empty(1, 1, width))
        self.pos_embed = nn.Parameter(torch.empty(1, grid * grid + 1, width))
        self.blocks = nn.Sequential(*(Block(width, heads) for _ in range(blocks)))
        self.norm = nn.LayerNorm(width, eps=_EPSILON)
        self.head = nn.Linear(width, num_classes)
        for start in (self.cls_token, self.pos_embed):
            nn.init.trunc_normal_(start, std=_SPREAD)
        for module in self.modules():
            if isinstance(module, nn.Linear):
                nn.init.trunc_normal_(module.weight, std=_SPREAD)
                nn.init.zeros_(module.bias)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, C, H, W]``, both edges multiples of a patch -> ``[B, num_classes]``."""
        patches = self.patch_embed(x)
        tokens = patches.flatten(2).transpose(1, 2)
        tokens = torch.cat((self.cls_token.expand(len(tokens), -1, -1), tokens), 1)
        tokens = tokens + self._positions((patches.shape[2], patches.shape[3]))
        logits: Tensor = self.head(self.norm(self.blocks(tokens))[:, 0])
        return logits

    def _positions(self, grid: tuple[int, int]) -> Tensor:
        """``[1, T, D]`` of a grid of patches: those learned, or interpolated between them."""
        if grid == self.grid:
            return self.pos_embed
        token, learned = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        plane = learned.transpose(1, 2).reshape(1, -1, *self.grid)
        plane = F.interpolate(plane, grid, mode="bicubic", antialias=True)
        return torch.cat((token, plane.flatten(2).transpose(1, 2)), 1)


class Block(nn.Module):
    """Attention, then a perceptron, each behind a norm and beside a residual; ``[B, T, D]``."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width, eps=_EPSILON)
        self.attn = SelfAttention(width, heads)
        self.norm2 = nn.LayerNorm(width, eps=_EPSILON)
        self.mlp = Perceptron(width)
        self.drop_path = StochasticDepth(0.0, "row")

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, D]``, the same out."""
        x = x + self.drop_path(self.attn(self.norm1(x)))
        y: Tensor = x + self.drop_path(self.mlp(self.norm2(x)))
        return y


class SelfAttention(nn.Module):
    """Every token looks at all of them; queries, keys and values come from one linear layer."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, D]``, the same out."""
        q, k, v = self.qkv(x).unflatten(2, (3, self.heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)
        mixed = F.scaled_dot_product_attention(q, k, v)
        y: Tensor = self.proj(mixed.transpose(1, 2).flatten(2))
        return y


class Perceptron(nn.Module):
    """Two linear layers around a fourfold width; ``[B, T, D]``."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(width, _WIDER * width)
        self.fc2 = nn.Linear(_WIDER * width, width)

    def forward(self, x: Tensor) -> Tensor:
        """``[B, T, D]``, the same out."""
        y: Tensor = self.fc2(F.gelu(self.fc1(x)))
        return y
