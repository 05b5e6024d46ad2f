"""Fits the rates of the cost model to the clock, and checks them on layers held out of the fit.

Every distinct served layer of some networks is computed alone, in every way that may be chosen, in
turns; the median of the CPU time counts, on one thread. What is measured is kept as soon as it is
there and not measured again. Rates of each way are then fitted by least squares of relative
errors, none of them negative (`scipy.optimize.nnls`), to the networks that are not held out. Of
those held out it is told how long the ways so chosen take, beside the fastest way and the textbook
way, and how many layers take over 1.05 times the textbook way; then the same of the rates that are
in `search_spaces/networks/ways/costs.py`.

    python benchmarks/fit_costs.py [--quick] [--mode inference|training] [--batches 1 4 16]
        [--networks resnet18 ...] [--held-out resnet50 ...] [--pixels 64 224] [--kept FILE]
        [--limit 20]

The last line is JSON, with the rates.
"""

import argparse
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass, fields, replace
from functools import partial
from math import inf
from pathlib import Path
from statistics import mean, median

import numpy as np
import torch
from common.layers import Layer, served_layers
from scipy.optimize import nnls

from search_spaces import NetworkConfig, plan_network
from search_spaces.networks import build
from search_spaces.networks.ways import WAYS
from search_spaces.networks.ways.costs import BACKWARD, COSTS, Cost, Rates, seconds
from search_spaces.networks.ways.rates import rates_for
from search_spaces.published import published

NETWORKS = {
    "resnet18": "kw1x_resnet18",
    "mobilenetv2": "kw1x_mobilenetv2_100",
    "resnet50": "kw1x_resnet50",
    "convnext-tiny": "kw1x_convnext_tiny",
}
NARROW = ("resnet8x0.5", "resnet20")
"""Networks that nobody published with cells, for training."""

HELD_OUT = ["mobilenetv2", "resnet50", "convnext-tiny"]
RATIOS = (0.25, 1.0, 4.0)
TURNS = 5

SLOW = 6.0
"""A way that takes this many times the fastest one is timed once, and one that is modelled at as
much not at all."""

TOLERATED = 1.05
"""Times the textbook way."""

COUNTS = tuple(field.name for field in fields(Cost))


@dataclass(frozen=True)
class Measured:
    """A layer and the milliseconds of each way."""

    network: str
    layer: Layer
    times: dict[str, float]


def layers_of(
    networks: list[str], batches: list[int], pixels: list[int]
) -> Iterator[tuple[str, Layer]]:
    """Every distinct layer with the first network that has it."""
    seen: set[Layer] = set()
    for network in networks:
        for ratio in RATIOS:
            config = _config(network).model_copy(update={"cell_num_ratio": ratio})
            for edge in pixels:
                module = build(plan_network(config, input_size=(edge, edge))).eval()
                for found in served_layers(module, 1, edge):
                    for batch in batches:
                        layer = replace(found, name="", batch=batch)
                        if layer not in seen and len(layer.able) > 1:
                            seen.add(layer)
                            yield network, layer


def _config(network: str) -> NetworkConfig:
    if network in NARROW:
        return NetworkConfig(backbone=network, num_classes=10)
    return published(NETWORKS[network])


def timed(layer: Layer, *, trains: bool) -> dict[str, float]:
    """Milliseconds of each way."""
    tensors = layer.tensors()
    if trains:
        tensors = tuple(tensor.requires_grad_() for tensor in tensors)  # type: ignore[assignment]  # still three
    rates = rates_for("cpu", trains=trains)
    thought = {
        n: seconds(n, layer.sizes, rates[n], trains=trains) for n in layer.able if n in rates
    }
    names = [n for n, value in thought.items() if value <= SLOW * min(thought.values())]
    found: dict[str, list[float]] = {name: [] for name in names}
    for turn in range(TURNS + 1):
        for name in names:
            slow = turn > 1 and median(found[name]) > SLOW * min(map(median, found.values()))
            if slow:
                continue
            start = time.thread_time()
            with torch.set_grad_enabled(trains):
                y = WAYS[name](*tensors, layer.geometry)
            if trains:
                torch.autograd.grad(y, tensors, torch.ones_like(y))
            if turn:
                found[name].append(1e3 * (time.thread_time() - start))
    return {name: median(values) for name, values in found.items()}


def counts(name: str, layer: Layer, *, trains: bool) -> list[float]:
    """What the model counts of a way, arithmetic of a whole step included, and 1 for its start."""
    cost = COSTS[name](layer.sizes)
    if trains:
        cost = replace(cost, mixing=BACKWARD * cost.mixing, applying=BACKWARD * cost.applying)
    return [*astuple(cost), 1.0]


def fit(measured: list[Measured], *, trains: bool) -> dict[str, Rates]:
    """Rates of each way, by least squares of relative errors."""
    made = {}
    for name in sorted({way for row in measured for way in row.times}):
        rows = [row for row in measured if name in row.times]
        table = np.array([counts(name, row.layer, trains=trains) for row in rows])
        nanoseconds = np.array([1e6 * row.times[name] for row in rows])
        share = table / nanoseconds[:, None]
        scale = np.maximum(share.max(0), 1e-30)
        costs, _ = nnls(share / scale, np.ones(len(rows)))
        values = [1 / c if c > 0 else inf for c in costs / scale]
        *rates, start = (float(f"{value:.3g}") for value in values)
        by_name = dict(zip(COUNTS, rates, strict=True))
        made[name] = Rates(**by_name, start=0.0 if start == inf else float(f"{1e-9 / start:.3g}"))
    return made


def chosen(layer: Layer, rates: dict[str, Rates], *, trains: bool) -> str:
    """The way that these rates choose, as `search_spaces.networks.chooser` chooses."""
    where = layer.situation(trains=trains)
    names = where.candidates
    thought = {n: seconds(n, layer.sizes, r, trains=trains) for n, r in rates.items() if n in names}
    return where.chosen(thought)


def judged(measured: list[Measured], rates: dict[str, Rates], *, trains: bool) -> dict[str, float]:
    """How good the choices of these rates are, over layers."""
    rows = [row for row in measured if "textbook" in row.times]
    took = []
    for row in rows:
        known = {n: r for n, r in rates.items() if n in row.times}
        took.append(row.times[chosen(row.layer, known, trains=trains)])
    best = [min(row.times.values()) for row in rows]
    textbook = [row.times["textbook"] for row in rows]
    return {
        "layers": len(rows),
        "mean over fastest": round(mean(a / b for a, b in zip(took, best, strict=True)), 3),
        "sum over fastest": round(sum(took) / sum(best), 3),
        "sum over textbook": round(sum(took) / sum(textbook), 3),
        "slower than textbook": sum(a > TOLERATED * b for a, b in zip(took, textbook, strict=True)),
        "worst over textbook": round(max(a / b for a, b in zip(took, textbook, strict=True)), 2),
    }


def measured_of(asked: argparse.Namespace, *, trains: bool) -> list[Measured]:
    """Measure what is not kept yet, up to the limit of minutes."""
    torch.set_num_threads(1)
    kept = _read(asked.kept)
    end = time.monotonic() + 60 * asked.limit
    found = []
    for network, layer in layers_of(asked.networks, asked.batches, asked.pixels):
        key = f"{asked.mode} {network} {layer}"
        if key not in kept:
            if time.monotonic() > end:
                continue
            kept[key] = timed(layer, trains=trains)
            if asked.kept is not None:
                with asked.kept.open("a", encoding="utf-8") as file:
                    file.write(json.dumps({"key": key, "times": kept[key]}) + "\n")
        found.append(Measured(network, layer, kept[key]))
    return found


def _read(path: Path | None) -> dict[str, dict[str, float]]:
    if path is None or not path.is_file():
        return {}
    rows = map(json.loads, path.read_text(encoding="utf-8").splitlines())
    return {row["key"]: row["times"] for row in rows}


def main() -> None:
    """Measure, fit and check."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="64 pixels, batch 1, ResNets alone")
    parser.add_argument("--mode", choices=("inference", "training"), default="inference")
    parser.add_argument(
        "--networks", nargs="*", default=list(NETWORKS), choices=[*NETWORKS, *NARROW]
    )
    parser.add_argument("--held-out", nargs="*", default=HELD_OUT)
    parser.add_argument("--batches", nargs="*", type=int, default=[1, 4, 16])
    parser.add_argument("--pixels", nargs="*", type=int, default=[64, 224])
    parser.add_argument("--kept", type=Path, help="lines of JSON that measurements are kept in")
    parser.add_argument("--limit", type=float, default=60, help="minutes of measuring")
    asked = parser.parse_args()
    trains = asked.mode == "training"
    if asked.quick:
        asked.networks, asked.held_out = ["resnet18", "resnet50"], ["resnet50"]
        asked.batches, asked.pixels, asked.limit = [1], [64], 0.5
    rows = measured_of(asked, trains=trains)
    held = [row for row in rows if row.network in asked.held_out]
    others = [row for row in rows if row.network not in asked.held_out]
    judge: Callable[..., dict[str, float]] = partial(judged, trains=trains)
    part, now = fit(others, trains=trains), rates_for("cpu", trains=trains)
    whole = fit(rows, trains=trains)
    told = {
        "fitted to the others, of those held out": judge(held, part) if held else {},
        "rates of now, of those held out": judge(held, now) if held else {},
        "fitted to all, of all": judge(rows, whole),
        "rates of now, of all": judge(rows, now),
    }
    print("| rates, layers | " + " | ".join(told["rates of now, of all"]) + " |")
    print("|---" * 7 + "|")
    for name, values in told.items():
        print(f"| {name} | {' | '.join(map(str, values.values()))} |")
    for name, rates in whole.items():
        print(f'    "{name}": {rates},')
    print(
        json.dumps(
            {"mode": asked.mode, "choices": told, "rates": {n: repr(r) for n, r in whole.items()}}
        )
    )


if __name__ == "__main__":
    main()
