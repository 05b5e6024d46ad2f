"""The scale that models see accuracies on: there and back, rung by rung."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trials.logits import Logits

RUNGS = np.repeat([0.0, 0.5, 1.0], 6)


def measured(rng):
    spread = np.repeat([0.08, 0.04, 0.02], 6)
    return np.clip(np.repeat([0.6, 0.8, 0.9], 6) + spread * rng.normal(size=18), 0, 1)


@given(st.integers(0, 1_000), st.floats(0.001, 0.03))
def test_an_accuracy_comes_back(seed, error):
    accuracy = measured(np.random.default_rng(seed))
    errors = np.full(18, error)
    scale = Logits(RUNGS, accuracy, errors)
    values, scaled = scale.scaled(RUNGS, accuracy, errors)
    back, deviation = scale.accuracies(RUNGS, values, scaled)
    assert back == pytest.approx(accuracy, abs=1e-9)
    assert deviation == pytest.approx(errors, rel=1e-9)


def test_every_rung_has_the_mean_0_and_a_deviation_near_1():
    rng = np.random.default_rng(0)
    rungs = np.repeat([0.0, 1.0], 200)
    accuracy = np.concatenate(
        [0.6 + 0.05 * rng.normal(size=200), 0.9 + 0.01 * rng.normal(size=200)]
    )
    values, _ = Logits(rungs, accuracy, np.full(400, 0.005)).scaled(
        rungs, accuracy, np.full(400, 0.005)
    )
    for rung in (0.0, 1.0):
        assert np.mean(values[rungs == rung]) == pytest.approx(0, abs=1e-9)
        assert np.std(values[rungs == rung]) == pytest.approx(1, abs=0.05)


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_accuracies_of_0_and_1_come_back_too(accuracy):
    one = np.array([1.0])
    scale = Logits(one, np.array([accuracy]), np.array([0.002]))
    values, _ = scale.scaled(one, np.array([accuracy]), np.array([0.002]))
    back, _ = scale.accuracies(one, values, np.zeros(1))
    assert np.isfinite(values[0])
    assert back[0] == pytest.approx(accuracy, abs=1e-3)


def test_a_rung_with_few_measurements_has_the_mean_of_its_neighbours():
    rungs = np.array([0.0, 0.0, 0.0, 0.5, 1.0, 1.0, 1.0])
    accuracy = np.array([0.5, 0.6, 0.7, 0.99, 0.8, 0.85, 0.9])
    error = np.full(7, 0.01)
    scale = Logits(rungs, accuracy, error)
    ends, _ = scale.accuracies(np.array([0.0, 0.5, 1.0]), np.zeros(3), np.ones(3))
    assert ends[0] < ends[1] < ends[2]
