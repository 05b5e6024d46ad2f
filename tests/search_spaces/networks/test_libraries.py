"""Models of torchvision and timm: planned, counted equal to built, one training step."""

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from search_spaces import NetworkConfig, count, plan_network
from search_spaces.errors import InputError
from search_spaces.networks import build
from search_spaces.networks.named import named_network, trace_named
from search_spaces.networks.tracing import trace

timm = pytest.importorskip("timm")

TIMM = (
    "mobilenetv3_small_050",
    "resnet10t",
    "test_efficientnet",
    "regnetx_002",
    "ghostnet_050",
    "lcnet_050",
    "convnext_atto",
    "repvgg_a0",
    "efficientvit_b0",
    "deit_tiny_patch16_224",
)
TORCHVISION = (
    "mobilenet_v3_small",
    "squeezenet1_1",
    "shufflenet_v2_x0_5",
    "mnasnet0_5",
    "resnet18",
    "mobilenet_v2",
    "regnet_y_400mf",
    "efficientnet_b0",
    "densenet121",
    "convnext_tiny",
)
QUICK = 3
"""Of each library, how many are looked at in every run."""


def models(library, names, channels):
    return [
        pytest.param(
            f"{library}.models:{name}",
            channels,
            marks=[] if i < QUICK and channels == 1 + 2 * (library != "timm") else pytest.mark.slow,
        )
        for i, name in enumerate(names)
    ]


def size_of(name):
    return (224, 224) if "deit" in name else (64, 64)


@pytest.mark.parametrize(
    ("name", "channels"),
    [
        *models("timm", TIMM, 1),
        *models("timm", TIMM, 3),
        *models("torchvision", TORCHVISION, 3),
    ],
)
def test_models_are_planned_built_and_trained(name, channels):
    """Colour and grey, by the library's own name."""
    torch.manual_seed(0)
    size = size_of(name)
    table = trace_named(name, num_classes=5, in_channels=channels, input_size=size)
    plan = plan_network(NetworkConfig(backbone=name, num_classes=5, in_channels=channels), table)
    network = build(plan)
    assert count(plan).params == sum(p.numel() for p in network.parameters())
    step = torch.optim.SGD(network.parameters(), 0.01)
    loss = nn.functional.cross_entropy(network(torch.randn(4, channels, *size)), torch.arange(4))
    loss.backward()
    step.step()
    assert torch.isfinite(loss)


@pytest.mark.parametrize("name", TORCHVISION[:QUICK])
def test_a_model_for_colour_alone_is_refused_for_grey_images_and_names_the_setting(name):
    with pytest.raises(InputError) as refused:
        trace_named(f"torchvision.models:{name}", num_classes=5, in_channels=1, input_size=(64, 64))
    assert "does not take images of 1 channel and" in refused.value.cause
    assert "[proxy] channels" in refused.value.cure


class Attending(nn.Module):
    """A convolution and an attention whose products are functions, not modules."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3, padding=1)
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.kernel = nn.Parameter(torch.randn(8, 8, 3, 3))
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = nn.functional.conv2d(self.conv(self.stem(x)), self.kernel, padding=1)
        tokens = x.flatten(2).transpose(1, 2).unsqueeze(1)
        mixed = nn.functional.scaled_dot_product_attention(tokens, tokens, tokens)
        return self.head(mixed.squeeze(1).mean(1))


def squeezenet():
    return named_network("torchvision.models:squeezenet1_1", num_classes=5, in_channels=3)


@pytest.mark.parametrize("make", [Attending, squeezenet])
def test_macs_are_those_that_torch_counts(make):
    """Half of the floating-point operations of one image, functional layers included."""
    network = make().eval()
    table = trace(network, name="x:y", num_classes=5, in_channels=3, input_size=(32, 32))
    with FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, 3, 32, 32))
    assert table.macs == counter.get_total_flops() // 2


def test_depthwise_layers_that_attention_outweighs_stay_plain_and_are_named():
    """A budget goes to the layers that a warehouse makes smaller; an address serves one."""
    name, ask = "timm.models:mobilenetv3_small_050", {"num_classes": 5, "in_channels": 3}
    table = trace_named(name, input_size=(64, 64), **ask)
    spared = {path: why for path, why in table.plain_layers if path.endswith("conv_dw")}
    assert len(spared) > 5
    assert all("its attention would have" in why for why in spared.values())
    assert not any(site.name.endswith("conv_dw") for site in table.sites)
    plain = named_network(name, **ask)
    quarter = NetworkConfig(backbone=name, num_classes=5, cell_num_ratio=0.25)
    params = sum(p.numel() for p in plain.parameters())
    assert count(plan_network(quarter, table)).params < 2 * params
    moved = {next(iter(spared)): "stage1_layer0_dwconv0"}
    served = trace_named(name, input_size=(64, 64), addresses=moved, **ask)
    assert set(moved) <= {site.name for site in served.sites}
