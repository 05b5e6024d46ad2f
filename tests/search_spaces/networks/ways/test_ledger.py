"""Layers that share a warehouse share one gradient buffer, and autograd's answers stay the same."""

import gc
import itertools

import pytest
import torch
from torch import Tensor, nn

from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways import WAYS
from search_spaces.networks.ways.ledger import ledger_of, shared

NAMES = sorted(WAYS)


def geometry(*, whole: bool = False) -> Geometry:
    """A 3x3 convolution of four channels, cells of two by two."""
    return Geometry(
        in_channels=4,
        out_channels=4,
        groups=1,
        kernel=(3, 3),
        stride=(1, 1),
        padding=((1, 1), (1, 1)),
        dilation=(1, 1),
        blocks=(1 if whole else 9, 2, 2),
        cell_kernel=(3, 3) if whole else (1, 1),
    )


def operands(*, whole: bool = False) -> tuple[Tensor, Tensor, nn.Parameter]:
    generator = torch.Generator().manual_seed(0)

    def draw(*shape: int) -> Tensor:
        return torch.randn(shape, dtype=torch.float64, generator=generator)

    kernel = geometry(whole=whole).cell_kernel
    x, alpha = draw(3, 4, 4, 4), draw(3, geometry(whole=whole).mixtures, 5)
    return x.requires_grad_(), alpha.requires_grad_(), nn.Parameter(draw(5, 2, 2, *kernel))


def two_layers(
    ways: tuple[str, str], x: Tensor, alpha: Tensor, *cells: Tensor, whole: bool = False
) -> Tensor:
    """One layer after the other, with cells of their own or the same ones."""
    shape = geometry(whole=whole)
    first = WAYS[ways[0]](x, alpha, cells[0], shape)
    return WAYS[ways[1]](first.tanh(), alpha, cells[-1], shape).square().sum()


@pytest.mark.parametrize("whole", [False, True])
@pytest.mark.parametrize("ways", list(itertools.product(NAMES, NAMES)))
def test_gradients_are_those_of_cells_that_were_not_shared(
    ways: tuple[str, str],
    whole: bool,  # noqa: FBT001 - a parameter of pytest
) -> None:
    x, alpha, cells = operands(whole=whole)
    wanted = torch.autograd.grad(two_layers(ways, x, alpha, cells, whole=whole), (x, alpha, cells))
    views = [shared(cells).reshape(cells.shape) for _ in ways]
    got = torch.autograd.grad(two_layers(ways, x, alpha, *views, whole=whole), (x, alpha, cells))
    torch.testing.assert_close(got, wanted)


@pytest.mark.parametrize("name", NAMES)
def test_a_gradient_that_comes_the_usual_way_is_added(name: str) -> None:
    x, alpha, cells = operands()
    penalty = shared(cells).square().sum()
    loss = two_layers((name, name), x, alpha, shared(cells), shared(cells)) + penalty
    plain = two_layers((name, name), x, alpha, cells) + cells.square().sum()
    torch.testing.assert_close(torch.autograd.grad(loss, cells), torch.autograd.grad(plain, cells))


@pytest.mark.parametrize("name", NAMES)
def test_backward_passes_do_not_see_each_other(name: str) -> None:
    x, alpha, cells = operands()
    loss = two_layers((name, name), x, alpha, shared(cells), shared(cells))
    (wanted,) = torch.autograd.grad(two_layers((name, name), x, alpha, cells), cells)
    torch.autograd.grad(loss, x, retain_graph=True)  # the cells' node never runs
    for _ in range(2):
        (got,) = torch.autograd.grad(loss, cells, retain_graph=True)
        torch.testing.assert_close(got, wanted)
    torch.autograd.backward(loss)
    torch.autograd.backward(two_layers((name, name), x, alpha, shared(cells), shared(cells)))
    assert cells.grad is not None
    torch.testing.assert_close(cells.grad, 2 * wanted)


def test_one_forward_pass_shares_and_the_next_starts_anew() -> None:
    _, _, cells = operands()
    first = shared(cells)
    assert shared(cells) is first
    assert ledger_of(first) is ledger_of(shared(cells).reshape(cells.shape))
    assert ledger_of(first[:2]) is None
    del first
    gc.collect()
    assert ledger_of(cells) is None


def test_without_gradient_the_cells_are_left_alone() -> None:
    _, _, cells = operands()
    with torch.no_grad():
        assert shared(cells) is cells
    frozen = cells.detach()
    assert shared(frozen) is frozen


def test_an_optimizer_step_between_forward_and_backward_is_noticed() -> None:
    x, alpha, cells = operands()
    loss = two_layers(("mix-inputs", "assemble"), x, alpha, shared(cells))
    with torch.no_grad():
        cells.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        torch.autograd.grad(loss, x)
