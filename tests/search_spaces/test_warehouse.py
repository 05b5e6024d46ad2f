"""Plans: closed forms, ownership of cells, digests, refusals."""

from fractions import Fraction
from math import floor

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces import InfeasibleError, InputError, NetworkConfig, count, plan_network
from search_spaces.backbones import names, shipped
from search_spaces.sites import SHARING_RANGES
from search_spaces.warehouse import exact

multipliers = st.one_of(
    st.floats(0.01, 8, allow_nan=False), st.sampled_from([0.125, 0.25, 1 / 3, 0.3, 1, 1.5, 2, 2.7])
).map(float)
cells = st.sampled_from([0.125, 0.25, 0.5, 1.0])
configs = st.builds(
    NetworkConfig,
    backbone=st.sampled_from(["resnet8", "resnet20", "resnet8x0.5", "resnet18", "resnet18-small"]),
    num_classes=st.integers(2, 100),
    cell_num_ratio=multipliers,
    cell_inplane_ratio=cells,
    cell_outplane_ratio=cells,
    reduction=st.sampled_from([1 / 32, 1 / 16, 0.5]),
    nonlocal_basis_ratio=st.sampled_from([1 / 16, 0.5, 1.0]),
    sharing_range=st.sampled_from(list(SHARING_RANGES.values())),
)


@given(configs)
def test_every_cell_is_owned_by_exactly_one_site(config):
    plan = plan_network(config)
    for warehouse in plan.warehouses:
        owned = [
            cell
            for index in warehouse.sites
            for cell in range(
                plan.sites[index].start, plan.sites[index].start + plan.sites[index].owned
            )
        ]
        assert owned == list(range(warehouse.cells))


@given(configs)
def test_beta_points_each_mixture_into_its_own_run_or_at_the_zero_cell(config):
    for site in plan_network(config).sites:
        rows = site.beta_rows()
        real = [row for row in rows if row != site.cells]
        assert len(rows) == site.mixtures
        assert len(set(real)) == len(real)
        assert all(site.start <= row < site.start + site.local for row in real)
        assert len(real) == min(site.mixtures, site.local)


@given(q=st.integers(1, 12))
def test_beta_of_an_integer_reciprocal_is_the_published_table(q):
    plan = plan_network(NetworkConfig(backbone="resnet8", cell_num_ratio=1 / q))
    site = plan.sites[0]
    expected, used = [], 0
    for i in range(site.mixtures):
        if i % q == (i // q) % q and used < site.local:
            expected.append(site.start + used)
            used += 1
        else:
            expected.append(site.cells)
    assert list(site.beta_rows()) == expected


@given(b=st.integers(1, 6))
def test_beta_of_an_integer_steps_b_cells(b):
    for site in plan_network(NetworkConfig(backbone="resnet20", cell_num_ratio=float(b))).sites:
        assert site.beta_rows() == tuple(site.start + i * b for i in range(site.mixtures))


@given(configs, st.floats(1.0, 3.0))
def test_parameters_never_fall_when_the_multiplier_grows(config, factor):
    larger = config.model_copy(update={"cell_num_ratio": config.cell_num_ratio * factor})
    assert count(larger).params >= count(config).params


@given(configs)
def test_totals_are_the_sums_of_their_parts(config):
    size = count(config)
    assert size.params == size.plain_params + size.cell_params + size.attention_params
    assert size.cell_params == sum(w.params for w in size.warehouses)
    assert size.attention_params == sum(s.attention_params for s in size.sites)
    assert size.macs == size.plain_macs + size.conv_macs + size.attention_macs + size.mixing_macs


@given(configs)
def test_one_site_a_warehouse_at_b_1_holds_exactly_the_plain_weights(config):
    alone = config.model_copy(
        update={"sharing_range": (), "cell_num_ratio": 1.0, "nonlocal_basis_ratio": 1.0}
    )
    size = count(alone)
    plain = shipped(alone.backbone, alone.num_classes)
    assert size.cell_params == sum(site.weight_params for site in plain.sites)


@given(configs)
def test_a_digest_does_not_see_how_a_network_is_spelt(config):
    stages = len(shipped(config.backbone).stages)
    spelt = config.model_copy(
        update={
            "granularity": "stage",
            "cell_num_ratio": (config.cell_num_ratio,) * stages,
            "reduction": (config.reduction,) * stages,
        }
    )
    assert plan_network(spelt).digest == plan_network(config).digest


def test_ratios_that_round_to_one_cell_have_one_digest():
    digests = {
        plan_network(
            NetworkConfig(backbone="resnet20", sharing_range=("layer",), cell_inplane_ratio=ratio)
        ).digest
        for ratio in (0.5, 0.505, 0.51)
    }
    assert len(digests) == 1


def test_a_setting_nothing_uses_does_not_change_the_digest():
    token_less = NetworkConfig(backbone="resnet20", sharing_range=("layer", "conv"))
    all_tokens = NetworkConfig(backbone="resnet20", sharing_range=SHARING_RANGES["stage"])
    assert plan_network(token_less).digest == plan_network(all_tokens).digest


@given(configs, configs)
def test_different_sizes_have_different_digests(one, other):
    if count(one).params != count(other).params:
        assert plan_network(one).digest != plan_network(other).digest


def test_the_input_size_changes_macs_alone():
    config = NetworkConfig(backbone="resnet20", num_classes=10)
    small, large = (count(config, input_size=(edge, edge)) for edge in (32, 64))
    assert small.params == large.params
    assert large.conv_macs == 4 * small.conv_macs
    assert large.attention_macs == small.attention_macs
    digests = {plan_network(config, input_size=(edge, edge)).digest for edge in (32, 64)}
    assert len(digests) == 1


def test_a_cell_that_does_not_fit_is_refused_with_the_nearest_that_do():
    config = NetworkConfig(backbone="resnet20", cell_outplane_ratio=0.7)
    with pytest.raises(InfeasibleError) as caught:
        plan_network(config)
    assert "11 channels" in caught.value.cause
    assert "layer1.0.conv1" in caught.value.cause
    for channels in (8, 16):
        feasible = config.model_copy(update={"cell_outplane_ratio": channels / 16})
        assert f"{channels}/16" in caught.value.cure
        plan_network(feasible)


def test_kernels_of_two_sizes_cannot_share_whole_cells():
    config = NetworkConfig(backbone="resnet18", spatial_partition=False)
    with pytest.raises(InfeasibleError, match=r"3x3 and 1x1.*layer2\.0\.downsample\.0"):
        plan_network(config)
    plan_network(config.model_copy(update={"sharing_range": ()}))


def test_values_per_stage_must_be_as_many_as_the_stages():
    config = NetworkConfig(backbone="resnet20", granularity="stage", reduction=(0.1, 0.2))
    with pytest.raises(InfeasibleError, match=r"2 values.*3 stages"):
        plan_network(config)


def test_an_unknown_backbone_is_refused_with_the_nearest():
    with pytest.raises(InputError, match="resnet20"):
        count(NetworkConfig(backbone="resnet_20"))


@given(st.fractions(Fraction(1, 64), 8, max_denominator=64), st.integers(1, 10_000))
def test_a_ratio_written_as_a_float_is_read_as_the_fraction_it_stands_for(ratio, m):
    assert exact(float(ratio)) == ratio
    assert floor(exact(float(ratio)) * m) == ratio.numerator * m // ratio.denominator


@settings(max_examples=20)
@given(st.sampled_from(names()), st.integers(1, 50))
def test_a_table_survives_a_round_trip(name, classes):
    table = shipped(name, classes)
    again = type(table).from_dict(table.to_dict())
    assert again == table
    assert again.digest == table.digest


@pytest.mark.parametrize(
    ("name", "classes", "params"),
    [
        ("resnet20", 10, 269_722),
        ("resnet32", 10, 464_154),
        ("resnet56", 10, 853_018),
        ("resnet18", 1000, 11_689_512),
    ],
)
def test_plain_networks_have_their_known_sizes(name, classes, params):
    assert shipped(name, classes).params == params


def test_plain_resnet18_costs_what_is_known():
    assert shipped("resnet18").macs == 1_814_073_344
