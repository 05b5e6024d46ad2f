"""A trained network is a folder like an export, which names classes and is measured."""

import json
import shutil
from math import sqrt
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch
from huggingface_hub import ModelCard
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from safetensors.torch import load_file
from typer.testing import CliRunner

import kwsearch
from kwsearch import api, full_training
from kwsearch.cli import app
from kwsearch.exporting.checksums import write_checksums
from kwsearch.exporting.layout import CHECKSUMS, IMAGES, ORIGIN
from search_spaces import InputError
from trials.errors import DamagedDataError
from trials.tasks.classification.data import load, prepare
from trials.tasks.classification.measuring import interval

QUICK = {"epochs": 2, "batch_size": 64}


@pytest.fixture(scope="module")
def exported(searched, tmp_path_factory) -> Path:
    """The smallest trial of the study, exported without a graph."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(searched)
        smallest = min(api.trials("small"), key=lambda row: row["params"])["trial"]
        folder = tmp_path_factory.mktemp("exports") / "smallest"
        return api.export("small", folder=folder, trial=smallest)


@pytest.fixture(scope="module")
def trained(searched, exported, tmp_path_factory) -> Path:
    """The exported network after two epochs on all training images."""
    output = tmp_path_factory.mktemp("trained") / "net"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(searched)
        kwsearch.train(exported, output=output, **QUICK)
    return output


@pytest.fixture
def photos(at_study, tmp_path) -> Path:
    """Held-out digits as files, in folders that are called as their classes."""
    arrays = load(held_out(at_study), "test")
    for number in range(40):
        place = tmp_path / "photos" / str(arrays.labels[number])
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(arrays.images[number, 0]).save(place / f"{number}.png")
    return tmp_path / "photos"


def held_out(at):
    return prepare("digits", image_size=None, folder=None, cache=at / "runs/data")


def results_of(folder):
    return json.loads((folder / "results.json").read_text())


def run(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_trained_folder_is_like_an_export(trained):
    names = {path.name for path in trained.iterdir()}
    assert names == {
        *("README.md", "backbone.json", "checksums.sha256", "config.json", "counts.json"),
        *("model.safetensors", "origin.json", "pretrained_cfg.json", "recipe.toml"),
        "results.json",
    }
    found = kwsearch.verify(trained)
    assert found["files"] == len(names)
    network = kwsearch.load(trained).network()
    for name, value in load_file(trained / "model.safetensors").items():
        assert torch.equal(network.state_dict()[name], value)
    told = json.loads((trained / "pretrained_cfg.json").read_text())
    assert told["label_names"] == [str(digit) for digit in range(10)]


def test_its_card_says_what_was_reached_and_on_which_images(trained):
    results = results_of(trained)
    card = ModelCard((trained / "README.md").read_text())
    reached = card.data.eval_results[0]
    assert reached.metric_value == results["accuracy"]
    assert reached.dataset_split == "held-out"
    assert results["accuracy_low"] < results["accuracy"] < results["accuracy_high"]
    for part in (f"{results['accuracy_low']:.2%}", "299", "neither search nor training saw"):
        assert part in card.text


def test_a_trained_network_is_measured_again_as_its_training_measured_it(trained, at_study):
    """So size, channels and normalisation are those of the training."""
    assert at_study
    found, results = kwsearch.evaluate(trained, "digits"), results_of(trained)
    for key in ("accuracy", "accuracy_low", "accuracy_high", "images", "part"):
        assert found[key] == results[key]
    assert found["loss"] == pytest.approx(results["loss"], rel=1e-5)
    confusion = np.array(found["confusion"])
    right, images = confusion.trace(), confusion.sum()
    assert right / images == found["accuracy"]
    assert [row["images"] for row in found["classes"]] == confusion.sum(1).tolist()
    for label, row in enumerate(found["classes"]):
        assert row["recall"] == confusion[label, label] / confusion[label].sum()
    assert sum(pair["images"] for pair in found["confused"]) <= images - right
    assert found["accuracy"] <= found["top5_accuracy"] <= 1


def test_an_answer_for_files_is_that_for_the_images_of_the_training(trained, photos):
    """Of a folder that it was not trained on all images are taken; absent classes are None."""
    rows = kwsearch.predict(trained, photos)
    assert len(rows) == 40
    right = [row["class"] == Path(row["image"]).parent.name for row in rows]
    shutil.rmtree(photos / "9")
    found = kwsearch.evaluate(trained, photos)
    kept = [row for row in rows if Path(row["image"]).exists()]
    assert (found["part"], found["images"]) == ("all", len(kept))
    assert found["accuracy"] == pytest.approx(
        np.mean([hit for hit, row in zip(right, rows, strict=True) if row in kept])
    )
    assert found["classes"][9] == {
        "class": "9",
        "images": 0,
        "recall": None,
        "precision": 0.0 if any(row["class"] == "9" for row in kept) else None,
    }


def test_a_damaged_file_is_left_out_where_the_training_did_so_or_when_asked(
    trained, photos, tmp_path
):
    whole = kwsearch.evaluate(trained, photos)
    (photos / "3" / "broken.png").write_bytes(b"no image")
    with pytest.raises(InputError, match=r"broken\.png cannot be decoded") as refused:
        kwsearch.evaluate(trained, photos)
    assert "--skip-damaged" in refused.value.cure
    asked = kwsearch.evaluate(trained, photos, skip_damaged=True)
    assert asked["left_out"] == ["3/broken.png"]
    assert asked["images"] == whole["images"] == 40
    assert asked["accuracy"] == whole["accuracy"]
    told = run("evaluate", trained, "--data", photos, "--skip-damaged")
    assert told.exit_code == 0, told.output
    assert "Left out, as they cannot be decoded: 3/broken.png." in told.stderr
    copy = tmp_path / "copy"
    shutil.copytree(trained, copy)
    results = results_of(copy)
    assert results["skip_damaged"] is False
    (copy / "results.json").write_text(json.dumps({**results, "skip_damaged": True}))
    write_checksums(copy)
    assert kwsearch.evaluate(copy, photos)["left_out"] == ["3/broken.png"]


def test_probabilities_are_those_of_the_network(trained, photos):
    rows = kwsearch.predict(trained, photos, top=10)
    by_image = {}
    for row in rows:
        by_image.setdefault(row["image"], []).append(row)
    for found in by_image.values():
        assert [row["rank"] for row in found] == [*range(1, 11)]
        assert sum(row["probability"] for row in found) == pytest.approx(1)
        assert sorted(found, key=lambda row: -row["probability"]) == found
    path, found = next(iter(by_image.items()))
    told = json.loads((trained / "pretrained_cfg.json").read_text())
    pixels = torch.from_numpy(np.array(Image.open(path), dtype=np.float32))[None, None] / 255
    with torch.no_grad():
        logits = kwsearch.load(trained).network()((pixels - told["mean"][0]) / told["std"][0])
    share = logits.softmax(1)[0, int(found[0]["class"])]
    assert found[0]["probability"] == pytest.approx(share.item(), rel=1e-4)


def test_what_is_no_image_is_told_when_the_others_are_done(trained, photos):
    (photos / "._0.png").write_bytes(b"what macOS leaves")
    (photos / "broken.png").write_bytes(b"no picture")
    (photos / "notes.txt").write_text("no image")
    done = run("predict", trained, photos, "--csv")
    assert done.exit_code == 2
    lines = done.stdout.splitlines()
    assert lines[0] == "image,rank,class,probability,fault"
    assert len(lines) == 1 + 40 + 1
    assert "broken.png cannot be decoded" in done.stderr
    assert "The other images were predicted" in done.stderr
    assert "._0.png" not in done.stdout


def test_commands_answer_for_people_and_for_programs(trained, photos):
    for words in (["predict", trained, photos / "0"], ["evaluate", trained, "--data", photos]):
        done = run(*words)
        assert done.exit_code == 0, done.stderr
        assert "class" in done.stdout
        assert json.loads(run(*words, "--json").stdout)
    lines = run("evaluate", trained, "--data", photos, "--csv").stdout.splitlines()
    assert lines[0] == "class,images,recall,precision"
    assert len(lines) == 11


def test_images_of_other_classes_are_refused_by_name(trained, photos):
    (photos / "0").rename(photos / "nought")
    with pytest.raises(InputError, match=r"does not know: nought\."):
        kwsearch.evaluate(trained, photos)
    with pytest.raises(InputError, match=r"other classes than .*: 0, nought"):
        kwsearch.train(trained, data=str(photos), output=photos / "more")


def test_a_folder_that_cannot_answer_says_why(exported, trained, photos, tmp_path):
    with pytest.raises(InputError, match="holds no weights"):
        kwsearch.predict(exported, photos)
    with pytest.raises(InputError, match="no image in"):
        kwsearch.predict(trained, trained)
    with pytest.raises(InputError, match="There is no image or folder 'nowhere'"):
        kwsearch.predict(trained, "nowhere")
    bare = tmp_path / "bare"
    shutil.copytree(trained, bare)
    (bare / IMAGES).unlink()
    write_checksums(bare)
    with pytest.raises(InputError, match=r"has no pretrained_cfg\.json"):
        kwsearch.predict(bare, photos)
    (bare / IMAGES).write_text('{"input_size": [1, 8, 8], "mean": [0.5], "std": [0.0]}')
    write_checksums(bare)
    with pytest.raises(DamagedDataError, match=r"pretrained_cfg\.json cannot be used"):
        kwsearch.predict(bare, photos)


def test_a_strangers_code_is_not_run_unless_trusted(trained, photos, tmp_path, monkeypatch):
    odd = tmp_path / "odd"
    shutil.copytree(trained, odd)
    for name in ("backbone.json", "config.json"):
        told = json.loads((odd / name).read_text())
        key = "name" if name == "backbone.json" else "backbone"
        (odd / name).write_text(json.dumps({**told, key: "payload:net"}))
    write_checksums(odd)
    monkeypatch.chdir(tmp_path)
    Path("payload.py").write_text("from pathlib import Path\nPath('ran').touch()\n")
    for ask in (
        lambda: kwsearch.predict(odd, photos),
        lambda: kwsearch.evaluate(odd, photos),
    ):
        with pytest.raises(InputError, match=r"payload:net\. Nothing of it was run"):
            ask()
    assert not Path("ran").exists()


def test_a_trained_network_is_trained_further_from_its_weights(trained, at_study, tmp_path):
    """At a tenth of the learning rate; a second time it is not lowered again."""
    assert at_study
    further = tmp_path / "further"
    first = kwsearch.train(trained, output=further, epochs=1)
    assert first["start"]["folder"] == str(trained)
    rates = [full_training.read(at / "recipe.toml").learning_rate for at in (trained, further)]
    assert rates[1] == pytest.approx(rates[0] / 10)
    kwsearch.train(trained, output=tmp_path / "still", epochs=1, learning_rate=1e-9)
    before, after = (load_file(at / "model.safetensors") for at in (trained, tmp_path / "still"))
    for name, value in before.items():
        if "warehouse" in name:
            torch.testing.assert_close(after[name], value, rtol=1e-4, atol=1e-6)
    kwsearch.train(further, output=tmp_path / "third", epochs=1)
    third = full_training.read(tmp_path / "third" / "recipe.toml")
    assert third.learning_rate == pytest.approx(rates[1])
    assert kwsearch.verify(tmp_path / "third")["digest"] == kwsearch.load(trained).plan.digest


@pytest.mark.slow
def test_a_finished_training_takes_a_graph_later(trained, exported, at_study, photos, tmp_path):
    assert at_study
    output = tmp_path / "net"
    shutil.copytree(trained, output)
    before = (output / "model.safetensors").stat().st_mtime_ns
    kwsearch.train(exported, output=output, onnx=True, **QUICK)
    assert (output / "model.safetensors").stat().st_mtime_ns == before
    assert kwsearch.verify(output)["files"] == len([*output.iterdir()])
    session = onnxruntime.InferenceSession(str(output / "model.onnx"))
    rows = kwsearch.predict(output, photos)
    told = json.loads((output / "pretrained_cfg.json").read_text())
    pixels = np.stack([np.array(Image.open(row["image"]), dtype=np.float32) for row in rows])
    images = (pixels[:, None] / 255 - told["mean"][0]) / told["std"][0]
    logits = session.run(["logits"], {"images": images.astype(np.float32)})[0]
    assert [told["label_names"][label] for label in logits.argmax(1)] == [
        row["class"] for row in rows
    ]


def test_a_folder_trained_before_it_had_checksums_is_completed(exported, at_study, tmp_path):
    """It has configuration, table, recipe, weights, results and checkpoints, as it was left."""
    assert at_study
    old = tmp_path / "old"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(full_training, "complete", lambda *_, **__: None)
        api.train(exported, output=old, **QUICK)
    told = results_of(old)
    for later in ("identity", "accuracy_low", "accuracy_high"):
        del told[later]
    (old / "results.json").write_text(json.dumps(told))
    for ask in (kwsearch.load, kwsearch.verify, lambda at: kwsearch.predict(at, old)):
        with pytest.raises(InputError, match="without its model card and checksums") as caught:
            ask(old)
        assert "Give the command of that training again" in caught.value.cure
    weights = load_file(old / "model.safetensors")
    api.train(exported, output=old, **QUICK)
    assert results_of(old)["accuracy"] == told["accuracy"]
    assert kwsearch.verify(old)["params"] == told["params"]
    found = load_file(old / "model.safetensors")
    assert all(torch.equal(found[name], value) for name, value in weights.items())
    for name in (CHECKSUMS, ORIGIN):
        (old / name).unlink()
    with pytest.raises(InputError, match="without model card, checksums and checkpoints"):
        kwsearch.load(old)


def test_damage_to_a_finished_training_is_told(trained, exported, at_study, tmp_path):
    assert at_study
    output = tmp_path / "net"
    shutil.copytree(trained, output)
    (output / "model.safetensors").write_bytes(b"\0" * 100)
    with pytest.raises(DamagedDataError, match=r"model\.safetensors is not as it was written"):
        kwsearch.train(exported, output=output, **QUICK)


@given(st.integers(1, 10_000), st.floats(0, 1))
def test_the_interval_is_wilsons(images, share):
    """Wilson 1927: centre (k + z²/2) / (n + z²), with z = 1.96 for 95 %."""
    right = round(share * images)
    z = 1.959963984540054
    low, high = interval(right / images, images)
    centre = (right + z * z / 2) / (images + z * z)
    half = z / (images + z * z) * sqrt(right * (images - right) / images + z * z / 4)
    assert (low, high) == pytest.approx((max(centre - half, 0), min(centre + half, 1)), abs=1e-9)
