"""The model of accuracy: it learns from every rung; deviations are of the size of errors."""

import numpy as np
import pytest

from trials.sampling.accuracy import AccuracyModel, Points, fitted, progress

TOP = 9


def measured(rng, number, rungs):
    """Networks of one feature; accuracy grows with it and with epochs, and luck adds to it."""
    feature = rng.uniform(-1, 1, number)
    rows = [(x, e) for x in feature for e in rungs]
    x, epochs = np.array(rows).T
    accuracy = 0.9 + 0.03 * x - 0.1 / epochs + rng.normal(0, 0.003, len(rows))
    inputs = np.column_stack([x, progress(epochs, TOP)])
    return Points(inputs, accuracy, np.full(len(rows), 0.003))


def at_top(feature):
    return np.column_stack([feature, np.ones(len(feature))])


def test_networks_that_were_not_measured_are_predicted_within_the_deviations():
    rng = np.random.default_rng(0)
    points = measured(rng, 60, (1, 3, 9))
    x = np.linspace(-0.9, 0.9, 50)
    mean, deviation = AccuracyModel(points, fitted(points)).predict(at_top(x))
    off = (0.9 + 0.03 * x - 0.1 / 9 - mean) / deviation
    assert np.max(np.abs(off)) < 2
    assert 0.001 < deviation.min() <= deviation.max() < 0.012


def test_the_first_rung_says_what_is_ahead_at_the_top():
    rng = np.random.default_rng(1)
    first, both = measured(rng, 40, (1,)), measured(rng, 6, (1, 9))
    points = Points(
        np.concatenate([first.inputs, both.inputs]),
        np.concatenate([first.accuracy, both.accuracy]),
        np.concatenate([first.error, both.error]),
    )
    mean, _ = AccuracyModel(points, fitted(points)).predict(at_top(np.array([-0.8, 0.0, 0.8])))
    assert mean[0] < mean[1] < mean[2]
    assert mean[2] - mean[0] > 0.02


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_accuracies_of_0_and_1_and_a_single_measurement_are_taken(accuracy):
    points = Points(np.array([[0.3, 1.0]]), np.array([accuracy]), np.array([0.002]))
    mean, deviation = AccuracyModel(points, fitted(points)).predict(at_top(np.array([0.1])))
    assert mean[0] == pytest.approx(accuracy, abs=0.01)
    assert np.isfinite(deviation[0])


def test_progress_is_0_after_one_epoch_and_1_at_the_top():
    assert progress(np.array([1.0, 3.0, 9.0]), 9) == pytest.approx([0, 0.5, 1])
    assert progress(np.array([1.0]), 1).tolist() == [0.0]


def test_rough_means_are_those_predicted_and_rough_deviations_a_little_larger():
    rng = np.random.default_rng(2)
    points = measured(rng, 60, (1, 3, 9))
    model = AccuracyModel(points, fitted(points))
    inputs = at_top(rng.uniform(-1.2, 1.2, 3_000))
    mean, deviation = model.predict(inputs)
    roughly, wide = model.rough(inputs.astype(np.float32))
    assert np.max(np.abs(mean - roughly)) < 1e-4
    assert np.all(wide > 0.999 * deviation)
    assert np.all(wide < 1.05 * deviation)
