"""Shares: closed forms at both temperatures, precision, and independence from the batch."""

import io
from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from search_spaces import NetworkConfig
from search_spaces.networks import build, set_temperature
from search_spaces.networks.attention import Attention
from search_spaces.networks.layer import KWConv, KWLinear, Warehouse
from search_spaces.sites import Address, AttentionNorm, Site
from search_spaces.warehouse import SitePlan, WarehousePlan


def site_plan(basis: int | None = None, *, bias: bool = False, linear: bool = False) -> SitePlan:
    """Six mixtures over nine cells, of which the site owns three, from the second on."""
    site = Site(
        name="s",
        address=Address.parse("stage0_layer0_conv0"),
        kind="linear" if linear else "conv",
        in_channels=8,
        out_channels=12,
        kernel=(1,) if linear else (1, 1),
        groups=1,
        bias=bias,
        positions=1,
    )
    return SitePlan(site, 0, 9, (1, 3, 2), Fraction(1, 2), 1, 3, 3, 16, basis, linear_bias=False)


def beta_matrix(attention: Attention) -> Tensor:
    """Beta written out, without the zero cell."""
    return nn.functional.one_hot(attention.beta, attention.cells + 1)[:, :-1].float()


@pytest.fixture(params=[None, 16], ids=["full", "basis"])
def attention(request: pytest.FixtureRequest) -> Attention:
    """Both forms, in evaluation mode."""
    torch.manual_seed(0)
    return Attention(site_plan(request.param)).eval()


X = torch.randn(5, 8, 4, 3, generator=torch.Generator().manual_seed(3))


def test_temperature_one_leaves_beta_alone(attention: Attention) -> None:
    """Exactly, for every sample."""
    set_temperature(attention, 1)
    assert torch.equal(attention(X), beta_matrix(attention).expand(5, -1, -1))


@pytest.mark.parametrize("temperature", [0, 0.25, 1])
def test_shares_are_those_of_training_bit_for_bit_without_gradients(
    attention: Attention, temperature: float
) -> None:
    """Where the fixed assignment has no share it is left out, and a change is seen."""
    with torch.no_grad():
        attention(X)
    set_temperature(attention, temperature)
    with torch.no_grad():
        found = attention(X)
    assert found.is_contiguous()
    assert torch.equal(found, attention(X))


def test_shares_of_a_row_add_up_to_less_than_one_in_absolute_value(attention: Attention) -> None:
    """The zero cell and the constant under the fraction bar take the rest."""
    totals = attention(X).abs().sum(-1)
    assert bool((totals < 1).all())
    assert bool((totals > 0).all())


@given(st.floats(0, 1))
@settings(max_examples=25, deadline=None)
def test_temperature_moves_on_a_straight_line(value: float) -> None:
    """Between the attention alone and beta alone."""
    torch.manual_seed(0)
    attention = Attention(site_plan()).double().eval()
    alone = attention(X.double())
    set_temperature(attention, value)
    expected = (1 - value) * alone + value * beta_matrix(attention).double()
    torch.testing.assert_close(attention(X.double()), expected, rtol=0, atol=1e-12)


def test_only_the_mean_of_the_positions_counts(attention: Attention) -> None:
    """Shuffled positions, one position, any number of axes: the same shares."""
    expected = attention(X)
    shuffled = X.flatten(2)[..., torch.randperm(12)]
    torch.testing.assert_close(attention(shuffled), expected)
    torch.testing.assert_close(attention(X.mean((2, 3))), expected)


def test_local_cells_are_reached_without_the_basis() -> None:
    """With the basis silenced, only the site's own cells take share."""
    attention = Attention(site_plan(16)).eval()
    assert attention.fc3 is not None
    nn.init.zeros_(attention.fc3.weight)
    shares = attention(X)
    assert bool((shares[..., 1:4] != 0).any())
    assert not shares[..., :1].any()
    assert not shares[..., 4:].any()


def test_a_basis_over_no_other_cells_is_harmless() -> None:
    """A warehouse of one site has no other cells: nothing is drawn, nothing is warned of."""
    plan = SitePlan(
        site_plan().site, 0, 3, (1, 3, 2), Fraction(1, 2), 0, 3, 3, 16, 16, linear_bias=False
    )
    attention = Attention(plan).eval()
    assert attention(X).shape == (5, 6, 3)
    assert sum(p.numel() for p in attention.parameters()) == plan.attention_params


def test_linears_start_he_normal_by_fan_out() -> None:
    """Spread sqrt(2 / outputs), bias 0, norm weight 1."""
    torch.manual_seed(0)
    attention = Attention(site_plan())
    assert float(attention.fc2.weight.detach().std()) == pytest.approx((2 / 60) ** 0.5, rel=0.1)
    assert not attention.fc2.bias.any()
    assert torch.equal(attention.norm1.weight, torch.ones(16))


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_a_temperature_outside_zero_to_one_is_refused(value: float) -> None:
    """The value stands in the message."""
    with pytest.raises(ValueError, match=str(value)):
        set_temperature(nn.Linear(1, 1), value)


def test_temperature_is_set_everywhere_and_saved() -> None:
    """One call reaches every attention; a state dict brings it back."""
    config = NetworkConfig(backbone="resnet8x0.25", num_classes=2)
    network, fresh = build(config), build(config)
    set_temperature(network, 0.25)
    attentions = [m for m in network.modules() if isinstance(m, Attention)]
    assert len(attentions) == 6
    assert all(float(m.temperature) == 0.25 for m in attentions)
    file = io.BytesIO()
    torch.save(network.state_dict(), file)
    file.seek(0)
    fresh.load_state_dict(torch.load(file, weights_only=True))
    assert all(float(m.temperature) == 0.25 for m in fresh.modules() if isinstance(m, Attention))


def test_shares_are_computed_in_single_precision_in_a_network_of_bfloat16() -> None:
    """Parameters of attention stay as they are, to the bit; outputs are bfloat16."""
    torch.manual_seed(0)
    network = build(NetworkConfig(backbone="resnet8x0.25", num_classes=2)).eval()
    attention = next(m for m in network.modules() if isinstance(m, Attention))
    before = attention.fc2.weight.detach().clone()
    network.to(torch.bfloat16)
    assert torch.equal(attention.fc2.weight, before)
    assert attention(X[:, :4].bfloat16()).dtype == torch.float32
    assert network(torch.randn(2, 3, 8, 8, dtype=torch.bfloat16)).dtype == torch.bfloat16


def test_autocast_does_not_reach_the_shares(attention: Attention) -> None:
    """The same bits with and without it, and float64 stays float64."""
    plain = attention(X)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(attention(X), plain)
        assert attention(X.bfloat16()).dtype == torch.float32
    assert attention.double()(X.double()).dtype == torch.float64


def test_a_network_trains_under_autocast() -> None:
    """Loss and gradients are finite, and close to those of single precision."""
    torch.manual_seed(0)
    network = build(NetworkConfig(backbone="resnet8x0.25", num_classes=2)).eval()
    images = torch.randn(4, 3, 8, 8)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits = network(images)
    torch.autograd.backward(logits.float().square().sum())
    torch.testing.assert_close(logits.float(), network(images), rtol=0.1, atol=0.1)
    assert all(p.grad is not None and bool(p.grad.isfinite().all()) for p in network.parameters())


def linear_layer(norm: AttentionNorm = "layer") -> KWLinear:
    """A served linear layer with a bias, from 8 to 12 channels."""
    torch.manual_seed(0)
    warehouse = Warehouse(WarehousePlan("w", 9, (4, 4, 1), (0,)))
    warehouse.start_run(0, 9)
    plain = nn.Linear(8, 12)
    return KWLinear(site_plan(linear=True), plain, warehouse, norm=norm)


@pytest.mark.parametrize("positions", [(), (7,), (2, 3), (2, 3, 4)])
def test_tokens_keep_their_axes(positions: tuple[int, ...]) -> None:
    """Channels last in, channels last out, any number of position axes; the bias is added."""
    layer = linear_layer()
    x = torch.randn(3, *positions, 8)
    y = layer(x)
    assert y.shape == (3, *positions, 12)
    assert layer.bias is not None
    silent = layer(torch.zeros_like(x))
    torch.testing.assert_close(silent, layer.bias.expand_as(y))


def test_tokens_of_a_sample_share_one_weight() -> None:
    """Moving the tokens about moves the outputs about."""
    layer = linear_layer()
    x = torch.randn(2, 5, 8)
    order = torch.tensor([3, 1, 4, 0, 2])
    torch.testing.assert_close(layer(x[:, order]), layer(x)[:, order], rtol=1e-4, atol=1e-5)


def test_a_served_convolution_adds_the_bias_of_the_plain_one() -> None:
    """An input of zeros gives the bias everywhere."""
    plain = nn.Conv2d(8, 12, 1)
    warehouse = Warehouse(WarehousePlan("w", 9, (4, 4, 1, 1), (0,)))
    layer = KWConv(site_plan(bias=True), plain, warehouse)
    assert layer.bias is plain.bias
    y = layer(torch.zeros(2, 8, 3, 3))
    assert plain.bias is not None
    torch.testing.assert_close(y, plain.bias.view(1, -1, 1, 1).expand_as(y))
