"""The GPU's benchmark: its fit finds rates again, and every line of it runs without a GPU."""

import importlib.util
import json
import os
import subprocess
import sys
from dataclasses import astuple
from math import inf
from pathlib import Path

import pytest
import torch

from search_spaces.networks.ways.costs import COSTS, Rates, seconds

ROOT = Path(__file__).parents[1]
SCRIPT = ROOT / "benchmarks" / "gpu.py"


def loaded():
    spec = importlib.util.spec_from_file_location("gpu_bench", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    sys.modules["gpu_bench"] = module
    spec.loader.exec_module(module)
    return module


gpu = loaded()


@pytest.fixture(scope="module")
def layers():
    return [
        gpu.Layer(gpu.conv(inside, out, edge, stride=stride, blocks=(1, blocks)), (size,) * 2, n, b)
        for inside, out, edge, stride, blocks, size, n, b in [
            (64, 64, 3, 1, 1, 56, 36, 128), (64, 128, 3, 2, 1, 56, 10, 64),
            (128, 128, 3, 1, 2, 28, 80, 128), (256, 256, 1, 1, 2, 14, 20, 32),
            (256, 256, 3, 1, 1, 14, 120, 256), (512, 512, 3, 1, 2, 7, 60, 128),
            (256, 512, 1, 2, 1, 14, 5, 16), (512, 512, 3, 1, 4, 2, 100, 64),
            (32, 32, 3, 1, 1, 8, 3, 8), (96, 32, 1, 1, 1, 112, 7, 16),
            (128, 256, 3, 2, 1, 7, 200, 128), (1024, 512, 1, 1, 4, 7, 30, 64),
        ]
    ]  # fmt: skip


RATES = Rates(2e5, 9e4, 250, inf, 700, 400, inf, 1.5e-4)


@pytest.mark.parametrize("trains", [True, False])
def test_the_fit_finds_the_rates_that_times_were_made_with(layers, trains):
    """Those of counts that take part of the time; to a thousandth, since nothing is measured."""
    rows = [
        (
            layer,
            {"assemble-implicit": seconds("assemble-implicit", layer.sizes, RATES, trains=trains)},
        )
        for layer in layers
    ]
    found = gpu.rates_of(rows, trains=trains)["assemble-implicit"]
    for layer, times in rows:
        again = seconds("assemble-implicit", layer.sizes, found, trains=trains)
        assert again == pytest.approx(times["assemble-implicit"], rel=1e-3)
    assert found.applying == pytest.approx(RATES.applying, rel=1e-3)
    assert found.start == pytest.approx(RATES.start, rel=1e-3)
    assert all(value >= 0 for value in astuple(found))
    assert gpu.judged(rows, {"assemble-implicit": found}, trains=trains) == pytest.approx(
        (0, 0), abs=1e-3
    )


def test_a_model_that_chooses_wrongly_is_told_what_that_costs(layers):
    """Rates turned round make the slower way look fast."""
    fast, slow = Rates(*[1e5] * 7, 1e-5), Rates(*[1e5] * 7, 3e-5)
    rows = [(layer, {"textbook": 1.0, "assemble": 2.0}) for layer in layers]
    error, excess = gpu.judged(rows, {"textbook": slow, "assemble": fast}, trains=False)
    assert excess == pytest.approx(1.0)
    assert error > 0.9
    assert gpu.judged(rows, {"textbook": fast, "assemble": slow}, trains=False)[1] == 0


def test_counts_stand_in_the_order_of_rates(layers):
    """A rate that is the only one not infinite gives the time of its own count."""
    cost = COSTS["textbook"](layers[0].sizes)
    numbers = gpu.counts(cost, trains=False)
    for i, count in enumerate(numbers):
        values = [inf] * 10
        values[i] = 2.0
        values[7] = 2.0 if i == 7 else 0.0
        took = seconds("textbook", layers[0].sizes, Rates(*values), trains=False)
        assert took == pytest.approx(2.0 if i == 7 else 1e-9 * count / 2.0)


def test_without_a_gpu_the_script_says_what_would_run():
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    done = subprocess.run(
        [sys.executable, SCRIPT], capture_output=True, text=True, check=False, cwd=ROOT
    )
    assert done.returncode == 1
    assert "--device cpu --quick" in json.loads(done.stdout.splitlines()[-1])["error"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_part_runs_on_a_cpu(tmp_path):
    """The ways for GPUs in the interpreter, and two trials beside each other on Ray."""
    page, cards = tmp_path / "gpu.md", tmp_path / "cards"
    page.write_text(f"# Mine\n\n{gpu.BEGIN}\nold\n{gpu.END}\n\nKept.\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, SCRIPT, "--device", "cpu", "--quick", "--minutes", "14",
         "--page", page, "--cards", cards],
        env=os.environ | {"TRITON_INTERPRET": "1", "OMP_NUM_THREADS": "1"},
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    agrees = {(row["way"], row["type"]): row["agrees"] for row in told["equality"]}
    assert all(agrees.values())
    assert {"assemble-implicit", "mix-inputs-implicit", "textbook"} <= {way for way, _ in agrees}
    assert told["trials"]["states"] == ["complete", "complete"]
    assert told["trials"]["beside"]
    assert [line.partition(":")[0] for line in told["left_out"]] == [
        "inference of resnet8x0.25, 8 px, b = 0.5, batch 4, CUDA graph"
    ]
    assert set(told["rates"]["inference"]) >= {"textbook", "assemble-implicit"}
    assert [path.name for path in cards.iterdir()] == ["cpu.json"]
    text = page.read_text(encoding="utf-8")
    assert text.startswith("# Mine")
    assert text.endswith("Kept.\n")
    assert "old" not in text
    for title in gpu.TITLES.values():
        assert f"### {title}" in text


@pytest.mark.gpu
@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device")
def test_on_a_gpu_every_way_agrees_and_two_trials_share_it(tmp_path):
    """All layers of the check, and half a GPU for each of two trials under Ray."""
    done = subprocess.run(
        [sys.executable, SCRIPT, "--parts", "equality", "trials",
         "--page", tmp_path / "gpu.md", "--cards", tmp_path / "cards"],
        capture_output=True, text=True, check=False, cwd=ROOT,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["left_out"] == []
    assert all(row["agrees"] for row in told["equality"])
    assert told["network"]["chosen"] == pytest.approx(told["network"]["textbook"], rel=1e-2)
    assert told["trials"]["states"] == ["complete", "complete"]
    assert told["trials"]["beside"]
