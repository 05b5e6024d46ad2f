"""What a way of computing needs to know of a layer: sizes only, no tensors.

Axes are spatial axes in the order of the layer's input: one for `Conv1d` and linear layers, two for
`Conv2d`, three for `Conv3d`.
"""

from dataclasses import dataclass
from math import prod
from types import MethodType
from typing import Self

from torch import nn
from torch.nn.utils import parametrize

from search_spaces.errors import InfeasibleError
from search_spaces.warehouse import SitePlan

Padding = tuple[tuple[int, int], ...]

_SERVABLE = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Linear)


@dataclass(frozen=True, slots=True)
class Geometry:
    """Sizes of one served layer.

    Attributes:
        in_channels: channels of the input, all groups together.
        out_channels: channels of the output, all groups together.
        groups: convolution groups.
        kernel: kernel size along each axis.
        stride: step along each axis.
        padding: zeros ``(before, after)`` along each axis; the two may differ.
        dilation: spacing of kernel points along each axis.
        blocks: ``(s, og, ig)``: kernel positions, output blocks and input blocks that the kernel
            is cut into. Output blocks run over all groups, input blocks inside one.
        cell_kernel: kernel of a cell along each axis; all ones, or equal to ``kernel``.
    """

    in_channels: int
    out_channels: int
    groups: int
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: Padding
    dilation: tuple[int, ...]
    blocks: tuple[int, int, int]
    cell_kernel: tuple[int, ...]

    @property
    def dims(self) -> int:
        """Number of spatial axes."""
        return len(self.kernel)

    @property
    def mixtures(self) -> int:
        """Pieces that the kernel is cut into, in the order (position, output, input block)."""
        return prod(self.blocks)

    @property
    def cell_out(self) -> int:
        """Output channels of a cell."""
        return self.out_channels // self.blocks[1]

    @property
    def cell_in(self) -> int:
        """Input channels of a cell."""
        return self.in_channels // self.groups // self.blocks[2]

    @property
    def even_padding(self) -> tuple[int, ...] | None:
        """Padding along each axis where both sides agree on every axis, else None."""
        if any(before != after for before, after in self.padding):
            return None
        return tuple(before for before, _ in self.padding)

    def out_size(self, size: tuple[int, ...]) -> tuple[int, ...]:
        """Output size along each axis for an input of ``size``."""
        axes = zip(size, self.kernel, self.stride, self.padding, self.dilation, strict=True)
        return tuple(
            (edge + before + after - dilation * (kernel - 1) - 1) // stride + 1
            for edge, kernel, stride, (before, after), dilation in axes
        )

    @classmethod
    def of(cls, plan: SitePlan, layer: nn.Module) -> Self:
        """Sizes of the plain ``layer`` that ``plan`` serves.

        Raises:
            InfeasibleError: the layer is of a kind that cells cannot stand in for.
        """
        refuse_unservable(plan.site.name, layer)
        kernel = plan.site.kernel
        whole = plan.blocks[0] == 1
        cell_kernel = kernel if whole else (1,) * len(kernel)
        if isinstance(layer, nn.Linear):
            return cls(
                in_channels=layer.in_features,
                out_channels=layer.out_features,
                groups=1,
                kernel=(1,),
                stride=(1,),
                padding=((0, 0),),
                dilation=(1,),
                blocks=plan.blocks,
                cell_kernel=(1,),
            )
        if not isinstance(layer, nn.Conv1d | nn.Conv2d | nn.Conv3d):
            raise TypeError(layer)
        return cls(
            in_channels=layer.in_channels,
            out_channels=layer.out_channels,
            groups=layer.groups,
            kernel=layer.kernel_size,
            stride=layer.stride,
            padding=padding_pairs(layer),
            dilation=layer.dilation,
            blocks=plan.blocks,
            cell_kernel=cell_kernel,
        )


def padding_pairs(layer: nn.Conv1d | nn.Conv2d | nn.Conv3d) -> Padding:
    """Zeros before and after each axis; of an odd total, "same" puts the larger part after."""
    if layer.padding == "valid":
        return ((0, 0),) * len(layer.kernel_size)
    if layer.padding == "same":
        totals = [d * (k - 1) for d, k in zip(layer.dilation, layer.kernel_size, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    return tuple((int(edge), int(edge)) for edge in layer.padding)


def refuse_unservable(name: str, layer: nn.Module) -> None:
    """Check that cells can stand in for the weight of ``layer``.

    Raises:
        InfeasibleError: naming the site and the trait that stands in the way.
    """
    trait = obstacle(layer)
    if trait:
        raise InfeasibleError(
            f"Site {name!r} cannot be served by a warehouse: {trait}.",
            f"Exclude {name!r} from the sites, so that it stays plain.",
        )


def obstacle(layer: nn.Module) -> str | None:
    """The trait that keeps cells from standing in for the weight of ``layer``, or None."""
    kind = type(layer).__name__
    base = next((b for b in _SERVABLE if isinstance(layer, b)), None)
    if base is None:
        return f"it is a {kind}, neither a 1-d to 3-d convolution nor a linear layer"
    if layer.forward != MethodType(base.forward, layer):
        return f"{kind} computes its output in a way of its own"
    if parametrize.is_parametrized(layer) or layer._forward_pre_hooks:  # noqa: SLF001 - torch offers no public reading of hooks
        return "its weight is rewritten before each use (a parametrization or a hook)"
    mode = getattr(layer, "padding_mode", "zeros")
    if mode != "zeros":
        return f"its padding_mode is {mode!r}, and only 'zeros' is computed"
    return None
