"""The inverse of decoding: back to the same network, or a reason why not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import InfeasibleError, InputError, NetworkConfig, plan_network
from search_spaces.backbones import shipped
from search_spaces.choices import FloatRange, Options
from search_spaces.encoding import encode
from search_spaces.published import PUBLISHED, published
from search_spaces.space import Space

CHOICES = {
    "cell_num_ratio": FloatRange(0.125, 4.0, log=True),
    "cell_inplane_ratio": Options((0.25, 0.5, 1.0)),
    "cell_outplane_ratio": Options((0.5, 1.0)),
    "reduction": Options((0.03125, 0.0625)),
    "sharing_range": Options(("none", "layer", "stage", "network")),
}
SPACES = {
    granularity: Space(shipped("resnet8", 10, 1, (8, 8)), CHOICES, granularity)
    for granularity in ("network", "stage")
}


@pytest.mark.parametrize("granularity", SPACES)
@given(seed=st.integers(0, 2**32 - 1))
def test_what_was_decoded_is_encoded_to_the_same_network(granularity, seed):
    space = SPACES[granularity]
    config = space.decode(space.draw(np.random.default_rng(seed)))
    try:
        wanted = plan_network(config, space.backbone).digest
    except InfeasibleError:
        return
    values = encode(space, config)
    assert values.keys() == space.dimensions.keys()
    assert plan_network(space.decode(values), space.backbone).digest == wanted


def test_one_value_for_the_network_is_a_point_of_a_space_per_stage():
    config = NetworkConfig(backbone="resnet8", num_classes=10, in_channels=1, cell_num_ratio=0.5)
    values = encode(SPACES["stage"], config)
    assert {v for name, v in values.items() if name.startswith("cell_num_ratio.")} == {0.5}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"cell_num_ratio": 8.0}, "cell_num_ratio of 8.0 is not from 0.125 to 4.0"),
        ({"cell_outplane_ratio": 0.25}, "cell_outplane_ratio of 0.25 is not one of"),
        ({"spatial_partition": False}, "fixes a setting"),
    ],
)
def test_a_network_outside_the_space_is_refused_with_the_reason(changes, reason):
    given_ = {"backbone": "resnet8", "num_classes": 10, "in_channels": 1, **changes}
    with pytest.raises(InputError, match=reason):
        encode(SPACES["network"], NetworkConfig(**given_))


def test_values_per_stage_are_no_point_of_a_space_of_one_value():
    config = NetworkConfig(
        backbone="resnet8",
        num_classes=10,
        in_channels=1,
        granularity="stage",
        cell_num_ratio=(0.5, 1.0, 2.0),
    )
    with pytest.raises(InputError, match="one value a stage"):
        encode(SPACES["network"], config)


@pytest.mark.parametrize("name", [name for name in PUBLISHED if "resnet18" in name])
def test_published_networks_are_points_of_a_space_that_reaches_them(name):
    space = Space(
        shipped("resnet18"), {**CHOICES, "cell_outplane_ratio": Options((0.25, 0.5, 1.0))}, "stage"
    )
    values = encode(space, published(name))
    plan = plan_network(space.decode(values), space.backbone)
    assert plan.digest == plan_network(published(name)).digest
