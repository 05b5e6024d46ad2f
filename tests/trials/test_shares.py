"""Wilson's interval, and the standard error that it gives."""

from math import sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trials.shares import standard_error, wilson

COUNTS = st.integers(1, 10_000).flatmap(
    lambda images: st.tuples(st.integers(0, images), st.just(images))
)


@given(COUNTS, st.floats(0.1, 5))
def test_the_ends_are_z_of_their_own_errors_from_the_share(counted, z):
    right, images = counted
    share = right / images
    for end in wilson(share, images, z):
        own = sqrt(max(end * (1 - end), 0) / images)
        assert abs(share - end) == pytest.approx(z * own, abs=1e-7)


@given(COUNTS)
def test_an_interval_has_a_width_and_lies_between_0_and_1(counted):
    right, images = counted
    low, high = wilson(right / images, images, 1.0)
    assert 0 <= low <= right / images <= high <= 1
    assert standard_error(right / images, images) > 0


@given(COUNTS, st.floats(0.1, 5))
def test_right_and_wrong_are_mirrored(counted, z):
    right, images = counted
    low, high = wilson(right / images, images, z)
    assert wilson(1 - right / images, images, z) == pytest.approx((1 - high, 1 - low))


def test_all_of_299_images_leave_room_for_an_error():
    """The ends of the interval are 1 and n / (n + z^2)."""
    assert wilson(1.0, 299, 1.0) == pytest.approx((299 / 300, 1.0))
    assert standard_error(1.0, 299) == pytest.approx(1 / 600)


def test_in_the_middle_it_is_the_spread_of_a_simulated_count():
    draws = np.random.default_rng(0).binomial(400, 0.7, size=20_000) / 400
    assert standard_error(0.7, 400) == pytest.approx(draws.std(), rel=0.02)
