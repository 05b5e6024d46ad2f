"""Bands of a layer, computed at once: a GPU has few large products, and the result is the same."""

from collections import Counter
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.bands import bands
from search_spaces.networks.ways.contraction import Order, contract
from search_spaces.networks.ways.lowering import lower
from search_spaces.networks.ways.mix_inputs import MixInputs
from search_spaces.networks.ways.mix_outputs import MixOutputs
from search_spaces.networks.ways.mixing import stacks
from search_spaces.networks.ways.textbook import textbook

ORDERS = [MixInputs, MixOutputs]
ANY = 2**30


def conv(*, stride: int = 1, dilation: int = 1, groups: int = 1) -> Geometry:
    """A 3x3 convolution in two output and input blocks a group, cells of two by three channels."""
    return Geometry(
        in_channels=groups * 6,
        out_channels=groups * 4,
        groups=groups,
        kernel=(3, 3),
        stride=(stride, stride),
        padding=((1, 2), (1, 0)),
        dilation=(dilation, dilation),
        blocks=(9, groups * 2, 2),
        cell_kernel=(1, 1),
    )


def operands(geometry: Geometry, size: tuple[int, int]) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, dtype=torch.float64, generator=generator).requires_grad_()

    x = draw(2, geometry.in_channels, *size)
    return x, draw(2, geometry.mixtures, 5), draw(5, geometry.cell_out, geometry.cell_in, 1, 1)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("keep", [ANY, 3000])
@pytest.mark.parametrize(
    "geometry",
    [conv(), conv(stride=2), conv(dilation=2), conv(groups=3)],
    ids=["plain", "stride", "dilation", "groups"],
)
def test_rows_that_join_the_batch_give_the_textbook_result(
    order: type[MixInputs | MixOutputs], keep: int, geometry: Geometry
) -> None:
    """Outputs and all gradients; with what was formed kept, or formed again."""
    tensors = operands(geometry, (18, 17))
    assert len(bands(lower(geometry, (18, 17)))) > 1
    y = contract(*tensors, geometry, order(keep, stack=True))
    expected = textbook(*tensors, geometry)
    grad = torch.randn(y.shape, dtype=y.dtype, generator=torch.Generator().manual_seed(1))
    torch.testing.assert_close(y, expected, atol=1e-10, rtol=0)
    torch.testing.assert_close(
        torch.autograd.grad(y, tensors, grad),
        torch.autograd.grad(expected, tensors, grad),
        atol=1e-10,
        rtol=0,
    )


class Counting(TorchDispatchMode):
    """Counts what is computed."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Count and go on."""
        self.seen[str(func)] += 1
        return func(*args, **kwargs or {})


def operations(order: Order, size: int) -> int:
    """Operations of a forward and a backward pass, once scratch memory is there."""
    tensors = operands(conv(), (size, size))
    for _ in range(2):
        with Counting() as counting:
            torch.autograd.grad(contract(*tensors, conv(), order).sum(), tensors)
    return counting.seen.total()


@pytest.mark.parametrize("order", ORDERS)
def test_operations_do_not_grow_with_the_number_of_bands(
    order: type[MixInputs | MixOutputs],
) -> None:
    """One band after the other they do, as is quick on a CPU."""
    few, many = (operations(order(ANY, stack=True), size) for size in (18, 36))
    assert few == many
    few, many = (operations(order(ANY), size) for size in (18, 36))
    assert many > few + 36


def test_accelerators_compute_bands_at_once_and_cpus_do_not() -> None:
    assert stacks(torch.device("cuda"))
    assert not stacks(torch.device("cpu"))
