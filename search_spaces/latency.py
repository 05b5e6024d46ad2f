"""How long a network takes: under which conditions, what was measured, and by which statistic.

Other programs of a machine only ever make a network slower, and they do so for a while and then
not. So runs are timed in short *blocks*, one after the other, and the block with the lowest median
counts: its median and its quartiles are what the network takes while nothing else is in its way.
"""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter
from typing import Literal, NamedTuple

_CPU_INFO = Path("/proc/cpuinfo")

Runtime = Literal["torch", "onnxruntime"]

WARM_UPS, WARM_SECONDS = 5, 0.1
"""Runs before the first that is timed: as many, and for as long, at least."""

BLOCKS, FEWEST_BLOCKS = 30, 3
"""Blocks that are timed; as few where the network is slow."""

BLOCK_RUNS, BLOCK_SECONDS = 5, 0.02
"""Runs of a block: as many, and for as long, at least."""

ENOUGH_SECONDS = 0.8
"""No further block begins after this time."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What a latency depends on beside the network and the machine.

    Attributes:
        device: in torch's words, ``"cpu"`` or ``"cuda"``.
        batch: inputs at once.
        threads: CPU threads.
        runtime: ``"torch"``, the network as it is built; ``"onnxruntime"``, its ONNX graph.
    """

    device: str = "cpu"
    batch: int = 1
    threads: int = 1
    runtime: Runtime = "torch"


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds that a network takes for one batch.

    Attributes:
        median: of the runs of the quietest block.
        low: their lower quartile.
        high: their upper quartile.
        hardware: name of the processor or GPU.
    """

    median: float
    low: float
    high: float
    hardware: str

    @property
    def nanoseconds(self) -> int:
        """The median as a whole number, for whoever compares costs; at least 1."""
        return nanoseconds(self.median)


class Quartiles(NamedTuple):
    """Lower quartile, median and upper quartile, in seconds."""

    low: float
    median: float
    high: float


def timed(run: Callable[[], object], clock: Callable[[], float] = perf_counter) -> Quartiles:
    """Time a function until enough is known, warm, and take its quietest block.

    Args:
        run: returns when its work is done.
        clock: seconds of a monotonic clock.
    """
    begin, warmed = clock(), 0
    while warmed < WARM_UPS or clock() - begin < WARM_SECONDS:
        run()
        warmed += 1
    begin = clock()
    blocks: list[list[float]] = []
    while len(blocks) < BLOCKS and (
        len(blocks) < FEWEST_BLOCKS or clock() - begin < ENOUGH_SECONDS
    ):
        blocks.append(_block(run, clock))
    quietest = min(blocks, key=median)
    low, middle, high = quantiles(quietest, n=4, method="inclusive")
    return Quartiles(low, middle, high)


def _block(run: Callable[[], object], clock: Callable[[], float]) -> list[float]:
    """Seconds of each run of one block."""
    runs: list[float] = []
    begin = before = clock()
    while len(runs) < BLOCK_RUNS or before - begin < BLOCK_SECONDS:
        run()
        after = clock()
        runs.append(after - before)
        before = after
    return runs


def processor() -> str:
    """Name of the processor, as far as the system tells it."""
    lines = _CPU_INFO.read_text().splitlines() if _CPU_INFO.is_file() else []
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(found, "") or platform.processor() or platform.machine()


def nanoseconds(seconds: float) -> int:
    """Seconds as a whole number above 0."""
    return max(round(seconds * 1e9), 1)


def milliseconds(seconds: float) -> str:
    """Three significant digits for people: ``12.3 ms``."""
    return f"{seconds * 1e3:.3g} ms"
