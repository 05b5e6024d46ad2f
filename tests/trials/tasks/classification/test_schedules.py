"""Learning rate and temperature against their closed forms."""

from math import pi, sin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trials.tasks.classification.recipe import UPSTREAM_TEMPERATURE_SHARE, small_images
from trials.tasks.classification.schedules import Schedule, learning_rate, temperature


@given(st.integers(2, 5000), st.floats(0, 0.9), st.floats(1e-3, 10))
def test_learning_rate_rises_to_its_peak_and_falls(steps: int, share: float, peak: float) -> None:
    warmup = int(share * steps)
    rates = [learning_rate(step, steps=steps, warmup=warmup, peak=peak) for step in range(steps)]
    rising, falling = rates[:warmup], rates[warmup:]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)
    assert max(rates) == pytest.approx(peak)
    assert min(rates) > 0


def test_warm_up_is_a_line_and_the_rest_a_cosine() -> None:
    rates = [learning_rate(step, steps=110, warmup=10, peak=2.0) for step in range(110)]
    assert rates[:10] == pytest.approx([0.2 * (step + 1) for step in range(10)])
    for later in range(100):
        assert rates[10 + later] == pytest.approx(2 * (1 - sin(pi * later / 200) ** 2))
    assert rates[60] == pytest.approx(1.0)


@given(st.integers(0, 20_000))
def test_temperature_is_upstreams_for_upstreams_run(step: int) -> None:
    """300 epochs of 50 steps: from 1 to 0 in 20 epochs, which are 1000 steps."""
    found = temperature(step, steps=300 * 50, share=UPSTREAM_TEMPERATURE_SHARE)
    assert found == pytest.approx(max(0, 1 - step / 1000), abs=1e-12)


@given(st.integers(1, 2000), st.integers(2, 9), st.floats(0.01, 1), st.floats(0, 1))
def test_temperature_scales_with_the_run(steps: int, factor: int, share: float, at: float) -> None:
    step = int(at * steps)
    short = temperature(step, steps=steps, share=share)
    long = temperature(step * factor, steps=steps * factor, share=share)
    assert short == pytest.approx(long)


def test_without_a_share_the_temperature_is_zero_from_the_start() -> None:
    assert temperature(0, steps=10, share=0.0) == 0.0


def test_where_attention_starts_assigned_there_is_no_temperature() -> None:
    recipe = small_images(5).changed(attention_start="assigned", temperature_share=1.0)
    assert [Schedule(recipe, 3).temperature(step) for step in range(16)] == [0.0] * 16
