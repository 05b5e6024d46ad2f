"""Sites, their addresses, and a backbone as a table of them.

A *site* is one convolution or linear layer that a warehouse may serve. A *backbone* is everything
the arithmetic needs to know of a network: its sites in module order and what the rest of it costs.
Operator, plan and budget all read this one table.

MACs are multiply-accumulates of one image (a batch of one). Convolutions and linear layers count;
biases, norms, activations and pooling are left out.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from math import prod
from typing import Any, Literal, Self

SHARING_TOKENS = ("stage", "layer", "conv", "pwconv", "dwconv")
"""Address parts that can be merged. ``stage`` is ours; the others are upstream's."""

SHARING_RANGES: dict[str, tuple[str, ...]] = {
    "none": (),
    "layer": ("layer",),
    "stage": ("layer", "conv", "pwconv", "dwconv"),
    "network": ("stage", "layer", "conv", "pwconv", "dwconv"),
}
"""Sharing ranges by the name a study file uses, from a warehouse a site to one a group."""

SiteKind = Literal["conv", "linear"]
AttentionNorm = Literal["batch", "layer"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a site stands: parts such as ``("stage0", "layer2", "conv0")``.

    The text form joins the parts with underscores, as upstream names its warehouses.
    """

    parts: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``"stage0_layer2_conv0"``."""
        return cls(tuple(text.split("_")))

    @property
    def stage(self) -> str:
        """The first part, such as ``"stage0"``."""
        return self.parts[0]

    def merged(self, sharing_range: Iterable[str]) -> str:
        """Name of the warehouse that serves this site when ``sharing_range`` is merged.

        A part that starts with a token of ``sharing_range`` becomes that token, so two addresses
        that differ only there meet in one warehouse. Tokens are applied in their order (upstream
        walks a plain string letter by letter in the same way).
        """
        tokens = tuple(sharing_range)
        return "_".join(_merge_part(part, tokens) for part in self.parts)

    def __str__(self) -> str:
        return "_".join(self.parts)


def _merge_part(part: str, tokens: tuple[str, ...]) -> str:
    for token in tokens:
        if part.startswith(token):
            part = token
    return part


@dataclass(frozen=True, slots=True)
class Site:
    """One convolution or linear layer that a warehouse may serve.

    Attributes:
        name: module path in the network, such as ``"layer1.0.conv1"``.
        address: where it stands for sharing.
        kind: ``"conv"`` or ``"linear"`` (channels last, no kernel positions).
        in_channels: channels of its input, all groups together.
        out_channels: channels of its output, all groups together.
        kernel: size along each spatial axis; ``(1,)`` for a linear layer.
        groups: convolution groups.
        bias: whether the layer has its own bias, which stays with the layer.
        positions: output positions of one image at the backbone's input size.
        stride: step along each spatial axis; empty for a linear layer.
    """

    name: str
    address: Address
    kind: SiteKind
    in_channels: int
    out_channels: int
    kernel: tuple[int, ...]
    groups: int
    bias: bool
    positions: int
    stride: tuple[int, ...] = ()

    @property
    def group_in_channels(self) -> int:
        """Input channels one output channel sees."""
        return self.in_channels // self.groups

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """Shape ``(out, in / groups, *kernel)`` of the plain weight."""
        return (self.out_channels, self.group_in_channels, *self.kernel)

    @property
    def weight_params(self) -> int:
        """Parameters of the plain weight, without bias."""
        return prod(self.weight_shape)

    @property
    def conv_macs(self) -> int:
        """MACs of the plain layer for one image."""
        return self.weight_params * self.positions


@dataclass(frozen=True)
class Backbone:
    """A network as the arithmetic sees it.

    Attributes:
        name: shipped name, or ``"package.module:function"``.
        num_classes: outputs of the classifier.
        in_channels: channels of an input image.
        input_size: height and width of an input image, in pixels.
        sites: what warehouses may serve, in module order.
        plain_params: parameters outside the sites' weights (site biases are counted here).
        plain_macs: MACs of one image outside the sites.
        attention_norm: norm of the attention's hidden layer, ``"batch"`` or ``"layer"``.
        plain_layers: ``(module path, reason)`` of the layers that a warehouse could have been
            asked to serve and does not; told where a network was traced.
    """

    name: str
    num_classes: int
    in_channels: int
    input_size: tuple[int, int]
    sites: tuple[Site, ...]
    plain_params: int
    plain_macs: int
    attention_norm: AttentionNorm = "batch"
    plain_layers: tuple[tuple[str, str], ...] = ()

    @property
    def params(self) -> int:
        """Parameters of the plain network."""
        return self.plain_params + sum(site.weight_params for site in self.sites)

    @property
    def macs(self) -> int:
        """MACs of the plain network for one image."""
        return self.plain_macs + sum(site.conv_macs for site in self.sites)

    @cached_property
    def stages(self) -> tuple[str, ...]:
        """Stages that hold sites, in order of first appearance."""
        return tuple(dict.fromkeys(site.address.stage for site in self.sites))

    @cached_property
    def _hash(self) -> int:
        return hash((self.name, self.num_classes, self.in_channels, self.input_size, self.sites))

    def __hash__(self) -> int:
        return self._hash

    @cached_property
    def digest(self) -> str:
        """SHA-256 of everything that shapes the parameters; the input size is left out."""
        table = self.to_dict()
        del table["input_size"], table["plain_macs"], table["plain_layers"]
        for site in table["sites"]:
            del site["positions"]
        text = json.dumps(table, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Plain values that ``from_dict`` reads back."""
        table = asdict(self)
        for row, site in zip(table["sites"], self.sites, strict=True):
            row["address"] = str(site.address)
        return table

    @classmethod
    def from_dict(cls, table: dict[str, Any]) -> Self:
        """Read what ``to_dict`` wrote, also after a round trip through JSON."""
        sites = tuple(
            Site(
                **{
                    **row,
                    "address": Address.parse(row["address"]),
                    "kernel": tuple(row["kernel"]),
                    "stride": tuple(row["stride"]),
                }
            )
            for row in table["sites"]
        )
        plain = tuple((path, reason) for path, reason in table.get("plain_layers", ()))
        rest = {"input_size": tuple(table["input_size"]), "plain_layers": plain}
        return cls(**{**table, "sites": sites, **rest})
