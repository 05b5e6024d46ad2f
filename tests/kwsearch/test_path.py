"""The whole path on real images: a study file in, trainings, fronts, an export out."""

import csv
import io
import json
import math
import os
import signal
import subprocess
import sys
from pathlib import Path

import moocore
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from kwsearch import api
from kwsearch.cli import app
from kwsearch.exporting.images import images_of
from search_spaces import NetworkConfig, count
from search_spaces.networks.layer import KWLinear
from trials.store import open_store
from trials.store.check import check
from trials.tasks.classification.measuring import evaluate
from trials.tasks.classification.recipe import digits

STUDY = """
[space]
backbone = "resnet8x0.25"
cell_num_ratio = {low = 0.125, high = 4.0, log = true}
cell_outplane_ratio = [0.5, 1.0]
sharing_range = ["none", "stage"]

[budget]
max_params = "60k"

[proxy]
data = "digits"
epochs = [1, 2]
training_share = 0.5
batch_size = 64

[baselines]
seeds = 0
networks = []

[search]
trials = 4
reuse = false

[execution]
threads = 1
"""


def kwsearch(*words, cwd, check_exit=0, **options):
    done = subprocess.run(
        [sys.executable, "-m", "kwsearch", *map(str, words)],
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
        **options,
    )
    assert done.returncode == check_exit, done.stderr
    return done


def here(*words, cwd, check_exit=0):
    """The command in this process, where another one proves nothing more."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(cwd)
        done = CliRunner().invoke(app, [*map(str, words)])
    assert done.exit_code == check_exit, (done.stderr, done.exception)
    return done


def rows(folder, name):
    """The table of trials, without what a clock says."""
    with open_store(str(folder / "runs/kwsearch.db"), create=False, read_only=True) as store:
        return [
            (r.number, r.trial.digest, r.trial.seed, r.state, r.accuracy, r.loss, r.epochs)
            for r in store.trials(name)
        ]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder in which one study was searched from the command line."""
    folder = tmp_path_factory.mktemp("path")
    (folder / "small.toml").write_text(STUDY.replace("seeds = 0", "seeds = 1"))
    (folder / "again.toml").write_text(STUDY)
    done = kwsearch("search", "small.toml", "--csv", cwd=folder)
    (folder / "front.csv").write_text(done.stdout)
    (folder / "talk.txt").write_text(done.stderr)
    return folder


def test_a_search_prints_its_front_and_talks_elsewhere(folder):
    printed = list(csv.DictReader(io.StringIO((folder / "front.csv").read_text())))
    asked = json.loads(here("front", "small", "--json", cwd=folder).stdout)
    assert [int(row["trial"]) for row in printed] == [row["trial"] for row in asked]
    wanted = {"trial", "params", "macs", "accuracy", "accuracy_error", "config"}
    assert all(wanted <= row.keys() for row in asked)
    assert "4/4" in (folder / "talk.txt").read_text()


def test_the_same_study_twice_gives_the_same_table(folder):
    here("search", "again.toml", cwd=folder)
    assert rows(folder, "again") == rows(folder, "small")


def _hear_ctrl_c():
    """A shell starts its background jobs deaf to Ctrl-C, and what runs the tests may be one."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_and_resume_end_in_the_same_table(folder):
    words = ["search", "again.toml", "--name", "stopped", "--trials", "500"]
    with subprocess.Popen(
        [sys.executable, "-m", "kwsearch", *words],
        cwd=folder,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_ctrl_c,  # noqa: PLW1509 - this process has one thread here
    ) as process:
        for line in process.stderr:
            if line.startswith("2/500"):
                break
        process.send_signal(signal.SIGINT)
        talk = process.stderr.read()
    assert process.returncode == 5
    assert "kwsearch resume stopped" in talk
    assert "Traceback" not in talk
    trials = max(4, len(rows(folder, "stopped")) + 1)
    here("resume", "stopped", "--trials", trials, cwd=folder)
    resumed = rows(folder, "stopped")
    assert resumed[:4] == rows(folder, "small")
    assert len(resumed) == len({row[1] for row in resumed}) == trials


def test_the_checker_finds_nothing(folder):
    assert check(str(folder / "runs/kwsearch.db"), runs=folder / "runs") == []


def test_the_stored_front_is_moocores_of_the_trials_table(folder):
    with open_store(str(folder / "runs/kwsearch.db"), create=False, read_only=True) as store:
        study = store.study("small")
        done = [r for r in store.trials("small") if r.state == "complete"]
        front = [r.number for r in store.front("small")]
    points = np.array([(r.trial.params, 1 - r.accuracy) for r in done])
    kept = moocore.is_nondominated(points)
    assert sorted(front) == [r.number for r, keep in zip(done, kept, strict=True) if keep]
    low, high, floor = study.spec.area
    assert (low, floor) == (min(points[:, 0].min(), low), 0.1)
    points[:, 0] = np.log(np.maximum(points[:, 0], low) / low)
    corner = np.log(high / low), 1 - floor
    share = moocore.hypervolume(points, ref=corner) / np.prod(corner)
    assert study.hypervolume == pytest.approx(share)


def test_answers_agree_with_each_other(folder):
    database = str(folder / "runs/kwsearch.db")
    front = api.front("small", database=database)
    limit = front[0]["params"]
    best = api.best("small", max_params=limit, database=database)
    assert front[0].items() <= best.items()
    assert {"accuracy", "balanced_accuracy"} <= {one["name"] for one in best["reported"]}
    assert api.front("small", database=database, max_params=limit) == front[:1]
    most = front[-1]["accuracy"]
    assert api.front("small", database=database, min_accuracy=most) == front[-1:]
    assert api.front("small", database=database, knee=True)[0] in front
    status = api.status("small", database=database)
    assert (status["complete"] + status["stopped"], status["front"]) == (4, len(front))
    assert "small" in [row["study"] for row in api.studies(database=database)]
    for row in front:
        config = NetworkConfig.from_json(json.dumps(row["config"]))
        assert count(config).params == row["params"]


def test_what_was_searched_is_exported_and_verified(folder):
    kwsearch("export", "small", "--max-params", "60k", "-o", "best", cwd=folder)
    again = here("export", "small", "--trial", 0, "-o", "best", cwd=folder, check_exit=2)
    assert "never overwrites" in again.stderr
    best = api.best("small", max_params=60_000, database=str(folder / "runs/kwsearch.db"))
    told = json.loads(here("verify", "best", "--json", cwd=folder).stdout)
    assert (told["digest"], told["params"]) == (best["digest"], best["params"])
    counted = json.loads(here("count", "best", "--json", cwd=folder).stdout)
    assert (counted["digest"], counted["macs"]) == (best["digest"], best["macs"])


def test_an_exported_network_has_the_accuracy_that_was_measured(folder, tmp_path, monkeypatch):
    monkeypatch.chdir(folder)
    best = api.best("small")
    exported = api.load(api.export("small", trial=best["trial"], folder=tmp_path / "out"))
    with (
        open_store(None, create=False, read_only=True) as store,
        images_of(store.study("small")) as (_, data),
    ):
        recipe = digits(2)
        confusion, *_ = evaluate(exported.network(), data, recipe, torch.device("cpu"))
    assert confusion.trace() / len(data.evaluation) == best["accuracy"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["search", "small.toml"], 2),  # the name is taken
        (["front", "smal"], 2),
        (["best", "small", "--max-params", "10"], 2),
        (["export", "small", "--trial", "99", "-o", "x"], 2),
        (["count", "nothing.json"], 2),
    ],
)
def test_what_is_not_there_is_refused_in_two_lines(folder, words, code):
    talk = here(*words, cwd=folder, check_exit=code).stderr
    assert "Traceback" not in talk
    assert len(talk.strip().splitlines()) <= 4


def test_a_budget_nothing_fits_ends_with_6_before_anything_is_written(tmp_path):
    (tmp_path / "tiny.toml").write_text(STUDY.replace("60k", "1k"))
    talk = here("search", "tiny.toml", cwd=tmp_path, check_exit=6).stderr
    assert "The smallest has" in talk
    assert json.loads(here("studies", "--json", cwd=tmp_path).stdout) == []


def test_a_driver_that_lives_keeps_others_out(folder):
    database = str(folder / "runs/kwsearch.db")
    with open_store(database) as store:
        store.acquire("small", "elsewhere:1", 60)
        try:
            talk = here("resume", "small", cwd=folder, check_exit=4).stderr
        finally:
            store.release("small", "elsewhere:1")
    assert "elsewhere" in talk
    assert "--steal" in talk


@pytest.mark.parametrize("target", [7_400_000, 11_689_512 * (1 - 0.3645), 11_689_512 * (1 - 0.651)])
def test_plan_lists_configurations_of_a_size_with_their_exact_size(target):
    listed = api.plan("resnet18", params=round(target), number=10)
    assert len(listed) == 10
    assert len({row["digest"] for row in listed}) == 10
    for row in listed:
        assert abs(row["params"] / target - 1) < 0.005
        assert count(NetworkConfig.from_json(json.dumps(row["config"]))).params == row["params"]


def test_plan_and_count_work_without_torch():
    script = (
        "import sys; from kwsearch import api;"
        "api.plan('resnet18', params=7_400_000, number=3); api.count('kw1x_resnet18');"
        "assert 'torch' not in sys.modules, 'torch was loaded'"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=900)


def test_plan_without_a_size_covers_the_budget():
    sizes = [row["params"] for row in api.plan("quickstart", number=6)]
    assert sizes == sorted(sizes)
    assert sizes[-1] / sizes[0] > 10


@pytest.mark.slow
@pytest.mark.skipif(
    not Path("/usr/share/datasets/fashion-mnist").is_dir(),
    reason="Fashion-MNIST is not installed (Debian's package dataset-fashion-mnist)",
)
def test_a_search_on_fashion_mnist_completes(tmp_path):
    study = (
        STUDY.replace('"digits"', '"/usr/share/datasets/fashion-mnist/"')
        .replace("[1, 2]", "[1]")
        .replace("trials = 4", "trials = 2")
    )
    (tmp_path / "fashion.toml").write_text(study)
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    done = kwsearch("search", "fashion.toml", "--json", cwd=tmp_path, env=environment)
    assert max(row["accuracy"] for row in json.loads(done.stdout)) > 0.5


TRANSFORMER = """
[space]
backbone = "deit-tiny-small"
cell_num_ratio = [0.5, 1.0]
sharing_range = "layer"

[budget]
max_params = "7M"

[proxy]
data = "digits"
image_size = 32
epochs = [1]
training_share = 0.1
validation_share = 0.1
batch_size = 13
learning_rate = 0.02
gradient_clip = 1.0

[baselines]
seeds = 0
networks = []

[search]
trials = 1

[execution]
threads = 1
"""


@pytest.mark.slow
def test_a_vision_transformer_is_searched_exported_and_verified(tmp_path):
    """Ten steps on digits of 32 pixels: every linear layer served, counted as built."""
    (tmp_path / "digits.toml").write_text(TRANSFORMER, encoding="utf-8")
    here("search", "digits.toml", cwd=tmp_path)
    here("export", "digits", "--trial", 0, "-o", "best", cwd=tmp_path)
    here("verify", "best", cwd=tmp_path)
    (row,) = json.loads(here("trials", "digits", "--json", cwd=tmp_path).stdout)
    exported = api.load(tmp_path / "best")
    network = exported.network()
    assert row["params"] == sum(parameter.numel() for parameter in network.parameters())
    assert sum(isinstance(module, KWLinear) for module in network.modules()) == 48
    with open_store(tmp_path / "runs" / "kwsearch.db", read_only=True) as store:
        (record,) = store.trials("digits")
    assert (record.state, record.epochs) == ("complete", 1)
    assert math.isfinite(record.loss)
