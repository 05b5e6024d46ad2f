"""What is counted is what is built, and what is built trains, copies and saves as one network."""

import copy
import io
import json
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, assume, given
from hypothesis import settings as tries
from hypothesis import strategies as st
from torch import Tensor, nn

from search_spaces import InfeasibleError, InputError, NetworkConfig, count, plan_network
from search_spaces.backbones import shipped
from search_spaces.networks import build, plan_of
from search_spaces.networks.backbones import plain_network
from search_spaces.networks.layer import KWConv, Warehouse, warehouses
from search_spaces.sites import SHARING_RANGES, Address, Backbone, Site

PUBLISHED = json.loads((Path(__file__).parents[2] / "reference" / "published.json").read_text())
RESNET18 = [row for row in PUBLISHED if row["model"] == "kw_resnet18"]
SMALL = ("resnet8", "resnet8x0.5", "resnet14x0.5")


def per_stage(values: st.SearchStrategy[float], stages: int) -> st.SearchStrategy[Any]:
    """One value, or one a stage."""
    return st.one_of(values, st.tuples(*[values] * stages))


@st.composite
def configurations(draw: st.DrawFn) -> NetworkConfig:
    """Any configuration of a few backbones, feasible or not; mostly of the small ones."""
    backbone = draw(st.sampled_from((*SMALL * 4, "resnet18", "resnet18-small")))
    stages = len(shipped(backbone).stages)
    shares = st.sampled_from((0.25, 0.5, 1.0))
    return NetworkConfig(
        backbone=backbone,
        num_classes=draw(st.integers(1, 20)),
        in_channels=draw(st.sampled_from((1, 3))),
        granularity="stage",
        cell_num_ratio=draw(per_stage(st.floats(0.05, 3), stages)),
        cell_inplane_ratio=draw(per_stage(shares, stages)),
        cell_outplane_ratio=draw(per_stage(shares, stages)),
        reduction=draw(per_stage(st.floats(0.01, 0.5), stages)),
        nonlocal_basis_ratio=draw(per_stage(st.sampled_from((0.0625, 0.5, 1.0)), stages)),
        sharing_range=draw(st.sampled_from(list(SHARING_RANGES.values()))),
        spatial_partition=draw(st.sampled_from((True, True, False))),
    )


@given(configurations())
@tries(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_counted_equals_built(config: NetworkConfig) -> None:
    """300 random configurations, parameter for parameter."""
    try:
        plan = plan_network(config)
    except InfeasibleError:
        assume(False)  # noqa: FBT003 - the name of the function says what is assumed
    with torch.device("meta"):
        network = build(plan)
    assert sum(p.numel() for p in network.parameters()) == count(plan).params
    attentions = [m.attention for m in network.modules() if isinstance(m, KWConv)]
    assert len(attentions) == len(plan.sites)
    for attention, site in zip(attentions, plan.sites, strict=True):
        assert sum(p.numel() for p in attention.parameters()) == site.attention_params


@given(
    st.floats(0.02, 6), st.sampled_from(list(SHARING_RANGES.values())), st.sampled_from((0.5, 1))
)
@tries(max_examples=60, deadline=None)
def test_beta_gives_every_cell_one_owner(
    ratio: float, sharing: tuple[str, ...], outplane: float
) -> None:
    """Runs cover a warehouse without overlap; rows point to distinct cells of their own run.

    A row that points to no cell points to the zero cell, and below a multiplier of one every cell
    of a run is pointed to.
    """
    plan = plan_network(
        tiny(cell_num_ratio=ratio, sharing_range=sharing, cell_outplane_ratio=outplane)
    )
    network = build(plan)
    for index, warehouse in enumerate(plan.warehouses):
        owned: list[int] = []
        for site in (plan.sites[i] for i in warehouse.sites):
            assert site.warehouse == index
            run = range(site.start, site.start + site.owned)
            owned += run
            rows = served(network, site.site.name).attention.beta.tolist()
            pointed = [cell for cell in rows if cell != warehouse.cells]
            assert len(rows) == site.mixtures
            assert len(pointed) == len(set(pointed))
            assert set(pointed) <= set(run)
            assert len(pointed) == (site.mixtures if ratio >= 1 else site.local)
        assert owned == list(range(warehouse.cells))


@pytest.mark.parametrize("row", RESNET18, ids=lambda row: row["config"])
def test_published_resnet18_is_built_as_published(row: dict[str, Any]) -> None:
    """Parameters, warehouses in their order, cells and their shape, mixtures of every site."""
    settings = {k: tuple(v) if isinstance(v, list) else v for k, v in row["settings"].items()}
    config = NetworkConfig.model_validate({"backbone": "resnet18", **settings})
    with torch.device("meta"):
        network = build(config)
    assert sum(p.numel() for p in network.parameters()) == row["params"]
    assert [(w.name, tuple(w.cells.shape)) for w in warehouses(network)] == [
        (w["name"], (w["cells"], *w["cell_shape"])) for w in row["warehouses"]
    ]
    layers = {name: m for name, m in network.named_modules() if isinstance(m, KWConv)}
    assert {name: m.attention.mixtures for name, m in layers.items()} == {
        site["name"]: site["mixtures"] for site in row["sites"]
    }


def tiny(**changes: Any) -> NetworkConfig:
    """A network small enough to train in a test."""
    return NetworkConfig.model_validate(
        {"backbone": "resnet8x0.25", "num_classes": 4, "in_channels": 1} | changes
    )


def images(batch: int = 8) -> Tensor:
    """Random images for `tiny`."""
    return torch.randn(batch, 1, 12, 12, generator=torch.Generator().manual_seed(1))


def test_the_same_seed_builds_the_same_network() -> None:
    """And another seed another one."""
    states = []
    for seed in (0, 0, 1):
        torch.manual_seed(seed)
        states.append(build(tiny()).state_dict())
    assert all(torch.equal(states[0][k], states[1][k]) for k in states[0])
    cells = "layer1.0.conv1.warehouse.cells"
    assert not torch.equal(states[0][cells], states[2][cells])


def test_plain_layers_keep_their_names_and_their_initial_weights() -> None:
    """From one seed, stem, norms and classifier are those of the plain network."""
    torch.manual_seed(0)
    swapped = build(tiny()).state_dict()
    torch.manual_seed(0)
    plain = plain_network(shipped("resnet8x0.25", 4, 1)).state_dict()
    weights = {f"{site.name}.weight" for site in shipped("resnet8x0.25", 4, 1).sites}
    assert weights < plain.keys()
    assert not weights & swapped.keys()
    assert all(torch.equal(swapped[k], plain[k]) for k in plain.keys() - weights)


def test_cells_start_he_normal_by_the_run_of_each_site() -> None:
    """The spread of each run is sqrt(2 / (run x cell_out)) for 1x1 cells."""
    torch.manual_seed(0)
    network = build(NetworkConfig(backbone="resnet18", cell_num_ratio=1.0))
    plan = plan_of(network)
    found = warehouses(network)
    for site in plan.sites:
        warehouse = plan.warehouses[site.warehouse]
        run = found[site.warehouse].cells[site.start : site.start + site.owned]
        expected = (2 / (site.owned * warehouse.cell_shape[0])) ** 0.5
        assert float(run.detach().std()) == pytest.approx(expected, rel=0.05)


@pytest.mark.parametrize("sharing", list(SHARING_RANGES))
def test_each_warehouse_is_registered_once_and_shared_by_identity(sharing: str) -> None:
    """Parameters and state name it once; every layer it serves registers the same module."""
    network = build(tiny(sharing_range=SHARING_RANGES[sharing]))
    plan = plan_of(network)
    held = warehouses(network)
    assert [(w.name, len(w.cells)) for w in held] == [(w.name, w.cells) for w in plan.warehouses]
    for names in (dict(network.named_parameters()), network.state_dict()):
        assert sum(name.endswith("warehouse.cells") for name in names) == len(plan.warehouses)
    for site in plan.sites:
        assert served(network, site.site.name).warehouse is held[site.warehouse]


def served(network: nn.Module, name: str) -> KWConv:
    """The served layer at a path."""
    layer = network.get_submodule(name)
    assert isinstance(layer, KWConv)
    return layer


def pickled(network: nn.Module) -> nn.Module:
    """A network through pickle and back."""
    copied = pickle.loads(pickle.dumps(network))  # noqa: S301 - written on this line
    assert isinstance(copied, nn.Module)
    return copied


@pytest.mark.parametrize("copier", [copy.deepcopy, pickled], ids=["deepcopy", "pickle"])
def test_a_copy_is_the_same_network_and_shares_nothing(copier: Any) -> None:
    """Equal outputs; layers of the copy share the copy's own cells; the original is untouched."""
    network = build(tiny()).eval()
    copied = copier(network)
    assert torch.equal(copied(images()), network(images()))
    first, last = served(copied, "layer1.0.conv1"), served(copied, "layer1.0.conv2")
    assert first.warehouse is last.warehouse
    assert first.warehouse is not served(network, "layer1.0.conv1").warehouse
    with torch.no_grad():
        first.warehouse.cells.zero_()
    assert not torch.equal(copied(images()), network(images()))
    assert plan_of(copied).digest == plan_of(network).digest


def test_a_state_dict_carries_everything() -> None:
    """Weights saved and loaded into a fresh network give the same outputs."""
    network = build(tiny(nonlocal_basis_ratio=0.5))
    network(images())
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    fresh = build(tiny(nonlocal_basis_ratio=0.5))
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(fresh.eval()(images()), network.eval()(images()))


def test_a_network_built_without_memory_is_filled_by_a_state_dict() -> None:
    """Nothing of a network lives outside its state: built on meta, emptied, loaded, equal."""
    network = build(tiny()).eval()
    with torch.device("meta"):
        hollow = build(tiny())
    hollow.to_empty(device="cpu").load_state_dict(network.state_dict())
    assert torch.equal(hollow.eval()(images()), network(images()))


@pytest.mark.parametrize("ratio", [0.3, 0.75, 1.5, 2.7])
def test_training_lowers_the_loss_for_multipliers_that_are_not_whole(ratio: float) -> None:
    """Eight steps on eight images: the loss falls, and every parameter has a gradient."""
    torch.manual_seed(0)
    network = build(tiny(cell_num_ratio=ratio))
    labels = torch.arange(8) % 4
    optimiser = torch.optim.SGD(network.parameters(), lr=0.02, momentum=0.9)
    losses = []
    for _ in range(8):
        loss = nn.functional.cross_entropy(network(images()), labels)
        optimiser.zero_grad()
        torch.autograd.backward(loss)
        optimiser.step()
        losses.append(float(loss.detach()))
    assert min(losses) < losses[0]
    assert all(p.grad is not None for p in network.parameters())


def test_memory_layout_of_images_may_change() -> None:
    """Channels last changes no result; cells are no images and stay as they are."""
    network = build(tiny()).double().eval()
    expected = network(images().double())
    network.to(memory_format=torch.channels_last)
    turned = network(images().double().contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(turned, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("conv", [nn.Conv1d, nn.Conv2d, nn.Conv3d])
def test_any_network_with_a_table_is_served_and_stays_as_it_was(conv: Any) -> None:
    """A bare Sequential, with one to three axes, groups and dilation: it runs, and is a copy."""
    plain = nn.Sequential(
        conv(2, 8, 3, padding=1), nn.ReLU(), conv(8, 8, 3, padding=2, dilation=2, groups=2)
    )
    sites = tuple(
        Site(
            name=name,
            address=Address.parse(f"stage0_layer{name}_conv0"),
            kind="conv",
            in_channels=layer.in_channels,
            out_channels=layer.out_channels,
            kernel=layer.kernel_size,
            groups=layer.groups,
            bias=True,
            positions=1,
        )
        for name, layer in plain.named_children()
        if isinstance(layer, conv)
    )
    table = Backbone("mine", 1, 2, (6, 6), sites, plain_params=16, plain_macs=0)
    config = NetworkConfig(backbone="mine", cell_num_ratio=0.7, sharing_range=("layer",))
    network = build(config, table, network=plain)
    x = torch.randn(2, 2, *[6] * len(sites[0].kernel))
    assert network(x).shape == plain(x).shape
    assert len(warehouses(network)) == 1
    assert not warehouses(plain)


class Foreign(nn.Module):
    """A user's network: one site, no name of ours."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.ReLU())

    def forward(self, x: Tensor) -> Tensor:
        """``[B, 2, H, W]`` -> ``[B, 4, H, W]``."""
        return torch.as_tensor(self.body(x))


def test_a_table_of_another_network_is_refused() -> None:
    """A layer that is missing is named; nothing is swapped."""
    foreign = Foreign()
    with pytest.raises(InputError, match=r"Foreign has no layer 'layer1.0.conv1'"):
        build(tiny(), network=foreign)
    assert isinstance(foreign.body[0], nn.Conv2d)


def test_a_network_without_a_plan_has_none() -> None:
    """`plan_of` says so."""
    with pytest.raises(InputError, match="carries no plan"):
        plan_of(Foreign())


def test_an_unknown_way_is_refused_with_the_nearest() -> None:
    """Before anything is built."""
    with pytest.raises(InputError, match="Did you mean 'textbook'"):
        build(tiny(), way="text-book")


def test_a_warehouse_shows_itself() -> None:
    """Name and shape stand in the printed network."""
    network = build(tiny())
    assert any(isinstance(m, Warehouse) for m in network.modules())
    assert "stage0_layer_conv, " in repr(network)
