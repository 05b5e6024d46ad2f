"""DeiT-Tiny: counted as published, and the network that timm builds, served or not."""

from math import log

import pytest
import timm
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.flop_counter import FlopCounterMode

from search_spaces import InputError, NetworkConfig, count, plan_network
from search_spaces.backbones import shipped
from search_spaces.networks import assign_cells, build, start_from
from search_spaces.networks.backbones import plain_network
from search_spaces.networks.tracing import trace
from search_spaces.networks.transformer import Block

TIMM = "deit_tiny_patch16_224"
DOZEN, WIDTH, PATCH, TOKENS = 12, 192, 16, 197


def trained_by_timm(**wanted: object) -> nn.Module:
    """Timm's network with weights that training might have left: no bias, norm or scale is new."""
    torch.manual_seed(0)
    network = timm.create_model(TIMM, pretrained=False, num_classes=5, **wanted)
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.02)
    return network.double().eval()


def images(batch: int = 2, size: int = 224, channels: int = 3) -> Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(batch, channels, size, size, generator=generator, dtype=torch.float64)


def test_parameters_have_a_closed_form() -> None:
    """Linear layers and norms of twelve blocks, patches, class token, positions, norm, head."""
    linears = (WIDTH + 1) * 3 * WIDTH + (WIDTH + 1) * WIDTH
    linears += (WIDTH + 1) * 4 * WIDTH + (4 * WIDTH + 1) * WIDTH
    outside = (3 * PATCH**2 + 1) * WIDTH + (1 + TOKENS) * WIDTH + 2 * WIDTH + (WIDTH + 1) * 1000
    assert shipped("deit-tiny").params == DOZEN * (linears + 4 * WIDTH) + outside == 5_717_416


def test_it_is_counted_as_timm_builds_it() -> None:
    """Parameters, and MACs of one image with those of the attention, as torch counts them."""
    with torch.device("meta"):
        network = timm.create_model(TIMM, pretrained=False).eval()
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 3, 224, 224))
    table = shipped("deit-tiny")
    assert table.params == sum(parameter.numel() for parameter in network.parameters())
    assert table.macs == counter.get_total_flops() // 2


@pytest.mark.parametrize("size", [224, 96])
def test_it_computes_what_timms_network_does(size: int) -> None:
    """With timm's weights as they are named there; positions are interpolated, there in float32."""
    theirs = trained_by_timm(dynamic_img_size=True)
    ours = plain_network(shipped("deit-tiny", 5)).double().eval()
    ours.load_state_dict(theirs.state_dict())
    x = images(size=size)
    with torch.no_grad():
        torch.testing.assert_close(ours(x), theirs(x), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("name", ["deit-tiny", "deit-tiny-small"])
def test_tracing_finds_the_shipped_table(name: str) -> None:
    """All linear layers of the blocks and no other, with costs, addresses and norm."""
    table = shipped(name, 10, 1, (64, 32))
    with torch.device("meta"):
        network = plain_network(table)
    ask = {"name": name, "num_classes": 10, "in_channels": 1, "input_size": (64, 32)}
    traced = trace(network, **ask)
    assert len(table.sites) == 4 * DOZEN
    assert traced.sites == table.sites
    assert (traced.params, traced.macs, traced.attention_norm) == (
        table.params,
        table.macs,
        table.attention_norm,
    )


def test_started_from_timms_weights_it_computes_what_they_do() -> None:
    """Every site served, each piece of a kernel by a cell of its own."""
    theirs = trained_by_timm()
    plan = plan_network(
        NetworkConfig(backbone="deit-tiny", num_classes=5, sharing_range=("layer",))
    )
    network = build(plan).double().eval()
    assert count(plan).params == sum(parameter.numel() for parameter in network.parameters())
    report = start_from(network, theirs.state_dict())
    assert (report.energy, report.fresh) == (pytest.approx(1), ())
    x = images()
    with torch.no_grad():
        torch.testing.assert_close(network(x), theirs(x), rtol=1e-6, atol=1e-8)


@pytest.mark.slow
def test_served_by_half_as_many_cells_it_learns() -> None:
    """Ten steps by AdamW on 32 digits of 32 pixels: its loss falls (from 2.34 to 2.29)."""
    table = load_digits()
    images = torch.tensor(table.images[:32], dtype=torch.float32).unsqueeze(1) / 8 - 1
    images, labels = F.interpolate(images, (32, 32)), torch.tensor(table.target[:32])
    config = NetworkConfig(
        backbone="deit-tiny-small",
        num_classes=10,
        in_channels=1,
        cell_num_ratio=0.5,
        sharing_range=("layer",),
    )
    torch.manual_seed(0)
    network = build(config)
    assign_cells(network)
    step, losses = torch.optim.AdamW(network.parameters(), 1e-3), []
    for _ in range(11):
        loss = F.cross_entropy(network(images), labels)
        step.zero_grad()
        loss.backward()
        step.step()
        losses.append(loss.item())
    assert losses[0] == pytest.approx(log(10), rel=0.1)
    assert losses[-1] < losses[0]


def test_images_that_do_not_divide_into_patches_are_refused() -> None:
    """The message names the patch and the setting."""
    for size in ((30, 32), (32, 30), (8, 8)):
        with pytest.raises(InputError, match="patches of 16x16") as refused:
            shipped("deit-tiny", 10, 3, size)
        assert "image_size" in refused.value.cure
    assert shipped("deit-tiny-small", 10, 1, (28, 28)).sites[0].positions == 7 * 7 + 1


def test_parameters_do_not_depend_on_the_images() -> None:
    """A network that was found at 64 pixels is trained at 224."""
    assert shipped("deit-tiny", 10, 3, (64, 64)).digest == shipped("deit-tiny", 10, 3).digest


def test_stochastic_depth_skips_whole_residuals() -> None:
    """A block whose residuals are always skipped gives back what it is given."""
    block = Block(8, 2).train()
    x = torch.randn(3, 5, 8)
    assert not torch.allclose(block(x), x)
    block.drop_path.p = 1.0
    assert torch.equal(block(x), x)
