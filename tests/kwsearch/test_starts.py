"""Trials that start from a trained plain network: trained once, told, checked, told apart."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from kwsearch import api, driving, problems, starts
from kwsearch.settings import from_plain
from search_spaces import InputError
from search_spaces.backbones import shipped
from search_spaces.networks import plain_of
from trials.errors import DamagedDataError
from trials.records import Trial
from trials.store import open_store

STUDY = {
    "name": "begun",
    "space": {
        "backbone": "resnet8x0.25",
        "cell_num_ratio": [0.5, 1.0, 2.0],
        "cell_outplane_ratio": [0.5, 1.0],
    },
    "proxy": {"data": "digits", "epochs": [1], "batch_size": 256, "start": "plain"},
    "baselines": {"seeds": 0},
    "search": {"trials": 2, "sampler": "random", "promotion": "none"},
    "execution": {"threads": 1},
}


@pytest.fixture(autouse=True)
def _elsewhere(quick_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(quick_path)


def settings(**proxy):
    return from_plain({**STUDY, "proxy": STUDY["proxy"] | proxy})


def weights(name="resnet8x0.25", classes=10, file="weights.safetensors"):
    torch.manual_seed(0)
    tensors = plain_of(shipped(name, classes, 1, (8, 8))).state_dict()
    save_file({key: value.contiguous() for key, value in tensors.items()}, file)
    return tensors


def task_of(study):
    wanted = problems.settings_of(study)
    asked = problems.problem(wanted, study.spec.backbone)
    return driving.measure(wanted, study, asked.ladder).trials


def test_the_plain_network_is_trained_once_and_every_trial_starts_from_it():
    """It is no trial; a resumed study finds it again."""
    record = api.search(settings())
    assert record.finished == 2
    kept = [*starts.plain_folder("begun").iterdir()]
    assert len(kept) == 1
    plain_of(shipped("resnet8x0.25", 10, 1, (8, 8))).load_state_dict(load_file(kept[0]))
    assert starts.note(record) == "Trials start from the plain network in runs/begun/plain."
    before = kept[0].stat().st_mtime_ns
    api.resume("begun", trials=3)
    assert [path.stat().st_mtime_ns for path in starts.plain_folder("begun").iterdir()] == [before]
    with open_store() as store:
        task = task_of(store.study("begun"))
    assert task.start.path == kept[0].resolve()
    assert task.recipe.learning_rate == 0.01


def test_a_file_is_remembered_by_its_digest():
    """A study goes on with that very file, or not at all."""
    weights(classes=4)
    with open_store() as store:
        study = driving.create(store, settings(start="weights.safetensors"))
        assert study.spec.settings["start"]["fresh"] == ["fc.weight", "fc.bias"]
        assert "fc.weight, fc.bias of another size start fresh" in starts.note(study)
        assert task_of(study).start.path == Path("weights.safetensors").resolve()
        weights(classes=3)
        with pytest.raises(
            DamagedDataError, match=r"weights.safetensors has changed since the study"
        ):
            task_of(study)
        Path("weights.safetensors").unlink()
        with pytest.raises(InputError, match="There is no file"):
            task_of(study)


@pytest.mark.parametrize(
    ("file", "cause"),
    [
        ("absent.pth", "There is no file"),
        ("wide.safetensors", "is not a plain resnet8x0.25; sizes differ: conv1.weight"),
        ("pickle.pt", "is not a weights-only torch file"),
    ],
)
def test_a_file_that_does_not_fit_is_refused_before_a_study_is_made(file, cause):
    weights("resnet8", file="wide.safetensors")
    torch.save({"weight": os.system}, "pickle.pt")
    with open_store() as store:
        with pytest.raises(InputError, match=cause):
            driving.create(store, settings(start=file))
        assert not store.studies()


def test_where_trials_start_is_part_of_what_they_are():
    """Checkpoints and copies of another start, or of none, are not taken."""
    weights()
    identities = set()
    with open_store() as store:
        for name, start in (("a", "scratch"), ("b", "plain"), ("c", "weights.safetensors")):
            wanted = settings(start=start).model_copy(update={"name": name})
            study = driving.create(store, wanted)
            assert driving.seeding.alike(study, store.studies()) == []
            task = task_of(study)
            task = replace(task, recipe=task.recipe.changed(learning_rate=0.01))
            asked = problems.problem(wanted, study.spec.backbone)
            config = asked.space.decode(asked.space.spread(1, asked.limits, 0)[0])
            identities.add(task._identity(Trial("study", 0, config, "digest", 1, 1, 5)))
        weights(classes=4)
        other = settings(start="weights.safetensors").model_copy(update={"name": "d"})
        assert driving.seeding.alike(driving.create(store, other), store.studies()) == []
    assert len(identities) == 3


def test_a_word_that_is_no_start_is_refused_with_the_nearest():
    with pytest.raises(InputError, match=r"Did you mean 'scratch'\?"):
        settings(start="scrach")


def test_count_tells_what_the_cells_keep():
    """By site and in all, and what stays fresh; all of it where every mixture has a cell."""
    weights(classes=4)
    for ratio, whole in ((1.5, True), (0.5, False)):
        config = {"backbone": "resnet8x0.25", "in_channels": 1, "num_classes": 10}
        Path("config.json").write_text(json.dumps({**config, "cell_num_ratio": ratio}))
        start = api.count("config.json", start="weights.safetensors")["start"]
        assert (start["energy"] == pytest.approx(1)) is whole
        assert len(start["kept"]) == 6
        assert start["fresh"] == ["fc.weight", "fc.bias"]
