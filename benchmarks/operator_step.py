"""Whole training steps: the plain network, the textbook way and the chosen ways, in turns.

A step is forward, cross-entropy, backward and SGD with momentum. All three networks live in one
process and are timed in turns, so that a busy machine hurts them alike; the fastest step counts.
The floor is the arithmetic of the cheapest exact way of every layer, plus that of the plain layers,
at the speed of a 1024 x 1024 x 1024 product measured in the same process.

    python benchmarks/operator_step.py [--quick] [--threads 2] [--rows resnet18/32]

The last line is JSON.
"""

import argparse
import ctypes
import json
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces import NetworkConfig, plan_network
from search_spaces.networks import build
from search_spaces.networks.backbones import plain_network
from search_spaces.networks.geometry import Geometry
from search_spaces.networks.ways.costs import COSTS, Sizes
from search_spaces.networks.ways.lowering import lowers

CLASSES = 100
BACKWARD = 3
"""A training step takes three times the arithmetic of its forward pass."""


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


class Runner:
    """A network and its training step."""

    def __init__(self, network: nn.Module, row: Row) -> None:
        self.network = network.train()
        generator = torch.Generator().manual_seed(0)
        self.x = torch.randn(row.batch, 3, row.pixels, row.pixels, generator=generator)
        self.target = torch.randint(0, CLASSES, (row.batch,), generator=generator)
        self.optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)
        self.half = row.dtype != "float32"

    def step(self) -> float:
        """Seconds of one step."""
        start = time.perf_counter()
        with torch.autocast("cpu", torch.bfloat16, enabled=self.half):
            loss = F.cross_entropy(self.network(self.x).float(), self.target)
        torch.autograd.backward(loss)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return time.perf_counter() - start

    def peak(self) -> float:
        """Bytes that a step adds to what the process holds."""
        ctypes.CDLL("libc.so.6").malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        resting = _status("VmRSS")
        self.step()
        return _status("VmHWM") - resting


def _status(field: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024.0 * int(next(line for line in lines if line.startswith(field)).split()[1])


def arithmetic(network: nn.Module, row: Row, plain_macs: int) -> float:
    """MACs of a step when every layer is computed in its cheapest way."""
    total = float(BACKWARD * plain_macs * row.batch)
    seen: list[tuple[Geometry, tuple[int, ...], int]] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        geometry = layer.geometry
        assert isinstance(geometry, Geometry)
        x = inputs[0]
        size = tuple(x.shape[2:])
        if isinstance(getattr(layer, "in_features", None), int) or geometry.kernel == (1,):
            size = (x[0, ..., 0].numel(),)
        seen.append((geometry, size, len(layer.warehouse.cells)))  # type: ignore[arg-type,union-attr]  # served layers carry a warehouse

    hooks = [
        layer.register_forward_pre_hook(note)
        for layer in network.modules()
        if isinstance(getattr(layer, "geometry", None), Geometry)
    ]
    with torch.no_grad():
        network(torch.randn(2, 3, row.pixels, row.pixels))
    for hook in hooks:
        hook.remove()
    for geometry, size, cells in seen:
        sizes = Sizes.of(geometry, row.batch, size, cells)
        able = [name for name in COSTS if name == "textbook" or lowers(geometry)]
        total += min(COSTS[name](sizes).arithmetic for name in able)
    return total


def product_speed(dtype: str) -> float:
    """MACs a second of a 1024 x 1024 x 1024 product."""
    kind = torch.float32 if dtype == "float32" else torch.bfloat16
    left, right = (torch.randn(1024, 1024).to(kind) for _ in range(2))
    return 1024**3 / _best(lambda: torch.mm(left, right.mT), 20)


def _best(work: Callable[[], object], repeats: int) -> float:
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def measure(row: Row, *, quick: bool) -> Result:
    """Time the three networks of a row in turns."""
    config = NetworkConfig(
        backbone=row.backbone,
        num_classes=CLASSES,
        cell_num_ratio=row.ratio,
        cell_inplane_ratio=row.cell,
        cell_outplane_ratio=row.cell,
    )
    plan = plan_network(config, input_size=(row.pixels, row.pixels))
    runners = {}
    for way in ("plain", "chosen", "textbook"):
        torch.manual_seed(0)
        network = (
            plain_network(plan.backbone)
            if way == "plain"
            else build(plan, way="auto" if way == "chosen" else "textbook")
        )
        runners[way] = Runner(network, row)
    best = dict.fromkeys(runners, float("inf"))
    turns = 4 if quick else 10
    for turn in range(turns):
        for way, runner in runners.items():
            slow = way == "textbook" and best["textbook"] > 1.0 and turn >= (1 if quick else 3)
            if not slow:
                best[way] = min(best[way], runner.step())
    macs = arithmetic(runners["chosen"].network, row, plan.backbone.plain_macs)
    floor = macs / product_speed(row.dtype)
    peaks = {way: 0.0 if quick else runners[way].peak() for way in ("textbook", "chosen")}
    return Result(
        row=row.name,
        **best,
        textbook_by_chosen=best["textbook"] / best["chosen"],
        chosen_by_plain=best["chosen"] / best["plain"],
        floor=floor,
        chosen_by_floor=best["chosen"] / floor,
        textbook_peak=peaks["textbook"],
        chosen_peak=peaks["chosen"],
    )


def _line(result: Result) -> str:
    peaks = f"{result.textbook_peak / 2**20:.0f} | {result.chosen_peak / 2**20:.0f}"
    return (
        f"| {result.row} | {1e3 * result.plain:.0f} | {1e3 * result.textbook:.0f} "
        f"| {1e3 * result.chosen:.0f} | {result.textbook_by_chosen:.1f} "
        f"| {result.chosen_by_plain:.1f} | {result.chosen_by_floor:.2f} | {peaks} |"
    )


def main() -> None:
    """Measure the rows that are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="the 32 px float32 rows, few turns")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", default="", help="only rows whose name contains this")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    wanted = [row for row in rows() if arguments.rows in row.name]
    if arguments.quick:
        wanted = [row for row in wanted if row.pixels == 32 and row.dtype == "float32"]
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
    print(json.dumps({"speeds": speeds, "results": [asdict(result) for result in results]}))


if __name__ == "__main__":
    main()
