"""Inference on the CPU: plain, textbook, chosen, compiled and ONNX Runtime, in turns.

All engines of a row live in one process and are timed in turns, so that a busy machine hurts them
alike; the fastest run counts. With one thread CPU time is taken, with two the clock. ``chosen`` is
`auto`, ``compiled`` is `torch.compile` of it (where a C++ compiler is at hand), ``onnx`` the graph
that `kwsearch export --onnx` writes, in ONNX Runtime. Two floors stand beside them: the arithmetic
of the cheapest exact order of every layer at the speed of a product of 1024-cubed matrices, and the
bytes that must be read and written (cells once a layer and batch, weights, inputs and outputs of
served layers) at the speed of summing 128 MiB. Peak memory is what the first run adds to the
process.

    python benchmarks/inference.py [--quick] [--networks resnet18 ...] [--ratios 1 ...]
        [--batches 1 16 128] [--threads 1 2] [--engines plain chosen ...] [--seconds 3]
        [--write] [--profile]

Rows of 128 images are measured for b = 1 and two threads alone, unless ``--batches`` asks for them.
The last line is JSON; ``--write`` puts the table into the page.
"""

import argparse
import ctypes
import json
import platform
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from pathlib import Path

import torch
from operator_step import status_bytes
from torch import Tensor, nn

from search_spaces import InputError, NetworkConfig, plan_network
from search_spaces.networks import build
from search_spaces.networks.backbones import plain_network
from search_spaces.networks.chooser import Situation, able, modelled
from search_spaces.networks.geometry import Geometry
from search_spaces.networks.graphs import require_onnx, write_graph
from search_spaces.networks.layer import KWConv, KWLinear
from search_spaces.networks.ways import WAYS
from search_spaces.networks.ways.costs import COSTS, Sizes
from search_spaces.published import published

PAGE = Path(__file__).with_suffix(".md")
BEGIN, END = "<!-- table: written by the script -->", "<!-- end of the table -->"
NETWORKS = {
    "resnet18": "kw1x_resnet18",
    "resnet50": "kw1x_resnet50",
    "mobilenetv2": "kw1x_mobilenetv2_100",
    "convnext-tiny": "kw1x_convnext_tiny",
}
RATIOS, BATCHES, THREADS = (0.25, 1.0, 4.0), (1, 16, 128), (1, 2)
ENGINES = ("plain", "textbook", "chosen", "compiled", "onnx")
USUAL = ("plain", "textbook", "chosen", "onnx")
PIXELS = 224

MOST = 20
"""Turns, at most."""

AIMS = {(1, 0.25): 1.3, (1, 1.0): 1.7, (16, 1.0): 2.5}
"""Times plain that chosen should take at most, by batch and b."""

MARGIN = 1.05
"""Times the textbook way that chosen should take at most."""

GRAPH = 1.3
"""Times chosen that ONNX Runtime should take at most."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    network: str
    ratio: float
    batch: int
    threads: int

    @property
    def config(self) -> NetworkConfig:
        """The published network of that name at this multiplier."""
        if (self.network, self.ratio) == ("resnet18", 0.25):
            return published("kw1d4x_resnet18")
        return published(NETWORKS[self.network]).model_copy(update={"cell_num_ratio": self.ratio})

    def usual(self) -> bool:
        """Whether the row is measured unless asked for."""
        return self.batch < max(BATCHES) or (self.ratio == 1 and self.threads == max(THREADS))


@dataclass
class Result:
    """What a row measured: milliseconds a batch, MiB, and how served layers were computed."""

    row: Row
    milliseconds: dict[str, float]
    peaks: dict[str, float]
    arithmetic: float
    bytes: float
    choices: dict[str, int]
    missing: dict[str, str] = field(default_factory=dict)

    def by_plain(self, engine: str) -> float | None:
        """Times as long as the plain network."""
        found = self.milliseconds.get(engine)
        return None if found is None else found / self.milliseconds["plain"]


class Engines:
    """The networks of one configuration, ready to run, and why others are missing."""

    def __init__(self, row: Row, wanted: tuple[str, ...], folder: Path) -> None:
        self.plan = plan_network(row.config, input_size=(PIXELS, PIXELS))
        self.missing: dict[str, str] = {}
        self._wanted, self._folder = wanted, folder
        torch.manual_seed(0)
        self.plain = plain_network(self.plan.backbone).eval()
        self.served = build(self.plan).eval()
        self.layers = [m for m in self.served.modules() if isinstance(m, KWConv | KWLinear)]
        self._compiled: dict[int, Callable[[Tensor], object]] = {}
        self._graph: Path | None = self._write_graph() if "onnx" in wanted else None

    def at(self, threads: int) -> dict[str, Callable[[Tensor], object]]:
        """Every engine by name, for that many threads."""
        made: dict[str, Callable[[Tensor], object]] = {
            "plain": self.plain,
            "textbook": partial(self._run, "textbook"),
            "chosen": partial(self._run, "auto"),
        }
        if self._graph is not None:
            made["onnx"] = _session(self._graph, threads)
        if "compiled" in self._wanted and self._can_compile():
            if threads not in self._compiled:
                torch.compiler.reset()
                self._compiled[threads] = torch.compile(self.served)
            made["compiled"] = self._compiled[threads]
        return {name: run for name, run in made.items() if name in self._wanted}

    def _run(self, way: str, images: Tensor) -> Tensor:
        for layer in self.layers:
            layer.way = way
        logits: Tensor = self.served(images)
        return logits

    def _can_compile(self) -> bool:
        if shutil.which("c++") or shutil.which("g++") or shutil.which("clang++"):
            return True
        self.missing["compiled"] = "no C++ compiler at hand"
        return False

    def _write_graph(self) -> Path | None:
        path = self._folder / f"{len(list(self._folder.iterdir()))}.onnx"
        try:
            require_onnx()
            write_graph(self.served, torch.randn(2, 3, PIXELS, PIXELS), path)
        except InputError as error:
            self.missing["onnx"] = str(error)
            return None
        return path


def _session(path: Path, threads: int) -> Callable[[Tensor], object]:
    runtime = require_onnx()
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    session = runtime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda images: session.run(None, {"images": images.numpy()})


def measure(row: Row, engines: Engines, seconds: float) -> Result:
    """Time all engines in turns, for about ``seconds`` each and at least once."""
    torch.set_num_threads(row.threads)
    clock = time.process_time if row.threads == 1 else time.perf_counter
    images = torch.randn(row.batch, 3, PIXELS, PIXELS, generator=torch.Generator().manual_seed(0))
    best: dict[str, float] = {}
    peaks: dict[str, float] = {}
    spent: Counter[str] = Counter()
    runs = engines.at(row.threads)
    if "compiled" in runs:
        runs["compiled"](images)
    for turn in range(MOST):
        for name, run in runs.items():
            if turn and spent[name] + best[name] > seconds:
                continue
            resting = _rest() if not turn else 0.0
            start = clock()
            run(images)
            took = clock() - start
            if not turn:
                peaks[name] = (status_bytes("VmHWM") - resting) / 2**20
            spent[name] += took
            best[name] = min(best.get(name, took), took)
    layers, square = served_layers(engines.served, row), (torch.randn(1024, 1024),) * 2
    macs = engines.plan.backbone.plain_macs * row.batch + sum(layer.macs for layer in layers)
    moved = 4 * (sum(p.numel() for p in engines.plain.parameters()) + sum(x.values for x in layers))
    return Result(
        row=row,
        milliseconds={name: 1e3 * value for name, value in best.items()},
        peaks=peaks,
        arithmetic=1e3 * macs / 1024**3 * _best(partial(torch.mm, *square), 5, clock),
        bytes=1e3 * moved / (4 * 2**25) * _best(torch.ones(2**25).sum, 5, clock),
        choices=dict(Counter(layer.way for layer in layers)),
        missing=dict(engines.missing),
    )


def _rest() -> float:
    """Bytes that the process holds before a run, with nothing free kept."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return status_bytes("VmRSS")


def _best(
    work: Callable[[], object], repeats: int, clock: Callable[[], float] = time.process_time
) -> float:
    best = float("inf")
    for _ in range(repeats):
        start = clock()
        work()
        best = min(best, clock() - start)
    return best


@dataclass(frozen=True)
class Layer:
    """A served layer at the input that a row gives it."""

    name: str
    geometry: Geometry
    size: tuple[int, ...]
    cells: int
    row: Row
    tokens: bool

    @property
    def sizes(self) -> Sizes:
        """Sizes of the contraction."""
        return Sizes.of(self.geometry, self.row.batch, self.size, self.cells)

    @property
    def able(self) -> list[str]:
        """Ways that compute it."""
        return able(self.geometry)

    @property
    def macs(self) -> float:
        """MACs in the cheapest way."""
        return min(COSTS[name](self.sizes).arithmetic for name in self.able)

    @property
    def values(self) -> float:
        """Values of cells, input and output."""
        return self.sizes.cells + self.sizes.outer

    @property
    def way(self) -> str:
        """The way that the cost model gives it."""
        return modelled(
            Situation(
                geometry=self.geometry,
                batch=self.row.batch,
                size=self.size,
                cells=self.cells,
                dtype=torch.float32,
                device="cpu",
                threads=self.row.threads,
                trains=False,
            )
        )

    def tensors(self) -> tuple[Tensor, Tensor, Tensor]:
        """Input, attention and cells, without values that mean anything."""
        g, batch = self.geometry, self.row.batch
        if self.tokens:
            x = torch.randn(batch, *self.size, g.in_channels).transpose(1, 2)
        else:
            x = torch.randn(batch, g.in_channels, *self.size)
            x = x.contiguous(memory_format=torch.channels_last) if len(self.size) == 2 else x
        alpha = torch.randn(batch, g.mixtures, self.cells)
        return x, alpha, torch.randn(self.cells, g.cell_out, g.cell_in, *g.cell_kernel)


def served_layers(network: nn.Module, row: Row) -> list[Layer]:
    """Every served layer, in the order of the forward pass."""
    seen: list[Layer] = []

    def note(name: str, layer: KWConv | KWLinear, inputs: tuple[Tensor, ...]) -> None:
        tokens = isinstance(layer, KWLinear)
        size = (inputs[0][0, ..., 0].numel(),) if tokens else tuple(inputs[0].shape[2:])
        cells = len(layer.warehouse.cells)
        seen.append(Layer(name, layer.geometry, size, cells, row, tokens))

    hooks = [
        layer.register_forward_pre_hook(partial(note, name))
        for name, layer in network.named_modules()
        if isinstance(layer, KWConv | KWLinear)
    ]
    network(torch.randn(1, 3, PIXELS, PIXELS))
    for hook in hooks:
        hook.remove()
    return seen


def profile(row: Row) -> Iterator[str]:
    """Layers of a row alone, in milliseconds: every way, the chosen one in bold."""
    torch.set_num_threads(row.threads)
    plan = plan_network(row.config, input_size=(PIXELS, PIXELS))
    names = list(WAYS)
    yield f"| layer of {_title(row)} | times | floor | {' | '.join(names)} |"
    yield "|---" * (len(names) + 3) + "|"
    square = (torch.randn(1024, 1024),) * 2
    speed = 1024**3 / _best(partial(torch.mm, *square), 5)
    layers = [replace(x, name=_stage(x.name)) for x in served_layers(build(plan).eval(), row)]
    for layer, times in Counter(layers).items():
        tensors = layer.tensors()
        cells = [f"{1e3 * layer.macs / speed:.2f}"]
        for name in names:
            if name not in layer.able:
                cells.append("")
                continue
            took = 1e3 * _best(partial(WAYS[name], *tensors, layer.geometry), 5)
            cells.append(f"**{took:.2f}**" if name == layer.way else f"{took:.2f}")
        shape = f"{layer.geometry.in_channels} to {layer.geometry.out_channels}, {layer.size}"
        yield f"| {layer.name}: {shape} | {times} | {' | '.join(cells)} |"


def _stage(name: str) -> str:
    return name.split(".", maxsplit=1)[0] if "." in name else name


def _title(row: Row) -> str:
    threads = f"{row.threads} thread" + "s" * (row.threads > 1)
    return f"{row.network}, b = {row.ratio:g}, batch {row.batch}, {threads}"


HEAD = (
    "| network, b, batch, threads | plain ms | chosen / plain | textbook / plain "
    "| compiled / plain | ONNX / plain | textbook / chosen | ONNX / chosen "
    "| floor / plain: arithmetic | bytes "
    "| peak MiB: plain | textbook | chosen | ways |\n" + "|---" * 14 + "|"
)


def line(result: Result) -> str:
    """The row of the table."""
    plain, times = result.milliseconds["plain"], result.milliseconds

    def ratio(over: str, under: str) -> str:
        return f"{times[over] / times[under]:.2f}" if over in times and under in times else "-"

    cells = [
        _title(result.row),
        f"{plain:.0f}",
        *(ratio(name, "plain") for name in ("chosen", "textbook", "compiled", "onnx")),
        ratio("textbook", "chosen"),
        ratio("onnx", "chosen"),
        f"{result.arithmetic / plain:.2f}",
        f"{result.bytes / plain:.2f}",
        *(f"{result.peaks[n]:.0f}" if n in result.peaks else "-" for n in ENGINES[:3]),
        ", ".join(f"{count} {way}" for way, count in result.choices.items()),
    ]
    return f"| {' | '.join(cells)} |"


def misses(results: list[Result]) -> Iterator[str]:
    """Rows that do not reach an aim, each with its floor."""
    for result in results:
        times, row = result.milliseconds, result.row
        if "chosen" not in times:
            continue
        floor = max(result.arithmetic, result.bytes) / times["plain"]
        by_plain = times["chosen"] / times["plain"]
        most = AIMS.get((row.batch, row.ratio))
        if most is not None and by_plain > most:
            yield f"- {_title(row)}: {by_plain:.2f} times plain, aim {most:g}, floor {floor:.2f}"
        if "textbook" in times and times["chosen"] > MARGIN * times["textbook"]:
            yield (
                f"- {_title(row)}: {times['chosen'] / times['textbook']:.2f} times the textbook "
                f"way, aim {MARGIN:g}"
            )
        if "onnx" in times and times["onnx"] > GRAPH * times["chosen"]:
            yield (
                f"- {_title(row)}: ONNX Runtime takes {times['onnx'] / times['chosen']:.2f} times "
                f"as long as chosen, aim {GRAPH:g}"
            )


def write_page(results: list[Result], head: str) -> None:
    """Put the table and the misses between the marks of the page."""
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    told = list(misses(results)) or ["None of these rows misses an aim."]
    reasons = sorted({f"- {_title(r.row)}: no {n}: {why}" for r in results
                      for n, why in r.missing.items()})  # fmt: skip
    lines = [BEGIN, "", head, "", HEAD, *map(line, results), "", "Misses:", "", *told]
    lines += ["", "Not measured:", "", *reasons] if reasons else []
    PAGE.write_text(before + "\n".join([*lines, "", END]) + after, encoding="utf-8")


def main() -> None:
    """Measure the rows that are asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="ResNet-18, b = 1, one thread")
    parser.add_argument("--networks", nargs="*", default=list(NETWORKS), choices=list(NETWORKS))
    parser.add_argument("--ratios", nargs="*", type=float, default=RATIOS)
    parser.add_argument("--batches", nargs="*", type=int, help="of 1, 16, 128; see above")
    parser.add_argument("--threads", nargs="*", type=int, default=THREADS)
    parser.add_argument("--engines", nargs="*", default=USUAL, choices=list(ENGINES))
    parser.add_argument("--seconds", type=float, default=2.5, help="of each engine in each row")
    parser.add_argument("--write", action="store_true", help="put the table into the page")
    parser.add_argument("--profile", action="store_true", help="layers alone, every way")
    asked = parser.parse_args()
    wanted = [
        Row(network, ratio, batch, threads)
        for network in asked.networks
        for ratio in asked.ratios
        for batch in asked.batches or BATCHES
        for threads in asked.threads
    ]
    wanted = [row for row in wanted if asked.batches or row.usual()]
    engines = ("plain", *(name for name in asked.engines if name != "plain"))
    if asked.quick:
        wanted = [Row("resnet18", 1.0, batch, 1) for batch in (1, 16)]
        engines = ("plain", "textbook", "chosen")
    with torch.no_grad():
        if asked.profile:
            print("\n".join(text for row in wanted for text in (*profile(row), "")))
            print(json.dumps({"rows": [asdict(row) for row in wanted]}))
            return
        results = list(_measured(wanted, engines, asked.seconds))
    head = (
        f"`{' '.join(['python', *sys.argv])}`, {datetime.now(UTC).date()}, "
        f"torch {torch.__version__}, {platform.machine()}, {PIXELS} pixels."
    )
    for text in misses(results):
        print(text)
    if asked.write:
        write_page(results, head)
    print(json.dumps({"head": head, "results": [asdict(result) for result in results]}))


def _measured(wanted: list[Row], engines: tuple[str, ...], seconds: float) -> Iterator[Result]:
    print(HEAD)
    with tempfile.TemporaryDirectory() as folder:
        for _, rows in groupby(wanted, key=lambda row: (row.network, row.ratio)):
            same = list(rows)
            ready = Engines(same[0], engines, Path(folder))
            for row in same:
                result = measure(row, ready, seconds)
                print(line(result), flush=True)
                yield result


if __name__ == "__main__":
    main()
