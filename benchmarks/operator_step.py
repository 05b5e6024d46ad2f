"""Whole training steps: the plain network, the textbook way and the chosen ways, in turns.

A step is forward, cross-entropy, backward and SGD with momentum. All three networks live in one
process and are timed in turns, so that a busy machine hurts them alike; the fastest step counts.
The floor is the arithmetic of the cheapest exact way of every layer, plus that of the plain layers,
at the speed of a 1024 x 1024 x 1024 product measured in the same process. Peak memory is what the
first step of a network adds to the process.

    python benchmarks/operator_step.py [--quick] [--profile] [--rows resnet18/32 ...]

The last line is JSON.
"""

import argparse
import ctypes
import json
import platform
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import groupby
from pathlib import Path

import torch
from common.layers import Layer, fastest, served_layers, status_bytes
from torch import nn
from torch.nn import functional as F

from search_spaces import NetworkConfig, plan_network
from search_spaces.networks import build
from search_spaces.networks.backbones import plain_network
from search_spaces.networks.ways import WAYS
from search_spaces.networks.ways.costs import BACKWARD

CLASSES = 100
SLOW = 1.0
"""Seconds above which a step of the textbook way is not repeated as often as the others'."""


@dataclass(frozen=True)
class Row:
    """One line of the table: a network, an input and a type."""

    backbone: str
    pixels: int
    batch: int
    ratio: float
    cell: float
    dtype: str = "float32"

    @property
    def product(self) -> torch.dtype:
        """Type in which products are computed."""
        return torch.float32 if self.dtype == "float32" else torch.bfloat16

    def precision(self) -> torch.autocast:
        """What puts a forward pass into that type."""
        return torch.autocast("cpu", torch.bfloat16, enabled=self.dtype != "float32")

    @property
    def name(self) -> str:
        """Name to select rows by."""
        return (
            f"{self.backbone}/{self.pixels}/b={self.ratio:g}/cells={self.cell:g}/"
            f"{self.dtype}/batch={self.batch}"
        )


def rows() -> Iterator[Row]:
    """All rows, the quick ones first."""
    settings = [(1.0, 1.0), (0.25, 0.5), (4.0, 1.0)]
    for dtype in ("float32", "bfloat16"):
        for pixels, batch in ((32, 64), (64, 64), (224, 8)):
            for ratio, cell in settings:
                yield Row("resnet18", pixels, batch, ratio, cell, dtype)
        for backbone in ("mobilenetv2", "convnext-tiny"):
            yield Row(backbone, 64, 64, 1.0, 1.0, dtype)
        for backbone in ("mobilenetv2", "resnet50"):
            yield Row(backbone, 224, 8, 1.0, 1.0, dtype)


@dataclass
class Result:
    """What one row measured; seconds, bytes and ratios."""

    row: str
    plain: float
    textbook: float
    chosen: float
    textbook_by_chosen: float
    chosen_by_plain: float
    floor: float
    chosen_by_floor: float
    textbook_peak: float
    chosen_peak: float
    choices: dict[str, int]


class Runner:
    """A network and its training step."""

    def __init__(self, network: nn.Module, row: Row) -> None:
        self.network = network.train()
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(row.batch, 3, row.pixels, row.pixels, generator=generator)
        self.target = torch.randint(0, CLASSES, (row.batch,), generator=generator)
        self.optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
        self.row = row

    def step(self) -> float:
        """Seconds of one step."""
        start = time.perf_counter()
        with self.row.precision():
            loss = F.cross_entropy(self.network(self.x).float(), self.target)
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return time.perf_counter() - start

    def first_step(self) -> tuple[float, float]:
        """Seconds of a step, and bytes that it adds to what the process holds."""
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        resting = status_bytes("VmRSS")
        return self.step(), status_bytes("VmHWM") - resting


def seconds(layer: Layer, row: Row) -> float:
    """Seconds of the chosen way alone, forward and backward; the fastest of four."""
    tensors = [tensor.requires_grad_() for tensor in layer.tensors()]
    way = WAYS[layer.way(trains=True, dtype=row.product)]

    def step() -> None:
        with row.precision():
            y = way(tensors[0], tensors[1], tensors[2], layer.geometry)
        torch.autograd.grad(y, tensors, torch.ones_like(y))

    return fastest(step, 4, time.perf_counter)


def floor_of(layer: Layer) -> float:
    """MACs of a step in the cheapest way."""
    return BACKWARD * layer.macs


def profile(layers: list[Layer], row: Row) -> Iterator[str]:
    """A table of layers alone, by their module: time, floor and how much of it is arithmetic."""
    speed = product_speed(row.dtype)
    yield "| layers | ways | ms | floor ms | floor / time |"
    yield "|---|---|---|---|---|"
    times: dict[Layer, float] = {}
    for group, members in groupby(layers, key=lambda layer: layer.name.split(".")[0]):
        same = list(members)
        alike = [replace(layer, name="") for layer in same]
        for layer in alike:
            if layer not in times:
                times[layer] = seconds(layer, row)
        spent = sum(times[layer] for layer in alike)
        floor = sum(map(floor_of, same)) / speed
        ways = ", ".join(f"{n} {way}" for way, n in _choices(same, row).items())
        yield f"| {group} | {ways} | {1e3 * spent:.0f} | {1e3 * floor:.0f} | {floor / spent:.2f} |"


def product_speed(dtype: str) -> float:
    """MACs a second of a 1024 x 1024 x 1024 product."""
    kind = torch.float32 if dtype == "float32" else torch.bfloat16
    left, right = (torch.randn(1024, 1024).to(kind) for _ in range(2))
    return 1024**3 / fastest(lambda: torch.mm(left, right.mT), 20, time.perf_counter)


def _choices(layers: list[Layer], row: Row) -> Counter[str]:
    return Counter(layer.way(trains=True, dtype=row.product) for layer in layers)


def networks(row: Row) -> tuple[dict[str, nn.Module], int]:
    """The three networks of a row, and MACs of the plain layers for one image."""
    config = NetworkConfig(
        backbone=row.backbone,
        num_classes=CLASSES,
        cell_num_ratio=row.ratio,
        cell_inplane_ratio=row.cell,
        cell_outplane_ratio=row.cell,
    )
    plan = plan_network(config, input_size=(row.pixels, row.pixels))
    made: dict[str, nn.Module] = {}
    for way in ("plain", "chosen", "textbook"):
        torch.manual_seed(0)
        if way == "plain":
            made[way] = plain_network(plan.backbone)
        else:
            made[way] = build(plan, way="auto" if way == "chosen" else way)
    return made, plan.backbone.plain_macs


def measure(row: Row, *, quick: bool) -> Result:
    """Time the three networks of a row in turns."""
    made, plain_macs = networks(row)
    runners = {way: Runner(network, row) for way, network in made.items()}
    best, peaks = {}, {}
    for way, runner in runners.items():
        best[way], peaks[way] = runner.first_step()
    for turn in range(1, 5 if quick else 12):
        for way, runner in runners.items():
            slow = way == "textbook" and best["textbook"] > SLOW
            if not slow or (turn == 1 and not quick):
                best[way] = min(best[way], runner.step())
    layers = served_layers(runners["chosen"].network, row.batch, row.pixels)
    macs = BACKWARD * plain_macs * row.batch + sum(map(floor_of, layers))
    floor = macs / product_speed(row.dtype)
    return Result(
        row=row.name,
        **best,
        textbook_by_chosen=best["textbook"] / best["chosen"],
        chosen_by_plain=best["chosen"] / best["plain"],
        floor=floor,
        chosen_by_floor=best["chosen"] / floor,
        textbook_peak=peaks["textbook"],
        chosen_peak=peaks["chosen"],
        choices=dict(_choices(layers, row)),
    )


def _line(result: Result) -> str:
    peaks = f"{result.textbook_peak / 2**20:.0f} | {result.chosen_peak / 2**20:.0f}"
    return (
        f"| {result.row} | {1e3 * result.plain:.0f} | {1e3 * result.textbook:.0f} "
        f"| {1e3 * result.chosen:.0f} | {result.textbook_by_chosen:.1f} "
        f"| {result.chosen_by_plain:.1f} | {result.chosen_by_floor:.2f} | {peaks} |"
    )


def _gains(results: list[Result]) -> Iterator[str]:
    """Float32 against bfloat16 of the chosen ways, where both were measured."""
    by_name = {result.row: result for result in results}
    for result in results:
        half = by_name.get(result.row.replace("float32", "bfloat16"))
        if half is not None and half is not result:
            yield f"{result.row}: bfloat16 is {result.chosen / half.chosen:.2f} times as fast"


def main() -> None:
    """Measure the rows that are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the 32 px float32 rows, few turns")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument(
        "--rows", nargs="*", default=[""], help="rows whose names contain one of these"
    )
    parser.add_argument("--profile", action="store_true", help="layers alone, by stage")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    wanted = [row for row in rows() if any(part in row.name for part in arguments.rows)]
    if arguments.quick:
        wanted = [row for row in wanted if row.pixels == 32 and row.dtype == "float32"]
    if arguments.profile:
        for row in wanted:
            layers = served_layers(networks(row)[0]["chosen"], row.batch, row.pixels)
            print("\n".join((row.name, *profile(layers, row))))
        return
    speeds = {dtype: product_speed(dtype) / 1e9 for dtype in ("float32", "bfloat16")}
    print(f"torch {torch.__version__}, {arguments.threads} threads, {platform.processor()}")
    print("GMAC/s of a 1024-cubed product: " + json.dumps(speeds))
    print("| row | plain ms | textbook ms | chosen ms | textbook/chosen | chosen/plain "
          "| chosen/floor | textbook peak MiB | chosen peak MiB |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|")
    results = []
    for row in wanted:
        results.append(measure(row, quick=arguments.quick))
        print(_line(results[-1]), flush=True)
    for line in _gains(results):
        print(line)
    print(json.dumps({"speeds": speeds, "results": [asdict(result) for result in results]}))


if __name__ == "__main__":
    main()
