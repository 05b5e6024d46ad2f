"""An export is trained to the end, killed and resumed, by one process or by two."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from typer.testing import CliRunner, Result

from kwsearch import api
from kwsearch.cli import app
from kwsearch.exporting import load
from kwsearch.full_training import read
from search_spaces import InputError
from search_spaces.networks import build, plain_of
from trials.errors import StorageError
from trials.store import open_store

STUDY = """
[space]
backbone = "resnet8x0.25"
cell_num_ratio = [1.0]
sharing_range = ["stage"]

[budget]
max_params = "60k"

[proxy]
data = "digits"
epochs = [1]
batch_size = 256

[baselines]
seeds = 0

[search]
trials = 1

[execution]
threads = 1
"""
FLAGS = ["--seed", "3", "--batch-size", "256"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A study of one trial, exported."""
    made = tmp_path_factory.mktemp("training")
    (made / "small.toml").write_text(STUDY)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(made)
        patch.delenv("KWSEARCH_DATABASE", raising=False)
        api.search("small.toml")
        api.export("small", trial=0, folder="best")
    return made


def command(*words: str, processes: int = 1) -> list[str]:
    several = ["torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    start = [*several, "-m"] if processes > 1 else []
    return [sys.executable, "-m", *start, "kwsearch", *words]


def kwsearch(folder: Path, *words: str, processes: int = 1) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words, processes=processes),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def here(folder: Path, *words: str, check_exit: int = 0) -> Result:
    """The command in this process, where another one proves nothing more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        done = CliRunner().invoke(app, words)
    assert done.exit_code == check_exit, (done.stderr, done.exception)
    return done


def train(folder: Path, output: str, *words: str, processes: int = 1) -> dict[str, Tensor]:
    """Train, and return the weights."""
    done = kwsearch(folder, "train", "best", *FLAGS, "-o", output, *words, processes=processes)
    assert done.returncode == 0, done.stderr
    found: dict[str, Tensor] = load_file(folder / output / "model.safetensors")
    return found


@pytest.fixture(scope="module")
def whole(folder: Path) -> dict[str, Tensor]:
    """Weights after four uninterrupted epochs."""
    return train(folder, "whole", "--epochs", "4")


def test_what_a_training_leaves(folder: Path, whole: dict[str, Tensor]) -> None:
    """Weights that the network loads, the recipe that can be read, and what they reach."""
    output = folder / "whole"
    upstream = (folder / "best" / "upstream.json").exists()
    assert {path.name for path in output.iterdir()} == {
        *("config.json", "backbone.json", "recipe.toml", "results.json", "counts.json"),
        *("model.safetensors", "origin.json", "pretrained_cfg.json", "README.md"),
        *("checksums.sha256", *(["upstream.json"] if upstream else [])),
    }
    plan = load(folder / "best").plan
    build(plan).load_state_dict(whole)
    results = json.loads((output / "results.json").read_text())
    assert (results["epochs"], results["data"], results["part"]) == (4, "digits", "held-out")
    assert (results["study"], results["trial"]) == ("small", 0)
    assert [m["epoch"] for m in results["curve"]] == [1, 2, 3, 4]
    recipe = read(output / "recipe.toml")
    assert (recipe.epochs, recipe.batch_size) == (4, 256)
    assert recipe.learning_rate == pytest.approx(0.1)  # that of the study, at its batch size


def test_the_database_remembers_it_beside_the_trial(folder: Path, whole: dict[str, Tensor]) -> None:
    assert whole
    with open_store(str(folder / "runs/kwsearch.db"), read_only=True) as store:
        first = store.trainings("small", 0)[0]
    results = json.loads((folder / "whole" / "results.json").read_text())
    assert (first.accuracy, first.images) == (results["accuracy"], results["images"])
    shown = json.loads(here(folder, "show", "small", "0", "--json").stdout)
    assert shown["full_trainings"][0]["accuracy"] == results["accuracy"]


def test_a_database_that_is_not_there_is_told_before_training(folder: Path) -> None:
    with pytest.raises(StorageError, match="There is no database"):
        api.train(folder / "best", output=folder / "never", database=str(folder / "elsewhere.db"))
    assert not (folder / "never").exists()


def test_a_finished_training_is_told_again_and_not_repeated(
    folder: Path, whole: dict[str, Tensor]
) -> None:
    before = (folder / "whole" / "model.safetensors").stat().st_mtime_ns
    here(folder, "train", "best", *FLAGS, "-o", "whole", "--epochs", "4")
    again = load_file(folder / "whole" / "model.safetensors")
    assert all(torch.equal(again[name], whole[name]) for name in whole)
    assert (folder / "whole" / "model.safetensors").stat().st_mtime_ns == before
    with open_store(str(folder / "runs/kwsearch.db"), read_only=True) as store:
        assert len(store.trainings("small", 0)) == 1


@pytest.mark.slow
def test_a_training_killed_in_mid_epoch_goes_on_bit_by_bit(
    folder: Path, whole: dict[str, Tensor]
) -> None:
    words = ["train", "best", *FLAGS, "-o", "killed", "--epochs", "4"]
    with subprocess.Popen(
        command(*words),
        cwd=folder,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:
        end = time.monotonic() + 600
        while not (folder / "killed" / "checkpoints" / "0-1.safetensors").exists():
            assert time.monotonic() < end
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    assert not (folder / "killed" / "model.safetensors").exists()
    resumed = train(folder, "killed", "--epochs", "4")
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


@pytest.mark.slow
def test_two_processes_learn_what_one_does(folder: Path) -> None:
    """In float32, with everything on that the batch takes part in; sums differ in rounding.

    Steps are small, as descent doubles any difference, rounding too, where they are large.
    """
    (folder / "two.toml").write_text(
        "epochs = 2\nbatch_size = 256\nlearning_rate = 0.005\nmomentum = 0.0\nnesterov = false\n"
        "rand_augment = 1\nmixup = 0.2\ncutmix = 1.0\nema = 0.9\npadding = 1\n"
        "temperature_share = 1.0\n"
    )
    one, two = (train(folder, f"by-{n}", "--recipe", "two.toml", processes=n) for n in (1, 2))
    for name, value in one.items():
        torch.testing.assert_close(two[name], value, rtol=1e-4, atol=1e-5)
    results = [json.loads((folder / f"by-{n}" / "results.json").read_text()) for n in (1, 2)]
    assert results[0]["loss"] == pytest.approx(results[1]["loss"], rel=1e-5)
    assert results[0]["images"] == results[1]["images"] == 299


def test_another_recipe_is_refused_in_a_folder_that_holds_a_training(
    folder: Path, whole: dict[str, Tensor]
) -> None:
    assert whole
    recipe = (folder / "whole" / "recipe.toml").read_text()
    done = here(folder, "train", "best", *FLAGS, "-o", "whole", "--epochs", "5", check_exit=2)
    assert "training of another network, recipe" in done.stderr
    assert (folder / "whole" / "recipe.toml").read_text() == recipe


def test_a_training_starts_from_a_plain_network(folder: Path) -> None:
    """At a tenth of the learning rate; another start, or none, is another training."""
    table = load(folder / "best").backbone
    save_file(plain_of(table).state_dict(), folder / "plain.safetensors")
    words = ["train", "best", *FLAGS, "-o", "begun", "--epochs", "1"]
    here(folder, *words, "--start", "plain.safetensors")
    begun = load_file(folder / "begun" / "model.safetensors")
    build(load(folder / "best").plan).load_state_dict(begun)
    results = json.loads((folder / "begun" / "results.json").read_text())
    assert results["start"]["energy"] == pytest.approx(1)
    assert results["start"]["fresh"] == []
    recipe = read(folder / "begun" / "recipe.toml")
    assert recipe.learning_rate == pytest.approx(0.1 * 0.1)
    done = here(folder, *words, check_exit=2)
    assert "holds a training of another" in done.stderr


def test_faults_of_a_recipe_are_told_all_at_once(tmp_path: Path) -> None:
    (tmp_path / "recipe.toml").write_text("epoch = 3\nbatch_size = 1\nmixup = -1\n")
    with pytest.raises(InputError) as caught:
        read(tmp_path / "recipe.toml")
    for part in ("epochs: missing", "epoch: unknown key", "batch_size: 1 must", "mixup: -1 must"):
        assert part in caught.value.cause


def test_images_that_the_network_was_not_made_for_are_refused(folder: Path) -> None:
    images = folder / "photos"
    for name in ("cat", "dog"):
        (images / name).mkdir(parents=True)
        for number in range(3):
            Image = pytest.importorskip("PIL.Image")  # noqa: N806 - a module
            Image.new("RGB", (8, 8), (number, 0, 0)).save(images / name / f"{number}.png")
    done = here(folder, "train", "best", "--data", "photos", "-o", "other", check_exit=2)
    assert "photos has 2 classes and 3 channels" in done.stderr
    assert not (folder / "other").exists()


def test_what_is_no_export_is_refused(tmp_path: Path) -> None:
    save_file({"weight": torch.ones(1)}, tmp_path / "model.safetensors")
    with pytest.raises(InputError, match="no export"):
        api.train(tmp_path)
