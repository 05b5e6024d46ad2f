"""Thinning what a sampler learns from: what is kept, whatever came in."""

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trials.evidence import Observation, thinned

observations = st.lists(
    st.builds(
        Observation,
        cost=st.integers(1_000, 1_000_000),
        accuracy=st.integers(0, 100).map(lambda x: x / 100),
        lacking=st.sampled_from([0.0, 0.5]),
    ),
    max_size=80,
)


@given(observations, st.integers(1, 40))
def test_exactly_so_many_are_kept_once_each_in_their_order(seen, number):
    kept = thinned(seen, number)
    assert kept == sorted(set(kept))
    assert len(kept) == min(number, len(seen))
    assert not kept or 0 <= kept[0] <= kept[-1] < len(seen)


@given(observations, st.integers(8, 40))
def test_the_newest_are_kept(seen, number):
    newest = range(max(len(seen) - number // 4, 0), len(seen))
    assert set(newest) <= set(thinned(seen, number))


def test_the_front_of_complete_trials_is_kept_as_long_as_it_fits():
    rng = np.random.default_rng(0)
    seen = [
        Observation(int(10 ** rng.uniform(3, 6)), float(rng.uniform()), float(rng.choice([0, 0.5])))
        for _ in range(2000)
    ]
    complete = [place for place, one in enumerate(seen) if not one.lacking]
    points = np.array([(seen[place].cost, 1 - seen[place].accuracy) for place in complete])
    front = np.array(complete)[moocore.is_nondominated(points)]
    assert set(front.tolist()) <= set(thinned(seen, 200))


def test_what_is_kept_covers_the_sizes():
    seen = [Observation(1000 + 10 * place, 0.5 - place / 1e4) for place in range(1000)]
    sizes = [seen[place].cost for place in thinned(seen, 100)]
    assert max(np.diff(sorted(sizes))) <= 10 * 1000 / 20


@pytest.mark.parametrize("times", [1, 5])
def test_thinning_again_and_again_never_loses_the_best(times):
    rng = np.random.default_rng(1)
    kept = [Observation(10_000, 0.99)]
    for _ in range(times):
        kept += [Observation(int(rng.integers(20_000, 90_000)), 0.5) for _ in range(40)]
        kept = [kept[place] for place in thinned(kept, 20)]
    assert kept[0] == Observation(10_000, 0.99)
