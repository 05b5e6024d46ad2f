"""Candidates: the same counts as one by one, inside the limits, no digest twice."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from search_spaces import candidates, count, plan_network
from search_spaces.backbones import shipped
from search_spaces.candidates import _code, _numbers, described, drawn
from search_spaces.choices import FloatRange, Options, rounded
from search_spaces.constraints import Limits
from search_spaces.describing import PER_STAGE, WHOLE
from search_spaces.space import Space

CHOICES = {
    "cell_num_ratio": FloatRange(0.125, 4.0, log=True),
    "cell_inplane_ratio": Options((0.25, 0.5, 0.7, 1)),  # 0.7 cannot be built
    "cell_outplane_ratio": Options((0.25, 0.5, 1.0)),
    "reduction": FloatRange(0.0625, 1.0),
    "nonlocal_basis_ratio": Options((0.25, 1.0)),
    "sharing_range": Options(("none", "layer", "stage", "network")),
    "spatial_partition": Options((True, False)),
}
TABLE = shipped("resnet8", 10, 1, (8, 8))
SPACES = {
    "network": Space(TABLE, CHOICES),
    "stage": Space(TABLE, CHOICES, "stage"),
    "few": Space(TABLE, {"cell_num_ratio": Options((0.5, 1.0, 2.0))}),
    "default sharing": Space(shipped("convnext-tiny"), {"cell_num_ratio": FloatRange(0.1, 2.0)}),
}
LIMITS = Limits(min_params=10_000, max_params=200_000)


@pytest.mark.parametrize("name", SPACES)
def test_candidates_have_the_counts_of_their_plans_and_differ(name):
    space = SPACES[name]
    limits = LIMITS if space.backbone is TABLE else Limits()
    found = drawn(space, limits, 300, seed=3)
    digests = set()
    for row in range(len(found)):
        config = space.decode(found.values(row))
        size = count(config, space.backbone)
        assert size.params == found.params[row]
        assert not limits.broken(size)
        digests.add(plan_network(config, space.backbone).digest)
    assert len(digests) == len(found) > (1 if name == "few" else 50)
    assert found.features.shape == (len(found), WHOLE + PER_STAGE * len(space.backbone.stages))
    assert np.all(np.isfinite(found.features))


def test_limits_on_macs_are_kept_and_a_seed_gives_the_same_candidates():
    space = SPACES["network"]
    every = drawn(space, Limits(), 500, seed=1)
    macs = described(space, [every.values(row) for row in range(len(every))]).macs
    limits = Limits(min_macs=int(np.quantile(macs, 0.3)), max_macs=int(np.quantile(macs, 0.6)))
    one, other = (drawn(space, limits, 500, seed=1) for _ in range(2))
    assert 0 < len(one) < len(every)
    assert not any(limits.broken(space.count(one.values(row))) for row in range(len(one)))
    assert np.array_equal(one.codes, other.codes)
    assert not np.array_equal(one.codes[:20], drawn(space, limits, 500, seed=2).codes[:20])


def test_no_more_is_drawn_of_a_space_that_is_drawn_out(monkeypatch):
    """All networks of a small space are found by few draws; a large one is drawn to the end."""
    monkeypatch.setattr(candidates, "_BLOCK", 1_000)
    blocks = []
    draw = candidates._Columns.draw
    monkeypatch.setattr(
        candidates._Columns, "draw", lambda *given: blocks.append(1) or draw(*given)
    )
    few = drawn(SPACES["few"], Limits(), 10_000, seed=0)
    assert len(few) == 3
    assert len(blocks) == 2
    blocks.clear()
    many = drawn(SPACES["stage"], Limits(), 10_000, seed=0)
    assert len(blocks) == 10
    assert len(many) > 5_000


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["network", "stage", "few"]))
def test_values_are_described_as_the_plan_says(seed, name):
    space = SPACES[name]
    values = space.draw(np.random.default_rng(seed))
    found, size = described(space, [values]), space.count(values)
    assert bool(found.feasible[0]) == (size is not None)
    if size is None:
        return
    assert (found.params[0], found.macs[0]) == (size.params, size.macs)
    whole = dict(zip(range(WHOLE), found.features[0], strict=False))
    assert whole[0] == pytest.approx(np.log(size.params), rel=1e-6)
    assert whole[1] == pytest.approx(size.attention_params / size.params, rel=1e-5)
    assert whole[2] == pytest.approx(np.log(len(size.warehouses)), abs=1e-6)
    held = [np.exp(found.features[0][WHOLE + PER_STAGE * s]) for s in range(len(TABLE.stages))]
    assert sum(held) == pytest.approx(size.cell_params, rel=1e-4)
    mixtures = [
        np.mean([np.log(s.mixtures) for s in size.sites if s.address.startswith(stage)])
        for stage in TABLE.stages
    ]
    assert found.features[0][WHOLE + 2 :: PER_STAGE] == pytest.approx(mixtures, rel=1e-5)


@given(st.floats(1e-6, 1e6))
def test_a_number_is_coded_as_it_is_read(number):
    wide = FloatRange(1e-7, 1e7, log=True)
    assert float(_numbers(wide, np.array([_code(rounded(number))]))[0]) == rounded(number)


def test_half_of_the_draws_of_a_space_per_stage_are_alike_in_all_stages():
    found = drawn(SPACES["stage"], Limits(), 2_000, seed=0)
    names = list(SPACES["stage"].dimensions)
    ratios = found.codes[:, [at for at, n in enumerate(names) if n.startswith("cell_num")]]
    alike = np.mean(np.all(ratios == ratios[:, :1], axis=1))
    assert 0.3 < alike < 0.7
