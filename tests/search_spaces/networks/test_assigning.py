"""Attention that starts with cells assigned: what each site then is, and that it can learn."""

from collections import Counter
from dataclasses import replace
from itertools import product
from math import prod

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from search_spaces import InfeasibleError, InputError, NetworkConfig, plan_network
from search_spaces.backbones import shipped
from search_spaces.networks import assign_cells, build
from search_spaces.networks.assigning import ASSIGNED_SHARE
from search_spaces.networks.attention import Attention
from search_spaces.networks.backbones import plain_network
from search_spaces.networks.layer import KWConv, KWLinear
from search_spaces.sites import SHARING_RANGES, AttentionNorm
from search_spaces.warehouse import Plan, SitePlan

NORMS: st.SearchStrategy[AttentionNorm] = st.sampled_from(("batch", "layer"))


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any small network; the narrow warehouses of small multipliers leave runs empty."""
    config = NetworkConfig(
        backbone=draw(st.sampled_from(("resnet8x0.25", "resnet8x0.5"))),
        num_classes=3,
        cell_num_ratio=draw(st.one_of(st.floats(0.005, 4), st.sampled_from((0.01, 1 / 3, 1, 2.7)))),
        cell_inplane_ratio=draw(st.sampled_from((0.25, 0.5, 1.0))),
        cell_outplane_ratio=draw(st.sampled_from((0.25, 0.5, 1.0))),
        nonlocal_basis_ratio=draw(st.sampled_from((0.5, 1.0))),
        sharing_range=draw(st.sampled_from(list(SHARING_RANGES.values()))),
        spatial_partition=draw(st.booleans()),
    )
    table = shipped(config.backbone, config.num_classes)
    try:
        return plan_network(config, replace(table, attention_norm=draw(NORMS)))
    except InfeasibleError:
        assume(False)  # noqa: FBT003 - the name of the function says what is assumed
        raise


def assigned(plan: Plan, seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    network = build(plan).double()
    assign_cells(network)
    return network


def layer_of(network: nn.Module, served: SitePlan) -> KWConv | KWLinear:
    layer = network.get_submodule(served.site.name)
    assert isinstance(layer, KWConv | KWLinear)
    return layer


def shares(network: nn.Module, served: SitePlan, seed: int) -> Tensor:
    """``[B, M, N]`` for random inputs."""
    random = torch.Generator().manual_seed(seed)
    x = torch.randn(3, served.site.in_channels, 2, 2, generator=random, dtype=torch.float64)
    return layer_of(network, served).attention(x)


@given(plans(), st.integers(0, 9))
@settings(max_examples=20)
def test_every_row_is_one_signed_cell_whatever_the_input(plan: Plan, seed: int) -> None:
    """Beta's cell where it names one, else one of the run, or of all where the run is empty."""
    network = assigned(plan, seed)
    for served in plan.sites:
        rows = shares(network, served, seed)
        assert torch.equal(rows, rows[:1].expand_as(rows))
        assert torch.equal(rows, shares(network, served, seed + 1))
        sizes = rows[0].abs()
        torch.testing.assert_close(
            sizes.sum(1), torch.full((served.mixtures,), ASSIGNED_SHARE).double()
        )
        assert bool(((sizes > 0).sum(1) == 1).all())
        run = range(served.start, served.start + served.owned) or range(served.cells)
        drawn: Counter[int] = Counter()
        for row, cell in zip(rows[0], served.beta_rows(), strict=True):
            found = int(row.abs().argmax())
            if cell < served.cells:
                assert found == cell
                assert row[found] > 0
            else:
                assert found in run
                drawn[found] += 1
        if drawn:
            assert max(drawn.values()) - min(drawn[cell] for cell in run) <= 1


def kernel_of(layer: KWConv | KWLinear, rows: Tensor) -> Tensor:
    """The kernel that a site has for shares ``[M, N]``, laid out piece by piece."""
    g = layer.geometry
    cells = layer.warehouse.cells.detach().reshape(-1, g.cell_out, g.cell_in, *g.cell_kernel)
    points = prod(g.kernel) // g.blocks[0]
    kernel = torch.zeros(g.out_channels, g.in_channels // g.groups, prod(g.kernel)).double()
    for row, (s, o, i) in zip(rows, product(*map(range, g.blocks)), strict=True):
        outs = slice(o * g.cell_out, (o + 1) * g.cell_out)
        ins = slice(i * g.cell_in, (i + 1) * g.cell_in)
        at = slice(s * points, (s + 1) * points)
        kernel[outs, ins, at] = torch.tensordot(row, cells, 1).flatten(2)
    return kernel.reshape(*kernel.shape[:2], *g.kernel)


@given(plans(), st.booleans())
@settings(max_examples=8)
def test_the_network_is_the_plain_one_with_those_kernels(plan: Plan, training: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    """In training mode and in evaluation mode."""
    network = assigned(plan).train(training)
    plain = plain_network(plan.backbone).double().train(training)
    own = network.state_dict()
    with torch.no_grad():
        state = {name: own.get(name, value) for name, value in plain.state_dict().items()}
        for served in plan.sites:
            kernel = kernel_of(layer_of(network, served), shares(network.eval(), served, 0)[0])
            state[f"{served.site.name}.weight"] = kernel
        plain.load_state_dict(state)
        network.train(training)
        images = torch.randn(4, 3, 16, 16, dtype=torch.float64)
        torch.testing.assert_close(network(images), plain(images), rtol=0, atol=1e-10)


def test_a_seed_gives_one_assignment() -> None:
    """The same cells and signs again; others from another seed, where any are drawn."""
    plan = plan_network(NetworkConfig(backbone="resnet8x0.5", num_classes=3, cell_num_ratio=0.3))
    first, again, other = (
        torch.cat(
            [m.assignment for m in assigned(plan, seed).modules() if isinstance(m, Attention)]
        )
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    negative = float((first < 0).sum() / (first != 0).sum())
    assert negative == pytest.approx(0.7 / 2, abs=0.1)  # 7 in 10 rows draw a sign


@given(plans())
@settings(max_examples=4)
def test_a_kernel_starts_as_large_as_the_plain_one(plan: Plan) -> None:
    """In the mean over the cells of its run, at any multiplier, cell size and sharing range."""
    network = assigned(plan)
    torch.manual_seed(0)
    plain = plain_network(plan.backbone)
    for served in plan.sites:
        layer = layer_of(network, served)
        run = layer.warehouse.cells[served.start : served.start + served.owned] * ASSIGNED_SHARE
        if served.owned:
            wanted = plain.get_parameter(f"{served.site.name}.weight").double()
            torch.testing.assert_close(run.square().mean(), wanted.square().mean())


def test_everything_else_is_that_of_the_other_start() -> None:
    """Assigning draws after all that is drawn, and cells of a run keep their proportions."""
    config = NetworkConfig(
        backbone="resnet8x0.25", num_classes=3, cell_num_ratio=0.5, sharing_range=()
    )
    torch.manual_seed(0)
    other = build(config).double().state_dict()
    for name, value in assigned(plan_network(config)).state_dict().items():
        if "cells" in name:
            factors = value / other[name]
            torch.testing.assert_close(factors, factors.mean().expand_as(factors))
        elif "attention.fc2" not in name:
            assert torch.equal(value, other[name]), name


@pytest.mark.parametrize("basis", [0.5, 1.0])
def test_attention_learns_from_the_first_steps(basis: float) -> None:
    """After a step down the gradient, shares differ between inputs and reach other cells."""
    config = NetworkConfig(
        backbone="resnet8x0.25", num_classes=3, cell_num_ratio=0.5, nonlocal_basis_ratio=basis
    )
    plan = plan_network(config)
    network = assigned(plan)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    images = torch.randn(8, 3, 16, 16, dtype=torch.float64)
    loss = nn.functional.cross_entropy(network(images), torch.arange(8) % 3)
    torch.autograd.backward(loss)
    optimiser.step()
    rows = shares(network.eval(), plan.sites[0], 0)
    assert not torch.equal(rows[0], rows[1])
    assert bool(((rows[0] != 0).sum(1) > 1).any())


def test_another_network_is_refused() -> None:
    with pytest.raises(InputError, match="carries no plan"):
        assign_cells(nn.Linear(1, 1))
