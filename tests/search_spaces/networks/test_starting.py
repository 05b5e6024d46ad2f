"""Networks that start from a plain one: the same function where cells suffice, else the nearest."""

from copy import deepcopy
from functools import lru_cache

import pytest
import timm
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from search_spaces import InfeasibleError, InputError, NetworkConfig, count, plan_network
from search_spaces.backbones import shipped
from search_spaces.networks import build, plain_of, set_temperature, start_from
from search_spaces.networks.fitting import pieces_of
from search_spaces.networks.layer import KWConv, warehouses
from search_spaces.networks.named import trace_named
from search_spaces.sites import SHARING_RANGES, Backbone
from search_spaces.warehouse import Plan

TIMM = "timm.models:mobilenetv3_small_050"
SMALL = ("resnet20", TIMM)
ALL = (*SMALL, "resnet18", "mobilenetv2", "convnext-tiny")
IMAGES = torch.randn(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))


@lru_cache
def table_of(name: str) -> Backbone:
    if ":" not in name:
        return shipped(name, 5, 3)
    return trace_named(name, num_classes=5, in_channels=3, input_size=(64, 64))


def images_of(plan: Plan) -> Tensor:
    return IMAGES[..., ::4, ::4] if plan.backbone.name == "resnet20" else IMAGES


@lru_cache
def trained(name: str) -> nn.Module:
    """A plain network whose norms have scales, shifts and statistics as training leaves them."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        network = plain_of(table_of(name)).double().train()
        for place, parameter in network.named_parameters():
            if parameter.ndim == 1:
                low, high = (-0.1, 0.1) if "bias" in place else (0.8, 1.2)
                nn.init.uniform_(parameter, low, high)
        with torch.no_grad():
            for _ in range(20):
                network(torch.randn(4, 3, 64, 64, dtype=torch.float64))
    return network


@st.composite
def plans(draw: st.DrawFn, backbones: tuple[str, ...], least: float, most: float) -> Plan:
    table = table_of(draw(st.sampled_from(backbones)))
    shares = st.sampled_from((0.25, 0.5, 1.0))
    config = NetworkConfig(
        backbone=table.name,
        num_classes=5,
        cell_num_ratio=draw(st.one_of(st.floats(least, most), st.sampled_from((least, most)))),
        cell_inplane_ratio=draw(shares),
        cell_outplane_ratio=draw(shares),
        nonlocal_basis_ratio=draw(st.sampled_from((0.0625, 1.0))),
        sharing_range=draw(st.sampled_from(list(SHARING_RANGES.values()))),
        spatial_partition=draw(st.sampled_from((True, True, False))),
    )
    try:
        plan = plan_network(config, table)
    except InfeasibleError:
        assume(False)  # noqa: FBT003 - the name of the function says what is assumed
        raise
    assume(count(plan).params < 60_000_000)  # quick enough to build
    return plan


def same_outputs(plan: Plan, *, assigned: bool) -> None:
    """In both modes and both precisions; dropout and stochastic depth draw alike."""
    plain = deepcopy(trained(plan.backbone.name))
    for dtype, error in ((torch.float64, 1e-10), (torch.float32, 1e-5)):
        network = build(plan).to(dtype)
        report = start_from(network, plain.state_dict(), assigned=assigned)
        assert report.energy == pytest.approx(1, abs=1e-12)
        assert report.fresh == ()
        set_temperature(network, 0 if assigned else 1)
        expected = deepcopy(plain).to(dtype)
        images = images_of(plan).to(dtype)
        for training in (False, True):
            logits = []
            for one in (network, expected):
                torch.manual_seed(3)
                with torch.no_grad():
                    logits.append(one.train(training)(images))
            torch.testing.assert_close(*logits, rtol=0, atol=error)


@given(plans(SMALL, 1, 2.7), st.booleans())
@settings(max_examples=4)
def test_with_a_cell_for_every_mixture_the_outputs_are_the_plain_ones(
    plan: Plan,
    assigned: bool,  # noqa: FBT001 - drawn by hypothesis
) -> None:
    """At any b >= 1, integer or not, with both starts of attention."""
    same_outputs(plan, assigned=assigned)


@pytest.mark.slow
@given(plans(ALL, 1, 2.7), st.booleans())
@settings(max_examples=50)
def test_it_is_so_for_backbones_of_every_kind(plan: Plan, assigned: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    """Bottlenecks, depthwise and linear layers, layer norm, a network of timm's."""
    same_outputs(plan, assigned=assigned)


@given(plans(("resnet8x0.5", "resnet14x0.25"), 0.05, 0.99), st.booleans())
@settings(max_examples=10)
def test_fewer_cells_keep_the_energy_that_is_told(plan: Plan, assigned: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    """Told is what the kernels that the network really has are away from the plain ones."""
    plain = plain_of(plan.backbone).double()
    network = build(plan).double()
    report = start_from(network, plain.state_dict(), assigned=assigned)
    set_temperature(network, 0 if assigned else 1)
    lost = whole = 0.0
    for served in plan.sites:
        layer = network.get_submodule(served.site.name)
        assert isinstance(layer, KWConv)
        x = torch.randn(2, served.site.in_channels, 1, 1, dtype=torch.float64)
        pieces = layer.attention(x)[0] @ layer.warehouse.cells.flatten(1)
        wanted = pieces_of(plain.get_parameter(f"{served.site.name}.weight"), served)
        missed = float((wanted - pieces.detach()).square().sum())
        energy = float(wanted.square().sum())
        assert report.kept[served.site.name] == pytest.approx(1 - missed / energy, abs=1e-6)
        lost, whole = lost + missed, whole + energy
    assert report.energy == pytest.approx(1 - lost / whole, abs=1e-6)


def test_mixed_cells_keep_the_most_that_so_many_can() -> None:
    """The energy of the largest singular values of all pieces of a warehouse (Eckart and Young)."""
    config = NetworkConfig(backbone="resnet8x0.5", cell_num_ratio=0.3, sharing_range=("layer",))
    plan = plan_network(config)
    plain = plain_of(plan.backbone)
    report = start_from(build(plan), plain.state_dict())
    best = whole = 0.0
    for warehouse in plan.warehouses:
        served = [plan.sites[i] for i in warehouse.sites]
        pieces = [pieces_of(plain.get_parameter(f"{one.site.name}.weight"), one) for one in served]
        energies = torch.linalg.svdvals(torch.cat(pieces)).square()
        best += float(energies[: warehouse.cells].sum())
        whole += float(energies.sum())
    assert report.energy == pytest.approx(best / whole, abs=1e-9)
    beta = start_from(build(plan), plain.state_dict(), assigned=False)
    assert beta.energy < report.energy


def test_as_many_cells_as_a_cell_has_numbers_lose_nothing() -> None:
    """A basis of the pieces is enough, however many mixtures there are."""
    config = NetworkConfig(
        backbone="resnet8x0.25",
        cell_num_ratio=0.5,
        cell_inplane_ratio=0.25,
        cell_outplane_ratio=0.25,
    )
    plan = plan_network(config)
    assert any(w.cells < sum(plan.sites[i].mixtures for i in w.sites) for w in plan.warehouses)
    report = start_from(build(plan), plain_of(plan.backbone).state_dict())
    assert report.energy == pytest.approx(1, abs=1e-12)


def test_cells_that_nothing_needs_stay_as_they_were_drawn() -> None:
    """At b = 2 every other cell; the others hold the pieces."""
    plan = plan_network(NetworkConfig(backbone="resnet8x0.25", cell_num_ratio=2, sharing_range=()))
    network = build(plan)
    before = [one.cells.detach().clone() for one in warehouses(network)]
    start_from(network, plain_of(plan.backbone).state_dict())
    for old, one in zip(before, warehouses(network), strict=True):
        changed = (one.cells != old).flatten(1).any(1)
        assert changed.tolist() == [True, False] * (len(old) // 2)


@pytest.mark.parametrize(
    ("backbone", "model"),
    [
        ("resnet18", "resnet18"),
        ("mobilenetv2", "mobilenetv2_100"),
        ("convnext-tiny", "convnext_tiny"),
    ],
)
def test_timms_names_are_known(backbone: str, model: str) -> None:
    """Its network of the same kind, with another classifier: everything else is taken over."""
    theirs = timm.create_model(model, num_classes=7).eval()
    plan = plan_network(NetworkConfig(backbone=backbone, num_classes=3, sharing_range=()))
    network = build(plan).eval()
    report = start_from(network, theirs.state_dict())
    assert {name.rpartition(".")[2] for name in report.fresh} == {"weight", "bias"}
    assert "starts fresh" in str(report)
    seen: list[Tensor] = []
    for one in (network, theirs):
        head = [module for module in one.modules() if isinstance(module, nn.Linear)][-1]
        head = theirs.get_classifier() if one is theirs else head
        hook = head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        with torch.no_grad():
            one(IMAGES[:2])
        hook.remove()
    torch.testing.assert_close(seen[0].flatten(), seen[1].flatten(), rtol=1e-4, atol=1e-4)


def other(**changes: object) -> dict[str, Tensor]:
    state = plain_of(shipped("resnet8x0.25", 4, 3)).state_dict()
    for name, value in changes.items():
        if value is None:
            del state[name]
        else:
            state[name] = torch.zeros(value)
    return state


@pytest.mark.parametrize(
    ("tensors", "cause"),
    [
        (other(**{"layer1.0.conv1.weight": None}), "it lacks: layer1.0.conv1.weight"),
        (other(**{"aux.weight": (2, 3)}), "it has more: aux.weight"),
        (
            other(**{"layer1.0.conv1.weight": (4, 4, 5, 5)}),
            r"sizes differ: layer1.0.conv1.weight \(4x4x5x5, not 4x4x3x3\)",
        ),
        (other(**{"conv1.weight": (4, 1, 3, 3)}), r"conv1.weight \(4x1x3x3, not 4x3x3x3\)"),
        (other(**{"fc.weight": (4, 8)}), r"fc.weight \(4x8, not 4x16\)"),
        (plain_of(shipped("resnet8x0.5", 4, 3)).state_dict(), r"and \d+ more"),
    ],
    ids=["missing", "unknown", "kernel", "channels", "features", "another width"],
)
def test_a_network_that_does_not_fit_is_refused_by_name(
    tensors: dict[str, Tensor], cause: str
) -> None:
    """Nothing is changed then."""
    network = build(NetworkConfig(backbone="resnet8x0.25", num_classes=4))
    before = {name: value.clone() for name, value in network.state_dict().items()}
    with pytest.raises(InputError, match=cause):
        start_from(network, tensors)
    for name, value in network.state_dict().items():
        assert torch.equal(value, before[name])


def test_counters_of_batches_may_be_missing() -> None:
    """Files of before they were counted have none."""
    state = {n: v for n, v in other().items() if not n.endswith("num_batches_tracked")}
    report = start_from(build(NetworkConfig(backbone="resnet8x0.25", num_classes=4)), state)
    assert report.fresh == ()
