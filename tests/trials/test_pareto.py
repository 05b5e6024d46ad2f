"""Fronts against moocore and against what is known."""

import itertools

import moocore
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trials.area import Area, Point, Scale
from trials.pareto import Front, crowding, knee, ranks

AREA = Area(5, 50, 0.0)
points = st.lists(
    st.tuples(st.integers(1, 60), st.sampled_from(np.linspace(0, 1.1, 12).tolist())), max_size=40
).map(lambda pairs: [Point(params, error, i) for i, (params, error) in enumerate(pairs)])


@given(points, st.randoms())
def test_a_front_does_not_depend_on_the_order_of_its_points(given_points, random):
    shuffled = list(given_points)
    random.shuffle(shuffled)
    assert Front(AREA, shuffled).members == Front(AREA, given_points).members


@given(points)
def test_a_front_is_what_moocore_calls_nondominated(given_points):
    members = Front(AREA, given_points).members
    if given_points:
        pairs = np.array([point[:2] for point in given_points])
        kept = pairs[moocore.is_nondominated(pairs, keep_weakly=False)]
        assert sorted(map(tuple, kept.tolist())) == [tuple(map(float, m[:2])) for m in members]
    else:
        assert members == ()


def height(points, size, area):
    """Of the best network of at most this size, as a share of the way from the floor to 1."""
    best = min((p.error for p in points if max(p.cost, area.low) <= size), default=1.0)
    return max(0.0, (1 - best - area.floor) / (1 - area.floor))


@given(points, st.integers(1, 20), st.integers(21, 80), st.sampled_from([0.0, 0.1, 0.5]))
def test_hypervolume_is_the_mean_height_over_log_parameters(given_points, low, high, floor):
    """The integral of a step function, summed from step to step."""
    area = Area(low, high, floor)
    steps = sorted({low, high, *(p.cost for p in given_points if low < p.cost < high)})
    whole = sum(
        height(given_points, left, area) * np.log(right / left)
        for left, right in itertools.pairwise(steps)
    )
    front = Front(area, given_points)
    assert front.hypervolume == pytest.approx(whole / np.log(high / low))
    assert 0 <= front.hypervolume <= 1


@given(points)
def test_hypervolume_never_falls(given_points):
    front = Front(AREA)
    before = 0.0
    for point in given_points:
        changed = front.add(point)
        assert front.hypervolume >= before - 1e-9
        assert changed or front.hypervolume == before
        before = front.hypervolume


@given(points, st.integers(2, 9))
def test_hypervolume_does_not_depend_on_the_unit_of_size(given_points, times):
    scaled = [point._replace(cost=point.cost * times) for point in given_points]
    wider = Area(AREA.low * times, AREA.high * times, AREA.floor)
    assert wider.hypervolume(scaled) == pytest.approx(AREA.hypervolume(given_points))


def test_hypervolume_of_a_staircase():
    """Half of the logarithms at accuracy 0.5 and half at 0.75, over a floor of 0.25."""
    front = Front(Area(1, 100, 0.25), [Point(1, 0.5, 0), Point(10, 0.25, 1)])
    assert front.hypervolume == pytest.approx((1 / 3 + 2 / 3) / 2)


@given(points)
def test_the_linear_hypervolume_is_moocores_share(given_points):
    whole = [point[:2] for point in given_points if point.cost < 50 and point.error < 1]
    expected = moocore.hypervolume(whole, ref=(50, 1.0)) / 50 if whole else 0.0
    assert AREA.hypervolume(given_points, Scale.LINEAR) == pytest.approx(expected)


def test_a_space_of_one_size_is_measured_by_its_height():
    assert Area(50, 50, 0.5).hypervolume([Point(50, 0.2, 0)]) == pytest.approx(0.6)
    assert Area(50, 50, 0.5).hypervolume([Point(51, 0.2, 0)]) == 0.0


def test_of_equal_points_the_lowest_number_stays():
    front = Front(AREA, [Point(5, 0.5, 7)])
    assert front.add(Point(5, 0.5, 3))
    assert not front.add(Point(5, 0.5, 9))
    assert [member.number for member in front.members] == [3]


@given(points)
def test_rank_zero_is_the_front(given_points):
    best = {p[:2] for p, rank in zip(given_points, ranks(given_points), strict=True) if rank == 0}
    assert best == {member[:2] for member in Front(AREA, given_points).members}


def test_crowding_is_infinite_at_the_ends_and_largest_in_the_gap():
    row = [Point(10, 0.9, 0), Point(11, 0.8, 1), Point(100, 0.5, 2), Point(1000, 0.1, 3)]
    distance = crowding(row)
    assert np.isinf(distance[[0, 3]]).all()
    assert distance[2] > distance[1] > 0
    assert crowding([]).shape == (0,)


def test_the_knee_is_where_more_parameters_stop_paying():
    row = [Point(10, 0.9, 0), Point(20, 0.2, 1), Point(1000, 0.1, 2)]
    assert knee(row).number == 1
    assert knee([]) is None
    assert knee(row[:1]).number == 0


@given(
    st.sets(st.integers(10, 10**6), min_size=3, max_size=9),
    st.lists(st.floats(0.01, 0.1), min_size=9, max_size=9),
)
def test_the_knee_is_the_point_farthest_from_the_line_between_the_ends(sizes, gains):
    """By the area of the triangle with the two ends, over the logarithm of parameters."""
    errors = 1 - np.cumsum(gains)
    row = [
        Point(p, float(e), i) for i, (p, e) in enumerate(zip(sorted(sizes), errors, strict=False))
    ]
    ends = [np.array((np.log(point.cost), point.error)) for point in (row[0], row[-1])]

    def below(point):
        along, to = ends[1] - ends[0], np.array((np.log(point.cost), point.error)) - ends[0]
        return to[0] * along[1] - to[1] * along[0]

    assert below(knee(row)) >= max(map(below, row)) - 1e-9
