"""A GPU in one call of at most ten minutes: equality, rates, training, inference, Ray.

    python benchmarks/gpu.py [--minutes 8.5] [--parts equality ...] [--device cuda] [--quick]
        [--page FILE] [--cards FOLDER]

Parts in this order; each has a share of the minutes, and what does not fit is left out with a line:

- equality: every way of computing a layer, its gradients too, against the textbook way in double
  precision on the CPU; then one training step of a network;
- rates: layers alone, in every way, in training and without gradients. The cost model's rates are
  fitted to them and written where `auto` reads them, or into the folder that ``--cards`` names; the
  parts that follow choose by them. Half of the layers check rates that were fitted to the others;
- training: steps of ResNet-18, b = 1 and 4, batch 256, bfloat16 autocast, channels last: the plain
  network, the textbook way and the chosen ways. The fastest of a few steps counts;
- inference: ResNet-18 and ResNet-50, b = 4, batch 128, bfloat16, channels last: the same three,
  as they are and as a CUDA graph, which leaves out the time of launching;
- two trials at once on half a GPU each, under Ray.

The page is written after every part, so that an interruption keeps what was measured. A part that
fails is left out with its error. ``--device cpu --quick`` runs every line of the script on a small
network, the ways for GPUs in Triton's interpreter if ``TRITON_INTERPRET=1`` says so; it writes
a page and rates only where ``--page`` and ``--cards`` say. The last line is JSON.
"""

import argparse
import json
import os
import random
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from math import inf
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from search_spaces import NetworkConfig, plan_network
from search_spaces.networks import build
from search_spaces.networks.backbones import plain_network
from search_spaces.networks.chooser import Situation, able, modelled
from search_spaces.networks.geometry import Geometry
from search_spaces.networks.layer import KWConv
from search_spaces.networks.ways import rates as measured
from search_spaces.networks.ways import way_of
from search_spaces.networks.ways.costs import BACKWARD, COSTS, Cost, Rates, Sizes, seconds
from search_spaces.networks.ways.launching import refusal
from search_spaces.networks.ways.rates import CARDS, Card, card_of, origin
from search_spaces.networks.ways.textbook import textbook
from search_spaces.published import published

PAGE = Path(__file__).with_suffix(".md")
BEGIN, END = "<!-- measured: written by the script -->", "<!-- end of what was measured -->"
CLASSES = 100
HALF = torch.bfloat16
AIMS = {"training": 3.0, "resnet18": 3.0, "resnet50": 4.0}
"""Least textbook / chosen of training; most chosen / plain of inference, by network."""

TOLERANCE = {torch.float32: (1e-4, 1e-3), HALF: (0.03, 0.06)}
"""Of the largest value, for outputs and for gradients; the library convolves float32 in TF32."""

TF32 = 1e-2
"""The same for ways that the library convolves for, in float32 on a GPU."""

SHARES = {"equality": 0.14, "rates": 0.34, "training": 0.24, "inference": 0.16, "trials": 0.12}
"""Of the minutes, for each part; what one leaves over, the next may use."""

SLOW = 1.0
"""Seconds after which something is timed once and not again."""


@dataclass
class Run:
    """One call of the script: where, how large, until when, and what was found.

    Attributes:
        device: in torch's words.
        quick: whether everything is small.
        minutes: how long it may take.
        page: where the page is written; None for nowhere.
        cards: where rates are written; None for nowhere.
        found: what each part measured.
        told: the page's lines, by part.
        left_out: what was not measured, and why.
    """

    device: torch.device
    quick: bool
    minutes: float
    page: Path | None
    cards: Path | None
    start: float = field(default_factory=time.monotonic)
    until: float = inf
    found: dict[str, Any] = field(default_factory=dict)
    told: dict[str, list[str]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)

    @property
    def cuda(self) -> bool:
        """Whether a GPU is measured."""
        return self.device.type == "cuda"

    @property
    def card(self) -> str:
        """Name of the GPU; of the device elsewhere."""
        return torch.cuda.get_device_name(self.device) if self.cuda else self.device.type

    @property
    def kernels(self) -> bool:
        """Whether Triton's ways run."""
        return not refusal(self.device, torch.float32)

    def left(self) -> float:
        """Seconds until the present part must be over."""
        return self.until - time.monotonic()

    def wait(self) -> None:
        """Until the device has done its work."""
        if self.cuda:
            torch.cuda.synchronize(self.device)

    def half(self) -> AbstractContextManager[object]:
        """Autocast to bfloat16."""
        return torch.autocast(self.device.type, HALF)

    def clock(self, work: Callable[[], object], repeats: int) -> float:
        """Seconds of the fastest run after a first one, or of the first if that was slow."""
        best = self._once(work)
        if best > SLOW and not self.cuda:
            return best
        for _ in range(1 if best > SLOW else repeats):
            best = min(best, self._once(work))
        return best

    def _once(self, work: Callable[[], object]) -> float:
        self.wait()
        start = time.perf_counter()
        work()
        self.wait()
        return time.perf_counter() - start

    def leave_out(self, what: str, why: object) -> None:
        """Say that something was not measured."""
        line = f"{what}: {' '.join(str(why).split())[:300]}"
        self.left_out.append(line)
        print(f"left out: {line}", flush=True)

    def tell(self, part: str, line: str) -> None:
        """Add a line to the page."""
        self.told.setdefault(part, []).append(line)
        print(line, flush=True)


# --- layers


@dataclass(frozen=True)
class Layer:
    """A served layer at the input that a network gives it."""

    geometry: Geometry
    size: tuple[int, ...]
    cells: int
    batch: int

    @property
    def title(self) -> str:
        """Its sizes in a few words."""
        g = self.geometry
        kernel, size = ("x".join(map(str, edges)) for edges in (g.kernel, self.size))
        return f"{g.in_channels} to {g.out_channels}, {kernel}, {size}, {self.cells} cells"

    @property
    def sizes(self) -> Sizes:
        """Sizes that its cost follows from."""
        return Sizes.of(self.geometry, self.batch, self.size, self.cells)

    def ways(self, *, kernels: bool, trains: bool) -> list[str]:
        """Ways that compute it."""
        names = able(self.geometry, kernels=kernels)
        return [name for name in names if not (trains and name.endswith("-each"))]

    def tensors(self, device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor, Tensor]:
        """Input, attention and cells: the same numbers on every device and in every type."""
        g, generator = self.geometry, torch.Generator().manual_seed(0)
        x = torch.randn(self.batch, g.in_channels, *self.size, generator=generator)
        alpha = torch.randn(self.batch, g.mixtures, self.cells, generator=generator)
        alpha = alpha / alpha.abs().sum(-1, keepdim=True)
        shape = (self.cells, g.cell_out, g.cell_in, *g.cell_kernel)
        cells = torch.randn(shape, generator=generator)
        if len(self.size) == 2:
            x = x.contiguous(memory_format=torch.channels_last)
        kinds = (dtype, torch.promote_types(dtype, torch.float32))
        made = (x.to(device, kinds[0]), alpha.to(device, kinds[1]), cells.to(device, kinds[1]))
        x, alpha, cells = (tensor.requires_grad_() for tensor in made)
        return x, alpha, cells


def layers_of(config: NetworkConfig, pixels: int, batch: int) -> list[Layer]:
    """Every kind of served layer of a network, in the order of the forward pass."""
    plan = plan_network(config, input_size=(pixels, pixels))
    network = build(plan).eval()
    seen: list[Layer] = []

    def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, KWConv)
        cells = len(layer.warehouse.cells)
        seen.append(Layer(layer.geometry, tuple(inputs[0].shape[2:]), cells, batch))

    for module in network.modules():
        if isinstance(module, KWConv):
            module.register_forward_pre_hook(note)
    with torch.no_grad():
        network(torch.randn(1, plan.backbone.in_channels, pixels, pixels))
    return list(dict.fromkeys(seen))


def small(ratio: float = 0.5) -> NetworkConfig:
    """The network of the quick way."""
    return NetworkConfig(backbone="resnet8x0.25", num_classes=CLASSES, cell_num_ratio=ratio)


def network_of(name: str, ratio: float) -> NetworkConfig:
    """The published network of that name at this multiplier."""
    return published(f"kw1x_{name}").model_copy(
        update={"cell_num_ratio": ratio, "num_classes": CLASSES}
    )


# --- equality


def conv(  # noqa: D103 - a layer of these sizes
    inside: int, out: int, edge: int, *, stride: int = 1, groups: int = 1, whole: bool = False,
    blocks: tuple[int, int] = (1, 1),
) -> Geometry:  # fmt: skip
    kernel = (edge, edge)
    return Geometry(
        in_channels=inside, out_channels=out, groups=groups, kernel=kernel, stride=(stride,) * 2,
        padding=((edge // 2, edge // 2),) * 2, dilation=(1, 1),
        blocks=(1 if whole else edge**2, groups * blocks[0], blocks[1]),
        cell_kernel=kernel if whole else (1, 1),
    )  # fmt: skip


def checked_layers(run: Run) -> list[Layer]:
    """Layers that equality is checked on: tiles that end inside, strides, groups, whole kernels."""
    if run.quick:
        return [Layer(conv(4, 4, 3, blocks=(1, 2)), (3, 3), 3, 1)]
    return [
        Layer(conv(64, 64, 3), (14, 14), 36, 4),
        Layer(conv(64, 160, 3, stride=2, blocks=(1, 2)), (15, 15), 27, 3),
        Layer(conv(128, 96, 1, blocks=(3, 2)), (7, 7), 10, 5),
        Layer(conv(256, 256, 3, blocks=(2, 1)), (2, 2), 130, 4),
        Layer(conv(512, 512, 3, blocks=(1, 4)), (1, 1), 20, 6),
        Layer(conv(32, 32, 3, groups=4, blocks=(1, 1)), (9, 9), 5, 2),
        Layer(conv(24, 24, 3, groups=24), (20, 20), 3, 2),
        Layer(conv(48, 40, 3, stride=2, whole=True, blocks=(2, 2)), (11, 11), 7, 3),
    ]


def worst(got: Tensor, want: Tensor) -> float:
    """Largest difference, in units of the largest value; infinite if a number is none."""
    found = ((got.detach().cpu().double() - want).abs().max() / want.abs().max()).item()
    return found if found == found else inf  # noqa: PLR0124 - not a number differs from itself


def equality(run: Run) -> None:
    """Every way against the textbook way in double precision on the CPU."""
    errors: dict[tuple[str, torch.dtype], tuple[float, float]] = {}
    for layer in checked_layers(run):
        exact = [t.detach().requires_grad_() for t in layer.tensors(torch.device("cpu"), HALF)]
        exact = [t.detach().double().requires_grad_() for t in exact]
        y = textbook(exact[0], exact[1], exact[2], layer.geometry)
        generator = torch.Generator().manual_seed(1)
        grad = torch.randn(y.shape, generator=generator).to(HALF).double()
        wanted = torch.autograd.grad(y, exact, grad)
        for dtype in (torch.float32, HALF):
            for name in layer.ways(kernels=run.kernels and _runs(run, dtype), trains=False):
                if run.left() < 0:
                    run.leave_out(f"equality of {layer.title}, {name}", "no time was left")
                    continue
                x, alpha, cells = (
                    t.detach().to(dtype if i == 0 else torch.float32).requires_grad_()
                    for i, t in enumerate(layer.tensors(run.device, HALF))
                )
                try:
                    with run.half() if dtype == HALF else nullcontext():
                        found = way_of(name)(x, alpha, cells, layer.geometry)
                    grads = torch.autograd.grad(
                        found, (x, alpha, cells), grad.to(run.device, found.dtype)
                    )
                    run.wait()
                except Exception as error:  # noqa: BLE001 - one way's fault hides no other's
                    run.leave_out(f"equality of {layer.title}, {name}, {dtype}", repr(error))
                    errors[name, dtype] = (inf, inf)
                    continue
                before = errors.get((name, dtype), (0.0, 0.0))
                outputs = worst(found, y.detach())
                back = max(worst(g, w) for g, w in zip(grads, wanted, strict=True))
                errors[name, dtype] = (max(before[0], outputs), max(before[1], back))
    run.found["equality"] = []
    run.tell("equality", "| way | type | outputs | gradients | |\n|---|---|---|---|---|")
    for (name, dtype), (outputs, back) in sorted(errors.items(), key=str):
        most = TOLERANCE[dtype]
        library = name in {"textbook", "convolve-each"} and run.cuda and dtype == torch.float32
        most = (TF32, TF32) if library else most
        good = outputs <= most[0] and back <= most[1]
        kind = str(dtype).removeprefix("torch.")
        run.tell(
            "equality",
            f"| {name} | {kind} | {outputs:.1e} | {back:.1e} | {'agrees' if good else 'WRONG'} |",
        )
        run.found["equality"].append(
            {"way": name, "type": kind, "outputs": outputs, "gradients": back, "agrees": good}
        )
    _network_equality(run)


def _runs(run: Run, dtype: torch.dtype) -> bool:
    """Triton's interpreter multiplies no bfloat16."""
    return run.cuda or dtype != HALF


def _network_equality(run: Run) -> None:
    """Loss and gradients of a step of a whole network, chosen ways against textbook."""
    plan = plan_network(
        small() if run.quick else network_of("resnet18", 1.0),
        input_size=(8, 8) if run.quick else (64, 64),
    )
    found = []
    for way in ("textbook", "auto"):
        torch.manual_seed(0)
        network = build(plan, way=way).to(run.device)
        images = torch.randn(8, 3, *plan.backbone.input_size, device=run.device)
        loss = F.cross_entropy(network(images), torch.arange(8, device=run.device))
        grads = torch.autograd.grad(loss, list(network.parameters()))
        found.append((loss.item(), torch.cat([g.flatten() for g in grads])))
    (loss, grads), (chosen, theirs) = found
    apart = float((theirs - grads).norm() / grads.norm())
    run.tell(
        "equality",
        f"\nLoss of {plan.backbone.name} in float32: textbook {loss:.5f}, chosen {chosen:.5f}; "
        f"gradients differ by {apart:.1e} of their norm.",
    )
    run.found["network"] = {"textbook": loss, "chosen": chosen, "gradients": apart}


# --- rates

Timed = dict[str, float]


def timed_layers(run: Run) -> list[Layer]:
    """Layers that rates are fitted to, in an order that a clock may cut off."""
    if run.quick:
        return layers_of(small(), 8, 2)[:2]
    wanted = [
        *(("resnet18", ratio, 224, 128) for ratio in (0.25, 1.0, 4.0)),
        *(("resnet18", ratio, 32, 256) for ratio in (1.0, 4.0)),
        *(("resnet50", ratio, 224, 128) for ratio in (1.0, 4.0)),
        ("mobilenetv2_100", 1.0, 224, 128),
    ]
    found = {
        layer: None
        for name, ratio, pixels, batch in wanted
        for layer in layers_of(network_of(name, ratio), pixels, batch)
    }
    layers = list(found)
    random.Random(0).shuffle(layers)  # noqa: S311 - an order, no secret
    return layers


def layer_times(run: Run, layer: Layer, *, trains: bool) -> Timed:
    """Seconds of every way of a layer; a way that fails or finds no memory is left out."""
    times: Timed = {}
    dtype = HALF if run.cuda else torch.float32
    kernels = run.kernels and not (run.quick and trains)  # the interpreter's time is not a GPU's
    for name in layer.ways(kernels=kernels, trains=trains):
        x, alpha, cells = layer.tensors(run.device, dtype)

        def work(name: str = name, given: tuple[Tensor, ...] = (x, alpha, cells)) -> None:
            with run.half() if run.cuda else nullcontext(), torch.set_grad_enabled(trains):
                y = way_of(name)(given[0], given[1], given[2], layer.geometry)
            if trains:
                torch.autograd.grad(y, given, torch.ones_like(y))

        try:
            times[name] = run.clock(work, 1 if run.quick else 3)
        except Exception as error:  # noqa: BLE001 - one way's fault hides no other's
            run.leave_out(f"time of {layer.title}, {name}", repr(error))
    return times


def counts(cost: Cost, *, trains: bool) -> list[float]:
    """What the cost model counts, in the order of `Rates`, and 1 for the start."""
    many = BACKWARD if trains else 1
    cost = replace(cost, mixing=many * cost.mixing, applying=many * cost.applying)
    return [
        cost.mixing, cost.applying, cost.formed, cost.patches, cost.outer, cost.cells, cost.spread,
        1e9, cost.calls, cost.crowded,
    ]  # fmt: skip


def fitted(rows: list[tuple[Layer, Timed]], name: str, *, trains: bool) -> Rates | None:
    """Rates of a way: least squares of relative errors, none of them negative."""
    import numpy as np  # noqa: PLC0415 - only where something is fitted
    from scipy.optimize import nnls  # noqa: PLC0415 - likewise

    told = [(counts(COSTS[name](layer.sizes), trains=trains), times[name])
            for layer, times in rows if name in times]  # fmt: skip
    if not told:
        return None
    matrix = np.array([[1e-9 * count / took for count in each] for each, took in told])
    scale = np.maximum(np.linalg.norm(matrix, axis=0), 1e-30)
    slowness = nnls(matrix / scale, np.ones(len(told)))[0] / scale
    rates = [float(1 / slow) if slow > 0 else inf for slow in slowness]
    rates[7] = float(slowness[7])
    return Rates(*rates)


def rates_of(rows: list[tuple[Layer, Timed]], *, trains: bool) -> dict[str, Rates]:
    """Rates of all ways that were timed."""
    names = sorted({name for _, times in rows for name in times})
    found = {name: fitted(rows, name, trains=trains) for name in names}
    return {name: rates for name, rates in found.items() if rates is not None}


def judged(
    rows: list[tuple[Layer, Timed]], rates: dict[str, Rates], *, trains: bool
) -> tuple[float, float]:
    """Median relative error of modelled times, and what choices by them cost over the best ones."""
    errors, chosen, best = [], 0.0, 0.0
    for layer, times in rows:
        known = {
            name: seconds(name, layer.sizes, rates[name], trains=trains)
            for name in times
            if name in rates
        }
        if not known:
            continue
        errors += [abs(known[name] / times[name] - 1) for name in known]
        chosen += times[min(known, key=lambda name: known[name])]
        best += min(times.values())
    return (median(errors), chosen / best - 1) if errors else (inf, inf)


def rates(run: Run) -> None:
    """Time layers, fit rates, check them on other layers, and write them down."""
    rows: dict[bool, list[tuple[Layer, Timed]]] = {True: [], False: []}
    layers = timed_layers(run)
    for layer in layers:
        if run.left() < 3 and rows[True]:
            break
        for trains, of in rows.items():
            of.append((layer, layer_times(run, layer, trains=trains)))
    if len(rows[True]) < len(layers):
        run.leave_out(f"rates: {len(layers) - len(rows[True])} of {len(layers)} layers", "no time")
    run.found["layers"] = [
        {"layer": layer.title, "batch": layer.batch, "trains": trains, "seconds": times}
        for trains, of in rows.items()
        for layer, times in of
    ]
    run.tell("rates", "| | layers | error of held-out times | chosen over best | fastest ways |")
    run.tell("rates", "|---|---|---|---|---|")
    quality = {}
    for trains, of in rows.items():
        kept = [(layer, times) for layer, times in of if times]
        half = rates_of(kept[::2], trains=trains)
        error, excess = judged(kept[1::2] or kept, half, trains=trains)
        quality[trains] = (error, excess)
        fastest = Counter(min(times, key=lambda name: times[name]) for _, times in kept)
        told = ", ".join(f"{count} {name}" for name, count in fastest.most_common())
        run.tell("rates", f"| {'training' if trains else 'inference'} | {len(kept)} | {error:.0%} "
                          f"| {excess:+.1%} | {told} |")  # fmt: skip
    card = Card(
        name=run.card,
        torch=torch.__version__,
        date=str(datetime.now(UTC).date()),
        layers=len(rows[True]),
        error=max(error for error, _ in quality.values()),
        excess=max(excess for _, excess in quality.values()),
        training=rates_of(rows[True], trains=True),
        inference=rates_of(rows[False], trains=False),
    )
    run.found["rates"] = card.values()
    if not (card.training and card.inference):
        run.leave_out("rates", "no way could be timed")
    elif run.cards is not None:
        path = card.write(run.cards)
        measured.CARDS = run.cards  # the parts that follow choose by them, wherever they lie
        card_of.cache_clear()
        modelled.cache_clear()
        run.tell("rates", f"\nWritten to {path.name}. {origin(run.card)}")


# --- training steps and inference


def three(plan: Any) -> Iterator[tuple[str, nn.Module]]:  # noqa: ANN401 - a plan
    """The plain network, the textbook way and the chosen ways, one after the other."""
    for way in ("plain", "chosen", "textbook"):
        torch.manual_seed(0)
        if way == "plain":
            yield way, plain_network(plan.backbone)
        else:
            yield way, build(plan, way="auto" if way == "chosen" else way)


def image_batch(run: Run, batch: int, pixels: int) -> Tensor:
    """Images, channels last, on the device."""
    images = torch.randn(batch, 3, pixels, pixels, generator=torch.Generator().manual_seed(0))
    return images.to(run.device, memory_format=torch.channels_last)


def peak(run: Run) -> float:
    """MiB of the most memory since `fresh`."""
    return torch.cuda.max_memory_allocated(run.device) / 2**20


def fresh(run: Run) -> None:
    """Give memory back, and forget the peak."""
    if run.cuda:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(run.device)


def training_step(run: Run, network: nn.Module, batch: int, pixels: int) -> Callable[[], None]:
    """Forward, loss, backward and SGD."""
    network.to(run.device).to(memory_format=torch.channels_last).train()
    images, classes = image_batch(run, batch, pixels), torch.arange(batch) % CLASSES
    target = classes.to(run.device)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.01, momentum=0.9)

    def step() -> None:
        with run.half():
            logits = network(images)
        torch.autograd.backward(F.cross_entropy(logits.float(), target))
        optimizer.step()
        optimizer.zero_grad()

    return step


def choices(run: Run, network: nn.Module, images: Tensor, *, trains: bool) -> dict[str, int]:
    """How often each way is chosen for a served layer."""
    found: Counter[str] = Counter()

    def note(layer: nn.Module, inputs: tuple[Tensor, ...]) -> None:
        assert isinstance(layer, KWConv)
        found[
            modelled(
                Situation(
                    geometry=layer.geometry,
                    batch=len(inputs[0]),
                    size=tuple(inputs[0].shape[2:]),
                    cells=len(layer.warehouse.cells),
                    dtype=HALF,
                    device=run.device.type,
                    threads=torch.get_num_threads() if not run.cuda else 1,
                    trains=trains,
                    card=run.card if run.cuda else "",
                    kernels=run.cuda and run.kernels,
                )
            )
        ] += 1

    hooks = [
        module.register_forward_pre_hook(note)
        for module in network.modules()
        if isinstance(module, KWConv)
    ]
    with torch.no_grad(), run.half():
        network(images)
    for hook in hooks:
        hook.remove()
    return dict(found)


def training(run: Run) -> None:
    """Steps of three networks; the textbook way last, as it may take long or find no memory."""
    head = ("row", "plain ms", "textbook ms", "chosen ms", "textbook / chosen", "chosen / plain",
            "peak MiB: plain", "textbook", "chosen", "chosen ways")  # fmt: skip
    run.tell("training", f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
    rows = [(1.0, 224), (4.0, 224), (1.0, 32), (4.0, 32)] if not run.quick else [(0.5, 8)]
    for ratio, pixels in rows:
        batch = 256 if not run.quick else 4
        config = small(ratio) if run.quick else network_of("resnet18", ratio)
        plan = plan_network(config, input_size=(pixels, pixels))
        title = f"{plan.backbone.name}, {pixels} px, b = {ratio:g}, batch {batch}"
        times: Timed = {}
        peaks: Timed = {}
        ways: dict[str, int] = {}
        for name, network in three(plan):
            if run.left() < 5 and not run.quick:
                run.leave_out(f"training of {title}, {name}", "no time was left")
                continue
            fresh(run)
            try:
                step = training_step(run, network, batch, pixels)
                times[name] = run.clock(step, 1 if run.quick else 5)
                peaks |= {name: peak(run)} if run.cuda else {}
                del step
                if name == "chosen":
                    images = image_batch(run, batch, pixels)
                    ways = choices(run, network, images, trains=True)
            except Exception as error:  # noqa: BLE001 - one way's fault hides no other's
                run.leave_out(f"training of {title}, {name}", repr(error))
        if times:
            run.tell("training", _row(title, times, peaks, ways))
            run.found.setdefault("training", []).append(
                {"row": title, "seconds": times, "peak": peaks, "ways": ways}
            )


def _row(title: str, times: Timed, peaks: Timed, ways: dict[str, int]) -> str:
    def number(values: Timed, name: str, factor: float = 1.0) -> str:
        return f"{factor * values[name]:.4g}" if name in values else "-"

    def ratio(over: str, under: str) -> str:
        return f"{times[over] / times[under]:.2f}" if over in times and under in times else "-"

    cells = [
        title,
        *(number(times, name, 1e3) for name in ("plain", "textbook", "chosen")),
        ratio("textbook", "chosen"),
        ratio("chosen", "plain"),
        *(number(peaks, name) for name in ("plain", "textbook", "chosen")),
        ", ".join(f"{count} {way}" for way, count in ways.items()),
    ]
    return f"| {' | '.join(cells)} |"


def captured(run: Run, network: nn.Module, images: Tensor) -> Callable[[], None]:
    """A forward pass as a CUDA graph."""
    aside = torch.cuda.Stream(run.device)
    aside.wait_stream(torch.cuda.current_stream(run.device))
    with torch.cuda.stream(aside), torch.no_grad():
        for _ in range(3):
            network(images)
    torch.cuda.current_stream(run.device).wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.no_grad(), torch.cuda.graph(graph):
        network(images)
    return graph.replay


def inference(run: Run) -> None:
    """Forward passes of three networks, as they are and as CUDA graphs."""
    head = ("row", "plain ms", "textbook ms", "chosen ms", "textbook / chosen", "chosen / plain",
            "peak MiB: plain", "textbook", "chosen", "chosen ways")  # fmt: skip
    run.tell("inference", f"| {' | '.join(head)} |\n{'|---' * len(head)}|")
    names = ["resnet8"] if run.quick else ["resnet18", "resnet50"]
    for name in names:
        ratio, pixels, batch = (0.5, 8, 4) if run.quick else (4.0, 224, 128)
        config = small(ratio) if run.quick else network_of(name, ratio)
        plan = plan_network(config, input_size=(pixels, pixels))
        title = f"{plan.backbone.name}, {pixels} px, b = {ratio:g}, batch {batch}"
        images = image_batch(run, batch, pixels).to(HALF)
        times: dict[str, Timed] = {"": {}, ", CUDA graph": {}}
        peaks: Timed = {}
        ways: dict[str, int] = {}
        for way, network in three(plan):
            if run.left() < 5 and not run.quick:
                run.leave_out(f"inference of {title}, {way}", "no time was left")
                continue
            fresh(run)
            network.to(run.device, HALF).to(memory_format=torch.channels_last).eval()
            try:
                with torch.no_grad():
                    times[""][way] = run.clock(partial(network, images), 2 if run.quick else 10)
                peaks |= {way: peak(run)} if run.cuda else {}
                if way == "chosen":
                    ways = choices(run, network, images, trains=False)
                if run.cuda:
                    replay = captured(run, network, images)
                    times[", CUDA graph"][way] = run.clock(replay, 10)
            except Exception as error:  # noqa: BLE001 - one way's fault hides no other's
                run.leave_out(f"inference of {title}, {way}", repr(error))
        for kind, of in times.items():
            if of:
                run.tell("inference", _row(title + kind, of, peaks if not kind else {}, ways))
                run.found.setdefault("inference", []).append(
                    {"row": title + kind, "network": name, "seconds": of, "peak": peaks}
                )
        if not run.cuda:
            run.leave_out(f"inference of {title}, CUDA graph", "there is no GPU")


# --- two trials at once

STUDY = """
name = "gpu"
[space]
backbone = "resnet8x0.25"
cell_num_ratio = [0.5, 1.0, 2.0]
[budget]
max_params = "200k"
[proxy]
data = "digits"
epochs = [{epochs}]
batch_size = 64
[baselines]
seeds = 0
[search]
trials = 2
[execution]
executor = "ray"
workers = 2
gpus_per_trial = {share}
"""
NEEDED = ("ray", "optuna", "sqlalchemy", "alembic", "moocore", "typer", "sklearn", "cloudpickle")


def trials(run: Run) -> None:
    """A search of two trials, half a GPU each; on a CPU, a core each."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        run.leave_out("two trials at once", f"{', '.join(missing)} not installed")
        return
    if not run.quick and run.left() < 30:
        run.leave_out("two trials at once", "no time was left")
        return
    with tempfile.TemporaryDirectory() as folder:
        study = STUDY.format(epochs=1 if run.quick else 20, share=0.5 if run.cuda else 0)
        Path(folder, "gpu.toml").write_text(study, encoding="utf-8")
        start = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "kwsearch", "search", "gpu.toml", "--database", "gpu.db"],
            cwd=folder,
            env=os.environ | {"PYTHONPATH": _path()},
            capture_output=True,
            text=True,
            check=False,
            timeout=max(60.0, run.left()),
        )
        took = time.perf_counter() - start
        if done.returncode:
            run.leave_out(
                "two trials at once", f"exit code {done.returncode}: {done.stderr[-250:]}"
            )
            return
        connection = sqlite3.connect(Path(folder, "gpu.db"))
        rows = connection.execute(
            "SELECT state, accuracy, seconds, started_at, finished_at FROM kw_trials_flat"
        ).fetchall()
        connection.close()
    (_, _, _, begun, ended), (_, _, _, other, other_ended) = rows
    shared = begun < other_ended and other < ended
    share = "half a GPU" if run.cuda else "a CPU core"
    ends = " and ".join(
        f"{state} at {accuracy:.1%} after {spent:.0f} s" for state, accuracy, spent, *_ in rows
    )
    run.tell(
        "trials",
        f"Two trials of ResNet-8 (a quarter of the width) on the digits, {share} each: {ends}, "
        f"{'beside each other' if shared else 'ONE AFTER THE OTHER'}; {took:.0f} s in all, with "
        "starting Ray.",
    )
    run.found["trials"] = {"states": [row[0] for row in rows], "beside": shared, "seconds": took}


def _path() -> str:
    """The checkout first: the search runs elsewhere."""
    before = os.environ.get("PYTHONPATH")
    return os.pathsep.join([str(Path(__file__).parents[1]), *([before] if before else [])])


# --- the page

PARTS: dict[str, Callable[[Run], None]] = {
    "equality": equality,
    "rates": rates,
    "training": training,
    "inference": inference,
    "trials": trials,
}
TITLES = {
    "equality": "Equality",
    "rates": "Rates of the cost model",
    "training": "Training steps",
    "inference": "Inference",
    "trials": "Two trials at once",
}


def misses(run: Run) -> Iterator[str]:
    """What misses its aim."""
    for row in run.found.get("equality", []):
        if not row["agrees"]:
            yield f"{row['way']} in {row['type']} differs from the textbook way"
    for row in run.found.get("training", []):
        times = row["seconds"]
        if {"textbook", "chosen"} <= set(times):
            gain = times["textbook"] / times["chosen"]
            if gain < AIMS["training"]:
                yield f"{row['row']}: textbook / chosen {gain:.2f}, aim {AIMS['training']:g}"
    for row in run.found.get("inference", []):
        times, most = row["seconds"], AIMS.get(row["network"])
        if most is not None and {"plain", "chosen"} <= set(times):
            by_plain = times["chosen"] / times["plain"]
            if by_plain > most:
                yield f"{row['row']}: {by_plain:.2f} times plain, aim {most:g}"


def head_of(run: Run) -> str:
    """What was run, where and with what."""
    try:
        triton = f"Triton {version('triton')}"
    except PackageNotFoundError:
        triton = "no Triton"
    return (
        f"`{' '.join(['python benchmarks/gpu.py', *sys.argv[1:]])}`, {datetime.now(UTC).date()}, "
        f"{run.card}, torch {torch.__version__}, {triton}, Python {sys.version.split()[0]}; "
        f"{time.monotonic() - run.start:.0f} s."
    )


def write_page(run: Run) -> None:
    """Put what was found so far between the marks of the page."""
    if run.page is None:
        return
    lines = [BEGIN, "", head_of(run)]
    for part, told in run.told.items():
        lines += ["", f"### {TITLES[part]}", "", *told]
    told = list(misses(run))
    lines += ["", "### Misses", "", *([f"- {line}" for line in told] or ["None."])]
    if run.left_out:
        lines += ["", "### Left out", "", *(f"- {line}" for line in run.left_out)]
    text = (
        run.page.read_text(encoding="utf-8") if run.page.is_file() else f"# A GPU\n\n{BEGIN}{END}\n"
    )
    before, _, rest = text.partition(BEGIN)
    run.page.write_text(
        before + "\n".join([*lines, "", END]) + rest.partition(END)[2], encoding="utf-8"
    )


def main() -> None:
    """Run the parts that there is time for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="small networks, few repeats")
    parser.add_argument("--device", default="cuda", help="cuda, or cpu to try the script out")
    parser.add_argument("--minutes", type=float, default=8.5, help="it may take")
    parser.add_argument("--parts", nargs="*", default=list(PARTS), choices=list(PARTS))
    parser.add_argument("--page", type=Path, help="where to write; gpu.md for a GPU")
    parser.add_argument("--cards", type=Path, help="where to write rates; the package for a GPU")
    asked = parser.parse_args()
    device = torch.device(asked.device)
    if device.type == "cuda" and not torch.cuda.is_available():
        print(json.dumps({"error": "torch finds no CUDA device; --device cpu --quick needs none"}))
        raise SystemExit(1)
    run = Run(
        device=device,
        quick=asked.quick,
        minutes=asked.minutes,
        page=asked.page or (PAGE if device.type == "cuda" else None),
        cards=asked.cards or (CARDS if device.type == "cuda" else None),
    )
    print(head_of(run))
    print(origin(run.card if run.cuda else ""), flush=True)
    if not run.kernels:
        run.leave_out("the ways of Triton kernels", refusal(device, torch.float32))
    so_far = 0.0
    for part in asked.parts:
        so_far += SHARES[part]
        run.until = run.start + 60 * run.minutes * so_far
        print(f"\n{TITLES[part]}", flush=True)
        try:
            PARTS[part](run)
        except Exception as error:  # noqa: BLE001 - the other parts are measured all the same
            run.leave_out(TITLES[part], repr(error))
        write_page(run)
    print("\n".join(["", "Misses:", *(list(misses(run)) or ["none"])]))
    print(json.dumps({"head": head_of(run), "left_out": run.left_out, **run.found}))


if __name__ == "__main__":
    main()
