"""Spaces: decoding, refusals, samples that cover sizes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search_spaces import InputError, count
from search_spaces.backbones import shipped
from search_spaces.choices import FloatRange, Options
from search_spaces.constraints import Limits
from search_spaces.space import Space

CHOICES = {
    "cell_num_ratio": FloatRange(0.125, 4.0, log=True),
    "cell_inplane_ratio": Options((0.25, 0.5, 1.0)),
    "cell_outplane_ratio": Options((0.25, 0.5, 1)),
    "sharing_range": Options(("none", "layer", "stage", "network")),
    "reduction": Options((0.0625,)),
}
NETWORK = Space(shipped("resnet20", 10), CHOICES)
STAGE = Space(shipped("resnet20", 10), CHOICES, "stage")
LIMITS = Limits(min_params=20_000, max_params=300_000)


def test_a_fixed_option_is_no_dimension():
    assert "reduction" not in NETWORK.dimensions
    assert NETWORK.decode(NETWORK.draw(np.random.default_rng(0))).reduction == 0.0625


def test_a_space_per_stage_has_a_dimension_for_each_ratio_and_stage():
    assert len(NETWORK.dimensions) == 4
    assert len(STAGE.dimensions) == 3 * 3 + 1


@given(st.integers(0, 10_000), st.sampled_from([NETWORK, STAGE]))
def test_every_draw_decodes_and_is_counted(seed, space):
    values = space.draw(np.random.default_rng(seed))
    assert values.keys() == space.dimensions.keys()
    assert space.count(values) == count(space.decode(values), space.backbone)


def test_decoding_refuses_what_a_dimension_cannot_take():
    values = NETWORK.draw(np.random.default_rng(0))
    for wrong in ({"cell_num_ratio": 5.0}, {"cell_inplane_ratio": 0.3}, {"cell_num_ratio": "one"}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            NETWORK.decode({**values, **wrong})
    del values["sharing_range"]
    with pytest.raises(InputError, match="sharing_range"):
        NETWORK.decode(values)


@pytest.mark.parametrize("space", [NETWORK, STAGE])
def test_a_spread_lies_inside_the_limits_and_covers_them(space):
    sizes = [space.count(values).params for values in space.spread(8, LIMITS, seed=0)]
    assert len(sizes) == len(set(sizes)) == 8
    assert all(LIMITS.min_params <= size <= LIMITS.max_params for size in sizes)
    for beginning in (sizes[:4], sizes):
        assert max(beginning) / min(beginning) > 6
    assert sorted(sizes)[4] < 200_000


def test_a_budget_that_few_networks_keep_is_looked_for_longer():
    narrow = Limits(min_params=249_750, max_params=250_250)
    first = [size for _, size in STAGE._inside(STAGE._probes(0), narrow)]
    assert not first
    assert STAGE.has_member(narrow)
    spread = STAGE.spread(4, narrow, 0)
    assert spread
    assert not any(narrow.broken(STAGE.count(values)) for values in spread)
    ends = STAGE.ends(narrow)
    assert not any(narrow.broken(count(config, STAGE.backbone)) for config in ends)


def test_a_spread_depends_on_its_seed_alone():
    assert NETWORK.spread(5, LIMITS, 3) == NETWORK.spread(5, LIMITS, 3)
    assert NETWORK.spread(5, LIMITS, 3) != NETWORK.spread(5, LIMITS, 4)


def test_an_impossible_budget_has_no_member_and_the_smallest_is_known():
    assert not NETWORK.has_member(Limits(max_params=1000))
    _, size = NETWORK.smallest()
    assert NETWORK.has_member(Limits(max_params=size.params))
    assert NETWORK.spread(3, Limits(max_params=1000), 0) == []


def test_limits_are_signed_violations():
    size = NETWORK.count(NETWORK.draw(np.random.default_rng(0)))
    exactly = Limits(max_params=size.params, min_params=size.params, max_macs=size.macs)
    assert set(exactly.violations(size).values()) == {0}
    assert exactly.broken(size) == ()
    assert Limits(max_params=size.params - 1).violations(size) == {"max_params": 1}
    assert Limits(min_macs=size.macs + 1).broken(size) == ("min_macs",)


@pytest.mark.parametrize(
    "choices",
    [
        {"cell_number_ratio": Options((1.0,))},
        {"sharing_range": Options(("stages",))},
    ],
)
def test_unknown_settings_and_sharing_ranges_are_refused_with_the_nearest(choices):
    with pytest.raises(InputError, match="Did you mean"):
        Space(shipped("resnet20"), choices)


@given(st.floats(0, 1), st.booleans())
def test_a_range_never_leaves_its_ends(share, log):
    assert 0.123 <= FloatRange(0.123, 4.5678, log=log).at(share) <= 4.5678


@pytest.mark.parametrize(("low", "high", "log"), [(1, 1, False), (2, 1, False), (0, 1, True)])
def test_empty_ranges_are_refused(low, high, log):
    with pytest.raises(InputError):
        FloatRange(low, high, log=log)
