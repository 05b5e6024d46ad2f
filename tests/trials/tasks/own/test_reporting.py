"""What a measure of a person's own reports is checked, and each fault is said in a sentence."""

import numpy as np
import pytest
import torch

from search_spaces import InputError
from trials.errors import NonFiniteError
from trials.fidelity import Ladder
from trials.records import Measurement, Verdict
from trials.shares import images_of_error, standard_error
from trials.tasks.own.reporting import Over, Reporter


def reporter(*, stop_at=None, rungs=(1, 3), **more):
    heard = []

    def tell(measured):
        heard.append(measured)
        return Verdict.STOP if measured.epoch == stop_at else Verdict.CONTINUE

    more = {"quality": "accuracy", **more}
    return Reporter(name="my:measure", ladder=Ladder(rungs), tell=tell, **more), heard


@pytest.mark.parametrize("value", [0.5, 1, np.float32(0.5), torch.tensor(0.5), np.array(0.5)])
def test_any_number_is_a_value(value):
    report, heard = reporter()
    assert report(1, accuracy=value) is True
    assert heard[0].accuracy == pytest.approx(float(value))


def test_the_search_hears_of_rungs_alone_and_the_top_one_ends_the_training():
    report, heard = reporter()
    assert [report(epoch, accuracy=0.1 * epoch) for epoch in (1, 2, 3)] == [True, True, False]
    assert [one.epoch for one in heard] == [1, 3]
    report.require_top()
    with pytest.raises(Over):
        report(3, accuracy=0.5)


def test_a_measure_is_told_to_stop_and_ended_when_it_goes_on():
    report, heard = reporter(stop_at=1)
    assert report(1, accuracy=0.5) is False
    report.require_top()
    with pytest.raises(Over):
        report(2, accuracy=0.5)
    assert len(heard) == 1


def test_errors_are_given_counted_or_unknown():
    report, heard = reporter(rungs=(1, 2, 3))
    report(1, accuracy=0.9, images=200)
    report(2, accuracy=0.9, error=0.02)
    report(3, accuracy=0.9, loss=0.3)
    counted, given, exact = heard
    assert (counted.images, counted.accuracy_error) == (200, standard_error(0.9, 200))
    assert given.accuracy_error == 0.02
    assert standard_error(0.9, given.images) <= 0.02 < standard_error(0.9, given.images - 1)
    assert (exact.images, exact.accuracy_error) == (0, 0.0)
    assert [one.loss for one in heard] == [pytest.approx(0.1), pytest.approx(0.1), 0.3]


@pytest.mark.parametrize(("share", "images"), [(0.5, 100), (1.0, 299), (0.0, 1), (0.973, 10_000)])
def test_the_images_of_an_error_are_those_that_have_it(share, images):
    assert images_of_error(share, standard_error(share, images)) == images


@pytest.mark.parametrize(
    ("epoch", "values", "said"),
    [
        (
            1,
            {"accuracy": "high"},
            "my:measure reported accuracy = 'high' after epoch 1, which is no",
        ),
        (1, {"accuracy": True}, "accuracy = True after epoch 1, which is no number"),
        (1, {"accuracy": None}, "accuracy = None after epoch 1, which is no number"),
        (1, {"accuracy": [0.5, 0.6]}, "which is no number"),
        (1, {"accuracy": 1.2}, r"accuracy = 1.2 after epoch 1; it is a share, from 0 to 1"),
        (1, {"accuracy": -0.1}, "it is a share"),
        (1, {"accuracy": 0.5, "error": -0.1}, "error = -0.1 after epoch 1; it is a share"),
        (1, {"accuracy": 0.5, "images": 0}, "images = 0 after epoch 1; it is a whole number"),
        (1, {"accuracy": 0.5, "images": 10, "error": 0.1}, "reported error and images"),
        (1, {"acuracy": 0.5}, "reported acuracy after epoch 1, and no accuracy. Did you mean"),
        (1, {}, "reported no value after epoch 1, and no accuracy"),
        (1, {"accuracy": 0.5, "f1": "high"}, "f1 = 'high' after epoch 1, which is no number"),
        (
            1,
            {"accuracy": 0.5, "f1": 0.5, "f1_error": -1},
            "the standard error of f1, so not below 0",
        ),
        (0, {"accuracy": 0.5}, "reported epoch 0; epochs go from 1 to 3"),
        (4, {"accuracy": 0.5}, "reported epoch 4; epochs go from 1 to 3"),
        (1.5, {"accuracy": 0.5}, "reported epoch 1.5, which is no whole number"),
        (2, {"accuracy": 0.5}, "reported epoch 2, and not epoch 1 before it"),
    ],
)
def test_a_wrong_report_is_refused_with_its_cause(epoch, values, said):
    report, heard = reporter()
    with pytest.raises(InputError, match=said):
        report(epoch, **values)
    assert heard == []


def test_values_beside_the_quality_are_kept_with_their_errors():
    report, heard = reporter(quality="map", rungs=(1,))
    report(1, map=0.4, error=0.01, map50=0.6, map50_error=0.02, latency=12, scale_error=3)
    (measured,) = heard
    assert (measured.accuracy, measured.accuracy_error) == (0.4, 0.01)
    assert measured.further == {
        "map50": (0.6, 0.02),
        "latency": (12.0, None),
        "scale_error": (3, None),
    }


@pytest.mark.parametrize(
    "values",
    [
        {"accuracy": float("nan")},
        {"accuracy": 0.5, "loss": np.inf},
        {"accuracy": 0.5, "f1": np.nan},
    ],
)
def test_a_value_that_is_not_finite_is_one_of_its_own_kind(values):
    with pytest.raises(
        NonFiniteError, match=r"my:measure reported (accuracy = nan|loss = inf|f1 = nan)"
    ):
        reporter()[0](1, **values)


def test_epochs_come_in_order():
    report, _ = reporter()
    report(1, accuracy=0.5)
    with pytest.raises(InputError, match="reported epoch 1 after epoch 1"):
        report(1, accuracy=0.5)


def test_a_measure_that_returns_too_early_is_told_what_it_lacks():
    report, _ = reporter(quality="f1")
    with pytest.raises(InputError, match=r"reported nothing, and not epoch 3.*report\(epoch, f1="):
        report.require_top()
    report(1, f1=0.5)
    with pytest.raises(InputError, match=r"reported epochs 1, and not epoch 3.*epochs 1 and 3"):
        report.require_top()


def test_what_an_earlier_attempt_has_told_may_be_told_again_and_is_not_passed_on():
    told = (Measurement(1, 0.4, 0.0, 0.6, 0, 1.0),)
    report, heard = reporter(told=told)
    assert report(1, accuracy=0.5) is True
    report(3, accuracy=0.5)
    assert [one.epoch for one in heard] == [3]
    again, heard = reporter(told=told)
    assert again(2, accuracy=0.5) is True  # the rung before it is known
