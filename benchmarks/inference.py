"""Inference on the CPU: plain, textbook, chosen, compiled and ONNX Runtime, in turns.

All engines of a row live in one process and are timed in turns, so that a busy machine hurts them
alike; the fastest run counts. With one thread CPU time is taken, with two the clock. ``chosen`` is
`auto`; ``plain-last`` and ``chosen-last`` are both networks channels last, as `kwsearch predict`
has them; ``compiled`` is `torch.compile` of ``chosen`` (where a C++ compiler is at hand); ``onnx``
is the graph that `kwsearch export --onnx` writes, in ONNX Runtime; ``package`` is the exported
program compiled by AOTInductor (likewise). Two floors stand beside them: the arithmetic of the
cheapest exact order of every layer at the speed of a product of 1024-cubed matrices, and the bytes
that must be read and written (cells once a layer and batch, weights, inputs and outputs of served
layers) at the speed of summing 128 MiB. Peak memory is what the first run adds to the process.

    python benchmarks/inference.py [--quick] [--networks resnet18 ...] [--ratios 1 ...]
        [--batches 1 16 128] [--threads 1 2] [--engines plain chosen ...] [--seconds 2.5]
        [--write] [--again] [--profile]

Rows of 128 images are measured for b = 1 and two threads alone, unless ``--batches`` asks for them.
``--write`` keeps every row as soon as it is measured, in ``tables/inference.jsonl`` beside this
script, leaves out those that are kept already, and puts all of them into the page: so the table is
made in pieces, by any number of calls. ``--again`` measures kept rows anew. The last line is JSON.
"""

import argparse
import copy
import ctypes
import json
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, astuple, dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from itertools import groupby
from pathlib import Path

import torch
from common.layers import fastest, served_layers, status_bytes
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from search_spaces import InputError, NetworkConfig, plan_network
from search_spaces.networks import build
from search_spaces.networks.backbones import plain_network
from search_spaces.networks.graphs import require_onnx, write_graph
from search_spaces.networks.layer import KWConv, KWLinear
from search_spaces.networks.timing import hardware_of
from search_spaces.networks.ways import WAYS
from search_spaces.networks.ways.matmul import times_transposed
from search_spaces.published import published

PAGE = Path(__file__).with_suffix(".md")
KEPT = PAGE.parent / "tables" / "inference.jsonl"
BEGIN, END = "<!-- table: written by the script -->", "<!-- end of the table -->"
NETWORKS = {
    "resnet18": "kw1x_resnet18",
    "resnet50": "kw1x_resnet50",
    "mobilenetv2": "kw1x_mobilenetv2_100",
    "convnext-tiny": "kw1x_convnext_tiny",
}
RATIOS, BATCHES, THREADS = (0.25, 1.0, 4.0), (1, 16, 128), (1, 2)
ENGINES = (
    "plain", "textbook", "chosen", "plain-last", "chosen-last", "compiled", "onnx", "package",
)  # fmt: skip
USUAL = ("plain", "textbook", "chosen", "plain-last", "chosen-last", "onnx")
PIXELS = 224

PRODUCTS = (torch.mm, times_transposed)
"""Products by torch's two libraries; the faster one is the speed of the machine."""

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
    """What a row measured: milliseconds a batch, MiB, and how served layers were computed.

    Attributes:
        place: processor and torch, and the day.
    """

    row: Row
    milliseconds: dict[str, float]
    peaks: dict[str, float]
    arithmetic: float
    bytes: float
    choices: dict[str, int]
    place: str
    missing: dict[str, str] = field(default_factory=dict)


class Engines:
    """The networks of one configuration, ready to run, and why others are missing."""

    def __init__(self, row: Row, wanted: tuple[str, ...], folder: Path) -> None:
        self.plan = plan_network(row.config, input_size=(PIXELS, PIXELS))
        self.missing: dict[str, str] = {}
        self._wanted, self._folder = wanted, folder
        torch.manual_seed(0)
        self.plain = plain_network(self.plan.backbone).eval()
        self.served = build(self.plan).eval()
        for network in (self.plain, self.served):
            _settle(network)
        self.layers = [m for m in self.served.modules() if isinstance(m, KWConv | KWLinear)]
        both = {"plain-last": self.plain, "chosen-last": self.served}
        self._last = {name: _channels_last(m) for name, m in both.items() if name in wanted}
        self._compiled: dict[int, Callable[[Tensor], object]] = {}
        self._graph: Path | None = self._write_graph() if "onnx" in wanted else None
        self._packed: Path | None = self._write_package() if "package" in wanted else None

    def at(self, threads: int) -> dict[str, Callable[[Tensor], object]]:
        """Every engine by name, for that many threads."""
        made: dict[str, Callable[[Tensor], object]] = {
            "plain": self.plain,
            "textbook": partial(self._run, "textbook"),
            "chosen": partial(self._run, "auto"),
        }
        made |= {f"{name}-last": network for name, network in self._last.items()}
        if self._graph is not None:
            made["onnx"] = _session(self._graph, threads)
        if self._packed is not None:
            made["package"] = torch._inductor.aoti_load_package(str(self._packed))  # noqa: SLF001 - torch documents it by that name
        if "compiled" in self._wanted and self._can_compile("compiled"):
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

    def _can_compile(self, engine: str) -> bool:
        if shutil.which("c++") or shutil.which("g++") or shutil.which("clang++"):
            return True
        self.missing[engine] = "no C++ compiler at hand"
        return False

    def _write_package(self) -> Path | None:
        if not self._can_compile("package"):
            return None
        images = torch.randn(2, 3, PIXELS, PIXELS)
        free = ({0: torch.export.Dim("batch")},)
        program = torch.export.export(self.served, (images,), dynamic_shapes=free)
        path = self._folder / f"{len(list(self._folder.iterdir()))}.pt2"
        torch._inductor.aoti_compile_and_package(program, package_path=str(path))  # noqa: SLF001 - torch documents it by that name
        return path

    def _write_graph(self) -> Path | None:
        path = self._folder / f"{len(list(self._folder.iterdir()))}.onnx"
        try:
            require_onnx()
            write_graph(self.served, torch.randn(2, 3, PIXELS, PIXELS), path)
        except InputError as error:
            self.missing["onnx"] = str(error)
            return None
        return path


def _settle(network: nn.Module) -> None:
    """Give batch norms the statistics of noise: without, values of a deep network vanish."""
    norms = [m for m in network.modules() if isinstance(m, _BatchNorm)]
    for norm in norms:
        norm.reset_running_stats()
        norm.momentum = None  # the mean over all batches, of which there is one
    network.train()
    with torch.no_grad():
        network(torch.randn(8, 3, PIXELS, PIXELS))
    network.eval()


def _channels_last(network: nn.Module) -> nn.Module:
    return copy.deepcopy(network).to(memory_format=torch.channels_last)


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
    runs = engines.at(row.threads)
    spent = dict.fromkeys(runs, 0.0)
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
    layers = served_layers(engines.served, row.batch, PIXELS)
    square = (torch.randn(1024, 1024),) * 2
    speed = 1024**3 / min(fastest(partial(f, *square), 5, clock) for f in PRODUCTS)
    macs = engines.plan.backbone.plain_macs * row.batch + sum(layer.macs for layer in layers)
    moved = 4 * (sum(p.numel() for p in engines.plain.parameters()) + sum(x.values for x in layers))
    return Result(
        row=row,
        milliseconds={name: 1e3 * value for name, value in best.items()},
        peaks=peaks,
        arithmetic=1e3 * macs / speed,
        bytes=1e3 * moved / (4 * 2**25) * fastest(torch.ones(2**25).sum, 5, clock),
        choices=dict(Counter(layer.way(trains=False) for layer in layers)),
        place=f"{hardware_of('cpu')}, torch {torch.__version__}, {datetime.now(UTC).date()}",
        missing=dict(engines.missing),
    )


def _rest() -> float:
    """Bytes that the process holds before a run, with nothing free kept."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return status_bytes("VmRSS")


def profile(row: Row) -> Iterator[str]:
    """Layers of a row alone, in milliseconds: every way, the chosen one in bold."""
    torch.set_num_threads(row.threads)
    plan = plan_network(row.config, input_size=(PIXELS, PIXELS))
    names = list(WAYS)
    yield f"| layer of {_title(row)} | times | floor | {' | '.join(names)} |"
    yield "|---" * (len(names) + 3) + "|"
    square = (torch.randn(1024, 1024),) * 2
    speed = 1024**3 / min(fastest(partial(f, *square), 5) for f in PRODUCTS)
    served = served_layers(build(plan).eval(), row.batch, PIXELS)
    layers = [replace(layer, name=_stage(layer.name)) for layer in served]
    for layer, times in Counter(layers).items():
        tensors = layer.tensors()
        cells = [f"{1e3 * layer.macs / speed:.2f}"]
        for name in names:
            if name not in layer.able:
                cells.append("")
                continue
            took = 1e3 * fastest(partial(WAYS[name], *tensors, layer.geometry), 5)
            cells.append(f"**{took:.2f}**" if name == layer.way(trains=False) else f"{took:.2f}")
        shape = f"{layer.geometry.in_channels} to {layer.geometry.out_channels}, {layer.size}"
        yield f"| {layer.name}: {shape} | {times} | {' | '.join(cells)} |"


def _stage(name: str) -> str:
    return name.split(".", maxsplit=1)[0] if "." in name else name


def _title(row: Row) -> str:
    threads = f"{row.threads} thread" + "s" * (row.threads > 1)
    return f"{row.network}, b = {row.ratio:g}, batch {row.batch}, {threads}"


HEAD = (
    "| network, b, batch, threads | plain ms | chosen / plain | textbook / plain "
    "| compiled / plain | ONNX / plain | channels last: plain / plain | chosen / plain "
    "| textbook / chosen | ONNX / chosen | package / chosen "
    "| floor / plain: arithmetic | bytes "
    "| peak MiB: plain | textbook | chosen | ways |\n" + "|---" * 17 + "|"
)


def line(result: Result) -> str:
    """The row of the table."""
    plain, times = result.milliseconds["plain"], result.milliseconds

    def ratio(over: str, under: str) -> str:
        return f"{times[over] / times[under]:.2f}" if over in times and under in times else "-"

    cells = [
        _title(result.row),
        f"{plain:.0f}",
        *(
            ratio(name, "plain")
            for name in ("chosen", "textbook", "compiled", "onnx", "plain-last", "chosen-last")
        ),
        *(ratio(name, "chosen") for name in ("textbook", "onnx", "package")),
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
        for name in ("onnx", "package"):
            if name in times and times[name] > GRAPH * times["chosen"]:
                yield (
                    f"- {_title(row)}: {name} takes {times[name] / times['chosen']:.2f} times as "
                    f"long as chosen, aim {GRAPH:g}"
                )


def kept() -> dict[Row, Result]:
    """The rows that were written down, in the order of the table."""
    lines = KEPT.read_text(encoding="utf-8").splitlines() if KEPT.is_file() else []
    found = [json.loads(text) for text in lines]
    results = [Result(**{**content, "row": Row(**content["row"])}) for content in found]
    order = list(NETWORKS)
    return {
        r.row: r
        for r in sorted(results, key=lambda r: (order.index(r.row.network), *astuple(r.row)))
    }


def keep(result: Result) -> None:
    """Write a row down, in the place of an earlier one."""
    results = (kept() | {result.row: result}).values()
    fresh = KEPT.with_suffix(".new")
    fresh.write_text("".join(json.dumps(asdict(r)) + "\n" for r in results), encoding="utf-8")
    fresh.replace(KEPT)


def write_page() -> None:
    """Put all rows that were written down, and their misses, between the marks of the page."""
    results = list(kept().values())
    before, _, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    after = rest.partition(END)[2]
    told = list(misses(results)) or ["None of these rows misses an aim."]
    reasons = sorted({f"- {_title(r.row)}: no {n}: {why}" for r in results
                      for n, why in r.missing.items()})  # fmt: skip
    lines = [BEGIN, ""]
    for place, rows in groupby(results, key=lambda result: result.place):
        lines += [f"{place}, {PIXELS} pixels:", "", HEAD, *map(line, rows), ""]
    lines += ["Misses:", "", *told]
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
    parser.add_argument("--write", action="store_true", help="keep each row, and write the page")
    parser.add_argument("--again", action="store_true", help="measure kept rows anew")
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
    if asked.write and not asked.again:
        wanted = [row for row in wanted if row not in kept()]
    engines = ("plain", *(name for name in asked.engines if name != "plain"))
    if asked.quick:
        wanted = [Row("resnet18", 1.0, batch, 1) for batch in (1, 16)]
        engines = ("plain", "textbook", "chosen")
    with torch.no_grad():
        if asked.profile:
            print("\n".join(text for row in wanted for text in (*profile(row), "")))
            print(json.dumps({"rows": [asdict(row) for row in wanted]}))
            return
        results = []
        for result in _measured(wanted, engines, asked.seconds):
            results.append(result)
            if asked.write:
                keep(result)
    for text in misses(results):
        print(text)
    if asked.write:
        write_page()
    print(json.dumps({"results": [asdict(result) for result in results]}))


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
