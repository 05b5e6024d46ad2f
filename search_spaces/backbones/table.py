"""Adds up a backbone's table layer by layer, with the spatial size that each layer sees."""

from dataclasses import dataclass, field
from math import prod

from search_spaces.sites import Address, AttentionNorm, Backbone, Site

Size = tuple[int, int]


def conv_size(size: Size, kernel: int, stride: int = 1, padding: int = 0) -> Size:
    """Output height and width of a convolution or pooling over ``size``."""
    height, width = ((edge + 2 * padding - kernel) // stride + 1 for edge in size)
    return height, width


@dataclass
class TableBuilder:
    """Collects sites and plain costs in module order.

    ``size`` is the running height and width. Plain layers move it on; a site does so only where
    its result is assigned, because a shortcut sees the size at the start of its block.
    """

    size: Size
    sites: list[Site] = field(default_factory=list)
    plain_params: int = 0
    plain_macs: int = 0

    def plain_conv(
        self,
        channels: tuple[int, int],
        kernel: int,
        *,
        stride: int = 1,
        padding: int = 0,
        bias: bool = False,
    ) -> None:
        """A convolution that no warehouse serves; moves ``size`` on."""
        self.size = conv_size(self.size, kernel, stride, padding)
        weight = channels[1] * channels[0] * kernel * kernel
        self.plain_params += weight + channels[1] * bias
        self.plain_macs += weight * prod(self.size)

    def norm(self, channels: int) -> None:
        """Weight and bias of a batch or layer norm."""
        self.plain_params += 2 * channels

    def scale(self, channels: int) -> None:
        """One learned factor per channel."""
        self.plain_params += channels

    def parameter(self, numbers: int) -> None:
        """Learned numbers that are added or put in, and cost no MACs."""
        self.plain_params += numbers

    def products(self, macs: int) -> None:
        """Products of activations with one another, as in the attention of a transformer."""
        self.plain_macs += macs

    def pool(self, kernel: int, stride: int, padding: int = 0) -> None:
        """A pooling layer: no cost, but ``size`` moves on."""
        self.size = conv_size(self.size, kernel, stride, padding)

    def plain_linear(self, channels: tuple[int, int]) -> None:
        """A linear layer with bias on one position."""
        self.plain_params += channels[0] * channels[1] + channels[1]
        self.plain_macs += channels[0] * channels[1]

    def site(
        self,
        name: str,
        address: str,
        channels: tuple[int, int],
        kernel: int,
        *,
        at: Size | None = None,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        bias: bool = False,
    ) -> Size:
        """A convolution that a warehouse may serve, over ``size`` or ``at``.

        Returns:
            Its output size; ``size`` does not move.
        """
        out = conv_size(at or self.size, kernel, stride, padding)
        self.sites.append(
            Site(
                name=name,
                address=Address.parse(address),
                kind="conv",
                in_channels=channels[0],
                out_channels=channels[1],
                kernel=(kernel, kernel),
                groups=groups,
                bias=bias,
                positions=prod(out),
                stride=(stride, stride),
            )
        )
        self.plain_params += channels[1] * bias
        return out

    def linear_site(
        self,
        name: str,
        address: str,
        channels: tuple[int, int],
        *,
        kernel: tuple[int, ...],
        positions: int | None = None,
    ) -> None:
        """A linear layer with bias that a warehouse may serve.

        Args:
            name: module path.
            address: where it stands for sharing.
            channels: input and output channels.
            kernel: ones, as many as its cells have kernel axes: two for a layer on every position
                of a feature map, one for a layer on pooled features or on tokens.
            positions: how often it is computed for one image; ``size``'s or 1, by the kernel, if
                None.
        """
        self.sites.append(
            Site(
                name=name,
                address=Address.parse(address),
                kind="linear",
                in_channels=channels[0],
                out_channels=channels[1],
                kernel=kernel,
                groups=1,
                bias=True,
                positions=self._positions(kernel) if positions is None else positions,
            )
        )
        self.plain_params += channels[1]

    def _positions(self, kernel: tuple[int, ...]) -> int:
        return prod(self.size) if len(kernel) == len(self.size) else 1

    def backbone(
        self,
        name: str,
        num_classes: int,
        in_channels: int,
        input_size: Size,
        attention_norm: AttentionNorm = "batch",
    ) -> Backbone:
        """The finished table."""
        return Backbone(
            name=name,
            num_classes=num_classes,
            in_channels=in_channels,
            input_size=input_size,
            sites=tuple(self.sites),
            plain_params=self.plain_params,
            plain_macs=self.plain_macs,
            attention_norm=attention_norm,
        )
