"""Expected gains: against hypervolume, numeric integration and draws."""

from itertools import pairwise
from math import exp, log

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from trials.area import Area, Point
from trials.gain import Steps, excess
from trials.pareto import Front

AREA = Area(1_000, 100_000, 0.2)
SIZE = st.integers(300, 130_000)
SHARE = st.floats(0.0, 1.0)
POINTS = st.lists(st.tuples(SIZE, SHARE), max_size=8).map(
    lambda pairs: [Point.of(params, accuracy, n) for n, (params, accuracy) in enumerate(pairs)]
)


def height(points, x, area=AREA):
    """The front's height at the logarithm of a size, by looking at every point."""
    size = area.low * exp(x)
    inside = [1 - p.error for p in points if max(p.cost, area.low) <= size * (1 + 1e-12)]
    return max([area.floor, *inside])


@given(POINTS, SIZE, SHARE)
def test_the_gain_of_a_known_network_is_the_difference_of_hypervolumes(points, params, accuracy):
    added = Point.of(params, accuracy, 99)
    gained = AREA.hypervolume([*points, added]) - AREA.hypervolume(points)
    found = Steps.of(AREA, points).expected_gain(params, accuracy, 0.0)
    assert found == pytest.approx([gained], abs=1e-12)


@given(POINTS, SIZE, SHARE)
def test_an_area_of_one_size_gains_the_height_there(points, params, accuracy):
    area = Area(5_000, 5_000, 0.2)
    gained = area.hypervolume([*points, Point.of(params, accuracy, 99)]) - area.hypervolume(points)
    found = Steps.of(area, points).expected_gain(params, accuracy, 0.0)
    assert found == pytest.approx([gained], abs=1e-12)


@given(POINTS, SIZE, SHARE, st.floats(0.001, 0.5))
def test_the_expectation_is_the_integral_over_sizes_and_accuracies(points, params, mean, spread):
    """Each term integrated over accuracy, capped at 1, and over sizes between the edges."""
    assume(params <= AREA.high)
    edges = sorted({0.0, log(100), *(log(max(p.cost, 1_000) / 1_000) for p in points)})
    start, total = log(max(params, AREA.low) / AREA.low), 0.0
    for low, high in pairwise(edges):
        width = min(high, log(100)) - max(low, start)
        if width <= 0:
            continue
        step = height(points, (low + high) / 2)
        total += width * quad(
            lambda a, step=step: (min(a, 1) - step) * norm.pdf(a, mean, spread),
            step, mean + 40 * spread, points=sorted({min(max(mean, step), 1), 1.0}), limit=200,
        )[0] if step < mean + 40 * spread else 0.0  # fmt: skip
    found = Steps.of(AREA, points).expected_gain(params, mean, spread)
    assert found == pytest.approx([total / (log(100) * 0.8)], rel=1e-5, abs=1e-9)


@given(POINTS, SIZE, SHARE, st.floats(0.001, 0.3), st.integers(0, 99))
def test_the_expectation_is_the_mean_of_hypervolumes_of_draws(points, params, mean, spread, seed):
    draws = np.minimum(np.random.default_rng(seed).normal(mean, spread, 400), 1)
    before = AREA.hypervolume(points)
    gains = [AREA.hypervolume([*points, Point.of(params, a, 99)]) - before for a in draws]
    found = float(Steps.of(AREA, points).expected_gain(params, mean, spread)[0])
    assert abs(found - np.mean(gains)) <= 5 * spread / np.sqrt(400) / 0.8 + 1e-9


@given(POINTS, SIZE, st.lists(SHARE, min_size=2, max_size=6), st.floats(0, 0.5))
def test_it_grows_with_the_mean_and_with_the_deviation_and_falls_with_size(
    points, params, means, spread
):
    steps, means = Steps.of(AREA, points), sorted(means)
    gains = steps.expected_gain(params, means, spread)
    assert np.all(np.diff(gains) >= -1e-12)
    assert np.all(gains >= 0)
    capped = [m for m in means if m <= 0.6]  # above, the cap at 1 takes from a wider spread
    if capped:
        at = [float(steps.expected_gain(params, capped[0], s)[0]) for s in (0, 0.05, 0.1)]
        assert np.all(np.diff(at) >= -1e-12)
    smaller = steps.expected_gain(max(params // 2, 1), means, spread)
    if params <= AREA.high:
        assert np.all(smaller >= gains - 1e-12)


def test_the_gain_is_largest_where_the_front_has_a_gap_not_at_the_smallest_size():
    """A sure thing at the low end, of the accuracy that it has there, gains nothing."""
    points = [Point.of(1_000, 0.6, 0), Point.of(50_000, 0.95, 1)]
    sizes = np.array([300, 1_000, 7_000, 49_000])
    gains = Steps.of(AREA, points).expected_gain(sizes, [0.6, 0.6, 0.85, 0.95], 0.005)
    assert int(np.argmax(gains)) == 2
    assert gains[0] == gains[1]  # smaller than the area counts as its low end


def test_tiny_expectations_keep_their_digits():
    z = -np.array([5.0, 8.0, 20.0, 30.0])
    series = norm.pdf(z) / z**2 * (1 - 3 / z**2 + 15 / z**4 - 105 / z**6)
    assert excess(z, np.ones(4), 0.0) == pytest.approx(series, rel=5e-3, abs=0)
    assert np.all(series > 0)


def test_many_networks_at_once_are_each_alone():
    points = [Point.of(2_000, 0.5, 0), Point.of(20_000, 0.8, 1)]
    rng = np.random.default_rng(0)
    sizes, means = rng.integers(900, 110_000, 70_000), rng.uniform(0, 1, 70_000)
    steps = Steps.of(AREA, points)
    gains = steps.expected_gain(sizes, means, 0.05)
    for row in (0, 65_535, 65_536, 69_999):
        alone = steps.expected_gain(int(sizes[row]), means[row], 0.05)
        assert alone[0] == pytest.approx(gains[row], abs=1e-15)
    assert len(steps.expected_gain([], [], [])) == 0
    assert Front(AREA, points).hypervolume + gains.max() <= 1
