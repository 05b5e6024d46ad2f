"""The model of curves: it learns from every rung, and luck of one network is not that of others."""

import numpy as np
import pytest

from trials.curves import CurveModel, Curves, Numbers, most_probable, place, scaling

TOP = 9


def curves(rng, networks, rungs, *, worth=0.03, luck=0.0):
    """Networks of one feature; accuracy grows with it and with epochs, and luck adds to it."""
    feature = rng.uniform(-1, 1, (networks, 1))
    own = rng.normal(0, luck, networks) if luck else np.zeros(networks)
    rows = [(n, e) for n in range(networks) for e in rungs]
    network, epochs = np.array(rows).T
    noise = rng.normal(0, 0.003, len(rows))
    accuracy = 0.9 + worth * feature[network, 0] + own[network] - 0.1 / epochs + noise
    error = np.full(len(rows), 0.003)
    return Curves(feature, network, epochs.astype(float), accuracy, error), own


def joined(one, other):
    network = np.concatenate([one.network, other.network + len(one.features)])
    features, epochs, accuracy, error = (
        np.concatenate([getattr(one, name), getattr(other, name)])
        for name in ("features", "epochs", "accuracy", "error")
    )
    return Curves(features, network, epochs, accuracy, error)


def test_networks_that_were_not_measured_are_predicted_within_the_deviations():
    learnt, _ = curves(np.random.default_rng(0), 60, (1, 3, 9))
    x = np.linspace(-0.9, 0.9, 50)[:, None]
    mean, deviation = CurveModel(learnt, TOP).predict(x)
    off = (0.9 + 0.03 * x[:, 0] - 0.1 / 9 - mean) / deviation
    assert np.max(np.abs(off)) < 2
    assert 0.001 < deviation.min() <= deviation.max() < 0.012


def test_the_first_rung_says_what_is_ahead_at_the_top():
    rng = np.random.default_rng(1)
    learnt = joined(curves(rng, 40, (1,))[0], curves(rng, 6, (1, 9))[0])
    mean, _ = CurveModel(learnt, TOP).predict(np.array([[-0.8], [0.0], [0.8]]))
    assert mean[0] < mean[1] < mean[2]
    assert mean[2] - mean[0] > 0.02


def test_luck_is_expected_of_the_lucky_network_and_not_of_one_like_it():
    learnt, own = curves(np.random.default_rng(2), 60, (1, 3, 9), worth=0.0, luck=0.02)
    model = CurveModel(learnt, TOP)
    lucky = int(np.argmax(own))
    again = model.forecast([lucky])
    itself, _ = model.accuracies(again.mean, again.deviation)
    like, _ = model.predict(learnt.features[[lucky]])
    assert own[lucky] > 0.03
    assert itself[0] - like[0] > 0.5 * own[lucky]


@pytest.mark.parametrize("accuracy", [0.0, 1.0])
def test_accuracies_of_0_and_1_and_a_single_measurement_are_taken(accuracy):
    one = Curves(np.array([[0.3]]), *(np.array([v]) for v in (0, 9.0, accuracy, 0.002)))
    mean, deviation = CurveModel(one, TOP).predict(np.array([[0.1]]))
    assert mean[0] == pytest.approx(accuracy, abs=0.01)
    assert np.isfinite(deviation[0])


def test_a_place_is_0_after_one_epoch_and_1_at_the_top():
    assert place(np.array([1.0, 3.0, 9.0]), 9) == pytest.approx([0, 0.5, 1])
    assert place(np.array([1.0]), 1).tolist() == [1.0]


def test_rough_means_are_those_predicted_and_rough_deviations_a_little_larger():
    rng = np.random.default_rng(3)
    model = CurveModel(curves(rng, 60, (1, 3, 9))[0], TOP)
    features = rng.uniform(-1.2, 1.2, (3_000, 1))
    mean, deviation = model.predict(features)
    roughly, wide = model.rough(features.astype(np.float32))
    assert np.max(np.abs(mean - roughly)) < 1e-4
    assert np.all(wide > 0.999 * deviation)
    assert np.all(wide < 1.05 * deviation)


def test_numbers_that_are_given_are_used_and_found_ones_are_the_same_every_time():
    learnt, _ = curves(np.random.default_rng(4), 20, (1, 3, 9))
    found = most_probable(learnt, TOP)
    assert CurveModel(learnt, TOP).numbers == found == most_probable(learnt, TOP)
    given = Numbers(0.4, 1.0, 0.4, 0.1, 0.5, 1.0)
    assert CurveModel(learnt, TOP, given).numbers == given


def test_a_network_without_measurements_counts_for_nothing():
    learnt, _ = curves(np.random.default_rng(5), 20, (1, 9))
    wider = learnt._replace(features=np.concatenate([learnt.features, [[40.0]]]))
    x = np.array([[0.2]])
    assert CurveModel(wider, TOP).predict(x) == CurveModel(learnt, TOP).predict(x)


def test_the_unit_of_a_feature_is_its_deviation_and_constant_ones_count_for_nothing():
    features = np.random.default_rng(6).normal(size=(200, 3)) * [1.0, 50.0, 0.0]
    scaled = features * scaling(features)
    assert np.std(scaled[:, 0]) == pytest.approx(np.std(scaled[:, 1]))
    assert np.sum(np.var(scaled, axis=0)) == pytest.approx(1)
    assert not scaled[:, 2].any()
