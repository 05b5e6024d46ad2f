"""Launch the Triton kernels of a layer: where they run, with which tiles and sizes.

Axes and shapes as in `search_spaces.networks.ways.kernels`.
"""

import os
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.util import find_spec
from math import prod
from typing import Any, NamedTuple

import torch
from torch import Tensor

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.lowering import Lowering, lower
from search_spaces.networks.ways.matmul import sum_type

CAPABILITY = (8, 0)
"""Oldest NVIDIA architecture whose tensor cores multiply bfloat16."""

TYPES = (torch.bfloat16, torch.float16, torch.float32)
"""Types that every supported Triton multiplies; 3.6 has no product in double precision."""

DEEP = 128
"""Bytes of a tile along the axis that is summed over, at most."""


def refusal(device: torch.device, dtype: torch.dtype) -> str:
    """Why Triton multiplies nothing of this type on this device; empty if it does.

    On a CPU kernels run in Triton's interpreter, which is for tests: ``TRITON_INTERPRET=1``.
    """
    if not _installed():
        return "Triton is not installed"
    if os.environ.get("TRITON_INTERPRET") == "1":
        return ""
    if device.type != "cuda":
        return f"Triton compiles nothing for the device {device.type!r}"
    if dtype not in TYPES:
        return f"Triton multiplies no matrices of {dtype}"
    return _refusal_of_card(torch.cuda.current_device() if device.index is None else device.index)


def failure(device: torch.device) -> str:
    """What goes wrong when the smallest kernel runs on this device; empty if nothing does.

    Triton builds a launcher with a C compiler and Python's headers, which a machine may lack.
    """
    point = Geometry(
        in_channels=1, out_channels=1, groups=1, kernel=(1, 1), stride=(1, 1),
        padding=((0, 0), (0, 0)), dilation=(1, 1), blocks=(1, 1, 1), cell_kernel=(1, 1),
    )  # fmt: skip
    try:
        x, w = (torch.full((1, 1, 1, 1, 1), value, device=device) for value in (2.0, 3.0))
        y = torch.zeros((1, 1, 1, 1), device=device)
        Kernels(lower(point, (1, 1)), 1, y.dtype).convolve(x, w, y)
        found, wanted = y.item(), x.item() * w.item()
    except Exception as error:  # noqa: BLE001 - whatever it is, other ways compute the layer
        return f"Triton fails here ({' '.join(str(error).split())[:200]})"
    return "" if found == wanted else f"Triton takes 2 times 3 for {found:g} here"


@cache
def _installed() -> bool:
    return find_spec("triton") is not None


@cache
def _refusal_of_card(index: int) -> str:
    capability = torch.cuda.get_device_capability(index)
    if torch.version.hip is None and capability < CAPABILITY:
        found, least = (".".join(map(str, version)) for version in (capability, CAPABILITY))
        return f"the card's compute capability is {found}, and {least} is needed"
    return failure(torch.device("cuda", index))


class Tiles(NamedTuple):
    """A product's tile: rows, columns, and the axis that is summed over; and its launch."""

    rows: int
    columns: int
    deep: int
    warps: int
    stages: int

    @classmethod
    def of(cls, rows: int, columns: int, deep: int, element: int) -> "Tiles":
        """Tiles for a product of that size, of values of ``element`` bytes.

        Three stages of two operands of 128 rows and 128 bytes fit a card's shared memory, 96 KiB.
        """
        m, n = _fitting(rows, 128), _fitting(columns, 128)
        return cls(m, n, _fitting(deep, max(16, DEEP // element)), 8 if m * n > 2**13 else 4, 3)

    def options(self) -> dict[str, int]:
        """As Triton wants them."""
        names = ("BM", "BN", "BK", "num_warps", "num_stages")
        return dict(zip(names, self, strict=True))


def _fitting(size: int, most: int) -> int:
    """The power of two that holds ``size``, from 16 to ``most``."""
    return min(most, max(16, 1 << (size - 1).bit_length()))


@dataclass(frozen=True)
class Kernels:
    """The kernels, as one layer launches them on samples of one type.

    Attributes:
        low: the layer's sizes.
        cells: cells of the warehouse, N.
        dtype: type of the operands.
    """

    low: Lowering
    cells: int
    dtype: torch.dtype

    def convolve(self, x: Tensor, w: Tensor, y: Tensor) -> None:
        """Write y ``[Q, H, p, a]``, given x ``[B, *spatial, I]`` and w ``[Q, p, J, a, D]``."""
        tiles = self._tiles(self.low.positions, self._columns, self.low.geometry.cell_in)
        self._launch("convolve", len(y), self._count(tiles, self.low.positions, self._columns),
                     (x, w, y), (*self._space, *self._layer), tiles)  # fmt: skip

    def input_gradient(self, dy: Tensor, w: Tensor, dx: Tensor) -> None:
        """Write the gradient of x, given that of y."""
        rows, columns = self.low.input_positions, self._channels
        tiles = self._tiles(rows, columns, self.low.geometry.cell_out)
        self._launch("convolve_input_gradient", len(dy), self._count(tiles, rows, columns),
                     (dy, w, dx), (*self._space, *self._layer), tiles)  # fmt: skip

    def kernel_gradient(self, x: Tensor, dy: Tensor, dw: Tensor) -> None:
        """Write the gradient of w, given that of y."""
        rows, columns = self._columns, self._channels
        tiles = self._tiles(rows, columns, self.low.positions)
        count = self.low.live * self._count(tiles, rows, columns)
        self._launch("convolve_kernel_gradient", len(dy), count,
                     (x, dy, dw), (*self._space, *self._layer), tiles)  # fmt: skip

    def mix(self, x: Tensor, attention: Tensor, mixed: Tensor) -> None:
        """Write mixed input ``[Q, H, p, N, D]``, given x and attention ``[Q, p, J, N]``."""
        c = self.low.geometry.cell_in
        tiles = self._tiles(self._rows, c, self.low.mixed)
        count = self._pairs * self._count(tiles, self._rows, c)
        self._launch("mix", len(attention), count, (x, attention, mixed),
                     (*self._space, *self._mixing), tiles)  # fmt: skip

    def attention_gradient(self, x: Tensor, dmixed: Tensor, dattention: Tensor) -> None:
        """Write the gradient of attention, given that of mixed input."""
        tiles = self._tiles(self._rows, self.low.mixed, self.low.geometry.cell_in)
        count = self._count(tiles, self._rows, self.low.mixed)
        self._launch("mix_attention_gradient", len(dattention), count, (x, dmixed, dattention),
                     (*self._space, *self._mixing), tiles)  # fmt: skip

    def mixed_input_gradient(self, attention: Tensor, dmixed: Tensor, dx: Tensor) -> None:
        """Write the gradient of x, given that of mixed input; the patches' is in between."""
        low, q, c = self.low, len(attention), self.low.geometry.cell_in
        dpatches = dmixed.new_empty((q, low.positions, low.mixed, low.depth))
        tiles = self._tiles(low.mixed, c, self._rows)
        count = self._pairs * self._count(tiles, low.mixed, c)
        sizes = (*self._space[:3], *self._space[-3:], *self._mixing[1:])
        self._launch("mix_patches_gradient", q, count, (attention, dmixed, dpatches), sizes, tiles)
        rows, columns = low.input_positions, self._channels
        tiles = Tiles(_fitting(rows, 32), _fitting(columns, 128), 16, 4, 2)
        groups, blocks, _ = low.channels
        sizes = (*self._space, groups, blocks, c)
        self._launch("fold", q, self._count(tiles, rows, columns), (dpatches, dx), sizes, tiles)

    @cached_property
    def _space(self) -> tuple[int, ...]:
        """Sizes of output and input, then strides, starts, dilations and live kernel positions."""
        axes, absent = self.low.axes, 3 - len(self.low.axes)

        def three(missing: int, *values: int) -> tuple[int, ...]:
            return (*(missing,) * absent, *values)

        return (
            *three(1, *(axis.out for axis in axes)),
            *three(1, *(axis.size for axis in axes)),
            *three(1, *(axis.stride for axis in axes)),
            *three(0, *(axis.start for axis in axes)),
            *three(1, *(axis.dilation for axis in axes)),
            *three(1, *(axis.live for axis in axes)),
        )

    @cached_property
    def _columns(self) -> int:
        """Output channels of a group."""
        return self.low.group_blocks * self.low.geometry.cell_out

    @cached_property
    def _channels(self) -> int:
        """Input channels of a group."""
        return prod(self.low.channels[1:])

    @cached_property
    def _rows(self) -> int:
        """Rows of mixed input at one position: p N."""
        return self.low.group_blocks * self.cells

    @cached_property
    def _pairs(self) -> int:
        """Output positions times kernel positions inside a cell."""
        return self.low.positions * self.low.points

    @cached_property
    def _layer(self) -> tuple[int, ...]:
        """Groups, input and output blocks of a group, channels in and out of a cell."""
        (groups, blocks, c), parts = self.low.channels, self.low.group_blocks
        return groups, blocks, parts, c, self.low.geometry.cell_out

    @cached_property
    def _mixing(self) -> tuple[int, ...]:
        """Groups, input and output blocks of a group, channels in of a cell, and cells."""
        (groups, blocks, c), parts = self.low.channels, self.low.group_blocks
        return groups, blocks, parts, c, self.cells

    def _tiles(self, rows: int, columns: int, deep: int) -> Tiles:
        return Tiles.of(rows, columns, deep, self.dtype.itemsize)

    @staticmethod
    def _count(tiles: Tiles, rows: int, columns: int) -> int:
        return -(-rows // tiles.rows) * -(-columns // tiles.columns)

    def _launch(  # noqa: PLR0917 - each is another part of one launch
        self,
        name: str,
        samples: int,
        count: int,
        tensors: tuple[Tensor, ...],
        sizes: tuple[int, ...],
        tiles: Tiles,
    ) -> None:
        from search_spaces.networks.ways import kernels  # noqa: PLC0415 - it imports Triton

        double = sum_type(self.dtype) == torch.float64
        options: dict[str, Any] = {
            **tiles.options(),
            "CUT": not self.low.whole,
            "SUM": kernels.DOUBLE if double else kernels.SINGLE,
            "PRECISION": _precision(self.dtype),
        }
        if name == "fold":
            del options["BK"], options["PRECISION"]
        with torch.cuda.device_of(tensors[0]):  # type: ignore[no-untyped-call]  # torch left it untyped
            getattr(kernels, name)[(samples * count,)](*tensors, *sizes, **options)


def _precision(dtype: torch.dtype) -> str:
    """How tensor cores multiply single precision: as torch's own products do."""
    found: str = torch.backends.cuda.matmul.fp32_precision
    return "tf32" if dtype == torch.float32 and found == "tf32" else "ieee"
