"""A traced table is the network: its parameters exactly, its sites where they belong."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from search_spaces import Backbone, InfeasibleError, InputError, NetworkConfig, count
from search_spaces.backbones import shipped
from search_spaces.networks import build, set_temperature
from search_spaces.networks.backbones import plain_network
from search_spaces.networks.named import named_network, rebuilt, trace_named
from search_spaces.networks.tracing import trace


def table_of(
    module: nn.Module, size: tuple[int, int] = (16, 16), channels: int = 3, **changes
) -> Backbone:
    return trace(
        module, name="own:net", num_classes=5, in_channels=channels, input_size=size, **changes
    )


def head(width: int) -> list[nn.Module]:
    return [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(width, 5)]


def network(*layers: nn.Module, width: int = 8) -> nn.Sequential:
    """A stem of 8 channels, the layers, pooling and a classifier."""
    return nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *layers, *head(width))


def params(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


class Tokens(nn.Module):
    """A linear layer and a 1-d convolution over the pixels of a feature map."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Linear(8, 8)
        self.scan = nn.Conv1d(8, 8, 3, padding="same", dilation=2)

    def forward(self, x: Tensor) -> Tensor:
        tokens = self.mix(x.flatten(2).transpose(1, 2)).transpose(1, 2)
        return self.scan(tokens).view(x.shape)


class Volume(nn.Module):
    """A 3-d convolution over the channels as depth."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv3d(2, 2, (3, 1, 3), padding=(1, 0, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x.unflatten(1, (2, 4))).flatten(1, 2)


class Own(nn.Conv2d):
    """A convolution with a forward pass of its own."""

    def forward(self, x: Tensor) -> Tensor:
        return 2 * super().forward(x)


class Twice(nn.Module):
    """One convolution, called twice."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(self.conv(x))


class Squeezed(nn.Module):
    """A convolution whose output is weighted by squeeze and excitation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(8, 8, 3, padding=1)
        self.squeeze = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 8, 1), nn.Sigmoid())

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv(x)
        return y * self.squeeze(y)


@pytest.mark.parametrize(
    "name", ["resnet20", "resnet18", "resnet50", "mobilenetv2", "convnext-tiny"]
)
def test_shipped_tables_agree_with_tracing(name: str) -> None:
    """Parameters, MACs and norm of the whole, and every site but for its address."""
    table = shipped(name, 10, 3, (96, 64))
    stem = {s.name: str(s.address) for s in table.sites if s.name == "features.0.0"}
    traced = trace(
        plain_network(table),
        name=name,
        num_classes=10,
        in_channels=3,
        input_size=(96, 64),
        addresses=dict.fromkeys(stem, "stage0_layer99_conv0"),
    )
    assert (traced.params, traced.macs) == (table.params, table.macs)
    assert traced.attention_norm == table.attention_norm
    found = {site.name: site for site in traced.sites}
    for site in table.sites:
        known = found.pop(site.name)
        assert {**site_facts(site)} == {**site_facts(known)}
        if name != "mobilenetv2" and site.name not in stem:
            assert known.address.stage == site.address.stage
    first = {"layer1.0.conv1", "layer1.0.downsample.0"}
    assert set(found) == (first if name == "resnet50" else set())


def site_facts(site) -> dict[str, object]:
    return {
        key: getattr(site, key)
        for key in ("kind", "weight_shape", "groups", "bias", "positions", "stride")
    }


def test_tracing_leaves_the_network_as_it_is() -> None:
    """Weights, statistics, mode and hooks."""
    module = network(nn.Conv2d(8, 8, 3), nn.BatchNorm2d(8)).train()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    table_of(module)
    assert module.training
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())
    assert not any(layer._forward_hooks for layer in module.modules())


def test_sites_do_not_depend_on_the_images_of_a_study() -> None:
    """A stage at one position is still a stage; only positions differ."""
    layers = [layer for _ in range(4) for layer in (nn.Conv2d(8, 8, 3, 2, 1), Squeezed())]
    module = network(*layers)
    small, large = table_of(module, (16, 16)), table_of(module, (64, 64))
    assert small.sites[-1].positions == 1
    assert small.digest == large.digest
    assert small.plain_layers == large.plain_layers


@pytest.mark.parametrize(
    "layer",
    [
        Tokens(),
        Volume(),
        nn.Conv2d(8, 8, (1, 5), padding="same", bias=False),
        nn.Conv2d(8, 8, 4, padding="same", dilation=2),
        nn.Conv2d(8, 8, 3, padding=1, groups=4),
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
    ],
    ids=["tokens", "volume", "not square", "uneven padding", "groups", "depthwise"],
)
def test_layers_of_every_kind_are_counted_built_and_trained(layer: nn.Module) -> None:
    """Counted equals built, the answer has its shape, and a step lowers the loss."""
    torch.manual_seed(0)
    module = network(layer)
    table = table_of(module)
    assert table.params == params(module)
    assert len(table.sites) == len([m for m in layer.modules() if hasattr(m, "weight")])
    train(
        build(small_config(table), table, network=module), count(small_config(table), table).params
    )


def small_config(table: Backbone) -> NetworkConfig:
    return NetworkConfig(
        backbone=table.name,
        num_classes=table.num_classes,
        in_channels=table.in_channels,
        cell_num_ratio=0.5,
        sharing_range=("layer",),
    )


def train(served: nn.Module, counted: int, size: int = 16, steps: int = 10) -> list[float]:
    """Losses of ten steps on one batch."""
    assert params(served) == counted
    set_temperature(served, 0.5)
    images = torch.randn(4, 3, size, size)
    labels = torch.arange(4)
    optimiser = torch.optim.SGD(served.parameters(), 0.02)
    losses = []
    for _ in range(steps):
        loss = nn.functional.cross_entropy(served(images), labels)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert torch.tensor(losses).isfinite().all()
    assert min(losses[1:]) < losses[0]
    return losses


@pytest.mark.parametrize(
    ("layer", "path", "part"),
    [
        (Own(8, 8, 3), "1", "Own computes its output in a way of its own"),
        (nn.Conv2d(8, 8, 3, padding=1, padding_mode="reflect"), "1", "padding_mode is 'reflect'"),
        (Twice(), "1.conv", "called 2 times"),
        (nn.ConvTranspose2d(8, 8, 3), "1", "it is a ConvTranspose2d"),
        (parametrizations.weight_norm(nn.Conv2d(8, 8, 3)), "1", "rewritten before each use"),
        (Squeezed(), "1.squeeze.1", "squeeze and excitation"),
    ],
)
def test_what_stays_plain_is_told_by_name(layer: nn.Module, path: str, part: str) -> None:
    """And counted all the same."""
    module = network(nn.Conv2d(8, 8, 1), layer)
    path = f"2{path[1:]}"
    table = table_of(module)
    assert part in dict(table.plain_layers)[path]
    assert path not in {site.name for site in table.sites}
    assert table.params == params(module)


def test_layers_that_share_a_weight_stay_plain_and_are_counted_once() -> None:
    """Both of them."""
    first, second = nn.Conv2d(8, 8, 3), nn.Conv2d(8, 8, 3)
    second.weight = first.weight
    module = network(first, second, nn.Conv2d(8, 8, 3))
    table = table_of(module)
    assert [site.name for site in table.sites] == ["3"]
    assert table.params == params(module)


def test_a_plain_layer_is_served_where_it_is_given_an_address() -> None:
    """The stem and the classifier too; what cells cannot stand in for never."""
    module = network(nn.Conv2d(8, 8, 3), Own(8, 8, 3))
    addresses = {"0": "stage0_layer7_conv0", "5": "stage9_layer0_pwconv0"}
    table = table_of(module, addresses=addresses)
    found = {site.name: str(site.address) for site in table.sites}
    assert {path: found[path] for path in addresses} == addresses
    assert table.params == params(module)
    with pytest.raises(InputError, match="'2' cannot be given an address: Own computes"):
        table_of(module, addresses={"2": "stage0_layer0_conv0"})


class Auxiliary(nn.Module):
    """A network that answers otherwise in training."""

    def __init__(self) -> None:
        super().__init__()
        self.net = network(nn.Conv2d(8, 8, 3))

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        return (self.net(x), self.net(x)) if self.training else self.net(x)


@pytest.mark.parametrize(
    ("module", "kind", "part"),
    [
        (nn.Sequential(nn.Flatten(), nn.Linear(768, 5)), InfeasibleError, "no layer that a"),
        (network(nn.LazyConv2d(8, 3)), InfeasibleError, "Layer '1' is lazy"),
        (Auxiliary(), InputError, "answers 2 images with tuple"),
        (nn.Conv2d(3, 5, 3), InputError, "a classifier of 5 classes answers with"),
        (network(nn.Conv2d(4, 8, 3)), InputError, "does not take images of 3 channels"),
    ],
    ids=["nothing to serve", "lazy", "auxiliary", "no logits", "other channels"],
)
def test_what_cannot_be_searched_is_refused(module: nn.Module, kind: type, part: str) -> None:
    """With a sentence."""
    with pytest.raises(kind) as found:
        table_of(module)
    assert part in str(found.value)
    assert found.value.cure


@st.composite
def convnets(draw: st.DrawFn) -> nn.Sequential:
    """Two to five convolutions of random kinds, some with norms, and a classifier."""
    layers, width = [], 3
    for _ in range(draw(st.integers(2, 5))):
        out = draw(st.sampled_from([4, 8, 12]))
        groups = draw(st.sampled_from([g for g in (1, 2, 4, width) if not (width % g or out % g)]))
        kernel = (draw(st.integers(1, 4)), draw(st.integers(1, 3)))
        stride = draw(st.integers(1, 2))
        padding = "same" if stride == 1 else (kernel[0] // 2, kernel[1] // 2)
        bias = draw(st.booleans())
        layers.append(nn.Conv2d(width, out, kernel, stride, padding, groups=groups, bias=bias))
        if draw(st.booleans()):
            layers.append(nn.BatchNorm2d(out))
        width = out
    return nn.Sequential(*layers, *head(width))


@given(convnets(), st.sampled_from([0.5, 1.0, 1.5]), st.sampled_from([(), ("layer",)]))
@settings(max_examples=25)
def test_random_networks_are_traced_and_built_exactly(
    module: nn.Sequential, ratio: float, sharing: tuple[str, ...]
) -> None:
    """Traced parameters are the network's, and counted equals built."""
    table = table_of(module)
    assert table.params == params(module)
    config = small_config(table).model_copy(
        update={"cell_num_ratio": ratio, "sharing_range": sharing}
    )
    served = build(config, table, network=module)
    assert params(served) == count(config, table).params
    with torch.no_grad():
        assert served.eval()(torch.zeros(2, 3, 16, 16)).shape == (2, 5)


OWN = [
    pytest.param("torchvision.models:shufflenet_v2_x0_5", 32),
    pytest.param("torchvision.models:regnet_y_400mf", 32),
    pytest.param("torchvision.models:efficientnet_b0", 32, marks=pytest.mark.slow),
    pytest.param("torchvision.models:densenet121", 32, marks=pytest.mark.slow),
    pytest.param("timm.models.efficientnet:test_efficientnet", 32),
]


@pytest.mark.parametrize(("name", "size"), OWN)
def test_networks_of_others_are_traced_counted_built_and_trained(name: str, size: int) -> None:
    """Named, and nothing else; the loss of ten steps falls."""
    torch.manual_seed(0)
    table = trace_named(name, num_classes=5, in_channels=3, input_size=(size, size))
    assert table.params == params(named_network(name, num_classes=5, in_channels=3))
    config = NetworkConfig(
        backbone=name, num_classes=5, cell_num_ratio=0.5, sharing_range=("layer",)
    )
    train(build(config, table), count(config, table).params, size)


OWN_MODULE = """
from torch import nn
def small(num_classes, in_channels):
    return nn.Sequential(nn.Conv2d(in_channels, 4, 3), nn.Conv2d(4, WIDTH, 3),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTH, num_classes))
def fixed():
    return nn.Flatten()
def broken():
    raise ValueError("no weights here")
def other():
    return 3
"""


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A folder with a module of one's own, as current directory."""
    (tmp_path / "own_nets_of_a_test.py").write_text(OWN_MODULE.replace("WIDTH", "8"))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "own_nets_of_a_test", raising=False)
    return "own_nets_of_a_test"


def test_a_function_in_the_current_directory_is_found(here) -> None:
    """Called with what it takes, and called again by whoever builds."""
    table = trace_named(f"{here}:small", num_classes=7, in_channels=1, input_size=(8, 8))
    assert (table.num_classes, table.in_channels) == (7, 1)
    assert params(rebuilt(table)) == table.params
    config = NetworkConfig(backbone=table.name, num_classes=7, in_channels=1)
    assert params(build(config, table)) == count(config, table).params


def test_a_function_that_changed_is_noticed(here) -> None:
    """A worker refuses a network of another size."""
    table = trace_named(f"{here}:small", num_classes=7, in_channels=1, input_size=(8, 8))
    changed = Backbone.from_dict({**table.to_dict(), "plain_params": table.plain_params + 1})
    with pytest.raises(InputError, match="the one that was traced has"):
        rebuilt(changed)


@pytest.mark.parametrize(
    ("function", "part"),
    [
        ("smal", "has no function 'smal'. Did you mean 'small'?"),
        ("xyz", "has no function 'xyz'. It has small, fixed, broken, other."),
        ("fixed", "answers 1 image with (1, 64)"),
        ("broken", "failed with ValueError: no weights here"),
        ("other", "returned a int, not an nn.Module"),
    ],
)
def test_functions_that_give_no_network_are_refused(here, function: str, part: str) -> None:
    """Each with its own sentence."""
    with pytest.raises(InputError) as found:
        trace_named(f"{here}:{function}", num_classes=7, in_channels=1, input_size=(8, 8))
    assert part in found.value.cause


def test_a_module_that_is_not_there_is_refused() -> None:
    """By name."""
    with pytest.raises(InputError, match="'no_such_nets', of the backbone"):
        named_network("no_such_nets:f", num_classes=2, in_channels=1)
