"""What a configuration refuses, and what survives a round trip."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from search_spaces import InputError, NetworkConfig

ratios = st.sampled_from([0.125, 0.25, 0.5, 1.0])


@given(
    b=st.floats(0.05, 8) | st.tuples(*[st.floats(0.05, 8)] * 3),
    inplane=ratios,
    outplane=ratios,
    spatial=st.booleans(),
)
def test_json_round_trip_gives_an_equal_config(b, inplane, outplane, spatial):
    config = NetworkConfig(
        backbone="resnet20",
        granularity="stage" if isinstance(b, tuple) else "network",
        cell_num_ratio=b,
        cell_inplane_ratio=inplane,
        cell_outplane_ratio=outplane,
        spatial_partition=spatial,
    )
    assert NetworkConfig.from_json(config.to_json()) == config


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("cell_num_ratio", 0.0),
        ("cell_num_ratio", -1.0),
        ("cell_num_ratio", float("nan")),
        ("cell_num_ratio", float("inf")),
        ("cell_inplane_ratio", 1.5),
        ("nonlocal_basis_ratio", 0.0),
        ("sharing_range", ("layers",)),
        ("cell_num_ratio", (1.0, 1.0, 1.0)),
        ("num_classes", 0),
        ("backbne", "resnet20"),
    ],
)
def test_values_outside_their_rule_are_refused(setting, value):
    with pytest.raises(ValidationError):
        NetworkConfig(**{"backbone": "resnet20", setting: value})


def test_all_faults_of_a_text_are_reported_at_once():
    with pytest.raises(InputError) as caught:
        NetworkConfig.from_json('{"backbone": "resnet20", "reduction": -1, "colour": "red"}')
    assert "reduction" in str(caught.value)
    assert "colour" in str(caught.value)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"version": 99, "backbone": "resnet20"}'])
def test_what_is_not_a_config_is_refused(text):
    with pytest.raises(InputError):
        NetworkConfig.from_json(text)
