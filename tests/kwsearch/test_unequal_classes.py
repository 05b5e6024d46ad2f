"""A folder whose largest class has thirty times the images of its smallest, from search to end."""

import shutil
from functools import reduce

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn import metrics
from sklearn.datasets import load_digits

import kwsearch
from kwsearch import api, problems
from trials.store import open_store
from trials.tasks.classification.augment import normalise
from trials.tasks.classification.data import for_proxy
from trials.tasks.classification.measuring import moments

CLASSES = {"low": ((0, 1), 300), "two": ((2,), 100), "three": ((3,), 30), "four": ((4,), 10)}


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A folder where a study was searched by balanced accuracy, and its best was exported."""
    folder = tmp_path_factory.mktemp("unequal")
    images, labels = load_digits(return_X_y=True)
    for name, (kinds, number) in CLASSES.items():
        (folder / "photos" / name).mkdir(parents=True)
        chosen = images[np.isin(labels, kinds)][:number].reshape(-1, 8, 8)
        for i, pixels in enumerate(chosen):
            picture = Image.fromarray((pixels * 255 / 16).astype(np.uint8))
            picture.save(folder / "photos" / name / f"{i:03}.png")
    study = api.settings("quickstart").model_dump(mode="json")
    study |= {"name": "unequal", "baselines": {"seeds": 0}}
    study["proxy"] |= {
        "data": "./photos",
        "epochs": [1, 2],
        "warmup_epochs": 0.1,
        "class_weights": "balanced",
    }
    study["objective"] = {"quality": "balanced_accuracy"}
    study["search"] |= {"trials": 2}
    told = []
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)
        kwsearch.search(study, tell=told.append)
        exported = kwsearch.export("unequal", folder="best")
        yield folder, told, exported


def database(found):
    return str(found[0] / "runs" / "kwsearch.db")


def test_the_person_is_told(found):
    _, told, _ = found
    assert "The largest class has 30 times the images of the smallest: class_weights" in told[0]
    assert any("balanced_accuracy" in line for line in told[1:])


def test_trials_are_compared_by_the_mean_of_the_recalls(found):
    """What is possible for the images of each class that trials are compared on."""
    folder, _, _ = found
    with open_store(f"sqlite:///{database(found)}", read_only=True) as store:
        study = store.study("unequal")
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)
        images = problems.images_of_study(study)
        share = study.spec.settings["proxy"]["validation_share"]
        labels = for_proxy(images, study.spec.seed, share).evaluation.labels
    parts = np.bincount(labels)
    assert parts.max() > 10 * parts.min()
    means = reduce(np.add.outer, [np.arange(n + 1) / n for n in parts]) / len(parts)
    accuracies = [row["accuracy"] for row in api.trials("unequal", database=database(found))]
    for accuracy in accuracies:
        assert np.abs(means - accuracy).min() < 1e-9
        assert abs(accuracy * len(labels) - round(accuracy * len(labels))) > 1e-6


def test_what_a_trial_keeps_is_scikit_learns_on_its_predictions(found):
    """Those of its kept weights on the images that are set apart, a fifth of each class."""
    folder, _, _ = found
    with open_store(f"sqlite:///{database(found)}", read_only=True) as store:
        study = store.study("unequal")
    with pytest.MonkeyPatch.context() as here:
        here.chdir(folder)
        images = problems.images_of_study(study)
        share = study.spec.settings["proxy"]["validation_share"]
        data = for_proxy(images, study.spec.seed, share)
    whole = np.bincount(np.concatenate([data.training.labels, data.evaluation.labels]))
    np.testing.assert_array_equal(np.bincount(data.evaluation.labels), np.rint(share * whole))
    network = api.load(folder / "best").network().eval()
    (pixels, truth), *rest = data.evaluation.batches([np.arange(len(data.evaluation))], 0)
    assert not rest
    device = torch.device("cpu")
    with torch.no_grad():
        logits = network(normalise(torch.as_tensor(pixels), *moments(data, device)))
    taken = logits.argmax(1).numpy()
    expected = {
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, taken),
        "accuracy": metrics.accuracy_score(truth, taken),
        "macro_f1": metrics.f1_score(truth, taken, average="macro"),
    }
    recalls = metrics.recall_score(truth, taken, average=None)
    expected |= {f"recall.{c}": r for c, r in zip(images.classes, recalls, strict=True)}
    best = kwsearch.best("unequal", database=database(found))
    reported = {row["name"]: row["value"] for row in best["reported"]}
    assert reported == pytest.approx(expected, abs=1e-9)
    assert best["accuracy"] == reported["balanced_accuracy"]
    shown = api.show("unequal", best["trial"], database=database(found))["reported"]
    assert [row for row in shown if row["epoch"] == 2] == best["reported"]
    frame = kwsearch.trials("unequal", database=database(found)).set_index("trial")
    row = frame.loc[best["trial"]]
    assert row[["balanced_accuracy", "macro_f1", "reported_accuracy"]].tolist() == pytest.approx(
        [expected[name] for name in ("balanced_accuracy", "macro_f1", "accuracy")]
    )
    curve = kwsearch.measurements("unequal", database=database(found))
    assert set(recalls) <= set(curve[[f"recall.{c}" for c in images.classes]].to_numpy().ravel())


def test_evaluate_tells_scikit_learns_numbers(found):
    folder, _, _ = found
    shutil.copytree(folder / "photos", folder / "others")  # one that the search has not seen
    told = kwsearch.evaluate(folder / "best", str(folder / "others"))
    rows = kwsearch.predict(folder / "best", folder / "others")
    taken = [row["class"] for row in rows]
    truth = [row["image"].split("/")[-2] for row in rows]
    assert told["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truth, taken))
    assert told["macro_f1"] == pytest.approx(metrics.f1_score(truth, taken, average="macro"))
