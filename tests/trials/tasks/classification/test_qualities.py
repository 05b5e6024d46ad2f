"""Qualities are scikit-learn's, their errors are those of drawing images anew."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics
from sklearn.utils.class_weight import compute_class_weight
from torch.nn import functional

from search_spaces.errors import plural
from trials.shares import standard_error
from trials.tasks.classification.data import Sample, TrainingData
from trials.tasks.classification.data.reading import Reading, summary
from trials.tasks.classification.loop import class_weights
from trials.tasks.classification.mixing import mixed_loss
from trials.tasks.classification.qualities import QUALITIES, measured, values
from trials.tasks.classification.recipe import digits

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=60)


@settings(max_examples=20, deadline=None)
@given(PAIRS)
@pytest.mark.filterwarnings("ignore:y_pred contains classes", "ignore:A single label")
def test_every_quality_is_that_of_scikit_learn(pairs):
    truth, taken = np.array(pairs).T
    confusion = metrics.confusion_matrix(truth, taken, labels=range(5))
    expected = {
        "accuracy": metrics.accuracy_score(truth, taken),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, taken),
        "macro_f1": metrics.f1_score(truth, taken, average="macro", zero_division=0.0),
    }
    assert expected.keys() == QUALITIES.keys()
    for name, value in expected.items():
        found, error = measured(confusion, name)
        assert found == pytest.approx(value, abs=1e-12)
        assert 0 < error < 1


def test_the_error_of_balanced_accuracy_is_that_of_independent_recalls():
    confusion = np.array([[90, 10], [3, 7]])
    value, error = measured(confusion, "balanced_accuracy")
    own = standard_error(0.9, 100), standard_error(0.7, 10)
    assert value == pytest.approx(0.8)
    assert error == pytest.approx(np.hypot(*own) / 2)


@pytest.mark.parametrize("name", ["balanced_accuracy", "macro_f1"])
def test_errors_are_the_spread_over_further_draws_of_images(name):
    confusion = np.array([[400, 40, 10], [20, 120, 10], [6, 4, 40]])
    rng = np.random.default_rng(1)
    rows = [rng.multinomial(row.sum(), row / row.sum(), size=300) for row in confusion]
    by_hand = {
        "balanced_accuracy": lambda c: (np.diag(c) / c.sum(1)).mean(),
        "macro_f1": lambda c: (2 * np.diag(c) / (c.sum(0) + c.sum(1))).mean(),
    }
    drawn = [by_hand[name](np.stack(draw)) for draw in zip(*rows, strict=True)]
    assert measured(confusion, name)[1] == pytest.approx(np.std(drawn), rel=0.25)
    assert measured(confusion, name) == measured(confusion, name)


def test_recalls_of_classes_are_kept_by_name_and_the_most_probable_counted_where_there_are_many():
    rng = np.random.default_rng(0)
    truth, logits = rng.integers(0, 12, 300), torch.tensor(rng.normal(size=(300, 13)))
    taken = logits.argmax(1).numpy()
    confusion = metrics.confusion_matrix(truth, taken, labels=range(13))
    names = [f"class {label}" for label in range(13)]
    top = int((logits.topk(5).indices == torch.tensor(truth)[:, None]).sum())
    found = values(confusion, names, top)
    recalls = metrics.recall_score(truth, taken, average=None, labels=range(12))
    for label, recall in enumerate(recalls):
        error = standard_error(recall, int((truth == label).sum()))
        assert found[f"recall.class {label}"] == pytest.approx((recall, error))
    assert "recall.class 12" not in found  # none of its images was there
    expected = metrics.top_k_accuracy_score(truth, logits, k=5, labels=range(13))
    assert found["top5_accuracy"].value == pytest.approx(expected)
    assert "top5_accuracy" not in values(confusion, names)
    many = [f"{label}" for label in range(101)]
    assert not [name for name in values(np.eye(101, dtype=int), many) if "recall" in name]


def test_weights_are_scikit_learns(digits_data: TrainingData):
    arrays = digits_data.training.arrays
    labels = digits_data.training.labels
    kept = np.concatenate([np.flatnonzero(labels == c)[: 3 + 9 * c] for c in range(10)])
    data = TrainingData(
        Sample(arrays, digits_data.training.index[kept]),
        digits_data.evaluation,
        digits_data.mean,
        digits_data.std,
    )
    expected = compute_class_weight("balanced", classes=np.arange(10), y=data.training.labels)
    recipe = digits(3).changed(class_weights="balanced")
    found = class_weights(data, recipe, torch.device("cpu"))
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    assert class_weights(data, digits(3), torch.device("cpu")) is None


@pytest.mark.parametrize("share", [1.0, 0.3])
def test_even_parts_of_a_batch_average_to_its_weighted_loss(share):
    torch.manual_seed(0)
    logits, target = torch.randn(8, 3), torch.tensor([0, 0, 0, 0, 0, 1, 1, 2])
    partner, weights = target.flip(0), torch.tensor([0.5, 1.0, 4.0])

    def loss(part):
        chosen = logits[part], target[part], partner[part]
        return mixed_loss(*chosen, share, 0.1, weights=weights)

    halves = (loss(slice(0, 4)) + loss(slice(4, 8))) / 2
    torch.testing.assert_close(halves, loss(slice(None)))
    each = functional.cross_entropy(logits, target, label_smoothing=0.1, reduction="none")
    other = functional.cross_entropy(logits, partner, label_smoothing=0.1, reduction="none")
    by_hand = share * each * weights[target] + (1 - share) * other * weights[partner]
    torch.testing.assert_close(loss(slice(None)), by_hand.mean())


def test_recipes_of_before_are_the_same_training():
    """Settings that came later do not show where they ask for what was done before."""
    assert not {"class_weights", "quality"} & digits(3).facts().keys()
    weighted = digits(3).changed(class_weights="balanced", quality="macro_f1")
    assert weighted.facts()["class_weights"] == "balanced"
    assert weighted.facts()["quality"] == "macro_f1"


@pytest.mark.parametrize(("largest", "told"), [(89, False), (90, True), (400, True)])
def test_unequal_classes_are_told_with_what_helps(largest, told):
    labels = np.repeat([0, 1], [largest, 9])
    found = summary("photos", ("cat", "dog"), {"train": labels, "test": labels[:0]}, Reading())
    assert ("class_weights" in found) is told
    assert f"from {plural(9, 'image').split()[0]} of 'dog' to {largest} of 'cat'" in found
